"""What an application is told: every change, and what becomes of it, as one stream of typed events."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from functools import partial

from crdtsync.protocol.causality import ChangeId
from crdtsync.protocol.ledger import LedgerEntry, Outcome, decode_entry
from crdtsync.protocol.status import ItemStatus
from crdtsync.store import happenings
from crdtsync.store.arrived import ChangeRow
from crdtsync.store.happenings import Happening
from crdtsync.store.workspace import Workspace

POLL_S = 0.1


@dataclass(frozen=True, slots=True)
class DocumentChange:
    """Something happened to a document: an edit made here or by another process, or one that was applied."""

    document: str
    kind: str
    at_ms: int
    author: str
    replica: str
    """The name of the replica it was made on."""
    label: str
    is_local: bool
    """Whether it was made on this replica."""
    id: ChangeId
    """The same on every replica, and in `Replica.history`."""


@dataclass(frozen=True, slots=True)
class NumberChange:
    """A final number was given or declared void, here or by the coordinator elsewhere."""

    document: str
    """Whose number it is; empty for a void one that no document had."""
    kind: str
    """Of that document; empty while it is not here."""
    number: str
    """As it is printed."""
    is_void: bool
    entry: LedgerEntry


@dataclass(frozen=True, slots=True)
class ItemChange:
    """A document has come a step further on its way to the office, or back to the first: read `Replica.item`."""

    document: str
    kind: str
    status: ItemStatus
    """The step. Steps that follow closely may be told when a later one is reached already."""


@dataclass(frozen=True, slots=True)
class PeerHeard:
    """Another replica was heard from: when, and what it is known to have, may differ from before."""

    replica: str
    name: str


@dataclass(frozen=True, slots=True)
class RemoteChange:
    """What waits for a remote, or why it cannot be used, may differ from before: read `Replica.remotes`."""

    address: str
    problem: str
    """Why it cannot be used now; empty when it can."""


@dataclass(frozen=True, slots=True)
class QuarantineChange:
    """Something was set aside, or taken in after all: read `Replica.quarantine`."""

    name: str


@dataclass(frozen=True, slots=True)
class EventsMissed:
    """Too much has happened since the last event to tell it all: whatever is shown may be out of date."""


Event = (
    DocumentChange | NumberChange | ItemChange | PeerHeard | RemoteChange | QuarantineChange | EventsMissed
)


async def events(workspace: Workspace) -> AsyncIterator[Event]:
    """Yield everything that happens from now on. What is said of a document comes after its changes."""
    woken = asyncio.Event()
    stop = workspace.listen(woken.set)
    try:
        cursor = await workspace.database.read(happenings.now)
        while True:
            woken.clear()
            news = await workspace.database.read(partial(happenings.after, cursor=cursor))
            if news.is_incomplete:
                yield EventsMissed()
            for row in news.changes:
                yield _change(row, workspace.identity.replica)
            for happening in news.happenings:
                for event in _told(happening):
                    yield event
            if news.cursor == cursor:
                # Other processes of this machine wake nobody here: they are looked for.
                try:
                    async with asyncio.timeout(POLL_S):
                        await woken.wait()
                except TimeoutError:
                    pass
            cursor = news.cursor
    finally:
        stop()


async def changes(workspace: Workspace, kind: str | None) -> AsyncIterator[DocumentChange]:
    """Yield the changes of documents of one kind, or of all."""
    async with aclosing(events(workspace)) as told:  # type: ignore[type-var]
        async for event in told:
            if isinstance(event, DocumentChange) and kind in (None, event.kind):
                yield event


def _change(row: ChangeRow, replica: str) -> DocumentChange:
    return DocumentChange(
        row.document,
        row.kind,
        row.at_ms,
        row.author,
        row.name,
        row.label,
        row.replica == replica,
        ChangeId(row.client, row.sequence),
    )


def _told(happening: Happening) -> Iterator[Event]:
    match happening.what:
        case happenings.MARK if happening.document:
            yield _item(happening, ItemStatus.MARKED if happening.is_marked else ItemStatus.DRAFT)
        case happenings.SENT if happening.is_marked:
            yield _item(happening, ItemStatus.SENT)
        case happenings.RECEIVED if happening.is_marked and happening.is_coordinator:
            yield _item(happening, ItemStatus.RECEIVED)
        case happenings.LEDGER if happening.ledger:
            entry = decode_entry(happening.ledger)
            is_void = entry.outcome is not Outcome.GRANTED
            yield NumberChange(happening.document, happening.kind, entry.text, is_void, entry)
            if happening.is_marked and not is_void:
                yield _item(happening, ItemStatus.NUMBERED)
        case happenings.PEER:
            yield PeerHeard(happening.detail, happening.name)
        case happenings.REMOTE:
            yield RemoteChange(happening.detail, happening.problem)
        case happenings.QUARANTINE:
            yield QuarantineChange(happening.detail)
        case _:
            pass  # Withdrawn meanwhile, or noted by a later version.


def _item(happening: Happening, status: ItemStatus) -> ItemChange:
    return ItemChange(happening.document, happening.kind, status)
