"""Pull: read what is new in the remote, check it, and put it safely into the database."""

import logging
import sqlite3
from dataclasses import dataclass

from crdtsync.errors import (
    CrdtSyncError,
    DamagedFileError,
    ForeignFileError,
    FormatError,
    NewerFormatError,
    PartialFileError,
    RemoteError,
    RemoteFileMissingError,
    RemoteFileNotLocalError,
    RemoteUnavailableError,
)
from crdtsync.protocol.beacon import decode_beacon
from crdtsync.protocol.files import FILE_BYTES_MAX, DecodedFile, FileType, decode_file
from crdtsync.protocol.ids import new_feed_id
from crdtsync.protocol.ledger import decode_ledger
from crdtsync.protocol.names import NameHint, NameKind, classify
from crdtsync.remote import RemoteFile
from crdtsync.store import feeds, numbers, own_files, peers
from crdtsync.sync.reading import read_file
from crdtsync.sync.report import OnProgress, Phase, SyncReport
from crdtsync.sync.session import Session

_LOG = logging.getLogger("crdtsync.sync")

BATCH_BYTES_MAX = 16 * 1024 * 1024
BATCH_FILES_MAX = 256
RETRY_ROUNDS_MAX = 64
COUNTER_MAX = 2**52
"""Far beyond what a replica ever counts to: somebody else wrote a beacon in its name that has this counter."""

PARTIAL_MAX_MS = 300_000
"""After how long a file that is still arriving is asked for again."""


@dataclass(slots=True)
class _Read:
    file: RemoteFile
    hint: NameHint
    decoded: DecodedFile
    own_data: bytes = b""
    """The bytes of a file that we have written."""


async def pull(
    session: Session, listing: list[RemoteFile], report: SyncReport, on_progress: OnProgress | None = None
) -> None:
    """Read every file that is new, and keep it. A bad file is listed with its reason and stops nothing else.

    Raises:
        RemoteUnavailableError: the remote cannot be reached.
        StoreError: the database failed; what was read before it is kept.
    """
    candidates = _candidates(session, listing, report)
    if candidates:
        session.began = None  # Whatever comes of them, those that cannot be read now are to be read again.
    batch: list[_Read] = []
    size = 0
    for done, (file, hint) in enumerate(candidates):
        read = await _read(session, file, hint, report)
        if read is not None:
            batch.append(read)
            size += file.size_bytes
            report.pulled_files += 1
            report.pulled_bytes += file.size_bytes
        if size >= BATCH_BYTES_MAX or len(batch) >= BATCH_FILES_MAX:
            await _keep(session, batch, report)
            batch, size = [], 0
        session.progress(on_progress, Phase.PULL, done + 1, len(candidates), report.pulled_bytes)
    if batch:
        await _keep(session, batch, report)


def _candidates(
    session: Session, listing: list[RemoteFile], report: SyncReport
) -> list[tuple[RemoteFile, NameHint]]:
    found: list[tuple[RemoteFile, NameHint]] = []
    session.ledger_named = 0
    for file in listing:
        hint = classify(file.name)
        if hint.kind is NameKind.LEDGER and hint.owner == session.replica:
            session.ledger_named = max(session.ledger_named, hint.number or 0)
        if (file.name, file.size_bytes) in session.known or session.own.get(file.name) == file.size_bytes:
            continue
        if not hint.worth_opening:
            continue
        if not file.is_local:
            report.not_local += 1
            continue
        wait = session.retry_in.get(file.name, 0)
        if wait:
            session.retry_in[file.name] = wait - 1
            continue
        found.append((file, hint))
    order = {NameKind.BEACON: 0, NameKind.LEDGER: 1, NameKind.SEGMENT: 2}
    found.sort(key=lambda item: (order.get(item[1].kind, 3), item[1].owner or "", item[1].number or 0))
    return found


async def _read(session: Session, file: RemoteFile, hint: NameHint, report: SyncReport) -> _Read | None:
    name = file.name
    try:
        data = await read_file(session.remote, name, bytes_max=FILE_BYTES_MAX)
        decoded = _decode(data, hint)
        if decoded.header.folder != session.folder:
            raise ForeignFileError(f"it belongs to folder {decoded.header.folder}")
    except RemoteUnavailableError:
        raise
    except RemoteFileMissingError:
        return None  # It went away between the listing and now: no conclusion.
    except RemoteFileNotLocalError:
        report.not_local += 1
        return None
    except ForeignFileError as error:
        await _remember(session, file, "foreign")
        _LOG.info("foreign file ignored: %s: %s", name, error)
        return None
    except (FormatError, RemoteError) as error:
        await _note_bad(session, file, hint, error, report)
        return None
    session.damaged.pop(name, None)
    session.parked.discard((hint.owner, hint.feed, hint.number))
    if len(data) == file.size_bytes:
        session.retries.pop(name, None)
        session.retry_in.pop(name, None)
    else:
        # It has changed since the listing, or the place has two files of that name and gives either.
        _retry_later(session, name)
    own_data = data if decoded.header.writer == session.replica else b""
    return _Read(RemoteFile(name, len(data)), hint, decoded, own_data)


def _decode(data: bytes, hint: NameHint) -> DecodedFile:
    try:
        return decode_file(data)
    except ForeignFileError as error:
        if hint.number is None:
            raise
        # Nobody else gives such names: it was ours, and may be whole again one day, with the same size.
        raise DamagedFileError(error.message) from error


async def _note_bad(
    session: Session, file: RemoteFile, hint: NameHint, error: CrdtSyncError, report: SyncReport
) -> None:
    if await session.workspace.database.read(lambda c: feeds.is_needless(c, session.n, hint)):
        await _remember(session, file, "bad")
        return
    _retry_later(session, file.name)
    report.problems.append(f"{file.name}: {error}")
    now_ms = session.now_ms()
    since_ms = await session.workspace.database.write(
        lambda c: feeds.quarantine(
            c, "file", file.name, error.message, waiting_helps=error.waiting_helps, now_ms=now_ms
        )
    )
    match error:
        case NewerFormatError():
            session.parked.add((hint.owner, hint.feed, hint.number))
        case PartialFileError() if 0 <= now_ms - since_ms < PARTIAL_MAX_MS:
            pass  # The ordinary state of a file that is on its way; only a lasting one is asked for again.
        case _:
            session.damaged[file.name] = hint


def _retry_later(session: Session, name: str) -> None:
    retries = session.retries.get(name, 0) + 1
    session.retries[name] = retries
    session.retry_in[name] = min(2 ** (retries - 1) - 1, RETRY_ROUNDS_MAX)


async def _remember(session: Session, file: RemoteFile, verdict: str) -> None:
    def job(connection: sqlite3.Connection) -> None:
        feeds.remember_file(connection, session.n, file.name, file.size_bytes, verdict)
        feeds.release_file(connection, file.name)

    await session.workspace.database.write(job)
    session.known.add((file.name, file.size_bytes))


async def _keep(session: Session, batch: list[_Read], report: SyncReport) -> None:
    """Put files into the database, in one transaction; what is wrong inside of one is listed."""

    def job(connection: sqlite3.Connection) -> None:
        # Nobody else writes files that have the hash of one of ours.
        own = own_files.own_hashes(connection, session.n) if any(read.own_data for read in batch) else set()
        is_listed = feeds.has_quarantined_files(connection)
        adopted.clear()
        for read in batch:
            verdict = "read"
            connection.execute("SAVEPOINT file")
            try:
                if read.decoded.hash not in own:
                    _keep_one(session, connection, read)
                    if read.own_data and not own_files.is_needless(
                        connection, session.n, read.decoded, read.file.name
                    ):
                        adopted.append(_adopt(session, connection, read))
                        own.add(read.decoded.hash)
            except FormatError as error:
                connection.execute("ROLLBACK TO file")
                verdict = "bad"
                problems.append(f"{read.file.name}: {error}")
            connection.execute("RELEASE file")
            feeds.remember_file(connection, session.n, read.file.name, read.file.size_bytes, verdict)
            if is_listed:
                feeds.release_file(connection, read.file.name)
            if is_listed and verdict == "read" and read.hint.number is not None:
                feeds.release(connection, f"-{read.hint.number:08d}-{read.hint.hash_start}")
            if verdict == "bad":
                feeds.quarantine(
                    connection,
                    "file",
                    read.file.name,
                    problems[-1],
                    waiting_helps=False,
                    now_ms=session.now_ms(),
                )
                is_listed = True

    problems: list[str] = []
    adopted: list[own_files.OwnFile] = []
    await session.workspace.database.write(job)
    report.problems.extend(problems)
    for read in batch:
        session.known.add((read.file.name, read.file.size_bytes))
    session.own.update((own.name, own.size_bytes) for own in adopted)


def _adopt(session: Session, connection: sqlite3.Connection, read: _Read) -> own_files.OwnFile:
    """Keep the bytes of a file of ours that a restored database does not know, to put it again if it vanishes."""
    type_ = read.decoded.header.type.name.lower()
    return own_files.adopt_file(connection, session.n, type_, read.decoded, read.own_data, session.now_ms())


def _keep_one(session: Session, connection: sqlite3.Connection, read: _Read) -> None:
    decoded = read.decoded
    match decoded.header.type:
        case FileType.SEGMENT:
            is_new = feeds.receive_segment(
                connection, session.n, decoded, read.file.size_bytes, session.now_ms()
            )
            if is_new and decoded.header.writer == session.replica:
                # A segment of ours that this database does not know: it was restored from a backup, or is a
                # copy. What it holds is taken back in, and we go on in a feed nobody has seen.
                feeds.rotate_feed(
                    connection, session.n, new_feed_id(session.workspace.environment.random_bytes)
                )
        case FileType.LEDGER:
            _keep_ledger(session, connection, decoded)
        case FileType.BEACON:
            _keep_beacon(session, connection, decoded)
        case FileType.MARKER:
            pass  # Another copy of the marker.


def _keep_ledger(session: Session, connection: sqlite3.Connection, decoded: DecodedFile) -> None:
    change = numbers.accept(connection, decode_ledger(decoded.body), session.now_ms())
    is_strange = session.workspace.identity.is_coordinator and decoded.header.writer != session.replica
    if change.fork is None and not (is_strange and change.accepted):
        return
    reason = (
        f"two different ledgers, from entry {change.fork} on"
        if change.fork is not None
        else "another replica gives out numbers too"
    )
    _note_fork(session, connection, f"ledger of {decoded.header.writer}", reason)


def _note_fork(session: Session, connection: sqlite3.Connection, name: str, reason: str) -> None:
    """Keep evidence of two ledgers; a coordinator gives out nothing more until a person has looked."""
    feeds.quarantine(connection, "fork", name, reason, waiting_helps=False, now_ms=session.now_ms())
    if session.workspace.identity.is_coordinator:
        numbers.freeze(connection, reason)


def _keep_beacon(session: Session, connection: sqlite3.Connection, decoded: DecodedFile) -> None:
    beacon = decode_beacon(decoded.body)
    writer = decoded.header.writer
    now_ms = session.now_ms()
    if writer == session.replica:
        row = feeds.remote(connection, session.remote.address)
        numbers.note_entries(connection, beacon.ledger_index)
        if row is not None and beacon.counter > row.beacon_counter:
            feeds.quarantine(
                connection,
                "fork",
                f"beacon {beacon.counter}",
                "this replica has written a beacon that its database does not know: "
                "it was restored from a backup, or a copy of it runs elsewhere",
                waiting_helps=False,
                now_ms=now_ms,
            )
            if beacon.counter < COUNTER_MAX:
                connection.execute(
                    "UPDATE _remotes SET beacon_counter = ? WHERE n = ?", (beacon.counter, session.n)
                )
        return
    if not peers.receive_beacon(connection, session.n, writer, beacon, now_ms):
        return
    if beacon.name.casefold() == session.workspace.identity.name.casefold():
        feeds.quarantine(
            connection,
            "name",
            writer,
            f"another replica is called {beacon.name} too: both give the same reference numbers",
            waiting_helps=False,
            now_ms=now_ms,
        )
    if peers.knows_more_of_us(connection, session.n, session.replica, beacon):
        # Our segments that it has are not here: the database was restored, and two segments of one number
        # must not be written.
        feeds.rotate_feed(connection, session.n, new_feed_id(session.workspace.environment.random_bytes))
    if session.workspace.identity.is_coordinator and numbers.differs(
        connection, beacon.ledger_index, beacon.ledger_hash
    ):
        _note_fork(session, connection, f"ledger of {writer}", f"it has another entry {beacon.ledger_index}")
    peers.set_wants(
        connection,
        session.n,
        writer,
        [(want.feed, want.sequence) for want in beacon.wants if want.owner == session.replica],
    )
