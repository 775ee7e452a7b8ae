"""Histories of one document on three replicas, small enough that every order of their changes can be tried.

Each names who edits, what, and which earlier changes the author has seen; it is played on real replicas, and
gives the changes with their causes and deltas as a segment would carry them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from crdtsync import derive_id
from crdtsync.environment import Verdict
from crdtsync.protocol.causality import ChangeId
from crdtsync.protocol.ids import ReplicaId
from crdtsync.protocol.segment import Change, DocumentChanges, Incarnation
from crdtsync.store import feeds
from crdtsync.store.arrivals import look, unpack_causes

from .machines import Clock, Line, Machine, Price, Quote

AUTHORS = ("ada", "bob", "cyd")
DOCUMENT = derive_id("the quote of the exhaustive tests")
KIND = "quote"

Edit = Callable[[Any], None]


@dataclass(frozen=True, slots=True)
class Step:
    """One edit, and the steps its author has seen before (besides the author's own)."""

    author: str
    edit: Edit
    seen: tuple[int, ...] = ()
    restarts: bool = False
    """Whether the author's process starts anew before: another incarnation."""


@dataclass(frozen=True, slots=True)
class History:
    """What a shape became: changes in a causal order, and who made them."""

    changes: list[Change]
    authors: list[str]
    incarnations: list[Incarnation]

    def group(self, index: int) -> DocumentChanges:
        return DocumentChanges(DOCUMENT, KIND, [self.changes[index]])

    def needs(self, index: int) -> set[int]:
        """Return the changes that must be there before this one, by what it says itself."""
        ids = {ChangeId(change.client, change.sequence): at for at, change in enumerate(self.changes)}
        needed: set[int] = set()
        waiting = [index]
        while waiting:
            change = self.changes[waiting.pop()]
            direct = {ids[cause] for cause in change.causes}
            if change.sequence > 1:
                direct.add(ids[ChangeId(change.client, change.sequence - 1)])
            waiting.extend(direct - needed)
            needed |= direct
        return needed


async def play(directory: Path, steps: tuple[Step, ...]) -> History:
    """Let three replicas make the history."""
    clock = Clock()
    machines = {name: Machine(directory, name, clock=clock) for name in AUTHORS}
    for machine in machines.values():
        await machine.start()
    changes: list[Change] = []
    incarnations: dict[int, Incarnation] = {}
    for step in steps:
        machine = machines[step.author]
        if step.restarts:
            await machine.stop()
            await machine.start()
        for index in step.seen:
            await deliver(machine, DocumentChanges(DOCUMENT, KIND, [changes[index]]), incarnations.values())
        async with machine.replica.edit(Quote, DOCUMENT, create=True) as quote:
            step.edit(quote)
        ((client, sequence, at_ms, causes, label, delta),) = await machine.rows(
            "SELECT client, sequence, at_ms, causes, label, delta FROM _changes ORDER BY n DESC LIMIT 1"
        )
        assert client == machine.workspace.identity.client
        changes.append(Change(client, sequence, at_ms, unpack_causes(causes), label, delta))
        incarnations[client] = Incarnation(client, ReplicaId(machine.replica.id), step.author, step.author)
    for machine in machines.values():
        await machine.stop()
    return History(changes, [step.author for step in steps], list(incarnations.values()))


async def deliver(machine: Machine, group: DocumentChanges, incarnations: Any = ()) -> None:
    """Apply changes as a round would."""

    def job(connection: Any) -> None:
        feeds.remember_incarnations(connection, incarnations)
        machine.workspace.documents.apply(connection, look(connection, group, None), Verdict())

    await machine.workspace.write(job)


def customer(name: str) -> Edit:
    def edit(quote: Quote) -> None:
        quote.customer = name

    return edit


def terms(text: str) -> Edit:
    def edit(quote: Quote) -> None:
        quote.terms = text

    return edit


def add_line(product: str) -> Edit:
    def edit(quote: Quote) -> None:
        quote.lines.add(Line(product=product, price=Price(Decimal("10.00"))))

    return edit


def quantity(count: int) -> Edit:
    def edit(quote: Quote) -> None:
        quote.lines[0].quantity = count

    return edit


def remove_line(quote: Quote) -> None:
    quote.lines.remove(quote.lines[0])


def write(at: int, text: str) -> Edit:
    def edit(quote: Quote) -> None:
        quote.notes.insert(at, text)

    return edit


def erase(start: int, end: int) -> Edit:
    def edit(quote: Quote) -> None:
        quote.notes.delete(start, end)

    return edit


def event(text: str) -> Edit:
    def edit(quote: Quote) -> None:
        quote.milestones.append(text)

    return edit


def tag(text: str) -> Edit:
    def edit(quote: Quote) -> None:
        quote.tags.add(text)

    return edit


def both(*edits: Edit) -> Edit:
    def edit(quote: Quote) -> None:
        for one in edits:
            one(quote)

    return edit


SHAPES: dict[str, tuple[Step, ...]] = {
    "one field, written by three, settled by one": (
        Step("ada", customer("Ada")),
        Step("bob", customer("Bob"), (0,)),
        Step("cyd", customer("Cyd"), (0,)),
        Step("ada", customer("Eve")),
        Step("bob", customer("Gus"), (2,)),
        Step("cyd", terms("30 days"), (3,)),
    ),
    "a line, edited, removed, edited again and added beside": (
        Step("ada", both(customer("Ada"), add_line("shade"))),
        Step("bob", quantity(3), (0,)),
        Step("cyd", remove_line, (0,)),
        Step("ada", add_line("rail")),
        Step("bob", quantity(5)),
        Step("ada", quantity(7), (1,)),
    ),
    "text, written and erased in one place": (
        Step("ada", write(0, "caf\u00e9 \u20ac 10")),
        Step("bob", write(4, " \U0001d11e"), (0,)),
        Step("cyd", erase(2, 6), (0,)),
        Step("ada", write(4, " noir")),
        Step("bob", erase(0, 3), (2,)),
        Step("cyd", write(0, "le "), (3,)),
    ),
    "log and set": (
        Step("ada", both(tag("new"), event("made"))),
        Step("bob", both(tag("hot"), event("printed")), (0,)),
        Step("cyd", both(tag("hot"), event("paid")), (0,)),
        Step("ada", tag("old"), (1,)),
        Step("bob", event("voided")),
        Step("cyd", event("sent"), (1, 3)),
    ),
    "one author, one field, again and again": (
        Step("ada", terms("a")),
        Step("ada", customer("a")),
        Step("ada", customer("b")),
        Step("bob", customer("c"), (0, 1, 2)),
        Step("ada", customer("a")),
        Step("ada", customer("b")),
    ),
    "made by three who did not know of each other": (
        Step("ada", customer("Ada")),
        Step("bob", customer("Bob")),
        Step("cyd", both(customer("Cyd"), add_line("shade"))),
        Step("ada", terms("cash")),
        Step("bob", terms("30 days"), (2,)),
        Step("cyd", quantity(2), (1, 4)),
    ),
    "processes that start anew": (
        Step("ada", customer("Ada")),
        Step("ada", customer("Eve"), restarts=True),
        Step("bob", terms("cash"), (0,)),
        Step("bob", terms("30 days"), restarts=True),
        Step("ada", terms("60 days"), (2,), restarts=True),
        Step("cyd", customer("Cyd"), (0, 1, 2, 3, 4)),
    ),
}
