"""A schema as text, kept in the replica: documents can be shown, checked and edited without the application.

The text is canonical JSON, so that equal schemas give equal text. Reading it back builds real classes through
the ordinary machinery of `model`; what is code is not in it: `validate`, computed functions, properties.
"""

from __future__ import annotations

import dataclasses
import datetime as dt
import enum
import keyword
import re
import types
import typing
from decimal import Decimal
from functools import lru_cache
from typing import Annotated, Any, Final, Literal, Union, cast

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType

from crdtsync.document.declared import check_computed_name
from crdtsync.document.model import Document, Entities, Entity, GrowSet, Log, Text, field, schema_of
from crdtsync.document.schema import ComputedSchema, DocumentSchema, FieldSchema, Policy, Shape, check_name
from crdtsync.document.values import MISSING, Ref, codec_for
from crdtsync.errors import CrdtSyncError, SchemaError
from crdtsync.protocol.numbering import Series

if typing.TYPE_CHECKING:
    from collections.abc import Iterable

SCHEMA_FORMAT: Final = 1
SCHEMA_CHARS_MAX: Final = 1_000_000
TYPE_DEPTH_MAX: Final = 12
FIELDS_MAX: Final = 1_000

_SCALARS: Final[dict[str, Any]] = {
    "str": str,
    "int": int,
    "bool": bool,
    "decimal": Decimal,
    "date": dt.date,
    "datetime": dt.datetime,
    "none": type(None),
}
_SCALAR_NAMES: Final = {kind: name for name, kind in _SCALARS.items()}
_CONSTRAINTS: Final = ("ge", "gt", "le", "lt", "multiple_of", "pattern", "min_length", "max_length", "tz")

_ScalarName = Literal["str", "int", "bool", "decimal", "date", "datetime", "none"]
_Name = Annotated[str, Meta(min_length=1, max_length=100)]


class _Ref(Struct, tag="ref", tag_field="type", forbid_unknown_fields=True):
    kind: str | None


class _Tuple(Struct, tag="tuple", tag_field="type", forbid_unknown_fields=True):
    of: _Type


class _Union(Struct, tag="union", tag_field="type", forbid_unknown_fields=True):
    of: Annotated[list[_Type], Meta(min_length=2, max_length=20)]


class _Limited(Struct, tag="limited", tag_field="type", forbid_unknown_fields=True):
    of: _Type
    limits: dict[str, bool | int | float | str]


class _Enum(Struct, tag="enum", tag_field="type", forbid_unknown_fields=True):
    name: _Name
    members: Annotated[list[tuple[_Name, int | str]], Meta(min_length=1, max_length=1_000)]


class _Part(Struct, forbid_unknown_fields=True):
    name: _Name
    of: _Type
    default: Raw | UnsetType = UNSET


class _Record(Struct, tag="record", tag_field="type", forbid_unknown_fields=True):
    name: _Name
    parts: Annotated[list[_Part], Meta(max_length=200)]


_Type = Union[_ScalarName, _Ref, _Tuple, _Union, _Limited, _Enum, _Record]  # noqa: UP007 - read at run time


class _Field(Struct, forbid_unknown_fields=True):
    name: _Name
    shape: Literal["value", "entities", "log", "set", "text"]
    of: _Type | _EntityClass | None
    policy: str
    indexed: bool
    searchable: bool
    default: Raw | UnsetType = UNSET


class _EntityClass(Struct, tag="entity", tag_field="type", forbid_unknown_fields=True):
    name: _Name
    fields: Annotated[list[_Field], Meta(max_length=FIELDS_MAX)]


class _Computed(Struct, forbid_unknown_fields=True):
    name: _Name
    of: _Type


class _Series(Struct, forbid_unknown_fields=True):
    name: str
    pattern: str
    start: int


class _Document(Struct, forbid_unknown_fields=True):
    format: int
    kind: str
    name: _Name
    shared: bool
    series: _Series | None
    fields: Annotated[list[_Field], Meta(max_length=FIELDS_MAX)]
    computed: Annotated[list[_Computed], Meta(max_length=FIELDS_MAX)]


class _Layout(Struct):
    format: int


_ENCODER = msgspec.json.Encoder(order="sorted")
_DOCUMENT = msgspec.json.Decoder(_Document)
_LAYOUT = msgspec.json.Decoder(_Layout)


def schema_to_json(schema: DocumentSchema) -> str:
    """Return the schema as canonical JSON.

    Raises:
        SchemaError: a type in it cannot be described.
    """
    series = schema.series
    described = _Document(
        format=SCHEMA_FORMAT,
        kind=schema.kind,
        name=_class_name(schema.document_class, schema.kind),
        shared=schema.shared,
        series=None if series is None else _Series(series.name, series.pattern, series.start),
        fields=[_describe_field(spec) for spec in schema.fields.values()],
        computed=[
            _Computed(item.name, _describe(item.annotation))
            for item in sorted(schema.computed.values(), key=lambda item: item.name)
        ],
    )
    return _ENCODER.encode(described).decode()


def class_to_json(document_class: type[Document]) -> str:
    """Return the schema that a class declares as canonical JSON. Raises as `schema_to_json` does."""
    known = document_class.__dict__.get("_schema_text")
    if known is None:
        known = schema_to_json(schema_of(document_class))
        type.__setattr__(document_class, "_schema_text", known)
    return cast("str", known)


@lru_cache(maxsize=256)  # Making classes takes longer than all else that opening a replica does.
def schema_from_json(text: str) -> DocumentSchema:
    """Return the schema, with classes built from it; `schema_to_json` of it gives the same text.

    The same text gives the same classes. Computed properties are listed with their types; the class has none of them.

    Raises:
        SchemaError: the text is no schema, makes no sense, or was written by a newer version of crdtsync.
    """
    if len(text) > SCHEMA_CHARS_MAX:
        raise SchemaError(f"a stored schema of {len(text)} characters is too long")
    try:
        layout = _LAYOUT.decode(text).format
        if layout > SCHEMA_FORMAT:
            raise SchemaError(
                f"the stored schema has format {layout}; this version reads up to {SCHEMA_FORMAT}",
                hint="Update crdtsync on this machine",
            )
        if layout < 1:
            raise SchemaError(f"a stored schema cannot have format {layout}")
        return _Builder().document(_DOCUMENT.decode(text))
    except SchemaError:
        raise
    except CrdtSyncError as error:
        raise SchemaError(f"the stored schema makes no sense: {error.message}", hint=error.hint) from error
    except (msgspec.MsgspecError, RecursionError, TypeError, ValueError, OverflowError, re.error) as error:
        raise SchemaError(f"the stored schema cannot be read: {error}") from error


def _describe_field(spec: FieldSchema) -> _Field:
    described: _Type | _EntityClass | None
    match spec.shape:
        case Shape.ENTITIES:
            assert spec.entity is not None
            described = _EntityClass(
                spec.entity.name, [_describe_field(item) for item in spec.entity.fields.values()]
            )
        case Shape.TEXT:
            described = None
        case _:
            described = _describe(spec.annotation)
    default: Raw | UnsetType = UNSET
    if spec.default is not MISSING:
        default = Raw(spec.value_codec().encode(spec.default))
    return _Field(spec.name, spec.shape.value, described, spec.policy, spec.indexed, spec.searchable, default)


def _describe(annotation: Any, depth: int = 0) -> _Type:
    """Return the description of a value's type; `codec_for` has accepted it already."""
    if depth > TYPE_DEPTH_MAX:
        raise SchemaError(f"{annotation!r} is nested too deeply")
    if annotation in _SCALAR_NAMES:
        return cast("_ScalarName", _SCALAR_NAMES[annotation])
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if annotation is Ref or origin is Ref:
        return _Ref(_target_kind(args[0]) if args else None)
    if origin is tuple:
        return _Tuple(_describe(args[0], depth + 1))
    if origin in (typing.Union, types.UnionType):
        return _Union([_describe(part, depth + 1) for part in args])
    if origin is Annotated:
        of, limits = _describe(args[0], depth + 1), _limits(args[1:])
        return _Limited(of, limits) if limits else of
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return _Enum(annotation.__name__, [(member.name, member.value) for member in annotation])
    if isinstance(annotation, type) and dataclasses.is_dataclass(annotation):
        hints = typing.get_type_hints(annotation, include_extras=True)
        parts = [
            _Part(item.name, _describe(hints[item.name], depth + 1), _part_default(item, hints[item.name]))
            for item in dataclasses.fields(annotation)
        ]
        return _Record(annotation.__name__, parts)
    raise SchemaError(f"{annotation!r} cannot be described")


def _part_default(item: dataclasses.Field[Any], annotation: Any) -> Raw | UnsetType:
    if item.default is not dataclasses.MISSING:
        return Raw(codec_for(annotation).encode(item.default))
    if item.default_factory is not dataclasses.MISSING:
        return Raw(codec_for(annotation).encode(item.default_factory()))
    return UNSET


def _limits(metadata: Iterable[Any]) -> dict[str, bool | int | float | str]:
    """Return the constraints that are plain values; titles, examples and marks of others are left out."""
    limits: dict[str, bool | int | float | str] = {}
    for meta in metadata:
        if isinstance(meta, Meta):
            given = {name: getattr(meta, name) for name in _CONSTRAINTS}
            limits.update((name, value) for name, value in given.items() if value is not None)
    return limits


def _target_kind(target: Any) -> str | None:
    if typing.get_origin(target) is Literal:
        return str(typing.get_args(target)[0])
    if isinstance(target, type) and issubclass(target, Document):
        return target._kind or None  # noqa: SLF001 - the schema of a document may not be known yet
    return None


def _class_name(document_class: Any, kind: str) -> str:
    if isinstance(document_class, type):
        return document_class.__name__
    return "".join(part.capitalize() for part in kind.split("_"))


class _Builder:
    """Builds the classes of one stored schema; one description gives one class."""

    def __init__(self) -> None:
        self._built: dict[bytes, type] = {}

    def document(self, stored: _Document) -> DocumentSchema:
        series = stored.series
        document_class = types.new_class(
            _identifier(stored.name),
            (Document,),
            {
                "kind": check_name(stored.kind, "a kind"),
                "shared": stored.shared,
                "series": None if series is None else Series(series.name, series.pattern, series.start),
            },
            lambda namespace: namespace.update(self._namespace(stored.fields)),
        )
        computed: dict[str, ComputedSchema] = {}
        for item in stored.computed:
            annotation = self._type(item.of)
            name = check_computed_name(item.name)
            computed[name] = ComputedSchema(name, annotation, codec_for(annotation))
        _refuse_twice([*(item.name for item in stored.fields), *(item.name for item in stored.computed)])
        schema = dataclasses.replace(schema_of(document_class), computed=computed)
        type.__setattr__(document_class, "_schema", schema)
        return schema

    def _entity(self, stored: _EntityClass) -> type[Entity]:
        def build() -> type:
            body = self._namespace(stored.fields)
            return types.new_class(
                _identifier(stored.name), (Entity,), {}, lambda namespace: namespace.update(body)
            )

        return cast("type[Entity]", self._once(stored, build))

    def _namespace(self, fields: list[_Field]) -> dict[str, Any]:
        _refuse_twice(item.name for item in fields)
        annotations: dict[str, Any] = {}
        namespace: dict[str, Any] = {"__annotations__": annotations, "__module__": __name__}
        for item in fields:
            check_name(item.name, "a field")
            annotations[item.name], options = self._field(item)
            namespace[item.name] = field(**options)
        return namespace

    def _field(self, item: _Field) -> tuple[Any, dict[str, Any]]:
        """Return a field's annotation and what `field` is told about it."""
        match item.shape, item.of:
            case "entities", _EntityClass() as entity:
                annotation: Any = types.GenericAlias(Entities, (self._entity(entity),))
                options: dict[str, Any] = {}
            case "text", None:
                annotation, options = Text, {"searchable": item.searchable}
            case "value" | "log" | "set", (str() | Struct()) as described if not isinstance(
                described, _EntityClass
            ):
                of = self._type(described)
                if item.shape == "value":
                    annotation = of
                    options = {
                        "policy": cast("Policy", item.policy),
                        "indexed": item.indexed,
                        "searchable": item.searchable,
                    }
                    if item.default is not UNSET:
                        options["default"] = codec_for(of).decode(bytes(item.default))
                else:
                    annotation, options = (Log if item.shape == "log" else GrowSet)[of], {}
            case _:
                raise SchemaError(f"{item.name}: a field of shape {item.shape} cannot hold {item.of!r}")
        return annotation, options

    def _type(self, described: _Type, depth: int = 0) -> Any:
        if depth > TYPE_DEPTH_MAX:
            raise SchemaError("a type is nested too deeply")
        match described:
            case str():
                return _SCALARS[described]
            case _Ref():
                if described.kind is None:
                    return Ref
                return Ref.__class_getitem__(check_name(described.kind, "a kind"))
            case _Tuple():
                return types.GenericAlias(tuple, (self._type(described.of, depth + 1), ...))
            case _Union():
                return Union[tuple(self._type(part, depth + 1) for part in described.of)]  # noqa: UP007
            case _Limited():
                if not set(described.limits) <= set(_CONSTRAINTS):
                    raise SchemaError(f"unknown limits: {', '.join(sorted(described.limits))}")
                return Annotated[self._type(described.of, depth + 1), Meta(**cast("Any", described.limits))]
            case _Enum():
                return self._once(described, lambda: _build_enum(described))
            case _Record():
                return self._once(described, lambda: self._record(described, depth))

    def _record(self, described: _Record, depth: int) -> type:
        _refuse_twice(part.name for part in described.parts)
        parts: list[tuple[str, Any, Any]] = []
        for part in described.parts:
            of = self._type(part.of, depth + 1)
            default = (
                dataclasses.field()
                if part.default is UNSET
                else dataclasses.field(default=codec_for(of).decode(bytes(part.default)))
            )
            parts.append((_identifier(part.name), of, default))
        has_default = [part.default is not UNSET for part in described.parts]
        return dataclasses.make_dataclass(
            _identifier(described.name),
            parts,
            frozen=True,
            # Parts without a default may follow parts with one only where all are given by name.
            kw_only=has_default != sorted(has_default),
        )

    def _once(self, described: Struct, build: Any) -> type:
        key = _ENCODER.encode(described)
        known = self._built.get(key)
        if known is None:
            known = self._built[key] = build()
        return known


def _build_enum(described: _Enum) -> type:
    _refuse_twice(name for name, _ in described.members)
    values = [value for _, value in described.members]
    if len(set(values)) != len(values):
        raise SchemaError(f"{described.name}: two members have one value")
    members = [(_identifier(name), value) for name, value in described.members]
    return cast("type", enum.Enum(_identifier(described.name), members))


def _identifier(name: str) -> str:
    if not name.isidentifier() or keyword.iskeyword(name) or (name.startswith("__") or name == "mro"):
        raise SchemaError(f"{name!r:.80} cannot be the name of a class, a member or a part")
    return name


def _refuse_twice(names: Iterable[str]) -> None:
    known: set[str] = set()
    for name in names:
        if name in known:
            raise SchemaError(f"{name!r:.80} is there twice")
        known.add(name)
