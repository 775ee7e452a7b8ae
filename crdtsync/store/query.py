"""Reading: views, lists, search, history, conflicts. Nothing here opens a CRDT."""

import re
import sqlite3
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from crdtsync.document.model import DocumentInfo
from crdtsync.document.registers import decode_seen
from crdtsync.document.schema import DocumentSchema
from crdtsync.errors import DocumentNotFoundError, UsageError
from crdtsync.protocol.versions import version_text
from crdtsync.store.kinds import SqlValue, annotation_of, column_of, sql_value, table_of

PAGE_MAX = 10_000
PREFIX_CHARS_MIN = 4
"""How much of an id must be given at least, where its beginning is enough."""

IDENTIFIED_MAX = 20

SORTED_MAX = 1_000
"""How many documents are sorted for a page. Where a filter leaves more, they are met in the order of an index."""

NUMBER_DIGITS_MAX = 12
"""Of the counter in a number whose zeros a person may leave out."""

_COUNTED = re.compile(r"(.*?)(\d{1,12})", re.DOTALL | re.ASCII)
_CELLS = msgspec.json.Decoder(list[tuple[int, int, str]])
_NUMBER = (
    "(SELECT l.text FROM _ledger l WHERE l.document = d.id AND l.outcome = 'granted' ORDER BY l.idx LIMIT 1)"
)
_INFO_COLUMNS = (
    f"d.id, d.kind, {_NUMBER}, d.created_ms, d.changed_ms, d.digest, d.conflicts, d.frontier, p.json"
)
_BUILT_IN = {"changed": "d.changed_ms", "created": "d.created_ms"}

Row = tuple[DocumentInfo, str]
"""What is known of a document, and its projection."""


@dataclass(frozen=True, slots=True)
class ConflictValue:
    """One of several concurrent values."""

    raw: str
    """Canonical JSON; for a removal the marker, or what its remover had not seen."""
    author: str
    replica: str
    """The name of the replica it was written on."""
    at_ms: int
    is_removal: bool = False
    """In a conflict about a removal: whether this is a removal."""
    id: str = ""
    """Names this value among all that its path ever has, the same on every replica; fit for a field of a form."""
    value: Any = field(default=None, compare=False)
    """The value as the document's class declares it; what another version of the class wrote, as JSON has it.
    None in a conflict about a removal."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Values that were written by people who had not seen each other's."""

    document: str
    kind: str
    path: str
    """``customer`` or ``lines/<id>/quantity``; ``lines/<id>`` for an entity removed by one and edited by another."""
    reason: Literal["values", "removal"]
    policy: str
    """How the shown value is chosen; with `ask` the conflict waits for a person."""
    values: tuple[ConflictValue, ...]
    """Newest first."""
    shown: int
    """Which of the values is shown."""

    @property
    def field(self) -> str:
        """The name of the field, of the document or of an entity; empty in a conflict about a removal."""
        parts = self.path.split("/")
        return "" if len(parts) == 2 else parts[-1]

    @property
    def entities(self) -> str:
        """The name of the list the entity is in; empty if it is about the document itself."""
        name, slash, _ = self.path.partition("/")
        return name if slash else ""

    @property
    def entity(self) -> str:
        """The id of the entity it is about; empty if it is about the document itself."""
        return self.path.split("/")[1] if self.entities else ""

    def index_of(self, value_id: str) -> int:
        """Return which of the values has an id.

        Raises:
            IndexError: none has it: it was decided meanwhile.
        """
        for index, value in enumerate(self.values):
            if value.id == value_id:
                return index
        raise IndexError(f"the conflict about {self.path} has no value {value_id!r:.80}")

    @property
    def needs_decision(self) -> bool:
        """Whether it waits for a person."""
        return self.policy == "ask"


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


def find_number(connection: sqlite3.Connection, text: str) -> list[tuple[str, str]]:
    """Return (id, kind) of the documents of a final or reference number, the final one's first.

    If it is none as it is written, a person may have left out zeros, a dash or a space; what could then be more
    than one number is none.
    """
    exact = _numbered(connection, [_storable(text)])
    found = exact or _numbered(connection, _spellings(_storable(text)))
    if len({number.lower() for number, _, _ in found}) > 1:
        return []
    return list(dict.fromkeys((identity, kind) for _, identity, kind in found))


def _numbered(connection: sqlite3.Connection, texts: list[str]) -> list[tuple[str, str, str]]:
    places = ", ".join("?" * len(texts))
    return connection.execute(
        f"SELECT l.text, d.id, d.kind FROM _ledger l JOIN _documents d ON d.id = l.document WHERE l.text IN ({places}) "
        "UNION ALL SELECT a.text, d.id, d.kind FROM _aliases a JOIN _documents d ON d.n = a.document "
        f"WHERE a.text IN ({places})",
        (*texts, *texts),
    ).fetchall()


def _spellings(text: str) -> list[str]:
    """Return how a number may be written that a person gave as ``r1-2``, ``r1 2`` or ``R1 - 0002``."""
    match = _COUNTED.fullmatch(text)
    if match is None:
        return []
    before, digits = match.group(1), match.group(2).lstrip("0") or "0"
    # What stands before the counter, as it is and without the spaces and the dash at its end.
    bare = re.sub(r"\s+", "", before).rstrip("-")
    starts = dict.fromkeys((before, re.sub(r"\s+", "", before), bare, f"{bare}-"))
    widths = range(len(digits), NUMBER_DIGITS_MAX + 1)
    return [f"{start}{digits:0>{width}}" for start in starts for width in widths]


def identify(connection: sqlite3.Connection, text: str) -> list[tuple[str, str]]:
    """Return (id, kind) of the documents a person may mean: by number, by id, or by the beginning of an id.

    A number comes before the beginning of an id, which has at least `PREFIX_CHARS_MIN` characters.
    """
    found = find_number(connection, text)
    if found or len(text) < PREFIX_CHARS_MIN:
        return found
    start = text.lower()
    rows = connection.execute(
        "SELECT id, kind FROM _documents WHERE id >= ? AND id < ? AND rev > 0 ORDER BY id LIMIT ?",
        (start, start + "\x7f", IDENTIFIED_MAX),
    )
    return [(row[0], row[1]) for row in rows]


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
    if chosen.startswith("d.") and (is_walked or not condition):
        # In the order of an index of `_documents`: a CROSS JOIN makes SQLite begin there.
        joined = f"_documents d CROSS JOIN {table} p ON p.document = d.n WHERE d.kind = '{schema.kind}'"
        joined += condition.replace("WHERE", " AND", 1)
    else:
        joined = f"{table} p JOIN _documents d ON d.n = p.document {condition}"
        if is_walked:
            name = order_by.removeprefix("-")
            joined = (
                f"{table} p INDEXED BY {table}_{column_of(name)} CROSS JOIN _documents d ON d.n = p.document "
            )
            joined += condition
    # First which ones, then what they hold: what is sorted or skipped is not read.
    sql = f"SELECT d.n FROM {joined} ORDER BY {chosen} LIMIT ? OFFSET ?"
    page = (_page(limit, offset), min(offset, 1 << 62))
    numbers = [row[0] for row in _searched(connection, sql, (*parameters, *page), search)]
    rows = connection.execute(
        f"SELECT d.n, {_INFO_COLUMNS} FROM _documents d JOIN {table} p ON p.document = d.n "
        "WHERE d.n IN (SELECT value FROM json_each(?))",
        (msgspec.json.encode(numbers).decode(),),
    )
    found = {n: _row(tuple(row)) for n, *row in rows}
    return [found[n] for n in numbers]


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


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change as it arrived here."""

    n: int
    document: str
    kind: str
    at_ms: int
    author: str
    name: str
    replica: str
    label: str
    client: int
    sequence: int


def last_change(connection: sqlite3.Connection) -> int:
    """Return the number of the newest change here."""
    return int(connection.execute("SELECT coalesce(max(n), 0) FROM _changes").fetchone()[0])


def changes_after(connection: sqlite3.Connection, n: int, count: int = 500) -> list[ChangeRow]:
    """Return the changes that came after a change, in the order in which they arrived here."""
    rows = connection.execute(
        "SELECT c.n, d.id, d.kind, c.at_ms, coalesce(i.author, ''), coalesce(i.name, ''), coalesce(i.replica, ''), "
        "c.label, c.client, c.sequence FROM _changes c JOIN _documents d ON d.n = c.document "
        "LEFT JOIN _incarnations i ON i.client = c.client WHERE c.n > ? ORDER BY c.n LIMIT ?",
        (n, count),
    )
    return [ChangeRow(*row) for row in rows]


def count_conflicts(connection: sqlite3.Connection, policy: str | None) -> int:
    """Return how many conflicts there are, of one policy or of all."""
    condition = "" if policy is None else "WHERE policy = ?"
    parameters = () if policy is None else (policy,)
    row = connection.execute(f"SELECT count(*) FROM _conflicts {condition}", parameters).fetchone()
    return int(row[0])


def conflicts(
    connection: sqlite3.Connection, document_id: str | None, path: str | None = None
) -> list[Conflict]:
    """Return the conflicts of one document, or of all; of one path, or of all."""
    given = [("d.id", document_id), ("c.path", path)]
    conditions = [f"{name} = ?" for name, value in given if value is not None]
    rows = connection.execute(
        "SELECT d.id, d.kind, c.path, c.reason, c.policy, c.cells, c.shown FROM _conflicts c "
        f"JOIN _documents d ON d.n = c.document {'WHERE ' if conditions else ''}{' AND '.join(conditions)} "
        "ORDER BY d.id, c.ordinal",
        tuple(value for _, value in given if value is not None),
    ).fetchall()
    people = (
        {
            client: (author, name)
            for client, author, name in connection.execute("SELECT client, author, name FROM _incarnations")
        }
        if rows
        else {}
    )
    found = []
    for identity, kind, of, reason, policy, cells, shown in rows:
        known: dict[str, int] = {}
        values = []
        for stamp, writer, raw in _CELLS.decode(cells):
            # One edit may have written several fields of an entity that another one removed.
            cell_id = f"{writer:x}-{stamp:x}"
            known[cell_id] = known.get(cell_id, 0) + 1
            values.append(
                ConflictValue(
                    raw,
                    *people.get(writer, ("", "")),
                    stamp,
                    is_removal=reason == "removal" and decode_seen(raw) != {},
                    id=cell_id if known[cell_id] == 1 else f"{cell_id}-{known[cell_id]}",
                )
            )
        found.append(Conflict(identity, kind, of, reason, policy, tuple(values), shown))
    return found


def match_query(words: str) -> str:
    """Return the full-text query that finds the beginnings of all words; empty if there is no word in it."""
    parts = [part.replace('"', '""') for part in _storable(words).replace("\0", " ").split()]
    return " ".join(f'"{part}"*' for part in parts if any(map(_is_searchable, part)))


def _is_searchable(character: str) -> bool:
    # What the tokenizer of `_search` takes for a part of a word.
    category = unicodedata.category(character)
    return category[0] in "LN" or category == "Co"


def _storable(text: str) -> str:
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
    return _storable(value) if isinstance(value, str) else value


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
