"""The option that locks what is being synced, for those who ask for it."""

import re

import pytest

from tests.browser.chromium import expect
from tests.browser.desk import Seat
from tests.browser.held import Held
from tests.browser.launcher import Launcher

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.fixture
def launcher(browser, tmp_path):
    with Launcher(tmp_path, "--lock-while-syncing", names=("office", "R1")) as launcher:
        yield launcher
        print(launcher.written())


def test_what_is_on_its_way_to_its_number_is_locked_and_says_so_and_is_open_again_after(ada, watch):
    ada.be(offline=True)
    ada.new_quote("Locked")
    ada.write("Terms", "before")
    ada.page.get_by_role("button", name="Mark for sync").click()
    expect(ada.page.get_by_text("Locked while it is synced")).to_be_visible()
    expect(ada.box("Terms")).to_be_disabled()
    expect(ada.page.get_by_role("button", name="Add a line")).to_be_disabled()
    expect(ada.page.get_by_role("link", name="Print")).to_be_visible()
    ada.be(offline=False)
    expect(ada.page.get_by_text("On the main system")).to_be_visible()
    expect(ada.page.get_by_text("Locked while it is synced")).to_have_count(0)
    ada.write("Terms", "after")
    expect(ada.box("Terms")).to_have_value("after")
    # Before the launcher stops: a page whose workstation is gone says so, and that is an error.
    watch.close()


def test_what_was_being_typed_when_the_lock_came_is_kept_and_saved_when_it_is_open_again(ada, watch):
    ada.be(offline=True)
    path = ada.new_quote("Locked while typing")
    other = Seat("R1", ada.page.context.new_page(), ada.address)
    other.open(path)
    ada.box("Terms").click()
    ada.box("Terms").press_sequentially("half in advance")
    other.page.get_by_role("button", name="Mark for sync").click()
    expect(ada.page.get_by_role("alert").filter(has_text="What you typed is still here")).to_be_visible()
    expect(ada.box("Terms")).to_be_disabled()
    expect(ada.box("Terms")).to_have_value("half in advance")
    expect(ada.box("Terms")).to_have_accessible_description("Not saved yet")
    assert ada.page.evaluate("() => document.activeElement !== document.body")
    other.be(offline=False)
    expect(other.box("Terms")).to_have_value("half in advance")
    expect(ada.page.get_by_text("Not saved yet")).to_have_count(0)
    expect(ada.page.get_by_text("What you typed is still here")).to_have_count(0)
    watch.close()


def test_a_locked_line_is_unfolded_in_its_place_while_something_is_on_its_way(ada, watch):
    ada.be(offline=True)
    ada.new_quote("Unfolds locked")
    ada.add_line()
    ada.page.get_by_role("button", name="Mark for sync").click()
    expect(ada.page.get_by_text("Locked while it is synced")).to_be_visible()
    held = Held(ada.page, "/milestones$")
    what = ada.page.get_by_label("What happened")
    what.fill("Measured")
    what.press("Enter")
    held.wait()
    arrow = ada.page.get_by_role("button", name="Options and price of line 1")
    arrow.click()
    what.fill("Called")
    held.let_go()
    expect(arrow).to_have_attribute("aria-expanded", "true")
    expect(what).to_have_value("Called")
    assert "toggle" not in ada.page.url
    watch.close()


def test_a_locked_line_that_was_unfolded_stays_so_whatever_comes_in(ada, watch):
    ada.be(offline=True)
    path = ada.new_quote("Stays unfolded")
    ada.add_line()
    ada.page.get_by_role("button", name="Mark for sync").click()
    expect(ada.page.get_by_text("Locked while it is synced")).to_be_visible()
    arrow = ada.page.get_by_role("button", name="Options and price of line 1")
    arrow.click()
    expect(arrow).to_have_attribute("aria-expanded", "true")
    other = Seat("R1", ada.page.context.new_page(), ada.address)
    other.open(path)
    other.page.get_by_label("What happened").fill("Measured")
    with ada.page.expect_response(re.compile(path)):
        other.page.get_by_label("What happened").press("Enter")
    expect(ada.page.get_by_role("region", name="Milestones").get_by_text("Measured")).to_be_visible()
    expect(arrow).to_have_attribute("aria-expanded", "true")
    watch.close()
