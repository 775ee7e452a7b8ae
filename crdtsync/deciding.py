"""Deciding a conflict: what writing one of its values means, and how the document would read then."""

import sqlite3
from typing import TypeVar

from crdtsync.document.draft import references
from crdtsync.document.model import Document, schema_of
from crdtsync.document.sources import Source
from crdtsync.store import query
from crdtsync.store.documents import Documents
from crdtsync.store.query import Conflict

D = TypeVar("D", bound=Document)


def decide(source: Source, conflict: Conflict, keep: int) -> None:
    """Write what decides a conflict for one of its values.

    Raises:
        IndexError: the conflict has no such value.
        DocumentNotFoundError: the entity it is about was removed meanwhile.
    """
    chosen = conflict.values[keep]
    path = tuple(conflict.path.split("/"))
    if conflict.reason == "values":
        source.write(path, chosen.raw)
    elif chosen.is_removal:
        source.remove_entity(*path)
    else:
        source.restore_entity(*path)


def preview(
    connection: sqlite3.Connection, documents: Documents, cls: type[D], conflict: Conflict, keep: int
) -> D:
    """Return a document as it would read if a conflict were decided so. Raises as `decide` does."""
    draft = documents.draft(connection, conflict.document, schema_of(cls).kind)
    try:
        decide(draft, conflict, keep)
    finally:
        # It is a draft that nobody commits: closed, it can be read like any view.
        draft.close()
    return cls._bound(draft, query.info(connection, conflict.document, references(draft.base)))
