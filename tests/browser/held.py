"""A slow network: a request, or its answer, is held while its person goes on."""

import re

from tests.browser.chromium import wait_until

LONG_ENOUGH_MS = 700
"""For whatever does not wait, and should."""


class Held:
    """The first request of a path, held before the server has it, or with its answer; what follows goes on."""

    def __init__(self, page, path, *, method="POST", is_written=False):
        self._page = page
        self._path = re.compile(path)
        self._held = []

        def hold(route):
            if route.request.method != method or self._held:
                route.continue_()
            else:
                self._held.append((route, route.fetch() if is_written else None))

        page.route(self._path, hold)

    def wait(self):
        wait_until(self._page, lambda: self._held)
        assert self._held, f"nothing was asked for {self._path.pattern}"

    def let_go(self):
        self.wait()
        [(route, answer)] = self._held
        if answer is None:
            route.continue_()
        else:
            route.fulfill(response=answer)

    def answer_at_last(self):
        """Let the answer come in after everything that is still to come by itself, and wait until it is there."""
        self._page.wait_for_timeout(LONG_ENOUGH_MS)
        with self._page.expect_response(self._path):
            self.let_go()
        self._page.wait_for_timeout(LONG_ENOUGH_MS)
