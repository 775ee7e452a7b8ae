"""A replica at one moment, for `top`: what it has, what waits, how far the others are."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from crdtsync.cli.frames import Frame, Section, rates_of
from crdtsync.cli.output import counted, iso, short, size, when
from crdtsync.protocol.status import ItemStatus, age_text
from crdtsync.replica import Replica
from crdtsync.store.health import FeedHealth, RemoteHealth
from crdtsync.store.history import LatestChange
from crdtsync.store.items import Item, Peer

LATEST_MAX = 10
WAITING_MAX = 10
LABEL_CHARS_MAX = 40

_WAITING = (ItemStatus.MARKED, ItemStatus.SENT, ItemStatus.RECEIVED)


@dataclass(frozen=True, slots=True)
class _Seen:
    """What was read of a replica."""

    now_ms: int
    remotes: Sequence[RemoteHealth]
    peers: Sequence[Peer]
    feeds: Sequence[FeedHealth]
    latest: Sequence[LatestChange]
    items: Sequence[Item]
    """Those on their way to their numbers."""
    conflicts: int
    """To be decided."""
    quarantine: int
    lags: dict[str, tuple[int, int | None]]
    """Of each peer: how many files it has not said it has, and since when the first is here."""
    rates: dict[str, float] | None


async def waiting_items(replica: Replica) -> list[Item]:
    """Return the documents on their way to their numbers."""
    return [item for item in await replica.items() if item.state.status in _WAITING]


async def replica_frame(
    replica: Replica, previous: Frame | None, waiting: Sequence[Item], *, now_ms: int
) -> Frame:
    """Return what a replica has and waits for. `waiting`: what `waiting_items` returned, lately."""
    feeds, peers = await replica.feeds(), await replica.peers()
    counters = {
        "files_in": sum(feed.last for feed in feeds if not feed.is_own),
        "files_out": sum(feed.last for feed in feeds if feed.is_own),
        "bytes_in": sum(feed.size_bytes for feed in feeds if not feed.is_own),
        "bytes_out": sum(feed.size_bytes for feed in feeds if feed.is_own),
    }
    seen = _Seen(
        now_ms,
        await replica.remotes(),
        peers,
        feeds,
        await replica.latest_changes(limit=LATEST_MAX),
        waiting,
        sum(conflict.needs_decision for conflict in await replica.conflicts()),
        len(await replica.quarantine()),
        {peer.replica: _lag(peer.replica, feeds, now_ms) for peer in peers},
        rates_of(counters, previous, now_ms),
    )
    return Frame(_facts(replica, seen), _lines(replica, seen), _sections(seen), now_ms, counters)


def _facts(replica: Replica, seen: _Seen) -> dict[str, Any]:
    return {
        "at": iso(seen.now_ms),
        "replica": {
            "id": replica.id,
            "name": replica.name,
            "role": replica.role,
            "coordinator": replica.is_coordinator,
        },
        "remotes": [
            {
                "address": remote.address,
                "waiting_changes": remote.waiting_changes,
                "waiting_files": remote.waiting_files,
                "inbox": remote.inbox,
                "waiting_causes": remote.waiting_causes,
                "problem": remote.problem or None,
                "problem_since": iso(remote.problem_since_ms),
            }
            for remote in seen.remotes
        ],
        "feeds": [_feed_json(feed) for feed in seen.feeds],
        "peers": [
            {
                "id": peer.replica,
                "name": peer.name,
                "role": peer.role,
                "coordinator": peer.is_coordinator,
                "heard": iso(peer.heard_ms),
                "behind_files": seen.lags[peer.replica][0],
                "behind_since": iso(seen.lags[peer.replica][1]),
            }
            for peer in seen.peers
        ],
        "waiting": [
            {
                "document": item.document,
                "kind": item.kind,
                "title": item.title,
                "status": item.state.status.value,
                "since": iso(item.state.since_ms),
                "why_waiting": item.state.why_waiting,
            }
            for item in seen.items
        ],
        "latest": [_change_json(change) for change in seen.latest],
        "conflicts_to_decide": seen.conflicts,
        "quarantined": seen.quarantine,
        "throughput": seen.rates,
    }


def _lines(replica: Replica, seen: _Seen) -> tuple[str, ...]:
    role = f"{replica.role}, coordinator" if replica.is_coordinator else replica.role
    lines = [f"{replica.name} ({role}) at {when(seen.now_ms)}"]
    for remote in seen.remotes:
        if not remote.is_attached:
            lines.append(f"{remote.address}: not attached yet")
            lines.append(f"  problem since {when(remote.problem_since_ms)}: {remote.problem}")
            continue
        out = counted(remote.waiting_changes, "change") + " and " + counted(remote.waiting_files, "file")
        lines.append(
            f"{remote.address}: {out} to send, {counted(remote.inbox, 'segment')} and "
            f"{counted(remote.waiting_causes, 'change')} wait for earlier ones"
        )
        if remote.problem:
            lines.append(f"  problem since {when(remote.problem_since_ms)}: {remote.problem}")
        lines.extend(f"  {missing.text}" for missing in remote.missing)
    if not seen.remotes:
        lines.append("not synced with any remote yet")
    if seen.conflicts:
        lines.append(f"{counted(seen.conflicts, 'conflict')} to be decided")
    if seen.quarantine:
        lines.append(f"{seen.quarantine} set aside; `crdtsync status` tells why")
    if seen.rates is not None:
        lines.append(
            f"in {seen.rates['files_in']:.1f} files/s, {size(round(seen.rates['bytes_in']))}/s; "
            f"out {seen.rates['files_out']:.1f} files/s, {size(round(seen.rates['bytes_out']))}/s"
        )
    return tuple(lines)


def _sections(seen: _Seen) -> tuple[Section, ...]:
    return (
        Section(
            "peers",
            ("name", "role", "last heard from", "behind", "since"),
            tuple(
                (
                    peer.name,
                    f"{peer.role}, coordinator" if peer.is_coordinator else peer.role,
                    age_text(max(0, seen.now_ms - peer.heard_ms)),
                    _behind(seen.lags[peer.replica][0]),
                    _age(seen.lags[peer.replica][1], seen.now_ms),
                )
                for peer in seen.peers
            ),
            "nobody heard from yet",
        ),
        Section(
            "feeds",
            ("of", "feed", "files", "size", "waiting", "who has it"),
            tuple(
                (
                    f"{feed.owner_name or 'unknown'}{' (own)' if feed.is_own else ''}",
                    feed.feed,
                    str(feed.last),
                    size(feed.size_bytes),
                    str(feed.waiting) if feed.waiting else "-",
                    ", ".join(f"{reader.name} {reader.sequence}" for reader in feed.readers) or "-",
                )
                for feed in seen.feeds
            ),
            "nothing published yet",
        ),
        Section(
            "documents on their way to their numbers" + (f" ({len(seen.items)})" if seen.items else ""),
            ("document", "kind", "status", "since", "why"),
            tuple(
                (
                    item.title,
                    item.kind,
                    item.state.status.value,
                    _age(item.state.since_ms, seen.now_ms),
                    item.state.why_waiting,
                )
                for item in seen.items[:WAITING_MAX]
            ),
            "none",
        ),
        Section(
            "latest changes",
            ("made", "document", "by", "what", "in", "reached"),
            tuple(_change_row(item, seen.feeds) for item in seen.latest),
            "nothing yet",
        ),
    )


def _lag(peer: str, feeds: Sequence[FeedHealth], now_ms: int) -> tuple[int, int | None]:
    """Return how many files of others a peer has not said it has, and since when the first is here."""
    readers = [
        reader for feed in feeds for reader in feed.readers if reader.replica == peer and reader.behind
    ]
    since_ms = min((min(now_ms, r.behind_since_ms) for r in readers if r.behind_since_ms), default=None)
    return sum(reader.behind for reader in readers), since_ms


def _feed_json(feed: FeedHealth) -> dict[str, Any]:
    return {
        "address": feed.address,
        "replica": feed.owner,
        "replica_name": feed.owner_name or None,
        "feed": feed.feed,
        "own": feed.is_own,
        "last": feed.last,
        "waiting": feed.waiting,
        "bytes": feed.size_bytes,
        "readers": [
            {
                "replica": reader.replica,
                "name": reader.name,
                "sequence": reader.sequence,
                "behind": reader.behind,
                "behind_since": iso(reader.behind_since_ms),
            }
            for reader in feed.readers
        ],
    }


def _change_json(item: LatestChange) -> dict[str, Any]:
    return {
        "document": item.document,
        "kind": item.kind,
        "title": item.title,
        "client": item.change.id.client,
        "change": item.change.id.sequence,
        "made": iso(item.change.at_ms),
        "author": item.change.author,
        "replica": item.change.replica,
        "label": item.change.label,
        "feed": item.feed or None,
        "sequence": item.sequence or None,
        "received_by": list(item.change.received_by),
    }


def _change_row(item: LatestChange, feeds: Sequence[FeedHealth]) -> tuple[str, ...]:
    owner = next((feed.owner_name for feed in feeds if feed.owner == item.owner), "")
    by = " on ".join(part for part in (item.change.author, item.change.replica) if part)
    return (
        when(item.change.at_ms),
        f"{item.kind} {item.title}",
        by or "unknown",
        short(item.change.label, LABEL_CHARS_MAX) or "-",
        f"{owner or 'unknown'} {item.sequence}" if item.sequence else "no file yet",
        ", ".join(item.change.received_by) or "nobody yet",
    )


def _behind(files: int) -> str:
    return counted(files, "file") if files else "-"


def _age(since_ms: int | None, now_ms: int) -> str:
    return age_text(max(0, now_ms - since_ms)) if since_ms is not None else "-"
