"""Prices: what a line costs and sells for, and what a document adds up to. Pure functions over values.

A price is one value, so that a merge keeps one computation whole or the other, and never a mixture of two.
Amounts are carried unrounded and rounded once, half up to cents, where a person sees them.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from enum import StrEnum

ZERO = Decimal(0)
HUNDRED = Decimal(100)
CENT = Decimal("0.01")
AMOUNT_MAX = Decimal(10) ** 12
"""Beyond this no price is meant; below it, sums are exact."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """An extra inside the price of one piece, which the customer does not see."""

    name: str
    amount: Decimal = ZERO
    msrp_pct: Decimal = ZERO

    def __post_init__(self) -> None:
        _require(abs(self.amount) <= AMOUNT_MAX, "an adjustment is too large")
        _require(-HUNDRED <= self.msrp_pct <= HUNDRED, "an adjustment is at most 100 % of the list price")


@dataclass(frozen=True, slots=True)
class Price:
    """One computation of the price of one piece, as the customer saw it.

    Raises:
        ValueError: a part is out of bounds.
    """

    msrp: Decimal
    """The vendor's list price, before his discount."""
    vendor_discount_pct: Decimal = ZERO
    margin_pct: Decimal = ZERO
    base_retail: Decimal | None = None
    """Set by hand in place of the price that cost and margin give."""
    adjustments: tuple[Adjustment, ...] = ()
    customer_discount_pct: Decimal = ZERO
    taxable: bool = True
    computed_at: datetime | None = None
    price_list_version: str = ""
    kept: str = field(default="", compare=False)
    """The change that locked it, once somebody who knew of the lock has kept what was written past it."""

    def __post_init__(self) -> None:
        _require(ZERO <= self.msrp <= AMOUNT_MAX, "a list price is from 0 to a million millions")
        _require(ZERO <= self.vendor_discount_pct <= HUNDRED, "a vendor's discount is from 0 to 100 %")
        _require(ZERO <= self.margin_pct <= Decimal("99.99"), "a margin is from 0 to 99.99 %")
        _require(
            self.base_retail is None or ZERO <= self.base_retail <= AMOUNT_MAX, "a price is not negative"
        )
        _require(ZERO <= self.customer_discount_pct <= HUNDRED, "a customer's discount is from 0 to 100 %")


@dataclass(frozen=True, slots=True)
class Discount:
    """What a document takes off the goods, together."""

    percent: Decimal = ZERO
    amount: Decimal = ZERO

    def __post_init__(self) -> None:
        _require(ZERO <= self.percent <= HUNDRED, "a discount is from 0 to 100 %")
        _require(ZERO <= self.amount <= AMOUNT_MAX, "a discount is not negative")


@dataclass(frozen=True, slots=True)
class Tax:
    """The tax of a document, with the rate it had when it was chosen."""

    code: str = ""
    rate_pct: Decimal = ZERO

    def __post_init__(self) -> None:
        _require(ZERO <= self.rate_pct <= HUNDRED, "a tax is from 0 to 100 %")


class ChargeMethod(StrEnum):
    """How a charge is counted."""

    FLAT = "flat"
    PER_PIECE = "per piece"
    PERCENT = "percent"


@dataclass(frozen=True, slots=True)
class ChargeRate:
    """Method and value of a charge, which mean nothing apart."""

    method: ChargeMethod
    value: Decimal
    taxable: bool = False

    def __post_init__(self) -> None:
        _require(abs(self.value) <= AMOUNT_MAX, "a charge is too large")


@dataclass(frozen=True, slots=True)
class Totals:
    """What a document adds up to, in cents."""

    goods: Decimal = ZERO
    charges: Decimal = ZERO
    discount: Decimal = ZERO
    tax: Decimal = ZERO

    @property
    def subtotal(self) -> Decimal:
        """Goods and charges less the discount, before tax."""
        return self.goods + self.charges - self.discount

    @property
    def total(self) -> Decimal:
        """What the customer pays."""
        return self.subtotal + self.tax


def to_cents(amount: Decimal) -> Decimal:
    """Return an amount rounded half up to cents."""
    return amount.quantize(CENT, rounding=ROUND_HALF_UP)


def unit_cost(price: Price) -> Decimal:
    """Return what one piece costs us, unrounded."""
    return price.msrp * (HUNDRED - price.vendor_discount_pct) / HUNDRED


def base_retail(price: Price) -> Decimal:
    """Return the price of one piece before adjustments and discount, unrounded."""
    if price.base_retail is not None:
        return price.base_retail
    return unit_cost(price) * HUNDRED / (HUNDRED - price.margin_pct)


def unit_price(price: Price) -> Decimal:
    """Return what the customer pays for one piece, in cents and before tax."""
    amount = base_retail(price)
    for adjustment in price.adjustments:
        amount += adjustment.amount + price.msrp * adjustment.msrp_pct / HUNDRED
    if price.customer_discount_pct:
        amount = amount * (HUNDRED - price.customer_discount_pct) / HUNDRED
    return to_cents(amount)


def add_up(
    lines: Iterable[tuple[int, Price]],
    charges: Iterable[ChargeRate] = (),
    discount: Discount | None = None,
    tax: Tax | None = None,
) -> Totals:
    """Return what quantities at prices, with charges, a discount on the goods and a tax, come to."""
    goods = taxable = ZERO
    pieces = 0
    for quantity, price in lines:
        amount = unit_price(price) * quantity
        goods += amount
        pieces += quantity
        if price.taxable:
            taxable += amount
    taken_off = ZERO
    if discount is not None:
        taken_off = to_cents(goods * discount.percent / HUNDRED + discount.amount)
        if goods:
            # Each line bears its share, and what is not taxed lessens no tax.
            taxable -= taken_off * taxable / goods
    charged = ZERO
    for rate in charges:
        amount = charge_amount(rate, goods, pieces)
        charged += amount
        if rate.taxable:
            taxable += amount
    due = ZERO if tax is None else to_cents(taxable * tax.rate_pct / HUNDRED)
    return Totals(to_cents(goods), charged, taken_off, due)


def charge_amount(rate: ChargeRate, goods: Decimal, pieces: int) -> Decimal:
    """Return what a charge comes to on a document of so many pieces, in cents."""
    match rate.method:
        case ChargeMethod.FLAT:
            return to_cents(rate.value)
        case ChargeMethod.PER_PIECE:
            return to_cents(rate.value * pieces)
        case ChargeMethod.PERCENT:
            return to_cents(goods * rate.value / HUNDRED)


def _require(is_met: bool, otherwise: str) -> None:  # noqa: FBT001 - reads as a sentence
    if not is_met:
        raise ValueError(otherwise)
