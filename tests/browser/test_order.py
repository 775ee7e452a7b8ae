"""What is done while an earlier request is on its way, or its answer late, is done after it, and nothing is lost."""

import re

import pytest

from tests.browser.chromium import expect, wait_until
from tests.browser.held import LONG_ENOUGH_MS, Held

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture
def picking(ada):
    """A quote whose customer another one is about to be picked for: its path, the box and the option."""
    ada.new_quote("Zebra Picked")
    path = ada.new_quote("Picks")
    box = ada.page.get_by_role("combobox", name="Customer", exact=True)
    box.fill("Zebra Pick")
    option = ada.page.locator("#customer-options [role=option]").first
    expect(option).to_contain_text("Zebra Picked")
    return path, box, option


def remove_buttons(seat):
    return seat.page.get_by_role("button", name="Remove line")


@pytest.mark.parametrize("is_written", [False, True])
def test_who_picks_a_customer_and_then_types_another_has_the_other(ada, picking, is_written):
    path, box, option = picking
    held = Held(ada.page, "/customer$", is_written=is_written)
    option.click()
    held.wait()
    box.fill("Other")
    box.press("Tab")
    ada.page.wait_for_timeout(LONG_ENOUGH_MS)
    held.let_go()
    expect(ada.page.locator(".is-typed, .htmx-request")).to_have_count(0)
    expect(box).to_have_value("Other")
    ada.open(path)
    expect(box).to_have_value("Other")


def test_what_comes_in_takes_no_pick_back_that_is_on_its_way(ada, picking, window):
    path, box, option = picking
    window.open(path)
    held = Held(ada.page, "/customer$")
    option.click()
    held.wait()
    window.write("Terms", "30 days")
    expect(ada.box("Terms")).to_have_value("30 days")
    expect(box).to_have_value("Zebra Picked")
    held.let_go()
    expect(ada.page.locator(".htmx-request")).to_have_count(0)
    expect(box).to_have_value("Zebra Picked")


def test_a_line_is_duplicated_with_what_was_typed_before(ada):
    ada.new_quote("Duplicates")
    ada.add_line()
    held = Held(ada.page, "/fields/description$")
    ada.box("Description", line=1).fill("Curtain")
    ada.page.get_by_role("button", name="Duplicate line 1").click()
    ada.page.wait_for_timeout(LONG_ENOUGH_MS)
    held.let_go()
    for line in (1, 2):
        expect(ada.box("Description", line=line)).to_have_value("Curtain")


def test_a_line_that_is_removed_is_not_brought_back_by_what_was_typed_before(ada):
    ada.new_quote("Removes")
    ada.add_line()
    held = Held(ada.page, "/fields/description$")
    ada.box("Description", line=1).fill("Curtain")
    ada.page.get_by_role("button", name="Remove line 1").click()
    ada.page.wait_for_timeout(LONG_ENOUGH_MS)
    held.let_go()
    expect(ada.page.get_by_role("button", name="Undo")).to_be_visible()
    ada.page.wait_for_timeout(LONG_ENOUGH_MS)
    expect(remove_buttons(ada)).to_have_count(0)


def test_a_button_that_leads_on_waits_for_what_was_typed_before(ada):
    ada.new_quote("Leads on")
    ada.open_customer()
    address = ada.page.url
    held = Held(ada.page, "/fields/email$")
    ada.page.get_by_label("E-mail").fill("ada@lines.example")
    ada.page.get_by_role("button", name="New quote").click()
    ada.page.wait_for_timeout(LONG_ENOUGH_MS)
    held.let_go()
    ada.page.wait_for_url(re.compile("/quotes/"))
    ada.page.goto(address)
    expect(ada.page.get_by_label("E-mail")).to_have_value("ada@lines.example")


def test_a_link_waits_for_every_button_that_was_pressed_before(ada):
    path = ada.new_quote("Adds and goes")
    held = Held(ada.page, "/lines$")
    add = ada.page.get_by_role("button", name="Add a line")
    add.click()
    held.wait()
    add.click()
    ada.page.get_by_role("link", name="Print").first.click()
    ada.page.wait_for_timeout(LONG_ENOUGH_MS)
    held.let_go()
    ada.page.wait_for_url("**/print")
    ada.open(path)
    expect(remove_buttons(ada)).to_have_count(2)


def test_a_link_waits_for_a_form_that_was_sent_before(ada):
    path = ada.new_quote("Notes and goes")
    held = Held(ada.page, "/milestones$")
    ada.page.get_by_label("What happened").fill("Measured")
    ada.page.get_by_label("What happened").press("Enter")
    ada.page.get_by_role("link", name="Print").first.click()
    ada.page.wait_for_timeout(LONG_ENOUGH_MS)
    held.let_go()
    ada.page.wait_for_url("**/print")
    ada.open(path)
    expect(ada.page.get_by_role("listitem").filter(has_text="Measured")).to_have_count(1)


@pytest.mark.parametrize("pressed", ["Prices locked", "Put back"])
def test_a_button_that_is_pressed_twice_while_it_waits_holds_up_nothing(ada, pressed):
    ada.new_quote("Impatient")
    ada.add_line()
    remove_buttons(ada).click()
    ada.page.locator("#removed-lines summary").click()
    held = Held(ada.page, "/lines$")
    add = ada.page.get_by_role("button", name="Add a line")
    add.click()
    held.wait()
    button = ada.page.locator("button").filter(has_text=re.compile(f"^{pressed}"))
    button.click()
    ada.page.wait_for_timeout(LONG_ENOUGH_MS)  # Else it were a double click.
    button.click()
    add.click()
    held.let_go()
    expect(remove_buttons(ada)).to_have_count(3 if pressed == "Put back" else 2)
    if pressed == "Prices locked":
        expect(ada.page.get_by_role("switch", name=pressed)).to_be_checked()


@pytest.mark.parametrize("end", ["escape", "pick"])
def test_a_list_that_is_done_with_does_not_open_once_its_answer_comes(ada, picking, end):
    _, box, option = picking
    held = Held(ada.page, "/customers/pick", method="GET")
    box.press_sequentially("e")
    held.wait()
    if end == "pick":
        with ada.page.expect_response(re.compile("/customer$")):
            option.click()
    else:
        box.press("Escape")
    with ada.page.expect_response(re.compile("/customers/pick")):
        held.let_go()
    ada.page.wait_for_timeout(LONG_ENOUGH_MS)
    expect(box).to_have_attribute("aria-expanded", "false")


def test_what_came_in_while_a_list_was_open_is_there_when_it_is_closed(ada, window):
    path = ada.new_quote("Opens a list")
    window.open(path)
    mine, theirs = (seat.page.get_by_role("combobox", name="Customer", exact=True) for seat in (ada, window))
    mine.click()
    expect(mine).to_have_attribute("aria-expanded", "true")
    theirs.fill("Renamed")
    theirs.press("Tab")
    expect(ada.page.locator(".is-behind")).to_have_count(1)
    mine.press("Escape")
    expect(mine).to_have_value("Renamed")


def test_who_loads_a_page_again_is_asked_while_something_of_it_has_not_arrived(ada):
    ada.new_quote("Loaded again")
    asked = []
    ada.page.on("dialog", lambda dialog: (asked.append(dialog.type), dialog.dismiss()))
    held = Held(ada.page, "/fields/terms$")
    ada.box("Terms").fill("wants blue")
    ada.box("Terms").press("Tab")
    held.wait()
    ada.page.evaluate("location.reload()")
    wait_until(ada.page, lambda: asked)
    assert asked == ["beforeunload"]
    with ada.page.expect_response(re.compile("/fields/terms$")):
        held.let_go()
    expect(ada.page.locator(".htmx-request")).to_have_count(0)
    ada.page.reload()
    expect(ada.box("Terms")).to_have_value("wants blue")
    assert asked == ["beforeunload"]


def test_words_that_are_still_typed_go_along_with_a_link_of_the_list(ada):
    ada.new_quote("Goes along")
    ada.open("/quotes")
    search = ada.page.get_by_role("searchbox", name="Search")
    search.fill("Goes alo")
    ada.page.get_by_role("group", name="Status").get_by_role("link", name="Cancelled").click()
    ada.page.wait_for_url("**/quotes?*status=cancelled*")
    expect(search).to_have_value("Goes alo")


def test_a_blank_after_the_words_does_not_lead_back_to_the_first_page(ada):
    ada.new_quote("Goes on")
    ada.open("/quotes?q=Goes&order=dated")
    ada.page.get_by_role("searchbox", name="Search").press_sequentially(" ")
    # As the server writes it where there are more than fifty, and followed before any rows come in.
    ada.page.locator(".pages").evaluate(
        """(pages) => {
          pages.innerHTML = '<a href="/quotes?q=Goes&order=dated&page=2">Next</a>';
          pages.firstElementChild.click();
        }"""
    )
    ada.page.wait_for_url("**page=2**")


def test_what_is_taken_back_while_it_is_being_saved_is_taken_back(ada):
    path = ada.new_quote("Taken back")
    box = ada.box("Terms")
    first = Held(ada.page, "/fields/terms$")
    box.fill("30")
    box.press("Tab")
    first.wait()
    box.fill("60")
    box.press("Tab")
    second = Held(ada.page, "/fields/terms$")
    first.let_go()
    second.wait()
    ada.page.wait_for_timeout(LONG_ENOUGH_MS)  # The answer to the first is there.
    box.fill("")
    with ada.page.expect_response(re.compile("/fields/terms$")):
        second.let_go()
    box.press("Tab")
    expect(ada.page.locator(".is-typed, .htmx-request")).to_have_count(0)
    expect(box).to_have_value("")
    ada.open(path)
    expect(box).to_have_value("")
