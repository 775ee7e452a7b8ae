"""The job the application is made for: a quote made away from the office is given its number there."""

import re

import pytest

from tests.browser.chromium import expect

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_a_quote_made_offline_is_given_its_number_and_its_old_reference_still_finds_it(ada, bob):
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
    expect(ada.page.get_by_role("heading", level=1)).to_contain_text(re.compile(r"^\s*Q-\d{5}"))
    expect(ada.page.get_by_role("heading", level=1)).to_contain_text(f"was {reference}")
    expect(ada.page.get_by_text("On the main system")).to_be_visible()
    number = ada.heading()

    bob.open("/quotes")
    bob.page.get_by_role("searchbox", name="Search").fill(reference)
    expect(bob.page.get_by_role("rowheader", name=number)).to_be_visible()
    bob.page.get_by_role("link", name=number).click()
    expect(bob.box("Terms")).to_have_value("half in advance")
    expect(bob.box("Price", line=1)).to_have_value("120.50")
    ada.go("Items to Sync")
    expect(ada.page.get_by_role("row", name=reference)).to_have_count(0)
