"""Words of the pages: one word for one thing, and each that is not plain is explained where it stands first."""

import datetime as dt
from decimal import Decimal

import pytest

from crdtsync.testing import MemoryPlace, MemoryRemote
from examples.sales.deals import convert, purchase_orders_of
from examples.sales.model import Item, Line, Quote
from examples.sales.pricing import Price
from examples.sales.web.pages import set_aside
from tests.unit.sales.web_desks import open_seat

TODAY = dt.date(2024, 5, 31)


@pytest.fixture
async def ada(tmp_path):
    async with open_seat(tmp_path) as seat:
        yield seat


async def test_how_a_center_is_sorted_is_not_called_an_order(ada):
    for center in ("quotes", "sales", "orders"):
        text = (await ada.page(f"/{center}")).text
        assert '<label for="order"><span>Sort by</span>' in text


async def test_what_only_records_that_an_order_was_sent_does_not_say_that_it_sends(tmp_path):
    async with open_seat(tmp_path, "office", role="office", author="bob") as bob:
        quote_id = await bob.quote(TODAY)
        async with bob.replica.edit(Quote, quote_id) as quote:
            quote.lines.add(Line(item=Item(vendor="Lux"), description="Roller", price=Price(Decimal(5))))
        sale = await convert(bob.replica, quote_id, by="bob")
        text = (await bob.page(f"/sales/{sale.id}")).text
        assert "Mark as sent to vendors</a>" in text
        assert "Send to" not in text
        [order] = await purchase_orders_of(bob.replica, sale.id)
        text = (await bob.page(f"/purchase-orders/{order.id}")).text
        assert "Mark as sent to the vendor</a>" in text
        assert "Send to" not in text


@pytest.mark.parametrize("path", ["/items", "/quotes/{id}"])
async def test_what_the_main_system_is_and_what_a_draft_is_stands_where_it_is_named_first(ada, path):
    quote_id = await ada.quote(TODAY)
    text = (await ada.page(path.format(id=quote_id))).text
    assert "the office" in text
    assert "on this machine only" in text


async def test_reset_says_what_it_does(ada):
    await ada.quote(TODAY)
    assert (
        'title="Takes the mark back, as long as there is no number: nothing else is changed"'
        in (await ada.page("/items")).text
    )


async def test_what_is_set_aside_is_named_with_its_reason_and_what_to_do(ada, tmp_path):
    assert "Nothing is set aside" in (await ada.page("/set-aside")).text
    place = MemoryPlace()
    async with open_seat(tmp_path, "office", role="office", author="bob") as bob:
        await bob.quote(TODAY)
        await bob.replica.sync(MemoryRemote(place))
        for name in place.files:
            if "feeds" in name or len(place.files[name]) > 400:
                place.files[name] = place.files[name][:-1] + b"\0"
        await ada.replica.sync(MemoryRemote(place))
    found = await ada.replica.quarantine()
    assert found
    header = (await ada.page("/health")).text
    assert '<a href="/set-aside"' in header
    text = (await ada.page("/set-aside")).text
    assert set_aside.WHAT[found[0].what] in text
    assert found[0].name in text
