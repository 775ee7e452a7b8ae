"""The exact bytes of everything this replica publishes: put again from here whenever they vanish."""

import sqlite3
from collections.abc import Collection
from dataclasses import dataclass

from crdtsync.protocol.files import DecodedFile, FileType
from crdtsync.protocol.ids import FeedId
from crdtsync.protocol.names import beacon_name, ledger_name, segment_name

OWN_BEACONS_KEPT = 2


@dataclass(frozen=True, slots=True)
class OwnFile:
    """A file of this replica's, as it was or is to be published."""

    n: int
    type: str
    number: int
    name: str
    size_bytes: int
    data: bytes
    copies: int
    put_ms: int | None = None
    """When it was first put into the folder; None: not yet."""


def keep_own_file(
    connection: sqlite3.Connection, n: int, type_: str, number: int, name: str, data: bytes, now_ms: int
) -> OwnFile:
    """Keep the exact bytes of a file that is to be published."""
    cursor = connection.execute(
        "INSERT INTO _own_files (remote, type, number, hash, name, size_bytes, data, made_ms) "
        "VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        (n, type_, number, data[-32:], name, len(data), data, now_ms),
    )
    assert cursor.lastrowid is not None
    return OwnFile(cursor.lastrowid, type_, number, name, len(data), data, 0)


def adopt_file(
    connection: sqlite3.Connection, n: int, type_: str, file: DecodedFile, data: bytes, now_ms: int
) -> OwnFile:
    """Take a file of ours back in that this database does not know, as one that is in the folder."""
    name = _published_name(file)
    own = keep_own_file(connection, n, type_, file.header.sequence, name, data, now_ms)
    mark_put(connection, own, now_ms, name=name)
    return own


def is_needless(connection: sqlite3.Connection, n: int, file: DecodedFile, found_as: str) -> bool:
    """Whether a file of ours that this database does not know need not be taken back in.

    Markers are everybody's. A beacon that newer ones have replaced is wanted nowhere, and only under its own name
    is it ours to delete.
    """
    if file.header.type is not FileType.BEACON or found_as == _published_name(file):
        return file.header.type is FileType.MARKER
    newer = connection.execute(
        "SELECT count(*) FROM _own_files WHERE remote = ? AND type = 'beacon' AND number > ? AND put_ms IS NOT NULL",
        (n, file.header.sequence),
    ).fetchone()
    return int(newer[0]) >= OWN_BEACONS_KEPT


def unput_files(connection: sqlite3.Connection, n: int, count: int) -> list[OwnFile]:
    """Return the own files that are not in the folder yet, oldest first."""
    rows = connection.execute(
        f"SELECT {_OWN_COLUMNS} FROM _own_files WHERE remote = ? AND put_ms IS NULL ORDER BY n LIMIT ?",
        (n, count),
    )
    return [OwnFile(*row) for row in rows]


def has_unput(connection: sqlite3.Connection, type_: str) -> bool:
    """Whether a file of that type waits to be put into some folder."""
    found = connection.execute(
        "SELECT EXISTS (SELECT 1 FROM _own_files WHERE put_ms IS NULL AND type = ?)", (type_,)
    ).fetchone()
    return bool(found[0])


def mark_put(
    connection: sqlite3.Connection, own: OwnFile, now_ms: int, *, name: str, copies: int | None = None
) -> None:
    """Take note that a file is in the folder, under this name, the latest of so many copies."""
    connection.execute(
        "UPDATE _own_files SET put_ms = coalesce(put_ms, ?), name = ?, copies = ? WHERE n = ?",
        (now_ms, name, own.copies if copies is None else copies, own.n),
    )


def put_names(connection: sqlite3.Connection, n: int) -> dict[str, int]:
    """Return the names and sizes of the own files that should be in the folder."""
    return dict(
        connection.execute(
            "SELECT name, size_bytes FROM _own_files WHERE remote = ? AND put_ms IS NOT NULL", (n,)
        )
    )


def expect_again(connection: sqlite3.Connection, n: int, there: Collection[str]) -> None:
    """Let every own file that is not among those that are there wait to be put, but for the marker."""
    put = connection.execute(
        "SELECT n, name FROM _own_files WHERE remote = ? AND put_ms IS NOT NULL AND type <> 'marker'", (n,)
    )
    missing = [(own,) for own, name in put if name not in there]
    connection.executemany("UPDATE _own_files SET put_ms = NULL WHERE n = ?", missing)


def own_file(connection: sqlite3.Connection, n: int, name: str) -> OwnFile | None:
    """Return an own file by its name."""
    row = connection.execute(
        f"SELECT {_OWN_COLUMNS} FROM _own_files WHERE remote = ? AND name = ?", (n, name)
    ).fetchone()
    return None if row is None else OwnFile(*row)


def own_segment(connection: sqlite3.Connection, n: int, feed: FeedId, sequence: int) -> OwnFile | None:
    """Return the published segment of an own feed with that number."""
    row = connection.execute(
        f"SELECT {', '.join('f.' + name for name in _OWN_COLUMNS.split(', '))} FROM _own_files f "
        "JOIN _segments s ON s.hash = f.hash WHERE f.remote = ? AND s.feed = ? AND s.sequence = ?",
        (n, feed, sequence),
    ).fetchone()
    return None if row is None else OwnFile(*row)


def own_ledger_file(connection: sqlite3.Connection, n: int, sequence: int) -> OwnFile | None:
    """Return the own ledger file that whoever misses the entry of that index and all later ones needs first."""
    row = connection.execute(
        f"SELECT {_OWN_COLUMNS} FROM _own_files WHERE remote = ? AND type = 'ledger' AND number >= ? "
        "ORDER BY number, n LIMIT 1",
        (n, sequence),
    ).fetchone()
    return None if row is None else OwnFile(*row)


def newest(connection: sqlite3.Connection, n: int, type_: str) -> OwnFile | None:
    """Return the last own file of a type."""
    row = connection.execute(
        f"SELECT {_OWN_COLUMNS} FROM _own_files WHERE remote = ? AND type = ? ORDER BY number DESC LIMIT 1",
        (n, type_),
    ).fetchone()
    return None if row is None else OwnFile(*row)


def old_beacons(connection: sqlite3.Connection, n: int) -> list[OwnFile]:
    """Return the own beacons that newer ones in the folder have made superfluous."""
    rows = connection.execute(
        f"SELECT {_OWN_COLUMNS} FROM _own_files WHERE remote = ? AND type = 'beacon' AND number NOT IN "
        "(SELECT number FROM _own_files WHERE remote = ? AND type = 'beacon' AND put_ms IS NOT NULL "
        "ORDER BY number DESC LIMIT ?) AND put_ms IS NOT NULL",
        (n, n, OWN_BEACONS_KEPT),
    )
    return [OwnFile(*row) for row in rows]


def forget_own_file(connection: sqlite3.Connection, own: OwnFile) -> None:
    """Forget a file that was deleted from the folder."""
    connection.execute("DELETE FROM _own_files WHERE n = ?", (own.n,))


def own_hashes(connection: sqlite3.Connection, n: int) -> set[bytes]:
    """Return the hashes of all own files of a remote."""
    return {value for (value,) in connection.execute("SELECT hash FROM _own_files WHERE remote = ?", (n,))}


def _published_name(file: DecodedFile) -> str:
    header = file.header
    match header.type:
        case FileType.SEGMENT:
            return segment_name(header.writer, header.feed, header.sequence, file.hash)
        case FileType.LEDGER:
            return ledger_name(header.writer, header.sequence, file.hash)
        case _:
            return beacon_name(header.writer, header.sequence, file.hash)


_OWN_COLUMNS = "n, type, number, name, size_bytes, data, copies, put_ms"
