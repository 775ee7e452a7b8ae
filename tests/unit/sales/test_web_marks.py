"""Quiet marks: who changed a field elsewhere since the page was opened."""

import datetime as dt
import re
import time
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from crdtsync.testing import MemoryPlace, MemoryRemote
from examples.sales.model import Quote
from tests.unit.sales.web_desks import open_seat

TODAY = dt.date(2024, 5, 31)
PART = {"HX-Request": "true", "HX-Target": "deal"}


@asynccontextmanager
async def both_have_a_quote(directory):
    place = MemoryPlace()
    async with (
        open_seat(directory, "office", role="office", author="bob") as bob,
        open_seat(directory, "R1") as ada,
    ):
        quote_id = await bob.quote(TODAY, prices=[Decimal(5)])

        async def meet():
            for _ in range(2):
                for seat in (bob, ada):
                    await seat.replica.sync(MemoryRemote(place))

        await meet()
        yield bob, ada, quote_id, meet


def opened_of(page):
    return re.search(r'id="opened" type="hidden" name="opened" value="(\d+)"', page.text).group(1)


def marked(text):
    """Return what is marked, by the id of its field."""
    return dict(re.findall(r'id="([\w-]+)-mark" class="mark-told">([^<]*)<', text))


async def again(seat, quote_id, opened):
    return marked((await seat.page(f"/quotes/{quote_id}?opened={opened}", **PART)).text)


async def test_a_page_that_is_opened_has_no_marks_though_others_wrote_all_of_it(tmp_path):
    async with both_have_a_quote(tmp_path) as (_, ada, quote_id, _meet):
        assert marked((await ada.page(f"/quotes/{quote_id}")).text) == {}


async def test_what_another_writes_is_marked_with_his_name_on_a_page_that_is_open(tmp_path):
    async with both_have_a_quote(tmp_path) as (bob, ada, quote_id, meet):
        opened = opened_of(await ada.page(f"/quotes/{quote_id}"))
        line = (await bob.replica.get(Quote, quote_id)).lines[0].id
        await bob.post(f"/quotes/{quote_id}/fields/terms", value="30 days", seen="")
        await bob.post(f"/quotes/{quote_id}/lines/{line}/fields/quantity", value="3", seen="1")
        await bob.post(f"/quotes/{quote_id}/notes", value="Gate code 12", seen="")
        await ada.post(f"/quotes/{quote_id}/fields/sales_rep", value="Ada", seen="")
        await meet()
        found = await again(ada, quote_id, opened)
        assert sorted(found) == ["field-terms", f"line-{line}-quantity", "notes"]
        assert all(told.startswith("Changed by bob on office, ") for told in found.values())
        # It is tied to its field for those who do not see it.
        text = (await ada.page(f"/quotes/{quote_id}?opened={opened}", **PART)).text
        assert re.search(r'id="field-terms-value"[^>]*aria-describedby="[^"]*field-terms-mark"', text)
        # One who opens the page now has seen it all.
        assert marked((await ada.page(f"/quotes/{quote_id}")).text) == {}
        # What one wrote oneself is not marked, and was elsewhere for the other.
        assert "field-sales_rep" in await again(bob, quote_id, opened)


async def test_a_part_of_a_value_is_marked_as_the_value_it_is_of(tmp_path):
    async with both_have_a_quote(tmp_path) as (bob, ada, quote_id, meet):
        opened = opened_of(await ada.page(f"/quotes/{quote_id}"))
        await bob.post(f"/quotes/{quote_id}/fields/tax_pct", value="8.25", seen="0")
        await meet()
        assert sorted(await again(ada, quote_id, opened)) == ["field-tax_code", "field-tax_pct"]


async def test_a_line_that_another_moved_is_marked(tmp_path):
    async with both_have_a_quote(tmp_path) as (bob, ada, quote_id, meet):
        opened = opened_of(await ada.page(f"/quotes/{quote_id}"))
        line = (await bob.replica.get(Quote, quote_id)).lines[0].id
        await bob.post(f"/quotes/{quote_id}/lines")
        await meet()
        added = (await ada.replica.get(Quote, quote_id)).lines[1].id
        assert {f"line-{added}"} == {
            name for name in await again(ada, quote_id, opened) if "-price" not in name
        }
        opened = opened_of(await ada.page(f"/quotes/{quote_id}"))
        await bob.post(f"/quotes/{quote_id}/lines/{line}/move", step="1")
        await meet()
        assert list(await again(ada, quote_id, opened)) == [f"line-{line}"]


async def test_what_one_writes_over_a_marked_field_is_not_marked(tmp_path):
    async with both_have_a_quote(tmp_path) as (bob, ada, quote_id, meet):
        opened = opened_of(await ada.page(f"/quotes/{quote_id}"))
        await bob.post(f"/quotes/{quote_id}/fields/terms", value="30 days", seen="")
        await meet()
        assert "field-terms" in await again(ada, quote_id, opened)
        await ada.post(f"/quotes/{quote_id}/fields/terms", value="cash", seen="30 days")
        assert await again(ada, quote_id, opened) == {}


async def test_a_mark_is_of_the_change_that_wrote_the_value_and_not_of_its_time(tmp_path, monkeypatch):
    """A clock that is ahead pushes the times of values forward: they are not those of their changes any more."""
    async with both_have_a_quote(tmp_path) as (bob, ada, quote_id, meet):
        monkeypatch.setattr(time, "time_ns", lambda: 1_900_000_000_000_000_000)
        await bob.post(f"/quotes/{quote_id}/fields/sales_rep", value="Bob", seen="")
        monkeypatch.undo()
        await meet()
        opened = opened_of(await ada.page(f"/quotes/{quote_id}"))
        await bob.post(f"/quotes/{quote_id}/fields/terms", value="30 days", seen="")
        await meet()
        assert list(await again(ada, quote_id, opened)) == ["field-terms"]


@pytest.mark.parametrize("opened", ["", "x", "-1", "999999", "99999999999"])
async def test_a_page_that_tells_nonsense_is_as_if_it_were_opened_now(tmp_path, opened):
    async with both_have_a_quote(tmp_path) as (_, ada, quote_id, _meet):
        assert await again(ada, quote_id, opened) == {}


async def test_an_author_named_by_markup_is_text_in_a_mark(tmp_path):
    place = MemoryPlace()
    async with (
        open_seat(tmp_path, "office", role="office", author='"><script>alert(1)</script>') as bob,
        open_seat(tmp_path, "R1") as ada,
    ):
        quote_id = await bob.quote(TODAY)

        async def meet():
            for _ in range(2):
                for seat in (bob, ada):
                    await seat.replica.sync(MemoryRemote(place))

        await meet()
        opened = opened_of(await ada.page(f"/quotes/{quote_id}"))
        await bob.post(f"/quotes/{quote_id}/fields/terms", value="30 days", seen="")
        await meet()
        text = (await ada.page(f"/quotes/{quote_id}?opened={opened}", **PART)).text
        assert "<script>alert" not in text
        assert "Changed by &#34;&gt;&lt;script&gt;" in text
