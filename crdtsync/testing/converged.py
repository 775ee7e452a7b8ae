"""Whether replicas hold the same, and if not, a message that shows who, where, what and since when."""

import datetime as dt
import json
import sqlite3
import warnings
from collections.abc import Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TypeVar

from crdtsync.errors import CrdtSyncError, UsageError
from crdtsync.protocol.ledger import LedgerEntry
from crdtsync.replica import Replica
from crdtsync.store import query
from crdtsync.store.conflicts import Conflict
from crdtsync.store.conflicts import conflicts as conflicts_of
from crdtsync.store.history import HistoryEntry
from crdtsync.store.kinds import table_of
from crdtsync.testing.converged_computed import expect_computed
from crdtsync.testing.converged_content import Content, Written, read_content

T = TypeVar("T")

DOCUMENTS_SHOWN_MAX = 5
FIELDS_SHOWN_MAX = 10
CHANGES_SHOWN_MAX = 5
VALUE_CHARS_MAX = 120


async def assert_converged(*replicas: Replica) -> None:
    """Check that replicas hold the same documents, conflicts and numbers.

    Every document that one of them has shared must be on all of them: with the same content, the same conflicts
    and the same number. What was never marked for sync is nobody else's, and is not looked for. Where nothing was
    shared at all, and nothing therefore compared, a `UserWarning` says so.

    Raises:
        UsageError: there are not two different replicas to compare.
        AssertionError: they differ, or a computed property raises. The message says which replicas, in which
            documents and fields, what each of them shows and who wrote that when, and which changes one of them
            lacks.
    """
    if len(replicas) < 2:
        raise UsageError(
            f"there is nothing to compare with {_count(len(replicas), 'replica')}",
            hint="Give all of them: assert_converged(*(member.replica for member in fleet.members))",
        )
    if len({id(replica) for replica in replicas}) < len(replicas):
        raise UsageError("one replica was given twice: it is equal to itself whatever it holds")
    if not await expect_converged(*replicas):
        warnings.warn("nothing is shared yet by any of these replicas, so nothing was compared", stacklevel=2)


async def expect_converged(*replicas: Replica) -> int:
    """Check as `assert_converged` does, and return how many documents were compared."""
    await expect_computed(*replicas)
    sides = [await _read_side(replica, label) for replica, label in _labelled(replicas)]
    shared: dict[str, None] = {}
    for side in sides:
        shared.update(dict.fromkeys(key for key, row in side.documents.items() if row.is_shared))
    apart = [document for document in shared if _differs(sides, document)]
    ledger = _ledger_lines(sides)
    if not apart and not ledger:
        return len(shared)
    names = ", ".join(side.label for side in sides)
    lines = [f"{names} differ in {_count(len(apart), 'document')} of {len(shared)} that are shared"]
    for document in apart[:DOCUMENTS_SHOWN_MAX]:
        lines += ["", *await _document_lines(sides, document)]
    if len(apart) > DOCUMENTS_SHOWN_MAX:
        lines += ["", f"and in {_count(len(apart) - DOCUMENTS_SHOWN_MAX, 'more document')}"]
    lines += ["", *ledger] if ledger else []
    on_the_way = [line for side in sides for line in await _waiting_lines(side)]
    lines += ["", "Still on the way:", *on_the_way] if on_the_way else []
    raise AssertionError("\n".join(lines))


@dataclass(frozen=True, slots=True)
class _Row:
    kind: str
    digest: bytes
    is_shared: bool
    shown: str
    conflicts: tuple[Conflict, ...] = ()


@dataclass(frozen=True, slots=True)
class _Side:
    """What one replica holds."""

    replica: Replica
    label: str
    documents: Mapping[str, _Row]
    ledger: list[LedgerEntry]
    people: Mapping[int, tuple[str, str]]
    contents: dict[str, Content] = field(default_factory=dict)


def _labelled(replicas: tuple[Replica, ...]) -> Iterable[tuple[Replica, str]]:
    names = [replica.name for replica in replicas]
    for replica in replicas:
        is_twin = names.count(replica.name) > 1
        yield replica, f"{replica.name} ({replica.id[:6]})" if is_twin else replica.name


async def _read_side(replica: Replica, label: str) -> _Side:
    kinds = replica.kinds()

    def job(connection: sqlite3.Connection) -> tuple[dict[str, _Row], dict[int, tuple[str, str]]]:
        conflicts: dict[str, list[Conflict]] = {}
        for conflict in conflicts_of(connection, None):
            conflicts.setdefault(conflict.document, []).append(conflict)
        shown = _shown(connection, kinds)
        rows = connection.execute("SELECT id, kind, digest, shared FROM _documents WHERE rev > 0 ORDER BY n")
        documents = {
            document: _Row(
                kind, digest, bool(shared), shown.get(document, ""), tuple(conflicts.get(document, ()))
            )
            for document, kind, digest, shared in rows
        }
        people = connection.execute("SELECT client, author, name FROM _incarnations")
        return documents, {client: (author, name) for client, author, name in people}

    documents, people = await replica._workspace.database.read(job)  # noqa: SLF001 - the kit is of the library
    return _Side(replica, label, documents, await replica.ledger(), people)


def _shown(connection: sqlite3.Connection, kinds: list[str]) -> dict[str, str]:
    shown: dict[str, str] = {}
    for kind in kinds:
        with suppress(sqlite3.OperationalError):  # Of a kind that has no documents here there is no table.
            sql = f"SELECT d.id, p.json FROM _documents d JOIN {table_of(kind)} p ON p.document = d.n"
            shown.update(connection.execute(sql))
    return shown


def _differs(sides: list[_Side], document: str) -> bool:
    rows = [side.documents.get(document) for side in sides]
    first = rows[0]
    if first is None or None in rows:
        return True
    found = [row for row in rows if row is not None]
    if any(row.digest != first.digest or row.conflicts != first.conflicts for row in found):
        return True
    # Where a class is not declared, nothing is shown.
    return len({row.shown for row in found if row.shown}) > 1


async def _document_lines(sides: list[_Side], document: str) -> list[str]:
    """Return what is to be said of one document that differs."""
    rows = {side.label: side.documents.get(document) for side in sides}
    kind = next(row.kind for row in rows.values() if row is not None)
    there = [side for side in sides if rows[side.label] is not None]
    lines = [f"{kind} {await _name_of(there[0], document)}"]
    missing = [side.label for side in sides if rows[side.label] is None]
    if missing:
        lines.append(f"  {', '.join(missing)}: not here at all")
    for side in there:
        side.contents[document] = await read_content(side.replica, document)
    found = _field_lines(there, document)
    lines += found
    lines += _conflict_lines(there, document)
    apart = await _change_lines(sides, there, document)
    lines += apart
    if not found and not missing:
        if len({side.documents[document].digest for side in there}) == 1:
            lines.append(
                "  the same registers, shown differently: the class, or its computed properties, differ"
            )
            lines += _shown_lines(there, document)
        else:
            lines.append("  the same registers, different digests: what is stored does not fit its digest")
    elif not apart:
        lines.append("  all have applied the same changes, and merged them differently")
    return lines


async def _name_of(side: _Side, document: str) -> str:
    try:
        [row] = await side.replica._workspace.database.read(  # noqa: SLF001
            lambda c: [query.find(c, document, side.documents[document].kind)[0]]
        )
    except CrdtSyncError:
        return document
    names = [name for name in (row.number, *row.references) if name]
    return f"{', '.join(names)} ({document})" if names else document


def _field_lines(sides: list[_Side], document: str) -> list[str]:
    contents = {side.label: side.contents[document] for side in sides}
    paths = sorted({path for content in contents.values() for path in content})
    apart = [path for path in paths if len({content.get(path, ()) for content in contents.values()}) > 1]
    lines: list[str] = []
    for path in apart[:FIELDS_SHOWN_MAX]:
        lines.append(f"  {path}")
        values = {side.label: _shown_values(side, contents[side.label].get(path, ())) for side in sides}
        lines += [f"    {labels}: {shown}" for labels, shown in _grouped(values)]
    if len(apart) > FIELDS_SHOWN_MAX:
        lines.append(f"  and {_count(len(apart) - FIELDS_SHOWN_MAX, 'more field')}")
    return lines


def _shown_lines(sides: list[_Side], document: str) -> list[str]:
    """Return what is shown of the same registers, field by field, where it differs."""
    shown = {side.label: json.loads(side.documents[document].shown or "{}") for side in sides}
    lines: list[str] = []
    for name in sorted({name for fields in shown.values() for name in fields}):
        values = {
            label: _cut(json.dumps(fields[name], ensure_ascii=False)) if name in fields else "nothing"
            for label, fields in shown.items()
        }
        if len(set(values.values())) > 1:
            lines.append(f"  {name}")
            lines += [f"    {labels}: {value}" for labels, value in _grouped(values)]
    return lines


def _shown_values(side: _Side, values: tuple[Written, ...]) -> str:
    if not values:
        return "nothing"
    parts = []
    for value in values:
        by = f" (by {_person(side, value.writer)}, {_time(value.stamp_ms)})" if value.writer else ""
        parts.append(_cut(value.text) + by)
    return " and, in conflict, ".join(parts)


def _conflict_lines(sides: list[_Side], document: str) -> list[str]:
    values = {side.label: side.documents[document].conflicts for side in sides}
    if len(set(values.values())) == 1:
        return []
    shown = {label: ", ".join(map(_conflict, found)) or "none" for label, found in values.items()}
    return ["  conflicts", *(f"    {labels}: {text}" for labels, text in _grouped(shown))]


def _conflict(conflict: Conflict) -> str:
    values = " or ".join(
        f"{_cut(value.raw)} of {value.author or 'somebody'} on {value.replica or 'an unknown replica'}"
        for value in conflict.values
    )
    return f"{conflict.path}: {values}"


async def _change_lines(sides: list[_Side], there: list[_Side], document: str) -> list[str]:
    """Return which changes somebody lacks, in the order in which those who have them got them."""
    histories = {side.label: await side.replica.history(document) for side in there}
    known: dict[tuple[int, int], HistoryEntry] = {}
    for history in histories.values():
        for entry in history:
            known[entry.id] = entry
    have = {side.label: {entry.id for entry in histories.get(side.label, [])} for side in sides}
    lacking = {
        side.label: tuple(entry for key, entry in known.items() if key not in have[side.label])
        for side in sides
    }
    lines: list[str] = []
    for labels, missed in _grouped(lacking):
        if not missed:
            continue
        verb = "lack" if "," in labels else "lacks"
        lines.append(f"  {labels} {verb} {_count(len(missed), 'change')}, since:")
        lines += [f"    {_change(entry)}" for entry in missed[:CHANGES_SHOWN_MAX]]
        if len(missed) > CHANGES_SHOWN_MAX:
            lines.append(f"    and {len(missed) - CHANGES_SHOWN_MAX} more")
    return lines


def _change(entry: HistoryEntry) -> str:
    label = f' "{entry.label}"' if entry.label else ""
    by = f"{entry.author or 'somebody'} on {entry.replica or 'an unknown replica'}"
    return f"change {entry.id.sequence} of {by}{label}, {_time(entry.at_ms)} (client {entry.id.client:x})"


def _ledger_lines(sides: list[_Side]) -> list[str]:
    longest = max((side.ledger for side in sides), key=len)
    for place, entry in enumerate(longest):
        found = {side.label: side.ledger[place] if place < len(side.ledger) else None for side in sides}
        if any(other != entry for other in found.values()):
            shown = {label: _entry(other) for label, other in found.items()}
            return [
                f"Numbers differ from entry {place + 1} of the ledger on",
                *(f"  {labels}: {text}" for labels, text in _grouped(shown)),
            ]
    return []


def _entry(entry: LedgerEntry | None) -> str:
    if entry is None:
        return "no such entry"
    return f"{entry.text} {entry.outcome.value} {entry.document or entry.reason}".rstrip()


async def _waiting_lines(side: _Side) -> list[str]:
    lines = []
    for remote in await side.replica.remotes():
        waiting = {
            "changes to publish": remote.waiting_changes,
            "files to put": remote.waiting_files,
            "segments that wait for an earlier one": remote.inbox,
            "changes that wait for what they build on": remote.waiting_causes,
        }
        parts = [f"{what}: {number}" for what, number in waiting.items() if number]
        parts += [remote.problem] if remote.problem else []
        if parts:
            lines.append(f"  {side.label} has {'; '.join(parts)}")
    lines += [
        f"  {side.label}: {item.what} {item.name}: {item.reason}" for item in await side.replica.quarantine()
    ]
    return lines


def _grouped(values: Mapping[str, T]) -> list[tuple[str, T]]:
    """Return (labels, value) for each different value."""
    groups: dict[T, list[str]] = {}
    for label, value in values.items():
        groups.setdefault(value, []).append(label)
    return [(", ".join(labels), value) for value, labels in groups.items()]


def _person(side: _Side, client: int) -> str:
    author, name = side.people.get(client, ("", ""))
    return f"{author or 'somebody'} on {name or 'an unknown replica'}"


def _time(at_ms: int) -> str:
    try:
        return dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    except (OverflowError, ValueError, OSError):
        return f"{at_ms} ms after 1970"  # A clock may say anything.


def _cut(text: str) -> str:
    return text if len(text) <= VALUE_CHARS_MAX else f"{text[:VALUE_CHARS_MAX]}..."


def _count(number: int, what: str, plural: str = "") -> str:
    return f"{number} {what if number == 1 else plural or what + 's'}"
