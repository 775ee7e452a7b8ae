"""A schema as text: it comes back as it was, and text that makes no sense is refused."""

import datetime as dt
import enum
import json
from dataclasses import dataclass
from dataclasses import field as part
from decimal import Decimal
from typing import Annotated

import msgspec
import pytest

from crdtsync.document.live import LiveDocument
from crdtsync.document.model import (
    Document,
    DocumentInfo,
    Entities,
    Entity,
    GrowSet,
    Log,
    Text,
    computed,
    field,
    schema_of,
)
from crdtsync.document.schema import DocumentSchema
from crdtsync.document.stored import schema_from_json, schema_to_json
from crdtsync.document.values import Ref
from crdtsync.errors import SchemaError, ValidationError
from crdtsync.protocol.numbering import Series


class Stage(enum.Enum):
    OPEN = "open"
    WON = "won"


class Level(enum.IntEnum):
    LOW = 1
    HIGH = 2


@dataclass(frozen=True)
class Part:
    name: str = "a"
    cost: Decimal = Decimal("1.50")


@dataclass(frozen=True, kw_only=True)
class Price:
    parts: tuple[Part, ...] = part(default_factory=tuple)
    msrp: Decimal


class Customer(Document, kind="customer", shared=True):
    name: str


class Line(Entity):
    product: str = field(policy="ask", searchable=False)
    price: Price
    stage: Stage = Stage.OPEN


class Quote(Document, kind="quote", series=Series("quotes", "Q-{number:05d}", 17)):
    customer: Ref[Customer]
    sale: Ref["sale"] | None  # noqa: F821 - the kind
    anything: Ref | None
    level: Level = field(default=Level.LOW, indexed=True)
    percent: Annotated[int, msgspec.Meta(ge=0, le=100, description="dropped")] = field(
        default=5, policy="lowest"
    )
    code: Annotated[str, msgspec.Meta(pattern="^[A-Z]+$", max_length=5)] = "AB"
    due: dt.date | None
    sent: dt.datetime = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
    prices: tuple[Price, ...] = (Price(msrp=Decimal(1)),)
    either: str | int = 5
    is_open: bool = True
    lines: Entities[Line]
    done: Log[Price]
    tags: GrowSet[Stage]
    notes: Text = field(searchable=False)

    @computed
    def total(self) -> Decimal:
        return Decimal(0)

    @computed
    def best(self) -> Price | None:
        return None


TEXT = schema_to_json(schema_of(Quote))


@pytest.mark.parametrize("document_class", [Quote, Customer])
def test_a_schema_comes_back_as_it_was(document_class):
    text = schema_to_json(schema_of(document_class))
    back = schema_from_json(text)
    assert schema_to_json(back) == text
    assert isinstance(back, DocumentSchema)
    assert schema_of(back.document_class) is back


def test_everything_that_is_declared_comes_back():
    back, schema = schema_from_json(TEXT), schema_of(Quote)
    assert back.kind == "quote"
    assert back.series == Series("quotes", "Q-{number:05d}", 17)
    assert back.indexed == schema.indexed == ["level", "best", "total"]
    assert back.texts == ["notes"]
    assert list(back.fields) == list(schema.fields)
    for name, spec in schema.fields.items():
        read = back.fields[name]
        assert (read.shape, read.policy, read.indexed, read.searchable, read.is_required) == (
            (spec.shape, spec.policy, spec.indexed, spec.searchable, spec.is_required)
        ), name
    assert list(back.computed) == ["best", "total"]
    assert back.computed["total"].codec.encode(Decimal("1.50")) == '"1.50"'
    assert not hasattr(back.document_class, "total")
    assert schema_from_json(schema_to_json(schema_of(Customer))).shared


def test_one_description_gives_one_class():
    back = schema_from_json(TEXT)
    price = back.fields["done"].annotation
    assert back.fields["lines"].entity.fields["price"].annotation is price
    assert price.__name__ == "Price"


def test_a_document_is_edited_through_a_stored_schema():
    back = schema_from_json(TEXT)
    live = LiveDocument(1, back)
    draft = live.draft(back, lambda size: b"\1" * size)
    quote = back.document_class._bound(draft, DocumentInfo("q", "quote"))
    line_class = back.fields["lines"].entity.entity_class
    quote.customer = "c1"
    quote.level = 2
    quote.lines.add(line_class(product="shade", price={"msrp": "12.50"}))
    with pytest.raises(ValidationError, match="percent"):
        quote.percent = 101
    with pytest.raises(ValidationError, match="price"):
        line_class(product="shade", price={"msrp": 1.5})
    with pytest.raises(ValidationError, match="level"):
        quote.level = 3
    live.write(draft, 5)
    # The application reads it with its own classes.
    real = LiveDocument(2, schema_of(Quote), [live.state()])
    read = Quote._bound(real.draft(schema_of(Quote), bytes), DocumentInfo("q", "quote"))
    assert read.level is Level.HIGH
    assert read.lines[0].price == Price(msrp=Decimal("12.50"))
    assert read.lines[0].stage is Stage.OPEN
    assert live.project({}) == real.project({})


def changed(act):
    stored = json.loads(TEXT)
    act(stored)
    return json.dumps(stored)


def set_type(of):
    def act(stored):
        stored["fields"][0]["of"] = of

    return act


def nested(of, depth):
    for _ in range(depth):
        of = {"type": "tuple", "of": of}
    return of


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "cannot be read"),
        ("null", "cannot be read"),
        ("{}", "format"),
        ("[" * 100_000, "cannot be read"),
        ('{"format":1}', "kind"),
        (changed(lambda s: s.update(format=2)), "Update crdtsync"),
        (changed(lambda s: s.update(format=0)), "cannot have format"),
        (changed(lambda s: s.update(surprise=1)), "unknown field"),
        (changed(lambda s: s.update(kind="Bad Kind")), "name of a kind"),
        (changed(lambda s: s.update(name="class")), "cannot be the name"),
        (changed(lambda s: s["fields"].append(s["fields"][0])), "twice"),
        (changed(lambda s: s["fields"][0].update(name="id")), "taken by the library"),
        (changed(lambda s: s["fields"][0].update(name="__init__")), "cannot be the name"),
        (changed(lambda s: s["fields"][0].update(name="_source")), "cannot be the name"),
        (changed(lambda s: s["fields"][0].update(policy="newest")), "no policy"),
        (changed(lambda s: s["fields"][0].update(shape="text")), "cannot hold"),
        (changed(lambda s: s["fields"][0].update(default=5)), "cannot be stored|does not fit"),
        (changed(lambda s: s["computed"][0].update(name="customer")), "twice"),
        (changed(lambda s: s["computed"][0].update(name="number")), "taken by the library"),
        (changed(lambda s: s["series"].update(pattern="x")), "pattern"),
        (changed(set_type("float")), "cannot be read"),
        (changed(set_type(nested("str", 14))), "nested too deeply"),
        (changed(set_type(nested("str", 300))), "cannot be read|nested too deeply"),
        (changed(set_type({"type": "enum", "name": "E", "members": [["A", "x"], ["A", "y"]]})), "twice"),
        (changed(set_type({"type": "enum", "name": "E", "members": [["A", "x"], ["B", "x"]]})), "one value"),
        (changed(set_type({"type": "enum", "name": "E", "members": [["mro", "x"]]})), "cannot be the name"),
        (changed(set_type({"type": "enum", "name": "E", "members": [["A", "x"], ["B", 1]]})), "cannot be"),
        (changed(set_type({"type": "record", "name": "R", "parts": [{"name": "a b", "of": "str"}]})), "name"),
        (changed(set_type({"type": "limited", "of": "str", "limits": {"magic": 1}})), "unknown limits"),
        (
            changed(set_type({"type": "limited", "of": "str", "limits": {"pattern": "("}})),
            "cannot be|terminated",
        ),
        (changed(set_type({"type": "limited", "of": "str", "limits": {"ge": 1}})), "cannot be"),
        (changed(set_type({"type": "union", "of": ["str", "decimal"]})), "cannot be"),
    ],
)
def test_text_that_makes_no_sense_is_refused(text, message):
    with pytest.raises(SchemaError, match=message):
        schema_from_json(text)


def test_a_text_of_a_million_characters_is_not_even_read():
    with pytest.raises(SchemaError, match="too long"):
        schema_from_json(TEXT + " " * 1_000_000)
