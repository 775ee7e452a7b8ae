"""Two people in one document: what is typed is never lost, and what another wrote is never hidden."""

import re

import pytest

from tests.browser.chromium import expect, wait_until

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture
def both(ada, bob):
    """A quote that ada and bob have open."""
    path = ada.new_quote("Typed together")
    ada.page.get_by_role("button", name="Mark for sync").click()
    expect(ada.page.get_by_text("On the main system")).to_be_visible()
    bob.open(path)
    expect(bob.page.get_by_text("On the main system")).to_be_visible()
    return ada, bob


def test_what_another_writes_appears_around_what_is_being_typed(both):
    ada, bob = both
    typed = ada.box("Terms")
    typed.click()
    typed.press_sequentially("half in")
    bob.write("Sales rep", "Bob himself")
    expect(ada.box("Sales rep")).to_have_value("Bob himself")
    expect(typed).to_be_focused()
    typed.press_sequentially(" advance")
    expect(typed).to_have_value("half in advance")
    typed.press("Tab")
    expect(bob.box("Terms")).to_have_value("half in advance")


def test_what_another_writes_into_the_field_being_typed_in_waits_beside_it_and_is_told(both):
    ada, bob = both
    typed = ada.box("Terms")
    typed.click()
    typed.press_sequentially("half in")
    bob.write("Terms", "30 days")
    bob.write("Sales rep", "Bob himself")
    # Once the later change is shown here, so is what there is to know of the earlier one.
    expect(ada.box("Sales rep")).to_have_value("Bob himself")
    expect(typed).to_have_value("half in")
    expect(typed).to_be_focused()
    typed.press_sequentially(" advance")
    typed.press("Tab")
    expect(ada.page.get_by_text("Somebody else wrote '30 days' here meanwhile")).to_be_visible()
    expect(ada.box("Terms")).to_have_value("half in advance")
    expect(bob.box("Terms")).to_have_value("half in advance")


def test_a_field_that_has_the_focus_and_nothing_typed_follows_what_others_write(both):
    ada, bob = both
    ada.box("Terms").click()
    bob.write("Terms", "30 days")
    expect(ada.box("Terms")).to_have_value("30 days")
    expect(ada.box("Terms")).to_be_focused()
    # What was typed and taken back is nothing typed either.
    ada.box("Terms").press_sequentially("x")
    ada.box("Terms").press("Backspace")
    bob.write("Terms", "60 days")
    expect(ada.box("Terms")).to_have_value("60 days")


def test_what_was_typed_and_taken_back_is_in_nobody_s_way_later(both):
    ada, bob = both
    ada.box("Terms").press_sequentially("x")
    bob.write("Terms", "30 days")
    bob.write("Sales rep", "Bob himself")
    expect(ada.box("Sales rep")).to_have_value("Bob himself")
    expect(ada.box("Terms")).to_have_value("x")
    ada.box("Terms").press("Backspace")
    ada.box("Terms").press("Tab")
    expect(ada.box("Terms")).to_have_value("30 days")


def test_an_answer_that_comes_after_its_button_has_gone_is_merged_all_the_same(ada):
    ada.new_quote("Late answer")
    held = []
    ada.page.route("**/mark", lambda route: held.append((route, route.fetch())))
    button = ada.page.get_by_role("button", name="Mark for sync")
    button.click()
    # The event of the same change comes first, and with it a page without the button.
    expect(button).to_have_count(0)
    wait_until(ada.page, lambda: held)
    [(route, answer)] = held
    with ada.page.expect_response("**/mark"):
        route.fulfill(response=answer)
    ada.write("Terms", "after it")
    expect(ada.page.get_by_role("heading", level=1)).to_have_count(1)
    expect(ada.box("Terms")).to_have_value("after it")


def test_notes_that_two_people_type_at_once_hold_what_both_typed(both):
    ada, bob = both
    ada.write("Notes", "first\nlast\n")
    expect(bob.box("Notes")).to_have_value("first\nlast\n")
    mine = ada.box("Notes")
    mine.click()
    mine.press("Control+End")
    mine.press_sequentially("of ada")
    bob.write("Notes", "of bob\nfirst\nlast\n")
    bob.write("Sales rep", "Bob himself")
    expect(ada.box("Sales rep")).to_have_value("Bob himself")
    expect(mine).to_have_value("first\nlast\nof ada")
    mine.press("Tab")
    for seat in both:
        expect(seat.box("Notes")).to_have_value("of bob\nfirst\nlast\nof ada")


@pytest.fixture
def first_save(ada):
    """Holds what is saved first, until it is called: it is written by then, and only its answer is late."""
    held = []
    ada.page.route(
        re.compile("/notes$|/fields/"),
        lambda route: route.continue_() if held else held.append((route, route.fetch())),
    )

    def let_go():
        wait_until(ada.page, lambda: held)
        [(route, answer)] = held
        route.fulfill(response=answer)

    return let_go


def type_and_leave(box, text):
    box.click()
    box.press("End")
    box.press_sequentially(text)
    box.press("Tab")


@pytest.mark.parametrize("label", ["Notes", "Terms", "Description"])
def test_what_is_typed_on_and_left_before_the_first_of_it_is_saved_is_there_once(ada, first_save, label):
    path = ada.new_quote("Typed on and left")
    ada.add_line()
    mine = ada.box(label, line=1 if label == "Description" else 0)
    type_and_leave(mine, "one")
    type_and_leave(mine, " two")
    first_save()
    expect(ada.page.locator(".is-typed, .htmx-request")).to_have_count(0)
    expect(mine).to_have_value("one two")
    ada.open(path)
    expect(mine).to_have_value("one two")


@pytest.mark.parametrize("label", ["Notes", "Terms"])
def test_what_is_taken_back_before_it_is_saved_is_gone(ada, first_save, label):
    path = ada.new_quote("Taken back")
    mine = ada.box(label)
    type_and_leave(mine, "one")
    mine.fill("")
    mine.press("Tab")
    first_save()
    expect(ada.page.locator(".is-typed, .htmx-request")).to_have_count(0)
    expect(mine).to_have_value("")
    ada.open(path)
    expect(mine).to_have_value("")


def test_a_link_waits_for_all_that_was_typed_and_left(ada, first_save):
    path = ada.new_quote("Goes on")
    mine = ada.box("Terms")
    type_and_leave(mine, "one")
    type_and_leave(mine, " two")
    ada.page.get_by_role("link", name="Print").first.click()
    first_save()
    ada.page.wait_for_url("**/print")
    ada.open(path)
    expect(mine).to_have_value("one two")


def test_what_is_typed_on_while_it_is_being_saved_is_there_once(ada):
    ada.new_quote("Typed on")
    held = []
    ada.page.route("**/notes", lambda route: held.append((route, route.fetch())))
    mine = ada.box("Notes")
    mine.click()
    mine.press_sequentially("one")
    mine.press("Tab")
    mine.click()
    mine.press("End")
    mine.press_sequentially(" two")
    wait_until(ada.page, lambda: held)
    [(route, answer)] = held
    with ada.page.expect_response("**/notes"):
        route.fulfill(response=answer)
    ada.page.unroute("**/notes")
    with ada.page.expect_response("**/notes"):
        mine.press("Tab")
    ada.page.reload()
    expect(mine).to_have_value("one two")


def test_the_same_field_written_apart_is_decided_with_one_click(both):
    ada, bob = both
    for seat in both:
        seat.be(offline=True)
    ada.write("Discount %", "5")
    bob.write("Discount %", "10")
    ada.write("Terms", "of ada")
    bob.write("Sales rep", "of bob")
    for seat in both:
        seat.be(offline=False)
    for seat in both:
        expect(seat.page.get_by_text("written by two people apart")).to_be_visible()
        # What was written in different fields is not in anybody's way.
        expect(seat.box("Terms")).to_have_value("of ada")
        expect(seat.box("Sales rep")).to_have_value("of bob")
    ada.go("Conflicts")
    number = bob.heading()
    dispute = ada.page.get_by_role("article").filter(has_text=number)
    expect(dispute.get_by_role("button", name="Keep this")).to_have_count(2)
    keep = dispute.locator("form").filter(has_text="Discount % 5").get_by_role("button", name="Keep this")
    keep.press("Enter")
    expect(ada.page.get_by_text("Settled:")).to_be_visible()
    expect(dispute).to_have_count(0)
    expect(ada.page.get_by_role("region", name="Conflicts")).to_be_focused()
    expect(bob.box("Discount %")).to_have_value("5")
    expect(bob.page.get_by_text("written by two people apart")).to_have_count(0)
    # How it is undone is told for as long as nothing else is done: the event of its own change takes nothing away.
    ada.page.wait_for_timeout(500)
    expect(ada.page.get_by_text("To undo it, write")).to_be_visible()


@pytest.mark.parametrize(
    "name",
    [
        "<img src=x onerror=alert(1)>",
        "</textarea></title><script>document.title='taken'</script>",
        "\"'><a href=javascript:alert(1) autofocus onfocus=alert(2)>&amp;{{7*7}}",
    ],
)
def test_a_name_made_of_markup_is_text_everywhere(ada, bob, name):
    dialogs = []
    for seat in (ada, bob):
        seat.page.on("dialog", lambda dialog: (dialogs.append(dialog.message), dialog.dismiss()))
    path = ada.new_quote(name)
    ada.write("Notes", name)
    ada.page.get_by_role("button", name="Mark for sync").click()
    expect(ada.page.get_by_text("On the main system")).to_be_visible()
    bob.open("/quotes")
    row = bob.page.get_by_role("row").filter(has_text=name)
    expect(row).to_have_count(1)
    bob.page.get_by_role("searchbox", name="Search").fill(name)
    expect(bob.page.get_by_role("searchbox", name="Search")).to_have_value(name)
    bob.open(path)
    expect(bob.page.get_by_role("combobox", name="Customer", exact=True)).to_have_value(name)
    expect(bob.box("Notes")).to_have_value(name)
    for seat in (ada, bob):
        assert "taken" not in seat.page.title()
        assert seat.page.locator("main script, main img, [onerror], [onfocus]").count() == 0
    assert dialogs == []
