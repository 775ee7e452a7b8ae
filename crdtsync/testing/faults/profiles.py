"""What each service does to a folder, as data: which faults it has, how often, and who says so."""

from bisect import bisect_right
from collections.abc import Mapping
from dataclasses import dataclass
from itertools import accumulate
from types import MappingProxyType

from crdtsync.testing.faults.kinds import FaultKind
from crdtsync.testing.faults.names import ConflictNaming


@dataclass(frozen=True, slots=True)
class Source:
    """A statement about a service, and where it is made."""

    statement: str
    where: str
    kinds: tuple[FaultKind, ...] = ()


@dataclass(frozen=True, slots=True)
class Profile:
    """What a service, or a stranger, does to a folder."""

    name: str
    weights: Mapping[FaultKind, int]
    """The faults that exist, and how often each is drawn in proportion to the others."""

    conflict_namings: tuple[ConflictNaming, ...] = (ConflictNaming.DROPBOX,)
    """How conflict copies may be named; a draw chooses."""

    uploads_conflict_copies: bool = True
    """Whether a conflict copy comes to the others as well."""

    shows_partial: bool = False
    """Whether a file that comes may be visible in part under its name."""

    sources: tuple[Source, ...] = ()
    """What is known of the service, and who says so."""

    @property
    def kinds(self) -> tuple[FaultKind, ...]:
        """The faults that exist, in a stable order."""
        return tuple(self.weights)

    def kind_of(self, draw: int) -> FaultKind:
        """Return the fault that a number chooses, each as often as its weight.

        Raises:
            ValueError: the profile has no faults.
        """
        ends = list(accumulate(self.weights.values()))
        if not ends:
            raise ValueError(f"the profile {self.name} has no faults")
        return tuple(self.weights)[bisect_right(ends, abs(draw) % ends[-1])]


F = FaultKind


def _weights(*groups: Mapping[FaultKind, int]) -> Mapping[FaultKind, int]:
    return {kind: weight for group in groups for kind, weight in group.items()}


_ANY_SERVICE: Mapping[FaultKind, int] = {
    F.DELAYED: 6,
    F.UPLOAD_LOST: 2,
    F.DOWNLOAD_LOST: 2,
    F.DELETE_LOST: 2,
    F.DUPLICATED: 2,
    F.CONFLICT_COPY: 3,
    F.VANISHED: 2,
    F.RESURRECTED: 2,
    F.UPLOADS_PAUSED: 2,
    F.VIEW_FROZEN: 2,
    F.UNAVAILABLE: 3,
    F.STALLED: 2,
    F.PUT_UNANSWERED: 2,
    F.FULL: 2,
    F.FULL_YET_WRITTEN: 1,
    F.FOLDER_UNMOUNTED: 1,
    F.FOLDER_EMPTIED: 1,
    F.WATCHER_SILENT: 2,
    F.WATCHER_NOISY: 1,
    F.WATCHER_LATE: 2,
    F.FOREIGN_FILES: 2,
}
"""What a draw may choose in every profile of a service."""

_PLACEHOLDERS: Mapping[FaultKind, int] = {F.PLACEHOLDER: 5, F.DEHYDRATED: 4, F.HYDRATION_FAILS: 3}
_WINDOWS: Mapping[FaultKind, int] = {F.SHARING_VIOLATION: 3}
_PARTS: Mapping[FaultKind, int] = {F.PARTIAL: 4, F.ZERO_TAIL: 2, F.EMPTY: 2, F.FULL_LEAVES_PART: 1}
_DAMAGE: Mapping[FaultKind, int] = {F.FLIPPED_BIT: 2, F.TRUNCATED: 2, F.CONCATENATED: 1, F.SWAPPED: 1}
_LISTINGS: Mapping[FaultKind, int] = {
    F.LISTING_STALE: 3,
    F.LISTING_INCOMPLETE: 3,
    F.LISTING_REPEATS: 1,
    F.LISTING_FAILS: 2,
    F.NOT_FOUND: 2,
}
_OUTSIDER: Mapping[FaultKind, int] = {
    F.JUNK_RANDOM: 4,
    F.JUNK_REPLAYED: 4,
    F.JUNK_RENAMED: 3,
    F.JUNK_TRUNCATED: 3,
    F.JUNK_OVERSIZED: 1,
    F.JUNK_FLOOD: 1,
}

CALM = Profile("calm", {})
"""No faults; what is put arrives late, and in any order, as everywhere."""

DROPBOX = Profile(
    "dropbox",
    _weights(
        _ANY_SERVICE, _WINDOWS, _PLACEHOLDERS, {F.ROLLED_BACK: 1, F.UPLOADS_IGNORED: 2, F.NAME_CHANGED: 1}
    ),
    conflict_namings=(
        ConflictNaming.DROPBOX,
        ConflictNaming.DROPBOX,
        ConflictNaming.DROPBOX,
        ConflictNaming.DROPBOX_CASE,
        ConflictNaming.DROPBOX_WHITE_SPACE,
        ConflictNaming.DROPBOX_SELECTIVE_SYNC,
    ),
    sources=(
        Source(
            "of two names that differ in case or in a space one becomes NAME (Case Conflict).EXT or NAME (White "
            "Space Conflict).EXT, and what selective sync leaves out and is made again NAME (Selective Sync Conflict)",
            "help.dropbox.com, white-space-conflict, selective-sync-conflict; maestral.app, docs/filesystem",
            (F.CONFLICT_COPY,),
        ),
        Source(
            "the second of two versions becomes NAME (WHO's conflicted copy DATE).EXT, also when a program "
            "keeps the file open or saves by itself",
            "help.dropbox.com, syncing-uploads/conflicted-copy",
            (F.CONFLICT_COPY,),
        ),
        Source(
            "a folder that selective sync leaves out and that is made again here is never uploaded",
            "help.dropbox.com, selective-sync-conflict",
            (F.UPLOADS_IGNORED,),
        ),
        Source(
            "Rewind takes a folder back to an earlier time",
            "help.dropbox.com, delete-restore/rewind",
            (F.ROLLED_BACK, F.RESURRECTED, F.VANISHED),
        ),
        Source(
            "online-only files are listed and hold nothing until opened",
            "help.dropbox.com, sync/make-files-online-only",
            (F.PLACEHOLDER, F.DEHYDRATED, F.HYDRATION_FAILS),
        ),
        Source("names are not case sensitive", "rclone.org, dropbox", (F.NAME_CHANGED,)),
    ),
)

ONEDRIVE = Profile(
    "onedrive",
    _weights(
        _ANY_SERVICE,
        _WINDOWS,
        _PLACEHOLDERS,
        {F.ROLLED_BACK: 1, F.THROTTLED: 3, F.CONCATENATED: 1, F.NAME_CHANGED: 1, F.UPLOADS_IGNORED: 1},
    ),
    conflict_namings=(ConflictNaming.ONEDRIVE_COMPUTER, ConflictNaming.ONEDRIVE_NUMBER),
    sources=(
        Source(
            "both versions are kept, with the computer's name appended to one",
            "support.microsoft.com, OneDrive: resolve sync conflicts",
            (F.CONFLICT_COPY,),
        ),
        Source(
            "a client for Linux does the same, and was known to go on adding the computer's name",
            "github.com/abraunegg/onedrive, release notes of 2.0.0",
            (F.CONFLICT_COPY,),
        ),
        Source(
            "a file can be listed with its full size and have no data; a provider may dehydrate at any time",
            "learn.microsoft.com, windows/win32/cfapi",
            (F.PLACEHOLDER, F.DEHYDRATED),
        ),
        Source(
            "every open fails with 0x8007016A while the provider does not run",
            "learn.microsoft.com, ERROR_CLOUD_FILE_PROVIDER_NOT_RUNNING",
            (F.HYDRATION_FAILS,),
        ),
        Source(
            "SharePoint rewrites uploaded files of types it knows: size and hash change",
            "rclone.org, onedrive",
            (F.CONCATENATED,),
        ),
        Source(
            "a whole drive can be restored to an earlier time within 30 days",
            "support.microsoft.com, Restore your OneDrive",
            (F.ROLLED_BACK, F.RESURRECTED, F.VANISHED),
        ),
        Source(
            "calls are throttled with 429 and 503",
            "learn.microsoft.com, graph/throttling",
            (F.THROTTLED,),
        ),
    ),
)

GOOGLE_DRIVE = Profile(
    "google-drive",
    _weights(
        _ANY_SERVICE,
        _PLACEHOLDERS,
        _LISTINGS,
        {F.SAME_NAME_TWICE: 4, F.DUPLICATED: 4, F.THROTTLED: 4},
    ),
    conflict_namings=(ConflictNaming.GOOGLE,),
    sources=(
        Source(
            "a folder may hold several files of one name, and the service doubles files by itself at times",
            "rclone.org, drive (duplicated files)",
            (F.SAME_NAME_TWICE, F.DUPLICATED),
        ),
        Source(
            "files uploaded a short while ago may be missing in the listing of a shared drive",
            "rclone.org, drive (limitations)",
            (F.LISTING_STALE, F.LISTING_INCOMPLETE),
        ),
        Source("about two files a second are transferred", "rclone.org, drive (limitations)", (F.THROTTLED,)),
        Source(
            "streamed files cannot be read without network or while the program does not run",
            "support.google.com, googleone/10838124",
            (F.PLACEHOLDER, F.DEHYDRATED, F.HYDRATION_FAILS),
        ),
    ),
)

ICLOUD = Profile(
    "icloud",
    _weights(
        _ANY_SERVICE,
        _PLACEHOLDERS,
        {F.DIRECTORY_SPLIT: 3, F.DELAYED: 12, F.NAME_CHANGED: 1, F.EMPTY: 1},
    ),
    conflict_namings=(ConflictNaming.ICLOUD,),
    sources=(
        Source(
            "two machines that make one directory get DIR and DIR 2",
            "mentalfaculty.com, Ensembles and iCloud Drive",
            (F.DIRECTORY_SPLIT, F.CONFLICT_COPY),
        ),
        Source(
            "a file may be dataless: right name and size, no content; opening it blocks",
            "developer.apple.com, TN3150",
            (F.PLACEHOLDER, F.DEHYDRATED, F.HYDRATION_FAILS),
        ),
        Source(
            "single files may stay behind for days until the daemon is started again",
            "eclecticlight.co, iCloud Drive",
            (F.DELAYED,),
        ),
    ),
)

SYNCTHING = Profile(
    "syncthing",
    _weights(_ANY_SERVICE, {F.RESURRECTED: 5, F.DELETE_LOST: 4, F.FOLDER_REPLACED: 1, F.NAME_CHANGED: 1}),
    conflict_namings=(ConflictNaming.SYNCTHING, ConflictNaming.SYNCTHING, ConflictNaming.NO_COPY),
    sources=(
        Source(
            "the older of two versions becomes NAME.sync-conflict-DATE-TIME-DEVICE.EXT and is synced like any "
            "other; with maxConflicts 0, and on a copy of a copy, it is lost",
            "docs.syncthing.net, users/syncing and users/config",
            (F.CONFLICT_COPY,),
        ),
        Source(
            "deletes are told a minute later than other changes",
            "docs.syncthing.net, users/syncing",
            (F.DELETE_LOST, F.DELAYED),
        ),
        Source(
            "old deletes are forgotten, after six to fifteen months by version: a machine that returns then "
            "brings the files back",
            "github.com/syncthing/syncthing, pull request 10023; release notes of 2.0",
            (F.RESURRECTED,),
        ),
        Source(
            "temporary names .syncthing.NAME.tmp are in the folder for up to a day",
            "docs.syncthing.net, users/syncing",
            (F.FOREIGN_FILES,),
        ),
        Source(
            "a full scan finds what the watcher has missed",
            "docs.syncthing.net, users/syncing",
            (F.WATCHER_SILENT, F.WATCHER_LATE),
        ),
    ),
)

NEXTCLOUD = Profile(
    "nextcloud",
    _weights(_ANY_SERVICE, _WINDOWS, _PLACEHOLDERS, {F.CONFLICT_COPY: 6, F.EMPTY: 1, F.ROLLED_BACK: 1}),
    conflict_namings=(ConflictNaming.NEXTCLOUD,),
    uploads_conflict_copies=False,
    sources=(
        Source(
            "NAME (conflicted copy DATE TIME).EXT has the local version and is not uploaded unless the server "
            "allows it",
            "docs.nextcloud.com, user_manual/desktop/conflicts",
            (F.CONFLICT_COPY,),
        ),
        Source(
            "conflict copies where nobody had changed anything, some with an empty original",
            "github.com/nextcloud/desktop, issues 943, 2467 and 4350",
            (F.CONFLICT_COPY, F.EMPTY),
        ),
    ),
)

SMB = Profile(
    "smb",
    _weights(
        _ANY_SERVICE, _WINDOWS, _PARTS, _LISTINGS, {F.READ_ONLY: 2, F.TRUNCATED: 2, F.FOLDER_UNMOUNTED: 3}
    ),
    conflict_namings=(ConflictNaming.NO_COPY, ConflictNaming.DROPBOX),
    shows_partial=True,
    sources=(
        Source(
            "a client keeps caches of listings and of names that were not found: a poll can miss a new file",
            "learn.microsoft.com, previous-versions/windows/it-pro/windows-7/ff686200",
            (F.LISTING_STALE, F.LISTING_INCOMPLETE, F.NOT_FOUND),
        ),
        Source(
            "files appear under their final name while they are written, and are cut short or empty after a failure",
            "github.com/restic/restic, issues 3455 and 5124",
            (F.PARTIAL, F.EMPTY, F.TRUNCATED, F.FULL_LEAVES_PART),
        ),
        Source(
            "no event tells of changes made by other machines",
            "docs.syncthing.net, users/syncing; man7.org, inotify(7)",
            (F.WATCHER_SILENT,),
        ),
        Source(
            "rename and open fail with access denied while a virus scanner or indexer holds the file",
            "github.com/isaacs/node-graceful-fs, issue 104",
            (F.SHARING_VIOLATION,),
        ),
    ),
)

HOSTILE = Profile(
    "hostile",
    _weights(_ANY_SERVICE, _PARTS, _DAMAGE, _OUTSIDER, {F.WIPED: 1, F.ENCRYPTED: 1, F.ROLLED_BACK: 1}),
    conflict_namings=tuple(ConflictNaming),
    shows_partial=True,
    sources=(
        Source(
            "whoever may write to the folder may add, change, delete, rename, replay and fill",
            "the threat model: a writer without keys",
            tuple(_OUTSIDER),
        ),
    ),
)

ANY = Profile(
    "any",
    {kind: 1 for kind in FaultKind if kind not in {*_OUTSIDER, F.WIPED, F.ENCRYPTED}},
    conflict_namings=tuple(ConflictNaming),
    shows_partial=True,
    sources=(
        Source(
            "a vault of Cryptomator on top of a service lifts what that appended to the encrypted name over to the "
            "name that is shown, NAME_conflict.EXT, or numbers it, NAME (1).EXT",
            "github.com/cryptomator/cryptofs, issue 355 and C9rConflictResolver",
            (F.CONFLICT_COPY,),
        ),
    ),
)
"""Every fault that some service has, each as often as any other."""

PROFILES: Mapping[str, Profile] = MappingProxyType(
    {
        profile.name: profile
        for profile in (
            CALM,
            DROPBOX,
            ONEDRIVE,
            GOOGLE_DRIVE,
            ICLOUD,
            SYNCTHING,
            NEXTCLOUD,
            SMB,
            HOSTILE,
            ANY,
        )
    }
)
"""All profiles by name."""
