"""Prices and totals: pure functions, to the cent."""

from dataclasses import replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples.sales.pricing import (
    Adjustment,
    ChargeMethod,
    ChargeRate,
    Discount,
    Price,
    Tax,
    add_up,
    base_retail,
    to_cents,
    unit_cost,
    unit_price,
)

WORKED_EXAMPLE = Price(Decimal("1678.00"), vendor_discount_pct=Decimal("58.75"), margin_pct=Decimal(50))

percents = st.decimals(0, 99, places=2)
prices = st.builds(
    Price,
    msrp=st.decimals(0, 100_000, places=2),
    vendor_discount_pct=percents,
    margin_pct=percents,
    base_retail=st.none() | st.decimals(0, 100_000, places=2),
    adjustments=st.lists(
        st.builds(
            Adjustment,
            name=st.just("measure"),
            amount=st.decimals(-50, 50, places=2),
            msrp_pct=st.decimals(-10, 10, places=1),
        ),
        max_size=3,
    ).map(tuple),
    customer_discount_pct=percents,
    taxable=st.booleans(),
)
quantities = st.integers(-50, 50)
lines = st.lists(st.tuples(quantities, prices), max_size=8)
rates = st.builds(
    ChargeRate,
    method=st.sampled_from(ChargeMethod),
    value=st.decimals(0, 100, places=2),
    taxable=st.booleans(),
)
discounts = st.builds(Discount, percent=percents, amount=st.decimals(0, 20, places=2))
taxes = st.builds(Tax, code=st.just("VAT"), rate_pct=percents)


def test_the_worked_example_gives_the_price_it_is_known_for():
    assert unit_cost(WORKED_EXAMPLE) == Decimal("692.175")
    assert to_cents(unit_cost(WORKED_EXAMPLE)) == Decimal("692.18")
    assert unit_price(WORKED_EXAMPLE) == Decimal("1384.35")


def test_the_cost_is_carried_unrounded():
    # From the rounded cost of 692.18 the price would be a cent more.
    assert to_cents(Decimal("692.18") * 2) == Decimal("1384.36")
    assert unit_price(WORKED_EXAMPLE) == Decimal("1384.35")


@pytest.mark.parametrize(
    ("amount", "cents"), [("0.005", "0.01"), ("0.015", "0.02"), ("0.025", "0.03"), ("-0.005", "-0.01")]
)
def test_half_a_cent_is_rounded_away_from_nothing(amount, cents):
    assert to_cents(Decimal(amount)) == Decimal(cents)


def test_a_price_set_by_hand_takes_the_place_of_cost_and_margin():
    assert unit_price(replace(WORKED_EXAMPLE, base_retail=Decimal("1400.00"))) == Decimal("1400.00")


def test_adjustments_are_inside_the_price_and_are_discounted_with_it():
    price = replace(
        WORKED_EXAMPLE,
        adjustments=(Adjustment("measure", Decimal("15.00")), Adjustment("surcharge", msrp_pct=Decimal(1))),
        customer_discount_pct=Decimal(20),
    )

    assert unit_price(price) == to_cents((Decimal("1384.35") + 15 + Decimal("16.78")) * Decimal("0.8"))


def test_charges_discount_and_tax_come_to_what_a_person_reckons():
    charges = [
        ChargeRate(ChargeMethod.FLAT, Decimal("30.00")),
        ChargeRate(ChargeMethod.PER_PIECE, Decimal("25.00"), taxable=True),
        ChargeRate(ChargeMethod.PERCENT, Decimal(1)),
    ]
    goods = [(2, Price(Decimal("100.00"))), (1, Price(Decimal("50.00"), taxable=False))]

    totals = add_up(goods, charges, Discount(percent=Decimal(10)), Tax("VAT", Decimal(20)))

    assert totals.goods == Decimal("250.00")
    assert totals.charges == Decimal("107.50")
    assert totals.discount == Decimal("25.00")
    assert totals.subtotal == Decimal("332.50")
    # Nine tenths of the 200 that are taxed, and the 75 of the taxed charge.
    assert totals.tax == Decimal("51.00")
    assert totals.total == Decimal("383.50")


def test_nothing_comes_to_nothing():
    assert add_up([], discount=Discount(), tax=Tax("VAT", Decimal(20))).total == 0


@pytest.mark.parametrize(
    "part",
    [
        {"margin_pct": Decimal(100)},
        {"margin_pct": Decimal(-1)},
        {"vendor_discount_pct": Decimal("100.01")},
        {"customer_discount_pct": Decimal(-1)},
        {"msrp": Decimal(-1)},
        {"msrp": Decimal(10) ** 13},
        {"base_retail": Decimal("-0.01")},
    ],
)
def test_a_price_that_cannot_be_reckoned_is_refused_when_it_is_made(part):
    with pytest.raises(ValueError, match=r"is from|is not"):
        replace(WORKED_EXAMPLE, **part)


@given(prices)
def test_a_price_is_in_whole_cents_and_grows_with_the_list_price(price):
    amount = unit_price(price)

    assert amount == amount.quantize(Decimal("0.01"))
    dearer = unit_price(replace(price, msrp=price.msrp + 100, adjustments=()))
    assert dearer >= unit_price(replace(price, adjustments=()))


@given(prices)
def test_cost_is_what_the_margin_leaves_of_the_price(price):
    price = replace(price, base_retail=None)

    assert abs(base_retail(price) * (100 - price.margin_pct) / 100 - unit_cost(price)) < Decimal("1e-12")


@given(lines, st.lists(rates, max_size=3), discounts, taxes)
def test_totals_add_up_to_the_cent(lines, charges, discount, tax):
    totals = add_up(lines, charges, discount, tax)

    for amount in (totals.goods, totals.charges, totals.discount, totals.tax, totals.total):
        assert amount == amount.quantize(Decimal("0.01"))
    assert totals.goods == sum((unit_price(price) * quantity for quantity, price in lines), Decimal(0))
    assert totals.total == totals.goods + totals.charges - totals.discount + totals.tax


@given(lines, st.lists(rates, max_size=3), discounts, taxes)
def test_the_order_of_the_lines_changes_no_total(lines, charges, discount, tax):
    assert add_up(lines, charges, discount, tax) == add_up(lines[::-1], charges[::-1], discount, tax)


@given(lines, taxes)
def test_goods_that_come_back_undo_what_was_paid_for_them(lines, tax):
    back = [(-quantity, price) for quantity, price in lines]

    assert add_up(lines, tax=tax).total == -add_up(back, tax=tax).total
