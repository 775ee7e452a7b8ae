"""One open document: the CRDT, its registers, its texts, its digest and its projection, kept in step.

All methods are for the one thread that owns the document. After a `CrdtError` the object must be thrown away:
the CRDT cannot roll back.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import cast

import msgspec

from crdtsync.document import digest as digests
from crdtsync.document import texts as free_text
from crdtsync.document.crdt import CrdtDocument, Splice
from crdtsync.document.draft import Draft, references
from crdtsync.document.examined import ExaminedDocument
from crdtsync.document.projection import Projection
from crdtsync.document.registers import (
    MARKER,
    RESTORED,
    STAMP_MAX,
    Cell,
    Cells,
    Path,
    Registers,
    encode_seen,
    entry_key,
    entry_value,
    parse_key,
    seen_of,
)
from crdtsync.document.schema import DocumentSchema, Shape
from crdtsync.document.winners import RawConflict
from crdtsync.environment import Outcome


@dataclass(frozen=True, slots=True)
class Written:
    """What one edit wrote."""

    delta: bytes
    stamp: int


class LiveDocument:
    """An open document."""

    __slots__ = (
        "_crdt",
        "_digest",
        "_near",
        "_projection",
        "_registers",
        "_texts",
        "_touched",
        "client",
        "schema",
    )

    def __init__(
        self,
        client: int,
        schema: DocumentSchema | None,
        updates: Iterable[bytes] = (),
        *,
        digest: bytes | None = None,
        outcome: Outcome | None = None,
    ) -> None:
        """Open a document from its updates, in causal order.

        Args:
            client: the Yrs client id that writes made here carry.
            schema: what the kind declares, or None where it is not known; it is merged all the same.
            updates: its state, then the deltas applied since.
            digest: the digest of that content, if it is known; else it is computed.
            outcome: what the deltas that are to be applied next are known to make of it. Then the CRDT is not
                opened, no updates are needed, and nothing can be written.

        Raises:
            CrdtError: the updates were refused.
        """
        self.client = client
        self.schema = schema
        self._crdt = CrdtDocument(client, updates) if outcome is None else ExaminedDocument(outcome)
        # Both are read when they are first needed: what is opened to be merged is read once, after the merge.
        self._texts: dict[str, str] | None = None
        self._touched: set[Path] = set()
        self._registers: Registers | None = None
        self._projection: Projection | None = None
        self._near: Registers | None = None
        """What the projection is rendered from where it was resumed."""
        self._digest = None if digest is None else digests.unpack(digest)

    @property
    def registers(self) -> Registers:
        """The registers; read them or `fork` them, do not write them."""
        if self._registers is None:
            self._registers = Registers.from_entries(self._crdt.entries())
        return self._registers

    @property
    def is_examined(self) -> bool:
        """Whether it is known what the deltas make of the document, and the CRDT is not open."""
        return isinstance(self._crdt, ExaminedDocument)

    @property
    def texts(self) -> dict[str, str]:
        """The texts by field; a copy."""
        return dict(self._read_texts())

    @property
    def digest(self) -> bytes:
        """The digest of the whole content."""
        if self._digest is None:
            self._digest = _digest_of(self._crdt.entries(), self._read_texts())
        return digests.pack(self._digest)

    def close(self) -> None:
        """Free the CRDT's memory."""
        self._crdt.close()

    def state(self) -> bytes:
        """Return the whole document as one update."""
        return self._crdt.state()

    def draft(
        self,
        schema: DocumentSchema,
        random_bytes: Callable[[int], bytes],
        *,
        also_seen: Iterable[tuple[Path, Cell]] = (),
    ) -> Draft:
        """Start an edit of what is here now, and of values from elsewhere that its author has seen as well.

        The draft may be used in another thread while this document goes on; starting it belongs to the
        owner's thread. Edits that one client makes of one document must follow each other: a client has one
        value of a field, so that the later of two drafts of the same state would hide the earlier one.
        """
        base = self.registers.fork()
        for path, cell in also_seen:
            base.put(path, cell)
        return Draft(schema, base, self.texts, writer=self.client, random_bytes=random_bytes)

    def reader(self, schema: DocumentSchema) -> Draft:
        """Return a source that reads what is here now, and cannot be written."""
        source = Draft(schema, self.registers.fork(), self.texts, writer=self.client, random_bytes=bytes)
        source.close()
        return source

    def hides(self, draft: Draft, client: int) -> bool:
        """Whether an edit by this client would take the place of what the client wrote, and the draft had not seen.

        A client has one value of a path. Where that is another than the draft began with, the edit needs
        another client, so that both values are kept.
        """
        return any(
            cell.writer == client and cell.raw != raw and cell not in draft.base.cells(path)
            for path, raw in self._wanted(draft, STAMP_MAX)
            if len(path) == 3 or (len(path) == 1 and path[0] in draft.schema.fields)
            for cell in self.registers.cells(path)
        )

    def write(self, draft: Draft, now_ms: int) -> Written | None:
        """Make the edit a draft describes; None when it changes nothing.

        The stamp of the edit is the wall time, forced above every stamp in the document: a clock that is
        wrong by years can neither lose to what it has seen nor stop anybody.

        Raises:
            CrdtError: throw this object away.
        """
        registers = self.registers
        stamp = min(max(now_ms, registers.highest_stamp() + 1, 1), STAMP_MAX)
        sets: dict[Path, str] = {}
        drops: list[tuple[Path, int]] = []
        for path, raw in self._wanted(draft, stamp):
            cells = registers.cells(path)
            before = draft.base.cells(path)
            # A removal is written even where another one says the same: who restores the line after having
            # seen that one only has not answered this one.
            if not _is_removal(path, raw) and (
                _all_say(cells, raw)
                or _all_say(before, raw)
                or (cells and _is_write_once(path, draft.schema))
            ):
                continue
            sets[path] = raw
            drops.extend(
                (path, cell.writer) for cell in cells if cell.writer != self.client and cell in before
            )
        splices = self._splices(draft)
        if not sets and not splices:
            return None
        changed: dict[str, str | None] = {
            entry_key(path, self.client): entry_value(stamp, raw) for path, raw in sets.items()
        }
        entries = cast("dict[str, str]", dict(changed))
        changed.update((entry_key(path, writer), None) for path, writer in drops)
        delta = self._crdt.write(entries, [key for key, value in changed.items() if value is None], splices)
        if not delta:
            return None
        before_values = {key: _stored(registers, key) for key in changed}
        for path, raw in sets.items():
            registers.put(path, Cell(stamp, self.client, raw))
        for path, writer in drops:
            registers.drop(path, writer)
        self._count((key, before_values[key], value) for key, value in changed.items())
        self._take_texts(splices)
        self._touch({*sets, *((name,) for name in splices)})
        return Written(delta, stamp)

    def apply(self, updates: Iterable[bytes]) -> None:
        """Take in deltas of others, each after its causes.

        Raises:
            CrdtError: throw this object away; what is stored was not touched.
        """
        self._read_texts()
        changed = self._crdt.apply(updates)
        if self._registers is not None:
            touched = self._registers.update((key, after) for key, (_, after) in changed.items())
        else:
            # What is no key of ours is in nothing that is shown, so that it does no harm here.
            touched = {tuple(key.rpartition("|")[0].split("/")) for key in changed}
        self._count((key, before, after) for key, (before, after) in changed.items())
        texts = self._take_texts(self._crdt.text_names())
        self._touch({*touched, *((name,) for name in texts)})

    def resume(self, projection: str, conflicts: Iterable[RawConflict]) -> None:
        """Render from now on only what deltas that were examined have changed of what was rendered before them.

        Does nothing where what is given does not fit to what was examined; then all is rendered.
        """
        assert isinstance(self._crdt, ExaminedDocument)
        assert self.schema is not None
        registers = Registers.from_entries(self._crdt.near())
        try:
            resumed = Projection.resumed(self.schema, projection, conflicts)
            if not all(resumed.fits(name, registers, self._touched) for name in self.schema.fields):
                return
        except (msgspec.MsgspecError, ValueError):
            return
        resumed.touch(self._touched)
        self._projection, self._near = resumed, registers

    def take_touched(self) -> set[Path]:
        """Return the paths changed since the document was opened, or since this was last asked."""
        touched, self._touched = self._touched, set()
        return touched

    def fields(self) -> dict[str, str]:
        """Return the JSON text of every field that has a value."""
        return self._rendered().fields(self._shown(), self._read_texts())

    def project(self, computed: dict[str, str]) -> str:
        """Return the projection as JSON text."""
        return self._rendered().render(self._shown(), self._read_texts(), computed)

    def conflicts(self) -> list[RawConflict]:
        """Return the conflicts, in an order every replica agrees on."""
        return self._rendered().conflicts(self._shown())

    def search_text(self) -> str:
        """Return the words by which the document is found."""
        return self._rendered().search_text(self._shown(), self._read_texts())

    def references(self) -> list[str]:
        """Return the reference numbers of the document, oldest first."""
        return references(self.registers)

    def recompute_digest(self) -> bytes:
        """Return the digest computed from the CRDT itself; it equals `digest`, or something is broken."""
        texts = {name: self._crdt.text(name) for name in self._crdt.text_names()}
        return digests.pack(_digest_of(self._crdt.entries(), texts))

    def _shown(self) -> Registers:
        return self.registers if self._near is None else self._near

    def _rendered(self) -> Projection:
        assert self.schema is not None
        if self._projection is None:
            self._projection = Projection(self.schema)
        return self._projection

    def _read_texts(self) -> dict[str, str]:
        """Return the texts by field, read from the CRDT once."""
        if self._texts is None:
            self._texts = {name: self._crdt.text(name) for name in self._crdt.text_names()}
        return self._texts

    def _wanted(self, draft: Draft, stamp: int) -> Iterable[tuple[Path, str]]:
        yield from draft.writes.values.items()
        for name, entity_id in sorted(draft.writes.removals):
            # What the remover saw: the entity as the draft began, and what the draft itself wrote to it.
            seen = seen_of(draft.base.entity(name, entity_id))
            if any(path[:2] == (name, entity_id) for path in draft.writes.values):
                seen[self.client] = stamp
            yield (name, entity_id, MARKER), encode_seen(seen)

    def _splices(self, draft: Draft) -> dict[str, list[Splice]]:
        found: dict[str, list[Splice]] = {}
        for name, content in draft.writes.texts.items():
            base = draft.base_texts.get(name, "")
            parts = free_text.rebase(free_text.splices(base, content), base, self._read_texts().get(name, ""))
            if parts:
                found[name] = parts
        return found

    def _touch(self, paths: set[Path]) -> None:
        self._touched |= paths
        if self._projection is not None:
            self._projection.touch(paths)

    def _count(self, changed: Iterable[tuple[str, str | None, str | None]]) -> None:
        """Keep the digest up: (key, value before, value after)."""
        if self._digest is not None:
            for key, before, after in changed:
                if before is not None:
                    self._digest -= digests.of_entry(key, before)
                if after is not None:
                    self._digest += digests.of_entry(key, after)

    def _take_texts(self, names: Iterable[str]) -> list[str]:
        """Read texts again and return the names of those that have changed."""
        changed = []
        texts = self._read_texts()
        for name in names:
            content = self._crdt.text(name)
            old = texts.get(name, "")
            if content != old:
                changed.append(name)
                texts[name] = content
                if self._digest is not None:
                    self._digest += digests.of_text(name, content) - digests.of_text(name, old)
        return changed


def _stored(registers: Registers, key: str) -> str | None:
    keyed = parse_key(key)
    assert keyed is not None, key
    path, writer = keyed
    return next(
        (entry_value(cell.stamp, cell.raw) for cell in registers.cells(path) if cell.writer == writer), None
    )


def _all_say(cells: Cells, raw: str) -> bool:
    return bool(cells) and all(cell.raw == raw for cell in cells)


def _is_removal(path: Path, raw: str) -> bool:
    return path[-1] == MARKER and raw != RESTORED


def _is_write_once(path: Path, schema: DocumentSchema) -> bool:
    """Whether the path is a log entry or an element of a set, of which the first one stays."""
    spec = schema.fields.get(path[0])
    return len(path) == 2 and (spec is None or spec.shape is not Shape.ENTITIES)


def _digest_of(entries: dict[str, str], texts: dict[str, str]) -> int:
    return digests.of_entries(entries.items()) + sum(
        digests.of_text(name, content) for name, content in texts.items()
    )
