"""One open document: the CRDT, its registers, its texts, its digest and its projection, kept in step.

All methods are for the one thread that owns the document. After a `CrdtError` the object must be thrown away:
the CRDT cannot roll back.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from crdtsync.document import digest as digests
from crdtsync.document import texts as free_text
from crdtsync.document.crdt import CrdtDocument, Splice
from crdtsync.document.draft import Draft, references
from crdtsync.document.projection import Projection
from crdtsync.document.registers import (
    MARKER,
    Cell,
    Path,
    Registers,
    encode_seen,
    entry_key,
    entry_value,
    seen_of,
)
from crdtsync.document.schema import DocumentSchema
from crdtsync.document.winners import RawConflict


@dataclass(frozen=True, slots=True)
class Written:
    """What one edit wrote."""

    delta: bytes
    stamp: int


class LiveDocument:
    """An open document."""

    __slots__ = ("_crdt", "_digest", "_entries", "_projection", "_registers", "_texts", "client", "schema")

    def __init__(
        self,
        client: int,
        schema: DocumentSchema | None,
        updates: Iterable[bytes] = (),
        *,
        digest: bytes | None = None,
    ) -> None:
        """Open a document from its updates, in causal order.

        Args:
            client: the Yrs client id that writes made here carry.
            schema: what the kind declares, or None where it is not known: the document is merged all the same.
            updates: its state, then the deltas applied since.
            digest: the digest of that content, if it is known; else it is computed.

        Raises:
            CrdtError: the updates were refused.
        """
        self.client = client
        self.schema = schema
        self._crdt = CrdtDocument(client, updates)
        self._entries = self._crdt.entries()
        self._texts = {name: self._crdt.text(name) for name in self._crdt.text_names()}
        self._registers: Registers | None = None
        self._projection: Projection | None = None
        self._digest = self._digest_of_all() if digest is None else digests.unpack(digest)

    @property
    def registers(self) -> Registers:
        """The registers; read them or `fork` them, do not write them."""
        if self._registers is None:
            self._registers = Registers.from_entries(self._entries)
        return self._registers

    @property
    def texts(self) -> dict[str, str]:
        """The texts by field; a copy."""
        return dict(self._texts)

    @property
    def digest(self) -> bytes:
        """The digest of the whole content."""
        return digests.pack(self._digest)

    def close(self) -> None:
        """Free the CRDT's memory."""
        self._crdt.close()

    def state(self) -> bytes:
        """Return the whole document as one update."""
        return self._crdt.state()

    def draft(self, schema: DocumentSchema, random_bytes: Callable[[int], bytes]) -> Draft:
        """Start an edit of what is here now."""
        return Draft(schema, self.registers.fork(), self.texts, writer=self.client, random_bytes=random_bytes)

    def write(self, draft: Draft, now_ms: int) -> Written | None:
        """Make the edit a draft describes; None when it changes nothing.

        The stamp of the edit is the wall time, forced above every stamp in the document: a clock that is
        wrong by years can neither lose to what it has seen nor stop anybody.

        Raises:
            CrdtError: throw this object away.
        """
        registers = self.registers
        stamp = max(now_ms, registers.highest_stamp() + 1, 1)
        sets: dict[Path, str] = {}
        drops: list[tuple[Path, int]] = []
        for path, raw in self._wanted(draft, stamp):
            cells = registers.cells(path)
            if len(cells) == 1 and cells[0].raw == raw and path[-1] != MARKER:
                continue
            sets[path] = raw
            if cells:
                seen = {(cell.writer, cell.stamp) for cell in draft.base.cells(path)}
                drops.extend(
                    (path, cell.writer)
                    for cell in cells
                    if cell.writer != self.client and (cell.writer, cell.stamp) in seen
                )
        splices = self._splices(draft)
        if not sets and not splices:
            return None
        entries = {entry_key(path, self.client): entry_value(stamp, raw) for path, raw in sets.items()}
        delta = self._crdt.write(entries, [entry_key(path, writer) for path, writer in drops], splices)
        if not delta:
            return None
        for path, raw in sets.items():
            registers.put(path, Cell(stamp, self.client, raw))
        for path, writer in drops:
            registers.drop(path, writer)
        changed: dict[str, str | None] = dict(entries)
        changed.update((entry_key(path, writer), None) for path, writer in drops)
        self._take_entries(changed)
        self._take_texts(splices)
        if self._projection is not None:
            self._projection.touch(sets)
            self._projection.touch((name,) for name in splices)
        return Written(delta, stamp)

    def apply(self, updates: Iterable[bytes]) -> None:
        """Take in deltas of others, each after its causes.

        Raises:
            CrdtError: throw this object away; what is stored was not touched.
        """
        self._crdt.apply(updates)
        entries = self._crdt.entries()
        before = self._entries
        changed: dict[str, str | None] = {
            key: value for key, value in entries.items() if before.get(key) != value
        }
        if len(entries) != len(before) + sum(key not in before for key in changed):
            changed.update((key, None) for key in before if key not in entries)
        touched: set[Path] = set()
        if self._registers is not None:
            touched = self._registers.update(changed.items())
        self._take_entries(changed)
        names = [name for name in self._crdt.text_names()]
        splices: dict[str, list[Splice]] = {name: [] for name in names}
        self._take_texts(splices)
        if self._projection is not None:
            self._projection.touch(touched)
            self._projection.touch((name,) for name in names)

    def fields(self) -> dict[str, str]:
        """Return the JSON text of every field that has a value."""
        return self._rendered().fields(self.registers, self._texts)

    def project(self, computed: dict[str, str]) -> str:
        """Return the projection as JSON text."""
        return self._rendered().render(self.registers, self._texts, computed)

    def conflicts(self) -> list[RawConflict]:
        """Return the conflicts, in an order every replica agrees on."""
        return self._rendered().conflicts(self.registers)

    def search_text(self) -> str:
        """Return the words by which the document is found."""
        return self._rendered().search_text(self.registers, self._texts)

    def references(self) -> list[str]:
        """Return the reference numbers of the document, oldest first."""
        return references(self.registers)

    def recompute_digest(self) -> bytes:
        """Return the digest computed from the CRDT itself; it equals `digest`, or something is broken."""
        entries = digests.of_entries(self._crdt.entries().items())
        return digests.pack(
            entries + sum(digests.of_text(name, self._crdt.text(name)) for name in self._crdt.text_names())
        )

    def _rendered(self) -> Projection:
        assert self.schema is not None
        if self._projection is None:
            self._projection = Projection(self.schema)
        return self._projection

    def _digest_of_all(self) -> int:
        return digests.of_entries(self._entries.items()) + sum(
            digests.of_text(name, content) for name, content in self._texts.items()
        )

    def _wanted(self, draft: Draft, stamp: int) -> Iterable[tuple[Path, str]]:
        yield from draft.writes.values.items()
        for name, entity_id in draft.writes.removals:
            # What the remover saw: the entity as the draft began, and what the draft itself wrote to it.
            seen = seen_of(draft.base.entity(name, entity_id))
            if any(path[:2] == (name, entity_id) for path in draft.writes.values):
                seen[self.client] = stamp
            yield (name, entity_id, MARKER), encode_seen(seen)

    def _splices(self, draft: Draft) -> dict[str, list[Splice]]:
        found: dict[str, list[Splice]] = {}
        for name, content in draft.writes.texts.items():
            base = draft.base_texts.get(name, "")
            parts = free_text.rebase(free_text.splices(base, content), base, self._texts.get(name, ""))
            if parts:
                found[name] = parts
        return found

    def _take_entries(self, changed: dict[str, str | None]) -> None:
        for key, value in changed.items():
            old = self._entries.get(key)
            if old is not None:
                self._digest -= digests.of_entry(key, old)
            if value is None:
                self._entries.pop(key, None)
            else:
                self._entries[key] = value
                self._digest += digests.of_entry(key, value)

    def _take_texts(self, touched: Iterable[str]) -> None:
        for name in touched:
            content = self._crdt.text(name)
            old = self._texts.get(name, "")
            if content != old:
                self._digest += digests.of_text(name, content) - digests.of_text(name, old)
                self._texts[name] = content
