"""Where a deal stands and what can be done with it next, as the editor shows it; read from the documents."""

from dataclasses import dataclass

from crdtsync import LogEntry
from examples.sales.deals import (
    needs_purchase_orders,
    paper_of,
    purchase_orders_of,
    sale_id_of,
    was_sent_otherwise,
    why_not_converted,
)
from examples.sales.model import Deal, PurchaseOrder, Quote, Sale
from examples.sales.payments import paid, payments_for
from examples.sales.pricing import ZERO
from examples.sales.since_conversion import quote_changes
from examples.sales.status import Milestone, MilestoneKind, PurchaseStatus, Status, is_cancelled
from examples.sales.web.desk import Desk
from examples.sales.web.differences import DifferenceShown, differences_shown
from examples.sales.web.pages.routing import title_of


@dataclass(frozen=True, slots=True)
class Step:
    """One stage of a deal."""

    label: str
    text: str
    address: str
    """Where it is; empty if it is not here, or is the page itself."""
    status: str = ""
    is_current: bool = False


@dataclass(frozen=True, slots=True)
class Flow:
    """What the editor says of the way from the quote to the order."""

    steps: tuple[Step, ...]
    orders: tuple[Step, ...]
    can_convert: bool = False
    why_not_convert: str = ""
    is_awaited: bool = False
    """Whether it was converted elsewhere, and the sale has not arrived here."""
    can_make_orders: bool = False
    can_send: bool = False
    can_show: bool = False
    """Whether that it was shown to the customer would be news for its status."""
    can_cancel: bool = False
    is_cancelled: bool = False
    sent_otherwise: tuple[Step, ...] = ()
    """Purchase orders that were sent before the sale was changed."""
    shown_before_ms: int = 0
    """When the customer was last shown something that is not what it says now."""
    differences: tuple[DifferenceShown, ...] = ()
    """What was changed of the quote after its conversion, and is not in the sale."""
    compared_at: str = ""
    """Where that is looked at; of a converted quote, whether there is anything or not."""
    money_of_cancelled: str = ""
    """What is paid for it though it is cancelled."""


@dataclass(frozen=True, slots=True)
class Happening:
    """One milestone on the page."""

    id: str
    day: str
    what: str
    note: str
    by: str


async def flow_of(desk: Desk, deal: Deal) -> Flow:
    """Return where a quote or a sale stands."""
    match deal:
        case Quote():
            return await _flow_of_quote(desk, deal)
        case Sale():
            return await _flow_of_sale(desk, deal)
        case _:
            raise TypeError(f"{type(deal).__name__} is neither a quote nor a sale")


def happenings_of(desk: Desk, deal: Deal) -> list[Happening]:
    """Return what happened to a quote or a sale, newest first."""
    found = [_happening(desk, entry) for entry in deal.milestones.entries]
    made = Happening("made", desk.at(deal.info.created_ms), "Made", "", deal.sales_rep)
    return [*reversed(found), made]


async def _flow_of_quote(desk: Desk, quote: Quote) -> Flow:
    sale = await desk.replica.get_or_none(Sale, sale_id_of(quote.id))
    is_converted = quote.status is Status.CONVERTED_QUOTE
    orders = await purchase_orders_of(desk.replica, sale.id) if sale is not None else []
    was_cancelled = is_cancelled(quote.milestones)
    return Flow(
        steps=(
            Step("Quote", title_of(quote), "", quote.status, is_current=True),
            _sale_step(sale, is_expected=is_converted),
        ),
        orders=_order_steps(orders),
        can_convert=not is_converted and sale is None and not why_not_converted(quote),
        why_not_convert="" if is_converted or sale is not None else why_not_converted(quote),
        is_awaited=is_converted and sale is None,
        can_show=quote.status is Status.QUOTE_PENDING,
        can_cancel=not was_cancelled and not is_converted,
        is_cancelled=was_cancelled and not is_converted,
        shown_before_ms=_shown_before_ms(quote),
        differences=await _differences(desk, sale),
        compared_at="" if sale is None else f"/sales/{sale.id}/quote-changes",
    )


async def _flow_of_sale(desk: Desk, sale: Sale) -> Flow:
    replica = desk.replica
    orders = await purchase_orders_of(replica, sale.id)
    was_cancelled = is_cancelled(sale.milestones)
    steps = [Step("Sale", title_of(sale), "", sale.status, is_current=True)]
    if sale.quote is not None:
        quote = await replica.get_or_none(Quote, sale.quote)
        steps.insert(
            0,
            Step("Quote", "not here", "")
            if quote is None
            else Step("Quote", title_of(quote), f"/quotes/{quote.id}", quote.status),
        )
    held = paid(sale, await payments_for(replica, sale)) if was_cancelled else ZERO
    return Flow(
        steps=tuple(steps),
        orders=_order_steps(orders),
        can_make_orders=not was_cancelled and needs_purchase_orders(sale, orders),
        can_send=not was_cancelled and any(order.lines and not order.sent for order in orders),
        can_show=sale.status is Status.SALE_PENDING,
        can_cancel=not was_cancelled,
        is_cancelled=was_cancelled,
        sent_otherwise=_order_steps([order for order in orders if was_sent_otherwise(sale, order)]),
        shown_before_ms=_shown_before_ms(sale),
        differences=await _differences(desk, sale),
        compared_at=f"/sales/{sale.id}/quote-changes",
        money_of_cancelled=desk.forms.money_shown(held) if held > 0 else "",
    )


async def _differences(desk: Desk, sale: Sale | None) -> tuple[DifferenceShown, ...]:
    changes = None if sale is None else await quote_changes(desk.replica, sale)
    return differences_shown(desk.forms, changes)


def _sale_step(sale: Sale | None, *, is_expected: bool) -> Step:
    if sale is None:
        return Step("Sale", "not here yet" if is_expected else "", "")
    return Step("Sale", title_of(sale), f"/sales/{sale.id}", sale.status)


def _order_steps(orders: list[PurchaseOrder]) -> tuple[Step, ...]:
    return tuple(
        Step(order.vendor, title_of(order), f"/purchase-orders/{order.id}", order.status)
        for order in orders
        # One whose lines were all removed before it was sent is none any more.
        if order.lines or order.status is not PurchaseStatus.OPEN
    )


def _shown_before_ms(deal: Deal) -> int:
    shown = [entry for entry in deal.milestones.entries if entry.value.kind is MilestoneKind.PRESENTED]
    return shown[-1].at_ms if shown and shown[-1].value.digest != paper_of(deal) else 0


def _happening(desk: Desk, entry: LogEntry[Milestone]) -> Happening:
    milestone = entry.value
    day = desk.at(entry.at_ms) if milestone.on is None else desk.forms.date_shown(milestone.on)
    what, note = _words(milestone)
    return Happening(entry.id, day, what, note, milestone.by)


def _words(milestone: Milestone) -> tuple[str, str]:
    match milestone.kind:
        case MilestoneKind.PRESENTED:
            return milestone.how.capitalize() or "Shown", ""
        case MilestoneKind.CONVERTED:
            return "Converted to a sale", ""
        case MilestoneKind.PO_SENT:
            return "Purchase order sent", milestone.how
        case MilestoneKind.CANCELLED:
            return "Cancelled", milestone.how
        case MilestoneKind.REOPENED:
            return "Reopened", milestone.how
        case MilestoneKind.NOTED:
            return milestone.how, ""
