"""What runs in the processes that are killed. Each tells its driver what it has acknowledged, line by line."""

import asyncio
import os
import random
import signal
import sqlite3
from collections.abc import Callable
from decimal import Decimal
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from crdtsync import Document, Entities, Entity, Log, Replica, Series, Text, computed, field, open_replica
from crdtsync.store import database

PAUSE_S = 0.004
"""Between the edits of an application: enough to leave the other processes some of the machine."""


class Line(Entity):
    """One line."""

    product: str
    quantity: int = 1


class Quote(Document, kind="quote", series=Series("quotes", "Q-{number:05d}")):
    """What the applications edit."""

    customer: str = field(indexed=True)
    price: Decimal = Decimal(0)
    lines: Entities[Line]
    notes: Text
    events: Log[str]

    @computed
    def pieces(self) -> int:
        """How many pieces."""
        return sum(line.quantity for line in self.lines)


class Killer:
    """Kills this process at the n-th step: a statement of SQL, or a call that changes the disk."""

    def __init__(self, die_at: int) -> None:
        self._left = die_at

    def step(self) -> None:
        """Count one step, and die when it was the last."""
        self._left -= 1
        if self._left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    def install(self) -> None:
        """Watch the databases and the disk of this process."""
        configure = database._configure

        def watched(connection: sqlite3.Connection) -> None:
            configure(connection)
            connection.set_trace_callback(lambda _: self.step())

        database._configure = watched
        for name in ("fsync", "rename", "replace", "link", "unlink"):
            if hasattr(os, name):
                setattr(os, name, self._around(getattr(os, name)))

    def _around(self, function: Callable[..., Any]) -> Callable[..., Any]:
        def stepped(*args: Any, **kwargs: Any) -> Any:
            self.step()
            result = function(*args, **kwargs)
            self.step()
            return result

        return stepped


def application(directory: Path, seed: int, die_at: int, output: Connection) -> None:
    """Edit and mark for ever; acknowledge each edit after its block has ended."""
    if die_at:
        Killer(die_at).install()
    asyncio.run(_edit_for_ever(directory, random.Random(seed), output))


async def _edit_for_ever(directory: Path, rng: random.Random, output: Connection) -> None:
    async with open_replica(directory, author=f"app {os.getpid()}", kinds=[Quote], create=False) as replica:
        output.send(("open",))
        while True:
            token = f"t{rng.getrandbits(60):x}"
            quotes = await replica.find(Quote, limit=20)
            mine = rng.choice(quotes).id if quotes and rng.random() < 0.85 else None
            async with replica.edit(Quote, mine, label=token) as quote:
                await _change(quote, token, rng)
            output.send(("edited", quote.id, token))
            if rng.random() < 0.1:
                await replica.mark_for_sync(quote.id)
                output.send(("marked", quote.id))
            await asyncio.sleep(PAUSE_S)


async def _change(quote: Quote, token: str, rng: random.Random) -> None:
    quote.events.append(token)
    match rng.randrange(5):
        case 0:
            quote.customer = token
        case 1:
            quote.price = Decimal(rng.randrange(10_000)) / 100
        case 2:
            quote.notes.append(token)
        case 3 if len(quote.lines):
            line = rng.choice(list(quote.lines))
            line.quantity += 1
            if rng.random() < 0.2:
                quote.lines.remove(line)
        case _:
            quote.lines.add(Line(product=token), index=0)
    if not quote.info.changed_ms:
        quote.customer = token
    if rng.random() < 0.1:
        await asyncio.sleep(0)


def agent(directory: Path, folder: Path, die_at: int, output: Connection) -> None:
    """Sync for ever, as a background process does: without the application's classes."""
    if die_at:
        Killer(die_at).install()

    async def run() -> None:
        async with open_replica(directory, create=False) as replica:
            output.send(("open",))
            async with replica.syncing(f"folder:{folder}"):
                await asyncio.Event().wait()

    asyncio.run(run())


def duellist(directory: Path, document: str, count: int, output: Connection) -> None:
    """Edit one document that another process edits as well; tell what was written over what."""

    async def run() -> None:
        async with open_replica(
            directory, author=f"app {os.getpid()}", kinds=[Quote], create=False
        ) as replica:
            await _duel(replica, document, count, output)
        output.send(("done",))

    asyncio.run(run())


async def _duel(replica: Replica, document: str, count: int, output: Connection) -> None:
    own_line = ""
    for number in range(count):
        token = f"{os.getpid()}-{number}"
        async with replica.edit(Quote, document, label=token) as quote:
            seen = [cell.raw.strip('"') for cell in quote._source.base.cells(("customer",))]
            quote.customer = token
            quote.events.append(token)
            if own_line:
                assert quote.lines[own_line].quantity == number
                quote.lines[own_line].quantity += 1
            else:
                own_line = quote.lines.add(Line(product=token)).id
        output.send(("edited", token, seen, own_line))
