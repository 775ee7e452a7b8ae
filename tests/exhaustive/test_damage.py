"""Goal: a file that is cut short, or of which one bit is another, is refused, and changes nothing.

Method: of every type of file, small and with one of everything, each truncation (bare, and with zeros up to
the right size) and each flipped bit goes to the decoder; then real files of a real folder go, so damaged,
through whole rounds of a replica, which must hold what it holds without them, and take the right file after.
Bits are flipped under a right hash as well, where a decoder may find a value, and nothing else.
"""

import contextlib

import pytest

from crdtsync.errors import DamagedFileError, FormatError, MarkerMissingError, PartialFileError
from crdtsync.protocol.files import FileType, decode_file
from crdtsync.protocol.names import NameKind, classify
from crdtsync.testing import MemoryPlace, MemoryRemote
from tests.fuzz.targets import (
    BODIES,
    FILES,
    read_beacon,
    read_file,
    read_ledger,
    read_marker,
    read_segment,
    sealed,
)

from .machines import EVERYTHING, Machine
from .scenario import Fleet, settle, tell

READERS = {
    FileType.MARKER: read_marker,
    FileType.SEGMENT: read_segment,
    FileType.LEDGER: read_ledger,
    FileType.BEACON: read_beacon,
}


def flipped(data: bytes):
    """Yield the data with each bit another in turn."""
    for at in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            yield bytes(changed)


@pytest.mark.parametrize("file_type", FileType)
def test_every_truncation_is_refused_as_partial(file_type):
    """H5: cut short, or of the right size with zeros where the rest is to come."""
    data = FILES[file_type]
    for size in range(len(data)):
        with pytest.raises(PartialFileError):
            decode_file(data[:size])
        if len(data) - size >= 8:
            # Lengths of which only a part has arrived are other lengths.
            with pytest.raises(FormatError if 8 <= size < 20 else PartialFileError):
                decode_file(data[:size] + bytes(len(data) - size))


@pytest.mark.parametrize("file_type", FileType)
def test_every_flipped_bit_is_refused(file_type):
    """H6: wherever it is."""
    for changed in flipped(FILES[file_type]):
        with pytest.raises(FormatError):
            decode_file(changed)


@pytest.mark.parametrize("file_type", FileType)
def test_every_flipped_bit_under_a_right_hash_gives_a_value_or_is_refused(file_type):
    """H6, H57: the outer checks pass, and each layer below must still know what it reads."""
    outcomes = set()
    for changed in flipped(FILES[file_type]):
        try:
            read_file(sealed(changed))
        except FormatError as error:
            outcomes.add(type(error))
        else:
            outcomes.add(None)
    assert {None, DamagedFileError} <= outcomes


@pytest.mark.parametrize("file_type", FileType)
def test_every_flipped_bit_of_a_body_gives_a_value_or_is_refused(file_type):
    """H6, H57: without a compressed frame around it, so that a bit is a bit of what is said."""
    outcomes = set()
    for changed in flipped(BODIES[file_type]):
        try:
            READERS[file_type](changed)
        except DamagedFileError:
            outcomes.add(False)
        else:
            outcomes.add(True)
    assert outcomes == {True, False}


@pytest.mark.parametrize("file_type", FileType)
def test_no_truncated_body_is_accepted(file_type):
    body = BODIES[file_type]
    for size in range(len(body)):
        with pytest.raises(DamagedFileError):
            READERS[file_type](body[:size])


# Through whole rounds.

KINDS = {
    "marker": (NameKind.MARKER, ""),
    "segment with a request": (NameKind.SEGMENT, "r1"),
    "segment of the office": (NameKind.SEGMENT, "office"),
    "ledger": (NameKind.LEDGER, "office"),
    "beacon": (NameKind.BEACON, "r1"),
}


async def held(machine: Machine) -> list[list[tuple]]:
    """Return all that a replica has taken in."""
    return [
        await machine.rows(sql)
        for sql in (
            "SELECT id, kind, digest, version, frontier FROM _documents ORDER BY id",
            "SELECT document, client, sequence FROM _waiting ORDER BY 1, 2, 3",
            "SELECT encoded FROM _ledger ORDER BY idx",
            "SELECT replica, document, serial, withdrawn FROM _requests ORDER BY 1, 2",
            "SELECT replica, counter FROM _peers ORDER BY 1",
            "SELECT replica, owner, feed, sequence FROM _receipts ORDER BY 1, 2, 3",
            "SELECT hash, applied_ms IS NULL FROM _segments ORDER BY 1",
        )
    ]


async def try_to_sync(machine: Machine, place: MemoryPlace) -> None:
    with contextlib.suppress(MarkerMissingError):
        await machine.replica.sync(MemoryRemote(place))


@pytest.mark.parametrize("stride", [29, pytest.param(1 if EVERYTHING else 5, marks=pytest.mark.slow)])
@pytest.mark.parametrize("which", KINDS)
async def test_a_replica_that_meets_only_damaged_copies_holds_nothing_of_them(fast_path, which, stride):
    """H5, H6, I3, I10: every so many (or all) truncations and flipped bits at once, each as one more copy."""
    fleet = Fleet(fast_path)
    await tell(fleet)
    await settle(fleet)
    expected = await fleet["office"].machine.replica.digests()
    kind, owner = KINDS[which]
    writer = fleet[owner].machine.replica.id if owner else None
    found = sorted(
        name
        for name in fleet.place.files
        if classify(name).kind is kind and (writer is None or classify(name).owner == writer)
    )
    name, data = found[0], fleet.place.files[found[0]]
    others = {other: content for other, content in fleet.place.files.items() if other != name}
    await fleet.stop()

    machine = Machine(fast_path, "r2", clock=fleet.clock)
    place = MemoryPlace()
    place.files = dict(fleet.place.files) if kind is not NameKind.MARKER else {name: data}
    await machine.start()
    await machine.replica.attach(MemoryRemote(place))
    await machine.stop()
    machine.save(fast_path / "attached")

    async def outcome(copies: dict[str, bytes]) -> tuple[MemoryPlace, list[list[tuple]]]:
        machine.load(fast_path / "attached")
        place = MemoryPlace()
        place.files = others | copies
        await machine.start()
        for _ in range(3):
            await try_to_sync(machine, place)
        return place, await held(machine)

    _, without = await outcome({})
    await machine.stop()
    damaged = [data[:size] for size in range(0, len(data), stride)]
    damaged += list(flipped(data))[:: stride * 4 if stride > 1 else 1]
    stem = name.removesuffix(".crdts")
    copies = {f"{stem} (conflict {number}).crdts": content for number, content in enumerate(damaged)}
    place, with_copies = await outcome(copies)
    assert with_copies == without, "a damaged copy left something behind"

    place.files[name] = data
    for _ in range(4):
        fleet.clock.now_ms += 10 * 60_000
        await machine.replica.sync(MemoryRemote(place))
    assert await machine.replica.digests() == expected
    assert len(await machine.replica.ledger()) == 2
    if kind is not NameKind.MARKER:  # What a name promises is known of numbered files only.
        assert await machine.replica.quarantine() == []
    await machine.stop()
