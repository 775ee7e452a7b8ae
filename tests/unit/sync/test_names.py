"""Two replicas of one name (H37), two that give out numbers: both are told."""

from crdtsync import open_replica
from crdtsync.testing import MemoryPlace, MemoryRemote
from tests.benchmarks.model import Small


async def test_two_replicas_of_one_name_are_told_of_each_other(tmp_path):
    place = MemoryPlace()
    async with (
        open_replica(tmp_path / "o", name="office", role="office", kinds=[Small]) as office,
        open_replica(tmp_path / "a", name="R2", role="roaming", kinds=[Small]) as first,
        open_replica(tmp_path / "b", name="r2", role="roaming", kinds=[Small]) as second,
    ):
        ids = []
        await office.sync(MemoryRemote(place))
        for replica in (first, second):
            async with replica.edit(Small) as small:
                small.customer = replica.id
            ids.append(small.id)
            await replica.mark_for_sync(small.id)
        for replica in (first, second, office, first, second):
            await replica.sync(MemoryRemote(place))
        assert not await office.quarantine()
        for replica, other in ((first, second), (second, first)):
            (listed,) = await replica.quarantine()
            assert (listed.what, listed.name) == ("name", other.id)
            numbers = [(await replica.get(Small, document_id)).number for document_id in ids]
            assert len(set(numbers)) == len(numbers) == 2
            assert None not in numbers
            assert {document.id for document in await replica.find_number("R2-0001")} == set(ids)


async def test_two_coordinators_are_told_of_before_any_number_is_given(tmp_path):
    """H67: as soon as two of them have said so in their beacons, everyone who reads both lists it."""
    place = MemoryPlace()
    async with (
        open_replica(tmp_path / "o", name="office", role="office", kinds=[Small]) as office,
        open_replica(tmp_path / "s", name="second", role="office", kinds=[Small]) as second,
        open_replica(
            tmp_path / "b", name="branch", role="office", coordinator=False, kinds=[Small]
        ) as branch,
        open_replica(tmp_path / "r", name="R1", role="roaming", kinds=[Small]) as roaming,
    ):
        for replica in (office, branch, roaming, office):
            await replica.sync(MemoryRemote(place))
            assert not await replica.quarantine(), "one coordinator, and another office that is none"
        for replica in (second, office, branch, roaming):
            await replica.sync(MemoryRemote(place))
        for replica, other in ((office, second), (second, office), (branch, second), (roaming, second)):
            (listed,) = await replica.quarantine()
            assert listed.what == "coordinator"
            assert listed.name in (other.id, office.id)
            assert "gives out numbers" in listed.reason
            assert replica.name in listed.reason or not replica.is_coordinator
            assert not await replica.ledger()


async def test_a_replica_says_what_it_received_and_cannot_read(tmp_path):
    """A kind never declared here is merged and kept, counted, and readable once its class is known."""
    place = MemoryPlace()
    async with (
        open_replica(tmp_path / "o", name="office", role="office", kinds=[Small]) as office,
        open_replica(tmp_path / "r", name="R2", role="roaming") as roaming,
    ):
        async with office.edit(Small) as small:
            small.customer = "Ada"
        await office.sync(MemoryRemote(place))
        await roaming.sync(MemoryRemote(place))
        assert await roaming.unknown_kinds() == {"small": 1}
        assert (await roaming.get(Small, small.id)).customer == "Ada"
        assert await roaming.unknown_kinds() == {}


async def test_a_report_counts_what_waits_at_its_end(tmp_path):
    """A change that one segment left waiting and the next one made ready does not count as waiting."""
    place = MemoryPlace()
    async with (
        open_replica(tmp_path / "o", name="office", role="office", kinds=[Small]) as office,
        open_replica(tmp_path / "a", name="R1", role="roaming", kinds=[Small]) as first,
        open_replica(tmp_path / "b", name="R2", role="roaming", kinds=[Small]) as second,
    ):
        await office.sync(MemoryRemote(place))
        async with office.edit(Small) as small:
            small.customer = "Ada"
        await office.sync(MemoryRemote(place))
        for replica, name in ((first, "Bob"), (second, "Eve"), (first, "Kim")):
            await replica.sync(MemoryRemote(place))
            async with replica.edit(Small, small.id) as draft:
                draft.customer = name
            await replica.sync(MemoryRemote(place))
        async with open_replica(tmp_path / "c", name="R3", role="roaming", kinds=[Small]) as third:
            report = await third.sync(MemoryRemote(place))
            assert (report.applied, report.waiting) == (4, 0)
