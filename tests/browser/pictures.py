"""The pictures of the documentation: `python -m tests.browser.pictures`, which needs Pillow to make them small.

An office and two workstations with a little work done; the same pages each time, as a person sees them at 1280 x 800.
"""

import re
import tempfile
from pathlib import Path

from PIL import Image

from tests.browser.chromium import DESKTOP, Watch, expect, started_browser
from tests.browser.desk import Seat
from tests.browser.goods import stock
from tests.browser.launcher import Launcher

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
BYTES_MAX = 60_000
COLORS = 160
DEALS = 16


def take() -> None:
    """Take all of them anew."""
    PICTURES.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as made, started_browser() as browser:
        directory = Path(made)
        stock(directory / "data", deals=DEALS)
        with Launcher(directory) as launcher:
            watch = Watch(browser)
            bob, ada = (
                Seat(name, watch.context(color_scheme="light").new_page(), launcher.addresses[name])
                for name in ("office", "R1")
            )
            path = _dispute(ada, bob)
            together = watch.context(viewport=DESKTOP, color_scheme="light").new_page()
            together.goto(launcher.addresses["together"])
            ada.be(offline=True)
            for name in ("office", "R1", "R2"):
                frame = together.frame_locator(f"iframe[title={name}]")
                expect(frame.get_by_role("heading", name="Quotes")).to_be_visible()
            expect(together.get_by_role("switch", name="Offline")).to_have_count(1)
            _keep(together, "side-by-side")
            ada.be(offline=False)
            expect(ada.status).to_contain_text("In step")
            ada.open(path)
            _keep(ada.page, "editor")
            ada.open("/conflicts")
            _keep(ada.page, "conflict")
            bob.open("/folder")
            expect(bob.page.locator(".tile").first).to_be_visible()
            # Where it was taken is nobody's business.
            bob.page.evaluate(
                "(from) => { const node = [...document.querySelectorAll('main p')].find((p) => p.textContent.includes(from)); node.textContent = node.textContent.replace(from, '~/Dropbox/sales'); }",
                str(launcher.folder.resolve()),
            )
            _keep(bob.page, "folder")
            watch.close()


def _dispute(ada: Seat, bob: Seat) -> str:
    """Let both write the same field apart; return where."""
    ada.open("/quotes?status=open+quote")
    numbered = ada.page.get_by_role("rowheader", name=re.compile("^Q-000"))
    expect(numbered.first).to_be_visible(timeout=60_000)
    path = str(numbered.nth(2).get_by_role("link").get_attribute("href"))
    for seat in (ada, bob):
        seat.open(path)
        seat.be(offline=True)
    ada.write("Quantity", "7", line=1)
    bob.write("Quantity", "9", line=1)
    bob.write("Terms", "half in advance")
    for seat in (ada, bob):
        seat.be(offline=False)
    for seat in (ada, bob):
        expect(seat.page.get_by_text("written by two people apart")).to_be_visible()
    return path


def _keep(page, name: str) -> None:
    """Keep what is seen as a small picture."""
    file = PICTURES / f"{name}.png"
    page.screenshot(path=file)
    with Image.open(file) as picture:
        small = picture.convert("RGB").quantize(COLORS, dither=Image.Dither.NONE)
    small.save(file, optimize=True)
    size_bytes = file.stat().st_size
    assert size_bytes <= BYTES_MAX, f"{file.name} has {size_bytes} bytes"
    print(f"{size_bytes:>7} {file.name}")


if __name__ == "__main__":
    take()
