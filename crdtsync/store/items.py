"""Items to Sync and receipts: facts from the database, decided by `protocol.status`."""

import sqlite3
from dataclasses import dataclass, replace

from crdtsync.protocol.status import ItemFacts, ItemState, ItemStatus, item_state
from crdtsync.store.marks import CARRIED_BY


@dataclass(frozen=True, slots=True)
class Item:
    """One line of Items to Sync."""

    document: str
    kind: str
    title: str
    """The number, else the reference number, else the id."""
    number: str | None
    reference: str | None
    state: ItemState


@dataclass(frozen=True, slots=True)
class Receipt:
    """How much of a document one replica is known to have."""

    replica: str
    name: str
    have: int
    """How many of the document's changes it has acknowledged, or written itself."""
    total: int
    up_to_ms: int | None
    """When the newest change it has was made."""
    heard_ms: int | None
    """When its last beacon reached us, by our clock."""

    @property
    def is_complete(self) -> bool:
        """Whether it has all that we have."""
        return self.have == self.total


@dataclass(frozen=True, slots=True)
class Peer:
    """Another replica, as its newest beacon shows it."""

    replica: str
    name: str
    role: str
    is_coordinator: bool
    heard_ms: int
    """When its last beacon reached us, by our clock."""
    ledger_index: int
    software: str


def items(
    connection: sqlite3.Connection,
    kinds: list[str],
    now_ms: int,
    *,
    document_id: str | None,
    all_items: bool,
    shared_kinds: list[str] | None = None,
) -> list[Item]:
    """Return the documents made here that have not come all the way; with `all_items` also those that have.

    One of `shared_kinds` is taken to be marked when it was made, and to be sent with its last change.
    """
    if not kinds and not shared_kinds:
        return []
    marked, segment = "m.marked_ms", "m.segment"
    if shared_kinds:
        by_itself = f"d.kind IN ({', '.join('?' * len(shared_kinds))})"
        marked = f"coalesce(m.marked_ms, CASE WHEN {by_itself} THEN d.created_ms END)"
        carried = f"{CARRIED_BY.format(document='d.n')} AND {by_itself}"
        segment = f"coalesce(CASE WHEN m.marked_ms IS NOT NULL THEN m.segment END, ({carried}))"
        kinds = [*kinds, *shared_kinds]
    shared = shared_kinds or []
    replica = _meta(connection, "replica")
    places = ", ".join("?" * len(kinds))
    condition = "AND d.id = ?" if document_id is not None else ""
    rows = connection.execute(
        f"SELECT d.id, d.kind, d.n, d.created_ms, {marked}, "
        "coalesce(f.put_ms, CASE WHEN s.owner <> ? THEN s.applied_ms END), "
        "s.owner, s.feed, s.sequence, s.remote, l.text, l.known_ms, "
        "EXISTS (SELECT 1 FROM _requests r WHERE r.document = d.id AND r.replica = ?), "
        "(SELECT min(a.text) FROM _aliases a WHERE a.document = d.n) FROM _documents d "
        f"LEFT JOIN _marks m ON m.document = d.n LEFT JOIN _segments s ON s.n = {segment} "
        "LEFT JOIN _own_files f ON f.remote = s.remote AND f.hash = s.hash "
        "LEFT JOIN _ledger l ON l.document = d.id AND l.outcome = 'granted' "
        f"WHERE d.kind IN ({places}) AND d.rev > 0 {condition} AND (m.marked_ms IS NOT NULL OR (NOT d.shared) "
        f"OR m.document IS NOT NULL {'OR 1' if document_id else ''}) "
        f"{'' if all_items or document_id else 'AND l.idx IS NULL'} ORDER BY d.n",
        (*shared, replica, replica, *shared, *kinds, *([document_id] if document_id is not None else [])),
    ).fetchall()
    office = _coordinator(connection)
    problem = connection.execute(
        "SELECT problem FROM _remotes WHERE problem <> '' UNION ALL SELECT problem FROM _attempts LIMIT 1"
    ).fetchone()
    is_coordinator = bool(int(_meta(connection, "coordinator") or 0))
    found = []
    for (
        identity,
        kind,
        _,
        created_ms,
        marked_ms,
        put_ms,
        owner,
        feed,
        sequence,
        remote,
        text,
        known_ms,
        asks,
        reference,
    ) in rows:
        sent_ms, received_ms = put_ms, None
        if is_coordinator:
            sent_ms, received_ms = put_ms or marked_ms, marked_ms
        elif office is not None and owner is not None:
            # It may have it although it is in no folder: the folder has moved, and it comes there again.
            received_ms = (
                put_ms
                if owner == office[0]
                else _received_ms(connection, remote, office[0], owner, feed, sequence)
            )
        facts = ItemFacts(
            created_ms=created_ms,
            marked_ms=marked_ms,
            sent_ms=sent_ms if marked_ms is not None else None,
            received_ms=received_ms,
            numbered_ms=known_ms,
            coordinator_name=office[1] if office else "",
            coordinator_heard_ms=office[2] if office else None,
            remote_problem=problem[0] if problem else "",
        )
        state = item_state(facts, now_ms)
        if state.status is ItemStatus.RECEIVED and not asks:
            # Its kind has no numbers: it has come all the way.
            if not all_items and document_id is None:
                continue
            state = replace(state, why_waiting="")
        found.append(Item(identity, kind, text or reference or identity, text, reference, state))
    return found


def count(connection: sqlite3.Connection, kinds: list[str]) -> int:
    """Return how many documents of kinds that have numbers were made here, or marked, and have none yet."""
    row = connection.execute(
        # What goes to everybody by itself is most of what is here, and is not looked up.
        "SELECT count(*) FROM (SELECT n FROM _documents WHERE NOT shared UNION SELECT document FROM _marks) i "
        "CROSS JOIN _documents d ON d.n = i.n "
        f"WHERE d.kind IN ({', '.join('?' * len(kinds))}) AND d.rev > 0 "
        "AND NOT EXISTS (SELECT 1 FROM _ledger l WHERE l.document = d.id AND l.outcome = 'granted')",
        kinds,
    ).fetchone()
    return int(row[0])


def receipts(connection: sqlite3.Connection, document_id: str) -> list[Receipt]:
    """Return how much of a document every replica we have heard of is known to have."""
    counts = connection.execute(
        "SELECT s.remote, s.owner, s.feed, s.sequence, i.replica, count(*), max(c.at_ms) FROM _changes c "
        "JOIN _documents d ON d.n = c.document LEFT JOIN _segments s ON s.n = c.segment "
        "LEFT JOIN _incarnations i ON i.client = c.client WHERE d.id = ? GROUP BY c.segment, i.replica",
        (document_id,),
    ).fetchall()
    total = sum(row[5] for row in counts)
    marks = {
        (replica, owner, feed): sequence
        for replica, owner, feed, sequence in connection.execute(
            "SELECT replica, owner, feed, sequence FROM _receipts"
        )
    }
    found = []
    for peer in peers(connection):
        mine = [
            (count, at_ms)
            for _, owner, feed, sequence, author, count, at_ms in counts
            if peer.replica in (author, owner)
            or marks.get((peer.replica, owner, feed), 0) >= (sequence or 1 << 62)
        ]
        have = sum(count for count, _ in mine)
        newest = max((at_ms for _, at_ms in mine), default=None)
        found.append(Receipt(peer.replica, peer.name, have, total, newest, peer.heard_ms))
    return found


def peers(connection: sqlite3.Connection) -> list[Peer]:
    """Return the other replicas, by name."""
    rows = connection.execute(
        "SELECT replica, name, role, coordinator, max(heard_ms), max(ledger_index), software FROM _peers "
        "GROUP BY replica ORDER BY name, replica"
    )
    return [
        Peer(replica, name, role, bool(coordinator), heard_ms, ledger_index, software)
        for replica, name, role, coordinator, heard_ms, ledger_index, software in rows
    ]


def _coordinator(connection: sqlite3.Connection) -> tuple[str, str, int] | None:
    row: tuple[str, str, int] | None = connection.execute(
        "SELECT replica, name, heard_ms FROM _peers WHERE coordinator ORDER BY heard_ms DESC LIMIT 1"
    ).fetchone()
    return row


def _received_ms(
    connection: sqlite3.Connection, remote: int, peer: str, owner: str, feed: str, sequence: int
) -> int | None:
    row = connection.execute(
        "SELECT received_ms FROM _receipts WHERE remote = ? AND replica = ? AND owner = ? AND feed = ? "
        "AND sequence >= ?",
        (remote, peer, owner, feed, sequence),
    ).fetchone()
    return None if row is None else int(row[0])


def _meta(connection: sqlite3.Connection, key: str) -> str:
    row = connection.execute("SELECT value FROM _meta WHERE key = ?", (key,)).fetchone()
    return "" if row is None else str(row[0])
