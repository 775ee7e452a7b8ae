"""The documents that the tests of this directory edit."""

import enum
from dataclasses import dataclass
from decimal import Decimal

from hypothesis import HealthCheck, settings

from crdtsync.document.model import (
    Document,
    DocumentInfo,
    Entities,
    Entity,
    GrowSet,
    Log,
    Text,
    field,
    schema_of,
)
from crdtsync.document.sources import ProjectionSource

STEADY = settings(
    deadline=None,
    derandomize=True,
    database=None,
    print_blob=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
"""The same examples in every run, so that a red test is about the change and not about luck."""


class Stage(enum.Enum):
    OPEN = "open"
    WON = "won"


@dataclass(frozen=True)
class Price:
    msrp: Decimal
    margin: Decimal = Decimal(0)


class Line(Entity):
    product: str
    quantity: int = field(default=1, policy="highest")
    price: Price = Price(Decimal(1))


class Order(Document, kind="order"):
    customer: str = ""
    deposit: Decimal = field(default=Decimal(0), policy="highest")
    due_days: int | None = field(policy="lowest")
    terms: str = field(default="", policy="ask")
    stage: Stage = Stage.OPEN
    lines: Entities[Line]
    fields: Entities[Line]
    done: Log[str]
    tags: GrowSet[str]
    notes: Text


SCHEMA = schema_of(Order)
INFO = DocumentInfo("order-1", "order")


def drafted(live, random_bytes):
    draft = live.draft(SCHEMA, random_bytes)
    return draft, Order._bound(draft, INFO)


def viewed(live):
    return Order._bound(ProjectionSource(live.project({})), INFO)
