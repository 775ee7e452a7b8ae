"""The small language of `new` and `edit`: what each argument does to a document."""

import enum
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from crdtsync.cli.values import References, from_json, from_text, parse_json
from crdtsync.document.declared import near_hint
from crdtsync.document.model import Document, Entities, schema_of
from crdtsync.document.schema import FieldSchema, Shape
from crdtsync.errors import DocumentNotFoundError, ValidationError

SYNTAX: Final = """\
\b
NAME=TEXT               set a field, or replace a text
NAME:=JSON              set a field to a JSON value (null clears an optional one)
NAME+=TEXT              add to a set or a log, or to the end of a text
NAME+=JSON              add an entity to a list, or an entry with parts to a log
NAME[WHICH].FIELD=TEXT  set a field of an entity; also with :=JSON
NAME[WHICH]-            remove an entity
NAME[WHICH]+            put a removed entity back
NAME[WHICH]@PLACE       move an entity

WHICH is the place of an entity in its list before this command, from 0 as `show` prints it, or from the end
as -1; or its id, or the first 4 or more characters of that. A value with several parts, such as a price, is
one value: give all of its parts as JSON. A reference is given by number or id. Quote what your shell would
take for its own, such as brackets.
"""

_OPERATION = re.compile(
    r"(?P<name>\w+)(?:\[(?P<key>[^\]]*)\](?:\.(?P<part>\w+))?)?(?P<sign>:=|\+=|=|-$|\+$|@)(?P<value>.*)",
    re.DOTALL,
)
_INDEX = re.compile(r"-?[0-9]{1,9}", re.ASCII)
_PREFIX_CHARS_MIN = 4


class Sign(enum.Enum):
    """What is done."""

    SET = "="
    SET_JSON = ":="
    ADD = "+="
    REMOVE = "-"
    RESTORE = "+"
    MOVE = "@"


@dataclass(frozen=True, slots=True)
class Operation:
    """One argument, taken apart."""

    name: str
    key: str | None
    part: str | None
    sign: Sign
    value: str


def parse_operation(text: str) -> Operation:
    """Take an argument apart.

    Raises:
        ValidationError: it is none of the forms.
    """
    found = _OPERATION.fullmatch(text)
    if found is None:
        raise ValidationError(
            f"{text!r:.100} says nothing to do",
            hint="Write NAME=VALUE; `crdtsync edit --help` shows all forms",
        )
    operation = Operation(found["name"], found["key"], found["part"], Sign(found["sign"]), found["value"])
    allowed = (
        (Sign.SET, Sign.SET_JSON)
        if operation.part is not None
        else (Sign.REMOVE, Sign.RESTORE, Sign.MOVE)
        if operation.key is not None
        else (Sign.SET, Sign.SET_JSON, Sign.ADD)
    )
    if operation.sign not in allowed:
        forms = ", ".join(sign.value for sign in allowed)
        raise ValidationError(f"{text!r:.100} makes no sense", hint=f"Here one of these may follow: {forms}")
    return operation


async def apply_operations(
    document: Document, operations: Sequence[Operation], references: References
) -> None:
    """Do to a document that is being edited what the arguments say.

    Raises:
        ValidationError, DocumentNotFoundError, UsageError: one cannot be done; the edit must be given up.
    """
    schema = schema_of(type(document))
    places = {
        name: [entity.id for entity in getattr(document, name)]
        for name, spec in schema.fields.items()
        if spec.shape is Shape.ENTITIES
    }
    for operation in operations:
        spec = _field(schema.fields, operation.name, schema.kind)
        if operation.key is None:
            await _apply_to_field(document, spec, operation, references)
        elif spec.shape is Shape.ENTITIES:
            await _apply_to_entity(document, spec, operation, places[operation.name], references)
        else:
            raise ValidationError(f"{operation.name} is no list of entities", path=operation.name)


async def apply_json(document: Document, data: Any, references: References, *, is_new: bool) -> None:
    """Bring a document that is being edited to what a JSON object says; what it does not name stays.

    Raises:
        ValidationError, DocumentNotFoundError, UsageError: it cannot be done; the edit must be given up.
    """
    if not isinstance(data, dict):
        raise ValidationError("the input is no JSON object of fields")
    schema = schema_of(type(document))
    for name, value in data.items():
        spec = _field(schema.fields, name, schema.kind)
        container: Any = getattr(document, name) if spec.shape is not Shape.VALUE else None
        match spec.shape:
            case Shape.VALUE:
                await _set(document, spec, value, name, references, only_if_other=not is_new)
            case Shape.TEXT:
                container.set(value)
            case Shape.SET:
                for item in _list(value, name):
                    container.add(await from_json(spec.annotation, item, name, references))
            case Shape.LOG:
                for item in _list(value, name):
                    is_entry = (
                        isinstance(item, dict) and "value" in item and set(item) <= {"id", "at", "value"}
                    )
                    content = item["value"] if is_entry else item
                    entry_id = item.get("id") if is_entry else None
                    container.append(await from_json(spec.annotation, content, name, references), id=entry_id)
            case Shape.ENTITIES:
                for item in _list(value, name):
                    await _merge_entity(container, spec, item, references, is_new=is_new)


async def _apply_to_field(
    document: Document, spec: FieldSchema, operation: Operation, references: References
) -> None:
    name, text = spec.name, operation.value
    if operation.sign is Sign.ADD:
        await _add(document, spec, text, references)
        return
    is_json = operation.sign is Sign.SET_JSON
    match spec.shape:
        case Shape.VALUE if is_json:
            setattr(
                document, name, await from_json(spec.annotation, parse_json(text, name), name, references)
            )
        case Shape.VALUE:
            setattr(document, name, await from_text(spec.annotation, text, name, references))
        case Shape.TEXT:
            getattr(document, name).set(parse_json(text, name) if is_json else text)
        case _:
            what = {Shape.LOG: "a log", Shape.SET: "a set that only grows", Shape.ENTITIES: "a list"}[
                spec.shape
            ]
            raise ValidationError(
                f"{name} is {what} and cannot be set", path=name, hint=f"Add to it with {name}+=..."
            )


async def _add(document: Document, spec: FieldSchema, text: str, references: References) -> None:
    name = spec.name
    match spec.shape:
        case Shape.VALUE:
            raise ValidationError(f"{name} is one value", path=name, hint=f"Set it with {name}=...")
        case Shape.TEXT:
            getattr(document, name).append(text)
        case Shape.SET:
            getattr(document, name).add(await from_text(spec.annotation, text, name, references))
        case Shape.LOG:
            getattr(document, name).append(await from_text(spec.annotation, text, name, references))
        case Shape.ENTITIES:
            await _merge_entity(
                getattr(document, name), spec, parse_json(text, name), references, is_new=True
            )


async def _apply_to_entity(
    document: Document, spec: FieldSchema, operation: Operation, ids: list[str], references: References
) -> None:
    assert operation.key is not None
    assert spec.entity is not None
    entities: Entities[Any] = getattr(document, spec.name)
    if operation.sign is Sign.RESTORE:
        entities.restore(_which(operation.key, [], [entity.id for entity in entities.removed], spec.name))
        return
    entity_id = _which(operation.key, ids, ids, spec.name)
    match operation.sign:
        case Sign.REMOVE:
            entities.remove(entity_id)
        case Sign.MOVE:
            if not _INDEX.fullmatch(operation.value):
                raise ValidationError(f"{operation.value!r:.40} is no place in {spec.name}", path=spec.name)
            entities.move(entity_id, int(operation.value))
        case _:
            part = _field(spec.entity.fields, operation.part or "", spec.entity.name)
            path = f"{spec.name}[{operation.key}].{part.name}"
            if operation.sign is Sign.SET_JSON:
                value = await from_json(part.annotation, parse_json(operation.value, path), path, references)
            else:
                value = await from_text(part.annotation, operation.value, path, references)
            setattr(entities[entity_id], part.name, value)


async def _merge_entity(
    entities: Entities[Any], spec: FieldSchema, item: Any, references: References, *, is_new: bool
) -> None:
    """Change the entity that an object names by its id, or add it."""
    assert spec.entity is not None
    if not isinstance(item, dict):
        raise ValidationError(
            f"an entity of {spec.name} is a JSON object", path=spec.name, hint='As in {"product": "Shade"}'
        )
    values = dict(item)
    entity_id, removed = values.pop("id", None), values.pop("removed", False)
    if entity_id is not None and not isinstance(entity_id, str):
        raise ValidationError(f"an id in {spec.name} is a string", path=spec.name)
    for name in values:
        _field(spec.entity.fields, name, spec.entity.name)
    if entity_id is None or (is_new and entity_id not in entities):
        if removed:
            raise ValidationError(f"what is to be removed from {spec.name} has an id", path=spec.name)
        typed = {
            name: await from_json(
                spec.entity.fields[name].annotation, value, f"{spec.name}.{name}", references
            )
            for name, value in values.items()
        }
        entities.add(spec.entity.entity_class(**typed), id=entity_id)
        return
    if removed:
        entities.remove(entity_id)
        return
    entity = entities[entity_id]
    for name, value in values.items():
        path = f"{spec.name}[{entity_id}].{name}"
        await _set(entity, spec.entity.fields[name], value, path, references, only_if_other=True)


async def _set(
    owner: Any, spec: FieldSchema, value: Any, path: str, references: References, *, only_if_other: bool
) -> None:
    """Set a field; with `only_if_other` leave it alone where it holds the value already, as imports must."""
    typed = await from_json(spec.annotation, value, path, references)
    if only_if_other:
        codec = spec.value_codec()
        try:
            if codec.encode(getattr(owner, spec.name)) == codec.encode(typed):
                return
        except ValidationError:
            pass  # What is there cannot be read, or what is given is wrong: setting it will tell.
    setattr(owner, spec.name, typed)


def _field(fields: Mapping[str, FieldSchema], name: str, owner: str) -> FieldSchema:
    spec = fields.get(name)
    if spec is None:
        hint = near_hint(name, fields) or f"It has: {', '.join(fields)}"
        raise ValidationError(f"{owner} has no field {name!r}", path=name, hint=hint)
    return spec


def _which(key: str, places: Sequence[str], ids: Sequence[str], name: str) -> str:
    """Return the id of the entity that a person means."""
    if key in ids:
        return key
    if _INDEX.fullmatch(key) and places:
        try:
            return places[int(key)]
        except IndexError:
            last = len(places) - 1
            raise DocumentNotFoundError(
                f"{name} has no place {key}", hint=f"Its places are 0 to {last}"
            ) from None
    found = [item for item in ids if item.startswith(key)] if len(key) >= _PREFIX_CHARS_MIN else []
    if len(found) == 1:
        return found[0]
    if found:
        raise ValidationError(
            f"{key!r} may be one of {len(found)} in {name}", path=name, hint=f"Say which: {', '.join(found)}"
        )
    raise DocumentNotFoundError(f"{name} has no entity {key!r}", hint=f"It has: {', '.join(ids) or 'none'}")


def _list(value: Any, name: str) -> list[Any]:
    if not isinstance(value, list):
        raise ValidationError(f"{name} is given as a JSON list", path=name)
    return value
