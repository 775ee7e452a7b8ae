"""What waits for an earlier answer is done as it was pressed, and what that answer tells is read first."""

import re

import pytest

from tests.browser.chromium import expect, wait_until
from tests.browser.held import LONG_ENOUGH_MS, Held
from tests.browser.test_deal_flow import convert

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture
def slow_folder(ada):
    """Have ada choose another delay for the folder, and hold that, so that what follows waits."""
    box = ada.page.get_by_label("Slow folder")

    def choose():
        held = Held(ada.page, "/slow$")
        box.select_option(index=1)
        held.wait()
        return held

    yield choose
    with ada.page.expect_response(re.compile("/slow$")):
        box.select_option(index=0)


def mark_all_button(seat):
    return seat.page.get_by_role("button", name=re.compile("^Mark all "))


def test_what_is_done_to_lines_while_one_is_unfolded_is_all_done(ada):
    path = ada.new_quote("Unfolds")
    ada.add_line()
    ada.add_line()
    held = Held(ada.page, r"\?toggle=", method="GET")
    ada.page.get_by_role("button", name="Options and price of line 1").click()
    held.wait()
    for button in ("Duplicate line 1", "Duplicate line 2", "Remove line 2"):
        ada.page.get_by_role("button", name=button).click()
        ada.page.wait_for_timeout(LONG_ENOUGH_MS)
    ada.page.get_by_role("link", name="Print").first.click()
    held.let_go()
    ada.page.wait_for_url("**/print")
    ada.open(path)
    expect(ada.page.get_by_role("button", name="Remove line")).to_have_count(3)


def test_an_undo_is_offered_although_something_waited_behind_what_it_undoes(ada):
    ada.new_quote("Undoes")
    ada.add_line()
    held = Held(ada.page, "/remove$")
    ada.page.get_by_role("button", name="Remove line 1").click()
    held.wait()
    ada.box("Terms").fill("30 days")
    ada.box("Terms").press("Tab")
    with ada.page.expect_response(re.compile("/fields/terms$")):
        held.let_go()
    ada.page.wait_for_timeout(LONG_ENOUGH_MS)
    undo = ada.page.get_by_role("button", name="Undo")
    expect(undo).to_be_visible()
    ada.write("Terms", "60 days")
    expect(undo).to_have_count(0)


def test_a_failure_is_told_although_something_waited_behind_what_failed(ada, watch):
    ada.new_quote("Fails")
    held = []
    ada.page.route(re.compile("/lines$"), lambda route: held.append(route))  # noqa: PLW0108 - cannot be marked by playwright
    ada.page.get_by_role("button", name="Add a line").click()
    wait_until(ada.page, lambda: held)
    ada.box("Terms").fill("30 days")
    ada.box("Terms").press("Tab")
    with ada.page.expect_response(re.compile("/fields/terms$")):
        held.pop().fulfill(status=503, content_type="text/plain", body="The disk is full.")
    ada.page.wait_for_timeout(LONG_ENOUGH_MS)
    watch.faults[:] = [fault for fault in watch.faults if "503" not in fault]
    told = ada.page.get_by_role("alert").filter(has_text="The disk is full")
    expect(told).to_be_visible()
    ada.write("Terms", "60 days")
    expect(told).to_have_count(0)


def test_a_form_that_waited_is_sent_by_the_button_that_was_pressed(ada, slow_folder):
    ada.new_quote("All of them")
    ada.open("/items")
    expect(mark_all_button(ada)).to_be_visible()
    held = slow_folder()
    mark_all_button(ada).click()
    ada.page.get_by_role("heading", level=1).click()
    with ada.page.expect_response(re.compile("/items/mark$")):
        held.let_go()
    expect(ada.page.locator("[data-told]")).to_contain_text("marked for sync")


def test_what_is_taken_over_from_a_quote_is_taken_over_though_it_had_to_wait(ada, window, slow_folder):
    path = ada.new_quote("Taken")
    sale = convert(ada, path)
    window.open(path)
    window.write("Terms", "30 days")
    ada.open(f"{sale}/quote-changes")
    held = slow_folder()
    ada.page.get_by_role("button", name="Take over what is ticked").click()
    ada.page.get_by_role("heading", level=1).click()
    held.let_go()
    ada.page.wait_for_url(f"**{sale}")
    expect(ada.box("Terms")).to_have_value("30 days")
    expect(ada.offline_switch).to_be_visible()


def test_another_button_of_a_form_that_is_on_its_way_is_pressed_as_well(ada):
    ada.new_quote("All of them again")
    ada.open("/items")
    held = Held(ada.page, "/items/mark$")
    ada.page.get_by_role("button", name="Mark chosen").click()
    held.wait()
    ada.page.wait_for_timeout(LONG_ENOUGH_MS)  # Else it were a double click.
    mark_all_button(ada).click()
    held.let_go()
    expect(ada.page.locator("[data-told]")).to_contain_text("marked for sync")


def test_the_payment_that_was_chosen_is_used_when_another_is_on_its_way(ada):
    path = ada.new_quote("Creditor")
    ada.add_line()
    ada.write("Price", "1000", line=1)
    customer = ada.page.get_by_role("region", name="Head").get_by_role("link").first.get_attribute("href")
    for amount in ("11", "22", "33"):
        ada.open(f"/payments/new?customer={customer.rsplit('/', 1)[1]}")
        ada.page.get_by_label("Amount", exact=True).fill(amount)
        ada.page.get_by_role("button", name="Record").click()
        ada.page.wait_for_url("**/payments?customer=*")
    convert(ada, path)
    offers = ada.page.get_by_role("button", name=re.compile("^Use .* of the payment of"))
    expect(offers).to_have_count(3)
    left = offers.nth(2).inner_text()
    held = Held(ada.page, "/credit$")
    offers.nth(0).click()
    held.wait()
    offers.nth(1).click()
    with ada.page.expect_response(re.compile("/credit$")):
        held.let_go()
    expect(offers).to_have_count(1)
    expect(offers).to_have_text(left)


def test_what_came_in_while_a_conversion_waited_is_not_converted_unseen(ada, window, slow_folder):
    path = ada.new_quote("Unseen")
    ada.add_line()
    ada.write("Price", "100", line=1)
    window.open(path)
    ada.open(f"{path}/convert")
    held = slow_folder()
    ada.page.get_by_role("button", name="Convert to sale").click()
    window.write("Price", "900", line=1)
    expect(ada.page.get_by_text("It was changed since")).to_be_visible()
    with ada.page.expect_response(re.compile("/convert$")):
        held.let_go()
    expect(ada.page.get_by_text("It came to $100.00 when you opened this page")).to_be_visible()
    expect(ada.page.locator(".htmx-request")).to_have_count(0)
    assert ada.page.url.endswith("/convert")


def test_every_charge_that_was_chosen_is_added(ada):
    ada.new_quote("Charges")
    held = Held(ada.page, "/charges$")
    box = ada.page.get_by_label("Charge to add")
    for name in box.locator("option").all_inner_texts()[:3]:
        box.select_option(name)
        ada.page.get_by_role("button", name="Add a charge").click()
        held.wait()
        ada.page.wait_for_timeout(LONG_ENOUGH_MS)  # Else it were a double click.
    held.let_go()
    expect(ada.page.get_by_role("button", name="Remove the charge")).to_have_count(3)


def test_what_is_typed_after_a_form_that_waits_is_neither_sent_with_it_nor_taken_for_sent(ada):
    ada.new_quote("Types ahead")
    held = Held(ada.page, "/milestones$")
    box = ada.page.get_by_label("What happened")
    for what in ("Measured", "Called"):
        box.fill(what)
        box.press("Enter")
        held.wait()
        box.press("Enter")  # Impatient: that is meant once.
    box.fill("Installed")
    second = Held(ada.page, "/milestones$")
    held.let_go()
    second.wait()
    box.press("Enter")
    second.let_go()
    for what in ("Measured", "Called", "Installed"):
        expect(ada.page.get_by_role("listitem").filter(has_text=what)).to_have_count(1)
    expect(box).to_have_value("")


def test_a_payment_is_used_for_the_sale_that_was_chosen(ada):
    paths = []
    for _ in range(2):
        paths.append(ada.new_quote("Twice Owing"))
        ada.add_line()
        ada.write("Price", "60", line=1)
    customer = ada.page.get_by_role("region", name="Head").get_by_role("link").first.get_attribute("href")
    for path in paths:
        convert(ada, path)
    ada.open(f"/payments/new?customer={customer.rsplit('/', 1)[1]}")
    ada.page.get_by_label("Amount", exact=True).fill("100")
    ada.page.get_by_role("button", name="Record").click()
    ada.page.wait_for_url("**/payments?customer=*")
    ada.page.get_by_role("region", name="Payments").get_by_role("link").first.click()
    chosen, release = ada.page.get_by_label("Use it for"), ada.page.get_by_role("button", name="Release")
    ada.page.get_by_label("Amount").fill("60")
    ada.page.get_by_role("button", name="Allocate").click()
    expect(release).to_have_count(1)
    expect(chosen.locator("option")).to_have_count(1)
    sale = chosen.locator("option").inner_text().split(":")[0]
    held = Held(ada.page, "/release$")
    release.click()
    held.wait()
    ada.page.get_by_label("Amount").fill("40")
    ada.page.get_by_role("button", name="Allocate").click()
    second = Held(ada.page, "/allocate$")
    held.let_go()
    second.wait()
    # The page goes on showing what was chosen, and who is impatient means that.
    expect(chosen.locator("option:checked")).to_contain_text(sale)
    ada.page.wait_for_timeout(LONG_ENOUGH_MS)
    ada.page.get_by_role("button", name="Allocate").click()
    second.let_go()
    expect(ada.page.locator(".htmx-request")).to_have_count(0)
    expect(release).to_have_count(1)
    expect(ada.page.get_by_role("row", name=sale)).to_contain_text("$40.00")


def test_what_was_made_before_it_was_shown_to_the_customer_was_shown(ada):
    ada.new_quote("Shown")
    held = Held(ada.page, "/lines$")
    ada.page.get_by_role("button", name="Add a line").click()
    held.wait()
    shown = ada.page.get_by_role("button", name="Shown to the customer")
    shown.click()
    with ada.page.expect_response(re.compile("/shown$")):
        held.let_go()
    expect(shown).to_have_count(0)
    expect(ada.page.get_by_text("Changed since the customer was shown it")).to_have_count(0)


def test_an_undo_that_is_gone_by_its_turn_is_done_all_the_same_and_lines_stay_unfolded(ada):
    ada.new_quote("Undoes late")
    for _ in range(3):
        ada.add_line()
    arrow = ada.page.get_by_role("button", name=re.compile("^Options and price of line")).last
    arrow.click()
    expect(arrow).to_have_attribute("aria-expanded", "true")
    first = Held(ada.page, "/remove$")
    ada.page.get_by_role("button", name="Remove line 1").click()
    first.wait()
    ada.page.get_by_role("button", name="Remove line 2").click()
    second = Held(ada.page, "/remove$")
    first.let_go()
    second.wait()
    ada.page.get_by_role("button", name="Undo").click()
    with ada.page.expect_response(re.compile("/restore$")):
        second.let_go()
    expect(ada.page.get_by_role("button", name="Remove line")).to_have_count(2)
    expect(arrow).to_have_attribute("aria-expanded", "true")


def test_a_form_that_is_gone_by_its_turn_leaves_the_page_as_it_is(ada, window, slow_folder):
    path = ada.new_quote("Gone form")
    window.open(path)
    ada.open(f"{path}/convert")
    held = slow_folder()
    ada.page.get_by_role("button", name="Convert to sale").click()
    window.page.get_by_role("link", name="Cancel the quote").click()
    window.page.get_by_label("Why").fill("Moved")
    window.page.get_by_role("button", name="Cancel the quote").click()
    expect(ada.page.get_by_role("button", name="Convert to sale")).to_have_count(0)
    with ada.page.expect_response(re.compile("/convert$")):
        held.let_go()
    ada.page.wait_for_timeout(LONG_ENOUGH_MS)
    expect(ada.page.get_by_role("main").get_by_text("It cannot be converted")).to_be_visible()


def test_items_are_reset_that_were_chosen_when_it_was_pressed(ada, slow_folder):
    ada.be(offline=True)
    titles = []
    for customer in ("Reset", "Stays marked"):
        ada.new_quote(customer)
        titles.append(ada.heading())
    ada.open("/items")
    mark_all_button(ada).click()
    rows = [ada.page.get_by_role("row", name=title) for title in titles]
    for row in rows:
        expect(row.get_by_text("Marked")).to_be_visible()
    rows[0].get_by_role("checkbox").check()
    held = slow_folder()
    ada.page.get_by_role("button", name="Reset chosen").click()
    rows[0].get_by_role("checkbox").uncheck()
    rows[1].get_by_role("checkbox").check()
    with ada.page.expect_response(re.compile("/items/reset$")):
        held.let_go()
    expect(rows[0].get_by_text("Draft")).to_be_visible()
    expect(rows[1].get_by_text("Marked")).to_be_visible()
