"""What a replica says of itself to the others, and when there is something new to say."""

import sqlite3
from importlib.metadata import PackageNotFoundError, version

from crdtsync.protocol.beacon import Beacon, FeedPosition, FeedWant, encode_beacon
from crdtsync.protocol.ids import ReplicaId
from crdtsync.protocol.names import NameKind
from crdtsync.store import feeds, numbers
from crdtsync.sync.session import LEDGER_FEED, Session

WANTS_MAX = 1_000
"""How many segments one beacon asks for: where a whole folder is damaged, the next ones ask for the rest."""

HEARTBEAT_MS = 24 * 3600 * 1000

try:
    SOFTWARE = f"crdtsync {version('crdtsync')}"
except PackageNotFoundError:
    SOFTWARE = "crdtsync"


def next_beacon(session: Session, connection: sqlite3.Connection) -> tuple[tuple[bytes, Beacon] | None, int]:
    """Return content and beacon if there is something new to say, and when time alone may give something."""
    row = feeds.remote(connection, session.remote.address)
    assert row is not None
    identity = session.workspace.identity
    head = numbers.head(connection)
    positions = feeds.positions(connection, session.n)
    wants = {
        (want.owner, want.feed, want.sequence): want
        for want in feeds.wants(connection, session.n, session.now_ms())
        if (want.owner, want.feed, want.sequence) not in session.parked
    }
    for hint in session.damaged.values():
        if hint.kind is NameKind.SEGMENT and hint.owner and hint.feed and hint.number:
            want = FeedWant(hint.owner, hint.feed, hint.number)
            if not any(
                item.owner == want.owner and item.feed == want.feed and item.sequence >= want.sequence
                for item in positions
            ):
                wants[want.owner, want.feed, want.sequence] = want
    owner = _ledger_owner(session, connection, head.index)
    asked = [] if owner is None else [FeedWant(owner, LEDGER_FEED, head.index + 1)]
    beacon = Beacon(
        name=identity.name,
        role=identity.role,
        coordinator=identity.is_coordinator,
        counter=1,
        at_ms=0,
        positions=[item for item in positions if item.owner != identity.replica or item.feed != row.feed],
        own=FeedPosition(identity.replica, row.feed, row.head_sequence, row.head_hash)
        if row.head_sequence
        else None,
        ledger_index=head.index,
        ledger_hash=head.hash,
        wants=[*asked, *(wants[key] for key in sorted(wants)[:WANTS_MAX])],
        software=SOFTWARE,
    )
    content = encode_beacon(beacon)
    age_ms = session.now_ms() - row.beacon_ms
    if content == row.beacon_content and -HEARTBEAT_MS < age_ms < HEARTBEAT_MS:
        if feeds.is_behind(connection, session.n, head.index):
            return None, 0
        return None, row.beacon_ms + HEARTBEAT_MS
    return (content, beacon), 0


def _ledger_owner(session: Session, connection: sqlite3.Connection, index: int) -> ReplicaId | None:
    """Return who is to be asked for ledger entries that exist and are not here; None if none are missing."""
    owner = numbers.who_is_ahead(connection, session.n, session.now_ms())
    for hint in session.damaged.values():
        if hint.kind is NameKind.LEDGER and hint.owner and (hint.number or 0) > index:
            owner = owner or hint.owner
    return None if owner == session.replica else owner
