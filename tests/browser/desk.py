"""One workstation as the person who sits at it sees it: by roles and labels, never by the page's own names."""

import re

from tests.browser.chromium import expect

IN_STEP = re.compile("In step")


class Seat:
    """A page of one workstation, and what a person does there."""

    def __init__(self, name: str, page, address: str) -> None:
        self.name = name
        self.page = page
        self.address = address

    @property
    def status(self):
        """What the header says of the sync."""
        return self.page.locator("header").get_by_role("status")

    @property
    def offline_switch(self):
        """The switch of the header: on while online, and called by its state."""
        return self.page.locator("header").get_by_role("switch", name=re.compile("^(Online|Offline)$"))

    def open(self, path: str) -> None:
        """Open a page by its address, and wait until it listens."""
        self.page.goto(self.address + path)
        # The header is filled by the page's own script, and so tells that it runs.
        expect(self.offline_switch).to_be_visible()

    def go(self, name: str) -> None:
        """Follow a link of the main menu."""
        self.page.get_by_role("navigation", name="Main").get_by_role("link", name=name).click()
        expect(self.page.get_by_role("heading", name=name, level=1)).to_be_visible()
        expect(self.offline_switch).to_be_visible()

    def be(self, *, offline: bool) -> None:
        """Turn the offline switch, unless it is so."""
        wanted = "false" if offline else "true"
        if self.offline_switch.get_attribute("aria-checked") != wanted:
            self.offline_switch.click()
        expect(self.offline_switch).to_have_attribute("aria-checked", wanted)

    def new_quote(self, customer: str) -> str:
        """Make a quote; return its address on this and on every workstation."""
        self.open("/quotes")
        self.page.get_by_label("New quote for").fill(customer)
        self.page.get_by_role("button", name="Create").click()
        self.page.wait_for_url(re.compile(r"/quotes/[^/?]+$"))
        expect(self.offline_switch).to_be_visible()
        return self.page.url.removeprefix(self.address)

    def open_customer(self) -> str:
        """Follow the link of what is open to its customer; return its address on this and on every workstation."""
        self.page.get_by_role("region", name="Head").get_by_role("link").first.click()
        self.page.wait_for_url(re.compile(r"/customers/[^/?]+$"))
        expect(self.offline_switch).to_be_visible()
        return self.page.url.removeprefix(self.address)

    def heading(self) -> str:
        """Return the number, or the reference number, of what is open."""
        return self.page.get_by_role("heading", level=1).inner_text().split()[0]

    def box(self, label: str, *, line: int = 0):
        """Return a field of what is open; of a line, counted from 1."""
        if not line:
            return self.page.get_by_role("textbox", name=label, exact=True)
        return self.line(line).get_by_role("textbox", name=label, exact=True)

    def line(self, number: int):
        """Return a line, counted from 1."""
        return self.page.get_by_role("table").get_by_role("row").nth(number)

    def write(self, label: str, text: str, *, line: int = 0) -> None:
        """Write a field, leave it, and wait until it is saved."""
        box = self.box(label, line=line)
        box.fill(text)
        with self.page.expect_response(lambda answer: answer.request.method == "POST"):
            box.press("Tab")

    def add_line(self) -> None:
        """Put an empty line at the end."""
        before = self.page.get_by_role("button", name="Remove line").count()
        self.page.get_by_role("button", name="Add a line").click()
        expect(self.page.get_by_role("button", name="Remove line")).to_have_count(before + 1)
