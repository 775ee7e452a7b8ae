"""Reading: views, lists, counts and search. Nothing here opens a CRDT."""

import sqlite3
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import msgspec

from crdtsync.document.model import DocumentInfo
from crdtsync.document.schema import DocumentSchema
from crdtsync.errors import DocumentNotFoundError, UsageError
from crdtsync.protocol.versions import version_text
from crdtsync.store.kinds import SqlValue, annotation_of, column_of, sql_value, table_of

PAGE_MAX = 10_000


SORTED_MAX = 1_000
"""How many documents are sorted for a page. Where a filter leaves more, they are met in the order of an index."""
SKIPPED_MAX = 1_000
"""From how many documents before a page on it is worth counting whether they have to be looked at."""


_NUMBER = (
    "(SELECT l.text FROM _ledger l WHERE l.document = d.id AND l.outcome = 'granted' ORDER BY l.idx LIMIT 1)"
)
_INFO_COLUMNS = (
    f"d.id, d.kind, {_NUMBER}, d.created_ms, d.changed_ms, d.digest, d.conflicts, d.frontier, p.json"
)
_BUILT_IN = {"changed": "d.changed_ms", "created": "d.created_ms"}

Row = tuple[DocumentInfo, str]
"""What is known of a document, and its projection."""


def find(connection: sqlite3.Connection, document_id: str, kind: str) -> Row:
    """Return one document of a kind.

    Raises:
        DocumentNotFoundError: it is not here, or of another kind.
    """
    row: tuple[str] | None = connection.execute(
        "SELECT kind FROM _documents WHERE id = ?", (document_id,)
    ).fetchone()
    found = None
    if row is not None and _has_table(connection, row[0]):
        found = connection.execute(
            f"SELECT {_INFO_COLUMNS} FROM _documents d JOIN {table_of(row[0])} p ON p.document = d.n WHERE d.id = ?",
            (document_id,),
        ).fetchone()
    if row is None or found is None:
        raise DocumentNotFoundError(f"there is no document {document_id}")
    if row[0] != kind:
        raise DocumentNotFoundError(f"{document_id} is a {row[0]}, not a {kind}")
    return _row(found)


def info(connection: sqlite3.Connection, document_id: str, references: Iterable[str]) -> DocumentInfo:
    """Return what is known of a document that is here beside its content; its open CRDT has the references."""
    row = connection.execute(
        f"SELECT d.kind, {_NUMBER}, d.created_ms, d.changed_ms, d.digest, d.conflicts, d.frontier "
        "FROM _documents d WHERE d.id = ?",
        (document_id,),
    ).fetchone()
    kind, number, created_ms, changed_ms, digest, conflict_count, frontier = row
    return DocumentInfo(
        document_id,
        kind,
        number,
        tuple(references),
        created_ms,
        changed_ms,
        digest,
        conflict_count,
        version_text(document_id, frontier),
    )


def exists(connection: sqlite3.Connection, document_id: str) -> bool:
    """Whether a document is here, readable or not. It is not while all of it waits for earlier changes."""
    found = connection.execute("SELECT 1 FROM _documents WHERE id = ? AND rev > 0", (document_id,))
    return found.fetchone() is not None


def exists_as(connection: sqlite3.Connection, document_id: str, kind: str) -> bool:
    """Whether a document is here as one of that kind and can be read."""
    if not _has_table(connection, kind):
        return False
    found = connection.execute(
        f"SELECT 1 FROM _documents d JOIN {table_of(kind)} p ON p.document = d.n WHERE d.id = ?",
        (document_id,),
    )
    return found.fetchone() is not None


def kind_of(connection: sqlite3.Connection, document_id: str) -> str:
    """Return the kind of a document.

    Raises:
        DocumentNotFoundError: it is not here.
    """
    row = connection.execute("SELECT kind FROM _documents WHERE id = ?", (document_id,)).fetchone()
    if row is None:
        raise DocumentNotFoundError(f"there is no document {document_id}")
    return str(row[0])


def select(
    connection: sqlite3.Connection,
    schema: DocumentSchema,
    *,
    where: Mapping[str, Any],
    search: str,
    order_by: str,
    limit: int,
    offset: int,
) -> list[Row]:
    """Return a page of documents of one kind."""
    if not _has_table(connection, schema.kind):
        return []
    condition, parameters = _condition(schema, where, search)
    table = table_of(schema.kind)
    chosen = _order(schema, order_by)
    is_walked = bool(condition) and _are_many(connection, table, condition, parameters, search)
    if not chosen.startswith("d."):
        walked = f"INDEXED BY {table}_{column_of(order_by.removeprefix('-'))}" if is_walked else ""
        found_in = f"SELECT p.document FROM {table} p {walked} {condition}"
    elif not condition and offset > SKIPPED_MAX and _all_can_be_read(connection, schema.kind):
        found_in = f"SELECT d.n FROM _documents d WHERE d.kind = '{schema.kind}'"
    elif is_walked and not where:
        # Only documents that can be read have words: what they hold need not be looked up to skip them.
        found_in = f"SELECT d.n FROM _documents d {condition.replace('p.document', 'd.n')} AND d.kind = '{schema.kind}'"
    elif is_walked or not condition:
        # In the order of an index of `_documents`: a CROSS JOIN makes SQLite begin there.
        found_in = f"SELECT d.n FROM _documents d CROSS JOIN {table} p ON p.document = d.n "
        found_in += f"WHERE d.kind = '{schema.kind}'" + condition.replace("WHERE", " AND", 1)
    else:
        found_in = f"SELECT d.n FROM {table} p JOIN _documents d ON d.n = p.document {condition}"
    # First which ones, then what they hold: what is sorted or skipped is not read.
    sql = f"{found_in} ORDER BY {chosen} LIMIT ? OFFSET ?"
    page = (_page(limit, offset), min(offset, 1 << 62))
    numbers = [row[0] for row in _searched(connection, sql, (*parameters, *page), search)]
    rows = connection.execute(
        f"SELECT d.n, {_INFO_COLUMNS} FROM _documents d JOIN {table} p ON p.document = d.n "
        "WHERE d.n IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(numbers).decode(),),
    )
    found = {n: _row(tuple(row)) for n, *row in rows}
    return [found[n] for n in numbers]


def _all_can_be_read(connection: sqlite3.Connection, kind: str) -> bool:
    """Whether no document of the kind waits for what it needs: then none has to be looked up to be skipped."""
    sql = f"SELECT (SELECT count(*) FROM _documents WHERE kind = ?) = (SELECT count(*) FROM {table_of(kind)})"
    return bool(connection.execute(sql, (kind,)).fetchone()[0])


def _are_many(
    connection: sqlite3.Connection, table: str, condition: str, parameters: tuple[Any, ...], search: str
) -> bool:
    """Whether so many documents fulfil a condition that it is better to meet them in order than to sort them all."""
    sql = f"SELECT count(*) FROM (SELECT 1 FROM {table} p {condition} LIMIT ?)"
    return int(_searched(connection, sql, (*parameters, SORTED_MAX + 1), search)[0][0]) > SORTED_MAX


def count(
    connection: sqlite3.Connection, schema: DocumentSchema, *, where: Mapping[str, Any], search: str
) -> int:
    """Return how many documents of one kind there are."""
    if not _has_table(connection, schema.kind):
        return 0
    condition, parameters = _condition(schema, where, search)
    sql = f"SELECT count(*) FROM {table_of(schema.kind)} p {condition}"
    if not where and parameters:
        # Found by words alone: only documents that can be read have any, and their rows are the shorter ones.
        sql = (
            "SELECT count(*) FROM _search s CROSS JOIN _documents d ON d.n = s.rowid "
            f"WHERE _search MATCH ? AND d.kind = '{schema.kind}'"
        )
    return int(_searched(connection, sql, parameters, search)[0][0])


def count_by(
    connection: sqlite3.Connection,
    schema: DocumentSchema,
    name: str,
    *,
    where: Mapping[str, Any],
    search: str,
) -> dict[SqlValue, int]:
    """Return how many documents of one kind there are by the value of an indexed name, as it is stored."""
    annotation_of(schema, name)
    if not _has_table(connection, schema.kind):
        return {}
    condition, parameters = _condition(schema, where, search)
    sql = f"SELECT p.{column_of(name)}, count(*) FROM {table_of(schema.kind)} p {condition} GROUP BY 1 ORDER BY 1"
    return dict(_searched(connection, sql, parameters, search))


def search_all(connection: sqlite3.Connection, words: str, limit: int) -> list[tuple[str, str]]:
    """Return (id, kind) of the documents of any kind in which all words are found, best first."""
    matching = match_query(words)
    if not matching:
        return []
    sql = (
        "SELECT d.id, d.kind FROM _search s JOIN _documents d ON d.n = s.rowid WHERE _search MATCH ? "
        "ORDER BY s.rank LIMIT ?"
    )
    return [(row[0], row[1]) for row in _searched(connection, sql, (matching, _page(limit)), words)]


def match_query(words: str) -> str:
    """Return the full-text query that finds the beginnings of all words; empty if there is no word in it."""
    parts = [part.replace('"', '""') for part in storable(words).replace("\0", " ").split()]
    return " ".join(f'"{part}"*' for part in parts if any(map(_is_searchable, part)))


def _is_searchable(character: str) -> bool:
    # What the tokenizer of `_search` takes for a part of a word.
    category = unicodedata.category(character)
    return category[0] in "LN" or category == "Co"


def storable(text: str) -> str:
    """Return the text without halves of characters, which SQLite does not take and no document holds."""
    return text.encode("utf-8", "ignore").decode()


def _condition(schema: DocumentSchema, where: Mapping[str, Any], search: str) -> tuple[str, tuple[Any, ...]]:
    parts: list[str] = []
    parameters: list[Any] = []
    for key, wanted in where.items():
        name, _, comparison = key.partition("__")
        annotation_of(schema, name)
        column = f"p.{column_of(name)}"
        match comparison:
            case "":
                if wanted is None:
                    parts.append(f"{column} IS NULL")
                    continue
                parts.append(f"{column} = ?")
            case "in":
                values = _values(key, wanted)
                parts.append(f"{column} IN ({', '.join('?' * len(values))})")
                parameters.extend(values)
                continue
            case "lt" | "le" | "gt" | "ge" | "ne":
                sign = {"lt": "<", "le": "<=", "gt": ">", "ge": ">=", "ne": "IS NOT"}[comparison]
                parts.append(f"{column} {sign} ?")
            case _:
                raise UsageError(
                    f"{key!r} is no filter", hint="Use name, name__lt, __le, __gt, __ge, __ne or __in"
                )
        parameters.append(_value(wanted))
    matching = match_query(search)
    if matching:
        parts.append("p.document IN (SELECT rowid FROM _search WHERE _search MATCH ?)")
        parameters.append(matching)
    return (f"WHERE {' AND '.join(parts)}" if parts else ""), tuple(parameters)


def _values(key: str, wanted: Any) -> list[SqlValue]:
    if isinstance(wanted, str) or not isinstance(wanted, Iterable):
        raise UsageError(f"{key!r} needs several values, not {wanted!r:.80}", hint="Give a list")
    return [_value(value) for value in wanted]


def _value(wanted: Any) -> SqlValue:
    value = sql_value(wanted)
    return storable(value) if isinstance(value, str) else value


def _page(limit: int, offset: int = 0) -> int:
    if limit < 0 or offset < 0:
        raise UsageError("limit and offset cannot be negative")
    return min(limit, PAGE_MAX)


def _order(schema: DocumentSchema, order_by: str) -> str:
    name = order_by.removeprefix("-")
    direction = "DESC" if order_by.startswith("-") else "ASC"
    if name in _BUILT_IN and name not in schema.fields:
        return f"{_BUILT_IN[name]} {direction}, d.n {direction}"
    annotation_of(schema, name)
    return f"p.{column_of(name)} {direction}, p.document {direction}"


def _searched(
    connection: sqlite3.Connection, sql: str, parameters: Sequence[Any], search: str
) -> list[tuple[Any, ...]]:
    try:
        return connection.execute(sql, parameters).fetchall()
    except sqlite3.OperationalError as error:
        if search and "fts5" in str(error):
            raise UsageError(f"{search!r} cannot be searched for: {error}") from error
        raise


def _has_table(connection: sqlite3.Connection, kind: str) -> bool:
    found = connection.execute(
        "SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?", (table_of(kind),)
    ).fetchone()
    return found is not None


def _row(row: tuple[Any, ...]) -> Row:
    identity, kind, number, created_ms, changed_ms, digest, conflict_count, frontier, json = row
    return DocumentInfo(
        identity,
        kind,
        number,
        _references(json),
        created_ms,
        changed_ms,
        digest,
        conflict_count,
        version_text(identity, frontier),
    ), json


class _References(msgspec.Struct):
    references: tuple[str, ...] = msgspec.field(default=(), name="_references")


_REFERENCES = msgspec.json.Decoder(_References)


def _references(json: str) -> tuple[str, ...]:
    return _REFERENCES.decode(json).references if '"_references"' in json else ()
