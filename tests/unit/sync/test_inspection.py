"""Goal: a picture of a folder tells what lies there and what is wrong, and costs little when it is taken again.

Method: the files of an office and a workstation, in a place in memory whose reads are counted.
"""

import pytest

from crdtsync import inspect_folder
from crdtsync.errors import RemoteAddressError, RemoteUnavailableError
from crdtsync.protocol.beacon import Beacon, encode_beacon
from crdtsync.protocol.files import FileType
from crdtsync.remote import RemoteFile
from crdtsync.sync import inspection
from crdtsync.sync.picture import GAPS_MAX
from crdtsync.testing import MemoryPlace, MemoryRemote

from .helpers import STRANGER, named, stranger_file, stranger_segment


class CountingRemote(MemoryRemote):
    """Remembers what was read, and what was done beside reading."""

    def __init__(self, files, name="counted"):
        place = MemoryPlace()
        place.files.update(files)
        super().__init__(place, name=name)
        self.files = place.files
        self.gets = []
        self.away = set()
        self.repeated = []

    async def list(self, prefix=""):
        found = [
            RemoteFile(item.name, item.size_bytes, item.name not in self.away)
            for item in await super().list(prefix)
        ]
        return [*found, *(item for item in found if item.name in self.repeated)]

    async def get(self, name, *, bytes_max):
        self.gets.append(name)
        return await super().get(name, bytes_max=bytes_max)

    async def put(self, name, data):
        raise AssertionError("an inspection writes nothing")

    async def delete(self, name):
        raise AssertionError("an inspection deletes nothing")

    async def __aenter__(self):
        raise AssertionError("an inspection does not enter the remote")


@pytest.fixture
async def folder(world, office, r1):
    """The files of a quote that was sent, numbered and received."""
    document = await r1.make("Ada")
    await r1.replica.mark_for_sync(document)
    await world.settle()
    await r1.rename(document, "Bob")
    await world.settle()
    return CountingRemote(world.place.files)


def feed_of(picture, owner):
    (found,) = [feed for feed in picture.feeds if feed.owner == owner]
    return found


def problems(picture):
    return {problem.name: problem.verdict for problem in picture.problems}


async def test_a_folder_is_told_whole(world, office, r1, folder):
    picture = await inspect_folder(folder)
    (marker,) = picture.markers
    assert (marker.folder, marker.created_by) == (r1.session.folder, office.replica.id)
    assert [(item.name, item.role, item.is_coordinator) for item in picture.replicas] == [
        ("R1", "roaming", False),
        ("office", "office", True),
    ]
    feed = feed_of(picture, r1.replica.id)
    assert feed.owner_name == "R1"
    assert [(s.sequence, s.name, s.changes, s.documents, s.requests, s.is_read) for s in feed.segments] == [
        (number, name, 1, 1, requests, True)
        for number, name, requests in zip(
            (1, 2), named(folder.files, "s", r1.replica.id), (1, 0), strict=True
        )
    ]
    assert feed.size_bytes == sum(len(folder.files[segment.name]) for segment in feed.segments)
    assert (feed.gaps, feed.breaks, feed.last) == ([], [], 2)
    assert (picture.ledger.entries, picture.ledger.head, picture.ledger.last_number) == (1, 1, "Q-00001")
    assert picture.ledger.writers == (office.replica.id,)
    assert list(picture.ledger.files) == named(folder.files, "l")
    assert (picture.files, picture.size_bytes) == (
        len(folder.files),
        sum(map(len, folder.files.values())),
    )
    assert (picture.problems, picture.unread) == ((), 0)


async def test_a_beacon_says_what_its_replica_has(world, office, r1, folder):
    picture = await inspect_folder(folder)
    beacons = {item.name: item.beacon for item in picture.replicas}
    assert [(item.owner_name, item.sequence) for item in beacons["office"].has] == [("R1", 2)]
    assert beacons["R1"].own.sequence == 2
    assert beacons["R1"].ledger_index == 1
    assert beacons["R1"].name == named(folder.files, "b", r1.replica.id)[-1]  # The newest of two.
    assert {item.beacon_files for item in picture.replicas} == {2}

    feed = feed_of(picture, r1.replica.id)
    assert set(picture.have(feed.owner, feed.feed, 2)) == {r1.replica.id, office.replica.id}
    assert picture.have(feed.owner, feed.feed, 3) == (r1.replica.id,)
    assert picture.have(feed.owner, "another", 1) == (r1.replica.id,)


async def test_a_picture_that_is_taken_again_reads_what_is_new(world, office, r1, folder):
    first = await inspect_folder(folder)
    assert sorted(folder.gets) == sorted(folder.files)
    folder.gets.clear()
    assert await inspect_folder(folder, previous=first) is first
    assert not folder.gets

    await r1.make("Cid")
    await r1.replica.mark_for_sync(*(await r1.shared()), *(await r1.replica.digests()))
    await world.settle()
    new = world.place.files.keys() - folder.files.keys()
    gone = folder.files.keys() - world.place.files.keys()
    assert new
    assert gone
    folder.files.clear()
    folder.files.update(world.place.files)
    second = await inspect_folder(folder, previous=first)
    assert sorted(folder.gets) == sorted(new)
    assert second == await inspect_folder(folder)
    assert feed_of(second, r1.replica.id).last == 3
    assert second.ledger.last_number == "Q-00002"


async def test_a_picture_of_another_place_is_not_believed(folder):
    first = await inspect_folder(folder)
    elsewhere = CountingRemote({name: b"?" * len(data) for name, data in folder.files.items()}, name="there")
    second = await inspect_folder(elsewhere, previous=first)
    assert (second.address, second.ledger.entries) == ("memory:there", 0)
    assert problems(second).keys() == folder.files.keys()


async def test_what_is_wrong_is_told_with_its_reason(r1, folder):
    """H3, H4, H5, H6, H14, H30."""
    segment = named(folder.files, "s", r1.replica.id)[0]
    data = folder.files[segment]
    copy = segment.removesuffix(".crdts") + " (conflicted copy).crdts"
    foreign = stranger_segment("b" * 25 + "a", [])
    folder.files |= {
        copy: data,
        "partial.crdts": data[:-40],
        "damaged.crdts": data[:-1] + b"?",
        "holiday.jpg": b"jpeg",
        "~cs-1.tmp": b"",
        "away.crdts": data,
        "zeros.crdts": bytes(100),
        foreign[0]: foreign[1],
    }
    folder.away.add("away.crdts")
    picture = await inspect_folder(folder)
    assert problems(picture) == {
        copy: "duplicate",
        "partial.crdts": "partial",
        "damaged.crdts": "bad",
        "holiday.jpg": "foreign",
        "~cs-1.tmp": "temporary",
        "away.crdts": "away",
        "zeros.crdts": "partial",
        foreign[0]: "foreign",
    }
    assert all(problem.reason for problem in picture.problems)
    assert STRANGER not in {item.replica for item in picture.replicas}
    assert "away.crdts" not in folder.gets
    assert "holiday.jpg" not in folder.gets


async def test_a_file_that_is_repaired_in_place_is_read_again(r1, folder):
    """H5: a tail of zeros is filled in, and the size stays."""
    segment = named(folder.files, "s", r1.replica.id)[1]
    data = folder.files[segment]
    folder.files[segment] = bytes(len(data))
    first = await inspect_folder(folder)
    assert problems(first) == {segment: "partial"}
    assert await inspect_folder(folder, previous=first) is first
    folder.files[segment] = data
    second = await inspect_folder(folder, previous=first)
    assert (problems(second), feed_of(second, r1.replica.id).last) == ({}, 2)


async def test_a_segment_that_cannot_be_read_is_shown_by_its_name(r1, folder):
    segment = named(folder.files, "s", r1.replica.id)[0]
    folder.away.add(segment)
    feed = feed_of(await inspect_folder(folder), r1.replica.id)
    assert [(item.sequence, item.is_read) for item in feed.segments] == [(1, False), (2, True)]
    assert feed.segments[0].name == segment
    assert (feed.gaps, feed.breaks) == ([1], [])


async def test_a_copy_stands_for_a_segment_that_cannot_be_read(r1, folder):
    segment = named(folder.files, "s", r1.replica.id)[0]
    copy = segment.removesuffix(".crdts") + " (1).crdts"
    folder.files[copy] = folder.files[segment]
    folder.away.add(segment)
    picture = await inspect_folder(folder)
    feed = feed_of(picture, r1.replica.id)
    assert [(item.name, item.is_read) for item in feed.segments][:1] == [(copy, True)]
    assert (feed.gaps, problems(picture)) == ([], {segment: "away"})


async def test_gaps_and_breaks_of_a_chain(r1, folder):
    marker = r1.session.folder
    hash_of_first = stranger_segment(marker, [])[1][-32:]
    for sequence, previous in ((1, bytes(32)), (2, hash_of_first), (3, b"?" * 32), (6, b"?" * 32)):
        name, data = stranger_segment(marker, [], sequence=sequence, previous=previous)
        folder.files[name] = data
    feed = feed_of(await inspect_folder(folder), STRANGER)
    assert (feed.gaps, feed.breaks, feed.owner_name) == ([4, 5], [3], "R9")


async def test_two_different_segments_of_one_number(r1, folder):
    """H63."""
    for previous in (bytes(32), b"?" * 32):
        name, data = stranger_segment(r1.session.folder, [], previous=previous)
        folder.files[name] = data
    picture = await inspect_folder(folder)
    assert list(problems(picture).values()) == ["bad"]
    assert len(feed_of(picture, STRANGER).segments) == 1


async def test_a_number_beyond_all_bounds_costs_nothing(r1, folder):
    """H57, H64: what a stranger claims is not counted to."""
    name, data = stranger_segment(r1.session.folder, [], sequence=2**52)
    folder.files[name] = data
    feed = feed_of(await inspect_folder(folder), STRANGER)
    assert feed.gaps == list(range(1, GAPS_MAX + 1))
    assert feed.last == 2**52


async def test_the_newest_beacon_counts_in_whatever_order_they_are_read(r1, folder):
    names = {9: "z.crdts", 11: "longer-name.crdts", 10: "y.crdts"}
    for counter, name in names.items():
        beacon = Beacon(
            name=f"R{counter}", role="roaming", coordinator=False, counter=counter, at_ms=1, positions=[]
        )
        _, folder.files[name] = stranger_file(
            r1.session.folder, encode_beacon(beacon), type_=FileType.BEACON, sequence=counter
        )
    (stranger,) = [item for item in (await inspect_folder(folder)).replicas if item.replica == STRANGER]
    assert (stranger.name, stranger.beacon.counter, stranger.beacon_files) == ("R11", 11, 3)


async def test_a_listing_that_repeats_itself(folder):
    """H22."""
    plain = await inspect_folder(folder)
    folder.repeated = list(folder.files)
    assert await inspect_folder(folder) == plain


async def test_a_file_that_goes_away_meanwhile_is_no_problem(r1, folder, monkeypatch):
    """H7: listed, and gone when it is read."""
    segment = named(folder.files, "s", r1.replica.id)[1]
    listed = await folder.list()
    del folder.files[segment]

    async def list_(prefix=""):
        return listed

    monkeypatch.setattr(folder, "list", list_)
    picture = await inspect_folder(folder)
    assert (picture.problems, feed_of(picture, r1.replica.id).last) == ((), 1)


async def test_what_is_too_much_is_left_for_the_next_time(folder):
    """H29: marker and beacons come first, and damaged files keep nothing else waiting."""
    folder.files |= {f"damaged-{number}.crdts": b"?" for number in range(20)}
    picture, read = None, []
    for _ in range(len(folder.files)):
        folder.gets.clear()
        picture = await inspection.inspect(folder, previous=picture, read_files_max=3)
        assert len(folder.gets) <= 3
        read += folder.gets
        if not picture.unread:
            break
    assert picture == await inspect_folder(folder)
    assert len(read) < len(folder.files) + 3
    assert read[0].startswith("folder-")


async def test_a_file_larger_than_the_budget_is_read_all_the_same(folder):
    picture = None
    for _ in folder.files:
        picture = await inspection.inspect(folder, previous=picture, read_bytes_max=1)
    assert picture.unread == 0
    assert picture == await inspect_folder(folder)


async def test_a_place_that_cannot_be_reached(folder):
    folder.place.is_reachable = False
    with pytest.raises(RemoteUnavailableError):
        await inspect_folder(folder)
    with pytest.raises(RemoteAddressError):
        await inspect_folder("nowhere:at/all")


async def test_an_empty_folder(tmp_path):
    picture = await inspect_folder(f"folder:{tmp_path}")
    assert (picture.files, picture.feeds, picture.markers, picture.ledger.head) == (0, (), (), 0)
