"""The classes a person writes: documents, and what is in them.

A document class is its own schema. Its instances come from a replica only: a *view* (immutable, read from the
projection) or, inside ``async with replica.edit(...)``, a *draft* that can be changed.
"""

from __future__ import annotations

import inspect
import typing
from dataclasses import dataclass
from typing import Any, ClassVar, Self

from crdtsync.document.containers import GrowSet, Log, LogEntry, Text
from crdtsync.document.declared import (
    Declared,
    FieldOptions,
    check_computed_name,
    check_member_id,
    computed,
    decode_field,
    encode_field,
    field,
    hints_of,
    plain_field,
    shown_field,
)
from crdtsync.document.entities import Entities, Entity, entity_schema
from crdtsync.document.schema import ComputedSchema, DocumentSchema, FieldSchema, Shape, check_name
from crdtsync.document.sources import Source  # noqa: TC001 - read by `get_type_hints`
from crdtsync.document.values import MISSING, Ref, codec_for
from crdtsync.errors import SchemaError, UsageError, ValidationError
from crdtsync.protocol.numbering import Series  # noqa: TC001 - read by `get_type_hints`

__all__ = [
    "Document",
    "DocumentInfo",
    "Entities",
    "Entity",
    "FieldOptions",
    "GrowSet",
    "Log",
    "LogEntry",
    "Text",
    "check_member_id",
    "computed",
    "entity_schema",
    "field",
    "schema_of",
]


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
    version: str = ""
    """Which state of the document this is: what `Replica.edit` takes as `seen`, and a form may carry in a field."""


class Document(Declared):
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
    _info: DocumentInfo
    _source: Source
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
        document._source = source  # noqa: SLF001 - these two are our own
        document._info = info  # noqa: SLF001
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
                return decode_field(spec, self._source.value((name,)))
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
        self._source.write((name,), encode_field(spec, value))

    def __repr__(self) -> str:
        shown = ", ".join(f"{name}={shown_field(self, name)}" for name in self._declared)
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
    return typing.cast("DocumentSchema", known)


def _build_document(cls: type[Document]) -> DocumentSchema:
    if not cls._kind:
        raise SchemaError(f"{cls.__name__} has no kind", hint=f'class {cls.__name__}(Document, kind="...")')
    hints = hints_of(cls)
    declared = cls._declared.items()
    fields = {name: _document_field(cls, name, hints[name], options) for name, options in declared}
    found: dict[str, ComputedSchema] = {}
    for name in dir(cls):
        item = inspect.getattr_static(cls, name)
        if isinstance(item, computed):
            annotation = hints_of(item.function).get("return")
            if annotation is None:
                raise SchemaError(f"{cls.__name__}.{name}: a computed property declares the type it returns")
            found[check_computed_name(name)] = ComputedSchema(name, annotation, codec_for(annotation))
    return DocumentSchema(cls._kind, fields, cls._shared, cls._series, found, cls)


_CONTAINERS: dict[Any, Shape] = {Log: Shape.LOG, GrowSet: Shape.SET}


def _document_field(cls: type, name: str, annotation: Any, options: FieldOptions) -> FieldSchema:
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is not Text and origin is not Entities and origin not in _CONTAINERS:
        return plain_field(cls, name, annotation, options)
    if options.default is not MISSING or options.policy != "latest" or options.indexed:
        raise SchemaError(f"{cls.__name__}.{name}: only plain fields have a default, a policy or an index")
    if annotation is Text:
        return FieldSchema(name, Shape.TEXT, str, searchable=options.searchable is not False)
    if origin is Entities:
        if not (isinstance(args[0], type) and issubclass(args[0], Entity)):
            raise SchemaError(f"{cls.__name__}.{name}: Entities holds a subclass of Entity")
        return FieldSchema(name, Shape.ENTITIES, args[0], entity=entity_schema(args[0]))
    return FieldSchema(name, _CONTAINERS[origin], args[0], codec=codec_for(args[0]))
