"""What a replica keeps in its books about others, where a mistake would show in no round of a healthy fleet."""

import pytest
from msgspec.structs import replace

from crdtsync.protocol.causality import ChangeId
from crdtsync.protocol.ids import DocumentId, FeedId, ReplicaId, derive_id
from crdtsync.protocol.ledger import decode_entry, encode_entry, entry_hash
from crdtsync.protocol.segment import Change, DocumentChanges
from crdtsync.protocol.status import ItemStatus
from crdtsync.store import feeds, numbers, peers
from crdtsync.store.arrivals import Arrival
from tests.unit.sync.helpers import FEED, STRANGER
from tests.unit.sync.world import NOW_MS, Quote

DOCUMENT = DocumentId(derive_id("quote", "books"))
OTHER_FEED = FeedId("bqbqbqbqbqbqb")


async def numbered(machine):
    async with machine.replica.edit(Quote) as quote:
        quote.customer = "Ada"
    await machine.replica.mark_for_sync(quote.id)
    await machine.sync()


@pytest.mark.parametrize("again", ["number", "document"])
async def test_an_accepted_entry_of_the_ledger_is_never_replaced(world, office, again):
    """I21, I22: an entry that chains on rightly and gives a number, or a document, a second time is refused."""
    await numbered(office)
    (before,) = await office.workspace.database.read(lambda c: c.execute("SELECT * FROM _ledger").fetchall())
    (first,) = await office.replica.ledger()
    chained = replace(first, index=2, previous=entry_hash(encode_entry(first)))
    forged = (
        replace(chained, document=DOCUMENT)
        if again == "number"
        else replace(chained, number=first.number + 1, text="Q-00002")
    )
    encoded = encode_entry(forged)
    change = await office.workspace.write(
        lambda c: numbers.accept(c, [(decode_entry(encoded), encoded)], NOW_MS)
    )
    assert (change.accepted, change.fork) == (0, 2)
    rows = await office.workspace.database.read(lambda c: c.execute("SELECT * FROM _ledger").fetchall())
    assert rows == [before]


def test_what_builds_on_a_refused_change_is_known_by_its_causes():
    """The examiner leaves out what needs a bad change: its writer's earlier ones, and all it names."""
    ada, bob, beside = (
        Change(1, 1, 1000, (), "", b"a"),
        Change(2, 1, 1000, (ChangeId(1, 1),), "", b"b"),
        Change(2, 2, 1000, (), "", b"c"),
    )
    incoming = DocumentChanges(DOCUMENT, "quote", [ada, bob, beside])
    arrival = Arrival(incoming, None, None, ready=[ada, bob, beside])
    assert arrival.case.needs() == [[], [0], [1]]


async def test_one_file_that_came_after_all_strikes_no_other_off_the_list(world, office):
    """Damaged files are listed until what their names promise is here: that of one says nothing of another."""
    names = ("a/segments/s-00000001-0123456789.crdts", "a/segments/s-00000002-abcdef0123.crdts")

    def fill(connection):
        connection.executemany(
            "INSERT INTO _quarantine (at_ms, what, name, reason, waiting_helps) VALUES (1, 'file', ?, 'bad', 1)",
            [(name,) for name in names],
        )
        feeds.release(connection, "-00000001-0123456789")

    await office.workspace.write(fill)
    assert [item.name for item in await office.replica.quarantine()] == [names[1]]


async def test_what_a_peer_misses_now_takes_the_place_of_what_it_missed_before(world, office):
    """Else what it has got by itself is put again and again, as soon as it is heard from."""

    def twice(connection):
        peers.set_wants(connection, 1, STRANGER, [(FEED, 1), (FEED, 2), (OTHER_FEED, 1)])
        peers.set_wants(connection, 1, ReplicaId("r" * 26), [(FEED, 1)])
        peers.set_wants(connection, 1, STRANGER, [(FEED, 2)])
        return peers.wanted(connection, 1)

    found = await office.workspace.write(twice)
    assert sorted(found) == [(STRANGER, FEED, 2), ("r" * 26, FEED, 1)]


async def test_an_item_is_received_once_the_office_has_the_very_segment_that_carries_it(world, office, r1):
    """The segment before it, which the office has acknowledged long ago, says nothing."""
    await numbered(r1)
    await world.settle()
    async with r1.replica.edit(Quote) as quote:
        quote.customer = "Bob"
    await r1.replica.mark_for_sync(quote.id)
    await r1.sync()
    await r1.sync()
    assert (await r1.replica.item(quote.id)).state.status is ItemStatus.SENT
    world.place.arrive_all()
    await office.steps(2)
    assert (await r1.replica.item(quote.id)).state.status is ItemStatus.SENT
