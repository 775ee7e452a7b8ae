"""An open document and what is written of it: the values and the statements that `documents` works with."""

import sqlite3
from collections.abc import Collection, Iterator
from dataclasses import dataclass, field
from typing import Self

from crdtsync.document.live import LiveDocument
from crdtsync.document.registers import Cell, Path
from crdtsync.protocol.causality import ChangeId, Frontier, Version, pack_frontier, pack_version
from crdtsync.protocol.segment import Change, DocumentChanges
from crdtsync.store import projections
from crdtsync.store.arrivals import Arrival, DocumentRow


@dataclass(slots=True)
class OpenDocument:
    """A document in memory, as of one revision of its row."""

    n: int
    id: str
    kind: str
    rev: int
    shared: bool
    version: Version
    frontier: Frontier
    deltas: int
    live: LiveDocument
    stored: projections.Stored = field(default_factory=projections.Stored)


@dataclass(frozen=True, slots=True)
class MadeChange:
    """What an edit that was written became."""

    document: str
    n: int
    change: int
    id: ChangeId
    is_new: bool
    before: Frontier
    """The state of the document that the change was made on."""
    after: Frontier


@dataclass(slots=True)
class Applied:
    """What came of applying the changes of one or more documents."""

    applied: int = 0
    known: int = 0
    waiting: int = 0
    refused: int = 0
    touched: set[str] = field(default_factory=set)
    again: list[DocumentChanges] = field(default_factory=list)
    """What is to be looked at and examined once more: the document has changed meanwhile, or much of it was bad."""

    def __iadd__(self, other: "Applied") -> Self:
        self.applied += other.applied
        self.known += other.known
        self.waiting += other.waiting
        self.refused += other.refused
        self.touched |= other.touched
        self.again += other.again
        return self


INSERT_CHANGE = (
    "INSERT INTO _changes (document, client, sequence, at_ms, label, causes, delta, segment) "
    "VALUES (?, ?, ?, ?, ?, ?, ?, ?)"
)


def change_row(n: int, change: Change, segment: int | None) -> tuple[object, ...]:
    """Return a change as `INSERT_CHANGE` takes it."""
    causes = pack_frontier(change.causes) if change.causes else b""
    return n, change.client, change.sequence, change.at_ms, change.label, causes, change.delta, segment


def insert_change(connection: sqlite3.Connection, n: int, change: Change) -> int:
    """Record a change that was made here; return its number."""
    cursor = connection.execute(INSERT_CHANGE, change_row(n, change, None))
    assert cursor.lastrowid is not None
    return cursor.lastrowid


def take(live: LiveDocument, deltas: list[bytes]) -> None:
    """Apply deltas and read the outcome: some that are accepted make a document that cannot be read."""
    live.apply(deltas)
    if not live.is_examined:
        _ = live.registers, live.digest


def written_by(clients: Collection[int], document: OpenDocument) -> Iterator[tuple[Path, Cell]]:
    """Yield the values in a document that some clients wrote."""
    if clients:
        for path, cells in document.live.registers:
            for cell in cells:
                if cell.writer in clients:
                    yield path, cell


def is_as_seen(connection: sqlite3.Connection, arrival: Arrival) -> bool:
    """Whether the document is what it was when its changes were looked at."""
    row = connection.execute(
        "SELECT rev, shared FROM _documents WHERE id = ?", (arrival.incoming.document,)
    ).fetchone()
    if row is None or arrival.row is None:
        return row is None and arrival.row is None
    return bool(row[0] == arrival.row.rev and row[1] == arrival.row.shared)


def row_of(document: OpenDocument) -> DocumentRow:
    """Return the row of a document that was just made."""
    return DocumentRow(
        document.n,
        document.kind,
        document.rev,
        1,
        document.live.digest,
        pack_version({}),
        pack_frontier(()),
        0,
        0,
    )


def quarantine_document(connection: sqlite3.Connection, document_id: str, problem: str, now_ms: int) -> None:
    """List a document whose stored content cannot be read."""
    connection.execute(
        "INSERT OR IGNORE INTO _quarantine (at_ms, what, name, reason, waiting_helps) VALUES (?, ?, ?, ?, 0)",
        (now_ms, "document", document_id, f"what is stored of it cannot be read: {problem}"),
    )
