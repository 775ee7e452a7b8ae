"""What the fleets of these tests deal in."""

import datetime as dt
import enum
from dataclasses import dataclass
from decimal import Decimal

from crdtsync import Document, Entities, Entity, GrowSet, Log, Ref, Series, Text, computed, field


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Price:
    msrp: Decimal
    margin: Decimal = Decimal("0.5")


class Line(Entity):
    product: str
    quantity: int = field(default=1, policy="ask")
    price: Price | None = None
    colour: Colour = Colour.RED


class Customer(Document, kind="customer", shared=True):
    name: str
    since: dt.date | None = None


class Quote(Document, kind="quote", series=Series("quotes", "Q-{number:05d}")):
    customer: str = field(default="", indexed=True)
    buyer: Ref[Customer] | None = None
    is_urgent: bool = False
    due: dt.datetime | None = None
    sizes: tuple[int, ...] = ()
    lines: Entities[Line]
    notes: Text
    milestones: Log[str]
    tags: GrowSet[str]

    @computed
    def total(self) -> Decimal:
        return sum((line.price.msrp * line.quantity for line in self.lines if line.price), Decimal(0))

    def validate(self) -> None:
        if self.customer == "nobody":
            raise ValueError("a quote is for somebody")


async def make(member, customer="Ada", **options):
    async with member.replica.edit(Quote, **options) as quote:
        quote.customer = customer
    await member.replica.mark_for_sync(quote.id)
    return quote.id


async def rename(member, document, customer, *, label=""):
    async with member.replica.edit(Quote, document, label=label) as quote:
        quote.customer = customer
