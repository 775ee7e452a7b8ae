"""Goal: an application can tell who wrote what, whom a change has reached, and what a decision would give.

Method: an office and workstations over a place in memory; what people see is asked on one of them.
"""

import asyncio
from decimal import Decimal

import pytest

from crdtsync.errors import DocumentNotFoundError, FrozenDocumentError
from tests.unit.sync.world import Line, Price, Quote


async def shared_quote(machine):
    async with machine.replica.edit(Quote) as quote:
        quote.customer = "Ada"
        quote.lines.add(Line(product="blind", price=Price(Decimal(100))), id="blind")
    await machine.replica.mark_for_sync(quote.id)
    return quote.id


async def conflicting(world, office, r1):
    """A quote whose line has two quantities, and whose other line one removed and the other edited."""
    document = await shared_quote(r1)
    async with r1.replica.edit(Quote, document) as quote:
        quote.lines.add(Line(product="rail", price=Price(Decimal(7))), id="rail")
    await world.settle()
    async with r1.replica.edit(Quote, document) as quote:
        quote.lines["blind"].quantity = 3
        quote.lines.remove("rail")
    async with office.replica.edit(Quote, document) as quote:
        quote.lines["blind"].quantity = 2
        quote.lines["rail"].product = "long rail"
    await world.settle()
    conflicts = {conflict.reason: conflict for conflict in await r1.replica.conflicts(document)}
    return document, conflicts["values"], conflicts["removal"]


async def test_the_latest_changes_say_which_segment_carries_each_and_whom_it_has_reached(
    world, office, r1, r2
):
    document = await shared_quote(r1)
    await world.settle()
    await r1.rename(document, "Bob")
    unsent, sent = await r1.replica.latest_changes()
    assert (unsent.owner, unsent.feed, unsent.sequence, unsent.change.received_by) == ("", "", 0, ())
    assert (sent.owner, sent.sequence, sent.change.received_by) == (r1.replica.id, 1, ("R2", "office"))
    assert {unsent.document, sent.document} == {document}
    # The office has given it a number, and that is what it is called now.
    assert sent.title == (await r1.replica.item(document)).number
    assert await r1.replica.latest_changes(limit=1) == [unsent]
    history = await r1.replica.history(document)
    assert [unsent.change, sent.change] == history[::-1]


async def test_feeds_say_how_far_each_replica_has_them_and_since_when_not_further(world, office, r1, r2):
    document = await shared_quote(r1)
    await world.settle()
    (feed,) = await r1.replica.feeds()
    assert (feed.owner_name, feed.is_own, feed.last, feed.waiting) == ("R1", True, 1, 0)
    assert [(reader.name, reader.sequence, reader.behind) for reader in feed.readers] == [
        ("R2", 1, 0),
        ("office", 1, 0),
    ]
    assert {reader.behind_since_ms for reader in feed.readers} == {None}

    for name in ("Bob", "Cid"):
        await r1.rename(document, name)
        await r1.sync()
    world.place.arrive_all()
    await office.sync()
    world.place.arrive_all()
    await r1.sync()
    (feed,) = await r1.replica.feeds()
    behind, level = feed.readers
    assert (feed.last, behind.sequence, behind.behind, level.behind) == (3, 1, 2, 0)
    assert behind.behind_since_ms is not None

    (seen,) = await office.replica.feeds()
    assert (seen.owner_name, seen.is_own, seen.last) == ("R1", False, 3)
    assert [reader.name for reader in seen.readers] == ["R2"]


async def test_history_says_whom_each_change_has_reached(world, office, r1, r2):
    document = await shared_quote(r1)
    assert [entry.received_by for entry in await r1.replica.history(document)] == [()]
    await world.settle()
    await r1.rename(document, "Bob")
    await r1.rename(document, "Cid")
    assert [entry.received_by for entry in await r1.replica.history(document)] == [("R2", "office"), (), ()]
    await r1.sync()
    world.place.arrive_all()
    await office.sync()
    world.place.arrive_all()
    await r1.sync()
    for entry, expected in zip(
        await r1.replica.history(document), [("R2", "office"), ("office",), ("office",)], strict=True
    ):
        assert entry.received_by == expected

    # On the office: R1 wrote all of it, and of R2 the office has heard for the first change only.
    found = [entry.received_by for entry in await office.replica.history(document)]
    assert found == [("R1", "R2"), ("R1",), ("R1",)]


async def test_history_and_receipts_tell_the_same(world, office, r1, r2):
    document = await shared_quote(r1)
    await world.settle()
    await office.rename(document, "Bob")
    await r2.rename(document, "Cid")
    await r2.sync()
    await office.sync()
    world.place.arrive_all()
    await r1.sync()
    world.place.arrive_all()
    await office.sync()
    for machine in (office, r1, r2):
        entries = await machine.replica.history(document)
        for receipt in await machine.replica.receipts(document):
            assert sum(receipt.name in entry.received_by for entry in entries) == receipt.have


async def test_an_announced_change_is_found_in_the_history(world, office, r1):
    changes = office.replica.changes()
    first = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0)
    await office.rows("SELECT 1")  # By now it knows from where on.
    document = await shared_quote(r1)
    await world.settle()
    announced = await first
    await changes.aclose()
    (entry,) = await r1.replica.history(document)
    assert (announced.id, announced.document) == (entry.id, document)
    assert (announced.is_local, announced.replica) == (False, "R1")


async def test_who_wrote_each_value_that_is_shown(world, office, r1):
    document = await shared_quote(r1)
    async with r1.replica.edit(Quote, document) as quote:
        quote.lines.add(Line(product="gone"), id="gone")
        quote.milestones.append("printed", id="printed")
        quote.tags.add("new")
        quote.notes.set("hello")
    await world.settle()
    world.now_ms += 1_000
    async with office.replica.edit(Quote, document) as quote:
        quote.customer = "Bob"
        quote.lines["blind"].quantity = 3
        quote.lines.remove("gone")
    await world.settle()

    found = await r1.replica.last_writers(document)
    shown = {path: (writer.author, writer.replica, writer.is_local) for path, writer in found.items()}
    ada, office_person = ("r1", "R1", True), ("office", "office", False)
    (tag,) = [path for path in shown if path.startswith("tags/")]
    assert shown == {
        "customer": office_person,
        "lines/blind": ada,
        "lines/blind/product": ada,
        "lines/blind/price": ada,
        "lines/blind/quantity": office_person,
        "milestones/printed": ada,
        tag: ada,
    }
    assert found["customer"].at_ms == (await r1.replica.history(document))[-1].at_ms


async def test_which_change_wrote_each_value_though_all_are_of_one_millisecond(world, office, r1):
    document = await shared_quote(r1)
    for customer in ("Ada", "Bob", "Cleo"):
        async with r1.replica.edit(Quote, document, label=customer) as quote:
            quote.customer = customer
            quote.lines["blind"].quantity += 1
    async with r1.replica.edit(Quote, document, label="price") as quote:
        quote.lines["blind"].price = Price(Decimal(7))
        quote.notes.set("hello")
    await world.settle()
    async with office.replica.edit(Quote, document, label="office") as quote:
        quote.lines["blind"].quantity = 9
    await world.settle()
    for computer in (office, r1):
        labels = {entry.id: entry.label for entry in await computer.replica.history(document)}
        found = {
            path: labels[writer.change]
            for path, writer in (await computer.replica.last_writers(document)).items()
        }
        assert (found["customer"], found["lines/blind/price"]) == ("Cleo", "price")
        assert found["lines/blind/quantity"] == "office"
        assert found["lines/blind/product"] not in ("Ada", "Bob", "Cleo", "price", "office")


async def test_which_state_a_document_was_in_when_a_change_was_made(world, office, r1):
    document = await shared_quote(r1)
    await world.settle()
    async with r1.replica.edit(Quote, document, label="apart") as quote:
        quote.customer = "Bob"
    async with office.replica.edit(Quote, document, label="office") as quote:
        quote.lines["blind"].quantity = 9
    await world.settle()
    entries = {entry.label: entry for entry in await r1.replica.history(document)}
    made = await r1.replica.get(Quote, document, as_of=entries["office"].version)
    assert (made.customer, made.lines["blind"].quantity) == ("Ada", 9)
    made = await r1.replica.get(Quote, document, as_of=entries["apart"].version)
    assert (made.customer, made.lines["blind"].quantity) == ("Bob", 1)


async def test_who_wrote_the_value_that_a_policy_shows(world, office, r1):
    """The highest is shown, though the lower one is the newer."""
    document = await shared_quote(r1)
    await world.settle()
    async with r1.replica.edit(Quote, document) as quote:
        quote.sold = 9
    world.now_ms += 1_000
    async with office.replica.edit(Quote, document) as quote:
        quote.sold = 4
    await world.settle()
    assert (await office.replica.last_writers(document))["sold"].replica == "R1"


async def test_who_wrote_a_document_that_is_not_here(r1):
    with pytest.raises(DocumentNotFoundError):
        await r1.replica.last_writers("a" * 26)


async def test_a_preview_shows_what_each_value_would_give(world, office, r1):
    document, values, removal = await conflicting(world, office, r1)
    before = (await r1.replica.digests(), await r1.replica.history(document))

    totals = {
        value.raw: (await r1.replica.preview(values, index)).total
        for index, value in enumerate(values.values)
    }
    assert totals == {"3": Decimal(307), "2": Decimal(207)}

    lines = {
        value.is_removal: [line.product for line in (await r1.replica.preview(removal, index)).lines]
        for index, value in enumerate(removal.values)
    }
    assert lines == {True: ["blind"], False: ["blind", "long rail"]}
    assert (await r1.replica.digests(), await r1.replica.history(document)) == before
    assert len(await r1.replica.conflicts(document)) == 2


async def test_what_a_preview_shows_is_what_the_decision_gives(world, office, r1):
    document, values, removal = await conflicting(world, office, r1)
    for conflict in (values, removal):
        foreseen = await r1.replica.preview(conflict, 1)
        await r1.replica.resolve(conflict, 1)
        decided = await r1.replica.get(Quote, document)
        assert (foreseen.total, list(foreseen.lines)) == (decided.total, list(decided.lines))
    assert not await r1.replica.conflicts(document)


async def test_a_preview_is_a_view(world, office, r1):
    document, values, _ = await conflicting(world, office, r1)
    view = await r1.replica.preview(values, 0)
    assert isinstance(view, Quote)
    assert (view.id, view.reference, view.number) == (document, "R1-0001", "Q-00001")
    with pytest.raises(FrozenDocumentError):
        view.customer = "Eve"
    with pytest.raises(FrozenDocumentError):
        view.lines.remove("blind")
    with pytest.raises(IndexError):
        await r1.replica.preview(values, 2)
