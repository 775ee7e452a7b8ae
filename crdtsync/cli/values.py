"""From what a person types to the typed value of a field, by the type that the schema declares."""

import dataclasses
import datetime as dt
import difflib
import enum
import json
import types
import typing
from collections.abc import Awaitable, Callable
from decimal import Decimal, InvalidOperation
from typing import Annotated, Any, Final

from crdtsync.document.declared import near_hint
from crdtsync.document.model import Document
from crdtsync.document.values import Ref, codec_for
from crdtsync.errors import CrdtSyncError, ValidationError

References = Callable[[str, str | None], Awaitable[str]]
"""Finds the id of the document, of a kind if one is given, that a person means by a text."""

_YES: Final = ("true", "yes", "on", "1")
_NO: Final = ("false", "no", "off", "0")


def parse_json(text: str, what: str) -> Any:
    """Return a JSON value; numbers with a fraction stay exact.

    Raises:
        ValidationError: it is no JSON.
    """
    try:
        return json.loads(text, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError) as error:
        raise ValidationError(f"{what} is no JSON: {error}") from error
    except InvalidOperation as error:
        raise ValidationError(f"{what} has a number beyond all bounds") from error


async def from_text(annotation: Any, text: str, path: str, references: References) -> Any:
    """Return the value a text spells.

    Raises:
        ValidationError: it spells none of the declared type; the message says what was expected.
        DocumentNotFoundError, UsageError: it refers to a document that is not here, or may be one of several.
    """
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return await from_text(args[0], text, path, references)
    if origin in (typing.Union, types.UnionType):
        return await _from_text_to_any(args, text, path, references)
    if annotation is Ref or origin is Ref:
        return await references(text, _kind_of(annotation))
    if origin is tuple:
        if text.lstrip().startswith("["):
            return await from_json(annotation, parse_json(text, path), path, references)
        return tuple(
            [await from_text(args[0], part.strip(), path, references) for part in text.split(",") if part]
        )
    if dataclasses.is_dataclass(annotation):
        if not text.lstrip().startswith("{"):
            raise ValidationError(
                f"{path} has several parts", path=path, hint=f"Give all of them: {_example(annotation)}"
            )
        return await from_json(annotation, parse_json(text, path), path, references)
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return _member(annotation, text, path)
    return _scalar(annotation, text, path)


async def from_json(annotation: Any, value: Any, path: str, references: References) -> Any:
    """Return the value for a field, with every part of a register that has parts.

    Raises:
        ValidationError: a part is missing or unknown.
        DocumentNotFoundError, UsageError: it refers to a document that is not here, or may be one of several.
    """
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return await from_json(args[0], value, path, references)
    if origin in (typing.Union, types.UnionType):
        options = [part for part in args if part is not type(None)]
        if value is None or len(options) != 1:
            return value
        return await from_json(options[0], value, path, references)
    if (annotation is Ref or origin is Ref) and isinstance(value, str):
        return await references(value, _kind_of(annotation))
    if origin is tuple and isinstance(value, list):
        return tuple([await from_json(args[0], part, path, references) for part in value])
    if dataclasses.is_dataclass(annotation) and isinstance(annotation, type) and isinstance(value, dict):
        return await _record(annotation, value, path, references)
    return value


def described(annotation: Any) -> str:
    """Return a type as a person reads it."""
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is Annotated:
        return described(args[0])
    if origin in (typing.Union, types.UnionType):
        return " | ".join("nothing" if part is type(None) else described(part) for part in args)
    if annotation is Ref or origin is Ref:
        return f"reference to a {_kind_of(annotation) or 'document'}"
    if origin is tuple:
        return f"{described(args[0])}, ..."
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return " or ".join(str(member.value) for member in annotation)
    if dataclasses.is_dataclass(annotation):
        return _example(annotation)
    return _NAMES.get(annotation, str(annotation))


async def _from_text_to_any(args: tuple[Any, ...], text: str, path: str, references: References) -> Any:
    options = [part for part in args if part is not type(None)]
    if not text and len(options) < len(args) and str not in options:
        return None
    failure: CrdtSyncError | None = None
    # A string takes anything, so it comes last.
    for option in sorted(options, key=lambda option: option is str):
        try:
            return await from_text(option, text, path, references)
        except CrdtSyncError as error:
            failure = failure or error
    assert failure is not None
    raise failure


async def _record(
    annotation: type, value: dict[str, Any], path: str, references: References
) -> dict[str, Any]:
    hints = typing.get_type_hints(annotation, include_extras=True)
    parts = {item.name: item for item in dataclasses.fields(annotation)}
    for name in value:
        if name not in parts:
            hint = near_hint(name, parts) or f"It has: {', '.join(parts)}"
            raise ValidationError(f"{path} has no part {name!r}", path=path, hint=hint)
    missing = [item.name for item in parts.values() if item.name not in value and not _has_default(item)]
    if missing:
        raise ValidationError(
            f"{path} lacks {', '.join(missing)}",
            path=path,
            hint=f"Its parts are one value, given together: {_example(annotation)}",
        )
    return {
        name: await from_json(hints[name], part, f"{path}.{name}", references) for name, part in value.items()
    }


def _scalar(annotation: Any, text: str, path: str) -> Any:
    if annotation is str:
        return text
    stripped = text.strip()
    try:
        if annotation is bool:
            return _truth(stripped)
        if annotation is int:
            return int(stripped)
        if annotation is Decimal:
            return Decimal(stripped)
        if annotation is dt.datetime:
            return dt.datetime.fromisoformat(stripped)
        if annotation is dt.date:
            return dt.date.fromisoformat(stripped)
    except (ValueError, InvalidOperation):
        wanted = _NAMES.get(annotation, str(annotation))
        raise ValidationError(
            f"{path}: {text!r:.80} is no {wanted}", path=path, hint=_EXAMPLES.get(annotation, "")
        ) from None
    raise ValidationError(f"{path}: {text!r:.80} cannot be a {annotation}", path=path)


_NAMES: Final[dict[Any, str]] = {
    str: "text",
    int: "whole number",
    bool: "yes or no",
    Decimal: "decimal number",
    dt.date: "date",
    dt.datetime: "time",
}
_EXAMPLES: Final[dict[Any, str]] = {
    Decimal: "Write it as in 1678.00",
    dt.date: "Write it as in 2030-12-31",
    dt.datetime: "Write it as in 2030-12-31T17:30:00+00:00",
}


def _truth(text: str) -> bool:
    lowered = text.lower()
    if lowered not in _YES + _NO:
        raise ValueError(text)
    return lowered in _YES


def _member(annotation: type[enum.Enum], text: str, path: str) -> enum.Enum:
    for member in annotation:
        if str(member.value) == text:
            return member
    lowered = text.strip().lower()
    for member in annotation:
        if lowered in (str(member.value).lower(), member.name.lower()):
            return member
    values = [str(member.value) for member in annotation]
    near = difflib.get_close_matches(text, values, 1)
    hint = f"Did you mean {near[0]!r}?" if near else f"It is one of: {', '.join(values)}"
    raise ValidationError(f"{path}: {text!r:.80} is none of its values", path=path, hint=hint)


def _kind_of(annotation: Any) -> str | None:
    """Return the kind a reference is declared for."""
    args = typing.get_args(annotation)
    if not args:
        return None
    target = args[0]
    if typing.get_origin(target) is typing.Literal:
        return str(typing.get_args(target)[0])
    if isinstance(target, type) and issubclass(target, Document):
        return target._kind or None  # noqa: SLF001 - what the class statement said
    return None


def _example(annotation: Any) -> str:
    """Return a register with parts as JSON that leaves the values open."""
    hints = typing.get_type_hints(annotation, include_extras=True)
    parts = []
    for item in dataclasses.fields(annotation):
        is_open = item.default is dataclasses.MISSING
        default = "..." if is_open else codec_for(hints[item.name]).encode(item.default)
        parts.append(f'"{item.name}": {default}')
    return "{" + ", ".join(parts) + "}"


def _has_default(item: dataclasses.Field[Any]) -> bool:
    return item.default is not dataclasses.MISSING or item.default_factory is not dataclasses.MISSING


def _refuse_constant(text: str) -> Any:
    raise ValueError(f"{text} is no number")
