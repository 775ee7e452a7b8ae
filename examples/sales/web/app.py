"""The routes of one workstation."""

from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from crdtsync.errors import CrdtSyncError
from examples.sales.web.desk import HERE, Desk
from examples.sales.web.events import Events
from examples.sales.web.failures import Failures
from examples.sales.web.pages.catalogue import CataloguePages
from examples.sales.web.pages.centers import CENTERS, LISTS, CenterPages
from examples.sales.web.pages.conflicts import ConflictPages
from examples.sales.web.pages.customers import CustomerPages
from examples.sales.web.pages.deals import DealPages
from examples.sales.web.pages.editor import EditorPages
from examples.sales.web.pages.folder import FolderPages
from examples.sales.web.pages.header import HeaderPages
from examples.sales.web.pages.items import ItemPages
from examples.sales.web.pages.lines import LinePages
from examples.sales.web.pages.payments import PaymentPages
from examples.sales.web.pages.price_lock import PriceLockPages
from examples.sales.web.pages.printing import PrintPages
from examples.sales.web.pages.purchasing import PurchasingPages
from examples.sales.web.pages.quote_changes import QuoteChangePages
from examples.sales.web.pages.set_aside import SetAsidePages
from examples.sales.web.security import Guard

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
    header, failures = HeaderPages(desk, events, on_switch), Failures(desk)
    return Starlette(
        routes=[
            Route("/", _to_quotes),
            Route("/health", header.show),
            Route("/offline", header.offline, methods=["POST"]),
            Route("/slow", header.slow, methods=["POST"]),
            Route("/events", partial(_events, events)),
            Route("/items", items.show),
            Route("/items/mark", items.mark, methods=["POST"]),
            Route("/items/reset", items.reset, methods=["POST"]),
            Route("/folder", FolderPages(desk).show),
            Route("/set-aside", SetAsidePages(desk).show),
            Route("/conflicts", conflicts.show),
            Route("/conflicts/settle", conflicts.settle, methods=["POST"]),
            *customers.routes(),
            *catalogue.routes(),
            *editor.routes(),
            *lines.routes(),
            Mount("/static", StaticFiles(directory=HERE / "static")),
            *(route for name in LISTS for route in _of_center(name, centers)),
            *DealPages(desk).routes(),
            *PurchasingPages(desk).routes(),
            *PaymentPages(desk).routes(),
            *PrintPages(desk).routes(),
            *PriceLockPages(desk, editor).routes(),
            *QuoteChangePages(desk).routes(),
        ],
        middleware=[Middleware(Guard, protection=desk.protection)],
        exception_handlers={
            CrdtSyncError: failures.refused,
            404: failures.not_found,
            HTTPException: failures.rejected,
            Exception: failures.failed,
        },
    )


def _of_center(name: str, centers: CenterPages) -> list[Route]:
    def route(path: str, handler: Handler, method: str = "GET") -> Route:
        async def handle(request: Request) -> Response:
            request.scope["path_params"] = {**request.path_params, "center": name}
            return await handler(request)

        return Route(f"/{name}{path}", handle, methods=[method])

    return [
        route("", centers.show),
        *([route("", centers.create, "POST")] if name in CENTERS else []),
    ]


async def _to_quotes(_: Request) -> Response:
    return RedirectResponse("/quotes", status_code=303)


async def _events(events: Events, request: Request) -> Response:
    lines: AsyncIterator[str] = events.stream(is_at_folder="folder" in request.query_params)
    return StreamingResponse(lines, media_type="text/event-stream")
