"""An answer that comes late hides nothing that came in before it."""

import re

import pytest

from tests.browser.chromium import expect
from tests.browser.held import Held

pytestmark = [pytest.mark.slow, pytest.mark.browser]


def test_an_answer_that_is_late_hides_nothing_that_came_in_before_it(ada, window):
    path = ada.new_quote("Comes late")
    ada.add_line()
    ada.write("Price", "100", line=1)
    window.open(path)
    held = Held(ada.page, "/fields/terms$", is_written=True)
    ada.box("Terms").fill("30 days")
    ada.box("Terms").press("Tab")
    held.wait()
    expect(window.box("Terms")).to_have_value("30 days")
    window.write("Terms", "60 days")
    window.write("Quantity", "3", line=1)
    total = ada.page.locator("#totals .sum dd")
    expect(total).to_contain_text("300")
    held.answer_at_last()
    expect(ada.box("Terms")).to_have_value("60 days")
    expect(total).to_contain_text("300")


def test_what_a_customer_was_changed_to_is_not_hidden(ada, window):
    ada.new_quote("Two telephones")
    window.open(ada.open_customer())
    held = Held(ada.page, "/phones$", is_written=True)
    for seat, digits in ((ada, "555 0100"), (window, "555 0200")):
        new = seat.page.get_by_label("New telephone")
        new.fill(digits)
        new.press("Enter")
        held.wait()
    phones = ada.page.get_by_role("button", name=re.compile("^Remove the telephone"))
    expect(phones).to_have_count(2)
    held.answer_at_last()
    expect(phones).to_have_count(2)


def test_the_rows_of_earlier_words_do_not_come_back(ada, window):
    path = ada.new_quote("Unrelated Beta")
    ada.new_quote("Findable Alpha")
    window.open(path)
    ada.open("/quotes")
    held = Held(ada.page, r"/quotes\?", method="GET", is_written=True)
    window.write("Terms", "30 days")
    held.wait()
    search = ada.page.get_by_role("searchbox", name="Search")
    search.fill("Findable")
    rows = ada.page.get_by_role("region", name="Quotes")
    expect(rows).not_to_contain_text("Unrelated Beta")
    held.answer_at_last()
    expect(rows).not_to_contain_text("Unrelated Beta")
    expect(rows).to_contain_text("Findable Alpha")


def test_what_a_list_that_was_overtaken_would_have_shown_is_asked_for_again(ada, window):
    window.open(ada.new_quote("Renamed Later"))
    ada.open("/quotes")
    rows = ada.page.get_by_role("region", name="Quotes")
    older = Held(ada.page, r"/quotes\?", method="GET", is_written=True)
    ada.page.get_by_label("Sort by").select_option("Newest")
    older.wait()
    newer = Held(ada.page, r"/quotes\?", method="GET", is_written=True)
    customer = window.page.get_by_role("combobox", name="Customer", exact=True)
    customer.fill("Renamed Now")
    customer.press("Tab")
    newer.wait()
    with ada.page.expect_response(re.compile(r"/quotes\?")):
        older.let_go()
    expect(rows).to_contain_text("Renamed Later")
    newer.answer_at_last()
    expect(rows).to_contain_text("Renamed Now")
