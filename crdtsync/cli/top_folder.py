"""A shared folder at one moment, for `top`: what lies there, and how far each replica is."""

from collections.abc import Iterable
from itertools import groupby
from typing import Any

from crdtsync.cli.frames import Frame, Section, rates_of
from crdtsync.cli.output import counted, iso, size, when
from crdtsync.sync.picture import FolderFeed, FolderPicture, FolderReplica

PROBLEMS_MAX = 10

_Lags = dict[str, tuple[int, int]]
"""Of each replica: how many files and changes of others it has not said it has."""


def folder_frame(picture: FolderPicture, previous: Frame | None, *, now_ms: int, problem: str = "") -> Frame:
    """Return what lies in a folder, and how far each replica is. `problem`: why it cannot be seen anew now."""
    counters = {
        "files": picture.files,
        "bytes": picture.size_bytes,
        "changes": sum(segment.changes for feed in picture.feeds for segment in feed.segments),
    }
    rates = rates_of(counters, previous, now_ms)
    lags = {replica.replica: _folder_lag(picture, replica) for replica in picture.replicas}
    facts = {"at": iso(now_ms), "problem": problem or None, **_facts(picture, lags), "throughput": rates}
    lines = _lines(picture, now_ms, problem, rates)
    return Frame(facts, lines, _sections(picture, lags), now_ms, counters)


def _facts(picture: FolderPicture, lags: _Lags) -> dict[str, Any]:
    return {
        "address": picture.address,
        "files": picture.files,
        "bytes": picture.size_bytes,
        "unread": picture.unread,
        "replicas": [
            {
                "id": replica.replica,
                "name": replica.name or None,
                "role": replica.role,
                "coordinator": replica.is_coordinator,
                "said": iso(replica.beacon.at_ms) if replica.beacon else None,
                "behind_files": lags[replica.replica][0],
                "behind_changes": lags[replica.replica][1],
            }
            for replica in picture.replicas
        ],
        "feeds": [
            {
                "replica": feed.owner,
                "replica_name": feed.owner_name or None,
                "feed": feed.feed,
                "last": feed.last,
                "files": len(feed.segments),
                "changes": sum(segment.changes for segment in feed.segments),
                "bytes": feed.size_bytes,
                "gaps": feed.gaps,
            }
            for feed in picture.feeds
        ],
        "ledger": {"entries": picture.ledger.entries, "last_number": picture.ledger.last_number},
        "problems": [
            {"verdict": item.verdict, "file": item.name, "reason": item.reason} for item in picture.problems
        ],
    }


def _lines(
    picture: FolderPicture, now_ms: int, problem: str, rates: dict[str, float] | None
) -> tuple[str, ...]:
    last = f", the last one {picture.ledger.last_number}" if picture.ledger.last_number else ""
    given = counted(picture.ledger.entries, "number")
    lines = [
        f"{picture.address} at {when(now_ms)}",
        f"{counted(picture.files, 'file')}, {size(picture.size_bytes)}; {given} given out{last}",
    ]
    if problem:
        lines.append(f"cannot be reached, as it was last: {problem}")
    if not picture.markers:
        lines.append("no marker: not set up, or not fully synced")
    if picture.unread:
        lines.append(f"{counted(picture.unread, 'file')} still to be read")
    if rates is not None:
        lines.append(
            f"{rates['files']:.1f} files/s, {size(round(rates['bytes']))}/s, {rates['changes']:.1f} changes/s"
        )
    return tuple(lines)


def _sections(picture: FolderPicture, lags: _Lags) -> tuple[Section, ...]:
    return (
        Section(
            "replicas",
            ("name", "role", "said", "behind", "has"),
            tuple(_replica_row(replica, *lags[replica.replica]) for replica in picture.replicas),
            "nobody has written here yet",
        ),
        Section(
            "feeds",
            ("of", "feed", "files", "missing", "changes", "size", "last file"),
            tuple(_feed_row(feed) for feed in picture.feeds),
            "nothing published yet",
        ),
        Section(
            "not taken in" + (f" ({len(picture.problems)})" if picture.problems else ""),
            ("why", "file", "reason"),
            tuple((item.verdict, item.name, item.reason) for item in picture.problems[:PROBLEMS_MAX]),
            "nothing",
        ),
    )


def _folder_lag(picture: FolderPicture, replica: FolderReplica) -> tuple[int, int]:
    """Return how many files and changes of others a replica has not said it has."""
    missing = [
        segment
        for feed in picture.feeds
        if feed.owner != replica.replica
        for segment in feed.segments
        if segment.sequence > _said(replica, feed)
    ]
    return len(missing), sum(segment.changes for segment in missing)


def _said(replica: FolderReplica, feed: FolderFeed) -> int:
    has = replica.beacon.has if replica.beacon else ()
    return max(
        (item.sequence for item in has if (item.owner, item.feed) == (feed.owner, feed.feed)), default=0
    )


def _replica_row(replica: FolderReplica, files: int, changes: int) -> tuple[str, ...]:
    role = replica.role or "unknown"
    has = _runs(
        (item.owner_name or "unknown", item.sequence)
        for item in (replica.beacon.has if replica.beacon else ())
    )
    behind = f"{counted(files, 'file')}, {counted(changes, 'change')}" if files else "-"
    return (
        replica.name or "unknown",
        f"{role}, coordinator" if replica.is_coordinator else role,
        when(replica.beacon.at_ms) if replica.beacon else "nothing yet",
        behind,
        has,
    )


def _runs(positions: Iterable[tuple[str, int]]) -> str:
    """Return "R1 4, R2 3+1": of each owner how far each of his feeds is known."""
    ordered = sorted(positions, key=lambda item: item[0])
    return (
        ", ".join(
            f"{owner} {'+'.join(str(sequence) for _, sequence in found)}"
            for owner, found in groupby(ordered, key=lambda item: item[0])
        )
        or "-"
    )


def _feed_row(feed: FolderFeed) -> tuple[str, ...]:
    newest = feed.segments[-1]
    return (
        feed.owner_name or "unknown",
        feed.feed,
        f"{feed.segments[0].sequence}..{feed.last}",
        ", ".join(map(str, feed.gaps[:PROBLEMS_MAX])) or "-",
        str(sum(segment.changes for segment in feed.segments)),
        size(feed.size_bytes),
        f"{counted(newest.changes, 'change')}, {size(newest.size_bytes)}",
    )
