"""Random edits of documents of any class, drawn from what the class declares.

Every choice is drawn from the `random.Random` that is given: the same documents and the same generator give
the same edits.
"""

import dataclasses
import datetime as dt
import enum
import types
import typing
from decimal import Decimal
from random import Random
from typing import Any

from crdtsync.document.model import Document, Entities, Log, Text, schema_of
from crdtsync.document.schema import FieldSchema, Shape
from crdtsync.document.values import Ref
from crdtsync.errors import ValidationError
from crdtsync.protocol.ids import derive_id

WORDS = ("", "blue", "gr\u00fcn", "a longer text of some words", "\U0001d4b3", 'odd "\\\u2028 words')
_EPOCH = dt.datetime(2024, 1, 1, tzinfo=dt.UTC)
_TRIES = 8


def random_value(annotation: Any, random: Random) -> Any:
    """Return a value of a type that a field may have.

    Limits of an `Annotated` type are not looked at: the field refuses what is beyond them.
    """
    origin, args = typing.get_origin(annotation), typing.get_args(annotation)
    if origin is typing.Annotated:
        return random_value(args[0], random)
    if origin in (typing.Union, types.UnionType):
        return random_value(random.choice(args), random)
    if origin is tuple:
        return tuple(random_value(args[0], random) for _ in range(random.randrange(3)))
    if origin is Ref or annotation is Ref:
        return Ref(derive_id("any", str(random.randrange(4))))
    if isinstance(annotation, type) and issubclass(annotation, enum.Enum):
        return random.choice(list(annotation))
    if dataclasses.is_dataclass(annotation):
        return _random_record(annotation, random)
    return _SIMPLE[annotation](random)


def random_edit(document: Document, random: Random) -> str:
    """Make one random edit of a draft, as a person might, and return in a few words what it was.

    Texts are only appended to, with a word that nobody else writes, so that a test can look for each. What
    the class refuses (limits, patterns) is tried again a few times.

    Raises:
        FrozenDocumentError: the document is no draft.
    """
    specs = list(schema_of(type(document)).fields.values())
    refused: ValidationError | None = None
    for _ in range(_TRIES):
        spec = random.choice(specs)
        try:
            return _edit_field(document, spec, random)
        except ValidationError as error:
            refused = error
    return f"nothing, for {refused}"


def fill_required(document: Document, random: Random) -> None:
    """Give a new document every field that it must have.

    Raises:
        ValidationError: no acceptable value was found for one of them.
    """
    for spec in schema_of(type(document)).fields.values():
        if spec.is_required:
            _try_values(document, spec, random)


def _edit_field(document: Document, spec: FieldSchema, random: Random) -> str:
    held = getattr(document, spec.name)
    match spec.shape:
        case Shape.VALUE:
            if random.random() < 0.1:
                # A form that saves what it shows.
                setattr(document, spec.name, held)
                return f"{spec.name} as it is"
            setattr(document, spec.name, random_value(spec.annotation, random))
            return spec.name
        case Shape.TEXT:
            return _edit_text(held, spec, random)
        case Shape.LOG:
            return _append(held, spec, random)
        case Shape.SET:
            held.add(random_value(spec.annotation, random))
            return f"{spec.name} add"
        case Shape.ENTITIES:
            return f"{spec.name} {_edit_entities(held, spec, random)}"


def _edit_text(text: Text, spec: FieldSchema, random: Random) -> str:
    # What is not ASCII counts more than one byte, and beyond the basic plane more than one unit of UTF-16.
    text.append(f"\u00fc\U0001d4b3<{random.getrandbits(48):012x}>")
    return f"{spec.name} append"


def _append(log: Log[Any], spec: FieldSchema, random: Random) -> str:
    fixed = random.choice([None, None, "first", "second"])
    log.append(random_value(spec.annotation, random), id=fixed)
    return f"{spec.name} append"


def _edit_entities(entities: Entities[Any], spec: FieldSchema, random: Random) -> str:
    ids = [entity.id for entity in entities]
    removed = [entity.id for entity in entities.removed]
    match random.choice(("add", "add", "edit", "edit", "edit", "move", "remove", "restore")):
        case "edit" if ids:
            assert spec.entity is not None
            entity = entities[random.choice(ids)]
            field = random.choice(list(spec.entity.fields.values()))
            setattr(entity, field.name, random_value(field.annotation, random))
            return f"edit {field.name}"
        case "move" if ids:
            entities.move(random.choice(ids), random.randrange(-2, 5))
            return "move"
        case "remove" if ids:
            entities.remove(random.choice(ids))
            return "remove"
        case "restore" if removed:
            entities.restore(random.choice(removed))
            return "restore"
        case _:
            fixed = random.choice([None, None, None, "line-a", "line-b"])
            if fixed in ids or fixed in removed:
                fixed = None
            entities.add(_random_entity(spec, random), index=random.choice([None, 0, 1, -1]), id=fixed)
            return "add"


def _random_entity(spec: FieldSchema, random: Random) -> Any:
    assert spec.entity is not None
    values = {
        field.name: random_value(field.annotation, random)
        for field in spec.entity.fields.values()
        if field.is_required or random.random() < 0.5
    }
    return spec.entity.entity_class(**values)


def _random_record(annotation: Any, random: Random) -> Any:
    hints = typing.get_type_hints(annotation, include_extras=True)
    return annotation(
        **{item.name: random_value(hints[item.name], random) for item in dataclasses.fields(annotation)}
    )


def _try_values(document: Document, spec: FieldSchema, random: Random) -> None:
    for left in reversed(range(_TRIES)):
        try:
            setattr(document, spec.name, random_value(spec.annotation, random))
        except ValidationError:
            if not left:
                raise
        else:
            return


def _random_decimal(random: Random) -> Decimal:
    return Decimal(random.randrange(-100, 10_000)).scaleb(-random.randrange(3))


_SIMPLE: dict[Any, typing.Callable[[Random], Any]] = {
    str: lambda random: random.choice(WORDS),
    int: lambda random: random.choice((0, 1, 2, 3, 7, -1, 2**53 + 1)),
    bool: lambda random: random.random() < 0.5,
    Decimal: _random_decimal,
    dt.date: lambda random: (_EPOCH + dt.timedelta(days=random.randrange(400))).date(),
    dt.datetime: lambda random: _EPOCH + dt.timedelta(seconds=random.randrange(10_000_000)),
    type(None): lambda _: None,
}
