"""What was typed and not left when a page goes: it is saved, or its person is asked first."""

import re
import sys

import pytest

from tests.browser.chromium import expect, wait_until
from tests.browser.held import LONG_ENOUGH_MS, Held
from tests.browser.launcher import Launcher

pytestmark = [pytest.mark.slow, pytest.mark.browser]

# What a browser does with a page that nobody looks at; without a screen it never does.
_HIDE = """() => {
  Object.defineProperty(document, "hidden", { configurable: true, get: () => true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
LONG_CHARS = 15_000


@pytest.fixture
def asked(ada):
    """What the browser asked ada; she stays where she is."""
    dialogs = []
    ada.page.on("dialog", lambda dialog: (dialogs.append(dialog.type), dialog.dismiss()))
    return dialogs


def type_into(box, text):
    """Type as a person does, without leaving the field."""
    box.click()
    box.press_sequentially(text)


def go_back(seat):
    seat.page.go_back()


def close(seat):
    seat.page.close(run_before_unload=True)


@pytest.mark.parametrize(
    "leave", [lambda seat: seat.page.reload(), go_back, close], ids=["reload", "back", "close"]
)
@pytest.mark.parametrize("label", ["Terms", "Notes", "Description"])
def test_what_was_typed_and_not_left_is_saved_when_its_page_goes(ada, window, asked, leave, label):
    path = ada.new_quote("Typed and gone")
    ada.add_line()
    window.open(path)
    line = 1 if label == "Description" else 0
    type_into(ada.box(label, line=line), "wants the blue one")
    leave(ada)
    expect(window.box(label, line=line)).to_have_value("wants the blue one")
    # Whatever was sent twice is here by now.
    window.write("Sales rep", "Ada herself")
    expect(window.box(label, line=line)).to_have_value("wants the blue one")
    assert asked == []


def test_what_was_typed_is_there_at_once_when_its_page_is_loaded_again(ada, asked):
    ada.new_quote("Loaded again")
    type_into(ada.box("Notes"), "wants the blue one")
    ada.page.reload()
    expect(ada.box("Notes")).to_have_value("wants the blue one")
    ada.page.get_by_label("Notes").press("End")
    ada.write("Notes", "wants the red one")
    expect(ada.page.locator(".htmx-request")).to_have_count(0)
    ada.page.reload()
    expect(ada.box("Notes")).to_have_value("wants the red one")
    assert asked == []


def test_what_was_typed_is_saved_when_nobody_looks_at_its_page_any_more(ada, window):
    window.open(ada.new_quote("Out of sight"))
    type_into(ada.box("Terms"), "half in")
    ada.page.evaluate(_HIDE)
    expect(window.box("Terms")).to_have_value("half in")
    ada.box("Terms").press_sequentially(" advance")
    ada.box("Terms").press("Tab")
    expect(window.box("Terms")).to_have_value("half in advance")


def test_a_link_waits_until_the_field_that_was_left_for_it_is_saved(ada):
    ada.new_quote("On paper")
    held = []
    ada.page.route("**/fields/terms", lambda route: held.append(route))  # noqa: PLW0108 - cannot be marked by playwright
    type_into(ada.box("Terms"), "30 days net")
    ada.page.get_by_role("link", name="Print").click()
    wait_until(ada.page, lambda: held)
    # Long enough for a page to be asked for.
    ada.page.wait_for_timeout(300)
    [route] = held
    assert "/print" not in ada.page.url
    route.continue_()
    ada.page.wait_for_url("**/print")
    expect(ada.page.get_by_text("30 days net").first).to_be_visible()


def test_who_leaves_what_could_not_be_read_is_asked_first(ada, asked):
    ada.new_quote("Not understood")
    box = ada.box("Discount %")
    box.fill("much")
    box.press("Tab")
    expect(box).to_have_attribute("aria-invalid", "true")
    ada.page.evaluate("() => { location.reload() }")
    wait_until(ada.page, lambda: asked)
    assert asked == ["beforeunload"]
    expect(box).to_have_value("much")


def test_who_leaves_more_than_a_browser_takes_along_is_asked_first(ada, asked):
    ada.new_quote("Very long")
    ada.box("Notes").fill("\N{CJK UNIFIED IDEOGRAPH-4E2D}" * LONG_CHARS)
    with ada.page.expect_response("**/notes"):
        ada.box("Notes").press("Tab")
    expect(ada.page.locator(".field.notes textarea[name=seen]")).to_have_value(
        re.compile(f"^.{{{LONG_CHARS}}}$")
    )
    type_into(ada.box("Notes"), "and more")
    ada.page.evaluate("() => { location.reload() }")
    wait_until(ada.page, lambda: asked)
    assert asked == ["beforeunload"]


@pytest.mark.skipif(sys.platform != "linux", reason="finds a process by /proc")
class TestAWorkstationThatIsGone:
    @pytest.fixture
    def launcher(self, tmp_path, watch):
        watch.may_lose_connections = True
        with Launcher(tmp_path) as launcher:
            yield launcher
            print(launcher.written())

    def test_its_page_says_so_and_who_leaves_it_is_asked_first(self, launcher, ada, asked):
        ada.new_quote("Nobody there")
        launcher.kill("R1")
        expect(ada.page.get_by_role("alert").filter(has_text="does not answer")).to_be_visible()
        type_into(ada.box("Terms"), "half in advance")
        ada.page.evaluate("() => { location.reload() }")
        wait_until(ada.page, lambda: asked)
        assert asked == ["beforeunload"]
        expect(ada.box("Terms")).to_have_value("half in advance")


def test_nothing_takes_the_place_of_what_is_on_its_way_while_its_person_is_asked(ada, window, asked):
    path = ada.new_quote("Stays")
    window.open(path)
    ada.box("Date").fill("soon")
    held = []
    ada.page.route("**/fields/*", lambda route: held.append(route))  # noqa: PLW0108 - cannot be marked by playwright
    ada.page.evaluate("setTimeout(() => location.assign('/quotes'))")
    wait_until(ada.page, lambda: held and asked)
    window.write("Terms", "Net 30")
    expect(ada.box("Terms")).to_have_value("Net 30")
    expect(ada.box("Date")).to_have_value("soon")
    held.pop().continue_()
    expect(ada.page.get_by_text("Not saved yet")).to_be_visible()
    expect(ada.box("Date")).to_have_value("soon")


def test_who_leaves_what_may_not_be_understood_is_asked_first(ada):
    path = ada.new_quote("Reads numbers")
    ada.add_line()
    asked = []

    def stay(dialog):
        asked.append(dialog.type)
        dialog.dismiss()

    ada.page.on("dialog", stay)
    for label, wrong in (("Quantity", "1.5"), ("Date", "soon")):
        line = 1 if label == "Quantity" else 0
        ada.box(label, line=line).click()
        ada.box(label, line=line).fill(wrong)
        ada.page.evaluate("setTimeout(() => location.assign('/quotes'))")
        wait_until(ada.page, lambda: asked)
        assert asked.pop() == "beforeunload"
        expect(ada.box(label, line=line)).to_have_value(wrong)
        expect(ada.page.get_by_text("Not saved yet")).to_be_visible()
        with ada.page.expect_response(lambda answer: answer.request.method == "POST"):
            ada.box(label, line=line).fill("4" if label == "Quantity" else "6/1/26")
            ada.box(label, line=line).press("Tab")
        expect(ada.page.get_by_text("Not saved yet")).to_have_count(0)
    # What is sure to be understood is saved on the way, and nobody is asked.
    for label, text in (("Quantity", "25"), ("Price", "12.5")):
        ada.box(label, line=1).fill(text)
        ada.open("/quotes")
        ada.open(path)
    expect(ada.box("Quantity", line=1)).to_have_value("25")
    expect(ada.box("Price", line=1)).to_have_value("12.50")
    assert asked == []


def test_who_stays_can_go_on_at_once(ada):
    ada.new_quote("Stays")
    ada.open_customer()
    asked = []

    def stay(dialog):
        asked.append(dialog.type)
        dialog.dismiss()

    ada.page.on("dialog", stay)
    ada.write("Name", "")
    expect(ada.box("Name")).to_have_attribute("aria-invalid", "true")
    button = ada.page.get_by_role("button", name="New quote")
    button.click()
    wait_until(ada.page, lambda: asked)
    assert asked == ["beforeunload"]
    ada.write("Name", "Stays on")
    expect(ada.box("Name")).not_to_have_attribute("aria-invalid", "true")
    button.click()
    ada.page.wait_for_url(re.compile(r"/quotes/[^/?]+$"), timeout=5_000)


def test_nobody_is_asked_when_the_event_of_what_was_done_leads_on_before_its_answer(ada, asked):
    quote = ada.new_quote("Leads on")
    ada.open(f"{quote}/convert")
    held = Held(ada.page, "/convert$", is_written=True)
    ada.page.get_by_role("button", name="Convert to sale").click()
    held.wait()
    ada.page.wait_for_timeout(LONG_ENOUGH_MS)
    held.let_go()
    ada.page.wait_for_url("**/sales/*")
    assert asked == []


def test_nobody_is_asked_for_a_form_that_was_sent_twice_and_leads_on(ada, asked):
    ada.new_quote("Pays")
    ada.add_line()
    ada.write("Price", "100", line=1)
    ada.page.get_by_role("link", name="Record a payment").click()
    expect(ada.offline_switch).to_be_visible()
    held = Held(ada.page, "/payment$", is_written=True)
    for label, text in (("Amount", "40"), ("Memo", "check 12")):
        box = ada.page.get_by_label(label, exact=True)
        box.fill(text)
        box.press("Enter")
        held.wait()
    held.let_go()
    ada.page.wait_for_url("**/sales/*")
    assert asked == []


def test_what_was_typed_while_a_button_led_on_is_saved_before_the_page_goes(ada, asked, window):
    ada.new_quote("Led away")
    customer = ada.open_customer()
    held = Held(ada.page, "/quote$", is_written=True)
    ada.page.get_by_role("button", name="New quote").click()
    held.wait()
    ada.page.get_by_label("E-mail").fill("ada@lines.example")
    ada.page.get_by_label("E-mail").press("Tab")
    held.let_go()
    ada.page.wait_for_url("**/quotes/*")
    assert asked == []
    window.open(customer)
    expect(window.page.get_by_label("E-mail")).to_have_value("ada@lines.example")


def test_an_answer_leads_on_where_a_link_is_not_followed(ada, watch):
    ada.new_quote("Not swallowed")
    ada.open_customer()
    held = []
    ada.page.route(re.compile("/fields/email$"), lambda route: held.append(route))  # noqa: PLW0108 - cannot be marked by playwright
    ada.page.get_by_label("E-mail").fill("ada@lines.example")
    ada.page.get_by_label("E-mail").press("Tab")
    wait_until(ada.page, lambda: held)
    ada.page.on("dialog", lambda dialog: dialog.accept())
    ada.page.get_by_role("button", name="New quote").click()
    ada.page.get_by_role("navigation", name="Main").get_by_role("link", name="Sales").click()
    held.pop().fulfill(status=503, content_type="text/plain", body="The disk is full.")
    ada.page.wait_for_url("**/quotes/*")
    watch.faults[:] = [fault for fault in watch.faults if "503" not in fault]
