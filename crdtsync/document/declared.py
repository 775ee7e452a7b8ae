"""Fields declared by annotation: what documents and entities share."""

from __future__ import annotations

import difflib
import inspect
import re
import typing
from dataclasses import dataclass
from typing import Any, ClassVar, Generic, Never, Self, TypeVar, overload

from crdtsync.document.schema import FieldSchema, Policy, check_name, value_field
from crdtsync.document.values import MISSING
from crdtsync.errors import SchemaError, ValidationError

if typing.TYPE_CHECKING:
    from collections.abc import Callable, Iterable

V = TypeVar("V")

_MEMBER_ID = re.compile(r"[a-z0-9-]{1,64}", re.ASCII)
RESERVED = frozenset(
    {"id", "kind", "ref", "number", "references", "reference", "removed", "validate", "info"}
)
"""The names no field of a document can have: its own attributes, and what tools show beside its fields."""


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
        searchable: whether full-text search finds its words; by default it does in `str` and `Text` fields.
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

    def __set__(self, instance: object, value: Never) -> None:
        """Refuse: it is computed. Tells type checkers so."""
        raise AttributeError(f"{self.name} is computed and cannot be assigned", name=self.name, obj=instance)


class _Field:
    """The descriptor behind a declared field."""

    def __init__(self, name: str) -> None:
        self.name = name

    def __get__(self, instance: Any, owner: Any) -> Any:
        return self if instance is None else instance._read(self.name)  # noqa: SLF001

    def __set__(self, instance: Any, value: Any) -> None:
        instance._write(self.name, value)  # noqa: SLF001


class Declared:
    """What documents and entities share: fields declared by annotation."""

    __slots__ = ()
    _declared: ClassVar[dict[str, FieldOptions]] = {}
    _reserved: ClassVar[frozenset[str]] = RESERVED
    """The names that no field of such a class can have."""

    def __init_subclass__(cls) -> None:
        declared = dict(cls._declared)
        annotations = inspect.get_annotations(cls)
        for name, given in cls.__dict__.items():
            if name not in annotations and (name in declared or isinstance(given, FieldOptions)):
                raise SchemaError(
                    f"{cls.__name__}.{name} has no annotation", hint=f"Write {name}: type = ... to declare it"
                )
        for name, annotation in annotations.items():
            if name.startswith("_") or _is_class_var(annotation):
                continue
            check_name(name, "a field")
            if name in cls._reserved:
                raise SchemaError(f"{cls.__name__}.{name}: this name is taken by the library")
            given = cls.__dict__.get(name, MISSING)
            declared[name] = given if isinstance(given, FieldOptions) else FieldOptions(default=given)
            setattr(cls, name, _Field(name))
        cls._declared = declared

    if not typing.TYPE_CHECKING:  # A checker that saw it would let every name be assigned.

        def __setattr__(self, name: str, value: Any) -> None:
            if not name.startswith("_") and not isinstance(
                getattr(type(self), name, None), _Field | computed
            ):
                hint = near_hint(name, self._declared)
                message = f"{type(self).__name__} has no field {name!r}" + (f". {hint}" if hint else "")
                raise AttributeError(message, name=name, obj=self)
            object.__setattr__(self, name, value)


def check_computed_name(name: str) -> str:
    """Return the name.

    Raises:
        SchemaError: it cannot be the name of a computed property.
    """
    if name in RESERVED:
        raise SchemaError(f"{name!r}: this name is taken by the library")
    return check_name(name, "a computed property")


def near_hint(name: str, known: Iterable[str]) -> str:
    """Return a question about the name that was probably meant; empty when none is near."""
    near = difflib.get_close_matches(name, list(known), 1)
    return f"Did you mean {near[0]!r}?" if near else ""


def check_member_id(member_id: str | None) -> None:
    """Refuse an id that cannot be part of a path.

    Raises:
        ValidationError: it is not 1 to 64 characters ``a-z 0-9 -``.
    """
    if member_id is not None and not _MEMBER_ID.fullmatch(member_id):
        raise ValidationError(
            f"{member_id!r:.80} cannot be an id", hint="Use 1 to 64 characters a-z, 0-9 and -"
        )


def plain_field(cls: type, name: str, annotation: Any, options: FieldOptions) -> FieldSchema:
    """Describe a field that holds one value.

    Raises:
        SchemaError: its type, its policy or its default is not acceptable.
    """
    try:
        return value_field(
            name,
            annotation,
            policy=options.policy,
            default=options.default,
            indexed=options.indexed,
            searchable=options.searchable,
        )
    except (SchemaError, ValidationError) as error:
        raise SchemaError(f"{cls.__name__}.{name}: {error.message}", hint=error.hint) from error


def hints_of(item: Any) -> dict[str, Any]:
    """Return the annotations of a class or function as types.

    Raises:
        SchemaError: one of them names something that does not exist.
    """
    try:
        return typing.get_type_hints(item, include_extras=True)
    except (NameError, TypeError, SyntaxError, AttributeError) as error:
        raise SchemaError(
            f"{item.__name__}: {error}", hint="Every type in an annotation must be importable"
        ) from error


def _is_class_var(annotation: Any) -> bool:
    if isinstance(annotation, str):
        return annotation.startswith(("ClassVar", "typing.ClassVar"))
    return typing.get_origin(annotation) is ClassVar or annotation is ClassVar


def encode_field(spec: FieldSchema, value: Any) -> str:
    """Return the canonical text of a value for a field.

    Raises:
        ValidationError: it is not of the declared type; `path` names the field.
    """
    try:
        return spec.value_codec().encode(value)
    except ValidationError as error:
        raise ValidationError(f"{spec.name}: {error.message}", path=spec.name, hint=error.hint) from error


def decode_field(spec: FieldSchema, raw: str | bytes | None) -> Any:
    """Return the value of a field; its default for None, which stands for a field that nobody wrote.

    Raises:
        ValidationError: there is no default, or the text is not of the declared type.
    """
    if raw is not None:
        return spec.value_codec().decode(raw)
    if spec.default is MISSING:
        raise ValidationError(
            f"{spec.name} was never written in this document",
            path=spec.name,
            hint="Give a new field a default",
        )
    return spec.default


def shown_field(owner: Any, name: str) -> str:
    """Return a field as it is shown in a `repr`, which never fails."""
    try:
        return repr(getattr(owner, name))
    except ValidationError:
        return "<missing>"
