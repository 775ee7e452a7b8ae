"""One replica and one remote: the steps of a round, each of which may be cut anywhere and repeated.

This is the only layer that does I/O on a remote. What a step decides is decided by `protocol` and `store`;
what it has done is in the database before and after each file is touched.
"""

import sqlite3

from crdtsync.errors import (
    FormatError,
    MarkerConflictError,
    MarkerMissingError,
    RemoteError,
    RemoteFileExistsError,
    RemoteNotSetUpError,
    RemoteUnavailableError,
)
from crdtsync.protocol.ids import FeedId, FolderId, ReplicaId, new_feed_id, new_folder_id
from crdtsync.protocol.marker import Marker, decode_marker_file, encode_marker_file
from crdtsync.protocol.names import EXTENSION, NameHint, NameKind, classify, marker_name
from crdtsync.remote import Remote, RemoteFile
from crdtsync.store import feeds, numbers, own_files
from crdtsync.store.clock import time_of
from crdtsync.store.workspace import Workspace, refuse_inside
from crdtsync.sync.outlook import Outlook, Rest, stamp_of
from crdtsync.sync.reading import read_file
from crdtsync.sync.report import OnProgress, Phase, Progress, SyncReport

MARKER_BYTES_MAX = 64 * 1024
COPIES_MAX = 8

LEDGER_FEED = FeedId("aaaaaaaaaaaaa")
"""Stands in a want for the ledger: what is missing is the entry of that index."""


class Session:
    """What the steps share while one process syncs one replica with one remote."""

    def __init__(self, workspace: Workspace, remote: Remote, row: feeds.RemoteRow) -> None:
        self.workspace = workspace
        self.remote = remote
        self.n = row.n
        self.folder = row.folder
        self.known: set[tuple[str, int]] = set()
        """Files that need not be read again: (name, size)."""
        self.own: dict[str, int] = {}
        """Own files that should be in the folder: name -> size."""
        self.damaged: dict[str, NameHint] = {}
        """Files that cannot be read as they are, so that their owner is asked for another copy."""
        self.parked: set[tuple[str | None, str | None, int | None]] = set()
        """Segments (owner, feed, sequence) that a newer version wrote: nobody is asked for another copy."""
        self.retry_in: dict[str, int] = {}
        """Damaged files -> rounds until they are read again."""
        self.retries: dict[str, int] = {}
        self.ledger_named = 0
        """The highest last entry that the name of an own ledger file in the folder gives."""
        self.outlook = Outlook(-1)
        """What the database was last found to hold for this round's steps that are still to come."""
        self.due_ms = 0
        """When there may be something to say although nothing has changed, by the last look; 0: any time."""
        self.rest: Rest | None = None
        """How everything was when a round began that found nothing to do; None if the last one did something."""
        self.began: tuple[tuple[int, int], list[RemoteFile], int] | None = None
        """(stamp, listing, the database's count of writes) at the beginning of this round, if it may lead to rest."""
        self._folders: dict[tuple[str, int], FolderId | None] = {}
        """Files (name, size) that may be markers -> the folder they name; None for those that are none."""

    @property
    def replica(self) -> ReplicaId:
        """The own replica's id."""
        return self.workspace.identity.replica

    def now_ms(self) -> int:
        """Wall time by this machine."""
        return time_of(self.workspace.environment)

    async def load(self) -> None:
        """Read from the database what is kept in memory between rounds."""
        self.known = await self.workspace.database.read(lambda c: feeds.known_files(c, self.n))
        self.own = await self.workspace.database.read(lambda c: own_files.put_names(c, self.n))

    async def begin(self) -> list[RemoteFile] | None:
        """Begin a round: list the remote. None if there is nothing to do, since all is as when there was nothing.

        Raises:
            MarkerMissingError, MarkerConflictError, RemoteUnavailableError: as `listing` does.
            StoreError: the database failed.
        """
        database = self.workspace.database
        rest, self.rest, self.began = self.rest, None, None
        count = database.write_count
        stamp = await database.read(stamp_of)
        found = await self.remote.list("")
        if rest is not None and rest.holds(stamp, found, self.now_ms()):
            self.rest = rest
            return None
        if await self._check_markers(found):
            self.began = stamp, found, count
        return found

    def end(self, report: SyncReport) -> None:
        """End a round of all steps: the next one may rest if this one had nothing to do and wrote nothing."""
        is_done = report.is_idle and not (report.problems or report.waiting or report.not_local)
        if self.began is None or not is_done or self.damaged or self.retry_in:
            return
        stamp, listing, count = self.began
        if count == self.workspace.database.write_count:
            self.rest = Rest(stamp, listing, self.now_ms(), self.due_ms)

    async def listing(self) -> list[RemoteFile]:
        """List the remote, and make sure that it is the folder this replica knows.

        Raises:
            MarkerMissingError: its marker is not there; nothing must be concluded or written.
            MarkerConflictError: the marker of another folder is there.
            RemoteUnavailableError: it cannot be reached.
        """
        found = await self.remote.list("")
        await self._check_markers(found)
        return found

    async def _check_markers(self, found: list[RemoteFile]) -> bool:
        """Raise what `listing` raises; return whether the same files would give the same answer again."""
        named = [file for file in found if classify(file.name).kind is NameKind.MARKER]
        folders = [await self._folder_of(file) for file in named]
        is_sure = None not in folders
        if not any(folders):
            # A service may have renamed it: then its content says what it is.
            folders += [await self._folder_of(file) for file in found if self._may_be_marker(file)]
        others = [folder for folder in folders if folder not in (None, self.folder)]
        if others:
            raise MarkerConflictError(
                f"{self.remote.address} holds the marker of folder {others[0]}, "
                f"and this replica syncs with {self.folder}",
                hint="Keep one set of replicas in one folder; nothing was read or written",
            )
        if self.folder not in folders:
            raise MarkerMissingError(
                f"{self.remote.address} has no marker of folder {self.folder}",
                hint="Is the folder mounted, and fully synced? Nothing was read or written",
            )
        return is_sure

    def _may_be_marker(self, file: RemoteFile) -> bool:
        return (
            classify(file.name).kind is NameKind.UNKNOWN
            and file.size_bytes <= MARKER_BYTES_MAX
            and file.name not in self.own
        )

    async def _folder_of(self, file: RemoteFile) -> FolderId | None:
        """Return the folder whose marker a file is; None if it is none, or cannot be read now."""
        key = (file.name, file.size_bytes)
        if key not in self._folders:
            hint = classify(file.name)
            if not file.is_local:
                return hint.folder  # It is there, and cannot be opened: then its name has to do.
            marker = await _read_marker(self.remote, file)
            if marker is None and hint.kind is NameKind.MARKER:
                return None  # It may still be arriving: it is read again.
            self._folders[key] = None if marker is None else marker.folder
        return self._folders[key]

    def progress(
        self, on_progress: OnProgress | None, phase: Phase, done: int, total: int, size: int = 0
    ) -> None:
        """Tell an observer how far a step is."""
        if on_progress is not None:
            on_progress(Progress(phase, done, total, size))


async def open_session(
    workspace: Workspace, remote: Remote, *, create_folder: bool | None = None, other_folder: bool = False
) -> Session:
    """Attach a replica to a remote, if it is not yet, and return a session.

    A replica syncs with one folder, which its marker tells from all others, and which may move: at a new address
    it is recognised, and an empty place becomes the folder's new home if that is asked for.

    Args:
        workspace: the open replica.
        remote: where it syncs.
        create_folder: True sets up an empty remote, and puts a lost marker back; by default only the office
            sets one up, so that two workstations cannot set up two folders in one place, and only if it has
            none yet.
        other_folder: whether a replica that syncs with one folder leaves it for another one.

    Raises:
        RemoteNotSetUpError: the folder is not set up, or has not arrived here.
        MarkerMissingError: it is not the one this replica was attached to.
        MarkerConflictError: there are markers of several folders, or that of another one than this replica's.
        StoreInSharedFolderError: the replica's directory lies inside the remote's.
        RemoteError: the remote cannot be used.
    """
    row = await workspace.database.read(lambda c: feeds.remote(c, remote.address))
    if row is None or other_folder:
        row = await _attach(workspace, remote, create_folder=create_folder, other_folder=other_folder)
    elif create_folder:
        await _restore_marker(workspace, remote, row)
    session = Session(workspace, remote, row)
    await session.load()
    return session


async def _attach(
    workspace: Workspace, remote: Remote, *, create_folder: bool | None, other_folder: bool
) -> feeds.RemoteRow:
    refuse_inside(workspace.directory, remote.traits.local_root)
    environment = workspace.environment
    files = await remote.list("")
    markers = await _markers(remote, files)
    if len(markers) > 1:
        raise MarkerConflictError(
            f"{remote.address} holds the markers of {len(markers)} different folders",
            hint="Keep one set of replicas in one folder; move the other set's files elsewhere",
        )
    known = await workspace.database.read(feeds.remotes)
    if markers:
        folder, data = markers.popitem()
        if known and not other_folder:
            _require_known(remote, known, data)
    else:
        mine = known[0] if known and not other_folder else None
        _require_empty(remote, files, workspace, mine, create_folder=create_folder)
        folder, data = await _new_marker(workspace, mine)
        await _put_marker(remote, folder, data)
    feed = new_feed_id(environment.random_bytes)

    def attach(connection: sqlite3.Connection) -> feeds.RemoteRow:
        moved = feeds.move_remote(connection, folder, remote.address, {file.name for file in files})
        if moved is not None:
            return moved
        now_ms = time_of(environment)
        for left in feeds.remotes(connection):
            # What others were seen to have of the ledger is known for good, whichever folder told it.
            numbers.note_peers(connection, left.n)
            feeds.leave(connection, left.n)
        row = feeds.attach(connection, remote.address, folder, feed)
        # Every replica keeps the marker's bytes, so that any of them can put it back.
        own = own_files.keep_own_file(connection, row.n, "marker", 0, marker_name(folder), data, now_ms)
        own_files.mark_put(connection, own, now_ms, name=own.name)
        if workspace.identity.is_coordinator:
            numbers.resend_ledger(connection, row, workspace.identity.replica, now_ms)
        return row

    return await workspace.database.write(attach)


def _require_known(remote: Remote, known: list[feeds.RemoteRow], data: bytes) -> None:
    marker = decode_marker_file(data)
    if marker.folder in [row.folder for row in known]:
        return
    by = f", set up by {marker.title}" if marker.title else ""
    raise MarkerConflictError(
        f"{remote.address} holds the marker of folder {marker.folder}{by}, "
        f"and this replica syncs with {known[0].folder} at {known[0].address}",
        hint="A wrong path? Nothing was read or written. To leave the one folder for the other, and bring along all "
        "that is here: attach with other_folder=True (crdtsync remote use ADDRESS --other-folder)",
    )


async def _new_marker(workspace: Workspace, mine: feeds.RemoteRow | None) -> tuple[FolderId, bytes]:
    """Return folder and marker for an empty place: those that the replica has, or new ones if it has none."""
    if mine is not None:
        own = await workspace.database.read(lambda c: own_files.newest(c, mine.n, "marker"))
        assert own is not None  # It is kept from the moment a folder is attached.
        return mine.folder, own.data
    environment, identity = workspace.environment, workspace.identity
    folder = new_folder_id(environment.random_bytes)
    marker = Marker(folder, identity.replica, time_of(environment), identity.name)
    return folder, encode_marker_file(marker)


def _require_empty(
    remote: Remote,
    files: list[RemoteFile],
    workspace: Workspace,
    mine: feeds.RemoteRow | None,
    *,
    create_folder: bool | None,
) -> None:
    if any(classify(file.name).worth_opening for file in files):
        raise RemoteNotSetUpError(
            f"{remote.address} holds files of a folder whose marker is not there",
            hint="Wait until the folder is fully synced",
        )
    if mine is not None and not create_folder:
        raise RemoteNotSetUpError(
            f"{remote.address} is empty, and this replica syncs with folder {mine.folder} at {mine.address}",
            hint="A wrong path? If the folder has moved, wait until its files have arrived here. To begin it anew in "
            "this place, with what the replicas have: sync with create_folder=True (crdtsync sync --create-folder)",
        )
    if not (workspace.identity.role == "office" if create_folder is None else create_folder):
        raise RemoteNotSetUpError(
            f"{remote.address} is not set up",
            hint="The office sets the folder up when it syncs first; wait until its marker has arrived here",
        )


async def _restore_marker(workspace: Workspace, remote: Remote, row: feeds.RemoteRow) -> None:
    if await _markers(remote, await remote.list("")):
        return
    own = await workspace.database.read(lambda c: own_files.newest(c, row.n, "marker"))
    if own is not None:
        await _put_marker(remote, row.folder, own.data)


async def _put_marker(remote: Remote, folder: FolderId, data: bytes) -> None:
    for copy in range(COPIES_MAX):
        name = marker_name(folder)
        try:
            await remote.put(name if not copy else f"{name.removesuffix(EXTENSION)}-r{copy}{EXTENSION}", data)
        except RemoteFileExistsError:
            continue  # Something that is no marker sits in its place; or another replica did this a moment ago.
        return


async def _markers(remote: Remote, files: list[RemoteFile]) -> dict[FolderId, bytes]:
    found: dict[FolderId, bytes] = {}
    named = [file for file in files if classify(file.name).kind is NameKind.MARKER]
    for file in named or [file for file in files if classify(file.name).kind is NameKind.UNKNOWN]:
        if file.size_bytes <= MARKER_BYTES_MAX:
            data = await _read_whole(remote, file)
            marker = _decoded(data)
            if data is not None and marker is not None:
                found[marker.folder] = data
    return found


async def _read_marker(remote: Remote, file: RemoteFile) -> Marker | None:
    return _decoded(await _read_whole(remote, file)) if file.size_bytes <= MARKER_BYTES_MAX else None


async def _read_whole(remote: Remote, file: RemoteFile) -> bytes | None:
    try:
        return await read_file(remote, file.name, bytes_max=MARKER_BYTES_MAX)
    except RemoteUnavailableError:
        raise
    except RemoteError:
        return None  # Gone again, not on this machine, or too large: nothing that can be read now.


def _decoded(data: bytes | None) -> Marker | None:
    try:
        return None if data is None else decode_marker_file(data)
    except FormatError:
        return None  # No marker, or not a whole one yet, which is all that is asked.
