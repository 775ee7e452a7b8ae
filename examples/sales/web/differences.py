"""What a quote says and its sale does not, in words."""

import datetime as dt
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from examples.sales.model import Charge, Item, Line
from examples.sales.pricing import ChargeMethod, ChargeRate, Discount, Price, Tax, unit_price
from examples.sales.since_conversion import PRICE, Difference, Fate, QuoteChanges
from examples.sales.web.forms import Forms

TEXT_CHARS_MAX = 300
_LABELS = {"dated": "Date", "sales_rep": "Sales rep", "item": "Product", "rate": "Amount", "name": "Charge"}
_NOTHING = "nothing"


@dataclass(frozen=True, slots=True)
class DifferenceShown:
    """One difference on the page."""

    key: str
    label: str
    quoted: str
    sold: str
    is_locked: bool
    """Whether it is a price, and the prices of the sale are locked."""


def differences_shown(forms: Forms, changes: QuoteChanges | None) -> tuple[DifferenceShown, ...]:
    """Return what the pages say of the differences between a quote and its sale."""
    if changes is None:
        return ()
    return tuple(_shown(forms, found, changes.sale.price_locked) for found in changes.differences)


def _shown(forms: Forms, found: Difference, is_locked: bool) -> DifferenceShown:  # noqa: FBT001 - private
    quoted, sold = _text(forms, found.quoted), _text(forms, found.sold)
    label = _LABELS.get(found.field, found.field.capitalize())
    match found.fate:
        case Fate.ADDED:
            label, sold = found.what, "missing"
        case Fate.REMOVED:
            label, quoted = found.what, "removed"
        case Fate.CHANGED_BUT_REMOVED_HERE:
            label, sold = found.what, "removed"
        case Fate.CHANGED if found.what:
            label = f"{found.what}: {label.lower()}"
        case Fate.CHANGED:
            pass
    if quoted == sold:
        quoted = f"{quoted}, made up otherwise"  # As a price of other parts that comes to the same.
    return DifferenceShown(found.key, label, quoted, sold, is_locked and found.field == PRICE)


def _text(forms: Forms, value: Any) -> str:
    written = next((write(forms, value) for kind, write in _WRITERS.items() if isinstance(value, kind)), "")
    shown = written.strip()
    return f"{shown[:TEXT_CHARS_MAX]}..." if len(shown) > TEXT_CHARS_MAX else shown or _NOTHING


def _line_shown(forms: Forms, line: Line) -> str:
    each = unit_price(line.price)
    return f"{forms.number_shown(line.quantity)} at {forms.money_shown(each)}"


def _rate_shown(forms: Forms, rate: ChargeRate) -> str:
    if rate.method is ChargeMethod.PERCENT:
        return f"{forms.number_shown(rate.value)} %"
    return f"{forms.money_shown(rate.value)} {rate.method.value}"


def _discount_shown(forms: Forms, discount: Discount) -> str:
    percent = f"{forms.number_shown(discount.percent)} %" if discount.percent else ""
    amount = forms.money_shown(discount.amount) if discount.amount else ""
    return " and ".join(filter(None, [percent, amount]))


_WRITERS: dict[type, Callable[[Forms, Any], str]] = {
    str: lambda _, text: text,
    dt.date: Forms.date_shown,
    int: Forms.number_shown,
    Decimal: Forms.number_shown,
    Price: lambda forms, price: forms.money_shown(unit_price(price)),
    Tax: lambda forms, tax: f"{tax.code} {forms.number_shown(tax.rate_pct)} %",
    Discount: _discount_shown,
    ChargeRate: _rate_shown,
    Item: lambda _, item: ", ".join(filter(None, [item.code, item.style, item.vendor])),
    Line: _line_shown,
    Charge: lambda forms, charge: _rate_shown(forms, charge.rate),
}
