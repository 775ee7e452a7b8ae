"""Loads invoices into the workstations' databases, beside the processes that have them open.

The office gets customers and catalogue, and all take turns with the deals. It is a process of its own, so that
pages are answered while thousands of documents are written. What was loaded before is left alone.
"""

import argparse
import asyncio
import sys
from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from crdtsync import Document, Replica, derive_id, open_replica
from crdtsync.errors import CrdtSyncError
from examples.sales.batches import in_batches
from examples.sales.intake import (
    customer_id_of,
    customers_in,
    enter_customer,
    enter_deal,
    enter_product,
    fate_of,
    product_id_of,
    products_in,
)
from examples.sales.invoices import Invoice, InvoiceLine, Rejections, read_invoices
from examples.sales.model import KINDS, Customer, Product, Quote, Sale
from examples.sales.web.children import Child, first_of, listen, start_child, tell

SEED = 1
"""What becomes of each deal is drawn from it, so that loading once more means the same."""

T = TypeVar("T")


@dataclass(slots=True)
class Loading:
    """The process that loads, as the launcher sees it."""

    file: Path
    invoices_max: int = 0
    """How many invoices to take; 0 for all."""
    phase: str = "waiting for the workstations"
    done: int = 0
    total: int = 0
    failure: str = ""
    is_over: bool = False
    on_change: Callable[[], None] = lambda: None
    _child: Child | None = None
    _ended: asyncio.Event = field(default_factory=asyncio.Event)

    async def start(self, data: Path, people: Sequence[tuple[str, str]]) -> None:
        """Load into the databases of (name, author)."""
        options = {
            "data": str(data),
            "file": str(self.file),
            "max": str(self.invoices_max),
            "people": ",".join(f"{name}:{author}" for name, author in people),
        }
        self._child = await start_child("examples.sales.web.loading", options, self._take)

    async def ended(self) -> None:
        """Return when it has come to its end, whatever that is."""
        await self._ended.wait()

    async def stop(self) -> None:
        """Stop it; what is loaded stays."""
        if self._child is not None:
            await self._child.stop()

    def _take(self, facts: Mapping[str, Any]) -> None:
        self.phase = facts.get("phase", self.phase)
        self.done = facts.get("done", self.done)
        self.total = facts.get("total", self.total)
        self.failure = facts.get("failure", self.failure)
        self.is_over = facts.get("is_over", self.is_over)
        if self._child is not None and not self._child.is_alive:
            if not (self.is_over or self.failure):
                self.failure = self._child.how_it_ended
            self._ended.set()
        self.on_change()


def main(arguments: Sequence[str] | None = None) -> int:
    """Load; return 0, or 2 if it could not be done."""
    given = _parser().parse_args(arguments)
    try:
        asyncio.run(_run(given))
    except (OSError, ValueError, CrdtSyncError) as error:
        tell(failure=str(error))
        return 2
    except BaseExceptionGroup as errors:
        tell(failure=str(first_of(errors)))
        return 2
    except asyncio.CancelledError:
        return 0  # The launcher has stopped.
    return 0


async def load(
    seats: Sequence[tuple[Replica, str]], invoices: Sequence[Invoice], say: Callable[[str, int, int], None]
) -> None:
    """Enter what is not there yet, at (replica, person); the first replica gets customers and catalogue.

    `say` is called with (phase, done, total) as it goes on.
    """
    office, _ = seats[0]

    async def customer(invoice: Invoice) -> None:
        if not await office.exists(Customer, customer_id_of(invoice)):
            await enter_customer(office, invoice)

    async def product(line: InvoiceLine) -> None:
        if not await office.exists(Product, product_id_of(line.code)):
            await enter_product(office, line)

    async def deal(turn: tuple[tuple[Replica, str], Invoice]) -> None:
        (replica, person), invoice = turn
        cls: type[Document] = Sale if invoice.is_return else Quote
        deal_id = derive_id("sale" if invoice.is_return else "quote", invoice.number, str(invoice.part))
        if not await replica.exists(cls, deal_id):
            await enter_deal(replica, invoice, fate_of(invoice, SEED), by=person)

    turns = [(seats[place % len(seats)], invoice) for place, invoice in enumerate(invoices)]
    await _phase("customers", customers_in(invoices), customer, say)
    await _phase("products", products_in(invoices), product, say)
    await _phase("invoices", turns, deal, say)


async def _phase(
    name: str, items: Sequence[T], work: Callable[[T], Awaitable[None]], say: Callable[[str, int, int], None]
) -> None:
    done = 0

    def advance(count: int) -> None:
        nonlocal done
        done += count
        say(name, done, len(items))

    say(name, 0, len(items))
    await in_batches(items, work, done=advance)


async def _run(given: argparse.Namespace) -> None:
    task = asyncio.current_task()
    assert task is not None

    def obey(command: str) -> None:
        if not command:
            task.cancel()

    listen(obey)
    rejections = Rejections()
    tell(phase="reading the file")
    invoices = _first(read_invoices(given.file, rejections), given.max)
    if not invoices:
        raise ValueError(f"{given.file} holds no line that can be used")
    async with AsyncExitStack() as stack:
        seats = [
            (
                await stack.enter_async_context(
                    open_replica(given.data / name, author=author, kinds=KINDS, create=False)
                ),
                author,
            )
            for name, author in given.people
        ]
        await load(seats, invoices, lambda phase, done, total: tell(phase=phase, done=done, total=total))
    left_out = f"; {rejections.count} lines could not be used" if rejections.count else ""
    tell(phase=f"{len(invoices)} invoices loaded{left_out}", is_over=True)


def _first(invoices: Iterable[Invoice], count: int) -> list[Invoice]:
    found = []
    for invoice in invoices:
        found.append(invoice)
        if len(found) == count:
            break
    return found


def _people(text: str) -> list[tuple[str, str]]:
    return [(name, author) for name, _, author in (item.partition(":") for item in text.split(","))]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m examples.sales.web.loading")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--file", type=Path, required=True)
    parser.add_argument("--max", type=int, default=0)
    parser.add_argument("--people", type=_people, required=True)
    return parser


if __name__ == "__main__":
    sys.exit(main())
