"""Documents as a person who writes an application meets them."""

import datetime as dt
import enum
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, ClassVar

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
    entity_schema,
    field,
    schema_of,
)
from crdtsync.document.sources import ProjectionSource
from crdtsync.document.values import Ref
from crdtsync.errors import (
    DocumentNotFoundError,
    FrozenDocumentError,
    SchemaError,
    UsageError,
    ValidationError,
)

NOW_MS = 1_700_000_000_000
INFO = DocumentInfo("quote-1", "quote", references=("R2-0017",))


class Stage(enum.Enum):
    OPEN = "open"
    WON = "won"


@dataclass(frozen=True)
class Price:
    msrp: Decimal
    margin: Decimal = Decimal("0.5")


class Customer(Document, kind="customer", shared=True):
    name: str


class Line(Entity):
    product: str
    quantity: int = 1
    price: Price | None = None


class Quote(Document, kind="quote"):
    currency: ClassVar[str] = "EUR"
    customer: str
    buyer: Ref[Customer] | None
    sale: Ref["sale"] | None  # noqa: F821 - the kind of a document that is declared elsewhere
    stage: Stage = Stage.OPEN
    deposit: Decimal = field(default="0.00", indexed=True)
    due: dt.date | None
    sent: dt.datetime | None
    lines: Entities[Line]
    done: Log[str]
    tags: GrowSet[str]
    notes: Text

    @computed
    def total(self) -> Decimal:
        return sum((line.price.msrp * line.quantity for line in self.lines if line.price), Decimal(0))


class Random:
    def __init__(self):
        self.drawn = 0

    def __call__(self, size):
        self.drawn += 1
        return self.drawn.to_bytes(size, "big")


class Desk:
    """One open quote and the drafts made of it."""

    def __init__(self, client=1, updates=()):
        self.live = LiveDocument(client, schema_of(Quote), updates)
        self.random = Random()

    def draft(self):
        self.last = self.live.draft(schema_of(Quote), self.random)
        return Quote._bound(self.last, INFO)

    def save(self):
        return self.live.write(self.last, NOW_MS)

    def view(self):
        return Quote._bound(ProjectionSource(self.live.project({})), INFO)


@pytest.fixture
def desk():
    return Desk()


@pytest.fixture
def quote(desk):
    return desk.draft()


@pytest.fixture
def view(desk, quote):
    quote.customer = "Ada"
    quote.lines.add(Line(product="Roller shade", price=Price("1678.00")), id="one")
    quote.lines.add(Line(product="Blind"), id="two")
    quote.done.append("printed", id="first")
    quote.tags.add("red")
    quote.notes.set("By phone.")
    desk.save()
    return desk.view()


# What is written is what is read.


def test_a_view_shows_what_a_draft_wrote(view):
    assert view.customer == "Ada"
    assert [(line.id, line.product, line.quantity) for line in view.lines] == [
        ("one", "Roller shade", 1),
        ("two", "Blind", 1),
    ]
    assert view.lines["one"].price == Price(Decimal("1678.00"))
    assert view.lines[-1].product == "Blind"
    assert [line.id for line in view.lines[1:]] == ["two"]
    assert [(entry.id, entry.at_ms, entry.value) for entry in view.done.entries] == [
        ("first", NOW_MS, "printed")
    ]
    assert "red" in view.tags
    assert "blue" not in view.tags
    assert view.notes == "By phone."
    assert view.total == Decimal("1678.00")
    assert view.reference == "R2-0017"
    assert view.ref == "quote-1"


def test_defaults_show_until_a_field_is_written(view):
    assert view.deposit == Decimal("0.00")
    assert isinstance(view.deposit, Decimal)
    assert view.stage is Stage.OPEN
    assert view.due is None


def test_strings_and_integers_become_what_the_field_holds(quote):
    quote.deposit = "12.50"
    assert quote.deposit == Decimal("12.50")
    quote.deposit = 3
    assert quote.deposit == Decimal(3)
    quote.stage = "won"
    assert quote.stage is Stage.WON
    quote.due = "2024-02-29"
    assert quote.due == dt.date(2024, 2, 29)


def test_a_dictionary_becomes_a_record_with_its_defaults_written_out(desk, quote):
    quote.lines.add(Line(product="Blind", price={"msrp": "10"}), id="one")
    desk.save()
    cells = desk.live.registers.cells(("lines", "one", "price"))
    assert cells[0].raw == '{"margin":"0.5","msrp":"10"}'


# What a person gets wrong.


def test_a_misspelt_field_is_refused_with_the_name_that_was_meant(quote):
    with pytest.raises(AttributeError, match="Did you mean 'customer'"):
        quote.custmer = "Ada"
    with pytest.raises(AttributeError, match="quantity"):
        quote.lines.add(Line(product="x")).quantty = 2
    with pytest.raises(ValidationError, match="Did you mean 'product'"):
        Line(prodct="x")


@pytest.mark.parametrize(
    ("name", "value", "message"),
    [
        ("customer", 5, "Expected `str`"),
        ("customer", None, "null"),
        ("customer", object(), "cannot be stored"),
        ("customer", dt.date(2024, 1, 1), "is a date, not a str"),
        ("customer", b"Ada", "is a bytes"),
        ("customer", Decimal(1), "is a Decimal"),
        ("customer", "\ud800", "cannot be stored"),
        ("customer", "x" * 300_000, "use a Text field"),
        ("deposit", 1.5, "Give a Decimal"),
        ("deposit", float("nan"), "Give a Decimal"),
        ("deposit", Decimal("NaN"), "not a finite number"),
        ("deposit", Decimal("Infinity"), "not a finite number"),
        ("deposit", "many", "decimal"),
        ("deposit", True, "bool"),
        ("sent", dt.datetime(2024, 1, 1), "time zone"),  # noqa: DTZ001 - the mistake under test
        ("sent", "2024-01-01T00:00:00", "time zone"),
        ("due", dt.datetime(2024, 1, 1, tzinfo=dt.UTC), "date"),
        ("stage", "lost", "lost"),
        ("buyer", "", "id of a document"),
        ("buyer", 7, "id of a document"),
    ],
)
def test_a_wrong_value_is_refused_when_it_is_assigned(quote, desk, name, value, message):
    with pytest.raises(ValidationError, match=message) as caught:
        setattr(quote, name, value)
    assert caught.value.path == name
    assert desk.save() is None


@pytest.mark.parametrize(
    "price", [Price(1.5), {"msrp": 1.5}, {"msrp": "1", "tax": "2"}, {"margin": "1"}, Price(None), "12", [1]]
)
def test_a_wrong_part_of_a_record_is_refused(price):
    with pytest.raises(ValidationError, match="price"):
        Line(product="x", price=price)


def test_integers_end_at_64_bits():
    assert Line(product="x", quantity=2**63 - 1).quantity == 2**63 - 1
    with pytest.raises(ValidationError, match="64 bits"):
        Line(product="x", quantity=2**63)


def test_containers_are_not_assigned(quote):
    for name, verb in (("lines", "add"), ("done", "append"), ("tags", "add"), ("notes", "set")):
        with pytest.raises(ValidationError) as caught:
            setattr(quote, name, "x")
        assert f"document.{name}.{verb}" in caught.value.hint


def test_documents_are_not_made_by_calling_their_class():
    with pytest.raises(UsageError, match=r"replica\.edit\(Quote\)"):
        Quote()


def test_a_required_field_is_missing_until_it_is_written(desk, quote):
    assert desk.last.missing() == ["customer"]
    with pytest.raises(ValidationError, match="never written"):
        _ = quote.customer
    assert "customer=<missing>" in repr(quote)
    quote.customer = "Ada"
    assert desk.last.missing() == []
    with pytest.raises(ValidationError, match="Line needs 'product'"):
        Line(quantity=2)


def test_a_line_is_added_once(quote):
    line = Line(product="Blind")
    there = quote.lines.add(line)
    with pytest.raises(ValidationError, match="in a document already"):
        quote.lines.add(there)
    with pytest.raises(ValidationError, match="holds Line, not str"):
        quote.lines.add("Blind")
    quote.lines.add(line, id="twin")
    with pytest.raises(ValidationError, match="has an entity twin"):
        quote.lines.add(Line(product="x"), id="twin")
    for bad in ("", "A", "a/b", "x" * 65, "é"):
        with pytest.raises(ValidationError, match="cannot be an id"):
            quote.lines.add(Line(product="x"), id=bad)


def test_a_copy_of_a_line_is_a_new_line_with_the_same_content(desk, view):
    draft = desk.draft()
    for line in (view.lines["one"], draft.lines["one"], Line(product="Roller shade", price=Price("1678.00"))):
        copied = line.copy()
        assert (copied, copied.id) == (line, "")
        copied.quantity = 7
        assert line.quantity == 1, "it is another one"
    added = draft.lines.add(draft.lines["one"].copy(product="Blind"), index=1)
    assert [line.product for line in draft.lines] == ["Roller shade", "Blind", "Blind"]
    assert (added.id not in ("", "one"), added.price) == (True, draft.lines["one"].price)
    with pytest.raises(ValidationError, match="has no field 'produkt'"):
        added.copy(produkt="x")
    with pytest.raises(ValidationError):
        added.copy(quantity="many")


def test_lines_are_named_by_themselves_or_their_ids(quote):
    quote.lines.add(Line(product="a"), id="one")
    with pytest.raises(ValidationError, match="Give an entity"):
        quote.lines.remove(0)
    with pytest.raises(DocumentNotFoundError):
        quote.lines.remove("two")
    with pytest.raises(DocumentNotFoundError):
        _ = quote.lines["two"]
    with pytest.raises(IndexError):
        _ = quote.lines[1]
    assert "one" in quote.lines
    assert quote.lines[0] in quote.lines


def test_a_view_is_frozen(view):
    acts = [
        lambda: setattr(view, "customer", "Bob"),
        lambda: setattr(view.lines[0], "quantity", 2),
        lambda: view.lines.add(Line(product="x")),
        lambda: view.lines.move("one", 1),
        lambda: view.lines.remove("one"),
        lambda: view.lines.restore("one"),
        lambda: view.done.append("paid"),
        lambda: view.tags.add("blue"),
        lambda: view.notes.append("x"),
    ]
    for act in acts:
        with pytest.raises(FrozenDocumentError, match=r"replica\.edit"):
            act()
    with pytest.raises(AttributeError):
        view.number = "Q-1"


# Lists.


def test_lines_move_and_negative_places_count_from_the_end(desk, quote):
    for name in "abcd":
        quote.lines.add(Line(product=name), id=name)
    order = quote.lines
    order.move("d", 0)
    assert [line.id for line in order] == list("dabc")
    order.move("d", -1)
    assert [line.id for line in order] == list("abcd")
    order.move(order["a"], 2)
    assert [line.id for line in order] == list("bcad")
    order.add(Line(product="e"), id="e", index=-1)
    assert [line.id for line in order] == list("bcaed")
    order.add(Line(product="f"), id="f", index=99)
    assert [line.id for line in order] == list("bcaedf")
    desk.save()
    assert [line.id for line in desk.view().lines] == list("bcaedf")


def test_a_thousand_insertions_at_one_place_keep_the_order(quote):
    quote.lines.add(Line(product="first"), id="first")
    quote.lines.add(Line(product="last"), id="last")
    for number in range(700):
        quote.lines.add(Line(product="x"), id=f"n{number}", index=1)
    expected = ["first", *(f"n{number}" for number in reversed(range(700))), "last"]
    assert [line.id for line in quote.lines] == expected


def test_a_line_gets_between_two_that_were_put_at_one_place():
    ada, bob = Desk(1), Desk(2)
    base = ada.draft()
    base.lines.add(Line(product="x"), id="first")
    base.lines.add(Line(product="x"), id="last")
    first = ada.save().delta
    bob.live.apply([first])
    for desk, name in ((ada, "from-ada"), (bob, "from-bob")):
        desk.draft().lines.add(Line(product=name), index=1, id=name)
    deltas = [ada.save().delta, bob.save().delta]
    ada.live.apply([deltas[1]])
    bob.live.apply([deltas[0]])
    assert [line.id for line in ada.view().lines] == ["first", "from-ada", "from-bob", "last"]
    ada.draft().lines.add(Line(product="x"), index=2, id="between")
    bob.live.apply([ada.save().delta])
    for desk in (ada, bob):
        assert [line.id for line in desk.view().lines] == ["first", "from-ada", "between", "from-bob", "last"]


def test_a_removed_line_can_be_restored(desk, view):
    desk.draft().lines.remove("one")
    desk.save()
    after = desk.view()
    assert [line.id for line in after.lines] == ["two"]
    assert [line.product for line in after.lines.removed] == ["Roller shade"]
    with pytest.raises(DocumentNotFoundError, match="Restore it"):
        desk.draft().lines.move("one", 0)
    desk.draft().lines.restore("one").quantity = 4
    desk.save()
    assert [(line.id, line.quantity) for line in desk.view().lines] == [("one", 4), ("two", 1)]
    with pytest.raises(DocumentNotFoundError, match="never had"):
        desk.draft().lines.restore("three")


# Edits that change nothing write nothing.


@pytest.mark.parametrize(
    "act",
    [
        lambda quote: setattr(quote, "customer", quote.customer),
        lambda quote: (setattr(quote, "customer", "Bob"), setattr(quote, "customer", "Ada")),
        lambda quote: quote.lines.move("one", 0),
        lambda quote: (quote.lines.remove("one"), quote.lines.restore("one")),
        lambda quote: (quote.lines.add(Line(product="x"), id="new"), quote.lines.remove("new")),
        lambda quote: quote.lines.restore("one"),
        lambda quote: quote.done.append("printed", id="first"),
        lambda quote: quote.tags.add("red"),
        lambda quote: quote.notes.set("By phone."),
        lambda quote: (quote.notes.append("!"), quote.notes.delete(9, 10)),
    ],
)
def test_an_edit_that_changes_nothing_writes_nothing(desk, view, act):
    before = desk.live.digest
    act(desk.draft())
    assert desk.save() is None
    assert desk.live.digest == before


def test_a_line_that_was_removed_restored_and_removed_in_one_edit_changes_nothing(desk, view):
    desk.draft().lines.remove("one")
    desk.save()
    lines = desk.draft().lines
    lines.restore("one")
    lines.remove("one")
    assert [line.id for line in lines] == ["two"]
    assert desk.save() is None


def test_a_form_saved_unchanged_does_not_undo_what_came_meanwhile():
    ada, bob = Desk(1), Desk(2)
    ada.draft().customer = "Ada"
    bob.live.apply([ada.save().delta])
    bob.draft().customer = "Bob"
    ada.draft().customer = "Ada"
    ada.live.apply([bob.save().delta])
    assert ada.save() is None
    assert ada.view().customer == "Bob"


# Conflicts.


def conflicting(name, values):
    """Return two desks at which one field was given two values while they were apart."""
    desks = [Desk(1), Desk(2)]
    deltas = []
    for desk, value in zip(desks, values, strict=True):
        setattr(desk.draft(), name, value)
        deltas.append(desk.save().delta)
    for desk in desks:
        desk.live.apply(deltas)
    return desks


def test_assigning_the_shown_value_decides_a_conflict():
    ada, bob = conflicting("customer", ["Ada", "Bob"])
    assert ada.live.conflicts() == bob.live.conflicts()
    assert [len(found.cells) for found in ada.live.conflicts()] == [2]
    draft = ada.draft()
    draft.customer = draft.customer
    bob.live.apply([ada.save().delta])
    assert ada.live.conflicts() == bob.live.conflicts() == []
    assert ada.view().customer == bob.view().customer


def test_equal_values_are_no_conflict_and_need_no_decision():
    ada, _ = conflicting("customer", ["Ada", "Ada"])
    assert ada.live.conflicts() == []
    ada.draft().customer = "Ada"
    assert ada.save() is None


# Schemas that make no sense.


def refused(message, make):
    with pytest.raises(SchemaError, match=message):
        schema_of(make())


def test_schemas_that_make_no_sense_are_refused():
    def unknown_policy():
        class Bad(Document, kind="bad"):
            name: str = field(policy="newest")

        return Bad

    def order_of_what():
        class Bad(Document, kind="bad"):
            price: Price = field(policy="highest")

        return Bad

    def reserved():
        class Bad(Document, kind="bad"):
            number: str

        return Bad

    def reserved_computed():
        class Bad(Document, kind="bad"):
            name: str

            @computed
            def number(self) -> str:
                return self.name

        return Bad

    def odd_name():
        class Bad(Document, kind="bad"):
            Name: str

        return Bad

    def a_float():
        class Bad(Document, kind="bad"):
            price: float

        return Bad

    def default_of_another_type():
        class Bad(Document, kind="bad"):
            price: Decimal = 1.5

        return Bad

    def forgotten_annotation():
        class Bad(Document, kind="bad"):
            price = field(default="1")

        return Bad

    def forgotten_annotation_of_inherited():
        class Bad(Quote):
            deposit = Decimal(5)

        return Bad

    def nothing_of_that_name():
        class Bad(Document, kind="bad"):
            name: "Nowhere"  # noqa: F821

        return Bad

    def container_with_default():
        class Bad(Document, kind="bad"):
            notes: Text = field(default="x")

        return Bad

    def computed_without_type():
        class Bad(Document, kind="bad"):
            @computed
            def total(self):
                return 1

        return Bad

    def no_kind():
        class Bad(Document):
            name: str

        return Bad

    def limits_of_another_type():
        class Bad(Document, kind="bad"):
            name: Annotated[str, msgspec.Meta(ge=5)]

        return Bad

    @dataclass(frozen=True)
    class Tree:
        child: "Tree | None" = None

    Tree.__annotations__["child"] = Tree | None

    def contains_itself():
        class Bad(Document, kind="bad"):
            tree: Tree | None

        return Bad

    @dataclass
    class Loose:
        name: str

    def not_frozen():
        class Bad(Document, kind="bad"):
            loose: Loose

        return Bad

    refused("is no policy", unknown_policy)
    refused("needs a type with an order", order_of_what)
    refused("taken by the library", reserved)
    refused("taken by the library", reserved_computed)
    refused("cannot be the name", odd_name)
    refused("cannot be the type", a_float)
    refused("float", default_of_another_type)
    refused("has no annotation", forgotten_annotation)
    refused("has no annotation", forgotten_annotation_of_inherited)
    refused("Nowhere", nothing_of_that_name)
    refused("only plain fields", container_with_default)
    refused("declares the type it returns", computed_without_type)
    refused("has no kind", no_kind)
    refused("cannot be the type", limits_of_another_type)
    refused("contains itself", contains_itself)
    refused("frozen", not_frozen)


def test_an_entity_has_fields():
    class Empty(Entity):
        pass

    with pytest.raises(SchemaError, match="no fields"):
        entity_schema(Empty)


def test_references_keep_the_kind_they_name():
    schema = schema_of(Quote)
    assert schema.fields["buyer"].annotation == Ref[Customer] | None
    assert schema.fields["sale"].annotation == Ref["sale"] | None


def test_limited_types_can_be_ordered_and_searched():
    class Limited(Document, kind="limited"):
        percent: Annotated[int, msgspec.Meta(ge=0, le=100)] = field(default=0, policy="highest")
        name: Annotated[str, msgspec.Meta(max_length=5)] | None

    fields = schema_of(Limited).fields
    assert fields["percent"].policy == "highest"
    assert fields["name"].searchable
    assert fields["name"].default is None
