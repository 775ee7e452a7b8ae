"""The kinds a replica knows: their stored schemas, their projection tables and their readable views."""

import datetime as dt
import enum
import math
import sqlite3
from decimal import Decimal
from typing import Any

import msgspec

from crdtsync.document.model import Document, schema_of
from crdtsync.document.schema import DocumentSchema, Shape
from crdtsync.document.stored import class_to_json, schema_from_json
from crdtsync.errors import SchemaError, ValidationError
from crdtsync.protocol.numbering import Series, check_series

SqlValue = str | int | float | None

_UNFINISHED = "projections of "
"""Begins the key of `_meta` that says that not all documents of a kind are projected."""


class Kinds:
    """The schemas of one process: those of its document classes, and the stored ones of all other kinds.

    What is stored may be newer or older than this process's class, when another process of this machine runs
    another version of the application. Then edits go by the class, and projections by what is stored, since
    tables and views are made for that.

    Belongs to the writer's thread, but for `schema`, which only reads.
    """

    def __init__(self) -> None:
        self._own: dict[str, DocumentSchema] = {}
        self._stored: dict[str, DocumentSchema] = {}
        self._texts: dict[str, str] = {}
        self._generated: set[Any] = set()
        self._seen_version = -1

    def schema(self, kind: str) -> DocumentSchema | None:
        """Return the schema by which this process edits a kind, or None if nobody declared it here."""
        return self._own.get(kind) or self._stored.get(kind)

    def projected(self, kind: str) -> DocumentSchema | None:
        """Return the schema by which a kind is projected, or None if nobody declared it on this replica."""
        return self._stored.get(kind)

    def known(self) -> list[DocumentSchema]:
        """Return all schemas, by kind."""
        return [schema for kind in sorted(self._stored) if (schema := self.schema(kind)) is not None]

    def forget(self) -> None:
        """Read the stored schemas again when they are next needed: a transaction was rolled back."""
        self._seen_version = -1

    def refresh(self, connection: sqlite3.Connection) -> set[str]:
        """Take in what other processes have declared since; return the kinds whose projections have changed.

        Raises:
            SchemaError: a newer version of crdtsync has stored a schema.
        """
        # Whoever declares a kind makes a view, and with it SQLite's own count of schema changes goes up.
        (version,) = connection.execute("PRAGMA schema_version").fetchone()
        if version == self._seen_version:
            return set()
        changed = set()
        texts = dict(connection.execute("SELECT kind, schema FROM _kinds"))
        for kind in texts.keys() | self._texts.keys():
            text = texts.get(kind)
            if self._texts.get(kind) == text:
                continue
            changed.add(kind)
            if text is None:
                del self._texts[kind], self._stored[kind]
            else:
                self._take(kind, text)
        self._seen_version = version
        return changed

    def take_declared(self, connection: sqlite3.Connection, document_class: type[Document]) -> bool:
        """Use a class that the database holds just so, with nothing left to do; whether it does."""
        schema = schema_of(document_class)
        text = class_to_json(document_class)
        row = connection.execute("SELECT schema FROM _kinds WHERE kind = ?", (schema.kind,)).fetchone()
        if row is None or row[0] != text or document_class in self._generated:
            return False
        if is_unfinished(connection, schema.kind) or has_stale(connection, schema.kind):
            return False
        self._own[schema.kind] = schema
        self._take(schema.kind, text)
        return True

    def declare(self, connection: sqlite3.Connection, document_class: type[Document]) -> bool:
        """Store a class's schema; return whether projections of its kind must be made again.

        Raises:
            SchemaError: the class makes no sense, or its series collides with another kind's.
        """
        schema = schema_of(document_class)
        if document_class in self._generated:
            return False  # It was made of what is stored, and has no code to add.
        if schema.series is not None:
            # What counts is how they print now, which a setting may have changed since they were declared.
            rows = connection.execute("SELECT name, pattern, start FROM _series").fetchall()
            check_series(
                ({schema.series.name: schema.series} | {row[0]: Series(*row) for row in rows}).values()
            )
            _declare_series(connection, schema.series)
        text = class_to_json(document_class)
        self._own[schema.kind] = schema
        row = connection.execute("SELECT schema FROM _kinds WHERE kind = ?", (schema.kind,)).fetchone()
        if row is None or row[0] != text:
            connection.execute(
                "INSERT INTO _kinds (kind, schema) VALUES (?, ?) "
                "ON CONFLICT (kind) DO UPDATE SET schema = excluded.schema",
                (schema.kind, text),
            )
            _make_tables(connection, schema)
            _set_unfinished(connection, schema.kind)
        self._take(schema.kind, text)
        return is_unfinished(connection, schema.kind) or has_stale(connection, schema.kind)

    def _take(self, kind: str, text: str) -> None:
        own = self._own.get(kind)
        if own is not None and class_to_json(own.document_class) == text:
            self._stored[kind] = own
        else:
            self._stored[kind] = schema_from_json(text)
            self._generated.add(self._stored[kind].document_class)
        self._texts[kind] = text


def has_stale(connection: sqlite3.Connection, kind: str) -> bool:
    """Whether a process without the code of computed properties has written documents of a kind."""
    found = connection.execute(f"SELECT EXISTS (SELECT 1 FROM {table_of(kind)} WHERE stale)").fetchone()
    return bool(found[0])


def is_unfinished(connection: sqlite3.Connection, kind: str) -> bool:
    """Whether the projections of a kind are still being made for its newest schema."""
    found = connection.execute("SELECT 1 FROM _meta WHERE key = ?", (_UNFINISHED + kind,)).fetchone()
    return found is not None


def set_finished(connection: sqlite3.Connection, kind: str) -> None:
    """Remember that all projections of a kind are made."""
    connection.execute("DELETE FROM _meta WHERE key = ?", (_UNFINISHED + kind,))


def _set_unfinished(connection: sqlite3.Connection, kind: str) -> None:
    connection.execute(f"UPDATE {table_of(kind)} SET stale = 1")
    connection.execute("INSERT OR REPLACE INTO _meta (key, value) VALUES (?, 1)", (_UNFINISHED + kind,))


def table_of(kind: str) -> str:
    """Return the name of a kind's projection table."""
    return f"_of_{kind}"


def column_of(name: str) -> str:
    """Return the name of an indexed field's column."""
    return f"f_{name}"


def sql_value(value: Any) -> SqlValue:
    """Return what a typed value is filtered and sorted by: dates as ISO text, decimals as numbers."""
    match value:
        case None:
            return None
        case enum.Enum():
            return sql_value(value.value)
        case bool():
            return int(value)
        case int() if not -(1 << 63) <= value < 1 << 63:
            return (
                math.inf if value > 0 else -math.inf
            )  # More than SQLite counts to: beyond all that is stored.
        case int() | float():
            return value
        case Decimal():
            return None if value.is_nan() else float(value)
        case dt.datetime():
            try:
                return value.astimezone(dt.UTC).isoformat()
            except OverflowError:  # At the edge of the calendar the zone would lead beyond it.
                return value.replace(tzinfo=dt.UTC).isoformat()
        case dt.date():
            return value.isoformat()
        case str():
            return str(value)
        case _:
            return msgspec.json.encode(value, enc_hook=str).decode()


def typed_value(schema: DocumentSchema, name: str, stored: SqlValue) -> Any:
    """Return the value of an indexed name that is stored so; a decimal as far as floating point can tell it."""
    computed = schema.computed.get(name)
    codec = schema.fields[name].value_codec() if computed is None else computed.codec
    if stored is None:
        return None
    # A text may be one in JSON too, truth is stored as a number, and so are decimals, which JSON has as texts.
    for raw in (msgspec.json.encode(stored), msgspec.json.encode(str(stored)), str(stored), _truth(stored)):
        try:
            value = codec.decode(raw)
        except ValidationError:
            continue
        if sql_value(value) == stored:
            return value
    return stored


def _truth(stored: SqlValue) -> str:
    return "true" if stored else "false"


def queryable(schema: DocumentSchema, name: str) -> bool:
    """Whether queries may filter and sort by this name."""
    return name in schema.indexed


def annotation_of(schema: DocumentSchema, name: str) -> Any:
    """Return the declared type of an indexed field or a computed property.

    Raises:
        SchemaError: it has no index.
    """
    if name in schema.computed:
        return schema.computed[name].annotation
    spec = schema.fields.get(name)
    if spec is None or not spec.indexed:
        hint = f"Declare it with field(indexed=True); indexed are: {', '.join(schema.indexed) or 'none'}"
        raise SchemaError(f"{schema.kind} has no indexed field {name!r}", hint=hint)
    return spec.annotation


def _declare_series(connection: sqlite3.Connection, series: Series) -> None:
    connection.execute(
        "INSERT INTO _series (name, pattern, start) VALUES (?, ?, ?) ON CONFLICT (name) DO NOTHING",
        (series.name, series.pattern, series.start),
    )


def _make_tables(connection: sqlite3.Connection, schema: DocumentSchema) -> None:
    table = table_of(schema.kind)
    # What is filtered by comes before the JSON: what follows that is read only by way of all its pages.
    first = "".join(f"{column_of(name)}, " for name in schema.indexed)
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {table} (document INTEGER PRIMARY KEY, stale INTEGER NOT NULL DEFAULT 0, "
        f"{first}json TEXT NOT NULL)"
    )
    connection.execute(f"CREATE INDEX IF NOT EXISTS {table}_stale ON {table} (document) WHERE stale")
    columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table})")}
    for name in schema.indexed:
        column = column_of(name)
        if column not in columns:
            connection.execute(f"ALTER TABLE {table} ADD COLUMN {column}")
        connection.execute(f"CREATE INDEX IF NOT EXISTS {table}_{column} ON {table} ({column}, document)")
    for column in columns - {"document", "stale", "json"} - {column_of(name) for name in schema.indexed}:
        connection.execute(f"DROP INDEX IF EXISTS {table}_{column}")
        connection.execute(f"ALTER TABLE {table} DROP COLUMN {column}")
    _make_view(connection, schema, table)


def _make_view(connection: sqlite3.Connection, schema: DocumentSchema, table: str) -> None:
    """Make the view any SQLite tool can read: one row a document, one column a field."""
    columns = [
        "d.id AS id",
        (
            "(SELECT l.text FROM _ledger l WHERE l.document = d.id AND l.outcome = 'granted' "
            "ORDER BY l.idx LIMIT 1) AS number"
        ),
        "json_extract(p.json, '$._references[0]') AS reference",
    ]
    taken = {"id", "number", "reference", "changed_at", "conflicts"}
    for name, spec in schema.fields.items():
        column = _view_column(name, taken)
        expression = f"json_extract(p.json, '$.{name}')"
        default = _default_literal(spec.default) if spec.shape is Shape.VALUE else None
        if default is not None:
            expression = f"coalesce({expression}, {default})"
        columns.append(f"{expression} AS {column}")
    columns.extend(
        f"json_extract(p.json, '$.{name}') AS {_view_column(name, taken)}" for name in schema.computed
    )
    columns.append("strftime('%Y-%m-%dT%H:%M:%fZ', d.changed_ms / 1000.0, 'unixepoch') AS changed_at")
    columns.append("d.conflicts AS conflicts")
    connection.execute(f'DROP VIEW IF EXISTS "{schema.kind}"')
    connection.execute(
        f'CREATE VIEW "{schema.kind}" AS SELECT {", ".join(columns)} '
        f"FROM {table} p JOIN _documents d ON d.n = p.document"
    )


def _view_column(name: str, taken: set[str]) -> str:
    return f'"{name}_"' if name in taken else f'"{name}"'


def _default_literal(default: Any) -> str | None:
    match default:
        case enum.Enum():
            return _default_literal(default.value)
        case bool():
            return str(int(default))
        case int():
            return str(default)
        case str() | Decimal() | dt.date():
            text = default.isoformat() if isinstance(default, dt.date) else str(default)
            return "'" + text.replace("'", "''") + "'"
        case _:
            return None
