"""What every other test here relies on: that a page which does what it may not is found out."""

import re

import pytest

from tests.browser.chromium import Watch, wait_until
from tests.browser.desk import Seat
from tests.browser.held import Held

pytestmark = [pytest.mark.slow, pytest.mark.browser]


@pytest.mark.parametrize(
    ("misdeed", "told"),
    [
        ("fetch('http://192.0.2.1/').catch(() => 0)", "policy violated: connect-src"),
        (
            "document.body.append(Object.assign(document.createElement('img'), {src: 'http://192.0.2.1/x'}))",
            "policy violated: img-src",
        ),
        (
            "document.body.append(Object.assign(document.createElement('script'), {text: 'window.ran = 1'}))",
            "policy violated: script-src",
        ),
        (
            "document.body.insertAdjacentHTML('beforeend', '<p style=\"color: red\">')",
            "policy violated: style-src",
        ),
        ("location.assign('http://192.0.2.1/')", "request to another address"),
        ("setTimeout(() => { throw new Error('thrown') })", "page error"),
        ("console.error('said')", "console error: said"),
        ("fetch('/nothing')", "404 for GET"),
        (
            "htmx.ajax('GET', '/quotes', { source: '#content', target: '#rows' }); htmx.trigger('#content', 'htmx:abort')",
            "htmx:sendAbort",
        ),
    ],
)
def test_a_page_that_does_what_it_may_not_is_found_out(launcher, browser, misdeed, told):
    watch = Watch(browser)
    seat = Seat("office", watch.context().new_page(), launcher.addresses["office"])
    seat.open("/quotes")
    assert watch.faults == []
    seat.page.evaluate(f"() => {{ {misdeed} }}")
    watch.wait_for_fault(seat.page, told)
    watch.close()
    assert any(told in fault for fault in watch.faults), watch.faults


def test_what_is_given_up_for_newer_words_is_no_fault(ada, watch):
    ada.open("/quotes")
    box = ada.page.get_by_label("New quote for")
    held = Held(ada.page, "/customers/pick", method="GET")
    box.press_sequentially("N")
    held.wait()
    said = []
    ada.page.on("console", lambda message: said.append(message.text))
    with ada.page.expect_response(re.compile("/customers/pick")):
        box.press_sequentially("ewer")
    wait_until(ada.page, lambda: len(said) > 1)
    assert [text.split(",")[0] for text in said] == ["htmx:afterRequest", "htmx:sendAbort"]
    assert watch.faults == []
