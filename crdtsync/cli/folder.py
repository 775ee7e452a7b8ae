"""`remote`: what lies in a shared folder, checked without a replica; and which one a replica uses."""

# Parameters become arguments and options by their defaults, all by name: typer reads them.
# ruff: noqa: FBT002

import asyncio
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Annotated, Any

import typer

from crdtsync.cli.output import Json, counted, iso, print_json, print_line, print_table, size, when
from crdtsync.cli.settings import Settings, with_replica
from crdtsync.errors import (
    CrdtSyncError,
    ForeignFileError,
    FormatError,
    PartialFileError,
    RemoteError,
    RemoteFileNotLocalError,
    RemoteUnavailableError,
    UsageError,
)
from crdtsync.protocol.beacon import Beacon, decode_beacon
from crdtsync.protocol.files import FILE_BYTES_MAX, NO_HASH, DecodedFile, FileType, decode_file
from crdtsync.protocol.ledger import LedgerEntry, decode_ledger
from crdtsync.protocol.marker import Marker, decode_marker
from crdtsync.protocol.names import NameKind, classify
from crdtsync.protocol.segment import Segment, decode_segment
from crdtsync.remote import Remote, RemoteFile
from crdtsync.replica import Replica, open_remote


@dataclass(slots=True)
class Feed:
    """What is there of one feed."""

    owner: str
    feed: str
    files: int = 0
    size_bytes: int = 0
    changes: int = 0
    requests: int = 0
    hashes: dict[int, tuple[bytes, bytes]] = field(default_factory=dict)
    """Sequence -> hash and the hash of the one before."""

    @property
    def gaps(self) -> list[int]:
        """The sequences that are missing below the last one."""
        return [n for n in range(1, max(self.hashes, default=0)) if n not in self.hashes]

    @property
    def breaks(self) -> list[int]:
        """The sequences whose predecessor is there and is another one than they say."""
        found = []
        for n, (_, previous) in sorted(self.hashes.items()):
            before = (NO_HASH, NO_HASH) if n == 1 else self.hashes.get(n - 1)
            if before is not None and before[0] != previous:
                found.append(n)
        return found


@dataclass(slots=True)
class Contents:
    """What is in a folder."""

    address: str
    files: int = 0
    size_bytes: int = 0
    markers: list[tuple[str, Marker]] = field(default_factory=list)
    feeds: dict[tuple[str, str], Feed] = field(default_factory=dict)
    beacons: dict[str, Beacon] = field(default_factory=dict)
    beacon_files: int = 0
    ledger: dict[int, LedgerEntry] = field(default_factory=dict)
    ledger_files: int = 0
    ledger_writers: set[str] = field(default_factory=set)
    names: dict[str, str] = field(default_factory=dict)
    problems: list[tuple[str, str, str]] = field(default_factory=list)
    """(verdict, file, reason), the verdict being bad, partial, away, temporary, foreign or duplicate."""


def inspect(
    context: typer.Context,
    address: Annotated[
        str | None,
        typer.Argument(metavar="ADDRESS", help="As in folder:~/Dropbox/sales; by default the replica's own."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what lies in a shared folder, and what is wrong there. Reads only, and needs no replica."""
    if address is None:
        address = with_replica(context, Replica.default_remote)
        if not address:
            raise UsageError(
                "this replica has no remote", hint="Give an address, as in folder:~/Dropbox/sales"
            )
    contents = asyncio.run(_read(open_remote(address)))
    if as_json:
        print_json(_contents_json(contents))
    else:
        _print_contents(contents)


def use(
    context: typer.Context,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="As in folder:~/Dropbox/sales.")],
    as_json: Json = False,
) -> None:
    """Choose the remote that `sync` and `agent` use when they are given none."""
    assert isinstance(context.obj, Settings)

    async def work(replica: Replica) -> str:
        await replica.set_default_remote(address)
        return await replica.default_remote()

    chosen = with_replica(context, work)
    if as_json:
        print_json({"remote": chosen})
    else:
        print_line(f"syncs with {chosen}")


async def _read(remote: Remote) -> Contents:
    # Not entered: entering a remote may clean up after this machine, and nothing is to be touched here.
    contents = Contents(remote.address)
    seen: dict[bytes, str] = {}
    for file in sorted(await remote.list(""), key=lambda item: item.name):
        contents.files += 1
        contents.size_bytes += file.size_bytes
        try:
            decoded = await _decode(remote, file)
            if decoded.hash in seen:
                contents.problems.append(("duplicate", file.name, f"it is the same as {seen[decoded.hash]}"))
                continue
            seen[decoded.hash] = file.name
            _take_in(contents, file, decoded)
        except RemoteUnavailableError:
            raise
        except _Ignored as error:
            contents.problems.append((error.verdict, file.name, error.reason))
        except (FormatError, RemoteError) as error:
            contents.problems.append((_verdict(error), file.name, error.message))
    return contents


class _Ignored(Exception):  # noqa: N818 - no error: a file that is passed over
    def __init__(self, verdict: str, reason: str) -> None:
        super().__init__(reason)
        self.verdict = verdict
        self.reason = reason


def _verdict(error: CrdtSyncError) -> str:
    match error:
        case PartialFileError():
            return "partial"
        case ForeignFileError():
            return "foreign"
        case RemoteFileNotLocalError():
            return "away"
        case _:
            return "bad"


async def _decode(remote: Remote, file: RemoteFile) -> DecodedFile:
    match classify(file.name).kind:
        case NameKind.FOREIGN:
            raise _Ignored("foreign", "it is not named as our files are")
        case NameKind.TEMP:
            raise _Ignored("temporary", "it is still being written, or was left by that")
        case _ if not file.is_local:
            raise _Ignored("away", "its content is not on this machine")
        case _:
            return decode_file(await remote.get(file.name, bytes_max=FILE_BYTES_MAX))


def _take_in(contents: Contents, file: RemoteFile, decoded: DecodedFile) -> None:
    header = decoded.header
    match header.type:
        case FileType.MARKER:
            contents.markers.append((file.name, decode_marker(decoded.body)))
        case FileType.SEGMENT:
            _take_in_segment(contents, file, decoded, decode_segment(decoded.body))
        case FileType.LEDGER:
            contents.ledger_files += 1
            contents.ledger_writers.add(header.writer)
            for entry, _ in decode_ledger(decoded.body):
                contents.ledger[entry.index] = entry
        case FileType.BEACON:
            beacon = decode_beacon(decoded.body)
            contents.beacon_files += 1
            contents.names[header.writer] = beacon.name
            known = contents.beacons.get(header.writer)
            if known is None or known.counter < beacon.counter:
                contents.beacons[header.writer] = beacon


def _take_in_segment(contents: Contents, file: RemoteFile, decoded: DecodedFile, segment: Segment) -> None:
    header = decoded.header
    feed = contents.feeds.setdefault((header.writer, header.feed), Feed(header.writer, header.feed))
    if header.sequence in feed.hashes:
        contents.problems.append(
            ("bad", file.name, f"there are two different segments {header.sequence} of this feed")
        )
        return
    feed.files += 1
    feed.size_bytes += file.size_bytes
    feed.changes += sum(len(document.changes) for document in segment.documents)
    feed.requests += len(segment.requests)
    feed.hashes[header.sequence] = (decoded.hash, header.previous)
    for incarnation in segment.incarnations:
        contents.names.setdefault(incarnation.replica, incarnation.replica_name)


def _contents_json(contents: Contents) -> dict[str, Any]:
    feeds = sorted(contents.feeds.values(), key=lambda item: (contents.names.get(item.owner, ""), item.feed))
    last = contents.ledger.get(max(contents.ledger, default=0))
    return {
        "address": contents.address,
        "files": contents.files,
        "bytes": contents.size_bytes,
        "markers": [
            {
                "name": name,
                "folder": marker.folder,
                "created_by": marker.created_by,
                "created": iso(marker.created_ms),
                "title": marker.title,
            }
            for name, marker in contents.markers
        ],
        "feeds": [
            {
                "replica": feed.owner,
                "replica_name": contents.names.get(feed.owner),
                "feed": feed.feed,
                "first": min(feed.hashes),
                "last": max(feed.hashes),
                "gaps": feed.gaps,
                "breaks": feed.breaks,
                "files": feed.files,
                "bytes": feed.size_bytes,
                "changes": feed.changes,
                "requests": feed.requests,
            }
            for feed in feeds
        ],
        "ledger": {
            "files": contents.ledger_files,
            "entries": len(contents.ledger),
            "head": last.index if last else 0,
            "gaps": [n for n in range(1, last.index) if n not in contents.ledger] if last else [],
            "last_number": last.text if last else None,
            "last_issue_date": last.issue_date if last else None,
            "writers": sorted(contents.ledger_writers),
        },
        "beacons": [
            {
                "replica": writer,
                "name": beacon.name,
                "role": beacon.role,
                "coordinator": beacon.coordinator,
                "counter": beacon.counter,
                "at": iso(beacon.at_ms),
                "ledger_index": beacon.ledger_index,
                "has": [
                    {"replica": item.owner, "feed": item.feed, "sequence": item.sequence}
                    for item in beacon.positions
                ],
                "wants": [
                    {"replica": item.owner, "feed": item.feed, "sequence": item.sequence}
                    for item in beacon.wants
                ],
                "software": beacon.software,
            }
            for writer, beacon in sorted(contents.beacons.items(), key=lambda item: item[1].name)
        ],
        "problems": [
            {"verdict": verdict, "file": name, "reason": reason}
            for verdict, name, reason in contents.problems
        ],
    }


def _print_contents(contents: Contents) -> None:
    names = defaultdict(lambda: "unknown", contents.names)
    print_line(f"{contents.address}: {counted(contents.files, 'file')}, {size(contents.size_bytes)}")
    for _, marker in contents.markers:
        print_line(f"folder {marker.folder}, set up {when(marker.created_ms)} by {names[marker.created_by]}")
    if not contents.markers:
        print_line("no marker: not set up, or not fully synced")
    print_line(
        f"ledger: {counted(len(contents.ledger), 'number')} in {counted(contents.ledger_files, 'file')}"
    )
    print_table(
        ["feed of", "feed", "segments", "missing", "changes", "size"],
        [
            [
                names[feed.owner],
                feed.feed,
                f"{min(feed.hashes)}..{max(feed.hashes)}",
                ", ".join([*map(str, feed.gaps), *(f"chain broken at {n}" for n in feed.breaks)]) or "-",
                str(feed.changes),
                size(feed.size_bytes),
            ]
            for feed in sorted(contents.feeds.values(), key=lambda item: names[item.owner])
        ],
    )
    print_table(
        ["beacon of", "role", "at", "ledger", "has", "wants"],
        [
            [
                beacon.name,
                f"{beacon.role}, coordinator" if beacon.coordinator else beacon.role,
                when(beacon.at_ms),
                str(beacon.ledger_index),
                ", ".join(f"{names[item.owner]} {item.sequence}" for item in beacon.positions) or "-",
                ", ".join(f"{names[item.owner]} {item.sequence}" for item in beacon.wants) or "-",
            ]
            for beacon in sorted(contents.beacons.values(), key=lambda item: item.name)
        ],
    )
    for verdict, name, reason in contents.problems:
        print_line(f"{verdict}: {name}: {reason}")
