"""How the sync fares: remotes, the quarantine, digests."""

import sqlite3
from dataclasses import dataclass, replace

from crdtsync.store import attempts
from crdtsync.store.missing import MissingChanges, missing


@dataclass(frozen=True, slots=True)
class RemoteHealth:
    """One remote this replica is attached to, or could not be attached to so far."""

    address: str
    folder: str
    """The id of the folder that is there; empty while the replica could not be attached to it."""
    waiting_changes: int
    """Changes made here that are in no segment yet."""
    waiting_files: int
    """Files that are not in the folder yet."""
    inbox: int
    """Segments of others that wait for an earlier one."""
    waiting_causes: int
    """Changes of others that wait for a change they build on."""
    problem: str
    """Why it cannot be used now; empty when it can."""
    problem_since_ms: int | None
    missing: tuple[MissingChanges, ...] = ()
    """Whose changes are known to exist and have not come."""

    @property
    def is_attached(self) -> bool:
        """Whether the replica has ever reached a folder there. Until then nothing is counted as waiting for it."""
        return bool(self.folder)


@dataclass(frozen=True, slots=True)
class Quarantined:
    """Something that could not be taken in."""

    at_ms: int
    what: str
    """``file``, ``segment``, ``change``, ``document``, ``fork``, ``name`` (another replica has ours),
    ``coordinator`` (two replicas give out numbers), or ``void`` (a number that could not be declared void)."""
    name: str
    reason: str
    waiting_helps: bool


@dataclass(frozen=True, slots=True)
class FeedReader:
    """How far another replica has a feed, by what it says itself."""

    replica: str
    name: str
    sequence: int
    """The last segment it has; 0 for none."""
    behind: int
    """How many of those that are here it has not said that it has."""
    behind_since_ms: int | None
    """Since when the first of those is here, by our clock; None if there is none, or none that is applied."""


@dataclass(frozen=True, slots=True)
class FeedHealth:
    """A feed, as far as it is on this replica's disk."""

    address: str
    owner: str
    owner_name: str
    """Empty when no beacon of its owner has come yet."""
    feed: str
    is_own: bool
    last: int
    """The sequence of the last segment that is here."""
    waiting: int
    """How many of them wait for an earlier one, or to be applied."""
    size_bytes: int
    readers: tuple[FeedReader, ...]
    """The other replicas but its owner, by name."""


def feeds(connection: sqlite3.Connection) -> list[FeedHealth]:
    """Return every feed of every remote, own ones first."""
    facts = dict(connection.execute("SELECT key, value FROM _meta WHERE key IN ('replica', 'name')"))
    own = facts["replica"]
    peers: dict[int, list[tuple[str, str]]] = {}
    for remote, replica, name in connection.execute(
        "SELECT remote, replica, name FROM _peers ORDER BY name, replica"
    ):
        peers.setdefault(remote, []).append((replica, name))
    marks = {
        (remote, replica, owner, feed): sequence
        for remote, replica, owner, feed, sequence in connection.execute(
            "SELECT remote, replica, owner, feed, sequence FROM _receipts"
        )
    }
    rows = connection.execute(
        "SELECT s.remote, r.address, s.owner, coalesce(p.name, ''), s.feed, max(s.sequence), "
        "sum(s.applied_ms IS NULL), sum(s.size_bytes) FROM _segments s JOIN _remotes r ON r.n = s.remote "
        "LEFT JOIN _peers p ON p.remote = s.remote AND p.replica = s.owner "
        "GROUP BY s.remote, s.owner, s.feed ORDER BY s.remote, s.owner <> ?, 4, s.owner, s.feed",
        (own,),
    ).fetchall()
    found = []
    for remote, address, owner, name, feed, last, waiting, size_bytes in rows:
        place = (remote, owner, feed)
        readers = tuple(
            _reader(connection, place, peer, peer_name, marks.get((remote, peer, owner, feed), 0), last)
            for peer, peer_name in peers.get(remote, ())
            if peer != owner
        )
        called = facts["name"] if owner == own else name
        found.append(
            FeedHealth(address, owner, called, feed, owner == own, last, waiting, size_bytes, readers)
        )
    return found


def _reader(
    connection: sqlite3.Connection, place: tuple[int, str, str], peer: str, name: str, has: int, last: int
) -> FeedReader:
    behind, since_ms = 0, None
    if has < last:
        behind, since_ms = connection.execute(
            "SELECT count(*), min(applied_ms) FROM _segments "
            "WHERE remote = ? AND owner = ? AND feed = ? AND sequence > ?",
            (*place, has),
        ).fetchone()
    return FeedReader(peer, name, has, behind, since_ms)


def remotes(connection: sqlite3.Connection) -> list[RemoteHealth]:
    """Return every remote and what waits for it."""
    rows = connection.execute(
        "SELECT r.address, r.folder, (SELECT count(*) FROM _outbox o WHERE o.remote = r.n), "
        "(SELECT count(*) FROM _own_files f WHERE f.remote = r.n AND f.put_ms IS NULL), "
        "(SELECT count(*) FROM _segments s WHERE s.remote = r.n AND s.applied_ms IS NULL), "
        "(SELECT count(*) FROM _waiting), r.problem, r.problem_since_ms, r.n FROM _remotes r ORDER BY r.n"
    ).fetchall()
    found = [replace(RemoteHealth(*row), missing=missing(connection, n)) for *row, n in rows]
    attempt = attempts.last(connection)
    if attempt is not None and attempt[0] not in [remote.address for remote in found]:
        address, problem, since_ms = attempt
        found.append(RemoteHealth(address, "", 0, 0, 0, 0, problem, since_ms))
    return found


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
