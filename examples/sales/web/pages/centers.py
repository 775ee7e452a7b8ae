"""The centers: every quote, every sale, with search, status, order and pages."""

from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from crdtsync import Document
from crdtsync.errors import UsageError
from examples.sales.model import Customer, Deal, Quote, Sale
from examples.sales.status import Status
from examples.sales.web.desk import Desk
from examples.sales.web.events import center_event
from examples.sales.web.forms import InputError

PAGE_SIZE = 50
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
        center, query = CENTERS[name], Query.of(request)
        where = {"status": query.status} if query.status else {}
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
        numbered = await self._numbered(center, query)
        shown = numbered + [row for row in rows if row.id not in {known.id for known in numbered}]
        return self._desk.page(
            request,
            "center_rows.html" if _wants_rows(request) else "center.html",
            name=name,
            center=center,
            query=query,
            orders=ORDERS,
            rows=shown,
            count=max(count, len(shown)),
            counts=await self._counts(center),
            pages=max(1, -(-count // PAGE_SIZE)),
            problem=problem,
        )

    async def create(self, request: Request) -> Response:
        """Make a document for a customer, who is made as well if nobody has that name."""
        name = request.path_params["center"]
        center = CENTERS[name]
        typed = str((await request.form()).get("customer", ""))
        try:
            customer_name = self._desk.forms.required_text(typed)
        except InputError as error:
            return self._desk.page(
                request, "center_new.html", name=name, center=center, typed=typed, error=str(error)
            )
        customer = await customer_named(self._desk, customer_name)
        async with self._desk.replica.edit(center.cls, label="new") as deal:
            deal.customer = customer.ref
            deal.customer_name = customer_name
            deal.dated = self._desk.today()
            deal.sales_rep = self._desk.author
        address = f"/{name}/{deal.id}"
        if request.headers.get("HX-Request") == "true":
            return Response(headers={"HX-Redirect": address})
        return RedirectResponse(address, status_code=303)

    async def _numbered(self, center: Center, query: Query) -> list[Document]:
        """Return what has the words as its number or reference number: what is on paper is found."""
        if not query.words or query.page > 1:
            return []
        found = await self._desk.replica.find_number(query.words)
        return [document for document in found if isinstance(document, center.cls)]

    async def _counts(self, center: Center) -> dict[str, int]:
        counted = await self._desk.replica.count(center.cls, by="status")
        return {status: counted.get(status, 0) for status in center.statuses}


def _wants_rows(request: Request) -> bool:
    headers = request.headers
    return headers.get("HX-Target") == "rows" and "HX-History-Restore-Request" not in headers


async def customer_named(desk: Desk, name: str) -> Customer:
    """Return the customer of a name, made if there is none."""
    known = await desk.replica.find(Customer, where={"name": name}, order_by="created", limit=1)
    if known:
        return known[0]
    async with desk.replica.edit(Customer, label="new") as customer:
        customer.name = name
    return await desk.replica.get(Customer, customer.id)
