"""The documents of the simulation: every shape a field can have, under every policy."""

import datetime as dt
import enum
from dataclasses import dataclass
from decimal import Decimal

from crdtsync.document.model import Document, Entities, Entity, GrowSet, Log, Text, computed, field
from crdtsync.document.values import Ref
from crdtsync.protocol.numbering import Series


class Stage(enum.Enum):
    """Where a deal stands."""

    OPEN = "open"
    WON = "won"
    LOST = "lost"


@dataclass(frozen=True)
class Price:
    """What belongs together is one value."""

    msrp: Decimal
    margin: Decimal = Decimal("0.5")


class Customer(Document, kind="customer", shared=True):
    """Goes to everyone by itself."""

    name: str


class Line(Entity):
    """A line of a quote."""

    product: str
    quantity: int = field(default=1, policy="highest")
    price: Price | None = None


class Quote(Document, kind="quote", series=Series("quotes", "Q-{number:05d}")):
    """Goes to everyone once it is marked, and gets a final number."""

    customer: str = field(default="", indexed=True)
    sold: int = field(default=0, policy="highest")
    due: dt.date | None = field(default=None, policy="lowest")
    terms: str = field(default="", policy="ask")
    stage: Stage = Stage.OPEN
    buyer: Ref[Customer] | None = None
    lines: Entities[Line]
    notes: Text
    milestones: Log[str]
    tags: GrowSet[str]

    @computed
    def total(self) -> Decimal:
        """Depends on nothing but the document."""
        return sum((line.price.msrp * line.quantity for line in self.lines if line.price), Decimal(0))


class Order(Document, kind="order", series=Series("orders", "O-{number}")):
    """Has a series of its own, and ids that two people may derive alike."""

    quote: Ref[Quote] | None = None
    deposit: Decimal = Decimal(0)
    lines: Entities[Line]


class Task(Document, kind="task"):
    """Has no series: its way ends when the office has it."""

    title: str
    is_done: bool = False


KINDS: tuple[type[Document], ...] = (Quote, Order, Customer, Task)
BY_NAME: dict[str, type[Document]] = {"quote": Quote, "order": Order, "customer": Customer, "task": Task}
