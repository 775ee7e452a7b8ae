"""The centers: every quote, every sale, with search, status, order and pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response

from crdtsync import Document
from crdtsync.errors import UsageError
from examples.sales.model import Address, Customer, Deal, Payment, PurchaseOrder, Quote, Sale
from examples.sales.status import Status
from examples.sales.web.desk import Desk
from examples.sales.web.events import center_event
from examples.sales.web.forms import InputError
from examples.sales.web.pages.routing import go_to, title_of
from examples.sales.web.posted import form_of, given, once_id, once_token

PAGE_SIZE = 50
ELSEWHERE = {
    Quote: ("quote", "/quotes"),
    Sale: ("sale", "/sales"),
    PurchaseOrder: ("purchase order", "/purchase-orders"),
    Payment: ("payment", "/payments"),
}
"""What else has numbers, what it is called and where it is shown."""
ORDERS = {
    "-changed": "Last changed",
    "-dated": "Newest",
    "dated": "Oldest",
    "customer_name": "Customer",
    "-total": "Largest",
}


@dataclass(frozen=True, slots=True)
class Center:
    """One of the centers."""

    cls: type[Deal]
    kind: str
    title: str
    one: str
    statuses: tuple[Status, ...]
    """What it is filtered by."""
    only: Status | None = None
    """What it is about, where it does not show all of its kind."""

    @property
    def event(self) -> str:
        """The event that says it is out of date."""
        return center_event(self.kind)


CENTERS: Mapping[str, Center] = {
    "quotes": Center(
        Quote,
        "quote",
        "Quotes",
        "quote",
        (Status.QUOTE_PENDING, Status.OPEN_QUOTE, Status.CONVERTED_QUOTE, Status.CANCELLED),
    ),
    "sales": Center(
        Sale,
        "sale",
        "Sales",
        "sale",
        (Status.SALE_PENDING, Status.OPEN_SALE, Status.ORDER, Status.CANCELLED),
    ),
}

LISTS: Mapping[str, Center] = {
    **CENTERS,
    "orders": Center(Sale, "sale", "Orders", "order", (), only=Status.ORDER),
}
"""What is listed: the centers of documents, and the orders, which are sales that went to a vendor."""


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """What has the number that is looked for, and is not listed here."""

    what: str
    title: str
    address: str


@dataclass(frozen=True, slots=True)
class Query:
    """What a center is asked for; it is also its address."""

    words: str = ""
    status: str = ""
    order: str = "-changed"
    page: int = 1

    @classmethod
    def of(cls, request: Request) -> "Query":
        """Read it from an address; what makes no sense there is as if it were not given."""
        given = request.query_params
        status, order, page = given.get("status", ""), given.get("order", ""), given.get("page", "")
        return cls(
            given.get("q", "").strip()[:200],
            status if status in set(Status) else "",
            order if order in ORDERS else "-changed",
            max(1, int(page)) if page.isdecimal() and len(page) < 8 else 1,
        )

    def address(self, **changes: str | int) -> str:
        """Return the query string with some parts changed; what is changed begins at its first page."""
        parts = {"q": self.words, "status": self.status, "order": self.order, "page": 1} | changes
        return urlencode({name: value for name, value in parts.items() if value not in ("", 1, "-changed")})


class CenterPages:
    """Shows the centers, and makes new documents."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request) -> Response:
        """Show one page of a center; for htmx its list only."""
        name = request.path_params["center"]
        center, query = LISTS[name], Query.of(request)
        status = center.only or query.status
        where = {"status": status} if status else {}
        replica, problem = self._desk.replica, ""
        rows: list[Document] = []
        count = 0
        try:
            count = await replica.count(center.cls, where=where, search=query.words)
            rows += await replica.find(
                center.cls,
                where=where,
                search=query.words,
                order_by=query.order,
                limit=PAGE_SIZE,
                offset=(query.page - 1) * PAGE_SIZE,
            )
        except UsageError as error:
            problem = str(error)
        numbered, elsewhere = await self._numbered(center, query)
        shown = numbered + [row for row in rows if row.id not in {known.id for known in numbered}]
        return self._desk.page(
            request,
            "center_rows.html" if _wants_rows(request) else "center.html",
            name=name,
            center=center,
            query=query,
            orders=ORDERS,
            rows=shown,
            home=name if name in CENTERS else "sales",
            elsewhere=elsewhere,
            count=max(count, len(shown)),
            counts=await self._counts(center),
            pages=max(1, -(-count // PAGE_SIZE)),
            problem=problem,
            token=once_token(),
        )

    async def create(self, request: Request) -> Response:
        """Make a document for a customer, who is made as well if nobody has that name."""
        name = request.path_params["center"]
        center = CENTERS[name]
        form = await form_of(request)
        typed, picked = given(form, "customer"), str(form.get("picked", ""))
        known = await self._desk.replica.get_or_none(Customer, picked) if picked else None
        try:
            customer_name = self._desk.forms.required_text(typed)
            customer_id = once_id(form, "customer", customer_name)
            customer = known or await customer_named(self._desk, customer_name, customer_id)
        except InputError as error:
            return self._desk.page(
                request,
                "center_new.html",
                name=name,
                center=center,
                typed=typed,
                picked=picked,
                error=str(error),
                token=once_token(),
            )
        deal_id = once_id(form, center.kind, customer_name, picked)
        return go_to(request, f"/{name}/{await made_for(self._desk, center.cls, customer, deal_id)}")

    async def _numbered(self, center: Center, query: Query) -> tuple[list[Document], list[Elsewhere]]:
        """Return what has the words as its number or reference number, here and elsewhere.

        What is on paper is found, whatever it is.
        """
        if not query.words or query.page > 1:
            return [], []
        here: list[Document] = []
        elsewhere = []
        for document in await self._desk.replica.find_number(query.words):
            status = getattr(document, "status", None)
            if isinstance(document, center.cls) and center.only in (None, status):
                here.append(document)
            elif type(document) in ELSEWHERE:
                what, address = ELSEWHERE[type(document)]
                elsewhere.append(Elsewhere(what, title_of(document), f"{address}/{document.id}"))
        return here, elsewhere

    async def _counts(self, center: Center) -> dict[str, int]:
        if not center.statuses:
            return {}
        counted = await self._desk.replica.count(center.cls, by="status")
        return {status: counted.get(status, 0) for status in center.statuses}


def _wants_rows(request: Request) -> bool:
    headers = request.headers
    return headers.get("HX-Target") == "rows" and "HX-History-Restore-Request" not in headers


async def made_for(desk: Desk, cls: type[Deal], customer: Customer, deal_id: str | None) -> str:
    """Make a document for a customer, and return its id; with an id of the caller's it is made once."""
    async with desk.replica.edit(cls, deal_id, create=deal_id is not None, label="new") as deal:
        if deal_id is None or not await desk.replica.exists(cls, deal_id):
            give_to(deal, customer)
            deal.dated = desk.today()
            deal.sales_rep = desk.author
    return deal.id


async def customer_made(desk: Desk, name: str, customer_id: str | None = None) -> str:
    """Make a customer, and return the id; with an id of the caller's he is made once."""
    async with desk.replica.edit(
        Customer, customer_id, create=customer_id is not None, label="new"
    ) as customer:
        if customer_id is None or not await desk.replica.exists(Customer, customer_id):
            customer.name = name
    return customer.id


async def customer_named(desk: Desk, name: str, customer_id: str | None = None) -> Customer:
    """Return the customer of a name, made if there is none.

    Raises:
        InputError: several have it, and nobody knows which of them is meant.
    """
    known = await desk.replica.find(Customer, where={"name": name}, order_by="created", limit=2)
    if len(known) > 1:
        raise InputError("Several customers have this name. Pick one of them from the list.")
    if known:
        return known[0]
    return await desk.replica.get(Customer, await customer_made(desk, name, customer_id))


def give_to(deal: Deal, customer: Customer) -> None:
    """Make a document one for a customer. What says the same already is no change."""
    values: dict[str, Any] = {"customer": customer.ref, "customer_name": customer.name}
    if customer.billing not in (None, Address()):
        values["bill_to"] = customer.billing
    if customer.terms and not deal.terms:
        values["terms"] = customer.terms
    for name, value in values.items():
        if name == "customer" or getattr(deal, name) != value:
            setattr(deal, name, value)


def hand_over(deal: Deal, customer: Customer, *, former: Customer | None) -> None:
    """Make a document that was for somebody else one for this customer; nothing of the former one stays on it.

    What was paid for it stays paid, whoever did. Terms that were written for this document stay as well.
    """
    if deal.customer == customer.id:
        give_to(deal, customer)
        return
    if isinstance(deal, Sale):
        for payer in (deal.customer, customer.ref):
            deal.payers.add(payer)
    # All of it is written, also what is the same: of two who choose apart, one choice is shown whole.
    deal.customer = customer.ref
    deal.customer_name = customer.name
    deal.bill_to = None if customer.billing == Address() else customer.billing
    if deal.terms in ("", "" if former is None else former.terms):
        deal.terms = customer.terms
