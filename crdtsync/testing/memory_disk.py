"""A simulated disk whose databases are in memory: twice as fast, for the many schedules of a simulation.

`KeptDatabases` makes it twice as fast again: the databases of a schedule that is over serve the next one.
"""

import sqlite3
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, Self, TypeVar

from crdtsync.environment import Connection
from crdtsync.testing.disk import CACHED_STATEMENTS, TOLD_APART, SimulatedDisk, Statements

P = ParamSpec("P")
R = TypeVar("R")

FAST_DIRECTORY = Path("/dev/shm")  # noqa: S108 - a disk in memory, where there is one

_READ_VERSION, _WRITE_VERSION, _ROLLBACK_JOURNAL = 18, 19, 1
"""Two offsets in the header of a SQLite file, and the value of both that asks for no write-ahead log (see
https://www.sqlite.org/fileformat2.html, "The Database Header")."""

_CHANGE_COUNTER = slice(24, 28)
_SCHEMA_COOKIE = slice(40, 44)
_VALID_FOR = slice(92, 96)
"""More of that header: how connections learn that others have written, and have made other tables."""


class KeptDatabases:
    """Databases that are open and belong to nobody now; a context manager.

    To open one, to read its tables and to prepare a replica's statements takes longer than ten rounds. Here, all
    that is kept: a database gets other contents as if another process had written them, which SQLite
    must notice, and it is checked that it did.
    """

    def __init__(self) -> None:
        self._free: list[_Remembering] = []
        self._all: list[_Remembering] = []
        self._directory: tempfile.TemporaryDirectory[str] | None = None

    def __enter__(self) -> Self:
        """Nothing is opened before it is asked for."""
        return self

    def __exit__(self, *_: object) -> None:
        """Close all of them, also those in use."""
        for connection in self._all:
            connection.close()
        self._all.clear()
        self._free.clear()
        if self._directory is not None:
            self._directory.cleanup()
            self._directory = None

    def take(self, disk: SimulatedDisk, image: bytes) -> "_Remembering":
        """Return a database with these contents, for the use of one disk until it is given back."""
        while self._free:
            connection = self._free.pop()
            connection.disk = disk
            if _refill(connection, image):
                return connection
            self._all.remove(connection)
            connection.close()
        connection = self._open(image)
        connection.disk = disk
        return connection

    def give_back(self, connection: "_Remembering") -> None:
        """Let others use it."""
        self._free.append(connection)

    def _open(self, image: bytes) -> "_Remembering":
        if self._directory is None:
            parent = FAST_DIRECTORY if FAST_DIRECTORY.is_dir() else None
            self._directory = tempfile.TemporaryDirectory(prefix="crdtsync-kept-", dir=parent)
        path = Path(self._directory.name) / str(len(self._all))
        path.write_bytes(image)
        connection = _connect(str(path))
        connection.file = path
        self._all.append(connection)
        for setting in ("synchronous = OFF", "journal_mode = MEMORY", "locking_mode = EXCLUSIVE"):
            _execute(connection, f"PRAGMA {setting}").fetchall()
        return connection


def _refill(connection: "_Remembering", image: bytes) -> bool:
    """Give an open database other contents; False if it cannot be used for them."""
    if connection.in_transaction:
        _execute(connection, "ROLLBACK")
    before = _settings(connection)
    if before[0] != int.from_bytes(image[_SCHEMA_COOKIE], "big"):
        return False  # Its tables may be others, and the statements would not notice.
    # Whoever holds a database for himself does not look whether others have written.
    _execute(connection, "PRAGMA locking_mode = NORMAL").fetchall()
    _execute(connection, f"PRAGMA max_page_count = {_PAGES_MAX}").fetchall()
    connection.is_limited = False
    assert connection.file is not None  # It is one of those that are kept.
    with connection.file.open("r+b") as file:
        header = file.read(_CHANGE_COUNTER.stop)
        counter = int.from_bytes(header[_CHANGE_COUNTER], "big") + 1 & 0xFFFF_FFFF
        data = bytearray(image)
        data[_CHANGE_COUNTER] = data[_VALID_FOR] = counter.to_bytes(4, "big")
        file.seek(0)
        file.write(data)
        file.truncate()
    _execute(connection, "PRAGMA locking_mode = EXCLUSIVE").fetchall()
    after = _settings(connection)
    return after[0] == before[0] and after[1] != before[1]


def _settings(connection: "_Remembering") -> tuple[int, int]:
    (schema,) = _execute(connection, "PRAGMA schema_version").fetchone()
    (data,) = _execute(connection, "PRAGMA data_version").fetchone()
    return schema, data


def _connect(path: str) -> "_Remembering":
    return sqlite3.connect(
        path,
        isolation_level=None,
        cached_statements=CACHED_STATEMENTS,
        factory=_Remembering,
        check_same_thread=False,
    )


class MemoryDisk(SimulatedDisk):
    """Keeps one connection for each database, which outlives the processes that use it.

    Every function runs to its end before the next one, so that a reader and a writer on one connection cannot
    disturb each other. What differs from files: there is no write-ahead log, and no snapshot beside a writer.
    A file of no bytes stands where the database would be, so that it is found.
    """

    def __init__(self, kept: KeptDatabases | None = None) -> None:
        """Make a disk without faults.

        Args:
            kept: where databases that get their contents from bytes are taken from, and given back to.
        """
        super().__init__()
        self._kept = kept
        self._databases: dict[Path, _Remembering] = {}

    async def connect(self, path: Path, busy_timeout_s: float) -> Connection:
        """Open a database, or make an empty one; see `crdtsync.environment.Connect`."""
        del busy_timeout_s  # Nobody ever waits.
        connection = self._databases.get(path)
        if connection is None:
            connection = self._open(path)
        return _KeptConnection(connection)

    def look(self, path: Path, sql: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        """Query a database without counting steps or meeting faults."""
        return _execute(self._databases[path], sql, parameters).fetchall()

    def image(self, path: Path) -> bytes:
        """Return a database as bytes."""
        return self._databases[path].serialize()

    def put_image(self, path: Path, image: bytes) -> None:
        """Let a database be what it was when the bytes were taken; nobody may have it open."""
        if path in self._databases:
            self._release(self._databases.pop(path))
        data = bytearray(image)
        data[_READ_VERSION] = data[_WRITE_VERSION] = _ROLLBACK_JOURNAL
        if self._kept is None:
            self._open(path).deserialize(bytes(data))
        else:
            self._databases[path] = self._kept.take(self, bytes(data))
            path.touch()

    def close(self) -> None:
        """Forget every database."""
        for connection in self._databases.values():
            self._release(connection)
        self._databases.clear()

    def _open(self, path: Path) -> "_Remembering":
        connection = _connect(":memory:")
        connection.disk = self
        path.touch()
        self._databases[path] = connection
        return connection

    def _release(self, connection: "_Remembering") -> None:
        if self._kept is not None and connection.file is not None:
            self._kept.give_back(connection)
        else:
            connection.close()


class _Remembering(Statements):
    file: Path | None = None
    """Where its contents are; None: nowhere but in memory."""

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        disk = self.disk
        if disk.is_calm and sql not in _SPECIAL:  # Nearly always: then without further calls.
            disk.statements += 1
            return _execute(self, sql, *args)
        return super().execute(_NOT_ALONE.get(sql, sql), *args)


class _KeptConnection:
    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def run(
        self, function: Callable[Concatenate[sqlite3.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        return function(self._connection, *args, **kwargs)

    async def close(self) -> None:
        if self._connection.in_transaction:
            self._connection.execute("ROLLBACK")


_execute = sqlite3.Connection.execute
_PAGES_MAX = 0xFFFF_FFFE
_NOT_ALONE = {
    "PRAGMA query_only = ON": "PRAGMA query_only",  # The writer has the same connection.
    "PRAGMA journal_mode = WAL": "PRAGMA journal_mode",  # As for a database in memory, which has no such log.
    "PRAGMA foreign_keys = OFF": "PRAGMA foreign_keys",  # It is; saying so expires every prepared statement.
}
_SPECIAL = frozenset(TOLD_APART | _NOT_ALONE.keys())
