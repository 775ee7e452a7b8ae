"""The projection: a document as ordinary JSON, kept up as the registers change.

Raw register texts are canonical JSON already, so that a projection is put together by joining strings. What
an edit did not touch is not rendered again: a field is rendered once, an entity once.
"""

from collections.abc import Collection, Iterable, Mapping

import msgspec

from crdtsync.document.draft import REFERENCES, log_entries, references, set_elements
from crdtsync.document.registers import MARKER, SELF, Entity, Path, Presence, Registers, presence
from crdtsync.document.schema import DocumentSchema, EntitySchema, FieldSchema, Shape
from crdtsync.document.sources import REFERENCES_KEY, REMOVED_KEY
from crdtsync.document.winners import RawConflict, conflicts_of_field, shown_cell

SEARCH_CHARS_MAX = 200_000

_JSON = msgspec.json.Encoder()
_STRING = msgspec.json.Decoder(str)
_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_OBJECTS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_LIST = msgspec.json.Decoder(list[msgspec.Raw])
_ID_START = len('{"id":"')


class Projection:
    """Renders one document; remembers the parts it has rendered."""

    __slots__ = (
        "_conflicts",
        "_entities",
        "_kept_conflicts",
        "_parts",
        "_references",
        "_removed",
        "_schema",
        "_search",
        "_touched",
    )

    def __init__(self, schema: DocumentSchema) -> None:
        self._schema = schema
        self._parts: dict[str, str] = {}
        self._entities: dict[str, dict[str, str]] = {}
        self._removed: dict[str, str] = {}
        self._conflicts: dict[str, list[RawConflict]] = {}
        self._kept_conflicts: dict[str, list[RawConflict]] = {}
        """Those of a projection that was resumed, by field: of entities that were not touched they hold."""
        self._touched: set[Path] = set()
        """The entities that were touched since it was resumed."""
        self._search: dict[str, str] = {}
        self._references: str | None = None

    @classmethod
    def resumed(cls, schema: DocumentSchema, stored: str, conflicts: Iterable[RawConflict]) -> "Projection":
        """Go on from a projection that was rendered before, with the conflicts that were listed then.

        Afterwards `touch` what has changed since; of that, and of nothing else, registers need to be given. Of the
        lists in it that are the entries of one and two names, and all of an entity that was touched, that bears a
        marker, or that has no entry of two names.

        Raises:
            msgspec.MsgspecError: this was no projection.
        """
        self = cls(schema)
        members = {name: bytes(raw).decode() for name, raw in _OBJECT.decode(stored).items()}
        self._parts = {name: members.get(name, "") for name in schema.fields}
        self._references = members.get(REFERENCES_KEY, "")
        if REMOVED_KEY in members:
            self._removed = {
                name: bytes(raw).decode() for name, raw in _OBJECT.decode(members[REMOVED_KEY]).items()
            }
        self._conflicts = {name: [] for name in schema.fields}
        for item in conflicts:
            self._conflicts.setdefault(item.path[0], []).append(item)
        self._kept_conflicts = self._conflicts.copy()
        return self

    def fits(self, name: str, registers: Registers, touched: Collection[Path]) -> bool:
        """Whether one that was resumed and registers are of one document, as far as a field was touched.

        Raises:
            msgspec.MsgspecError, ValueError: this was no projection.
        """
        of_field = [path for path in touched if path[0] == name]
        if not of_field or self._schema.fields[name].shape is not Shape.ENTITIES:
            return True
        known, entities = self._rendered_entities(name), registers.members.get(name, {})
        changed = {path[1] for path in of_field if len(path) > 1}
        return known.keys() - entities.keys() <= changed and all(
            MARKER in entities[entity_id] or SELF not in entities[entity_id]
            for entity_id in entities.keys() - known.keys() - changed
        )

    def _rendered_entities(self, name: str) -> dict[str, str]:
        known = self._entities.get(name)
        if known is None:
            known = self._entities[name] = {}
            for text in (self._parts.get(name), self._removed.get(name)):
                if text:
                    for raw in _LIST.decode(text):
                        entity = bytes(raw).decode()
                        known[entity[_ID_START : entity.index('"', _ID_START)]] = entity
        return known

    def touch(self, paths: Iterable[Path]) -> None:
        """Forget what was rendered of these paths; a text is touched as ``(field,)``."""
        for path in paths:
            name = path[0]
            self._parts.pop(name, None)
            self._conflicts.pop(name, None)
            self._search.pop(name, None)
            if len(path) > 1 and name in self._entities:
                self._entities[name].pop(path[1], None)
                self._touched.add(path[:2])
            if name == REFERENCES:
                self._references = None

    def fields(self, registers: Registers, texts: Mapping[str, str]) -> dict[str, str]:
        """Return the JSON text of every field that has a value."""
        for name, spec in self._schema.fields.items():
            if name not in self._parts:
                self._parts[name] = self._render(spec, registers, texts)
        return {name: self._parts[name] for name in self._schema.fields if self._parts[name]}

    def render(self, registers: Registers, texts: Mapping[str, str], computed: Mapping[str, str]) -> str:
        """Return the whole projection, with the computed values that are kept in it."""
        fields = self.fields(registers, texts)
        parts = [f'"{name}":{raw}' for name, raw in fields.items()]
        parts.extend(f'"{name}":{raw}' for name, raw in computed.items())
        # In the order of the schema: what was rendered last must not decide how the text reads.
        kept = [(name, self._removed.get(name)) for name in self._schema.fields] if self._removed else []
        removed = [f'"{name}":{raw}' for name, raw in kept if raw]
        if removed:
            parts.append(f'"{REMOVED_KEY}":{{{",".join(removed)}}}')
        if self._references is None:
            numbers = references(registers)
            self._references = _JSON.encode(numbers).decode() if numbers else ""
        if self._references:
            parts.append(f'"{REFERENCES_KEY}":{self._references}')
        return "{" + ",".join(parts) + "}"

    def conflicts(self, registers: Registers) -> list[RawConflict]:
        """Return all conflicts of the document, in an order every replica agrees on."""
        if registers.is_plain and not self._kept_conflicts:
            return []
        for name, spec in self._schema.fields.items():
            if name not in self._conflicts:
                self._conflicts[name] = self._list_conflicts(registers, spec)
        return [found for name in self._schema.fields for found in self._conflicts[name]]

    def _list_conflicts(self, registers: Registers, spec: FieldSchema) -> list[RawConflict]:
        found = list(conflicts_of_field(registers, spec))
        kept = self._kept_conflicts.get(spec.name)
        if not kept or spec.shape is not Shape.ENTITIES:
            return found
        entities = registers.members.get(spec.name, {})
        for item in kept:
            entity = entities.get(item.path[1], {})
            if item.path[:2] not in self._touched and SELF in entity and MARKER not in entity:
                found.append(item)  # Of this one there is nothing else in the registers.
        found.sort(
            key=lambda item: item.path[1]
        )  # Those of one entity are in their order, and all from one side.
        return found

    def search_text(self, registers: Registers, texts: Mapping[str, str]) -> str:
        """Return the words by which the document is found."""
        self.fields(registers, texts)
        for name, spec in self._schema.fields.items():
            if name not in self._search:
                self._search[name] = " ".join(_words(spec, self._parts[name], texts))
        found = (self._search[name] for name in self._schema.fields)
        return " ".join(words for words in found if words)[:SEARCH_CHARS_MAX]

    def _render(self, spec: FieldSchema, registers: Registers, texts: Mapping[str, str]) -> str:
        match spec.shape:
            case Shape.VALUE:
                cells = registers.fields.get(spec.name)
                return shown_cell(cells, spec).raw if cells else ""
            case Shape.TEXT:
                content = texts.get(spec.name, "")
                return _JSON.encode(content).decode() if content else ""
            case Shape.LOG:
                entries = log_entries(registers, spec.name)
                rows = (f'{{"id":"{item.id}","at":{item.at_ms},"value":{item.raw}}}' for item in entries)
                return f"[{','.join(rows)}]" if entries else ""
            case Shape.SET:
                elements = set_elements(registers, spec.name)
                return f"[{','.join(elements)}]" if elements else ""
            case Shape.ENTITIES:
                return self._render_entities(spec, registers)

    def _render_entities(self, spec: FieldSchema, registers: Registers) -> str:
        assert spec.entity is not None
        known = self._entities.setdefault(spec.name, {})
        entities = registers.members.get(spec.name, {})
        present: list[tuple[str, str]] = []
        removed: list[tuple[str, str]] = []
        for entity_id, entity in entities.items():
            if entity_id not in known:
                known[entity_id] = _entity_json(entity_id, entity, spec.entity)
            position = entity[SELF][0].raw if SELF in entity else ""
            gone = MARKER in entity and presence(entity) is Presence.REMOVED
            (removed if gone else present).append((position, entity_id))
        present.sort()
        removed.sort()
        self._removed[spec.name] = f"[{','.join(known[item] for _, item in removed)}]" if removed else ""
        return f"[{','.join(known[item] for _, item in present)}]" if present else ""


def _entity_json(entity_id: str, entity: Entity, schema: EntitySchema) -> str:
    parts = [f'{{"id":"{entity_id}"']
    for name, spec in schema.fields.items():
        cells = entity.get(name)
        if cells:
            raw = cells[0].raw if len(cells) == 1 else shown_cell(cells, spec).raw
            parts.append(f'"{name}":{raw}')
    return ",".join(parts) + "}"


def _words(spec: FieldSchema, rendered: str, texts: Mapping[str, str]) -> list[str]:
    match spec.shape:
        case Shape.TEXT:
            return [texts.get(spec.name, "")] if spec.searchable else []
        case Shape.VALUE if spec.searchable:
            return [_plain(rendered)] if rendered else []
        case Shape.ENTITIES if spec.entity is not None:
            searched = [item.name for item in spec.entity.fields.values() if item.searchable]
            if not searched or not rendered:
                return []
            # Lines of one product repeat its words: each different text is decoded once.
            entities = _OBJECTS.decode(rendered)
            raws = {bytes(entity[name]): None for entity in entities for name in searched if name in entity}
            return [_plain(raw) for raw in raws]
        case _:
            return []


def _plain(raw: str | bytes) -> str:
    """Return a value as words; nothing for what is no string, which another version of the schema wrote."""
    try:
        return _STRING.decode(raw)
    except msgspec.MsgspecError:
        return ""
