"""What the browser's tab is called: what is swapped in says so, and htmx takes the first title of an answer."""

import datetime as dt

import pytest

from crdtsync.testing import MemoryPlace, MemoryRemote
from examples.sales.deals import convert, purchase_orders_of
from examples.sales.model import Customer, Item, Product, Quote
from tests.unit.sales.web_desks import open_seat

TODAY = dt.date(2024, 5, 31)


@pytest.fixture
async def bob(tmp_path):
    async with open_seat(tmp_path, "office", role="office", author="bob") as seat:
        yield seat


def asked(part):
    return {"HX-Request": "true", "HX-Target": part}


async def is_called(seat, path, part, name):
    """Whether a page and the part of it that is asked for again give the tab the same name, once each."""
    whole, again = (await seat.page(path)).text, (await seat.page(path, **asked(part))).text
    title = f"<title>{name} · office</title>"
    assert whole.count("<title>") == 1
    assert again.count("<title>") == 1
    # A title inside of anything else would be the title of a drawing.
    return title in whole and again.startswith(title)


async def test_the_tab_is_called_by_the_final_number_once_it_is_here(bob):
    quote_id = await bob.quote(TODAY, prices=[100])
    async with bob.replica.edit(Quote, quote_id) as quote:
        quote.lines[0].item = Item(code="RS", vendor="Vendor A")
    sale = await convert(bob.replica, quote_id, by="bob")
    [order] = await purchase_orders_of(bob.replica, sale.id)
    reference = (await bob.replica.get(Quote, quote_id)).reference
    assert await is_called(bob, f"/quotes/{quote_id}", "deal", reference)
    await bob.replica.mark_for_sync(quote_id, sale.id, order.id)
    await bob.replica.sync(MemoryRemote(MemoryPlace()))
    for place, document, part in (("quotes", quote_id, "deal"), ("sales", sale.id, "deal")):
        number = (await bob.replica.item(document)).number
        assert number
        assert await is_called(bob, f"/{place}/{document}", part, number)
    number = (await bob.replica.item(order.id)).number
    assert await is_called(bob, f"/purchase-orders/{order.id}", "purchase-order", number)


async def test_the_tab_of_a_customer_or_a_product_follows_the_name(bob):
    async with bob.replica.edit(Customer) as customer:
        customer.name = "Rita & Co"
    async with bob.replica.edit(Product) as product:
        product.code, product.name, product.vendor = "RS", "Roller shade", "Vendor A"
    assert await is_called(bob, f"/customers/{customer.id}", "customer", "Rita &amp; Co")
    assert await is_called(bob, f"/payments?customer={customer.id}", "account", "Account of Rita &amp; Co")
    assert await is_called(bob, f"/catalogue/{product.id}", "product", "Roller shade")


async def test_a_page_that_is_swapped_in_whole_gives_the_tab_its_name(bob):
    quote_id = await bob.quote(TODAY)
    reference = (await bob.replica.get(Quote, quote_id)).reference
    answer = await bob.post(f"/quotes/{quote_id}/cancel", reason="")
    assert answer.text.startswith(f"<title>Cancel {reference} · office</title>")
