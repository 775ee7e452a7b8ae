"""What a page is not sent again, since it shows it already, is what it shows; and the menu where there is little room."""

import re

import pytest

from tests.browser.chromium import expect
from tests.browser.desk import Seat

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def shared_quote(ada, bob, *names):
    """A quote with lines, open on both sides."""
    path = ada.new_quote("Long document")
    for number, name in enumerate(names, 1):
        ada.add_line()
        ada.write("Description", name, line=number)
    ada.page.get_by_role("button", name="Mark for sync").click()
    expect(ada.page.get_by_text("On the main system")).to_be_visible()
    bob.open(path)
    expect(bob.box("Description", line=len(names))).to_have_value(names[-1])
    return path


def test_what_is_changed_back_in_another_tab_is_shown_also_where_it_was_changed_first(ada, bob):
    path = shared_quote(ada, bob, "one", "two")
    expect(ada.box("Quantity", line=1)).to_have_value("1")
    held = []
    is_released = []
    # The page does not ask again between the two changes: the second brings back the row that it was sent at first.
    ada.page.route(
        re.compile("[?&]have="), lambda route: route.continue_() if is_released else held.append(route)
    )
    ada.write("Quantity", "4", line=1)
    tab = Seat("R1", ada.page.context.new_page(), ada.address)
    tab.open(path)
    expect(tab.box("Quantity", line=1)).to_have_value("4")
    tab.write("Quantity", "1", line=1)
    is_released.append(True)
    for route in held:
        route.continue_()
    expect(ada.box("Quantity", line=1)).to_have_value("1")


def test_what_comes_in_while_a_field_is_typed_into_is_shown_once_it_is_taken_back(ada, bob):
    shared_quote(ada, bob, "one", "two")
    box = ada.box("Room", line=1)
    box.fill("typed here")
    bob.write("Room", "from the office", line=1)
    bob.write("Quantity", "5", line=1)
    expect(ada.box("Quantity", line=1)).to_have_value("5")
    expect(box).to_have_value("typed here")
    box.fill("")
    expect(box).to_have_value("from the office")


def test_who_types_over_what_came_in_meanwhile_keeps_both(ada, bob):
    shared_quote(ada, bob, "one", "two")
    box = ada.box("Quantity", line=2)
    box.fill("7")
    bob.write("Quantity", "9", line=2)
    # The table says by now that it has seen the nine; who began before has not.
    expect(ada.page.get_by_text(re.compile("Last change: line: quantity, by Bob"))).to_be_visible()
    box.press("Tab")
    told = ada.page.get_by_role("status").filter(has_text="Somebody else wrote '9' here")
    expect(told).to_be_visible()
    # What comes in later, and says of the same field that it is disputed, does not take it away.
    bob.write("Quantity", "3", line=1)
    expect(ada.box("Quantity", line=1)).to_have_value("3")
    expect(told).to_be_visible()


def test_a_move_sends_no_line_and_all_are_called_by_their_new_place(ada, bob):
    shared_quote(ada, bob, "one", "two", "three")
    with ada.page.expect_response("**/move") as moved:
        ada.page.get_by_role("button", name="Move line 3", exact=True).press("ArrowUp")
    assert "data-have" not in moved.value.text()
    for seat in (ada, bob):
        expect(seat.box("Description", line=2)).to_have_value("three")
        expect(seat.line(2).get_by_role("button", name="Remove line 2")).to_be_visible()
        expect(seat.line(3).get_by_role("button", name="Duplicate line 3")).to_be_visible()


def test_the_menu_is_folded_where_there_is_little_room_and_opened_by_keys(ada):
    ada.page.set_viewport_size({"width": 400, "height": 700})
    ada.open("/quotes")
    menu, button = (
        ada.page.get_by_role("navigation", name="Main"),
        ada.page.get_by_role("button", name="Menu"),
    )
    expect(menu).to_be_hidden()
    button.focus()
    ada.page.keyboard.press("Enter")
    expect(menu).to_be_visible()
    ada.page.keyboard.press("Tab")
    ada.page.keyboard.press("Escape")
    expect(menu).to_be_hidden()
    expect(button).to_be_focused()
    button.click()
    menu.get_by_role("link", name="Conflicts").click()
    expect(ada.page.get_by_role("heading", name="Conflicts", level=1)).to_be_visible()
