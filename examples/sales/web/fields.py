"""The fields a person edits: how each is labelled, shown, read and written.

A field that is one part of a value (the rate of a tax) replaces the value as a whole, as the model wants it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from operator import attrgetter
from typing import Any

from examples.sales.model import Address, Charge, Customer, Deal, Line
from examples.sales.pricing import ZERO, ChargeMethod, to_cents, unit_price
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
    is_count: bool = False
    """Whether the number has no decimals."""
    is_date: bool = False
    choices: tuple[tuple[str, str], ...] = ()
    """What there is to choose from, with the words for it; anything may be typed where there are none."""
    has_suggestions: bool = False
    """Whether the page offers words that fit, without insisting on them."""
    objection: Callable[[Any, str], str] = lambda _owner, _typed: ""
    """Says why what was typed does not fit this owner; nothing if it does."""
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
        return "" if found is None else forms.measure_shown(found)

    return _plain(name, label, show, Forms.measure, size="short", is_number=True)


def _part(name: str, label: str, show: Show, parse: Parse, whole: str, part: str, **options: Any) -> Field:
    """Return a field that is one part of a value: the value is replaced as a whole."""

    def assign(owner: Any, value: Any) -> None:
        setattr(owner, whole, replace(getattr(owner, whole), **{part: value}))

    return Field(name, label, show, parse, attrgetter(f"{whole}.{part}"), assign, path=whole, **options)


def _part_text(name: str, label: str, whole: str, part: str, **options: Any) -> Field:
    read = attrgetter(f"{whole}.{part}")
    return _part(name, label, lambda _, owner: read(owner), Forms.text, whole, part, **options)


def _part_of_discount(field: Field) -> Field:
    """Return a part of the discount of a deal that is refused where it would be more than the goods."""

    def assign(deal: Deal, value: Any) -> None:
        field.assign(deal, value)
        goods = deal.totals.goods
        # Before there are goods, a discount may be agreed on.
        if ZERO < goods < deal.totals.discount:
            raise ValueError("the discount would be more than the goods come to")

    return replace(field, assign=assign)


def _part_percent(name: str, label: str, whole: str, part: str) -> Field:
    read = attrgetter(f"{whole}.{part}")
    return _part(
        name,
        label,
        lambda forms, owner: forms.number_shown(read(owner)),
        Forms.percent,
        whole,
        part,
        size="short",
        is_number=True,
    )


def _part_money(name: str, label: str, whole: str, part: str) -> Field:
    read = attrgetter(f"{whole}.{part}")
    return _part(
        name,
        label,
        lambda forms, owner: forms.amount_shown(read(owner)),
        Forms.money,
        whole,
        part,
        size="short",
        is_number=True,
    )


def _part_taxed(name: str, whole: str) -> Field:
    read = attrgetter(f"{whole}.taxable")
    return _part(
        name,
        "Taxed",
        lambda _, owner: "yes" if read(owner) else "no",
        lambda _, typed: typed == "yes",
        whole,
        "taxable",
        size="short",
        choices=(("yes", "Yes"), ("no", "No")),
    )


def _part_of_address(name: str, label: str) -> Field:
    def read(customer: Customer) -> str:
        return str(getattr(customer.billing or Address(), name))

    def assign(customer: Customer, value: Any) -> None:
        customer.billing = replace(customer.billing or Address(), **{name: value})

    return Field(name, label, lambda _, owner: read(owner), Forms.text, read, assign, path="billing")


def _assign_price(line: Line, amount: Any) -> None:
    # What is typed is what the customer pays: the parts that would change it again are taken out.
    line.price = replace(line.price, base_retail=to_cents(amount), adjustments=(), customer_discount_pct=ZERO)


def _show_value(forms: Forms, charge: Charge) -> str:
    is_percent = charge.rate.method is ChargeMethod.PERCENT
    return (forms.percent_shown if is_percent else forms.amount_shown)(charge.rate.value)


def _not_of_a_percentage(charge: Charge, typed: str) -> str:
    is_percent = charge.rate.method is ChargeMethod.PERCENT
    return "" if is_percent or "%" not in typed else "This charge is an amount. Choose Percent first."


def _named(*fields: Field) -> Mapping[str, Field]:
    return {field.name: field for field in fields}


DEAL_FIELDS = _named(
    _text("customer_name", "Customer", Forms.required_text, size="long"),
    _plain(
        "dated",
        "Date",
        lambda forms, deal: forms.date_shown(deal.dated),
        Forms.date,
        size="short",
        is_date=True,
    ),
    _text("sales_rep", "Sales rep"),
    _text("terms", "Terms"),
    _part_of_discount(_part_percent("discount_pct", "Discount %", "discount", "percent")),
    _part_of_discount(_part_money("discount_amount", "Discount", "discount", "amount")),
    _part_text("tax_code", "Tax", "tax", "code", size="short"),
    _part_percent("tax_pct", "Tax %", "tax", "rate_pct"),
)
"""The head of a quote or a sale."""

LINE_FIELDS = _named(
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
        is_count=True,
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
"""The columns of the lines."""

OPTION_FIELDS = _named(
    _part_text("style", "Style", "item", "style", has_suggestions=True),
    _text("mount", "Mount", has_suggestions=True),
    _text("finish", "Finish", has_suggestions=True),
    _text("color", "Color", has_suggestions=True),
    _text("control", "Control", has_suggestions=True),
    _text("remarks", "Remarks", size="long"),
)
"""What is chosen for a line, beside its columns."""

PRICE_FIELDS = _named(
    _part_money("msrp", "List price", "price", "msrp"),
    _part_percent("vendor_discount_pct", "Vendor discount %", "price", "vendor_discount_pct"),
    _part_percent("margin_pct", "Margin %", "price", "margin_pct"),
    _part(
        "adjustments",
        "Adjustments",
        lambda forms, line: forms.adjustments_shown(line.price.adjustments),
        Forms.adjustments,
        "price",
        "adjustments",
    ),
    _part_percent("customer_discount_pct", "Customer discount %", "price", "customer_discount_pct"),
    _part_taxed("taxable", "price"),
)
"""What the price of a line is made of: parts of one value."""

CHARGE_FIELDS = _named(
    _text("name", "Charge", Forms.required_text),
    _part(
        "method",
        "Counted",
        lambda _, charge: charge.rate.method.value,
        lambda _, typed: ChargeMethod(typed),
        "rate",
        "method",
        choices=tuple((method.value, method.value.capitalize()) for method in ChargeMethod),
    ),
    _part(
        "value",
        "Value",
        _show_value,
        Forms.charge,
        "rate",
        "value",
        size="short",
        is_number=True,
        objection=_not_of_a_percentage,
    ),
    _part_taxed("charge_taxable", "rate"),
)
"""An extra that the customer sees."""

CUSTOMER_FIELDS = _named(
    _text("name", "Name", Forms.required_text, size="long"),
    _text("company", "Company"),
    _text("account", "Account", size="short"),
    _text("email", "E-mail"),
    _text("terms", "Terms"),
)
"""The head of a customer."""

ADDRESS_FIELDS = _named(
    _part_of_address("street", "Street"),
    _part_of_address("city", "City"),
    _part_of_address("state", "State"),
    _part_of_address("postcode", "Postcode"),
    _part_of_address("country", "Country"),
)
"""Where a customer is sent bills: parts of one value."""

PHONE_FIELDS = _named(_text("label", "Kind", size="short"), _text("digits", "Telephone", Forms.required_text))

PRODUCT_FIELDS = _named(
    _text("name", "Name", Forms.required_text, size="long"),
    _plain(
        "msrp",
        "List price",
        lambda forms, product: forms.amount_shown(product.msrp),
        Forms.money,
        size="short",
        is_number=True,
    ),
    _plain(
        "msrp_per_sqft",
        "Per square foot",
        lambda forms, product: forms.amount_shown(product.msrp_per_sqft),
        Forms.money,
        size="short",
        is_number=True,
    ),
    _plain(
        "vendor_discount_pct",
        "Vendor discount %",
        lambda forms, product: forms.number_shown(product.vendor_discount_pct),
        Forms.percent,
        size="short",
        is_number=True,
    ),
    _plain(
        "margin_pct",
        "Margin %",
        lambda forms, product: forms.number_shown(product.margin_pct),
        Forms.percent,
        size="short",
        is_number=True,
    ),
    _text("price_list_version", "Price list", size="short"),
    _plain(
        "is_active",
        "Offered",
        lambda _, product: "yes" if product.is_active else "no",
        lambda _, typed: typed == "yes",
        size="short",
        choices=(("yes", "Yes"), ("no", "No")),
    ),
)
"""What a person changes of a product."""
