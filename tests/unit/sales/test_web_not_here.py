"""What is told of an address that is none: by another name, and of a page that the launcher does not have."""

import httpx
import pytest

from examples.sales.web.fleet import Fleet, Place, Post
from examples.sales.web.overview import Overview
from examples.sales.web.security import Protection


@pytest.fixture
async def browser(tmp_path):
    post = Post("office", "office", "bob", 1)
    protection = Protection("secret", hosts=("127.0.0.1", "localhost", "127.0.0.1"))
    overview = Overview(Fleet(Place(tmp_path / "data", tmp_path), [post]), protection)
    transport = httpx.ASGITransport(overview.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8700") as browser:
        yield browser


async def test_each_name_that_is_answered_to_is_told_once(browser):
    answer = await browser.get("/", headers={"Host": "elsewhere:8700"})
    assert answer.status_code == 421
    assert answer.text == (
        "This page is not called 'elsewhere'. Write 127.0.0.1 or localhost in its place into the address."
    )


async def test_an_address_without_a_page_is_told_of_with_a_way_back(browser):
    answer = await browser.get("/nowhere")
    assert answer.status_code == 404
    assert "There is no such page." in answer.text
    assert '<a class="button main" href="/">To the workstations</a>' in answer.text
    assert "<h1" in answer.text
