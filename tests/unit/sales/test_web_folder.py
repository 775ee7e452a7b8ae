"""The picture of the folder: what it says of each file, whom a file has reached, and how a page learns of new ones."""

import asyncio
import datetime as dt
import re
from contextlib import asynccontextmanager

from crdtsync.testing import MemoryPlace, MemoryRemote
from examples.sales.web.watch import FolderWatch
from tests.unit.sales.web_desks import open_seat

WAIT_S = 60
TODAY = dt.date(2024, 5, 31)


@asynccontextmanager
async def office_and_ada(tmp_path):
    """Bob in the office and ada on the road, with a folder between them that both have seen."""
    place = MemoryPlace()
    async with open_seat(tmp_path, "office", role="office", author="bob") as bob, open_seat(tmp_path) as ada:
        for seat in (bob, ada):
            seat.desk.folder.remote = MemoryRemote(place)
        await bob.replica.sync(MemoryRemote(place))
        yield place, bob, ada


async def picture(seat):
    return (await seat.page("/folder", **{"HX-Request": "true", "HX-Target": "folder"})).text


async def test_an_empty_folder_says_who_sets_it_up(tmp_path):
    async with open_seat(tmp_path) as ada:
        ada.desk.folder.remote = MemoryRemote(MemoryPlace())
        assert "Nothing in the folder yet" in (await ada.page("/folder")).text


async def test_a_file_tells_what_is_in_it_and_whom_it_has_reached(tmp_path):
    async with office_and_ada(tmp_path) as (place, bob, ada):
        await ada.quote(TODAY)
        await ada.replica.mark_for_sync(*[item.document for item in await ada.replica.items()])
        await ada.replica.sync(MemoryRemote(place))
        before = await picture(ada)
        assert "nobody else has it yet" in before
        assert "1 request for a number" in before
        assert "office has it" not in before

        await bob.replica.sync(MemoryRemote(place))
        after = await picture(ada)
        assert "office has it" in after
        assert "gives out the numbers" in after
        assert "1 number in 1 file" in after


async def test_a_change_tells_which_file_carries_it_and_whom_it_has_reached(tmp_path):
    async with office_and_ada(tmp_path) as (place, bob, ada):
        await ada.replica.sync(MemoryRemote(place))
        quote_id = await ada.quote(TODAY)

        async def row_of(seat):
            return re.search(f'<th scope="row"><a href="/quotes/{quote_id}">.*', await picture(seat))[0]

        assert "no file yet" in await row_of(ada)
        assert "not yet" in await row_of(ada)
        await ada.replica.mark_for_sync(quote_id)
        await ada.replica.sync(MemoryRemote(place))
        assert "file 1 of R1" in await row_of(ada)
        assert "not yet" in await row_of(ada)
        await bob.replica.sync(MemoryRemote(place))
        await ada.replica.sync(MemoryRemote(place))
        assert "has it" in await row_of(ada)
        assert "not yet" not in await row_of(ada)


async def test_the_file_that_came_last_is_the_newest_one(tmp_path):
    async with office_and_ada(tmp_path) as (place, bob, ada):
        await ada.quote(TODAY)
        await ada.replica.sync(MemoryRemote(place))
        assert "The newest one" not in await picture(bob)
        await ada.quote(TODAY)
        await ada.replica.sync(MemoryRemote(place))
        text = await picture(bob)
        assert text.count("The newest one") == 1
        assert "The newest one. File 2 of R1" in text


async def test_a_file_that_is_missing_has_a_place_and_a_word(tmp_path):
    async with office_and_ada(tmp_path) as (place, bob, ada):
        for _ in range(2):
            await ada.quote(TODAY)
            await ada.replica.sync(MemoryRemote(place))
        for name in [name for name in place.files if "/s-00000001-" in name]:
            del place.files[name]
        text = await picture(bob)
        assert "File 1 of R1 is not here" in text
        assert "tile missing" in text


async def test_only_the_last_files_of_a_long_feed_are_drawn_one_by_one(tmp_path):
    async with office_and_ada(tmp_path) as (place, bob, ada):
        for _ in range(15):
            await ada.quote(TODAY)
            await ada.replica.sync(MemoryRemote(place))
        await bob.replica.sync(MemoryRemote(place))
        await ada.quote(TODAY)
        await ada.replica.sync(MemoryRemote(place))
        text = await picture(bob)
        assert "1 to 4" in text
        assert "File 4 of R1" not in text
        assert "File 16 of R1" in text


async def test_the_name_of_a_stray_file_is_shown_as_it_is(tmp_path):
    async with office_and_ada(tmp_path) as (place, bob, ada):
        place.files["<b>notes.txt"] = b"hello"
        text = await picture(bob)
        assert "<b>notes" not in text
        assert "&lt;b&gt;notes.txt" in text
        assert "1 not taken in" in text


async def test_an_offline_workstation_shows_what_it_saw_last(tmp_path):
    async with office_and_ada(tmp_path) as (place, bob, ada):
        ada.desk.folder.is_cut_off = lambda: ada.desk.switch.is_offline
        first = await picture(ada)
        ada.desk.switch.turn(offline=True)
        await bob.quote(TODAY)
        await bob.replica.sync(MemoryRemote(place))
        text = await picture(ada)
        assert "what it saw last" in text
        assert "Written by" not in text
        assert "Written by" not in first
        ada.desk.switch.turn(offline=False)
        assert "Written by office" in await picture(ada)


async def test_a_page_is_told_when_a_file_arrives_and_not_before(tmp_path):
    async with office_and_ada(tmp_path) as (place, bob, ada):
        watching = asyncio.create_task(ada.events.run())
        stream = ada.events.stream(is_at_folder=True)
        async with asyncio.timeout(WAIT_S):
            assert "everything" in await anext(stream)
            await bob.quote(TODAY)
            await bob.replica.sync(MemoryRemote(place))
            while "folder" not in await anext(stream):
                pass
        watching.cancel()


async def test_a_folder_that_cannot_be_read_keeps_its_last_picture_and_says_so(tmp_path):
    watch = FolderWatch(f"folder:{tmp_path / 'nowhere'}")
    assert await watch.look()
    assert watch.picture is None
    assert "nowhere" in watch.problem
    assert not await watch.look()
