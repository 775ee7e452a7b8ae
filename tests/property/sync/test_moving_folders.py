"""Goal: wherever a folder is begun anew, and whoever goes there when, nothing is lost and all meet at its last place.

Method: three machines edit, ask for numbers and sync over three places whose files come late and vanish; at any time
one of them goes to another place, on which it begins the folder anew if it finds nothing there. In the end all go to
one place, with a machine that has never been anywhere; then one of them leaves for a folder of its own.
"""

import asyncio
import tempfile
from contextlib import AsyncExitStack, suppress
from pathlib import Path
from random import Random

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crdtsync import Document, Environment, Replica, Series, open_replica
from crdtsync.errors import MarkerConflictError, RemoteError
from crdtsync.testing import FaultKind, FaultPlace, SimulatedDisk

HOUR_MS = 3_600_000
ROUNDS_MAX = 24
PLACES = ("first", "second", "third")
NAMES = ("HQ", "R1", "R2")

STEPS = st.lists(
    st.tuples(
        st.sampled_from(("edit", "edit", "mark", "sync", "sync", "sync", "deliver", "deliver", "go", "lose")),
        st.integers(0, len(NAMES) - 1),
        st.integers(0, 2**20),
    ),
    max_size=40,
)


class Quote(Document, kind="quote", series=Series("quotes", "Q-{number}")):
    customer: str = ""


class Customer(Document, kind="customer", shared=True):
    name: str = ""


def is_marker(name: str) -> bool:
    return name.startswith("folder-")


class Machine:
    """A replica, and the place with which it syncs."""

    def __init__(self, replica: Replica, place: FaultPlace) -> None:
        self.replica = replica
        self.place = place
        self.remote = place.remote(replica.name)

    async def go(self, place: FaultPlace, *, begins: bool) -> None:
        """Sync with another place from now on; begin the folder there if it seems empty and this is asked for."""
        has_put = any(name.startswith(self.replica.id) for name in self.place.files(self.replica.name))
        self.place, self.remote = place, place.remote(self.replica.name)
        # Who has never seen the folder has none that could begin anew.
        is_attached = any(remote.is_attached for remote in await self.replica.remotes())
        with suppress(RemoteError):
            await self.replica.attach(self.remote, create_folder=begins and is_attached)
            is_there = any(name.startswith(self.replica.id) for name in place.files(self.replica.name))
            waiting = sum(remote.waiting_files for remote in await self.replica.remotes())
            assert waiting or is_there or not has_put, "it is not said that files are not in the new place"


class Fleet:
    """All machines, all places, and the time."""

    def __init__(self, directory: Path, seed: int) -> None:
        self.directory = directory
        self.random = Random(seed)
        self.now_ms = 1_700_000_000_000
        # A marker that is lost needs a person, which is another story.
        self.places = [FaultPlace(name=name, spares=is_marker) for name in PLACES]
        self.machines: list[Machine] = []

    async def add(self, stack: AsyncExitStack, name: str, place: FaultPlace) -> Machine:
        opened = open_replica(
            self.directory / name,
            name=name,
            role="office" if name == "HQ" else "roaming",
            kinds=[Quote, Customer],
            environment=Environment(
                lambda: self.now_ms, self.random.randbytes, connect=SimulatedDisk().connect
            ),
        )
        machine = Machine(await stack.enter_async_context(opened), place)
        self.machines.append(machine)
        return machine

    async def do(self, what: str, machine: Machine, draw: int) -> None:
        replica = machine.replica
        cls = (Quote, Customer)[draw % 2]
        self.now_ms += draw % HOUR_MS
        match what:
            case "edit":
                found = await replica.find(cls)
                chosen = found[draw // 2 % len(found)].id if found and draw % 3 else None
                async with replica.edit(cls, chosen) as document:
                    setattr(document, "customer" if cls is Quote else "name", f"{replica.name} {draw}")
            case "mark":
                await replica.mark_for_sync(*[quote.id for quote in await replica.find(Quote)][:2])
            case "sync":
                with suppress(RemoteError):
                    await replica.sync(machine.remote, create_folder=False)
            case "deliver":
                machine.place.move(replica.name, draw)
            case "go":
                await machine.go(self.places[draw % len(PLACES)], begins=True)
            case "lose":
                machine.place.inject(FaultKind.VANISHED, replica.name, draw)

    async def meet(self, place: FaultPlace) -> None:
        """Let all sync in one place until nobody has anything to do."""
        for machine in self.machines:
            place.remote(machine.replica.name)
            place.settle()
            await machine.go(place, begins=machine is self.machines[0])
        quiet = 0
        for _ in range(ROUNDS_MAX):
            moved = place.settle()
            reports = [await machine.replica.sync(machine.remote) for machine in self.machines]
            quiet = quiet + 1 if not moved and all(report.is_idle for report in reports) else 0
            if quiet == 2:
                return
            self.now_ms += HOUR_MS
        restless = [report for report in reports if not report.is_idle]
        raise AssertionError(f"not quiet after {ROUNDS_MAX} rounds: {moved} moves, {restless}")


async def follow(directory: Path, seed: int, steps: list[tuple[str, int, int]], last: int) -> None:
    fleet = Fleet(directory, seed)
    async with AsyncExitStack() as stack:
        for name in NAMES:
            machine = await fleet.add(stack, name, fleet.places[0])
            fleet.places[0].settle()
            await machine.replica.sync(machine.remote)
        for what, who, draw in steps:
            await fleet.do(what, fleet.machines[who], draw)
        place = fleet.places[last]
        place.heal()
        await fleet.add(stack, "R9", place)
        await fleet.meet(place)

        office, *others = fleet.machines
        shared = await shared_of(office)
        for machine in others:
            assert await shared_of(machine) == shared, machine.replica.name
            assert await machine.replica.ledger() == await office.replica.ledger()
        for machine in fleet.machines:
            (remote,) = await machine.replica.remotes()
            waiting = remote.waiting_changes, remote.waiting_files, remote.inbox, remote.waiting_causes
            assert (waiting, remote.missing, remote.problem) == ((0, 0, 0, 0), (), ""), machine.replica.name
            assert await machine.replica.quarantine() == []
        texts = [entry.text for entry in await office.replica.ledger()]
        assert texts == [f"Q-{number}" for number in range(1, len(texts) + 1)]

        # One of them leaves for a new folder, alone, and brings along what all of them have written.
        leaver = fleet.machines[draw_of(steps) % len(NAMES)]
        elsewhere = Machine(leaver.replica, FaultPlace(name="fourth", is_settled=True))
        await leaver.replica.attach(elsewhere.remote, create_folder=True, other_folder=True)
        fleet.machines = [elsewhere]
        await fleet.add(stack, "R10", elsewhere.place)
        for machine in fleet.machines:
            await machine.replica.sync(machine.remote)
        assert await shared_of(fleet.machines[1]) == shared

        # The others did not ask for that, and are not to fall into it.
        for machine in [office, *others]:
            if machine.replica is not leaver.replica:
                remote = elsewhere.place.remote(machine.replica.name)
                elsewhere.place.settle()
                with pytest.raises(MarkerConflictError):
                    await machine.replica.attach(remote)


def draw_of(steps: list[tuple[str, int, int]]) -> int:
    return sum(draw for _, _, draw in steps)


async def shared_of(machine: Machine) -> dict[str, bytes]:
    """Return the digests of the documents that are to be everywhere."""
    drafts = {item.document for item in await machine.replica.items() if item.state.status.value == "draft"}
    return {
        identity: digest
        for identity, digest in (await machine.replica.digests()).items()
        if identity not in drafts
    }


@pytest.mark.slow
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    phases=(Phase.explicit, Phase.generate),  # To cut a schedule down takes minutes.
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(seed=st.integers(0, 2**16), steps=STEPS, last=st.integers(0, len(PLACES) - 1))
def test_all_meet_at_the_last_place_of_a_folder_and_nothing_is_lost(seed, steps, last):
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(follow(Path(directory), seed, steps, last))
