"""Deciding a conflict: what writing one of its values means, and how the document would read then."""

import sqlite3
from contextlib import suppress
from dataclasses import replace
from typing import Any, TypeVar

import msgspec

from crdtsync.document.draft import references
from crdtsync.document.model import Document, schema_of
from crdtsync.document.schema import DocumentSchema
from crdtsync.document.sources import Source
from crdtsync.errors import ValidationError
from crdtsync.store import query
from crdtsync.store.conflicts import Conflict
from crdtsync.store.documents import Documents

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


def typed(conflict: Conflict, schema: DocumentSchema | None) -> Conflict:
    """Return a conflict with its values as the class declares them."""
    if conflict.reason == "removal":
        return conflict
    values = tuple(replace(item, value=_value(conflict, item.raw, schema)) for item in conflict.values)
    return replace(conflict, values=values)


def _value(conflict: Conflict, raw: str, schema: DocumentSchema | None) -> Any:
    spec = None if schema is None else schema.fields.get(conflict.entities or conflict.field)
    if spec is not None and spec.entity is not None:
        spec = spec.entity.fields.get(conflict.field)
    if spec is not None and spec.codec is not None:
        with suppress(ValidationError):  # Another version of the class wrote it.
            return spec.codec.decode(raw)
    try:
        return msgspec.json.decode(raw)
    except msgspec.DecodeError:
        return raw  # A number beyond all bounds, which no replica of ours writes: it is shown as it is.


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
