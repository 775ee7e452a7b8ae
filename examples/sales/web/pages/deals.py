"""The way of a deal: converted to a sale with its purchase orders, shown, cancelled, reopened, and its milestones."""

from collections.abc import Sequence
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crdtsync import ItemStatus
from crdtsync.errors import UnknownVersionError
from examples.sales.deals import (
    cancel,
    convert,
    derive_purchase_orders,
    note_milestone,
    paper_of,
    present,
    purchase_orders_of,
    reopen,
    sale_id_of,
    vendors_of,
    why_not_converted,
)
from examples.sales.model import Deal, Quote, Sale
from examples.sales.status import Status
from examples.sales.web.desk import Desk
from examples.sales.web.flow import flow_of, happenings_of
from examples.sales.web.forms import InputError
from examples.sales.web.pages.centers import CENTERS
from examples.sales.web.pages.routing import go_to, going_on_at, route_in, title_of
from examples.sales.web.posted import form_of, given, once_id, once_token

MILESTONES = (
    "Measured",
    "Deposit asked for",
    "Delivered",
    "Installed",
    "Inspected",
    "Service call",
    "Closed",
)
"""What is offered; anything may be written."""
TOTAL_CHARS_MAX = 40
REASONS = ("Bought elsewhere", "Too expensive", "Changed plans", "No answer", "Entered twice")


class DealPages:
    """Shows where a deal stands, and moves it on."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> Sequence[Route]:
        """Return the routes of these pages."""
        return [
            *(
                route
                for name in CENTERS
                for route in (
                    route_in(name, "/{id}/flow", self.show),
                    route_in(name, "/{id}/shown", self.mark_shown, "POST"),
                    route_in(name, "/{id}/cancel", self.ask_to_cancel),
                    route_in(name, "/{id}/cancel", self.cancel, "POST"),
                    route_in(name, "/{id}/reopen", self.reopen, "POST"),
                    route_in(name, "/{id}/milestones", self.note, "POST"),
                )
            ),
            route_in("quotes", "/{id}/convert", self.ask_to_convert),
            route_in("quotes", "/{id}/convert", self.convert, "POST"),
            route_in("sales", "/{id}/purchase-orders", self.make_orders, "POST"),
        ]

    async def show(self, request: Request) -> Response:
        """Show where the deal stands, with what can be done next."""
        return await self._flow(request)

    async def ask_to_convert(self, request: Request) -> Response:
        """Say what will happen if the quote becomes a sale."""
        quote = await self._desk.replica.get(Quote, request.path_params["id"])
        if await self._desk.replica.exists(Sale, sale_id_of(quote.id)):
            return go_to(request, f"/sales/{sale_id_of(quote.id)}")
        asked = request.query_params
        return await self._conversion(request, quote, asked.get("opened"), asked.get("opened_total", ""))

    async def convert(self, request: Request) -> Response:
        """Convert the quote, and go to the sale; one that is converted already is as it was.

        What the page did not show becomes no sale: it is shown first.
        """
        quote = await self._desk.replica.get(Quote, request.path_params["id"])
        is_converted = quote.status is Status.CONVERTED_QUOTE
        if not is_converted:
            form = await request.form()
            shown = str(form.get("content", ""))
            if why_not_converted(quote) or shown != _content_of(quote):
                return await self._conversion(request, quote, shown, str(form.get("total", "")))
        sale = await convert_here(self._desk, quote.id)
        return go_to(request, f"/sales/{sale.id}")

    async def make_orders(self, request: Request) -> Response:
        """Make the purchase orders agree with the sale."""
        sale = await self._desk.replica.get(Sale, request.path_params["id"])
        await derive_purchase_orders(self._desk.replica, sale)
        await mark_along(self._desk, sale.id, sale.id)
        return await self._flow(request)

    async def mark_shown(self, request: Request) -> Response:
        """Record that the customer was shown it, on a screen or on paper made elsewhere."""
        cls, deal_id = self._cls(request), request.path_params["id"]
        version = str((await request.form()).get("version", ""))
        # Of a page that shows what is not known here nothing can be said; what comes instead asks again.
        with suppress(UnknownVersionError):
            await present(
                self._desk.replica,
                cls,
                deal_id,
                by=self._desk.author,
                how="shown to the customer",
                seen=version,
            )
        return await self._flow(request)

    async def ask_to_cancel(self, request: Request) -> Response:
        """Ask why, and say what stays."""
        deal = await self._desk.replica.get(self._cls(request), request.path_params["id"])
        if isinstance(deal, Quote) and deal.status is Status.CONVERTED_QUOTE:
            return await self._not_cancelled(request, deal)
        return await self._cancelling(request, deal)

    async def cancel(self, request: Request) -> Response:
        """Cancel the deal with a reason, and go back to it."""
        typed = str((await request.form()).get("reason", ""))
        deal = await self._desk.replica.get(self._cls(request), request.path_params["id"])
        if isinstance(deal, Quote) and deal.status is Status.CONVERTED_QUOTE:
            return await self._not_cancelled(request, deal)
        try:
            reason = self._desk.forms.required_text(typed)
        except InputError as error:
            return going_on_at(await self._cancelling(request, deal, typed, str(error)), "reason")
        await cancel(self._desk.replica, self._cls(request), deal.id, by=self._desk.author, why=reason)
        return go_to(request, f"/{request.path_params['center']}/{deal.id}")

    async def reopen(self, request: Request) -> Response:
        """Take back that it was cancelled."""
        cls, deal_id = self._cls(request), request.path_params["id"]
        await reopen(self._desk.replica, cls, deal_id, by=self._desk.author)
        return await self._flow(request)

    async def note(self, request: Request) -> Response:
        """Add a milestone by hand, on a day."""
        form = await form_of(request)
        typed, day = given(form, "what"), str(form.get("day", ""))
        cls, deal_id = self._cls(request), request.path_params["id"]
        what_error = day_error = ""
        try:
            what = self._desk.forms.required_text(typed)
        except InputError as error:
            what, what_error = "", str(error)
        try:
            on = self._desk.forms.date(day) if day.strip() else self._desk.today()
        except InputError as error:
            on, day_error = self._desk.today(), str(error)
        if not what_error and not day_error:
            await note_milestone(
                self._desk.replica,
                cls,
                deal_id,
                what,
                by=self._desk.author,
                on=on,
                milestone_id=once_id(form, "milestone", what, str(on)),
            )
            typed = day = ""
        deal = await self._desk.replica.get(cls, deal_id)
        answer = self._desk.page(
            request,
            "editor_milestones.html",
            name=request.path_params["center"],
            deal=deal,
            milestones=milestones_of(
                self._desk, deal, typed=typed, day=day, what_error=what_error, day_error=day_error
            ),
        )
        refused = "milestone-day-value" if day_error and not what_error else "milestone-what-value"
        return going_on_at(answer, refused if what_error or day_error else "")

    def _cls(self, request: Request) -> type[Deal]:
        return CENTERS[request.path_params["center"]].cls

    async def _flow(self, request: Request) -> Response:
        name = request.path_params["center"]
        deal = await self._desk.replica.get(self._cls(request), request.path_params["id"])
        flow = await flow_of(self._desk, deal)
        return self._desk.page(request, "editor_flow.html", name=name, deal=deal, flow=flow)

    async def _conversion(
        self, request: Request, quote: Quote, opened: str | None = None, opened_total: str = ""
    ) -> Response:
        """Say what will happen; `opened` is what the page showed before, and None if it shows it for the first time."""
        conflicts = await self._desk.replica.conflicts(quote.id)
        vendors = vendors_of(quote)
        item = await self._desk.replica.item(quote.id)
        content, total = _content_of(quote), self._desk.forms.money_shown(quote.total)
        is_part = request.headers.get("HX-Target") == "converting"
        return self._desk.page(
            request,
            "convert_part.html" if is_part else "convert.html",
            is_part=is_part,
            content=content,
            total=total,
            opened=content if opened is None else opened,
            opened_total=total if opened is None else opened_total[:TOTAL_CHARS_MAX],
            quote=quote,
            title=title_of(quote),
            vendors=vendors,
            unbought=sum(line.quantity > 0 for line in quote.lines) - sum(vendors.values()),
            undecided=sum(conflict.needs_decision for conflict in conflicts),
            why_not=why_not_converted(quote),
            is_sent_along=item.state.status is not ItemStatus.DRAFT,
            is_awaited=quote.status is Status.CONVERTED_QUOTE,
        )

    async def _not_cancelled(self, request: Request, quote: Quote) -> Response:
        sale_id = sale_id_of(quote.id)
        return self._desk.page(
            request,
            "cancel_converted.html",
            quote=quote,
            title=title_of(quote),
            sale_id=sale_id,
            is_sale_here=await self._desk.replica.exists(Sale, sale_id),
        )

    async def _cancelling(self, request: Request, deal: Deal, typed: str = "", error: str = "") -> Response:
        name = request.path_params["center"]
        orders = await purchase_orders_of(self._desk.replica, deal.id) if isinstance(deal, Sale) else []
        return self._desk.page(
            request,
            "cancel.html",
            name=name,
            one=CENTERS[name].one,
            deal=deal,
            title=title_of(deal),
            sent=[order for order in orders if order.sent],
            reasons=REASONS,
            typed=typed,
            error=error,
        )


def milestones_of(
    desk: Desk, deal: Deal, *, typed: str = "", day: str = "", what_error: str = "", day_error: str = ""
) -> dict[str, object]:
    """Return what the list of milestones and its form show."""
    return {
        "happenings": happenings_of(desk, deal),
        "offered": MILESTONES,
        "token": once_token(),
        "typed": typed,
        "day": day,
        "what_error": what_error,
        "day_error": day_error,
    }


def _content_of(quote: Quote) -> str:
    """Return what stands for all that a sale would take over from a quote."""
    return f"{quote.customer}-{paper_of(quote)}"


async def convert_here(desk: Desk, quote_id: str) -> Sale:
    """Convert a quote; what comes of it goes to the main system if the quote does.

    Raises:
        DocumentNotFoundError: there is no such quote here.
    """
    sale = await convert(desk.replica, quote_id, by=desk.author)
    await mark_along(desk, quote_id, sale.id)
    return sale


async def mark_along(desk: Desk, leader_id: str, sale_id: str) -> None:
    """Mark a sale and its purchase orders for sync, if the document they follow is marked."""
    item = await desk.replica.item(leader_id)
    if item.state.status is not ItemStatus.DRAFT:
        orders = await purchase_orders_of(desk.replica, sale_id)
        await desk.replica.mark_for_sync(sale_id, *(order.id for order in orders))
