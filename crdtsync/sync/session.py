"""One replica and one remote: the steps of a round, each of which may be cut anywhere and repeated.

This is the only layer that does I/O on a remote. What a step decides is decided by `protocol` and `store`;
what it has done is in the database before and after each file is touched.
"""

import sqlite3

from crdtsync.errors import FormatError, MarkerConflictError, MarkerMissingError, RemoteError
from crdtsync.protocol.ids import FolderId, new_feed_id, new_folder_id
from crdtsync.protocol.marker import Marker, decode_marker_file, encode_marker_file
from crdtsync.protocol.names import NameHint, NameKind, classify, marker_name
from crdtsync.remote import Remote, RemoteFile
from crdtsync.store import feeds, numbers
from crdtsync.store.workspace import Workspace, refuse_inside
from crdtsync.sync.report import OnProgress, Phase, Progress

MARKER_BYTES_MAX = 64 * 1024


class Session:
    """What the steps share while one process syncs one replica with one remote."""

    def __init__(self, workspace: Workspace, remote: Remote, row: feeds.RemoteRow) -> None:
        self.workspace = workspace
        self.remote = remote
        self.n = row.n
        self.folder = row.folder
        self.known: dict[str, int] = {}
        """Files that need not be read again: name -> size."""
        self.own: dict[str, int] = {}
        """Own files that should be in the folder: name -> size."""
        self.damaged: dict[str, NameHint] = {}
        """Files that cannot be read as they are, so that their owner is asked for another copy."""
        self.retry_in: dict[str, int] = {}
        """Damaged files -> rounds until they are read again."""
        self.retries: dict[str, int] = {}
        self.wanted: set[tuple[str, int]] = set()
        """Own segments (feed, sequence) that a peer has asked for."""
        self.wanted_ledger = False

    @property
    def replica(self) -> str:
        """The own replica's id."""
        return self.workspace.identity.replica

    def now_ms(self) -> int:
        """Wall time by this machine."""
        return self.workspace.environment.now_ms()

    async def load(self) -> None:
        """Read from the database what is kept in memory between rounds."""
        self.known = await self.workspace.database.read(lambda c: feeds.known_files(c, self.n))
        self.own = await self.workspace.database.read(lambda c: feeds.put_names(c, self.n))

    async def listing(self) -> list[RemoteFile]:
        """List the remote, and make sure that it is the folder this replica knows.

        Raises:
            MarkerMissingError: its marker is not there; nothing must be concluded or written.
            RemoteUnavailableError: it cannot be reached.
        """
        found = await self.remote.list("")
        for file in found:
            hint = classify(file.name)
            if hint.kind is NameKind.MARKER and hint.folder == self.folder:
                return found
        for file in found:
            # A service may have renamed it: then its content says what it is.
            if classify(file.name).worth_opening and file.size_bytes <= 4096 and file.name not in self.own:
                marker = await _read_marker(self.remote, file)
                if marker is not None and marker.folder == self.folder:
                    return found
        raise MarkerMissingError(
            f"{self.remote.address} has no marker of folder {self.folder}",
            hint="Is the folder mounted, and fully synced? Nothing was read or written",
        )

    def progress(self, on_progress: OnProgress | None, phase: Phase, done: int, total: int, size: int = 0) -> None:
        """Tell an observer how far a step is."""
        if on_progress is not None:
            on_progress(Progress(phase, done, total, size))


async def open_session(workspace: Workspace, remote: Remote, *, create_folder: bool | None = None) -> Session:
    """Attach a replica to a remote, if it is not yet, and return a session.

    Args:
        workspace: the open replica.
        remote: where it syncs.
        create_folder: True sets up an empty remote, and puts a lost marker back; by default only the office
            sets one up, so that two workstations cannot set up two folders in one place.

    Raises:
        MarkerMissingError: the folder is not set up, or not the one this replica was attached to.
        MarkerConflictError: there are markers of several folders.
        StoreInSharedFolderError: the replica's directory lies inside the remote's.
        RemoteError: the remote cannot be used.
    """
    row = await workspace.database.read(lambda c: feeds.remote(c, remote.address))
    if row is None:
        row = await _attach(workspace, remote, create_folder=create_folder)
    elif create_folder:
        await _restore_marker(workspace, remote, row)
    session = Session(workspace, remote, row)
    await session.load()
    return session


async def _attach(workspace: Workspace, remote: Remote, *, create_folder: bool | None) -> feeds.RemoteRow:
    refuse_inside(workspace.directory, remote.traits.local_root)
    environment = workspace.environment
    files = await remote.list("")
    markers = await _markers(remote, files)
    if len(markers) > 1:
        raise MarkerConflictError(
            f"{remote.address} holds the markers of {len(markers)} different folders",
            hint="Keep one set of replicas in one folder; move the other set's files elsewhere",
        )
    if markers:
        folder, data = markers.popitem()
    else:
        _require_empty(remote, files, workspace, create_folder=create_folder)
        folder = new_folder_id(environment.random_bytes)
        data = encode_marker_file(
            Marker(folder, workspace.identity.replica, environment.now_ms(), workspace.identity.name)
        )
        await remote.put(marker_name(folder), data)
    feed = new_feed_id(environment.random_bytes)

    def attach(connection: sqlite3.Connection) -> feeds.RemoteRow:
        moved = feeds.move_remote(connection, folder, remote.address)
        if moved is not None:
            return moved
        now_ms = environment.now_ms()
        row = feeds.attach(connection, remote.address, folder, feed)
        # Every replica keeps the marker's bytes, so that any of them can put it back.
        own = feeds.keep_own_file(connection, row.n, "marker", 0, marker_name(folder), data, now_ms)
        feeds.mark_put(connection, own, now_ms, name=own.name)
        if workspace.identity.is_coordinator:
            numbers.resend_ledger(connection, row, workspace.identity.replica, now_ms)
        return row

    return await workspace.database.write(attach)


def _require_empty(
    remote: Remote, files: list[RemoteFile], workspace: Workspace, *, create_folder: bool | None
) -> None:
    if any(classify(file.name).worth_opening for file in files):
        raise MarkerMissingError(
            f"{remote.address} holds files of a folder whose marker is not there",
            hint="Wait until the folder is fully synced",
        )
    if not (workspace.identity.role == "office" if create_folder is None else create_folder):
        raise MarkerMissingError(
            f"{remote.address} is not set up",
            hint="The office sets the folder up when it syncs first; wait until its marker has arrived here",
        )


async def _restore_marker(workspace: Workspace, remote: Remote, row: feeds.RemoteRow) -> None:
    files = await remote.list("")
    markers = await _markers(remote, files)
    if markers:
        return
    name = marker_name(row.folder)
    own = await workspace.database.read(lambda c: feeds.own_file(c, row.n, name))
    if own is not None:
        await remote.put(name, own.data)


async def _markers(remote: Remote, files: list[RemoteFile]) -> dict[FolderId, bytes]:
    found: dict[FolderId, bytes] = {}
    for file in files:
        if classify(file.name).kind is NameKind.MARKER and file.size_bytes <= MARKER_BYTES_MAX:
            data = await remote.get(file.name, bytes_max=MARKER_BYTES_MAX)
            found[decode_marker_file(data).folder] = data
    return found


async def _read_marker(remote: Remote, file: RemoteFile) -> Marker | None:
    try:
        return decode_marker_file(await remote.get(file.name, bytes_max=MARKER_BYTES_MAX))
    except (FormatError, RemoteError):
        return None  # Not a marker that can be read now, which is all that is asked.
