"""Lines and pickers in a real browser: by mouse, by finger and by keys alone."""

import re

import pytest

from tests.browser.chromium import expect, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture
def stocked(ada):
    """Somebody whose workstation has got the catalogue from the office."""
    ada.open("/catalogue")
    expect(ada.page.get_by_role("link", name="Roller Shade Essential")).to_be_visible()
    return ada


def lines_named(seat, *names):
    """Make lines of these descriptions in the quote that is open."""
    for number, name in enumerate(names, 1):
        seat.add_line()
        seat.write("Description", name, line=number)


def expect_lines(seat, *names):
    for number, name in enumerate(names, 1):
        expect(seat.box("Description", line=number)).to_have_value(name)


def test_lines_are_put_into_order_with_the_keys_and_the_focus_goes_with_them(ada):
    ada.new_quote("Ordered by keys")
    lines_named(ada, "one", "two", "three")
    box = ada.box("Description", line=1)
    box.focus()
    ada.page.keyboard.press("Alt+ArrowDown")
    expect_lines(ada, "two", "one", "three")
    expect(ada.box("Description", line=2)).to_be_focused()
    ada.page.keyboard.press("Alt+ArrowDown")
    expect_lines(ada, "two", "three", "one")
    expect(ada.page.get_by_role("status").filter(has_text="one is now line 3 of 3.")).to_be_visible()
    # At the end there is nowhere to go.
    ada.page.keyboard.press("Alt+ArrowDown")
    ada.page.get_by_role("button", name="Move line 3", exact=True).focus()
    ada.page.keyboard.press("ArrowUp")
    expect_lines(ada, "two", "one", "three")
    expect(ada.page.get_by_role("button", name="Move line 2", exact=True)).to_be_focused()


def drag(page, grip, target, *, below=False):
    start, end = grip.bounding_box(), target.bounding_box()
    page.mouse.move(start["x"] + start["width"] / 2, start["y"] + start["height"] / 2)
    page.mouse.down()
    page.mouse.move(start["x"] + 8, start["y"] + 20, steps=3)
    page.mouse.move(end["x"] + 8, end["y"] + (end["height"] - 4 if below else 4), steps=6)


def test_lines_are_dragged_by_their_handles_and_escape_takes_it_back(ada):
    page = ada.page
    ada.new_quote("Ordered by dragging")
    lines_named(ada, "one", "two", "three")
    drag(page, page.get_by_role("button", name="Move line 3", exact=True), ada.line(1))
    expect(page.locator(".drop-before")).to_have_count(1)
    page.keyboard.press("Escape")
    page.mouse.up()
    expect_lines(ada, "one", "two", "three")
    drag(page, page.get_by_role("button", name="Move line 3", exact=True), ada.line(1))
    page.mouse.up()
    expect_lines(ada, "three", "one", "two")
    drag(page, page.get_by_role("button", name="Move line 1", exact=True), ada.line(3), below=True)
    page.mouse.up()
    expect_lines(ada, "one", "two", "three")
    expect(page.locator(".dragged, .drop-before, .drop-after")).to_have_count(0)


def test_a_line_is_dragged_with_a_finger(ada):
    page = ada.page
    ada.new_quote("Ordered by finger")
    lines_named(ada, "one", "two", "three")
    start = page.get_by_role("button", name="Move line 1", exact=True).bounding_box()
    end = ada.line(3).bounding_box()
    x = start["x"] + start["width"] / 2
    touch = page.context.new_cdp_session(page)

    def send(kind, *y):
        touch.send(
            "Input.dispatchTouchEvent", {"type": kind, "touchPoints": [{"x": x, "y": place} for place in y]}
        )

    send("touchStart", start["y"] + 10)
    for step in range(1, 7):
        send("touchMove", start["y"] + 10 + step * (end["y"] + end["height"] - 4 - start["y"] - 10) / 6)
    send("touchEnd")
    expect_lines(ada, "two", "three", "one")


def test_a_product_is_picked_by_keys_and_opened_with_its_options(stocked):
    page = stocked.page
    stocked.new_quote("Picks a product")
    picker = page.get_by_role("combobox", name="Add from the catalogue")
    picker.focus()
    page.keyboard.type("roller shade")
    options = page.get_by_role("listbox", name="Products").get_by_role("option")
    expect(options).to_have_count(6)
    expect(picker).to_have_attribute("aria-expanded", "true")
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(options.nth(1)).to_have_attribute("aria-selected", "true")
    expect(picker).to_have_attribute("aria-activedescendant", options.nth(1).get_attribute("id"))
    page.keyboard.press("Escape")
    expect(options.first).to_be_hidden()
    page.keyboard.press("ArrowDown")
    expect(options.first).to_be_visible()
    page.keyboard.type(" essential")
    expect(options).to_have_count(1)
    page.keyboard.press("ArrowUp")
    expect(options.first).to_have_attribute("aria-selected", "true")
    page.keyboard.press("Enter")
    expect(stocked.box("Description", line=1)).to_have_value("Roller Shade Essential")
    expect(stocked.box("Room", line=1)).to_be_focused()
    expect(picker).to_have_value("")
    style = page.get_by_role("combobox", name="Style")
    expect(style).to_have_value("Cordless")
    style.fill("Motorized")
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        style.press("Tab")
    before = stocked.box("Price", line=1).input_value()
    page.get_by_role("button", name="Recalculate the price of line 1", exact=True).click()
    expect(stocked.box("Price", line=1)).not_to_have_value(before)
    expect(page.get_by_role("status").filter(has_text="before,")).to_be_visible()
    expect(page.get_by_role("button", name="Options and price of line 1")).to_have_attribute(
        "aria-expanded", "true"
    )
    page.get_by_role("button", name="Options and price of line 1").click()
    expect(style).to_have_count(0)


def test_what_is_picked_by_quick_keys_is_what_the_list_says_when_it_is_there(ada):
    for customer in ("Olga Old", "Zed Last"):
        ada.new_quote(customer)
    ada.open("/quotes")
    box = ada.page.get_by_label("New quote for")
    box.click()
    expect(ada.page.get_by_role("option", name="Zed Last")).to_be_visible()
    held = []
    ada.page.route("**/customers/pick*", lambda route: held.append(route))  # noqa: PLW0108 - cannot be marked by playwright
    ada.page.keyboard.type("olg", delay=40)
    ada.page.keyboard.press("ArrowDown")
    ada.page.keyboard.press("Enter")
    ada.page.wait_for_timeout(500)
    expect(ada.page.get_by_role("option", name="Zed Last")).to_be_visible()
    ada.page.unroute_all()
    expect(box).to_have_value("Olga Old")
    ada.page.keyboard.press("Enter")
    ada.page.wait_for_url(re.compile(r"/quotes/[^/?]+$"))
    expect(ada.page.get_by_role("combobox", name="Customer", exact=True)).to_have_value("Olga Old")
    ada.open("/customers")
    expect(ada.page.get_by_role("row").filter(has_text="lg")).to_have_count(1)


def test_lines_that_are_open_are_taken_out_and_moved(stocked):
    page = stocked.page
    stocked.new_quote("Open lines")
    picker = page.get_by_role("combobox", name="Add from the catalogue")
    for number, words in enumerate(("essential", "motor 25", "zebra"), 1):
        picker.fill(words)
        page.get_by_role("listbox", name="Products").get_by_role("option").first.click()
        expect(page.get_by_role("group", name="Options")).to_have_count(number)
        expect(picker).to_have_value("")
    page.get_by_role("button", name="Remove line 2").click()
    expect(page.get_by_role("group", name="Options")).to_have_count(2)
    page.get_by_role("button", name="Move line 2 up").click()
    expect(
        page.get_by_role("status").filter(has_text="Zebra Banded Shade is now line 1 of 2.")
    ).to_be_visible()
    expect(page.get_by_role("group", name="Options")).to_have_count(2)


def test_a_line_that_was_taken_out_is_put_back_with_undo(ada):
    ada.new_quote("Takes it back")
    lines_named(ada, "one", "two")
    ada.page.get_by_role("button", name="Remove line 1").click()
    undo = ada.page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    expect_lines(ada, "two")
    undo.press("Enter")
    expect_lines(ada, "one", "two")
    expect(ada.page.get_by_role("button", name="Move line 1", exact=True)).to_be_focused()
    expect(ada.page.get_by_role("article")).to_have_count(1)
    ada.page.get_by_role("button", name="Duplicate line 1").click()
    expect_lines(ada, "one", "one", "two")


def test_what_is_asked_of_a_line_that_another_takes_out_meanwhile_is_answered_in_place(ada, bob):
    path = ada.new_quote("Taken out meanwhile")
    lines_named(ada, "one", "two")
    ada.page.get_by_role("button", name="Mark for sync").click()
    expect(ada.page.get_by_text("On the main system")).to_be_visible()
    bob.open(path)
    expect_lines(bob, "one", "two")
    held = []
    bob.page.route("**/duplicate", lambda route: held.append(route))  # noqa: PLW0108 - playwright marks what it is given
    bob.page.get_by_role("button", name="Duplicate line 1").click()
    bob.page.evaluate("() => document.querySelector('[data-do=duplicate]').remove()")
    wait_until(bob.page, lambda: held)
    held[0].continue_()
    expect_lines(bob, "one", "one", "two")
    expect(bob.page.get_by_role("article")).to_have_count(1)
    expect(bob.page.locator("#deal #deal")).to_have_count(0)


def test_what_is_refused_is_told_though_what_asked_for_it_is_gone(ada, watch):
    ada.new_quote("Refused meanwhile")
    held = []
    ada.page.route("**/lines", lambda route: held.append(route))  # noqa: PLW0108 - playwright marks what it is given
    ada.page.get_by_role("button", name="Add a line").click()
    ada.page.evaluate("() => document.querySelector('#add-line').remove()")
    wait_until(ada.page, lambda: held)
    held[0].fulfill(status=409, content_type="text/plain", body="Not now.")
    expect(ada.page.get_by_role("alert").filter(has_text="Not now.")).to_be_visible()
    assert any("409" in fault for fault in watch.faults)
    watch.faults.clear()


def test_a_line_stays_open_though_the_page_asked_for_the_document_before(stocked):
    page = stocked.page
    stocked.new_quote("Asked before")
    lines_named(stocked, "one", "two")
    held = []
    page.route(re.compile("have="), lambda route: held.append(route) if not held else route.continue_())
    stocked.write("Room", "Kitchen", line=2)
    picker = page.get_by_role("combobox", name="Add from the catalogue")
    picker.fill("essential")
    page.get_by_role("listbox", name="Products").get_by_role("option").first.click()
    expect(page.get_by_role("group", name="Options")).to_have_count(1)
    wait_until(page, lambda: held)
    assert held, "the page was to ask for the document"
    with page.expect_response(re.compile("have=")):
        held[0].continue_()
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        stocked.write("Room", "Hall", line=1)
    expect(page.get_by_role("group", name="Options")).to_have_count(1)


def test_a_customer_is_picked_with_the_mouse_and_a_new_one_made_by_keys(ada):
    page = ada.page
    ada.new_quote("Margaret Hamilton")
    ada.new_quote("Somebody else")
    box = page.get_by_role("combobox", name="Customer", exact=True)
    box.fill("hamil")
    page.get_by_role("option", name="Margaret Hamilton").click()
    expect(box).to_have_value("Margaret Hamilton")
    expect(page.get_by_role("link", name="Margaret Hamilton")).to_be_visible()
    box.fill("Katherine Johnson")
    expect(page.get_by_role("option", name="New customer: Katherine Johnson")).to_be_visible()
    page.keyboard.press("ArrowUp")
    page.keyboard.press("Enter")
    link = page.get_by_role("link", name="Katherine Johnson")
    expect(link).to_be_visible()
    link.click()
    expect(page.get_by_role("heading", name="Katherine Johnson", level=1)).to_be_visible()
    expect(page.get_by_role("row")).to_have_count(2)


def test_a_field_that_another_changed_is_marked_and_says_by_whom(ada, bob):
    path = ada.new_quote("Marked quietly")
    ada.page.get_by_role("button", name="Mark for sync").click()
    expect(ada.page.get_by_text("On the main system")).to_be_visible()
    bob.open(path)
    ada.write("Terms", "30 days")
    expect(bob.box("Terms")).to_have_value("30 days")
    expect(bob.box("Terms")).to_have_accessible_description(re.compile(r"Changed by \S+ on R1, "))
    told = bob.page.locator("#field-terms-mark")
    bob.box("Terms").focus()
    expect(told).to_have_css("clip-path", "none")
    bob.box("Sales rep").focus()
    expect(told).not_to_have_css("clip-path", "none")
    expect(ada.page.locator(".mark")).to_have_count(0)
