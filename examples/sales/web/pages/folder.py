"""The live picture of the folder: every feed with its files, who has which of them, beacons and the ledger."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from crdtsync import FolderFeed, FolderPicture, FolderReplica, FolderSegment, LatestChange
from examples.sales.web.desk import Desk
from examples.sales.web.pages.conflicts import PAGE_OF_KIND
from examples.sales.web.switch import DELAYS
from examples.sales.web.watch import FolderWatch

COLUMNS_MAX = 12
"""How many files of a feed are drawn one by one; those before them are one column."""
PROBLEMS_MAX = 20
CHANGES_MAX = 12
UNKNOWN = "somebody unknown"


@dataclass(frozen=True, slots=True)
class Tile:
    """One file of a feed, or the place of one that is missing."""

    label: str
    state: str
    """``file``, ``unread`` or ``missing``."""
    is_newest: bool
    explained: str
    """One sentence."""


@dataclass(frozen=True, slots=True)
class Reader:
    """How far one replica has a feed."""

    name: str
    is_owner: bool
    earlier: str
    """In words, of the files that are not drawn one by one."""
    has: tuple[bool, ...]
    """Of each tile."""
    said: str
    """One sentence."""


@dataclass(frozen=True, slots=True)
class Row:
    """A feed."""

    id: str
    name: str
    summary: str
    earlier: int
    tiles: tuple[Tile, ...]
    readers: tuple[Reader, ...]


@dataclass(frozen=True, slots=True)
class Voice:
    """A replica, and what its newest beacon says."""

    name: str
    role: str
    at: str
    has: str
    wants: str
    explained: str


@dataclass(frozen=True, slots=True)
class Change:
    """One of the latest changes, and whom it has reached."""

    id: str
    """On the page."""
    title: str
    address: str
    what: str
    by: str
    at: str
    carrier: str
    """Which file carries it."""
    reached: tuple[bool, ...]
    """Of each other replica."""


@dataclass(frozen=True, slots=True)
class Drawing:
    """A picture in words and rows, as the page shows it."""

    address: str
    summary: str
    rows: tuple[Row, ...]
    voices: tuple[Voice, ...]
    ledger: str
    problems: tuple[tuple[str, str], ...]
    """(file, why it is not taken in)"""
    problems_left: int


class FolderPages:
    """Shows the folder of one workstation, as this workstation sees it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request) -> Response:
        """Show the picture; for htmx the picture only."""
        desk = self._desk
        await desk.folder.look()
        peers = [peer.name for peer in await desk.replica.peers()]
        latest = await desk.replica.latest_changes(limit=CHANGES_MAX)
        is_part = request.headers.get("HX-Target") == "folder"
        return desk.page(
            request,
            "folder_picture.html" if is_part else "folder.html",
            drawing=drawing_of(desk.folder, at=desk.at),
            problem=desk.folder.problem,
            is_cut_off=desk.switch.is_offline,
            changes=[_change(item, peers, desk.folder.picture, at=desk.at) for item in latest],
            peers=peers,
            delay=DELAYS[str(round(desk.delay.delay_s))] if desk.delay.delay_s else "",
        )


def drawing_of(watch: FolderWatch, *, at: Callable[[int], str]) -> Drawing | None:
    """Return the newest picture as the page shows it, or None before the first one. `at` writes a time."""
    picture = watch.picture
    if picture is None:
        return None
    ledger = picture.ledger
    return Drawing(
        picture.address,
        f"{counted(picture.files, 'file')}, {size(picture.size_bytes)}",
        tuple(_row(picture, feed, watch.newest) for feed in picture.feeds),
        tuple(_voice(replica, at) for replica in picture.replicas if replica.beacon is not None),
        f"{counted(ledger.entries, 'number')} in {counted(len(ledger.files), 'file')}, the last one "
        f"{ledger.last_number}"
        if ledger.entries
        else "no number has been given out yet",
        tuple((problem.name, problem.reason) for problem in picture.problems[:PROBLEMS_MAX]),
        max(0, len(picture.problems) - PROBLEMS_MAX),
    )


def counted(count: int, noun: str) -> str:
    """Return a count with its noun."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def size(size_bytes: int) -> str:
    """Return a size for a person."""
    for unit, factor in (("MB", 1_000_000), ("kB", 1_000)):
        if size_bytes >= factor:
            return f"{size_bytes / factor:.1f} {unit}"
    return counted(size_bytes, "byte")


def listed(names: Sequence[str]) -> str:
    """Return names as a person lists them."""
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:])))


def _change(
    item: LatestChange, peers: Sequence[str], picture: FolderPicture | None, *, at: Callable[[int], str]
) -> Change:
    change = item.change
    page = PAGE_OF_KIND.get(item.kind)
    names = {} if picture is None else {replica.replica: replica.name for replica in picture.replicas}
    return Change(
        f"{change.id.client}-{item.document}-{change.id.sequence}",
        item.title if item.title != item.document else item.kind.replace("_", " "),
        f"{page}/{item.document}" if page else "",
        change.label or "edited",
        f"{change.author or 'somebody'} on {change.replica or 'an unknown machine'}",
        at(change.at_ms),
        f"file {item.sequence} of {names.get(item.owner) or UNKNOWN}" if item.sequence else "no file yet",
        tuple(name in change.received_by for name in peers),
    )


def _row(picture: FolderPicture, feed: FolderFeed, newest: frozenset[str]) -> Row:
    owner = feed.owner_name or UNKNOWN
    segments = {segment.sequence: segment for segment in feed.segments}
    first = max(1, feed.last - COLUMNS_MAX + 1)
    shown = range(first, feed.last + 1)
    reached = {replica.replica: _reached(feed, replica) for replica in picture.replicas}
    names = {replica.replica: replica.name or UNKNOWN for replica in picture.replicas}

    def having(sequence: int) -> list[str]:
        return [names[key] for key, last in reached.items() if last >= sequence and key != feed.owner]

    changes = sum(segment.changes for segment in feed.segments)
    return Row(
        f"{feed.owner}-{feed.feed}",
        owner,
        f"{counted(len(feed.segments), 'file')}, {counted(changes, 'change')}, {size(feed.size_bytes)}",
        first - 1,
        tuple(_tile(owner, n, segments.get(n), having(n), newest) for n in shown),
        tuple(
            Reader(
                replica.name or UNKNOWN,
                replica.replica == feed.owner,
                _earlier(reached[replica.replica], first - 1),
                tuple(reached[replica.replica] >= n for n in shown),
                _said(replica, owner, feed, reached[replica.replica]),
            )
            for replica in picture.replicas
        ),
    )


def _reached(feed: FolderFeed, replica: FolderReplica) -> int:
    """Return how far a replica has a feed: its own it has whole."""
    if replica.replica == feed.owner:
        return feed.last
    positions: Iterable[tuple[str, str, int]] = (
        ()
        if replica.beacon is None
        else ((item.owner, item.feed, item.sequence) for item in replica.beacon.has)
    )
    return max(
        (last for owner, name, last in positions if (owner, name) == (feed.owner, feed.feed)), default=0
    )


def _earlier(reached: int, earlier: int) -> str:
    if not earlier:
        return ""
    return "all" if reached >= earlier else f"{reached} of {earlier}"


def _said(replica: FolderReplica, owner: str, feed: FolderFeed, reached: int) -> str:
    name = replica.name or UNKNOWN
    if replica.replica == feed.owner:
        return f"{name} wrote these files."
    if replica.beacon is None:
        return f"{name} has not said yet what it has."
    if reached >= feed.last:
        return f"{name} has said that it has all of them."
    return (
        f"{name} has said that it has {owner} up to file {reached}." if reached else f"{name} has none yet."
    )


def _tile(
    owner: str, sequence: int, segment: FolderSegment | None, having: list[str], newest: frozenset[str]
) -> Tile:
    if segment is None:
        told = (
            f"File {sequence} of {owner} is not here: what comes after it waits, and {owner} puts it again."
        )
        return Tile(str(sequence), "missing", is_newest=False, explained=told)
    if not segment.is_read:
        told = f"File {sequence} of {owner} cannot be read yet: see below."
        return Tile(str(sequence), "unread", is_newest=False, explained=told)
    what = f"{counted(segment.changes, 'change')} in {counted(segment.documents, 'document')}"
    if segment.requests:
        what += f", {counted(segment.requests, 'request')} for a number"
    got = (
        f"{listed(having)} {'has' if len(having) == 1 else 'have'} it" if having else "nobody else has it yet"
    )
    return Tile(
        str(sequence),
        "file",
        segment.name in newest,
        f"File {sequence} of {owner}: {what}, {size(segment.size_bytes)}; {got}.",
    )


def _voice(replica: FolderReplica, at: Callable[[int], str]) -> Voice:
    beacon = replica.beacon
    assert beacon is not None
    name = replica.name or UNKNOWN
    has = ", ".join(f"{item.owner_name or UNKNOWN} up to {item.sequence}" for item in beacon.has)
    wants = ", ".join(f"file {item.sequence} of {item.owner_name or UNKNOWN}" for item in beacon.wants)
    role = replica.role or ""
    return Voice(
        name,
        f"{role}, gives out the numbers" if replica.is_coordinator else role,
        at(beacon.at_ms),
        has or "nothing of others yet",
        wants,
        f"With this file {name} says what it has; nobody takes anything for delivered before that.",
    )
