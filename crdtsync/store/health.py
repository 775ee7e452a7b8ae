"""How the sync fares: remotes, the quarantine, digests."""

import sqlite3
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RemoteHealth:
    """One remote this replica is attached to."""

    address: str
    folder: str
    waiting_changes: int
    """Changes made here that are in no segment yet."""
    waiting_files: int
    """Files that are not in the folder yet."""
    inbox: int
    """Segments of others that wait for an earlier one."""
    waiting_causes: int
    """Changes of others that wait for a change they build on."""
    problem: str
    problem_since_ms: int | None


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Something that could not be taken in."""

    at_ms: int
    what: str
    """``file``, ``segment``, ``change``, ``document``, ``fork``, or ``name`` (another replica has ours)."""
    name: str
    reason: str
    waiting_helps: bool


def remotes(connection: sqlite3.Connection) -> list[RemoteHealth]:
    """Return every remote and what waits for it."""
    rows = connection.execute(
        "SELECT r.address, r.folder, (SELECT count(*) FROM _outbox o WHERE o.remote = r.n), "
        "(SELECT count(*) FROM _own_files f WHERE f.remote = r.n AND f.put_ms IS NULL), "
        "(SELECT count(*) FROM _segments s WHERE s.remote = r.n AND s.applied_ms IS NULL), "
        "(SELECT count(*) FROM _waiting), r.problem, r.problem_since_ms FROM _remotes r ORDER BY r.n"
    )
    return [RemoteHealth(*row) for row in rows]


def quarantine(connection: sqlite3.Connection) -> list[Quarantined]:
    """Return what could not be taken in, oldest first."""
    rows = connection.execute("SELECT at_ms, what, name, reason, waiting_helps FROM _quarantine ORDER BY n")
    return [Quarantined(at_ms, what, name, reason, bool(helps)) for at_ms, what, name, reason, helps in rows]


def waiting(connection: sqlite3.Connection) -> int:
    """Return how many changes wait for changes they build on."""
    return int(connection.execute("SELECT count(*) FROM _waiting").fetchone()[0])


def unknown_kinds(connection: sqlite3.Connection) -> dict[str, int]:
    """Return the kinds of which documents are here and no schema, with how many documents there are."""
    return dict(
        connection.execute(
            "SELECT kind, count(*) FROM _documents WHERE kind NOT IN (SELECT kind FROM _kinds) "
            "GROUP BY kind ORDER BY kind"
        )
    )


def digests(connection: sqlite3.Connection) -> dict[str, bytes]:
    """Return the digest of every document that has a change applied."""
    return dict(connection.execute("SELECT id, digest FROM _documents WHERE rev > 0"))
