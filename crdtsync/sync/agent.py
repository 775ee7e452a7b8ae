"""The agent: rounds, again and again, with wake-ups and back-off, and nothing more."""

import asyncio
import logging
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from filelock import FileLock, Timeout

from crdtsync.errors import (
    FormatError,
    RemoteError,
    RemoteNotSetUpError,
    StoreBusyError,
    StoreFullError,
    SyncBusyError,
)
from crdtsync.remote import Remote
from crdtsync.store import attempts, feeds
from crdtsync.store.workspace import Workspace, disk_failure, meta, set_meta
from crdtsync.sync.report import OnProgress, SyncReport
from crdtsync.sync.session import Session, open_session
from crdtsync.sync.steps import sync_round

_LOG = logging.getLogger("crdtsync.sync")

LOCK_NAME = "sync.lock"
OTHERS_POLL_S = 0.1
"""How often writes of other processes of this machine are looked for."""

SETTLE_S = 0.01
"""How long a wake-up waits for more of the same: edits in quick succession share a segment."""

BACK_OFF_S = (1.0, 2.0, 5.0, 10.0, 30.0)
LOCK_POLL_S = 1.0
HURRIES = "hurries"
"""Setting: how often a process that does not run the sync has asked for a round at once."""

OnRound = Callable[[SyncReport], None]
"""Is told what a round did, when it has come to its end."""


@dataclass(slots=True)
class SyncState:
    """What a running sync says of itself."""

    rounds: int = 0
    is_standby: bool = False
    """Another process of this machine runs the sync; this one takes over when that stops."""
    problem: str = ""
    """Why the remote cannot be used now; empty when it can."""
    last: SyncReport | None = None


def take_lock(directory: Path) -> FileLock:
    """Take the machine-wide right to sync a replica.

    Raises:
        SyncBusyError: another process has it.
        StoreError: the disk cannot hold the lock: it is full, read-only or broken.
    """
    path = directory / LOCK_NAME
    lock = FileLock(path, thread_local=False)
    try:
        lock.acquire(blocking=False)
    except Timeout as error:
        raise SyncBusyError(f"another process syncs {directory}") from error
    except OSError as error:
        raise disk_failure(error, f"{path} cannot be locked") from error
    return lock


async def sync_once(
    workspace: Workspace,
    remote: Remote,
    *,
    create_folder: bool | None = None,
    on_progress: OnProgress | None = None,
) -> SyncReport:
    """Run one round.

    Raises:
        SyncBusyError: another process of this machine runs the sync.
        RemoteError, StoreError: as they say; what was done before that counts.
    """
    lock = take_lock(workspace.directory)
    try:
        async with remote:
            try:
                session = await open_session(workspace, remote, create_folder=create_folder)
                report = await sync_round(session, on_progress)
            except RemoteError as error:
                await _note(workspace, remote, str(error))
                raise
            await _note(workspace, remote, "")
            return report
    finally:
        lock.release()


async def attach(
    workspace: Workspace, remote: Remote, *, create_folder: bool | None = None, other_folder: bool = False
) -> None:
    """Attach a replica to a remote without running a round.

    Raises:
        SyncBusyError: another process of this machine runs the sync.
        RemoteError, StoreError: as they say.
    """
    lock = take_lock(workspace.directory)
    try:
        async with remote:
            try:
                await open_session(workspace, remote, create_folder=create_folder, other_folder=other_folder)
            except RemoteError as error:
                await _note(workspace, remote, str(error))
                raise
            await _note(workspace, remote, "")
    finally:
        lock.release()


@asynccontextmanager
async def syncing(
    workspace: Workspace,
    remote: Remote,
    *,
    create_folder: bool | None = None,
    on_progress: OnProgress | None = None,
    on_round: OnRound | None = None,
) -> AsyncIterator[SyncState]:
    """Sync for as long as the block runs. A failure of the database ends the block; the remote's are waited out."""
    state = SyncState()
    async with remote:
        agent = _Agent(workspace, remote, state, create_folder, on_progress, on_round)
        async with _running(agent.run):
            yield state


@asynccontextmanager
async def _running(function: Callable[[], Awaitable[None]]) -> AsyncIterator[None]:
    """Run a function beside the block: an error of it ends the block and surfaces there."""
    try:
        async with asyncio.TaskGroup() as group:
            task = group.create_task(_as_coroutine(function))
            yield
            task.cancel()
    except BaseExceptionGroup as errors:
        error: BaseException = errors
        while isinstance(error, BaseExceptionGroup) and len(error.exceptions) == 1:
            error = error.exceptions[0]  # Task groups within task groups wrap it again and again.
        raise error from error.__cause__


async def _as_coroutine(function: Callable[[], Awaitable[None]]) -> None:
    await function()


class _Agent:
    def __init__(
        self,
        workspace: Workspace,
        remote: Remote,
        state: SyncState,
        create_folder: bool | None,  # noqa: FBT001 - as in the caller's signature
        on_progress: OnProgress | None,
        on_round: OnRound | None,
    ) -> None:
        self._workspace = workspace
        self._remote = remote
        self._state = state
        self._create_folder = create_folder
        self._on_progress = on_progress
        self._on_round = on_round
        self._wake = asyncio.Event()
        self._hurried = asyncio.Event()
        """Somebody wants a round now, whatever the remote has answered so far."""
        self._noted: str | None = None
        """What the database says of the remote; None: not known, an earlier process may have written it."""

    async def run(self) -> None:
        lock = await self._lock()
        stop = self._workspace.listen(self._wake.set)
        stop_hurry = self._workspace.listen_for_hurry(self._hurry)
        try:
            async with asyncio.TaskGroup() as group:
                group.create_task(self._watch_remote())
                group.create_task(self._watch_others())
                group.create_task(self._rounds())
        finally:
            stop_hurry()
            stop()
            lock.release()

    def _hurry(self) -> None:
        self._hurried.set()
        self._wake.set()

    async def _lock(self) -> FileLock:
        while True:
            try:
                lock = take_lock(self._workspace.directory)
            except SyncBusyError:
                self._state.is_standby = True
                await asyncio.sleep(LOCK_POLL_S)
                continue
            except StoreFullError as error:
                self._state.problem = str(error)
                await asyncio.sleep(LOCK_POLL_S)
                continue
            self._state.is_standby = False
            return lock

    async def _rounds(self) -> None:
        session: Session | None = None
        failures = 0
        while True:
            self._wake.clear()
            self._hurried.clear()
            is_failing = False
            wait_s = self._remote.traits.poll_interval_s
            try:
                if session is None:
                    session = await open_session(
                        self._workspace, self._remote, create_folder=self._create_folder
                    )
                self._state.last = await sync_round(session, self._on_progress)
                self._state.rounds += 1
                if self._on_round is not None:
                    self._on_round(self._state.last)
                failures = 0
                await self._note("")
            except RemoteNotSetUpError as error:
                # So every workstation begins that is started before the office: the next file there may be the marker.
                if self._state.problem != str(error):
                    _LOG.info("sync begins as soon as the office has set the folder up: %s", error)
                await self._note(str(error))
            except (RemoteError, FormatError, StoreBusyError, StoreFullError) as error:
                wait_s = BACK_OFF_S[min(failures, len(BACK_OFF_S) - 1)]
                is_failing = True
                failures += 1
                is_known = self._state.problem == str(error)
                _LOG.log(logging.DEBUG if is_known else logging.WARNING, "sync waits: %s", error)
                await self._note(str(error))
            await self._pause(wait_s, is_failing=is_failing)
            if self._hurried.is_set():
                failures = 0

    async def _pause(self, wait_s: float, *, is_failing: bool) -> None:
        """Wait for something to do. A failing remote is left alone all the time, unless somebody is in a hurry."""
        try:
            async with asyncio.timeout(wait_s):
                if is_failing:
                    await self._hurried.wait()
                    return
                await self._wake.wait()
                await asyncio.sleep(SETTLE_S)
        except TimeoutError:
            pass  # Time to poll.

    async def _watch_remote(self) -> None:
        while True:
            try:
                async with aclosing(self._remote.changes()) as changes:  # type: ignore[type-var]
                    async for _ in changes:
                        self._wake.set()
            except RemoteError as error:
                _LOG.info("no events from %s: %s", self._remote.address, error)
            await asyncio.sleep(self._remote.traits.poll_interval_s)

    async def _watch_others(self) -> None:
        seen, hurries = 0, await self._workspace.database.read(_hurries)
        while True:
            now = await self._workspace.database.read(_data_version)
            if now != seen:
                seen = now
                self._wake.set()
                wanted = await self._workspace.database.read(_hurries)
                if wanted != hurries:
                    hurries = wanted
                    self._hurry()
            await asyncio.sleep(OTHERS_POLL_S)

    async def _note(self, problem: str) -> None:
        self._state.problem = problem
        if problem != self._noted:
            try:
                await _note(self._workspace, self._remote, problem)
            except (StoreBusyError, StoreFullError) as error:
                # The disk that is the problem cannot take note of it; `SyncState` has it.
                _LOG.warning("the problem cannot be recorded: %s", error)
                return
        self._noted = problem


async def hurry(workspace: Workspace) -> None:
    """Have the syncing of this replica try at once, in whatever process of this machine it runs.

    Raises:
        StoreError: it does not run in this process, and the word to the others could not be written.
    """
    if workspace.hurry():
        return

    def job(connection: sqlite3.Connection) -> None:
        set_meta(connection, HURRIES, _hurries(connection) + 1)

    await workspace.write(job)


async def _note(workspace: Workspace, remote: Remote, problem: str) -> None:
    def job(connection: sqlite3.Connection) -> None:
        row = feeds.remote(connection, remote.address)
        now_ms = workspace.environment.now_ms()
        if not problem:
            attempts.settled(connection)
        elif row is None:
            attempts.refused(connection, remote.address, problem, now_ms)
        if row is not None and row.problem != problem:
            feeds.set_problem(connection, row.n, problem, now_ms)

    await workspace.database.write(job)


def _hurries(connection: sqlite3.Connection) -> int:
    return int(meta(connection, HURRIES) or 0)


def _data_version(connection: sqlite3.Connection) -> int:
    # Changes with every commit of another connection.
    return int(connection.execute("PRAGMA data_version").fetchone()[0])
