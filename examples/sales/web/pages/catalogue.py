"""The catalogue: found while it is typed, and each product on a page of its own."""

from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crdtsync.errors import UsageError
from examples.sales.catalogue import price_of, stock
from examples.sales.model import Product
from examples.sales.pricing import Price, unit_price
from examples.sales.web.desk import Desk
from examples.sales.web.fields import PRODUCT_FIELDS
from examples.sales.web.marks import marks_of
from examples.sales.web.pages.cells import Spot, cell_of, known_field, save_cell
from examples.sales.web.pages.routing import go_to

PAGE_SIZE = 50
PICKED_MAX = 10


class CataloguePages:
    """Shows the products, finds them for a picker, and writes what is changed of them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        return [
            Route("/catalogue", self.show_all),
            Route("/catalogue/pick", self.pick),
            Route("/catalogue/stock", self.stock, methods=["POST"]),
            Route("/catalogue/{id}", self.show),
            Route("/catalogue/{id}/fields/{field}", self.save, methods=["POST"]),
        ]

    async def show_all(self, request: Request) -> Response:
        """Show one page of the catalogue; for htmx the list only."""
        words, page = request.query_params.get("q", "").strip()[:200], request.query_params.get("page", "")
        number = max(1, int(page)) if page.isdecimal() and len(page) < 8 else 1
        rows: list[Product] = []
        count, problem = 0, ""
        try:
            count = await self._desk.replica.count(Product, search=words)
            rows = await self._desk.replica.find(
                Product, search=words, order_by="name", limit=PAGE_SIZE, offset=(number - 1) * PAGE_SIZE
            )
        except UsageError as error:
            problem = str(error)
        is_part = request.headers.get("HX-Target") == "rows"
        return self._desk.page(
            request,
            "catalogue_rows.html" if is_part else "catalogue.html",
            words=words,
            page=number,
            pages=max(1, -(-count // PAGE_SIZE)),
            rows=[(product, unit_price(price_of(product))) for product in rows],
            count=count,
            problem=problem,
            address=lambda page: urlencode({"q": words, "page": page}),
        )

    async def stock(self, request: Request) -> Response:
        """Enter the products of the sample catalogue that are missing."""
        await stock(self._desk.replica)
        return go_to(request, "/catalogue")

    async def pick(self, request: Request) -> Response:
        """Show the products that are offered and may be meant by what is typed, for a picker."""
        words = " ".join(request.query_params.get("value", "")[:200].split())
        try:
            found = await self._desk.replica.find(
                Product, search=words, order_by="name", limit=2 * PICKED_MAX
            )
        except UsageError:
            found = []
        offered = [product for product in found if product.is_active][:PICKED_MAX]
        return self._desk.page(
            request,
            "catalogue_pick.html",
            found=[(product, unit_price(_first_price(product))) for product in offered],
            words=words,
        )

    async def show(self, request: Request) -> Response:
        """Show one product; for htmx the part that follows the document."""
        is_part = request.headers.get("HX-Target") == "product"
        spot, replica = _spot(request), self._desk.replica
        product = await replica.get(Product, spot.document)
        spot = spot.seen_in(product)
        conflicts = await replica.conflicts(product.id)
        marks = await marks_of(self._desk, request, product.id, await replica.history(product.id))
        return self._desk.page(
            request,
            "product_head.html" if is_part else "product.html",
            product=product,
            marks=marks,
            cells=[
                cell_of(self._desk, spot, product, field, conflicts, marks)
                for field in PRODUCT_FIELDS.values()
            ],
            styles=[(style, unit_price(price_of(product, style=style.name))) for style in product.styles],
            undecided=sum(conflict.needs_decision for conflict in conflicts),
        )

    async def save(self, request: Request) -> Response:
        """Write one field, and show that field as it is then."""
        field = known_field(PRODUCT_FIELDS, request.path_params["field"])
        _, cell = await save_cell(self._desk, request, _spot(request), field)
        return self._desk.page(request, "cell_saved.html", cell=cell)


def _first_price(product: Product) -> Price:
    return price_of(product, style=next((style.name for style in product.styles), ""))


def _spot(request: Request) -> Spot[Product]:
    identity = request.path_params["id"]
    return Spot(f"/catalogue/{identity}", Product, identity)
