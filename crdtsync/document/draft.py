"""A draft: what one edit wants to write, kept apart until the whole edit is known to be good.

A draft remembers what its author had seen (`base`), so that a value that came in meanwhile is not overwritten
unseen: the two become a conflict, as they would between two machines.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import msgspec

from crdtsync.document import positions
from crdtsync.document.registers import (
    MARKER,
    RESTORED,
    SELF,
    Cell,
    Cells,
    Path,
    Presence,
    Registers,
    encode_seen,
    presence,
    seen_of,
)
from crdtsync.document.schema import DocumentSchema, Shape
from crdtsync.document.sources import RawEntry
from crdtsync.document.values import encode_canonical
from crdtsync.document.winners import shown_cell
from crdtsync.errors import DocumentNotFoundError, FrozenDocumentError, ValidationError
from crdtsync.protocol.ids import derive_id, id_text

TEXT_CHARS_MAX = 1_000_000
POSITION_CHARS_COMFORTABLE = 100
REFERENCES = "_reference"

_STRING = msgspec.json.Decoder(str)


@dataclass(slots=True)
class Writes:
    """What a draft wants written."""

    values: dict[Path, str] = field(default_factory=dict)
    """Path -> canonical JSON."""
    removals: set[tuple[str, str]] = field(default_factory=set)
    """(list, entity) to mark as removed."""
    texts: dict[str, str] = field(default_factory=dict)
    """Field -> whole new content."""
    appends_only: bool = True
    """Whether nothing but log entries and set elements was added."""

    def __bool__(self) -> bool:
        return bool(self.values or self.removals or self.texts)


class Draft:
    """The source of a document that is being edited. Reads see its own writes."""

    def __init__(
        self,
        schema: DocumentSchema,
        base: Registers,
        base_texts: dict[str, str],
        *,
        writer: int,
        random_bytes: Callable[[int], bytes],
    ) -> None:
        self.is_frozen = False
        self.is_past = False
        """Whether it began with an earlier state of the document than the one that was there."""
        self.schema = schema
        self.base = base
        self.base_texts = base_texts
        self.writes = Writes()
        self._working = base.fork()
        self._writer = writer
        # Only this draft reads this stamp: the one that is stored is drawn when the change is made.
        self._stamp = base.highest_stamp() + 1
        self._random_bytes = random_bytes
        self._orders: dict[str, list[str]] = {}

    def missing(self) -> list[str]:
        """Return the required fields that nobody has written, in order of declaration."""
        return [
            spec.name
            for spec in self.schema.fields.values()
            if spec.is_required and not self._working.fields.get(spec.name)
        ]

    def value(self, path: Path) -> str | None:
        """See `Source`."""
        cells = self._working.cells(path)
        if not cells:
            return None
        if len(cells) == 1:
            return cells[0].raw
        spec = self.schema.fields[path[0]]
        if spec.entity is not None and len(path) == 3:
            spec = spec.entity.fields[path[2]]
        return shown_cell(cells, spec).raw

    def entity_ids(self, name: str) -> Sequence[str]:
        """See `Source`."""
        order = self._orders.get(name)
        if order is None:
            order = self._orders[name] = self._working.order(name)
        return order

    def has_entity(self, name: str, entity_id: str) -> bool:
        """See `Source`."""
        entity = self._working.entity(name, entity_id)
        return bool(entity) and presence(entity) is not Presence.REMOVED

    def removed_ids(self, name: str) -> Sequence[str]:
        """See `Source`."""
        return self._working.removed(name)

    def log(self, name: str) -> Sequence[RawEntry]:
        """See `Source`."""
        return log_entries(self._working, name)

    def elements(self, name: str) -> Sequence[str]:
        """See `Source`."""
        return set_elements(self._working, name)

    def text(self, name: str) -> str:
        """See `Source`."""
        return self.writes.texts.get(name, self.base_texts.get(name, ""))

    def write(self, path: Path, raw: str) -> None:
        """See `Source`."""
        if len(path) == 3:
            self._require(path[0], path[1])
        self.writes.appends_only = False
        self._put(path, raw)

    def add_entity(self, name: str, entity_id: str | None, values: dict[str, str], index: int) -> str:
        """See `Source`."""
        new_id = entity_id or self._new_id()
        if self._working.entity(name, new_id):
            raise ValidationError(
                f"{name} has an entity {new_id} already",
                path=name,
                hint="One that was removed can be restored",
            )
        self.writes.appends_only = False
        self._place(name, new_id, index)
        for field_name, raw in values.items():
            self._put((name, new_id, field_name), raw)
        return new_id

    def move_entity(self, name: str, entity_id: str, index: int) -> None:
        """See `Source`."""
        self._require(name, entity_id)
        order = self.entity_ids(name)
        if order.index(entity_id) == max(0, min(index, len(order) - 1)):
            return
        self.writes.appends_only = False
        self._place(name, entity_id, index)

    def remove_entity(self, name: str, entity_id: str) -> None:
        """See `Source`."""
        self._require_open()
        self._require(name, entity_id)
        self.writes.appends_only = False
        written = [path for path in self.writes.values if path[:2] == (name, entity_id)]
        before = self.base.entity(name, entity_id)
        if not before:
            # Made and removed in one draft: it never was.
            for path in written:
                del self.writes.values[path]
            self._working.forget(name, entity_id)
            self._orders.pop(name, None)
            return
        marker = (name, entity_id, MARKER)
        self.writes.values.pop(marker, None)
        if presence(before) is Presence.REMOVED and written in ([], [marker]):
            # Restored and removed again: nothing happened.
            self._show(marker, before.get(MARKER, ()))
            return
        self.writes.removals.add((name, entity_id))
        self._replace(marker, encode_seen(seen_of(self._working.entity(name, entity_id))))

    def restore_entity(self, name: str, entity_id: str) -> None:
        """See `Source`."""
        self._require_open()
        entity = self._working.entity(name, entity_id)
        if not entity:
            raise DocumentNotFoundError(f"{name} has never had an entity {entity_id}")
        if presence(entity) is Presence.PRESENT:
            return
        self.writes.appends_only = False
        self.writes.removals.discard((name, entity_id))
        marker = (name, entity_id, MARKER)
        before = self.base.entity(name, entity_id)
        if presence(before) is Presence.PRESENT:
            # Removed in this very draft: nothing happened.
            self._show(marker, before.get(MARKER, ()))
        else:
            self._put(marker, RESTORED)

    def append_log(self, name: str, entry_id: str | None, raw: str) -> str:
        """See `Source`."""
        new_id = entry_id or self._new_id()
        if not self._working.entity(name, new_id):
            self._put((name, new_id), raw)
        return new_id

    def add_element(self, name: str, raw: str) -> None:
        """See `Source`."""
        element_id = derive_id(name, raw)[:16]
        if not self._working.entity(name, element_id):
            self._put((name, element_id), raw)

    def set_text(self, name: str, content: str) -> None:
        """See `Source`."""
        try:
            content.encode()
        except UnicodeEncodeError as error:
            raise ValidationError(f"the text holds half a character: {error}", path=name) from error
        if len(content) > TEXT_CHARS_MAX:
            raise ValidationError(f"a text holds at most {TEXT_CHARS_MAX} characters", path=name)
        self._require_open()
        self.writes.appends_only = False
        self.writes.texts[name] = content

    def set_reference(self, text: str) -> None:
        """Give the document a reference number, an alias that it keeps."""
        self._put((REFERENCES, derive_id(REFERENCES, text)[:16]), encode_canonical(text))

    def close(self) -> None:
        """End the draft: from now on it can be read, and no longer written."""
        self.is_frozen = True

    def _put(self, path: Path, raw: str) -> None:
        self._require_open()
        self.writes.values[path] = raw
        self._replace(path, raw)

    def _require_open(self) -> None:
        if self.is_frozen:
            raise FrozenDocumentError("the edit of this document has ended")

    def _replace(self, path: Path, raw: str) -> None:
        """Show the write in the working copy, where it supersedes all that was seen."""
        self._show(path, (Cell(self._stamp, self._writer, raw),))

    def _show(self, path: Path, cells: Cells) -> None:
        for cell in cells:
            self._working.put(path, cell)
        kept = {cell.writer for cell in cells}
        for cell in self._working.cells(path):
            if cell.writer not in kept:
                self._working.drop(path, cell.writer)
        if len(path) == 2 or path[-1] == MARKER:
            self._orders.pop(path[0], None)

    def _require(self, name: str, entity_id: str) -> None:
        entity = self._working.entity(name, entity_id)
        if not entity:
            raise DocumentNotFoundError(f"{name} has no entity {entity_id}")
        if presence(entity) is Presence.REMOVED:
            raise DocumentNotFoundError(
                f"entity {entity_id} was removed from {name}", hint="Restore it before changing it"
            )

    def _place(self, name: str, entity_id: str, index: int) -> None:
        """Give an entity the position that makes it the `index`-th of its list."""
        order = self.entity_ids(name)
        is_new = not self._working.entity(name, entity_id)
        others = order if is_new else [other for other in order if other != entity_id]
        index = max(0, min(index, len(others)))
        before = self._position(name, others[index - 1]) if index else None
        follower = index
        # Two people who insert at one place draw one position; to get between such twins, the later move.
        while (
            before is not None and follower < len(others) and self._position(name, others[follower]) <= before
        ):
            follower += 1
        after = self._position(name, others[follower]) if follower < len(others) else None
        if max(len(before or ""), len(after or "")) >= POSITION_CHARS_COMFORTABLE:
            # Thousands of insertions at one place: all draw new, short positions.
            before, after = None, None
            moving = [*others[:index], entity_id, *others[index:]]
        else:
            moving = [entity_id, *others[index:follower]]
        for moved in moving:
            before = positions.between(before, after)
            self._put((name, moved), f'"{before}"')
        if is_new and index == len(others):
            # A long list is made by appending: its order is known without sorting it again.
            self._orders[name] = [*others, entity_id]

    def _position(self, name: str, entity_id: str) -> str:
        cells = self._working.entity(name, entity_id).get(SELF)
        position = cells[0].raw[1:-1] if cells else ""
        # A position nobody could have made sorts first and is treated as the first there is.
        return position if positions.is_position(position) else "a0"

    def _new_id(self) -> str:
        return id_text(self._random_bytes(8))


def log_entries(registers: Registers, name: str) -> list[RawEntry]:
    """Return the entries of a log, oldest first; of several writers of one entry the first wrote it."""
    entries = []
    for entry_id, subs in registers.members.get(name, {}).items():
        cells = subs.get(SELF)
        if cells:
            first = cells[-1]
            entries.append(RawEntry(entry_id, first.stamp, first.raw))
    entries.sort(key=lambda entry: (entry.at_ms, entry.id))
    return entries


def set_elements(registers: Registers, name: str) -> list[str]:
    """Return the elements of a set in the order of their canonical text."""
    return sorted({subs[SELF][-1].raw for subs in registers.members.get(name, {}).values() if SELF in subs})


def references(registers: Registers) -> list[str]:
    """Return the reference numbers of a document, oldest first."""
    found = []
    for entry in log_entries(registers, REFERENCES):
        try:
            found.append(_STRING.decode(entry.raw))
        except msgspec.MsgspecError:
            continue  # No replica of ours writes such a thing; it is kept, and is no reference number.
    return found


def shape_of(schema: DocumentSchema, name: str) -> Shape | None:
    """Return the shape of a field, or None when the schema does not know it."""
    spec = schema.fields.get(name)
    return None if spec is None else spec.shape
