"""Changes in the order in which they arrived here."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class ChangeRow:
    """A change as it arrived here."""

    n: int
    document: str
    kind: str
    at_ms: int
    author: str
    name: str
    replica: str
    label: str
    client: int
    sequence: int


def last_change(connection: sqlite3.Connection) -> int:
    """Return the number of the newest change here."""
    return int(connection.execute("SELECT coalesce(max(n), 0) FROM _changes").fetchone()[0])


def changes_after(connection: sqlite3.Connection, n: int, count: int = 500) -> list[ChangeRow]:
    """Return the changes that came after a change, in the order in which they arrived here."""
    rows = connection.execute(
        "SELECT c.n, d.id, d.kind, c.at_ms, coalesce(i.author, ''), coalesce(i.name, ''), coalesce(i.replica, ''), "
        "c.label, c.client, c.sequence FROM _changes c JOIN _documents d ON d.n = c.document "
        "LEFT JOIN _incarnations i ON i.client = c.client WHERE c.n > ? ORDER BY c.n LIMIT ?",
        (n, count),
    )
    return [ChangeRow(*row) for row in rows]
