"""The centers beyond one kind: orders, the numbers of other documents, and customers that are picked."""

import datetime as dt
from decimal import Decimal

import pytest

from crdtsync import derive_id
from examples.sales.deals import convert, derive_purchase_orders, send_purchase_order
from examples.sales.model import Address, Customer, Item, Line, PurchaseOrder, Quote, Sale
from examples.sales.pricing import Price
from tests.unit.sales.web_desks import open_seat

DAY = dt.date(2024, 5, 31)


@pytest.fixture
async def seat(tmp_path):
    async with open_seat(tmp_path, "office", role="office", author="bob") as seat:
        yield seat


async def sold(seat, name):
    """Sell one shade; return the sale and its purchase order."""
    quote = await seat.quote(DAY, customer_name=name)
    async with seat.replica.edit(Quote, quote) as draft:
        draft.lines.add(
            Line(description="Roller shade", item=Item(vendor="Sunline"), price=Price(Decimal(9)))
        )
    sale = await convert(seat.replica, quote, by="bob")
    (order,) = await derive_purchase_orders(seat.replica, sale)
    return sale.id, order


async def test_an_order_is_a_sale_of_which_something_has_gone_to_a_vendor(seat):
    page = (await seat.page("/orders")).text
    assert "No orders yet" in page
    sale, order = await sold(seat, "Ada's aunt")
    await sold(seat, "Bob's uncle")
    assert "No orders yet" in (await seat.page("/orders")).text
    await send_purchase_order(seat.replica, order, by="bob")

    page = (await seat.page("/orders")).text
    assert f'href="/sales/{sale}"' in page
    assert "Bob&#39;s uncle" not in page
    # Nobody begins with an order.
    assert "New order" not in page
    assert (await seat.post("/orders", customer="Ada")).status_code == 405


@pytest.mark.parametrize("center", ["quotes", "sales", "orders"])
async def test_a_center_tells_where_the_document_is_that_has_the_number_of_another_kind(seat, center):
    _, order = await sold(seat, "Ada's aunt")
    number = (await seat.replica.get(PurchaseOrder, order)).reference
    page = (await seat.page(f"/{center}?q={number}")).text
    assert f'{number} is a purchase order: <a href="/purchase-orders/{order}">' in page


async def test_a_number_is_not_told_as_another_kinds_where_it_is_listed(seat):
    sale, _ = await sold(seat, "Ada's aunt")
    number = (await seat.replica.get(Sale, sale)).reference
    assert "is a sale" not in (await seat.page(f"/sales?q={number}")).text
    # A sale is no order yet, so it is told where it is.
    assert f'{number} is a sale: <a href="/sales/{sale}">' in (await seat.page(f"/orders?q={number}")).text


async def test_a_quote_for_a_picked_customer_is_his_and_not_his_namesakes(seat):
    for account in ("1", "2"):
        async with seat.replica.edit(Customer, derive_id("customer", account), create=True) as customer:
            customer.name, customer.account = "Ada", account
            customer.billing = Address(street=f"Street {account}")
    chosen = derive_id("customer", "2")
    answer = await seat.post("/quotes", customer="Ada", picked=chosen)
    quote = await seat.replica.get(Quote, answer.headers["HX-Redirect"].rpartition("/")[2])
    assert (quote.customer, quote.customer_name) == (chosen, "Ada")
    assert quote.bill_to == Address(street="Street 2")


async def test_a_name_that_was_typed_after_picking_another_makes_its_own_customer(seat):
    answer = await seat.post("/quotes", customer="Somebody new", picked="")
    quote = await seat.replica.get(Quote, answer.headers["HX-Redirect"].rpartition("/")[2])
    assert (await seat.replica.get(Customer, quote.customer)).name == "Somebody new"
