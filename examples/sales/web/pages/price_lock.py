"""What is done about prices that were changed apart from their lock: put back, or kept."""

from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from examples.sales.model import Deal
from examples.sales.price_lock import WrittenPastLock, kept, written_past_lock
from examples.sales.pricing import unit_price
from examples.sales.web.desk import Desk
from examples.sales.web.pages.cells import Spot
from examples.sales.web.pages.centers import CENTERS
from examples.sales.web.pages.editor import EditorPages, spot_of
from examples.sales.web.pages.routing import going_on_at, route_in
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
        spot = spot_of(request)
        told, others = "It was put back already.", []
        async with self._desk.replica.edit(spot.cls, spot.document, label="line: price put back") as draft:
            found = dict(await self._past_lock(spot))
            past = found.pop(request.path_params["line"], None)
            others = list(found)
            if past is not None and past.line in draft.lines:
                line = draft.lines[past.line]
                line.price = past.locked
                amount = self._desk.forms.money_shown(unit_price(past.locked))
                told = f"{line.description or 'The price'} is {amount} again."
        answer = await self._editor.done(request, told)
        return going_on_at(answer, f"past-lock-{others[0]}-back") if others else answer

    async def keep(self, request: Request) -> Response:
        """Keep the prices as they are on the page, and no others: they are written again, knowing of the lock.

        Where somebody puts one back at the same time elsewhere, the two are a conflict.
        """
        spot, version = spot_of(request), given(await form_of(request), "version")
        seen = await self._desk.replica.get(spot.cls, spot.document, as_of=version)
        async with self._desk.replica.edit(spot.cls, spot.document, label="prices kept") as draft:
            for past in (await self._past_lock(spot)).values():
                line = seen.lines.get(past.line)
                if line is not None and unit_price(line.price) == past.now and past.line in draft.lines:
                    draft.lines[past.line].price = kept(past)
        return await self._editor.done(request, "The prices are kept as they are.")

    async def _past_lock(self, spot: Spot[Deal]) -> Mapping[str, WrittenPastLock]:
        """Return what was written past the lock, by line. In an edit, nobody of this machine writes meanwhile."""
        replica = self._desk.replica
        deal = await replica.get(spot.cls, spot.document)
        history = await replica.history(deal.id)
        return {past.line: past for past in await written_past_lock(replica, deal, history)}
