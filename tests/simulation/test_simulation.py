"""Goal: whatever a shared folder does, replicas lose nothing, and are equal and quiet once all has arrived.

Method: up to five replicas with clocks decades apart edit, mark, reset, restart and run the steps of a round
one by one, each of which may be cut or fail at any call on the remote; a schedule decides when which file
arrives where: late, out of order, twice, in part, as a placeholder. Then everything arrives, everybody syncs
until nobody has anything to do, within a bound, and the invariants of `docs/FORMAT.md` must hold.
"""

import asyncio
import os
import tempfile
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from crdtsync import derive_id
from crdtsync.errors import DocumentNotFoundError

from .place import ARRIVALS, WHOLE
from .world import STEPS, Customer, Line, Price, Quote, Task, World

DECADE_MS = 315_360_000_000
FAST_DISK = Path("/dev/shm")

indexes = st.integers(0, 7)
words = st.sampled_from(["", "blue", "grün", "a longer text of some words", "𝒳"])

edits = st.one_of(
    st.tuples(st.just("customer"), words),
    st.tuples(st.just("sold"), st.integers(0, 5)),
    st.tuples(st.just("stock"), st.integers(0, 5)),
    st.tuples(st.just("terms"), words),
    st.tuples(st.just("add"), indexes),
    st.tuples(st.just("quantity"), indexes),
    st.tuples(st.just("price"), indexes),
    st.tuples(st.just("remove"), indexes),
    st.tuples(st.just("restore"), indexes),
    st.tuples(st.just("move"), indexes),
    st.tuples(st.just("note"), words),
    st.tuples(st.just("log"), words),
    st.tuples(st.just("tag"), words),
)
machines = st.integers(0, 4)
actions = st.one_of(
    # First, since the search for a small history makes of an action what stands first here.
    st.tuples(st.just("wait"), st.sampled_from([1, 60_000, 3_600_000])),
    st.tuples(st.just("make"), machines, indexes),
    st.tuples(st.just("make"), machines, indexes),
    st.tuples(st.just("share"), machines, words),
    st.tuples(st.just("edit"), machines, indexes, st.lists(edits, min_size=1, max_size=4)),
    st.tuples(st.just("edit"), machines, indexes, st.lists(edits, min_size=1, max_size=4)),
    st.tuples(st.just("mark"), machines, indexes),
    st.tuples(st.just("mark"), machines, indexes),
    st.tuples(st.just("reset"), machines, indexes),
    st.tuples(st.just("sync"), machines),
    st.tuples(st.just("sync"), machines),
    st.tuples(
        st.just("steps"),
        machines,
        st.integers(0, len(STEPS)),
        st.integers(0, 12),
        st.booleans(),
        st.booleans(),
    ),
    st.tuples(st.just("restart"), machines, st.sampled_from([0, DECADE_MS, -DECADE_MS])),
    st.tuples(st.just("arrive"), machines, indexes, st.sampled_from((WHOLE, WHOLE, *ARRIVALS))),
    st.tuples(st.just("arrive"), machines, indexes, st.sampled_from((WHOLE, WHOLE, *ARRIVALS))),
    st.tuples(st.just("arrive all"), machines),
    st.tuples(st.just("lose"), machines, indexes),
    st.tuples(st.just("vanish"), machines, st.integers(0, 50)),
    st.tuples(st.just("back up"), machines),
    st.tuples(st.just("restore"), machines),
)
histories = st.tuples(
    st.integers(2, 5),
    st.lists(st.integers(-DECADE_MS, DECADE_MS), min_size=5, max_size=5),
    st.lists(actions, min_size=30, max_size=90),
)


def act(quote, what, value):
    lines = quote.lines
    match what:
        case "customer" | "sold" | "stock" | "terms":
            setattr(quote, what, value)
        case "add":
            lines.add(Line(product=f"p{value}"), index=value % (len(lines) + 1))
        case "note":
            quote.notes.append(value)
        case "log":
            quote.milestones.append(value)
        case "tag":
            quote.tags.add(value)
        case "restore" if quote.lines.removed:
            lines.restore(quote.lines.removed[value % len(quote.lines.removed)])
        case "quantity" if lines:
            lines[value % len(lines)].quantity = value
        case "price" if lines:
            lines[value % len(lines)].price = Price(Decimal(value))
        case "remove" if lines:
            lines.remove(lines[value % len(lines)])
        case "move" if lines:
            lines.move(lines[value % len(lines)], 0)


class Run:
    """One history on one world."""

    def __init__(self, world):
        self.world = world
        self.acknowledged = set()

    async def documents(self, machine):
        return sorted(
            row[0]
            for row in await machine.rows("SELECT id FROM _documents WHERE rev > 0 AND kind <> 'customer'")
        )

    async def chosen(self, machine, index):
        found = await self.documents(machine)
        return found[index % len(found)] if found else None

    async def do(self, action):
        what, *rest = action
        if what == "wait":
            self.world.now_ms += rest[0]
            return
        machine = self.world.machines[rest[0] % len(self.world.machines)]
        match what, rest[1:]:
            case "make", [index]:
                # Every other one has an id that others may derive as well.
                document_id = derive_id("quote", str(index)) if index % 2 else None
                await machine.make(f"c{index}", document_id)
                if index == 2:
                    async with machine.replica.edit(Task) as task:
                        task.title = "t"
            case "share", [word]:
                async with machine.replica.edit(Customer) as customer:
                    customer.name = word
            case "edit", [index, changes]:
                await self.edit(machine, index, changes)
            case "mark", [index] if document := await self.chosen(machine, index):
                await machine.replica.mark_for_sync(document)
            case "reset", [index] if document := await self.chosen(machine, index):
                await machine.replica.reset_sync(document)
            case "sync", []:
                await machine.try_steps(len(STEPS))
            case "steps", [count, fail_at, late, fresh]:
                await machine.try_steps(count, fail_at=fail_at, late=late, fresh=fresh)
            case "restart", [jump_ms]:
                machine.offset_ms += jump_ms
                await machine.restart()
            case "arrive", [index, how]:
                self.world.place.arrive(machine.name, index, how)
            case "lose", [index]:
                self.world.place.lose(machine.name, index)
            case "vanish", [index]:
                # What a restored database does not know yet exists in the folder alone: nobody could put it again.
                kept = {row[0] for row in await machine.rows("SELECT name FROM _own_files")}
                self.world.place.vanish(machine.name, index, kept)
            case "back up", []:
                await machine.back_up()
            case "restore", []:
                await self.restore(machine)
            case "arrive all", []:
                for _ in list(machine.remote.view.coming):
                    self.world.place.arrive(machine.name, 0, WHOLE)
        self.acknowledged |= await machine.changes()

    async def restore(self, machine):
        """Put an older database back: what was never published is lost with the newer one, and only that."""
        before = await machine.changes()
        there = set(self.world.place.files)
        sql = (
            "SELECT d.id, c.client, c.sequence, coalesce(f.name, '') FROM _changes c JOIN _documents d ON d.n = c.document "
            "JOIN _segments s ON s.n = c.segment LEFT JOIN _own_files f ON f.hash = s.hash "
        )
        safe = {row[:3] for row in await machine.rows(sql) if not row[3] or row[3] in there}
        await machine.restore()
        self.acknowledged -= before - safe - await machine.changes()
        for other in self.world.machines:
            self.acknowledged |= await other.changes()

    async def edit(self, machine, index, changes):
        document = await self.chosen(machine, index)
        if document is None:
            return
        try:
            async with machine.replica.edit(Quote, document) as quote:
                for what, value in changes:
                    act(quote, what, value)
        except DocumentNotFoundError:
            pass  # A task.

    async def check(self):
        """Check what must hold once everything has arrived and everybody is quiet."""
        machines = self.world.machines
        shared = [await machine.shared() for machine in machines]
        assert all(one == shared[0] for one in shared)
        everywhere = set().union(*shared)
        first = machines[0]
        digests, projections, ledger = (
            await first.replica.digests(),
            await first.projections(),
            await first.ledger(),
        )
        conflicts = await first.replica.conflicts()
        for machine in machines:
            own = await machine.replica.digests()
            assert await machine.recomputed() == own
            assert {key: own[key] for key in everywhere} == {key: digests[key] for key in everywhere}
            shown = await machine.projections()
            assert {key: shown[key] for key in everywhere} == {key: projections[key] for key in everywhere}
            found = await machine.replica.conflicts()
            assert [c for c in found if c.document in everywhere] == [
                c for c in conflicts if c.document in everywhere
            ]
            assert await machine.ledger() == ledger
            assert {c for c in self.acknowledged if c[0] in everywhere} <= await machine.changes()
            for remote in await machine.replica.remotes():
                assert (
                    remote.waiting_changes,
                    remote.waiting_files,
                    remote.inbox,
                    remote.waiting_causes,
                ) == (0, 0, 0, 0)
            # Own files that a restored database does not know are listed, and nothing else is.
            allowed = ("feed", "beacon")
            listed = await machine.quarantine()
            assert [
                x
                for x in listed
                if x.what != "file" and not (x.what == "fork" and x.name.startswith(allowed))
            ] == []
        own = set().union(*[await machine.changes() for machine in machines])
        assert self.acknowledged <= own
        await self.check_numbers()

    async def check_numbers(self):
        entries = await self.world.machines[0].replica.ledger()
        assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
        assert len({entry.document for entry in entries}) == len(entries)
        numbered = {entry.document for entry in entries}
        for machine in self.world.machines:
            sql = "SELECT d.id FROM _marks m JOIN _documents d ON d.n = m.document WHERE m.marked_ms IS NOT NULL AND kind = 'quote'"
            assert {row[0] for row in await machine.rows(sql)} <= numbered
            for item in await machine.replica.items():
                assert item.state.status.value in ("draft", "received"), item
                assert item.state.status.value == "draft" or item.kind == "task", item

    async def check_quiet(self):
        """I32: with no edits and no faults the folder stops changing."""
        before = dict(self.world.place.files)
        for _ in range(2):
            for machine in self.world.machines:
                self.world.place.arrive_all()
                await machine.sync(fresh=True)
        assert self.world.place.files == before
        for machine in self.world.machines:
            beacons = [n for n in before if "/beacons/" in n and n.startswith(machine.replica.id)]
            assert len(beacons) <= 2


async def run(history):
    count, offsets, todo = history
    with tempfile.TemporaryDirectory(dir=FAST_DISK if FAST_DISK.is_dir() else None) as directory:
        world = World(Path(directory))
        try:
            await world.add("office", "office", offset_ms=offsets[0])
            for number in range(1, count):
                await world.add(f"R{number}", offset_ms=offsets[number])
            one = Run(world)
            for action in todo:
                await one.do(action)
            await world.settle()
            await one.check()
            await one.check_quiet()
        finally:
            await world.close()


# A history runs for a tenth of a second: shrinking one takes minutes, and is left to whoever hunts a failure.
PHASES = [Phase.explicit, Phase.generate, *([Phase.shrink] if os.environ.get("SHRINK") else [])]
PROFILE = settings(
    deadline=None,
    database=None,
    print_blob=True,
    phases=PHASES,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)


@settings(PROFILE, max_examples=60, derandomize=True)
@given(histories)
def test_replicas_end_equal_and_quiet(history):
    asyncio.run(run(history))


@pytest.mark.slow
@settings(PROFILE, max_examples=int(os.environ.get("HISTORIES", "300")))
@given(histories)
def test_replicas_end_equal_and_quiet_in_many_histories(history):
    asyncio.run(run(history))
