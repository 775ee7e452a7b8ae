"""What the tests of the store sell, and how they open it."""

import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from pathlib import Path
from typing import Any

from crdtsync import (
    Document,
    Entities,
    Entity,
    GrowSet,
    Log,
    Replica,
    Series,
    Text,
    computed,
    field,
    open_replica,
)
from crdtsync.store.workspace import Workspace
from tests.crash.driver import check_documents


class Line(Entity):
    product: str
    quantity: int = 1
    price: Decimal = Decimal(0)


class Quote(Document, kind="quote", series=Series("quotes", "Q-{number:05d}")):
    customer: str = field(indexed=True)
    city: str | None = field(default=None, indexed=True)
    visits: int = field(default=0, indexed=True)
    lines: Entities[Line]
    notes: Text
    tags: GrowSet[str]
    events: Log[str]

    @computed
    def total(self) -> Decimal:
        return sum((line.price * line.quantity for line in self.lines), Decimal(0))

    def validate(self) -> None:
        if self.customer == "nobody":
            raise ValueError("a quote is for somebody")


@asynccontextmanager
async def shop(directory: Path, **options: Any) -> AsyncIterator[Replica]:
    """A roaming replica, made if it is not there."""
    options = {"name": "R2", "role": "roaming", "kinds": [Quote]} | options
    async with open_replica(directory, **options) as replica:
        yield replica


def workspace_of(replica: Replica) -> Workspace:
    return replica._workspace


def content(directory: Path) -> dict[str, list[tuple[Any, ...]]]:
    """All that the database holds, but for what counts the process starts."""
    connection = sqlite3.connect(f"file:{directory / 'replica.db'}?mode=ro", uri=True)
    try:
        tables = connection.execute(
            "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT IN ('_incarnations', 'sqlite_stat1') "
            "AND name NOT LIKE '_search_%'"
        ).fetchall()
        return {name: connection.execute(f'SELECT * FROM "{name}"').fetchall() for (name,) in tables}
    finally:
        connection.close()


async def check_sound(replica: Replica) -> None:
    """Every document here is what is stored of it."""
    workspace = workspace_of(replica)
    await workspace.database.run(lambda c: check_documents(c, workspace.documents))
