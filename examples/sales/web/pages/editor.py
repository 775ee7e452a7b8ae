"""The editor of a quote or a sale: every field is a change of its own, written when the field is left."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crdtsync import Conflict, Item
from examples.sales.catalogue import STANDARD_CHARGES, choices_of
from examples.sales.model import Charge, Customer, Deal, Line, Product
from examples.sales.price_lock import written_past_lock
from examples.sales.pricing import charge_amount, unit_price
from examples.sales.web.desk import Desk
from examples.sales.web.fields import (
    CHARGE_FIELDS,
    DEAL_FIELDS,
    LINE_FIELDS,
    OPTION_FIELDS,
    PRICE_FIELDS,
    Field,
)
from examples.sales.web.flow import flow_of
from examples.sales.web.marks import Mark, Marks, marks_of
from examples.sales.web.money import money_of
from examples.sales.web.pages.cells import Cell, Spot, cell_of, known_field, save_cell
from examples.sales.web.pages.centers import CENTERS
from examples.sales.web.pages.deals import mark_along, milestones_of
from examples.sales.web.pages.offers import Warnings, is_open, products_of, warnings_of
from examples.sales.web.pages.routing import going_on_at, route_in
from examples.sales.web.pages.texts import save_text
from examples.sales.web.posted import form_of, given

DIGEST_CHARS = 12
"""Of a row: so long that no two rows of a page are taken for each other."""
CUSTOMER = "customer_name"
"""The field that is picked from the customers, and not only written."""
PRICE = "price"
"""The value of a line that can be locked."""
_SAVED_OF_LINE = {**LINE_FIELDS, **OPTION_FIELDS, **PRICE_FIELDS}


@dataclass(frozen=True, slots=True)
class Details:
    """What a line shows when it is opened."""

    options: tuple[Cell, ...]
    prices: tuple[Cell, ...]
    choices: Mapping[str, tuple[str, ...]]
    """What the catalogue offers for an option, by the key of its cell."""
    product: Product | None
    price_list_version: str
    computed_at_ms: int


@dataclass(frozen=True, slots=True)
class Row:
    """A line of goods on the page."""

    id: str
    number: int
    name: str
    """What a person calls it."""
    cells: tuple[Cell, ...]
    amount: str
    is_disputed: bool
    mark: Mark | None
    """Who moved or added it elsewhere since the page was opened."""
    details: Details | None
    warnings: Warnings
    """What the catalogue says of it by now."""
    digest: str = ""
    """Of all that is shown of it but its place; empty for one that is always sent."""
    is_known: bool = False
    """Whether the page that asks shows it as it is."""


@dataclass(frozen=True, slots=True)
class Extra:
    """A charge on the page."""

    id: str
    name: str
    cells: tuple[Cell, ...]
    amount: str


@dataclass(frozen=True, slots=True)
class Undo:
    """What takes back what was just done."""

    address: str
    label: str = "Undo"


class EditorPages:
    """Shows one document and writes what is changed in it."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        return [
            route
            for name in CENTERS
            for route in (
                route_in(name, "/{id}", self.show),
                route_in(name, "/{id}/fields/{field}", self.save, "POST"),
                route_in(name, "/{id}/lines/{line}/fields/{field}", self.save_line, "POST"),
                route_in(name, "/{id}/charges/{charge}/fields/{field}", self.save_charge, "POST"),
                route_in(name, "/{id}/notes", self.save_notes, "POST"),
                route_in(name, "/{id}/mark", self.mark, "POST"),
                route_in(name, "/{id}/price-lock", self.lock_prices, "POST"),
            )
        ]

    async def show(self, request: Request) -> Response:
        """Show the editor; for htmx the part that follows the document."""
        is_part = request.headers.get("HX-Target") == "deal"
        return await self._page(request, "editor_deal.html" if is_part else "editor.html")

    async def save(self, request: Request) -> Response:
        """Write one field of the document, and show that field as it is then."""
        return await self._save(
            request, spot_of(request), known_field(DEAL_FIELDS, request.path_params["field"])
        )

    async def save_line(self, request: Request) -> Response:
        """Write one field of a line, and show that field as it is then."""
        spot = spot_of(request).of("lines", request.path_params["line"])
        return await self._save(request, spot, known_field(_SAVED_OF_LINE, request.path_params["field"]))

    async def save_charge(self, request: Request) -> Response:
        """Write one field of a charge, and show that field as it is then."""
        spot = spot_of(request).of("charges", request.path_params["charge"])
        return await self._save(request, spot, known_field(CHARGE_FIELDS, request.path_params["field"]))

    async def save_notes(self, request: Request) -> Response:
        """Write the notes; what others wrote into them meanwhile stays."""
        spot = spot_of(request)
        refused = await save_text(self._desk, request, spot.cls, spot.document, "notes")
        return await self._page(request, "editor_notes.html", refused=refused)

    async def mark(self, request: Request) -> Response:
        """Mark the document for sync, so that it is given its number."""
        deal_id = request.path_params["id"]
        await self._desk.replica.mark_for_sync(deal_id)
        await mark_along(self._desk, deal_id, deal_id)
        return await self._page(request, "editor_deal.html")

    async def lock_prices(self, request: Request) -> Response:
        """Lock the prices, so that nobody changes them, or unlock them: what the form asks for."""
        spot, is_locked = spot_of(request), given(await form_of(request), "locked") == "yes"
        label = "prices locked" if is_locked else "prices unlocked"
        async with self._desk.replica.edit(spot.cls, spot.document, label=label) as deal:
            if deal.price_locked != is_locked:
                deal.price_locked = is_locked
        return await self.done(
            request, "The prices are locked." if is_locked else "The prices can be changed."
        )

    async def done(
        self, request: Request, told: str, *, undo: Undo | None = None, opened_line: str = "", focus: str = ""
    ) -> Response:
        """Answer something that was done to the document: the document as it is then, and what was done.

        `opened_line` is shown with its details, and what has the id `focus` gets the focus.
        """
        answer = await self._page(
            request, "editor_done.html", opened_line=opened_line, told=told, undo=undo, is_beside=True
        )
        return going_on_at(answer, focus)

    async def _save(self, request: Request, spot: Spot[Deal], field: Field) -> Response:
        refusal = _why_no_price if field.conflict_path == PRICE else None
        deal, cell = await save_cell(self._desk, request, spot, field, refusal=refusal)
        cell = fixed(cell, deal)
        template = "editor_customer_saved.html" if field.name == CUSTOMER else "editor_saved.html"
        return self._desk.page(
            request,
            template,
            cell=cell,
            deal=deal,
            name=request.path_params["center"],
            is_column=spot.list_name == "lines" and field.name in LINE_FIELDS,
            totals=deal.totals,
            known_customer=await self._desk.replica.get_or_none(Customer, deal.customer),
        )

    async def _page(
        self, request: Request, template: str, *, opened_line: str = "", **values: Any
    ) -> Response:
        spot, replica = spot_of(request), self._desk.replica
        deal: Deal = await replica.get(spot.cls, spot.document)
        spot = spot.seen_in(deal)
        conflicts = await replica.conflicts(deal.id)
        history = await replica.history(deal.id)
        marks = await marks_of(self._desk, request, deal.id, history)
        item: Item = await replica.item(deal.id)
        opened = await _opened_lines(request) | ({opened_line} if opened_line else set())
        known = await _known_rows(request)
        products = await products_of(replica, deal)
        lock = self._desk.lock_of(item)
        rows = [
            _compared(self._row(spot, number, deal, line, products, conflicts, marks, opened), known, lock)
            for number, line in enumerate(deal.lines, 1)
        ]
        name = request.path_params["center"]
        return self._desk.page(
            request,
            template,
            name=name,
            center=CENTERS[name],
            deal=deal,
            totals=deal.totals,
            notes=str(deal.notes),
            marks=marks,
            standard_charges=list(STANDARD_CHARGES),
            customer_cell=cell_of(self._desk, spot, deal, DEAL_FIELDS[CUSTOMER], conflicts, marks),
            known_customer=await replica.get_or_none(Customer, deal.customer),
            cells=[
                cell_of(self._desk, spot, deal, field, conflicts, marks)
                for field in DEAL_FIELDS.values()
                if field.name != CUSTOMER
            ],
            columns=list(LINE_FIELDS.values()),
            rows=rows,
            choices=sorted(pair for row in rows if row.details for pair in row.details.choices.items()),
            removed_lines=deal.lines.removed,
            extras=[self._extra(spot, deal, charge, conflicts, marks) for charge in deal.charges],
            removed_charges=deal.charges.removed,
            item=item,
            lock=lock,
            past_lock=await written_past_lock(replica, deal, history),
            undecided=sum(conflict.needs_decision for conflict in conflicts),
            last=history[-1] if history else None,
            flow=await flow_of(self._desk, deal),
            money=await money_of(self._desk, deal),
            milestones=milestones_of(self._desk, deal),
            **values,
        )

    def _row(
        self,
        spot: Spot[Deal],
        number: int,
        deal: Deal,
        line: Line,
        products: Mapping[str, Product],
        conflicts: list[Conflict],
        marks: Marks,
        opened: set[str],
    ) -> Row:
        place, product = spot.of("lines", line.id), products.get(line.item.product or "")
        return Row(
            line.id,
            number,
            line.description or f"line {number}",
            tuple(
                fixed(cell_of(self._desk, place, line, field, conflicts, marks), deal)
                for field in LINE_FIELDS.values()
            ),
            self._desk.forms.money_shown(unit_price(line.price) * line.quantity),
            any(conflict.path == f"lines/{line.id}" for conflict in conflicts),
            marks.by_path.get(f"lines/{line.id}"),
            self._details(place, deal, line, product, conflicts, marks) if line.id in opened else None,
            warnings_of(self._desk.forms, deal, line, product) if is_open(deal) else Warnings(),
        )

    def _details(
        self,
        place: Spot[Deal],
        deal: Deal,
        line: Line,
        product: Product | None,
        conflicts: list[Conflict],
        marks: Marks,
    ) -> Details:
        choices = {} if product is None else choices_of(product, line)
        computed_at = line.price.computed_at
        return Details(
            tuple(
                cell_of(self._desk, place, line, field, conflicts, marks) for field in OPTION_FIELDS.values()
            ),
            tuple(
                fixed(cell_of(self._desk, place, line, field, conflicts, marks), deal)
                for field in PRICE_FIELDS.values()
            ),
            {
                place.key(OPTION_FIELDS[name]): found
                for name, found in choices.items()
                if name in OPTION_FIELDS
            },
            product,
            line.price.price_list_version,
            0 if computed_at is None else int(computed_at.timestamp() * 1_000),
        )

    def _extra(
        self, spot: Spot[Deal], deal: Deal, charge: Charge, conflicts: list[Conflict], marks: Marks
    ) -> Extra:
        place = spot.of("charges", charge.id)
        pieces = sum(line.quantity for line in deal.lines)
        return Extra(
            charge.id,
            charge.name,
            tuple(
                cell_of(self._desk, place, charge, field, conflicts, marks)
                for field in CHARGE_FIELDS.values()
            ),
            self._desk.forms.money_shown(charge_amount(charge.rate, deal.totals.goods, pieces)),
        )


def spot_of(request: Request) -> Spot[Deal]:
    """Return which document a request is about."""
    name, identity = request.path_params["center"], request.path_params["id"]
    return Spot(f"/{name}/{identity}", CENTERS[name].cls, identity)


async def _known_rows(request: Request) -> set[str]:
    """Return the digests of the rows that the page shows: what it has need not be sent and merged again."""
    form, query = await request.form(), request.query_params
    given = str(form.get("have", query.get("have", "")))
    return {given[at : at + DIGEST_CHARS] for at in range(0, len(given), DIGEST_CHARS)}


def fixed(cell: Cell, deal: Deal) -> Cell:
    """Return a cell as one that cannot be changed, if it is a price and the prices are locked."""
    return replace(cell, is_fixed=True) if deal.price_locked and cell.field.conflict_path == PRICE else cell


def _why_no_price(deal: Deal) -> str:
    return "The prices are locked: unlock them to change one." if deal.price_locked else ""


def _compared(row: Row, known: set[str], lock: str) -> Row:
    if row.details is not None:
        return row
    cells = (cell.content for cell in row.cells)
    content = (row.id, row.amount, row.is_disputed, row.mark, row.warnings, bool(lock), *cells)
    digest = hashlib.blake2b(repr(content).encode(), digest_size=DIGEST_CHARS // 2).hexdigest()
    return replace(row, digest=digest, is_known=digest in known)


async def _opened_lines(request: Request) -> set[str]:
    """Return the lines that show their details: the page tells which do, and which of them is to change."""
    form, query = await request.form(), request.query_params
    opened = {str(line) for line in (*form.getlist("open"), *query.getlist("open"))}
    return opened ^ {str(line) for line in query.getlist("toggle")}
