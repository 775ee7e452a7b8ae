"""What is missing here: changes that others build on, or say that they have, and whose they are.

Nobody puts another's files into a folder, so that they come when their writer syncs there, and never if it does not.
"""

import sqlite3
from dataclasses import dataclass

from crdtsync.protocol.causality import ChangeId, Version, has, unpack_version
from crdtsync.store.arrivals import unpack_causes

WAITING_MAX = 10_000
"""How many changes that wait are looked at: whose changes they miss is known long before."""


@dataclass(frozen=True, slots=True)
class MissingChanges:
    """Changes of one replica that have not come."""

    replica: str
    name: str
    """What people call it; its id where that has not come either."""
    changes: int
    """How many of its changes others that are here build on."""
    segments: int
    """How many of its segments another replica says that it has, and are not here."""

    @property
    def text(self) -> str:
        """What a person should know of it, in plain English."""
        return (
            f"waits for changes of {self.name} that have not come to this folder; "
            f"{self.name} puts them there when it syncs"
        )


def missing(connection: sqlite3.Connection, n: int) -> tuple[MissingChanges, ...]:
    """Return whose changes are known to exist and are not here, by name; nothing where all is here."""
    segments = _segments(connection, n)
    changes: dict[str, int] = {}
    for change in _causes(connection):
        owner = connection.execute(
            "SELECT replica FROM _incarnations WHERE client = ?", (change.client,)
        ).fetchone()
        if owner is not None:
            changes[owner[0]] = changes.get(owner[0], 0) + 1
    found = [
        MissingChanges(replica, _name(connection, replica), changes.get(replica, 0), segments.get(replica, 0))
        for replica in segments.keys() | changes.keys()
    ]
    return tuple(sorted(found, key=lambda item: (item.name, item.replica)))


def _segments(connection: sqlite3.Connection, n: int) -> dict[str, int]:
    rows = connection.execute(
        "SELECT r.owner, max(r.sequence) - coalesce((SELECT s.sequence FROM _segments s WHERE s.remote = r.remote "
        "AND s.owner = r.owner AND s.feed = r.feed AND s.applied_ms IS NOT NULL ORDER BY s.sequence DESC LIMIT 1), 0) "
        "AS behind FROM _receipts r "
        "WHERE r.remote = ? AND r.owner <> (SELECT value FROM _meta WHERE key = 'replica') "
        "GROUP BY r.owner, r.feed HAVING behind > 0",
        (n,),
    )
    found: dict[str, int] = {}
    for owner, behind in rows:
        found[owner] = found.get(owner, 0) + behind
    return found


def _causes(connection: sqlite3.Connection) -> set[ChangeId]:
    """Return the changes that those which wait build on, as far as they are neither applied nor wait themselves."""
    rows = connection.execute(
        "SELECT w.document, w.client, w.sequence, w.causes, d.version FROM _waiting w "
        "LEFT JOIN _documents d ON d.id = w.document ORDER BY w.document, w.client, w.sequence LIMIT ?",
        (WAITING_MAX,),
    ).fetchall()
    here = {(document, ChangeId(client, sequence)) for document, client, sequence, _, _ in rows}
    versions: dict[str, Version] = {}
    found: set[ChangeId] = set()
    for document, client, sequence, causes, packed in rows:
        if document not in versions:
            versions[document] = unpack_version(packed) if packed else {}
        for cause in (ChangeId(client, sequence - 1), *unpack_causes(causes)):
            if cause.sequence and (document, cause) not in here and not has(versions[document], cause):
                found.add(cause)
    return found


def _name(connection: sqlite3.Connection, replica: str) -> str:
    row = connection.execute(
        "SELECT name FROM _peers WHERE replica = ? UNION ALL SELECT name FROM _incarnations WHERE replica = ? LIMIT 1",
        (replica, replica),
    ).fetchone()
    return replica if row is None else str(row[0])
