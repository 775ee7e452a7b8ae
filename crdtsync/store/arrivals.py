"""What came in of a document: which of its changes can be applied now, and to what exactly; what waits; what is bad.

Looking happens beside the writer, so that a document may have changed when its changes are to be applied: an
`Arrival` says what it was looked at for, and whoever applies it compares.
"""

import sqlite3
from collections.abc import Mapping
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import NamedTuple

from crdtsync.environment import Case
from crdtsync.protocol.causality import (
    ChangeId,
    Frontier,
    Version,
    has,
    pack_frontier,
    take_ready,
    unpack_frontier,
    unpack_version,
)
from crdtsync.protocol.segment import Change, DocumentChanges

POISON_HASH_BYTES = 16


class DocumentRow(NamedTuple):
    """The row of a document."""

    n: int
    kind: str
    rev: int
    shared: int
    digest: bytes
    version: bytes
    frontier: bytes
    deltas: int
    conflicts: int


@dataclass(slots=True)
class Arrival:
    """Changes of one document that came in, as of one moment of the database."""

    incoming: DocumentChanges
    segment: int | None
    """The segment that carries them."""
    row: DocumentRow | None
    """None: there was no such document."""
    version: Version = field(default_factory=dict)
    frontier: Frontier = ()
    updates: list[bytes] = field(default_factory=list)
    """What is stored of the document; read only where something is ready."""
    ready: list[Change] = field(default_factory=list)
    """What can be applied, in this order."""
    after: tuple[Version, Frontier] = field(default_factory=lambda: ({}, ()))
    """Version and frontier when all that is ready is applied."""
    waiting: dict[ChangeId, Change] = field(default_factory=dict)
    """What waits for causes, what waited before included."""
    carried: dict[ChangeId, int | None] = field(default_factory=dict)
    """The segment that carried each change."""
    known: int = 0
    """How many of them are applied already."""
    poisonous: int = 0
    """How many of them were found to be bad before; they are in neither list."""
    has_waited: bool = False
    """Whether the database has changes of the document that wait."""

    @property
    def case(self) -> Case:
        """What is to be examined before it is applied."""
        return Case(self.updates, [change.delta for change in self.ready], self._needs)

    @property
    def size_bytes(self) -> int:
        """How much memory it takes, about."""
        return sum(map(len, self.updates)) + sum(len(change.delta) for change in self.ready)

    def leave_out(self, refused: list[Change]) -> None:
        """Take refused changes out of what is ready; what builds on them waits."""
        left = {ChangeId(item.client, item.sequence): item for item in self.ready} | self.waiting
        for item in refused:
            del left[ChangeId(item.client, item.sequence)]
        self.ready, self.after = _take_ready(left, self.version, self.frontier)
        self.waiting = left

    def _needs(self) -> list[list[int]]:
        index = {ChangeId(item.client, item.sequence): at for at, item in enumerate(self.ready)}
        return [
            [index[key] for key in (ChangeId(item.client, item.sequence - 1), *item.causes) if key in index]
            for item in self.ready
        ]


def look(connection: sqlite3.Connection, incoming: DocumentChanges, segment: int | None) -> Arrival:
    """Find out what can be applied of changes that came in, without opening the document."""
    row = document_row(connection, incoming.document)
    arrival = Arrival(incoming, segment, row)
    if row is not None:
        if row.kind != incoming.kind:
            return arrival
        arrival.version, arrival.frontier = unpack_version(row.version), unpack_frontier(row.frontier)
    changes = {ChangeId(item.client, item.sequence): item for item in incoming.changes}
    arrival.carried = dict.fromkeys(changes, segment)
    applied = arrival.version
    arrival.known = sum(applied.get(key.client, 0) >= key.sequence for key in changes)
    for item, item_segment in _waiting(connection, incoming.document):
        key = ChangeId(item.client, item.sequence)
        changes[key], arrival.carried[key] = item, item_segment
        arrival.has_waited = True
    poison = {
        found
        for (found,) in connection.execute(
            "SELECT hash FROM _poison WHERE document = ?", (incoming.document,)
        )
    }
    if poison:
        bad = [key for key, item in changes.items() if poison_hash(item.delta) in poison]
        for key in bad:
            del changes[key]
        arrival.poisonous = len(bad)
    arrival.ready, arrival.after = _take_ready(changes, arrival.version, arrival.frontier)
    arrival.waiting = changes
    if row is not None and arrival.ready:
        arrival.updates = stored_updates(connection, row.n)
    return arrival


def document_row(connection: sqlite3.Connection, document_id: str) -> DocumentRow | None:
    """Return the row of a document; None if there is none."""
    row = connection.execute(
        "SELECT n, kind, rev, shared, digest, version, frontier, deltas, conflicts FROM _documents WHERE id = ?",
        (document_id,),
    ).fetchone()
    return None if row is None else DocumentRow._make(row)


def stored_updates(connection: sqlite3.Connection, n: int) -> list[bytes]:
    """Return what is stored of a document: its state, then the deltas since."""
    state = connection.execute("SELECT change, state FROM _states WHERE document = ?", (n,)).fetchone()
    updates = [] if state is None else [state[1]]
    updates.extend(
        delta
        for (delta,) in connection.execute(
            "SELECT delta FROM _changes WHERE document = ? AND n > ? ORDER BY n",
            (n, 0 if state is None else state[0]),
        )
    )
    return updates


def keep_waiting(connection: sqlite3.Connection, arrival: Arrival) -> None:
    """Make the waiting room of a document hold just what waits now."""
    if arrival.has_waited:
        connection.execute("DELETE FROM _waiting WHERE document = ?", (arrival.incoming.document,))
    if arrival.waiting:
        add_waiting(connection, arrival.incoming, arrival.waiting, arrival.carried)


def add_waiting(
    connection: sqlite3.Connection,
    incoming: DocumentChanges,
    waiting: Mapping[ChangeId, Change],
    carried: Mapping[ChangeId, int | None],
) -> None:
    """Let changes of a document wait."""
    connection.executemany(
        "INSERT OR IGNORE INTO _waiting (document, client, sequence, kind, at_ms, label, causes, delta, segment) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
        [
            (
                incoming.document,
                change.client,
                change.sequence,
                incoming.kind,
                change.at_ms,
                change.label,
                pack_frontier(change.causes) if change.causes else b"",
                change.delta,
                carried[key],
            )
            for key, change in waiting.items()
        ],
    )


def refuse(
    connection: sqlite3.Connection, document_id: str, change: Change, reason: str, now_ms: int
) -> None:
    """List a change whose bytes are bad, with its author, and remember the bytes: they never meet the CRDT again.

    They are remembered for this document only. What is bad may be so on the state of one document, which
    somebody may have prepared; the same bytes may be good elsewhere.
    """
    connection.execute(
        "INSERT OR IGNORE INTO _poison (document, hash) VALUES (?, ?)",
        (document_id, poison_hash(change.delta)),
    )
    author = connection.execute(
        "SELECT name, replica FROM _incarnations WHERE client = ?", (change.client,)
    ).fetchone()
    whose = f"replica {author[0]} ({author[1]})" if author else "a replica that is not known here"
    connection.execute(
        "INSERT OR IGNORE INTO _quarantine (at_ms, what, name, reason, waiting_helps, data) VALUES (?, ?, ?, ?, 0, ?)",
        (
            now_ms,
            "change",
            f"{document_id}/{change.client:x}/{change.sequence}",
            f"the bytes that {whose} wrote are bad: {reason}",
            change.delta,
        ),
    )


def poison_hash(delta: bytes) -> bytes:
    """Return what a bad delta is remembered by."""
    return blake2b(delta, digest_size=POISON_HASH_BYTES).digest()


def unpack_causes(packed: bytes) -> tuple[ChangeId, ...]:
    """Return the causes stored with a change."""
    return unpack_frontier(packed) if packed else ()


def _take_ready(
    changes: dict[ChangeId, Change], version: Version, frontier: Frontier
) -> tuple[list[Change], tuple[Version, Frontier]]:
    """Take out of `changes` what can be applied on a version, in order, and what is applied; return the former.

    Also returned are version and frontier after it; those that were given stay as they are.
    """
    found, version, frontier = take_ready(
        version, frontier, [(key, change.causes) for key, change in changes.items()]
    )
    ready = [changes.pop(key) for key in found]
    for key in [key for key in changes if has(version, key)]:
        del changes[key]
    return ready, (version, frontier)


def _waiting(connection: sqlite3.Connection, document_id: str) -> list[tuple[Change, int | None]]:
    rows = connection.execute(
        "SELECT client, sequence, at_ms, causes, label, delta, segment FROM _waiting WHERE document = ? "
        "ORDER BY client, sequence",
        (document_id,),
    )
    return [
        (Change(client, sequence, at_ms, unpack_causes(causes), label, delta), segment)
        for client, sequence, at_ms, causes, label, delta, segment in rows
    ]
