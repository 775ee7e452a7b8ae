"""The launcher's processes: started, switched, killed, started again, stopped; and the page that shows them."""

import asyncio
import os
import signal
import socket

import httpx
import pytest

from examples.sales.web.fleet import Fleet, Place, Post
from examples.sales.web.overview import make_overview
from examples.sales.web.security import TOKEN_HEADER, Protection

WAIT_S = 60


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def fleet_of(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    return Fleet(Place(tmp_path / "data", folder), [Post("office", "office", "bob", free_port())])


def overview_of(fleet):
    protection = Protection("secret", hosts=("127.0.0.1",), frames=("http://127.0.0.1:1",))
    transport = httpx.ASGITransport(make_overview(fleet, protection))
    return httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8700")


async def until(condition):
    async with asyncio.timeout(WAIT_S):
        while not await condition():
            await asyncio.sleep(0.05)


async def test_the_overview_shows_a_workstation_that_does_not_run(tmp_path):
    async with overview_of(fleet_of(tmp_path)) as browser:
        page = await browser.get("/")
        assert "Not running" in page.text
        assert "Start again" in page.text
        assert "frame-src http://127.0.0.1:1;" in page.headers["content-security-policy"]
        assert (await browser.post("/desks/office/start")).status_code == 403
        assert (await browser.get("/desks/nobody")).status_code == 404


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="kills with a POSIX signal")
async def test_a_workstation_that_was_killed_is_shown_and_starts_again(tmp_path):
    async with fleet_of(tmp_path) as fleet, overview_of(fleet) as browser, httpx.AsyncClient() as outside:
        desk = fleet.desks["office"]

        async def answers():
            try:
                return (await outside.get(f"{desk.post.address}/quotes")).status_code == 200
            except httpx.TransportError:
                return False

        async def is_dead():
            return not desk.is_alive

        await until(answers)
        headers = {TOKEN_HEADER: "secret"}
        await browser.post("/desks/office/offline", headers=headers)

        async def is_offline():
            return 'aria-checked="true"' in (await browser.get("/desks/office")).text

        await until(is_offline)
        os.kill(desk.process_id, signal.SIGKILL)
        await until(is_dead)
        assert "Not running" in (await browser.get("/desks/office")).text
        assert "Not running" not in (await browser.post("/desks/office/start", headers=headers)).text
        await until(answers)
    assert not desk.is_alive
