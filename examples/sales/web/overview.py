"""The pages of the launcher: the workstations side by side, each in a frame of its own, and their folder."""

import asyncio
import datetime as dt
from collections.abc import AsyncIterator
from functools import partial
from typing import Any

from babel.dates import format_datetime
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, PlainTextResponse, Response, StreamingResponse
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from examples.sales.web.desk import HERE, templates_of
from examples.sales.web.events import FOLDER, Listener, lines_for
from examples.sales.web.fleet import Fleet, Running
from examples.sales.web.pages.folder import drawing_of
from examples.sales.web.security import TOKEN_HEADER, Guard, Protection
from examples.sales.web.switch import DELAYS
from examples.sales.web.watch import LOOK_INTERVAL_S, FolderWatch

LOADING = "loading"


class Overview:
    """What the launcher shows, and tells the pages that show it."""

    def __init__(self, fleet: Fleet, protection: Protection) -> None:
        self._fleet = fleet
        self._watch = FolderWatch(f"folder:{fleet.place.folder}")
        self._listeners: set[Listener] = set()
        self._templates = templates_of()
        self._templates.globals |= {"csrf_header": TOKEN_HEADER, "token": protection.token, "delays": DELAYS}
        for name, desk in fleet.desks.items():
            desk.on_change = partial(self._tell, desk_event(name))
        if fleet.loading is not None:
            fleet.loading.on_change = partial(self._tell, LOADING)
        self.app = Starlette(
            routes=[
                Route("/", self._show),
                Route("/events", self._events),
                Route("/folder", self._folder),
                Route("/loading", self._loading),
                Route("/desks/{name}", self._head),
                Route("/desks/{name}/veil", self._veil),
                Route("/desks/{name}/offline", self._offline, methods=["POST"]),
                Route("/desks/{name}/slow", self._slow, methods=["POST"]),
                Route("/desks/{name}/start", self._start, methods=["POST"]),
                Mount("/static", StaticFiles(directory=HERE / "static")),
            ],
            middleware=[Middleware(Guard, protection=protection)],
            exception_handlers={404: self._nowhere},
        )

    async def run(self) -> None:
        """Look into the folder for as long as the launcher runs, whenever somebody looks at its picture."""
        while True:
            if any(listener.is_at_folder for listener in self._listeners) and await self._watch.look():
                self._tell(FOLDER)
            await asyncio.sleep(LOOK_INTERVAL_S)

    async def stream(self, *, is_at_folder: bool = False) -> AsyncIterator[str]:
        """Yield the lines of an event stream for the pages of a browser, until it is closed."""
        listener = Listener(is_at_folder)
        self._listeners.add(listener)
        try:
            async for lines in lines_for(listener):
                yield lines
        finally:
            self._listeners.discard(listener)

    def _tell(self, name: str) -> None:
        for listener in self._listeners:
            if name != FOLDER or listener.is_at_folder:
                listener.tell(name)

    async def _events(self, request: Request) -> Response:
        lines = self.stream(is_at_folder="folder" in request.query_params)
        return StreamingResponse(lines, media_type="text/event-stream")

    async def _show(self, request: Request) -> Response:
        desks = self._fleet.desks
        alone = request.query_params.get("only", "")
        shown = [desks[alone]] if alone in desks else list(desks.values())
        return self._page(
            "overview.html",
            desks=shown,
            names=list(desks),
            alone=alone if alone in desks else "",
            loading=self._fleet.loading,
        )

    async def _folder(self, request: Request) -> Response:
        await self._watch.look()
        is_part = request.headers.get("HX-Target") == "folder"
        return self._page(
            "folder_picture.html" if is_part else "overview_folder.html",
            drawing=drawing_of(self._watch, at=self._at),
            problem=self._watch.problem,
            is_cut_off=False,
            delay="",
            changes=(),
            peers=(),
        )

    async def _loading(self, _: Request) -> Response:
        return self._page("overview_loading.html", loading=self._fleet.loading)

    async def _nowhere(self, _request: Request, _error: Exception) -> Response:
        return self._page("overview_nowhere.html", status_code=404)

    async def _head(self, request: Request) -> Response:
        return self._part(request, "overview_head.html")

    async def _veil(self, request: Request) -> Response:
        return self._part(request, "overview_veil.html")

    async def _offline(self, request: Request) -> Response:
        desk = self._desk(request)
        if desk is not None:
            await desk.switch()
        return self._part(request, "overview_head.html")

    async def _slow(self, request: Request) -> Response:
        chosen = str((await request.form()).get("delay_s", ""))
        if chosen not in DELAYS:
            return PlainTextResponse("There is no such delay.", status_code=422)
        desk = self._desk(request)
        if desk is not None:
            await desk.slow_down(chosen)
            desk.delay_s = float(chosen)
        return self._part(request, "overview_head.html")

    async def _start(self, request: Request) -> Response:
        desk = self._desk(request)
        if desk is not None:
            await desk.start()
        return self._part(request, "overview_veil.html")

    def _desk(self, request: Request) -> Running | None:
        return self._fleet.desks.get(request.path_params["name"])

    def _part(self, request: Request, template: str) -> Response:
        desk = self._desk(request)
        if desk is None:
            return PlainTextResponse("There is no such workstation.", status_code=404)
        return self._page(template, desk=desk)

    def _at(self, at_ms: int) -> str:
        moment = dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).astimezone()
        return format_datetime(moment, format="short", locale=self._fleet.place.locale)

    def _page(self, name: str, *, status_code: int = 200, **values: Any) -> Response:
        return HTMLResponse(self._templates.get_template(name).render(**values), status_code=status_code)


def desk_event(name: str) -> str:
    """Return the event that says a workstation's process is not as it was."""
    return f"desk-{name}"
