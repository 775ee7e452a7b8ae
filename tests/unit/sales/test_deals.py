"""What people do with deals, on two machines that are apart for a while."""

import asyncio
import datetime as dt
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal

import pytest

from crdtsync import open_replica
from crdtsync.errors import DocumentNotFoundError, ValidationError
from crdtsync.testing import MemoryPlace, MemoryRemote
from examples.sales.deals import (
    cancel,
    convert,
    derive_purchase_orders,
    paper_of,
    present,
    purchase_orders_of,
    record_payment,
    reopen,
    sale_id_of,
    send_purchase_order,
)
from examples.sales.model import (
    KINDS,
    Allocation,
    Charge,
    Customer,
    Item,
    Line,
    Payment,
    PurchaseOrder,
    Quote,
    Release,
    Sale,
    Void,
)
from examples.sales.payments import (
    balance_due,
    credit_balance,
    honoured,
    over_allocated,
    paid,
    payments_of,
    unallocated,
)
from examples.sales.pricing import ChargeMethod, ChargeRate, Price, Tax, unit_price
from examples.sales.status import PurchaseStatus, Status, VendorCode, VendorReport

TODAY = dt.date(2024, 5, 1)
SHADE = Price(Decimal("1678.00"), vendor_discount_pct=Decimal("58.75"), margin_pct=Decimal(50))


class Pair:
    """An office with Bob in it and Ada's workstation, which hear of each other when they meet."""

    def __init__(self, bob, ada):
        self.bob, self.ada = bob, ada
        self._place = MemoryPlace()

    async def meet(self):
        for _ in range(3):
            for replica in (self.bob, self.ada):
                await replica.sync(MemoryRemote(self._place))
        assert await self.bob.digests() == await self.ada.digests()

    async def quote(self, replica, *, vendors=("Vendor A", "Vendor B")):
        """Make a quote with a line of each vendor, of two shades and of one."""
        async with replica.edit(Customer) as customer:
            customer.name = "Clara"
        async with replica.edit(Quote) as quote:
            quote.customer = customer.ref
            quote.dated = TODAY
            quote.tax = Tax("VAT", Decimal(10))
            for index, vendor in enumerate(vendors):
                item = Item(code=f"RS{index}", vendor=vendor)
                quote.lines.add(Line(item=item, description="Roller shade", quantity=index + 1, price=SHADE))
            rate = ChargeRate(ChargeMethod.FLAT, Decimal("25.00"))
            quote.charges.add(Charge(name="Installation", rate=rate))
            quote.notes.set("Gate code at desk.")
        if replica is not self.bob:
            await replica.mark_for_sync(quote.id)
        await self.meet()
        return quote.id


@asynccontextmanager
async def a_pair(tmp_path):
    async with (
        open_replica(tmp_path / "office", name="office", role="office", author="bob", kinds=KINDS) as bob,
        open_replica(tmp_path / "r2", name="R2", role="roaming", author="ada", kinds=KINDS) as ada,
    ):
        yield Pair(bob, ada)


@pytest.fixture
async def pair(tmp_path):
    async with a_pair(tmp_path) as opened:
        yield opened


async def mark_all(replica, sale_id):
    orders = await purchase_orders_of(replica, sale_id)
    await replica.mark_for_sync(sale_id, *(order.id for order in orders))


async def test_a_quote_adds_up_and_moves_on_with_what_is_done_to_it(pair):
    quote_id = await pair.quote(pair.ada)
    quote = await pair.bob.get(Quote, quote_id)
    assert quote.totals.goods == 3 * Decimal("1384.35")
    assert quote.total == Decimal("4153.05") + 25 + Decimal("415.31")  # The installation is not taxed.
    assert quote.status is Status.QUOTE_PENDING

    await present(pair.ada, Quote, quote_id, by="ada", how="printed")
    assert (await pair.ada.get(Quote, quote_id)).status is Status.OPEN_QUOTE
    await cancel(pair.ada, Quote, quote_id, by="ada", why="moved away")
    assert (await pair.ada.get(Quote, quote_id)).status is Status.CANCELLED
    await reopen(pair.ada, Quote, quote_id, by="ada")
    assert (await pair.ada.get(Quote, quote_id)).status is Status.OPEN_QUOTE

    await pair.meet()
    found = await pair.bob.find(Quote, where={"status": Status.OPEN_QUOTE, "total__gt": 4000})
    assert [item.id for item in found] == [quote_id]


async def test_what_was_shown_is_what_was_seen_and_what_the_shower_wrote_since(pair):
    quote_id = await pair.quote(pair.ada)
    version = (await pair.ada.get(Quote, quote_id)).info.version
    async with pair.ada.edit(Quote, quote_id) as quote:
        quote.terms = "30 days"
    own = paper_of(await pair.ada.get(Quote, quote_id))
    async with pair.bob.edit(Quote, quote_id) as quote:
        quote.sales_rep = "Bob"
    await pair.meet()

    await present(pair.ada, Quote, quote_id, by="ada", how="shown", seen=version)

    quote = await pair.ada.get(Quote, quote_id)
    assert [shown.digest for shown in quote.milestones] == [own]
    assert paper_of(quote) != own


async def test_two_who_convert_one_quote_while_apart_make_one_sale_and_one_set_of_purchase_orders(pair):
    quote_id = await pair.quote(pair.ada)

    for replica, by in ((pair.ada, "ada"), (pair.bob, "bob")):
        sale = await convert(replica, quote_id, by=by)
        assert sale.id == sale_id_of(quote_id)
        await mark_all(replica, sale.id)
    await pair.meet()

    for replica in (pair.ada, pair.bob):
        sales = await replica.find(Sale)
        assert [sale.id for sale in sales] == [sale_id_of(quote_id)]
        assert len(sales[0].lines) == 2
        assert len(sales[0].charges) == 1
        assert sales[0].total == (await replica.get(Quote, quote_id)).total
        assert sales[0].status is Status.OPEN_SALE
        orders = await replica.find(PurchaseOrder, order_by="vendor")
        assert [(order.vendor, len(order.lines)) for order in orders] == [("Vendor A", 1), ("Vendor B", 1)]
        assert await replica.conflicts() == []
        assert (await replica.get(Quote, quote_id)).status is Status.CONVERTED_QUOTE
    numbers = {document.number for document in [*sales, *orders]}
    assert numbers == {"S-00001", "P-00001", "P-00002"}
    # Paper that either of the two printed is found by what is on it.
    assert len(sales[0].info.references) == 2


async def test_a_conversion_that_was_cut_off_is_finished_by_doing_it_again(pair):
    quote_id = await pair.quote(pair.bob)
    sale = await convert(pair.bob, quote_id, by="bob")
    before = await pair.bob.digests()

    await asyncio.gather(*(convert(pair.bob, quote_id, by="ada") for _ in range(3)))

    assert await pair.bob.digests() == before
    assert len(await purchase_orders_of(pair.bob, sale.id)) == 2


async def test_prices_reckoned_apart_are_never_mixed(pair):
    quote_id = await pair.quote(pair.ada)
    prices = [
        replace(SHADE, msrp=Decimal("2000.00"), price_list_version="2024-06"),
        replace(SHADE, margin_pct=Decimal(40), customer_discount_pct=Decimal(20)),
    ]

    for replica, price in zip((pair.ada, pair.bob), prices, strict=True):
        async with replica.edit(Quote, quote_id) as quote:
            quote.lines[0].price = price
    await pair.meet()

    for replica in (pair.ada, pair.bob):
        quote = await replica.get(Quote, quote_id)
        assert quote.lines[0].price in prices
        assert quote.totals.goods == unit_price(quote.lines[0].price) + 2 * unit_price(SHADE)
        (conflict,) = await replica.conflicts(quote_id)
        assert conflict.path == f"lines/{quote.lines[0].id}/price"
        assert conflict.needs_decision


async def test_purchase_orders_follow_their_sale_until_they_are_sent(pair):
    quote_id = await pair.quote(pair.bob)
    sale = await convert(pair.bob, quote_id, by="bob")
    orders = await purchase_orders_of(pair.bob, sale.id)
    await send_purchase_order(pair.bob, orders[0].id, by="bob")
    await send_purchase_order(pair.bob, orders[0].id, by="bob")

    async with pair.bob.edit(Sale, sale.id) as changed:
        for line in changed.lines:
            line.quantity += 5
            line.width = Decimal("34.5")
    await derive_purchase_orders(pair.bob, await pair.bob.get(Sale, sale.id))

    sent, unsent = await purchase_orders_of(pair.bob, sale.id)
    assert (sent.status, sent.lines[0].what.quantity, len(sent.sent)) == (PurchaseStatus.SENT, 1, 1)
    assert (unsent.status, unsent.lines[0].what.quantity) == (PurchaseStatus.OPEN, 7)
    assert unsent.lines[0].what.options == "width 34.5"
    assert unsent.cost == 7 * Decimal("692.175")
    assert (await pair.bob.get(Sale, sale.id)).status is Status.ORDER


async def test_a_line_taken_out_and_put_back_is_bought_once(pair):
    quote_id = await pair.quote(pair.bob)
    sale = await convert(pair.bob, quote_id, by="bob")
    line_id = sale.lines[0].id

    async with pair.bob.edit(Sale, sale.id) as changed:
        changed.lines.remove(line_id)
    ids = await derive_purchase_orders(pair.bob, await pair.bob.get(Sale, sale.id))
    assert [len(order.lines) for order in await purchase_orders_of(pair.bob, sale.id)] == [0, 1]
    assert len(ids) == 1

    async with pair.bob.edit(Sale, sale.id) as changed:
        changed.lines.restore(line_id)
    await derive_purchase_orders(pair.bob, await pair.bob.get(Sale, sale.id))
    assert [len(order.lines) for order in await purchase_orders_of(pair.bob, sale.id)] == [1, 1]


async def test_an_order_sent_on_one_side_and_a_line_edited_on_the_other_are_both_kept(pair):
    quote_id = await pair.quote(pair.ada)
    sale = await convert(pair.ada, quote_id, by="ada")
    await mark_all(pair.ada, sale.id)
    await pair.meet()

    order = (await purchase_orders_of(pair.bob, sale.id))[0]
    await send_purchase_order(pair.bob, order.id, by="bob")
    async with pair.bob.edit(PurchaseOrder, order.id) as reported:
        reported.reports.append(VendorReport(order.lines[0].id, VendorCode.ACCEPTED))
    async with pair.ada.edit(Sale, sale.id) as changed:
        changed.lines[0].quantity = 9
    await pair.meet()

    for replica in (pair.ada, pair.bob):
        merged = await replica.get(Sale, sale.id)
        assert merged.status is Status.ORDER
        assert merged.lines[0].quantity == 9
        assert (await replica.get(PurchaseOrder, order.id)).status is PurchaseStatus.ACCEPTED


async def test_a_payment_on_a_quote_converts_it_first_also_while_the_office_does(pair):
    quote_id = await pair.quote(pair.ada)
    quote = await pair.ada.get(Quote, quote_id)

    await convert(pair.bob, quote_id, by="bob")
    await record_payment(
        pair.ada,
        quote.customer,
        Decimal("700.00"),
        received=TODAY,
        by="ada",
        allocate=[(quote_id, Decimal("650.00"))],
    )
    await mark_all(pair.ada, sale_id_of(quote_id))
    await pair.meet()

    for replica in (pair.ada, pair.bob):
        (sale,) = await replica.find(Sale)
        payments = await payments_of(replica, sale.customer)
        assert balance_due(sale, payments) == sale.total - Decimal("650.00")
        assert credit_balance(payments) == Decimal("50.00")


async def test_a_payment_that_both_sides_allocate_is_over_allocated_and_counts_once(pair):
    sales = []
    for _ in range(2):
        quote_id = await pair.quote(pair.ada)
        sales.append(await convert(pair.ada, quote_id, by="ada"))
        await mark_all(pair.ada, sales[-1].id)
    async with pair.ada.edit(Payment) as payment:
        payment.customer = sales[0].customer
        payment.amount = Decimal("100.00")
        payment.received = TODAY
    await pair.meet()

    entries = {}
    for replica, sale, amount in ((pair.ada, sales[0], "80.00"), (pair.bob, sales[1], "70.00")):
        async with replica.edit(Payment, payment.id) as allocated:
            part = Allocation(sale.ref, Decimal(amount), replica.name)
            entries[sale.id] = allocated.allocations.append(part)
        assert over_allocated(await replica.get(Payment, payment.id)) == 0
    await pair.meet()

    for replica in (pair.ada, pair.bob):
        known = await replica.get(Payment, payment.id)
        assert over_allocated(known) == Decimal("50.00")
        assert sum(honoured(known).values()) == Decimal("100.00")
        assert sum(paid(sale, [known]) for sale in sales) == Decimal("100.00")
        assert unallocated(known) == 0

    async with pair.bob.edit(Payment, payment.id) as released:
        released.releases.append(Release(entries[sales[1].id], "bob"))
    await pair.meet()
    known = await pair.ada.get(Payment, payment.id)
    assert over_allocated(known) == 0
    assert [paid(sale, [known]) for sale in sales] == [Decimal("80.00"), 0]
    assert unallocated(known) == Decimal("20.00")


async def test_a_void_payment_pays_for_nothing(pair):
    quote_id = await pair.quote(pair.bob)
    quote = await pair.bob.get(Quote, quote_id)
    payment_id = await record_payment(
        pair.bob, quote.customer, Decimal(10), received=TODAY, by="bob", allocate=[(quote_id, Decimal(10))]
    )

    async with pair.bob.edit(Payment, payment_id) as payment:
        payment.voids.append(Void("the cheque bounced", "bob"))

    sale = await pair.bob.get(Sale, sale_id_of(quote_id))
    payments = await payments_of(pair.bob, sale.customer)
    assert (balance_due(sale, payments), credit_balance(payments)) == (sale.total, 0)


async def test_a_payment_of_nothing_is_refused_and_nothing_is_recorded(pair):
    quote_id = await pair.quote(pair.bob)
    quote = await pair.bob.get(Quote, quote_id)

    for amount in (Decimal(0), Decimal(-5)):
        with pytest.raises(ValidationError):
            await record_payment(pair.bob, quote.customer, amount, received=TODAY, by="bob")
    with pytest.raises(DocumentNotFoundError):
        await convert(pair.bob, sale_id_of("none"), by="bob")

    assert await pair.bob.count(Payment) == 0
