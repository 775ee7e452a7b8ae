"""Items to Sync: where an item stands, since when, and why it waits. Computed from facts, never stored."""

import enum
from dataclasses import dataclass
from typing import Final, assert_never

_MINUTE_MS: Final = 60_000
_HOUR_MS: Final = 60 * _MINUTE_MS
_DAY_MS: Final = 24 * _HOUR_MS


class ItemStatus(enum.Enum):
    """The steps of an item, in order."""

    DRAFT = "draft"
    MARKED = "marked"
    SENT = "sent"
    RECEIVED = "received"
    NUMBERED = "numbered"


@dataclass(frozen=True, slots=True, kw_only=True)
class ItemFacts:
    """What is known about an item. A fact, once there, stays; only a reset takes back `marked_ms`."""

    created_ms: int
    marked_ms: int | None = None
    sent_ms: int | None = None
    received_ms: int | None = None
    numbered_ms: int | None = None
    coordinator_name: str = ""
    coordinator_heard_ms: int | None = None
    remote_problem: str = ""
    """Why the shared folder cannot be used now; empty if it can."""


@dataclass(frozen=True, slots=True)
class ItemState:
    """Where an item stands. `why_waiting` is plain English, and empty when nothing is waited for."""

    status: ItemStatus
    since_ms: int
    why_waiting: str


def item_state(facts: ItemFacts, now_ms: int) -> ItemState:
    """Where the item stands at `now_ms`, which only words the ages in `why_waiting`."""
    status, since_ms = _status(facts)
    return ItemState(status, since_ms, _why(status, facts, now_ms))


def _status(facts: ItemFacts) -> tuple[ItemStatus, int]:
    if facts.numbered_ms is not None:
        return ItemStatus.NUMBERED, facts.numbered_ms
    if facts.marked_ms is None:
        return ItemStatus.DRAFT, facts.created_ms
    # An item may have been in the folder before it was marked; it was not waiting then.
    if facts.received_ms is not None:
        return ItemStatus.RECEIVED, max(facts.marked_ms, facts.received_ms)
    if facts.sent_ms is not None:
        return ItemStatus.SENT, max(facts.marked_ms, facts.sent_ms)
    return ItemStatus.MARKED, facts.marked_ms


def _why(status: ItemStatus, facts: ItemFacts, now_ms: int) -> str:
    office = facts.coordinator_name or "the office"
    folder = f"waits for the shared folder: {facts.remote_problem}" if facts.remote_problem else ""
    match status:
        case ItemStatus.DRAFT | ItemStatus.NUMBERED:
            return ""
        case ItemStatus.MARKED:
            return folder or "waits for the next sync"
        case ItemStatus.SENT:
            return folder or f"waits for {office} to receive it; {_heard(office, facts, now_ms)}"
        case ItemStatus.RECEIVED:
            return folder or f"waits for {office} to number it; {_heard(office, facts, now_ms)}"
        case _:
            assert_never(status)


def _heard(office: str, facts: ItemFacts, now_ms: int) -> str:
    if facts.coordinator_heard_ms is None:
        return f"{office} was never heard from"
    return f"{office} was last heard from {age_text(now_ms - facts.coordinator_heard_ms)}"


def age_text(age_ms: int) -> str:
    """An age in words, as in "3 days ago". One from the future, by a wrong clock, is "just now"."""
    for unit_ms, unit in ((_DAY_MS, "day"), (_HOUR_MS, "hour"), (_MINUTE_MS, "minute")):
        if age_ms >= unit_ms:
            count = age_ms // unit_ms
            return f"{count} {unit}{'' if count == 1 else 's'} ago"
    return "just now"
