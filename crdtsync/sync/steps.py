"""Apply, allocate, publish, acknowledge, and the round that runs all steps in their order."""

import sqlite3
from collections.abc import Callable
from contextlib import aclosing
from functools import partial
from typing import TypeVar

import msgspec

from crdtsync.errors import (
    ExaminerError,
    FormatError,
    RemoteError,
    RemoteFileExistsError,
    RemoteUnavailableError,
)
from crdtsync.protocol.beacon import encode_beacon
from crdtsync.protocol.files import FILE_BYTES_MAX, FileHeader, FileType, encode_file
from crdtsync.protocol.ids import FeedId, ReplicaId
from crdtsync.protocol.segment import Segment, decode_segment
from crdtsync.remote import RemoteFile
from crdtsync.store import feeds, health, marks, numbers, own_files, peers
from crdtsync.store.opened import Applied
from crdtsync.store.own_files import OwnFile
from crdtsync.sync.beacons import next_beacon
from crdtsync.sync.examining import Arrivals, Examined
from crdtsync.sync.outlook import (
    Acknowledgement,
    Allocation,
    Outlook,
    Questions,
    from_acknowledge,
    from_allocate,
    from_apply,
    from_publish,
)
from crdtsync.sync.pull import pull
from crdtsync.sync.reading import read_file
from crdtsync.sync.report import OnProgress, Phase, SyncReport
from crdtsync.sync.session import LEDGER_FEED, Session

T = TypeVar("T")

PUT_FILES_PER_QUERY = 64
COPIES_MAX = 8
COPY_AFTER_MS = 60_000
"""How long after a file was put a peer that misses it gets a copy; four times as long for each further one."""


async def sync_round(session: Session, on_progress: OnProgress | None = None) -> SyncReport:
    """Run all steps once.

    Raises:
        RemoteError: the remote cannot be used now; what was done before that counts.
        StoreError: the database failed.
    """
    report = SyncReport()
    listing = await session.begin()
    if listing is None:
        return report
    await pull(session, listing, report, on_progress)
    try:
        await apply(session, report, on_progress)
    except ExaminerError as error:
        # What this replica has written goes out all the same; what has come in is in the inbox.
        report.problems.append(f"the changes of others wait: {error}")
    await allocate(session, report)
    await publish(session, listing, report, on_progress)
    await acknowledge(session, report)
    session.end(report)
    return report


async def apply(session: Session, report: SyncReport, on_progress: OnProgress | None = None) -> None:
    """Apply the segments that were pulled, each feed in its order, as far as their predecessors are here.

    Raises:
        StoreError: the database failed; the segment is applied again from its beginning, which changes nothing.
        ExaminerError: what came in cannot be examined now, and waits.
    """
    workspace = session.workspace
    aside: set[int] = set()
    while True:
        outlook = Outlook(workspace.database.write_count)
        session.outlook = await workspace.database.read(
            partial(from_apply, questions=_questions(session), outlook=outlook, aside=aside)
        )
        if outlook.segment is None:
            break
        row, owner, _, _, body = outlook.segment
        try:
            segment = decode_segment(body)
        except FormatError as error:
            reason = f"a segment of {owner} cannot be read: {error.message}"
            await workspace.write(partial(_refuse_segment, session, row, reason))
            report.problems.append(reason)
            continue
        if not await _apply_segment(session, row, owner, segment, report, on_progress):
            aside.add(row)
            report.problems.append(
                f"a segment of {owner} is not applied to its end yet; a later round goes on"
            )
    if report.waiting:
        # What one segment left waiting another one may have brought the causes for.
        report.waiting = await workspace.database.read(health.waiting)


async def _apply_segment(
    session: Session,
    row: int,
    owner: ReplicaId,
    segment: Segment,
    report: SyncReport,
    on_progress: OnProgress | None,
) -> bool:
    """Apply a segment; return False if some of it is left for a later round."""
    workspace = session.workspace
    total = sum(len(document.changes) for document in segment.documents)
    done = 0
    is_first = True
    async with aclosing(Arrivals(workspace, row, segment.documents)) as arrivals:
        while True:
            group = await arrivals.next()

            def job(
                connection: sqlite3.Connection,
                group: list[Examined] = group,
                is_first: bool = is_first,  # noqa: FBT001 - bound here, for this turn of the loop
                is_last: bool = arrivals.is_at_end,  # noqa: FBT001
            ) -> Applied:
                result = Applied()
                if is_first:
                    feeds.remember_incarnations(connection, segment.incarnations)
                for arrival, verdict in group:
                    result += workspace.documents.apply(connection, arrival, verdict)
                if not is_last or result.again:
                    return result
                if owner == session.replica:
                    marks.recall_requests(
                        connection, workspace.documents, owner, segment.requests, row, session.now_ms()
                    )
                else:
                    marks.receive_requests(connection, owner, segment.requests)
                feeds.mark_applied(connection, row, session.now_ms())
                return result

            is_first = False
            applied = await workspace.write(job)
            report.applied += applied.applied
            report.waiting += applied.waiting
            report.refused += applied.refused
            done += sum(len(arrival.incoming.changes) for arrival, _ in group)
            done -= sum(len(document.changes) for document in applied.again)
            session.progress(on_progress, Phase.APPLY, done, total)
            if arrivals.is_at_end and not applied.again:
                return True
            if not arrivals.put_back(applied.again):
                return False


def _refuse_segment(session: Session, row: int, reason: str, connection: sqlite3.Connection) -> None:
    feeds.quarantine(connection, "segment", str(row), reason, waiting_helps=False, now_ms=session.now_ms())
    feeds.mark_applied(connection, row, session.now_ms())


async def allocate(session: Session, report: SyncReport) -> None:
    """Give out the numbers that were asked for, if this replica is the coordinator.

    Raises:
        StoreError: the database failed; nothing was given out.
    """
    identity = session.workspace.identity
    if not identity.is_coordinator:
        return

    def job(connection: sqlite3.Connection) -> numbers.Granted:
        if _why_not(session, connection):
            return numbers.Granted()
        return numbers.allocate(connection, identity.replica, session.now_ms())

    found = _as_found(session, session.outlook.allocation)
    if found is None:
        found = (await _look(session, from_allocate)).allocation
    session.outlook.allocation = None  # What was found is good for once.
    assert found is not None
    if found.doubt:
        report.problems.append(f"no numbers are given out: {found.doubt}")
    elif found.is_asked:
        granted = await session.workspace.write(job)
        report.granted += granted.count
        report.problems += granted.problems


def _why_not(session: Session, connection: sqlite3.Connection) -> str:
    """Return why no number may be given out; empty if one may."""
    if reason := numbers.doubt(connection):
        return reason
    if session.ledger_named > numbers.head(connection).index:
        return f"an own ledger file with entry {session.ledger_named} is in the folder and cannot be read"
    return ""


async def publish(
    session: Session,
    listing: list[RemoteFile] | None,
    report: SyncReport,
    on_progress: OnProgress | None = None,
) -> None:
    """Seal what waits into segments and put every own file that is not in the folder, or no longer.

    Raises:
        RemoteError: the remote failed; what could not be put is put by a later round, byte for byte the same.
        StoreError: the database failed.
    """
    workspace = session.workspace
    found = _as_found(session, session.outlook.publication)
    if found is None:
        found = (await _look(session, from_publish)).publication
    session.outlook.publication = None  # What was found is good for once.
    assert found is not None
    files = found.files
    if found.is_pending:
        while await workspace.write(lambda c: _seal(session, c)) is not None:
            pass
        files = await _unput_files(session)
    if listing is None:
        listing = await session.listing()
    there = {file.name: file.size_bytes for file in listing}
    expected = list(session.own.items())  # What this very round puts cannot be in the listing it began with.
    done = 0
    while files:
        for own in files:
            await _put(session, own, report)
            done += 1
            session.progress(on_progress, Phase.PUBLISH, done, done, report.published_bytes)
        files = await _unput_files(session)
    for name, size in expected:
        if name in there and there[name] != size:
            await _put_again(session, name, report, as_copy=True)
        elif name not in there:
            await _put_again(session, name, report, as_copy=False)
    await _answer_wants(session, found.wants, report)
    if found.wants:
        session.began = None  # One may be left for later.


async def _unput_files(session: Session) -> list[OwnFile]:
    return await session.workspace.database.read(
        lambda c: own_files.unput_files(c, session.n, PUT_FILES_PER_QUERY)
    )


async def acknowledge(session: Session, report: SyncReport) -> None:
    """Say what this replica has, if that has changed since it last said so, or once a day.

    Raises:
        RemoteError: the remote failed; a later round says it.
        StoreError: the database failed.
    """
    workspace = session.workspace
    found = _as_found(session, session.outlook.acknowledgement)
    if found is None:
        found = (await _look(session, from_acknowledge)).acknowledgement
    session.outlook.acknowledgement = None  # What was found is good for once.
    assert found is not None
    old_ones = found.old
    session.due_ms = found.due_ms
    if found.beacon is not None:
        content, beacon = found.beacon

        def job(connection: sqlite3.Connection) -> OwnFile:
            row = feeds.remote(connection, session.remote.address)
            assert row is not None
            counter = row.beacon_counter + 1
            numbered = msgspec.structs.replace(beacon, counter=counter, at_ms=session.now_ms())
            header = FileHeader(
                type=FileType.BEACON,
                folder=row.folder,
                writer=workspace.identity.replica,
                sequence=counter,
            )
            data = encode_file(header, encode_beacon(numbered))
            return peers.save_beacon(
                connection, row, workspace.identity.replica, data, content, session.now_ms()
            )

        await _put(session, await workspace.database.write(job), report)
        old_ones = await workspace.database.read(lambda c: own_files.old_beacons(c, session.n))
    for old in old_ones:
        # Each says less than the newer ones that are there: nobody can miss it.
        await session.remote.delete(old.name)
        await workspace.database.write(partial(own_files.forget_own_file, own=old))
        session.own.pop(old.name, None)


def _questions(session: Session) -> Questions:
    def allocation(connection: sqlite3.Connection) -> Allocation:
        return Allocation(numbers.is_asked(connection), _why_not(session, connection))

    def acknowledgement(connection: sqlite3.Connection) -> Acknowledgement:
        beacon, due_ms = next_beacon(session, connection)
        return Acknowledgement(beacon, own_files.old_beacons(connection, session.n), due_ms)

    is_coordinator = session.workspace.identity.is_coordinator
    return Questions(allocation if is_coordinator else None, acknowledgement, session.n, PUT_FILES_PER_QUERY)


async def _look(
    session: Session, ask: Callable[[sqlite3.Connection, Questions, Outlook], Outlook]
) -> Outlook:
    """Find out what there is to do from some step on."""
    database = session.workspace.database
    outlook = Outlook(database.write_count)
    session.outlook = await database.read(lambda connection: ask(connection, _questions(session), outlook))
    return outlook


def _as_found(session: Session, found: T | None) -> T | None:
    """Return what was found before, if this process has written nothing since.

    What another one writes meanwhile wakes the next round.
    """
    return found if session.outlook.write_count == session.workspace.database.write_count else None


def _seal(session: Session, connection: sqlite3.Connection) -> OwnFile | None:
    row = feeds.remote(connection, session.remote.address)
    assert row is not None
    return feeds.seal(connection, row, session.workspace.identity.replica, session.now_ms())


async def _put(session: Session, own: OwnFile, report: SyncReport, *, copy: int = 0) -> None:
    """Put an own file under its name, or under that of a copy; where the name is taken, under the next free one."""
    name = own.name if not copy else _copy_name(own, copy)
    while True:
        try:
            await session.remote.put(name, own.data)
        except RemoteFileExistsError:
            # Put before, and the machine stopped before that was recorded; or something else sits in our place.
            if not await _is_there(session, name, own.data):
                copy = max(copy, own.copies) + 1
                name = _copy_name(own, copy)
                continue
        break
    now_ms = session.now_ms()
    await session.workspace.write(
        lambda c: own_files.mark_put(c, own, now_ms, name=name, copies=max(copy, own.copies))
    )
    session.own.pop(own.name, None)
    session.own[name] = own.size_bytes
    report.published_files += 1
    report.published_bytes += own.size_bytes
    report.published_segments += own.type == "segment"


async def _is_there(session: Session, name: str, data: bytes) -> bool:
    """Whether the file of that name is this one, as far as can be seen now."""
    try:
        found = await read_file(session.remote, name, bytes_max=FILE_BYTES_MAX)
    except RemoteUnavailableError:
        raise
    except RemoteError:
        return False  # A placeholder, too large, or gone again.
    return found == data


async def _put_again(session: Session, name: str, report: SyncReport, *, as_copy: bool) -> None:
    """Put an own file that has vanished from the folder, or that lies there with another size."""
    own = await session.workspace.database.read(lambda c: own_files.own_file(c, session.n, name))
    if own is None:
        session.own.pop(name, None)
    elif not as_copy:
        await _put(session, own, report)
    elif own.copies < COPIES_MAX:
        await _put(session, own, report, copy=own.copies + 1)


async def _answer_wants(
    session: Session, wants: list[tuple[ReplicaId, FeedId, int]], report: SyncReport
) -> None:
    """Put another copy of what a peer misses, unless it is likely to be on its way."""
    database = session.workspace.database
    for peer, feed, sequence in wants:
        find = own_files.own_ledger_file if feed == LEDGER_FEED else partial(own_files.own_segment, feed=feed)
        own = await database.read(partial(find, n=session.n, sequence=sequence))
        if own is not None:
            age_ms = session.now_ms() - (own.put_ms or 0)
            if 0 <= age_ms < COPY_AFTER_MS * 4**own.copies:
                continue
            await _put(session, own, report, copy=own.copies + 1)
        await database.write(partial(peers.forget_want, n=session.n, peer=peer, feed=feed, sequence=sequence))


def _copy_name(own: OwnFile, copy: int) -> str:
    stem = own.name.removesuffix(".crdts")
    before, mark, number = stem.rpartition("-r")
    if mark and number.isdigit():
        stem = before
    return f"{stem}-r{copy}.crdts"
