"""The main job: sell while apart, sync, edit the same documents on both sides, sync again, compare.

Each replica has a database of its own; one folder stands for what a sync service keeps in step.
"""

import asyncio
import errno
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import Literal

from crdtsync import Progress, Replica, SyncReport, open_replica
from examples.sales.apart import Expected, Side, edit_apart
from examples.sales.batches import in_batches
from examples.sales.deals import purchase_orders_of, sale_id_of
from examples.sales.display import Bar, Display
from examples.sales.generated import generate_invoices
from examples.sales.intake import (
    customers_in,
    enter_customer,
    enter_deal,
    enter_product,
    fate_of,
    products_in,
)
from examples.sales.invoices import Invoice, Rejections, read_invoices
from examples.sales.model import KINDS, Deal, Sale
from examples.sales.outcome import Outcome, compare

ROUNDS_MAX = 20
"""Far more rounds than it ever takes until nobody has anything new."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to run."""

    documents: int = 60
    workstations: int = 2
    seed: int = 1
    invoices: Path | None = None
    """A file; without one, invoices are generated from the seed."""
    keep: Path | None = None
    """Where databases and folder are left to be looked at; without it they are gone at the end."""


@dataclass(slots=True)
class Made:
    """What one workstation made."""

    deals: list[tuple[type[Deal], str]] = field(default_factory=list)
    current: list[tuple[type[Deal], str]] = field(default_factory=list)
    """Of each invoice what is worked on: the sale if there is one, else the quote."""


class NeverQuietError(Exception):
    """The replicas went on having something new for each other."""


async def run(plan: Plan, rejections: Rejections, display: Display) -> Outcome:
    """Run the main job and return what it came to.

    Raises:
        OSError: the invoices cannot be read, or the directory cannot be written.
        ValueError: the file is no invoice file, or nothing in it can be used.
        NeverQuietError: the sync came to no end.
    """
    with _directory(plan.keep) as directory:
        folder = directory / "folder"
        folder.mkdir()
        async with AsyncExitStack() as stack:
            replicas = [
                await stack.enter_async_context(
                    open_replica(
                        directory / name,
                        name=name,
                        role=role,
                        author=f"{name}'s user",
                        kinds=KINDS,
                        create=True,
                    )
                )
                for name, role in _names(plan.workstations)
            ]
            return await _Job(plan, replicas, folder, display).run(rejections)


class _Job:
    def __init__(self, plan: Plan, replicas: Sequence[Replica], folder: Path, display: Display) -> None:
        self._plan = plan
        self._office, *self._workstations = replicas
        self._replicas = replicas
        self._folder = folder
        self._address = f"folder:{folder}"
        self._display = display
        self._made = [Made() for _ in self._workstations]
        self._marked: set[str] = set()
        self._expected = Expected()

    async def run(self, rejections: Rejections) -> Outcome:
        with self._display.phase("read invoices") as bar:
            invoices = self._read(rejections)
            bar.advance(len(invoices))
        await self._share_lists(invoices)
        await self._sell_apart(invoices)
        await self._sync_until_quiet("first sync")
        await self._edit_apart()
        await self._sync_until_quiet("second sync")
        with self._display.phase("compare", len(self._replicas)) as bar:
            outcome = await compare(
                self._replicas,
                self._expected,
                documents=len(invoices),
                marked=self._marked,
                folder=self._folder,
            )
            bar.advance(len(self._replicas))
            return outcome

    def _read(self, rejections: Rejections) -> list[Invoice]:
        plan = self._plan
        if plan.invoices is None:
            return list(generate_invoices(plan.documents, plan.seed))
        invoices = list(islice(read_invoices(plan.invoices, rejections), plan.documents))
        if not invoices:
            raise ValueError(f"{plan.invoices} holds no line that can be used")
        return invoices

    async def _share_lists(self, invoices: list[Invoice]) -> None:
        """Make customers and catalogue in the office, and bring them to everybody."""
        # The office sets the folder up: before, nobody else can use it.
        await self._office.sync(self._address)
        customers, products = customers_in(invoices), products_in(invoices)
        with self._display.phase("customers and products", len(customers) + len(products)) as bar:
            await in_batches(customers, lambda item: enter_customer(self._office, item), done=bar.advance)
            await in_batches(products, lambda item: enter_product(self._office, item), done=bar.advance)
        await self._sync_until_quiet("sync of the lists")

    async def _sell_apart(self, invoices: list[Invoice]) -> None:
        """Make the deals, each workstation its own, and mark them to be synced."""
        count = len(self._workstations)
        with self._display.phase("sell while apart", len(invoices)) as bar:
            async with asyncio.TaskGroup() as group:
                for index, replica in enumerate(self._workstations):
                    mine = invoices[index::count]
                    group.create_task(self._sell(replica, mine, self._made[index], bar))

    async def _sell(self, replica: Replica, invoices: list[Invoice], made: Made, bar: Bar) -> None:
        async def enter(invoice: Invoice) -> None:
            fate = fate_of(invoice, self._plan.seed)
            deals = await enter_deal(replica, invoice, fate, by=replica.name)
            made.deals.extend(deals)
            made.current.append(deals[-1])

        await in_batches(invoices, enter, done=bar.advance)
        await self._mark(replica, made.deals)

    async def _mark(self, replica: Replica, deals: Sequence[tuple[type[Deal], str]]) -> None:
        """Mark deals to be synced, and the purchase orders of those that are sales."""
        wanted = [deal_id for _, deal_id in deals]

        async def add_purchase_orders(sale_id: str) -> None:
            wanted.extend(order.id for order in await purchase_orders_of(replica, sale_id))

        await in_batches([deal_id for cls, deal_id in deals if cls is Sale], add_purchase_orders)
        await replica.mark_for_sync(*wanted)
        self._marked.update(wanted)

    async def _edit_apart(self) -> None:
        """Let each workstation and the office edit the same documents, neither knowing of the other."""
        with self._display.phase("edit while apart", sum(len(made.current) for made in self._made)) as bar:
            async with asyncio.TaskGroup() as group:
                for replica, made in zip(self._workstations, self._made, strict=True):
                    group.create_task(self._edit_with_office(replica, made, bar))

    async def _edit_with_office(self, replica: Replica, made: Made, bar: Bar) -> None:
        workstation = Side(replica, replica.name, is_office=False)
        office = Side(self._office, self._office.name, is_office=True)
        mine = Expected()

        async def edit(deal: tuple[type[Deal], str]) -> None:
            await edit_apart(*deal, self._plan.seed, workstation=workstation, office=office, expected=mine)

        await in_batches(made.current, edit, done=bar.advance)
        converted = [(Sale, sale_id_of(quote_id)) for quote_id in sorted(mine.converted)]
        for side in (workstation, office):
            await self._mark(side.replica, converted)
        self._expected.add(mine)

    async def _sync_until_quiet(self, name: str) -> None:
        """Let all replicas sync until a round brings nobody anything new."""
        with self._display.phase(name) as bar:
            for _ in range(ROUNDS_MAX):
                # In turns, since they share one process: side by side they would wait for each other. The
                # office comes last, and so finds in the first round all that there is to be numbered.
                reports = [await self._sync(replica, bar) for replica in (*self._workstations, self._office)]
                if all(report.is_idle for report in reports):
                    return
        raise NeverQuietError(f"{name}: still something new after {ROUNDS_MAX} rounds")

    async def _sync(self, replica: Replica, bar: Bar) -> SyncReport:
        def show(progress: Progress) -> None:
            bar.note(f"{replica.name}: {progress.phase.value} {progress.done}/{progress.total}")

        report = await replica.sync(self._address, on_progress=show)
        bar.advance(report.applied)
        return report


def _names(workstations: int) -> list[tuple[str, Literal["office", "roaming"]]]:
    return [("office", "office"), *((f"R{number}", "roaming") for number in range(1, workstations + 1))]


@contextmanager
def _directory(keep: Path | None) -> Iterator[Path]:
    if keep is None:
        with tempfile.TemporaryDirectory(prefix="sales-") as directory:
            yield Path(directory)
    else:
        keep.mkdir(parents=True, exist_ok=True)
        if any(keep.iterdir()):
            raise FileExistsError(
                errno.EEXIST, "Something is in it already, and a new one is needed", str(keep)
            )
        yield keep
