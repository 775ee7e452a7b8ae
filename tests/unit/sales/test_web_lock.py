"""The option that locks an item during its first sync, from the launcher's command line to a refused edit."""

import asyncio
import re

import httpx
import pytest

from examples.sales.web.fleet import Fleet, Place, Post
from examples.sales.web.security import TOKEN_HEADER
from examples.sales.web.start import free_ports

WAIT_S = 60


@pytest.mark.slow
@pytest.mark.parametrize("is_locking", [True, False])
async def test_a_workstation_locks_what_is_synced_if_it_was_started_so(tmp_path, is_locking):
    folder = tmp_path / "folder"
    folder.mkdir()
    post = Post("R1", "roaming", "ada", *free_ports("127.0.0.1", 0, 1))
    place = Place(tmp_path / "data", folder, company="Lovelace & Co", is_locking=is_locking)
    async with Fleet(place, [post]) as fleet, httpx.AsyncClient(base_url=post.address) as browser:
        async with asyncio.timeout(WAIT_S):
            assert await fleet.desks["R1"].settled() == "ready"
        token = (tmp_path / "data" / "R1.token").read_text(encoding="ascii")
        browser.headers.update({TOKEN_HEADER: token, "HX-Request": "true"})
        address = (await browser.post("/quotes", data={"customer": "Ada's aunt"})).headers["HX-Redirect"]
        assert re.fullmatch("/quotes/[a-z0-9]+", address)
        marked = (await browser.post(f"{address}/mark")).text
        assert ("Locked while it is synced" in marked) == is_locking
        answer = await browser.post(f"{address}/fields/terms", data={"value": "30 days", "seen": ""})
        assert answer.status_code == (423 if is_locking else 200)
        assert "Lovelace &amp; Co" in (await browser.get(f"{address}/print")).text
