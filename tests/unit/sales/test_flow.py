"""What a quote, a sale and their purchase orders say before something is done to them, and what may be done twice."""

import asyncio
import datetime as dt
from decimal import Decimal

import pytest

from crdtsync import derive_id, open_replica
from examples.sales.deals import (
    approve_purchase_order,
    approved_by,
    cancel,
    content_of,
    convert,
    derive_purchase_orders,
    needs_purchase_orders,
    note_milestone,
    present,
    purchase_orders_of,
    record_payment,
    reopen,
    send_purchase_order,
    vendors_of,
    was_sent_otherwise,
    why_not_converted,
    why_not_sent,
)
from examples.sales.model import KINDS, Customer, Item, Line, Payment, PurchaseOrder, Quote, Sale
from examples.sales.payments import allocate_credit, declare_void, live_allocations, release, unallocated
from examples.sales.pricing import Price
from examples.sales.status import MilestoneKind, Status

TODAY = dt.date(2024, 5, 1)


@pytest.fixture
async def ada(tmp_path):
    async with open_replica(tmp_path / "r1", name="R1", role="roaming", author="ada", kinds=KINDS) as replica:
        yield replica


async def a_quote(replica, *, customer_name="Clara", vendors=("Vendor A", "")):
    async with replica.edit(Customer) as customer:
        customer.name = "Clara"
    async with replica.edit(Quote) as quote:
        quote.customer = customer.ref
        quote.customer_name = customer_name
        quote.dated = TODAY
        for vendor in vendors:
            quote.lines.add(
                Line(
                    item=Item(code="RS", vendor=vendor),
                    price=Price(Decimal(100)),
                    width=Decimal(30),
                    height=Decimal(40),
                )
            )
    return quote.id


async def test_what_keeps_a_quote_from_becoming_a_sale_is_said(ada):
    fine, nameless, gone = await a_quote(ada), await a_quote(ada, customer_name=" "), await a_quote(ada)
    await cancel(ada, Quote, gone, by="ada")

    assert why_not_converted(await ada.get(Quote, fine)) == ""
    assert "no customer" in why_not_converted(await ada.get(Quote, nameless))
    assert "Reopen" in why_not_converted(await ada.get(Quote, gone))


async def test_only_lines_with_a_vendor_are_bought(ada):
    quote_id = await a_quote(ada, vendors=("Vendor B", "Vendor A", "", "Vendor A"))
    assert vendors_of(await ada.get(Quote, quote_id)) == {"Vendor A": 2, "Vendor B": 1}


async def test_purchase_orders_that_do_not_say_what_the_sale_says_are_told_of(ada):
    sale = await convert(ada, await a_quote(ada), by="ada")
    [order] = await purchase_orders_of(ada, sale.id)
    assert needs_purchase_orders(sale, [])
    assert not needs_purchase_orders(sale, [order])
    assert why_not_sent(sale, order) == ""
    assert "not arrived" in why_not_sent(None, order)

    async with ada.edit(Sale, sale.id) as changed:
        changed.lines[0].quantity = 4
    sale = await ada.get(Sale, sale.id)
    assert needs_purchase_orders(sale, [order])
    assert "changed since" in why_not_sent(sale, order)

    await derive_purchase_orders(ada, sale)
    [order] = await purchase_orders_of(ada, sale.id)
    assert not needs_purchase_orders(sale, [order])
    await send_purchase_order(ada, order.id, by="ada")
    async with ada.edit(Sale, sale.id) as changed:
        changed.lines[0].quantity = 5
    sale, [order] = await ada.get(Sale, sale.id), await purchase_orders_of(ada, sale.id)
    assert was_sent_otherwise(sale, order)
    assert not needs_purchase_orders(sale, [order])


async def test_a_purchase_order_of_nothing_or_of_a_cancelled_sale_is_not_sent(ada):
    sale = await convert(ada, await a_quote(ada), by="ada")
    await cancel(ada, Sale, sale.id, by="ada")
    [order] = await purchase_orders_of(ada, sale.id)
    assert "cancelled" in why_not_sent(await ada.get(Sale, sale.id), order)

    async with ada.edit(Sale, sale.id) as changed:
        changed.lines.remove(changed.lines[0])
    sale = await ada.get(Sale, sale.id)
    assert needs_purchase_orders(sale, [order])
    await derive_purchase_orders(ada, sale)
    [order] = await purchase_orders_of(ada, sale.id)
    assert "Nothing is bought" in why_not_sent(sale, order)
    assert not needs_purchase_orders(sale, [order])


async def test_what_is_not_measured_is_approved_before_it_is_sent(ada):
    sale = await convert(ada, await a_quote(ada, vendors=("Vendor A", "Vendor A", "Vendor B")), by="ada")
    async with ada.edit(Sale, sale.id) as changed:
        changed.lines[0].width = changed.lines[1].height = None
    sale = await ada.get(Sale, sale.id)
    await derive_purchase_orders(ada, sale)
    unmeasured, measured = await purchase_orders_of(ada, sale.id)
    assert "2 lines have no width or no height" in why_not_sent(sale, unmeasured)
    assert why_not_sent(sale, measured) == ""
    assert not await approve_purchase_order(ada, unmeasured.id, by="ada", content="something else")
    for by in ("ada", "bob"):
        assert await approve_purchase_order(ada, unmeasured.id, by=by, content=content_of(unmeasured))
    approved = await ada.get(PurchaseOrder, unmeasured.id)
    assert (approved_by(approved), len(approved.approvals), why_not_sent(sale, approved)) == ("ada", 1, "")


async def test_an_approval_is_of_what_was_approved_and_of_nothing_else(ada):
    sale = await convert(ada, await a_quote(ada, vendors=("Vendor A",)), by="ada")
    async with ada.edit(Sale, sale.id) as changed:
        changed.lines[0].width = None
    await derive_purchase_orders(ada, await ada.get(Sale, sale.id))
    [order] = await purchase_orders_of(ada, sale.id)
    await approve_purchase_order(ada, order.id, by="ada", content=content_of(order))

    async def why_not_now():
        sale_now = await ada.get(Sale, sale.id)
        await derive_purchase_orders(ada, sale_now)
        [order_now] = await purchase_orders_of(ada, sale.id)
        return why_not_sent(sale_now, order_now)

    assert await why_not_now() == ""
    async with ada.edit(Sale, sale.id) as changed:
        another = Line(item=Item(code="RS", vendor="Vendor A"), price=Price(Decimal(100)))
        changed.lines.add(another, id="b" * 26)
    assert "2 lines have no width or no height" in await why_not_now()
    async with ada.edit(Sale, sale.id) as changed:
        changed.lines.remove("b" * 26)
    assert await why_not_now() == ""
    async with ada.edit(Sale, sale.id) as changed:
        changed.lines[0].quantity = 100
    assert "1 line has no width or no height" in await why_not_now()


async def test_what_is_shown_again_as_it_was_is_not_recorded_again(ada):
    quote_id = await a_quote(ada)
    assert await present(ada, Quote, quote_id, by="ada", how="printed")
    assert not await present(ada, Quote, quote_id, by="ada", how="printed")
    assert await present(ada, Quote, quote_id, by="ada", how="e-mailed")
    for name in ("terms", "line", "notes"):
        async with ada.edit(Quote, quote_id) as quote:
            if name == "terms":
                quote.terms = "30 days"
            elif name == "line":
                quote.lines[0].room = "Kitchen"
            else:
                quote.notes.set("Call first.")
        assert await present(ada, Quote, quote_id, by="ada", how="e-mailed")
        assert not await present(ada, Quote, quote_id, by="ada", how="e-mailed")
    assert len((await ada.get(Quote, quote_id)).milestones) == 5


async def test_a_milestone_by_hand_has_its_day_and_changes_no_status(ada):
    quote_id = await a_quote(ada)
    await note_milestone(ada, Quote, quote_id, "Measured", by="ada", on=dt.date(2024, 4, 30))
    quote = await ada.get(Quote, quote_id)
    [noted] = quote.milestones
    assert (noted.kind, noted.how, noted.on) == (MilestoneKind.NOTED, "Measured", dt.date(2024, 4, 30))
    assert quote.status is Status.QUOTE_PENDING


async def test_what_is_cancelled_or_reopened_already_is_not_so_again(ada):
    quote_id = await a_quote(ada)
    await reopen(ada, Quote, quote_id, by="ada")
    for _ in range(2):
        await cancel(ada, Quote, quote_id, by="ada", why="moved away")
    for _ in range(2):
        await reopen(ada, Quote, quote_id, by="ada")
    happened = [seen.kind for seen in (await ada.get(Quote, quote_id)).milestones]
    assert happened == [MilestoneKind.CANCELLED, MilestoneKind.REOPENED]


async def test_a_payment_that_is_sent_twice_is_recorded_once(ada):
    sale = await convert(ada, await a_quote(ada), by="ada")
    payment_id = derive_id("payment", "of this form")

    async def pay():
        part = (sale.id, Decimal(40))
        return await record_payment(
            ada,
            sale.customer,
            Decimal(50),
            received=TODAY,
            by="ada",
            allocate=[part],
            method="Card",
            card_last4="4242",
            payment_id=payment_id,
        )

    assert set(await asyncio.gather(*(pay() for _ in range(3)))) == {payment_id}
    payment = await ada.get(Payment, payment_id)
    assert (payment.method, payment.card_last4) == ("Card", "4242")
    assert unallocated(payment) == Decimal(10)
    assert len(await ada.history(payment_id)) == 1


async def test_credit_is_allocated_released_and_gone_with_a_void_payment(ada):
    sale = await convert(ada, await a_quote(ada), by="ada")
    payment_id = await record_payment(ada, sale.customer, Decimal(50), received=TODAY, by="ada")
    for _ in range(2):
        await allocate_credit(ada, payment_id, sale.id, Decimal(30), by="ada", allocation_id="one")
    for amount in (Decimal(0), Decimal(-1), Decimal(21)):
        with pytest.raises(ValueError, match="what is left"):
            await allocate_credit(ada, payment_id, sale.id, amount, by="ada")
    assert unallocated(await ada.get(Payment, payment_id)) == Decimal(20)
    for _ in range(2):
        await release(ada, payment_id, "one", by="ada")
    payment = await ada.get(Payment, payment_id)
    assert (live_allocations(payment), len(payment.releases)) == ([], 1)
    for _ in range(2):
        await declare_void(ada, payment_id, by="ada", reason="bounced")
    payment = await ada.get(Payment, payment_id)
    assert (unallocated(payment), len(payment.voids)) == (Decimal(0), 1)
