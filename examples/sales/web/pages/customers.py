"""The customers: found while they are typed, made in place, and each on a page of his own."""

from dataclasses import dataclass
from decimal import Decimal
from typing import Any
from urllib.parse import urlencode

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crdtsync import Conflict, derive_id
from crdtsync.errors import UsageError
from examples.sales.model import Customer, Deal, Phone, Quote, Sale
from examples.sales.payments import balance_due, credit_balance, payments_for, payments_of, sales_of
from examples.sales.pricing import ZERO
from examples.sales.status import Status
from examples.sales.web.desk import Desk
from examples.sales.web.fields import ADDRESS_FIELDS, CUSTOMER_FIELDS, DEAL_FIELDS, PHONE_FIELDS
from examples.sales.web.forms import InputError
from examples.sales.web.isolating import isolated
from examples.sales.web.marks import Marks, marks_of
from examples.sales.web.pages.cells import Cell, Spot, cell_of, known_field, save_cell
from examples.sales.web.pages.centers import CENTERS, customer_made, hand_over, made_for
from examples.sales.web.pages.editor import CUSTOMER, Undo, spot_of
from examples.sales.web.pages.routing import go_to, route_in
from examples.sales.web.pages.texts import RefusedText, save_text
from examples.sales.web.posted import form_of, given, once_id, once_token

PAGE_SIZE = 50
PICKED_MAX = 8
SOUGHT_CHARS_MAX = 200
DEALS_MAX = 200

_HEAD = {**CUSTOMER_FIELDS, **ADDRESS_FIELDS}


@dataclass(frozen=True, slots=True)
class Standing:
    """What a customer owes and has."""

    bought: Decimal
    owed: Decimal
    credit: Decimal


@dataclass(frozen=True, slots=True)
class PhoneRow:
    """A telephone number on the page."""

    id: str
    name: str
    cells: tuple[Cell, ...]


class CustomerPages:
    """Shows the customers, finds them for a picker, and writes what is changed of them."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    def routes(self) -> list[Route]:
        """Return the routes of these pages."""
        return [
            Route("/customers", self.show_all),
            Route("/customers", self.create, methods=["POST"]),
            Route("/customers/pick", self.pick),
            Route("/customers/{id}", self.show),
            Route("/customers/{id}/fields/{field}", self.save, methods=["POST"]),
            Route("/customers/{id}/comments", self.save_comments, methods=["POST"]),
            Route("/customers/{id}/phones", self.add_phone, methods=["POST"]),
            Route("/customers/{id}/phones/{phone}/remove", self.remove_phone, methods=["POST"]),
            Route("/customers/{id}/phones/{phone}/restore", self.restore_phone, methods=["POST"]),
            Route("/customers/{id}/phones/{phone}/fields/{field}", self.save_phone, methods=["POST"]),
            Route("/customers/{id}/quote", self.new_deal, methods=["POST"]),
            *(route_in(name, "/{id}/customer", self.choose, "POST") for name in CENTERS),
        ]

    async def show_all(self, request: Request) -> Response:
        """Show one page of the customers; for htmx the list only."""
        words, page = request.query_params.get("q", "").strip()[:200], request.query_params.get("page", "")
        number = max(1, int(page)) if page.isdecimal() and len(page) < 8 else 1
        rows: list[Customer] = []
        count, problem = 0, ""
        try:
            count = await self._desk.replica.count(Customer, search=words)
            rows = await self._desk.replica.find(
                Customer, search=words, order_by="name", limit=PAGE_SIZE, offset=(number - 1) * PAGE_SIZE
            )
        except UsageError as error:
            problem = str(error)
        is_part = request.headers.get("HX-Target") == "rows"
        return self._desk.page(
            request,
            "customers_rows.html" if is_part else "customers.html",
            words=words,
            page=number,
            pages=max(1, -(-count // PAGE_SIZE)),
            rows=rows,
            count=count,
            problem=problem,
            token=once_token(),
            address=lambda page: urlencode({"q": words, "page": page}),
        )

    async def create(self, request: Request) -> Response:
        """Make a customer, and show the page of the new one."""
        form = await form_of(request)
        typed = given(form, "name")
        try:
            name = self._desk.forms.required_text(typed)
        except InputError as error:
            return self._desk.page(
                request, "customers_new.html", typed=typed, error=str(error), token=once_token()
            )
        return go_to(request, f"/customers/{await self._made(name, once_id(form, 'customer', name))}")

    async def pick(self, request: Request) -> Response:
        """Show who may be meant by what is typed, for a picker; nobody twice, and at the end a new one."""
        typed = request.query_params.get("value", request.query_params.get("customer", ""))
        words = " ".join(typed[:SOUGHT_CHARS_MAX].split())
        try:
            found = await self._desk.replica.find(
                Customer, search=words, order_by="name" if words else "-changed", limit=PICKED_MAX
            )
        except UsageError:
            found = []
        # Half of a long name is nobody's name.
        is_whole = len(typed) <= SOUGHT_CHARS_MAX
        is_new = (
            is_whole and bool(words) and all(known.name.casefold() != words.casefold() for known in found)
        )
        return self._desk.page(
            request, "customers_pick.html", found=found, words=words if is_new else "", is_empty=not words
        )

    async def choose(self, request: Request) -> Response:
        """Give a document its customer: one of them, a new one, or a name that stands on this document alone.

        A customer whom somebody else picked since the page was made is not overwritten: both are kept.
        """
        form, spot = await form_of(request), spot_of(request)
        chosen, new = str(form.get("customer", "")), str(form.get("new", ""))
        try:
            if new:
                name = self._desk.forms.required_text(new)
                chosen = await self._made(name, derive_id("customer", spot.document, name))
            elif not chosen:
                chosen = await self._named(self._desk.forms.required_text(given(form, "value")))
        except InputError:
            chosen = ""  # The field itself says what is wrong with it.
        field = DEAL_FIELDS[CUSTOMER]
        if not chosen:
            deal, cell = await save_cell(self._desk, request, spot, field)
        else:
            customer = await self._desk.replica.get(Customer, chosen)
            now = await self._desk.replica.get(spot.cls, spot.document)
            former = await self._desk.replica.get_or_none(Customer, now.customer)

            def change(draft: Deal) -> None:
                is_former = former is not None and draft.customer == former.id
                hand_over(draft, customer, former=former if is_former else None)

            deal, cell = await save_cell(self._desk, request, spot, field, change=change)
        return self._desk.page(
            request,
            "editor_customer_saved.html",
            cell=cell,
            deal=deal,
            name=request.path_params["center"],
            totals=deal.totals,
            known_customer=await self._desk.replica.get_or_none(Customer, deal.customer),
        )

    async def show(self, request: Request) -> Response:
        """Show one customer; for htmx the part that follows the document."""
        is_part = request.headers.get("HX-Target") == "customer"
        return await self._page(request, "customer_head.html" if is_part else "customer.html")

    async def save(self, request: Request) -> Response:
        """Write one field, and show that field as it is then."""
        return await self._save(request, _spot(request), _HEAD)

    async def save_phone(self, request: Request) -> Response:
        """Write one field of a telephone number."""
        return await self._save(
            request, _spot(request).of("phones", request.path_params["phone"]), PHONE_FIELDS
        )

    async def save_comments(self, request: Request) -> Response:
        """Write the comments; what others wrote into them meanwhile stays."""
        refused = await save_text(self._desk, request, Customer, _spot(request).document, "comments")
        return await self._page(request, "customer_comments.html", refused=refused)

    async def add_phone(self, request: Request) -> Response:
        """Add a telephone number."""
        typed = given(await form_of(request), "digits")
        try:
            digits = self._desk.forms.required_text(typed)
        except InputError as error:
            return await self._page(request, "customer_head.html", phone_typed=typed, phone_error=str(error))
        async with self._desk.replica.edit(
            Customer, _spot(request).document, label="telephone added"
        ) as customer:
            if digits not in {phone.digits for phone in customer.phones}:
                customer.phones.add(Phone(digits=digits))
        return await self._page(request, "customer_head.html")

    async def remove_phone(self, request: Request) -> Response:
        """Take a telephone number out; that it is gone already is what was wanted."""
        phone_id = request.path_params["phone"]
        async with self._desk.replica.edit(
            Customer, _spot(request).document, label="telephone removed"
        ) as customer:
            digits = customer.phones[phone_id].digits if phone_id in customer.phones else ""
            if digits:
                customer.phones.remove(phone_id)
        told = f"{isolated(digits)} was taken out." if digits else "It was taken out already."
        undo = Undo(f"{_spot(request).address}/phones/{phone_id}/restore")
        return await self._done(request, told, undo=undo, focus="undo")

    async def restore_phone(self, request: Request) -> Response:
        """Put a telephone number back."""
        phone_id = request.path_params["phone"]
        async with self._desk.replica.edit(
            Customer, _spot(request).document, label="telephone put back"
        ) as customer:
            digits = customer.phones.restore(phone_id).digits
        return await self._done(
            request, f"{isolated(digits)} was put back.", focus=f"phone-{phone_id}-digits-value"
        )

    async def new_deal(self, request: Request) -> Response:
        """Make a quote for the customer, and go to it."""
        customer = await self._desk.replica.get(Customer, _spot(request).document)
        quote_id = once_id(await form_of(request), "quote", customer.id)
        return go_to(request, f"/quotes/{await made_for(self._desk, Quote, customer, quote_id)}")

    async def _save(self, request: Request, spot: Spot[Customer], fields: Any) -> Response:
        _, cell = await save_cell(
            self._desk, request, spot, known_field(fields, request.path_params["field"])
        )
        return self._desk.page(request, "cell_saved.html", cell=cell)

    async def _done(
        self, request: Request, told: str, *, undo: Undo | None = None, focus: str = ""
    ) -> Response:
        answer = await self._page(request, "customer_done.html", told=told, undo=undo)
        answer.headers["X-Focus-On"] = focus
        return answer

    async def _page(
        self,
        request: Request,
        template: str,
        *,
        phone_typed: str = "",
        phone_error: str = "",
        refused: RefusedText | None = None,
        **values: Any,
    ) -> Response:
        spot, replica = _spot(request), self._desk.replica
        customer = await replica.get(Customer, spot.document)
        spot = spot.seen_in(customer)
        conflicts = await replica.conflicts(customer.id)
        marks = await marks_of(self._desk, request, customer.id, await replica.history(customer.id))

        def cells(fields: Any) -> list[Cell]:
            return [cell_of(self._desk, spot, customer, field, conflicts, marks) for field in fields.values()]

        quotes = await replica.find(Quote, where={"customer": customer.ref}, limit=DEALS_MAX)
        sales = await sales_of(replica, customer.id)
        deals = sorted([*quotes, *sales], key=lambda deal: (deal.dated, deal.info.changed_ms), reverse=True)
        return self._desk.page(
            request,
            template,
            customer=customer,
            marks=marks,
            cells=cells(CUSTOMER_FIELDS),
            address_cells=cells(ADDRESS_FIELDS),
            phones=[self._phone(spot, phone, conflicts, marks) for phone in customer.phones],
            removed_phones=customer.phones.removed,
            phone_typed=phone_typed,
            phone_error=phone_error,
            refused=refused,
            token=once_token(),
            comments=str(customer.comments),
            standing=await self._standing(customer, sales),
            deals=[("quotes" if isinstance(deal, Quote) else "sales", deal) for deal in deals[:DEALS_MAX]],
            undecided=sum(conflict.needs_decision for conflict in conflicts),
            **values,
        )

    def _phone(self, spot: Spot[Customer], phone: Phone, conflicts: list[Conflict], marks: Marks) -> PhoneRow:
        place = spot.of("phones", phone.id)
        return PhoneRow(
            phone.id,
            phone.digits,
            tuple(
                cell_of(self._desk, place, phone, field, conflicts, marks) for field in PHONE_FIELDS.values()
            ),
        )

    async def _standing(self, customer: Customer, sales: list[Sale]) -> Standing:
        payments = await payments_of(self._desk.replica, customer.id)
        held = await payments_for(self._desk.replica, *sales)
        live = [sale for sale in sales if sale.status is not Status.CANCELLED]
        return Standing(
            sum((sale.total for sale in live), ZERO),
            # What was paid too much for one is not paid for another.
            sum((max(ZERO, balance_due(sale, held)) for sale in live), ZERO),
            credit_balance(payments),
        )

    async def _made(self, name: str, customer_id: str | None) -> str:
        """Return the id of a new customer; one that was made under the id before is the same, unless renamed."""
        known = None if customer_id is None else await self._desk.replica.get_or_none(Customer, customer_id)
        return await customer_made(self._desk, name, None if known and known.name != name else customer_id)

    async def _named(self, name: str) -> str:
        """Return the id of the one customer of a name; nothing if there is none, or more than one."""
        found = await self._desk.replica.find(Customer, where={"name": name}, limit=2)
        return found[0].id if len(found) == 1 else ""


def _spot(request: Request) -> Spot[Customer]:
    identity = request.path_params["id"]
    return Spot(f"/customers/{identity}", Customer, identity)
