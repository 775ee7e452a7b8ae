"""Entities: the records of an ordered list, such as the lines of a quote, and the list itself."""

from __future__ import annotations

import typing
from typing import Any, Generic, Self, TypeVar, dataclass_transform, overload

from crdtsync.document.declared import (
    Declared,
    check_member_id,
    decode_field,
    encode_field,
    field,
    hints_of,
    near_hint,
    plain_field,
    shown_field,
)
from crdtsync.document.schema import EntitySchema, FieldSchema
from crdtsync.document.sources import Source  # noqa: TC001 - read by `get_type_hints`
from crdtsync.errors import DocumentNotFoundError, SchemaError, ValidationError

if typing.TYPE_CHECKING:
    from collections.abc import Iterator

E = TypeVar("E", bound="Entity")


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
class Entity(Declared):
    """A record in an entity list, such as one line of a quote.

    A new one is made with its fields as keywords and given to `Entities.add`; those that a document holds
    are read and, in a draft, assigned to like any object.
    """

    __slots__ = ("_id", "_list", "_source", "_values")
    _reserved = frozenset({"id", "copy"})  # An entity has no number, no reference and no kind of its own.
    _id: str
    _list: str
    _source: Source | None
    _values: dict[str, str]

    def __init__(self, **values: Any) -> None:
        schema = entity_schema(type(self))
        unknown = sorted(set(values) - set(schema.fields))
        if unknown:
            hint = near_hint(unknown[0], schema.fields)
            raise ValidationError(f"{schema.name} has no field {unknown[0]!r}", path=unknown[0], hint=hint)
        missing = [
            spec.name for spec in schema.fields.values() if spec.is_required and spec.name not in values
        ]
        if missing:
            raise ValidationError(f"{schema.name} needs {missing[0]!r}", path=missing[0])
        self._source = None
        self._list = ""
        self._id = ""
        self._values = {name: encode_field(schema.fields[name], value) for name, value in values.items()}

    @classmethod
    def _bound(
        cls, source: Source | None, list_name: str, entity_id: str, values: dict[str, str] | None = None
    ) -> Self:
        entity = cls.__new__(cls)
        entity._source = source  # noqa: SLF001 - these four are our own
        entity._list = list_name  # noqa: SLF001
        entity._id = entity_id  # noqa: SLF001
        entity._values = values or {}  # noqa: SLF001
        return entity

    @property
    def id(self) -> str:
        """The stable id within its list; empty before it is added."""
        return self._id

    def copy(self, **values: Any) -> Self:
        """Return a new entity with the same content, and other values where they are given, to be added to a list.

        What another version of the class wrote into a field that this one declares is copied as it is.

        Raises:
            ValidationError: there is no such field, or the value is not acceptable.
        """
        schema = entity_schema(type(self))
        raws = {name: raw for name in schema.fields if (raw := self._raw(name)) is not None}
        for name, value in values.items():
            if name not in schema.fields:
                hint = near_hint(name, schema.fields)
                raise ValidationError(f"{schema.name} has no field {name!r}", path=name, hint=hint)
            raws[name] = encode_field(schema.fields[name], value)
        return self._bound(None, "", "", raws)

    def _raw(self, name: str) -> str | None:
        """Return a value as canonical JSON, or None where there is none."""
        if self._source is None:
            return self._values.get(name)
        raw = self._source.value((self._list, self._id, name))
        return raw.decode() if isinstance(raw, bytes) else raw

    def _read(self, name: str) -> Any:
        spec = entity_schema(type(self)).fields[name]
        if self._source is None:
            raw: str | bytes | None = self._values.get(name)
        else:
            raw = self._source.value((self._list, self._id, name))
        return decode_field(spec, raw)

    def _write(self, name: str, value: Any) -> None:
        raw = encode_field(entity_schema(type(self)).fields[name], value)
        if self._source is None:
            self._values[name] = raw
        else:
            self._source.write((self._list, self._id, name), raw)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(getattr(self, name) == getattr(other, name) for name in self._declared)

    __hash__ = None  # type: ignore[assignment]  # equality goes by content, and drafts change

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={shown_field(self, name)}" for name in self._declared)
        return f"{type(self).__name__}({shown})"


class Entities(Generic[E]):
    """An ordered list of entities with stable ids. Editing a line never disturbs another one."""

    def __init__(self, source: Source, spec: FieldSchema) -> None:
        assert spec.entity is not None
        self._source = source
        self._name = spec.name
        self._class: type[E] = spec.entity.entity_class

    def __len__(self) -> int:
        return len(self._source.entity_ids(self._name))

    def __iter__(self) -> Iterator[E]:
        for entity_id in self._source.entity_ids(self._name):
            yield self._make(entity_id)

    @overload
    def __getitem__(self, key: int | str) -> E: ...
    @overload
    def __getitem__(self, key: slice) -> list[E]: ...
    def __getitem__(self, key: int | str | slice) -> E | list[E]:
        """Return the entity at an index or of an id.

        Raises:
            IndexError: there is no such index.
            DocumentNotFoundError: there is no entity of that id in the list.
        """
        if isinstance(key, slice):
            return [self._make(entity_id) for entity_id in self._source.entity_ids(self._name)[key]]
        if isinstance(key, int):
            return self._make(self._source.entity_ids(self._name)[key])
        if not self._source.has_entity(self._name, key):
            raise DocumentNotFoundError(f"{self._name} has no entity {key}")
        return self._make(key)

    def __contains__(self, key: object) -> bool:
        wanted = key.id if isinstance(key, Entity) else key
        return isinstance(wanted, str) and self._source.has_entity(self._name, wanted)

    def get(self, id: str) -> E | None:  # noqa: A002
        """Return the entity of an id, or None if there is none in the list."""
        return self._make(id) if self._source.has_entity(self._name, id) else None

    def index(self, entity: E | str) -> int:
        """Return the place of an entity in the list, from 0.

        Raises:
            DocumentNotFoundError: it is not in the list.
        """
        entity_id = self._id_of(entity)
        if not self._source.has_entity(self._name, entity_id):
            raise DocumentNotFoundError(f"{self._name} has no entity {entity_id}")
        return self._source.entity_ids(self._name).index(entity_id)

    def add(self, entity: E, *, index: int | None = None, id: str | None = None) -> E:  # noqa: A002
        """Put a new entity into the list, at the end or before the one at `index`; return it as it is there.

        An `id` of 1 to 64 characters ``a-z 0-9 -`` may be given where two people could make the same entity
        while apart; without one it is random.

        Raises:
            FrozenDocumentError: this is a view.
            ValidationError: the list has an entity of that id, or it is not acceptable.
        """
        if not isinstance(entity, self._class):
            raise ValidationError(f"{self._name} holds {self._class.__name__}, not {type(entity).__name__}")
        if entity._source is not None:  # noqa: SLF001
            raise ValidationError(f"this {self._class.__name__} is in a document already")
        check_member_id(id)
        place = len(self) if index is None else index if index >= 0 else max(0, len(self) + index)
        return self._make(self._source.add_entity(self._name, id, entity._values, place))  # noqa: SLF001

    def move(self, entity: E | str, index: int) -> None:
        """Make an entity the `index`-th of the list; a negative index counts from the end.

        Raises:
            FrozenDocumentError: this is a view.
            DocumentNotFoundError: it is not in the list.
        """
        place = index if index >= 0 else max(0, len(self) + index)
        self._source.move_entity(self._name, self._id_of(entity), place)

    def remove(self, entity: E | str) -> None:
        """Take an entity out. If somebody edits it meanwhile, it stays, and is listed as a conflict.

        Raises:
            FrozenDocumentError: this is a view.
            DocumentNotFoundError: it is not in the list.
        """
        self._source.remove_entity(self._name, self._id_of(entity))

    def restore(self, entity: E | str) -> E:
        """Put a removed entity back where it was; also decides a removal conflict in favour of the entity.

        Raises:
            FrozenDocumentError: this is a view.
            DocumentNotFoundError: there never was such an entity.
        """
        entity_id = self._id_of(entity)
        self._source.restore_entity(self._name, entity_id)
        return self._make(entity_id)

    @property
    def removed(self) -> list[E]:
        """The entities that were removed and can be restored."""
        return [self._make(entity_id) for entity_id in self._source.removed_ids(self._name)]

    def _make(self, entity_id: str) -> E:
        return self._class._bound(self._source, self._name, entity_id)  # noqa: SLF001

    def _id_of(self, entity: E | str) -> str:
        if isinstance(entity, str):
            return entity
        if not isinstance(entity, self._class):
            raise ValidationError(
                f"{entity!r:.80} is no {self._class.__name__}", hint="Give an entity of the list or its id"
            )
        return entity.id

    def __repr__(self) -> str:
        return repr(list(self))


def entity_schema(cls: type[Entity]) -> EntitySchema:
    """Return the schema an entity class declares.

    Raises:
        SchemaError: the class makes no sense as an entity.
    """
    known = cls.__dict__.get("_schema")
    if known is None:
        hints = hints_of(cls)
        fields = {
            name: plain_field(cls, name, hints[name], options) for name, options in cls._declared.items()
        }
        if not fields:
            raise SchemaError(f"{cls.__name__} declares no fields")
        known = EntitySchema(cls.__name__, fields, cls)
        type.__setattr__(cls, "_schema", known)
    return typing.cast("EntitySchema", known)
