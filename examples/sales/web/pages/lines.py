"""The lines and charges of a quote or a sale: put in, copied, moved, taken out and put back, calculated again."""

import datetime as dt

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from examples.sales.catalogue import STANDARD_CHARGES, line_of, recalculated
from examples.sales.model import Charge, Deal, Line, Product
from examples.sales.pricing import ZERO, Price, unit_price
from examples.sales.web.desk import Desk
from examples.sales.web.isolating import isolated
from examples.sales.web.pages.centers import CENTERS
from examples.sales.web.pages.editor import EditorPages, Undo, spot_of
from examples.sales.web.pages.routing import route_in


class LinePages:
    """Does to the lines and charges of one document what a person asks for."""

    def __init__(self, desk: Desk, editor: EditorPages) -> None:
        self._desk = desk
        self._editor = editor

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        line, charge = "/{id}/lines/{line}", "/{id}/charges/{charge}"
        return [
            route_in(name, path, handler, "POST")
            for name in CENTERS
            for path, handler in (
                ("/{id}/lines", self.add),
                (f"{line}/remove", self.remove),
                (f"{line}/restore", self.restore),
                (f"{line}/duplicate", self.duplicate),
                (f"{line}/move", self.move),
                (f"{line}/recalculate", self.recalculate),
                ("/{id}/charges", self.add_charge),
                (f"{charge}/remove", self.remove_charge),
                (f"{charge}/restore", self.restore_charge),
            )
        ]

    async def add(self, request: Request) -> Response:
        """Put a line at the end: of a product of the catalogue, or an empty one."""
        spot, chosen = spot_of(request), str((await request.form()).get("product", ""))
        line = Line(price=Price(ZERO))
        if chosen:
            line = line_of(await self._desk.replica.get(Product, chosen), computed_at=self._now())
        label = f"line added: {line.description}" if chosen else "line added"
        async with self._desk.replica.edit(spot.cls, spot.document, label=label) as deal:
            added = deal.lines.add(line).id
        if not chosen:
            return await self._editor.done(request, "A line was added.", focus=f"line-{added}-room-value")
        return await self._editor.done(
            request,
            f"{isolated(line.description)} was added.",
            opened_line=added,
            focus=f"line-{added}-room-value",
        )

    async def remove(self, request: Request) -> Response:
        """Take a line out; that it is gone already is what was wanted."""
        spot, line_id = spot_of(request), request.path_params["line"]
        name = ""
        async with self._desk.replica.edit(spot.cls, spot.document, label="line removed") as deal:
            if line_id in deal.lines:
                name = _name_of(deal, line_id)
                deal.lines.remove(line_id)
        undo = Undo(f"{spot.address}/lines/{line_id}/restore")
        return await self._editor.done(
            request,
            f"{name} was taken out." if name else "It was taken out already.",
            undo=undo,
            focus="undo",
        )

    async def restore(self, request: Request) -> Response:
        """Put a line back where it was."""
        spot, line_id = spot_of(request), request.path_params["line"]
        async with self._desk.replica.edit(spot.cls, spot.document, label="line put back") as deal:
            deal.lines.restore(line_id)
            name = _name_of(deal, line_id)
        return await self._editor.done(request, f"{name} was put back.", focus=f"line-{line_id}-grip")

    async def duplicate(self, request: Request) -> Response:
        """Put a copy of a line below it."""
        spot, line_id = spot_of(request), request.path_params["line"]
        async with self._desk.replica.edit(spot.cls, spot.document, label="line copied") as deal:
            name = _name_of(deal, line_id)
            place = _place_of(deal, line_id)
            copied = deal.lines.add(deal.lines[line_id].copy(), index=place + 1).id
        return await self._editor.done(request, f"{name} was copied.", focus=f"line-{copied}-room-value")

    async def move(self, request: Request) -> Response:
        """Move a line by some places, or before another one; before nothing is to the end.

        It is put beside the lines that its mover saw there, wherever those are by now.
        """
        spot, line_id, form = spot_of(request), request.path_params["line"], await request.form()
        step = {"-1": -1, "1": 1}.get(str(form.get("step", "")), 0)
        before = str(form.get("before", ""))
        async with self._desk.replica.edit(spot.cls, spot.document, label="line moved") as deal:
            place = _place_of(deal, line_id)
            if step:
                place = max(0, min(place + step, len(deal.lines) - 1))
            else:
                others = [line.id for line in deal.lines if line.id != line_id]
                # Where the line it was put before is gone, it stays where it is.
                place = others.index(before) if before in others else place if before else len(others)
            deal.lines.move(line_id, place)
            told = f"{_name_of(deal, line_id)} is now line {place + 1} of {len(deal.lines)}."
        return await self._editor.done(request, told)

    async def recalculate(self, request: Request) -> Response:
        """Give a line the price that the catalogue asks now."""
        spot, line_id = spot_of(request), request.path_params["line"]
        deal: Deal = await self._desk.replica.get(spot.cls, spot.document)
        found = deal.lines[line_id].item.product
        product = None if found is None else await self._desk.replica.get_or_none(Product, found)
        if product is None:
            return await self._editor.done(request, "It is not in the catalogue: its price stays as it is.")
        told, shown = "The prices of this document are locked.", self._desk.forms.money_shown
        async with self._desk.replica.edit(
            spot.cls, spot.document, label="line: price calculated again"
        ) as deal:
            # Asked here, and not before: somebody may have locked them meanwhile.
            if not deal.price_locked:
                line = deal.lines[line_id]
                before, line.price = line.price, recalculated(line, product, computed_at=self._now())
                prices = f"{shown(unit_price(before))} before, {shown(unit_price(line.price))} now"
                told = f"{_name_of(deal, line_id)}: {prices}."
        return await self._editor.done(request, told)

    async def add_charge(self, request: Request) -> Response:
        """Put a charge at the end."""
        spot, name = spot_of(request), str((await request.form()).get("charge", ""))
        rate = STANDARD_CHARGES.get(name)
        if rate is None:
            name, rate = "Other", STANDARD_CHARGES["Other"]
        async with self._desk.replica.edit(spot.cls, spot.document, label=f"charge added: {name}") as deal:
            added = deal.charges.add(Charge(name=name, rate=rate)).id
        return await self._editor.done(request, f"{name} was added.", focus=f"charge-{added}-value-value")

    async def remove_charge(self, request: Request) -> Response:
        """Take a charge out; that it is gone already is what was wanted."""
        spot, charge_id = spot_of(request), request.path_params["charge"]
        name = "It"
        async with self._desk.replica.edit(spot.cls, spot.document, label="charge removed") as deal:
            if charge_id in deal.charges:
                name = isolated(deal.charges[charge_id].name)
                deal.charges.remove(charge_id)
        undo = Undo(f"{spot.address}/charges/{charge_id}/restore")
        return await self._editor.done(request, f"{name} was taken out.", undo=undo, focus="undo")

    async def restore_charge(self, request: Request) -> Response:
        """Put a charge back where it was."""
        spot, charge_id = spot_of(request), request.path_params["charge"]
        async with self._desk.replica.edit(spot.cls, spot.document, label="charge put back") as deal:
            name = isolated(deal.charges.restore(charge_id).name)
        return await self._editor.done(
            request, f"{name} was put back.", focus=f"charge-{charge_id}-value-value"
        )

    def _now(self) -> dt.datetime:
        return dt.datetime.fromtimestamp(self._desk.now_ms() // 1_000, dt.UTC)


def _place_of(deal: Deal, line_id: str) -> int:
    """Return where a line is, from 0. Raises `DocumentNotFoundError` if it is not there."""
    return [line.id for line in deal.lines].index(deal.lines[line_id].id)


def _name_of(deal: Deal, line_id: str) -> str:
    return isolated(deal.lines[line_id].description) or f"Line {_place_of(deal, line_id) + 1}"
