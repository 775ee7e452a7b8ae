"""The page that shows the workstations side by side, each in a frame of its own."""

from typing import Any

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from examples.sales.web.desk import HERE, templates_of
from examples.sales.web.fleet import Fleet, Running
from examples.sales.web.security import TOKEN_HEADER, Guard, Protection


def make_overview(fleet: Fleet, protection: Protection) -> Starlette:
    """Return the application of the launcher."""
    pages = _Pages(fleet, protection)
    return Starlette(
        routes=[
            Route("/", pages.show),
            Route("/desks/{name}", pages.desk),
            Route("/desks/{name}/offline", pages.offline, methods=["POST"]),
            Route("/desks/{name}/start", pages.start, methods=["POST"]),
            Mount("/static", StaticFiles(directory=HERE / "static")),
        ],
        middleware=[Middleware(Guard, protection=protection)],
    )


class _Pages:
    def __init__(self, fleet: Fleet, protection: Protection) -> None:
        self._fleet = fleet
        self._templates = templates_of()
        self._templates.globals |= {"csrf_header": TOKEN_HEADER, "token": protection.token}

    async def show(self, _: Request) -> Response:
        return self._page("overview.html", desks=list(self._fleet.desks.values()))

    async def desk(self, request: Request) -> Response:
        return self._head(self._fleet.desks.get(request.path_params["name"]))

    async def offline(self, request: Request) -> Response:
        desk = self._fleet.desks.get(request.path_params["name"])
        if desk is not None:
            await desk.switch()
        return self._head(desk)

    async def start(self, request: Request) -> Response:
        desk = self._fleet.desks.get(request.path_params["name"])
        if desk is not None:
            await desk.start()
        return self._head(desk)

    def _head(self, desk: Running | None) -> Response:
        if desk is None:
            return Response("There is no such workstation.", status_code=404, media_type="text/plain")
        return self._page("overview_head.html", desk=desk)

    def _page(self, name: str, **values: Any) -> Response:
        return HTMLResponse(self._templates.get_template(name).render(**values))
