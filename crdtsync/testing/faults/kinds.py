"""The faults of a synced folder, each with the hazards that it stands for. What they do is in the injectors."""

from dataclasses import dataclass
from enum import StrEnum


class FaultKind(StrEnum):
    """What can go wrong in a shared folder. `FAULTS` says of each what it is and how long it lasts."""

    DELAYED = "delayed"
    UPLOAD_LOST = "upload-lost"
    DOWNLOAD_LOST = "download-lost"
    DELETE_LOST = "delete-lost"
    DUPLICATED = "duplicated"
    CONFLICT_COPY = "conflict-copy"
    SAME_NAME_TWICE = "same-name-twice"
    STACKED_SERVICES = "stacked-services"

    PARTIAL = "partial"
    ZERO_TAIL = "zero-tail"
    EMPTY = "empty"
    FLIPPED_BIT = "flipped-bit"
    TRUNCATED = "truncated"
    CONCATENATED = "concatenated"
    SWAPPED = "swapped"

    VANISHED = "vanished"
    RESURRECTED = "resurrected"
    ROLLED_BACK = "rolled-back"
    VIEW_ROLLED_BACK = "view-rolled-back"
    VIEW_FROZEN = "view-frozen"
    UPLOADS_PAUSED = "uploads-paused"
    UPLOADS_IGNORED = "uploads-ignored"

    FOLDER_EMPTIED = "folder-emptied"
    FOLDER_UNMOUNTED = "folder-unmounted"
    FOLDER_REPLACED = "folder-replaced"
    FOLDER_NESTED = "folder-nested"
    DIRECTORY_SPLIT = "directory-split"
    NAME_CHANGED = "name-changed"

    PLACEHOLDER = "placeholder"
    DEHYDRATED = "dehydrated"
    HYDRATION_FAILS = "hydration-fails"

    UNAVAILABLE = "unavailable"
    STALLED = "stalled"
    SHARING_VIOLATION = "sharing-violation"
    THROTTLED = "throttled"
    FULL = "full"
    FULL_YET_WRITTEN = "full-yet-written"
    FULL_LEAVES_PART = "full-leaves-part"
    PUT_UNANSWERED = "put-unanswered"
    READ_ONLY = "read-only"

    LISTING_STALE = "listing-stale"
    LISTING_INCOMPLETE = "listing-incomplete"
    LISTING_REPEATS = "listing-repeats"
    LISTING_FAILS = "listing-fails"
    NOT_FOUND = "not-found"
    WATCHER_SILENT = "watcher-silent"
    WATCHER_NOISY = "watcher-noisy"
    WATCHER_LATE = "watcher-late"

    FOREIGN_FILES = "foreign-files"
    JUNK_RANDOM = "junk-random"
    JUNK_REPLAYED = "junk-replayed"
    JUNK_RENAMED = "junk-renamed"
    JUNK_TRUNCATED = "junk-truncated"
    JUNK_OVERSIZED = "junk-oversized"
    JUNK_FLOOD = "junk-flood"
    WIPED = "wiped"
    ENCRYPTED = "encrypted"

    @property
    def facts(self) -> "Fault":
        """What is known of this fault."""
        return FAULTS[self]

    @property
    def hazards(self) -> tuple[int, ...]:
        """The numbers of the hazards that it stands for (``3`` is H3)."""
        return FAULTS[self].hazards


class Lasting(StrEnum):
    """What ends a fault."""

    DAMAGE = "damage"
    """Nothing does: it is an event, and what it did to the files stays when faults stop."""
    STATE = "state"
    """A number of turns (calls and silent steps of the machine), or `FaultPlace.heal`."""
    ONE_CALL = "one-call"
    """It lies in wait for a call, and is over after it; `FaultPlace.heal` takes it away."""


@dataclass(frozen=True, slots=True)
class Fault:
    """What is known of a kind of fault."""

    what: str
    hazards: tuple[int, ...]
    lasting: Lasting = Lasting.DAMAGE
    leaves_apart: bool = False
    """Whether a view may differ from the service for good, also when faults have stopped and all is settled."""
    needs_person: bool = False
    """Whether the folder may need a person afterwards: if it strikes the marker, that may be gone for all."""


_STATE, _ONE_CALL = Lasting.STATE, Lasting.ONE_CALL

FAULTS: dict[FaultKind, Fault] = {
    FaultKind.DELAYED: Fault("an upload, download or delete does not come for long", (1, 2), _STATE),
    FaultKind.UPLOAD_LOST: Fault(
        "a file never leaves its machine", (7, 13), leaves_apart=True, needs_person=True
    ),
    FaultKind.DOWNLOAD_LOST: Fault("a file never comes to one machine", (7,), leaves_apart=True),
    FaultKind.DELETE_LOST: Fault("a delete reaches nobody, or one machine not", (9,), leaves_apart=True),
    FaultKind.DUPLICATED: Fault("a file is there again, under a second name", (3,)),
    FaultKind.CONFLICT_COPY: Fault("a conflict copy, also without a conflict", (4,), leaves_apart=True),
    FaultKind.SAME_NAME_TWICE: Fault(
        "two files of one name in one directory, until faults stop", (20, 3), leaves_apart=True
    ),
    FaultKind.STACKED_SERVICES: Fault(
        "two services on one folder: a storm of copies", (31, 3, 4, 8), leaves_apart=True
    ),
    FaultKind.PARTIAL: Fault("a prefix of a file is visible while it comes", (5,)),
    FaultKind.ZERO_TAIL: Fault("the size is right, the tail is zeros while it comes", (5,)),
    FaultKind.EMPTY: Fault("a file of zero bytes while it comes", (5,)),
    FaultKind.FLIPPED_BIT: Fault("a bit of a file is flipped", (6,), leaves_apart=True, needs_person=True),
    FaultKind.TRUNCATED: Fault(
        "a file was cut short, or its tail is zeros, for good", (6,), leaves_apart=True, needs_person=True
    ),
    FaultKind.CONCATENATED: Fault(
        "bytes were appended to a file", (6, 25), leaves_apart=True, needs_person=True
    ),
    FaultKind.SWAPPED: Fault(
        "a file has the content of another valid file", (6,), leaves_apart=True, needs_person=True
    ),
    FaultKind.VANISHED: Fault(
        "a file is gone although nobody deleted it", (7,), leaves_apart=True, needs_person=True
    ),
    FaultKind.RESURRECTED: Fault("a deleted file comes back", (8, 56)),
    FaultKind.ROLLED_BACK: Fault("the folder is as it was, for all", (10,), needs_person=True),
    FaultKind.VIEW_ROLLED_BACK: Fault("the folder is as it was, for one machine", (11,), leaves_apart=True),
    FaultKind.VIEW_FROZEN: Fault("nothing comes to one machine", (11,), _STATE),
    FaultKind.UPLOADS_PAUSED: Fault("nothing leaves one machine", (13,), _STATE),
    FaultKind.UPLOADS_IGNORED: Fault(
        "what is written now never leaves the machine", (13,), _STATE, leaves_apart=True, needs_person=True
    ),
    FaultKind.FOLDER_EMPTIED: Fault(
        "an empty folder in its place; what is written there is lost", (12,), _STATE
    ),
    FaultKind.FOLDER_UNMOUNTED: Fault("the folder is not there", (12,), _STATE),
    FaultKind.FOLDER_REPLACED: Fault("another folder, with its own marker, in its place", (12,), _STATE),
    FaultKind.FOLDER_NESTED: Fault("the folder holds a copy of itself", (12, 3)),
    FaultKind.DIRECTORY_SPLIT: Fault("a directory's files, or some, are in a second directory", (21,)),
    FaultKind.NAME_CHANGED: Fault(
        "case folded, characters replaced, or name shortened", (18,), leaves_apart=True, needs_person=True
    ),
    FaultKind.PLACEHOLDER: Fault("a file comes as a placeholder and hydrates later", (14,)),
    FaultKind.DEHYDRATED: Fault("a local file, also an own one, becomes a placeholder", (14, 15)),
    FaultKind.HYDRATION_FAILS: Fault("a file is listed, and reading it fails", (14,), _STATE),
    FaultKind.UNAVAILABLE: Fault("every call fails", (16, 22, 26), _STATE),
    FaultKind.STALLED: Fault(
        "a call never returns; the adapter gives it up, done or not", (14, 26), _ONE_CALL
    ),
    FaultKind.SHARING_VIOLATION: Fault("one file cannot be opened or removed", (16,), _STATE),
    FaultKind.THROTTLED: Fault("only every n-th call works", (26,), _STATE),
    FaultKind.FULL: Fault("no space, after some more puts", (27,), _STATE),
    FaultKind.FULL_YET_WRITTEN: Fault("no space says the error; the file is there", (27,), _ONE_CALL),
    FaultKind.FULL_LEAVES_PART: Fault(
        "no space, and others see a prefix under the final name",
        (27, 5),
        _ONE_CALL,
        leaves_apart=True,
        needs_person=True,
    ),
    FaultKind.PUT_UNANSWERED: Fault(
        "a put or delete takes effect and its caller is told that it failed", (17, 27), _ONE_CALL
    ),
    FaultKind.READ_ONLY: Fault("nothing can be written or deleted", (28,), _STATE),
    FaultKind.LISTING_STALE: Fault("listings are as they were", (22,), _STATE),
    FaultKind.LISTING_INCOMPLETE: Fault("listings leave files out", (22,), _STATE),
    FaultKind.LISTING_REPEATS: Fault("listings repeat entries", (22,), _STATE),
    FaultKind.LISTING_FAILS: Fault("listings fail half-way", (22,), _STATE),
    FaultKind.NOT_FOUND: Fault("a file that is there is not found", (22,), _STATE),
    FaultKind.WATCHER_SILENT: Fault("no wake-up", (23,), _STATE),
    FaultKind.WATCHER_NOISY: Fault("a wake-up at every turn", (23,), _STATE),
    FaultKind.WATCHER_LATE: Fault("wake-ups come when it is over", (23,), _STATE),
    FaultKind.FOREIGN_FILES: Fault("files of services and systems", (30,)),
    FaultKind.JUNK_RANDOM: Fault("an outsider writes anything", (57,)),
    FaultKind.JUNK_REPLAYED: Fault("an outsider writes an earlier file again, anywhere", (57, 56)),
    FaultKind.JUNK_RENAMED: Fault("an outsider renames a file", (57,), needs_person=True),
    FaultKind.JUNK_TRUNCATED: Fault("an outsider writes a part of a file", (57,)),
    FaultKind.JUNK_OVERSIZED: Fault("an outsider writes a file beyond every bound", (57, 29)),
    FaultKind.JUNK_FLOOD: Fault("an outsider writes many files", (57, 29)),
    FaultKind.WIPED: Fault("an outsider deletes everything", (58,), needs_person=True),
    FaultKind.ENCRYPTED: Fault("an outsider encrypts everything", (58,), needs_person=True),
}
"""Of each kind, what is known of it."""

HAZARDS_ELSEWHERE: dict[int, str] = {
    19: "path length is a file system's: names are bounded at 120 characters",
    24: "no remote tells times, so nothing can depend on them",
}
"""Hazards of a shared folder that no fault stands for, each with the reason."""
