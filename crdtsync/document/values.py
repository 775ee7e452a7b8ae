"""Codecs: one typed value <-> the canonical JSON text that a register holds.

Allowed types: `str`, `int`, `bool`, `Decimal`, `date`, `datetime` (with a time zone), enums of `str` or
`int`, frozen dataclasses of these, `Ref[...]`, `tuple[T, ...]` of these, and `T | None`. No floats: money is
`Decimal`.
"""

import dataclasses
import datetime as dt
import enum
import re
import types
import typing
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache
from typing import Any, Generic, Literal, TypeVar

import msgspec

from crdtsync.errors import SchemaError, ValidationError

T_co = TypeVar("T_co", covariant=True)

REGISTER_BYTES_MAX = 256 * 1024
"""The JSON text of one value. Long free text belongs in a `Text` field, which merges by character."""

INT_MAX = 2**63 - 1


class Ref(str, Generic[T_co]):
    """The id of another document, with the kind of that document in its type: `Ref[Customer]`.

    It is a string; `replica.get(ref)` returns the document it names.
    """

    __slots__ = ()

    @classmethod
    def __class_getitem__(cls, item: Any) -> Any:
        """Keep the target readable at run time: `Ref["quote"]` (its kind) and `Ref[Quote]` both work."""
        if isinstance(item, tuple) and len(item) == 1:
            item = item[0]  # `get_type_hints` rebuilds the alias with its arguments as a tuple.
        # A string would be taken for a class that is defined later; as a literal it is left alone.
        return types.GenericAlias(cls, (Literal[item] if isinstance(item, str) else item,))


class Missing(enum.Enum):
    """What reading a register yields that nobody ever wrote."""

    MISSING = "missing"


MISSING = Missing.MISSING


def _encode_hook(value: Any) -> str:
    # Not `str(value)` of anything: an object that is no value must be refused, not stored as its repr.
    if isinstance(value, str):
        return str.__str__(value)
    raise TypeError(f"{type(value).__name__} is no value of a field")


_ENCODER = msgspec.json.Encoder(order="sorted", decimal_format="string", enc_hook=_encode_hook)


def encode_canonical(value: Any) -> str:
    """Return the canonical JSON text of any allowed value (object keys sorted, decimals as strings).

    Raises:
        ValidationError: the value cannot be written as JSON, or is too long.
    """
    try:
        raw = _ENCODER.encode(value)
    except (TypeError, ValueError, UnicodeEncodeError, OverflowError, RecursionError) as error:
        raise ValidationError(f"{value!r:.80} cannot be stored: {error}") from error
    if len(raw) > REGISTER_BYTES_MAX:
        raise ValidationError(
            f"a value of {len(raw)} bytes is too long for one field",
            hint=f"A field holds at most {REGISTER_BYTES_MAX} bytes; use a Text field for long text",
        )
    return raw.decode()


def _decode_hook(kind: type, value: Any) -> Any:
    origin = typing.get_origin(kind) or kind
    if origin is Ref:
        if not isinstance(value, str) or not value or len(value) > 64:
            raise ValueError("a reference is the id of a document")
        return Ref(value)
    raise NotImplementedError(kind)


@dataclass(frozen=True, slots=True, eq=False)
class Codec:
    """Encodes and decodes the values of one declared type."""

    annotation: Any
    _decode: Callable[[str | bytes], Any]

    def encode(self, value: Any) -> str:
        """Return the canonical text of `value`, normalised to the declared type.

        Raises:
            ValidationError: it is not of the declared type, or out of bounds.
        """
        raw = encode_canonical(value)
        try:
            typed = self._decode(raw)
        except (msgspec.MsgspecError, ValueError) as error:
            hint = "Give a Decimal, an int or a decimal string" if isinstance(value, float) else ""
            raise ValidationError(f"{value!r:.80}: {error}", hint=hint) from error
        if type(typed) is type(value) and type(typed) in _AS_THEY_ARE and typed == value:
            return raw
        # What is of the declared types through and through was written as it must be.
        return raw if _check(value, typed) else encode_canonical(_whole(typed))

    def decode(self, raw: str | bytes) -> Any:
        """Return the typed value.

        Raises:
            ValidationError: the text is not of the declared type (another version of the schema wrote it).
        """
        try:
            return self._decode(raw)
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise ValidationError(f"a stored value does not fit {self.annotation}: {error}") from error


@lru_cache(maxsize=1024)
def codec_for(annotation: Any) -> Codec:
    """Return the codec of a declared type.

    Raises:
        SchemaError: the type is not among the allowed ones.
    """
    check_annotation(annotation)
    try:
        decoder = msgspec.json.Decoder(annotation, dec_hook=_decode_hook)
    except (TypeError, ValueError, RecursionError, re.error) as error:
        raise SchemaError(f"{annotation!r} cannot be the type of a field: {error}") from error
    return Codec(annotation, decoder.decode)


def check_annotation(annotation: Any) -> None:
    """Refuse a type that a register cannot hold.

    Raises:
        SchemaError: with the type and what to use instead.
    """
    for leaf in _leaves(annotation):
        if leaf in (str, int, bool, Decimal, dt.date, dt.datetime, type(None)) or leaf is Ref:
            continue
        if isinstance(leaf, type) and issubclass(leaf, enum.Enum):
            if not all(isinstance(member.value, str | int) for member in leaf):
                raise SchemaError(f"{leaf.__name__}: the members of an enum are strings or integers")
            continue
        raise SchemaError(
            f"{leaf!r} cannot be the type of a field",
            hint="Use str, int, bool, Decimal, date, datetime, an enum, a frozen dataclass, Ref[...], "
            "tuple[..., ...] or one of them with | None",
        )


def _leaves(annotation: Any, inside: tuple[type, ...] = ()) -> Iterator[Any]:
    origin = typing.get_origin(annotation)
    if origin is Ref:
        yield Ref
    elif origin in (typing.Union, types.UnionType):
        for part in typing.get_args(annotation):
            yield from _leaves(part, inside)
    elif origin is tuple:
        args = typing.get_args(annotation)
        if len(args) != 2 or args[1] is not Ellipsis:
            raise SchemaError(f"{annotation!r}: a tuple field is written tuple[T, ...]")
        yield from _leaves(args[0], inside)
    elif origin is typing.Annotated:
        yield from _leaves(typing.get_args(annotation)[0], inside)
    elif dataclasses.is_dataclass(annotation) and isinstance(annotation, type):
        params = getattr(annotation, "__dataclass_params__", None)
        if params is None or not params.frozen:
            raise SchemaError(
                f"{annotation.__name__} must be a frozen dataclass", hint="@dataclass(frozen=True)"
            )
        if annotation in inside:
            raise SchemaError(f"{annotation.__name__} contains itself", hint="Use a Ref to another document")
        try:
            hints = typing.get_type_hints(annotation, include_extras=True)
        except NameError as error:
            raise SchemaError(f"{annotation.__name__}: {error}") from error
        for item in dataclasses.fields(annotation):
            yield from _leaves(hints[item.name], (*inside, annotation))
    else:
        yield annotation


_AS_THEY_ARE = (str, bool, Ref, dt.date, type(None))
"""Types of which any value that was read back unchanged is acceptable."""


def _check(given: Any, typed: Any) -> bool:
    """Refuse a value that was read as something else than it is, or is out of bounds.

    Only what is no loss is converted: a string to whatever it spells, an integer to a Decimal or an enum's
    member, a list to a tuple, a dictionary to a dataclass.

    Returns:
        Whether nothing had to be converted.
    """
    kind = type(typed)
    check = _CHECKS.get(kind)
    if check is not None:
        return check(given, typed)
    names = _part_names(kind)
    if names is not None:
        return _check_parts(given, typed, names)
    if isinstance(typed, enum.Enum):
        accepted = given is typed or (type(given) in (str, int) and given == typed.value)
        return _accept(given, typed, accepted=accepted)
    return _accept(given, typed, accepted=isinstance(given, str | kind))


def _check_parts(given: Any, typed: Any, names: frozenset[str]) -> bool:
    if isinstance(given, dict):
        if unknown := sorted(str(name) for name in given.keys() - names):
            raise ValidationError(f"{type(typed).__name__} has no part {unknown[0]!r}")
        for name, part in given.items():
            _check(part, getattr(typed, name))
        return False
    exact = True
    for name in names:
        exact = _check(getattr(given, name), getattr(typed, name)) and exact
    return exact


def _check_tuple(given: Any, typed: tuple[Any, ...]) -> bool:
    if not isinstance(given, tuple | list):
        return _accept(given, typed, accepted=False)
    exact = [_check(part, typed_part) for part, typed_part in zip(given, typed, strict=True)]
    return isinstance(given, tuple) and all(exact)


def _check_int(given: Any, typed: int) -> bool:
    exact = _accept(given, typed, accepted=isinstance(given, int) and not isinstance(given, bool))
    if abs(typed) > INT_MAX:
        raise ValidationError(f"{typed} is beyond 64 bits")
    return exact


def _check_decimal(given: Any, typed: Decimal) -> bool:
    exact = _accept(given, typed, accepted=type(given) is int or isinstance(given, Decimal | str))
    if not typed.is_finite():
        raise ValidationError(f"{typed} is not a finite number")
    return exact


def _check_datetime(given: Any, typed: dt.datetime) -> bool:
    exact = _accept(given, typed, accepted=isinstance(given, dt.datetime | str))
    if typed.tzinfo is None:
        raise ValidationError(
            f"{typed.isoformat()} has no time zone",
            hint="Documents travel between machines: give datetimes a time zone",
        )
    return exact


_CHECKS: dict[type, Callable[[Any, Any], bool]] = {
    tuple: _check_tuple,
    bool: lambda given, typed: _accept(given, typed, accepted=given is typed),
    type(None): lambda given, typed: _accept(given, typed, accepted=given is None),
    str: lambda given, typed: _accept(given, typed, accepted=isinstance(given, str)),
    Ref: lambda given, typed: _accept(given, typed, accepted=isinstance(given, str)),
    int: _check_int,
    Decimal: _check_decimal,
    dt.datetime: _check_datetime,
}


_PART_NAMES: dict[type, frozenset[str] | None] = {}


def _part_names(kind: type) -> frozenset[str] | None:
    if kind not in _PART_NAMES:
        is_record = dataclasses.is_dataclass(kind)
        _PART_NAMES[kind] = frozenset(item.name for item in dataclasses.fields(kind)) if is_record else None
    return _PART_NAMES[kind]


def _whole(typed: Any) -> Any:
    """Return a value with the parts that a dataclass leaves to its defaults, which must be written too."""
    if isinstance(typed, tuple):
        return [_whole(part) for part in typed]
    if dataclasses.is_dataclass(typed):
        return {item.name: _whole(getattr(typed, item.name)) for item in dataclasses.fields(typed)}
    return typed


def _accept(given: Any, typed: Any, *, accepted: bool) -> bool:
    if not accepted:
        hint = "Give a Decimal, an int or a decimal string" if isinstance(given, float) else ""
        raise ValidationError(
            f"{given!r:.80} is a {type(given).__name__}, not a {type(typed).__name__}", hint=hint
        )
    return type(given) is type(typed)
