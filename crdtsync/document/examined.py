"""A document that was applied to and read elsewhere: what the CRDT would say of it, without opening it here."""

from collections.abc import Iterable, Mapping

from crdtsync.document.crdt import Splice, entries_of
from crdtsync.environment import Outcome
from crdtsync.errors import CrdtError


class ExaminedDocument:
    """Stands for a `CrdtDocument` to which just the deltas that were examined are applied.

    Before `apply` it is the document as it was stored, of which the texts are known; afterwards it is what the
    deltas made of it. It cannot be written.
    """

    __slots__ = ("_is_applied", "_outcome")

    def __init__(self, outcome: Outcome) -> None:
        """Make one of what was found."""
        self._outcome = outcome
        self._is_applied = False

    def close(self) -> None:
        """Nothing is open."""

    def apply(self, _updates: Iterable[bytes]) -> Mapping[str, tuple[str | None, str | None]]:
        """Become what the deltas that were examined made of it; return what they changed in the map."""
        self._is_applied = True
        return self._outcome.changed

    def entries(self) -> dict[str, str]:
        """Return the map. Raises as `CrdtDocument.entries` does."""
        assert self._is_applied, "what the map was before is not known"
        return entries_of(self._outcome.entries)

    def near(self) -> Mapping[str, str]:
        """Return the part of the map that says all of what was changed."""
        return self._outcome.near

    def text(self, name: str) -> str:
        """Return a text; empty when nobody wrote it."""
        return self._texts().get(name, "")

    def text_names(self) -> list[str]:
        """Return the names of all texts that exist in the document."""
        return sorted(self._texts())

    def state(self) -> bytes:
        """Return the whole document as one update."""
        assert self._is_applied, "what is stored is not here"
        return self._outcome.state

    def write(
        self, _sets: Mapping[str, str], _deletes: Iterable[str], _splices: Mapping[str, Iterable[Splice]]
    ) -> bytes:
        """Refuse: to be written, the document must be opened.

        Raises:
            CrdtError: always.
        """
        raise CrdtError("a document that is not open cannot be written")

    def _texts(self) -> Mapping[str, str]:
        return self._outcome.texts if self._is_applied else self._outcome.texts_before
