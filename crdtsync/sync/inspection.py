"""Inspection: reading what lies in a shared folder, without a replica and without touching anything."""

from collections.abc import Iterable

from crdtsync.errors import (
    CrdtSyncError,
    ForeignFileError,
    FormatError,
    PartialFileError,
    RemoteError,
    RemoteFileMissingError,
    RemoteFileNotLocalError,
    RemoteUnavailableError,
)
from crdtsync.protocol.beacon import Beacon, decode_beacon
from crdtsync.protocol.files import FILE_BYTES_MAX, FileType, decode_file
from crdtsync.protocol.ledger import LedgerEntry, decode_ledger
from crdtsync.protocol.marker import Marker, decode_marker
from crdtsync.protocol.names import NameKind, classify
from crdtsync.protocol.segment import decode_segment
from crdtsync.remote import Remote, RemoteFile
from crdtsync.sync.picture import (
    Content,
    FolderPicture,
    FolderProblem,
    SegmentContent,
    Verdict,
    assemble,
)
from crdtsync.sync.reading import read_file

READ_FILES_MAX = 20_000
READ_BYTES_MAX = 512 * 1024 * 1024
"""How much one inspection reads; it keeps a small part of it. The rest is left for the next one."""


async def inspect(
    remote: Remote,
    *,
    previous: FolderPicture | None = None,
    read_files_max: int = READ_FILES_MAX,
    read_bytes_max: int = READ_BYTES_MAX,
) -> FolderPicture:
    """Return what lies in a remote. Nothing is written there, and the remote need not be entered.

    Args:
        remote: which one.
        previous: the picture that was made of it before: only what is new is read, and what could not be read
            then. Where nothing has changed, the very same picture is returned.
        read_files_max: how many files are read; the others are told to be unread, and read by the next call.
        read_bytes_max: how much of them is read.

    Raises:
        RemoteUnavailableError: the remote cannot be reached.
    """
    if previous is not None and previous.address != remote.address:
        previous = None
    listing = _listing(await remote.list(""))
    contents: dict[tuple[str, int], Content] = {}
    again: list[RemoteFile] = []
    fresh: list[RemoteFile] = []
    for file in listing:
        key = file.name, file.size_bytes
        known = None if previous is None else previous.contents.get(key)
        problem = None if known is None else known.problem
        if known is not None and problem is None:
            contents[key] = known
        else:
            (fresh if problem is None or problem.verdict == "unread" else again).append(file)
    files_left, bytes_left = read_files_max, read_bytes_max
    # What was never read comes first: thousands of damaged files must not keep it waiting for ever.
    for file in (*_in_order(fresh), *again):
        hint = classify(file.name)
        if hint.worth_opening and file.is_local:
            cost = min(file.size_bytes, FILE_BYTES_MAX)
            # One is read at least, however large: else it would be left for ever.
            if files_left <= 0 or (cost > bytes_left and bytes_left < read_bytes_max):
                # What was bad when it was last read is taken to be so still.
                known = None if previous is None else previous.contents.get((file.name, file.size_bytes))
                contents[file.name, file.size_bytes] = known or _problem(
                    "unread", file, "there was too much to read"
                )
                continue
            files_left -= 1
            bytes_left -= cost
        content = await _content(remote, file, hint.kind)
        if content is not None:
            contents[file.name, file.size_bytes] = content
    if previous is not None and previous.listing == listing and previous.contents == contents:
        return previous
    return assemble(remote.address, listing, contents)


def _listing(files: Iterable[RemoteFile]) -> tuple[RemoteFile, ...]:
    """Return a listing in order, without what it repeats."""
    return tuple(sorted({file.name: file for file in files}.values(), key=lambda file: file.name))


def _in_order(files: list[RemoteFile]) -> list[RemoteFile]:
    """Return what says most first: markers and beacons, then the others by size."""
    first = {NameKind.MARKER: 0, NameKind.BEACON: 1, NameKind.LEDGER: 2, NameKind.SEGMENT: 3}
    return sorted(files, key=lambda file: (first.get(classify(file.name).kind, 4), file.size_bytes))


async def _content(remote: Remote, file: RemoteFile, kind: NameKind) -> Content | None:
    """Return what is to be known of a file, or None if it has gone."""
    match kind:
        case NameKind.FOREIGN:
            return _problem("foreign", file, "it is not named as our files are")
        case NameKind.TEMP:
            return _problem("temporary", file, "it is still being written, or was left by that")
        case _ if not file.is_local:
            return _problem("away", file, "its content is not on this machine")
        case _:
            pass
    try:
        return _decode(await read_file(remote, file.name, bytes_max=FILE_BYTES_MAX))
    except RemoteUnavailableError:
        raise
    except RemoteFileMissingError:
        return None
    except (FormatError, RemoteError) as error:
        return _problem(_verdict(error), file, error.message)


def _decode(data: bytes) -> Content:
    decoded = decode_file(data)
    header = decoded.header
    what: Marker | SegmentContent | Beacon | tuple[LedgerEntry, ...]
    match header.type:
        case FileType.MARKER:
            what = decode_marker(decoded.body)
        case FileType.SEGMENT:
            segment = decode_segment(decoded.body)
            what = SegmentContent(
                len(segment.documents),
                sum(len(document.changes) for document in segment.documents),
                len(segment.requests),
                tuple(dict.fromkeys((item.replica, item.replica_name) for item in segment.incarnations)),
            )
        case FileType.LEDGER:
            what = tuple(entry for entry, _ in decode_ledger(decoded.body))
        case FileType.BEACON:
            what = decode_beacon(decoded.body)
    return Content(
        header.folder, header.writer, header.feed, header.sequence, decoded.hash, header.previous, what
    )


def _problem(verdict: Verdict, file: RemoteFile, reason: str) -> Content:
    return Content(problem=FolderProblem(verdict, file.name, reason))


def _verdict(error: CrdtSyncError) -> Verdict:
    match error:
        case PartialFileError():
            return "partial"
        case ForeignFileError():
            return "foreign"
        case RemoteFileNotLocalError():
            return "away"
        case _:
            return "bad"
