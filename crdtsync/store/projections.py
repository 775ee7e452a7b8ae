"""Writing projections: the queryable JSON of a document, its indexed columns, its words, its conflicts."""

import logging
import sqlite3
from dataclasses import dataclass
from typing import Any

import msgspec

from crdtsync.document.live import LiveDocument
from crdtsync.document.model import DocumentInfo
from crdtsync.document.registers import Cell
from crdtsync.document.schema import DocumentSchema
from crdtsync.document.winners import RawConflict
from crdtsync.errors import ValidationError
from crdtsync.store.kinds import SqlValue, column_of, sql_value, table_of

_LOG = logging.getLogger("crdtsync.store")
_JSON = msgspec.json.Encoder()
_CELLS = msgspec.json.Decoder(list[tuple[int, int, str]])


@dataclass(slots=True)
class Stored:
    """What the database holds of a document's projection, so that only what differs is written."""

    indexed: tuple[SqlValue, ...] | None = None
    words: str | None = None
    conflicts: list[RawConflict] | None = None


def save(
    connection: sqlite3.Connection,
    n: int,
    document_id: str,
    live: LiveDocument,
    stored: Stored,
    *,
    is_fresh: bool = True,
) -> int:
    """Write what changed of a document's projection, and return how many conflicts it lists.

    Args:
        connection: in a transaction.
        n: the document's row.
        document_id: its id.
        live: the open document.
        stored: what is known to be in the database.
        is_fresh: False writes everything, also what the document's last changes did not touch.
    """
    schema = live.schema
    if schema is None:
        return 0
    if is_fresh and live.is_examined and not schema.computed:
        _resume(connection, n, live, schema, stored)
    names = {path[0] for path in live.take_touched()} if is_fresh else set(schema.fields)
    computed, typed, stale = _computed(live, schema, document_id)
    json = live.project(computed)
    if not _update_json(connection, n, json, schema, names):
        if is_fresh and stored.indexed is None and _is_stale(connection, n, schema):
            names = set(schema.fields)  # Made by another schema: its words are those of other fields.
        _write_row(connection, n, json, schema, tuple(_indexed(schema, live.fields(), typed)), stale, stored)
    if any(_is_searched(schema, name) for name in names):
        _save_words(connection, n, live.search_text(), stored)
    return _save_conflicts(connection, n, live.conflicts(), stored)


def _resume(
    connection: sqlite3.Connection, n: int, live: LiveDocument, schema: DocumentSchema, stored: Stored
) -> None:
    """Let what the last changes did not touch be taken from what is stored."""
    row = connection.execute(
        f"SELECT json FROM {table_of(schema.kind)} WHERE document = ? AND NOT stale", (n,)
    ).fetchone()
    if row is None:
        return
    if stored.conflicts is None:
        stored.conflicts = _load_conflicts(connection, n)
    live.resume(row[0], stored.conflicts)


def _load_conflicts(connection: sqlite3.Connection, n: int) -> list[RawConflict]:
    rows = connection.execute(
        "SELECT path, reason, policy, cells, shown FROM _conflicts WHERE document = ? ORDER BY ordinal", (n,)
    )
    return [
        RawConflict(
            tuple(path.split("/")), reason, policy, tuple(map(Cell._make, _CELLS.decode(cells))), shown
        )
        for path, reason, policy, cells, shown in rows
    ]


def _update_json(
    connection: sqlite3.Connection, n: int, json: str, schema: DocumentSchema, names: set[str]
) -> bool:
    """Replace the JSON alone, if no indexed value can have changed and the row is whole."""
    if schema.computed or any(name in schema.fields and schema.fields[name].indexed for name in names):
        return False
    cursor = connection.execute(
        f"UPDATE {table_of(schema.kind)} SET json = ? WHERE document = ? AND NOT stale", (json, n)
    )
    return cursor.rowcount == 1


def _is_stale(connection: sqlite3.Connection, n: int, schema: DocumentSchema) -> bool:
    row = connection.execute(f"SELECT stale FROM {table_of(schema.kind)} WHERE document = ?", (n,)).fetchone()
    return row is not None and bool(row[0])


def _write_row(
    connection: sqlite3.Connection,
    n: int,
    json: str,
    schema: DocumentSchema,
    indexed: tuple[SqlValue, ...],
    stale: int,
    stored: Stored,
) -> None:
    table = table_of(schema.kind)
    if stored.indexed is not None and stored.indexed == indexed:
        connection.execute(f"UPDATE {table} SET json = ?, stale = ? WHERE document = ?", (json, stale, n))
        return
    columns = "".join(f", {column_of(name)}" for name in schema.indexed)
    connection.execute(
        f"INSERT OR REPLACE INTO {table} (document, stale, json{columns}) VALUES (?, ?, ?{', ?' * len(indexed)})",
        (n, stale, json, *indexed),
    )
    stored.indexed = indexed


def _is_searched(schema: DocumentSchema, name: str) -> bool:
    spec = schema.fields.get(name)
    if spec is None:
        return False
    return spec.searchable or (
        spec.entity is not None and any(f.searchable for f in spec.entity.fields.values())
    )


def _computed(
    live: LiveDocument, schema: DocumentSchema, document_id: str
) -> tuple[dict[str, str], dict[str, Any], int]:
    """Return the computed values as JSON text and typed, and whether they are missing for want of code."""
    if not schema.computed:
        return {}, {}, 0
    if not all(hasattr(schema.document_class, name) for name in schema.computed):
        return {}, {}, 1
    # From the registers: rendering the projection to read it back would do most of the work twice.
    document = schema.document_class._bound(  # noqa: SLF001
        live.reader(schema), DocumentInfo(document_id, schema.kind)
    )
    texts: dict[str, str] = {}
    typed: dict[str, Any] = {}
    for name, spec in schema.computed.items():
        try:
            typed[name] = getattr(document, name)
            texts[name] = spec.codec.encode(typed[name])
        except Exception as error:  # noqa: BLE001 - the application's code; data is received all the same
            _LOG.warning("computed property failed: %s.%s of %s: %r", schema.kind, name, document_id, error)
            typed[name] = None
    return texts, typed, 0


def _indexed(schema: DocumentSchema, fields: dict[str, str], typed: dict[str, Any]) -> list[SqlValue]:
    values: list[SqlValue] = []
    for name in schema.indexed:
        if name in schema.computed:
            values.append(sql_value(typed.get(name)))
            continue
        spec = schema.fields[name]
        raw = fields.get(name)
        try:
            values.append(sql_value(spec.default if raw is None else spec.value_codec().decode(raw)))
        except ValidationError:
            values.append(None)  # Another version of the schema wrote it; it is kept and cannot be compared.
    return values


def _save_words(connection: sqlite3.Connection, n: int, words: str, stored: Stored) -> None:
    if stored.words is None:
        row = connection.execute("SELECT words FROM _search WHERE rowid = ?", (n,)).fetchone()
        stored.words = row[0] if row else ""
    if stored.words == words:
        return
    if stored.words:
        connection.execute("DELETE FROM _search WHERE rowid = ?", (n,))
    if words:
        connection.execute("INSERT INTO _search (rowid, words) VALUES (?, ?)", (n, words))
    stored.words = words


def _save_conflicts(
    connection: sqlite3.Connection, n: int, conflicts: list[RawConflict], stored: Stored
) -> int:
    if stored.conflicts == conflicts:
        return len(conflicts)
    if stored.conflicts is None or stored.conflicts:
        connection.execute("DELETE FROM _conflicts WHERE document = ?", (n,))
    connection.executemany(
        "INSERT INTO _conflicts (document, ordinal, path, reason, policy, cells, shown) VALUES (?, ?, ?, ?, ?, ?, ?)",
        [
            (
                n,
                i,
                "/".join(item.path),
                item.reason,
                item.policy,
                _JSON.encode(item.cells).decode(),
                item.shown,
            )
            for i, item in enumerate(conflicts)
        ],
    )
    stored.conflicts = conflicts
    return len(conflicts)
