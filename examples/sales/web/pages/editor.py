"""The editor of a quote or a sale: every field is a change of its own, written when the field is left."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from crdtsync import Conflict, Item
from crdtsync.errors import DocumentNotFoundError, ValidationError
from examples.sales.model import Deal, Line
from examples.sales.pricing import ZERO, Price, unit_price
from examples.sales.web.desk import Desk
from examples.sales.web.fields import DEAL_FIELDS, LINE_FIELDS, Field
from examples.sales.web.forms import InputError
from examples.sales.web.pages.centers import CENTERS
from examples.sales.web.texts import carried_over

NOTES_CHARS_MAX = 20_000


@dataclass(frozen=True, slots=True)
class Cell:
    """One field as it is on the page."""

    key: str
    """Its id on the page."""
    address: str
    """Where it is saved."""
    field: Field
    typed: str
    """What is in it."""
    seen: str
    """What was written in the document when the page was made: a person has seen this and nothing newer."""
    error: str = ""
    notice: str = ""
    is_disputed: bool = False
    """Whether two people have written it without knowing of each other."""


@dataclass(frozen=True, slots=True)
class Row:
    """A line of goods on the page."""

    id: str
    number: int
    cells: tuple[Cell, ...]
    amount: str
    is_disputed: bool


class EditorPages:
    """Shows one document and writes what is changed in it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request) -> Response:
        """Show the editor; for htmx the part that follows the document."""
        is_part = request.headers.get("HX-Target") == "deal"
        return await self._page(request, "editor_deal.html" if is_part else "editor.html")

    async def save(self, request: Request) -> Response:
        """Write one field of the document, and show that field as it is then."""
        field = DEAL_FIELDS[_known(request.path_params["field"], DEAL_FIELDS)]
        return await self._save(request, field, line_id="")

    async def save_line(self, request: Request) -> Response:
        """Write one field of a line, and show that field as it is then."""
        field = LINE_FIELDS[_known(request.path_params["field"], LINE_FIELDS)]
        return await self._save(request, field, line_id=request.path_params["line"])

    async def save_notes(self, request: Request) -> Response:
        """Write the notes; what others wrote into them meanwhile stays."""
        form = await request.form()
        typed = str(form.get("value", "")).replace("\r\n", "\n")[:NOTES_CHARS_MAX]
        seen = str(form.get("seen", "")).replace("\r\n", "\n")
        async with self._desk.replica.edit(
            self._cls(request), request.path_params["id"], label="notes"
        ) as deal:
            deal.notes.set(carried_over(seen, typed, str(deal.notes)))
        return await self._page(request, "editor_notes.html")

    async def add_line(self, request: Request) -> Response:
        """Put an empty line at the end."""
        async with self._desk.replica.edit(
            self._cls(request), request.path_params["id"], label="line added"
        ) as deal:
            deal.lines.add(Line(price=Price(ZERO)))
        return await self._page(request, "editor_deal.html")

    async def remove_line(self, request: Request) -> Response:
        """Take a line out; that it is gone already is what was wanted."""
        line_id = request.path_params["line"]
        async with self._desk.replica.edit(
            self._cls(request), request.path_params["id"], label="line removed"
        ) as deal:
            if line_id in deal.lines:
                deal.lines.remove(line_id)
        return await self._page(request, "editor_deal.html")

    async def mark(self, request: Request) -> Response:
        """Mark the document for sync, so that it is given its number."""
        await self._desk.replica.mark_for_sync(request.path_params["id"])
        return await self._page(request, "editor_deal.html")

    def _cls(self, request: Request) -> type[Deal]:
        return CENTERS[request.path_params["center"]].cls

    async def _save(self, request: Request, field: Field, *, line_id: str) -> Response:
        form = await request.form()
        typed, seen = str(form.get("value", "")), str(form.get("seen", ""))
        forms, replica = self._desk.forms, self._desk.replica
        deal_id, cls = request.path_params["id"], self._cls(request)
        notice = ""
        try:
            value = field.parse(forms, typed)
            label = f"line: {field.label.lower()}" if line_id else field.label.lower()
            async with replica.edit(cls, deal_id, label=label) as draft:
                owner: Any = draft.lines[line_id] if line_id else draft
                # What nobody changed is no change: it would stand against what another writes meanwhile.
                if field.read(owner) != value:
                    current = field.show(forms, owner)
                    if current != seen:
                        notice = f"Somebody else wrote {current!r} here meanwhile; yours is in its place."
                    field.assign(owner, value)
        except (InputError, ValidationError) as error:
            deal = await replica.get(cls, deal_id)
            address = _address(request.path_params["center"], deal_id, line_id, field)
            cell = Cell(_key(line_id, field), address, field, typed, seen, error=_told(error))
            return self._desk.page(request, "editor_saved.html", cell=cell, deal=deal, totals=deal.totals)
        deal = await replica.get(cls, deal_id)
        conflicts = await replica.conflicts(deal_id)
        shown: Any = deal.lines[line_id] if line_id else deal
        cell = self._cell(request.path_params["center"], deal_id, shown, line_id, field, conflicts, notice)
        return self._desk.page(request, "editor_saved.html", cell=cell, deal=deal, totals=deal.totals)

    async def _page(self, request: Request, template: str) -> Response:
        name = request.path_params["center"]
        replica = self._desk.replica
        deal = await replica.get(self._cls(request), request.path_params["id"])
        conflicts = await replica.conflicts(deal.id)
        history = await replica.history(deal.id)
        item: Item = await replica.item(deal.id)
        return self._desk.page(
            request,
            template,
            name=name,
            center=CENTERS[name],
            deal=deal,
            totals=deal.totals,
            notes=str(deal.notes),
            cells=[self._cell(name, deal.id, deal, "", field, conflicts) for field in DEAL_FIELDS.values()],
            columns=list(LINE_FIELDS.values()),
            rows=[self._row(name, deal.id, n, line, conflicts) for n, line in enumerate(deal.lines, 1)],
            item=item,
            undecided=sum(conflict.needs_decision for conflict in conflicts),
            last=history[-1] if history else None,
        )

    def _row(self, name: str, deal_id: str, number: int, line: Line, conflicts: list[Conflict]) -> Row:
        return Row(
            line.id,
            number,
            tuple(
                self._cell(name, deal_id, line, line.id, field, conflicts) for field in LINE_FIELDS.values()
            ),
            self._desk.forms.money_shown(unit_price(line.price) * line.quantity),
            any(conflict.path == f"lines/{line.id}" for conflict in conflicts),
        )

    def _cell(
        self,
        name: str,
        deal_id: str,
        owner: Any,
        line_id: str,
        field: Field,
        conflicts: list[Conflict],
        notice: str = "",
    ) -> Cell:
        shown = field.show(self._desk.forms, owner)
        path = f"lines/{line_id}/{field.conflict_path}" if line_id else field.conflict_path
        return Cell(
            _key(line_id, field),
            _address(name, deal_id, line_id, field),
            field,
            shown,
            shown,
            notice=notice,
            is_disputed=any(conflict.path == path and conflict.needs_decision for conflict in conflicts),
        )


def _key(line_id: str, field: Field) -> str:
    return f"line-{line_id}-{field.name}" if line_id else f"field-{field.name}"


def _address(name: str, deal_id: str, line_id: str, field: Field) -> str:
    middle = f"/lines/{line_id}" if line_id else ""
    return f"/{name}/{deal_id}{middle}/fields/{field.name}"


def _known(name: str, fields: Any) -> str:
    if name not in fields:
        raise DocumentNotFoundError(f"there is no field {name!r:.80}")
    return name


def _told(error: Exception) -> str:
    return str(error).removesuffix(".") + "."
