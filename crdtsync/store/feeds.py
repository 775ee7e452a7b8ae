"""Remotes, feeds and files in the database: what is to be published, what was, and what came in."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

from crdtsync.protocol.beacon import FeedPosition, FeedWant
from crdtsync.protocol.files import NO_HASH, DecodedFile, FileHeader, FileType, encode_file
from crdtsync.protocol.ids import FeedId, FolderId, ReplicaId
from crdtsync.protocol.names import NameHint, NameKind, segment_name
from crdtsync.protocol.segment import (
    Change,
    DocumentChanges,
    Incarnation,
    NumberRequest,
    Segment,
    encode_segment,
)
from crdtsync.store import own_files
from crdtsync.store.arrivals import unpack_causes

SEGMENT_CHANGES_MAX = 20_000
SEGMENT_DELTA_BYTES_MAX = 8 * 1024 * 1024
WANTS_MAX = 100
WANT_AFTER_MS = 60_000
"""How long what others are known to have is waited for before its owner is asked; it is likely to be on its way."""


@dataclass(frozen=True, slots=True)
class RemoteRow:
    """A remote this replica is attached to."""

    n: int
    address: str
    folder: FolderId
    feed: FeedId
    head_sequence: int
    head_hash: bytes
    beacon_counter: int
    beacon_content: bytes
    beacon_ms: int
    problem: str


def attach(connection: sqlite3.Connection, address: str, folder: FolderId, feed: FeedId) -> RemoteRow:
    """Remember a remote; all that is shared already is to be published there, whoever wrote it.

    For a replica that was never attached, that is its own; one that has left another folder (`leave`) brings along
    what it has of the others too.
    """
    connection.execute(
        "INSERT INTO _remotes (address, folder, feed, head_hash) VALUES (?, ?, ?, ?)",
        (address, folder, feed, NO_HASH),
    )
    row = remote(connection, address)
    assert row is not None
    connection.execute(
        "INSERT INTO _outbox (remote, change) SELECT ?, c.n FROM _changes c JOIN _documents d ON d.n = c.document "
        "WHERE d.shared",
        (row.n,),
    )
    return row


def remote(connection: sqlite3.Connection, address: str) -> RemoteRow | None:
    """Return what is known of the remote at an address."""
    row = connection.execute(
        f"SELECT {_REMOTE_COLUMNS} FROM _remotes WHERE address = ?", (address,)
    ).fetchone()
    return None if row is None else RemoteRow(*row)


def remotes(connection: sqlite3.Connection) -> list[RemoteRow]:
    """Return all remotes this replica is attached to."""
    rows = connection.execute(f"SELECT {_REMOTE_COLUMNS} FROM _remotes ORDER BY n")
    return [RemoteRow(*row) for row in rows]


def move_remote(
    connection: sqlite3.Connection, folder: FolderId, address: str, there: Collection[str]
) -> RemoteRow | None:
    """Take note that a folder we are attached to is now found at another address, where some files are there.

    Own files that are not there wait again to be put, as they are and in their order; what was made of a file that
    could not be read says nothing of the one that has its name there.
    """
    connection.execute("UPDATE _remotes SET address = ? WHERE folder = ?", (address, folder))
    row = remote(connection, address)
    if row is not None:
        own_files.expect_again(connection, row.n, there)
        connection.execute("DELETE FROM _files WHERE remote = ? AND verdict <> 'read'", (row.n,))
    return row


def leave(connection: sqlite3.Connection, n: int) -> None:
    """Forget a folder, so that the replica can be attached to another one as if it had never published anything.

    What is in no document yet (segments that wait for an earlier one) is forgotten too: its writer has it.
    """
    connection.execute("UPDATE _changes SET segment = NULL WHERE segment IS NOT NULL")
    connection.execute("UPDATE _waiting SET segment = NULL WHERE segment IS NOT NULL")
    connection.execute("UPDATE _marks SET segment = NULL WHERE segment IS NOT NULL")
    connection.execute(
        "UPDATE _requests SET sent = 0 WHERE replica = (SELECT value FROM _meta WHERE key = 'replica')"
    )
    for table in ("_outbox", "_own_files", "_segments", "_files", "_peers", "_receipts"):
        connection.execute(f"DELETE FROM {table} WHERE remote = ?", (n,))
    connection.execute("DELETE FROM _meta WHERE key > ? AND key < ?", (f"want/{n}/", f"want/{n}0"))
    connection.execute("DELETE FROM _remotes WHERE n = ?", (n,))


def set_problem(connection: sqlite3.Connection, n: int, problem: str, now_ms: int) -> None:
    """Remember why the remote cannot be used now; empty when it can."""
    connection.execute(
        "UPDATE _remotes SET problem = ?, problem_since_ms = CASE WHEN ? = '' THEN NULL "
        "WHEN problem = '' THEN ? ELSE problem_since_ms END WHERE n = ? AND problem IS NOT ?",
        (problem, problem, now_ms, n, problem),
    )


def rotate_feed(connection: sqlite3.Connection, n: int, feed: FeedId) -> None:
    """Go on in a new feed: the old one holds segments that this database does not know it has written."""
    connection.execute(
        "UPDATE _remotes SET feed = ?, head_sequence = 0, head_hash = ? WHERE n = ?", (feed, NO_HASH, n)
    )


def pending(connection: sqlite3.Connection, n: int) -> int:
    """Return how many changes and requests wait to be put into a segment."""
    row = connection.execute(
        "SELECT (SELECT count(*) FROM _outbox WHERE remote = ?) + (SELECT count(*) FROM _requests r WHERE NOT r.sent "
        "AND r.replica = (SELECT value FROM _meta WHERE key = 'replica'))",
        (n,),
    ).fetchone()
    return int(row[0])


def seal(
    connection: sqlite3.Connection, row: RemoteRow, replica: ReplicaId, now_ms: int
) -> own_files.OwnFile | None:
    """Put all that waits, up to the limits of a segment, into the next segment of the own feed.

    Its exact bytes are in the database before anything of it is in the folder. Must run in a transaction.
    """
    changes, is_all = _waiting_changes(connection, row.n)
    # A request follows the changes it is about: it is in the last segment that carries them, or a later one.
    requests = _unsent_requests(connection, replica) if is_all else []
    if not changes and not requests:
        return None
    segment = _segment_of(connection, changes, requests)
    header = FileHeader(
        type=FileType.SEGMENT,
        folder=row.folder,
        writer=replica,
        feed=row.feed,
        sequence=row.head_sequence + 1,
        previous=row.head_hash,
    )
    data = encode_file(header, encode_segment(segment))
    own = own_files.keep_own_file(
        connection,
        row.n,
        "segment",
        header.sequence,
        segment_name(replica, row.feed, header.sequence, data[-32:]),
        data,
        now_ms,
    )
    cursor = connection.execute(
        "INSERT INTO _segments (remote, owner, feed, sequence, hash, previous, size_bytes, applied_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (row.n, replica, row.feed, header.sequence, data[-32:], row.head_hash, len(data), now_ms),
    )
    assert cursor.lastrowid is not None
    connection.execute(
        "UPDATE _remotes SET head_sequence = ?, head_hash = ? WHERE n = ?",
        (header.sequence, data[-32:], row.n),
    )
    if changes:
        first, last = changes[0][0], changes[-1][0]
        connection.execute(
            "UPDATE _changes SET segment = ? WHERE n BETWEEN ? AND ? AND segment IS NULL "
            "AND n IN (SELECT change FROM _outbox WHERE remote = ? AND change BETWEEN ? AND ?)",
            (cursor.lastrowid, first, last, row.n, first, last),
        )
        connection.execute(
            "DELETE FROM _outbox WHERE remote = ? AND change BETWEEN ? AND ?", (row.n, first, last)
        )
    if requests:
        connection.execute("UPDATE _requests SET sent = 1 WHERE replica = ?", (replica,))
    if is_all:
        connection.execute("UPDATE _marks SET segment = ? WHERE segment IS NULL", (cursor.lastrowid,))
    return own


def known_files(connection: sqlite3.Connection, n: int) -> set[tuple[str, int]]:
    """Return the names and sizes of the files that need not be read again: a place may list two of one name."""
    return set(connection.execute("SELECT name, size_bytes FROM _files WHERE remote = ?", (n,)))


def remember_file(connection: sqlite3.Connection, n: int, name: str, size_bytes: int, verdict: str) -> None:
    """Take note that a file was read and need not be read again."""
    connection.execute(
        "INSERT OR REPLACE INTO _files (remote, name, size_bytes, verdict) VALUES (?, ?, ?, ?)",
        (n, name, size_bytes, verdict),
    )


def quarantine(
    connection: sqlite3.Connection, what: str, name: str, reason: str, *, waiting_helps: bool, now_ms: int
) -> int:
    """List something that could not be taken in, with the reason; return since when it is listed."""
    connection.execute(
        "INSERT INTO _quarantine (at_ms, what, name, reason, waiting_helps) VALUES (?, ?, ?, ?, ?) "
        "ON CONFLICT (what, name) DO UPDATE SET reason = excluded.reason, waiting_helps = excluded.waiting_helps",
        (now_ms, what, name, reason, int(waiting_helps)),
    )
    row = connection.execute(
        "SELECT at_ms FROM _quarantine WHERE what = ? AND name = ?", (what, name)
    ).fetchone()
    return int(row[0])


def has_quarantined_files(connection: sqlite3.Connection) -> bool:
    """Whether any file is listed as one that could not be taken in."""
    found = connection.execute("SELECT EXISTS (SELECT 1 FROM _quarantine WHERE what = 'file')").fetchone()
    return bool(found[0])


def release_file(connection: sqlite3.Connection, name: str) -> None:
    """Strike the file of that name off the list of what could not be taken in."""
    connection.execute("DELETE FROM _quarantine WHERE what = 'file' AND name = ?", (name,))


def release(connection: sqlite3.Connection, hint: str) -> None:
    """Strike files off the list of what could not be taken in: what their name promised is here."""
    # Not by LIKE: with a parameter it is prepared again each time.
    connection.execute("DELETE FROM _quarantine WHERE what = 'file' AND instr(lower(name), ?)", (hint,))


def is_needless(connection: sqlite3.Connection, n: int, hint: NameHint) -> bool:
    """Whether what a file's name promises is here already, so that it does not matter what it holds."""
    start = bytes.fromhex(hint.hash_start)
    if hint.number is None or not start:
        return False
    found = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM _segments WHERE hash >= ? AND hash < ? AND remote = ?) "
        "OR EXISTS (SELECT 1 FROM _own_files WHERE remote = ? AND substr(hash, 1, ?) = ?) "
        "OR (? AND EXISTS (SELECT 1 FROM _ledger WHERE idx >= ?)) "
        "OR (? AND EXISTS (SELECT 1 FROM _peers WHERE remote = ? AND replica = ? AND counter >= ?)) "
        "OR (? AND EXISTS (SELECT 1 FROM _remotes r JOIN _meta m ON m.key = 'replica' "
        "WHERE r.n = ? AND m.value = ? AND r.beacon_counter >= ?))",
        (
            *(start, start + b"\xff" * 32, n),
            *(n, len(start), start),
            *(hint.kind is NameKind.LEDGER, hint.number),
            *(hint.kind is NameKind.BEACON, n, hint.owner, hint.number),
            *(hint.kind is NameKind.BEACON, n, hint.owner, hint.number),
        ),
    ).fetchone()
    return bool(found[0])


def receive_segment(
    connection: sqlite3.Connection, n: int, file: DecodedFile, size_bytes: int, now_ms: int
) -> bool:
    """Keep a segment until it is applied; return whether it is new.

    Two of one place in a feed are both kept, and listed: changes carry their own identity, so that neither
    can do harm, and a person should hear that there are two writers.
    """
    header = file.header
    fork = connection.execute(
        "SELECT 1 FROM _segments WHERE remote = ? AND owner = ? AND feed = ? AND sequence = ? AND hash <> ?",
        (n, header.writer, header.feed, header.sequence, file.hash),
    ).fetchone()
    if fork is not None:
        quarantine(
            connection,
            "fork",
            f"feed {header.writer}/{header.feed}",
            f"there are two different segments {header.sequence}: a copy of this replica runs elsewhere, "
            "or it was restored from a backup",
            waiting_helps=False,
            now_ms=now_ms,
        )
    cursor = connection.execute(
        "INSERT OR IGNORE INTO _segments (remote, owner, feed, sequence, hash, previous, size_bytes, body) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (n, header.writer, header.feed, header.sequence, file.hash, header.previous, size_bytes, file.body),
    )
    return cursor.rowcount > 0


def next_segment(
    connection: sqlite3.Connection, n: int, aside: Collection[int] = ()
) -> tuple[int, ReplicaId, FeedId, int, bytes] | None:
    """Return a segment whose predecessor is applied: (row, owner, feed, sequence, body); None if there is none.

    Those whose rows are set aside are left out. Two successors of one segment (the feed of a restored replica)
    are both taken: changes carry their own identity, so that neither can do harm.
    """
    row: tuple[int, ReplicaId, FeedId, int, bytes] | None = connection.execute(
        "SELECT s.n, s.owner, s.feed, s.sequence, s.body FROM _segments s WHERE s.remote = ? "
        "AND s.applied_ms IS NULL AND ((s.sequence = 1 AND s.previous = ?) OR EXISTS (SELECT 1 FROM _segments p "
        "WHERE p.hash = s.previous AND p.applied_ms IS NOT NULL AND p.owner = s.owner AND p.feed = s.feed "
        "AND p.sequence = s.sequence - 1)) "
        f"AND s.n NOT IN ({','.join(map(str, aside))}) ORDER BY s.owner, s.feed, s.sequence LIMIT 1",
        (n, NO_HASH),
    ).fetchone()
    return row


def mark_applied(connection: sqlite3.Connection, segment: int, now_ms: int) -> None:
    """Take note that all of a segment is in the database."""
    connection.execute("UPDATE _segments SET applied_ms = ?, body = NULL WHERE n = ?", (now_ms, segment))


def positions(connection: sqlite3.Connection, n: int) -> list[FeedPosition]:
    """Return how far every feed has been taken in."""
    rows = connection.execute(
        "SELECT owner, feed, max(sequence), hash FROM _segments WHERE remote = ? AND applied_ms IS NOT NULL "
        "GROUP BY owner, feed ORDER BY owner, feed",
        (n,),
    )
    return [FeedPosition(*row) for row in rows]


def wants(connection: sqlite3.Connection, n: int, now_ms: int) -> list[FeedWant]:
    """Return the segments that keep others waiting, and those that others have had for a while and we have not."""
    rows = connection.execute(
        "SELECT DISTINCT s.owner, s.feed, s.sequence - 1 FROM _segments s WHERE s.remote = ? "
        "AND s.applied_ms IS NULL AND s.sequence > 1 AND NOT EXISTS (SELECT 1 FROM _segments p "
        "WHERE p.remote = s.remote AND p.owner = s.owner AND p.feed = s.feed AND p.sequence = s.sequence - 1) "
        "ORDER BY 1, 2, 3 LIMIT ?",
        (n, WANTS_MAX),
    )
    found = dict.fromkeys(FeedWant(*row) for row in rows)
    ends: dict[tuple[ReplicaId, FeedId], int] = {}
    for want in found:
        ends[want.owner, want.feed] = want.sequence
    rows = connection.execute(
        "SELECT r.owner, r.feed, max(r.sequence), 1 + coalesce((SELECT max(sequence) FROM _segments s "
        "WHERE s.remote = r.remote AND s.owner = r.owner AND s.feed = r.feed), 0) AS next FROM _receipts r "
        "WHERE r.remote = ? AND r.received_ms NOT BETWEEN ? AND ? "
        "AND r.owner <> (SELECT value FROM _meta WHERE key = 'replica') "
        "GROUP BY r.owner, r.feed HAVING max(r.sequence) >= next ORDER BY 1, 2 LIMIT ?",
        (n, now_ms - WANT_AFTER_MS, now_ms, WANTS_MAX),
    )
    for owner, feed, last, _ in rows:
        ends[owner, feed] = last
    for (owner, feed), last in ends.items():
        # All of them at once: one at a time, each would take a way to its owner and back of its own.
        missing = _missing(connection, n, owner, feed, last)
        found |= dict.fromkeys(FeedWant(owner, feed, sequence) for sequence in islice(missing, WANTS_MAX))
    return list(found)


def is_behind(connection: sqlite3.Connection, n: int, ledger_index: int) -> bool:
    """Whether others have what is not here, so that it is to be asked for after a while."""
    found = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM _receipts r WHERE r.remote = ? "
        "AND r.owner <> (SELECT value FROM _meta WHERE key = 'replica') AND r.sequence > coalesce("
        "(SELECT max(sequence) FROM _segments s WHERE s.remote = r.remote AND s.owner = r.owner "
        "AND s.feed = r.feed), 0)) "
        "OR EXISTS (SELECT 1 FROM _peers WHERE remote = ? AND coordinator AND ledger_index > ?)",
        (n, n, ledger_index),
    ).fetchone()
    return bool(found[0])


def _missing(
    connection: sqlite3.Connection, n: int, owner: ReplicaId, feed: FeedId, last: int
) -> Iterator[int]:
    """Yield the segments of a feed up to the `last` that are not here, in sequence."""
    rows = connection.execute(
        "SELECT sequence, applied_ms IS NOT NULL FROM _segments WHERE remote = ? AND owner = ? AND feed = ?",
        (n, owner, feed),
    ).fetchall()
    applied = max((sequence for sequence, is_applied in rows if is_applied), default=0)
    here = {sequence for sequence, _ in rows}
    return (sequence for sequence in range(applied + 1, last + 1) if sequence not in here)


def remember_incarnations(connection: sqlite3.Connection, incarnations: Iterable[Incarnation]) -> None:
    """Learn who stands behind client ids; what is known already is not changed by what comes later."""
    connection.executemany(
        "INSERT OR IGNORE INTO _incarnations (client, replica, name, author) VALUES (?, ?, ?, ?)",
        [(item.client, item.replica, item.replica_name, item.author) for item in incarnations],
    )


_REMOTE_COLUMNS = (
    "n, address, folder, feed, head_sequence, head_hash, beacon_counter, beacon_content, beacon_ms, problem"
)


def _waiting_changes(connection: sqlite3.Connection, n: int) -> tuple[list[tuple[Any, ...]], bool]:
    rows: list[tuple[Any, ...]] = []
    delta_bytes = 0
    found = connection.execute(
        "SELECT c.n, d.id, d.kind, c.client, c.sequence, c.at_ms, c.causes, c.label, c.delta FROM _outbox o "
        "JOIN _changes c ON c.n = o.change JOIN _documents d ON d.n = c.document WHERE o.remote = ? ORDER BY o.change",
        (n,),
    )
    for row in found:
        if len(rows) >= SEGMENT_CHANGES_MAX or delta_bytes >= SEGMENT_DELTA_BYTES_MAX:
            return rows, False
        rows.append(row)
        delta_bytes += len(row[8])
    return rows, True


def _unsent_requests(connection: sqlite3.Connection, replica: ReplicaId) -> list[NumberRequest]:
    rows = connection.execute(
        "SELECT document, kind, series, serial, withdrawn, digest, reference, at_ms FROM _requests "
        "WHERE replica = ? AND NOT sent ORDER BY n",
        (replica,),
    )
    return [
        NumberRequest(
            document=document,
            kind=kind,
            series=series,
            serial=serial,
            withdrawn=bool(withdrawn),
            digest=digest,
            reference=reference,
            at_ms=at_ms,
        )
        for document, kind, series, serial, withdrawn, digest, reference, at_ms in rows
    ]


def _segment_of(
    connection: sqlite3.Connection, changes: list[tuple[Any, ...]], requests: list[NumberRequest]
) -> Segment:
    documents: dict[str, DocumentChanges] = {}
    clients: dict[int, None] = {}
    for _, document, kind, client, sequence, at_ms, causes, label, delta in changes:
        group = documents.get(document)
        if group is None:
            group = documents[document] = DocumentChanges(document, kind, [])
        unpacked = unpack_causes(causes)
        group.changes.append(Change(client, sequence, at_ms, unpacked, label, delta))
        clients[client] = None
        clients.update((cause.client, None) for cause in unpacked)
    incarnations = [
        Incarnation(client, *row)
        for client in clients
        for row in connection.execute(
            "SELECT replica, author, name FROM _incarnations WHERE client = ?", (client,)
        )
    ]
    return Segment(incarnations, list(documents.values()), requests)
