"""The launcher's processes: started, switched, killed, started again, stopped; and the pages that show them."""

import asyncio
import os
import signal
import socket

import httpx
import pytest

from examples.sales.web.fleet import Fleet, Place, Post
from examples.sales.web.loading import Loading
from examples.sales.web.overview import Overview
from examples.sales.web.security import TOKEN_HEADER, Protection

WAIT_S = 60
HEADERS = {TOKEN_HEADER: "secret"}


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fleet_of(tmp_path, *, loading=None):
    folder = tmp_path / "folder"
    folder.mkdir()
    people = (("office", "office", "bob"), ("R1", "roaming", "ada"))
    posts = [Post(name, role, author, free_port()) for name, role, author in people]
    return Fleet(Place(tmp_path / "data", folder), posts, loading)


def only_office(fleet):
    """Return it with one workstation, which is enough for what processes do."""
    return Fleet(fleet.place, fleet.posts[:1], fleet.loading)


def overview_of(fleet):
    protection = Protection("secret", hosts=("127.0.0.1",), frames=("http://127.0.0.1:1",))
    return Overview(fleet, protection)


def browse(overview):
    return httpx.AsyncClient(
        transport=httpx.ASGITransport(overview.app), base_url="http://127.0.0.1:8700", headers=HEADERS
    )


async def test_the_overview_shows_a_workstation_that_does_not_run(tmp_path):
    async with browse(overview_of(fleet_of(tmp_path))) as browser:
        page = await browser.get("/")
        assert page.text.count("Not running") == 2
        assert "Start again" in page.text
        # There is no page to be shown yet.
        assert ' src="http' not in page.text
        assert "frame-src http://127.0.0.1:1;" in page.headers["content-security-policy"]
        refused = await browser.post("/desks/office/start", headers={TOKEN_HEADER: "guessed"})
        assert refused.status_code == 403
        for path in ("/desks/nobody", "/desks/nobody/veil"):
            assert (await browser.get(path)).status_code == 404


async def test_each_can_be_looked_at_alone_in_full_width(tmp_path):
    async with browse(overview_of(fleet_of(tmp_path))) as browser:
        page = (await browser.get("/?only=R1")).text
        assert 'aria-label="R1"' in page
        assert 'aria-label="office"' not in page
        assert 'href="/?only=office"' in page
        assert 'aria-label="office"' in (await browser.get("/?only=<b>")).text


async def test_a_delay_that_is_not_offered_is_refused(tmp_path):
    async with browse(overview_of(fleet_of(tmp_path))) as browser:
        assert (await browser.post("/desks/R1/slow", data={"delay_s": "1e9"})).status_code == 422


async def test_the_launcher_has_a_picture_of_the_folder_of_its_own(tmp_path):
    async with browse(overview_of(fleet_of(tmp_path))) as browser:
        page = (await browser.get("/folder")).text
        assert "<html" in page
        assert "Nothing in the folder yet" in page
        part = (await browser.get("/folder", headers={"HX-Target": "folder"})).text
        assert "<html" not in part


async def test_pages_are_told_of_workstations_and_only_those_at_the_folder_of_it(tmp_path):
    fleet = fleet_of(tmp_path)
    overview = overview_of(fleet)
    watching = asyncio.create_task(overview.run())
    plain, at_folder = overview.stream(), overview.stream(is_at_folder=True)
    async with asyncio.timeout(WAIT_S):
        for lines in (plain, at_folder):
            assert await anext(lines) == "data: everything\n\n"
        fleet.desks["R1"].on_change()
        assert await anext(plain) == "data: desk-R1\n\n"
        (fleet.place.folder / "stray.txt").write_text("new")
        while "folder" not in await anext(at_folder):
            pass
        fleet.desks["office"].on_change()
        assert await anext(plain) == "data: desk-office\n\n"
    watching.cancel()


async def test_the_page_shows_how_far_the_loading_is_and_why_it_stopped(tmp_path):
    loading = Loading(tmp_path / "none.csv")
    async with browse(overview_of(fleet_of(tmp_path, loading=loading))) as browser:
        loading.phase, loading.done, loading.total = "invoices", 40, 100
        page = (await browser.get("/loading")).text
        assert "Loading invoices: 40 of 100" in page
        assert '<progress id="loading-bar" value="40" max="100">' in page
        loading.failure = "<i>no</i>"
        assert "Loading stopped: &lt;i&gt;no&lt;/i&gt;" in (await browser.get("/loading")).text


async def eventually(condition):
    async with asyncio.timeout(WAIT_S):
        while not condition():
            await asyncio.sleep(0.02)


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kills with a POSIX signal")
async def test_a_workstation_that_was_killed_is_shown_within_a_second_and_starts_again(tmp_path):
    fleet = only_office(fleet_of(tmp_path))
    overview = overview_of(fleet)
    async with fleet, browse(overview) as browser, httpx.AsyncClient() as outside:
        desk = fleet.desks["office"]
        async with asyncio.timeout(WAIT_S):
            assert await desk.settled() == "ready"
        assert f'src="{desk.post.address}/quotes"' in (await browser.get("/")).text
        assert "Not running" not in (await browser.get("/desks/office/veil")).text
        assert (await outside.get(f"{desk.post.address}/quotes")).status_code == 200
        await browser.post("/desks/office/offline")
        await browser.post("/desks/office/slow", data={"delay_s": "60"})
        await eventually(lambda: desk.is_offline and desk.delay_s == 60.0)
        head = (await browser.get("/desks/office")).text
        assert 'aria-checked="false"' in head
        assert "selected>1 minute" in head

        pages = overview.stream()
        async with asyncio.timeout(WAIT_S):
            await anext(pages)
        os.kill(desk.process_id, signal.SIGKILL)
        async with asyncio.timeout(WAIT_S):
            assert "desk-office" in await anext(pages)
        veil = (await browser.get("/desks/office/veil")).text
        assert "Not running" in veil
        assert "ended by signal 9" in veil
        assert "Starting office" in (await browser.post("/desks/office/start")).text
        async with asyncio.timeout(WAIT_S):
            assert await desk.settled() == "ready"
        assert (desk.is_offline, desk.delay_s) == (False, 0.0)
    assert not desk.is_alive


@pytest.mark.slow
async def test_a_workstation_that_cannot_start_says_why(tmp_path):
    fleet = only_office(fleet_of(tmp_path))
    with socket.create_server(("127.0.0.1", fleet.posts[0].port)):
        async with fleet, asyncio.timeout(WAIT_S):
            desk = fleet.desks["office"]
            assert await desk.settled() == "dead"
            assert f"127.0.0.1:{desk.post.port}" in desk.failure
