"""The routes of one workstation."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from crdtsync.errors import CrdtSyncError, DocumentLockedError, DocumentNotFoundError
from examples.sales.web.desk import HERE, Desk
from examples.sales.web.events import Events
from examples.sales.web.health import health_of
from examples.sales.web.pages.catalogue import CataloguePages
from examples.sales.web.pages.centers import CENTERS, CenterPages
from examples.sales.web.pages.conflicts import ConflictPages
from examples.sales.web.pages.deals import DealPages
from examples.sales.web.pages.customers import CustomerPages
from examples.sales.web.pages.editor import EditorPages
from examples.sales.web.pages.folder import FolderPages
from examples.sales.web.pages.items import ItemPages
from examples.sales.web.pages.payments import PaymentPages
from examples.sales.web.pages.printing import PrintPages
from examples.sales.web.pages.purchasing import PurchasingPages
from examples.sales.web.pages.lines import LinePages
from examples.sales.web.security import Guard

SLOW_FOLDER_S = 60.0
"""How long a slow folder takes over a file."""

Handler = Callable[[Request], Awaitable[Response]]


def make_app(desk: Desk, events: Events, *, on_switch: Callable[[], None] = lambda: None) -> Starlette:
    """Return the application of one workstation.

    `on_switch` is called when somebody has turned a switch.
    """
    centers, editor, items, conflicts = (
        CenterPages(desk),
        EditorPages(desk),
        ItemPages(desk),
        ConflictPages(desk),
    )
    lines, customers, catalogue = LinePages(desk, editor), CustomerPages(desk), CataloguePages(desk)
    switches = Switches(desk, events, on_switch)
    return Starlette(
        routes=[
            Route("/", _to_quotes),
            Route("/health", switches.show),
            Route("/offline", switches.offline, methods=["POST"]),
            Route("/slow", switches.slow, methods=["POST"]),
            Route("/events", partial(_events, events)),
            Route("/items", items.show),
            Route("/items/mark", items.mark, methods=["POST"]),
            Route("/items/reset", items.reset, methods=["POST"]),
            Route("/folder", FolderPages(desk).show),
            Route("/conflicts", conflicts.show),
            Route("/conflicts/settle", conflicts.settle, methods=["POST"]),
            *customers.routes(),
            *catalogue.routes(),
            *editor.routes(),
            *lines.routes(),
            Mount("/static", StaticFiles(directory=HERE / "static")),
            *(route for name in CENTERS for route in _of_center(name, centers)),
        ],
        middleware=[Middleware(Guard, protection=desk.protection)],
        exception_handlers={
            DocumentNotFoundError: partial(_failed, desk, 404),
            DocumentLockedError: _locked,
            CrdtSyncError: partial(_failed, desk, 500),
            404: partial(_failed, desk, 404),
        },
    )


class Switches:
    """The header, and what can be switched there."""

    def __init__(self, desk: Desk, events: Events, on_switch: Callable[[], None]) -> None:
        self._desk = desk
        self._events = events
        self._on_switch = on_switch

    async def show(self, request: Request) -> Response:
        """Show how the sync fares."""
        return self._desk.page(request, "health.html", health=await health_of(self._desk))

    async def offline(self, request: Request) -> Response:
        """Turn the offline switch."""
        self._desk.switch.turn(offline=not self._desk.switch.is_offline)
        return await self._turned(request)

    async def slow(self, request: Request) -> Response:
        """Turn the switch of the slow folder."""
        self._desk.delay.delay_s = 0.0 if self._desk.delay.delay_s else SLOW_FOLDER_S
        return await self._turned(request)

    async def _turned(self, request: Request) -> Response:
        self._events.switched()
        self._on_switch()
        return await self.show(request)


def _of_center(name: str, centers: CenterPages) -> list[Route]:
    def route(path: str, handler: Handler, method: str = "GET") -> Route:
        async def handle(request: Request) -> Response:
            request.scope["path_params"] = {**request.path_params, "center": name}
            return await handler(request)

        return Route(f"/{name}{path}", handle, methods=[method])

    return [
        route("", centers.show),
        route("", centers.create, "POST"),
    ]


async def _to_quotes(_: Request) -> Response:
    return RedirectResponse("/quotes", status_code=303)


async def _events(events: Events, request: Request) -> Response:
    asked = request.query_params
    lines: AsyncIterator[str] = events.stream(asked.get("document", ""), is_at_folder="folder" in asked)
    return StreamingResponse(lines, media_type="text/event-stream")


async def _failed(desk: Desk, status_code: int, request: Request, error: Exception) -> Response:
    told = str(error) if isinstance(error, CrdtSyncError) else "There is no such page."
    return desk.page(request, "failed.html", status_code=status_code, told=told)


async def _locked(_: Request, error: Exception) -> Response:
    return PlainTextResponse(
        f"This is being synced and cannot be changed meanwhile: {str(error).partition(': ')[2]}. "
        "Printing and payments go on.",
        status_code=423,
    )
