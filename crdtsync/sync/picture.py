"""What lies in a shared folder, as values: feeds, segments, beacons, the ledger, and what is wrong there."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Literal

from crdtsync.protocol.beacon import Beacon, FeedPosition, FeedWant, Role
from crdtsync.protocol.files import NO_HASH
from crdtsync.protocol.ledger import LedgerEntry
from crdtsync.protocol.marker import Marker
from crdtsync.protocol.names import NameKind, classify
from crdtsync.remote import RemoteFile

Verdict = Literal["bad", "partial", "away", "temporary", "foreign", "duplicate", "unread"]
"""Why a file is not taken in: damaged or of a newer format, still arriving, its content not on this machine, still
being written, not ours, the same as another one, or not looked at yet because there was too much."""

GAPS_MAX = 1_000
"""How many missing numbers are listed: a file may claim any number."""


@dataclass(frozen=True, slots=True)
class FolderProblem:
    """A file that is not taken in."""

    verdict: Verdict
    name: str
    reason: str


@dataclass(frozen=True, slots=True)
class FolderMarker:
    """The file that says which folder this is."""

    name: str
    folder: str
    created_by: str
    created_ms: int
    title: str


@dataclass(frozen=True, slots=True)
class FolderPosition:
    """A segment of a feed: how far somebody has the feed, or what he misses of it."""

    owner: str
    owner_name: str
    """Empty when nothing in the folder says it."""
    feed: str
    sequence: int


@dataclass(frozen=True, slots=True)
class FolderBeacon:
    """What a replica says that it has."""

    name: str
    size_bytes: int
    counter: int
    at_ms: int
    """By its own clock."""
    ledger_index: int
    has: tuple[FolderPosition, ...]
    """The feeds of others, each up to that segment."""
    own: FolderPosition | None
    """How far its own feed goes."""
    wants: tuple[FolderPosition, ...]
    software: str


@dataclass(frozen=True, slots=True)
class FolderReplica:
    """A replica that has written into the folder."""

    replica: str
    name: str
    """Empty when nothing in the folder says it."""
    role: Role | None
    """None without a beacon, as `beacon` is."""
    is_coordinator: bool
    beacon: FolderBeacon | None
    """Its newest one."""
    beacon_files: int


@dataclass(frozen=True, slots=True)
class FolderSegment:
    """A file of a feed."""

    sequence: int
    name: str
    size_bytes: int
    is_read: bool
    """False for a file whose name alone says what it is: see `FolderPicture.problems`."""
    documents: int = 0
    changes: int = 0
    requests: int = 0
    hash: bytes = b""
    previous: bytes = b""
    """The hash of the segment before it."""


@dataclass(frozen=True, slots=True)
class FolderFeed:
    """What one replica publishes in the folder."""

    owner: str
    owner_name: str
    """Empty when nothing in the folder says it."""
    feed: str
    segments: tuple[FolderSegment, ...]
    """In sequence."""

    @property
    def size_bytes(self) -> int:
        """The size of its files."""
        return sum(segment.size_bytes for segment in self.segments)

    @property
    def last(self) -> int:
        """The sequence of its last segment."""
        return max((segment.sequence for segment in self.segments), default=0)

    @property
    def gaps(self) -> list[int]:
        """The sequences below the last one that are missing, or cannot be read; the first 1,000."""
        return _gaps(segment.sequence for segment in self.segments if segment.is_read)

    @property
    def breaks(self) -> list[int]:
        """The sequences whose predecessor is there and is another one than they say."""
        hashes = {segment.sequence: segment.hash for segment in self.segments if segment.is_read}
        return [
            segment.sequence
            for segment in self.segments
            if segment.is_read
            and segment.previous
            != (NO_HASH if segment.sequence == 1 else hashes.get(segment.sequence - 1, segment.previous))
        ]


@dataclass(frozen=True, slots=True)
class FolderLedger:
    """The final numbers that the folder's ledger files tell of."""

    files: tuple[str, ...]
    """The names of its files."""
    size_bytes: int
    entries: int
    head: int
    """The index of the last entry; 0 for none."""
    gaps: tuple[int, ...]
    """The indexes below it of which no file tells; the first 1,000."""
    last_number: str | None
    last_issue_date: str | None
    writers: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class FolderPicture:
    """What lies in a shared folder, as this machine sees it. Give it to the next `inspect_folder`."""

    address: str
    markers: tuple[FolderMarker, ...]
    replicas: tuple[FolderReplica, ...]
    """By name."""
    feeds: tuple[FolderFeed, ...]
    """By the name of the owner."""
    ledger: FolderLedger
    problems: tuple[FolderProblem, ...]
    """By the name of the file."""
    files: int
    """How many there are, of whatever kind."""
    size_bytes: int
    unread: int
    """How many were left for the next time, because there was too much to read."""
    listing: tuple[RemoteFile, ...] = field(repr=False, compare=False)
    contents: "Mapping[tuple[str, int], Content]" = field(repr=False, compare=False)
    """What was read of each file, by name and size: for the next picture."""

    def have(self, owner: str, feed: str, sequence: int) -> tuple[str, ...]:
        """Return the ids of the replicas that have a segment: its owner, and whose beacon says so."""
        return tuple(
            item.replica
            for item in self.replicas
            if item.replica == owner
            or (item.beacon is not None and _says(item.beacon, owner, feed) >= sequence)
        )


@dataclass(frozen=True, slots=True)
class SegmentContent:
    """What a picture keeps of a segment."""

    documents: int
    changes: int
    requests: int
    names: tuple[tuple[str, str], ...]
    """(replica, name) of those who made the changes."""


@dataclass(frozen=True, slots=True)
class Content:
    """What a picture keeps of a file that was read; or why it cannot be."""

    folder: str = ""
    writer: str = ""
    feed: str = ""
    sequence: int = 0
    hash: bytes = b""
    previous: bytes = b""
    what: Marker | SegmentContent | Beacon | tuple[LedgerEntry, ...] | None = None
    problem: FolderProblem | None = None


def assemble(
    address: str, listing: Iterable[RemoteFile], contents: Mapping[tuple[str, int], Content]
) -> FolderPicture:
    """Return the picture of a listing, as far as its files were read."""
    files = tuple(listing)
    drawing = _Drawing(contents)
    # The name a file was given comes before those that a service makes of it, which are longer.
    for file in sorted(files, key=lambda item: (_is_unknown(item.name), len(item.name), item.name)):
        drawing.take(file)
    return FolderPicture(
        address,
        tuple(drawing.markers),
        drawing.replicas(),
        drawing.all_feeds(),
        drawing.ledger(),
        tuple(sorted(drawing.problems, key=lambda item: (item.name, item.verdict))),
        len(files),
        sum(file.size_bytes for file in files),
        sum(item.verdict == "unread" for item in drawing.problems),
        files,
        contents,
    )


class _Drawing:
    """A picture in the making."""

    def __init__(self, contents: Mapping[tuple[str, int], Content]) -> None:
        self._contents = contents
        self._seen: dict[bytes, str] = {}
        folders = {item.what.folder for item in contents.values() if isinstance(item.what, Marker)}
        self._folder = folders.pop() if len(folders) == 1 else ""
        self._names: dict[str, str] = {}
        self._beacons: dict[str, list[tuple[Beacon, RemoteFile]]] = {}
        self._feeds: dict[tuple[str, str], dict[int, FolderSegment]] = {}
        self._entries: dict[int, LedgerEntry] = {}
        self._ledger_files: dict[str, int] = {}
        self._writers: set[str] = set()
        self.markers: list[FolderMarker] = []
        self.problems: list[FolderProblem] = []

    def take(self, file: RemoteFile) -> None:
        content = self._contents.get((file.name, file.size_bytes))
        if content is None:
            return  # It went away between the listing and the reading: no conclusion.
        if content.problem is not None:
            self.problems.append(content.problem)
            self._guess(file)
        elif self._folder and content.folder != self._folder:
            self._refuse("foreign", file, f"it belongs to folder {content.folder}")
        elif content.hash in self._seen:
            self._refuse("duplicate", file, f"it is the same as {self._seen[content.hash]}")
        else:
            self._seen[content.hash] = file.name
            self._take_content(file, content)

    def _take_content(self, file: RemoteFile, content: Content) -> None:
        match content.what:
            case Marker() as marker:
                self.markers.append(
                    FolderMarker(file.name, marker.folder, marker.created_by, marker.created_ms, marker.title)
                )
            case SegmentContent() as segment:
                self._take_segment(file, content, segment)
            case Beacon() as beacon:
                self._beacons.setdefault(content.writer, []).append((beacon, file))
            case tuple() as entries:
                self._ledger_files[file.name] = file.size_bytes
                self._writers.add(content.writer)
                self._entries.update((entry.index, entry) for entry in entries)
            case None:
                pass

    def _take_segment(self, file: RemoteFile, content: Content, segment: SegmentContent) -> None:
        feed = self._feeds.setdefault((content.writer, content.feed), {})
        known = feed.get(content.sequence)
        if known is not None and known.is_read:
            reason = f"there are two different segments {content.sequence} of this feed"
            self._refuse("bad", file, reason)
            return
        feed[content.sequence] = FolderSegment(
            content.sequence,
            file.name,
            file.size_bytes,
            True,
            segment.documents,
            segment.changes,
            segment.requests,
            content.hash,
            content.previous,
        )
        for replica, name in segment.names:
            self._names.setdefault(replica, name)

    def _guess(self, file: RemoteFile) -> None:
        """Show a segment by what its name says, where nothing better is there."""
        hint = classify(file.name)
        if hint.kind is NameKind.SEGMENT and hint.owner and hint.feed and hint.number:
            feed = self._feeds.setdefault((hint.owner, hint.feed), {})
            feed.setdefault(hint.number, FolderSegment(hint.number, file.name, file.size_bytes, False))

    def _refuse(self, verdict: Verdict, file: RemoteFile, reason: str) -> None:
        self.problems.append(FolderProblem(verdict, file.name, reason))

    def replicas(self) -> tuple[FolderReplica, ...]:
        newest = {
            writer: max(found, key=lambda item: (item[0].counter, item[1].name))
            for writer, found in self._beacons.items()
        }
        self._names.update((writer, beacon.name) for writer, (beacon, _) in newest.items())
        writers = newest.keys() | self._writers | {owner for owner, _ in self._feeds}
        found = [
            FolderReplica(
                writer,
                self._names.get(writer, ""),
                newest[writer][0].role if writer in newest else None,
                writer in newest and newest[writer][0].coordinator,
                self._beacon(*newest[writer]) if writer in newest else None,
                len(self._beacons.get(writer, ())),
            )
            for writer in writers
        ]
        return tuple(sorted(found, key=lambda item: (item.name, item.replica)))

    def _beacon(self, beacon: Beacon, file: RemoteFile) -> FolderBeacon:
        return FolderBeacon(
            file.name,
            file.size_bytes,
            beacon.counter,
            beacon.at_ms,
            beacon.ledger_index,
            tuple(map(self._position, beacon.positions)),
            None if beacon.own is None else self._position(beacon.own),
            tuple(map(self._position, beacon.wants)),
            beacon.software,
        )

    def _position(self, item: FeedPosition | FeedWant) -> FolderPosition:
        return FolderPosition(item.owner, self._names.get(item.owner, ""), item.feed, item.sequence)

    def all_feeds(self) -> tuple[FolderFeed, ...]:
        found = [
            FolderFeed(owner, self._names.get(owner, ""), feed, tuple(segments[n] for n in sorted(segments)))
            for (owner, feed), segments in self._feeds.items()
        ]
        return tuple(sorted(found, key=lambda item: (item.owner_name, item.owner, item.feed)))

    def ledger(self) -> FolderLedger:
        last = self._entries.get(max(self._entries, default=0))
        return FolderLedger(
            tuple(sorted(self._ledger_files)),
            sum(self._ledger_files.values()),
            len(self._entries),
            0 if last is None else last.index,
            tuple(_gaps(self._entries)),
            None if last is None else last.text,
            None if last is None else last.issue_date,
            tuple(sorted(self._writers)),
        )


def _is_unknown(name: str) -> bool:
    return classify(name).kind is NameKind.UNKNOWN


def _says(beacon: FolderBeacon, owner: str, feed: str) -> int:
    positions = beacon.has if beacon.own is None else (*beacon.has, beacon.own)
    return max((item.sequence for item in positions if item.owner == owner and item.feed == feed), default=0)


def _gaps(numbers: Iterable[int]) -> list[int]:
    """Return the numbers from 1 that are missing below the last one, the first `GAPS_MAX` of them."""
    found: list[int] = []
    expected = 1
    for number in sorted(numbers):
        found.extend(range(expected, min(number, expected + GAPS_MAX - len(found))))
        expected = number + 1
    return found
