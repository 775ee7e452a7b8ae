"""What a person types arrives as it was meant, once, or stays in its field with words that say what is wrong."""

import re
import urllib.parse

import pytest

from tests.browser.chromium import expect

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture
def sent(ada):
    """What ada's page sends, by path."""
    sent = []
    ada.page.on(
        "request",
        lambda request: (
            sent.append(
                (urllib.parse.urlsplit(request.url).path, urllib.parse.parse_qs(request.post_data or ""))
            )
            if request.method == "POST"
            else None
        ),
    )
    return sent


def test_a_customer_is_picked_as_of_the_state_that_the_page_shows(ada, sent):
    ada.new_quote("Picked as of then")
    path = ada.new_quote("To be given away")
    box = ada.page.get_by_role("combobox", name="Customer")
    box.fill("Picked as of")
    version = ada.page.locator("#field-customer_name [name=version]").input_value()
    ada.page.get_by_role("option", name="Picked as of then").click()
    expect(box).to_have_value("Picked as of then")
    [form] = [form for address, form in sent if address == f"{path}/customer"]
    assert form["version"] == [version]


def test_one_who_picks_a_customer_over_the_pick_of_another_is_told(ada, bob):
    ada.new_quote("Bea Picked")
    ada.new_quote("Cleo Picked")
    path = ada.new_quote("Picked by two")
    ada.page.get_by_role("button", name="Mark for sync").click()
    expect(ada.page.get_by_text("On the main system")).to_be_visible()
    bob.open(path)
    typed = ada.page.get_by_role("combobox", name="Customer")
    typed.fill("Bea Pick")
    expect(ada.page.get_by_role("option", name="Bea Picked")).to_be_visible()
    bob.write("Terms", "half now")
    bob.page.get_by_role("combobox", name="Customer").fill("Cleo the typed")
    bob.page.get_by_role("combobox", name="Customer").press("Tab")
    expect(ada.box("Terms")).to_have_value("half now")
    bob.write("Sales rep", "Bob himself")
    expect(ada.box("Sales rep")).to_have_value("Bob himself")
    ada.page.get_by_role("option", name="Bea Picked").click()
    expect(ada.page.get_by_text("Somebody else wrote 'Cleo the typed' here meanwhile")).to_be_visible()
    expect(typed).to_have_value("Bea Picked")


def test_a_form_that_is_clicked_twice_makes_one(ada):
    ada.open("/quotes")
    ada.page.get_by_label("New quote for").fill("Clicked twice")
    ada.page.get_by_role("button", name="Create").dblclick()
    ada.page.wait_for_url(re.compile(r"/quotes/[^/?]+$"))
    ada.open("/quotes?q=Clicked")
    expect(ada.page.locator("#rows tbody tr")).to_have_count(1)
    ada.open("/customers?q=Clicked")
    expect(ada.page.locator("#rows tbody tr")).to_have_count(1)


def test_notes_that_are_too_long_stay_and_are_saved_once_they_are_shortened(ada):
    path = ada.new_quote("Long notes")
    notes = ada.page.get_by_role("textbox", name="Notes")
    notes.fill("x" * 20_003)
    notes.press("Tab")
    expect(ada.page.get_by_text("Not saved: at most 20,000 characters; these are 20,003.")).to_be_visible()
    expect(notes).to_have_value("x" * 20_003)
    # What is shown anew meanwhile takes nothing away.
    ada.write("Terms", "30 days")
    expect(ada.page.get_by_text("Last change: terms")).to_be_visible()
    expect(notes).to_have_value("x" * 20_003)
    notes.fill("Gate code 12")
    notes.press("Tab")
    expect(ada.page.get_by_text("Not saved")).to_have_count(0)
    ada.open(path)
    expect(notes).to_have_value("Gate code 12")


def test_a_number_of_another_country_stays_in_its_field_with_words(ada):
    ada.new_quote("Foreign number")
    ada.add_line()
    ada.write("Price", "1.234,50")
    expect(ada.page.get_by_text("Write an amount as in 1,234.50.")).to_be_visible()
    expect(ada.box("Price")).to_have_value("1.234,50")
    ada.write("Price", "1,234.50")
    expect(ada.page.get_by_text("Write an amount")).to_have_count(0)
