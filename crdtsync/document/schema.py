"""What a document class declares, as values: codecs, projections and the command line go by it."""

import datetime as dt
import enum
import re
import types
import typing
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field as dataclass_field
from decimal import Decimal
from typing import Any, Literal

from crdtsync.document.values import MISSING, Codec, codec_for
from crdtsync.errors import SchemaError
from crdtsync.protocol.numbering import Series

Policy = Literal["latest", "highest", "lowest", "ask"]
"""Which of several concurrent values is shown. `ask` shows the latest, and a person is to decide."""

POLICIES: tuple[Policy, ...] = ("latest", "highest", "lowest", "ask")

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
_COMPARABLE = (int, Decimal, dt.date, dt.datetime, str)


class Shape(enum.Enum):
    """What a field is made of."""

    VALUE = "value"
    ENTITIES = "entities"
    LOG = "log"
    SET = "set"
    TEXT = "text"


@dataclass(frozen=True, slots=True)
class FieldSchema:
    """One declared field of a document or an entity."""

    name: str
    shape: Shape
    annotation: Any
    """The type of the value, or of one element of a log or set; the entity class; `str` for a text."""
    policy: Policy = "latest"
    default: Any = MISSING
    indexed: bool = False
    searchable: bool = False
    codec: Codec | None = dataclass_field(default=None, compare=False, repr=False)
    entity: "EntitySchema | None" = None

    @property
    def is_required(self) -> bool:
        """Whether a new document must be given this field."""
        return self.shape is Shape.VALUE and self.default is MISSING

    def value_codec(self) -> Codec:
        """Return the codec of the field's values or elements."""
        assert self.codec is not None, self.name
        return self.codec


@dataclass(frozen=True, slots=True)
class EntitySchema:
    """The fields of one kind of entity."""

    name: str
    fields: dict[str, FieldSchema]
    entity_class: Any = dataclass_field(compare=False, repr=False, default=None)


@dataclass(frozen=True, slots=True)
class ComputedSchema:
    """A computed property that is kept in the projection, so that it can be queried."""

    name: str
    annotation: Any
    codec: Codec = dataclass_field(compare=False, repr=False)


@dataclass(frozen=True, slots=True)
class DocumentSchema:
    """Everything a kind declares."""

    kind: str
    fields: dict[str, FieldSchema]
    shared: bool = False
    """Whether documents of this kind go to every replica at once (customers, price lists)."""
    series: Series | None = None
    """The run of final numbers for this kind."""
    computed: dict[str, ComputedSchema] = dataclass_field(default_factory=dict)
    document_class: Any = dataclass_field(compare=False, repr=False, default=None)

    @property
    def indexed(self) -> list[str]:
        """The names that have a column and an index of their own, in order of declaration."""
        return [item.name for item in self.fields.values() if item.indexed] + list(self.computed)

    @property
    def texts(self) -> list[str]:
        """The names of the text fields."""
        return [item.name for item in self.fields.values() if item.shape is Shape.TEXT]


def check_name(name: str, what: str) -> str:
    """Return the name.

    Raises:
        SchemaError: it is not made of lower-case letters, digits and underscores.
    """
    if not _NAME.fullmatch(name):
        raise SchemaError(
            f"{name!r} cannot be the name of {what}",
            hint="Names are lower-case letters, digits and underscores, begin with a letter, at most 40 long",
        )
    return name


def value_field(
    name: str,
    annotation: Any,
    *,
    policy: Policy,
    default: Any,
    indexed: bool,
    searchable: bool | None,
) -> FieldSchema:
    """Describe a plain field.

    Raises:
        SchemaError: the type, the policy or the default is not acceptable.
    """
    codec = codec_for(annotation)
    if policy not in POLICIES:
        raise SchemaError(f"{name}: {policy!r} is no policy", hint=f"Use one of {', '.join(POLICIES)}")
    plain, is_optional = _plain(annotation)
    if policy in ("highest", "lowest") and plain not in _COMPARABLE:
        raise SchemaError(f"{name}: {policy!r} needs a type with an order, not {annotation!r}")
    if default is not MISSING:
        default = codec.decode(codec.encode(default))
    elif is_optional:
        default = None
    return FieldSchema(
        name=check_name(name, "a field"),
        shape=Shape.VALUE,
        annotation=annotation,
        policy=policy,
        default=default,
        indexed=indexed,
        searchable=plain is str if searchable is None else searchable,
        codec=codec,
    )


def _plain(annotation: Any) -> tuple[Any, bool]:
    """Return a type without its limits and without None, and whether None was in it."""
    if typing.get_origin(annotation) is typing.Annotated:
        return _plain(typing.get_args(annotation)[0])
    if typing.get_origin(annotation) not in (typing.Union, types.UnionType):
        return annotation, annotation is type(None)
    args = typing.get_args(annotation)
    parts = [_plain(part) for part in args if part is not type(None)]
    is_optional = len(parts) < len(args) or any(optional for _, optional in parts)
    return (parts[0][0] if len(parts) == 1 else annotation), is_optional


KindLookup = Callable[[str], DocumentSchema | None]
