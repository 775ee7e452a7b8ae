"""The browser: where it is, how it is started, and what it must not be told by any page."""

import contextlib
import os
import re
import shutil
import time
from collections.abc import Callable, Iterator
from urllib.parse import urlsplit

import pytest

sync_api = pytest.importorskip("playwright.sync_api", reason="needs playwright: pip install -e '.[browser]'")
expect = sync_api.expect

TIMEOUT_MS = 20_000
"""How long a page may take over what it is expected to do; the machine may be busy."""
POLL_MS = 20
BETWEEN_ACTS_MS = float(os.environ.get("BROWSER_BETWEEN_ACTS_MS", "0"))
"""How long the person waits before each act: 400 shows which test is only right when it is quicker than the page."""
DESKTOP = {"width": 1280, "height": 800}
TABLET = {"width": 834, "height": 1112}

_FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A name that a page mistakenly calls is not looked up anywhere; the watch tells of the attempt.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)

# Told by the page itself, and so with the rule that was broken.
_TELL_VIOLATIONS = """
document.addEventListener("securitypolicyviolation", (event) =>
  console.error(`policy violated: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}`));
"""

_LOST = re.compile(
    r"ERR_(CONNECTION_(REFUSED|RESET)|SOCKET_NOT_CONNECTED|CONTENT_LENGTH_MISMATCH"
    r"|INCOMPLETE_CHUNKED_ENCODING|EMPTY_RESPONSE)"
    r"|^htmx:(sendError|sseError|afterRequest)|^\[object Event\]$"
)

# A list of choices that is given up for newer words; nothing else is given up. (`afterRequest` comes with whatever fails,
# beside the failure's own name.)
_GIVEN_UP = re.compile(r"^htmx:(sendAbort|afterRequest), \[object HTMLUListElement\]$")


def wait_until(page: "sync_api.Page", holds: Callable[[], object]) -> None:
    """Let the browser speak until something holds that it does not show, or its time is over: the test then says so."""
    deadline_s = time.monotonic() + TIMEOUT_MS / 1000
    while not holds() and time.monotonic() < deadline_s:
        page.wait_for_timeout(POLL_MS)


def chromium_path() -> str:
    """Return where the browser is; empty if there is none.

    First the one without windows: it is the same engine, and takes two thirds of the time.
    """
    found = (shutil.which(name) for name in ("chromium-headless-shell", "chromium", "chromium-browser"))
    return next(filter(None, found), "")


@contextlib.contextmanager
def started_browser() -> Iterator["sync_api.Browser"]:
    """Start a browser without a screen."""
    path = chromium_path()
    if not path:
        pytest.skip("needs chromium (Debian: apt-get install chromium-headless-shell)")
    # Chromium refuses its own sandbox to root.
    is_root = hasattr(os, "geteuid") and os.geteuid() == 0
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=path,
            args=[*_FLAGS, *(["--no-sandbox"] if is_root else [])],
            slow_mo=BETWEEN_ACTS_MS,
        )
        try:
            yield browser
        finally:
            browser.close()


class Watch:
    """Takes note of all that no page may do, for every page of its contexts."""

    def __init__(self, browser: "sync_api.Browser") -> None:
        self._browser = browser
        self._contexts: list[sync_api.BrowserContext] = []
        self.faults: list[str] = []
        self.may_lose_connections = False
        """Whether a workstation is killed on purpose, which a browser reports as an error."""

    def context(self, **options) -> "sync_api.BrowserContext":
        """Return a new context: a person with a browser of their own."""
        context = self._browser.new_context(**{"viewport": DESKTOP, "locale": "en-US"} | options)
        context.set_default_timeout(TIMEOUT_MS)
        expect.set_options(timeout=TIMEOUT_MS)
        context.add_init_script(_TELL_VIOLATIONS)
        context.on("request", self._requested)
        context.on("console", self._said)
        context.on("weberror", lambda error: self.faults.append(f"page error: {error.error}"))
        context.on("response", self._answered)
        self._contexts.append(context)
        return context

    @property
    def pages(self) -> list["sync_api.Page"]:
        """All pages that are open."""
        return [page for context in self._contexts for page in context.pages]

    def wait_for_fault(self, page: "sync_api.Page", told: str) -> None:
        """Let the browser speak until it tells of a fault of these words, or its time is over."""
        wait_until(page, lambda: any(told in fault for fault in self.faults))

    def close(self) -> None:
        """Close all pages."""
        for context in self._contexts:
            context.close()

    def _requested(self, request) -> None:
        parts = urlsplit(request.url)
        if (parts.scheme, parts.hostname) != ("http", "127.0.0.1"):
            self.faults.append(f"request to another address: {request.url:.200}")

    def _answered(self, response) -> None:
        if response.status >= 400:
            self.faults.append(f"{response.status} for {response.request.method} {response.url}")

    def _said(self, message) -> None:
        if message.type not in ("error", "warning"):
            return
        if _GIVEN_UP.match(message.text):
            return
        if self.may_lose_connections and _LOST.search(message.text):
            return
        self.faults.append(f"console {message.type}: {message.text}")
