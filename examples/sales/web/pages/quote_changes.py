"""What was changed of a quote after its conversion: shown beside what the sale says, and taken over by hand."""

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crdtsync.errors import UnknownVersionError
from examples.sales.model import Sale
from examples.sales.since_conversion import quote_changes, take_over
from examples.sales.web.desk import Desk
from examples.sales.web.differences import differences_shown
from examples.sales.web.pages.routing import go_to, route_in, title_of


class QuoteChangePages:
    """Compares a sale with its quote, and lets the sale take over what is chosen."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> Sequence[Route]:
        """Return the routes of these pages."""
        return [
            route_in("sales", "/{id}/quote-changes", self.show),
            route_in("sales", "/{id}/quote-changes", self.settle, "POST"),
            route_in("sales", "/{id}/quote-notes", self.move_notes, "POST"),
        ]

    async def show(self, request: Request) -> Response:
        """Show what the quote says and the sale does not."""
        return await self._compared(request)

    async def settle(self, request: Request) -> Response:
        """Take over what is chosen and leave the rest as it is, and go back to the sale."""
        form, sale_id = await request.form(), request.path_params["id"]
        quote_version, sale_version = (str(form.get(name, "")) for name in ("quote_version", "sale_version"))
        keys = {str(key) for key in form.getlist("take")} if form.get("do") == "take" else set()
        if form.get("do") not in ("take", "leave"):
            return await self._compared(request)
        try:
            await take_over(
                self._desk.replica, sale_id, keys, quote_version=quote_version, sale_version=sale_version
            )
        except UnknownVersionError:
            return await self._compared(request)
        return go_to(request, f"/sales/{sale_id}")

    async def move_notes(self, request: Request) -> Response:
        """Put the notes of the quote before those of the sale, where they can be edited."""
        sale_id = request.path_params["id"]
        async with self._desk.replica.edit(Sale, sale_id, label="notes") as sale:
            if sale.quote_notes:
                own = str(sale.notes)
                sale.notes.insert(0, f"{sale.quote_notes}\n\n" if own else sale.quote_notes)
                sale.quote_notes = ""
        return go_to(request, f"/sales/{sale_id}")

    async def _compared(self, request: Request) -> Response:
        sale = await self._desk.replica.get(Sale, request.path_params["id"])
        changes = await quote_changes(self._desk.replica, sale)
        return self._desk.page(
            request,
            "quote_changes.html",
            sale=sale,
            title=title_of(sale),
            quote=None if changes is None else changes.quote,
            differences=differences_shown(self._desk.forms, changes),
        )
