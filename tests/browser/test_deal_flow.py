"""From a quote to a paid order: converted on two machines at once, paid for offline, printed, sent, and seen live."""

import re

import pytest

from tests.browser.chromium import expect

pytestmark = [pytest.mark.slow, pytest.mark.browser]

SALE = re.compile(r"/sales/[a-z0-9]+$")


def convert(seat, path):
    seat.open(path)
    seat.page.get_by_role("link", name="Convert to sale").click()
    expect(seat.page.get_by_text("What will happen")).to_be_visible()
    seat.page.get_by_role("button", name="Convert to sale").click()
    seat.page.wait_for_url(SALE)
    expect(seat.offline_switch).to_be_visible()
    return seat.page.url.removeprefix(seat.address)


def pay(seat, sale, amount):
    seat.open(sale)
    seat.page.get_by_role("link", name="Record a payment").click()
    seat.page.get_by_label("Amount", exact=True).fill(amount)
    seat.page.get_by_role("button", name="Record").click()
    # Nothing is on the sale, so that all of it is more than is owed: that may be a mistake.
    expect(seat.page.get_by_role("alert").filter(has_text="is owed for")).to_be_visible()
    seat.page.get_by_label("It is meant so").check()
    seat.page.get_by_role("button", name="Record").click()
    seat.page.wait_for_url(SALE)


def test_both_convert_apart_and_a_deposit_is_seen_live(bob, ada):
    path = bob.new_quote("Converted twice")
    bob.write("Terms", "30 days")
    ada.open(path)
    expect(ada.box("Terms")).to_have_value("30 days")
    for seat in (bob, ada):
        seat.be(offline=True)
    sales = [convert(seat, path) for seat in (bob, ada)]
    assert sales[0] == sales[1]
    pay(ada, sales[0], "60")
    bob.open(sales[0])
    money = bob.page.get_by_role("region", name="Payments")
    expect(money.get_by_text("Nothing is paid yet")).to_be_visible()
    # What is being written stays while what another did arrives around it.
    noted = bob.page.get_by_label("What happened")
    noted.fill("Measured")
    for seat in (bob, ada):
        seat.be(offline=False)
    # Nothing is on the sale, so all of it is the customer's credit.
    expect(money.get_by_text("$60.00")).to_be_visible()
    expect(noted).to_have_value("Measured")
    bob.page.get_by_role("button", name="Add", exact=True).click()
    milestones = bob.page.get_by_role("region", name="Milestones")
    expect(milestones.get_by_role("listitem").filter(has_text="Measured")).to_be_visible()
    expect(noted).to_have_value("")
    expect(milestones.get_by_role("listitem").filter(has_text="Converted to a sale")).to_have_count(1)


def test_an_edit_that_did_not_know_of_the_conversion_is_taken_over(bob, ada):
    path = bob.new_quote("Edited apart")
    bob.write("Terms", "30 days")
    ada.open(path)
    expect(ada.box("Terms")).to_have_value("30 days")
    ada.be(offline=True)
    sale = convert(bob, path)
    ada.write("Terms", "cash")
    ada.be(offline=False)
    expect(ada.page.get_by_text("1 thing changed here since is not in the sale.")).to_be_visible()
    flow = bob.page.get_by_role("region", name="Where it stands")
    expect(flow.get_by_role("listitem").filter(has_text="Terms: cash (here: 30 days)")).to_be_visible()
    flow.get_by_role("link", name="Compare and take over").click()
    expect(bob.page.get_by_label("Take over Terms")).to_be_checked()
    bob.page.get_by_role("button", name="Take over what is ticked").click()
    bob.page.wait_for_url(bob.address + sale)
    expect(bob.box("Terms")).to_have_value("cash")
    expect(flow.get_by_role("link", name="Compare and take over")).to_have_count(0)
    expect(ada.page.get_by_text("1 thing changed here since")).to_have_count(0)


def test_printing_asks_the_browser_to_print_and_is_recorded_once(bob):
    path = bob.new_quote("On paper")
    bob.page.get_by_role("link", name="Print", exact=True).click()
    sheet = bob.page
    expect(sheet.get_by_role("heading", name=re.compile("^Quote "))).to_be_visible()
    sheet.evaluate("() => { window.print = () => { document.title = 'printed'; }; }")
    for _ in range(2):
        sheet.get_by_role("button", name="Print", exact=True).click()
        expect(sheet.get_by_role("status")).to_have_text("Recorded as printed.")
        expect(sheet).to_have_title("printed")
    sheet.get_by_role("link", name="Back").click()
    bob.page.wait_for_url(bob.address + path)
    expect(bob.page.get_by_text("Open quote").first).to_be_visible()
    expect(bob.page.get_by_role("listitem").filter(has_text="Printed")).to_have_count(1)


def test_a_paper_that_is_out_of_date_is_not_printed_unasked(bob):
    path = bob.new_quote("Old paper")
    with bob.page.context.new_page() as sheet:
        sheet.goto(f"{bob.address}{path}/print")
        sheet.evaluate("() => { window.print = () => { document.title = 'printed'; }; }")
        terms = bob.page.get_by_label("Terms")
        terms.fill("14 days")
        terms.press("Tab")
        expect(bob.page.get_by_text("Last change: terms")).to_be_visible()
        button = sheet.get_by_role("button", name="Print", exact=True)
        button.click()
        expect(sheet.get_by_role("status")).to_contain_text("It was changed since this page was opened.")
        assert "Quote" in sheet.title()
        button.click()
        expect(sheet).to_have_title("printed")
        expect(bob.page.get_by_text("Changed since the customer was shown it")).to_be_visible()
        sheet.get_by_role("link", name="Show it as it is now").click()
        expect(sheet.get_by_text("Terms: 14 days")).to_be_visible()


def test_the_way_of_a_deal_is_walked_with_keys_alone(bob):
    bob.new_quote("By keys")
    page = bob.page
    page.get_by_role("link", name="Convert to sale").focus()
    page.keyboard.press("Enter")
    expect(bob.offline_switch).to_be_visible()
    expect(page.get_by_role("button", name="Convert to sale")).to_be_focused()
    page.keyboard.press("Enter")
    page.wait_for_url(SALE)
    page.get_by_role("link", name="Cancel the sale").focus()
    page.keyboard.press("Enter")
    expect(bob.offline_switch).to_be_visible()
    expect(page.get_by_label("Why")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.get_by_role("alert").filter(has_text="cannot be empty")).to_be_visible()
    expect(page.get_by_label("Why")).to_be_focused()
    page.keyboard.type("Too expensive")
    page.keyboard.press("Enter")
    page.wait_for_url(SALE)
    expect(page.get_by_role("button", name="Reopen")).to_be_visible()
    page.get_by_role("button", name="Reopen").focus()
    page.keyboard.press("Enter")
    expect(page.get_by_role("link", name="Cancel the sale")).to_be_visible()
