"""A simulated disk whose databases are in memory: twice as fast, for the many schedules of a simulation."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from crdtsync.environment import Connection
from crdtsync.testing.disk import CACHED_STATEMENTS, SimulatedDisk, Statements

P = ParamSpec("P")
R = TypeVar("R")

_READ_VERSION, _WRITE_VERSION, _ROLLBACK_JOURNAL = 18, 19, 1
"""Two offsets in the header of a SQLite file, and the value of both that asks for no write-ahead log (see
https://www.sqlite.org/fileformat2.html, "The Database Header")."""


class MemoryDisk(SimulatedDisk):
    """Keeps one connection for each database, which outlives the processes that use it.

    Every function runs to its end before the next one, so that a reader and a writer on one connection cannot
    disturb each other. What differs from files: there is no write-ahead log, and no snapshot beside a writer.
    A file of no bytes stands where the database would be, so that it is found.
    """

    def __init__(self) -> None:
        super().__init__()
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
        return sqlite3.Connection.execute(self._databases[path], sql, parameters).fetchall()

    def image(self, path: Path) -> bytes:
        """Return a database as bytes."""
        return self._databases[path].serialize()

    def put_image(self, path: Path, image: bytes) -> None:
        """Let a database be what it was when the bytes were taken; nobody may have it open."""
        if path in self._databases:
            self._databases.pop(path).close()
        data = bytearray(image)
        data[_READ_VERSION] = data[_WRITE_VERSION] = _ROLLBACK_JOURNAL
        self._open(path).deserialize(bytes(data))

    def close(self) -> None:
        """Forget every database."""
        for connection in self._databases.values():
            connection.close()
        self._databases.clear()

    def _open(self, path: Path) -> "_Remembering":
        connection = sqlite3.connect(
            ":memory:",
            isolation_level=None,
            cached_statements=CACHED_STATEMENTS,
            factory=_Remembering,
            check_same_thread=False,
        )
        connection.disk = self
        path.touch()
        self._databases[path] = connection
        return connection


class _Remembering(Statements):
    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        if sql == "PRAGMA query_only = ON":
            sql = "PRAGMA query_only"  # The writer has the same connection.
        return super().execute(sql, *args)


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
