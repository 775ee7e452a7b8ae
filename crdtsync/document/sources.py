"""Where a document object reads from: a stored projection (views) or live registers (drafts).

Both answer with the raw JSON text of values; the typed classes decode what is really asked for.
"""

from collections.abc import Sequence
from typing import NamedTuple, Protocol

import msgspec

from crdtsync.document.registers import Path
from crdtsync.errors import FrozenDocumentError

Raw = str | bytes


class RawEntry(NamedTuple):
    """One entry of a write-once log."""

    id: str
    at_ms: int
    raw: str


class Source(Protocol):
    """What the typed classes need from a document, whatever holds it."""

    is_frozen: bool

    def value(self, path: Path) -> Raw | None:
        """Return the shown value of ``(field,)`` or ``(list, id, field)``, or None when nobody wrote it."""
        ...

    def entity_ids(self, name: str) -> Sequence[str]:
        """Return the ids of a list's entities in their order."""
        ...

    def has_entity(self, name: str, entity_id: str) -> bool:
        """Whether an entity is in a list; nothing is searched."""
        ...

    def removed_ids(self, name: str) -> Sequence[str]:
        """Return the ids of removed entities that could be restored."""
        ...

    def log(self, name: str) -> Sequence[RawEntry]:
        """Return the entries of a log, oldest first."""
        ...

    def elements(self, name: str) -> Sequence[Raw]:
        """Return the elements of a set, in the order of their canonical text."""
        ...

    def text(self, name: str) -> str:
        """Return a text."""
        ...

    # The verbs below raise FrozenDocumentError on a view.

    def write(self, path: Path, raw: str, /) -> None:
        """Set a value."""
        ...

    def add_entity(self, name: str, entity_id: str | None, values: dict[str, str], index: int, /) -> str:
        """Put a new entity into a list and return its id."""
        ...

    def move_entity(self, name: str, entity_id: str, index: int, /) -> None:
        """Put an entity at another place of its list."""
        ...

    def remove_entity(self, name: str, entity_id: str, /) -> None:
        """Take an entity out of its list."""
        ...

    def restore_entity(self, name: str, entity_id: str, /) -> None:
        """Put a removed entity back."""
        ...

    def append_log(self, name: str, entry_id: str | None, raw: str, /) -> str:
        """Add an entry to a log and return its id; the id of an entry that exists changes nothing."""
        ...

    def add_element(self, name: str, raw: str, /) -> None:
        """Add an element to a set."""
        ...

    def set_text(self, name: str, content: str, /) -> None:
        """Replace a text."""
        ...


_OBJECT = msgspec.json.Decoder(dict[str, msgspec.Raw])
_OBJECTS = msgspec.json.Decoder(list[dict[str, msgspec.Raw]])
_ELEMENTS = msgspec.json.Decoder(list[msgspec.Raw])
_TEXT = msgspec.json.Decoder(str)
_INT = msgspec.json.Decoder(int)

REMOVED_KEY = "_removed"
REFERENCES_KEY = "_references"


class ProjectionSource:
    """A view's source: the projection of a document at one moment, decoded as far as it is read."""

    is_frozen = True

    def __init__(self, projection: str | bytes) -> None:
        self._fields = _OBJECT.decode(projection)
        self._lists: dict[str, dict[str, dict[str, msgspec.Raw]]] = {}
        self._removed: dict[str, dict[str, dict[str, msgspec.Raw]]] | None = None

    @property
    def members(self) -> dict[str, msgspec.Raw]:
        """The projection's members as they are stored: the fields somebody wrote, and computed values."""
        return self._fields

    def value(self, path: Path) -> Raw | None:
        """See `Source`."""
        if len(path) == 1:
            raw = self._fields.get(path[0])
        else:
            entity = self._entities(path[0]).get(path[1]) or self._removed_entities(path[0]).get(path[1], {})
            raw = entity.get(path[2])
        return None if raw is None else bytes(raw)

    def entity_ids(self, name: str) -> Sequence[str]:
        """See `Source`."""
        return list(self._entities(name))

    def has_entity(self, name: str, entity_id: str) -> bool:
        """See `Source`."""
        return entity_id in self._entities(name)

    def removed_ids(self, name: str) -> Sequence[str]:
        """See `Source`."""
        return list(self._removed_entities(name))

    def log(self, name: str) -> Sequence[RawEntry]:
        """See `Source`."""
        raw = self._fields.get(name)
        if raw is None:
            return []
        return [
            RawEntry(_TEXT.decode(item["id"]), _INT.decode(item["at"]), bytes(item["value"]).decode())
            for item in _OBJECTS.decode(raw)
        ]

    def elements(self, name: str) -> Sequence[Raw]:
        """See `Source`."""
        raw = self._fields.get(name)
        return [] if raw is None else [bytes(item) for item in _ELEMENTS.decode(raw)]

    def text(self, name: str) -> str:
        """See `Source`."""
        raw = self._fields.get(name)
        return "" if raw is None else _TEXT.decode(raw)

    def _entities(self, name: str) -> dict[str, dict[str, msgspec.Raw]]:
        known = self._lists.get(name)
        if known is None:
            known = self._lists[name] = _by_id(self._fields.get(name))
        return known

    def _removed_entities(self, name: str) -> dict[str, dict[str, msgspec.Raw]]:
        if self._removed is None:
            raw = self._fields.get(REMOVED_KEY)
            lists = {} if raw is None else _OBJECT.decode(raw)
            self._removed = {key: _by_id(value) for key, value in lists.items()}
        return self._removed.get(name, {})

    def write(self, path: Path, _raw: str) -> None:
        """See `Source`."""
        raise FrozenDocumentError(f"{'.'.join(path)} of a view cannot be set")

    def add_entity(self, name: str, _entity_id: str | None, _values: dict[str, str], _index: int) -> str:
        """See `Source`."""
        raise FrozenDocumentError(f"nothing can be added to {name} of a view")

    def move_entity(self, name: str, _entity_id: str, _index: int) -> None:
        """See `Source`."""
        raise FrozenDocumentError(f"{name} of a view cannot be reordered")

    def remove_entity(self, name: str, _entity_id: str) -> None:
        """See `Source`."""
        raise FrozenDocumentError(f"nothing can be removed from {name} of a view")

    def restore_entity(self, name: str, _entity_id: str) -> None:
        """See `Source`."""
        raise FrozenDocumentError(f"nothing can be restored in {name} of a view")

    def append_log(self, name: str, _entry_id: str | None, _raw: str) -> str:
        """See `Source`."""
        raise FrozenDocumentError(f"nothing can be added to {name} of a view")

    def add_element(self, name: str, _raw: str) -> None:
        """See `Source`."""
        raise FrozenDocumentError(f"nothing can be added to {name} of a view")

    def set_text(self, name: str, _content: str) -> None:
        """See `Source`."""
        raise FrozenDocumentError(f"the text {name} of a view cannot be changed")


def _by_id(raw: msgspec.Raw | None) -> dict[str, dict[str, msgspec.Raw]]:
    if raw is None:
        return {}
    return {_TEXT.decode(item["id"]): item for item in _OBJECTS.decode(raw)}
