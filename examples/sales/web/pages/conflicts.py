"""Conflicts: what people wrote without knowing of each other, side by side, settled with one click."""

import json
from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from crdtsync import Conflict
from examples.sales.web.desk import Desk
from examples.sales.web.pages.items import CENTER_OF_KIND


@dataclass(frozen=True, slots=True)
class Choice:
    """One of the values."""

    index: int
    text: str
    by: str
    at_ms: int
    is_shown: bool
    raw: str
    is_removal: bool


@dataclass(frozen=True, slots=True)
class Dispute:
    """One conflict on the page."""

    document: str
    address: str
    title: str
    field: str
    path: str
    choices: tuple[Choice, ...]


class ConflictPages:
    """Shows what waits for a decision, and takes it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request) -> Response:
        """Show the list; for htmx the list only."""
        return await self._page(request)

    async def settle(self, request: Request) -> Response:
        """Keep one value, if the conflict is still the one that was shown."""
        form = await request.form()
        document, path, raw = (str(form.get(name, "")) for name in ("document", "path", "raw"))
        for conflict in await self._desk.replica.conflicts(document):
            if conflict.path != path:
                continue
            for index, value in enumerate(conflict.values):
                if value.raw == raw and str(value.is_removal) == str(form.get("is_removal", "False")):
                    await self._desk.replica.resolve(conflict, index, label="settled")
                    return await self._page(request, "Settled.")
        return await self._page(request, "That is not in conflict any more.")

    async def _page(self, request: Request, told: str = "") -> Response:
        waiting = [c for c in await self._desk.replica.conflicts() if c.needs_decision]
        is_part = request.headers.get("HX-Target") == "conflicts"
        return self._desk.page(
            request,
            "conflicts_list.html" if is_part else "conflicts.html",
            disputes=[await self._dispute(conflict) for conflict in waiting],
            told=told,
        )

    async def _dispute(self, conflict: Conflict) -> Dispute:
        cls = self._desk.replica.document_class(conflict.kind)
        document = await self._desk.replica.get(cls, conflict.document)
        name = CENTER_OF_KIND.get(conflict.kind)
        return Dispute(
            conflict.document,
            f"/{name}/{conflict.document}" if name else "",
            document.number or document.reference or conflict.kind,
            _field(document, conflict.path),
            conflict.path,
            tuple(
                Choice(
                    index,
                    "removed"
                    if value.is_removal
                    else "kept"
                    if conflict.reason == "removal"
                    else _text(value.raw),
                    f"{value.author or 'somebody'} ({value.replica})",
                    value.at_ms,
                    index == conflict.shown,
                    value.raw,
                    value.is_removal,
                )
                for index, value in enumerate(conflict.values)
            ),
        )


def _field(document: Any, path: str) -> str:
    """Name a field as a person does: the line by its place, and what it is of it."""
    parts = path.split("/")
    if len(parts) == 1:
        return parts[0].replace("_", " ")
    places = [line.id for line in getattr(document, parts[0])]
    line = f"line {places.index(parts[1]) + 1}" if parts[1] in places else "a removed line"
    return ": ".join([line, *(part.replace("_", " ") for part in parts[2:])])


def _text(raw: str) -> str:
    """Show a value as far as that can be done without its type."""
    value = json.loads(raw)
    if isinstance(value, dict):
        return ", ".join(
            f"{key.replace('_', ' ')} {part}" for key, part in value.items() if part not in ("", None, [])
        )
    return "nothing" if value in ("", None) else str(value)
