"""An open database: two connections, on which whole functions run.

Everything above is a plain function of a `sqlite3.Connection`. Functions given to `write` share one
transaction when they are waiting together (group commit): each is durable when its `await` returns.
"""

import shutil
import sqlite3
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Generic, Protocol, Self, TypeVar

from crdtsync.environment import Connect, Connection
from crdtsync.errors import (
    CrdtSyncError,
    StoreBusyError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreMissingError,
    StoreNewerError,
    StoreReadOnlyError,
    UsageError,
)
from crdtsync.store.connections import connect_in_thread
from crdtsync.store.tables import APPLICATION_ID, MIGRATIONS, SCHEMA_VERSION

R = TypeVar("R")
Job = Callable[[sqlite3.Connection], R]

BUSY_TIMEOUT_S = 15.0
SWITCH_ATTEMPTS = 50
BATCH_JOBS_MAX = 256

_HEADER_BYTES = 100
_ROOM_BYTES = 64 * 1024
_MAGIC = b"SQLite format 3\x00"


class Participant(Protocol):
    """Who keeps something in memory that must follow the database when it rolls back."""

    def batch_begins(self, connection: sqlite3.Connection) -> None:
        """A transaction has begun, with what other processes have committed in sight."""
        ...

    def job_begins(self) -> None:
        """A job starts inside a transaction."""
        ...

    def job_failed(self) -> None:
        """All since `job_begins` was rolled back."""
        ...

    def batch_failed(self) -> None:
        """All since the transaction began was rolled back."""
        ...

    def batch_committed(self) -> None:
        """All since the transaction began is durable."""
        ...


@dataclass(slots=True, eq=False)
class _Pending(Generic[R]):
    job: Job[R]
    result: R | None = None
    error: BaseException | None = None


class Database:
    """An open database. Use `Database.open`; it is an async context manager's job to close it."""

    def __init__(self, path: Path, connect: Connect | None, busy_timeout_s: float | None) -> None:
        self.path = path
        self._connect = connect or connect_in_thread
        self._busy_timeout_s = BUSY_TIMEOUT_S if busy_timeout_s is None else busy_timeout_s
        self.write_count = 0
        """Goes up when a write of this process begins and when it ends."""
        self._is_open = False
        self._writer: Connection
        self._reader: Connection
        self._pending: deque[_Pending[Any]] = deque()
        self._participants: list[Participant] = []

    @classmethod
    async def open(
        cls,
        path: Path,
        *,
        create: bool = False,
        connect: Connect | None = None,
        busy_timeout_s: float | None = None,
    ) -> Self:
        """Open a database, bringing it to this version's tables.

        Args:
            path: the file.
            create: whether to make it if it is not there.
            connect: how its connections are opened; by default each has a thread.
            busy_timeout_s: how long to wait while another process writes.

        Raises:
            StoreMissingError: it is not there, and `create` is not given.
            StoreNewerError, StoreCorruptError, StoreReadOnlyError, StoreFullError, StoreBusyError: as they say.
        """
        if not create and not path.is_file():  # noqa: ASYNC240 - one look, before anything runs
            raise StoreMissingError(f"there is no replica at {path.parent}")
        self = cls(path, connect, busy_timeout_s)
        self._writer = await self._open_connection(_prepare_writer)
        try:
            self._reader = await self._open_connection(_prepare_reader)
        except BaseException:
            await self._writer.close()
            raise
        self._is_open = True
        return self

    async def close(self) -> None:
        """Close both connections; what was acknowledged is durable already."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            await self._reader.close()
        finally:
            await self._writer.close()

    def join(self, participant: Participant) -> None:
        """Tell `participant` from now on what becomes of each transaction, in the writer's thread."""
        self._participants.append(participant)

    async def write(self, job: Job[R]) -> R:
        """Run `job` in a transaction and return its result when that is durable.

        If the job raises, what it wrote is undone, and only that. A job must not keep the connection. When the
        wait is cancelled, the job is done all the same, before any that is asked for later.

        Raises:
            UsageError: the database was closed.
            StoreError: the database failed; nothing of the job was written.
        """
        self._require_open()
        pending = _Pending(job)
        self._pending.append(pending)
        self.write_count += 1
        try:
            await self._run(self._writer, self._run_pending)
        finally:
            self.write_count += 1
        if isinstance(pending.error, sqlite3.Error):
            raise as_store_error(pending.error, self.path) from pending.error
        if pending.error is not None:
            raise pending.error
        return pending.result  # type: ignore[return-value]  # set when there is no error

    async def read(self, job: Job[R]) -> R:
        """Run `job` on a consistent state of the database, beside the writers.

        Raises:
            UsageError: the database was closed.
            StoreError: the database failed.
        """
        self._require_open()
        return await self._run(self._reader, _in_snapshot, job)

    async def run(self, job: Job[R]) -> R:
        """Run `job` in the writer's thread outside of a transaction, after all writes asked for before.

        Raises:
            UsageError: the database was closed.
            StoreError: the database failed.
        """
        self._require_open()
        return await self._run(self._writer, _outside, job)

    def _require_open(self) -> None:
        if not self._is_open:
            raise UsageError("the replica is closed", hint="Use it inside its `async with` block")

    async def _open_connection(self, prepare: Callable[[sqlite3.Connection, Path], None]) -> Connection:
        with translated(self.path):
            opened = await self._connect(self.path, self._busy_timeout_s)
        try:
            await self._run(opened, prepare, self.path)
        except BaseException:
            await opened.close()
            raise
        return opened

    async def _run(self, connection: Connection, function: Callable[..., R], *args: Any) -> R:
        try:
            return await connection.run(function, *args)
        except sqlite3.Error as error:
            raise as_store_error(error, self.path) from error

    def _run_pending(self, connection: sqlite3.Connection) -> None:
        batch: list[_Pending[Any]] = []
        while self._pending and len(batch) < BATCH_JOBS_MAX:
            batch.append(self._pending.popleft())
        if not batch:
            return
        try:
            _begin(connection, "BEGIN IMMEDIATE")
            for participant in self._participants:
                participant.batch_begins(connection)
            for pending in batch:
                self._run_one(connection, pending, alone=len(batch) == 1)
            connection.execute("COMMIT")
        except BaseException as error:  # noqa: BLE001 - it is handed to those who wait
            # First of all: nobody who waits may take this for a success, whatever else goes wrong here.
            for pending in batch:
                pending.error = pending.error or error
            for participant in self._participants:
                participant.batch_failed()
            _roll_back(connection)
        else:
            for participant in self._participants:
                participant.batch_committed()

    def _run_one(self, connection: sqlite3.Connection, pending: _Pending[Any], *, alone: bool) -> None:
        for participant in self._participants:
            participant.job_begins()
        if not alone:
            connection.execute("SAVEPOINT job")
        try:
            pending.result = pending.job(connection)
        except BaseException as error:
            for participant in self._participants:
                participant.job_failed()
            pending.error = error
            if not connection.in_transaction:
                # The disk is full, or the like: SQLite gave up the whole transaction, so all of it failed.
                raise
            if not alone:
                connection.execute("ROLLBACK TO job")
                connection.execute("RELEASE job")
                return
            raise
        if not alone:
            connection.execute("RELEASE job")


def _prepare_reader(connection: sqlite3.Connection, _: Path) -> None:
    _configure(connection)
    connection.execute("PRAGMA query_only = ON")


def _prepare_writer(connection: sqlite3.Connection, path: Path) -> None:
    _examine(path)
    _configure(connection)
    _version(connection)  # Before anything is written: the database may be somebody else's.
    _migrate(connection)


def _configure(connection: sqlite3.Connection) -> None:
    connection.execute("PRAGMA foreign_keys = OFF")
    connection.execute("PRAGMA temp_store = MEMORY")
    connection.execute("PRAGMA cache_size = -16000")


def _examine(path: Path) -> None:
    """Refuse by its header, before SQLite so much as opens it, a file that this version must not touch."""
    try:
        with path.open("rb") as file:
            header = file.read(_HEADER_BYTES)
    except OSError:
        return  # SQLite will say it better.
    if header and not header.startswith(_MAGIC):
        raise StoreCorruptError(f"{path} is not a SQLite database")
    if len(header) == _HEADER_BYTES:
        version, application = (int.from_bytes(header[at : at + 4], "big") for at in (60, 68))
        # Zero may only mean that both are still in the write-ahead log.
        _check_version(version, application)


def _migrate(connection: sqlite3.Connection) -> None:
    _use_write_ahead_log(connection)
    # NORMAL lost every commit since the last checkpoint in a power cut; FULL lost none.
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 2000")
    version = _version(connection)
    if version == SCHEMA_VERSION:
        return
    connection.execute("BEGIN IMMEDIATE")
    try:
        version = _version(connection)
        for step in MIGRATIONS[version:]:
            step(connection)
        connection.execute(f"PRAGMA user_version = {SCHEMA_VERSION}")
        connection.execute(f"PRAGMA application_id = {APPLICATION_ID}")
        connection.execute("COMMIT")
    except BaseException:
        _roll_back(connection)
        raise


def _use_write_ahead_log(connection: sqlite3.Connection) -> None:
    """Switch to the write-ahead log, waiting as long for others as any write would.

    While another connection writes under the old journal, SQLite refuses the switch at once: its busy timeout
    does not hold for a change of the journal's mode. It does for a transaction, so that is what waits.
    """
    for _ in range(SWITCH_ATTEMPTS):
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if not _is_busy(error):
                raise
            connection.execute("BEGIN IMMEDIATE")
            connection.execute("ROLLBACK")
        else:
            return
    connection.execute("PRAGMA journal_mode = WAL")


def _is_busy(error: sqlite3.Error) -> bool:
    return (getattr(error, "sqlite_errorname", "") or "").startswith(("SQLITE_BUSY", "SQLITE_LOCKED"))


def _version(connection: sqlite3.Connection) -> int:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    (application,) = connection.execute("PRAGMA application_id").fetchone()
    (tables,) = connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
    if application == 0 and (tables or version):
        raise _not_ours()
    _check_version(version, application)
    return int(version)


def _check_version(version: int, application: int) -> None:
    if application not in (0, APPLICATION_ID):
        raise _not_ours()
    if application and version > SCHEMA_VERSION:
        raise StoreNewerError(
            f"the database has version {version}; this crdtsync knows up to {SCHEMA_VERSION}"
        )


def _not_ours() -> StoreCorruptError:
    return StoreCorruptError(
        "the database was not made by crdtsync", hint="Give the directory of a replica, or an empty one"
    )


def _roll_back(connection: sqlite3.Connection) -> None:
    """End the transaction, if there is one. What failed is the news, not that this may fail as well."""
    if connection.in_transaction:
        try:  # noqa: SIM105 - at the end of every read, and this is twice as fast
            connection.execute("ROLLBACK")
        except sqlite3.Error:
            pass


def _outside(connection: sqlite3.Connection, job: Job[R]) -> R:
    """Run a job outside of a transaction, also when one could not be rolled back at its time."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    return job(connection)


def _begin(connection: sqlite3.Connection, begin: str) -> None:
    """Begin a transaction, also when one could not be rolled back at its time."""
    if connection.in_transaction:
        connection.execute("ROLLBACK")
    connection.execute(begin)


def _in_snapshot(connection: sqlite3.Connection, job: Job[R]) -> R:
    _begin(connection, "BEGIN")
    try:
        return job(connection)
    finally:
        _roll_back(connection)


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Turn what SQLite says into the errors of `crdtsync.errors`, keeping the cause."""
    try:
        yield
    except CrdtSyncError:
        raise
    except sqlite3.Error as error:
        raise as_store_error(error, path) from error


def as_store_error(error: sqlite3.Error, path: Path) -> StoreError:
    """Return the error of ours for one of SQLite's."""
    name = getattr(error, "sqlite_errorname", "") or ""
    said = f"{path}: {error}"
    # Where the disk is too full even for SQLite's shared memory file, it only speaks of an I/O error.
    if name.startswith("SQLITE_FULL") or (name.startswith("SQLITE_IOERR") and _is_full(path)):
        return StoreFullError(said)
    if _is_busy(error):
        return StoreBusyError(said)
    if name.startswith(("SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_PERM", "SQLITE_AUTH")):
        return StoreReadOnlyError(said)
    if name.startswith(("SQLITE_CORRUPT", "SQLITE_NOTADB")):
        return StoreCorruptError(said)
    return StoreError(said)


def _is_full(path: Path) -> bool:
    try:
        return shutil.disk_usage(path.parent).free < _ROOM_BYTES
    except OSError:
        return False
