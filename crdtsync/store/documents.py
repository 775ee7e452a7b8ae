"""Documents in the database: opening them, and making or applying changes, each in one transaction.

A `Documents` belongs to the writer's thread. It keeps some documents open; one that a failed transaction has
touched is thrown away, since a CRDT cannot roll back.
"""

import sqlite3
from collections import OrderedDict
from collections.abc import Iterable

from crdtsync.document.draft import REFERENCES, Draft
from crdtsync.document.live import LiveDocument
from crdtsync.environment import Environment, Outcome, Verdict
from crdtsync.errors import CrdtError, DocumentNotFoundError, UnknownKindError, ValidationError
from crdtsync.protocol.causality import (
    ChangeId,
    Frontier,
    advance,
    causes_of_next,
    pack_frontier,
    pack_version,
    unpack_frontier,
    unpack_version,
)
from crdtsync.protocol.ids import new_client_id
from crdtsync.protocol.segment import Change
from crdtsync.store import projections
from crdtsync.store.arrivals import (
    Arrival,
    DocumentRow,
    add_waiting,
    document_row,
    keep_waiting,
    refuse,
    stored_updates,
)
from crdtsync.store.clock import time_of
from crdtsync.store.kinds import Kinds, set_finished, table_of
from crdtsync.store.opened import (
    INSERT_CHANGE,
    Applied,
    MadeChange,
    OpenDocument,
    change_row,
    insert_change,
    is_as_seen,
    quarantine_document,
    row_of,
    take,
    written_by,
)
from crdtsync.store.past import updates_as_of

OPEN_DOCUMENTS_MAX = 512
"""About 42 kB each for a quote of ten lines."""

DELTA_BYTES_MAX = 32 * 1024 * 1024
"""Of one edit: with all that a segment holds beside it, it still fits into a file."""

DELTAS_PER_STATE = 32
"""How many changes are applied on top of a stored state before it is stored anew."""


class Documents:
    """The documents of one replica, for one process."""

    def __init__(self, kinds: Kinds, client: int, environment: Environment) -> None:
        self.kinds = kinds
        self.client = client
        self._clients = [client]
        """All that this process writes as. One is enough as long as nobody edits a past state of a document."""
        self._environment = environment
        self._open: OrderedDict[str, OpenDocument] = OrderedDict()
        self._touched_by_job: set[str] = set()
        self._touched_by_batch: set[str] = set()

    # Part of the workspace's part in the database's transactions.

    def job_begins(self) -> None:
        """See `database.Participant`."""
        self._touched_by_batch |= self._touched_by_job
        self._touched_by_job = set()

    def job_failed(self) -> None:
        """See `database.Participant`."""
        self._forget(self._touched_by_job)
        self._touched_by_job = set()

    def batch_failed(self) -> None:
        """See `database.Participant`."""
        self._forget(self._touched_by_job | self._touched_by_batch)
        self._touched_by_job, self._touched_by_batch = set(), set()

    def batch_committed(self) -> None:
        """See `database.Participant`."""
        self._touched_by_job, self._touched_by_batch = set(), set()

    def close(self) -> None:
        """Free every open document."""
        self._forget(list(self._open))

    def forget_kind(self, kind: str) -> None:
        """Throw away open documents of a kind whose schema has changed."""
        self._forget([key for key, document in self._open.items() if document.kind == kind])

    def open(self, connection: sqlite3.Connection, document_id: str, *, keep: bool = True) -> OpenDocument:
        """Return a document as the database has it now.

        Args:
            connection: the writer's.
            document_id: which one.
            keep: whether it stays open; bulk work does not keep what it touches once.

        Raises:
            DocumentNotFoundError: it is not here.
            CrdtError: what is stored cannot be loaded.
        """
        document = self._open.get(document_id)
        if document is not None:
            row = connection.execute(
                "SELECT rev, shared FROM _documents WHERE n = ?", (document.n,)
            ).fetchone()
            if row is not None and row[0] == document.rev:
                document.shared = bool(row[1])
                self._open.move_to_end(document_id)
                return document
            self._forget([document_id])
        document = self._load(connection, document_id)
        if keep:
            self._keep(document)
        return document

    def draft(
        self,
        connection: sqlite3.Connection,
        document_id: str,
        kind: str,
        *,
        seen: Frontier | None = None,
        including_own: bool = False,
    ) -> Draft:
        """Start an edit of a document as it is now, or as it was when its author saw it.

        Args:
            connection: the writer's.
            document_id: which one.
            kind: what it must be.
            seen: the state its author saw; None for the present one.
            including_own: whether he has seen, beside that, all that he wrote himself on this replica.
                Of texts that is what builds on nothing else that he has not seen.

        Raises:
            DocumentNotFoundError: it is not here, or of another kind.
            UnknownKindError: this replica has no schema for it.
            UnknownVersionError: what was seen is no state of it that is known here.
        """
        document = self.open(connection, document_id)
        if not document.rev:
            raise DocumentNotFoundError(f"of {document_id} nothing is here but changes that wait for others")
        if kind and document.kind != kind:
            raise DocumentNotFoundError(f"{document_id} is a {document.kind}, not a {kind}")
        schema = self.kinds.schema(document.kind)
        if schema is None:
            raise UnknownKindError(f"this replica has no schema for kind {document.kind!r}")
        if seen is None or seen == document.frontier:
            return document.live.draft(schema, self._environment.random_bytes)
        own = self._own_clients(connection) if including_own else frozenset()
        updates = updates_as_of(connection, document.n, seen, own)
        if updates is None:
            return document.live.draft(schema, self._environment.random_bytes)
        past = LiveDocument(self.client, schema, updates)
        try:
            also_seen = written_by(own, document)
            draft = past.draft(schema, self._environment.random_bytes, also_seen=also_seen)
        finally:
            past.close()
        draft.is_past = True
        return draft

    def _own_clients(self, connection: sqlite3.Connection) -> frozenset[int]:
        """Return the clients that the author of this process has written as on this replica."""
        rows = connection.execute(
            "SELECT other.client FROM _incarnations own JOIN _incarnations other "
            "ON other.replica = own.replica AND other.author = own.author WHERE own.client = ?",
            (self.client,),
        )
        return frozenset(client for (client,) in rows)

    def new_draft(self, kind: str) -> Draft:
        """Start an edit of a document that does not exist yet.

        Raises:
            UnknownKindError: this replica has no schema for the kind.
        """
        schema = self.kinds.schema(kind)
        if schema is None:
            raise UnknownKindError(f"this replica has no schema for kind {kind!r}")
        live = LiveDocument(self.client, schema)
        try:
            return live.draft(schema, self._environment.random_bytes)
        finally:
            live.close()

    def commit(
        self,
        connection: sqlite3.Connection,
        document_id: str,
        draft: Draft,
        *,
        label: str,
        is_new: bool,
        shared: bool,
    ) -> MadeChange | None:
        """Write an edit; None when it changes nothing. Must run inside a transaction.

        Raises:
            DocumentNotFoundError: the document is gone.
            ValidationError: a new document has an id that is taken by one of another kind, or the edit is too large.
            CrdtError: the CRDT failed; nothing is written.
        """
        now_ms = time_of(self._environment)
        kind = draft.schema.kind
        created = False
        try:
            document = self.open(connection, document_id)
        except DocumentNotFoundError:
            if not is_new:
                raise
            document = self._create(connection, document_id, kind, now_ms, shared=shared)
            created = True
        if document.kind != kind:
            raise ValidationError(f"{document_id} is a {document.kind}, not a {kind}")
        self._touched_by_job.add(document_id)
        if draft.is_past and document.live.hides(draft, document.live.client):
            document = self._reopen(connection, document, draft)
        client, seen = document.live.client, document.frontier
        written = document.live.write(draft, now_ms)
        if written is None and not created:
            return None
        if written is None:
            raise ValidationError("a new document has nothing in it", hint="Set at least one field")
        if len(written.delta) > DELTA_BYTES_MAX:
            raise ValidationError(
                f"one edit holds at most {DELTA_BYTES_MAX} bytes, not {len(written.delta)}",
                hint="Make several edits of it",
            )
        sequence = document.version.get(client, 0) + 1
        change_id = ChangeId(client, sequence)
        causes = causes_of_next(document.frontier, client)
        document.frontier = advance(document.version, document.frontier, change_id, causes)
        change = insert_change(
            connection, document.n, Change(client, sequence, now_ms, causes, label, written.delta)
        )
        document.deltas += 1
        self._save(connection, document, change, now_ms)
        if any(path[0] == REFERENCES for path in draft.writes.values):
            self._save_aliases(connection, document)
        if document.shared:
            connection.execute("INSERT INTO _outbox (remote, change) SELECT n, ? FROM _remotes", (change,))
        return MadeChange(document_id, document.n, change, change_id, created, seen, document.frontier)

    def apply(self, connection: sqlite3.Connection, arrival: Arrival, verdict: Verdict | None) -> Applied:
        """Apply changes of one document that came from elsewhere and were examined, as far as their causes are here.

        What cannot be applied yet waits in the database; what is bad goes to the quarantine. Must run inside a
        transaction.

        Args:
            connection: the writer's.
            arrival: what came.
            verdict: what was found of it; None where nothing of it is ready.
        """
        result = Applied()
        now_ms = time_of(self._environment)
        incoming = arrival.incoming
        if not is_as_seen(connection, arrival):
            # Examined on another state than there is now: nothing is known of what it does on this one.
            result.again.append(incoming)
            return result
        if verdict is not None and verdict.unreadable:
            # What is stored of it cannot be read: its changes wait, and everything else goes on.
            quarantine_document(connection, incoming.document, verdict.unreadable, now_ms)
            keys = {ChangeId(item.client, item.sequence): item for item in incoming.changes}
            add_waiting(connection, incoming, keys, arrival.carried)
            result.waiting = len(keys)
            return result
        if verdict is not None and verdict.refused:
            refused = [arrival.ready[index] for index in verdict.refused]
            for change, reason in zip(refused, verdict.refused.values(), strict=True):
                refuse(connection, incoming.document, change, reason, now_ms)
            result.refused = len(refused)
            if not verdict.is_settled:
                result.again.append(incoming)
                return result
            arrival.leave_out(refused)
        result.refused += arrival.poisonous
        result.known = arrival.known
        if not self._receive(connection, arrival, now_ms):
            result.refused = len(incoming.changes)
            return result
        if arrival.ready:
            outcome = verdict.outcome if verdict is not None and not verdict.refused else None
            result.applied = self._apply_ready(connection, arrival, outcome, now_ms)
            result.refused += len(arrival.ready) - result.applied
            result.touched.add(incoming.document)
        keep_waiting(connection, arrival)
        result.waiting = len(arrival.waiting)
        return result

    def reproject(self, connection: sqlite3.Connection, kind: str, count: int, after: int = 0) -> int | None:
        """Make the stale or missing projections of a kind again, `count` documents at most.

        Returns:
            The last document it came to, for the next call to go on after; None when there are no more.
        """
        rows = connection.execute(
            f"SELECT d.n, d.id FROM _documents d LEFT JOIN {table_of(kind)} p ON p.document = d.n "
            "WHERE d.kind = ? AND d.n > ? AND d.rev > 0 AND (p.document IS NULL OR p.stale) ORDER BY d.n LIMIT ?",
            (kind, after, count),
        ).fetchall()
        for _, document_id in rows:
            try:
                document = self.open(connection, document_id, keep=False)
            except CrdtError as error:
                # What is stored of it cannot be read: the others must not wait for it.
                quarantine_document(connection, document_id, error.message, time_of(self._environment))
                continue
            self._touched_by_job.add(document_id)
            conflicts = projections.save(
                connection, document.n, document.id, document.live, document.stored, is_fresh=False
            )
            connection.execute("UPDATE _documents SET conflicts = ? WHERE n = ?", (conflicts, document.n))
            if document_id not in self._open:
                document.live.close()
        if len(rows) == count:
            return int(rows[-1][0])
        set_finished(connection, kind)
        return None

    def share(self, connection: sqlite3.Connection, n: int) -> None:
        """Publish a document from now on, with all its changes so far."""
        if connection.execute("UPDATE _documents SET shared = 1 WHERE n = ? AND NOT shared", (n,)).rowcount:
            connection.execute(
                "INSERT OR IGNORE INTO _outbox (remote, change) "
                "SELECT r.n, c.n FROM _remotes r, _changes c WHERE c.document = ?",
                (n,),
            )

    def _apply_ready(
        self, connection: sqlite3.Connection, arrival: Arrival, outcome: Outcome | None, now_ms: int
    ) -> int:
        """Apply changes that were examined, all at once and in order; return how many were applied."""
        document = self._open_arrived(connection, arrival, outcome)
        self._touched_by_job.add(document.id)
        ready = arrival.ready
        try:
            take(document.live, [change.delta for change in ready])
        except CrdtError as error:
            # It was examined on this very state in the same way, so that this does not happen; if it does, the
            # changes are to blame, and not the other documents.
            document.live.close()
            self._open.pop(document.id, None)
            for change in ready:
                refuse(connection, document.id, change, error.message, now_ms)
            return 0
        document.version, document.frontier = arrival.after
        connection.executemany(
            INSERT_CHANGE,
            [
                change_row(document.n, item, arrival.carried[ChangeId(item.client, item.sequence)])
                for item in ready
            ],
        )
        last = int(connection.execute("SELECT last_insert_rowid()").fetchone()[0])
        document.deltas += len(ready)
        self._save(connection, document, last, max(change.at_ms for change in ready))
        if any(REFERENCES.encode() in change.delta for change in ready):
            self._save_aliases(connection, document)
        if document.id not in self._open:
            document.live.close()
        return len(ready)

    def _save(self, connection: sqlite3.Connection, document: OpenDocument, change: int, at_ms: int) -> None:
        if document.deltas >= DELTAS_PER_STATE:
            connection.execute(
                "INSERT OR REPLACE INTO _states (document, change, state) VALUES (?, ?, ?)",
                (document.n, change, document.live.state()),
            )
            document.deltas = 0
        conflicts = projections.save(connection, document.n, document.id, document.live, document.stored)
        document.rev += 1
        connection.execute(
            "UPDATE _documents SET rev = ?, changed_ms = max(changed_ms, ?), digest = ?, version = ?, frontier = ?, "
            "conflicts = ?, deltas = ? WHERE n = ?",
            (
                document.rev,
                at_ms,
                document.live.digest,
                pack_version(document.version),
                pack_frontier(document.frontier),
                conflicts,
                document.deltas,
                document.n,
            ),
        )

    def _save_aliases(self, connection: sqlite3.Connection, document: OpenDocument) -> None:
        connection.executemany(
            "INSERT OR IGNORE INTO _aliases (text, document) VALUES (?, ?)",
            [(text, document.n) for text in document.live.references()],
        )

    def _receive(self, connection: sqlite3.Connection, arrival: Arrival, now_ms: int) -> bool:
        """Make room for the document and see to its being shared; False if its kind is not what others say."""
        incoming, row = arrival.incoming, arrival.row
        if row is None:
            first = min((change.at_ms for change in incoming.changes), default=now_ms)
            document = self._create(
                connection, incoming.document, incoming.kind, first, shared=True, keep=False
            )
            arrival.row = row_of(document)
            document.live.close()
            return True
        if row.kind != incoming.kind:
            connection.execute(
                "INSERT OR IGNORE INTO _quarantine (at_ms, what, name, reason, waiting_helps) VALUES (?, ?, ?, ?, 0)",
                (
                    now_ms,
                    "change",
                    incoming.document,
                    f"it is a {row.kind} here and a {incoming.kind} elsewhere",
                ),
            )
            return False
        if not row.shared:
            self.share(connection, row.n)
        return True

    def _open_arrived(
        self, connection: sqlite3.Connection, arrival: Arrival, outcome: Outcome | None
    ) -> OpenDocument:
        """Return the document that changes are for, kept open only if it was.

        Nobody else needs its CRDT: where it is known what the changes make of it, that is not opened.
        """
        row = arrival.row
        assert row is not None
        if arrival.incoming.document in self._open:
            document = self.open(connection, arrival.incoming.document)
            document.shared = True
            return document
        return self._opened(
            arrival.incoming.document, row._replace(shared=1), arrival.updates, outcome=outcome
        )

    def _create(
        self,
        connection: sqlite3.Connection,
        document_id: str,
        kind: str,
        now_ms: int,
        *,
        shared: bool,
        keep: bool = True,
    ) -> OpenDocument:
        live = LiveDocument(self.client, self.kinds.projected(kind))
        cursor = connection.execute(
            "INSERT INTO _documents (id, kind, shared, created_ms, changed_ms, digest, version, frontier) "
            "VALUES (?, ?, ?, ?, 0, ?, ?, ?)",
            (document_id, kind, int(shared), now_ms, live.digest, pack_version({}), pack_frontier(())),
        )
        assert cursor.lastrowid is not None
        stored = projections.Stored(words="", conflicts=[])
        document = OpenDocument(cursor.lastrowid, document_id, kind, 0, shared, {}, (), 0, live, stored)
        self._touched_by_job.add(document_id)
        if keep:
            self._keep(document)
        return document

    def _load(
        self, connection: sqlite3.Connection, document_id: str, *, client: int | None = None
    ) -> OpenDocument:
        row = document_row(connection, document_id)
        if row is None:
            raise DocumentNotFoundError(f"there is no document {document_id}")
        return self._opened(document_id, row, stored_updates(connection, row.n), client=client)

    def _opened(
        self,
        document_id: str,
        row: DocumentRow,
        updates: list[bytes],
        *,
        client: int | None = None,
        outcome: Outcome | None = None,
    ) -> OpenDocument:
        schema = self.kinds.projected(row.kind)
        return OpenDocument(
            row.n,
            document_id,
            row.kind,
            row.rev,
            bool(row.shared),
            unpack_version(row.version),
            unpack_frontier(row.frontier),
            row.deltas,
            LiveDocument(client or self.client, schema, updates, digest=row.digest, outcome=outcome),
            projections.Stored(conflicts=None if row.conflicts else []),
        )

    def _reopen(self, connection: sqlite3.Connection, document: OpenDocument, draft: Draft) -> OpenDocument:
        """Open a document so that the edit is written by a client that takes the place of nothing unseen.

        That is as if another process had made the edit, in which two people of one machine would be anyway.
        """
        client = next((known for known in self._clients if not document.live.hides(draft, known)), None)
        if client is None:
            client = new_client_id(self._environment.random_bytes)
            self._clients.append(client)
        # Each time, since the transaction that brought it into the table may have failed.
        connection.execute(
            "INSERT OR IGNORE INTO _incarnations (client, replica, name, author) "
            "SELECT ?, replica, name, author FROM _incarnations WHERE client = ?",
            (client, self.client),
        )
        self._forget([document.id])
        reopened = self._load(connection, document.id, client=client)
        self._keep(reopened)
        return reopened

    def _keep(self, document: OpenDocument) -> None:
        self._open[document.id] = document
        while len(self._open) > OPEN_DOCUMENTS_MAX:
            _, oldest = self._open.popitem(last=False)
            oldest.live.close()

    def _forget(self, document_ids: Iterable[str]) -> None:
        for document_id in document_ids:
            document = self._open.pop(document_id, None)
            if document is not None:
                document.live.close()
