"""An open document: failures, foreign content, and what is kept up beside the CRDT."""

from decimal import Decimal

import msgspec
import pytest
from pycrdt import Doc, Map

from crdtsync.document.crdt import CrdtDocument, merge
from crdtsync.document.draft import REFERENCES
from crdtsync.document.live import LiveDocument
from crdtsync.document.model import (
    Document,
    DocumentInfo,
    Entities,
    Entity,
    GrowSet,
    Log,
    Text,
    field,
    schema_of,
)
from crdtsync.document.registers import entry_key, entry_value
from crdtsync.errors import CrdtError

NOW_MS = 1_700_000_000_000
INFO = DocumentInfo("sale-1", "sale")


class Line(Entity):
    product: str


class Sale(Document, kind="sale"):
    customer: str = ""
    most: Decimal | None = field(policy="highest")
    least: Decimal | None = field(policy="lowest")
    lines: Entities[Line]
    more: Entities[Line]
    done: Log[str]
    tags: GrowSet[str]
    notes: Text


SCHEMA = schema_of(Sale)


def edit(live, act, now_ms=NOW_MS):
    draft = live.draft(SCHEMA, lambda size: bytes([len(live.state()) % 256] * size))
    act(Sale._bound(draft, INFO))
    return live.write(draft, now_ms)


def with_cells(field_name, raws):
    entries = {entry_key((field_name,), 10 + n): entry_value(n + 1, raw) for n, raw in enumerate(raws)}
    crdt = CrdtDocument(1)
    crdt.write(entries, [], {})
    return LiveDocument(2, SCHEMA, [crdt.state()])


@pytest.mark.parametrize(
    ("name", "raws", "shown"),
    [
        ("most", ['"5"', '"7"', '"6"'], '"7"'),
        ("least", ['"6"', '"5"', '"7"'], '"5"'),
        ("most", ['"10"', '"9"'], '"10"'),
        ("most", ['"7"', "null"], '"7"'),
        ("least", ["null", '"7"', "null"], '"7"'),
        ("most", ["null", "null"], "null"),
        ("most", ['"7"', '"NaN"'], '"7"'),
        ("most", ['"7"', '"Infinity"'], '"7"'),
        ("most", ['"7"', "[1]", '"many"', "{}"], '"7"'),
        ("most", ["[1]", '"many"'], '"many"'),
        ("least", ['"1.0"', '"1.00"'], '"1.00"'),
        ("customer", ['"Ada"', '"Bob"'], '"Bob"'),
    ],
)
def test_the_policy_chooses_among_what_can_be_compared(name, raws, shown):
    live = with_cells(name, raws)
    assert live.fields()[name] == shown
    if len(set(raws)) > 1:
        (conflict,) = live.conflicts()
        assert conflict.cells[conflict.shown].raw == shown
        assert [cell.raw for cell in conflict.cells] == raws[::-1]


def test_a_stored_value_of_another_type_is_shown_as_it_is_and_can_be_overwritten():
    live = with_cells("customer", ['{"first":"Ada"}'])
    assert msgspec.json.decode(live.project({}))["customer"] == {"first": "Ada"}
    assert live.search_text() == ""
    edit(live, lambda sale: setattr(sale, "customer", "Ada"))
    assert live.search_text() == "Ada"


def test_half_a_character_in_a_stored_string_spoils_no_search():
    assert with_cells("customer", ['"\\ud800"']).search_text() == ""


def test_the_stamp_is_above_every_stamp_that_was_seen():
    live = LiveDocument(1, SCHEMA)
    far_ms = NOW_MS * 3
    assert edit(live, lambda sale: setattr(sale, "customer", "Ada"), far_ms).stamp == far_ms
    assert edit(live, lambda sale: setattr(sale, "customer", "Bob")).stamp == far_ms + 1
    other = LiveDocument(2, SCHEMA, [live.state()])
    assert edit(other, lambda sale: sale.tags.add("red"), 0).stamp == far_ms + 2


def test_a_document_that_failed_stays_shut():
    live = LiveDocument(1, SCHEMA)
    edit(live, lambda sale: setattr(sale, "customer", "Ada"))
    with pytest.raises(CrdtError):
        live.apply([b"\xff\xfe not an update"])
    for use in (
        live.state,
        live.recompute_digest,
        lambda: live.apply([]),
        lambda: edit(live, lambda sale: setattr(sale, "customer", "Bob")),
    ):
        with pytest.raises(CrdtError, match="opened again"):
            use()
    live.close()


def test_content_that_is_no_text_is_refused():
    doc = Doc()
    doc.get("f", type=Map)["customer|1"] = 5.0
    live = LiveDocument(1, SCHEMA)
    with pytest.raises(CrdtError):
        live.apply([doc.get_update()])
    with pytest.raises(CrdtError):
        merge([b"\xff\xfe"])


def test_a_document_of_an_unknown_kind_is_merged_all_the_same():
    ada = LiveDocument(1, SCHEMA)
    delta = edit(ada, lambda sale: (setattr(sale, "customer", "Ada"), sale.notes.set("hello"))).delta
    bob = LiveDocument(2, None)
    bob.apply([delta])
    assert bob.digest == ada.digest
    assert bob.texts == {"notes": "hello"}


def test_texts_that_the_schema_does_not_know_count_and_survive():
    crdt = CrdtDocument(9)
    foreign = crdt.write({}, [], {"of a later version": [(0, 0, "é😀")], "notes": [(0, 0, "hello")]})
    live = LiveDocument(1, SCHEMA)
    live.project({})
    live.apply([foreign])
    assert live.texts == {"of a later version": "é😀", "notes": "hello"}
    assert live.digest == live.recompute_digest()
    assert msgspec.json.decode(live.project({})) == {"notes": "hello"}


def test_the_projection_reads_the_same_in_whatever_order_it_was_kept_up():
    live = LiveDocument(1, SCHEMA)

    def fill(sale):
        sale.more.add(Line(product="more"), id="m")
        sale.lines.add(Line(product="line"), id="l")
        sale.notes.set("notes")
        sale.customer = "Ada"

    edit(live, fill)
    live.search_text()
    edit(live, lambda sale: sale.more.remove("m"))
    live.project({})
    edit(live, lambda sale: sale.lines.remove("l"))
    edit(live, lambda sale: setattr(sale, "customer", "Bob"))
    fresh = LiveDocument(2, SCHEMA, [live.state()])
    assert live.project({}) == fresh.project({})
    assert live.search_text() == fresh.search_text() == "Bob notes"


def test_a_digest_that_is_known_is_kept_up_from_there():
    ada = LiveDocument(1, SCHEMA)
    edit(ada, lambda sale: setattr(sale, "customer", "Ada"))
    bob = LiveDocument(2, SCHEMA, [ada.state()], digest=ada.digest)
    delta = edit(ada, lambda sale: (sale.tags.add("red"), sale.notes.set("x"))).delta
    bob.apply([delta])
    edit(bob, lambda sale: setattr(sale, "customer", "Bob"))
    assert bob.digest == bob.recompute_digest() != ada.digest
    assert LiveDocument(3, SCHEMA).digest == bytes(16)


def test_what_is_delivered_again_changes_nothing():
    ada = LiveDocument(1, SCHEMA)
    delta = edit(ada, lambda sale: (setattr(sale, "customer", "Ada"), sale.notes.set("x"))).delta
    before = (ada.digest, ada.project({}), ada.state())
    ada.apply([delta, ada.state(), delta])
    assert (ada.digest, ada.project({}), ada.state()) == before


def test_of_an_event_recorded_twice_the_first_stays():
    ada, bob = LiveDocument(1, SCHEMA), LiveDocument(2, SCHEMA)
    first = edit(ada, lambda sale: sale.done.append("paid", id="event"), NOW_MS).delta
    second = edit(bob, lambda sale: sale.done.append("paid in cash", id="event"), NOW_MS + 1).delta
    ada.apply([second])
    bob.apply([first])
    assert ada.fields()["done"] == bob.fields()["done"]
    assert [row["value"] for row in msgspec.json.decode(ada.fields()["done"])] == ["paid"]
    assert ada.conflicts() == []
    # A draft that had not seen it does not write it again either.
    carol = LiveDocument(3, SCHEMA)
    draft = carol.draft(SCHEMA, bytes)
    Sale._bound(draft, INFO).done.append("paid by card", id="event")
    carol.apply([first])
    assert carol.write(draft, NOW_MS) is None


def test_references_are_listed_oldest_first():
    live = LiveDocument(1, SCHEMA)
    for number in ('R2-"17', "R3-0001"):
        draft = live.draft(SCHEMA, bytes)
        draft.append_log(REFERENCES, f"r{number[-1]}", msgspec.json.encode(number).decode())
        assert draft.writes.appends_only
        live.write(draft, NOW_MS)
    assert live.references() == ['R2-"17', "R3-0001"]
    assert msgspec.json.decode(live.project({}))["_references"] == ['R2-"17', "R3-0001"]


def test_two_edits_of_one_text_merge_by_character():
    ada, bob = LiveDocument(1, SCHEMA), LiveDocument(2, SCHEMA)
    bob.apply([edit(ada, lambda sale: sale.notes.set("Größe: 5 m")).delta])
    draft = ada.draft(SCHEMA, bytes)
    Sale._bound(draft, INFO).notes.replace(7, 8, "6")
    delta = edit(bob, lambda sale: sale.notes.set("😀 Größe: 5 m!")).delta
    ada.apply([delta])
    bob.apply([ada.write(draft, NOW_MS).delta])
    assert ada.texts == bob.texts == {"notes": "😀 Größe: 6 m!"}


def test_a_removal_counts_although_an_equal_one_came_in_meanwhile():
    ada, bob = LiveDocument(1, SCHEMA), LiveDocument(2, SCHEMA)
    bob.apply([edit(ada, lambda sale: sale.lines.add(Line(product="x"), id="one")).delta])
    draft = bob.draft(SCHEMA, bytes)
    Sale._bound(draft, INFO).lines.remove("one")
    bob.apply([edit(ada, lambda sale: sale.lines.remove("one")).delta])
    removal = bob.write(draft, NOW_MS)
    restoral = edit(ada, lambda sale: sale.lines.restore("one"))
    ada.apply([removal.delta])
    bob.apply([restoral.delta])
    for live in (ada, bob):
        assert [found.reason for found in live.conflicts()] == ["removal"]
