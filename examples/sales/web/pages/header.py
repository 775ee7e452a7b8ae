"""The header of every page: how the sync fares, the offline switch, and how slow the folder is."""

from collections.abc import Callable

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from examples.sales.web.desk import Desk
from examples.sales.web.events import Events
from examples.sales.web.health import health_of
from examples.sales.web.switch import DELAYS


class HeaderPages:
    """Shows the header, and turns what can be turned there. `on_switch` is called when somebody has."""

    def __init__(self, desk: Desk, events: Events, on_switch: Callable[[], None]) -> None:
        self._desk = desk
        self._events = events
        self._on_switch = on_switch

    async def show(self, request: Request) -> Response:
        """Show how the sync fares."""
        replica = self._desk.replica
        # What is made in the office is on every machine at once; elsewhere it is nowhere else until it is marked.
        to_sync = 0 if replica.role == "office" else await replica.count_items()
        return self._desk.page(
            request, "health.html", health=await health_of(self._desk), to_sync=to_sync, delays=DELAYS
        )

    async def offline(self, request: Request) -> Response:
        """Turn the offline switch."""
        self._desk.switch.turn(offline=not self._desk.switch.is_offline)
        return await self._turned(request)

    async def slow(self, request: Request) -> Response:
        """Choose how slow the folder is."""
        chosen = str((await request.form()).get("delay_s", ""))
        if chosen not in DELAYS:
            return PlainTextResponse("There is no such delay.", status_code=422)
        self._desk.delay.delay_s = float(chosen)
        return await self._turned(request)

    async def _turned(self, request: Request) -> Response:
        self._events.switched()
        self._on_switch()
        return await self.show(request)
