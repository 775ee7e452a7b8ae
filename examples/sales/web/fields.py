"""The fields a person edits on a quote or a sale: how each is labelled, shown, read and written.

A field that is one part of a value (the rate of a tax) replaces the value as a whole, as the model wants it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from examples.sales.model import Deal, Line
from examples.sales.pricing import ZERO, Tax, to_cents, unit_price
from examples.sales.web.forms import Forms

Show = Callable[[Forms, Any], str]
Parse = Callable[[Forms, str], Any]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a form."""

    name: str
    label: str
    show: Show
    """Writes the value of an owner as a person types it."""
    parse: Parse
    """Reads what was typed. Raises `InputError`."""
    read: Callable[[Any], Any]
    """Returns the value of an owner, as `parse` would."""
    assign: Callable[[Any, Any], None]
    """Puts the value into a draft."""
    size: str = "medium"
    is_number: bool = False
    path: str = ""
    """Where a conflict about it is; the name, unless it is a part of a value."""

    @property
    def conflict_path(self) -> str:
        """Where the library tells a conflict about it."""
        return self.path or self.name


def _plain(name: str, label: str, show: Show, parse: Parse, **options: Any) -> Field:
    def assign(owner: Any, value: Any) -> None:
        setattr(owner, name, value)

    return Field(name, label, show, parse, attrgetter(name), assign, **options)


def _text(name: str, label: str, parse: Parse = Forms.text, **options: Any) -> Field:
    return _plain(name, label, lambda _, owner: getattr(owner, name), parse, **options)


def _measure(name: str, label: str) -> Field:
    def show(forms: Forms, line: Line) -> str:
        found = getattr(line, name)
        return "" if found is None else forms.number_shown(found)

    return _plain(name, label, show, Forms.measure, size="short", is_number=True)


def _assign_tax(deal: Deal, rate_pct: Any) -> None:
    deal.tax = Tax(deal.tax.code, rate_pct)


def _assign_discount(deal: Deal, percent: Any) -> None:
    deal.discount = replace(deal.discount, percent=percent)


def _assign_price(line: Line, amount: Any) -> None:
    # What is typed is what the customer pays: the parts that would change it again are taken out.
    line.price = replace(line.price, base_retail=to_cents(amount), adjustments=(), customer_discount_pct=ZERO)


DEAL_FIELDS: Mapping[str, Field] = {
    item.name: item
    for item in (
        _text("customer_name", "Customer", Forms.required_text, size="long"),
        _plain("dated", "Date", lambda forms, deal: forms.date_shown(deal.dated), Forms.date, size="short"),
        _text("sales_rep", "Sales rep"),
        _text("terms", "Terms"),
        Field(
            "discount_pct",
            "Discount %",
            lambda forms, deal: forms.number_shown(deal.discount.percent),
            Forms.percent,
            attrgetter("discount.percent"),
            _assign_discount,
            size="short",
            is_number=True,
            path="discount",
        ),
        Field(
            "tax_pct",
            "Tax %",
            lambda forms, deal: forms.number_shown(deal.tax.rate_pct),
            Forms.percent,
            attrgetter("tax.rate_pct"),
            _assign_tax,
            size="short",
            is_number=True,
            path="tax",
        ),
    )
}

LINE_FIELDS: Mapping[str, Field] = {
    item.name: item
    for item in (
        _text("room", "Room"),
        _text("description", "Description", size="long"),
        _measure("width", "Width in"),
        _measure("height", "Height in"),
        _plain(
            "quantity",
            "Quantity",
            lambda forms, line: forms.number_shown(line.quantity),
            Forms.count,
            size="short",
            is_number=True,
        ),
        Field(
            "price",
            "Price",
            lambda forms, line: forms.amount_shown(unit_price(line.price)),
            Forms.money,
            lambda line: unit_price(line.price),
            _assign_price,
            size="short",
            is_number=True,
        ),
    )
}
