"""What must be true of documents: every write ever made, and what its writer had seen.

The model knows nothing of registers, stamps or the CRDT. A value of a field stands as long as nobody who had
seen it wrote again; several that stand are a conflict, and nothing else is. A line is gone if whoever removed
it had seen all that stands in it.
"""

import json
import re
from collections.abc import Container, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from crdtsync.document.draft import Writes
from crdtsync.document.model import schema_of
from crdtsync.document.registers import MARKER, RESTORED, Path
from crdtsync.document.schema import DocumentSchema, FieldSchema, Shape

_WORD = re.compile(r"<[0-9a-f]{12}>")

Seen = Mapping[int, int]
"""Client -> its last change that a replica had of a document."""


class Write(NamedTuple):
    """One value that was written."""

    client: int
    sequence: int
    raw: str
    seen: Seen
    also_sees_itself: bool = False
    stamp: int = 0
    """Of an entry of a log: when it was written, as it is shown; 0 if that is not known."""

    def has_seen(self, other: "Write") -> bool:
        """Whether the writer had seen another write, or made it in an earlier change of his."""
        if other.client == self.client and other.sequence == self.sequence:
            return self.also_sees_itself
        return other.sequence <= self.seen.get(other.client, 0)


@dataclass(slots=True)
class ModelDocument:
    """All writes of one document."""

    schema: DocumentSchema
    writes: dict[Path, list[Write]] = field(default_factory=dict)
    words: dict[str, tuple[str, int, int]] = field(default_factory=dict)
    """Word that was appended to a text -> (field, client, sequence)."""

    def standing(self, path: Path, seen: Seen | None = None) -> list[Write]:
        """Return the writes of a path that nobody overwrote, of all or of those that somebody has."""
        writes = [w for w in self.writes.get(path, ()) if seen is None or w.sequence <= seen.get(w.client, 0)]
        return [w for w in writes if not any(other is not w and other.has_seen(w) for other in writes)]

    def record(
        self,
        client: int,
        sequence: int,
        writes: Writes,
        seen: Seen,
        applied: Seen,
        shown: Mapping[str, Any],
    ) -> None:
        """Take note of a change.

        Args:
            client: whose it is.
            sequence: its number.
            writes: what the draft wanted written.
            seen: what its writer had when he began.
            applied: what was there when it was committed.
            shown: what is shown now, where it was made.
        """
        seen, applied = dict(seen), dict(applied)
        for path, raw in writes.values.items():
            before, now = self.standing(path, seen), self.standing(path, applied)
            if any(found and all(write.raw == raw for write in found) for found in (before, now)):
                continue  # It says what is there already.
            spec = self.schema.fields.get(path[0])
            if len(path) == 2 and (spec is None or spec.shape is not Shape.ENTITIES) and now:
                continue  # A log entry or an element of a set is written once.
            stamp = 0
            if spec is not None and spec.shape is Shape.LOG:
                stamp = next((row["at"] for row in shown.get(path[0], ()) if row["id"] == path[1]), 0)
            self.writes.setdefault(path, []).append(Write(client, sequence, raw, seen, stamp=stamp))
        for name, entity in writes.removals:
            marker = Write(client, sequence, "removed", seen, also_sees_itself=True)
            self.writes.setdefault((name, entity, MARKER), []).append(marker)

    def remember_words(self, name: str, text: str, client: int, sequence: int) -> None:
        """Take note of the words that a change has appended to a text."""
        for word in _WORD.findall(text):
            self.words.setdefault(word, (name, client, sequence))

    def only(self, changes: Container[tuple[int, int]]) -> "ModelDocument":
        """Return what is true where only these changes (client, sequence) are."""
        writes = {
            path: [write for write in found if (write.client, write.sequence) in changes]
            for path, found in self.writes.items()
        }
        words = {word: made for word, made in self.words.items() if made[1:] in changes}
        return ModelDocument(self.schema, {path: found for path, found in writes.items() if found}, words)

    def entity_state(self, name: str, entity: str) -> str:
        """Return `present`, `removed`, or `contested`: removed by one who had not seen what another did."""
        markers = self.standing((name, entity, MARKER))
        removals = [marker for marker in markers if marker.raw != RESTORED]
        if not removals:
            return "present"
        standing = [
            write
            for path in self.writes
            if path[:2] == (name, entity) and path[-1] != MARKER
            for write in self.standing(path)
        ]
        unseen = [w for w in standing if not any(removal.has_seen(w) for removal in removals)]
        return "contested" if len(removals) < len(markers) or unseen else "removed"

    def differences(
        self, shown: Mapping[str, Any], conflicts: Mapping[str, tuple[str, list[str]]]
    ) -> list[str]:
        """Return, as sentences, where a replica shows something else than must be shown.

        Args:
            shown: the projection of the document.
            conflicts: path -> (reason, raw values), as the replica lists them.
        """
        found = [*self._of_values(shown, conflicts), *self._of_members(shown, conflicts)]
        known = {"/".join(path) for path in self.writes} | {"/".join(path[:2]) for path in self.writes}
        found += [f"a conflict of {path}, which nobody wrote" for path in conflicts if path not in known]
        for word, (name, _, _) in self.words.items():
            count = str(shown.get(name, "")).count(word)
            if count != 1:
                found.append(f"{word!r} is {count} times in {name}")
        return found

    def _of_values(
        self, shown: Mapping[str, Any], conflicts: Mapping[str, tuple[str, list[str]]]
    ) -> Iterable[str]:
        for spec in self.schema.fields.values():
            if spec.shape is Shape.VALUE:
                yield from self._of_path((spec.name,), spec, shown, conflicts)
            elif spec.shape is Shape.ENTITIES and spec.entity is not None:
                rows = {row["id"]: row for row in shown.get(spec.name, ())}
                for entity in {path[1] for path in self.writes if path[0] == spec.name}:
                    if self.entity_state(spec.name, entity) == "removed":
                        continue
                    for name, field_spec in spec.entity.fields.items():
                        path = (spec.name, entity, name)
                        yield from self._of_path(path, field_spec, rows.get(entity, {}), conflicts)

    def _of_path(
        self,
        path: Path,
        spec: FieldSchema,
        holder: Mapping[str, Any],
        conflicts: Mapping[str, tuple[str, list[str]]],
    ) -> Iterable[str]:
        text = "/".join(path)
        raws = {write.raw for write in self.standing(path)}
        if raws and path[-1] not in holder:
            yield f"{text} is missing: {sorted(raws)} should stand"
        elif path[-1] in holder:
            value = holder[path[-1]]
            if not any(json.loads(raw) == value for raw in _eligible(raws, spec)):
                yield f"{text} shows {value!r}, and what stands is {sorted(raws)} ({spec.policy})"
        listed = conflicts.get(text, ("values", []))
        expected = raws if len(raws) > 1 else set()
        if listed[0] != "values" or set(listed[1]) != expected:
            yield f"the conflict of {text} lists {listed}, and should list {sorted(expected)}"

    def _of_members(
        self, shown: Mapping[str, Any], conflicts: Mapping[str, tuple[str, list[str]]]
    ) -> Iterable[str]:
        for spec in self.schema.fields.values():
            rows = shown.get(spec.name, ())
            members = {path[1] for path in self.writes if path[0] == spec.name and len(path) > 1}
            match spec.shape:
                case Shape.LOG:
                    if {row["id"] for row in rows} != members:
                        yield f"{spec.name} shows {len(rows)} entries, and {len(members)} were written"
                    yield from self._of_log(spec.name, rows)
                case Shape.SET:
                    raws = {write.raw for m in members for write in self.writes[(spec.name, m)]}
                    if sorted(map(repr, rows)) != sorted(repr(json.loads(raw)) for raw in raws):
                        yield f"{spec.name} shows {rows}, and should show {sorted(raws)}"
                case Shape.ENTITIES:
                    ids = {row["id"] for row in rows}
                    yield from self._of_order(spec.name, [row["id"] for row in rows])
                    for entity in members:
                        state = self.entity_state(spec.name, entity)
                        text = f"{spec.name}/{entity}"
                        if (entity in ids) == (state == "removed"):
                            yield f"{text} is {'' if entity in ids else 'not '}shown, and is {state}"
                        is_listed = conflicts.get(text, ("", []))[0] == "removal"
                        if is_listed != (state == "contested"):
                            yield f"{text} is {'' if is_listed else 'not '}listed as contested, and is {state}"
                case _:
                    pass

    def _of_log(self, name: str, rows: Iterable[Mapping[str, Any]]) -> Iterable[str]:
        """Of several who wrote one entry while apart, the first wrote it."""
        for row in rows:
            writes = self.writes.get((name, row["id"]), [])
            first = min(writes, key=lambda write: (write.stamp, write.client), default=None)
            if first is not None and (row["at"], row["value"]) != (first.stamp, json.loads(first.raw)):
                yield f"{name}/{row['id']} shows {row['value']!r}, and {first.raw} was written first"

    def _of_order(self, name: str, ids: Iterable[str]) -> Iterable[str]:
        """Entities are in the order of their places, those of one place in that of their ids."""
        last = ("", "")
        for entity in ids:
            places = sorted((write.raw, entity) for write in self.standing((name, entity)))
            place = next((place for place in places if place >= last), None)
            if place is None:
                yield f"{name}/{entity} is shown after {last}, and has its place at {places}"
                return
            last = place


def _eligible(raws: set[str], spec: FieldSchema) -> set[str]:
    """Return which of several standing values may be shown under a field's policy."""
    if spec.policy not in ("highest", "lowest"):
        return raws
    codec = spec.value_codec()
    values = {raw: value for raw in raws if (value := codec.decode(raw)) is not None}
    if not values:
        return raws
    best = max(values.values()) if spec.policy == "highest" else min(values.values())
    return {raw for raw, value in values.items() if value == best}


class Model:
    """All documents."""

    def __init__(self) -> None:
        self.documents: dict[str, ModelDocument] = {}

    def document(self, identity: str, document_class: Any) -> ModelDocument:
        """Return what is known of a document, which may be nothing yet."""
        if identity not in self.documents:
            self.documents[identity] = ModelDocument(schema_of(document_class))
        return self.documents[identity]
