"""Items to Sync: what was made here and is not on the main system yet, where it stands, and why it waits."""

from starlette.requests import Request
from starlette.responses import Response

from crdtsync import ItemStatus
from examples.sales.web.desk import Desk
from examples.sales.web.pages.centers import CENTERS
from examples.sales.web.posted import form_of

CENTER_OF_KIND = {center.kind: name for name, center in CENTERS.items()} | {
    "purchase_order": "purchase-orders"
}


PAGE_SIZE = 100


class ItemPages:
    """Shows Items to Sync, marks and resets."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request) -> Response:
        """Show a page of the list; for htmx the list only."""
        return await self._page(request, request.query_params.get("page", ""))

    async def mark(self, request: Request) -> Response:
        """Mark the chosen ones, or all."""
        form = await form_of(request)
        chosen = [str(identity) for identity in form.getlist("item")]
        if form.get("all"):
            # Also those on the other pages.
            chosen = [item.document for item in await self._desk.replica.items()]
        count = await self._desk.replica.mark_for_sync(*chosen)
        told = "Nothing was chosen." if not chosen else f"{count} marked for sync."
        return await self._page(request, str(form.get("page", "")), told)

    async def reset(self, request: Request) -> Response:
        """Take back the marks of the chosen ones."""
        form = await form_of(request)
        chosen = [str(identity) for identity in form.getlist("item")]
        count = await self._desk.replica.reset_sync(*chosen)
        told = "Nothing was chosen." if not chosen else f"{count} reset."
        return await self._page(request, str(form.get("page", "")), told)

    async def _page(self, request: Request, page: str, told: str = "") -> Response:
        found = await self._desk.replica.items()
        pages = max(1, -(-len(found) // PAGE_SIZE))
        number = min(pages, max(1, int(page)) if page.isdecimal() and len(page) < 8 else 1)
        items = found[(number - 1) * PAGE_SIZE : number * PAGE_SIZE]
        is_part = request.headers.get("HX-Target") == "items"
        return self._desk.page(
            request,
            "items_list.html" if is_part else "items.html",
            items=items,
            number=number,
            pages=pages,
            count=len(found),
            unmarked=sum(item.state.status is ItemStatus.DRAFT for item in found),
            is_office=self._desk.replica.role == "office",
            told=told,
            addresses={
                item.document: f"/{CENTER_OF_KIND[item.kind]}/{item.document}"
                for item in items
                if item.kind in CENTER_OF_KIND
            },
        )
