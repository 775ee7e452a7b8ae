"""What the benchmarks work on: a realistic quote of ten lines."""

import random
from dataclasses import dataclass
from decimal import Decimal

from crdtsync import Document, Entities, Entity, Log, Series, Text, field


@dataclass(frozen=True)
class Price:
    msrp: Decimal
    vendor_discount: Decimal
    margin: Decimal
    taxable: bool = True


class Line(Entity):
    product: str
    room: str = ""
    width: Decimal | None = None
    height: Decimal | None = None
    mount: str = ""
    color: str = ""
    quantity: int = 1
    price: Price | None = None


class Quote(Document, kind="quote", series=Series("quotes", "Q-{number:06d}")):
    customer: str = field(indexed=True)
    sales_rep: str = ""
    terms: str = ""
    discount: Decimal = Decimal(0)
    lines: Entities[Line]
    notes: Text
    milestones: Log[str]


class Small(Document, kind="small", series=Series("smalls", "S-{number:06d}")):
    customer: str = field(indexed=True)
    amount: Decimal = field(default=Decimal(0), indexed=True)


ROOMS = ("Kitchen", "Living room", "Bedroom", "Office", "Bath")
PRODUCTS = ("Roller shade", "Cellular shade", "Wood blind", "Sheer curtain", "Shutter")


def fill(quote: Quote, chance: random.Random, lines: int = 10) -> None:
    """Write a quote as a seller does."""
    quote.customer = f"Customer {chance.randrange(10_000)}"
    quote.sales_rep = f"rep-{chance.randrange(9)}"
    quote.terms = "30 days net"
    for _ in range(lines):
        quote.lines.add(new_line(chance))
    quote.notes.set("gate code at desk; call before delivery")
    quote.milestones.append("created")


def new_line(chance: random.Random) -> Line:
    """Return a line as the price list gives it."""
    return Line(
        product=chance.choice(PRODUCTS),
        room=chance.choice(ROOMS),
        width=Decimal(chance.randrange(200, 900)) / 8,
        height=Decimal(chance.randrange(200, 900)) / 8,
        mount=chance.choice(("Inside", "Outside")),
        color=f"Linen {chance.randrange(400)}",
        quantity=chance.randrange(1, 9),
        price=Price(
            Decimal(chance.randrange(10_000, 300_000)) / 100,
            Decimal("58.75"),
            Decimal(chance.randrange(40, 60)),
        ),
    )


def change(quote: Quote, chance: random.Random) -> None:
    """Make one edit of the realistic mix: 60 % fields, 20 % new lines, 20 % lines' prices and texts."""
    draw = chance.random()
    if draw < 0.3:
        quote.sales_rep = f"rep-{chance.randrange(9)}"
    elif draw < 0.6:
        quote.lines[chance.randrange(len(quote.lines))].quantity = chance.randrange(1, 99)
    elif draw < 0.8:
        quote.lines.add(new_line(chance))
    elif draw < 0.9:
        quote.lines[chance.randrange(len(quote.lines))].color = f"Linen {chance.randrange(400)}"
    else:
        quote.notes.append(f" {chance.choice(ROOMS)} {chance.randrange(99)}")
