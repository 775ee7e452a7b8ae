"""What is done about prices that were changed apart from their lock: put back, or kept."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from examples.sales.price_lock import written_past_lock
from examples.sales.pricing import unit_price
from examples.sales.web.desk import Desk
from examples.sales.web.pages.centers import CENTERS
from examples.sales.web.pages.editor import EditorPages, spot_of
from examples.sales.web.pages.routing import route_in
from examples.sales.web.posted import form_of, given


class PriceLockPages:
    """Puts prices back to what they were when they were locked, or keeps them."""

    def __init__(self, desk: Desk, editor: EditorPages) -> None:
        self._desk = desk
        self._editor = editor

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        return [
            route
            for name in CENTERS
            for route in (
                route_in(name, "/{id}/lines/{line}/put-price-back", self.put_back, "POST"),
                route_in(name, "/{id}/keep-prices", self.keep, "POST"),
            )
        ]

    async def put_back(self, request: Request) -> Response:
        """Give a line the price it had when the prices were locked."""
        spot, replica = spot_of(request), self._desk.replica
        told = "It was put back already."
        async with replica.edit(spot.cls, spot.document, label="line: price put back") as draft:
            # Here nobody of this machine writes it meanwhile.
            deal = await replica.get(spot.cls, spot.document)
            found = {
                past.line: past
                for past in await written_past_lock(replica, deal, await replica.history(deal.id))
            }
            past = found.get(request.path_params["line"])
            if past is not None and past.line in draft.lines:
                line = draft.lines[past.line]
                line.price = past.locked
                amount = self._desk.forms.money_shown(unit_price(past.locked))
                told = f"{line.description or 'The price'} is {amount} again."
        return await self._editor.done(request, told)

    async def keep(self, request: Request) -> Response:
        """Keep the prices as they are on the page, and no others."""
        spot, version = spot_of(request), given(await form_of(request), "version")
        async with self._desk.replica.edit(spot.cls, spot.document, label="prices kept") as deal:
            deal.prices_kept = version
        return await self._editor.done(request, "The prices are kept as they are.")
