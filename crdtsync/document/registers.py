"""Multi-value registers: what the flat map of a document means (docs/FORMAT.md, "Documents").

Each map entry is one writer's value of one path. Several writers under one path with different values are a
conflict: both are kept, on every replica, until somebody who has seen both writes again.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from functools import lru_cache
from typing import NamedTuple

import msgspec

Path = tuple[str, ...]
"""``(field,)``, ``(list, id)`` or ``(list, id, field)``; written with slashes in the document."""

SELF = ""
"""The sub-name of ``(list, id)`` itself: an entity's position, a log entry, an element of a set."""

MARKER = "!"
"""The sub-name of an entity's removal markers."""

RESTORED = "null"
"""A marker that says: this entity is to stay."""


class Cell(NamedTuple):
    """One writer's value of one path."""

    stamp: int
    writer: int
    raw: str


STAMP_MAX = 2**63 - 1

# Exactly one spelling of each path and writer, and nothing that would have to be escaped in JSON.
_NAME = re.compile(r"_?[a-z][a-z0-9_]{0,39}", re.ASCII)
_MEMBER = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)
_WRITER = re.compile(r"[1-9a-f][0-9a-f]{0,13}", re.ASCII)
_SYNTAX = msgspec.json.Decoder(msgspec.Raw)
_VALUES = msgspec.json.Decoder(list[msgspec.Raw])

_NAMES: set[str] = set()
"""Names that were found good: there are as many as declared fields."""

_NAMES_MAX = 10_000

Cells = tuple[Cell, ...]
"""Newest first, by (stamp, writer): the first is what the policy `latest` shows."""

Entity = dict[str, Cells]


class Presence(Enum):
    """Whether an entity is in its list."""

    PRESENT = "present"
    REMOVED = "removed"
    CONTESTED = "contested"
    """Removed by one, edited or restored by another who had not seen that: it stays, and is listed."""


def entry_key(path: Path, writer: int) -> str:
    """Return the map key of one writer's value."""
    return f"{'/'.join(path)}|{writer:x}"


def entry_value(stamp: int, raw: str) -> str:
    """Return the map value: the stamp in hexadecimal, a space, the canonical JSON."""
    return f"{stamp:x} {raw}"


def parse_key(key: str) -> tuple[Path, int] | None:
    """Return the path and the writer of a map key, or None for one this version cannot read."""
    path_text, bar, writer_text = key.rpartition("|")
    path, writer = _path(path_text), _writer(writer_text)
    return None if not bar or path is None or writer is None else (path, writer)


def _path(text: str) -> Path | None:
    parts = text.split("/")
    good = len(parts) <= 3 and _is_name(parts[0]) and (len(parts) < 2 or _is_member(parts[1]))
    return tuple(parts) if good and (len(parts) < 3 or parts[2] == MARKER or _is_name(parts[2])) else None


def _writer(text: str) -> int | None:
    return int(text, 16) if _WRITER.fullmatch(text) else None


@lru_cache(maxsize=1024)
def _is_name(text: str) -> bool:
    good = _NAME.fullmatch(text) is not None
    if good and len(_NAMES) < _NAMES_MAX:
        _NAMES.add(text)
    return good


@lru_cache(maxsize=4096)  # All fields of an entity share its id.
def _is_member(text: str) -> bool:
    return _MEMBER.fullmatch(text) is not None


def _are_all_json(entries: Mapping[str, str]) -> bool:
    """Whether every value holds one JSON text, found out by reading all of them as one."""
    values = [value.partition(" ")[2] for value in entries.values()]
    try:
        good = len(_VALUES.decode(f"[{','.join(values)}]")) == len(values)
    except (msgspec.MsgspecError, RecursionError):
        return False
    # Space around a text would be JSON too, and is not ours.
    return good and [value.strip() for value in values] == values


def parse_value(value: str) -> tuple[int, str] | None:
    """Return the stamp and the JSON text of a map value, or None for one this version cannot read."""
    text, _, raw = value.partition(" ")
    stamp = _stamp(text)
    return None if stamp is None or not _is_json(raw) else (stamp, raw)


@lru_cache(maxsize=4096)  # All that one edit wrote has one stamp.
def _stamp(text: str) -> int | None:
    try:
        stamp = int(text, 16)
    except ValueError:
        return None
    return stamp if 0 <= stamp <= STAMP_MAX and f"{stamp:x}" == text else None


def _is_json(raw: str) -> bool:
    # What is shown is put together from these texts: one that is no JSON would spoil all of it.
    try:
        _SYNTAX.decode(raw)
    except (msgspec.MsgspecError, RecursionError):
        return False
    return raw[0] > " " and raw[-1] > " "


def parse_entry(key: str, value: str) -> tuple[Path, Cell] | None:
    """Return what a map entry says, or None for one this version cannot read (it is kept, and not shown)."""
    keyed, valued = parse_key(key), parse_value(value)
    if keyed is None or valued is None:
        return None
    return keyed[0], Cell(valued[0], keyed[1], valued[1])


class Registers:
    """All registers of one document, copied on write: a fork is cheap, and neither side sees the other.

    A fork may be used by another thread than the one that goes on to write here, but `fork` itself belongs
    to the thread that writes.
    """

    __slots__ = ("_fields_owned", "_highest", "_members_owned", "_owned", "fields", "is_plain", "members")

    def __init__(self) -> None:
        self.fields: dict[str, Cells] = {}
        self.members: dict[str, dict[str, Entity]] = {}
        self._highest = 0
        self.is_plain = True
        """Whether no path ever had two values here and nothing was removed: then nothing can be in conflict."""
        self._fields_owned = True
        self._members_owned = True
        self._owned: set[tuple[str, ...]] = set()

    @classmethod
    def from_entries(cls, entries: Mapping[str, str]) -> "Registers":
        """Read the whole map of a document."""
        # Every document that is opened or merged passes here, entry by entry: hence the plain style. Names, ids,
        # writers and stamps repeat, so that each is looked at closely once.
        if not _are_all_json(entries):
            entries = {key: value for key, value in entries.items() if parse_entry(key, value) is not None}
        registers = cls()
        fields, members = registers.fields, registers.members
        highest = 0
        names, ids, writers, stamps = _NAMES, set[str](), dict[str, int | None](), dict[str, int | None]()
        new_tuple = tuple.__new__
        for key, value in entries.items():
            path, _, writer_text = key.rpartition("|")
            text, _, raw = value.partition(" ")
            if writer_text not in writers:
                writers[writer_text] = _writer(writer_text)
            if text not in stamps:
                stamps[text] = _stamp(text)
            writer, stamp = writers[writer_text], stamps[text]
            if writer is None or stamp is None or not raw:
                continue
            parts = path.split("/")
            count = len(parts)
            name = parts[0]
            if name not in names and not _is_name(name):
                continue
            if count == 1:
                branch, last = fields, name
            else:
                member = parts[1]
                if member not in ids:
                    if not _is_member(member):
                        continue
                    ids.add(member)
                if count == 2:
                    last = SELF
                else:
                    last = parts[2]
                    if count > 3 or (last not in names and last != MARKER and not _is_name(last)):
                        continue
                entities = members.get(name)
                if entities is None:
                    entities = members[name] = {}
                found = entities.get(member)
                branch = entities[member] = {} if found is None else found
            if stamp > highest:  # noqa: PLR1730 - `max` takes longer
                highest = stamp
            cell = new_tuple(Cell, (stamp, writer, raw))
            known = branch.get(last)
            branch[last] = _with(known, cell) if known else (cell,)
            if known or last == MARKER:
                registers.is_plain = False
        registers._highest = highest
        return registers

    def fork(self) -> "Registers":
        """Return a copy; both share what neither has written since."""
        copy = Registers()
        for side in (copy, self):
            side._fields_owned = side._members_owned = False  # noqa: SLF001
            side._owned = set()  # noqa: SLF001
        copy.fields, copy.members, copy._highest = self.fields, self.members, self._highest
        copy.is_plain = self.is_plain
        return copy

    def cells(self, path: Path) -> Cells:
        """Return the values of a path, newest first; empty when nobody wrote it."""
        if len(path) == 1:
            return self.fields.get(path[0], ())
        entity = self.members.get(path[0], {}).get(path[1], {})
        return entity.get(path[2] if len(path) == 3 else SELF, ())

    def entity(self, name: str, entity_id: str) -> Entity:
        """Return all cells of one entity by sub-name; empty when there is none."""
        return self.members.get(name, {}).get(entity_id, {})

    def put(self, path: Path, cell: Cell) -> None:
        """Set one writer's value."""
        self._highest = max(self._highest, cell.stamp)
        branch, name = self._branch(path)
        branch[name] = cells = _with(branch.get(name, ()), cell)
        if len(cells) > 1 or name == MARKER:
            self.is_plain = False

    def drop(self, path: Path, writer: int) -> None:
        """Forget one writer's value."""
        if not any(cell.writer == writer for cell in self.cells(path)):
            return
        branch, name = self._branch(path)
        left = tuple(cell for cell in branch[name] if cell.writer != writer)
        if left:
            branch[name] = left
            return
        del branch[name]
        if not branch and len(path) > 1:
            self.forget(path[0], path[1])

    def forget(self, name: str, entity_id: str) -> None:
        """Forget an entity altogether."""
        self._branch((name, entity_id))
        del self.members[name][entity_id]
        self._owned.discard((name, entity_id))

    def update(self, changes: Iterable[tuple[str, str | None]]) -> set[Path]:
        """Take over map entries (None: deleted) and return the paths they touch."""
        touched: set[Path] = set()
        for key, value in changes:
            keyed = parse_key(key)
            if keyed is None:
                continue
            path, writer = keyed
            touched.add(path)
            valued = None if value is None else parse_value(value)
            if valued is None:
                self.drop(path, writer)
            else:
                self.put(path, Cell(valued[0], writer, valued[1]))
        return touched

    def order(self, name: str) -> list[str]:
        """Return the ids of the entities that are in a list, in their order."""
        ranked = [
            (_position(entity), entity_id)
            for entity_id, entity in self.members.get(name, {}).items()
            if MARKER not in entity or presence(entity) is not Presence.REMOVED
        ]
        ranked.sort()
        return [entity_id for _, entity_id in ranked]

    def removed(self, name: str) -> list[str]:
        """Return the ids of the entities that were removed from a list, in the order they had."""
        ranked = [
            (_position(entity), entity_id)
            for entity_id, entity in self.members.get(name, {}).items()
            if MARKER in entity and presence(entity) is Presence.REMOVED
        ]
        ranked.sort()
        return [entity_id for _, entity_id in ranked]

    def highest_stamp(self) -> int:
        """Return the highest stamp of any value that ever was here; 0 for none."""
        return self._highest

    def __iter__(self) -> Iterator[tuple[Path, Cells]]:
        for name, cells in self.fields.items():
            yield (name,), cells
        for name, entities in self.members.items():
            for entity_id, entity in entities.items():
                for sub, cells in entity.items():
                    yield ((name, entity_id) if sub == SELF else (name, entity_id, sub)), cells

    def _branch(self, path: Path) -> tuple[Entity, str]:
        """Return the dictionary that holds a path, copied if it is still shared, and the name in it."""
        if len(path) == 1:
            if not self._fields_owned:
                self.fields = dict(self.fields)
                self._fields_owned = True
            return self.fields, path[0]
        if not self._members_owned:
            self.members = dict(self.members)
            self._members_owned = True
        owned = self._owned
        of_list, of_entity = path[:1], path[:2]
        if of_list not in owned:
            self.members[path[0]] = dict(self.members.get(path[0], {}))
            owned.add(of_list)
        entities = self.members[path[0]]
        if of_entity not in owned:
            entities[path[1]] = dict(entities.get(path[1], {}))
            owned.add(of_entity)
        return entities[path[1]], path[2] if len(path) == 3 else SELF


def presence(entity: Entity) -> Presence:
    """Decide from the cells alone, so that every replica decides alike, whether an entity is in its list."""
    markers = entity.get(MARKER)
    if not markers:
        return Presence.PRESENT
    removals = [marker for marker in markers if marker.raw != RESTORED]
    if not removals:
        return Presence.PRESENT
    if len(removals) != len(markers):
        return Presence.CONTESTED
    return Presence.CONTESTED if unseen_by_removal(entity) else Presence.REMOVED


def unseen_by_removal(entity: Entity) -> list[tuple[str, Cell]]:
    """Return the (sub-name, cell) that no remover of this entity had seen."""
    seen: dict[int, int] = {}
    for marker in entity.get(MARKER, ()):
        for writer, stamp in decode_seen(marker.raw).items():
            seen[writer] = max(stamp, seen.get(writer, -1))
    return [
        (sub, cell)
        for sub, cells in entity.items()
        if sub != MARKER
        for cell in cells
        if cell.stamp > seen.get(cell.writer, -1)
    ]


def seen_of(entity: Entity) -> dict[int, int]:
    """Return the highest stamp per writer in an entity: what somebody who removes it has seen."""
    seen: dict[int, int] = {}
    for sub, cells in entity.items():
        if sub != MARKER:
            for cell in cells:
                seen[cell.writer] = max(cell.stamp, seen.get(cell.writer, -1))
    return seen


def encode_seen(seen: Mapping[int, int]) -> str:
    """Return the JSON text of a removal marker."""
    return "{" + ",".join(f'"{writer:x}":{stamp}' for writer, stamp in sorted(seen.items())) + "}"


def decode_seen(raw: str) -> dict[int, int]:
    """Return what a removal marker says; empty for one that cannot be read: nothing is removed by it."""
    if raw == RESTORED or not (raw.startswith("{") and raw.endswith("}")):
        return {}
    seen: dict[int, int] = {}
    try:
        for part in raw[1:-1].split(","):
            if part:
                writer, _, stamp = part.partition(":")
                seen[int(writer.strip('"'), 16)] = int(stamp)
    except ValueError:
        return {}
    return seen


def _position(entity: Entity) -> str:
    cells = entity.get(SELF)
    return cells[0].raw if cells else ""


def _with(cells: Cells, cell: Cell) -> Cells:
    if not cells:
        return (cell,)
    return tuple(sorted((*(known for known in cells if known.writer != cell.writer), cell), reverse=True))
