"""What people type, read and written in their locale."""

import datetime as dt
from decimal import Decimal

import pytest
from babel import Locale

from examples.sales.web.forms import Forms, InputError

AMERICAN = Forms(Locale.parse("en_US"))
GERMAN = Forms(Locale.parse("de_DE"), "EUR")


@pytest.mark.parametrize(
    ("forms", "typed", "expected"),
    [
        (AMERICAN, "1234.5", "1234.50"),
        (AMERICAN, " $1,234.50 ", "1234.50"),
        (AMERICAN, "0.125", "0.13"),
        (GERMAN, "1.234,50 €", "1234.50"),
        (GERMAN, "12,5", "12.50"),
    ],
)
def test_money_is_read_as_the_locale_writes_it(forms, typed, expected):
    assert str(forms.money(typed)) == expected


@pytest.mark.parametrize("typed", ["", "abc", "-1", "NaN", "Infinity", "1e30", "99999999999999"])
def test_what_is_no_amount_is_told_with_an_example(typed):
    with pytest.raises(InputError, match=r"1,234\.5|An amount is from"):
        AMERICAN.money(typed)


@pytest.mark.parametrize(
    ("typed", "expected"),
    [
        ("34.5", "34.5"),
        ("34 1/2", "34.5"),
        ('34 1/2"', "34.5"),
        ("1/8", "0.125"),
        ("1/3", "0.333"),
        ("60", "60"),
    ],
)
def test_a_measure_is_inches_with_a_fraction(typed, expected):
    assert f"{AMERICAN.measure(typed):f}" == expected


def test_no_measure_is_none():
    assert AMERICAN.measure("  ") is None


@pytest.mark.parametrize("typed", ["1/0", "a 1/2", "x", "0", "-3", "99999"])
def test_what_is_no_measure_is_told(typed):
    with pytest.raises(InputError, match="Write inches as in"):
        AMERICAN.measure(typed)


@pytest.mark.parametrize(
    ("forms", "typed"),
    [(AMERICAN, "5/31/24"), (AMERICAN, "2024-05-31"), (GERMAN, "31.05.24"), (GERMAN, "31.5.2024")],
)
def test_a_date_is_read_as_the_locale_writes_it(forms, typed):
    assert forms.date(typed) == dt.date(2024, 5, 31)


@pytest.mark.parametrize("typed", ["", "tomorrow", "31/31/24", "5/31", "2024-13-01", "5/31/99999999999"])
def test_what_is_no_date_is_told(typed):
    with pytest.raises(InputError, match="Write a date as in"):
        AMERICAN.date(typed)


def test_counts_and_percentages_have_bounds():
    assert AMERICAN.count("-2") == -2
    assert AMERICAN.percent("8.25 %") == Decimal("8.25")
    for parse, typed in ((AMERICAN.count, "1.5"), (AMERICAN.count, "1000001"), (AMERICAN.percent, "101")):
        with pytest.raises(InputError):
            parse(typed)
