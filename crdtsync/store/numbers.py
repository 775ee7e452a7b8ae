"""Marks, requests, and the ledger in the database (design: final numbers come from the ledger alone)."""

import datetime as dt
import sqlite3
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from crdtsync.errors import CrdtSyncError, DocumentNotFoundError, ValidationError
from crdtsync.protocol.files import FileHeader, FileType, encode_file
from crdtsync.protocol.ids import DocumentId, ReplicaId
from crdtsync.protocol.ledger import (
    GENESIS,
    LedgerEntry,
    LedgerHead,
    Outcome,
    decode_entry,
    encode_entry,
    encode_ledger,
    entry_hash,
    extend,
)
from crdtsync.protocol.names import ledger_name
from crdtsync.protocol.numbering import GrantRequest, Series, check_series, plan_grants, plan_void
from crdtsync.protocol.segment import NumberRequest
from crdtsync.store import feeds, own_files
from crdtsync.store.clock import bounded

TAIL_ENTRIES_MAX = 5_000
"""How many entries that not all replicas are known to have a ledger file carries at most."""

GRANTS_PER_ROUND_MAX = 5_000
VOIDS_PER_ROUND_MAX = 500

_FROZEN = "ledger_frozen"
"""Setting: why no numbers are given out until a person has looked."""

_SEEN = "ledger_seen"
"""Setting: the last entry that this replica is known to have written."""

_ASKED = (
    "SELECT r.replica, r.document, r.kind, r.series, r.serial, r.withdrawn, r.digest, r.reference, r.at_ms "
    "FROM _requests r JOIN _documents d ON d.id = r.document WHERE NOT r.withdrawn AND d.rev > 0 "
    "AND NOT EXISTS (SELECT 1 FROM _ledger l WHERE l.document = r.document AND l.series = r.series "
    "AND l.outcome = 'granted') AND EXISTS (SELECT 1 FROM _series s WHERE s.name = r.series)"
)


@dataclass(frozen=True, slots=True)
class LedgerChange:
    """What taking in ledger entries came to."""

    accepted: int = 0
    gap: bool = False
    fork: int | None = None


@dataclass(frozen=True, slots=True)
class Granted:
    """What giving out numbers came to."""

    count: int = 0
    problems: tuple[str, ...] = ()
    """Why some that were asked for were not given."""


def series_of(connection: sqlite3.Connection) -> dict[str, Series]:
    """Return the series this replica knows."""
    rows = connection.execute("SELECT name, pattern, start FROM _series ORDER BY name")
    return {name: Series(name, pattern, start) for name, pattern, start in rows}


def define_series(connection: sqlite3.Connection, series: Series) -> None:
    """Set pattern and start of a series; they count for the numbers that are still to be given.

    Raises:
        SchemaError: it could print a number of another series.
    """
    check_series((series_of(connection) | {series.name: series}).values())
    connection.execute(
        "INSERT INTO _series (name, pattern, start) VALUES (?, ?, ?) "
        "ON CONFLICT (name) DO UPDATE SET pattern = excluded.pattern, start = excluded.start",
        (series.name, series.pattern, series.start),
    )


def granted_number(connection: sqlite3.Connection, document_id: str) -> str | None:
    """Return the final number of a document, or None."""
    row = connection.execute(
        "SELECT text FROM _ledger WHERE document = ? AND outcome = ? ORDER BY idx LIMIT 1",
        (document_id, Outcome.GRANTED.value),
    ).fetchone()
    return None if row is None else str(row[0])


def entries(connection: sqlite3.Connection) -> list[LedgerEntry]:
    """Return the whole ledger as it is known here, in order."""
    return [
        decode_entry(encoded) for (encoded,) in connection.execute("SELECT encoded FROM _ledger ORDER BY idx")
    ]


def head(connection: sqlite3.Connection) -> LedgerHead:
    """Return the last entry of the ledger as it is known here."""
    row = connection.execute("SELECT idx, hash FROM _ledger ORDER BY idx DESC LIMIT 1").fetchone()
    return GENESIS if row is None else LedgerHead(*row)


def who_is_ahead(connection: sqlite3.Connection, n: int, now_ms: int) -> ReplicaId | None:
    """Return the coordinator if it is known to have had ledger entries for a while that are not here."""
    row = connection.execute(
        "SELECT replica FROM _peers p WHERE remote = ? AND coordinator AND (ledger_index > ? "
        "AND heard_ms NOT BETWEEN ? AND ? OR EXISTS (SELECT 1 FROM _ledger_waiting)) "
        "ORDER BY ledger_index DESC LIMIT 1",
        (n, head(connection).index, now_ms - feeds.WANT_AFTER_MS, now_ms),
    ).fetchone()
    return None if row is None else ReplicaId(row[0])


def freeze(connection: sqlite3.Connection, reason: str) -> None:
    """Give out no more numbers until a person has looked."""
    connection.execute("INSERT OR IGNORE INTO _meta (key, value) VALUES (?, ?)", (_FROZEN, reason))


def note_entries(connection: sqlite3.Connection, index: int) -> None:
    """Take note that this replica has written ledger entries up to an index, whether they are here or not."""
    connection.execute(
        "INSERT INTO _meta (key, value) VALUES (?, ?) "
        "ON CONFLICT (key) DO UPDATE SET value = max(value, excluded.value)",
        (_SEEN, index),
    )


def note_peers(connection: sqlite3.Connection, n: int) -> None:
    """Take note of what the peers of a remote have of the ledger, before they are forgotten."""
    (index,) = connection.execute("SELECT max(ledger_index) FROM _peers WHERE remote = ?", (n,)).fetchone()
    if index:
        note_entries(connection, index)


def differs(connection: sqlite3.Connection, index: int, hash_: bytes) -> bool:
    """Whether the entry of that index is another one here."""
    row = connection.execute("SELECT hash FROM _ledger WHERE idx = ?", (index,)).fetchone()
    return row is not None and row[0] != hash_


def doubt(connection: sqlite3.Connection) -> str:
    """Return why no number may be given out; empty if one may.

    A coordinator's database that was restored from a backup must not grant what it has granted before: as long
    as anybody is known to have more of the ledger than is here, it waits.
    """
    frozen = connection.execute("SELECT value FROM _meta WHERE key = ?", (_FROZEN,)).fetchone()
    if frozen is not None:
        return str(frozen[0])
    here = head(connection).index
    seen = connection.execute(
        "SELECT max(coalesce((SELECT max(ledger_index) FROM _peers), 0), coalesce((SELECT max(idx) FROM "
        "_ledger_waiting), 0), coalesce((SELECT value FROM _meta WHERE key = ?), 0))",
        (_SEEN,),
    ).fetchone()[0]
    if seen > here:
        return (
            f"the ledger goes on to entry {seen}, and this database has {here}: it was restored from a backup"
        )
    return ""


def is_asked(connection: sqlite3.Connection) -> bool:
    """Whether a number is asked for that could be granted, or is to be void."""
    return bool(
        connection.execute(f"SELECT EXISTS ({_ASKED}) OR EXISTS (SELECT 1 FROM _voids)").fetchone()[0]
    )


def allocate(connection: sqlite3.Connection, replica: ReplicaId, now_ms: int) -> Granted:
    """Write into the ledger what is void, and grant what can be granted. Must run in a transaction.

    A series whose next number was printed before, or is beyond all bounds, is left; the others go on.

    Counter, grants and the exact bytes of the ledger file are one transaction. As long as an earlier ledger
    file is not in the folder, nothing is granted: else a number could be known while the one before it is lost
    with this machine.
    """
    if own_files.has_unput(connection, "ledger"):
        return Granted()
    voided, problems = _write_void(connection, replica, now_ms)
    series = series_of(connection)
    counters = _counters(connection)
    printed: dict[str, LedgerEntry] = {}
    while True:
        # Those that cannot go on must not stand before the others.
        going = [
            name
            for name, rules in series.items()
            if name not in printed or rules.next_number(counters.get(name)) < printed[name].number
        ]
        entries = plan_grants(
            _asked(connection, going),
            granted=set(),
            counters=counters,
            ends={name: entry.number - 1 for name, entry in printed.items()},
            series=series,
            head=head(connection),
            at_ms=bounded(now_ms),
            today=_date(now_ms),
            last_issue_dates=_last_dates(connection),
        )
        found = _printed_before(connection, entries)
        if not found:
            break
        printed |= found
    for entry in entries:
        _insert(connection, entry, encode_entry(entry), now_ms)
    _keep_tail(connection, replica, [*voided, *entries], now_ms)
    problems += [
        f"a number is not given out: the series {name} would print {entry.text} again"
        for name, entry in sorted(printed.items())
    ]
    return Granted(len(entries), tuple(problems))


def declare_void(
    connection: sqlite3.Connection,
    replica: ReplicaId,
    series_name: str,
    reason: str,
    now_ms: int,
    *,
    number: int | None = None,
) -> None:
    """Take note that a number is unusable: the next one, or one that was granted.

    It goes into the ledger as numbers are granted, by a round that has read the folder: a database that was restored
    from a backup does not know what it has granted.

    Raises:
        DocumentNotFoundError: there is no such series.
        ValidationError: there is no reason, or the number was never granted, or is void already.
    """
    wish = _Void(series_name, number, reason, bounded(now_ms), is_granted=False)
    entry = _plan_void(connection, replica, wish, now_ms)
    pending = [n for (n,) in connection.execute("SELECT number FROM _voids WHERE series = ?", (series_name,))]
    is_next = number is not None and number == _next_number(connection, series_name)
    if (number is not None and number in pending) or (is_next and None in pending):
        raise ValidationError(f"the number {entry.text} is declared void with the next sync already")
    at_ms = wish.at_ms
    while _is_written(connection, replace(wish, at_ms=at_ms)) or _is_pending(connection, wish, at_ms):
        at_ms += 1  # Else it would be taken for the other one, which was written before a restore.
    is_granted = _outcomes(connection, series_name, entry.number).get(Outcome.GRANTED.value) is not None
    connection.execute(
        "INSERT INTO _voids (series, number, reason, at_ms, granted) VALUES (?, ?, ?, ?, ?)",
        (series_name, number, reason, at_ms, int(is_granted)),
    )


@dataclass(frozen=True, slots=True)
class _Void:
    series: str
    number: int | None
    reason: str
    at_ms: int
    is_granted: bool
    """Whether the number was known to be granted when it was declared void."""


def _is_written(connection: sqlite3.Connection, wish: _Void) -> bool:
    return bool(
        connection.execute(
            "SELECT EXISTS (SELECT 1 FROM _ledger WHERE outcome = ? AND series = ? AND reason = ? AND at_ms = ? "
            "AND number = coalesce(?, number))",
            (Outcome.VOID.value, wish.series, wish.reason, wish.at_ms, wish.number),
        ).fetchone()[0]
    )


def _is_pending(connection: sqlite3.Connection, wish: _Void, at_ms: int) -> bool:
    return bool(
        connection.execute(
            "SELECT EXISTS (SELECT 1 FROM _voids WHERE series = ? AND reason = ? AND at_ms = ?)",
            (wish.series, wish.reason, at_ms),
        ).fetchone()[0]
    )


def _outcomes(connection: sqlite3.Connection, series: str, number: int) -> dict[str, int]:
    return dict(
        connection.execute(
            "SELECT outcome, number FROM _ledger WHERE series = ? AND number = ?", (series, number)
        )
    )


def _next_number(connection: sqlite3.Connection, series: str) -> int:
    (counter,) = connection.execute("SELECT max(number) FROM _ledger WHERE series = ?", (series,)).fetchone()
    return series_of(connection)[series].next_number(counter)


def _plan_void(connection: sqlite3.Connection, replica: ReplicaId, wish: _Void, now_ms: int) -> LedgerEntry:
    series = series_of(connection).get(wish.series)
    if series is None:
        raise DocumentNotFoundError(f"there is no series {wish.series!r}")
    counter, last_date = connection.execute(
        "SELECT max(number), max(issue_date) FROM _ledger WHERE series = ?", (wish.series,)
    ).fetchone()
    number = series.next_number(counter) if wish.number is None else wish.number
    outcomes = _outcomes(connection, wish.series, number)
    return plan_void(
        series,
        wish.reason,
        number=wish.number,
        granted={number} if Outcome.GRANTED.value in outcomes else (),
        void={number} if Outcome.VOID.value in outcomes else (),
        counter=counter,
        head=head(connection),
        at_ms=wish.at_ms,
        today=_date(now_ms),
        last_issue_date=last_date or "",
        requester=replica,
    )


def _write_void(
    connection: sqlite3.Connection, replica: ReplicaId, now_ms: int
) -> tuple[list[LedgerEntry], list[str]]:
    """Write into the ledger what is to be void; return that, and why something cannot be."""
    entries, refused = [], []
    rows = connection.execute(
        "SELECT n, series, number, reason, at_ms, granted FROM _voids ORDER BY n LIMIT ?",
        (VOIDS_PER_ROUND_MAX,),
    ).fetchall()
    for n, *row in rows:
        wish = _Void(*row)
        connection.execute("DELETE FROM _voids WHERE n = ?", (n,))
        if _is_written(connection, wish):
            continue  # By this replica, before its database was restored.
        try:
            entry = _plan_void(connection, replica, wish, now_ms)
            if not wish.is_granted and Outcome.GRANTED.value in _outcomes(
                connection, wish.series, entry.number
            ):
                raise ValidationError(
                    f"The number {entry.text} was granted before, and this database did not know"
                )
        except CrdtSyncError as error:
            refused.append(f"a number is not declared void: {error}")
            # A report is read by the next round; somebody has to see that what he asked for was not done.
            name = f"{wish.series} {wish.number or ''} {wish.reason}".replace("  ", " ")
            feeds.quarantine(connection, "void", name, str(error), waiting_helps=False, now_ms=now_ms)
        else:
            _insert(connection, entry, encode_entry(entry), now_ms)
            entries.append(entry)
    return entries, refused


def accept(
    connection: sqlite3.Connection, entries: Iterable[tuple[LedgerEntry, bytes]], now_ms: int
) -> LedgerChange:
    """Take entries of a ledger file into the ledger; those that come before their predecessors wait."""
    incoming = list(entries)
    stored = [
        (idx, encoded)
        for idx, encoded in connection.execute("SELECT idx, encoded FROM _ledger_waiting ORDER BY idx")
    ]
    change = _extend(connection, incoming, now_ms)
    if change.gap:
        connection.executemany(
            "INSERT OR IGNORE INTO _ledger_waiting (idx, hash, encoded) VALUES (?, ?, ?)",
            [(entry.index, entry_hash(encoded), encoded) for entry, encoded in incoming],
        )
    if change.accepted and stored:
        for _, encoded in stored:
            more = _extend(connection, [(decode_entry(encoded), encoded)], now_ms)
            change = LedgerChange(change.accepted + more.accepted, more.gap, change.fork or more.fork)
        connection.execute("DELETE FROM _ledger_waiting WHERE idx <= ?", (head(connection).index,))
    return change


def resend_ledger(
    connection: sqlite3.Connection, row: feeds.RemoteRow, replica: ReplicaId, now_ms: int
) -> None:
    """Keep the whole ledger as files for a remote that was attached after numbers were given."""
    entries = connection.execute("SELECT idx, encoded FROM _ledger ORDER BY idx").fetchall()
    for start in range(0, len(entries), TAIL_ENTRIES_MAX):
        _keep_ledger_file(connection, row, replica, entries[start : start + TAIL_ENTRIES_MAX], now_ms)


def _extend(
    connection: sqlite3.Connection, entries: list[tuple[LedgerEntry, bytes]], now_ms: int
) -> LedgerChange:
    def known(index: int) -> bytes | None:
        row = connection.execute("SELECT hash FROM _ledger WHERE idx = ?", (index,)).fetchone()
        return None if row is None else row[0]

    extension = extend(head(connection), known, entries)
    connection.execute("SAVEPOINT ledger")
    try:
        for entry, encoded in extension.accepted:
            _insert(connection, entry, encoded, now_ms)
    except sqlite3.IntegrityError:
        # The chain is right and what it says is not: one number for two documents, or two for one. None of it
        # is believed; the caller lists it.
        connection.execute("ROLLBACK TO ledger")
        return LedgerChange(fork=extension.accepted[0][0].index)
    finally:
        connection.execute("RELEASE ledger")
    return LedgerChange(len(extension.accepted), extension.gap, extension.fork)


def _keep_tail(
    connection: sqlite3.Connection, replica: ReplicaId, entries: list[LedgerEntry], now_ms: int
) -> None:
    """Keep the files that carry new entries, with the tail that not everybody has."""
    if not entries:
        return
    for row in feeds.remotes(connection):
        acknowledged = connection.execute(
            "SELECT min(ledger_index) FROM _peers WHERE remote = ?", (row.n,)
        ).fetchone()[0]
        first = max((acknowledged or 0) + 1, entries[0].index - TAIL_ENTRIES_MAX, 1)
        tail = connection.execute(
            "SELECT idx, encoded FROM _ledger WHERE idx >= ? ORDER BY idx", (min(first, entries[0].index),)
        ).fetchall()
        _keep_ledger_file(connection, row, replica, tail, now_ms)


def _keep_ledger_file(
    connection: sqlite3.Connection,
    row: feeds.RemoteRow,
    replica: ReplicaId,
    entries: list[tuple[int, bytes]],
    now_ms: int,
) -> None:
    last = entries[-1][0]
    header = FileHeader(type=FileType.LEDGER, folder=row.folder, writer=replica, sequence=last)
    data = encode_file(header, encode_ledger([encoded for _, encoded in entries]))
    own_files.keep_own_file(
        connection, row.n, "ledger", last, ledger_name(replica, last, data[-32:]), data, now_ms
    )


def _insert(connection: sqlite3.Connection, entry: LedgerEntry, encoded: bytes, now_ms: int) -> None:
    connection.execute(
        "INSERT INTO _ledger (idx, hash, encoded, outcome, series, number, text, document, reason, at_ms, issue_date, "
        "known_ms) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
        (
            entry.index,
            entry_hash(encoded),
            encoded,
            entry.outcome.value,
            entry.series,
            entry.number,
            entry.text,
            entry.document,
            entry.reason,
            entry.at_ms,
            entry.issue_date,
            now_ms,
        ),
    )


def _asked(connection: sqlite3.Connection, series: Collection[str]) -> list[GrantRequest]:
    """Return what is asked for of some series, in the order in which it came."""
    places = ", ".join("?" * len(series))
    rows = connection.execute(
        f"{_ASKED} AND r.series IN ({places}) ORDER BY r.n LIMIT ?", (*series, GRANTS_PER_ROUND_MAX)
    ).fetchall()
    return [
        GrantRequest(
            ReplicaId(requester),
            NumberRequest(
                document=DocumentId(document),
                kind=kind,
                series=name,
                serial=serial,
                withdrawn=bool(withdrawn),
                digest=digest,
                reference=reference,
                at_ms=at_ms,
            ),
        )
        for requester, document, kind, name, serial, withdrawn, digest, reference, at_ms in rows
    ]


def _printed_before(connection: sqlite3.Connection, entries: Iterable[LedgerEntry]) -> dict[str, LedgerEntry]:
    """Return the series of which some planned number is on other paper already, each with the first of them."""
    found: dict[str, LedgerEntry] = {}
    planned: set[str] = set()
    for entry in entries:
        text = entry.text.lower()
        row = connection.execute(
            "SELECT 1 FROM _ledger WHERE text = ? AND outcome = ?", (entry.text, Outcome.GRANTED.value)
        ).fetchone()
        if row is not None or text in planned:
            found.setdefault(entry.series, entry)
        planned.add(text)
    return found


def _counters(connection: sqlite3.Connection) -> dict[str, int]:
    return dict(connection.execute("SELECT series, max(number) FROM _ledger GROUP BY series"))


def _last_dates(connection: sqlite3.Connection) -> dict[str, str]:
    return dict(connection.execute("SELECT series, max(issue_date) FROM _ledger GROUP BY series"))


def _date(now_ms: int) -> str:
    epoch = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
    try:
        return (epoch + dt.timedelta(milliseconds=now_ms)).date().isoformat()
    except OverflowError:
        return dt.date.max.isoformat()
