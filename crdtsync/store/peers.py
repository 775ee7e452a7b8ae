"""What other replicas say they have and want, and what this one says."""

import sqlite3
from collections.abc import Collection

from crdtsync.protocol.beacon import Beacon
from crdtsync.protocol.ids import FeedId, ReplicaId
from crdtsync.protocol.names import beacon_name
from crdtsync.store import feeds, own_files


def knows_more_of_us(connection: sqlite3.Connection, n: int, replica: ReplicaId, beacon: Beacon) -> bool:
    """Whether another replica has more of our feed than this database says that there is."""
    (feed, head_sequence), *_ = connection.execute(
        "SELECT feed, head_sequence FROM _remotes WHERE n = ?", (n,)
    )
    return any(
        item.owner == replica and item.feed == feed and item.sequence > head_sequence
        for item in beacon.positions
    )


def set_wants(
    connection: sqlite3.Connection, n: int, peer: ReplicaId, wants: Collection[tuple[FeedId, int]]
) -> None:
    """Remember which own segments a peer misses, in place of what it missed before."""
    # Not by GLOB: with a parameter it reads all settings, and is prepared again each time.
    connection.execute("DELETE FROM _meta WHERE key > ? AND key < ?", _below(f"want/{n}/{peer}"))
    if not wants:
        return
    connection.executemany(
        "INSERT OR IGNORE INTO _meta (key, value) VALUES (?, 1)",
        [(f"want/{n}/{peer}/{feed}/{sequence}",) for feed, sequence in wants],
    )


def wanted(connection: sqlite3.Connection, n: int) -> list[tuple[ReplicaId, FeedId, int]]:
    """Return the own segments that peers miss: (peer, feed, sequence)."""
    rows = connection.execute(
        "SELECT key FROM _meta WHERE key > ? AND key < ? ORDER BY key", _below(f"want/{n}")
    )
    found = [key.split("/")[2:] for (key,) in rows]
    return [(ReplicaId(peer), FeedId(feed), int(sequence)) for peer, feed, sequence in found]


def forget_want(connection: sqlite3.Connection, n: int, peer: ReplicaId, feed: FeedId, sequence: int) -> None:
    """Take note that a want was answered."""
    connection.execute("DELETE FROM _meta WHERE key = ?", (f"want/{n}/{peer}/{feed}/{sequence}",))


def receive_beacon(
    connection: sqlite3.Connection, n: int, replica: ReplicaId, beacon: Beacon, now_ms: int
) -> bool:
    """Take in what another replica says it has; return whether it is news. Marks never go down."""
    known = connection.execute(
        "SELECT counter FROM _peers WHERE remote = ? AND replica = ?", (n, replica)
    ).fetchone()
    connection.executemany(
        "INSERT INTO _receipts (remote, replica, owner, feed, sequence, received_ms) VALUES (?, ?, ?, ?, ?, ?) "
        "ON CONFLICT (remote, replica, owner, feed) DO UPDATE SET sequence = excluded.sequence, "
        "received_ms = excluded.received_ms WHERE excluded.sequence > sequence",
        [
            (n, replica, item.owner, item.feed, item.sequence, now_ms)
            for item in (*beacon.positions, *([] if beacon.own is None else [beacon.own]))
        ],
    )
    if known is not None and known[0] >= beacon.counter:
        return False
    connection.execute(
        "INSERT OR REPLACE INTO _peers (remote, replica, name, role, coordinator, counter, at_ms, heard_ms, "
        "ledger_index, ledger_hash, software) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            n,
            replica,
            beacon.name,
            beacon.role,
            int(beacon.coordinator),
            beacon.counter,
            beacon.at_ms,
            now_ms,
            beacon.ledger_index,
            beacon.ledger_hash,
            beacon.software,
        ),
    )
    if beacon.coordinator:
        _note_two_coordinators(connection, n, replica, beacon.name, now_ms)
    return True


def _note_two_coordinators(
    connection: sqlite3.Connection, n: int, replica: ReplicaId, name: str, now_ms: int
) -> None:
    """List that two replicas of one folder say that they give out numbers, before they give one twice."""
    own = dict(connection.execute("SELECT key, value FROM _meta WHERE key IN ('name', 'coordinator')"))
    others = [
        other
        for (other,) in connection.execute(
            "SELECT name FROM _peers WHERE remote = ? AND coordinator AND replica <> ? ORDER BY name",
            (n, replica),
        )
    ]
    if own.get("coordinator"):
        others.insert(0, f"{own['name']} (this replica)")
    if others:
        feeds.quarantine(
            connection,
            "coordinator",
            replica,
            f"{name} gives out numbers, and so does {others[0]}: they will give one number twice; "
            "one of them must not sync here",
            waiting_helps=False,
            now_ms=now_ms,
        )


def save_beacon(
    connection: sqlite3.Connection,
    row: feeds.RemoteRow,
    replica: ReplicaId,
    data: bytes,
    content: bytes,
    now_ms: int,
) -> own_files.OwnFile:
    """Keep the next own beacon, to be put into the folder."""
    counter = row.beacon_counter + 1
    connection.execute(
        "UPDATE _remotes SET beacon_counter = ?, beacon_content = ?, beacon_ms = ? WHERE n = ?",
        (counter, content, now_ms, row.n),
    )
    return own_files.keep_own_file(
        connection, row.n, "beacon", counter, beacon_name(replica, counter, data[-32:]), data, now_ms
    )


def _below(key: str) -> tuple[str, str]:
    """Return between which keys those lie that go on with a slash after this one."""
    return f"{key}/", f"{key}0"  # The zero is the character that comes after the slash.
