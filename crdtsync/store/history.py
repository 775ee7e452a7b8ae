"""Who did what: the changes of a document with those who have them, and who wrote what it shows."""

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from crdtsync.document.registers import Cell, Path, entry_value
from crdtsync.errors import DocumentNotFoundError
from crdtsync.protocol.causality import ChangeId
from crdtsync.protocol.versions import version_text
from crdtsync.store.arrivals import unpack_causes


@dataclass(frozen=True, slots=True)
class HistoryEntry:
    """One change of a document."""

    id: ChangeId
    at_ms: int
    """By the clock of its author."""
    author: str
    replica: str
    """The name of the replica it was made on."""
    label: str
    causes: tuple[ChangeId, ...]
    delta_bytes: int
    version: str
    """The state of the document when it was made, itself included: for `get(as_of=)`, to show what its author saw."""
    received_by: tuple[str, ...] = ()
    """The names of the other replicas that are known to have it: they acknowledged it, or wrote it."""


@dataclass(frozen=True, slots=True)
class LatestChange:
    """A change, with the document it is of and the segment that carries it."""

    document: str
    kind: str
    title: str
    """The document's number, else its reference number, else its id."""
    change: HistoryEntry
    owner: str
    """The id of the replica in whose feed it travels; empty while it is in no segment, as the next two say."""
    feed: str
    sequence: int


@dataclass(frozen=True, slots=True)
class LastWriter:
    """Who wrote a value that a document shows."""

    author: str
    replica: str
    """The name of the replica it was written on."""
    at_ms: int
    """By the clock of its author, and later than every value its author had seen in the document."""
    is_local: bool
    """Whether it was written on this replica."""
    change: ChangeId | None = None
    """The change that wrote it, as `history` names it; None where that is not here as one of its own."""


def history(connection: sqlite3.Connection, document_id: str) -> list[HistoryEntry]:
    """Return the changes of a document in the order in which they arrived here.

    Raises:
        DocumentNotFoundError: it is not here.
    """
    row = connection.execute("SELECT n FROM _documents WHERE id = ?", (document_id,)).fetchone()
    if row is None:
        raise DocumentNotFoundError(f"there is no document {document_id}")
    rows = connection.execute(
        "SELECT c.client, c.sequence, c.at_ms, coalesce(i.author, ''), coalesce(i.name, ''), c.label, c.causes, "
        "length(c.delta), coalesce(i.replica, ''), s.owner, s.feed, s.sequence FROM _changes c "
        "LEFT JOIN _incarnations i ON i.client = c.client LEFT JOIN _segments s ON s.n = c.segment "
        "WHERE c.document = ? ORDER BY c.n",
        row,
    )
    known = _Receivers(connection)
    return [
        HistoryEntry(
            ChangeId(client, sequence),
            at_ms,
            author,
            name,
            label,
            unpack_causes(causes),
            size,
            version_text(document_id, (ChangeId(client, sequence),)),
            known.of(replica, *place),
        )
        for client, sequence, at_ms, author, name, label, causes, size, replica, *place in rows
    ]


def latest(connection: sqlite3.Connection, limit: int) -> list[LatestChange]:
    """Return the changes that were made here or arrived last, newest first."""
    rows = connection.execute(
        "SELECT d.id, d.kind, coalesce((SELECT l.text FROM _ledger l WHERE l.document = d.id AND l.outcome = "
        "'granted' ORDER BY l.idx LIMIT 1), (SELECT min(a.text) FROM _aliases a WHERE a.document = d.n), d.id), "
        "c.client, c.sequence, c.at_ms, coalesce(i.author, ''), coalesce(i.name, ''), c.label, c.causes, "
        "length(c.delta), coalesce(i.replica, ''), s.owner, s.feed, s.sequence FROM _changes c "
        "JOIN _documents d ON d.n = c.document LEFT JOIN _incarnations i ON i.client = c.client "
        "LEFT JOIN _segments s ON s.n = c.segment ORDER BY c.n DESC LIMIT ?",
        (limit,),
    ).fetchall()
    known = _Receivers(connection)
    found = []
    for (
        document,
        kind,
        title,
        client,
        number,
        at_ms,
        author,
        name,
        label,
        causes,
        size,
        replica,
        *place,
    ) in rows:
        change = HistoryEntry(
            ChangeId(client, number),
            at_ms,
            author,
            name,
            label,
            unpack_causes(causes),
            size,
            version_text(document, (ChangeId(client, number),)),
            known.of(replica, *place),
        )
        owner, feed, sequence = place
        found.append(LatestChange(document, kind, title, change, owner or "", feed or "", sequence or 0))
    return found


def last_writers(
    connection: sqlite3.Connection, n: int, cells: Iterable[tuple[Path, Cell]]
) -> dict[str, LastWriter]:
    """Return who wrote each of some values of a document, by path."""
    people = {
        client: (author, name, replica)
        for client, author, name, replica in connection.execute(
            "SELECT client, author, name, replica FROM _incarnations"
        )
    }
    (own,) = connection.execute("SELECT value FROM _meta WHERE key = 'replica'").fetchone()
    shown = list(cells)
    changes = _changes_of(connection, n, [cell for _, cell in shown])
    found = {}
    for path, cell in shown:
        author, name, replica = people.get(cell.writer, ("", "", ""))
        change = changes.get((cell.writer, cell.stamp))
        found["/".join(path)] = LastWriter(author, name, cell.stamp, replica == own, change)
    return found


def _changes_of(
    connection: sqlite3.Connection, n: int, cells: Iterable[Cell]
) -> dict[tuple[int, int], ChangeId]:
    """Return the changes that wrote some values, by writer and stamp.

    A change does not tell its stamp, which is its time only where nothing pushed that forward. But its delta holds
    the values as they are written, and all that one change wrote has one stamp.
    """
    wanted: dict[int, dict[int, bytes]] = {}
    for cell in cells:
        wanted.setdefault(cell.writer, {})[cell.stamp] = entry_value(cell.stamp, cell.raw).encode()
    found = {}
    for client, values in wanted.items():
        changes = connection.execute(
            "SELECT sequence, delta FROM _changes WHERE document = ? AND client = ? ORDER BY sequence",
            (n, client),
        )
        # The stamps of one writer rise from change to change: one look at each finds all.
        change = changes.fetchone()
        for stamp, value in sorted(values.items()):
            while change is not None and value not in change[1]:
                change = changes.fetchone()
            if change is not None:
                found[client, stamp] = ChangeId(client, change[0])
    return found


class _Receivers:
    """Who has what, as far as beacons tell: the rule of `items.receipts`, for single changes."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._names = dict(
            connection.execute(
                "SELECT replica, min(name) FROM _peers GROUP BY replica ORDER BY 2, 1"
            ).fetchall()
        )
        self._marks: dict[tuple[str, str], dict[str, int]] = {}
        for peer, owner, feed, sequence in connection.execute(
            "SELECT replica, owner, feed, sequence FROM _receipts"
        ):
            self._marks.setdefault((owner, feed), {})[peer] = sequence

    def of(self, author: str, owner: str | None, feed: str | None, sequence: int | None) -> tuple[str, ...]:
        """Return the names of those that have a change of one replica, in a segment or in none yet."""
        marks = self._marks.get((owner, feed), {}) if owner and feed else {}
        return tuple(
            name
            for peer, name in self._names.items()
            if peer in (author, owner) or (sequence is not None and marks.get(peer, 0) >= sequence)
        )
