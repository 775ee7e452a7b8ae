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


def test_a_key_that_a_mac_types_no_letter_with_is_known_by_its_place(ada):
    ada.new_quote("On a Mac")
    press = "(key) => document.body.dispatchEvent(new KeyboardEvent('keydown', { key, code: 'KeyN', altKey: true, bubbles: true }))"
    for number, key in enumerate(("Dead", "\u02dc"), 1):
        ada.page.evaluate(press, key)
        expect(ada.page.get_by_role("button", name="Remove line")).to_have_count(number)


def press(seat, button, *, gone=True):
    """Press a button by keys, and see where the focus is once it is not there any more."""
    button.focus()
    seat.page.keyboard.press("Enter")
    if gone:
        expect(button).to_have_count(0)
    # The event of the change comes after its answer, or before.
    seat.page.wait_for_timeout(300)


def test_a_button_that_goes_away_leaves_the_focus_beside_or_around_it(bob):
    page = bob.page
    bob.new_quote("Focus Kept")
    for number, name in enumerate(("one", "two"), 1):
        bob.add_line()
        bob.write("Description", name, line=number)
        bob.write("Price", "50", line=number)
    page.get_by_role("button", name="Options and price of line 2").press("Enter")
    page.get_by_role("button", name="Move line 2 up").press("Enter")
    expect(page.get_by_role("button", name="Move line 1 down")).to_be_focused()
    press(bob, page.get_by_role("button", name="Shown to the customer"))
    expect(page.get_by_role("region", name="Where it stands")).to_be_focused()
    page.keyboard.press("Tab")
    expect(page.get_by_role("region", name="Where it stands").get_by_role("link").first).to_be_focused()
    press(bob, page.get_by_role("button", name="Mark for sync"))
    expect(page.get_by_role("heading", level=1)).to_be_focused()
    # What is around it is called by its heading, and an event that comes in leaves the focus there.
    bob.box("Terms").focus()
    press(bob, page.get_by_role("button", name="Remove line 2"))
    expect(page.get_by_role("button", name="Undo")).to_be_focused()

    page.get_by_role("link", name="Record a payment").press("Enter")
    page.get_by_label("Amount", exact=True).fill("50")
    page.get_by_role("button", name="Record").press("Enter")
    page.wait_for_url(re.compile("/sales/"))
    expect(bob.offline_switch).to_be_visible()
    press(bob, page.get_by_role("button", name=re.compile("^Release")))
    expect(page.get_by_role("heading", name="Payments")).to_be_focused()
    press(bob, page.get_by_role("button", name=re.compile("^Use ")))
    expect(page.get_by_role("heading", name="Payments")).to_be_focused()

    page.get_by_role("region", name="Head").get_by_role("link").first.press("Enter")
    page.wait_for_url(re.compile(r"/customers/[^/?]+$"))
    expect(bob.offline_switch).to_be_visible()
    page.get_by_label("New telephone").fill("555 0100")
    page.get_by_label("New telephone").press("Enter")
    press(bob, page.get_by_role("button", name="Remove the telephone 555 0100"))
    expect(page.get_by_role("button", name="Undo")).to_be_focused()
