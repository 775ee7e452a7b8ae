"""Goal: an application is told all that it shows and did not do itself, once, in order, and nothing that did not happen.

Method: an office and a workstation run their rounds one by one; what each is told in between is compared.
"""

import asyncio
import secrets
import sqlite3
from contextlib import asynccontextmanager

import pytest

from crdtsync import (
    DocumentChange,
    EventsMissed,
    ItemChange,
    ItemStatus,
    NumberChange,
    PeerHeard,
    QuarantineChange,
    RemoteChange,
    Series,
    open_replica,
)
from crdtsync.errors import DocumentNotFoundError, RemoteUnavailableError
from crdtsync.protocol.ids import new_document_id
from crdtsync.store.database import Database
from crdtsync.store.tables import MIGRATIONS
from crdtsync.testing import MemoryPlace, MemoryRemote
from tests.unit.sync.world import KINDS, Quote

PATIENCE_S = 60


@asynccontextmanager
async def machine(tmp_path, name, role="roaming"):
    async with open_replica(tmp_path / name, name=name, role=role, kinds=list(KINDS)) as replica:
        yield replica


@pytest.fixture
async def pair(tmp_path):
    """An office and a workstation that have heard from each other."""
    place = MemoryPlace()
    async with machine(tmp_path, "office", "office") as office, machine(tmp_path, "R1") as r1:
        for replica in (office, r1, office, r1):
            await replica.sync(MemoryRemote(place))
        yield office, r1, place


async def make(replica, customer="Ada"):
    async with replica.edit(Quote) as quote:
        quote.customer = customer
    return quote.id


@asynccontextmanager
async def told(replica):
    """Collect what a replica tells for the length of a block."""
    found, begun = [], asyncio.Event()
    last = new_document_id(secrets.token_bytes)  # Its mark ends the list.

    async def listen():
        stream = replica.events()
        first = asyncio.ensure_future(anext(stream))
        # It is told from its first step on, which is a read of the database.
        await asyncio.sleep(0)
        await replica.peers()
        begun.set()
        event = await first
        while not (isinstance(event, ItemChange) and event.document == last):
            if getattr(event, "document", "") != last:
                found.append(event)
            event = await anext(stream)
        await stream.aclose()

    async with asyncio.timeout(PATIENCE_S), asyncio.TaskGroup() as group:
        group.create_task(listen())
        await begun.wait()
        yield found
        async with replica.edit(Quote, last, create=True) as quote:
            quote.customer = "Last"
        await replica.mark_for_sync(last)


def of(found, *types):
    return [event for event in found if isinstance(event, types)]


async def test_a_document_is_followed_from_its_draft_to_its_number(pair):
    office, r1, place = pair
    async with told(r1) as here:
        document = await make(r1)
        await r1.mark_for_sync(document)
        await r1.sync(MemoryRemote(place))
        async with told(office) as there:
            await office.sync(MemoryRemote(place))
        await r1.sync(MemoryRemote(place))
    item = [(event.document, event.kind, event.status) for event in of(here, ItemChange)]
    steps = (ItemStatus.MARKED, ItemStatus.SENT, ItemStatus.RECEIVED, ItemStatus.NUMBERED)
    assert sorted(item, key=lambda i: steps.index(i[2])) == [(document, "quote", step) for step in steps]
    assert item[0][2] is ItemStatus.MARKED
    assert (await r1.item(document)).state.status is ItemStatus.NUMBERED
    for found, name in ((here, "office"), (there, "R1")):
        (number,) = of(found, NumberChange)
        assert (number.document, number.kind, number.number, number.is_void) == (
            document,
            "quote",
            "Q-00001",
            False,
        )
        assert number.entry.document == document
        assert {event.name for event in of(found, PeerHeard)} == {name}
        assert {event.problem for event in of(found, RemoteChange)} == {""}
        (change,) = of(found, DocumentChange)
        assert (change.document, change.is_local) == (document, found is here)
        assert found.index(change) < found.index(number)


async def test_a_mark_that_is_taken_back_is_told(pair):
    _, r1, _ = pair
    async with told(r1) as found:
        document = await make(r1)
        await r1.mark_for_sync(document)
        await r1.reset_sync(document)
        await r1.mark_for_sync(document)
    assert [event.status for event in of(found, ItemChange)][-1] is ItemStatus.MARKED
    async with told(r1) as found:
        await r1.reset_sync(document)
    assert [event.status for event in of(found, ItemChange)] == [ItemStatus.DRAFT]


async def test_what_did_not_happen_is_not_told(pair):
    _, r1, place = pair
    document = await make(r1)
    async with told(r1) as found:
        with pytest.raises(DocumentNotFoundError):
            await r1.mark_for_sync(document, "no-such-document")
        with pytest.raises(ZeroDivisionError):
            async with r1.edit(Quote, document) as quote:
                quote.customer = "Bob"
                raise ZeroDivisionError
    assert found == []
    await r1.sync(MemoryRemote(place))
    async with told(r1) as found:
        for _ in range(3):
            await r1.sync(MemoryRemote(place))
    assert found == []


async def test_a_number_that_is_void_is_told(pair):
    office, _, place = pair
    document = await make(office)
    await office.mark_for_sync(document)
    await office.sync(MemoryRemote(place))
    async with told(office) as found:
        await office.void_number("quotes", "printed twice", number=1)
        await office.sync(MemoryRemote(place))
    (number,) = of(found, NumberChange)
    assert (number.number, number.is_void, number.entry.reason) == ("Q-00001", True, "printed twice")


async def test_a_folder_that_cannot_be_used_and_can_again_is_told(pair):
    office, _, place = pair
    async with told(office) as found:
        place.is_reachable = False
        with pytest.raises(RemoteUnavailableError):
            await office.sync(MemoryRemote(place))
    assert ["switched off" in event.problem for event in of(found, RemoteChange)] == [True]
    place.is_reachable = True
    async with told(office) as found:
        await office.sync(MemoryRemote(place))
    assert of(found, RemoteChange)[-1].problem == ""


async def test_what_is_set_aside_is_told(pair):
    office, r1, place = pair
    await make(r1)
    await r1.mark_for_sync(*[item.document for item in await r1.items()])
    await r1.sync(MemoryRemote(place))
    name = max((n for n in place.files if "/s-" in n), key=lambda n: r1.id in n)
    place.files[name] = place.files[name][:-1] + bytes([place.files[name][-1] ^ 1])
    async with told(office) as found:
        await office.sync(MemoryRemote(place))
    aside = await office.quarantine()
    assert {event.name for event in of(found, QuarantineChange)} == {item.name for item in aside}
    assert aside


async def test_another_process_of_the_machine_is_told_the_same(tmp_path):
    async with machine(tmp_path, "office", "office") as office, machine(tmp_path, "office", "office") as desk:
        async with told(desk) as found:
            document = await make(office)
            await office.mark_for_sync(document)
        assert [event.document for event in found] == [document, document]


async def test_who_misses_more_than_is_kept_is_told_so(tmp_path):
    async with machine(tmp_path, "office", "office") as office:
        document = await make(office)
        stream = office.events()
        first = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0)
        await office.peers()
        await office.mark_for_sync(document)
        assert (await first).document == document

        def much(connection):
            connection.executemany(
                "INSERT INTO _happenings (what, detail) VALUES ('peer', ?)", [("x",)] * 25_000
            )

        await office._workspace.database.write(much)
        assert await anext(stream) == EventsMissed()
        assert await anext(stream) == PeerHeard("x", "")
        await stream.aclose()
        (kept,) = await office._workspace.database.read(
            lambda c: c.execute("SELECT count(*) FROM _happenings").fetchone()
        )
        assert kept <= 21_000


async def test_a_burst_is_told_whole_and_in_order(tmp_path):
    async with machine(tmp_path, "office", "office") as office:
        document = await make(office)

        def much(connection):
            connection.executemany(
                "INSERT INTO _happenings (what, detail) VALUES ('quarantine', ?)",
                [(str(n),) for n in range(1_600)],
            )

        async with told(office) as found:
            async with office.edit(Quote, document) as quote:
                quote.customer = "Bob"
            await office._workspace.database.write(much)
        assert [event.name for event in of(found, QuarantineChange)] == [str(n) for n in range(1_600)]


async def test_a_database_of_an_earlier_version_tells_from_now_on(tmp_path):
    path = tmp_path / "replica.db"
    connection = sqlite3.connect(path)
    for step in MIGRATIONS[:2]:
        step(connection)
    connection.execute("PRAGMA user_version = 2")
    connection.execute(f"PRAGMA application_id = {0x43525354}")
    connection.execute("INSERT INTO _series VALUES ('quotes', 'Q', 1)")
    connection.commit()
    connection.close()
    database = await Database.open(path)
    await database.write(lambda c: c.execute("INSERT INTO _marks VALUES (1, 1, 1, NULL)"))
    assert await database.read(lambda c: c.execute("SELECT what FROM _happenings").fetchall()) == [("mark",)]
    await database.close()


def test_series_of_the_quotes_is_what_these_tests_expect():
    assert Series("quotes", "Q-{number:05d}").text(1) == "Q-00001"
