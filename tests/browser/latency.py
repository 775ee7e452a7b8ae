"""How long a click on one side takes to be seen on the other: `python -m tests.browser.latency [--syncthing]`.

Both clocks are the pages' own, on one machine: from the change of a field on the one page to the frame in which the
other page shows it. Over Syncthing its own hop, a bare file from folder to folder, is measured beside it.
"""

import argparse
import statistics
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tests.browser.chromium import Watch, expect, started_browser
from tests.browser.desk import Seat
from tests.browser.launcher import Launcher

TIMES = 25
FOLDER_TARGET_MS = 400
SYNCTHING_TARGET_MS = 500
"""Beyond the hop of Syncthing itself."""
PROBE_POLL_S = 0.005
PROBE_DEADLINE_S = 30.0

_LISTEN = """() => document.addEventListener("change", () => { window.changedAt = Date.now(); }, true)"""
_AWAIT = """(text) => { window.shownAt = new Promise((resolve) => {
  const look = () => [...document.querySelectorAll("input")].some((box) => box.value === text) ? resolve(Date.now()) : requestAnimationFrame(look);
  look();
}); }"""


def latencies_ms(writer: Seat, reader: Seat, times: int) -> list[int]:
    """Change a field on one page and wait for it on another, some times."""
    found = []
    writer.page.evaluate(_LISTEN)
    for number in range(times):
        text = f"terms {number}"
        reader.page.evaluate(_AWAIT, text)
        writer.write("Terms", text)
        found.append(
            reader.page.evaluate("() => window.shownAt") - writer.page.evaluate("() => window.changedAt")
        )
    return found


def together(writer: Seat, reader: Seat) -> None:
    """Make a quote on one side and open it on both."""
    path = writer.new_quote("Latency")
    writer.page.get_by_role("button", name="Mark for sync").click()
    expect(writer.page.get_by_text("On the main system")).to_be_visible(timeout=60_000)
    reader.open(path)


def hops_ms(writer: Path, reader: Path, times: int) -> list[float]:
    """Write bare files into one folder and wait for them in another."""
    found = []
    for number in range(times):
        name = f"probe-{number}"
        began = time.perf_counter()
        (writer / name).write_bytes(b"x" * 300)
        while not (reader / name).exists():
            assert time.perf_counter() - began < PROBE_DEADLINE_S, f"{name} does not arrive"
            time.sleep(PROBE_POLL_S)
        found.append((time.perf_counter() - began) * 1000)
    return found


def told(name: str, found: list[float] | list[int], target_ms: float | None) -> float:
    """Print what was measured; return the median."""
    median = statistics.median(found)
    slow = statistics.quantiles(found, n=10)[-1]
    print(
        f"{name}: median {median:.0f} ms{f' of {target_ms:.0f} ms' if target_ms else ''}, nine of ten within {slow:.0f} ms, "
        f"slowest {max(found):.0f} ms, {len(found)} times"
    )
    return median


def main() -> int:
    """Measure, and tell."""
    parser = argparse.ArgumentParser(prog="python -m tests.browser.latency", description=__doc__)
    parser.add_argument("--syncthing", action="store_true", help="over three real Syncthings as well")
    parser.add_argument("--times", type=int, default=TIMES, help=f"how often ({TIMES})")
    given = parser.parse_args()
    with ExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        browser = stack.enter_context(started_browser())
        with Launcher(directory / "plain", names=("office", "R1")) as launcher:
            watch = Watch(browser)
            bob, ada = (
                Seat(name, watch.context().new_page(), launcher.addresses[name]) for name in ("office", "R1")
            )
            together(ada, bob)
            told("plain folder, workstation to office", latencies_ms(ada, bob, given.times), FOLDER_TARGET_MS)
            told("plain folder, office to workstation", latencies_ms(bob, ada, given.times), FOLDER_TARGET_MS)
            watch.close()
        if given.syncthing:
            _over_syncthing(stack, directory / "synced", browser, given.times)
    return 0


def _over_syncthing(stack: ExitStack, directory: Path, browser, times: int) -> None:
    from tests.services.syncthing import Network

    network = Network(directory, ("office", "R1"))
    stack.callback(network.end)
    network.start()
    watch = Watch(browser)
    seats = []
    for daemon in network.daemons:
        launcher = stack.enter_context(
            Launcher(directory / f"at-{daemon.name}", names=(daemon.name,), folder=daemon.root / "sales")
        )
        seats.append(Seat(daemon.name, watch.context().new_page(), launcher.addresses[daemon.name]))
    bob, ada = seats
    for seat in seats:
        seat.open("/quotes")
    together(ada, bob)
    office, workstation = network.daemons
    hop_ms = told("Syncthing's own hop", hops_ms(workstation.root, office.root, times), None)
    median_ms = told("over Syncthing", latencies_ms(ada, bob, times), hop_ms + SYNCTHING_TARGET_MS)
    print(f"beyond the hop: {median_ms - hop_ms:.0f} ms of {SYNCTHING_TARGET_MS} ms")
    watch.close()


if __name__ == "__main__":
    raise SystemExit(main())
