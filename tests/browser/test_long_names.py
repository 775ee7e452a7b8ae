"""A name of the longest kind without a space: no page is wider than its window, and no column pushed off the paper."""

import re

import pytest

from tests.browser.chromium import expect

pytestmark = [pytest.mark.slow, pytest.mark.browser]

LONGEST = "W" * 480


@pytest.mark.parametrize("width_px", [1280, 768])
def test_no_page_is_made_wider_by_a_long_name(sit, width_px):
    bob = sit("office", viewport={"width": width_px, "height": 900})
    quote = bob.new_quote(f"{LONGEST}{width_px}")
    bob.page.get_by_role("link", name=re.compile("^WWW")).click()
    expect(bob.page.get_by_role("heading", name=re.compile("^WWW"))).to_be_visible()
    customer = bob.page.url.removeprefix(bob.address)
    identity = customer.removeprefix("/customers/")
    for path in (
        quote,
        f"{quote}/convert",
        f"{quote}/print",
        "/quotes",
        "/customers?q=WWW",
        customer,
        f"/payments?customer={identity}",
        f"/payments/new?customer={identity}",
    ):
        bob.page.goto(bob.address + path)
        expect(bob.page.get_by_role("main")).to_contain_text("WWW")
        assert bob.page.evaluate("document.documentElement.scrollWidth") <= width_px, path


def test_a_long_letterhead_stays_on_the_paper(bob):
    quote = bob.new_quote("Printed with a long head")
    bob.page.goto(f"{bob.address}{quote}/print")
    bob.page.evaluate(f"document.querySelector('.company').textContent = '{LONGEST}'")
    assert bob.page.evaluate(
        "document.querySelector('table').getBoundingClientRect().right"
        " <= document.querySelector('.sheet').getBoundingClientRect().right"
    )
    assert bob.page.evaluate("document.documentElement.scrollWidth <= innerWidth")
