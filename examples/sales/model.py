"""The documents of a business that sells at the customer's table.

Customers, products and payments are *shared*: every replica has all of them, so that a customer's credit is
right on every machine, and what is owed for a sale on every machine that has the sale. Quotes, sales and
purchase orders go where they are wanted, and have final numbers of three separate series.

There is no document for an *order*. An order is a sale whose purchase orders have gone to the vendor: it
keeps the sale's number and everything else, and when it began is a milestone. As a stage that is computed it
cannot be forgotten, and nothing has to be moved.
"""

import datetime as dt
from dataclasses import dataclass
from decimal import Decimal

from crdtsync import Document, Entities, Entity, GrowSet, Log, Ref, Series, Text, computed, field
from examples.sales.pricing import ZERO, ChargeRate, Discount, Price, Tax, Totals, add_up
from examples.sales.status import (
    Milestone,
    PurchaseStatus,
    Status,
    VendorReport,
    purchase_status,
    quote_status,
    sale_status,
)


@dataclass(frozen=True, slots=True)
class Address:
    """One postal address: a whole, since half of one and half of another is where nobody lives."""

    street: str = ""
    city: str = ""
    state: str = ""
    postcode: str = ""
    country: str = ""


class Phone(Entity):
    """A telephone number of a customer."""

    label: str = ""
    digits: str


class Customer(Document, kind="customer", shared=True):
    """Somebody who buys."""

    name: str = field(indexed=True)
    account: str = field(default="", indexed=True)
    company: str = ""
    email: str = ""
    phones: Entities[Phone]
    billing: Address | None = field(default=None, policy="ask")
    terms: str = ""
    comments: Text


class OptionDefinition(Entity):
    """An option of a product, such as the colour, and what can be chosen."""

    name: str
    choices: tuple[str, ...] = ()
    parent: str = ""
    """The option the choices depend on: the colours there are depend on the finish.

    A choice then begins with that of the parent it goes with: ``Matte: Linen``.
    """


class Style(Entity):
    """A way in which a product is made, such as cordless."""

    name: str
    surcharge: Decimal = field(default=ZERO, policy="ask")
    """What it adds to the list price of the product."""


class Product(Document, kind="product", shared=True):
    """An entry of the catalogue."""

    code: str = field(indexed=True)
    name: str = field(indexed=True)
    vendor: str = field(indexed=True)
    group: str = field(default="", indexed=True)
    split_key: str = ""
    """Lines with different keys go on purchase orders of their own, where the vendor wants it so."""
    msrp: Decimal = field(default=ZERO, policy="ask")
    msrp_per_sqft: Decimal = field(default=ZERO, policy="ask")
    """What each square foot adds to the list price, where a product is made to measure."""
    vendor_discount_pct: Decimal = ZERO
    margin_pct: Decimal = ZERO
    price_list_version: str = ""
    is_active: bool = True
    styles: Entities[Style]
    options: Entities[OptionDefinition]


@dataclass(frozen=True, slots=True)
class Item:
    """What of the catalogue is on a line, with what it takes to show and to buy it without the catalogue.

    It is one value: the code of one product and the vendor of another are nothing that can be bought.
    """

    product: Ref[Product] | None = None
    code: str = ""
    vendor: str = ""
    split_key: str = ""
    style: str = ""


class Line(Entity):
    """One line of a quote or a sale."""

    item: Item = field(default=Item(), policy="ask")
    description: str = ""
    quantity: int = field(default=1, policy="ask")
    price: Price = field(default=Price(ZERO), policy="ask")
    room: str = ""
    width: Decimal | None = field(default=None, policy="ask")
    """Inches."""
    height: Decimal | None = field(default=None, policy="ask")
    """Inches."""
    mount: str = field(default="", policy="ask")
    finish: str = ""
    color: str = ""
    control: str = ""
    remarks: str = ""


class Charge(Entity):
    """An extra that the customer sees, such as the installation."""

    name: str
    category: str = ""
    rate: ChargeRate = field(policy="ask")


@dataclass(frozen=True, slots=True)
class Comment:
    """What somebody noted; never changed."""

    text: str
    by: str
    is_internal: bool = True


class Deal(Document):
    """What a quote and a sale have in common."""

    customer: Ref[Customer] = field(indexed=True)
    customer_name: str = field(default="", indexed=True)
    dated: dt.date = field(indexed=True)
    sales_rep: str = field(default="", indexed=True)
    terms: str = ""
    bill_to: Address | None = field(default=None, policy="ask")
    tax: Tax = field(default=Tax(), policy="ask")
    discount: Discount = field(default=Discount(), policy="ask")
    price_locked: bool = False
    lines: Entities[Line]
    charges: Entities[Charge]
    milestones: Log[Milestone]
    comments: Log[Comment]
    notes: Text

    @property
    def totals(self) -> Totals:
        """What it adds up to."""
        lines = ((line.quantity, line.price) for line in self.lines)
        return add_up(lines, (charge.rate for charge in self.charges), self.discount, self.tax)

    @computed
    def total(self) -> Decimal:
        """What the customer pays."""
        return self.totals.total


class Quote(Deal, kind="quote", series=Series("quotes", "Q-{number:05d}")):
    """An offer."""

    @computed
    def status(self) -> Status:
        """Where it stands."""
        return quote_status(self.milestones)


class Sale(Deal, kind="sale", series=Series("sales", "S-{number:05d}")):
    """An accepted offer, or what was a sale from the beginning; an order once it is sent for purchasing."""

    quote: Ref[Quote] | None = None
    """The quote it was made from; its id is derived from that quote's."""
    quote_version: str = ""
    """Which state of the quote it has taken in."""
    quote_notes: str = ""
    """The notes of the quote."""
    payers: GrowSet[Ref[Customer]]
    """Every customer it was ever for: what one of them paid for it is paid, whose sale it is by now."""

    @computed
    def status(self) -> Status:
        """Where it stands."""
        return sale_status(self.milestones)


@dataclass(frozen=True, slots=True)
class Purchase:
    """What is bought for one line of a sale: derived from that line in one go, and so one value."""

    code: str
    description: str
    options: str
    quantity: int
    unit_cost: Decimal
    """Unrounded."""


class PurchaseLine(Entity):
    """A line of a purchase order; it has the id of the sale's line."""

    what: Purchase = field(policy="ask")


@dataclass(frozen=True, slots=True)
class Sent:
    """A purchase order went to its vendor."""

    by: str
    channel: str
    content: str
    """The hash of what was sent."""


@dataclass(frozen=True, slots=True)
class Approval:
    """A person has looked at what is unusual about a purchase order, and wants it so."""

    by: str
    content: str
    """The hash of what was looked at: of anything else it is no approval."""


class PurchaseOrder(Document, kind="purchase_order", series=Series("purchase-orders", "P-{number:05d}")):
    """What one vendor is asked to deliver for one sale; its id is derived from both."""

    sale: Ref[Sale] = field(indexed=True)
    vendor: str = field(indexed=True)
    split_key: str = ""
    lines: Entities[PurchaseLine]
    approvals: Log[Approval]
    sent: Log[Sent]
    reports: Log[VendorReport]

    @computed
    def status(self) -> PurchaseStatus:
        """Where it stands."""
        return purchase_status((line.id for line in self.lines), self.reports, is_sent=len(self.sent) > 0)

    @computed
    def cost(self) -> Decimal:
        """What we pay the vendor."""
        return sum((line.what.unit_cost * line.what.quantity for line in self.lines), ZERO)


@dataclass(frozen=True, slots=True)
class Allocation:
    """A part of a payment that is meant for one sale."""

    sale: Ref[Sale]
    amount: Decimal
    by: str = ""


@dataclass(frozen=True, slots=True)
class Release:
    """An allocation was taken back; the money is the customer's credit again."""

    allocation: str
    """The id of its entry."""
    by: str = ""


@dataclass(frozen=True, slots=True)
class Void:
    """The payment never was: the cheque bounced, or it was a mistake. Nothing else undoes a payment."""

    reason: str
    by: str


class Payment(Document, kind="payment", shared=True):
    """Money from a customer, whole or in parts for sales; what is left is the customer's credit."""

    customer: Ref[Customer] = field(indexed=True)
    amount: Decimal = field(policy="ask")
    received: dt.date = field(indexed=True)
    method: str = "Check"
    card_last4: str = ""
    description: str = ""
    recorded_by: str = ""
    allocations: Log[Allocation]
    releases: Log[Release]
    voids: Log[Void]

    def validate(self) -> None:
        """Refuse what is no payment; a mistake is made good by declaring it void."""
        if self.amount <= 0:
            raise ValueError("a payment is more than nothing")
        if any(allocation.amount <= 0 for allocation in self.allocations):
            raise ValueError("an allocation is more than nothing")


KINDS = (Customer, Product, Quote, Sale, PurchaseOrder, Payment)
