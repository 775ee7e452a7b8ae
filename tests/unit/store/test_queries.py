"""Lists, search and numbers; and the views that any SQLite tool can read."""

import datetime as dt
import enum
import sqlite3
from decimal import Decimal

import pytest

from crdtsync import Document, Entities, Text, computed, field
from crdtsync.errors import SchemaError, UsageError
from tests.unit.store.shop import Line, Quote, shop


class Stage(enum.Enum):
    OPEN = "open"
    WON = "won"


class Deal(Document, kind="deal"):
    customer: str = field(indexed=True)
    stage: Stage = field(default=Stage.OPEN, indexed=True)
    due: dt.date | None = field(default=None, indexed=True)
    at: dt.datetime | None = field(default=None, indexed=True)
    is_big: bool = field(default=False, indexed=True)
    pieces: int = field(default=0, indexed=True)
    lines: Entities[Line]
    notes: Text

    @computed
    def total(self) -> Decimal:
        return sum((line.price * line.quantity for line in self.lines), Decimal(0))

    @computed
    def broken(self) -> int:
        return 1 // self.pieces


@pytest.fixture
async def replica(tmp_path):
    async with shop(tmp_path, kinds=[Quote, Deal]) as opened:
        yield opened


@pytest.fixture
async def deals(replica):
    ids = []
    for number in range(10):
        async with replica.edit(Deal) as deal:
            deal.customer = f"c{number}"
            deal.stage = Stage.WON if number % 2 else Stage.OPEN
            deal.due = dt.date(2026, 1, 1 + number) if number else None
            deal.at = dt.datetime(2026, 1, 1, number, tzinfo=dt.timezone(dt.timedelta(hours=number - 5)))
            deal.is_big = number > 6
            deal.pieces = number
            deal.lines.add(Line(product=f"product {number}", price=Decimal(number) / 4))
        ids.append(deal.id)
    return ids


@pytest.mark.parametrize(
    ("where", "found"),
    [
        ({}, range(10)),
        ({"customer": "c3"}, [3]),
        ({"customer__in": ["c3", "c5", "x"]}, [3, 5]),
        ({"customer__in": (name for name in ["c3"])}, [3]),
        ({"customer__in": []}, []),
        ({"customer__ne": "c3"}, [0, 1, 2, 4, 5, 6, 7, 8, 9]),
        ({"customer": "'; DROP TABLE _documents; --"}, []),
        ({"stage": Stage.WON, "pieces__lt": 5}, [1, 3]),
        ({"due": None}, [0]),
        ({"due__ne": None}, range(1, 10)),
        ({"due__le": dt.date(2026, 1, 3)}, [1, 2]),
        ({"at": dt.datetime(2026, 1, 1, 5, tzinfo=dt.UTC)}, range(10)),
        ({"is_big": True}, [7, 8, 9]),
        ({"total__gt": 2}, [9]),
        ({"total__ge": Decimal("2.00"), "total__lt": 2.25}, [8]),
        ({"broken": 1}, [1]),
        ({"broken": None}, [0]),
        ({"pieces__gt": 10**30}, []),
        ({"pieces__lt": 10**30}, range(10)),
    ],
)
async def test_filters(replica, deals, where, found):
    where = dict(where)
    shown = await replica.find(Deal, where=where, order_by="pieces")
    assert [deal.id for deal in shown] == [deals[number] for number in found]
    if "customer__in" not in where:
        assert await replica.count(Deal, where=where) == len(list(found))


async def test_order_and_pages(replica, deals):
    async def pieces(**options):
        return [deal.pieces for deal in await replica.find(Deal, **options)]

    assert await pieces() == list(range(9, -1, -1))
    assert await pieces(order_by="created") == list(range(10))
    assert await pieces(order_by="-total", limit=3) == [9, 8, 7]
    assert await pieces(order_by="pieces", limit=3, offset=8) == [8, 9]
    assert await pieces(order_by="pieces", offset=100) == []
    assert await pieces(limit=0) == []
    async with replica.edit(Deal, deals[4]) as deal:
        deal.notes.set("touched")
    assert (await pieces(limit=1)) == [4]


@pytest.mark.parametrize(
    ("options", "error"),
    [
        ({"where": {"lines": 1}}, SchemaError),
        ({"where": {"nothing": 1}}, SchemaError),
        ({"where": {"pieces__like": 1}}, UsageError),
        ({"where": {"pieces__in": 3}}, UsageError),
        ({"order_by": "notes"}, SchemaError),
        ({"order_by": ""}, SchemaError),
        ({"order_by": "pieces; DROP TABLE x"}, SchemaError),
        ({"limit": -1}, UsageError),
        ({"offset": -1}, UsageError),
    ],
)
async def test_what_cannot_be_asked(replica, deals, options, error):
    with pytest.raises(error):
        await replica.find(Deal, **options)


WORDS = {
    "Ada": "Zürich shade",
    "O'Brien": 'said "hello" to *everyone*',
    "山田": "🎉 party AND (NEAR) OR NOT",
    "col:umn": "a-b c_d 50%",
}


@pytest.mark.parametrize(
    ("words", "customers"),
    [
        ("ada", ["Ada"]),
        ("ZURICH", ["Ada"]),
        ("zür sha", ["Ada"]),
        ("zür nothing", []),
        ("o'brien", ["O'Brien"]),
        ("O'", ["O'Brien", "山田"]),
        ('"hello"', ["O'Brien"]),
        ('"', list(WORDS)),
        ("hello*", ["O'Brien"]),
        ("*", list(WORDS)),
        ("", list(WORDS)),
        ("   \t\n", list(WORDS)),
        ("🎉", list(WORDS)),
        ("party 🎉", ["山田"]),
        ("山田", ["山田"]),
        ("AND", ["山田"]),
        ("NOT near (", ["山田"]),
        ("col:umn", ["col:umn"]),
        ("customer:ada", []),
        ("a-b", ["col:umn"]),
        ("- 50%", ["col:umn"]),
        ("ada\x00zzz", []),
        ("\ud800", list(WORDS)),
        ("x" * 5000, []),
        ("ada " * 300, ["Ada"]),
    ],
)
async def test_search_with_odd_words(replica, words, customers):
    for customer, note in WORDS.items():
        async with replica.edit(Quote) as quote:
            quote.customer = customer
            quote.notes.set(note)
    found = await replica.find(Quote, search=words, order_by="created")
    assert [quote.customer for quote in found] == customers
    assert await replica.count(Quote, search=words) == len(customers)
    everywhere = await replica.search(words)
    if customers != list(WORDS):
        assert sorted(item.customer for item in everywhere) == sorted(customers)
    else:
        assert everywhere == []  # Nothing was asked for.


async def test_numbers_are_found_however_they_are_written(replica):
    async with replica.edit(Quote) as quote:
        quote.customer = "Ada"
    for text in ("R2-0001", "r2-0001", " R2-0001\n"):
        assert [found.id for found in await replica.find_number(text)] == [quote.id]
    for text in ("", "R2", "R2-0001'", "%", "R2-00010", "\ud800", "a\x00b"):
        assert await replica.find_number(text) == []


async def test_the_views_are_readable_by_any_tool(replica, tmp_path, deals):
    async with replica.edit(Quote) as quote:
        quote.customer = "Ada"
        quote.lines.add(Line(product="shade", quantity=2, price=Decimal("3.10")))
    connection = sqlite3.connect(f"file:{tmp_path / 'replica.db'}?mode=ro", uri=True)
    try:
        connection.row_factory = sqlite3.Row
        (row,) = connection.execute("SELECT * FROM quote").fetchall()
        shown = dict(row)
        assert shown.pop("changed_at").endswith("Z")
        assert shown == {
            "id": quote.id,
            "number": None,
            "reference": "R2-0001",
            "customer": "Ada",
            "city": None,
            "visits": 0,
            "lines": f'[{{"id":"{quote.lines[0].id}","product":"shade","quantity":2,"price":"3.10"}}]',
            "notes": None,
            "tags": None,
            "events": None,
            "total": "6.20",
            "conflicts": 0,
        }
        won = connection.execute("SELECT count(*) FROM deal WHERE stage = 'won'").fetchone()
        assert won[0] == 5
        with pytest.raises(sqlite3.OperationalError):
            connection.execute("DELETE FROM _documents")
    finally:
        connection.close()


async def test_changing_a_field_changes_what_finds_the_document(replica, deals):
    async with replica.edit(Deal, deals[0]) as deal:
        deal.customer = "renamed"
        deal.lines.remove(deal.lines[0])
    assert await replica.find(Deal, where={"customer": "c0"}) == []
    assert [found.id for found in await replica.find(Deal, where={"customer": "renamed"})] == [deals[0]]
    assert await replica.find(Deal, search="c0") == []
    assert [found.id for found in await replica.search("renamed")] == [deals[0]]
