"""Purchasing: what waits to go to the vendors, one purchase order, and what its vendor says of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crdtsync.errors import DocumentNotFoundError
from examples.sales.deals import (
    approve_purchase_order,
    approved_by,
    content_of,
    derive_purchase_orders,
    needs_approval,
    send_purchase_order,
    was_sent_otherwise,
    why_not_sent,
)
from examples.sales.model import PurchaseLine, PurchaseOrder, Sale
from examples.sales.pricing import to_cents
from examples.sales.status import PurchaseStatus, VendorCode, VendorReport
from examples.sales.web.desk import Desk
from examples.sales.web.isolating import isolated
from examples.sales.web.pages.deals import mark_along
from examples.sales.web.pages.routing import title_of

CHANNELS = ("e-mail", "telephone", "vendor's site", "post")
SHOWN_MAX = 200
"""More open purchase orders than this are not shown on one page."""


@dataclass(frozen=True, slots=True)
class Waiting:
    """A purchase order that was not sent yet."""

    order: PurchaseOrder
    title: str
    sale: Sale | None
    sale_title: str
    why_not: str


@dataclass(frozen=True, slots=True)
class Bought:
    """A line of a purchase order on the page."""

    line: PurchaseLine
    amount: str
    unit_cost: str
    code: VendorCode


class PurchasingPages:
    """Shows purchase orders, and records that they were sent and what became of them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> Sequence[Route]:
        """Return the routes of these pages."""
        return [
            Route("/purchasing", self.show_waiting),
            Route("/purchasing/send", self.send, methods=["POST"]),
            Route("/purchase-orders/{id}", self.show),
            Route("/purchase-orders/{id}/print", self.show_paper),
            Route("/purchase-orders/{id}/rebuild", self.rebuild, methods=["POST"]),
            Route("/purchase-orders/{id}/approve", self.approve, methods=["POST"]),
            Route("/purchase-orders/{id}/lines/{line}/report", self.report, methods=["POST"]),
        ]

    async def show_waiting(self, request: Request) -> Response:
        """Show what was not sent yet, by vendor; of one sale, if the address names it."""
        return await self._waiting(request, request.query_params.get("sale", ""))

    async def send(self, request: Request) -> Response:
        """Record that the chosen ones went to their vendors; with the first one a sale is an order."""
        form = await request.form()
        channel = str(form.get("channel", ""))
        chosen = [str(identity) for identity in form.getlist("order")]
        sale_id = str(form.get("sale", ""))
        if not self._may_send:
            return await self._waiting(request, sale_id, "Only the office sends purchase orders.")
        if not chosen:
            return await self._waiting(request, sale_id, "Nothing was chosen.")
        told = []
        for identity in chosen:
            order = await self._desk.replica.get(PurchaseOrder, identity)
            sale = await self._desk.replica.get_or_none(Sale, order.sale)
            why_not = why_not_sent(sale, order)
            if why_not:
                told.append(f"{title_of(order)} was not sent: {why_not}")
                continue
            await send_purchase_order(
                self._desk.replica,
                identity,
                by=self._desk.author,
                channel=channel if channel in CHANNELS else CHANNELS[0],
            )
            told.append(f"{title_of(order)} is marked as sent to {isolated(order.vendor)}.")
        return await self._waiting(request, sale_id, " ".join(told))

    async def show(self, request: Request) -> Response:
        """Show one purchase order; for htmx the part that follows it."""
        return await self._order(request)

    async def show_paper(self, request: Request) -> Response:
        """Show the page that is printed for the vendor. It was sent when somebody says so, not when it is printed."""
        order = await self._desk.replica.get(PurchaseOrder, request.path_params["id"])
        return self._desk.page(
            request,
            "print_order.html",
            order=order,
            title=title_of(order),
            sale=await self._desk.replica.get_or_none(Sale, order.sale),
            sent=list(order.sent.entries),
            lines=[self._bought(order, line) for line in order.lines],
        )

    async def rebuild(self, request: Request) -> Response:
        """Derive the purchase orders of the sale again; one that was sent stays as it was."""
        order = await self._desk.replica.get(PurchaseOrder, request.path_params["id"])
        sale = await self._desk.replica.get(Sale, order.sale)
        await derive_purchase_orders(self._desk.replica, sale)
        await mark_along(self._desk, sale.id, sale.id)
        return await self._order(request)

    async def approve(self, request: Request) -> Response:
        """Record that a person has looked at what is unusual about it, and wants it so."""
        is_so = await approve_purchase_order(
            self._desk.replica,
            request.path_params["id"],
            by=self._desk.author or self._desk.replica.name,
            content=str((await request.form()).get("content", "")),
        )
        told = "" if is_so else "It was not approved: it was changed meanwhile. This is what it says now."
        return await self._order(request, told)

    async def report(self, request: Request) -> Response:
        """Record a vendor's word on one line."""
        given, line_id = str((await request.form()).get("code", "")), request.path_params["line"]
        if given not in {str(code.value) for code in VendorCode}:
            raise DocumentNotFoundError(f"no vendor reports {given!r:.20}")
        code = VendorCode(int(given))
        async with self._desk.replica.edit(
            PurchaseOrder, request.path_params["id"], label="vendor's report"
        ) as order:
            if line_id not in order.lines:
                raise DocumentNotFoundError("there is no such line")
            if _code_of(order, line_id) is not code:
                order.reports.append(VendorReport(line_id, code))
        return await self._order(request)

    @property
    def _may_send(self) -> bool:
        # What has gone to a vendor cannot be merged: one place alone sends.
        return self._desk.replica.role == "office"

    async def _waiting(self, request: Request, sale_id: str, told: str = "") -> Response:
        where = {"status": PurchaseStatus.OPEN} | ({"sale": sale_id} if sale_id else {})
        orders = await self._desk.replica.find(
            PurchaseOrder, where=where, order_by="vendor", limit=SHOWN_MAX + 1
        )
        rows = [await self._waiting_of(order) for order in orders[:SHOWN_MAX] if order.lines]
        of_sale = await self._desk.replica.get_or_none(Sale, sale_id) if sale_id else None
        return self._desk.page(
            request,
            "purchasing_list.html" if request.headers.get("HX-Target") == "purchasing" else "purchasing.html",
            rows=rows,
            is_more=len(orders) > SHOWN_MAX,
            sale_id=sale_id,
            of_sale=of_sale,
            may_send=self._may_send,
            channels=CHANNELS,
            told=told,
        )

    async def _waiting_of(self, order: PurchaseOrder) -> Waiting:
        sale = await self._desk.replica.get_or_none(Sale, order.sale)
        return Waiting(
            order,
            title_of(order),
            sale,
            title_of(sale) if sale is not None else "not here yet",
            why_not_sent(sale, order),
        )

    async def _order(self, request: Request, told: str = "") -> Response:
        order = await self._desk.replica.get(PurchaseOrder, request.path_params["id"])
        sale = await self._desk.replica.get_or_none(Sale, order.sale)
        why_not = "" if order.sent else why_not_sent(sale, order)
        conflicts = await self._desk.replica.conflicts(order.id)
        return self._desk.page(
            request,
            "purchase_order_part.html"
            if request.headers.get("HX-Target") == "purchase-order"
            else "purchase_order.html",
            order=order,
            title=title_of(order),
            sale=sale,
            lines=[self._bought(order, line) for line in order.lines],
            codes=list(VendorCode),
            sent=list(order.sent.entries),
            why_not=why_not,
            told=told,
            is_unapproved=sale is not None and needs_approval(sale, order),
            approved_by=approved_by(order),
            content=content_of(order),
            undecided=sum(conflict.needs_decision for conflict in conflicts),
            is_otherwise=sale is not None and was_sent_otherwise(sale, order),
            may_send=self._may_send,
            item=await self._desk.replica.item(order.id),
        )

    def _bought(self, order: PurchaseOrder, line: PurchaseLine) -> Bought:
        what = line.what
        return Bought(
            line,
            self._desk.forms.money_shown(to_cents(what.unit_cost * what.quantity)),
            self._desk.forms.money_shown(to_cents(what.unit_cost)),
            _code_of(order, line.id),
        )


def _code_of(order: PurchaseOrder, line_id: str) -> VendorCode:
    codes = [report.code for report in order.reports if report.line == line_id]
    return codes[-1] if codes else VendorCode.NOT_SENT
