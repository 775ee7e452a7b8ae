"""What there is to do, as the database has it at one moment: the questions of a round's steps, asked together.

A step that has nothing to do writes nothing, so that what the next one would find is there to be read at the
same time: an idle round reads once.
"""

import sqlite3
from collections.abc import Callable, Collection
from dataclasses import dataclass

from crdtsync.protocol.beacon import Beacon
from crdtsync.protocol.ids import FeedId, ReplicaId
from crdtsync.remote import RemoteFile
from crdtsync.store import feeds, own_files, peers
from crdtsync.store.own_files import OwnFile

Segment = tuple[int, ReplicaId, FeedId, int, bytes]
"""(row, owner, feed, sequence, body)."""


@dataclass(frozen=True, slots=True)
class Allocation:
    """What the coordinator has to do."""

    is_asked: bool
    """Whether a number is asked for that could be granted."""
    doubt: str
    """Why none may be given out; empty if it may."""


@dataclass(frozen=True, slots=True)
class Publication:
    """What there is to publish."""

    is_pending: bool
    """Whether changes or requests wait to be put into a segment."""
    files: list[OwnFile]
    """The first of those that are not in the folder yet."""
    wants: list[tuple[ReplicaId, FeedId, int]]
    """The own segments that peers miss: (peer, feed, sequence)."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What there is to say to the others."""

    beacon: tuple[bytes, Beacon] | None
    """(content, beacon); None: nothing that was not said."""
    old: list[OwnFile]
    """Own beacons that newer ones have made superfluous."""
    due_ms: int
    """From when on there may be something to say although nothing has changed; 0: any time."""


@dataclass(frozen=True, slots=True)
class Questions:
    """How to find out what a step has to do; `allocation` is None where nobody gives out numbers."""

    allocation: Callable[[sqlite3.Connection], Allocation] | None
    acknowledgement: Callable[[sqlite3.Connection], Acknowledgement]
    remote: int
    files_max: int


@dataclass(frozen=True, slots=True)
class Rest:
    """How everything was when a round began that found nothing to do: as long as it is, the next one need not look."""

    stamp: tuple[int, int]
    listing: list[RemoteFile]
    since_ms: int
    until_ms: int
    """When time alone may give something to do."""

    def holds(self, stamp: tuple[int, int], listing: list[RemoteFile], now_ms: int) -> bool:
        """Whether everything still is as it was."""
        is_same = stamp == self.stamp and listing == self.listing
        return is_same and self.since_ms <= now_ms < self.until_ms


@dataclass(slots=True)
class Outlook:
    """What was found; None: that was not asked, since an earlier step has something to do."""

    write_count: int
    """The database's, when it was asked."""
    segment: Segment | None = None
    allocation: Allocation | None = None
    publication: Publication | None = None
    acknowledgement: Acknowledgement | None = None


def stamp_of(connection: sqlite3.Connection) -> tuple[int, int]:
    """Return what changes with every commit, of this connection or of another one."""
    (version,) = connection.execute("PRAGMA data_version").fetchone()
    return version, connection.total_changes


def from_apply(
    connection: sqlite3.Connection, questions: Questions, outlook: Outlook, aside: Collection[int]
) -> Outlook:
    """Find out what there is to do from the step `apply` on, but for the segments of some rows."""
    outlook.segment = feeds.next_segment(connection, questions.remote, aside)
    return outlook if outlook.segment is not None else from_allocate(connection, questions, outlook)


def from_allocate(connection: sqlite3.Connection, questions: Questions, outlook: Outlook) -> Outlook:
    """Find out what there is to do from the step `allocate` on."""
    if questions.allocation is not None:
        outlook.allocation = found = questions.allocation(connection)
        if found.is_asked and not found.doubt:
            return outlook
    return from_publish(connection, questions, outlook)


def from_publish(connection: sqlite3.Connection, questions: Questions, outlook: Outlook) -> Outlook:
    """Find out what there is to do from the step `publish` on."""
    n = questions.remote
    outlook.publication = found = Publication(
        feeds.pending(connection, n) > 0,
        own_files.unput_files(connection, n, questions.files_max),
        peers.wanted(connection, n),
    )
    if found.is_pending or found.files or found.wants:
        return outlook
    return from_acknowledge(connection, questions, outlook)


def from_acknowledge(connection: sqlite3.Connection, questions: Questions, outlook: Outlook) -> Outlook:
    """Find out what there is to do in the step `acknowledge`."""
    outlook.acknowledgement = questions.acknowledgement(connection)
    return outlook
