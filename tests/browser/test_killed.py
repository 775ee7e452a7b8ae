"""A workstation that dies in the middle of the work."""

import sys

import pytest

from tests.browser.chromium import expect
from tests.browser.launcher import Launcher

pytestmark = [
    pytest.mark.slow,
    pytest.mark.browser,
    pytest.mark.skipif(sys.platform != "linux", reason="finds a process by /proc"),
]


@pytest.fixture
def launcher(tmp_path):
    with Launcher(tmp_path) as launcher:
        yield launcher
        print(launcher.written())


def test_a_killed_workstation_is_started_again_and_nothing_written_is_lost(launcher, watch, bob, ada):
    watch.may_lose_connections = True
    overview = watch.context().new_page()
    overview.goto(launcher.addresses["together"])
    desk = overview.get_by_role("region", name="R1")
    path = ada.new_quote("Survives")
    ada.be(offline=True)
    ada.write("Terms", "written before")
    launcher.kill("R1")

    expect(desk.get_by_text("Not running")).to_be_visible()
    # Its own page does not go on saying how the sync was, nor that it is online.
    expect(ada.status).to_have_text("Does not answer")
    expect(ada.offline_switch).to_have_count(0)
    # What is typed meanwhile stays on the page, and is told not to be saved.
    box = ada.box("Sales rep")
    box.fill("typed meanwhile")
    box.press("Tab")
    expect(ada.page.get_by_role("alert").filter(has_text="does not answer")).to_be_visible()
    expect(box).to_have_value("typed meanwhile")

    desk.get_by_role("button", name="Start again").click()
    expect(desk.get_by_role("switch", name="Online")).to_be_visible()
    expect(desk.frame_locator("iframe").get_by_role("heading", name="Quotes")).to_be_visible()
    # The page that was open all the time goes on by itself.
    expect(ada.status).to_contain_text("In step")
    expect(box).to_have_value("typed meanwhile")
    expect(ada.page.get_by_text("sales rep, by Ada")).to_be_visible()
    expect(ada.page.get_by_role("alert").filter(has_text="does not answer")).to_have_count(0)
    ada.write("Terms", "written after")
    ada.page.get_by_role("button", name="Mark for sync").click()
    expect(ada.page.get_by_text("On the main system")).to_be_visible()
    bob.open(path)
    expect(bob.box("Terms")).to_have_value("written after")
    expect(bob.box("Sales rep")).to_have_value("typed meanwhile")


def test_what_is_typed_side_by_side_is_kept_under_a_veil_and_saved_once_its_workstation_runs(
    launcher, watch, ada
):
    watch.may_lose_connections = True
    path = ada.new_quote("Side by side")
    overview = watch.context().new_page()
    overview.goto(launcher.addresses["together"])
    desk = overview.get_by_role("region", name="R1")
    frame = desk.frame_locator("iframe")
    frame.get_by_role("link", name=ada.heading()).click()
    notes = frame.get_by_role("textbox", name="Notes", exact=True)
    notes.click()
    notes.press_sequentially("a paragraph typed at the customer's table")
    launcher.kill("R1")
    expect(desk.get_by_text("Not running")).to_be_visible()
    # Nobody can go on in what nobody answers.
    expect(desk.locator("iframe")).to_have_attribute("inert", "")
    expect(notes).to_have_value("a paragraph typed at the customer's table")
    desk.get_by_role("button", name="Start again").click()
    expect(desk.locator("iframe")).not_to_have_attribute("inert", "")
    expect(notes).to_have_value("a paragraph typed at the customer's table")
    notes.press("End")
    notes.press_sequentially(", and more")
    notes.press("Tab")
    ada.open(path)
    expect(ada.box("Notes")).to_have_value("a paragraph typed at the customer's table, and more")


def test_a_frame_in_which_a_link_led_nowhere_begins_anew_once_its_workstation_runs(launcher, watch):
    watch.may_lose_connections = True
    overview = watch.context().new_page()
    overview.goto(launcher.addresses["together"])
    desk = overview.get_by_role("region", name="R1")
    frame = desk.frame_locator("iframe")
    expect(frame.get_by_role("heading", name="Quotes", exact=True)).to_be_visible()
    launcher.kill("R1")
    frame.locator("nav a[href='/sales']").evaluate("link => link.click()")
    expect(desk.get_by_text("Not running")).to_be_visible()
    desk.get_by_role("button", name="Start again").click()
    expect(frame.get_by_role("heading", name="Quotes", exact=True)).to_be_visible()
