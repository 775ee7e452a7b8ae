"""Marks and requests: what people ask numbers for, here and on other replicas."""

import sqlite3
from collections.abc import Iterable
from typing import Final

from crdtsync.errors import DocumentNotFoundError, ValidationError
from crdtsync.protocol.ids import DocumentId, ReplicaId
from crdtsync.protocol.segment import NumberRequest
from crdtsync.store import numbers
from crdtsync.store.clock import bounded
from crdtsync.store.documents import Documents

CARRIED_BY: Final = (
    "SELECT CASE WHEN count(*) = count(c.segment) THEN coalesce("
    "max(CASE WHEN g.owner = (SELECT value FROM _meta WHERE key = 'replica') THEN g.n END), "
    "max(CASE WHEN g.owner NOT IN (SELECT replica FROM _peers WHERE coordinator) THEN g.n END), max(g.n)) END "
    "FROM _changes c LEFT JOIN _segments g ON g.n = c.segment WHERE c.document = {document}"
)
"""The segment with which what was written here of a document was sent; else the newest of others, the office's last.

The coordinator's own words come to it at once, and say nothing of what else was written.
"""

SERIAL_MAX = 2**52
"""Far beyond what a replica ever says about one document, and with room above it."""


def mark(
    connection: sqlite3.Connection, documents: Documents, replica: ReplicaId, document_id: str, now_ms: int
) -> bool:
    """Mark a document to be synced, and ask for its number if its kind has a series; False if it is marked.

    Raises:
        DocumentNotFoundError: it is not here.
    """
    n, kind, digest = _row(connection, document_id)
    marked = connection.execute("SELECT serial, marked_ms FROM _marks WHERE document = ?", (n,)).fetchone()
    if marked is not None and marked[1] is not None:
        return False
    serial = max(0 if marked is None else marked[0], _last_serial(connection, replica, document_id)) + 1
    documents.share(connection, n)
    schema = documents.kinds.schema(kind)
    # A request is sent after its mark, and goes with another segment than the document may have gone with.
    carried = "NULL" if schema is not None and schema.series is not None else CARRIED_BY.format(document=":n")
    connection.execute(
        f"INSERT OR REPLACE INTO _marks (document, serial, marked_ms, segment) "
        f"VALUES (:n, :serial, :now_ms, ({carried}))",
        {"n": n, "serial": serial, "now_ms": now_ms},
    )
    _ask(connection, documents, replica, document_id, kind, digest, serial, now_ms, withdrawn=False)
    return True


def withdraw(
    connection: sqlite3.Connection, documents: Documents, replica: ReplicaId, document_id: str, now_ms: int
) -> bool:
    """Take back a mark whose number has not been granted; False if there is none, or it has been.

    Raises:
        DocumentNotFoundError: it is not here.
    """
    n, kind, digest = _row(connection, document_id)
    marked = connection.execute(
        "SELECT serial, marked_ms, segment FROM _marks WHERE document = ?", (n,)
    ).fetchone()
    if marked is None or marked[1] is None or numbers.granted_number(connection, document_id) is not None:
        return False
    serial, _, segment = marked
    unsent = connection.execute(
        "SELECT NOT EXISTS (SELECT 1 FROM _changes WHERE document = ? AND segment IS NOT NULL)", (n,)
    ).fetchone()[0]
    if segment is None and unsent and not _goes_to_all(connection, documents, kind):
        # Nothing of it has left this machine: it is a draft again as if it had never been marked.
        connection.execute("UPDATE _documents SET shared = 0 WHERE n = ?", (n,))
        connection.execute(
            "DELETE FROM _outbox WHERE change IN (SELECT n FROM _changes WHERE document = ?)", (n,)
        )
        connection.execute("DELETE FROM _requests WHERE replica = ? AND document = ?", (replica, document_id))
        connection.execute("DELETE FROM _marks WHERE document = ?", (n,))
        return True
    connection.execute(
        "UPDATE _marks SET serial = ?, marked_ms = NULL, segment = NULL WHERE document = ?", (serial + 1, n)
    )
    _ask(connection, documents, replica, document_id, kind, digest, serial + 1, now_ms, withdrawn=True)
    return True


def receive_requests(
    connection: sqlite3.Connection, replica: ReplicaId, requests: Iterable[NumberRequest]
) -> None:
    """Take in what another replica asks for; of several words on one document its last one counts."""
    for request in requests:
        _save_request(connection, replica, request, sent=True)


def recall_requests(
    connection: sqlite3.Connection,
    documents: Documents,
    replica: ReplicaId,
    requests: Iterable[NumberRequest],
    segment: int,
    now_ms: int,
) -> None:
    """Take back in what this replica has asked for itself, and its restored database does not know.

    What was said here after the restore, and is not sent yet, is said again so that it is the last word.
    """
    for request in requests:
        if request.serial > SERIAL_MAX:
            continue  # We have never said so much: somebody writes in our name, and must not use up our numbers.
        row = connection.execute(
            "SELECT d.n, d.kind, d.digest, m.marked_ms, m.serial FROM _documents d "
            "LEFT JOIN _marks m ON m.document = d.n WHERE d.id = ?",
            (request.document,),
        ).fetchone()
        unsent = connection.execute(
            "SELECT withdrawn FROM _requests WHERE replica = ? AND document = ? AND series = ? AND NOT sent",
            (replica, request.document, request.series),
        ).fetchone()
        before = _last_serial(connection, replica, request.document)
        _save_request(connection, replica, request, sent=True)
        if row is None:
            continue
        n, kind, digest, _, mark_serial = row
        if unsent is not None and request.serial >= before:
            serial = request.serial + 1
            connection.execute("UPDATE _marks SET serial = ? WHERE document = ?", (serial, n))
            _ask(
                connection,
                documents,
                replica,
                request.document,
                kind,
                digest,
                serial,
                now_ms,
                withdrawn=bool(unsent[0]),
            )
        elif unsent is None and request.serial > (mark_serial or 0):
            connection.execute(
                "INSERT OR REPLACE INTO _marks (document, serial, marked_ms, segment) VALUES (?, ?, ?, ?)",
                (n, request.serial, *((None, None) if request.withdrawn else (request.at_ms, segment))),
            )


def _last_serial(connection: sqlite3.Connection, replica: ReplicaId, document_id: str) -> int:
    row = connection.execute(
        "SELECT max(serial) FROM _requests WHERE replica = ? AND document = ?", (replica, document_id)
    ).fetchone()
    return row[0] or 0


def _row(connection: sqlite3.Connection, document_id: str) -> tuple[int, str, bytes]:
    row = connection.execute(
        "SELECT n, kind, digest FROM _documents WHERE id = ? AND rev > 0", (document_id,)
    ).fetchone()
    if row is None:
        raise DocumentNotFoundError(f"there is no document {document_id}")
    return row[0], row[1], row[2]


def _goes_to_all(connection: sqlite3.Connection, documents: Documents, kind: str) -> bool:
    schema = documents.kinds.schema(kind)
    office = connection.execute("SELECT value = 'office' FROM _meta WHERE key = 'role'").fetchone()
    return bool(office and office[0]) or (schema is not None and schema.shared)


def _ask(
    connection: sqlite3.Connection,
    documents: Documents,
    replica: ReplicaId,
    document_id: str,
    kind: str,
    digest: bytes,
    serial: int,
    now_ms: int,
    *,
    withdrawn: bool,
) -> None:
    schema = documents.kinds.schema(kind)
    if schema is None or schema.series is None:
        return
    reference = connection.execute(
        "SELECT min(a.text) FROM _aliases a JOIN _documents d ON d.n = a.document WHERE d.id = ?",
        (document_id,),
    ).fetchone()[0]
    request = NumberRequest(
        document=DocumentId(document_id),
        kind=kind,
        series=schema.series.name,
        serial=serial,
        withdrawn=withdrawn,
        digest=digest,
        reference=reference or "",
        at_ms=bounded(now_ms),
    )
    _save_request(connection, replica, request, sent=False)


def _save_request(
    connection: sqlite3.Connection, replica: ReplicaId, request: NumberRequest, *, sent: bool
) -> None:
    if len(request.digest) != 16:
        raise ValidationError("the digest of a request has 16 bytes")
    connection.execute(
        "INSERT INTO _requests (replica, document, series, kind, serial, withdrawn, digest, reference, at_ms, sent) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (replica, series, document) DO UPDATE SET "
        "serial = excluded.serial, withdrawn = excluded.withdrawn, digest = excluded.digest, "
        "reference = excluded.reference, at_ms = excluded.at_ms, sent = excluded.sent "
        "WHERE excluded.serial > serial",
        (
            replica,
            request.document,
            request.series,
            request.kind,
            request.serial,
            int(request.withdrawn),
            request.digest,
            request.reference,
            request.at_ms,
            int(sent),
        ),
    )
