"""Converting a quote in the browser: what becomes a sale is what its person was shown, and nothing else."""

import datetime as dt
import re
from decimal import Decimal

import pytest

from examples.sales.deals import convert, present, sale_id_of
from examples.sales.model import Quote, Sale
from examples.sales.pricing import Price
from examples.sales.status import Status
from tests.unit.sales.web_desks import open_seat

TODAY = dt.date(2024, 5, 31)


@pytest.fixture
async def ada(tmp_path):
    async with open_seat(tmp_path) as seat:
        yield seat


async def reprice(seat, quote_id, price):
    async with seat.replica.edit(Quote, quote_id) as quote:
        quote.lines[0].price = Price(Decimal(price))


def hidden(text):
    """Return the hidden fields of a page."""
    return dict(re.findall(r'<input type="hidden" name="(\w+)" value="([^"]*)"', text))


async def test_a_quote_that_was_changed_since_the_page_was_made_is_asked_about_again(ada):
    quote_id = await ada.quote(TODAY, prices=[Decimal(100)])
    page = (await ada.page(f"/quotes/{quote_id}/convert")).text
    await reprice(ada, quote_id, 900)
    answer = await ada.post(f"/quotes/{quote_id}/convert", **hidden(page))
    assert "HX-Redirect" not in answer.headers
    assert "It came to $100.00 when you opened this page." in answer.text
    assert "over $900.00 is made" in answer.text
    assert await ada.replica.count(Sale) == 0
    answer = await ada.post(f"/quotes/{quote_id}/convert", **hidden(answer.text))
    assert answer.headers["HX-Redirect"] == f"/sales/{sale_id_of(quote_id)}"
    assert (await ada.replica.get(Sale, sale_id_of(quote_id))).total == Decimal(900)


async def test_a_quote_that_is_another_one_at_the_same_price_is_asked_about_again(ada):
    quote_id = await ada.quote(TODAY, prices=[Decimal(100)])
    page = (await ada.page(f"/quotes/{quote_id}/convert")).text
    async with ada.replica.edit(Quote, quote_id) as quote:
        quote.customer_name = "Bob"
    answer = await ada.post(f"/quotes/{quote_id}/convert", **hidden(page))
    assert "It was changed" in answer.text
    assert "It came to" not in answer.text
    assert await ada.replica.count(Sale) == 0


async def test_a_request_that_does_not_say_what_was_shown_converts_nothing(ada):
    quote_id = await ada.quote(TODAY, prices=[Decimal(100)])
    answer = await ada.post(f"/quotes/{quote_id}/convert")
    assert "HX-Redirect" not in answer.headers
    assert await ada.replica.count(Sale) == 0


async def test_what_becomes_no_part_of_the_sale_does_not_make_it_ask_again(ada):
    quote_id = await ada.quote(TODAY, prices=[Decimal(100)])
    page = (await ada.page(f"/quotes/{quote_id}/convert")).text
    await present(ada.replica, Quote, quote_id, by="bob", how="printed")
    await ada.post(f"/quotes/{quote_id}/convert", **hidden(page))
    assert (await ada.replica.get(Quote, quote_id)).status is Status.CONVERTED_QUOTE


async def test_the_page_follows_the_quote_and_says_what_it_came_to_when_it_was_opened(ada):
    quote_id = await ada.quote(TODAY, prices=[Decimal(100)])
    page = (await ada.page(f"/quotes/{quote_id}/convert")).text
    assert f'hx-get="/quotes/{quote_id}/convert" hx-trigger="sse:document" hx-swap="merge"' in page
    assert f'data-shows="{quote_id}"' in page
    assert "when you opened this page" not in page
    opened = {name: value for name, value in hidden(page).items() if name.startswith("opened")}
    await reprice(ada, quote_id, 900)
    asked = {"HX-Request": "true", "HX-Target": "converting"}
    answer = await ada.browser.get(f"/quotes/{quote_id}/convert", params=opened, headers=asked)
    assert "It came to $100.00 when you opened this page." in answer.text
    assert "over $900.00 is made" in answer.text
    # What was looked up again is put around the focus, and takes it nowhere.
    assert "autofocus" not in answer.text
    # What is sent from there is what is shown there.
    await ada.post(f"/quotes/{quote_id}/convert", **hidden(answer.text))
    assert (await ada.replica.get(Sale, sale_id_of(quote_id))).total == Decimal(900)


async def test_a_page_whose_quote_is_converted_elsewhere_goes_to_the_sale(ada):
    quote_id = await ada.quote(TODAY, prices=[Decimal(100)])
    await convert(ada.replica, quote_id, by="bob")
    asked = {"HX-Request": "true", "HX-Target": "converting"}
    answer = await ada.page(f"/quotes/{quote_id}/convert", **asked)
    assert answer.headers["HX-Redirect"] == f"/sales/{sale_id_of(quote_id)}"


async def test_a_quote_that_was_converted_meanwhile_is_not_cancelled_from_an_older_page(ada):
    quote_id = await ada.quote(TODAY, prices=[Decimal(100)])
    assert "Cancel the quote" in (await ada.page(f"/quotes/{quote_id}/cancel")).text
    sale = await convert(ada.replica, quote_id, by="bob")
    for answer in (
        await ada.post(f"/quotes/{quote_id}/cancel", reason="No answer"),
        await ada.page(f"/quotes/{quote_id}/cancel"),
    ):
        assert "HX-Redirect" not in answer.headers
        assert "It was converted to a sale meanwhile" in answer.text
        assert f'href="/sales/{sale.id}/cancel"' in answer.text
    quote = await ada.replica.get(Quote, quote_id)
    assert [milestone.kind for milestone in quote.milestones] == ["converted"]
