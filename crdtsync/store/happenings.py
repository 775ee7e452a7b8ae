"""What happened here beside the changes of documents: marks, files sent, receipts, numbers, others heard from.

Triggers of the database write it down in the transaction in which it happens, so that nothing is told that was
rolled back, and every process of this machine is told the same. A bounded number is kept, the newest.
"""

import sqlite3
from dataclasses import dataclass

from crdtsync.store import arrived
from crdtsync.store.arrived import ChangeRow

_CHANGES_AT_ONCE = 500
_HAPPENINGS_AT_ONCE = 500

MARK = "mark"
SENT = "sent"
RECEIVED = "received"
LEDGER = "ledger"
PEER = "peer"
REMOTE = "remote"
QUARANTINE = "quarantine"


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far somebody has been told."""

    change: int
    happening: int


@dataclass(frozen=True, slots=True)
class Happening:
    """One row, with what it is about."""

    n: int
    what: str
    detail: str
    """Of a receipt and a peer the replica; of a ledger entry its index; of a remote its address."""
    document: str
    """Empty if it is about none."""
    kind: str
    """Of that document; empty if it is not here."""
    is_marked: bool
    """Whether the document is marked to be synced."""
    name: str
    """Of a peer."""
    is_coordinator: bool
    """Whether that peer is."""
    problem: str
    """Of a remote."""
    ledger: bytes
    """The encoded entry."""
    at_ms: int
    """When a ledger entry was known here."""


@dataclass(frozen=True, slots=True)
class News:
    """What happened after a cursor."""

    changes: list[ChangeRow]
    happenings: list[Happening]
    is_incomplete: bool
    """Whether more happened than is kept."""
    cursor: Cursor


def now(connection: sqlite3.Connection) -> Cursor:
    """Return where what happens from now on begins."""
    row = connection.execute("SELECT coalesce(max(n), 0) FROM _happenings").fetchone()
    return Cursor(arrived.last_change(connection), int(row[0]))


def after(connection: sqlite3.Connection, cursor: Cursor) -> News:
    """Return what happened after a cursor, of much the first part: changes before what is said of their documents."""
    changes = arrived.changes_after(connection, cursor.change, _CHANGES_AT_ONCE)
    change = changes[-1].n if changes else cursor.change
    if len(changes) == _CHANGES_AT_ONCE:
        return News(changes, [], is_incomplete=False, cursor=Cursor(change, cursor.happening))
    (first,) = connection.execute("SELECT coalesce(min(n), 0) FROM _happenings").fetchone()
    rows = connection.execute(
        "SELECT h.n, h.what, h.detail, coalesce(d.id, l.document, ''), coalesce(d.kind, e.kind, ''), "
        "EXISTS (SELECT 1 FROM _marks m WHERE m.document = coalesce(d.n, e.n) AND m.marked_ms IS NOT NULL), "
        "coalesce(p.name, ''), coalesce(p.coordinator, 0), coalesce(r.problem, t.problem, ''), "
        "coalesce(l.encoded, x''), coalesce(l.known_ms, 0) FROM _happenings h "
        "LEFT JOIN _documents d ON d.n = h.document "
        f"LEFT JOIN _ledger l ON h.what = '{LEDGER}' AND l.idx = CAST(h.detail AS INTEGER) "
        "LEFT JOIN _documents e ON e.id = l.document "
        f"LEFT JOIN _peers p ON h.what IN ('{PEER}', '{RECEIVED}') AND p.remote = h.remote AND p.replica = h.detail "
        f"LEFT JOIN _remotes r ON h.what = '{REMOTE}' AND r.address = h.detail "
        f"LEFT JOIN _attempts t ON h.what = '{REMOTE}' AND t.address = h.detail "
        "WHERE h.n > ? ORDER BY h.n LIMIT ?",
        (cursor.happening, _HAPPENINGS_AT_ONCE),
    ).fetchall()
    happenings = [
        Happening(n, what, detail, document, kind, bool(marked), name, bool(office), problem, ledger, at_ms)
        for n, what, detail, document, kind, marked, name, office, problem, ledger, at_ms in rows
    ]
    happening = happenings[-1].n if happenings else cursor.happening
    return News(changes, happenings, cursor.happening + 1 < first, Cursor(change, happening))
