"""Who wrote what a document shows: the registers keep it for every value."""

from collections.abc import Iterator

from crdtsync.document.registers import MARKER, SELF, Cell, Path, Presence, Registers, presence
from crdtsync.document.schema import DocumentSchema, EntitySchema, Shape
from crdtsync.document.winners import shown_cell


def shown_cells(registers: Registers, schema: DocumentSchema) -> Iterator[tuple[Path, Cell]]:
    """Yield the path and the cell of every value that is shown, in the order of the schema.

    ``(field,)``, ``(list, id, field)`` for the fields of an entity, and ``(list, id)`` for its place in the list,
    for an entry of a log and for an element of a set. A text has no registers, and is not among them.
    """
    for name, spec in schema.fields.items():
        match spec.shape:
            case Shape.VALUE:
                if cells := registers.fields.get(name):
                    yield (name,), shown_cell(cells, spec)
            case Shape.ENTITIES:
                assert spec.entity is not None
                yield from _cells_of_entities(registers, name, spec.entity)
            case Shape.LOG | Shape.SET:
                for member, subs in registers.members.get(name, {}).items():
                    if SELF in subs:
                        yield (name, member), subs[SELF][-1]  # Write-once: the first one is shown.
            case Shape.TEXT:
                pass


def _cells_of_entities(registers: Registers, name: str, schema: EntitySchema) -> Iterator[tuple[Path, Cell]]:
    for entity_id, entity in registers.members.get(name, {}).items():
        if MARKER in entity and presence(entity) is Presence.REMOVED:
            continue
        if SELF in entity:
            yield (name, entity_id), entity[SELF][0]
        for sub, spec in schema.fields.items():
            if cells := entity.get(sub):
                yield (name, entity_id, sub), shown_cell(cells, spec)
