"""The kinds a replica knows: their stored schemas, their projection tables and their readable views."""

import datetime as dt
import enum
import sqlite3
from decimal import Decimal
from typing import Any

import msgspec

from crdtsync.document.model import Document, schema_of
from crdtsync.document.schema import DocumentSchema, Shape
from crdtsync.document.stored import schema_from_json, schema_to_json
from crdtsync.errors import SchemaError
from crdtsync.protocol.numbering import Series, check_series

SqlValue = str | int | float | None


class Kinds:
    """The schemas of one process: those of its document classes, and the stored ones of all other kinds.

    Belongs to the writer's thread, but for `schema`, which only reads.
    """

    def __init__(self) -> None:
        self._schemas: dict[str, DocumentSchema] = {}
        self._declared: set[str] = set()

    def schema(self, kind: str) -> DocumentSchema | None:
        """Return the schema of a kind, or None if nobody declared it on this replica."""
        return self._schemas.get(kind)

    def known(self) -> list[DocumentSchema]:
        """Return all schemas, by kind."""
        return [self._schemas[kind] for kind in sorted(self._schemas)]

    def load(self, connection: sqlite3.Connection) -> None:
        """Take in the stored schemas of kinds this process has no class for."""
        for kind, text in connection.execute("SELECT kind, schema FROM _kinds"):
            if kind not in self._declared:
                self._schemas[kind] = schema_from_json(text)

    def declare(self, connection: sqlite3.Connection, document_class: type[Document]) -> bool:
        """Store a class's schema; return whether projections of its kind must be made again.

        Raises:
            SchemaError: the class makes no sense, or its series collides with another kind's.
        """
        schema = schema_of(document_class)
        others = {item.series.name: item.series for item in self._schemas.values() if item.series}
        if schema.series is not None:
            check_series([*(others | {schema.series.name: schema.series}).values()])
            _declare_series(connection, schema.series)
        text = schema_to_json(schema)
        self._schemas[schema.kind] = schema
        self._declared.add(schema.kind)
        row = connection.execute("SELECT schema FROM _kinds WHERE kind = ?", (schema.kind,)).fetchone()
        if row is not None and row[0] == text:
            # What a process without the code of computed properties wrote lacks their values.
            return connection.execute(
                f"SELECT EXISTS (SELECT 1 FROM {table_of(schema.kind)} WHERE stale)"
            ).fetchone()[0] == 1
        connection.execute(
            "INSERT INTO _kinds (kind, schema) VALUES (?, ?) "
            "ON CONFLICT (kind) DO UPDATE SET schema = excluded.schema",
            (schema.kind, text),
        )
        _make_tables(connection, schema)
        connection.execute(f"UPDATE {table_of(schema.kind)} SET stale = 1")
        return True


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
        case int() | float():
            return value
        case Decimal():
            return float(value)
        case dt.datetime():
            return value.astimezone(dt.UTC).isoformat()
        case dt.date():
            return value.isoformat()
        case str():
            return str(value)
        case _:
            return msgspec.json.encode(value, enc_hook=str).decode()


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
    connection.execute(
        f"CREATE TABLE IF NOT EXISTS {table} (document INTEGER PRIMARY KEY, stale INTEGER NOT NULL DEFAULT 0, "
        "json TEXT NOT NULL)"
    )
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
        "(SELECT l.text FROM _ledger l WHERE l.document = d.id AND l.outcome = 'granted' ORDER BY l.idx LIMIT 1) "
        "AS number",
        "json_extract(p.json, '$._references[0]') AS reference",
    ]
    taken = {"id", "number", "reference", "changed_at", "conflicts"}
    for name, spec in schema.fields.items():
        column = f'"{name}_"' if name in taken else f'"{name}"'
        expression = f"json_extract(p.json, '$.{name}')"
        default = _default_literal(spec.default) if spec.shape is Shape.VALUE else None
        if default is not None:
            expression = f"coalesce({expression}, {default})"
        columns.append(f"{expression} AS {column}")
    columns.extend(f"json_extract(p.json, '$.{name}') AS \"{name}\"" for name in schema.computed)
    columns.append("strftime('%Y-%m-%dT%H:%M:%fZ', d.changed_ms / 1000.0, 'unixepoch') AS changed_at")
    columns.append("d.conflicts AS conflicts")
    connection.execute(f'DROP VIEW IF EXISTS "{schema.kind}"')
    connection.execute(
        f'CREATE VIEW "{schema.kind}" AS SELECT {", ".join(columns)} '
        f"FROM {table} p JOIN _documents d ON d.n = p.document"
    )


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

