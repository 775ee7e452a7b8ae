"""Many pages of one browser: whoever opens one more is not in the way of the others."""

import pytest

from tests.browser.chromium import expect
from tests.browser.desk import Seat

pytestmark = [pytest.mark.slow, pytest.mark.browser]

PAGES = 20
_NO_SHARED_WORKER = "delete window.SharedWorker"
# What a browser does with a page that nobody looks at; without a screen it never does.
_HIDE = """(isHidden) => {
  const asked = [];
  document.addEventListener("htmx:beforeSend", (event) => asked.push(event.detail.requestConfig.path));
  Object.defineProperty(document, "hidden", { configurable: true, get: () => isHidden });
  Object.defineProperty(document, "visibilityState", { configurable: true, get: () => isHidden ? "hidden" : "visible" });
  document.dispatchEvent(new Event("visibilitychange"));
  return asked;
}"""


def test_twenty_pages_of_one_workstation_all_work_and_all_hear(ada):
    path = ada.new_quote("Twenty tabs")
    seats = [ada]
    for place in range(1, PAGES):
        seat = Seat("R1", ada.page.context.new_page(), ada.address)
        seat.open(path if place % 2 else "/quotes")
        seats.append(seat)
    ada.write("Terms", "of the first page")
    for seat in seats[1::2]:
        expect(seat.box("Terms")).to_have_value("of the first page")
    seats[-1].write("Sales rep", "of the last page")
    expect(ada.box("Sales rep")).to_have_value("of the last page")
    other = seats[2]
    other.page.get_by_role("searchbox", name="Search").fill("Twenty tabs")
    expect(other.page.get_by_role("row").filter(has_text="Twenty tabs")).to_have_count(1)


@pytest.mark.parametrize("init_script", ["", _NO_SHARED_WORKER], ids=["shared", "alone"])
def test_a_page_that_nobody_looked_at_shows_what_is_new_and_what_was_typed(ada, bob, init_script):
    path = ada.new_quote("Looked away")
    ada.page.get_by_role("button", name="Mark for sync").click()
    expect(ada.page.get_by_text("On the main system")).to_be_visible()
    bob.open(path)
    ada.page.add_init_script(init_script)
    ada.open(path)
    asked = []
    ada.page.on("request", lambda request: asked.append(request.url))
    ada.page.evaluate(_HIDE, True)
    second = Seat("R1", ada.page.context.new_page(), ada.address)
    second.open(path)
    # What it asked before it was hidden.
    asked.clear()
    bob.write("Sales rep", "Bob himself")
    expect(second.box("Sales rep")).to_have_value("Bob himself")
    assert [url for url in asked if path in url] == []
    # A page that has heard meanwhile does not wait until it hears more.
    assert (path in ada.page.evaluate(_HIDE, False)) == (not init_script)
    expect(ada.box("Sales rep")).to_have_value("Bob himself")


def test_pages_without_a_shared_worker_hear_while_they_are_looked_at(ada):
    path = ada.new_quote("Alone")
    second = Seat("R1", ada.page.context.new_page(), ada.address)
    second.page.add_init_script(_NO_SHARED_WORKER)
    second.open(path)
    ada.write("Terms", "of the first page")
    expect(second.box("Terms")).to_have_value("of the first page")
