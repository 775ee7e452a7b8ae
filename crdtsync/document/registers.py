"""Multi-value registers: what the flat map of a document means (docs/FORMAT.md, "Documents").

Each map entry is one writer's value of one path. Several writers under one path with different values are a
conflict: both are kept, on every replica, until somebody who has seen both writes again.
"""

from collections.abc import Iterable, Iterator, Mapping
from enum import Enum
from typing import NamedTuple

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


def parse_entry(key: str, value: str) -> tuple[Path, Cell] | None:
    """Return what a map entry says, or None for one this version cannot read (it is kept, and not shown)."""
    path, bar, writer = key.rpartition("|")
    stamp, space, raw = value.partition(" ")
    if not bar or not space or not raw:
        return None
    parts = tuple(path.split("/"))
    if len(parts) > 3 or not parts[0]:
        return None
    try:
        return parts, Cell(int(stamp, 16), int(writer, 16), raw)
    except ValueError:
        return None


class Registers:
    """All registers of one document, copied on write: `fork` is cheap and neither side sees the other's writes."""

    __slots__ = ("_owned", "fields", "members")

    def __init__(self) -> None:
        self.fields: dict[str, Cells] = {}
        self.members: dict[str, dict[str, Entity]] = {}
        self._owned: set[tuple[str, ...]] = set()

    @classmethod
    def from_entries(cls, entries: Mapping[str, str]) -> "Registers":
        """Read the whole map of a document."""
        registers = cls()
        fields, members = registers.fields, registers.members
        for key, value in entries.items():
            parsed = parse_entry(key, value)
            if parsed is None:
                continue
            path, cell = parsed
            if len(path) == 1:
                known = fields.get(path[0])
                fields[path[0]] = (cell,) if known is None else _with(known, cell)
                continue
            entity = members.setdefault(path[0], {}).setdefault(path[1], {})
            sub = path[2] if len(path) == 3 else SELF
            known = entity.get(sub)
            entity[sub] = (cell,) if known is None else _with(known, cell)
        return registers

    def fork(self) -> "Registers":
        """Return a copy; both share what neither has written since."""
        copy = Registers()
        copy.fields = self.fields
        copy.members = self.members
        self._owned = set()
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
        branch, name = self._branch(path)
        branch[name] = _with(branch.get(name, ()), cell)

    def drop(self, path: Path, writer: int) -> None:
        """Forget one writer's value."""
        branch, name = self._branch(path)
        left = tuple(cell for cell in branch.get(name, ()) if cell.writer != writer)
        if left:
            branch[name] = left
        else:
            branch.pop(name, None)

    def update(self, changes: Iterable[tuple[str, str | None]]) -> set[Path]:
        """Take over map entries (None: deleted) and return the paths they touch."""
        touched: set[Path] = set()
        for key, value in changes:
            parsed = parse_entry(key, "0 null" if value is None else value)
            if parsed is None:
                continue
            path, cell = parsed
            touched.add(path)
            if value is None:
                self.drop(path, cell.writer)
            else:
                self.put(path, cell)
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
        """Return the highest stamp of any value here; 0 for none."""
        return max((cell.stamp for cell in self), default=0)

    def __iter__(self) -> Iterator[Cell]:
        for cells in self.fields.values():
            yield from cells
        for entities in self.members.values():
            for entity in entities.values():
                for cells in entity.values():
                    yield from cells

    def _branch(self, path: Path) -> tuple[Entity, str]:
        """Return the dictionary that holds a path, copied if it is still shared, and the name in it."""
        owned = self._owned
        if len(path) == 1:
            if ("fields",) not in owned:
                self.fields = dict(self.fields)
                owned.add(("fields",))
            return self.fields, path[0]
        if () not in owned:
            self.members = dict(self.members)
            owned.add(())
        if path[:1] not in owned or path[0] not in self.members:
            self.members[path[0]] = dict(self.members.get(path[0], {}))
            owned.add(path[:1])
        entities = self.members[path[0]]
        if path[:2] not in owned or path[1] not in entities:
            entities[path[1]] = dict(entities.get(path[1], {}))
            owned.add(path[:2])
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
    """Return what a removal marker says; empty for one that cannot be read, so that nothing is removed by it."""
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
