"""What the README tells a newcomer to click does what it says there, with three new workstations."""

import re
from pathlib import Path

import pytest

from tests.browser.chromium import expect
from tests.browser.desk import Seat

pytestmark = [pytest.mark.slow, pytest.mark.browser]

README = (Path(__file__).parents[2] / "README.md").read_text(encoding="utf-8")


@pytest.fixture
def launcher(browser, tmp_path):
    """Workstations where nothing was done before: numbers begin with 1."""
    from tests.browser.launcher import Launcher

    with Launcher(tmp_path) as launcher:
        yield launcher
        print(launcher.written())


def test_the_steps_of_the_readme_lead_to_a_number_a_merge_and_a_decision(ada, bob):
    steps = re.findall(r"^\d\. \*\*.*?(?=^\d\. \*\*|^$)", README, re.MULTILINE | re.DOTALL)
    offline, numbered, merged, decided = steps

    assert_named(offline, "Offline", "New quote for", "Create", "Add a line", "R1-0001")
    ada.be(offline=True)
    path = ada.new_quote("Harper Fields")
    ada.add_line()
    assert ada.heading() == "R1-0001"
    bob.open("/quotes")
    expect(bob.page.get_by_text("Harper Fields")).to_have_count(0)

    assert_named(numbered, "Mark for sync", "Items to Sync", "Q-00001", "R1-0001")
    ada.page.get_by_role("button", name="Mark for sync").click()
    expect(ada.page.get_by_role("button", name="Mark for sync")).to_have_count(0)
    ada.go("Items to Sync")
    expect(ada.page.get_by_role("row", name="R1-0001")).to_contain_text("waits for")
    ada.open(path)
    ada.be(offline=False)
    for seat in (ada, bob):
        seat.open("/quotes")
        expect(seat.page.get_by_role("rowheader", name="Q-00001")).to_be_visible()
        seat.page.get_by_role("searchbox", name="Search").fill("R1-0001")
        expect(seat.page.get_by_role("rowheader", name="Q-00001")).to_be_visible()

    assert_named(merged, "Offline", "Terms", "Sales rep")
    apart(ada, bob, path, ("Terms", "half in advance", 0), ("Sales rep", "Bob", 0))
    for seat in (ada, bob):
        expect(seat.box("Terms")).to_have_value("half in advance")
        expect(seat.box("Sales rep")).to_have_value("Bob")

    assert_named(decided, "Quantity", "Conflicts", "Keep this")
    apart(ada, bob, path, ("Quantity", "3", 1), ("Quantity", "4", 1))
    for seat in (ada, bob):
        seat.open("/conflicts")
        expect(seat.page.get_by_role("button", name="Keep this")).to_have_count(2)
    bob.page.get_by_role("button", name="Keep this").first.click()
    expect(ada.page.get_by_role("button", name="Keep this")).to_have_count(0)


def assert_named(step, *labels):
    """The step names what is clicked or seen."""
    for label in labels:
        assert label in " ".join(step.split()), label


def apart(ada: Seat, bob: Seat, path, hers, his):
    """Let both write while ada has no network, and bring her back."""
    for seat in (ada, bob):
        seat.open(path)
    ada.be(offline=True)
    for seat, (label, text, line) in ((ada, hers), (bob, his)):
        seat.write(label, text, line=line)
    ada.be(offline=False)
