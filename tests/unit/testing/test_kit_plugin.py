"""Goal: an author of an application gets a fleet by a marker, and a line that replays a failure.

Method: pytest runs small test files of an imaginary project, in this process where nothing else is asked.
"""

import importlib
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

pytest_plugins = ["pytester"]
ROOT = Path(__file__).parents[3]

SHOP = """
from crdtsync import Document, Series

class Quote(Document, kind="quote", series=Series("quotes", "Q-{number:05d}")):
    customer: str
"""

STORY = """
import pytest
from shop import Quote
from crdtsync.testing import assert_converged

@pytest.mark.fleet(kinds=[Quote], workstations=3, profile="syncthing", seed=5)
async def test_story(fleet, office, workstations):
    assert office is fleet.office
    assert [member.name for member in workstations] == ["R1", "R2", "R3"]
    assert (fleet.seed, fleet.place.profile.name) == (5, "syncthing")
    async with workstations[0].replica.edit(Quote) as quote:
        quote.customer = "Ada"
    await workstations[0].replica.mark_for_sync(quote.id)
    await fleet.churn(20)
    await fleet.settle()
    await assert_converged(*(member.replica for member in fleet.members))
    assert (await office.replica.get(Quote, quote.id)).number == "Q-00001"
"""

FAILING = """
import asyncio
import pytest
from shop import Quote

@pytest.mark.fleet(kinds=[Quote])
def test_that_fails(fleet):
    asyncio.run(fleet.churn(120))
    print("random:", fleet.trace[-1], fleet.office.replica.id)
    assert False
"""


@pytest.fixture
def project(pytester, monkeypatch):
    """A project with document classes, run with this plug-in and pytest-asyncio alone."""
    monkeypatch.setenv("PYTEST_DISABLE_PLUGIN_AUTOLOAD", "1")
    pytester.makepyfile(shop=SHOP)
    pytester.makeini("[pytest]\nasyncio_mode = auto\nasyncio_default_fixture_loop_scope = function\n")
    pytester.syspathinsert()
    yield pytester
    sys.modules.pop("shop", None)


def run(project, *options):
    plugins = ("-p", "crdtsync_pytest", "-p", "pytest_asyncio.plugin", "-p", "no:cacheprovider")
    return project.runpytest_inprocess(*plugins, "--strict-markers", *options)


def test_a_marker_says_what_the_fleet_is(project):
    project.makepyfile(STORY)
    run(project).assert_outcomes(passed=1)


def test_a_plain_function_may_run_its_own_loop(project):
    project.makepyfile(FAILING.replace("assert False", "assert True"))
    run(project).assert_outcomes(passed=1)


def test_a_failure_is_replayed_by_the_line_it_prints(project):
    project.makepyfile(test_it=FAILING)
    first = run(project)
    first.assert_outcomes(failed=1)
    text = first.stdout.str()
    [(line, seed)] = re.findall(r"^(replay: python -m pytest .* --fleet-seed=(\d+))$", text, re.MULTILINE)
    assert line == f'replay: python -m pytest "test_it.py::test_that_fails" --fleet-seed={seed}'
    assert "- fleet -" in text
    assert re.search(r"^\(\d+ earlier steps\)$", text, re.MULTILINE)

    again = run(project, "test_it.py::test_that_fails", f"--fleet-seed={seed}").stdout.str()
    other = run(project, "test_it.py::test_that_fails", f"--fleet-seed={int(seed) + 1}").stdout.str()
    happened = [re.search("^random: .*$", output, re.MULTILINE).group() for output in (text, again, other)]
    assert happened[0] == happened[1] != happened[2]


def test_every_run_draws_another_seed(project):
    project.makepyfile(test_it=FAILING)
    lines = {re.search("--fleet-seed=.*", run(project).stdout.str()).group() for _ in range(2)}
    assert len(lines) == 2


def test_the_option_wins_over_the_marker(project):
    project.makepyfile(STORY.replace("== (5,", "== (6,"))
    run(project, "--fleet-seed=6").assert_outcomes(passed=1)


def test_a_test_that_passes_says_nothing(project):
    project.makepyfile(STORY)
    assert "replay" not in run(project, "-rA").stdout.str()


def test_classes_may_come_from_a_fixture_of_the_project(project):
    project.makeconftest(
        "import pytest\nfrom shop import Quote\n\n@pytest.fixture\ndef fleet_kinds():\n    return [Quote]\n"
    )
    project.makepyfile("def test_it(fleet, office):\n    assert office.replica.kinds() == ['quote']\n")
    run(project).assert_outcomes(passed=1)


def test_without_classes_it_says_what_to_write(project):
    project.makepyfile("def test_it(fleet):\n    pass\n")
    result = run(project)
    result.assert_outcomes(errors=1)
    result.stdout.fnmatch_lines(["*Write @pytest.mark.fleet(kinds=[[]Quote]*"])


def test_markers_of_a_module_and_of_a_test_add_up(project):
    project.makepyfile(
        "import pytest\nfrom shop import Quote\n"
        "pytestmark = pytest.mark.fleet(kinds=[Quote], workstations=1)\n\n"
        "@pytest.mark.fleet(workstations=4)\n"
        "def test_it(workstations):\n    assert len(workstations) == 4\n"
    )
    run(project).assert_outcomes(passed=1)


def test_the_databases_are_gone_after_the_test(project):
    project.makepyfile(
        "import pytest\nfrom shop import Quote\nfound = []\n\n"
        "@pytest.mark.fleet(kinds=[Quote])\n"
        "def test_it(office):\n    found.append(office.directory)\n\n"
        "def test_later():\n    assert not found[0].exists()\n"
    )
    run(project).assert_outcomes(passed=2)


def test_the_plug_in_is_found_by_its_entry_point():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    [module] = project["project"]["entry-points"]["pytest11"].values()
    assert hasattr(importlib.import_module(module), "pytest_addoption")
    assert f"adapters/{module}" in project["tool"]["hatch"]["build"]["targets"]["wheel"]["packages"]


def test_loading_the_plug_in_imports_nothing_of_crdtsync():
    code = (
        "import sys, pytest; before = set(sys.modules); import crdtsync_pytest; "
        "print([m for m in set(sys.modules) - before if m.partition('.')[0] in ('crdtsync', 'pycrdt', 'hypothesis')])"
    )
    ran = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT / "adapters", capture_output=True, text=True, check=True
    )
    assert ran.stdout == "[]\n"
