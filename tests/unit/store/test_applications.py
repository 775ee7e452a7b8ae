"""What applications ask for beside documents: typed conflicts, entities by id, counts, numbers as people write them."""

import datetime as dt
import enum
from dataclasses import dataclass
from decimal import Decimal

import pytest

from crdtsync import Document, Entities, Entity, ItemStatus, Series, computed, field, open_replica
from crdtsync.errors import DocumentNotFoundError, SchemaError
from crdtsync.store.workspace import set_meta
from crdtsync.testing import MemoryPlace, MemoryRemote
from tests.unit.store.shop import workspace_of


class Stage(enum.Enum):
    OPEN = "open"
    WON = "won"


@dataclass(frozen=True)
class Price:
    amount: Decimal
    margin: Decimal = Decimal(0)


class Line(Entity):
    product: str
    price: Price = field(default=Price(Decimal(1)), policy="ask")


class Deal(Document, kind="deal", series=Series("deals", "D-2024-{number:05d}")):
    customer: str = field(default="", policy="ask", indexed=True)
    due: dt.date | None = field(policy="ask", indexed=True)
    deposit: Decimal = field(default=Decimal(0), policy="highest", indexed=True)
    stage: Stage = field(default=Stage.OPEN, indexed=True)
    is_urgent: bool = field(default=False, indexed=True)
    lines: Entities[Line]

    @computed
    def year(self) -> int | None:
        return None if self.due is None else self.due.year


class Customer(Document, kind="customer", shared=True):
    name: str


class Note(Document, kind="note"):
    words: str


KINDS = [Deal, Customer, Note]


@pytest.fixture
async def ada(tmp_path):
    async with open_replica(tmp_path / "R1", name="R1", role="roaming", author="Ada", kinds=KINDS) as replica:
        yield replica


@pytest.fixture
async def office(tmp_path):
    async with open_replica(tmp_path / "o", name="office", role="office", kinds=KINDS) as replica:
        yield replica


async def make(replica, **values):
    async with replica.edit(Deal) as deal:
        deal.lines.add(Line(product="shade"))
        for name, value in values.items():
            setattr(deal, name, value)
    return await replica.get(Deal, deal.id)


async def dispute(replica, act, other):
    """Return a deal to which two people did something without knowing of each other."""
    deal = await make(replica)
    for acted in (act, other):
        async with replica.edit(Deal, deal.id, seen=deal, including_own=False) as draft:
            acted(draft)
    return deal


def wrote(name, value, line=None):
    def act(draft):
        setattr(draft if line is None else draft.lines[line], name, value)

    return act


@pytest.mark.parametrize(
    ("name", "one", "other"),
    [
        ("customer", "Bob", "Bert"),
        ("due", dt.date(2024, 5, 31), None),
        ("deposit", Decimal("1.50"), Decimal(2)),
    ],
)
async def test_a_conflict_has_the_values_that_were_assigned(ada, name, one, other):
    deal = await dispute(ada, wrote(name, one), wrote(name, other))
    (found,) = await ada.conflicts(deal.id)
    assert {repr(value.value) for value in found.values} == {repr(one), repr(other)}
    assert (found.field, found.entities, found.entity) == (name, "", "")
    assert await ada.conflict(deal.id, name) == found
    assert await ada.conflict(deal.id, "stage") is None


async def test_a_conflict_about_a_line_names_it_and_has_its_price(ada):
    low, high = Price(Decimal(4)), Price(Decimal(5), Decimal("0.5"))
    deal = await dispute(ada, wrote("price", low, 0), wrote("price", high, 0))
    (found,) = await ada.conflicts()
    assert [value.value for value in found.values] == [high, low]
    assert (found.field, found.entities, found.entity) == ("price", "lines", deal.lines[0].id)
    assert {value.author for value in found.values} == {"Ada"}


async def test_a_conflict_about_a_removal_has_ids_and_no_values(ada):
    def edit(draft):
        draft.lines[0].product = "rail"
        draft.lines[0].price = Price(Decimal(9))

    deal = await dispute(ada, lambda draft: draft.lines.remove(draft.lines[0]), edit)
    (found,) = await ada.conflicts(deal.id)
    assert (found.field, found.entities, found.entity) == ("", "lines", deal.lines[0].id)
    assert {value.value for value in found.values} == {None}
    assert len({value.id for value in found.values}) == len(found.values) == 3


async def test_a_value_is_decided_for_by_its_id_however_many_have_come_since(ada):
    deal = await dispute(ada, wrote("customer", "Bob"), wrote("customer", "Bert"))
    (before,) = await ada.conflicts(deal.id)
    async with ada.edit(Deal, deal.id, seen=deal, including_own=False) as draft:
        draft.customer = "Carl"
    chosen = next(value.id for value in before.values if value.value == "Bob")
    now = await ada.conflict(deal.id, "customer")
    assert len(now.values) == 3
    assert (await ada.preview(now, chosen)).customer == "Bob"
    await ada.resolve(now, chosen)
    assert (await ada.get(Deal, deal.id)).customer == "Bob"
    assert await ada.conflicts() == []
    with pytest.raises(IndexError):
        await ada.resolve(now, "no-such-value")


async def test_a_value_of_another_version_of_the_class_is_shown_as_json_has_it(ada, tmp_path):
    deal = await dispute(ada, wrote("customer", "Bob"), wrote("customer", "Bert"))

    class Renamed(Document, kind="deal"):
        customer: int = field(default=0, policy="ask")

    async with open_replica(tmp_path / "R1", kinds=[Renamed]) as later:
        (found,) = await later.conflicts(deal.id)
        assert {value.value for value in found.values} == {"Bob", "Bert"}


async def test_conflicts_are_counted(ada):
    assert (await ada.count_conflicts(), await ada.count_conflicts(waiting=True)) == (0, 0)
    await dispute(ada, wrote("customer", "Bob"), wrote("customer", "Bert"))
    await dispute(ada, wrote("deposit", 1), wrote("deposit", 2))
    assert (await ada.count_conflicts(), await ada.count_conflicts(waiting=True)) == (2, 1)


async def test_lines_are_found_by_their_ids(ada):
    deal = await make(ada)
    async with ada.edit(Deal, deal.id) as draft:
        second = draft.lines.add(Line(product="rail"))
        draft.lines.add(Line(product="motor"), index=0)
        assert draft.lines.get(second.id) == second
        assert [draft.lines.index(line) for line in draft.lines] == [0, 1, 2]
        first = draft.lines[1].id
        draft.lines.remove(first)
        assert draft.lines.get(first) is None
        assert first not in draft.lines
        assert draft.lines.index(second.id) == 1
        with pytest.raises(DocumentNotFoundError):
            draft.lines.index(first)
    view = await ada.get(Deal, deal.id)
    assert view.lines.get(second.id).product == "rail"
    assert view.lines.index(second) == 1
    assert view.lines.get(first) is None
    assert view.lines.get("nothing") is None
    assert (second in view.lines, first in view.lines, 7 in view.lines) == (True, False, False)


async def test_documents_are_counted_by_a_name(ada):
    day = dt.date(2024, 5, 31)
    for customer, stage, due, deposit in [
        ("Bob", Stage.OPEN, None, "1.5"),
        ("Bob", Stage.WON, day, "1.5"),
        ("null", Stage.WON, day, "2"),
    ]:
        await make(ada, customer=customer, stage=stage, due=due, deposit=deposit, is_urgent=due == day)
    assert await ada.count(Deal, by="stage") == {Stage.OPEN: 1, Stage.WON: 2}
    assert await ada.count(Deal, by="customer") == {"Bob": 2, "null": 1}
    assert await ada.count(Deal, by="due") == {None: 1, day: 2}
    assert await ada.count(Deal, by="deposit") == {Decimal("1.5"): 2, Decimal(2): 1}
    assert await ada.count(Deal, by="year") == {None: 1, 2024: 2}
    urgent = await ada.count(Deal, by="is_urgent", where={"stage": Stage.WON})
    assert urgent == {True: 2}
    assert {type(key) for key in urgent} == {bool}
    assert await ada.count(Deal, by="stage", search="nothing") == {}
    assert await ada.count(Deal) == 3
    with pytest.raises(SchemaError):
        await ada.count(Deal, by="lines")


async def test_items_are_counted_as_they_are_listed(ada, office):
    place = MemoryPlace()
    await office.sync(MemoryRemote(place))
    first = await make(ada)
    await make(ada)
    async with ada.edit(Note) as note:
        note.words = "Ring Bob."
    async with ada.edit(Note) as other:
        other.words = "Ring Bert."
    async with ada.edit(Customer) as customer:
        customer.name = "Bob"
    assert await ada.count_items() == len(await ada.items()) == 4
    await ada.mark_for_sync(first.id, note.id)
    for replica in (ada, office, ada):
        await replica.sync(MemoryRemote(place))
        assert await ada.count_items() == len(await ada.items())
    assert await ada.count_items() == 2


async def test_a_document_that_goes_to_everyone_is_on_its_way_without_a_mark(ada, office):
    place = MemoryPlace()
    await office.sync(MemoryRemote(place))
    async with ada.edit(Customer) as customer:
        customer.name = "Bob"
    seen = [(await ada.item(customer.id)).state]
    for replica in (ada, office, ada):
        await replica.sync(MemoryRemote(place))
        seen.append((await ada.item(customer.id)).state)
    assert [state.status for state in seen] == [
        ItemStatus.MARKED,
        ItemStatus.SENT,
        ItemStatus.SENT,
        ItemStatus.RECEIVED,
    ]
    assert [bool(state.why_waiting) for state in seen] == [True, True, True, False]
    assert await ada.items() == []
    async with ada.edit(Customer, customer.id) as draft:
        draft.name = "Bert"
    assert (await ada.item(customer.id)).state.status is ItemStatus.MARKED
    with pytest.raises(DocumentNotFoundError):
        await ada.item("no-such-document")


@pytest.mark.parametrize("text", ["R1-0002", "r1-0002", " r1-2 ", "R1-02", "r1 2", "R1 - 0002", "r1-000002"])
async def test_a_number_is_found_as_people_write_it(ada, text):
    await make(ada)
    deal = await make(ada)
    assert [found.id for found in await ada.find_number(text)] == [deal.id]


@pytest.mark.parametrize(
    "text", ["", "-", "R1-", "R1-3", "R2-2", "2", "1-2", "x" * 500, "9" * 500, "R1-2\0", "\ud800"]
)
async def test_what_is_no_number_here_is_not_found(ada, text):
    await make(ada)
    await make(ada)
    assert await ada.find_number(text) == []


async def test_a_final_number_is_found_as_people_write_it(office):
    deal = await make(office)
    await office.mark_for_sync(deal.id)
    await office.sync(MemoryRemote(MemoryPlace()))
    for text in ("D-2024-00001", "d-2024-1", "D-2024 - 1"):
        assert [found.id for found in await office.find_number(text)] == [deal.id]


async def test_what_could_be_two_numbers_is_none(ada):
    workspace = workspace_of(ada)
    deals = [await make(ada), await make(ada)]

    def alias(connection):
        for text, deal in (("R1-00009", deals[0]), ("R1-09", deals[1])):
            connection.execute(
                "INSERT INTO _aliases (text, document) SELECT ?, n FROM _documents WHERE id = ?",
                (text, deal.id),
            )
        set_meta(connection, "references", 9)

    await workspace.write(alias)
    assert await ada.find_number("r1-9") == []
    assert [found.id for found in await ada.find_number("r1-09")] == [deals[1].id]


async def test_a_new_document_can_be_read_when_its_block_has_ended(ada):
    async with ada.edit(Deal) as deal:
        deal.customer = "Bob"
        deal.lines.add(Line(product="shade"))
    read = await ada.get(Deal, deal.id)
    assert deal.info == read.info
    assert repr(deal) == repr(read)
