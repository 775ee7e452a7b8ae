"""Payments: recorded, allocated to sales, released, declared void; and a customer's account."""

import asyncio
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from crdtsync import derive_id
from examples.sales.deals import is_sale_awaited, record_payment, sale_id_of, why_not_converted
from examples.sales.model import Customer, Deal, Payment, Quote, Sale
from examples.sales.payments import (
    allocate_credit,
    balance_due,
    credit_balance,
    declare_void,
    honoured,
    is_void,
    live_allocations,
    over_allocated,
    payers_of,
    payments_for,
    payments_of,
    release,
    unallocated,
)
from examples.sales.pricing import ZERO
from examples.sales.web.desk import Desk
from examples.sales.web.forms import InputError
from examples.sales.web.money import METHODS, Owed, Typed, money_of, owed_by, read_payment
from examples.sales.web.pages.centers import CENTERS
from examples.sales.web.pages.deals import convert_here
from examples.sales.web.pages.routing import go_to, going_on_at, route_in, title_of

PAGE_SIZE = 50
OWED_OFFERED_MAX = 200
"""How many sales a form offers to write an amount beside; a form has at most a thousand fields."""
_TEXTS = ("amount", "method", "card_last4", "received", "description")


class PaymentPages:
    """Shows and records payments."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk
        self._allocating = asyncio.Lock()
        """What is left and what is owed are in different documents: who looks at both writes before the next looks."""

    def routes(self) -> Sequence[Route]:
        """Return the routes of these pages."""
        return [
            *(
                route
                for name in CENTERS
                for route in (
                    route_in(name, "/{id}/money", self.show_money),
                    route_in(name, "/{id}/payment", self.ask),
                    route_in(name, "/{id}/payment", self.record, "POST"),
                    route_in(name, "/{id}/credit", self.use_credit, "POST"),
                    route_in(name, "/{id}/release", self.release_here, "POST"),
                )
            ),
            Route("/payments", self.show_all),
            Route("/payments/new", self.ask_customer),
            Route("/payments/new", self.record_of_customer, methods=["POST"]),
            Route("/payments/{id}", self.show),
            Route("/payments/{id}/allocate", self.allocate, methods=["POST"]),
            Route("/payments/{id}/release", self.release, methods=["POST"]),
            Route("/payments/{id}/void", self.declare_void, methods=["POST"]),
        ]

    async def show_money(self, request: Request) -> Response:
        """Show what is paid for a deal and what is owed."""
        deal = await self._deal(request)
        return await self._money(request, deal)

    async def ask(self, request: Request) -> Response:
        """Ask for a payment on a deal; on a quote, say first that it becomes a sale."""
        deal = await self._deal(request)
        sale_id = sale_id_of(deal.id)
        if isinstance(deal, Quote) and await self._desk.replica.exists(Sale, sale_id):
            return go_to(request, f"/sales/{sale_id}/payment")
        return await self._form(request, deal, deal.customer, Typed(secrets.token_hex(16)))

    async def record(self, request: Request) -> Response:
        """Record a payment on a deal, and go to its sale."""
        deal = await self._deal(request)
        if isinstance(deal, Quote) and why_not_converted(deal):
            return await self._form(request, deal, deal.customer, Typed(secrets.token_hex(16)))
        answer = await self._record(request, deal, deal.customer)
        if answer is not None:
            return answer
        if isinstance(deal, Quote) and await is_sale_awaited(self._desk.replica, deal):
            return go_to(request, f"/quotes/{deal.id}")
        if isinstance(deal, Quote):
            # Also where nothing of it was for the quote: who has paid has accepted.
            return go_to(request, f"/sales/{(await convert_here(self._desk, deal.id)).id}")
        return go_to(request, f"/sales/{deal.id}")

    async def ask_customer(self, request: Request) -> Response:
        """Ask for a payment of a customer that need not be for a sale yet."""
        customer = await self._desk.replica.get(Customer, request.query_params.get("customer", ""))
        return await self._form(request, None, customer.id, Typed(secrets.token_hex(16)))

    async def record_of_customer(self, request: Request) -> Response:
        """Record a payment of a customer, and go to the customer's account."""
        given = str((await request.form()).get("customer", ""))
        customer = await self._desk.replica.get(Customer, given)
        answer = await self._record(request, None, customer.id)
        return answer or go_to(request, f"/payments?customer={customer.id}")

    async def use_credit(self, request: Request) -> Response:
        """Mean what is left of a payment for a sale, as far as something is owed."""
        form, replica = await request.form(), self._desk.replica
        async with self._allocating:
            sale = await replica.get(Sale, request.path_params["id"])
            money = await money_of(self._desk, sale)
            for payment, left in money.spare:
                if payment.id == form.get("payment") and (part := min(left, money.balance)) > 0:
                    # Another process may have used it just now: what is left then is what the answer shows.
                    with suppress(ValueError):
                        await allocate_credit(replica, payment.id, sale.id, part, by=self._desk.author)
        return await self._money(request, sale)

    async def release_here(self, request: Request) -> Response:
        """Make what one payment holds for a sale the customer's credit again."""
        form = await request.form()
        deal = await self._deal(request)
        payment = await self._desk.replica.get(Payment, str(form.get("payment", "")))
        await release(self._desk.replica, payment.id, str(form.get("allocation", "")), by=self._desk.author)
        return await self._money(request, deal)

    async def show_all(self, request: Request) -> Response:
        """Show the newest payments; for a customer the account: payments, credit and what is owed."""
        replica, given = self._desk.replica, request.query_params.get("customer", "")
        if given:
            customer = await replica.get(Customer, given)
            payments = await payments_of(replica, customer.id)
            return self._desk.page(
                request,
                "account_part.html" if _target(request) == "account" else "account.html",
                customer=customer,
                payments=self._rows(payments[::-1]),
                credit=credit_balance(payments),
                owed=(owed := await owed_by(self._desk, customer.id)),
                due=sum((owing.balance for owing in owed), ZERO),
            )
        typed = request.query_params.get("page", "")
        number = max(1, int(typed)) if typed.isdecimal() and len(typed) < 8 else 1
        payments = await replica.find(
            Payment, order_by="-received", limit=PAGE_SIZE, offset=(number - 1) * PAGE_SIZE
        )
        count = await replica.count(Payment)
        names = {
            payment.customer: known.name
            for payment in payments
            if (known := await replica.get_or_none(Customer, payment.customer)) is not None
        }
        return self._desk.page(
            request,
            "payments_list.html" if _target(request) == "payments" else "payments.html",
            payments=self._rows(payments),
            names=names,
            count=count,
            number=number,
            pages=max(1, -(-count // PAGE_SIZE)),
        )

    async def show(self, request: Request) -> Response:
        """Show one payment: what it is for, what is left, and how a mistake is made good."""
        return await self._payment(request)

    async def allocate(self, request: Request) -> Response:
        """Mean a part of a payment for a sale."""
        form = await request.form()
        sale = await self._desk.replica.get(Sale, str(form.get("sale", "")))
        typed = str(form.get("amount", ""))
        async with self._allocating:
            error = await self._allocate(
                request.path_params["id"], sale, typed, _member_id(str(form.get("token", "")))
            )
        return await self._payment(request, *((sale.id, typed, error) if error else ()))

    async def _allocate(self, payment_id: str, sale: Sale, typed: str, allocation_id: str | None) -> str:
        """Mean a part of a payment for a sale; return what keeps it from being done, or nothing."""
        replica, forms = self._desk.replica, self._desk.forms
        payment = await replica.get(Payment, payment_id)
        if allocation_id in {entry.id for entry in payment.allocations.entries}:
            return ""
        if payment.customer not in payers_of(sale):
            return "That sale is another customer's."
        owed = balance_due(sale, await payments_for(replica, sale))
        try:
            amount = forms.money(typed)
            if amount > owed:
                return f"{forms.money_shown(max(ZERO, owed))} is owed for it. What is over stays the customer's credit."
            await allocate_credit(
                replica, payment_id, sale.id, amount, by=self._desk.author, allocation_id=allocation_id
            )
        except InputError as error:
            return str(error)
        except ValueError:
            return "An allocation is more than nothing, and at most what is left of the payment."
        return ""

    async def release(self, request: Request) -> Response:
        """Make an allocation the customer's credit again."""
        allocation = str((await request.form()).get("allocation", ""))
        await release(self._desk.replica, request.path_params["id"], allocation, by=self._desk.author)
        return await self._payment(request)

    async def declare_void(self, request: Request) -> Response:
        """Declare a payment void, with a reason."""
        typed = str((await request.form()).get("reason", ""))
        try:
            reason = self._desk.forms.required_text(typed)
        except InputError as error:
            return await self._payment(request, void_error=str(error))
        await declare_void(self._desk.replica, request.path_params["id"], by=self._desk.author, reason=reason)
        return await self._payment(request)

    async def _deal(self, request: Request) -> Deal:
        cls = CENTERS[request.path_params["center"]].cls
        return await self._desk.replica.get(cls, request.path_params["id"])

    async def _record(self, request: Request, deal: Deal | None, customer: str) -> Response | None:
        """Record what the form says; return the form with what is wrong, or None when it was recorded."""
        form = await request.form()
        typed = Typed(str(form.get("token", ""))[:64] or secrets.token_hex(16))
        payment_id = derive_id("payment", typed.token)
        if await self._desk.replica.exists(Payment, payment_id):
            return None  # The form was sent twice: what is owed now is less by it.
        for name in _TEXTS:
            setattr(typed, name, str(form.get(name, "")))
        typed.meant = str(form.get("meant", ""))
        owed = await owed_by(self._desk, customer, first=deal)
        typed.parts = {owing.deal.id: str(form.get(f"part-{owing.deal.id}", "")) for owing in owed}
        given = read_payment(self._desk.forms, typed, owed, first=deal, today=self._desk.today())
        if str(form.get("customer", customer)) != customer:
            typed.questions.append("It was given to this customer meanwhile. Is the payment his?")
            given = None
        if given is None:
            return going_on_at(await self._form(request, deal, customer, typed), _place_in_doubt(typed))
        await record_payment(
            self._desk.replica,
            customer,
            given.amount,
            received=given.received,
            by=self._desk.author,
            allocate=given.parts.items(),
            method=given.method,
            card_last4=given.card_last4,
            description=given.description,
            payment_id=payment_id,
        )
        return None

    async def _form(self, request: Request, deal: Deal | None, customer: str, typed: Typed) -> Response:
        known = await self._desk.replica.get_or_none(Customer, customer)
        owed = await owed_by(self._desk, customer, first=deal)
        name = "" if deal is None else ("quotes" if isinstance(deal, Quote) else "sales")
        return self._desk.page(
            request,
            "payment_new.html",
            deal=deal,
            title="" if deal is None else title_of(deal),
            why_not=why_not_converted(deal) if isinstance(deal, Quote) else "",
            back=f"/payments?customer={customer}" if deal is None else f"/{name}/{deal.id}",
            action="/payments/new" if deal is None else f"/{name}/{deal.id}/payment",
            customer_id=customer,
            customer_name=deal.customer_name if deal is not None else known.name if known is not None else "",
            is_quote=isinstance(deal, Quote),
            is_awaited=isinstance(deal, Quote) and await is_sale_awaited(self._desk.replica, deal),
            owed=owed[:OWED_OFFERED_MAX],
            not_offered=len(owed[OWED_OFFERED_MAX:]),
            credit=credit_balance(await payments_of(self._desk.replica, customer)),
            methods=METHODS,
            typed=typed,
        )

    async def _money(self, request: Request, deal: Deal) -> Response:
        return self._desk.page(
            request,
            "editor_money.html",
            name=request.path_params["center"],
            deal=deal,
            money=await money_of(self._desk, deal),
        )

    def _rows(self, payments: Sequence[Payment]) -> list[Mapping[str, object]]:
        return [
            {
                "payment": payment,
                "is_void": is_void(payment),
                "left": unallocated(payment),
                "over": over_allocated(payment),
            }
            for payment in payments
        ]

    async def _payment(
        self, request: Request, sale_id: str = "", typed: str = "", error: str = "", void_error: str = ""
    ) -> Response:
        replica = self._desk.replica
        payment = await replica.get(Payment, request.path_params["id"])
        granted = honoured(payment)
        allocations = []
        for entry in live_allocations(payment):
            sale = await replica.get_or_none(Sale, entry.value.sale)
            allocations.append({"entry": entry, "sale": sale, "granted": granted[entry.id]})
        owed: list[Owed] = []
        if not is_void(payment) and unallocated(payment) > 0:
            # What was released by mistake can be meant for its sale again, whosever that is by now.
            held = [entry.value.sale for entry in payment.allocations.entries]
            owed = await owed_by(self._desk, payment.customer, also=held)
        answer = self._desk.page(
            request,
            "payment_part.html" if _target(request) == "payment" else "payment.html",
            payment=payment,
            customer=await replica.get_or_none(Customer, payment.customer),
            allocations=allocations,
            left=unallocated(payment),
            over=over_allocated(payment),
            voids=list(payment.voids.entries),
            undecided=sum(conflict.needs_decision for conflict in await replica.conflicts(payment.id)),
            owed=owed,
            token=secrets.token_hex(16),
            chosen=sale_id,
            typed=typed,
            error=error,
            void_error=void_error,
            part_of=lambda owing: min(owing.balance, unallocated(payment)),
        )
        return going_on_at(answer, "in-part" if error else "in-reason" if void_error else "")


def _place_in_doubt(typed: Typed) -> str:
    """Return the id of what its person is to look at first."""
    if typed.errors:
        return f"in-{next(iter(typed.errors))}"
    return f"meant-{typed.asked}" if typed.asked else ""


def _target(request: Request) -> str | None:
    return request.headers.get("HX-Target")


def _member_id(token: str) -> str | None:
    """Return a form's token as the id of a log's entry; None for what cannot be one."""
    return (
        token if token.isascii() and token.isalnum() and token == token.lower() and len(token) <= 64 else None
    )
