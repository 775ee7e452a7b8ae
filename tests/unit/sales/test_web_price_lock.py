"""Locked prices: nobody here writes one, and one that was written elsewhere by somebody who knew no lock is told.

Method: an office and a workstation over a place in memory; one locks, the other one writes, then both meet.
"""

import asyncio
import datetime as dt
import re
from contextlib import asynccontextmanager
from decimal import Decimal
from itertools import pairwise

import pytest

from crdtsync.testing import MemoryPlace, MemoryRemote
from examples.sales.model import Product, Quote
from examples.sales.price_lock import written_past_lock
from examples.sales.pricing import unit_price
from tests.unit.sales.web_desks import open_seat

TODAY = dt.date(2024, 5, 31)
PAST = "A price was changed after the prices were locked"


@asynccontextmanager
async def both_have_a_quote(directory):
    place = MemoryPlace()
    async with (
        open_seat(directory, "office", role="office", author="bob") as bob,
        open_seat(directory, "R1") as ada,
    ):
        quote_id = await bob.quote(TODAY, prices=[Decimal(100), Decimal(20)])

        async def meet(*seats):
            for seat in seats or (bob, ada, bob, ada):
                await seat.replica.sync(MemoryRemote(place))

        await meet()
        yield bob, ada, f"/quotes/{quote_id}", meet


async def quote_of(seat, address):
    return await seat.replica.get(Quote, address.rpartition("/")[2])


async def totals_of(seats, address):
    return [(await quote_of(seat, address)).total for seat in seats]


async def lock(seat, address, wanted="yes"):
    await seat.post(f"{address}/price-lock", locked=wanted)


async def write_price(seat, address, price, *, line=0, **also):
    line_id = (await quote_of(seat, address)).lines[line].id
    return await seat.post(f"{address}/lines/{line_id}/fields/price", value=price, **also)


async def past(seat, address):
    quote = await quote_of(seat, address)
    return await written_past_lock(seat.replica, quote, await seat.replica.history(quote.id))


async def put_back(seat, address, *, line=0):
    line_id = (await quote_of(seat, address)).lines[line].id
    return await seat.post(f"{address}/lines/{line_id}/put-price-back")


async def test_no_price_is_written_after_the_lock_was_answered(tmp_path):
    async with open_seat(tmp_path) as ada:
        address = f"/quotes/{await ada.quote(TODAY, prices=[Decimal(100)])}"
        for price in range(1, 11):
            await lock(ada, address, "no")
            await asyncio.gather(lock(ada, address), write_price(ada, address, str(price)))
        labels = [entry.label for entry in await ada.replica.history(address.rpartition("/")[2])]
        assert ("prices locked", "line: price") not in pairwise(labels)


async def test_no_price_is_calculated_after_the_lock_was_answered(tmp_path):
    async with open_seat(tmp_path) as ada:
        async with ada.replica.edit(Product) as product:
            product.code, product.name, product.vendor, product.msrp = "R1", "Roller", "Lux", Decimal(80)
        address = f"/quotes/{await ada.quote(TODAY)}"
        await ada.post(f"{address}/lines", product=product.id)
        line_id = (await quote_of(ada, address)).lines[0].id
        for _ in range(10):
            await lock(ada, address, "no")
            await asyncio.gather(
                lock(ada, address), ada.post(f"{address}/lines/{line_id}/recalculate"), return_exceptions=True
            )
        labels = [entry.label for entry in await ada.replica.history(address.rpartition("/")[2])]
        assert ("prices locked", "line: price calculated again") not in pairwise(labels)


async def test_a_page_that_was_made_before_the_lock_writes_no_price(tmp_path):
    async with open_seat(tmp_path) as ada:
        address = f"/quotes/{await ada.quote(TODAY, prices=[Decimal(100)])}"
        version = (await quote_of(ada, address)).info.version
        await lock(ada, address)
        answer = await write_price(ada, address, "7", seen="100.00", version=version)
        assert "&#39;7&#39; was not written. The prices are locked" in answer.text
        assert "aria-invalid" not in answer.text  # Else the field would be kept as it is, whatever comes in.
        assert 'value="100.00"' in answer.text
        assert (await quote_of(ada, address)).total == 100


@pytest.mark.parametrize("locker", ["office", "R1"])
async def test_a_price_that_was_written_apart_from_the_lock_is_told_with_the_one_before(tmp_path, locker):
    async with both_have_a_quote(tmp_path) as (bob, ada, address, meet):
        locking, writing = (bob, ada) if locker == "office" else (ada, bob)
        await lock(locking, address)
        await write_price(writing, address, "50")
        await meet()
        for seat in (bob, ada):
            [found] = await past(seat, address)
            assert (found.by, found.where) == (writing.desk.author, writing.replica.name)
            text = re.sub(r"\s+", " ", (await seat.page(address)).text)
            assert (
                f"{PAST}: Roller shade was $100.00 then and is $50.00 now, by {found.by} on {found.where}"
                in text
            )
            assert "Put back $100.00" in text


async def test_the_earlier_price_is_put_back_on_both_sides(tmp_path):
    async with both_have_a_quote(tmp_path) as (bob, ada, address, meet):
        await lock(bob, address)
        await write_price(ada, address, "50")
        await meet()
        answer = await put_back(ada, address)
        assert "Roller shade is $100.00 again." in answer.text
        assert PAST not in answer.text
        await meet()
        assert await totals_of((bob, ada), address) == [120, 120]
        for seat in (bob, ada):
            assert await past(seat, address) == []
        assert "It was put back already." in (await put_back(bob, address)).text


async def test_after_one_of_two_was_put_back_its_person_goes_on_with_the_other_one(tmp_path):
    async with both_have_a_quote(tmp_path) as (bob, ada, address, meet):
        await lock(bob, address)
        for line in (0, 1):
            await write_price(ada, address, "50", line=line)
        await meet()
        first, second = [found.line for found in await past(bob, address)]
        answer = await put_back(bob, address, line=1)
        assert answer.headers["X-Focus-On"] == f"past-lock-{first}-back"
        assert f'id="past-lock-{first}-back"' in answer.text
        assert f'id="past-lock-{second}-back"' not in answer.text
        assert "X-Focus-On" not in (await put_back(bob, address, line=0)).headers


async def test_prices_that_are_kept_are_told_no_more(tmp_path):
    async with both_have_a_quote(tmp_path) as (bob, ada, address, meet):
        await lock(bob, address)
        await write_price(ada, address, "50")
        await write_price(ada, address, "10", line=1)
        await meet()
        assert len(await past(bob, address)) == 2
        version = (await quote_of(bob, address)).info.version
        answer = await bob.post(f"{address}/keep-prices", version=version)
        assert PAST not in answer.text
        await meet()
        assert [await past(seat, address) for seat in (bob, ada)] == [[], []]
        assert await totals_of((bob, ada), address) == [60, 60]


async def test_what_comes_in_after_the_page_was_made_is_not_kept_with_what_it_shows(tmp_path):
    async with both_have_a_quote(tmp_path) as (bob, ada, address, meet):
        await lock(bob, address)
        await write_price(ada, address, "50")
        await meet(ada, bob)
        version = (await quote_of(bob, address)).info.version
        await write_price(ada, address, "10", line=1)
        await meet(ada, bob)
        await bob.post(f"{address}/keep-prices", version=version)
        await meet()
        for seat in (bob, ada):
            assert [found.line for found in await past(seat, address)] == [
                (await quote_of(seat, address)).lines[1].id
            ]


@pytest.mark.parametrize("keeper", ["office", "R1"])
async def test_a_price_that_is_kept_here_and_put_back_there_is_a_conflict(tmp_path, keeper):
    async with both_have_a_quote(tmp_path) as (bob, ada, address, meet):
        await lock(bob, address)
        await write_price(ada, address, "50")
        await meet()
        keeping, putting = (bob, ada) if keeper == "office" else (ada, bob)
        version = (await quote_of(keeping, address)).info.version
        await keeping.post(f"{address}/keep-prices", version=version)
        await put_back(putting, address)
        await meet()
        for seat in (bob, ada):
            [conflict] = await seat.replica.conflicts(address.rpartition("/")[2])
            assert conflict.needs_decision
            assert {unit_price(value.value) for value in conflict.values} == {Decimal(50), Decimal(100)}


async def test_a_page_that_says_of_no_known_state_keeps_no_price(tmp_path):
    async with both_have_a_quote(tmp_path) as (bob, ada, address, meet):
        await lock(bob, address)
        await write_price(ada, address, "50")
        await meet()
        answer = await bob.post(f"{address}/keep-prices", version="no state")
        assert answer.status_code == 409
        assert len(await past(bob, address)) == 1


@pytest.mark.parametrize("order", ["before", "unlocked"])
async def test_a_price_that_was_written_with_knowledge_of_the_lock_is_not_told(tmp_path, order):
    async with both_have_a_quote(tmp_path) as (bob, ada, address, meet):
        if order == "before":
            await write_price(ada, address, "50")
            await meet()
        await lock(bob, address)
        await meet()
        if order == "unlocked":
            await lock(ada, address, "no")
            await write_price(ada, address, "50")
            await lock(ada, address)
            await meet()
        for seat in (bob, ada):
            assert await past(seat, address) == []
            assert PAST not in (await seat.page(address)).text


async def test_a_line_that_was_added_apart_from_the_lock_has_no_price_that_was_changed(tmp_path):
    async with both_have_a_quote(tmp_path) as (bob, ada, address, meet):
        await lock(bob, address)
        await ada.post(f"{address}/lines")
        await write_price(ada, address, "5", line=2)
        await meet()
        assert await past(bob, address) == []


async def test_the_same_price_written_apart_is_no_change(tmp_path):
    async with both_have_a_quote(tmp_path) as (bob, ada, address, meet):
        await lock(bob, address)
        for price in ("50", "100"):
            await write_price(ada, address, price)
        await meet()
        assert await past(bob, address) == []


async def test_an_unlocked_quote_tells_nothing(tmp_path):
    async with both_have_a_quote(tmp_path) as (bob, ada, address, meet):
        await lock(bob, address)
        await write_price(ada, address, "50")
        await meet()
        await lock(bob, address, "no")
        assert PAST not in (await bob.page(address)).text
