"""Computed properties that raise: the library shows such a document without them, a test has to fail."""

import json
import sqlite3

from crdtsync.errors import CrdtSyncError
from crdtsync.replica import Replica
from crdtsync.store.kinds import table_of

FAILURES_SHOWN_MAX = 5


async def expect_computed(*replicas: Replica) -> None:
    """Look for computed properties that raised when a document was last stored.

    Raises:
        AssertionError: there are some; the message says of which documents, where, and what they raise.
    """
    lines = [line for replica in replicas for line in await _failures(replica)]
    if lines:
        hidden = len(lines) - FAILURES_SHOWN_MAX
        more = [f"  and {hidden} more"] if hidden > 0 else []
        raise AssertionError("\n".join(["computed properties raise:", *lines[:FAILURES_SHOWN_MAX], *more]))


async def _failures(replica: Replica) -> list[str]:
    wanted: dict[str, list[str]] = {}
    for kind in replica.kinds():
        schema = replica.schema(kind)
        # Of a class that is known by its stored declaration alone there is no code that could raise.
        names = [name for name in schema.computed if hasattr(schema.document_class, name)]
        if names:
            wanted[kind] = names

    def job(connection: sqlite3.Connection) -> list[tuple[str, str, str]]:
        return [
            (kind, document, name)
            for kind, names in wanted.items()
            if connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table_of(kind),)).fetchone()
            for document, shown in connection.execute(
                f"SELECT d.id, p.json FROM _documents d JOIN {table_of(kind)} p ON p.document = d.n "
                "WHERE NOT p.stale AND d.rev > 0 ORDER BY d.n"
            )
            for name in names
            if name not in json.loads(shown)
        ]

    found = await replica._workspace.database.read(job)  # noqa: SLF001 - the kit is of the library
    return [
        f"  {kind}.{name} of {document} at {replica.name}: {await _raised(replica, kind, document, name)}"
        for kind, document, name in found
    ]


async def _raised(replica: Replica, kind: str, document: str, name: str) -> str:
    try:
        view = await replica.get(replica.document_class(kind), document)
    except CrdtSyncError as error:
        return str(error)
    try:
        getattr(view, name)
    except Exception as error:  # noqa: BLE001 - the application's code
        return repr(error)
    return "it raised when the document was stored, and does not now: it depends on something beside the document"
