"""What could not be saved: it is told for as long as it is so, the field says it, and it is tried again."""

import pytest

from tests.browser.chromium import expect
from tests.browser.desk import Seat

pytestmark = [pytest.mark.slow, pytest.mark.browser]

REFUSAL = "This page is out of date. Load it again."


@pytest.fixture
def forgiving(watch):
    """A refusal is meant here; a browser reports it as an error."""
    yield
    watch.faults[:] = [fault for fault in watch.faults if "403" not in fault]


@pytest.fixture
def colleague(ada):
    """A second page of ada's workstation, from which something comes in."""
    return Seat("R1", ada.page.context.new_page(), ada.address)


def refuse(route):
    route.fulfill(status=403, content_type="text/plain", body=REFUSAL)


@pytest.mark.usefixtures("forgiving")
@pytest.mark.parametrize(("label", "address"), [("Terms", "**/fields/terms"), ("Notes", "**/notes")])
def test_a_refused_field_says_that_it_is_not_saved_and_is_tried_again_when_it_is_left(
    ada, colleague, label, address
):
    colleague.open(ada.new_quote("Refused"))
    told = ada.page.get_by_role("alert").filter(has_text=REFUSAL)
    ada.page.route(address, refuse)
    ada.write(label, "half in advance")
    expect(told).to_be_visible()
    expect(ada.box(label)).to_have_accessible_description("Not saved yet")
    # Neither what the page asks by itself, nor what comes in, takes away what was told.
    with ada.page.expect_response("**/health"):
        ada.page.evaluate("() => htmx.trigger('.watch', 'sse:health')")
    colleague.write("Sales rep", "Ada herself")
    expect(ada.box("Sales rep")).to_have_value("Ada herself")
    expect(told).to_be_visible()
    expect(ada.box(label)).to_have_value("half in advance")
    expect(ada.box(label)).to_have_accessible_description("Not saved yet")
    # What its person does next has worked; the field is still not saved, and says so.
    ada.write("Discount %", "5")
    expect(told).to_have_count(0)
    expect(ada.box(label)).to_have_accessible_description("Not saved yet")

    ada.page.unroute(address)
    ada.box(label).focus()
    with ada.page.expect_response(address):
        ada.box(label).press("Tab")
    expect(ada.box(label)).not_to_have_accessible_description("Not saved yet")
    expect(ada.page.get_by_text("Not saved yet")).to_have_count(0)
    expect(colleague.box(label)).to_have_value("half in advance")
