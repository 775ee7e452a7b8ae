"""What a document holds beside plain fields and entities: logs, sets and texts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Generic, TypeVar

from crdtsync.document import texts as free_text
from crdtsync.document.declared import check_member_id, encode_field
from crdtsync.errors import ValidationError

if TYPE_CHECKING:
    from collections.abc import Iterator

    from crdtsync.document.schema import FieldSchema
    from crdtsync.document.sources import Source

V = TypeVar("V")


@dataclass(frozen=True, slots=True)
class LogEntry(Generic[V]):
    """One entry of a log."""

    id: str
    at_ms: int
    """When it was written, by the clock of its writer."""
    value: V


class Log(Generic[V]):
    """Things that happened: written once, never changed or removed. Iterates over values, oldest first."""

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
        return self._source.append_log(self._spec.name, id, encode_field(self._spec, value))

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
        self._source.add_element(self._spec.name, encode_field(self._spec, value))

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
        self._require_text(content)
        self._source.set_text(self._name, content)

    def merge(self, content: str, *, seen: str) -> None:
        """Write what a person changed who saw `seen` and made `content` of it; what is new here since is kept.

        For an editor that knows the text it showed and nothing else. One that knows the version it showed
        gives that to `Replica.edit` and uses `set`. Raises as `set` does.
        """
        for given in (content, seen):
            self._require_text(given)
        current = str(self)
        parts = free_text.rebase(free_text.splices(seen, content), seen, current)
        for start, stop, inserted in reversed(parts):
            current = current[:start] + inserted + current[stop:]
        self.set(current)

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

    def _require_text(self, given: object) -> None:
        if not isinstance(given, str):
            raise ValidationError(f"{self._name} is a text, not {type(given).__name__}", path=self._name)

    def __repr__(self) -> str:
        return repr(str(self))
