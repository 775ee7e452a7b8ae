"""Which of several concurrent values is shown, and what is listed as a conflict."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from crdtsync.document.registers import (
    MARKER,
    RESTORED,
    SELF,
    Cell,
    Cells,
    Path,
    Presence,
    Registers,
    presence,
    unseen_by_removal,
)
from crdtsync.document.schema import DocumentSchema, FieldSchema, Shape
from crdtsync.errors import ValidationError


@dataclass(frozen=True, slots=True)
class RawConflict:
    """Concurrent values of one path, as they are stored."""

    path: Path
    reason: Literal["values", "removal"]
    policy: str
    cells: tuple[Cell, ...]
    """Newest first. For a removal: the markers, then what their writers had not seen."""
    shown: int
    """Which of `cells` is shown."""


def shown_cell(cells: Cells, spec: FieldSchema) -> Cell:
    """Return the cell whose value is shown under the field's policy."""
    if len(cells) == 1 or spec.policy not in ("highest", "lowest"):
        return cells[0]
    codec = spec.value_codec()
    ranked = []
    for cell in cells:
        try:
            value = codec.decode(cell.raw)
            codec.encode(value)  # Not a number, or a time without a zone: it is in no order to the others.
        except ValidationError:
            continue  # Another version of the schema wrote it; it is listed, and cannot be compared.
        if value is not None:
            ranked.append((value, cell))
    if not ranked:
        return cells[0]
    # The newest of equal values, so that the choice does not depend on the order of arrival.
    choose = max if spec.policy == "highest" else min
    best = choose(value for value, _ in ranked)
    return max(cell for value, cell in ranked if value == best)


def conflicts_of_field(registers: Registers, spec: FieldSchema) -> Iterator[RawConflict]:
    """Yield the conflicts of one declared field, in an order every replica agrees on."""
    if spec.shape is Shape.VALUE:
        cells = registers.fields.get(spec.name, ())
        if len(cells) > 1:
            yield from _value_conflict((spec.name,), cells, spec)
    elif spec.shape is Shape.ENTITIES and spec.entity is not None:
        entities = registers.members.get(spec.name, {})
        for entity_id in sorted(entities):
            entity = entities[entity_id]
            if MARKER not in entity and max(map(len, entity.values())) == 1:
                continue
            state = presence(entity) if MARKER in entity else Presence.PRESENT
            if state is Presence.REMOVED:
                continue
            if state is Presence.CONTESTED:
                kept = [cell for sub, cell in unseen_by_removal(entity) if sub != SELF]
                moved = [cell for sub, cell in unseen_by_removal(entity) if sub == SELF]
                cells = (*entity[MARKER], *sorted(kept or moved, reverse=True))
                markers = len(entity[MARKER])
                shown = next((i for i, c in enumerate(entity[MARKER]) if c.raw == RESTORED), markers)
                yield RawConflict((spec.name, entity_id), "removal", "ask", cells, min(shown, len(cells) - 1))
            for sub in sorted(entity):
                field = spec.entity.fields.get(sub)
                if field is not None and len(entity[sub]) > 1:
                    yield from _value_conflict((spec.name, entity_id, sub), entity[sub], field)


def conflicts(registers: Registers, schema: DocumentSchema) -> list[RawConflict]:
    """Return all conflicts of a document."""
    return [found for spec in schema.fields.values() for found in conflicts_of_field(registers, spec)]


def _value_conflict(path: Path, cells: Cells, spec: FieldSchema) -> Iterator[RawConflict]:
    if len({cell.raw for cell in cells}) == 1:
        return  # All wrote the same: nobody disagrees.
    yield RawConflict(path, "values", spec.policy, cells, cells.index(shown_cell(cells, spec)))
