"""Conflicts as a person sees them: the values in words, the total each would give, one click, and the way back."""

import datetime as dt
import re
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal

from crdtsync.testing import MemoryPlace, MemoryRemote
from examples.sales.model import Customer, Quote
from examples.sales.pricing import Price
from tests.unit.sales.web_desks import open_seat

TODAY = dt.date(2024, 5, 31)


@asynccontextmanager
async def apart(tmp_path):
    """Bob in the office and ada on the road, who have one quote of two lines; and what lets them meet."""
    place = MemoryPlace()
    async with (
        open_seat(tmp_path, "office", role="office", author="bob") as bob,
        open_seat(tmp_path, "R1") as ada,
    ):
        quote_id = await bob.quote(TODAY, prices=[Decimal(5), Decimal(100)])

        async def meet():
            for _ in range(2):
                for seat in (bob, ada):
                    await seat.replica.sync(MemoryRemote(place))

        await meet()
        yield bob, ada, quote_id, meet


async def test_each_value_is_shown_with_the_total_it_would_give(tmp_path):
    async with apart(tmp_path) as (bob, ada, quote_id, meet):
        for seat, quantity in ((bob, 7), (ada, 9)):
            async with seat.replica.edit(Quote, quote_id) as quote:
                quote.lines[0].quantity = quantity
        await meet()
        text = (await ada.page("/conflicts")).text
        assert "line 1: quantity" in text
        assert "Total with this <strong>$135.00</strong>" in text
        assert "Total with this <strong>$145.00</strong>" in text
        assert "bob (office)" in text


async def test_of_a_value_with_many_parts_only_those_that_differ_are_shown(tmp_path):
    async with apart(tmp_path) as (bob, ada, quote_id, meet):
        for seat, msrp in ((bob, "11.25"), (ada, "12.50")):
            async with seat.replica.edit(Quote, quote_id) as quote:
                quote.lines[1].price = Price(Decimal(msrp))
        await meet()
        text = (await ada.page("/conflicts")).text
        assert "line 2: price" in text
        values = re.findall('<p class="value">(.*)</p>', text)
        assert sorted(values) == ["Price 11.25, List price 11.25", "Price 12.50, List price 12.50"]


async def test_what_the_latest_decides_is_folded_below_and_can_be_decided_otherwise(tmp_path):
    async with apart(tmp_path) as (bob, ada, quote_id, meet):
        for seat, terms in ((bob, "30 days"), (ada, "14 days")):
            async with seat.replica.edit(Quote, quote_id) as quote:
                quote.terms = terms
        await meet()
        page = (await bob.page("/conflicts")).text
        assert "Nothing to decide" in page
        folded = page[page.index('<details id="decided"') :]
        assert "Decided by a rule: 1" in folded
        assert "30 days" in folded
        assert "14 days" in folded
        (conflict,) = await bob.replica.conflicts(quote_id)
        other = next(value for value in conflict.values if value.value == "30 days")
        await bob.post("/conflicts/settle", document=quote_id, path=conflict.path, value=other.id)
        assert (await bob.replica.get(Quote, quote_id)).terms == "30 days"
        assert "Decided by a rule" not in (await bob.page("/conflicts")).text


async def test_settling_says_what_was_kept_and_how_to_undo_it(tmp_path):
    async with apart(tmp_path) as (bob, ada, quote_id, meet):
        for seat, quantity in ((bob, 7), (ada, 9)):
            async with seat.replica.edit(Quote, quote_id) as quote:
                quote.lines[0].quantity = quantity
        await meet()
        line = (await ada.replica.get(Quote, quote_id)).lines[0].id
        path = f"lines/{line}/quantity"
        found = await ada.replica.conflict(quote_id, path)
        seven, nine = sorted(found.values, key=lambda value: value.value)
        answer = await ada.post("/conflicts/settle", document=quote_id, path=path, value=seven.id)
        assert "Settled: 7 is kept" in answer.text
        assert "write 9 there again" in answer.text
        assert f'href="/quotes/{quote_id}"' in answer.text
        again = await ada.post("/conflicts/settle", document=quote_id, path=path, value=nine.id)
        assert "not in conflict any more" in again.text
        assert (await ada.replica.get(Quote, quote_id)).lines[0].quantity == 7


async def test_a_line_that_one_removed_and_another_edited_can_be_kept(tmp_path):
    async with apart(tmp_path) as (bob, ada, quote_id, meet):
        line = (await ada.replica.get(Quote, quote_id)).lines[1].id
        async with bob.replica.edit(Quote, quote_id) as quote:
            quote.lines.remove(line)
        async with ada.replica.edit(Quote, quote_id) as quote:
            quote.lines[1].quantity = 2
        await meet()
        text = (await bob.page("/conflicts")).text
        assert ">removed<" in text
        assert ">kept<" in text
        assert "<strong>$5.00</strong>" in text
        assert "<strong>$205.00</strong>" in text


async def test_the_badge_at_a_field_leads_to_its_own_conflict(tmp_path):
    async with apart(tmp_path) as (bob, ada, quote_id, meet):
        async with bob.replica.edit(Customer) as customer:
            customer.name = "Somebody else"
        for seat, quantity in ((bob, 7), (ada, 9)):
            async with seat.replica.edit(Quote, quote_id) as quote:
                quote.lines[0].quantity = quantity
                quote.tax = replace(quote.tax, rate_pct=Decimal(quantity))
        await meet()
        line = (await ada.replica.get(Quote, quote_id)).lines[0].id
        where = f"/conflicts?document={quote_id}#dispute-{quote_id}-lines-{line}-quantity"
        assert f'href="{where}"' in (await ada.page(f"/quotes/{quote_id}")).text
        text = (await ada.page(f"/conflicts?document={quote_id}")).text
        assert f'id="dispute-{quote_id}-lines-{line}-quantity"' in text
        assert f'id="dispute-{quote_id}-tax"' in text
        assert f'hx-get="/conflicts?document={quote_id}"' in text
        assert (
            "Nothing to decide here"
            in (await ada.page("/conflicts?document=aaaaaaaaaaaaaaaaaaaaaaaaaa")).text
        )


async def test_a_value_made_of_markup_is_shown_as_it_is(tmp_path):
    async with apart(tmp_path) as (bob, ada, quote_id, meet):
        for seat, mount in ((bob, "<b>inside</b>"), (ada, "outside")):
            async with seat.replica.edit(Quote, quote_id) as quote:
                quote.lines[0].mount = mount
        await meet()
        text = (await ada.page("/conflicts")).text
        assert "<b>inside" not in text
        assert "&lt;b&gt;inside" in text
