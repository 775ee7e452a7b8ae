"""How an application uses the public names: every type checker must accept all of it, and infer these types."""

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from decimal import Decimal
from typing import assert_type

from crdtsync import (
    Conflict,
    ConflictValue,
    Document,
    DocumentChange,
    DocumentInfo,
    Entities,
    Entity,
    FolderPicture,
    GrowSet,
    HistoryEntry,
    Item,
    LastWriter,
    LedgerEntry,
    Log,
    LogEntry,
    Peer,
    Quarantined,
    Receipt,
    Ref,
    RemoteHealth,
    Replica,
    Series,
    SyncReport,
    SyncState,
    Text,
    computed,
    derive_id,
    field,
    inspect_folder,
    open_replica,
)


@dataclass(frozen=True)
class Price:
    msrp: Decimal
    margin: Decimal = Decimal("0.5")


class Customer(Document, kind="customer", shared=True):
    name: str = field(indexed=True)


class Line(Entity):
    product: str
    quantity: int = 1
    price: Price | None = None
    room: str = field(default="", searchable=False)


class Quote(Document, kind="quote", series=Series("quotes", "Q-{number:05d}")):
    customer: Ref[Customer]
    title: str = field(default="", indexed=True)
    discount: Decimal = field(default=Decimal(0), policy="highest")
    lines: Entities[Line]
    notes: Text
    tags: GrowSet[str]
    milestones: Log[Price]

    @computed
    def total(self) -> Decimal:
        """The sum of the lines."""
        return sum((line.price.msrp * line.quantity for line in self.lines if line.price), Decimal(0))

    def validate(self) -> None:
        """Refuse what makes no sense."""
        if self.total < 0:
            raise ValueError("a quote is worth something")


async def use(replica: Replica) -> None:
    async with replica.edit(Customer) as customer:
        assert_type(customer, Customer)
        customer.name = "Ada"
    assert_type(customer.ref, Ref[Customer])

    assert_type(replica.edit(Quote), AbstractAsyncContextManager[Quote])
    async with replica.edit(Quote, derive_id("q", "1"), create=True, label="made") as quote:
        assert_type(quote, Quote)
        quote.customer = customer.ref
        quote.title = "blinds"
        quote.discount = Decimal("0.1")
        line = quote.lines.add(Line(product="shade", quantity=2, price=Price(Decimal("1678.00"))))
        assert_type(line, Line)
        assert_type(quote.lines.add(Line(product="rail"), index=0, id="rail"), Line)
        line.quantity = 3
        line.price = None
        quote.lines.move(line, 0)
        quote.lines.remove("rail")
        assert_type(quote.lines.restore("rail"), Line)
        assert_type(quote.milestones.append(Price(Decimal(1)), id="paid"), str)
        quote.tags.add("new")
        quote.notes.set("hello")
        quote.notes.insert(0, "oh, ")

    view = await replica.get(Quote, quote.id)
    assert_type(view, Quote)
    assert_type(view.customer, Ref[Customer])
    assert_type(view.title, str)
    assert_type(view.discount, Decimal)
    assert_type(view.total, Decimal)
    assert_type(view.number, str | None)
    assert_type(view.reference, str | None)
    assert_type(view.info, DocumentInfo)
    assert_type(view.lines, Entities[Line])
    assert_type(view.lines[0], Line)
    assert_type(view.lines["rail"], Line)
    assert_type(view.lines[0:2], list[Line])
    assert_type(view.lines.removed, list[Line])
    assert_type([line.product for line in view.lines], list[str])
    assert_type(view.lines[0].price, Price | None)
    assert_type(view.lines[0].room, str)
    assert_type(list(view.milestones), list[Price])
    assert_type(view.milestones.entries, list[LogEntry[Price]])
    assert_type(view.milestones.entries[0].value, Price)
    assert_type(list(view.tags), list[str])
    assert_type(str(view.notes), str)
    assert_type(await replica.get(Customer, view.customer), Customer)

    assert_type(await replica.find(Quote, where={"title": "blinds", "total__ge": 1}), list[Quote])
    assert_type(await replica.count(Quote), int)
    assert_type(await replica.find_number("Q-00001"), list[Document])
    assert_type(await replica.search("blinds"), list[Document])
    assert_type(await replica.get_or_none(Quote, quote.id), Quote | None)
    assert_type(await replica.exists(Quote, quote.id), bool)
    assert_type(await inspect_folder("folder:/tmp/x"), FolderPicture)
    assert_type(await replica.history(quote.id), list[HistoryEntry])
    assert_type(await replica.last_writers(quote.id), dict[str, LastWriter])
    assert_type(replica.changes(Quote), AsyncIterator[DocumentChange])
    async for change in replica.changes():
        assert_type(change, DocumentChange)

    conflicts = await replica.conflicts(quote.id)
    assert_type(conflicts, list[Conflict])
    assert_type(conflicts[0].values[0], ConflictValue)
    assert_type(await replica.preview(conflicts[0], 0), Document)
    await replica.resolve(conflicts[0], 0, label="by phone")

    assert_type(await replica.mark_for_sync(quote.id), int)
    assert_type(await replica.item(quote.id), Item)
    assert_type(await replica.items(), list[Item])
    assert_type(await replica.receipts(quote.id), list[Receipt])
    assert_type(await replica.peers(), list[Peer])
    assert_type(await replica.ledger(), list[LedgerEntry])
    assert_type(await replica.remotes(), list[RemoteHealth])
    assert_type(await replica.quarantine(), list[Quarantined])
    assert_type(await replica.sync("folder:/tmp/x"), SyncReport)
    async with replica.syncing("folder:/tmp/x") as state:
        assert_type(state, SyncState)


async def main() -> None:
    async with open_replica(
        "~/data", name="R2", role="roaming", author="ada", kinds=[Quote, Customer]
    ) as replica:
        assert_type(replica, Replica)
        await use(replica)
