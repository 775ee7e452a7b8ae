"""Two people edit the same documents while apart: what they do, drawn from a seed, and what must come of it.

Each pair of edits is counted by what it must lead to, so that a conflict that is not shown is noticed.
"""

import random
from collections import Counter
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import StrEnum

from crdtsync import Replica
from examples.sales.deals import convert, record_payment
from examples.sales.model import Comment, Deal, Line, Quote, Sale
from examples.sales.pricing import Price

DEPOSIT = Decimal("10.00")


class Encounter(StrEnum):
    """What two people do to one document without knowing of each other."""

    SAME_QUANTITY = "same quantity"
    SAME_PRICE = "same price"
    SAME_TERMS = "same terms"
    REMOVE_AND_EDIT = "remove and edit"
    OTHER_FIELDS = "other fields"
    LINES_ADDED = "lines added"
    NOTES = "notes"
    CONVERT_TWICE = "convert twice"
    PAY_TWICE = "pay twice"


_FOR_ANY = (
    Encounter.SAME_QUANTITY,
    Encounter.SAME_PRICE,
    Encounter.SAME_TERMS,
    Encounter.REMOVE_AND_EDIT,
    Encounter.OTHER_FIELDS,
    Encounter.LINES_ADDED,
    Encounter.NOTES,
)
_FOR_QUOTES = (*_FOR_ANY, Encounter.CONVERT_TWICE)
_FOR_SALES = (*_FOR_ANY, Encounter.PAY_TWICE)


@dataclass(frozen=True, slots=True)
class Clash:
    """A conflict that every replica must show."""

    document: str
    path: str
    reason: str


@dataclass(slots=True)
class Expected:
    """What the edits must lead to."""

    clashes: set[Clash] = field(default_factory=set)
    encounters: Counter[Encounter] = field(default_factory=Counter)
    converted: set[str] = field(default_factory=set)
    """The quotes that both sides made sales."""

    @property
    def same_field(self) -> int:
        """How many fields both sides wrote."""
        return sum(clash.reason == "values" for clash in self.clashes)

    @property
    def removals(self) -> int:
        """How many lines one side removed and the other edited."""
        return sum(clash.reason == "removal" for clash in self.clashes)

    def add(self, other: "Expected") -> None:
        """Take in what another pair must lead to."""
        self.clashes |= other.clashes
        self.encounters += other.encounters
        self.converted |= other.converted


@dataclass(frozen=True, slots=True)
class Side:
    """One of the two: where they sit, who they are, and which of two different values they choose."""

    replica: Replica
    by: str
    is_office: bool


async def edit_apart(
    cls: type[Deal], deal_id: str, seed: int, *, workstation: Side, office: Side, expected: Expected
) -> None:
    """Let both sides do one thing to a document, and note what must come of it."""
    chance = random.Random(f"{seed}/{deal_id}")  # noqa: S311 - nothing secret
    deal = await workstation.replica.get(cls, deal_id)
    encounter = chance.choice(_FOR_QUOTES if isinstance(deal, Quote) else _FOR_SALES)
    line = chance.choice(list(deal.lines)).id
    for side in (workstation, office):
        await _DEEDS[encounter](side, cls, deal_id, line)
    expected.encounters[encounter] += 1
    match encounter:
        case Encounter.SAME_QUANTITY:
            expected.clashes.add(Clash(deal_id, f"lines/{line}/quantity", "values"))
        case Encounter.SAME_PRICE:
            expected.clashes.add(Clash(deal_id, f"lines/{line}/price", "values"))
        case Encounter.SAME_TERMS:
            expected.clashes.add(Clash(deal_id, "terms", "values"))
        case Encounter.REMOVE_AND_EDIT:
            expected.clashes.add(Clash(deal_id, f"lines/{line}", "removal"))
        case Encounter.CONVERT_TWICE:
            expected.converted.add(deal_id)
        case Encounter.OTHER_FIELDS | Encounter.LINES_ADDED | Encounter.NOTES | Encounter.PAY_TWICE:
            pass  # These merge without a question.


async def _quantity(side: Side, cls: type[Deal], deal_id: str, line: str) -> None:
    async with side.replica.edit(cls, deal_id, label="quantity") as deal:
        deal.lines[line].quantity += 1 if side.is_office else 2


async def _price(side: Side, cls: type[Deal], deal_id: str, line: str) -> None:
    async with side.replica.edit(cls, deal_id, label="price") as deal:
        discount = Decimal(5) if side.is_office else Decimal(10)
        deal.lines[line].price = replace(deal.lines[line].price, customer_discount_pct=discount)


async def _terms(side: Side, cls: type[Deal], deal_id: str, _: str) -> None:
    async with side.replica.edit(cls, deal_id, label="terms") as deal:
        deal.terms = "30 days" if side.is_office else "14 days"


async def _remove_or_edit(side: Side, cls: type[Deal], deal_id: str, line: str) -> None:
    async with side.replica.edit(cls, deal_id, label="line") as deal:
        if side.is_office:
            deal.lines.remove(line)
        else:
            deal.lines[line].quantity += 1


async def _other_fields(side: Side, cls: type[Deal], deal_id: str, line: str) -> None:
    async with side.replica.edit(cls, deal_id, label="options") as deal:
        if side.is_office:
            deal.lines[line].color = "Linen 214"
            deal.price_locked = True
        else:
            deal.lines[line].room = "Kitchen"
            deal.lines[line].width = Decimal("34.5")


async def _add_line(side: Side, cls: type[Deal], deal_id: str, _: str) -> None:
    async with side.replica.edit(cls, deal_id, label="one more") as deal:
        deal.lines.add(
            Line(description=f"Roller shade, asked for by {side.by}", price=Price(Decimal("99.50")))
        )


async def _notes(side: Side, cls: type[Deal], deal_id: str, _: str) -> None:
    async with side.replica.edit(cls, deal_id, label="notes") as deal:
        deal.notes.append(f"{side.by}: gate code at desk. ")
        deal.comments.append(Comment("Called the customer", side.by))


async def _convert(side: Side, _: type[Deal], deal_id: str, __: str) -> None:
    await convert(side.replica, deal_id, by=side.by)


async def _pay(side: Side, _: type[Deal], deal_id: str, __: str) -> None:
    sale = await side.replica.get(Sale, deal_id)
    await record_payment(
        side.replica, sale.customer, DEPOSIT, received=sale.dated, by=side.by, allocate=[(deal_id, DEPOSIT)]
    )


_DEEDS: dict[Encounter, Callable[[Side, type[Deal], str, str], Awaitable[None]]] = {
    Encounter.SAME_QUANTITY: _quantity,
    Encounter.SAME_PRICE: _price,
    Encounter.SAME_TERMS: _terms,
    Encounter.REMOVE_AND_EDIT: _remove_or_edit,
    Encounter.OTHER_FIELDS: _other_fields,
    Encounter.LINES_ADDED: _add_line,
    Encounter.NOTES: _notes,
    Encounter.CONVERT_TWICE: _convert,
    Encounter.PAY_TWICE: _pay,
}
