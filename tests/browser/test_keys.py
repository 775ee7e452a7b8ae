"""The main job without a mouse: where the focus goes, and that it can be seen there."""

import re

import pytest

from tests.browser.chromium import expect

pytestmark = [pytest.mark.slow, pytest.mark.browser]

TABS_MAX = 60


def tab_to(page, target, *, keys="Tab"):
    """Press Tab until the target has the focus; each stop on the way must be visible."""
    for _ in range(TABS_MAX):
        page.keyboard.press(keys)
        focused = page.evaluate(
            "() => { const style = getComputedStyle(document.activeElement);"
            " return [document.activeElement.outerHTML.slice(0, 120), style.outlineStyle, style.outlineWidth] }"
        )
        assert focused[1] != "none", f"no visible focus on {focused[0]}"
        if target.evaluate("node => node === document.activeElement"):
            return
    pytest.fail(f"{target} is not reached by {TABS_MAX} tabs")


def test_a_quote_is_made_filled_in_and_marked_by_keys_alone(ada):
    page, keys = ada.page, ada.page.keyboard
    ada.open("/quotes")
    keys.press("Tab")
    expect(page.get_by_role("link", name="To the content")).to_be_focused()
    keys.press("Enter")
    tab_to(page, page.get_by_label("New quote for"))
    keys.type("By Keys")
    keys.press("Enter")
    page.wait_for_url(re.compile(r"/quotes/[^/?]+$"))
    expect(ada.offline_switch).to_be_visible()
    tab_to(page, ada.box("Terms"))
    keys.type("cash")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        keys.press("Tab")
    keys.press("Alt+n")
    expect(ada.line(1)).to_be_visible()
    tab_to(page, ada.box("Description", line=1))
    keys.type("Curtain")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        tab_to(page, ada.box("Price", line=1))
    keys.press("Control+a")
    keys.type("80")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        keys.press("Tab")
    expect(page.get_by_text("$80.00").last).to_be_visible()
    tab_to(page, page.get_by_role("button", name="Mark for sync"), keys="Shift+Tab")
    keys.press("Enter")
    expect(page.get_by_text("On the main system")).to_be_visible()
    expect(ada.box("Terms")).to_have_value("cash")
    expect(ada.box("Description", line=1)).to_have_value("Curtain")


def test_a_slash_leads_to_the_search_and_the_search_finds_while_it_is_typed(ada):
    name = "Slash Finds This"
    ada.new_quote(name)
    ada.open("/quotes")
    ada.page.keyboard.press("/")
    expect(ada.page.get_by_role("searchbox", name="Search")).to_be_focused()
    ada.page.keyboard.type("slash fin")
    expect(ada.page.get_by_role("row")).to_have_count(2)
    expect(ada.page.get_by_role("row").last).to_contain_text(name)
    expect(ada.page).to_have_url(re.compile(r"q=slash"))


def test_what_cannot_be_read_is_said_at_its_field_and_kept(ada):
    ada.new_quote("Bad Date")
    ada.write("Date", "yesterdayish")
    box = ada.box("Date")
    expect(box).to_have_attribute("aria-invalid", "true")
    expect(box).to_have_value("yesterdayish")
    expect(ada.page.get_by_role("alert").filter(has_text="Write a date as in")).to_be_visible()
    ada.write("Date", "2024-05-31")
    expect(box).not_to_have_attribute("aria-invalid", "true")
    expect(box).to_have_value("5/31/24")
