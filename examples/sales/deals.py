"""What people do with quotes, sales and purchase orders.

Everything here may be done twice, on two machines that have not heard of each other, and comes out once: the
ids are derived from what a document is made of, and what happened is written under an id of its own. A verb
that was cut off half-way is finished by calling it again.
"""

import datetime as dt
import hashlib
from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal

from crdtsync import Ref, Replica, derive_id
from examples.sales.model import (
    Address,
    Allocation,
    Approval,
    Charge,
    Customer,
    Deal,
    Line,
    Payment,
    Purchase,
    PurchaseLine,
    PurchaseOrder,
    Quote,
    Sale,
    Sent,
)
from examples.sales.pricing import unit_cost
from examples.sales.status import Milestone, MilestoneKind, Status, is_cancelled

LINE_FIELDS = ("item", "description", "quantity", "price")
OPTIONS = ("room", "width", "height", "mount", "finish", "color", "control", "remarks")
_DEAL_FIELDS = (
    "customer",
    "customer_name",
    "dated",
    "sales_rep",
    "terms",
    "bill_to",
    "tax",
    "discount",
    "price_locked",
)


def sale_id_of(quote_id: str) -> str:
    """Return the id of the sale that a quote becomes, whoever converts it."""
    return derive_id("sale", quote_id)


def purchase_order_id_of(sale_id: str, vendor: str, split_key: str) -> str:
    """Return the id of a sale's purchase order with a vendor, whoever makes it."""
    return derive_id("purchase_order", sale_id, vendor, split_key)


async def convert(replica: Replica, quote_id: str, *, by: str) -> Sale:
    """Make a quote a sale with its purchase orders, and return the sale.

    Two people who convert one quote while apart make the same sale and the same purchase orders.

    Raises:
        DocumentNotFoundError: there is no such quote here.
    """
    quote = await replica.get(Quote, quote_id)
    sale_id = sale_id_of(quote_id)
    if not await replica.exists(Sale, sale_id):
        async with replica.edit(Sale, sale_id, create=True, label="converted") as sale:
            if not sale.lines:  # Another task of this machine may have been faster.
                sale.quote = quote.ref
                sale.quote_version = quote.info.version
                sale.payers.add(quote.customer)
                _copy(quote, sale)
                sale.milestones.append(Milestone(MilestoneKind.CONVERTED, by), id="converted")
    made = await replica.get(Sale, sale_id)
    await derive_purchase_orders(replica, made)
    async with replica.edit(Quote, quote_id, label="converted") as original:
        original.milestones.append(Milestone(MilestoneKind.CONVERTED, by), id="converted")
    return made


async def derive_purchase_orders(replica: Replica, sale: Sale) -> list[str]:
    """Make a sale's purchase orders agree with its lines, and return their ids.

    This is also the repair: they are derived again, never deleted and made anew. One that was sent stays as
    it was sent.
    """
    ids = []
    for (vendor, split_key), lines in sorted(_bought(sale).items()):
        order_id = purchase_order_id_of(sale.id, vendor, split_key)
        async with replica.edit(PurchaseOrder, order_id, create=True, label="derived from the sale") as order:
            if not order.sent:
                _fill(order, sale, vendor, split_key, lines)
        ids.append(order_id)
    for known in await purchase_orders_of(replica, sale.id):
        if known.id not in ids and known.lines and not known.sent:
            async with replica.edit(PurchaseOrder, known.id, label="derived from the sale") as order:
                for bought in list(order.lines):
                    order.lines.remove(bought)
    return ids


async def purchase_orders_of(replica: Replica, sale_id: str) -> list[PurchaseOrder]:
    """Return the purchase orders of a sale that are here."""
    return await replica.find(PurchaseOrder, where={"sale": sale_id}, order_by="vendor", limit=1_000)


def why_not_converted(quote: Quote) -> str:
    """Return what keeps a quote from becoming a sale, for a person to mend; nothing if it may."""
    if quote.status is Status.CANCELLED:
        return "It is cancelled. Reopen it first."
    if not quote.customer_name.strip():
        return "It has no customer. Write the customer's name first."
    return ""


async def is_sale_awaited(replica: Replica, quote: Quote) -> bool:
    """Whether a quote was converted elsewhere, and the sale has not arrived here."""
    return quote.status is Status.CONVERTED_QUOTE and not await replica.exists(Sale, sale_id_of(quote.id))


def vendors_of(deal: Deal) -> dict[str, int]:
    """Return who is asked to deliver for a deal, with how many lines each; lines without a vendor are not bought."""
    counts: dict[str, int] = defaultdict(int)
    for (vendor, _), lines in sorted(_bought(deal).items()):
        counts[vendor] += len(lines)
    return dict(counts)


def needs_purchase_orders(sale: Sale, orders: Iterable[PurchaseOrder]) -> bool:
    """Whether purchase orders are missing, or some that were not sent do not say what the sale says."""
    known = {order.id: order for order in orders}
    for (vendor, split_key), lines in _bought(sale).items():
        order = known.pop(purchase_order_id_of(sale.id, vendor, split_key), None)
        if order is None or (not order.sent and _says(order) != _wanted(lines)):
            return True
    return any(order.lines and not order.sent for order in known.values())


def was_sent_otherwise(sale: Sale, order: PurchaseOrder) -> bool:
    """Whether a purchase order was sent, and the sale asks for something else now."""
    lines = _bought(sale).get((order.vendor, order.split_key), [])
    return bool(order.sent) and _says(order) != _wanted(lines)


def why_not_sent(sale: Sale | None, order: PurchaseOrder) -> str:
    """Return what keeps a purchase order from being sent, for a person to mend; nothing if it may."""
    if sale is None:
        return "Its sale has not arrived here yet."
    if not order.lines:
        return "Nothing is bought here any more."
    if sale.status is Status.CANCELLED:
        return "The sale is cancelled."
    if _says(order) != _wanted(_bought(sale).get((order.vendor, order.split_key), [])):
        return "The sale was changed since. Bring the purchase order up to date first."
    if needs_approval(sale, order):
        count = _unmeasured(sale, order)
        lines = "1 line has" if count == 1 else f"{count} lines have"
        return f"{lines} no width or no height. Look at the purchase order, and approve it."
    return ""


def needs_approval(sale: Sale, order: PurchaseOrder) -> bool:
    """Whether a person has to look at a purchase order before it is sent: a line of it is not measured.

    What was approved is what it said then: changed since, it is looked at again.
    """
    return not order.sent and not approved_by(order) and _unmeasured(sale, order) > 0


def approved_by(order: PurchaseOrder) -> str:
    """Return who has approved a purchase order as it is; nothing if nobody has."""
    content = content_of(order)
    return next((approval.by for approval in order.approvals if approval.content == content), "")


async def approve_purchase_order(replica: Replica, order_id: str, *, by: str, content: str) -> bool:
    """Record that a person has looked at a purchase order with lines that are not measured, and wants it so.

    Args:
        replica: where.
        order_id: which one.
        by: who.
        content: what he has looked at, as `content_of` has it.

    Returns:
        Whether that is what it says; nothing is recorded otherwise.

    Raises:
        DocumentNotFoundError: there is no such purchase order here.
    """
    async with replica.edit(PurchaseOrder, order_id, label="approved") as order:
        is_so = content_of(order) == content
        if is_so and not approved_by(order):
            order.approvals.append(Approval(by, content))
    return is_so


async def send_purchase_order(replica: Replica, order_id: str, *, by: str, channel: str = "manual") -> None:
    """Record that a purchase order went to its vendor; with the first one the sale is an order.

    Only one place may really send, since no merge can call a parcel back: the office.

    Raises:
        DocumentNotFoundError: there is no such purchase order here.
    """
    async with replica.edit(PurchaseOrder, order_id, label="sent") as order:
        sale_id = order.sale
        if not order.sent:
            order.sent.append(Sent(by, channel, content_of(order)))
    async with replica.edit(Sale, sale_id, label="purchase order sent") as sale:
        sale.milestones.append(Milestone(MilestoneKind.PO_SENT, by, channel), id=f"sent-{order_id}")


def content_of(order: PurchaseOrder) -> str:
    """Return a hash of what a vendor is asked for."""
    content = hashlib.blake2b(digest_size=16)
    for line in order.lines:
        content.update(repr((line.id, line.what)).encode())
    return content.hexdigest()


async def present(
    replica: Replica,
    cls: type[Deal],
    deal_id: str,
    *,
    by: str,
    how: str,
    as_of: str | None = None,
    seen: str | None = None,
) -> bool:
    """Record that a quote or sale was printed, previewed or e-mailed, and what it said then.

    Args:
        replica: where.
        cls: which of the two it is.
        deal_id: which one.
        by: who.
        how: in a word or two.
        as_of: the version that the customer was shown; None for what it says now.
        seen: the version that who shows it has before him; what he himself wrote here since is shown as well.

    Returns:
        Whether that was news: what says the same as it did the last time is not recorded again.

    Raises:
        DocumentNotFoundError: there is no such document here.
        UnknownVersionError: it was never in that state, as far as is known here.
    """
    shown_deal = await replica.get(cls, deal_id, as_of=as_of)
    async with replica.edit(cls, deal_id, label=how, seen=seen) as deal:
        paper = paper_of(deal if as_of is None else shown_deal)
        shown = [seen for seen in deal.milestones if seen.kind is MilestoneKind.PRESENTED]
        is_news = not shown or (shown[-1].how, shown[-1].digest) != (how, paper)
        if is_news:
            deal.milestones.append(Milestone(MilestoneKind.PRESENTED, by, how, paper))
    return is_news


def paper_of(deal: Deal) -> str:
    """Return a hash of what a customer is shown of a quote or a sale.

    Its number is not in it: the reference number on older paper is good for ever.
    """
    head = (deal.customer_name, deal.dated, deal.sales_rep, deal.terms, deal.bill_to, deal.tax, deal.discount)
    notes = (deal.quote_notes if isinstance(deal, Sale) else "", str(deal.notes))
    content = hashlib.blake2b(repr((head, notes)).encode(), digest_size=16)
    for line in deal.lines:
        content.update(repr([getattr(line, name) for name in (*LINE_FIELDS, *OPTIONS)]).encode())
    for charge in deal.charges:
        content.update(repr((charge.name, charge.rate)).encode())
    return content.hexdigest()


async def note_milestone(
    replica: Replica,
    cls: type[Deal],
    deal_id: str,
    what: str,
    *,
    by: str,
    on: dt.date | None = None,
    milestone_id: str | None = None,
) -> None:
    """Record by hand that something happened, on a day; no status follows from it.

    With an id of the caller's a milestone that is recorded twice is one.
    """
    async with replica.edit(cls, deal_id, label="milestone") as deal:
        deal.milestones.append(Milestone(MilestoneKind.NOTED, by, what, on=on), id=milestone_id)


async def cancel(replica: Replica, cls: type[Deal], deal_id: str, *, by: str, why: str = "") -> None:
    """Cancel a quote or sale. Nothing is deleted, and it can be reopened."""
    async with replica.edit(cls, deal_id, label="cancelled") as deal:
        if is_cancelled(deal.milestones):
            return
        deal.milestones.append(Milestone(MilestoneKind.CANCELLED, by, why))


async def reopen(replica: Replica, cls: type[Deal], deal_id: str, *, by: str) -> None:
    """Take back that a quote or sale was cancelled."""
    async with replica.edit(cls, deal_id, label="reopened") as deal:
        if not is_cancelled(deal.milestones):
            return
        deal.milestones.append(Milestone(MilestoneKind.REOPENED, by))


async def record_payment(
    replica: Replica,
    customer: Ref[object] | str,
    amount: Decimal,
    *,
    received: dt.date,
    by: str,
    allocate: Iterable[tuple[str, Decimal]] = (),
    method: str = "Check",
    card_last4: str = "",
    description: str = "",
    payment_id: str | None = None,
) -> str:
    """Record a payment, with what of it is for which quote or sale, and return its id.

    A quote that is paid for has been accepted, and is converted first, unless that was done elsewhere and the
    sale is on its way here. With an id of the caller's a payment
    that is recorded twice is one.

    Raises:
        DocumentNotFoundError: a quote or sale to allocate to is not here.
        ValidationError: an amount is not more than nothing; nothing was recorded.
    """
    parts = [(await _sale_for(replica, deal_id, by=by), part) for deal_id, part in allocate]
    async with replica.edit(Payment, payment_id, create=payment_id is not None, label="paid") as payment:
        if payment_id is not None and await replica.exists(Payment, payment_id):
            return payment_id
        payment.customer = Ref(customer)
        payment.amount = amount
        payment.received = received
        payment.method = method
        payment.card_last4 = card_last4
        payment.description = description
        payment.recorded_by = by
        for sale_id, part in parts:
            payment.allocations.append(Allocation(Ref(sale_id), part, by))
    return payment.id


async def _sale_for(replica: Replica, deal_id: str, *, by: str) -> str:
    if await replica.exists(Sale, deal_id):
        return deal_id
    quote = await replica.get(Quote, deal_id)
    if await is_sale_awaited(replica, quote):
        # To make it here as well would set what the quote says against what was done to the sale since.
        return sale_id_of(deal_id)
    return (await convert(replica, deal_id, by=by)).id


def copy_of_line(line: Line) -> Line:
    """Return what a line of a quote says, as a line of a sale."""
    values = {name: getattr(line, name) for name in LINE_FIELDS}
    chosen = {name: value for name in OPTIONS if (value := getattr(line, name)) not in ("", None)}
    return Line(**values, **chosen)


def copy_of_charge(charge: Charge) -> Charge:
    """Return what a charge of a quote says, as a charge of a sale."""
    return Charge(name=charge.name, category=charge.category, rate=charge.rate)


def customer_of(deal: Deal) -> tuple[Ref[Customer], str, Address | None]:
    """Return who a document is for, as it stands on its paper."""
    return deal.customer, deal.customer_name, deal.bill_to


def _bought(deal: Deal) -> dict[tuple[str, str], list[Line]]:
    """Return the lines to buy, by vendor and the key by which the vendor splits."""
    bought: dict[tuple[str, str], list[Line]] = defaultdict(list)
    for line in deal.lines:
        # Goods that come back are not bought.
        item = line.item
        if item.vendor and line.quantity > 0:
            bought[item.vendor, item.split_key].append(line)
    return bought


def _unmeasured(sale: Sale, order: PurchaseOrder) -> int:
    bought = {line.id for line in order.lines}
    return sum(line.id in bought and None in (line.width, line.height) for line in sale.lines)


def _says(order: PurchaseOrder) -> dict[str, Purchase]:
    return {line.id: line.what for line in order.lines}


def _wanted(lines: Iterable[Line]) -> dict[str, Purchase]:
    return {line.id: _purchase_of(line) for line in lines}


def _copy(quote: Quote, sale: Sale) -> None:
    for name in _DEAL_FIELDS:
        setattr(sale, name, getattr(quote, name))
    for line in quote.lines:
        # With the same ids, what two people convert while apart is one line and not two.
        sale.lines.add(copy_of_line(line), id=line.id)
    for charge in quote.charges:
        sale.charges.add(copy_of_charge(charge), id=charge.id)
    # As a value: a text merges by character, and two who copied it while apart would have it twice.
    if notes := str(quote.notes).strip():
        sale.quote_notes = notes


def _fill(order: PurchaseOrder, sale: Sale, vendor: str, split_key: str, lines: list[Line]) -> None:
    if not order.lines:
        order.sale = sale.ref
        order.vendor = vendor
        order.split_key = split_key
    known = {line.id: line for line in order.lines}
    removed = {line.id for line in order.lines.removed}
    for line in lines:
        what = _purchase_of(line)
        if line.id in removed:
            known[line.id] = order.lines.restore(line.id)
        if line.id not in known:
            order.lines.add(PurchaseLine(what=what), id=line.id)
        elif known[line.id].what != what:
            known[line.id].what = what
    for line_id in known.keys() - {line.id for line in lines}:
        order.lines.remove(line_id)


def _purchase_of(line: Line) -> Purchase:
    chosen = [("style", line.item.style), *((name, getattr(line, name)) for name in OPTIONS)]
    options = ", ".join(f"{name} {value}" for name, value in chosen if value not in ("", None))
    return Purchase(line.item.code, line.description, options, line.quantity, unit_cost(line.price))
