"""Document classes of a small shop, for the tests of the command line."""

import enum
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from crdtsync import Document, Entities, Entity, GrowSet, Log, Ref, Series, Text, computed, field


class Stage(enum.Enum):
    OPEN = "open"
    WON = "won"


@dataclass(frozen=True)
class Price:
    msrp: Decimal
    margin: Decimal = Decimal("0.5")


class Customer(Document, kind="customer", shared=True):
    name: str = field(indexed=True)


class Line(Entity):
    product: str
    quantity: int = 1
    price: Price | None = None


class Quote(Document, kind="quote", series=Series("quotes", "Q-{number:05d}")):
    customer: str = field(indexed=True)
    buyer: Ref[Customer] | None = None
    due: date | None = None
    paid: bool = False
    stage: Stage = field(default=Stage.OPEN, indexed=True)
    discount: Decimal = field(default=Decimal(0), policy="ask")
    lines: Entities[Line]
    notes: Text
    tags: GrowSet[str]
    milestones: Log[str]

    @computed
    def pieces(self) -> int:
        return sum(line.quantity for line in self.lines)


QUOTES_ONLY = [Quote]
