"""Prices that were changed by somebody who did not know that they were locked.

A lock keeps people on one machine, and those who have heard of it, from writing a price. Who has not heard of it
writes one, and both merge without a conflict: they are two fields. What is left is to tell, and to put back. The
history says who knew of what: a change that neither has the lock among what it was made on, nor was among what
the lock was made on, was made apart from it.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from decimal import Decimal

from crdtsync import ChangeId, HistoryEntry, Replica
from examples.sales.model import Deal
from examples.sales.pricing import Price, unit_price

PRICE_LOCK = "price_locked"


@dataclass(frozen=True, slots=True)
class WrittenPastLock:
    """A price that was changed apart from the lock."""

    line: str
    """The id of the line."""
    lock: ChangeId
    """The change that locked the prices."""
    price: Price
    locked: Price
    """What it was when the prices were locked."""
    by: str
    where: str
    """The name of the replica."""
    at_ms: int
    """By the clock there."""

    @property
    def then(self) -> Decimal:
        """What one cost when the prices were locked."""
        return unit_price(self.locked)

    @property
    def now(self) -> Decimal:
        """What one costs."""
        return unit_price(self.price)


async def written_past_lock(
    replica: Replica, deal: Deal, history: Iterable[HistoryEntry]
) -> list[WrittenPastLock]:
    """Return the prices of a deal that are not what they were when they were locked; none if they are not locked.

    Who keeps one writes it again, knowing of the lock (`kept`): then it is not among them.

    Raises:
        DocumentNotFoundError: it is not here any more.
        UnknownVersionError: the state in which it was locked is not known here.
    """
    if not deal.price_locked:
        return []
    writers = await replica.last_writers(deal.id)
    entries = {entry.id: entry for entry in history}
    lock = writers[PRICE_LOCK].change if PRICE_LOCK in writers else None
    if lock is None or lock not in entries:
        return []
    seen_by_lock = _included(lock, entries)
    apart = []
    for line in deal.lines:
        writer = writers.get(f"lines/{line.id}/price")
        if writer is None or writer.change is None or writer.change in seen_by_lock:
            continue
        if lock not in _included(writer.change, entries):
            apart.append((line, writer))
    if not apart:
        return []
    then = await replica.get(type(deal), deal.id, as_of=entries[lock].version)
    found = []
    for line, writer in apart:
        before = then.lines.get(line.id)
        if before is not None and unit_price(line.price) != unit_price(before.price):
            found.append(
                WrittenPastLock(
                    line.id, lock, line.price, before.price, writer.author, writer.replica, writer.at_ms
                )
            )
    return found


def kept(past: WrittenPastLock) -> Price:
    """Return what keeps a price: it as it is, and yet another value, which meets others as what is written does.

    Two people who keep one price write the same.
    """
    return replace(past.price, kept=f"{past.lock.client:x}-{past.lock.sequence}")


def _included(change: ChangeId, entries: dict[ChangeId, HistoryEntry]) -> set[ChangeId]:
    """Return a change and all that its author had seen then; the entries are in the order of their arrival."""
    newest = {change.client: change.sequence}
    included = set()
    # What a change was made on has arrived before it.
    for known in reversed(entries):
        if newest.get(known.client, 0) < known.sequence:
            continue
        included.add(known)
        for cause in entries[known].causes:
            newest[cause.client] = max(cause.sequence, newest.get(cause.client, 0))
    return included
