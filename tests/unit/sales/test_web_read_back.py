"""What is shown is read back as the same, and what another country writes is never read as another number.

Method: hypothesis draws numbers and days, the forms of several locales show them and read them back; and each number
as one locale writes it is typed at the desk of another.
"""

import datetime as dt
import re
from decimal import Decimal

import pytest
from babel import Locale, localedata
from hypothesis import given
from hypothesis import strategies as st

from examples.sales.pricing import Adjustment, ChargeMethod, ChargeRate
from examples.sales.web.dates import FIRST_DAY, LAST_DAY, read_date, show_date
from examples.sales.web.fields import CHARGE_FIELDS
from examples.sales.web.forms import AMOUNT_MAX, COUNT_MAX, MEASURE_MAX, Forms, InputError
from examples.sales.web.numbers import read_number

CURRENCIES = {
    "en_US": "USD",
    "en_IN": "INR",
    "en_CA": "CAD",
    "de_DE": "EUR",
    "de_CH": "CHF",
    "fr_FR": "EUR",
    "es_ES": "EUR",
    "sv_SE": "SEK",
    "pl_PL": "PLN",
    "pt_BR": "BRL",
    "nl_NL": "EUR",
    "bg_BG": "BGN",
    "ar_EG": "EGP",
    "ja_JP": "USD",
}
FORMS = {name: Forms(Locale.parse(name), currency) for name, currency in CURRENCIES.items()}

forms = st.sampled_from(sorted(FORMS)).map(FORMS.__getitem__)
days = st.dates(FIRST_DAY, LAST_DAY)


def decimals(least, most, places):
    scale = 10**places
    return st.integers(int(least * scale), int(most * scale)).map(lambda number: Decimal(number) / scale)


amounts = decimals(0, AMOUNT_MAX, 2) | decimals(0, 10_000, 2)
percentages = decimals(0, 100, 3)
words = st.text("abc XYZ é", min_size=1, max_size=12).map(lambda text: " ".join(text.split())).filter(bool)


@given(forms, amounts)
def test_an_amount_is_read_back_as_it_is_shown(desk, amount):
    assert desk.money(desk.amount_shown(amount)) == amount
    assert desk.money(desk.money_shown(amount)) == amount
    assert desk.money(desk.number_shown(amount)) == amount


@given(forms, st.integers(-COUNT_MAX, COUNT_MAX))
def test_a_count_is_read_back_as_it_is_shown(desk, count):
    assert desk.count(desk.number_shown(count)) == count


@given(forms, decimals(Decimal("0.000001"), MEASURE_MAX, 6) | decimals(Decimal("0.125"), 100, 3))
def test_a_measure_is_read_back_as_it_is_shown(desk, inches):
    assert desk.measure(desk.measure_shown(inches)) == inches


@given(forms, percentages)
def test_a_percentage_is_read_back_as_it_is_shown(desk, percent):
    assert desk.percent(desk.number_shown(percent)) == percent
    assert desk.percent(desk.percent_shown(percent)) == percent


class Owner:
    """What has a rate, as a charge has."""

    def __init__(self, rate):
        self.rate = rate


@given(
    forms,
    st.tuples(st.just(ChargeMethod.FLAT), decimals(-AMOUNT_MAX, AMOUNT_MAX, 2))
    | st.tuples(st.just(ChargeMethod.PERCENT), decimals(-100, 100, 3)),
)
def test_the_value_of_a_charge_is_read_back_as_it_is_shown(desk, drawn):
    charge, field = Owner(ChargeRate(*drawn)), CHARGE_FIELDS["value"]
    shown = field.show(desk, charge)
    assert field.objection(charge, shown) == ""
    assert field.parse(desk, shown) == charge.rate.value


adjustments = st.builds(Adjustment, words, decimals(-10_000, 10_000, 2)) | st.builds(
    lambda name, percent: Adjustment(name, msrp_pct=percent), words, percentages.filter(bool)
)


@given(forms, st.lists(adjustments, max_size=5).map(tuple))
def test_adjustments_are_read_back_as_they_are_shown(desk, drawn):
    assert desk.adjustments(desk.adjustments_shown(drawn)) == drawn


@given(forms, days)
def test_a_day_is_read_back_as_it_is_shown(desk, day):
    assert desk.date(desk.date_shown(day)) == day
    assert desk.date(day.isoformat()) == day


def all_locales():
    return [Locale.parse(name) for name in localedata.locale_identifiers() if not name.startswith("la")]


def test_every_locale_reads_the_days_and_numbers_it_shows():
    # One day whose parts cannot be swapped, and one whose parts can.
    for locale in all_locales():
        for day in (dt.date(2024, 5, 31), dt.date(2031, 2, 3)):
            assert read_date(show_date(day, locale), locale) == day, locale
        for number in (Decimal("-1234567.5"), Decimal("0.25")):
            assert read_number(Forms(locale).number_shown(number), locale) == number, locale


# A desk reads thousands as its own country groups them, and nothing else that looks like them.
OWN_WAY = {
    "1,500": {"en_US", "en_IN", "en_CA", "ar_EG", "ja_JP"},
    "1.500": {"de_DE", "es_ES", "pt_BR", "nl_NL"},
}


@pytest.mark.parametrize("typed", sorted(OWN_WAY))
@pytest.mark.parametrize("name", sorted(FORMS))
def test_three_digits_after_a_sign_are_thousands_where_they_are_written_so_and_refused_elsewhere(name, typed):
    if name in OWN_WAY[typed]:
        assert FORMS[name].money(typed) == 1500
    else:
        with pytest.raises(InputError, match="Write an amount as in"):
            FORMS[name].money(typed)


@given(forms, forms, decimals(0, 1_000_000, 2))
def test_an_amount_of_another_country_is_read_as_the_same_or_refused(writer, reader, amount):
    shown = writer.amount_shown(amount)
    try:
        read = reader.money(shown)
    except InputError:
        return
    assert read == amount


@given(forms, forms, days)
def test_a_day_of_another_country_is_read_as_the_same_or_refused_unless_it_is_written_as_one_of_here(
    writer, reader, day
):
    shown = writer.date_shown(day)
    try:
        read = reader.date(shown)
    except InputError:
        return
    if read != day:
        # 5/6/24 looks the same in two countries. Nothing else is taken for another day.
        assert (read.year, read.month, read.day) == (day.year, day.day, day.month)
        assert signs_of(shown) == signs_of(reader.date_shown(read))


def signs_of(shown):
    return re.sub("[0-9\u200f]", "", shown)


@given(
    forms, st.sampled_from([".", ","]), st.integers(0, 99_999), st.text("0123456789", min_size=1, max_size=2)
)
def test_one_or_two_digits_after_a_sign_are_decimals_or_refused(desk, sign, whole, rest):
    for parse in (desk.money, desk.charge, desk.percent, desk.measure, desk.count):
        try:
            read = parse(f"{whole}{sign}{rest}")
        except InputError:
            continue
        assert read == Decimal(f"{whole}.{rest}")
