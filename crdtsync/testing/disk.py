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
        self.is_dead = False
        """Whether the process has died; `restart` makes the disk usable for the next one."""
        self._crash_at = 0
        self._fail_at = 0
        self._on_crash = crash

    def crash_at(self, step: int) -> None:
        """Let the process die at the `step`-th durable step from now on; 0 for never."""
        self._crash_at = self.durable_steps + step if step else 0

    def fail_at(self, statement: int) -> None:
        """Let the `statement`-th statement from now on fail with an I/O error; 0 for none."""
        self._fail_at = self.statements + statement if statement else 0

    @contextmanager
    def looking(self) -> Iterator[None]:
        """Let a test look at the database without counting steps or meeting faults, also of a dead process."""
        kept = self.durable_steps, self.statements, self.is_dead, self._crash_at, self._fail_at
        self.is_dead, self._crash_at, self._fail_at = False, 0, 0
        try:
            yield
        finally:
            self.durable_steps, self.statements, self.is_dead, self._crash_at, self._fail_at = kept

    def restart(self) -> None:
        """Let a new process use the disk, without faults to come."""
        self.is_dead = False
        self._crash_at = self._fail_at = 0

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

    async def connect(self, path: Path, busy_timeout_s: float) -> Connection:
        """Open a database; see `crdtsync.environment.Connect`."""
        connection = sqlite3.connect(
            path,
            isolation_level=None,
            timeout=busy_timeout_s,
            cached_statements=CACHED_STATEMENTS,
            factory=_Statements,
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


class _Statements(sqlite3.Connection):
    disk: SimulatedDisk

    def execute(self, sql: str, *args: Any) -> sqlite3.Cursor:
        self._before(sql)
        cursor = super().execute(sql, *args)
        match sql:
            case "COMMIT":
                self.disk.step()
            case "PRAGMA synchronous = FULL":
                super().execute("PRAGMA synchronous = OFF")  # Nothing here survives a power cut anyway.
        return cursor

    def executemany(self, sql: str, *args: Any) -> sqlite3.Cursor:
        self._before(sql)
        return super().executemany(sql, *args)

    def _before(self, sql: str) -> None:
        if sql.startswith("ROLLBACK"):
            return  # What SQLite itself does for a process that is gone.
        self.disk.statement()
        match sql:
            case "COMMIT":
                self.disk.step()
            case "BEGIN IMMEDIATE":
                pages = _PAGES_MAX
                if self.disk.is_full:
                    (pages,) = super().execute("PRAGMA page_count").fetchone()
                super().execute(f"PRAGMA max_page_count = {pages}")
