"""A discount: never typed larger than the goods, and told where the goods have become less."""

import datetime as dt
from decimal import Decimal

import pytest

from examples.sales.model import Quote
from examples.sales.pricing import Discount, Price
from tests.unit.sales.web_desks import open_seat

TODAY = dt.date(2024, 5, 31)


@pytest.fixture
async def ada(tmp_path):
    async with open_seat(tmp_path) as seat:
        yield seat


async def discount_of(seat, quote_id):
    return (await seat.replica.get(Quote, quote_id)).discount


@pytest.mark.parametrize(
    ("before", "name", "typed"),
    [
        (Discount(), "discount_amount", "500"),
        (Discount(), "discount_amount", "100.01"),
        (Discount(percent=Decimal(50)), "discount_amount", "60"),
        (Discount(amount=Decimal(60)), "discount_pct", "50"),
    ],
)
async def test_a_discount_that_is_more_than_the_goods_is_refused_and_stays_typed(ada, before, name, typed):
    quote_id = await ada.quote(TODAY, prices=[Decimal(60), Decimal(40)])
    async with ada.replica.edit(Quote, quote_id) as quote:
        quote.discount = before
    answer = await ada.post(f"/quotes/{quote_id}/fields/{name}", value=typed, seen="0.00")
    assert "The discount would be more than the goods come to." in answer.text
    assert f'value="{typed}"' in answer.text
    assert await discount_of(ada, quote_id) == before


async def test_all_of_the_goods_may_be_given_away_and_a_discount_may_come_before_the_goods(ada):
    full, empty = await ada.quote(TODAY, prices=[Decimal(100)]), await ada.quote(TODAY)
    for quote_id in (full, empty):
        await ada.post(f"/quotes/{quote_id}/fields/discount_amount", value="100", seen="0.00")
        assert await discount_of(ada, quote_id) == Discount(amount=Decimal(100))
    assert "more than the goods" not in (await ada.page(f"/quotes/{full}")).text
    assert "more than the goods" in (await ada.page(f"/quotes/{empty}")).text


async def test_that_the_goods_have_become_less_than_their_discount_is_said_beside_it(ada):
    quote_id = await ada.quote(TODAY, prices=[Decimal(100)])
    async with ada.replica.edit(Quote, quote_id) as quote:
        quote.discount = Discount(amount=Decimal(80))
    line = (await ada.replica.get(Quote, quote_id)).lines[0].id
    answer = await ada.post(f"/quotes/{quote_id}/lines/{line}/fields/price", value="50", seen="100.00")
    assert (await ada.replica.get(Quote, quote_id)).lines[0].price == Price(
        Decimal(100), base_retail=Decimal("50.00")
    )
    assert "more than the goods" in answer.text
    # What is too much can be made less.
    await ada.post(f"/quotes/{quote_id}/fields/discount_amount", value="50", seen="80.00")
    assert "more than the goods" not in (await ada.page(f"/quotes/{quote_id}")).text
