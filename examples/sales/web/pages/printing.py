"""The printable page of a quote or a sale. Opening it changes nothing; that it was printed is a milestone."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from crdtsync.errors import UnknownVersionError
from examples.sales.deals import paper_of, present
from examples.sales.model import Address, Customer, Deal, Line, Sale
from examples.sales.pricing import charge_amount, unit_price
from examples.sales.status import MilestoneKind, Status, is_cancelled
from examples.sales.web.desk import Desk
from examples.sales.web.forms import Forms
from examples.sales.web.money import money_of
from examples.sales.web.pages.centers import CENTERS
from examples.sales.web.pages.routing import route_in, title_of

PRINTED = "printed"
ASKING = "to be printed"
"""What the page says of itself before it is printed."""
OUTDATED = "It was changed since this page was opened. Show it as it is now, or print again to print it as it is here."
UNKNOWN = (
    "Nothing was recorded: which state of the document this page shows is not known here. Open it again."
)
_INCHES = {"width": "wide", "height": "high"}
_WORDS = ("mount", "finish", "color", "control", "remarks")


@dataclass(frozen=True, slots=True)
class PrintedLine:
    """A line of goods on paper."""

    what: str
    options: str
    quantity: int
    each: Decimal
    amount: Decimal


@dataclass(frozen=True, slots=True)
class PrintedCharge:
    """A charge on paper."""

    name: str
    amount: Decimal


class PrintPages:
    """Shows what goes on paper, and records that it did."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> Sequence[Route]:
        """Return the routes of these pages."""
        return [
            route
            for name in CENTERS
            for route in (
                route_in(name, "/{id}/print", self.show),
                route_in(name, "/{id}/print", self.record, "POST"),
            )
        ]

    async def show(self, request: Request) -> Response:
        """Show the page that is printed."""
        name = request.path_params["center"]
        deal = await self._desk.replica.get(CENTERS[name].cls, request.path_params["id"])
        status = getattr(deal, "status")  # noqa: B009 - both kinds have one
        totals = deal.totals
        pieces = sum(line.quantity for line in deal.lines)
        printed = [seen.digest for seen in deal.milestones if seen.kind is MilestoneKind.PRESENTED]
        return self._desk.page(
            request,
            "print.html",
            name=name,
            deal=deal,
            kind="Order" if status is Status.ORDER else CENTERS[name].one.capitalize(),
            title=title_of(deal),
            address=await self._address(deal),
            rows=[_printed(self._desk.forms, line) for line in deal.lines],
            charges=[
                PrintedCharge(charge.name, charge_amount(charge.rate, totals.goods, pieces))
                for charge in deal.charges
            ],
            totals=totals,
            money=await money_of(self._desk, deal),
            notes=[text for text in (_quote_notes(deal), str(deal.notes).strip()) if text],
            is_pending=status in (Status.QUOTE_PENDING, Status.SALE_PENDING),
            is_known=bool(printed) and printed[-1] == paper_of(deal),
            is_cancelled=is_cancelled(deal.milestones),
        )

    async def record(self, request: Request) -> Response:
        """Record what was printed: what the page shows, which may be older than what the document says.

        Somebody who has not printed yet is told so instead, and nothing is recorded: then the answer has words.
        """
        cls, deal_id = CENTERS[request.path_params["center"]].cls, request.path_params["id"]
        form, replica = await request.form(), self._desk.replica
        version = str(form.get("version", ""))
        now = await replica.get(cls, deal_id)
        try:
            shown = await replica.get(cls, deal_id, as_of=version)
        except UnknownVersionError:
            return PlainTextResponse(UNKNOWN, status_code=409)
        if form.get("is") == ASKING and paper_of(shown) != paper_of(now):
            return PlainTextResponse(OUTDATED)
        await present(replica, cls, deal_id, by=self._desk.author, how=PRINTED, as_of=version)
        return PlainTextResponse("", status_code=204)

    async def _address(self, deal: Deal) -> Address | None:
        if deal.bill_to is not None:
            return deal.bill_to
        customer = await self._desk.replica.get_or_none(Customer, deal.customer)
        return customer.billing if customer is not None else None


def _quote_notes(deal: Deal) -> str:
    return deal.quote_notes if isinstance(deal, Sale) else ""


def _printed(forms: Forms, line: Line) -> PrintedLine:
    each = unit_price(line.price)
    measures = [
        f"{forms.number_shown(found)} in {word}"
        for name, word in _INCHES.items()
        if (found := getattr(line, name)) is not None
    ]
    words = [found for name in _WORDS if (found := getattr(line, name))]
    what = line.description or line.item.code or "Goods"
    return PrintedLine(
        what,
        ", ".join([*filter(None, [line.room, line.item.style]), *measures, *words]),
        line.quantity,
        each,
        each * line.quantity,
    )
