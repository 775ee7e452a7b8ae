"""One machine of a fleet: real code and real SQL on a simulated disk, with a clock and a view of the folder."""

import datetime as dt
from collections.abc import Callable, Coroutine, Sequence
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from crdtsync.document.model import Document
from crdtsync.environment import Environment
from crdtsync.errors import RemoteError
from crdtsync.protocol.beacon import Role
from crdtsync.replica import Replica, open_replica
from crdtsync.sync.report import SyncReport
from crdtsync.testing.disk import SimulatedCrash, SimulatedDisk
from crdtsync.testing.faults import FaultPlace

R = TypeVar("R")

_MS = dt.timedelta(milliseconds=1)


class MemberClock:
    """A machine's clock: the fleet's time, and what it is wrong by."""

    def __init__(self, fleet_now_ms: Callable[[], int]) -> None:
        self._fleet_now_ms = fleet_now_ms
        self.wrong_by = dt.timedelta()
        """Added to the fleet's time; a test sets it to years, forward or back."""

    @property
    def now_ms(self) -> int:
        """What it shows, in milliseconds since 1970."""
        return self._fleet_now_ms() + self.wrong_by // _MS


class Member:
    """A machine: one replica, restarted and crashed at will. Made by `Fleet`."""

    def __init__(
        self,
        *,
        name: str,
        role: Role,
        directory: Path,
        place: FaultPlace,
        kinds: Sequence[type[Document]],
        random: Random,
        fleet_now_ms: Callable[[], int],
        lock_while_numbering: bool,
    ) -> None:
        self.name = name
        self.role: Role = role
        self.author = name.lower()
        """The person at the keyboard."""
        self.directory = directory
        self.clock = MemberClock(fleet_now_ms)
        self.disk = SimulatedDisk()
        """Its disk, for faults of it: `is_full`, `fail_at`, `crash_at`."""
        self.remote = place.remote(name, gate=self._gate)
        """Its view of the folder, for `replica.sync` and `replica.syncing`."""
        self.is_online = True
        self._place = place
        self._kinds = kinds
        self._random = random
        self._lock_while_numbering = lock_while_numbering
        self._opened: open_replica | None = None
        self._replica: Replica

    @property
    def replica(self) -> Replica:
        """The open replica; another object after `restart` and `crash`."""
        return self._replica

    async def sync(self, *, create_folder: bool | None = None) -> SyncReport:
        """Let what waits in the service arrive, run one round, and let what it wrote leave.

        Offline it is the round alone: the folder is there, and nothing comes or goes.

        Raises:
            RemoteError: a fault of the folder.
            SimulatedCrash: `disk.crash_at` had been asked for; `restart` comes next.
        """
        self.carry()
        try:
            return await self.sync_round(create_folder=create_folder)
        finally:
            self.carry()

    async def sync_round(self, *, create_folder: bool | None = None) -> SyncReport:
        """Run one round with the folder as it is here now. Raises as `sync` does."""
        return await self._replica.sync(self.remote, create_folder=create_folder)

    async def try_round(self) -> SyncReport | None:
        """Run one round; None if the folder could not be used."""
        try:
            return await self.sync_round()
        except RemoteError:
            return None

    def carry(self) -> int:
        """Let every silent step of this machine happen, in a random order; how many there were, none if offline."""
        done = 0
        while self.is_online and self._place.move(self.name, self._random.getrandbits(30)):
            done += 1
        return done

    def go_offline(self) -> None:
        """From now on nothing leaves this machine's folder, and nothing arrives in it."""
        self.is_online = False

    def go_online(self) -> None:
        """Let the folder be kept in step again; what has waited comes with the next `sync`."""
        self.is_online = True

    async def restart(self) -> None:
        """End the process in good order, or clear up after one that died, and start it anew."""
        await self._close()
        await self._open()

    async def crash(self) -> None:
        """Kill the process as it is, and start it anew: what was not durable is gone.

        Tasks that still use the old `replica` find it closed.
        """
        self.disk.is_dead = True
        old = self.disk
        # The dead process keeps its disk: whatever is left of it must not act on the new one's.
        self.disk = SimulatedDisk()
        self.disk.is_full = old.is_full
        await self._close()
        await self._open()

    def start(self) -> None:
        """Open the replica for the first time; needs no event loop."""
        at_once(self._open())

    def attach(self) -> None:
        """Attach the replica to the folder, which the office sets up; needs no event loop."""
        self.carry()
        at_once(self._replica.attach(self.remote))
        self.carry()

    def stop(self) -> None:
        """Close the replica; needs no event loop."""
        at_once(self._close())

    async def _open(self) -> None:
        self._opened = open_replica(
            self.directory,
            name=self.name,
            role=self.role,
            author=self.author,
            kinds=self._kinds,
            lock_while_numbering=self._lock_while_numbering,
            environment=Environment(
                lambda: self.clock.now_ms, self._random.randbytes, connect=self.disk.connect
            ),
        )
        self._replica = await self._opened.__aenter__()

    async def _close(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.__aexit__(None, None, None)
        self.disk.restart()

    async def _gate(self, call: str, name: str, done: bool) -> None:  # noqa: ARG002, FBT001 - the gate's signature
        # What is in the folder is durable as well: a process may die right before or right after it.
        if call in ("put", "delete"):
            self.disk.step()
        else:
            self.disk.check()

    def __repr__(self) -> str:
        state = "" if self.is_online else ", offline"
        return f"<Member {self.name}{state}>"


def at_once(coroutine: Coroutine[Any, Any, R]) -> R:
    """Run to its end a coroutine that never waits, without an event loop.

    Raises:
        RuntimeError: it waits for something.
    """
    try:
        coroutine.send(None)
    except StopIteration as end:
        result: R = end.value
        return result
    coroutine.close()
    raise RuntimeError("this needs an event loop")


__all__ = ["Member", "MemberClock", "SimulatedCrash", "at_once"]
