"""What is paid and owed, as the pages show it; and what a person types about a payment."""

import datetime as dt
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal

from examples.sales.model import Customer, Deal, Payment, Sale
from examples.sales.payments import (
    balance_due,
    credit_balance,
    honoured,
    live_allocations,
    paid,
    payers_of,
    payments_for,
    payments_of,
    sales_of,
    unallocated,
)
from examples.sales.pricing import ZERO
from examples.sales.status import is_cancelled
from examples.sales.web.desk import Desk
from examples.sales.web.forms import Forms, InputError
from examples.sales.web.pages.routing import title_of

METHODS = ("Check", "Card", "Cash", "Bank transfer", "Financing")

_LAST_FOUR = re.compile(r"[0-9]{4}", re.ASCII)
_CARD_NUMBER = re.compile(r"(?:[0-9][ -]?){13,19}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Share:
    """What one payment holds for a sale."""

    payment: Payment
    allocation: str
    asked: Decimal
    granted: Decimal
    """Less than what was asked where two people have allocated one payment apart."""
    payer: str = ""
    """Who paid, if that is another one than the sale is for now."""


@dataclass(frozen=True, slots=True)
class Money:
    """What is paid for a deal, what is owed, and what the customer has to his credit."""

    balance: Decimal
    credit: Decimal
    spare: tuple[tuple[Payment, Decimal], ...]
    """Payments of which something is left, with what that is."""
    paid: Decimal = ZERO
    shares: tuple[Share, ...] = ()


@dataclass(frozen=True, slots=True)
class Owed:
    """A deal that a payment may be for."""

    deal: Deal
    title: str
    balance: Decimal


@dataclass(slots=True)
class Typed:
    """What is in the form of a payment, with what is wrong about it."""

    token: str
    """Random: a form that is sent twice is one payment."""
    amount: str = ""
    method: str = METHODS[0]
    card_last4: str = ""
    received: str = ""
    description: str = ""
    parts: dict[str, str] = field(default_factory=dict)
    """What is for which deal, by its id."""
    errors: dict[str, str] = field(default_factory=dict)
    """What is wrong, by the name of the field."""
    meant: str = ""
    """What its person was asked about, and has said is meant."""
    asked: str = ""
    """What stands for the question that is open: another amount is another question."""
    questions: list[str] = field(default_factory=list)
    """What looks like a mistake, and may be meant."""


@dataclass(frozen=True, slots=True)
class Given:
    """What was typed, understood."""

    amount: Decimal
    method: str
    card_last4: str
    received: dt.date
    description: str
    parts: Mapping[str, Decimal]


async def money_of(desk: Desk, deal: Deal) -> Money:
    """Return what is paid and owed for a deal. Nothing is paid for a quote, but its customer may have credit."""
    known = await (
        payments_for(desk.replica, deal)
        if isinstance(deal, Sale)
        else payments_of(desk.replica, deal.customer)
    )
    # What is left of a payment is the credit of who paid, and of nobody else.
    own = [payment for payment in known if payment.customer == deal.customer]
    spare = tuple((payment, left) for payment in own if (left := unallocated(payment)) > 0)
    credit = credit_balance(own)
    if not isinstance(deal, Sale):
        return Money(deal.total, credit, spare)
    others = {payment.customer for payment in known} - {deal.customer}
    payers = {customer: await _name_of(desk, customer) for customer in others}
    shares = [
        Share(
            payment,
            entry.id,
            entry.value.amount,
            honoured(payment)[entry.id],
            payers.get(payment.customer, ""),
        )
        for payment in known
        for entry in live_allocations(payment)
        if entry.value.sale == deal.id
    ]
    return Money(balance_due(deal, known), credit, spare, paid(deal, known), tuple(shares))


async def owed_by(
    desk: Desk, customer: str, *, first: Deal | None = None, also: Iterable[str] = ()
) -> list[Owed]:
    """Return the deals a payment may be for: one given first, then all sales of which something is owed.

    Also: sales that were for this customer before and are another's now, by their ids.
    """
    sales = await sales_of(desk.replica, customer)
    for sale_id in sorted(set(also) - {sale.id for sale in sales}):
        handed_over = await desk.replica.get_or_none(Sale, sale_id)
        if handed_over is not None and customer in payers_of(handed_over):
            sales.append(handed_over)
    payments = await payments_for(desk.replica, *sales, *([first] if isinstance(first, Sale) else []))
    owed = [
        Owed(sale, title_of(sale), balance)
        for sale in sales
        if (first is None or sale.id != first.id)
        and not is_cancelled(sale.milestones)
        and (balance := balance_due(sale, payments)) > 0
    ]
    if first is None:
        return owed
    balance = balance_due(first, payments) if isinstance(first, Sale) else first.total
    return [Owed(first, title_of(first), balance), *owed]


def read_payment(
    forms: Forms, typed: Typed, owed: Sequence[Owed], *, first: Deal | None, today: dt.date
) -> Given | None:
    """Return what was typed, or None, and then what is wrong is in the errors of what was typed.

    Where nothing is written beside any deal, as much as is owed for the first one is for it. More than is owed may
    be meant, as a deposit before the prices are known, or be a digit too many: that is asked.
    """
    amount = _amount(forms, typed, "amount", typed.amount)
    received = today
    description = ""
    try:
        received = forms.date(typed.received) if typed.received.strip() else today
    except InputError as error:
        typed.errors["received"] = str(error)
    if received > today:
        typed.errors["received"] = f"It is received today at the latest; this is {received}."
    try:
        description = _memo(forms, typed.description)
    except InputError as error:
        typed.errors["description"] = str(error)
    last4 = typed.card_last4.strip()
    if last4 and not _LAST_FOUR.fullmatch(last4):
        typed.errors["card_last4"] = (
            "Only the last four digits, such as 4242. A whole card number is never kept."
        )
    parts = {
        owing.deal.id: _amount(forms, typed, f"part-{owing.deal.id}", written)
        for owing in owed
        if (written := typed.parts.get(owing.deal.id, "")).strip()
    }
    if not typed.errors:
        _ask_about_excess(forms, typed, owed, parts, amount if first is not None else ZERO)
    if not parts and first is not None:
        parts = {first.id: min(amount, _owed(owed[0]))}
    if sum(parts.values(), ZERO) > amount and not typed.errors:
        shown = forms.money_shown(sum(parts.values(), ZERO))
        typed.errors["amount"] = f"The parts come to {shown}, which is more than the payment."
    if typed.errors or (typed.asked and typed.meant != typed.asked):
        return None
    given = {deal_id: part for deal_id, part in parts.items() if part > 0}
    method = typed.method if typed.method in METHODS else METHODS[0]
    return Given(amount, method, last4, received, description, given)


def _ask_about_excess(
    forms: Forms, typed: Typed, owed: Sequence[Owed], parts: Mapping[str, Decimal], amount: Decimal
) -> None:
    # With nothing written beside any deal the amount is for the first one, and what is over becomes credit.
    wanted = parts or ({owed[0].deal.id: amount} if owed else {})
    for owing in owed:
        excess = wanted.get(owing.deal.id, ZERO) - _owed(owing)
        if excess <= 0:
            continue
        more = forms.money_shown(excess)
        over = f"{forms.money_shown(_owed(owing))} is owed for {owing.title}: this is {more} more."
        fate = "It would be paid too much." if parts else "The rest would be the customer's credit."
        typed.questions.append(f"{over} {fate}")
        typed.asked += f"{owing.deal.id}:{excess};"


def _owed(owing: Owed) -> Decimal:
    return max(ZERO, owing.balance)


async def _name_of(desk: Desk, customer: str) -> str:
    known = await desk.replica.get_or_none(Customer, customer)
    return "another customer" if known is None else known.name


def _amount(forms: Forms, typed: Typed, name: str, written: str) -> Decimal:
    try:
        amount = forms.money(written)
    except InputError as error:
        typed.errors[name] = str(error)
        return ZERO
    if not amount:
        typed.errors[name] = "A payment is more than nothing. A mistake is made good by declaring it void."
    return amount


def _memo(forms: Forms, written: str) -> str:
    text = forms.text(written)
    if _CARD_NUMBER.search(text):
        raise InputError("This looks like a card number. Only its last four digits may be kept.")
    return text
