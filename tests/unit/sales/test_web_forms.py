"""What people type, read and written in their locale."""

import datetime as dt
from decimal import Decimal

import pytest
from babel import Locale

from examples.sales.pricing import Adjustment
from examples.sales.web.forms import Forms, InputError

AMERICAN = Forms(Locale.parse("en_US"))
GERMAN = Forms(Locale.parse("de_DE"), "EUR")
FRENCH = Forms(Locale.parse("fr_FR"), "EUR")
SWISS = Forms(Locale.parse("de_CH"), "CHF")
INDIAN = Forms(Locale.parse("en_IN"), "INR")


@pytest.mark.parametrize(
    ("forms", "typed", "expected"),
    [
        (AMERICAN, "1234.5", "1234.50"),
        (AMERICAN, " $1,234.50 ", "1234.50"),
        (AMERICAN, "1,500", "1500.00"),
        (AMERICAN, "1 500.00", "1500.00"),
        (AMERICAN, "USD 5", "5.00"),
        (AMERICAN, ".5", "0.50"),
        (AMERICAN, "\u0661\u0662", "12.00"),
        (AMERICAN, "-0", "0.00"),
        (GERMAN, "1.234,50 €", "1234.50"),
        (GERMAN, "12,5", "12.50"),
        (GERMAN, "1.500", "1500.00"),
        (FRENCH, "1 500,5", "1500.50"),
        (SWISS, "1'500.50", "1500.50"),
        (INDIAN, "12,34,567.5", "1234567.50"),
    ],
)
def test_money_is_read_as_the_locale_writes_it(forms, typed, expected):
    assert str(forms.money(typed)) == expected


@pytest.mark.parametrize("typed", ["", "abc", "-1", "NaN", "Infinity", "1e30", "99999999999999"])
def test_what_is_no_amount_is_told_with_an_example(typed):
    with pytest.raises(InputError, match=r"1,234\.5|An amount is from"):
        AMERICAN.money(typed)


@pytest.mark.parametrize(
    ("forms", "typed"),
    [
        (AMERICAN, "1,5"),
        (AMERICAN, "1.234,50"),
        (AMERICAN, "12,34"),
        (AMERICAN, "1234,567"),
        (AMERICAN, "1,234 567"),
        (AMERICAN, "1 5"),
        (AMERICAN, "0,500"),
        (AMERICAN, "1.500"),
        (AMERICAN, "0.125"),
        (AMERICAN, "1e2"),
        (AMERICAN, "1_000"),
        (AMERICAN, "1.2.3"),
        (AMERICAN, "."),
        (AMERICAN, "5€"),
        (AMERICAN, "--5"),
        (AMERICAN, "9" * 5000),
        (GERMAN, "12.50"),
        (GERMAN, "1,234.50"),
        (GERMAN, "1,500"),
        (GERMAN, "$5"),
        (FRENCH, "1.500"),
        (FRENCH, "1,500"),
        (SWISS, "1,500"),
    ],
)
def test_an_amount_that_could_mean_two_things_is_refused_with_how_it_is_written(forms, typed):
    with pytest.raises(InputError) as refused:
        forms.money(typed)
    assert str(refused.value) == f"Write an amount as in {forms.amount_shown(Decimal('1234.50'))}."


@pytest.mark.parametrize(
    ("typed", "expected"), [("-5", "-5"), ("10", "10"), ("8.375%", "8.375"), ("-0", "0")]
)
def test_a_charge_is_an_amount_or_a_percentage(typed, expected):
    assert Decimal(expected) == AMERICAN.charge(typed)
    assert "-0" not in str(AMERICAN.charge(typed))


@pytest.mark.parametrize("typed", ["1,5", "8.375", "1%5", "5%%", "1.500"])
def test_what_is_no_charge_is_told(typed):
    with pytest.raises(InputError, match="Write"):
        AMERICAN.charge(typed)


def test_nothing_is_shown_as_less_than_nothing():
    assert AMERICAN.amount_shown(Decimal("-0")) == "0.00"
    assert AMERICAN.money_shown(Decimal("-0.00")) == "$0.00"
    assert AMERICAN.number_shown(Decimal("-0")) == "0"


@pytest.mark.parametrize(
    ("forms", "typed", "expected"),
    [
        (
            AMERICAN,
            "Rush 15.00; Wide 5%",
            (Adjustment("Rush", Decimal(15)), Adjustment("Wide", msrp_pct=Decimal(5))),
        ),
        (AMERICAN, "Rush $1500", (Adjustment("Rush", Decimal(1500)),)),
        (AMERICAN, "Phase 2 15", (Adjustment("Phase 2", Decimal(15)),)),
        (AMERICAN, "Old for new -40", (Adjustment("Old for new", Decimal(-40)),)),
        (
            GERMAN,
            "Eile 15,50 €; Breite 5 %",
            (Adjustment("Eile", Decimal("15.5")), Adjustment("Breite", msrp_pct=Decimal(5))),
        ),
    ],
)
def test_adjustments_are_names_with_amounts_or_percentages(forms, typed, expected):
    assert forms.adjustments(typed) == expected


@pytest.mark.parametrize(
    "typed", ["Rush 1 500.00", "Rush 1 500", "Rush 1,5", "Rush 1.500", "Rush 1%5", "Rush"]
)
def test_an_adjustment_that_could_mean_two_things_is_refused(typed):
    with pytest.raises(InputError, match="Write"):
        AMERICAN.adjustments(typed)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("34.5", "34.5"),
        ("34 1/2", "34.5"),
        ('34 1/2"', "34.5"),
        ("1/8", "0.125"),
        ("1/3", "0.333"),
        ("34 1/16 in", "34.0625"),
        ("1/64", "0.015625"),
        ("60", "60"),
    ],
)
def test_a_measure_is_inches_with_a_fraction(typed, expected):
    assert f"{AMERICAN.measure(typed):f}" == expected


def test_no_measure_is_none():
    assert AMERICAN.measure("  ") is None


@pytest.mark.parametrize(
    "typed",
    [
        "1/0",
        "a 1/2",
        "x",
        "0",
        "-3",
        "99999",
        "1,5",
        "1,125",
        "5 5 1/2",
        "5 -1/2",
        "-34 1/2",
        "1_0/2",
        "34 5",
        "0.0000001",
        "1000000000000000000000000000000/1",
        "9" * 5000 + "/1",
    ],
)
def test_what_is_no_measure_is_told(typed):
    with pytest.raises(InputError, match="Write inches as in"):
        AMERICAN.measure(typed)


@pytest.mark.parametrize(
    ("forms", "typed"),
    [
        (AMERICAN, "5/31/24"),
        (AMERICAN, "05/31/2024"),
        (AMERICAN, "2024-05-31"),
        (AMERICAN, "5-31-24"),
        (GERMAN, "31.05.24"),
        (GERMAN, "31.5.2024"),
        (GERMAN, "31. 5. 2024"),
        (Forms(Locale.parse("sv_SE")), "2024-05-31"),
        (Forms(Locale.parse("bg_BG")), "31.05.24 \u0433."),
    ],
)
def test_a_date_is_read_as_the_locale_writes_it(forms, typed):
    assert forms.date(typed) == dt.date(2024, 5, 31)


@pytest.mark.parametrize(
    "typed",
    [
        "",
        "tomorrow",
        "31/31/24",
        "31/5/24",
        "5.6.24",
        "5/31",
        "2/30/2024",
        "5/31/024",
        "5/31/24x",
        "24-05-31",
        "2024-13-01",
        "5/31/99999999999",
    ],
)
def test_what_is_no_date_is_told(typed):
    with pytest.raises(InputError, match="Write a date as in"):
        AMERICAN.date(typed)


@pytest.mark.parametrize(
    "typed", ["5/31/1924", "0001-01-01", "9999-12-31", "2124-05-31", "1999-12-31", "2040-01-01"]
)
def test_a_date_far_out_is_refused_with_the_days_that_are_taken(typed):
    forms = Forms(Locale.parse("en_US"), today=lambda: dt.date(2024, 5, 31))
    assert forms.date("2034-05-31") == dt.date(2034, 5, 31)
    with pytest.raises(InputError, match=r"A date is from 2000-01-01 to 2034-06-01; this is \d{4}-"):
        forms.date(typed)


def test_a_date_of_another_century_is_shown_with_its_whole_year():
    assert AMERICAN.date_shown(dt.date(1924, 5, 31)) == "1924-05-31"


def test_counts_and_percentages_have_bounds():
    assert AMERICAN.count("-2") == -2
    assert AMERICAN.count("1,500") == 1500
    assert str(AMERICAN.count("-0")) == "0"
    assert AMERICAN.percent("8.25 %") == Decimal("8.25")
    for parse, typed in (
        (AMERICAN.count, "1.5"),
        (AMERICAN.count, "1,5"),
        (AMERICAN.count, "2.000"),
        (AMERICAN.count, "1e3"),
        (AMERICAN.percent, "1%5"),
        (AMERICAN.percent, "8,25"),
        (AMERICAN.count, "1000001"),
        (AMERICAN.percent, "101"),
    ):
        with pytest.raises(InputError):
            parse(typed)
