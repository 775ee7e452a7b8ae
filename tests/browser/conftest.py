"""A browser for this package, three workstations, and what every test demands at its end."""

import re
from pathlib import Path

import pytest

SCREENSHOTS = Path(__file__).parent / "screenshots"
_REPORT = pytest.StashKey[pytest.TestReport]()


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if call.when == "call":
        item.stash[_REPORT] = report
    return report


@pytest.fixture(scope="package")
def browser():
    # Not for the whole session: playwright's loop would be in the way of every asynchronous test after it.
    from tests.browser.chromium import started_browser

    with started_browser() as started:
        yield started


@pytest.fixture(scope="package")
def shared_launcher(browser, tmp_path_factory):
    from tests.browser.launcher import Launcher

    with Launcher(tmp_path_factory.mktemp("sales")) as launcher:
        yield launcher


@pytest.fixture
def watch(browser, request):
    """Whatever a page does wrong fails the test that opened it."""
    from tests.browser.chromium import Watch

    watch = Watch(browser)
    yield watch
    if request.node.stash.get(_REPORT, None) is None or request.node.stash[_REPORT].failed:
        SCREENSHOTS.mkdir(exist_ok=True)
        name = re.sub(r"[^\w-]+", "-", request.node.name)
        for place, page in enumerate(watch.pages):
            path = SCREENSHOTS / f"failed-{name}-{place}.png"
            page.screenshot(path=path)
            print(f"{page.url}: {path}")
    watch.close()
    assert watch.faults == []


@pytest.fixture
def launcher(shared_launcher):
    """The three workstations all tests share; what they wrote is shown with a failure."""
    yield shared_launcher
    print(shared_launcher.written())


@pytest.fixture
def sit(launcher, watch):
    """Give a person a seat at a workstation, with a browser of their own."""
    from tests.browser.desk import Seat

    def sit(name, **options):
        seat = Seat(name, watch.context(**options).new_page(), launcher.addresses[name])
        seat.open("/quotes")
        seat.be(offline=False)
        return seat

    return sit


@pytest.fixture
def bob(sit):
    return sit("office")


@pytest.fixture
def ada(sit):
    return sit("R1")


@pytest.fixture
def cleo(sit):
    return sit("R2")


@pytest.fixture
def window(ada):
    """A second window of ada's workstation."""
    from tests.browser.desk import Seat

    return Seat("R1", ada.page.context.new_page(), ada.address)
