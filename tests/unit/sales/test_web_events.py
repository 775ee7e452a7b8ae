"""The event stream tells a page what is out of date, and nothing else."""

import asyncio
import datetime as dt
from contextlib import aclosing

from crdtsync.testing import MemoryPlace, MemoryRemote
from examples.sales.model import Quote
from examples.sales.web import events
from examples.sales.web.health import health_of
from tests.unit.sales.web_desks import open_seat

WAIT_S = 60


async def told(lines, name):
    """Read the stream until an event comes; return all the names on the way."""
    names = []
    async with asyncio.timeout(WAIT_S):
        async for part in lines:
            names += part.removeprefix("data: ").split()
            if name in names:
                return names
    raise AssertionError(f"the stream ended without {name}")


async def watched(seat, quote_id, lines):
    """Return when the watcher, which begins with the changes after its start, has seen one."""

    async def edit():
        for n in range(1_000_000):
            await seat.post(f"/quotes/{quote_id}/fields/sales_rep", value=str(n), seen="")

    editing = asyncio.create_task(edit())
    await told(lines, "center-quote")
    editing.cancel()
    await asyncio.gather(editing, return_exceptions=True)
    # What was written last is told before what comes next.
    await seat.post(f"/quotes/{quote_id}/fields/sales_rep", value="", seen="")
    await told(lines, "center-quote")


async def test_a_page_that_connects_is_told_everything_once(tmp_path):
    async with open_seat(tmp_path) as seat, aclosing(seat.events.stream()) as lines:
        assert await told(lines, "everything") == ["everything"]


async def test_a_page_hears_of_its_own_document_and_of_its_center(tmp_path):
    async with open_seat(tmp_path) as seat:
        shown, other = [await seat.quote(dt.date(2024, 5, 31)) for _ in range(2)]
        watching = asyncio.create_task(seat.events.run())
        async with aclosing(seat.events.stream()) as lines:
            await told(lines, "everything")
            await watched(seat, other, lines)
            await seat.post(f"/quotes/{other}/fields/terms", value="14 days", seen="")
            assert f"document:{shown}" not in await told(lines, "center-quote")
            await seat.post(f"/quotes/{shown}/fields/terms", value="30 days", seen="")
            assert "center-quote" in await told(lines, f"document:{shown}")
        watching.cancel()


async def test_a_page_hears_of_the_number_of_its_document_and_of_nothing_else_of_it(tmp_path, monkeypatch):
    monkeypatch.setattr(events, "HEALTH_POLL_S", 1e6)
    async with open_seat(tmp_path, "office", role="office") as seat:
        shown, other = [await seat.quote(dt.date(2024, 5, 31)) for _ in range(2)]
        watching = asyncio.create_task(seat.events.run())
        place = MemoryPlace()
        async with aclosing(seat.events.stream()) as lines:
            await told(lines, "everything")
            await watched(seat, other, lines)
            await seat.replica.mark_for_sync(other)
            assert f"document:{shown}" not in await told(lines, "items")
            await seat.replica.sync(MemoryRemote(place))
            assert f"document:{shown}" not in await told(lines, "items")
            await seat.replica.mark_for_sync(shown)
            await told(lines, f"document:{shown}")
            await seat.replica.sync(MemoryRemote(place))
            assert "items" in await told(lines, f"document:{shown}")
        assert (await seat.replica.get(Quote, shown)).number
        watching.cancel()


async def test_a_page_hears_when_the_switch_is_turned(tmp_path, monkeypatch):
    monkeypatch.setattr(events, "HEALTH_POLL_S", 1e6)  # It is not found by looking.
    async with open_seat(tmp_path) as seat:
        watching = asyncio.create_task(seat.events.run())
        async with aclosing(seat.events.stream()) as lines:
            await told(lines, "everything")
            for _ in range(5):
                await health_of(seat.desk)  # One reads after the other: the watcher knows now how it was.
            await seat.post("/offline")
            assert "health" in await told(lines, "health")
        watching.cancel()
