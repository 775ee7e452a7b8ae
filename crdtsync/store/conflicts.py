"""Conflicts, as the projections keep them."""

import sqlite3
from dataclasses import dataclass, field
from typing import Any, Literal

import msgspec

from crdtsync.document.registers import decode_seen

_CELLS = msgspec.json.Decoder(list[tuple[int, int, str]])


@dataclass(frozen=True, slots=True)
class ConflictValue:
    """One of several concurrent values."""

    raw: str
    """Canonical JSON; for a removal the marker, or what its remover had not seen."""
    author: str
    replica: str
    """The name of the replica it was written on."""
    at_ms: int
    is_removal: bool = False
    """In a conflict about a removal: whether this is a removal."""
    id: str = ""
    """Names this value among all that its path ever has, the same on every replica; fit for a field of a form."""
    value: Any = field(default=None, compare=False)
    """The value as the document's class declares it; what another version of the class wrote, as JSON has it.
    None in a conflict about a removal."""


@dataclass(frozen=True, slots=True)
class Conflict:
    """Values that were written by people who had not seen each other's."""

    document: str
    kind: str
    path: str
    """``customer`` or ``lines/<id>/quantity``; ``lines/<id>`` for an entity removed by one and edited by another."""
    reason: Literal["values", "removal"]
    policy: str
    """How the shown value is chosen; with `ask` the conflict waits for a person."""
    values: tuple[ConflictValue, ...]
    """Newest first."""
    shown: int
    """Which of the values is shown."""

    @property
    def field(self) -> str:
        """The name of the field, of the document or of an entity; empty in a conflict about a removal."""
        parts = self.path.split("/")
        return "" if len(parts) == 2 else parts[-1]

    @property
    def entities(self) -> str:
        """The name of the list the entity is in; empty if it is about the document itself."""
        name, slash, _ = self.path.partition("/")
        return name if slash else ""

    @property
    def entity(self) -> str:
        """The id of the entity it is about; empty if it is about the document itself."""
        return self.path.split("/")[1] if self.entities else ""

    def index_of(self, value_id: str) -> int:
        """Return which of the values has an id.

        Raises:
            IndexError: none has it: it was decided meanwhile.
        """
        for index, value in enumerate(self.values):
            if value.id == value_id:
                return index
        raise IndexError(f"the conflict about {self.path} has no value {value_id!r:.80}")

    @property
    def needs_decision(self) -> bool:
        """Whether it waits for a person."""
        return self.policy == "ask"


def count_conflicts(connection: sqlite3.Connection, policy: str | None) -> int:
    """Return how many conflicts there are, of one policy or of all."""
    condition = "" if policy is None else "WHERE policy = ?"
    parameters = () if policy is None else (policy,)
    row = connection.execute(f"SELECT count(*) FROM _conflicts {condition}", parameters).fetchone()
    return int(row[0])


def conflicts(
    connection: sqlite3.Connection, document_id: str | None, path: str | None = None
) -> list[Conflict]:
    """Return the conflicts of one document, or of all; of one path, or of all."""
    given = [("d.id", document_id), ("c.path", path)]
    conditions = [f"{name} = ?" for name, value in given if value is not None]
    rows = connection.execute(
        "SELECT d.id, d.kind, c.path, c.reason, c.policy, c.cells, c.shown FROM _conflicts c "
        f"JOIN _documents d ON d.n = c.document {'WHERE ' if conditions else ''}{' AND '.join(conditions)} "
        "ORDER BY d.id, c.ordinal",
        tuple(value for _, value in given if value is not None),
    ).fetchall()
    people = (
        {
            client: (author, name)
            for client, author, name in connection.execute("SELECT client, author, name FROM _incarnations")
        }
        if rows
        else {}
    )
    found = []
    for identity, kind, of, reason, policy, cells, shown in rows:
        known: dict[str, int] = {}
        values = []
        for stamp, writer, raw in _CELLS.decode(cells):
            # One edit may have written several fields of an entity that another one removed.
            cell_id = f"{writer:x}-{stamp:x}"
            known[cell_id] = known.get(cell_id, 0) + 1
            values.append(
                ConflictValue(
                    raw,
                    *people.get(writer, ("", "")),
                    stamp,
                    is_removal=reason == "removal" and decode_seen(raw) != {},
                    id=cell_id if known[cell_id] == 1 else f"{cell_id}-{known[cell_id]}",
                )
            )
        found.append(Conflict(identity, kind, of, reason, policy, tuple(values), shown))
    return found
