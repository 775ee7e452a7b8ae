"""A folder that moves, one that was lost, and one that is another group's."""

import pytest

from crdtsync import ItemStatus
from crdtsync.errors import MarkerConflictError, RemoteNotSetUpError
from crdtsync.sync.report import SyncReport
from crdtsync.sync.steps import acknowledge
from tests.unit.sync.helpers import named
from tests.unit.sync.moving import attach, move_all, point
from tests.unit.sync.place import SlowPlace
from tests.unit.sync.world import Customer, World


async def add_customer(machine, name: str) -> str:
    async with machine.replica.edit(Customer) as customer:
        customer.name = name
    return customer.id


async def remote_of(machine):
    (found,) = await machine.replica.remotes()
    return found


async def everything_of(machine):
    return await machine.changes(), await machine.replica.digests(), await machine.ledger()


@pytest.fixture
async def used(world, office, r1):
    """An office and a workstation that have both written, and a quote with its number."""
    await add_customer(office, "Ada")
    quote = await r1.make("Bob")
    await r1.replica.mark_for_sync(quote)
    await world.settle()
    assert await r1.number(quote) is not None
    return quote


async def test_a_folder_that_is_begun_anew_elsewhere_gets_the_very_same_files(world, office, r1, used):
    before = {name: data for name, data in world.place.files.items() if "/b-" not in name}
    await move_all(world, SlowPlace())
    await world.settle()
    assert {name: data for name, data in world.place.files.items() if "/b-" not in name} == before


async def test_a_newcomer_reads_all_of_the_past_in_the_folders_new_place(world, office, r1, used):
    await move_all(world, SlowPlace())
    newcomer = await world.add("R9")
    point(newcomer, world.place)
    await world.settle()
    assert await everything_of(newcomer) == await everything_of(office) == await everything_of(r1)
    assert await newcomer.number(used) == await office.number(used)


async def test_segments_come_to_the_new_place_in_their_order(world, office, r1):
    for name in ("Ada", "Bob", "Cleo"):
        await add_customer(office, name)
        await world.settle()
    await move_all(world, SlowPlace())
    await world.settle()
    segments = [name for name in office.remote.puts if "/s-" in name]
    assert len(segments) == 3
    assert segments == sorted(segments)


async def test_files_that_are_not_in_the_new_place_are_counted_as_waiting(world, office, r1, used):
    assert (await remote_of(office)).waiting_files == 0
    place = SlowPlace()
    point(office, place)
    await attach(office, create_folder=True)
    own = await office.rows("SELECT count(*) FROM _own_files WHERE type <> 'marker'")
    assert (await remote_of(office)).waiting_files == own[0][0] > 0
    await office.sync()
    assert (await remote_of(office)).waiting_files == 0


async def test_what_was_copied_to_the_new_place_does_not_wait_and_is_not_put_again(world, office, r1, used):
    place = SlowPlace()
    place.files, place.ever = dict(world.place.files), dict(world.place.files)
    point(office, place)
    place.arrive_all()
    await attach(office)
    assert (await remote_of(office)).waiting_files == 0
    await office.sync()
    assert office.remote.puts == []


async def test_an_item_that_the_office_has_stays_received_when_the_folder_moves(world, office, r1):
    task = await r1.make("Ada")
    await r1.replica.mark_for_sync(task)
    await r1.sync()
    world.place.arrive_all()
    await office.steps(2)  # It has it, and gives no number yet.
    await acknowledge(office.session, SyncReport())
    world.place.arrive_all()
    await r1.sync()
    assert (await r1.replica.item(task)).state.status is ItemStatus.RECEIVED
    point(r1, SlowPlace())
    await attach(r1, create_folder=True)
    assert (await r1.replica.item(task)).state.status is ItemStatus.RECEIVED


async def test_an_item_that_nobody_has_is_not_sent_any_more_until_it_is_in_the_new_place(world, office, r1):
    quote = await r1.make("Ada")
    await r1.replica.mark_for_sync(quote)
    await r1.sync()
    assert (await r1.replica.item(quote)).state.status is ItemStatus.SENT
    point(r1, SlowPlace())
    await attach(r1, create_folder=True)
    assert (await r1.replica.item(quote)).state.status is ItemStatus.MARKED
    await r1.sync()
    assert (await r1.replica.item(quote)).state.status is ItemStatus.SENT


async def test_no_number_is_given_until_earlier_ones_are_in_the_new_place(world, office, r1, used):
    second = await r1.make("Cleo")
    await r1.replica.mark_for_sync(second)
    await r1.sync()
    world.place.arrive_all()
    await office.steps(2)
    place = SlowPlace()
    point(office, place)
    await attach(office, create_folder=True)
    await office.steps(3)
    assert await office.number(second) is None
    await office.sync()
    await office.sync()
    assert await office.number(second) is not None
    assert len(named(place.files, "l")) == 2


async def test_who_moves_later_brings_what_was_written_meanwhile(world, office, r1, used):
    first = world.place
    place = SlowPlace()
    point(office, place)
    await attach(office, create_folder=True)
    await office.sync()
    late = await add_customer(r1, "in the old place")
    new = await add_customer(office, "in the new place")
    first.arrive_all()
    await r1.sync()
    await office.sync()
    assert not await office.replica.exists(Customer, late)
    world.place = place
    point(r1, place)
    await world.settle()
    assert await everything_of(office) == await everything_of(r1)
    assert await office.replica.exists(Customer, late)
    assert await r1.replica.exists(Customer, new)


async def test_two_that_begin_the_folder_anew_at_a_time_begin_the_same_one(world, office, r1, used):
    place = SlowPlace()
    for machine in (office, r1):
        point(machine, place)
        await attach(machine, create_folder=True)  # Neither sees the marker of the other.
    world.place = place
    await world.settle()
    assert len([name for name in place.files if name.startswith("folder-")]) == 1
    assert await everything_of(office) == await everything_of(r1)


async def test_a_folder_that_moves_back_and_forth_loses_nothing(world, office, r1, used):
    first, second = world.place, SlowPlace()
    await move_all(world, second)
    await add_customer(r1, "in the second place")
    await world.settle()
    world.place = first
    for machine in (office, r1):
        point(machine, first, "slow:place")
    await add_customer(office, "in the first place again")
    await world.settle()
    assert await everything_of(office) == await everything_of(r1)
    assert {name for name in second.files if "/s-" in name} < set(first.files)


async def test_an_empty_place_is_no_new_home_unless_that_is_said(world, office, r1, used):
    for machine in (office, r1):
        place = SlowPlace()
        point(machine, place)
        with pytest.raises(RemoteNotSetUpError, match=r"slow:second is empty, .* at slow:place"):
            await machine.sync()
        assert not place.files
        assert (await remote_of(machine)).address == "slow:place"


@pytest.fixture
async def others(tmp_path):
    """The office of another group, and its folder."""
    world = World(tmp_path / "others", seed=1)
    office = await world.add("Main", "office")
    await add_customer(office, "of the others")
    await world.settle()
    yield world
    await world.close()


async def test_the_folder_of_another_group_is_refused(world, office, r1, used, others):
    before = dict(others.place.files)
    for machine in (office, r1):
        point(machine, others.place)
        others.place.arrive_all()
        known = await everything_of(machine)
        for create_folder in (None, True):
            with pytest.raises(MarkerConflictError, match=r"set up by Main, and this replica syncs with"):
                await attach(machine, create_folder=create_folder)
        assert others.place.files == before
        assert await everything_of(machine) == known
        assert (await remote_of(machine)).address == "slow:place"


async def test_who_is_told_to_leaves_one_folder_for_another_with_all_that_is_there(world, office, r1, used):
    """The way out when somebody is gone for good with the old folder: what he wrote is brought along."""
    theirs = await add_customer(r1, "of R1")
    await world.settle()
    place = SlowPlace()
    point(office, place)
    await attach(office, create_folder=True, other_folder=True)
    assert (await remote_of(office)).waiting_changes == len(await office.changes())
    await office.sync()
    world.machines.remove(r1)
    await r1.stop()
    newcomer = await world.add("R9")
    world.place = place
    point(newcomer, place)
    await world.settle()
    assert await everything_of(newcomer) == await everything_of(office)
    assert await newcomer.replica.exists(Customer, theirs)
    assert {entry.author for entry in await newcomer.replica.history(theirs)} == {"r1"}


async def test_all_who_leave_for_one_other_folder_meet_there_again(world, office, r1, used):
    place = SlowPlace()
    mine = await add_customer(r1, "not sent yet")
    for machine in (office, r1):
        point(machine, place)
        place.arrive_all()
        await attach(machine, create_folder=machine is office, other_folder=True)
        await machine.sync()
    world.place = place
    second = await r1.make("Cleo")
    await r1.replica.mark_for_sync(second)
    await world.settle()
    assert await everything_of(office) == await everything_of(r1)
    assert await office.replica.exists(Customer, mine)
    assert [await office.number(quote) for quote in (used, second)] == ["Q-00001", "Q-00002"]
    assert await office.quarantine() == await r1.quarantine() == []
    for machine in (office, r1):
        assert (await remote_of(machine)).waiting_causes == 0
        assert all(receipt.is_complete for receipt in await machine.replica.receipts(used))


async def test_an_item_is_sent_anew_when_its_workstation_leaves_for_another_folder(world, office, r1):
    quote = await r1.make("Ada")
    await r1.replica.mark_for_sync(quote)
    await r1.sync()
    place = SlowPlace()
    point(r1, place)
    await attach(r1, create_folder=True, other_folder=True)
    assert (await r1.replica.item(quote)).state.status is ItemStatus.MARKED
    await r1.sync()
    assert (await r1.replica.item(quote)).state.status is ItemStatus.SENT


async def test_a_coordinator_that_lacks_part_of_the_ledger_gives_no_number_in_another_folder_either(
    world, office, r1
):
    await office.back_up()
    quote = await r1.make("Ada")
    await r1.replica.mark_for_sync(quote)
    await world.settle()
    await office.restore()
    world.place.files = {n: d for n, d in world.place.files.items() if "/l-" not in n}
    office.remote.view.files = {n: d for n, d in office.remote.view.files.items() if "/l-" not in n}
    await office.steps(1)  # R1's beacon says what is missing.
    point(office, SlowPlace())
    await attach(office, create_folder=True, other_folder=True)
    report = await office.sync()
    assert any("restored from a backup" in problem for problem in report.problems)


async def test_it_says_whose_changes_have_not_come_to_the_new_place(world, office, r1, used):
    """The office has changes of R1 and builds on them, and R1 is still where the folder was."""
    await office.rename(used, "Bob Bell")
    await office.sync()
    assert (await remote_of(office)).missing == ()
    place = SlowPlace()
    point(office, place)
    await attach(office, create_folder=True)
    await office.sync()
    newcomer = await world.add("R9")
    point(newcomer, place)
    place.arrive_all()
    await newcomer.sync()
    found = await remote_of(newcomer)
    assert found.waiting_causes == 1
    assert [(item.name, item.changes, item.segments) for item in found.missing] == [("R1", 1, 1)]
    assert found.missing[0].text == (
        "waits for changes of R1 that have not come to this folder; R1 puts them there when it syncs"
    )
    world.place = place
    point(r1, place)
    await world.settle()
    assert (await remote_of(newcomer)).missing == ()
    assert await newcomer.customer(used) == "Bob Bell"
