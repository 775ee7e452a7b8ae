"""What its person typed, chose or ticked and did not send is left alone by all that comes in, and so is the focus."""

import re

import pytest

from tests.browser.chromium import expect
from tests.browser.desk import Seat
from tests.browser.held import Held
from tests.browser.test_deal_flow import convert

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture
def colleague(bob):
    """A second page of bob's workstation, from which something comes in."""
    return Seat("office", bob.page.context.new_page(), bob.address)


@pytest.fixture
def sale(bob):
    """Bob has a sale open, of one shade of the catalogue."""
    path = bob.new_quote("Left Alone")
    add_shade(bob)
    return convert(bob, path)


def add_shade(seat):
    """Put a shade of the catalogue into what is open, as big as can be ordered."""
    page = seat.page
    page.get_by_label("Add from the catalogue").click()
    page.keyboard.type("Roller Shade Essential")
    page.get_by_role("option", name=re.compile("Roller Shade Essential")).click()
    expect(seat.box("Width in", line=1)).to_be_visible()
    for label in ("Width in", "Height in"):
        seat.write(label, "40", line=1)


def credit(seat, customer, amount):
    """Record a payment of a customer that is for nothing yet, and open it."""
    seat.open(f"/payments/new?customer={customer.rsplit('/', 1)[1]}")
    seat.page.get_by_label("Amount", exact=True).fill(amount)
    seat.page.get_by_role("button", name="Record", exact=True).click()
    row = seat.page.get_by_role("region", name="Payments").get_by_role("link").first
    row.click()
    seat.page.wait_for_url(re.compile(r"/payments/[^/?]+$"))
    expect(seat.offline_switch).to_be_visible()
    return seat.page.url.removeprefix(seat.address)


def test_a_milestone_that_was_refused_does_not_take_the_focus_at_the_next_change(bob, colleague):
    colleague.open(bob.new_quote("No thief"))
    what = bob.page.get_by_label("What happened")
    bob.page.get_by_role("button", name="Add", exact=True).click()
    expect(what).to_have_attribute("aria-invalid", "true")
    expect(what).to_be_focused()
    bob.box("Notes").click()
    bob.page.keyboard.type("wants ")
    colleague.write("Terms", "30 days")
    expect(bob.box("Terms")).to_have_value("30 days")
    bob.page.wait_for_timeout(100)
    bob.page.keyboard.type("the blue one")
    expect(bob.box("Notes")).to_have_value("wants the blue one")
    what.fill("Measured")
    what.press("Enter")
    expect(bob.page.get_by_role("listitem").filter(has_text="Measured")).to_be_visible()
    expect(what).to_have_value("")
    expect(what).to_be_focused()
    expect(what).not_to_have_attribute("aria-invalid", "true")


def test_a_payment_that_was_not_declared_void_does_not_take_the_focus_either(bob, colleague, sale):
    payment = credit(bob, bob.open_customer(), "50")
    colleague.open(payment)
    bob.page.get_by_role("button", name="Declare void").click()
    expect(bob.page.get_by_label("Why it is void")).to_be_focused()
    bob.box("Amount").click()
    bob.page.keyboard.type("1")
    colleague.box("Amount").fill("5")
    colleague.page.get_by_role("button", name="Allocate").click()
    expect(bob.page.get_by_role("button", name=re.compile("Release"))).to_be_visible()
    bob.page.wait_for_timeout(100)
    bob.page.keyboard.type("2")
    expect(bob.box("Amount")).to_have_value("12")
    bob.page.get_by_role("button", name="Allocate").click()
    expect(bob.page.get_by_role("button", name=re.compile("Release"))).to_have_count(2)
    expect(bob.box("Amount")).to_have_value("")


def test_what_was_typed_or_chosen_and_not_sent_stays_whatever_comes_in(bob, colleague):
    path = bob.new_quote("Kept as chosen")
    colleague.open(path)
    charge = bob.page.get_by_label("Charge to add")
    charge.select_option("Shipping")
    bob.page.get_by_role("heading", level=1).click()
    colleague.write("Terms", "30 days")
    expect(bob.box("Terms")).to_have_value("30 days")
    expect(charge).to_have_value("Shipping")
    bob.page.get_by_role("button", name="Add a charge").click()
    expect(bob.page.get_by_role("button", name="Remove the charge Shipping")).to_be_visible()

    customer = bob.open_customer()
    colleague.open(customer)
    phone = bob.page.get_by_label("New telephone")
    phone.click()
    phone.press_sequentially("555 0100")
    phone.press("ArrowLeft")
    colleague.write("Company", "Kept Ltd")
    expect(bob.box("Company")).to_have_value("Kept Ltd")
    expect(phone).to_have_value("555 0100")
    phone.press_sequentially("9")
    bob.page.get_by_role("heading", level=1).click()
    colleague.write("Company", "Kept GmbH")
    expect(bob.box("Company")).to_have_value("Kept GmbH")
    expect(phone).to_have_value("555 01090")
    phone.press("Enter")
    expect(bob.page.get_by_role("button", name="Remove the telephone 555 01090")).to_be_visible()
    expect(phone).to_have_value("")


def test_the_way_a_purchase_order_is_sent_is_the_one_that_was_chosen(bob, colleague, sale):
    colleague.open(sale)
    bob.open(f"/purchasing?sale={sale.rsplit('/', 1)[1]}")
    row = bob.page.get_by_role("row").filter(has_text="Left Alone").first
    bob.page.get_by_role("combobox", name="By").select_option("telephone")
    row.get_by_role("checkbox").check()
    order = row.get_by_role("rowheader").get_by_role("link").get_attribute("href")
    before = row.get_by_role("cell").nth(5).inner_text()
    colleague.write("Quantity", "3", line=1)
    colleague.page.get_by_role("button", name="Bring purchase orders up to date").click()
    expect(row.get_by_role("cell").nth(5)).not_to_have_text(before)
    expect(bob.page.get_by_role("combobox", name="By")).to_have_value("telephone")
    expect(row.get_by_role("checkbox")).to_be_checked()
    bob.page.get_by_role("button", name="Mark chosen as sent").press("Enter")
    told = bob.page.get_by_role("status").filter(has_text="is marked as sent to")
    expect(told).to_be_visible()
    # Where its button went away, the focus is around it.
    assert bob.page.evaluate("() => document.activeElement !== document.body")
    # What was told is not taken away by the event of its own change, nor by a later one.
    colleague.write("Terms", "30 days")
    bob.page.wait_for_timeout(1000)
    expect(told).to_be_visible()
    colleague.page.goto(colleague.address + order)
    expect(colleague.page.get_by_text("Sent by Bob, telephone")).to_be_visible()


@pytest.fixture
def payment(ada):
    """Ada records a payment of a quote of 100.00: the boxes of its form, by their labels."""
    ada.new_quote("Pays on")
    ada.add_line()
    ada.write("Price", "100", line=1)
    ada.page.get_by_role("link", name="Record a payment").click()
    expect(ada.offline_switch).to_be_visible()
    return lambda label: ada.page.get_by_label(label, exact=True)


def test_what_was_typed_since_a_payment_was_sent_stays_when_it_is_refused(ada, payment):
    held = Held(ada.page, "/payment$", is_written=True)
    payment("Amount").fill("a lot")
    payment("Amount").press("Enter")
    held.wait()
    payment("Memo").fill("check 12")
    held.let_go()
    expect(payment("Amount")).to_have_attribute("aria-invalid", "true")
    expect(payment("Amount")).to_have_value("a lot")
    expect(payment("Memo")).to_have_value("check 12")
    expect(payment("Memo")).to_be_focused()
    payment("Amount").fill("40")
    payment("Amount").press("Enter")
    ada.page.wait_for_url("**/sales/*")
    expect(ada.page.get_by_text("check 12")).to_be_visible()


def test_what_is_meant_of_one_amount_is_asked_again_of_another(ada, payment):
    payment("Amount").fill("120")
    payment("Amount").press("Enter")
    meant = payment("It is meant so")
    expect(meant).to_be_focused()
    meant.press("Space")
    payment("Amount").fill("1200")
    payment("Amount").press("Enter")
    expect(ada.page.get_by_text(re.compile("1,100.00 more"))).to_be_visible()
    expect(meant).not_to_be_checked()
    expect(meant).to_be_focused()
    meant.press("Space")
    ada.page.get_by_role("button", name="Convert and record").click()
    ada.page.wait_for_url("**/sales/*")


def test_a_tick_stays_with_what_was_ticked_when_more_has_come_in_before_it(ada, window):
    path = ada.new_quote("Ticks")
    sale = convert(ada, path)
    window.open(path)
    window.write("Terms", "30 days")
    window.write("Discount %", "5")
    ada.open(f"{sale}/quote-changes")
    ada.page.get_by_role("checkbox", name="Take over Terms").uncheck()
    window.write("Sales rep", "Somebody else")
    # As of a state that is not known here any more: it is shown again.
    ada.page.evaluate("document.querySelector('[name=quote_version]').value = 'unknown'")
    ada.page.get_by_role("button", name="Take over what is ticked").click()
    expect(ada.page.get_by_role("checkbox", name="Take over Sales rep")).to_be_checked()
    expect(ada.page.get_by_role("checkbox", name="Take over Terms")).not_to_be_checked()
    expect(ada.page.get_by_role("checkbox", name="Take over Discount")).to_be_checked()
