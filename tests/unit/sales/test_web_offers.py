"""What the editor tells of prices: that the catalogue has another one, that they are locked; and purchase orders on paper."""

import datetime as dt
from decimal import Decimal

import pytest

from examples.sales.catalogue import stock
from examples.sales.deals import convert, derive_purchase_orders
from examples.sales.intake import product_id_of
from examples.sales.model import Item, Line, Product, PurchaseOrder, Quote
from examples.sales.pricing import Price
from tests.unit.sales.web_desks import open_seat

TODAY = dt.date(2024, 5, 31)
ROLLER = product_id_of("NL-R100")
OTHER_PRICE = "The catalogue&#39;s price was"


@pytest.fixture
async def seat(tmp_path):
    async with open_seat(tmp_path) as seat:
        await stock(seat.replica)
        yield seat


async def quote_of(seat):
    """A quote with a roller shade; return its id and the line's."""
    quote_id = await seat.quote(TODAY)
    await seat.post(f"/quotes/{quote_id}/lines", product=ROLLER)
    (line,) = (await seat.replica.get(Quote, quote_id)).lines
    return quote_id, line.id


async def page_of(seat, quote_id):
    return (await seat.page(f"/quotes/{quote_id}")).text


async def raise_price(seat):
    async with seat.replica.edit(Product, ROLLER) as product:
        product.msrp += 100


async def test_another_price_in_the_catalogue_is_told_at_the_line_until_it_is_recalculated(seat):
    quote_id, line = await quote_of(seat)
    assert OTHER_PRICE not in await page_of(seat, quote_id)
    before = (await seat.replica.get(Quote, quote_id)).lines[line].price
    await raise_price(seat)
    assert OTHER_PRICE in await page_of(seat, quote_id)
    # The customer's price stays until a person wants the new one.
    assert (await seat.replica.get(Quote, quote_id)).lines[line].price == before
    answer = await seat.post(f"/quotes/{quote_id}/lines/{line}/recalculate")
    assert OTHER_PRICE not in answer.text
    assert OTHER_PRICE not in await page_of(seat, quote_id)


async def test_a_price_that_is_set_by_hand_is_no_other_price(seat):
    quote_id, line = await quote_of(seat)
    await seat.post(f"/quotes/{quote_id}/lines/{line}/fields/price", value="5.00", seen="")
    assert OTHER_PRICE not in await page_of(seat, quote_id)


async def test_what_was_never_calculated_has_no_other_price(seat):
    quote_id = await seat.quote(TODAY)
    async with seat.replica.edit(Quote, quote_id) as quote:
        product = await seat.replica.get(Product, ROLLER)
        quote.lines.add(Line(item=Item(product=product.ref), price=Price(Decimal(1))))
    assert OTHER_PRICE not in await page_of(seat, quote_id)


async def test_what_is_no_longer_offered_is_told_also_where_prices_are_locked(seat):
    quote_id, _ = await quote_of(seat)
    await seat.post(f"/quotes/{quote_id}/price-lock", locked="yes")
    await raise_price(seat)
    async with seat.replica.edit(Product, ROLLER) as product:
        product.is_active = False
    page = await page_of(seat, quote_id)
    assert "is no longer offered." in page
    assert OTHER_PRICE not in page


async def test_a_quote_that_is_a_sale_by_now_is_not_warned_of(seat):
    quote_id, _ = await quote_of(seat)
    await convert(seat.replica, quote_id, by="ada")
    await raise_price(seat)
    assert OTHER_PRICE not in await page_of(seat, quote_id)


async def test_locked_prices_are_shown_and_refused_and_all_else_is_written(seat):
    quote_id, line = await quote_of(seat)
    answer = await seat.post(f"/quotes/{quote_id}/price-lock", locked="yes")
    assert 'aria-checked="true"' in answer.text
    assert "readonly" in answer.text
    before = (await seat.replica.get(Quote, quote_id)).lines[line].price
    for name in ("price", "margin_pct"):
        answer = await seat.post(f"/quotes/{quote_id}/lines/{line}/fields/{name}", value="7", seen="")
        assert "The prices are locked" in answer.text
    await seat.post(f"/quotes/{quote_id}/lines/{line}/fields/quantity", value="3", seen="1")
    found = (await seat.replica.get(Quote, quote_id)).lines[line]
    assert (found.price, found.quantity) == (before, 3)

    # Asked for twice, as by two people, it is one change.
    changes = len(await seat.replica.history(quote_id))
    await seat.post(f"/quotes/{quote_id}/price-lock", locked="yes")
    assert len(await seat.replica.history(quote_id)) == changes
    await seat.post(f"/quotes/{quote_id}/price-lock", locked="no")
    await seat.post(f"/quotes/{quote_id}/lines/{line}/fields/price", value="7", seen="")
    assert (await seat.replica.get(Quote, quote_id)).lines[line].price.base_retail == 7


async def test_the_lines_of_what_is_locked_for_its_number_can_be_looked_into(tmp_path):
    async with open_seat(tmp_path, is_locking=True) as seat:
        await stock(seat.replica)
        quote_id, line = await quote_of(seat)
        await seat.post(f"/quotes/{quote_id}/mark")
        page = await page_of(seat, quote_id)
        assert 'class="bare" disabled' in page
        # A button there would be disabled with all around it.
        assert f'<a id="line-{line}-more" href="?toggle={line}"' in page
        assert f'id="line-{line}-details"' in (await seat.page(f"/quotes/{quote_id}?toggle={line}")).text


async def test_a_purchase_order_is_printed_with_the_letterhead_and_is_not_sent_by_that(tmp_path):
    async with open_seat(tmp_path, "office", role="office", author="bob") as seat:
        seat.desk.company = "Lovelace Shades; 12 Mill Lane; ; <b>Ithaca"
        quote_id = await seat.quote(TODAY)
        async with seat.replica.edit(Quote, quote_id) as quote:
            quote.lines.add(
                Line(
                    description="Roller shade",
                    item=Item(code="RS", vendor="Sunline"),
                    price=Price(Decimal(80)),
                )
            )
        sale = await convert(seat.replica, quote_id, by="bob")
        (order,) = await derive_purchase_orders(seat.replica, sale)
        assert f'href="/purchase-orders/{order}/print"' in (await seat.page(f"/purchase-orders/{order}")).text
        page = (await seat.page(f"/purchase-orders/{order}/print")).text
        for expected in ("Lovelace Shades</p>", "<p>12 Mill Lane</p><p>&lt;b&gt;Ithaca</p>", "Sunline", "RS"):
            assert expected in page
        assert "It has not gone to the vendor yet" in page
        assert not (await seat.replica.get(PurchaseOrder, order)).sent
