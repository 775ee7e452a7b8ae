"""Goal: a coordinator whose database was put back, or copied, gives no number twice (F7, F8, F10, R5, I21, I28).

Method: its database is put back to every point of a short history, with every mixture of what of its own is there in
the folder: whole, damaged or gone. It is then asked for one more number, at once and when the folder is whole again.
"""

from itertools import product

import pytest

from crdtsync.protocol.names import NameKind, classify
from crdtsync.testing import MemoryRemote

from .machines import Machine, Quote
from .scenario import MINUTES_MS, Fleet, settle

GRANTS = 2
WHOLE, DAMAGED, GONE = "whole", "damaged", "gone"


async def mark_one(machine, customer):
    async with machine.replica.edit(Quote) as quote:
        quote.customer = customer
    await machine.replica.mark_for_sync(quote.id)


async def ledger(machine):
    return [(entry.index, entry.number, entry.document) for entry in await machine.replica.ledger()]


def require_one_ledger(*ledgers):
    longest = max(ledgers, key=len)
    for one in ledgers:
        assert one == longest[: len(one)], "two ledgers (I28)"
    numbers = [number for _, number, _ in longest]
    assert numbers == list(range(1, len(numbers) + 1)), "a hole, or a number twice (I21, I23)"
    assert len({document for _, _, document in longest}) == len(longest), "two numbers of one document (I22)"


def as_found(data, state):
    return data if state == WHOLE else data[:-1] + bytes([data[-1] ^ 1])


def own_files(fleet, replica, kind):
    return sorted(
        name for name in fleet.place.files if classify(name).kind is kind and classify(name).owner == replica
    )


@pytest.fixture
async def told(fast_path):
    """A fleet that has some numbers, and the coordinator's disk from before each of them."""
    fleet = Fleet(fast_path)
    for name in ("office", "r1"):
        await fleet.start(name)
    await settle(fleet)
    office = fleet["office"].machine
    for number in range(GRANTS):
        await office.stop()
        office.save(fast_path / f"before {number}")
        await office.start()
        await mark_one(fleet["r1"].machine, f"customer {number}")
        await settle(fleet)
    assert len(await ledger(office)) == GRANTS
    await office.stop()
    yield fleet
    await fleet.stop()


@pytest.mark.parametrize("before", range(GRANTS))
async def test_put_back_to_any_point_with_any_part_of_the_folder(told, fast_path, before):
    fleet = told
    office, r1 = fleet["office"].machine, fleet["r1"].machine
    whole = dict(fleet.place.files)  # With the beacons of r1: where nobody at all remembers, nobody can know.
    (coordinator,) = {classify(name).owner for name in whole if classify(name).kind is NameKind.LEDGER}
    ledgers = own_files(fleet, coordinator, NameKind.LEDGER)
    beacons = own_files(fleet, coordinator, NameKind.BEACON)
    assert len(ledgers) == GRANTS
    given = await ledger(r1)
    await r1.stop()
    r1.save(fast_path / "r1 as it was")
    for *states, beacon_state in product((WHOLE, DAMAGED, GONE), repeat=GRANTS + 1):
        told_so = f"before {before}, {states}, beacons {beacon_state}"
        office.load(fast_path / f"before {before}")
        r1.load(fast_path / "r1 as it was")
        found = dict(zip(ledgers, states, strict=True)) | dict.fromkeys(beacons, beacon_state)
        fleet.place.files = {
            name: as_found(data, found.get(name, WHOLE))
            for name, data in whole.items()
            if found.get(name, WHOLE) != GONE
        }
        await office.start()
        await r1.start()
        await mark_one(office, "one more")
        for _ in range(2):
            await fleet.sync("office")
        try:
            require_one_ledger(given, await ledger(office))
            assert len(await ledger(office)) <= GRANTS + 1
            for name in fleet.place.files.keys() & whole.keys():
                fleet.place.files[name] = whole[name]
            fleet.place.files = whole | fleet.place.files
            for _ in range(3):
                fleet.clock.now_ms += MINUTES_MS
                await settle(fleet)
            require_one_ledger(given, await ledger(office), await ledger(r1))
            assert len(await ledger(r1)) == GRANTS + 1, "the last one never gets its number (I30)"
        except AssertionError as error:
            error.add_note(told_so)
            raise
        await office.stop()
        await r1.stop()


async def test_the_names_of_its_own_files_are_enough_to_make_it_wait(told, fast_path):
    """R5, H14: nobody is heard of, and what it wrote is there and cannot be read yet."""
    fleet = told
    office = fleet["office"].machine
    given = await ledger(fleet["r1"].machine)
    whole = dict(fleet.place.files)
    office.load(fast_path / "before 0")
    fleet.place.files = {
        name: as_found(data, DAMAGED if classify(name).kind is NameKind.LEDGER else WHOLE)
        for name, data in whole.items()
        if classify(name).kind is not NameKind.BEACON
    }
    await office.start()
    await mark_one(office, "one more")
    for _ in range(3):
        await fleet.sync("office")
    assert await ledger(office) == []
    fleet.place.files |= whole
    for _ in range(3):
        fleet.clock.now_ms += MINUTES_MS
        await settle(fleet)
    require_one_ledger(given, await ledger(office), await ledger(fleet["r1"].machine))
    assert len(await ledger(office)) == GRANTS + 1
    await office.stop()


async def test_a_copy_and_its_original_stop_when_they_meet(told, fast_path):
    """F10: both go on from one database; the numbers that are taken for true stay one ledger."""
    fleet = told
    office, r1 = fleet["office"].machine, fleet["r1"].machine
    office.save(fast_path / "copied")
    copy = Machine(fast_path / "elsewhere", "office", "office", clock=fleet.clock, seed=9)
    copy.directory.parent.mkdir()
    copy.load(fast_path / "copied")
    elsewhere = MemoryRemote(fleet.place)
    before = dict(fleet.place.files)
    await office.start()
    await mark_one(office, "of the original")
    await fleet.sync("office")
    after, fleet.place.files = fleet.place.files, before
    await copy.start()
    await mark_one(copy, "of the copy")
    await copy.replica.sync(elsewhere)
    fleet.place.files.update(after)  # They had not met in the folder.

    for _ in range(3):
        fleet.clock.now_ms += MINUTES_MS
        for sync in (fleet.sync("r1"), fleet.sync("office"), copy.replica.sync(elsewhere), fleet.sync("r1")):
            await sync
    counts = len(await ledger(office)), len(await ledger(copy))
    taken = await ledger(r1)
    await mark_one(office, "later")
    await mark_one(copy, "later")
    for _ in range(3):
        fleet.clock.now_ms += MINUTES_MS
        for sync in (fleet.sync("office"), copy.replica.sync(elsewhere), fleet.sync("r1")):
            await sync
    assert (len(await ledger(office)), len(await ledger(copy))) == counts, (
        "one goes on beside the other (I21)"
    )
    assert await ledger(r1) == taken
    await copy.stop()
