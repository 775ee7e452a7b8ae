"""The only door to pycrdt: one document as a flat map of strings and some texts.

Every trap of the CRDT library is handled here (`docs/ARCHITECTURE.md`, "What the CRDT must never be given"):
deltas are taken from transaction events, foreign updates are applied under an origin, a panic (which is a
`BaseException`) becomes a `CrdtError`, and after any failure the object must be thrown away.
"""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Any

import msgspec
from pycrdt import Doc, Map, Text, TransactionEvent, merge_updates

from crdtsync.errors import CrdtError

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping
    from types import TracebackType

MAP_ROOT = "f"
TEXT_ROOT_PREFIX = "t:"

_LOCAL, _FOREIGN = "local", "foreign"
_STRINGS = msgspec.json.Decoder(dict[str, str])
_EMPTY_UPDATES = frozenset({b"", b"\x00\x00"})

Splice = tuple[int, int, str]
"""Replace the characters from start to stop by a string.

Offsets are code points of the text before any splice. The splices of one text ascend and do not overlap.
"""


class CrdtDocument:
    """One open CRDT document. Not thread-safe: its owner lets one thread at a time use it."""

    __slots__ = ("_deltas", "_doc", "_map", "_subscription", "_texts", "has_failed")

    def __init__(self, client: int, updates: Iterable[bytes] = ()) -> None:
        """Open a document that writes as `client` and holds `updates`, applied in the given order.

        Raises:
            CrdtError: an update was refused.
        """
        self.has_failed = False
        with _Door("open", self):
            self._doc: Doc[Any] = Doc(client_id=client)
            self._map: Map[str] = self._doc.get(MAP_ROOT, type=Map)
            self._texts: dict[str, Text] = {}
            self._deltas: list[bytes] = []
            self._apply(updates)
            # Subscribed after the state is in: only what is written here afterwards is a delta of ours.
            self._subscription = self._doc.observe(self._keep_delta)

    def close(self) -> None:
        """Drop the observer: a document that keeps one is never freed."""
        self._subscription.drop()

    def apply(self, updates: Iterable[bytes]) -> dict[str, tuple[str | None, str | None]]:
        """Apply updates of others, each after its causes, and return what they changed in the map.

        Returns:
            key -> (value before, value after); None where there is none.

        Raises:
            CrdtError: one was refused, or put something else than a string into the map; this object may hold a
                part of it and must be thrown away.
        """
        changed: dict[str, tuple[str | None, str | None]] = {}

        def keep(event: Any) -> None:
            for key, change in event.keys.items():
                before, after = change.get("oldValue"), change.get("newValue")
                # What was written as null is a value of the wrong kind, and not a deletion.
                is_set = change.get("action") != "delete"
                if not isinstance(before, str | None) or not isinstance(after, str if is_set else None | str):
                    strange.append(key)
                changed[key] = (before, after)

        strange: list[str] = []
        with _Door("apply", self):
            # The bare observer: pycrdt's own event looks for shared types in every value, of which there are none.
            subscription = self._map.integrated.observe(keep)
            try:
                self._apply(updates)
            finally:
                subscription.drop()
            self._deltas.clear()
            if strange:
                raise CrdtError(f"the map holds something else than a string under {strange[0]!r:.80}")
        return changed

    def write(
        self,
        sets: Mapping[str, str],
        deletes: Iterable[str],
        splices: Mapping[str, Iterable[Splice]],
    ) -> bytes:
        """Write in one transaction and return its delta; empty when nothing changed.

        Raises:
            CrdtError: the CRDT failed; this object must be thrown away.
        """
        with _Door("write", self):
            with self._doc.transaction(origin=_LOCAL):
                for key, value in sets.items():
                    self._map[key] = value
                for key in deletes:
                    if key in self._map:
                        del self._map[key]
                for name, parts in splices.items():
                    self._splice(self._text(name), parts)
            deltas = [delta for delta in self._deltas if delta not in _EMPTY_UPDATES]
            self._deltas.clear()
        match deltas:
            case []:
                return b""
            case [delta]:
                return delta
            case _:
                raise CrdtError("one transaction gave several deltas")

    def entries(self) -> dict[str, str]:
        """Return the map.

        Raises:
            CrdtError: it holds something else than strings, which no correct writer makes.
        """
        with _Door("read", self):
            return _STRINGS.decode(str(self._map))

    def entries_text(self) -> str:
        """Return the map as one JSON object, whatever it holds; see `entries_of`."""
        with _Door("read", self):
            return str(self._map)

    def text(self, name: str) -> str:
        """Return a text; empty when nobody wrote it."""
        with _Door("read a text", self):
            return str(self._text(name))

    def text_names(self) -> list[str]:
        """Return the names of all texts that exist in the document."""
        with _Door("read", self):
            with self._doc.transaction() as transaction:
                # Not `Doc.keys`, which makes an object of pycrdt's for each root.
                roots = self._doc._doc.roots(transaction._txn)  # type: ignore[arg-type]  # noqa: SLF001
            return sorted(
                name.removeprefix(TEXT_ROOT_PREFIX) for name in roots if name.startswith(TEXT_ROOT_PREFIX)
            )

    def state(self) -> bytes:
        """Return the whole document as one update."""
        with _Door("encode", self):
            return self._doc.get_update()

    def _apply(self, updates: Iterable[bytes]) -> None:
        with self._doc.transaction(origin=_FOREIGN) as transaction:
            # The bare call inside of `Doc.apply_update`, which wraps each update in a transaction of its own:
            # a third of the time of applying a small one.
            apply, inner = self._doc._doc.apply_update, transaction._txn  # noqa: SLF001
            assert inner is not None
            for update in updates:
                apply(inner, update)

    def _keep_delta(self, event: TransactionEvent) -> None:
        self._deltas.append(event.update)

    def _text(self, name: str) -> Text:
        text = self._texts.get(name)
        if text is None:
            text = self._texts[name] = self._doc.get(TEXT_ROOT_PREFIX + name, type=Text)
        return text

    @staticmethod
    def _splice(text: Text, parts: Iterable[Splice]) -> None:
        # From the end, so that earlier offsets stay true; the CRDT counts UTF-8 bytes, Python code points.
        content = str(text)
        for start, stop, inserted in reversed(list(parts)):
            first = len(content[:start].encode())
            length = len(content[start:stop].encode())
            if length:
                del text[first : first + length]
            if inserted:
                text.insert(first, inserted)


def entries_of(text: str) -> dict[str, str]:
    """Return the map that `CrdtDocument.entries_text` gave.

    Raises:
        CrdtError: it holds something else than strings, which no correct writer makes.
    """
    with _Door("read"):
        return _STRINGS.decode(text)


def merge(updates: Iterable[bytes]) -> bytes:
    """Return one update that holds all the given ones.

    Raises:
        CrdtError: one of them was refused.
    """
    with _Door("merge"):
        return merge_updates(*updates)


class _Door:
    """Turns whatever comes out of the CRDT into a `CrdtError`, and keeps a document shut after a failure."""

    __slots__ = ("_action", "_document")

    def __init__(self, action: str, document: CrdtDocument | None = None) -> None:
        self._action = action
        self._document = document

    def __enter__(self) -> None:
        if self._document is not None and self._document.has_failed:
            raise CrdtError("this document failed before and must be opened again")

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        if error is None:
            return
        if self._document is not None:
            self._document.has_failed = True
        # A panic of the CRDT is a BaseException, not an Exception.
        if not isinstance(error, _NOT_OF_THE_CRDT):
            raise CrdtError(f"the CRDT could not {self._action}: {type(error).__name__}: {error}") from error


_NOT_OF_THE_CRDT = (KeyboardInterrupt, SystemExit, GeneratorExit, asyncio.CancelledError, CrdtError)
