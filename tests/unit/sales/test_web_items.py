"""Items to Sync: a page of them at a time, all of them when all is said, and what is on this machine alone."""

import datetime as dt
import re

import pytest

from crdtsync import ItemStatus
from crdtsync.testing import MemoryPlace, MemoryRemote
from examples.sales.web.pages import items
from tests.unit.sales.web_desks import open_seat

TODAY = dt.date(2024, 5, 31)


@pytest.fixture
async def ada(tmp_path):
    async with open_seat(tmp_path) as seat:
        yield seat


async def quotes_of(seat, count):
    return [await seat.quote(TODAY) for _ in range(count)]


def listed(text):
    return re.findall(r'<tr id="item-(\w+)"', text)


async def statuses(seat):
    return [item.state.status for item in await seat.replica.items()]


async def test_the_items_come_in_pages_that_stay_where_they_are_when_something_is_done(ada, monkeypatch):
    monkeypatch.setattr(items, "PAGE_SIZE", 2)
    quotes = await quotes_of(ada, 5)
    first, last = (await ada.page("/items")).text, (await ada.page("/items?page=3")).text
    assert listed(first) == quotes[:2]
    assert listed(last) == quotes[4:]
    assert "5 in all, page 1 of 3" in first
    assert 'href="/items?page=2"' in first
    assert 'hx-get="/items?page=3"' in last
    marked = (await ada.post("/items/mark", item=quotes[4], page="3")).text
    assert listed(marked) == quotes[4:]
    assert "1 marked for sync." in marked
    # A page that is no more is the last one.
    for number in ("9", "0", "x", "99999999999"):
        assert (await ada.page(f"/items?page={number}")).status_code == 200
    assert listed((await ada.page("/items?page=9")).text) == quotes[4:]


async def test_all_is_all_of_them_on_whatever_page_it_is_said(ada, monkeypatch):
    monkeypatch.setattr(items, "PAGE_SIZE", 2)
    quotes = await quotes_of(ada, 5)
    await ada.replica.mark_for_sync(quotes[0])
    assert "Mark all 4" in (await ada.page("/items?page=2")).text
    answer = (await ada.post("/items/mark", all="1", page="2")).text
    assert "4 marked for sync." in answer
    assert await statuses(ada) == [ItemStatus.MARKED] * 5
    assert "Mark all" not in answer


async def test_what_was_never_marked_is_said_to_be_on_this_machine_alone(ada):
    quote_id = await ada.quote(TODAY)
    text = (await ada.page("/items")).text
    assert "What was never marked is on this machine only" in text
    assert "not marked yet" in text
    health = (await ada.page("/health")).text
    assert (
        '<a class="count" href="/items" title="Made here, and not on the main system yet">1 to sync</a>'
        in health
    )
    await ada.replica.mark_for_sync(quote_id)
    assert "not marked yet" not in (await ada.page("/items")).text


async def test_the_header_counts_what_is_to_sync_until_its_number_is_here(tmp_path):
    place = MemoryPlace()
    async with (
        open_seat(tmp_path, "office", role="office", author="bob") as bob,
        open_seat(tmp_path, "R1", author="ada") as ada,
    ):
        quote_id = await ada.quote(TODAY)
        await ada.replica.mark_for_sync(quote_id)
        assert "1 to sync" in (await ada.page("/health")).text
        for seat in (bob, ada, bob, ada):
            await seat.replica.sync(MemoryRemote(place))
        assert (await ada.replica.item(quote_id)).state.status is ItemStatus.NUMBERED
        assert "to sync" not in (await ada.page("/health")).text


async def test_the_office_is_told_when_what_is_made_there_gets_its_number(tmp_path):
    async with open_seat(tmp_path, "office", role="office", author="bob") as bob:
        await bob.quote(TODAY)
        text = (await bob.page("/items")).text
        assert "All that was made here is on the main system" not in text
        assert (
            "is on every machine at once, and gets its final number when it is marked for sync on its own page"
            in text
        )
        assert "to sync</a>" not in (await bob.page("/health")).text
