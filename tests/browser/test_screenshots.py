"""Every screen, in light and dark, on a desk and on a tablet: pictures for people to look at.

They are put into `screenshots/`, which git ignores. What a test can see of them is that each page has one title,
that nothing is cut off at its right edge, and that every control has a name.
"""

import os
import re

import pytest

from tests.browser.chromium import DESKTOP, TABLET, expect
from tests.browser.conftest import SCREENSHOTS
from tests.browser.desk import Seat
from tests.browser.goods import stock
from tests.browser.launcher import Launcher
from tests.browser.test_deal_flow import convert

pytestmark = [pytest.mark.slow, pytest.mark.browser]

# Two of the four see all there is to see of sizes and palettes; `BROWSER_LOOKS=all` takes the other pictures as well.
LOOKS = [
    pytest.param(size, scheme, id=f"{name}-{scheme}")
    for name, size, usual in (("desktop", DESKTOP, "light"), ("tablet", TABLET, "dark"))
    for scheme in ("light", "dark")
    if scheme == usual or os.environ.get("BROWSER_LOOKS") == "all"
]
CENTERS = (
    "quotes",
    "sales",
    "orders",
    "customers",
    "catalogue",
    "purchasing",
    "payments",
    "items",
    "conflicts",
    "folder",
)

# What a person cannot see or a reader cannot say.
_FAULTS = """() => {
  const faults = [], root = document.documentElement;
  if (root.scrollWidth > root.clientWidth + 1) {
    const wide = [...document.body.querySelectorAll("*")].filter((node) => node.getBoundingClientRect().right > root.clientWidth + 1);
    faults.push(`the page is ${root.scrollWidth} wide, the window ${root.clientWidth}: ${wide.map((node) => node.outerHTML.slice(0, 80)).slice(0, 3)}`);
  }
  if (document.querySelectorAll("h1").length !== 1) faults.push(`${document.querySelectorAll("h1").length} titles`);
  for (const node of document.querySelectorAll("button, a[href], input:not([type=hidden]), select, textarea")) {
    if (!node.checkVisibility() || node.closest("[aria-hidden=true]")) continue;
    const name = node.getAttribute("aria-label") || node.getAttribute("aria-labelledby") || node.textContent.trim()
      || [...(node.labels || [])].map((label) => label.textContent.trim()).join("");
    if (!name) faults.push(`without a name: ${node.outerHTML.slice(0, 160)}`);
  }
  const ids = [...document.querySelectorAll("[id]")].map((node) => node.id);
  for (const id of new Set(ids.filter((id, place) => ids.indexOf(id) !== place))) faults.push(`twice on the page: #${id}`);
  return faults;
}"""


@pytest.fixture(scope="module")
def stocked(browser, tmp_path_factory):
    directory = tmp_path_factory.mktemp("stocked")
    stock(directory / "data")
    with Launcher(directory) as launcher:
        yield launcher


@pytest.fixture(scope="module")
def disputed(browser, stocked):
    """Two machines that have written the same apart."""
    from tests.browser.chromium import Watch

    watch = Watch(browser)
    seats = [Seat(name, watch.context().new_page(), stocked.addresses[name]) for name in ("office", "R1")]
    bob, ada = seats
    bob.open("/quotes?status=open+quote")
    ada.open("/quotes?status=open+quote")
    # All is there, with its numbers.
    expect(bob.page.get_by_role("rowheader", name=re.compile("^Q-000")).first).to_be_visible()
    expect(ada.page.get_by_role("rowheader", name=re.compile("^Q-000")).first).to_be_visible(timeout=60_000)
    path = ada.page.locator("tbody th a").nth(2).get_attribute("href")
    for seat in seats:
        seat.open(path)
        seat.be(offline=True)
    ada.write("Discount %", "5")
    bob.write("Discount %", "10")
    ada.write("Quantity", "7", line=1)
    bob.write("Quantity", "9", line=1)
    for seat in seats:
        seat.be(offline=False)
    for seat in seats:
        expect(seat.page.get_by_text("written by two people apart")).to_be_visible()
    watch.close()
    return path


@pytest.fixture(scope="module")
def apart(browser, stocked, disputed):
    """What two machines did apart that does not go together: (a sale that lacks edits, a quote priced past its lock)."""
    from tests.browser.chromium import Watch

    watch = Watch(browser)
    seats = [Seat(name, watch.context().new_page(), stocked.addresses[name]) for name in ("office", "R1")]
    bob, ada = seats
    paths = []
    for customer in ("Cora Compared", "Lena Locked"):
        paths.append(bob.new_quote(customer))
        bob.add_line()
        for label, text in (("Description", "Roman shade"), ("Quantity", "2"), ("Price", "100")):
            bob.write(label, text, line=1)
    for path in paths:
        ada.open(path)
        expect(ada.box("Price", line=1)).to_have_value("100.00")
    for seat in seats:
        seat.be(offline=True)
    sale = convert(bob, paths[0])
    bob.open(paths[1])
    bob.page.get_by_role("switch", name="Prices locked").click()
    expect(bob.page.get_by_role("switch", name="Prices locked")).to_be_checked()
    ada.open(paths[0])
    ada.write("Terms", "Half now, half when it hangs")
    ada.write("Quantity", "3", line=1)
    ada.open(paths[1])
    ada.write("Price", "80", line=1)
    for seat in seats:
        seat.be(offline=False)
    expect(ada.page.get_by_role("button", name="Keep").first).to_be_visible()
    bob.open(f"{sale}/quote-changes")
    expect(bob.page.get_by_label("Take over Terms")).to_be_visible()
    watch.close()
    return sale, paths[1]


@pytest.mark.parametrize(("size", "scheme"), LOOKS)
def test_every_screen(request, stocked, disputed, apart, watch, size, scheme):
    look = request.node.callspec.id
    folder = SCREENSHOTS / look
    folder.mkdir(parents=True, exist_ok=True)
    context = watch.context(viewport=size, color_scheme=scheme, has_touch=size == TABLET)
    page = context.new_page()
    seat = Seat("R1", page, stocked.addresses["R1"])
    faults = []

    def shoot(name, path="", *, address="", listens=True):
        if path and listens:
            seat.open(path)
            expect(seat.status).to_contain_text(re.compile("In step|Offline|set aside"))
        elif path or address:
            page.goto(address or seat.address + path)
        page.screenshot(path=folder / f"{name}.png", full_page=True)
        faults.extend(f"{name}: {fault}" for fault in page.evaluate(_FAULTS))

    for name in CENTERS:
        shoot(name, f"/{name}")
    shoot("editor-conflict", disputed)
    shoot("quote-changes", f"{apart[0]}/quote-changes")
    shoot("past-price-lock", apart[1])
    shoot("nothing-found", "/quotes?q=zebra")
    shoot("no-such-page", "/quotes/nothing")
    seat.open("/sales?order=dated")
    sale = page.locator("tbody th a").first.get_attribute("href")
    shoot("sale", sale)
    shoot("payment-record", f"{sale}/payment")
    shoot("cancel", f"{sale}/cancel")
    shoot("print", f"{sale}/print", listens=False)
    shoot("convert", f"{disputed}/convert")
    for center, name in (("customers", "customer"), ("catalogue", "product"), ("payments", "payment")):
        seat.open(f"/{center}")
        link = page.locator("main tbody a").first
        if link.count():
            shoot(name, link.get_attribute("href"))
    seat.open("/customers")
    seat.open(page.locator("main tbody a").first.get_attribute("href"))
    shoot("account", page.get_by_role("link", name="Credit and payments").get_attribute("href"))
    seat.open(sale)
    bought = page.locator("a[href^='/purchase-orders/']").first
    if bought.count():
        shoot("purchase-order", bought.get_attribute("href"))
    seat.open("/quotes")
    page.keyboard.press("Tab")
    shoot("focus-first")
    seat.open(disputed)
    seat.write("Date", "yesterdayish")
    shoot("editor-error")
    # A file that is not what its name says, as a service may leave it behind.
    segment = next(stocked.folder.rglob("s-*.crdts"))
    segment.with_name(f"s-00000099-{'0' * 10}.crdts").write_bytes(segment.read_bytes()[:-40])
    expect(seat.status).to_contain_text("set aside")
    shoot("set-aside", "/set-aside")
    page.goto(stocked.addresses["together"])
    expect(page.frame_locator("iframe").first.get_by_role("heading", name="Quotes")).to_be_visible()
    page.screenshot(path=folder / "overview.png")
    faults.extend(f"overview: {fault}" for fault in page.evaluate(_FAULTS))
    # What is asked for and is not there is answered so; no other page may.
    watch.faults[:] = [
        fault for fault in watch.faults if "/quotes/nothing" not in fault and "status of 404" not in fault
    ]
    assert faults == []


def test_screens_with_nothing_in_them(request, shared_launcher, tmp_path, watch):
    with Launcher(tmp_path, names=("office",)) as launcher:
        seat = Seat("office", watch.context().new_page(), launcher.addresses["office"])
        folder = SCREENSHOTS / "empty"
        folder.mkdir(parents=True, exist_ok=True)
        for name in CENTERS:
            seat.open(f"/{name}")
            seat.page.screenshot(path=folder / f"{name}.png", full_page=True)
            assert seat.page.evaluate(_FAULTS) == []
        # Before the launcher stops: a page whose workstation is gone says so, and that is an error.
        watch.close()
