"""One story of an office and a workstation, told in steps that may each be cut, and then told again.

It covers making replicas and the folder, edits, marks, rounds on both sides, numbers, a conflict and its
resolution, and a lost marker that is put back. Whatever goes wrong in between, at the end it must be as if
nothing had.
"""

import re
import sqlite3
from collections.abc import Awaitable, Callable
from contextlib import closing
from dataclasses import dataclass
from decimal import Decimal
from functools import partial
from pathlib import Path

from crdtsync import derive_id
from crdtsync.errors import (
    CrdtSyncError,
    MarkerMissingError,
    RemoteError,
    RemoteFullError,
    RemoteReadOnlyError,
    RemoteUnavailableError,
)
from crdtsync.protocol.files import decode_file
from crdtsync.protocol.names import NameKind, classify
from crdtsync.remote import RemoteFile
from crdtsync.store.workspace import DATABASE_NAME
from crdtsync.testing import MemoryPlace, MemoryRemote, SimulatedCrash, SimulatedDisk
from tests.crash.driver import check_documents

from .machines import Clock, Line, Machine, Price, Quote

FIRST, SECOND = derive_id("the first quote"), derive_id("the second quote")
MINUTES_MS = 10 * 60_000
ROUNDS_MAX = 8


class CountedRemote(MemoryRemote):
    """A remote whose calls are counted, and of which one can fail, before or after it took effect.

    Each put and delete is a durable step of the machine: one before it, one after it.
    """

    def __init__(self, place: MemoryPlace, disk: SimulatedDisk) -> None:
        super().__init__(place)
        self.disk = disk
        self.calls = 0
        self.put_names: set[str] = set()
        """All that was ever put through it, also by processes that are dead."""
        self._fail_at = 0
        self._error: type[RemoteError] = RemoteUnavailableError
        self._is_late = False

    def fail_at(
        self, call: int, error: type[RemoteError] = RemoteUnavailableError, *, late: bool = False
    ) -> None:
        """Let the `call`-th call from now on fail; errors that only writers meet count writes alone."""
        self.calls, self._fail_at, self._error, self._is_late = 0, call, error, late

    @property
    def has_failed(self) -> bool:
        return 0 < self._fail_at <= self.calls

    async def put(self, name: str, data: bytes) -> None:
        fails = self._count(writes=True)
        self.disk.step()
        await super().put(name, data)
        self.put_names.add(name)
        self.disk.step()
        self._fail(fails)

    async def delete(self, name: str) -> None:
        fails = self._count(writes=True)
        self.disk.step()
        await super().delete(name)
        self.disk.step()
        self._fail(fails)

    async def get(self, name: str, *, bytes_max: int) -> bytes:
        self._fail(self._count())
        self.disk.check()
        return await super().get(name, bytes_max=bytes_max)

    async def list(self, prefix: str = "") -> list[RemoteFile]:
        self._fail(self._count())
        self.disk.check()
        return await super().list(prefix)

    def _count(self, *, writes: bool = False) -> bool:
        if not writes and (self._is_late or self._error in (RemoteFullError, RemoteReadOnlyError)):
            return False
        self.calls += 1
        fails = self.calls == self._fail_at
        if fails and not self._is_late:
            self._fail(fails)
        return fails

    def _fail(self, fails: bool) -> None:
        if fails:
            raise self._error(f"call {self.calls} fails")


@dataclass(slots=True)
class Computer:
    """A machine and its way to the folder."""

    machine: Machine
    remote: CountedRemote


class Fleet:
    """An office and a workstation, and what they were told is safe."""

    def __init__(self, directory: Path, *, seed: int = 0) -> None:
        self.clock = Clock()
        self.place = MemoryPlace()
        self.computers = {
            name: self._computer(directory, name, role, seed)
            for name, role in (("office", "office"), ("r1", "roaming"))
        }
        self.acknowledged: dict[str, set[tuple[str, int, int]]] = {"office": set(), "r1": set()}
        """The changes of which the application was told that they are durable."""

    def _computer(self, directory: Path, name: str, role: str, seed: int) -> Computer:
        machine = Machine(directory, name, role, clock=self.clock, seed=seed)
        return Computer(machine, CountedRemote(self.place, machine.disk))

    def __getitem__(self, name: str) -> Computer:
        return self.computers[name]

    async def start(self, name: str) -> None:
        machine = self[name].machine
        if not machine.is_running:
            await machine.start()
            # Whatever happened to the process before: what was acknowledged is there (I1).
            assert self.acknowledged[name] <= changes_of(machine)
            # And nothing is noted as put that was not.
            noted = await machine.rows(
                "SELECT name FROM _own_files WHERE put_ms IS NOT NULL AND type <> 'marker'"
            )
            assert {file for (file,) in noted} <= self[name].remote.put_names

    async def sync(self, name: str) -> None:
        await self[name].machine.replica.sync(self[name].remote)

    async def stop(self) -> None:
        for computer in self.computers.values():
            await computer.machine.stop()

    async def edit(self, name: str, identity: str, edit: Callable[[Quote], None]) -> None:
        machine = self[name].machine
        async with machine.replica.edit(Quote, identity, create=True) as quote:
            edit(quote)
        self.acknowledged[name] |= changes_of(machine)


def changes_of(machine: Machine) -> set[tuple[str, int, int]]:
    """Return the changes that are on the disk, as another process sees it."""
    with closing(
        sqlite3.connect(f"file:{machine.directory / DATABASE_NAME}?mode=ro", uri=True)
    ) as connection:
        return set(
            connection.execute(
                "SELECT d.id, c.client, c.sequence FROM _changes c JOIN _documents d ON d.n = c.document"
            )
        )


Step = Callable[[Fleet], Awaitable[None]]


def _is_unset(quote: Quote, product: str) -> bool:
    return all(line.product != product for line in quote.lines)


async def make_office(fleet: Fleet) -> None:
    await fleet.start("office")


async def make_workstation(fleet: Fleet) -> None:
    await fleet.start("r1")


async def set_up_folder(fleet: Fleet) -> None:
    await fleet["office"].machine.replica.attach(fleet["office"].remote)


async def attach(fleet: Fleet) -> None:
    await fleet["r1"].machine.replica.attach(fleet["r1"].remote)


async def make_first(fleet: Fleet) -> None:
    def edit(quote: Quote) -> None:
        quote.customer = "Ada"
        if _is_unset(quote, "shade"):
            quote.lines.add(Line(product="shade", price=Price(Decimal("10.00"))))

    await fleet.edit("r1", FIRST, edit)


async def edit_first(fleet: Fleet) -> None:
    def edit(quote: Quote) -> None:
        quote.lines[0].quantity = 3
        quote.notes.set("north window")

    await fleet.edit("r1", FIRST, edit)


async def mark_first(fleet: Fleet) -> None:
    await fleet["r1"].machine.replica.mark_for_sync(FIRST)


async def number_first(fleet: Fleet) -> None:
    await exchange(fleet, lambda: has_number(fleet, "r1", FIRST))


async def edit_apart(fleet: Fleet) -> None:
    def here(quote: Quote) -> None:
        quote.terms = "cash"

    def there(quote: Quote) -> None:
        quote.terms = "30 days"
        quote.tags.add("seen")

    await fleet.edit("r1", FIRST, here)
    await fleet.edit("office", FIRST, there)


async def make_second(fleet: Fleet) -> None:
    def edit(quote: Quote) -> None:
        quote.customer = "Bob"

    await fleet.edit("r1", SECOND, edit)
    await fleet["r1"].machine.replica.mark_for_sync(SECOND)


async def bring_together(fleet: Fleet) -> None:
    async def is_seen() -> bool:
        for computer in fleet.computers.values():
            if not await computer.machine.replica.conflicts(FIRST):
                return False
        return True

    await exchange(fleet, is_seen)


async def resolve(fleet: Fleet) -> None:
    replica = fleet["office"].machine.replica
    for conflict in await replica.conflicts(FIRST):
        cash = [index for index, value in enumerate(conflict.values) if value.raw == '"cash"']
        await replica.resolve(conflict, cash[0], label="agreed by phone")


async def lose_marker(fleet: Fleet) -> None:
    names = [name for name in fleet.place.files if classify(name).kind is NameKind.MARKER]
    for name in names:
        del fleet.place.files[name]
    if names:
        try:
            await fleet.sync("r1")
        except MarkerMissingError:
            pass
        else:
            raise AssertionError("a folder without a marker was synced")


async def restore_marker(fleet: Fleet) -> None:
    await fleet["office"].machine.replica.attach(fleet["office"].remote, create_folder=True)


async def finish(fleet: Fleet) -> None:
    async def is_done() -> bool:
        return await has_number(fleet, "r1", SECOND) and not await fleet["r1"].machine.replica.conflicts()

    await exchange(fleet, is_done)


STORY: tuple[Step, ...] = (
    make_office,
    make_workstation,
    set_up_folder,
    attach,
    make_first,
    edit_first,
    mark_first,
    number_first,
    edit_apart,
    make_second,
    bring_together,
    resolve,
    lose_marker,
    restore_marker,
    finish,
)


async def tell(fleet: Fleet, on_fault: Callable[[BaseException], Awaitable[None]] | None = None) -> None:
    """Tell the story; where a step is cut, `on_fault` puts the machines right, and the step is told again."""
    for step in STORY:
        for _ in range(3):
            try:
                await step(fleet)
            except (SimulatedCrash, CrdtSyncError) as error:
                if on_fault is None:
                    raise
                await on_fault(error)
            else:
                break
        else:
            raise AssertionError(f"{step.__name__} fails again and again")


async def has_number(fleet: Fleet, name: str, identity: str) -> bool:
    return (await fleet[name].machine.replica.get(Quote, identity)).number is not None


async def exchange(fleet: Fleet, is_done: Callable[[], Awaitable[bool]]) -> None:
    """Let both sync until something is so."""
    for _ in range(ROUNDS_MAX):
        for name in ("r1", "office", "r1"):
            await fleet.sync(name)
        if await is_done():
            return
        fleet.clock.now_ms += MINUTES_MS
    raise AssertionError("it never comes to pass")


async def settle(fleet: Fleet) -> None:
    """Let both sync until nobody has anything to do, and then some more."""
    quiet = 0
    for _ in range(ROUNDS_MAX):
        before = dict(fleet.place.files)
        for name in fleet.computers:
            await fleet.sync(name)
        quiet = quiet + 1 if fleet.place.files == before else 0
        if quiet == 2:
            return
        fleet.clock.now_ms += MINUTES_MS
    raise AssertionError("the folder never falls silent (I32)")


async def check(fleet: Fleet) -> None:
    """All that must be so in the end, whatever happened on the way."""
    await settle(fleet)
    seen = []
    for name, computer in fleet.computers.items():
        machine, replica = computer.machine, computer.machine.replica
        for acknowledged in fleet.acknowledged.values():
            assert acknowledged <= changes_of(machine), f"{name} lacks an acknowledged edit (I1)"
        first, second = await replica.get(Quote, FIRST), await replica.get(Quote, SECOND)
        assert (first.customer, first.terms, str(first.notes)) == ("Ada", "cash", "north window")
        assert [(line.product, line.quantity) for line in first.lines] == [("shade", 3)]
        assert (list(first.tags), first.total, second.customer) == (["seen"], Decimal("30.00"), "Bob")
        assert sorted([first.number or "", second.number or ""]) == ["Q-00001", "Q-00002"], "I21 to I23"
        assert len(await replica.ledger()) == 2
        assert await replica.conflicts() == []
        assert await replica.quarantine() == []
        (health,) = await replica.remotes()
        assert (health.waiting_changes, health.waiting_files, health.inbox, health.waiting_causes) == (0,) * 4
        assert health.problem == ""
        await machine.workspace.database.run(partial(check_documents, documents=machine.workspace.documents))
        assert await machine.rows("PRAGMA integrity_check") == [("ok",)]
        seen.append((await replica.digests(), await machine.rows("SELECT hash FROM _ledger ORDER BY idx")))
    assert seen[0] == seen[1], "I2"
    for name, data in fleet.place.files.items():
        decode_file(data)
        assert re.fullmatch(r"[a-z0-9/.-]+\.crdts", name), name
