"""Two windows of one workstation: to the library they are one author, and yet neither has seen what the other wrote."""

import asyncio
import datetime as dt
import json
import re
from decimal import Decimal

import pytest

from examples.sales.model import Quote
from examples.sales.web.security import TOKEN_HEADER
from examples.sales.web.windows import REMEMBERED_MAX, WINDOW_HEADER, Windows
from tests.unit.sales.web_desks import TOKEN, open_seat

TODAY = dt.date(2024, 5, 31)


@pytest.fixture
async def seat(tmp_path):
    async with open_seat(tmp_path) as seat:
        yield seat


class Window:
    """A page of a document in one window: what it shows, and what it sends along."""

    def __init__(self, seat, address, text):
        self.seat, self.address = seat, address
        self.headers = json.loads(re.search(r"hx-headers='([^']+)'", text)[1])
        (self.version,) = set(re.findall(r'data-version="(\w+)"', text))

    async def save_line(self, line_id, field, value, *, seen):
        return await self.save(field, value, seen=seen, at=f"{self.address}/lines/{line_id}")

    async def save(self, field, value, *, seen, version=None, at=""):
        return await self.seat.browser.post(
            f"{at or self.address}/fields/{field}",
            data={"value": value, "seen": seen, "version": version or self.version},
            headers={"HX-Request": "true", **self.headers},
        )


@pytest.fixture
async def quote_id(seat):
    return await seat.quote(TODAY, prices=[Decimal(100)])


@pytest.fixture
async def windows(seat, quote_id):
    address = f"/quotes/{quote_id}"
    return [Window(seat, address, (await seat.page(address)).text) for _ in range(2)]


async def conflicts_of(seat, quote_id):
    return [
        (conflict.path, sorted(json.loads(value.raw) for value in conflict.values))
        for conflict in await seat.replica.conflicts(quote_id)
    ]


async def test_what_was_written_in_another_window_is_not_overwritten_and_that_is_told(
    seat, quote_id, windows
):
    here, there = windows
    assert here.headers[WINDOW_HEADER] != there.headers[WINDOW_HEADER]
    assert here.headers[TOKEN_HEADER] == TOKEN
    await there.save("terms", "tab two", seen="")
    answer = await here.save("terms", "with 50", seen="")
    assert "In another window here &#39;tab two&#39; was written meanwhile; both are kept." in answer.text
    assert 'value="with 50"' in answer.text
    assert await conflicts_of(seat, quote_id) == [("terms", ["tab two", "with 50"])]


async def test_a_price_of_two_windows_waits_for_a_decision(seat, quote_id, windows):
    line = (await seat.replica.get(Quote, quote_id)).lines[0].id
    for window in windows:
        window.address += f"/lines/{line}"
    here, there = windows
    await there.save("price", "80", seen="100.00")
    answer = await here.save("price", "70", seen="100.00")
    assert "In another window here &#39;80.00&#39; was written meanwhile" in answer.text
    [conflict] = await seat.replica.conflicts(quote_id)
    assert conflict.needs_decision


@pytest.mark.parametrize("is_at_once", [False, True])
async def test_a_field_that_is_saved_twice_before_its_window_is_answered_is_in_no_conflict(
    seat, quote_id, windows, is_at_once
):
    here, _ = windows
    if is_at_once:
        await asyncio.gather(*(here.save("terms", value, seen="") for value in ("3", "30")))
    else:
        for value in ("3", "30", "30 days"):
            assert "another window" not in (await here.save("terms", value, seen="")).text
    assert await conflicts_of(seat, quote_id) == []


async def test_fields_that_are_saved_one_after_another_are_in_no_conflict(seat, quote_id, windows):
    here, there = windows
    for name, value, seen in (("tax_code", "NY", ""), ("tax_pct", "8", "0"), ("terms", "cash", "")):
        assert "another window" not in (await here.save(name, value, seen=seen)).text
    assert "another window" not in (await there.save("sales_rep", "Ada", seen="")).text
    assert await conflicts_of(seat, quote_id) == []
    quote = await seat.replica.get(Quote, quote_id)
    assert (quote.tax.code, quote.tax.rate_pct, quote.terms, quote.sales_rep) == ("NY", 8, "cash", "Ada")


async def test_what_the_other_window_wrote_and_this_one_shows_is_written_over(seat, quote_id, windows):
    here, there = windows
    await there.save("terms", "tab two", seen="")
    version = (await seat.replica.get(Quote, quote_id)).info.version
    answer = await here.save("terms", "with 50", seen="tab two", version=version)
    assert "another window" not in answer.text
    assert await conflicts_of(seat, quote_id) == []


async def test_the_same_written_in_two_windows_is_no_conflict(seat, quote_id, windows):
    for window in windows:
        assert "another window" not in (await window.save("terms", "cash", seen="")).text
    assert await conflicts_of(seat, quote_id) == []


async def test_prices_that_another_window_locked_are_not_written_with_what_it_wrote(seat, quote_id, windows):
    line = (await seat.replica.get(Quote, quote_id)).lines[0].id
    here, there = windows
    for window in windows:
        window.address += f"/lines/{line}"
    await there.save("price", "80", seen="100.00")
    await seat.post(f"/quotes/{quote_id}/price-lock", locked="yes")
    assert "The prices are locked" in (await here.save("price", "70", seen="100.00")).text
    assert (await seat.replica.get(Quote, quote_id)).total == 80


def test_only_so_much_is_remembered_of_windows():
    windows = Windows()
    for number in range(REMEMBERED_MAX + 1):
        windows.note(str(number), "quote", "terms", "cash")
    assert not windows.has_written("0", "quote", "terms", "cash")
    assert windows.has_written("1", "quote", "terms", "cash")


async def test_what_is_typed_into_a_line_that_another_window_removed_is_kept_with_it(seat, quote_id, windows):
    (line,) = (await seat.replica.get(Quote, quote_id)).lines
    await windows[1].seat.post(f"{windows[1].address}/lines/{line.id}/remove")
    answer = await windows[0].save_line(line.id, "description", "Wave curtain", seen="")
    assert answer.status_code == 200
    assert "In another window here somebody removed this line meanwhile; it is kept." in answer.text
    (kept,) = (await seat.replica.get(Quote, quote_id)).lines
    assert kept.description == "Wave curtain"
    answer = await windows[0].save_line("b" * 26, "description", "of no line", seen="")
    assert answer.status_code == 404
