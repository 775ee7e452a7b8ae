"""Several replicas over one slow place, on one event loop, with chance and clocks under control."""

import random
import shutil
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from crdtsync import (
    Document,
    Entities,
    Entity,
    Environment,
    GrowSet,
    Log,
    Replica,
    Series,
    Text,
    computed,
    field,
)
from crdtsync.errors import MarkerMissingError, RemoteError
from crdtsync.examining import InlineExaminer
from crdtsync.store import health, numbers
from crdtsync.store.workspace import Workspace
from crdtsync.sync.pull import pull
from crdtsync.sync.report import SyncReport
from crdtsync.sync.session import Session, open_session
from crdtsync.sync.steps import acknowledge, allocate, apply, publish

from .place import SlowPlace, SlowRemote

NOW_MS = 1_700_000_000_000
HOUR_MS = 3_600_000
STEPS = ("pull", "apply", "allocate", "publish", "acknowledge")


@dataclass(frozen=True)
class Price:
    msrp: Decimal
    margin: Decimal = Decimal("0.5")


class Line(Entity):
    product: str
    quantity: int = 1
    price: Price | None = None


class Quote(Document, kind="quote", series=Series("quotes", "Q-{number:05d}")):
    customer: str = field(default="", indexed=True)
    sold: int = field(default=0, policy="highest")
    stock: int = field(default=0, policy="lowest")
    terms: str = field(default="", policy="ask")
    lines: Entities[Line]
    notes: Text
    milestones: Log[str]
    tags: GrowSet[str]

    @computed
    def total(self) -> Decimal:
        return sum((item.price.msrp * item.quantity for item in self.lines if item.price), Decimal(0))


class Customer(Document, kind="customer", shared=True):
    name: str


class Task(Document, kind="task"):
    """Has no series: its way ends when the office has it."""

    title: str


KINDS = (Quote, Customer, Task)


class World:
    """What all machines have in common: the place, the time, chance."""

    def __init__(self, directory: Path, seed: int = 0) -> None:
        self.directory = directory
        self.place = SlowPlace()
        self.random = random.Random(seed)
        self.now_ms = NOW_MS
        self.machines: list[Machine] = []
        self.examiner = InlineExaminer
        """Makes what examines the changes of others; processes would only take time here."""

    async def add(self, name: str, role: str = "roaming", *, offset_ms: int = 0, **options) -> "Machine":
        machine = Machine(self, name, role, offset_ms, options)
        self.machines.append(machine)
        await machine.start()
        return machine

    async def close(self) -> None:
        for machine in self.machines:
            await machine.stop()

    async def settle(self, rounds: int = 16, *, hours: int = 1) -> int:
        """Let everything arrive and everybody sync until nobody has anything to do; return the rounds it took.

        Twice in a row, hours apart: what is missing is asked for only after a while.
        """
        quiet = 0
        for done in range(1, rounds + 1):
            before = dict(self.place.files)
            self.place.arrive_all()
            reports = [await machine.sync_if_possible() for machine in self.machines]
            if self.place.files == before and all(
                report is not None and report.is_idle for report in reports
            ):
                quiet += 1
            else:
                quiet = 0
            if quiet == 2:
                return done
            self.now_ms += hours * HOUR_MS
        raise AssertionError(f"not quiet after {rounds} rounds: {reports}")


class Machine:
    """One replica on one computer."""

    def __init__(self, world: World, name: str, role: str, offset_ms: int, options: dict) -> None:
        self.world = world
        self.name = name
        self.role = role
        self.offset_ms = offset_ms
        self.options = options
        self.directory = world.directory / name
        self.backup = world.directory / f"{name} backup"
        self.remote = SlowRemote(world.place, name)
        self.session: Session | None = None
        self.workspace: Workspace
        self.replica: Replica

    async def start(self, *, author: str = "") -> None:
        """Start the process: a new incarnation."""
        options = {key: value for key, value in self.options.items() if key != "lock_while_numbering"}
        self.workspace = await Workspace.open(
            self.directory,
            name=self.name,
            role=self.role,
            coordinator=options.get("coordinator"),
            author=author or self.name.lower(),
            create=None,
            environment=Environment(
                lambda: self.world.now_ms + self.offset_ms,
                self.world.random.randbytes,
                examiner=self.world.examiner,
            ),
        )
        for kind in KINDS:
            await self.workspace.declare(kind)
        self.session = None
        self.replica = Replica(
            self.workspace, lock_while_numbering=self.options.get("lock_while_numbering", False)
        )

    async def stop(self) -> None:
        await self.workspace.close()

    async def back_up(self) -> None:
        """Copy the replica's directory, as a backup of a machine that is switched off does."""
        await self.stop()
        shutil.rmtree(self.backup, ignore_errors=True)
        shutil.copytree(self.directory, self.backup)
        await self.start()

    async def restore(self) -> None:
        """Put the copy back, if there is one."""
        if self.backup.is_dir():
            await self.stop()
            shutil.rmtree(self.directory)
            shutil.copytree(self.backup, self.directory)
            await self.start()

    async def restart(self) -> None:
        await self.stop()
        await self.start()

    async def sync(self, *, fresh: bool = False) -> SyncReport:
        """Run one whole round."""
        report = SyncReport()
        await self.steps(len(STEPS), report, fresh=fresh)
        return report

    async def sync_if_possible(self) -> SyncReport | None:
        """Run one whole round; None if the folder has not arrived here yet."""
        try:
            return await self.sync()
        except MarkerMissingError:
            return None

    async def steps(self, count: int, report: SyncReport | None = None, *, fresh: bool = False) -> None:
        """Run the first `count` steps of a round."""
        if report is None:
            report = SyncReport()
        if self.session is None or fresh:
            self.session = await open_session(self.workspace, self.remote)
        session = self.session
        listing = await session.begin()
        if listing is None:
            return
        for step in STEPS[:count]:
            match step:
                case "pull":
                    await pull(session, listing, report)
                case "apply":
                    await apply(session, report)
                case "allocate":
                    await allocate(session, report)
                case "publish":
                    await publish(session, listing, report)
                case "acknowledge":
                    await acknowledge(session, report)
                    session.end(report)

    async def try_steps(
        self, count: int, *, fail_at: int = 0, late: bool = False, fresh: bool = False
    ) -> None:
        """Run some steps, of which a call on the remote may fail."""
        self.remote.fail(fail_at, late=late)
        try:
            await self.steps(count, fresh=fresh)
        except RemoteError:
            pass
        finally:
            self.remote.fail(0)

    # What can be asked of it.

    async def make(self, customer: str = "Ada", document_id: str | None = None) -> str:
        async with self.replica.edit(Quote, document_id, create=document_id is not None) as quote:
            quote.customer = customer
        return quote.id

    async def rename(self, document_id: str, customer: str) -> None:
        async with self.replica.edit(Quote, document_id) as quote:
            quote.customer = customer

    async def customer(self, document_id: str) -> str:
        return (await self.replica.get(Quote, document_id)).customer

    async def read(self, job):
        return await self.workspace.database.read(job)

    async def rows(self, sql: str, *parameters) -> list[tuple]:
        return await self.read(lambda c: c.execute(sql, parameters).fetchall())

    async def changes(self) -> set[tuple[str, int, int]]:
        """Return every change of every document in its history."""
        sql = "SELECT d.id, c.client, c.sequence FROM _changes c JOIN _documents d ON d.n = c.document"
        return set(await self.rows(sql))

    async def shared(self) -> set[str]:
        return {row[0] for row in await self.rows("SELECT id FROM _documents WHERE shared AND rev > 0")}

    async def recomputed(self) -> dict[str, bytes]:
        """Return every document's digest, computed from its stored state and deltas."""

        def job(connection):
            found = {}
            documents = self.workspace.documents
            documents.close()
            for (document_id,) in connection.execute("SELECT id FROM _documents WHERE rev > 0").fetchall():
                found[document_id] = documents.open(
                    connection, document_id, keep=False
                ).live.recompute_digest()
            return found

        return await self.workspace.database.run(job)

    async def projections(self) -> dict[str, tuple]:
        found = {}
        for kind in ("quote", "customer", "task"):
            sql = f"SELECT d.id, p.json FROM _documents d JOIN _of_{kind} p ON p.document = d.n"
            found.update(await self.rows(sql))
        return found

    async def ledger(self) -> list[bytes]:
        return [row[0] for row in await self.rows("SELECT encoded FROM _ledger ORDER BY idx")]

    async def number(self, document_id: str) -> str | None:
        return await self.read(lambda c: numbers.granted_number(c, document_id))

    async def quarantine(self) -> list[health.Quarantined]:
        return await self.replica.quarantine()

    async def peer_files(self) -> dict[str, bytes]:
        return self.remote.view.files
