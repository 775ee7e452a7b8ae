"""A center with a hundred thousand documents: found, paged and counted while a person waits."""

import re
import statistics
import time
import urllib.request

import pytest

from tests.browser.chromium import expect
from tests.browser.desk import Seat
from tests.browser.goods import multiply, stock
from tests.browser.launcher import Launcher

pytestmark = [pytest.mark.slow, pytest.mark.browser]

DOCUMENTS = 100_000
RUNS = 7
PAGE_TARGET_MS = 100
PAGE_LIMIT_MS = 2_000
"""Beyond this something reads all documents; the target itself is told, not asserted, on a machine with company."""


@pytest.fixture(scope="module")
def crowded(browser, tmp_path_factory):
    directory = tmp_path_factory.mktemp("crowded")
    stock(directory / "data", deals=8)
    multiply(directory / "data", DOCUMENTS)
    with Launcher(directory, names=("office",)) as launcher:
        yield launcher


def test_a_hundred_thousand_quotes_are_searched_and_paged(crowded, watch):
    seat = Seat("office", watch.context().new_page(), crowded.addresses["office"])
    page = seat.page
    seat.open("/quotes")
    expect(page.get_by_text("100,008 in all")).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(51)
    page.get_by_role("link", name="Next").click()
    expect(page.get_by_text("page 2 of 2,001")).to_be_visible()
    seat.open("/quotes")
    page.get_by_role("searchbox", name="Search").fill("R9-54321")
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("searchbox", name="Search").fill("harper 17")
    expect(page.get_by_role("row").nth(1)).to_contain_text("Harper Fields 17")
    page.get_by_role("combobox", name="Sort by").select_option("Largest")
    expect(page).to_have_url(re.compile("order=-total"))
    # Made while somebody looks, it is at the top at once.
    other = Seat("office", watch.context().new_page(), crowded.addresses["office"])
    seat.open("/quotes")
    other.new_quote("Newest of all")
    expect(page.get_by_role("row").nth(1)).to_contain_text("Newest of all")


@pytest.mark.parametrize(
    "path",
    [
        "/quotes",
        "/quotes?page=2",
        "/quotes?page=1500",
        "/quotes?order=-total",
        "/quotes?status=quote+pending",
        "/quotes?status=quote+pending&order=-dated",
        "/quotes?q=harper",
        "/quotes?q=harper&page=1500",
        "/quotes?q=R9-054321",
        "/items",
        "/conflicts",
    ],
)
def test_the_server_renders_a_page_in_a_moment(crowded, path, capsys):
    times_ms = []
    for _ in range(RUNS):
        began = time.perf_counter()
        with urllib.request.urlopen(crowded.addresses["office"] + path) as answer:
            answer.read()
        times_ms.append((time.perf_counter() - began) * 1000)
    median_ms = statistics.median(times_ms)
    with capsys.disabled():
        print(f"\n{path}: {median_ms:.0f} ms of {PAGE_TARGET_MS} ms (fastest {min(times_ms):.0f})", end="")
    assert median_ms < PAGE_LIMIT_MS
