"""The classes a person writes: documents, their entities, and the containers in them.

A document class is its own schema. Its instances come from a replica only: a *view* (immutable, read from the
projection) or, inside ``async with replica.edit(...)``, a *draft* that can be changed.
"""

from __future__ import annotations

import difflib
import inspect
import re
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Self, TypeVar, dataclass_transform, overload

from crdtsync.document import schema as schemas
from crdtsync.document.schema import (
    ComputedSchema,
    DocumentSchema,
    EntitySchema,
    FieldSchema,
    Policy,
    Shape,
    check_name,
)
from crdtsync.document.sources import Source
from crdtsync.document.values import MISSING, Ref, codec_for
from crdtsync.errors import DocumentNotFoundError, SchemaError, UsageError, ValidationError
from crdtsync.protocol.numbering import Series

E = TypeVar("E", bound="Entity")
V = TypeVar("V")

_MEMBER_ID = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)
_RESERVED = frozenset(
    {"id", "kind", "ref", "number", "references", "reference", "removed", "validate", "info"}
)


@dataclass(frozen=True, slots=True)
class FieldOptions:
    """What `field` was told about a field."""

    default: Any = MISSING
    policy: Policy = "latest"
    indexed: bool = False
    searchable: bool | None = None


def field(
    *,
    default: Any = MISSING,
    policy: Policy = "latest",
    indexed: bool = False,
    searchable: bool | None = None,
) -> Any:
    """Say more about a field than its type does.

    Args:
        default: what a document shows in which nobody wrote the field; without one the field is required.
        policy: which of several concurrent values is shown: `latest`, `highest`, `lowest`, or `ask`.
        indexed: whether queries may filter and sort by it quickly (plain fields of a document only).
        searchable: whether full-text search finds its words; `str` and `Text` fields are searchable by default.
    """
    return FieldOptions(default, policy, indexed, searchable)


class computed(Generic[V]):  # noqa: N801 - used as a decorator, like `property`
    """A property that is computed from the document's other fields and kept in the projection.

    It can be queried and sorted by like an indexed field, and is never stored in the document itself. Its
    function must depend on nothing but the document. Use a plain `property` for what need not be queried.
    """

    def __init__(self, function: Callable[[Any], V]) -> None:
        self.function = function
        self.__doc__ = function.__doc__
        self.name = function.__name__

    @overload
    def __get__(self, instance: None, owner: Any) -> Self: ...
    @overload
    def __get__(self, instance: object, owner: Any) -> V: ...
    def __get__(self, instance: object | None, owner: Any) -> Any:
        """Compute the value for an instance."""
        return self if instance is None else self.function(instance)


class _Field:
    """The descriptor behind a declared field."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self if instance is None else instance._read(self.name)  # noqa: SLF001

    def __set__(self, instance: Any, value: Any) -> None:
        instance._write(self.name, value)  # noqa: SLF001


class _Declared:
    """What documents and entities share: fields declared by annotation."""

    __slots__ = ()
    _declared: ClassVar[dict[str, FieldOptions]] = {}

    def __init_subclass__(cls) -> None:
        declared = dict(cls._declared)
        for name in inspect.get_annotations(cls):
            if name.startswith("_") or _is_class_var(inspect.get_annotations(cls)[name]):
                continue
            check_name(name, "a field")
            if name in _RESERVED:
                raise SchemaError(f"{cls.__name__}.{name}: this name is taken by the library")
            given = cls.__dict__.get(name, MISSING)
            declared[name] = given if isinstance(given, FieldOptions) else FieldOptions(default=given)
            setattr(cls, name, _Field(name))
        cls._declared = declared

    def __setattr__(self, name: str, value: Any) -> None:
        if not name.startswith("_") and not isinstance(getattr(type(self), name, None), _Field):
            near = difflib.get_close_matches(name, self._declared, 1)
            hint = f"; did you mean {near[0]!r}?" if near else ""
            raise AttributeError(f"{type(self).__name__} has no field {name!r}{hint}", name=name, obj=self)
        object.__setattr__(self, name, value)


@dataclass_transform(kw_only_default=True, field_specifiers=(field,))
class Entity(_Declared):
    """A record in an entity list, such as one line of a quote.

    A new one is made with its fields as keywords and given to `Entities.add`; those that a document holds
    are read and, in a draft, assigned to like any object.
    """

    __slots__ = ("_id", "_list", "_source", "_values")

    def __init__(self, **values: Any) -> None:
        schema = entity_schema(type(self))
        unknown = sorted(set(values) - set(schema.fields))
        if unknown:
            raise ValidationError(f"{schema.name} has no field {unknown[0]!r}", path=unknown[0])
        missing = [
            spec.name for spec in schema.fields.values() if spec.is_required and spec.name not in values
        ]
        if missing:
            raise ValidationError(f"{schema.name} needs {missing[0]!r}", path=missing[0])
        self._source: Source | None = None
        self._list = ""
        self._id = ""
        self._values = {name: _encode(schema.fields[name], value) for name, value in values.items()}

    @classmethod
    def _bound(cls, source: Source, list_name: str, entity_id: str) -> Self:
        entity = cls.__new__(cls)
        entity._source = source
        entity._list = list_name
        entity._id = entity_id
        entity._values = {}
        return entity

    @property
    def id(self) -> str:
        """The stable id within its list; empty before it is added."""
        return self._id

    def _read(self, name: str) -> Any:
        spec = entity_schema(type(self)).fields[name]
        if self._source is None:
            raw: str | bytes | None = self._values.get(name)
        else:
            raw = self._source.value((self._list, self._id, name))
        return _decode(spec, raw)

    def _write(self, name: str, value: Any) -> None:
        raw = _encode(entity_schema(type(self)).fields[name], value)
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
        shown = ", ".join(f"{name}={_shown(self, name)}" for name in self._declared)
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
        ids = self._source.entity_ids(self._name)
        if isinstance(key, slice):
            return [self._make(entity_id) for entity_id in ids[key]]
        if isinstance(key, int):
            return self._make(ids[key])
        if key not in ids:
            raise DocumentNotFoundError(f"{self._name} has no entity {key}")
        return self._make(key)

    def __contains__(self, key: object) -> bool:
        wanted = key.id if isinstance(key, Entity) else key
        return wanted in self._source.entity_ids(self._name)

    def add(self, entity: E, *, index: int | None = None, id: str | None = None) -> E:  # noqa: A002
        """Put a new entity into the list, at the end or before the entity at `index`; return it as it is there.

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
        """Make an entity the `index`-th of the list.

        Raises:
            FrozenDocumentError: this is a view.
            DocumentNotFoundError: it is not in the list.
        """
        self._source.move_entity(self._name, self._id_of(entity), index)

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
        return entity if isinstance(entity, str) else entity.id

    def __repr__(self) -> str:
        return repr(list(self))


@dataclass(frozen=True, slots=True)
class LogEntry(Generic[V]):
    """One entry of a log."""

    id: str
    at_ms: int
    """When it was written, by the clock of its writer."""
    value: V


class Log(Generic[V]):
    """Things that happened: written once, never changed or removed. Iterates over the values, oldest first."""

    def __init__(self, source: Source, spec: FieldSchema) -> None:
        self._source = source
        self._spec = spec

    def append(self, value: V, *, id: str | None = None) -> str:  # noqa: A002
        """Add an entry and return its id.

        With an `id` of the caller's (1 to 64 characters ``a-z 0-9 -``) the same event recorded twice, also
        by two people while apart, is one entry.

        Raises:
            FrozenDocumentError: this is a view.
            ValidationError: the value is not of the declared type.
        """
        check_member_id(id)
        return self._source.append_log(self._spec.name, id, _encode(self._spec, value))

    @property
    def entries(self) -> list[LogEntry[V]]:
        """The entries with their ids and times, oldest first."""
        decode = self._spec.value_codec().decode
        return [LogEntry(item.id, item.at_ms, decode(item.raw)) for item in self._source.log(self._spec.name)]

    def __len__(self) -> int:
        return len(self._source.log(self._spec.name))

    def __iter__(self) -> Iterator[V]:
        return (entry.value for entry in self.entries)

    def __repr__(self) -> str:
        return repr(list(self))


class GrowSet(Generic[V]):
    """A set that only grows. Iterates in the order of the canonical text of its elements."""

    def __init__(self, source: Source, spec: FieldSchema) -> None:
        self._source = source
        self._spec = spec

    def add(self, value: V) -> None:
        """Add an element; one that is there already changes nothing.

        Raises:
            FrozenDocumentError: this is a view.
            ValidationError: the value is not of the declared type.
        """
        self._source.add_element(self._spec.name, _encode(self._spec, value))

    def __len__(self) -> int:
        return len(self._source.elements(self._spec.name))

    def __iter__(self) -> Iterator[V]:
        decode = self._spec.value_codec().decode
        return (decode(raw) for raw in self._source.elements(self._spec.name))

    def __contains__(self, value: object) -> bool:
        return any(value == known for known in self)

    def __repr__(self) -> str:
        return repr(list(self))


class Text:
    """Free text that merges by character. Offsets are Python's: code points."""

    def __init__(self, source: Source, spec: FieldSchema) -> None:
        self._source = source
        self._name = spec.name

    def __str__(self) -> str:
        return self._source.text(self._name)

    def __len__(self) -> int:
        return len(str(self))

    def __eq__(self, other: object) -> bool:
        return str(self) == str(other) if isinstance(other, str | Text) else NotImplemented

    __hash__ = None  # type: ignore[assignment]  # equality goes by content, and drafts change

    def set(self, content: str) -> None:
        """Make the text read `content`; only what differs is written.

        Raises:
            FrozenDocumentError: this is a view.
            ValidationError: it is no text, or too long.
        """
        if not isinstance(content, str):
            raise ValidationError(f"{self._name} is a text, not {type(content).__name__}", path=self._name)
        self._source.set_text(self._name, content)

    def replace(self, start: int, stop: int, content: str) -> None:
        """Replace the characters from `start` to `stop` (as in a slice). Raises as `set` does."""
        text = str(self)
        start, stop, _ = slice(start, stop).indices(len(text))
        self.set(text[:start] + content + text[max(start, stop) :])

    def insert(self, index: int, content: str) -> None:
        """Put `content` before the character at `index`. Raises as `set` does."""
        self.replace(index, index, content)

    def append(self, content: str) -> None:
        """Put `content` at the end. Raises as `set` does."""
        self.set(str(self) + content)

    def delete(self, start: int, stop: int) -> None:
        """Delete the characters from `start` to `stop` (as in a slice). Raises as `set` does."""
        self.replace(start, stop, "")

    def __repr__(self) -> str:
        return repr(str(self))


@dataclass(frozen=True, slots=True)
class DocumentInfo:
    """What the replica knows of a document beside its content."""

    id: str
    kind: str
    number: str | None = None
    references: tuple[str, ...] = ()
    created_ms: int = 0
    changed_ms: int = 0
    digest: bytes = b""
    conflicts: int = 0


class Document(_Declared):
    """A business document: the base of the classes an application writes.

    ::

        class Quote(Document, kind="quote", series=Series("quotes", "Q-{number:05d}")):
            customer: str
            lines: Entities[Line]
            notes: Text

    Args (of the class statement):
        kind: the name of the kind, the same on every replica.
        shared: documents of this kind go to everyone as soon as they are written.
        series: the run of final numbers for this kind, if it is numbered.
    """

    __slots__ = ("_info", "_source")
    _kind: ClassVar[str] = ""
    _shared: ClassVar[bool] = False
    _series: ClassVar[Series | None] = None

    def __init_subclass__(cls, *, kind: str = "", shared: bool = False, series: Series | None = None) -> None:
        super().__init_subclass__()
        if kind:
            cls._kind = check_name(kind, "a kind")
            cls._shared = shared
            cls._series = series

    def __init__(self) -> None:
        raise UsageError(
            f"{type(self).__name__} is not made by calling it",
            hint=f"Use `async with replica.edit({type(self).__name__}) as document:`",
        )

    @classmethod
    def _bound(cls, source: Source, info: DocumentInfo) -> Self:
        document = cls.__new__(cls)
        document._source = source
        document._info = info
        return document

    @property
    def id(self) -> str:
        """The id, the same on every replica."""
        return self._info.id

    @property
    def ref(self) -> Ref[Self]:
        """A reference to this document, for a field of another one."""
        return Ref(self._info.id)

    @property
    def number(self) -> str | None:
        """The final number, or None as long as the coordinator has not given it."""
        return self._info.number

    @property
    def reference(self) -> str | None:
        """The reference number that the creating replica gave at once; it stays an alias for ever."""
        return self._info.references[0] if self._info.references else None

    @property
    def info(self) -> DocumentInfo:
        """What the replica knows of the document beside its content."""
        return self._info

    def validate(self) -> None:
        """Check the document before an edit is written; override it and raise `ValueError` to refuse."""

    def _read(self, name: str) -> Any:
        spec = schema_of(type(self)).fields[name]
        match spec.shape:
            case Shape.VALUE:
                return _decode(spec, self._source.value((name,)))
            case Shape.ENTITIES:
                return Entities[Any](self._source, spec)
            case Shape.LOG:
                return Log[Any](self._source, spec)
            case Shape.SET:
                return GrowSet[Any](self._source, spec)
            case Shape.TEXT:
                return Text(self._source, spec)

    def _write(self, name: str, value: Any) -> None:
        spec = schema_of(type(self)).fields[name]
        if spec.shape is not Shape.VALUE:
            verbs = {Shape.ENTITIES: "add", Shape.LOG: "append", Shape.SET: "add", Shape.TEXT: "set"}
            raise ValidationError(
                f"{name} cannot be assigned", path=name, hint=f"Use document.{name}.{verbs[spec.shape]}(...)"
            )
        self._source.write((name,), _encode(spec, value))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={_shown(self, name)}" for name in self._declared)
        return f"<{type(self).__name__} {self.number or self.reference or self.id}: {shown}>"


def schema_of(cls: type[Document]) -> DocumentSchema:
    """Return the schema a document class declares.

    Raises:
        SchemaError: the class makes no sense as a document.
    """
    known = cls.__dict__.get("_schema")
    if known is None:
        known = _build_document(cls)
        type.__setattr__(cls, "_schema", known)
    return typing.cast(DocumentSchema, known)


def entity_schema(cls: type[Entity]) -> EntitySchema:
    """Return the schema an entity class declares.

    Raises:
        SchemaError: the class makes no sense as an entity.
    """
    known = cls.__dict__.get("_schema")
    if known is None:
        hints = _hints(cls)
        fields = {
            name: _plain_field(cls, name, hints[name], options)
            for name, options in cls._declared.items()  # noqa: SLF001
        }
        if not fields:
            raise SchemaError(f"{cls.__name__} declares no fields")
        known = EntitySchema(cls.__name__, fields, cls)
        type.__setattr__(cls, "_schema", known)
    return typing.cast(EntitySchema, known)


def check_member_id(member_id: str | None) -> None:
    """Refuse an id that cannot be part of a path.

    Raises:
        ValidationError: it is not 1 to 64 characters ``a-z 0-9 -``.
    """
    if member_id is not None and not _MEMBER_ID.fullmatch(member_id):
        raise ValidationError(
            f"{member_id!r:.80} cannot be an id", hint="Use 1 to 64 characters a-z, 0-9 and -"
        )


def _build_document(cls: type[Document]) -> DocumentSchema:
    if not cls._kind:  # noqa: SLF001
        raise SchemaError(f"{cls.__name__} has no kind", hint=f'class {cls.__name__}(Document, kind="...")')
    hints = _hints(cls)
    fields = {
        name: _document_field(cls, name, hints[name], options) for name, options in cls._declared.items()
    }  # noqa: SLF001
    found: dict[str, ComputedSchema] = {}
    for name in dir(cls):
        item = inspect.getattr_static(cls, name)
        if isinstance(item, computed):
            annotation = typing.get_type_hints(item.function).get("return")
            if annotation is None:
                raise SchemaError(f"{cls.__name__}.{name}: a computed property declares the type it returns")
            found[check_name(name, "a computed property")] = ComputedSchema(
                name, annotation, codec_for(annotation)
            )
    return DocumentSchema(cls._kind, fields, cls._shared, cls._series, found, cls)  # noqa: SLF001


_CONTAINERS: dict[Any, Shape] = {Log: Shape.LOG, GrowSet: Shape.SET}


def _document_field(cls: type, name: str, annotation: Any, options: FieldOptions) -> FieldSchema:
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is not Text and origin is not Entities and origin not in _CONTAINERS:
        return _plain_field(cls, name, annotation, options)
    if options.default is not MISSING or options.policy != "latest" or options.indexed:
        raise SchemaError(f"{cls.__name__}.{name}: only plain fields have a default, a policy or an index")
    if annotation is Text:
        return FieldSchema(name, Shape.TEXT, str, searchable=options.searchable is not False)
    if origin is Entities:
        if not (isinstance(args[0], type) and issubclass(args[0], Entity)):
            raise SchemaError(f"{cls.__name__}.{name}: Entities holds a subclass of Entity")
        return FieldSchema(name, Shape.ENTITIES, args[0], entity=entity_schema(args[0]))
    return FieldSchema(name, _CONTAINERS[origin], args[0], codec=codec_for(args[0]))


def _plain_field(cls: type, name: str, annotation: Any, options: FieldOptions) -> FieldSchema:
    try:
        return schemas.value_field(
            name,
            annotation,
            policy=options.policy,
            default=options.default,
            indexed=options.indexed,
            searchable=options.searchable,
        )
    except (SchemaError, ValidationError) as error:
        raise SchemaError(f"{cls.__name__}.{name}: {error.message}", hint=error.hint) from error


def _hints(cls: type) -> dict[str, Any]:
    try:
        return typing.get_type_hints(cls, include_extras=True)
    except NameError as error:
        raise SchemaError(
            f"{cls.__name__}: {error}", hint="Every type in an annotation must be importable"
        ) from error


def _is_class_var(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return annotation.startswith(("ClassVar", "typing.ClassVar"))
    return typing.get_origin(annotation) is ClassVar or annotation is ClassVar


def _encode(spec: FieldSchema, value: Any) -> str:
    try:
        return spec.value_codec().encode(value)
    except ValidationError as error:
        raise ValidationError(f"{spec.name}: {error.message}", path=spec.name, hint=error.hint) from error


def _decode(spec: FieldSchema, raw: str | bytes | None) -> Any:
    if raw is not None:
        return spec.value_codec().decode(raw)
    if spec.default is MISSING:
        raise ValidationError(
            f"{spec.name} was never written in this document",
            path=spec.name,
            hint="Give a new field a default",
        )
    return spec.default


def _shown(owner: Any, name: str) -> str:
    try:
        return repr(getattr(owner, name))
    except ValidationError:
        return "<missing>"
