"""What was changed of a quote after it had become a sale, and taking that over into the sale.

A sale is made from one state of its quote and does not follow it: what was agreed then is what is bought and paid
for. But a quote can be edited by somebody who has not heard of the conversion, and what he wrote must not be lost
without a word. So a sale remembers which state of the quote it has taken in. What the quote says otherwise by now is
a difference, unless the sale says it already; a person takes it over, or leaves the sale as it is.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from crdtsync import Replica
from crdtsync.errors import UnknownVersionError
from examples.sales.deals import LINE_FIELDS, OPTIONS, copy_of_charge, copy_of_line, customer_of
from examples.sales.model import Deal, Quote, Sale

CUSTOMER = "customer"
NOTES = "notes"
PRICE = "price"
_PLAIN_FIELDS = ("dated", "sales_rep", "terms", "tax", "discount")
_MEMBER_FIELDS = {"lines": (*LINE_FIELDS, *OPTIONS), "charges": ("name", "category", "rate")}


class Fate(StrEnum):
    """What has become of a line or a charge of the quote."""

    CHANGED = "changed"
    ADDED = "added"
    REMOVED = "removed"
    CHANGED_BUT_REMOVED_HERE = "changed, but removed from the sale"


@dataclass(frozen=True, slots=True)
class Difference:
    """Something the quote says since it was converted, and the sale does not."""

    list_name: str
    """``lines``, ``charges``, or nothing for the document itself."""
    member: str
    field: str
    """Empty for a whole line or charge."""
    fate: Fate
    what: str
    """What a person calls the line or the charge."""
    quoted: Any = None
    """What the quote says."""
    sold: Any = None
    """What the sale says."""

    @property
    def key(self) -> str:
        """A name for it, the same on every page and every machine."""
        return "/".join(part for part in (self.list_name, self.member, self.field) if part)


@dataclass(frozen=True, slots=True)
class QuoteChanges:
    """What of a quote is not in its sale."""

    quote: Quote
    """As it was looked at."""
    sale: Sale
    differences: tuple[Difference, ...]


@dataclass(frozen=True, slots=True)
class _Touched:
    """What a quote says otherwise in one state than in an earlier one."""

    fields: tuple[str, ...] = ()
    members: tuple[tuple[str, str, tuple[str, ...]], ...] = ()
    """List, line or charge, and fields; none for one that is there in one of the states only."""


_KEPT_MAX = 256
_KEPT: dict[tuple[str, str], _Touched] = {}
"""By both versions, which name the states of one document and of no other, on every machine.

A quote hardly ever changes after its conversion, and its sale is looked at again and again.
"""


async def quote_changes(replica: Replica, sale: Sale, *, as_of: str | None = None) -> QuoteChanges | None:
    """Return what its quote says otherwise since a sale was made from it; None if that cannot be told here.

    Args:
        replica: where.
        sale: which.
        as_of: the version of the quote that is looked at; None for what it says now.

    Raises:
        UnknownVersionError: the quote was never in that state, as far as is known here.
    """
    quote = None if sale.quote is None else await replica.get_or_none(Quote, sale.quote)
    if quote is None or not sale.quote_version:
        return None
    if as_of is not None:
        quote = await replica.get(Quote, quote.id, as_of=as_of)
    states = sale.quote_version, quote.info.version
    if states not in _KEPT:
        try:
            before = await replica.get(Quote, quote.id, as_of=sale.quote_version)
        except UnknownVersionError:
            return None  # The sale came first: something of the quote it was made from has not arrived.
        if len(_KEPT) >= _KEPT_MAX:
            _KEPT.pop(next(iter(_KEPT)))
        _KEPT[states] = _touched(before, quote)
    return QuoteChanges(quote, sale, tuple(_differences(_KEPT[states], quote, sale)))


async def take_over(
    replica: Replica, sale_id: str, keys: Collection[str], *, quote_version: str, sale_version: str
) -> None:
    """Let a sale say what its quote says, in what is chosen; all else was looked at, and is left as it is.

    Prices are left to be asked for again as long as the sale's are locked, unless nothing is chosen.

    Args:
        replica: where.
        sale_id: which sale.
        keys: of the differences that are taken over.
        quote_version: the state of the quote that its person saw.
        sale_version: the state of the sale that he saw: what others wrote since is not overwritten.

    Raises:
        DocumentNotFoundError: there is no such sale here.
        UnknownVersionError: what was seen of one of them is not known here.
        DocumentLockedError: it waits for its number, and may not be edited meanwhile.
    """
    seen = await replica.get(Sale, sale_id, as_of=sale_version)
    changes = await quote_changes(replica, seen, as_of=quote_version)
    if changes is None:
        return
    chosen = [found for found in changes.differences if found.key in keys]
    prices = any(found.field == PRICE for found in changes.differences)
    async with replica.edit(Sale, sale_id, label="taken over from the quote", seen=sale_version) as sale:
        for difference in chosen:
            if not (sale.price_locked and difference.field == PRICE):
                _take(difference, changes.quote, sale)
        # A price that cannot be taken over as long as the sale's are locked is asked for again, unless all is left.
        if not (chosen and prices and sale.price_locked):
            sale.quote_version = quote_version


def _touched(before: Quote, now: Quote) -> _Touched:
    members: list[tuple[str, str, tuple[str, ...]]] = []
    for list_name, names in _MEMBER_FIELDS.items():
        known, quoted = getattr(before, list_name), getattr(now, list_name)
        for member in quoted:
            old = known.get(member.id)
            changed = tuple(
                name for name in names if old is not None and getattr(member, name) != getattr(old, name)
            )
            if old is None or changed:
                members.append((list_name, member.id, changed))
        members.extend((list_name, old.id, ()) for old in known if old.id not in quoted)
    fields = (CUSTOMER, *_PLAIN_FIELDS, NOTES)
    return _Touched(tuple(name for name in fields if _said(before, name) != _said(now, name)), tuple(members))


def _differences(touched: _Touched, quote: Quote, sale: Sale) -> Iterator[Difference]:
    for name in touched.fields:
        quoted, sold = _said(quote, name), _said(sale, name)
        if quoted == sold:
            continue
        if name == CUSTOMER:
            quoted, sold = quote.customer_name, sale.customer_name
        yield Difference("", "", name, Fate.CHANGED, "", quoted, sold)
    for list_name, identity, names in touched.members:
        member, here = getattr(quote, list_name).get(identity), getattr(sale, list_name).get(identity)
        if member is None:
            if here is not None:
                yield Difference(list_name, identity, "", Fate.REMOVED, _name_of(here), None, here)
        elif here is None:
            fate = Fate.CHANGED_BUT_REMOVED_HERE if names else Fate.ADDED
            yield Difference(list_name, identity, "", fate, _name_of(member), member)
        else:
            for name in names or _MEMBER_FIELDS[list_name]:
                quoted, sold = getattr(member, name), getattr(here, name)
                if quoted != sold:
                    yield Difference(list_name, identity, name, Fate.CHANGED, _name_of(member), quoted, sold)


def _said(deal: Deal, name: str) -> Any:
    match name:
        case "customer":
            return customer_of(deal)
        case "notes":
            return deal.quote_notes if isinstance(deal, Sale) else str(deal.notes).strip()
        case _:
            return getattr(deal, name)


def _name_of(member: Any) -> str:
    return getattr(member, "description", "") or getattr(member, "name", "") or "a line without a description"


def _take(difference: Difference, quote: Quote, sale: Sale) -> None:
    if difference.list_name:
        _take_member(difference, quote, sale)
    elif difference.field == CUSTOMER:
        sale.payers.add(quote.customer)
        sale.customer, sale.customer_name, sale.bill_to = customer_of(quote)
    elif difference.field == NOTES:
        sale.quote_notes = _said(quote, NOTES)
    else:
        setattr(sale, difference.field, getattr(quote, difference.field))


def _take_member(difference: Difference, quote: Quote, sale: Sale) -> None:
    sold = getattr(sale, difference.list_name)
    if difference.fate is Fate.REMOVED:
        sold.remove(difference.member)
        return
    member = getattr(quote, difference.list_name)[difference.member]
    if difference.fate is Fate.CHANGED:
        setattr(sold[member.id], difference.field, getattr(member, difference.field))
    elif any(removed.id == member.id for removed in sold.removed):
        restored = sold.restore(member.id)
        for name in _MEMBER_FIELDS[difference.list_name]:
            if getattr(restored, name) != getattr(member, name):
                setattr(restored, name, getattr(member, name))
    else:
        copy = copy_of_line if difference.list_name == "lines" else copy_of_charge
        sold.add(copy(member), id=member.id)
