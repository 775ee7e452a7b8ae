"""Goal: a change is applied once, after its causes, or says why not; a bad one stops no other.

Method: a stranger's segments, made by hand, are put into the place of an office and a workstation.
"""

import datetime as dt
import json
import random
from decimal import Decimal

import pytest
from pycrdt import Doc, Map, Text

from crdtsync import Document, derive_id, field
from crdtsync.document.registers import STAMP_MAX
from crdtsync.errors import DocumentNotFoundError
from crdtsync.protocol.files import decode_file
from tests.unit.sync.place import WHOLE
from tests.unit.sync.world import Quote

from .helpers import CLIENT, STRANGER, named, put_everywhere, stranger_file, stranger_segment
from .hostile import CORPUS

DOCUMENT = derive_id("quote", "of a stranger")


def deltas(*writes, client=CLIENT):
    """Return the deltas of some writes, each a dictionary of entries, by a stranger's CRDT."""
    document = Doc(client_id=client)
    entries = document.get("f", type=Map)
    found = []
    subscription = document.observe(lambda event: found.append(event.update))
    for write in writes:
        with document.transaction():
            for key, value in write.items():
                entries[key] = value
    del subscription
    return found


def customer(name, stamp=1):
    return {f"customer|{CLIENT:x}": f"{stamp:x} {json.dumps(name)}"}


async def receive(world, machine, name, data):
    put_everywhere(world, name, data)
    return await machine.sync()


async def test_change_of_a_stranger_is_applied(world, office, r1):
    """The tests below rest on this one: what the helpers make is what a replica makes."""
    (delta,) = deltas(customer("Eve"))
    report = await receive(
        world, office, *stranger_segment(office.session.folder, [(DOCUMENT, "quote", [(1, delta, [])])])
    )
    assert (report.applied, report.problems) == (1, [])
    assert await office.customer(DOCUMENT) == "Eve"
    (entry,) = await office.replica.history(DOCUMENT)
    assert (entry.author, entry.replica) == ("eve", "R9")


async def test_change_waits_for_its_cause_across_restarts(world, office, r1, r2):
    """I6, H2: what builds on a change that is not here waits on disk, and is applied when that comes."""
    document = await r1.make("Ada")
    await r1.replica.mark_for_sync(document)
    await r1.sync()
    world.place.arrive("R2", 0, WHOLE)
    world.place.arrive_all()
    await r2.sync()
    await r2.rename(document, "Rut")
    await r2.sync()
    for name in list(office.remote.view.files):
        if name in named(world.place.files, "s", r1.replica.id):
            del office.remote.view.files[name]
    office.remote.view.files.update(
        {n: world.place.files[n] for n in named(world.place.files, "s", r2.replica.id)}
    )
    report = await office.sync()
    assert (report.applied, report.waiting) == (0, 1)
    assert (await office.replica.remotes())[0].waiting_causes == 1
    for _ in range(2):
        await office.restart()
        await office.sync()
    assert await office.replica.digests() == {}
    office.remote.view.files.update(world.place.files)
    await office.sync()
    assert await office.customer(document) == "Rut"
    assert len(await office.replica.history(document)) == 2
    assert (await office.replica.remotes())[0].waiting_causes == 0


async def test_segment_that_cannot_be_decoded_is_listed(world, office, r1):
    """H50, I12: a whole file with a body that makes no sense is quarantined; the feed and the others go on."""
    folder = office.session.folder
    name, data = stranger_file(folder, b"\xc1 no msgpack")
    previous = decode_file(data).hash
    (delta,) = deltas(customer("Eve"))
    second = stranger_segment(folder, [(DOCUMENT, "quote", [(1, delta, [])])], sequence=2, previous=previous)
    put_everywhere(world, name, data)
    report = await receive(world, office, *second)
    assert len(report.problems) == 1
    (item,) = await office.quarantine()
    assert item.what == "segment"
    assert await office.customer(DOCUMENT) == "Eve"
    document = await r1.make("Ada")
    await r1.replica.mark_for_sync(document)
    await world.settle()
    assert await office.customer(document) == "Ada"


@pytest.mark.parametrize("letter", ["l", "b"])
async def test_ledger_or_beacon_that_cannot_be_decoded_is_listed(world, office, r1, letter):
    """H50, I12: likewise for the other files."""
    from crdtsync.protocol.files import FileType

    type_ = FileType.LEDGER if letter == "l" else FileType.BEACON
    report = await receive(world, office, *stranger_file(office.session.folder, b"\xc1", type_=type_))
    assert len(report.problems) == 1
    (item,) = await office.quarantine()
    assert item.what == "file"
    assert (await office.sync(fresh=True)).problems == []
    assert len(await office.quarantine()) == 1


GARBAGE = [b"", b"\0", b"\x01", b"\xff" * 20, b"\x01\x01", random.Random(1).randbytes(200), b"\x00\x00"]


@pytest.mark.parametrize("garbage", [delta for delta in GARBAGE])
async def test_change_the_crdt_refuses_is_quarantined_alone(world, office, r1, garbage):
    """H45, H46: a bad change is listed and kept; those before it and of other documents are applied."""
    first, second, third = deltas(customer("one"), customer("two", 2), customer("three", 3))
    other = derive_id("quote", "another one")
    segment = stranger_segment(
        office.session.folder,
        [
            (DOCUMENT, "quote", [(1, first, []), (2, second, []), (3, garbage, []), (4, third, [])]),
            (other, "quote", [(1, first, [])]),
        ],
    )
    await receive(world, office, *segment)
    assert await office.customer(other) == "one"
    assert await office.customer(DOCUMENT) in ("two", "three")
    listed = [item for item in await office.quarantine() if item.what == "change"]
    if await office.customer(DOCUMENT) == "two":
        assert [item.name.rsplit("/")[-1] for item in listed] == ["3"]
        assert "replica R9" in listed[0].reason
        assert (await office.replica.remotes())[0].waiting_causes == 1, "what builds on it waits"
    await r1.sync()
    document = await r1.make("Ada")
    await r1.replica.mark_for_sync(document)
    await world.settle()
    assert await office.customer(document) == "Ada"
    assert await office.recomputed() == await office.replica.digests()
    await office.restart()
    await office.rename(DOCUMENT, "edited here")
    await world.settle()
    assert await r1.customer(DOCUMENT) == "edited here"


def odd_entries():
    """Yield map entries that no correct writer makes."""
    c = f"{CLIENT:x}"
    yield {"": ""}
    yield {"|": " "}
    yield {f"customer|{c}": ""}
    yield {f"customer|{c}": "zz 5"}
    yield {f"customer|{c}": "1 {"}
    yield {f"customer|{c}": "1 [1,2"}
    yield {f"customer|{c}": "1 5"}
    yield {f"customer|{c}": '-1 "x"'}
    yield {"customer|zzz": '1 "x"'}
    yield {f"customer|{2**60:x}": '1 "x"'}
    yield {f"sold|{c}": '1 "no number"', f"sold|{CLIENT + 1:x}": "1 5"}
    yield {f"stock|{c}": "1 1e999", f"stock|{CLIENT + 1:x}": "1 -1e999"}
    yield {f"lines/x|{c}": "1 5"}
    yield {f"lines/x|{c}": '1 "a0"', f"lines/x/quantity|{c}": '1 "many"', f"lines/x/!|{c}": "1 5"}
    yield {f"lines/x/!|{c}": '1 {"zz": "a"}'}
    yield {f"lines/../..|{c}": '1 "a0"'}
    yield {f"lines/x/price|{c}": '1 {"msrp": {}}'}
    yield {f"milestones/a|{c}": "1 {}"}
    yield {f"tags/a|{c}": "1 null"}
    yield {f"_reference/|{c}": "1 true"}
    yield {f"_reference/{'x' * 500}|{c}": "1 true"}
    yield {f"unknown/{'y/' * 50}|{c}": "1 5"}
    yield {f"customer|{c}": f'{"f" * 40} "x"'}
    yield {"customer": 5}
    yield {"customer": [1, 2]}
    yield {"customer": None}
    yield {f"customer|{c}": "1 " + "[" * 2000 + "]" * 2000}


@pytest.mark.parametrize("entries", list(odd_entries()))
async def test_odd_content_stops_nothing(world, office, r1, entries):
    """H45, I12: valid updates with content no correct writer makes are taken or refused; all goes on."""
    first, odd = deltas(customer("one"), entries)
    segment = stranger_segment(office.session.folder, [(DOCUMENT, "quote", [(1, first, []), (2, odd, [])])])
    await receive(world, office, *segment)
    document = await r1.make("Ada")
    await r1.replica.mark_for_sync(document)
    await world.settle()
    assert await office.customer(document) == "Ada"
    for machine in (office, r1):
        await machine.replica.find(Quote, order_by="customer")
        await machine.replica.conflicts()
        assert await machine.recomputed() == await machine.replica.digests()
    assert await office.replica.digests() == await r1.replica.digests()
    await office.rename(DOCUMENT, "edited here")
    await world.settle()
    assert await r1.customer(DOCUMENT) == "edited here"


async def test_text_of_a_stranger_is_taken(world, office, r1):
    """H45: texts and roots nobody declared survive."""
    document = Doc(client_id=CLIENT)
    found = []
    subscription = document.observe(lambda event: found.append(event.update))
    with document.transaction():
        document.get("t:notes", type=Text).insert(0, "hello")
        document.get("t:other", type=Text).insert(0, "kept")
    del subscription
    await receive(
        world, office, *stranger_segment(office.session.folder, [(DOCUMENT, "quote", [(1, found[0], [])])])
    )
    await world.settle()
    assert str((await r1.replica.get(Quote, DOCUMENT)).notes) == "hello"


async def test_hostile_updates_stop_nothing(world, office, r1):
    """H45: updates that panic, raise late or decode to nonsense leave the replica working."""
    lines = [json.loads(line) for line in CORPUS.read_text().splitlines()]
    base = bytes.fromhex(lines[0]["base_update_hex"])
    changes = [(bytes.fromhex(line["update_hex"]), line["onto_existing_document"]) for line in lines[1:]]
    documents = []
    for number, (update, onto) in enumerate(changes):
        history = [(1, base, []), (2, update, [])] if onto else [(1, update, [])]
        documents.append((derive_id("hostile", str(number)), "quote", history))
    await receive(world, office, *stranger_segment(office.session.folder, documents))
    document = await r1.make("Ada")
    await r1.replica.mark_for_sync(document)
    await world.settle()
    assert await office.customer(document) == "Ada"
    assert await office.replica.digests() == await r1.replica.digests()
    assert [item for item in await office.quarantine() if item.what == "change"]


async def test_document_with_another_kind_elsewhere(world, office, r1):
    """A document that is a quote here and something else there is listed with its reason; the rest goes on."""
    document = await r1.make("Ada", DOCUMENT)
    await r1.replica.mark_for_sync(document)
    await world.settle()
    first, second = deltas(customer("Eve"), customer("Eva", 2))
    other = derive_id("quote", "another one")
    folder = office.session.folder
    await receive(
        world,
        office,
        *stranger_segment(folder, [(DOCUMENT, "task", [(1, first, [])]), (other, "quote", [(1, first, [])])]),
    )
    (item,) = await office.quarantine()
    assert "it is a quote here and a task elsewhere" in item.reason
    assert await office.customer(other) == "Eve"
    assert await office.customer(DOCUMENT) == "Ada"
    assert second


async def test_kind_nobody_declared_is_kept(world, office, r1):
    """H42: a document of a kind this program has no class for is merged and passed on all the same."""
    (delta,) = deltas({f"x|{CLIENT:x}": "1 5"})
    await receive(
        world, office, *stranger_segment(office.session.folder, [(DOCUMENT, "newkind", [(1, delta, [])])])
    )
    await world.settle()
    assert (await office.replica.digests())[DOCUMENT] == (await r1.replica.digests())[DOCUMENT]


async def test_two_segments_of_one_number_are_both_taken_and_listed(world, office, r1):
    """H63, I7: a feed that forks loses nothing, and a person hears of it."""
    folder = office.session.folder
    one, two = (deltas(customer(name), client=CLIENT) for name in ("one", "two"))
    put_everywhere(world, *stranger_segment(folder, [(DOCUMENT, "quote", [(1, one[0], [])])]))
    other = derive_id("quote", "another one")
    await receive(world, office, *stranger_segment(folder, [(other, "quote", [(1, two[0], [])])]))
    assert await office.customer(DOCUMENT) == "one"
    assert await office.customer(other) == "two"
    (item,) = await office.quarantine()
    assert item.what == "fork"
    assert STRANGER in item.name


class Wild(Document, kind="wild", shared=True):
    """Has an index of every type that has values SQLite cannot take as they are."""

    name: str = ""
    count: int = field(default=0, indexed=True, policy="highest")
    price: Decimal = field(default=Decimal(0), indexed=True, policy="lowest")
    at: dt.datetime | None = field(default=None, indexed=True, policy="highest")


@pytest.mark.parametrize(
    ("name", "raw"),
    [
        ("count", "9" * 400),
        ("count", "-" + "9" * 400),
        ("price", '"sNaN"'),
        ("price", '"NaN"'),
        ("price", '"1E+999999"'),
        ("at", '"0001-01-01T00:00:00+14:00"'),
        ("at", '"9999-12-31T23:59:59-14:00"'),
        ("at", '"2024-01-01T00:00:00"'),
    ],
)
async def test_value_beyond_all_bounds_is_received(world, office, r1, name, raw):
    """I29: what no query can compare is kept and merged, alone and against others, and stops nothing."""
    await office.workspace.declare(Wild)
    document = derive_id("wild", "one")
    writes = deltas({f"{name}|{CLIENT:x}": f"5 {raw}"}, {f"{name}|4e": f"5 {raw}"})
    changes = [(sequence, delta, []) for sequence, delta in enumerate(writes, 1)]
    await receive(world, office, *stranger_segment(office.session.folder, [(document, "wild", changes)]))
    async with office.replica.edit(Wild, document) as wild:
        wild.name = "good"
    assert [found.name for found in await office.replica.find(Wild, order_by=name)] == ["good"]


async def test_edit_after_the_highest_stamp_there_is_stays(world, office, r1):
    """I1, H64: a stamp at the end of its range cannot make later edits unreadable."""
    (delta,) = deltas({f"customer|{CLIENT:x}": f'{STAMP_MAX:x} "Eve"'})
    await receive(
        world, office, *stranger_segment(office.session.folder, [(DOCUMENT, "quote", [(1, delta, [])])])
    )
    await office.rename(DOCUMENT, "Ada")
    await office.restart()
    async with office.replica.edit(Quote, DOCUMENT) as quote:
        assert quote.customer == "Ada"
        quote.sold = 3
    assert await office.customer(DOCUMENT) == "Ada"


async def test_document_that_only_waits_is_not_here_yet(world, office, r1):
    """I6: it can be made here, as a whole and with a reference number, but not edited or marked."""
    _, second = deltas(customer("one"), customer("two"))
    place = [(DOCUMENT, "quote", [(2, second, [])])]
    await receive(world, r1, *stranger_segment(r1.session.folder, place))
    with pytest.raises(DocumentNotFoundError):
        await r1.rename(DOCUMENT, "Ada")
    with pytest.raises(DocumentNotFoundError):
        await r1.replica.mark_for_sync(DOCUMENT)
    await r1.make("Ada", DOCUMENT)
    assert [found.id for found in await r1.replica.find_number("R1-0001")] == [DOCUMENT]
    assert await r1.customer(DOCUMENT) == "Ada"


async def test_null_in_an_open_document_is_refused(world, office, r1):
    """H45: what a document that is read anew refuses, one that is open refuses as well; else it could not be opened."""
    document = await office.make("Ada")
    (delta,) = deltas({f"customer|{CLIENT:x}": None})
    report = await receive(
        world, office, *stranger_segment(office.session.folder, [(document, "quote", [(1, delta, [])])])
    )
    assert (report.applied, report.refused) == (0, 1)
    await office.restart()
    await office.rename(document, "Eve")
    assert await office.customer(document) == "Eve"
