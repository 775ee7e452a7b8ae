"""The job the application is made for: a quote made away from the office is given its number there."""

import re
from contextlib import ExitStack

import pytest

from tests.browser.chromium import expect
from tests.browser.desk import Seat
from tests.browser.launcher import Launcher

pytestmark = [pytest.mark.slow, pytest.mark.browser]

TRAVEL_MS = 60_000
"""How long files may take over a real service, there and back."""


def test_a_quote_made_offline_is_given_its_number_and_its_old_reference_still_finds_it(ada, bob):
    take_through(ada, bob)


@pytest.mark.services
def test_so_it_is_over_real_syncthing(watch, tmp_path):
    from tests.services.syncthing import Network, why_no_syncthing

    if why := why_no_syncthing():
        pytest.skip(why)
    network = Network(tmp_path, ("office", "R1", "R2"))
    with ExitStack() as stack:
        stack.callback(network.end)
        network.start()
        seats = []
        for daemon in network.daemons[:2]:
            launcher = stack.enter_context(
                Launcher(tmp_path / f"at-{daemon.name}", names=(daemon.name,), folder=daemon.root / "sales")
            )
            seat = Seat(daemon.name, watch.context().new_page(), launcher.addresses[daemon.name])
            seat.open("/quotes")
            seats.append(seat)
        bob, ada = seats
        # The folder that the office has set up arrives.
        expect(ada.status).to_contain_text(re.compile("office"), timeout=TRAVEL_MS)
        take_through(ada, bob)
        # Before the workstations stop: a page whose workstation is gone says so, and that is an error.
        watch.close()


def take_through(ada, bob):
    """Take a quote from the customer's table to its number, and find it by what is on paper."""
    ada.be(offline=True)
    path = ada.new_quote("Harper Fields")
    reference = ada.heading()
    assert re.fullmatch(r"R1-\d+", reference)
    ada.write("Terms", "half in advance")
    ada.add_line()
    ada.write("Description", "Roller shade", line=1)
    ada.write("Quantity", "3", line=1)
    ada.write("Price", "120.50", line=1)
    expect(ada.page.get_by_text("$361.50").last).to_be_visible()

    ada.go("Items to Sync")
    row = ada.page.get_by_role("row", name=reference)
    expect(row).to_contain_text("Draft")
    row.get_by_role("checkbox").check()
    ada.page.get_by_role("button", name="Mark chosen").click()
    expect(ada.page.get_by_text("1 marked for sync")).to_be_visible()
    expect(row).to_contain_text("Marked")

    ada.open(path)
    ada.be(offline=False)
    expect(ada.page.get_by_role("heading", level=1)).to_contain_text(
        re.compile(r"^\s*Q-\d{5}"), timeout=TRAVEL_MS
    )
    expect(ada.page.get_by_role("heading", level=1)).to_contain_text(f"was {reference}")
    expect(ada.page.get_by_text("On the main system")).to_be_visible()
    number = ada.heading()

    bob.open("/quotes")
    bob.page.get_by_role("searchbox", name="Search").fill(reference)
    expect(bob.page.get_by_role("rowheader", name=number)).to_be_visible(timeout=TRAVEL_MS)
    bob.page.get_by_role("link", name=number).click()
    expect(bob.box("Terms")).to_have_value("half in advance")
    expect(bob.box("Price", line=1)).to_have_value("120.50")
    ada.go("Items to Sync")
    expect(ada.page.get_by_role("row", name=reference)).to_have_count(0)
