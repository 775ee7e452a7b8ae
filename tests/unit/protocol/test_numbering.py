"""Numbers: how they look, and who gets which."""

import msgspec
import pytest

from crdtsync.errors import SchemaError, ValidationError
from crdtsync.protocol.ids import derive_id
from crdtsync.protocol.ledger import GENESIS, GRANTED, VOID, decode_ledger, encode_entry, encode_ledger
from crdtsync.protocol.numbering import (
    GrantRequest,
    Series,
    check_replica_name,
    check_series,
    plan_grants,
    plan_void,
    reference_text,
)
from crdtsync.protocol.segment import NumberRequest

ADA, BOB = "b" * 25 + "a", "e" * 25 + "a"
QUOTES = Series("quotes", "Q-{number:05d}")
SALES = Series("sales", "S-{number}", start=100)
SERIES = {one.name: one for one in (QUOTES, SALES)}


def ask(name, requester=ADA, series="quotes", *, serial=1, withdrawn=False):
    request = NumberRequest(
        document=derive_id(name),
        kind="quote",
        series=series,
        serial=serial,
        withdrawn=withdrawn,
        digest=bytes(16),
        reference="",
        at_ms=5,
    )
    return GrantRequest(requester, request)


def plan(*requests, granted=(), counters=None, today="2025-04-10", dates=None, head=GENESIS):
    return plan_grants(
        requests,
        granted=granted,
        counters=counters or {},
        series=SERIES,
        head=head,
        at_ms=7,
        today=today,
        last_issue_dates=dates or {},
    )


def test_a_number_is_printed_as_the_pattern_says():
    assert QUOTES.text(17) == "Q-00017"
    assert SALES.text(100) == "S-100"
    assert Series("all").text(123456) == "123456"
    assert Series("b", r"\1-{number}").text(5) == r"\1-5"


@pytest.mark.parametrize(
    "pattern",
    [
        "",
        "Q",
        "{number}{number}",
        "{number} {x}",
        "{{number}}",
        "{number:5d}",
        "{number:x}",
        "{number!r}",
        "{0}",
        "{number}}",
        "x" * 33 + "{number}",
        "\n{number}",
    ],
)
def test_a_pattern_has_the_number_once_and_nothing_else(pattern):
    with pytest.raises(SchemaError):
        Series("quotes", pattern)


@pytest.mark.parametrize("name", ["", "a b", "-a", "x" * 41, "é"])
def test_a_series_has_a_plain_name(name):
    with pytest.raises(SchemaError):
        Series(name)


def test_a_series_does_not_start_below_zero():
    with pytest.raises(SchemaError):
        Series("quotes", start=-1)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{number}", "{number:05d}"),
        ("{number}", "1{number}"),
        ("Q-{number}", "Q-2{number}"),
        ("{number}/25", "{number}25/25"),
        ("Q{number}", "Q{number}0"),
        ("Q-{number}", "q-{number}"),
    ],
)
def test_two_series_cannot_print_one_number(first, second):
    with pytest.raises(SchemaError):
        check_series([Series("a", first), Series("b", second)])


def test_series_that_differ_are_told_apart():
    assert check_series([QUOTES, SALES, Series("orders", "{number}-O")]).keys() == {
        "quotes",
        "sales",
        "orders",
    }
    with pytest.raises(SchemaError):
        check_series([QUOTES, Series("quotes", "X{number}")])


def test_a_reference_number_names_its_workstation():
    assert reference_text("R2", 17) == "R2-0017"
    assert reference_text("R2", 12345) == "R2-12345"


@pytest.mark.parametrize(("name", "counter"), [("", 1), ("-R", 1), ("R 2", 1), ("x" * 21, 1), ("R2", 0)])
def test_a_reference_number_needs_a_name_and_a_count(name, counter):
    with pytest.raises(ValidationError):
        reference_text(name, counter)


def test_a_good_replica_name_is_given_back():
    assert check_replica_name("Office-2") == "Office-2"


def test_requests_get_consecutive_numbers_in_order():
    entries = plan(ask("a"), ask("b", series="sales"), ask("c", BOB), counters={"quotes": 6})
    assert [entry.text for entry in entries] == ["Q-00007", "S-100", "Q-00008"]
    assert [entry.requester for entry in entries] == [ADA, ADA, BOB]
    assert all(entry.outcome is GRANTED for entry in entries)


def test_the_entries_are_one_chain():
    entries = plan(ask("a"), ask("b"), ask("c"))
    assert [entry for entry, _ in decode_ledger(encode_ledger(map(encode_entry, entries)))] == entries


def test_a_document_gets_one_number_of_a_series():
    entries = plan(ask("a"), ask("a"), ask("a", BOB), ask("a", series="sales"))
    assert [entry.text for entry in entries] == ["Q-00001", "S-100"]


def test_a_document_with_a_number_gets_no_other():
    assert plan(ask("a"), granted={("quotes", derive_id("a"))}) == []


def test_a_withdrawn_request_is_not_served_whatever_the_order():
    withdrawal = ask("a", serial=2, withdrawn=True)
    assert plan(ask("a"), withdrawal) == []
    assert plan(withdrawal, ask("a")) == []
    assert len(plan(ask("a"), withdrawal, ask("a", serial=3))) == 1


def test_one_replica_does_not_withdraw_what_another_asks():
    entries = plan(ask("a", serial=2, withdrawn=True), ask("a", BOB))
    assert [entry.requester for entry in entries] == [BOB]


def test_a_request_of_an_unknown_series_is_left():
    assert plan(ask("a", series="unknown")) == []


def test_the_issue_date_does_not_go_back_when_the_clock_does():
    entries = plan(ask("a"), ask("b", series="sales"), today="2020-01-01", dates={"quotes": "2025-04-10"})
    assert [entry.issue_date for entry in entries] == ["2025-04-10", "2020-01-01"]


def test_a_start_changed_later_tears_no_hole():
    assert Series("quotes", start=1000).next_number(5) == 6


def void(number=None, counter=6, **more):
    return plan_void(
        QUOTES,
        "misprinted",
        number=number,
        counter=counter,
        head=GENESIS,
        at_ms=7,
        today="2025-04-10",
        **more,
    )


def test_the_next_number_is_made_void():
    entry = void()
    assert (entry.outcome, entry.number, entry.text, entry.reason) == (VOID, 7, "Q-00007", "misprinted")
    assert void(counter=None).number == 1


def test_a_granted_number_is_made_void():
    entry = void(3, granted={3}, last_issue_date="2025-12-31")
    assert (entry.number, entry.issue_date) == (3, "2025-12-31")


@pytest.mark.parametrize("more", [{"number": 3}, {"number": 8}, {"number": 3, "granted": {3}, "void": {3}}])
def test_only_the_next_or_a_granted_number_is_made_void_and_only_once(more):
    with pytest.raises(ValidationError):
        void(**more)


def test_a_number_is_not_made_void_without_a_reason():
    with pytest.raises(ValidationError):
        plan_void(QUOTES, " ", counter=None, head=GENESIS, at_ms=7, today="2025-04-10")


def test_a_date_that_is_none_is_refused():
    with pytest.raises(ValidationError):
        plan(ask("a"), today="today")
    with pytest.raises(ValidationError):
        plan_void(QUOTES, "x", counter=None, head=GENESIS, at_ms=7, today="")


def test_a_request_for_a_document_that_is_none_is_refused():
    bad = msgspec.structs.replace(ask("a").request, document="x")
    with pytest.raises(ValidationError):
        plan(GrantRequest(ADA, bad))
