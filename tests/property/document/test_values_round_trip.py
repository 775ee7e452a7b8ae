"""Every value of every declared type comes back as it went in, and one value has one text."""

import dataclasses
import datetime as dt
import enum
from decimal import Decimal

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from crdtsync.document.crdt import CrdtDocument
from crdtsync.document.live import LiveDocument
from crdtsync.document.registers import entry_key, entry_value, parse_entry
from crdtsync.document.values import Ref, codec_for

from .order import INFO, SCHEMA, STEADY, Line, Order, Price, viewed


class Colour(enum.Enum):
    RED = "red"
    ODD = 'o"dd\\ \u2028'


class Level(enum.IntEnum):
    LOW = -1
    HIGH = 2


@dataclasses.dataclass(frozen=True)
class Part:
    price: Decimal
    colours: tuple[Colour, ...] = ()
    note: str | None = None


@dataclasses.dataclass(frozen=True)
class Whole:
    part: Part
    parts: tuple[Part, ...]
    at: dt.datetime
    target: Ref["customer"]  # noqa: F821 - the kind


STRINGS = st.text(st.characters(exclude_categories=["Cs"]))
INTEGERS = st.integers(-(2**63) + 1, 2**63 - 1)
DECIMALS = st.decimals(allow_nan=False, allow_infinity=False)
ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: dt.timezone(dt.timedelta(minutes=minutes)))
FIRST, LAST = dt.datetime(2, 1, 1), dt.datetime(9998, 1, 1)  # noqa: DTZ001 - the zone is drawn beside it
INSTANTS = st.datetimes(min_value=FIRST, max_value=LAST, timezones=ZONES)
REFS = st.text(alphabet="abcdefgh234567", min_size=1, max_size=64).map(Ref)
PARTS = st.builds(
    Part, DECIMALS, st.lists(st.sampled_from(Colour), max_size=3).map(tuple), st.none() | STRINGS
)
VALUES = st.one_of(
    st.tuples(st.just(str), STRINGS),
    st.tuples(st.just(int), INTEGERS),
    st.tuples(st.just(bool), st.booleans()),
    st.tuples(st.just(Decimal), DECIMALS),
    st.tuples(st.just(dt.date), st.dates()),
    st.tuples(st.just(dt.datetime), INSTANTS),
    st.tuples(st.just(Colour), st.sampled_from(Colour)),
    st.tuples(st.just(Level), st.sampled_from(Level)),
    st.tuples(st.just(Ref), REFS),
    st.tuples(st.just(str | None), st.none() | STRINGS),
    st.tuples(st.just(tuple[Decimal, ...]), st.lists(DECIMALS, max_size=4).map(tuple)),
    st.tuples(st.just(Part), PARTS),
    st.tuples(
        st.just(Whole), st.builds(Whole, PARTS, st.lists(PARTS, max_size=2).map(tuple), INSTANTS, REFS)
    ),
)


@settings(STEADY, max_examples=500)
@given(VALUES)
def test_a_value_comes_back_as_it_went_in(pair):
    annotation, value = pair
    codec = codec_for(annotation)
    raw = codec.encode(value)
    back = codec.decode(raw)
    assert back == value
    assert type(back) is type(value)
    assert codec.encode(back) == raw
    # What a form or the command line gives: the same value as plain JSON.
    assert codec.encode(msgspec.json.decode(raw)) == raw
    path, cell = parse_entry(entry_key(("name",), 5), entry_value(7, raw))
    assert (path, cell) == (("name",), (7, 5, raw))


@settings(STEADY, max_examples=100)
@given(strings=st.lists(STRINGS, max_size=5), money=DECIMALS, count=INTEGERS)
def test_a_stored_document_reads_as_its_draft_did(strings, money, count):
    live = LiveDocument(9, SCHEMA)
    numbers = iter(range(1, 100))
    draft = live.draft(SCHEMA, lambda size: next(numbers).to_bytes(size, "big"))
    order = Order._bound(draft, INFO)
    order.deposit = money
    order.due_days = count
    for text in strings:
        order.customer = text
        order.lines.add(Line(product=text, price=Price(money)))
        order.done.append(text)
        order.tags.add(text)
        order.notes.append(text)
    if strings:
        order.lines.remove(order.lines[0])
    live.write(draft, 1_700_000_000_000)
    fresh = LiveDocument(10, SCHEMA, [live.state()])
    msgspec.json.decode(fresh.project({}))
    for reader in (viewed(live), viewed(fresh), Order._bound(fresh.draft(SCHEMA, bytes), INFO)):
        assert repr(reader) == repr(order)
        assert repr(reader.lines.removed) == repr(order.lines.removed)
        assert str(reader.notes) == "".join(strings)
        assert list(reader.done) == strings
        assert set(reader.tags) == set(strings)


@settings(STEADY, max_examples=100)
@given(st.dictionaries(st.text(st.characters(exclude_categories=["Cs"]), min_size=1), STRINGS, max_size=5))
def test_entries_of_any_spelling_are_kept_and_spoil_nothing(entries):
    """What another version wrote is not understood here; it must survive and must not be shown."""
    crdt = CrdtDocument(3)
    crdt.write(entries, [], {"text of a later version": [(0, 0, "kept")]})
    live = LiveDocument(4, SCHEMA, [crdt.state()])
    msgspec.json.decode(live.project({}))
    assert live.conflicts() == []
    draft = live.draft(SCHEMA, bytes)
    Order._bound(draft, INFO).customer = "Ada"
    live.write(draft, 5)
    after = CrdtDocument(5, [live.state()])
    assert entries.items() <= after.entries().items()
    assert after.text("text of a later version") == "kept"
    assert live.digest == live.recompute_digest()
