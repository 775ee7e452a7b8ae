"""Goal: a beacon says what a replica has, as often as that changes, and a quiet folder stays quiet.

Method: an office and workstations over a place in memory, and the files they leave there.
"""

from crdtsync.protocol.beacon import decode_beacon
from crdtsync.protocol.files import decode_file
from tests.unit.sync.world import HOUR_MS

from .helpers import FEED, named, put_everywhere


async def shared_quote(machine):
    document = await machine.make("Ada")
    await machine.replica.mark_for_sync(document)
    return document


async def test_at_most_two_own_beacons_are_kept(world, office, r1):
    """FORMAT 7: two, so that one is there at any time."""
    document = await shared_quote(r1)
    for number in range(5):
        await r1.rename(document, f"c{number}")
        await world.settle()
        for machine in (office, r1):
            assert len(named(world.place.files, "b", machine.replica.id)) <= 2
    assert len(named(world.place.files, "b", r1.replica.id)) == 2


async def test_old_beacons_are_deleted_after_a_failure(world, office, r1):
    """H9, H32: a round that was cut before it deleted leaves that to the next."""
    document = await shared_quote(r1)
    await world.settle()
    for number in range(4):
        await r1.rename(document, f"c{number}")
        for fail_at in range(3, 9):
            await r1.try_steps(5, fail_at=fail_at, late=number % 2 == 0)
    await r1.sync()
    assert len(named(world.place.files, "b", r1.replica.id)) <= 2


async def test_nothing_is_written_when_nothing_changed(world, office, r1):
    """I32: no echo, also across restarts."""
    await shared_quote(r1)
    await world.settle()
    before = dict(world.place.files)
    for _ in range(3):
        for machine in (office, r1):
            await machine.restart()
            report = await machine.sync()
            assert report.is_idle
    assert world.place.files == before


async def test_heartbeat_once_a_day(world, office, r1):
    """I32: a replica is heard from once a day, and nobody answers a heartbeat."""
    await shared_quote(r1)
    await world.settle()
    before = set(world.place.files)
    world.now_ms += 18 * HOUR_MS
    await r1.sync()
    assert set(world.place.files) == before
    world.now_ms += 7 * HOUR_MS
    await r1.sync()
    assert len(set(world.place.files) - before) == 1
    before = set(world.place.files)
    world.place.arrive_all()
    await r1.sync()
    assert set(world.place.files) == before
    (peer,) = await office.replica.peers()
    heard = peer.heard_ms
    await office.sync()
    (peer,) = await office.replica.peers()
    assert peer.heard_ms > heard


async def test_clock_that_jumps_makes_no_beacons(world, office, r1):
    """H41: a clock set back by ten years is no reason to write in every round."""
    await shared_quote(r1)
    await world.settle()
    r1.offset_ms -= 10 * 365 * 24 * HOUR_MS
    await r1.sync()
    before = set(world.place.files)
    for _ in range(3):
        await r1.sync()
    assert set(world.place.files) == before


async def test_beacon_says_what_is_here(world, office, r1):
    """I9: positions are of what is durably here, with the ledger's head."""
    document = await shared_quote(r1)
    await world.settle()
    name = named(world.place.files, "b", office.replica.id)[-1]
    beacon = decode_beacon(decode_file(world.place.files[name]).body)
    (position,) = [item for item in beacon.positions if item.owner == r1.replica.id]
    segments = named(world.place.files, "s", r1.replica.id)
    assert position.sequence == len(segments)
    assert position.hash == world.place.files[segments[-1]][-32:]
    assert (beacon.ledger_index, beacon.coordinator, beacon.wants) == (1, True, [])
    assert await r1.number(document) == "Q-00001"


async def test_older_beacon_that_comes_late_changes_nothing(world, office, r1):
    """H1, I12: marks never go down."""
    first = {
        n: d for n, d in r1.remote.view.files.items() if n in named(world.place.files, "b", r1.replica.id)
    }
    document = await shared_quote(r1)
    await world.settle()
    for _ in range(2):
        await r1.rename(document, "Bob")
        await world.settle()
    receipts = await r1.replica.receipts(document)
    office.remote.view.files.update(first)
    await office.restart()
    await office.sync()
    assert await r1.replica.receipts(document) == receipts
    (peer,) = await office.replica.peers()
    assert peer.ledger_index == 1


async def test_name_with_a_number_beyond_all_bounds_stops_nothing(world, office, r1):
    """H6, H57: such a name promises nothing, and nobody is asked for what it names."""
    name = f"{office.replica.id}/{FEED}/0000/s-9999999999999999-0123456789.crdts"
    put_everywhere(world, name, b"garbage" * 30)
    document = await shared_quote(r1)
    await world.settle()
    assert await office.number(document) == "Q-00001"


async def test_folder_full_of_damage_is_asked_for_in_parts(world, office, r1):
    """H58: more damaged files than a beacon may name stop no round."""
    place = f"{office.replica.id}/{FEED}/0000"
    for number in range(1, 10_050):
        put_everywhere(world, f"{place}/s-{number:08d}-0123456789.crdts", b"garbage")
    await r1.sync()
    beacon = decode_beacon(
        decode_file(world.place.files[named(world.place.files, "b", r1.replica.id)[-1]]).body
    )
    assert 0 < len(beacon.wants) <= 1_000


async def test_copy_of_an_own_old_beacon_is_not_published_again(world, office, r1):
    """I32, H8: what newer ones have replaced comes back under another name, again and again."""
    document = await shared_quote(r1)
    await world.settle()
    [first, *_] = named(world.place.files, "b", r1.replica.id)
    old = world.place.files[first]
    for number in range(3):
        await r1.rename(document, f"c{number}")
        await world.settle()
    before = dict(world.place.files)
    assert first not in before

    for number in range(3):
        put_everywhere(world, f"copy-{number}.crdts", old)
        await r1.sync(fresh=True)

    assert {name for name in r1.remote.puts[-3:] if name == first} == set()
    assert {name: data for name, data in world.place.files.items() if "copy-" not in name} == before


async def test_own_old_beacon_that_came_back_is_collected(world, office, r1):
    """H8: under its own name it is deleted once more."""
    document = await shared_quote(r1)
    await world.settle()
    [first, *_] = named(world.place.files, "b", r1.replica.id)
    old = world.place.files[first]
    for number in range(3):
        await r1.rename(document, f"c{number}")
        await world.settle()

    put_everywhere(world, first, old)
    await r1.sync(fresh=True)

    assert first not in world.place.files
