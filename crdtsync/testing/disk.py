"""A machine's disk for tests: real SQLite without threads, and with the faults of a disk at chosen steps.

Faults it makes: the process dies right before or right after the n-th commit; the n-th statement fails with
an I/O error, once; the disk is full until it is not. It does not make: lost or torn writes of SQLite itself,
which need a real power cut.
"""

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Concatenate, ParamSpec, TypeVar

from crdtsync.environment import Connection

P = ParamSpec("P")
R = TypeVar("R")

CACHED_STATEMENTS = 512
_PAGES_MAX = 0xFFFF_FFFE


class SimulatedCrash(BaseException):
    """The process died here. Nothing in it may go on; what was durable is on the disk."""


class SimulatedDisk:
    """Opens databases for one process at a time, on the caller's own thread: give `connect` to `Environment`.

    One call after another takes effect at once and in order, so that the same calls give the same results.
    """

    def __init__(self, *, crash: Callable[[], None] | None = None) -> None:
        """Make a disk without faults.

        Args:
            crash: called when the process dies, before `SimulatedCrash` is raised.
        """
        self.durable_steps = 0
        """How many commits there were, counting one step before each and one after."""
        self.statements = 0
        """How many statements there were."""
        self.is_full = False
        """While true, no database grows."""
        self.is_calm = True
        """Whether no fault can meet the next statement: what every statement asks."""
        self._is_dead = False
        self._crash_at = 0
        self._fail_at = 0
        self._on_crash = crash
        self._lookers: dict[Path, sqlite3.Connection] = {}

    @property
    def is_dead(self) -> bool:
        """Whether the process has died; `restart` makes the disk usable for the next one."""
        return self._is_dead

    @is_dead.setter
    def is_dead(self, value: bool) -> None:
        self._is_dead = value
        self.is_calm = not (value or self._fail_at)

    def crash_at(self, step: int) -> None:
        """Let the process die at the `step`-th durable step from now on; 0 for never."""
        self._crash_at = self.durable_steps + step if step else 0

    def fail_at(self, statement: int) -> None:
        """Let the `statement`-th statement from now on fail with an I/O error; 0 for none."""
        self._fail_at = self.statements + statement if statement else 0
        self.is_calm = not (self._is_dead or statement)

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Let a test look at the database without counting steps or meeting faults, also of a dead process."""
        kept = self.durable_steps, self.statements, self._crash_at, self._fail_at, self._is_dead
        self._crash_at, self._fail_at, self.is_dead = 0, 0, False
        try:
            yield
        finally:
            self.durable_steps, self.statements, self._crash_at, self._fail_at, self.is_dead = kept

    def restart(self) -> None:
        """Let a new process use the disk, without faults to come."""
        self._crash_at = self._fail_at = 0
        self.is_dead = False

    def step(self) -> None:
        """Count a durable step; other parts of the machine (a remote) count theirs here as well.

        Raises:
            SimulatedCrash: this was the one.
        """
        self.durable_steps += 1
        if self.durable_steps == self._crash_at:
            self.is_dead = True
            if self._on_crash is not None:
                self._on_crash()
        self.check()

    def statement(self) -> None:
        """Count a statement.

        Raises:
            SimulatedCrash: the process is dead.
            sqlite3.OperationalError: this was the one that fails.
        """
        self.check()
        self.statements += 1
        if self.statements == self._fail_at:
            raise sqlite3.OperationalError("disk I/O error")

    def check(self) -> None:
        """Raise `SimulatedCrash` if the process is dead: what is left of it must not act."""
        if self.is_dead:
            raise SimulatedCrash

    def look(self, path: Path, sql: str, parameters: tuple[Any, ...] = ()) -> list[Any]:
        """Query a database without counting steps or meeting faults."""
        connection = self._lookers.get(path)
        if connection is None:
            connection = self._lookers[path] = sqlite3.connect(path, isolation_level=None)
        return connection.execute(sql, parameters).fetchall()

    def image(self, path: Path) -> bytes:
        """Return a database that nobody has open as bytes, as a backup does."""
        self.close()
        return path.read_bytes()

    def put_image(self, path: Path, image: bytes) -> None:
        """Let a database that nobody has open be what it was when the bytes were taken."""
        self.close()
        for suffix in ("-wal", "-shm"):
            path.with_name(path.name + suffix).unlink(missing_ok=True)
        path.write_bytes(image)

    def close(self) -> None:
        """Forget what is kept open between processes."""
        for connection in self._lookers.values():
            connection.close()
        self._lookers.clear()

    async def connect(self, path: Path, busy_timeout_s: float) -> Connection:
        """Open a database; see `crdtsync.environment.Connect`."""
        connection = sqlite3.connect(
            path,
            isolation_level=None,
            timeout=busy_timeout_s,
            cached_statements=CACHED_STATEMENTS,
            factory=Statements,
            check_same_thread=False,
        )
        connection.disk = self
        return InlineConnection(connection)


class InlineConnection:
    """Runs functions where they are asked for, without a thread."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection

    async def run(
        self, function: Callable[Concatenate[sqlite3.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run a function now."""
        return function(self._connection, *args, **kwargs)

    async def close(self) -> None:
        """Close the connection; what is not committed is gone."""
        self._connection.close()


class Statements(sqlite3.Connection):
    """A connection that tells its disk of every statement."""

    disk: SimulatedDisk
    is_limited = False

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        """Run a statement, or meet the fault that waits for it."""
        disk = self.disk
        if disk.is_calm and sql not in TOLD_APART:
            disk.statements += 1
            return _execute(self, sql, *args)
        self._before(sql)
        cursor = _execute(self, sql, *args)
        match sql:
            case "COMMIT":
                disk.step()
            case "PRAGMA synchronous = FULL":
                _execute(self, "PRAGMA synchronous = OFF")  # Nothing here survives a power cut anyway.
        return cursor

    def executemany(self, sql: str, *args: Any) -> sqlite3.Cursor:
        """Run a statement many times, or meet the fault that waits for it."""
        self._before(sql)
        return super().executemany(sql, *args)

    def _before(self, sql: str) -> None:
        if sql.startswith("ROLLBACK"):
            return  # What SQLite itself does for a process that is gone.
        disk = self.disk
        disk.statement()
        match sql:
            case "COMMIT":
                disk.step()
            case "BEGIN IMMEDIATE" if disk.is_full or self.is_limited:
                pages = _PAGES_MAX
                if disk.is_full:
                    (pages,) = _execute(self, "PRAGMA page_count").fetchone()
                _execute(self, f"PRAGMA max_page_count = {pages}")
                self.is_limited = disk.is_full


_execute = sqlite3.Connection.execute
TOLD_APART = frozenset({"COMMIT", "BEGIN IMMEDIATE", "PRAGMA synchronous = FULL"})
