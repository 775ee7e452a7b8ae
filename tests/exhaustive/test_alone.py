"""Goal: a reader that nobody answers takes in all that is in the folder, whatever became of the files on their way.

Method: the files of a told story come to a new replica in every odd way there is, while everybody else is switched
off. Owners who put copies on request, and files that come a second time, would make up for much that is wrong here.
"""

from dataclasses import replace
from random import Random

import pytest

from crdtsync.errors import MarkerMissingError
from crdtsync.protocol.files import FileType, decode_file, encode_file
from crdtsync.protocol.ids import FolderId, id_text
from crdtsync.protocol.names import NameKind, classify
from crdtsync.remote import RemoteFile
from crdtsync.testing import MemoryPlace, MemoryRemote
from crdtsync.testing.faults.names import ConflictNaming, conflict_name
from tests.fuzz.targets import sealed

from .machines import Machine, Quote
from .scenario import Fleet, settle, tell
from .test_damage import held

OTHER_FOLDER = FolderId(id_text(b"another folder16"))


class Twins(MemoryRemote):
    """A place that lists two files of one name, and gives one or the other, in turns of a round."""

    def __init__(self, place: MemoryPlace, seconds: dict[str, bytes]) -> None:
        super().__init__(place)
        self.seconds = seconds
        self.lists = 0

    async def list(self, prefix: str = "") -> list[RemoteFile]:
        found = await super().list(prefix)
        self.lists += 1
        return found + [RemoteFile(name, len(data)) for name, data in self.seconds.items()]

    async def get(self, name: str, *, bytes_max: int) -> bytes:
        if name in self.seconds and self.lists % 2:
            return self.seconds[name]
        return await super().get(name, bytes_max=bytes_max)


@pytest.fixture
async def told(fast_path):
    """A story that was told: its files, what they come to, and the machine that is to read them."""
    fleet = Fleet(fast_path)
    await tell(fleet)
    await settle(fleet)
    expected = await fleet["office"].machine.replica.digests()
    await fleet.stop()
    machine = Machine(fast_path, "r2", clock=fleet.clock)
    await machine.start()
    yield machine, dict(fleet.place.files), expected
    await machine.stop()


def is_marker(name):
    return classify(name).kind is NameKind.MARKER


def is_beacon(name):
    return classify(name).kind is NameKind.BEACON


async def read(machine, remote, *, rounds=2):
    for _ in range(rounds):
        await machine.replica.sync(remote)


async def require_all(machine, expected):
    assert await machine.replica.digests() == expected
    assert len(await machine.replica.ledger()) == 2


def marker_of(files):
    return {name: data for name, data in files.items() if is_marker(name)}


@pytest.mark.parametrize(
    "naming", [naming for naming in ConflictNaming if naming is not ConflictNaming.NO_COPY]
)
async def test_under_the_names_of_conflict_copies(told, naming):
    """H4: only the copies are there; what they were copies of has gone."""
    machine, files, expected = told
    place = MemoryPlace()
    place.files = marker_of(files) | {
        conflict_name(naming, name, "r9", 1): data for name, data in files.items()
    }
    await read(machine, MemoryRemote(place))
    await require_all(machine, expected)


@pytest.mark.parametrize(
    "rename",
    [
        pytest.param(lambda number, name: f"{number}.crdts", id="numbers"),
        pytest.param(lambda number, name: f"Moved/{name.upper()}", id="upper case elsewhere"),
        pytest.param(lambda number, name: f"{name[:20]}~{number}.crdts", id="shortened"),
    ],
)
async def test_under_other_names(told, rename):
    """H3, H18: names are hints, and here they are none."""
    machine, files, expected = told
    place = MemoryPlace()
    place.files = marker_of(files) | {
        rename(n, name): data for n, (name, data) in enumerate(sorted(files.items()))
    }
    await read(machine, MemoryRemote(place))
    await require_all(machine, expected)


@pytest.mark.parametrize("seed", range(3))
async def test_under_each_others_names(told, seed):
    """H6: every file is whole and sits in the place of another."""
    machine, files, expected = told
    names = sorted(name for name in files if not is_marker(name))
    mixed = list(names)
    Random(seed).shuffle(mixed)
    place = MemoryPlace()
    place.files = marker_of(files) | {new: files[name] for new, name in zip(mixed, names, strict=True)}
    await read(machine, MemoryRemote(place), rounds=4)
    await require_all(machine, expected)


@pytest.mark.parametrize(
    "begun",
    [
        pytest.param(lambda data: data[: len(data) // 2], id="a prefix"),
        pytest.param(
            lambda data: data[: len(data) // 2] + bytes(len(data) - len(data) // 2), id="a tail of zeros"
        ),
        pytest.param(lambda data: bytes(len(data)), id="zeros"),
        pytest.param(lambda data: b"", id="nothing"),
    ],
)
async def test_seen_while_they_arrive(told, begun):
    """H5: each is met in part, and is whole soon after."""
    machine, files, expected = told
    place = MemoryPlace()
    place.files = {name: data if is_marker(name) else begun(data) for name, data in files.items()}
    await read(machine, MemoryRemote(place))
    assert await machine.replica.digests() == {}
    place.files.update(files)
    await read(machine, MemoryRemote(place), rounds=8)
    await require_all(machine, expected)
    assert await machine.replica.quarantine() == []


@pytest.mark.parametrize("order", ["forwards", "backwards"])
async def test_one_at_a_time_and_gone_again(told, order):
    """H1, H2, H7, H22: no listing shows more than one file beside the marker, and none a second time."""
    machine, files, expected = told
    names = sorted((name for name in files if not is_marker(name)), reverse=order == "backwards")
    for name in names:
        place = MemoryPlace()
        place.files = marker_of(files) | {name: files[name]}
        await read(machine, MemoryRemote(place), rounds=1)
    await require_all(machine, expected)


async def test_two_of_each_name(told):
    """H20: beside each file another one of its name, which is whole and is the next one of its kind."""
    machine, files, expected = told
    names = sorted(name for name in files if not is_marker(name))
    kept = {name: files[name] for name in names[::2]}
    # What has no name of its own here has that of the one before it.
    seconds = {first: files[second] for first, second in zip(names[::2], names[1::2], strict=False)}
    place = MemoryPlace()
    place.files = marker_of(files) | kept
    if len(names) % 2:
        place.files[names[-1]] = files[names[-1]]
    await read(machine, Twins(place, seconds), rounds=12)
    await require_all(machine, expected)


def of_another_folder(data):
    file = decode_file(data)
    return encode_file(replace(file.header, folder=OTHER_FOLDER), file.body)


def of_a_later_version(data):
    changed = bytearray(data)
    changed[8] += 1
    return sealed(bytes(changed))


@pytest.mark.parametrize("strange", [of_another_folder, of_a_later_version])
async def test_what_is_not_for_this_reader_leaves_nothing_behind(told, strange):
    """H12, H42, H62: whole and right files, of another folder or of a version to come."""
    machine, files, expected = told
    place = MemoryPlace()
    place.files = marker_of(files) | {
        f"{name.removesuffix('.crdts')} (2).crdts": strange(data)
        for name, data in files.items()
        if decode_file(data).header.type is not FileType.MARKER
    }
    remote = MemoryRemote(place)
    await machine.replica.attach(remote)
    before = await held(machine)
    await read(machine, remote, rounds=3)
    assert await held(machine) == before
    place.files.update(files)
    await read(machine, remote, rounds=3)
    await require_all(machine, expected)


async def test_a_segment_that_follows_another_one_than_is_here_waits(told):
    """H6, H63, I3: whole and right but for its place in the chain; the right one comes later."""
    machine, files, expected = told
    decoded = {name: decode_file(data) for name, data in files.items()}
    later = {
        name
        for name, file in decoded.items()
        if file.header.type is FileType.SEGMENT and file.header.sequence > 1
    }
    assert later
    place = MemoryPlace()
    place.files = {name: data for name, data in files.items() if name not in later}
    remote = MemoryRemote(place)
    await read(machine, remote)
    before = await machine.replica.digests()
    assert before != expected
    for name in later:
        file = decoded[name]
        wrong = encode_file(replace(file.header, previous=b"\x07" * 32), file.body)
        place.files[f"{name.removesuffix('.crdts')} (2).crdts"] = wrong
    await read(machine, remote)
    assert await machine.replica.digests() == before
    place.files.update({name: files[name] for name in later})
    await read(machine, remote)
    await require_all(machine, expected)


async def test_no_marker_means_nothing(told):
    """H12: files without a marker are no folder, and neither is the marker of another one among them."""
    machine, files, expected = told
    place = MemoryPlace()
    place.files = marker_of(files)
    await machine.replica.attach(MemoryRemote(place))
    before = await held(machine)
    place.files = {name: data for name, data in files.items() if not is_marker(name)}
    kept = dict(place.files)
    with pytest.raises(MarkerMissingError):
        await machine.replica.sync(MemoryRemote(place))
    assert (await held(machine), place.files) == (before, kept)
    place.files.update(files)
    await read(machine, MemoryRemote(place))
    await require_all(machine, expected)


@pytest.mark.parametrize("count", [2, 3])
async def test_the_last_ledger_file_makes_up_for_the_others(fast_path, count):
    """F4, F20, R4: it carries what not everybody is known to have, and here nobody is known to have any."""
    fleet = Fleet(fast_path)
    for name in ("office", "r1"):
        await fleet.start(name)
        await fleet.sync(name)
    await fleet.sync("office")  # Knows now that r1 is there.
    office = fleet["office"].machine.replica
    for number in range(count):
        async with office.edit(Quote) as quote:
            quote.customer = f"customer {number}"
        await office.mark_for_sync(quote.id)
        await fleet.sync("office")
    expected = [entry.text for entry in await office.ledger()]
    assert len(expected) == count
    ledgers = sorted(name for name in fleet.place.files if classify(name).kind is NameKind.LEDGER)
    assert len(ledgers) == count
    for lost in ledgers[:-1]:
        del fleet.place.files[lost]
    await fleet["office"].machine.stop()

    await fleet.sync("r1")
    assert [entry.text for entry in await fleet["r1"].machine.replica.ledger()] == expected
    await fleet.stop()
