"""Who clicks twice, or presses Enter twice, means it once."""

import re

import pytest

from tests.browser.chromium import expect, wait_until
from tests.browser.held import LONG_ENOUGH_MS, Held

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture
def posted(ada):
    """The paths of what ada's page has sent to be done, without the ids in them."""
    paths = []

    def take_note(request):
        if request.method == "POST":
            paths.append(re.sub(r"/\w{13}(\w{13})?\b", "/ID", request.url.removeprefix(ada.address)))

    ada.page.on("request", take_note)
    return paths


@pytest.fixture
def hold(ada):
    """Keep what is sent to an address until it is let go."""
    held = []

    def hold(pattern):
        ada.page.route(pattern, lambda route: held.append(route))  # noqa: PLW0108 - cannot be marked by playwright
        return held

    return hold


def test_a_double_click_on_create_makes_one_quote(ada, posted):
    ada.open("/quotes")
    ada.page.get_by_label("New quote for").fill("Dora Double")
    ada.page.get_by_role("button", name="Create").dblclick()
    ada.page.wait_for_url(re.compile(r"/quotes/[^/?]+$"))
    expect(ada.offline_switch).to_be_visible()
    assert posted == ["/quotes"]


def test_the_second_click_of_a_double_click_on_a_milestone_leaves_the_next_form_alone(ada, posted):
    ada.new_quote("One milestone")
    milestones = ada.page.get_by_role("region", name="Milestones")
    milestones.get_by_label("What happened").fill("Measured")
    button = milestones.get_by_role("button", name="Add")
    posted.clear()
    button.click()
    expect(milestones.get_by_role("listitem").filter(has_text="Measured")).to_have_count(1)
    button.dispatch_event("click", {"detail": 2})
    ada.write("Terms", "whatever follows")
    assert posted == ["/quotes/ID/milestones", "/quotes/ID/fields/terms"]


def test_a_payment_is_recorded_once_and_a_refused_one_can_be_sent_again(ada, posted, hold):
    ada.new_quote("Pays once")
    ada.add_line()
    ada.write("Price", "100", line=1)
    ada.page.get_by_role("link", name="Record a payment").click()
    record = ada.page.get_by_role("button", name=re.compile("[Rr]ecord$"))
    amount = ada.page.get_by_label("Amount")
    posted.clear()
    held = hold("**/payment")
    for typed in ("nothing", "50"):
        amount.fill(typed)
        amount.press("Enter")
        amount.press("Enter")
        record.click()
        wait_until(ada.page, lambda: held)
        # Long enough for another one.
        ada.page.wait_for_timeout(200)
        assert len(posted) == 1
        held.pop().continue_()
        if typed == "nothing":
            expect(amount).to_have_attribute("aria-invalid", "true")
            posted.clear()
    ada.page.wait_for_url(re.compile(r"/sales/\w+$"))
    assert len(posted) == 1


def test_what_is_done_before_the_scripts_of_a_page_run_is_done_once_they_do(ada, posted, hold):
    address = ada.new_quote("In a hurry")
    ada.add_line()
    posted.clear()
    held = hold("**/vendor/htmx.min.js")
    ada.page.goto(ada.address + address, wait_until="commit")
    ada.page.get_by_label("Terms").fill("Net 30")
    ada.page.get_by_label("What happened").fill("Measured")
    ada.page.get_by_label("What happened").press("Enter")
    ada.page.get_by_label("What happened").press("Enter")
    ada.page.get_by_role("button", name="Add a line").click()
    ada.page.get_by_role("button", name="Duplicate line 1").click()
    ada.page.get_by_label("Notes").fill("Typed, and not left")
    assert not posted
    wait_until(ada.page, lambda: held)
    held.pop().continue_()
    expect(ada.page.get_by_role("listitem").filter(has_text="Measured")).to_have_count(1)
    expect(ada.page.get_by_role("button", name="Remove line")).to_have_count(3)
    expect(ada.page.get_by_label("Notes")).to_have_value("Typed, and not left")
    whats = ("fields/terms", "lines", "lines/ID/duplicate", "milestones")
    assert sorted(posted) == [f"/quotes/ID/{what}" for what in whats]
    ada.page.unroute_all()
    ada.open(address)
    expect(ada.box("Terms")).to_have_value("Net 30")


def test_a_button_with_a_word_of_its_own_says_it_also_before_the_scripts_run(ada, hold):
    ada.new_quote("All at once")
    held = hold("**/vendor/htmx.min.js")
    ada.page.goto(f"{ada.address}/items", wait_until="commit")
    ada.page.get_by_role("button", name=re.compile("^Mark all ")).click(no_wait_after=True)
    wait_until(ada.page, lambda: held)
    held.pop().continue_()
    expect(ada.page.get_by_role("status").filter(has_text="marked for sync")).to_be_visible()
    expect(ada.page.get_by_role("button", name=re.compile("^Mark all "))).to_have_count(0)


def test_a_link_that_is_pressed_before_the_scripts_run_loses_nothing_that_was_typed(ada, hold):
    address = ada.new_quote("In a hurry")
    held = hold("**/vendor/htmx.min.js")
    ada.page.goto(ada.address + address, wait_until="commit")
    ada.page.get_by_label("Terms").fill("Net 30")
    ada.page.get_by_role("link", name="Print").first.click(no_wait_after=True)
    wait_until(ada.page, lambda: held)
    held.pop().continue_()
    ada.page.wait_for_url(re.compile("/print"))
    ada.page.unroute_all()
    ada.open(address)
    expect(ada.box("Terms")).to_have_value("Net 30")


def test_a_link_leads_on_before_the_scripts_run_where_nothing_was_typed(ada, hold):
    address = ada.new_quote("In a hurry")
    hold("**/vendor/htmx.min.js")
    ada.page.goto(ada.address + address, wait_until="commit")
    ada.page.get_by_role("link", name="Print").first.click(no_wait_after=True)
    ada.page.wait_for_url(re.compile("/print"), wait_until="commit")


def test_a_button_can_be_pressed_as_soon_as_it_is_there(ada):
    ada.new_quote("In a hurry")
    ada.open_customer()
    ada.page.evaluate("""() => new MutationObserver((changes, watch) => {
        const button = document.querySelector("[aria-label^='Remove the telephone']");
        if (button) { watch.disconnect(); button.click(); }
    }).observe(document.body, { childList: true, subtree: true })""")
    ada.page.get_by_label("New telephone").fill("555 0100")
    ada.page.get_by_label("New telephone").press("Enter")
    expect(ada.page.get_by_role("button", name="Undo")).to_be_visible()


def test_an_answer_and_an_event_that_both_lead_on_do_so_once(ada, hold):
    address = ada.new_quote("Leads on")
    ada.open(f"{address}/convert")
    held = hold("**/sales/*")
    ada.page.get_by_role("button", name="Convert to sale").click(no_wait_after=True)
    wait_until(ada.page, lambda: held)
    ada.page.wait_for_timeout(1_000)
    assert len(held) == 1
    ada.page.unroute_all()  # That lets go what is held.
    ada.page.wait_for_url(re.compile("/sales/"))


def test_a_double_click_on_a_switch_turns_it_once(ada, posted):
    ada.new_quote("Locked")
    posted.clear()
    ada.page.get_by_role("switch", name="Prices locked").dblclick()
    expect(ada.page.get_by_role("switch", name="Prices locked")).to_be_checked()
    ada.write("Terms", "whatever follows")
    assert posted == ["/quotes/ID/price-lock", "/quotes/ID/fields/terms"]


def test_lines_are_added_as_fast_as_somebody_asks_for_them(ada):
    ada.new_quote("Two lines")
    ada.page.get_by_role("button", name="Add a line").dblclick()
    expect(ada.page.get_by_role("button", name="Remove line")).to_have_count(2)


def test_a_form_that_is_pressed_again_is_sent_once_although_something_came_in_meanwhile(ada, window):
    window.open(ada.new_quote("Impatient"))
    held = Held(ada.page, "/milestones$")
    box = ada.page.get_by_label("What happened")
    box.fill("Measured")
    box.press("Enter")
    held.wait()
    window.write("Terms", "30 days")
    expect(ada.box("Terms")).to_have_value("30 days")
    box.press("Enter")
    held.let_go()
    expect(ada.page.get_by_role("listitem").filter(has_text="Measured")).to_have_count(1)
    expect(ada.page.locator(".htmx-request")).to_have_count(0)
    ada.page.wait_for_timeout(LONG_ENOUGH_MS)
    expect(ada.page.get_by_role("listitem").filter(has_text="Measured")).to_have_count(1)
    expect(box).not_to_have_attribute("aria-invalid", "true")
