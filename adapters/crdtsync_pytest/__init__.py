"""The pytest plug-in: a fleet as a fixture, told what to be by a marker, with a line that replays a failure.

pytest loads this in every run of whoever has crdtsync installed: it imports nothing of crdtsync until a fixture is
used. Two rules of pytest decide the rest: fixtures are ordinary functions, so that tests may be ``async def`` under
any plug-in, or plain functions that call `asyncio.run`; and a fixture of the same name in a project comes first.
"""

from __future__ import annotations

import secrets
import typing
from typing import Any

import pytest

if typing.TYPE_CHECKING:
    from collections.abc import Generator, Iterator

    from crdtsync import Document
    from crdtsync.testing import Fleet, Member

SEED_BITS = 32
TRACE_LINES_SHOWN = 30

_MARKER = (
    "fleet(kinds, workstations=2, profile='dropbox', seed=None, lock_while_numbering=False): "
    "what the fixtures fleet, office and workstations are to be; see crdtsync.testing.Fleet"
)
_fleet_of_item = pytest.StashKey["Fleet"]()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the option that replays a fleet."""
    parser.getgroup("crdtsync").addoption(
        "--fleet-seed",
        type=int,
        default=None,
        metavar="N",
        help="run every fleet with this seed; by default that of its marker, or a new one each time",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make the marker known."""
    config.addinivalue_line("markers", _MARKER)


@pytest.fixture
def fleet_kinds() -> list[type[Document]]:
    """Return the document classes of a fleet whose marker names none; to be overridden in a conftest.py."""
    from crdtsync.errors import UsageError  # noqa: PLC0415 - see above

    raise UsageError(
        "a fleet needs the document classes of the application",
        hint="Write @pytest.mark.fleet(kinds=[Quote]), or a fixture fleet_kinds that returns them",
    )


@pytest.fixture
def fleet(request: pytest.FixtureRequest) -> Iterator[Fleet]:
    """Yield an office and workstations over a folder with faults, on virtual time."""
    from crdtsync.testing import Fleet  # noqa: PLC0415 - see above

    options: dict[str, Any] = {}
    for marker in reversed(list(request.node.iter_markers("fleet"))):
        options |= marker.kwargs
    if "kinds" not in options:
        options["kinds"] = request.getfixturevalue("fleet_kinds")
    given = request.config.getoption("--fleet-seed")
    if given is not None:
        options["seed"] = given
    if options.get("seed") is None:
        options["seed"] = secrets.randbits(SEED_BITS)
    with Fleet(**options) as opened:
        request.node.stash[_fleet_of_item] = opened
        yield opened


@pytest.fixture
def office(fleet: Fleet) -> Member:
    """Return the office of the fleet."""
    return fleet.office


@pytest.fixture
def workstations(fleet: Fleet) -> list[Member]:
    """Return the workstations of the fleet."""
    return fleet.workstations


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Say of a test that failed how to run it again with the same fleet, and what its fleet did."""
    report = yield
    opened = item.stash.get(_fleet_of_item, None)
    if report.failed and opened is not None:
        lines = [f'replay: python -m pytest "{item.nodeid}" --fleet-seed={opened.seed}']
        hidden = len(opened.trace) - TRACE_LINES_SHOWN
        lines += [f"({hidden} earlier steps)"] if hidden > 0 else []
        lines += opened.trace[-TRACE_LINES_SHOWN:]
        report.sections.append(("fleet", "\n".join(lines)))
    return report
