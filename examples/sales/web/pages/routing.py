"""What the pages of deals have in common: their addresses, and how a person is led from one to another."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from crdtsync import Document

Handler = Callable[[Request], Awaitable[Response]]


def route_in(center: str, path: str, handler: Handler, method: str = "GET") -> Route:
    """Return the route of a page of the documents of a center; the handler finds its name in the path."""

    async def handle(request: Request) -> Response:
        request.scope["path_params"] = {**request.path_params, "center": center}
        return await handler(request)

    return Route(f"/{center}{path}", handle, methods=[method])


def go_to(request: Request, address: str) -> Response:
    """Lead a person to another page of this workstation."""
    if request.headers.get("HX-Request") == "true":
        return Response(headers={"HX-Redirect": address})
    return RedirectResponse(address, status_code=303)


def going_on_at(answer: Response, focus: str) -> Response:
    """Return an answer after which the focus is on what has that id, unless its person has gone on by then."""
    if focus:
        answer.headers["X-Focus-On"] = focus
    return answer


def title_of(document: Document) -> str:
    """Return the number a person calls a document by."""
    return document.number or document.reference or "(no number)"
