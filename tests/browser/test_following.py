"""Pages that follow what others do: the page of a conversion, the account of a customer, the name of the tab."""

import re

import pytest

from tests.browser.chromium import expect

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_the_page_of_a_conversion_follows_the_quote_and_keeps_the_focus(bob):
    path = bob.new_quote("Asked before")
    bob.add_line()
    bob.write("Price", "100", line=1)
    page = bob.page.context.new_page()
    page.goto(bob.address + path + "/convert")
    button = page.get_by_role("button", name="Convert to sale")
    expect(button).to_be_focused()
    expect(page.get_by_text("over $100.00 is made")).to_be_visible()
    page.get_by_role("link", name="Back", exact=True).focus()
    bob.write("Price", "900", line=1)
    page.bring_to_front()
    expect(page.get_by_role("alert").filter(has_text="It came to $100.00")).to_be_visible()
    expect(page.get_by_text("over $900.00 is made")).to_be_visible()
    expect(page.get_by_role("link", name="Back", exact=True)).to_be_focused()
    button.click()
    page.wait_for_url(re.compile(r"/sales/[a-z0-9]+$"))
    expect(page.get_by_text("$900.00").first).to_be_visible()


def test_the_tab_is_called_by_the_final_number_and_a_payment_is_on_the_account_at_once(bob):
    bob.new_quote("Regular Rita")
    expect(bob.page).to_have_title(re.compile(r"^office-\d+ · office$"))
    bob.page.get_by_role("button", name="Mark for sync").click()
    expect(bob.page).to_have_title(re.compile(r"^Q-\d+ · office$"))
    bob.page.get_by_role("link", name="Regular Rita").click()
    bob.page.get_by_role("link", name="Credit and payments").click()
    expect(bob.page.get_by_role("heading", name="Account of Regular Rita")).to_be_visible()
    other = bob.page.context.new_page()
    other.goto(bob.page.url)
    other.get_by_role("link", name="Record a payment").click()
    other.get_by_label("Amount", exact=True).fill("60")
    other.get_by_role("button", name="Record").click()
    expect(other.get_by_role("heading", name="Account of Regular Rita")).to_be_visible()
    bob.page.bring_to_front()
    expect(bob.page.get_by_text("$60.00").first).to_be_visible()


def test_a_telephone_is_taken_out_and_put_back_by_keys(bob):
    bob.new_quote("Bea Phone")
    bob.page.get_by_role("link", name="Bea Phone").click()
    expect(bob.page.get_by_role("heading", name="Bea Phone")).to_be_visible()
    expect(bob.offline_switch).to_be_visible()
    bob.page.get_by_label("New telephone").fill("555 0100")
    bob.page.get_by_role("button", name="Add", exact=True).click()
    remove = bob.page.get_by_role("button", name="Remove the telephone 555 0100")
    remove.press("Enter")
    undo = bob.page.get_by_role("button", name="Undo")
    expect(undo).to_be_focused()
    expect(bob.page.get_by_text("Taken out: 1")).to_be_visible()
    undo.press("Enter")
    expect(remove).to_be_visible()
    expect(bob.page.get_by_label("Telephone", exact=True)).to_be_focused()
    expect(bob.page.get_by_text("Taken out")).to_have_count(0)
