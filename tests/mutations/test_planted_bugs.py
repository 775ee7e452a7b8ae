"""Every planted bug can still be planted, is in the documentation, and some of them are caught in every build."""

import json
import os
import re
from pathlib import Path

import pytest

from tests.mutations.bug import Bug, DoesNotApplyError, Edit, check_applies, plant
from tests.mutations.checks import Column, Finding, Limits, Verdict
from tests.mutations.report import SURVIVED, from_json, line_of, markdown, to_json
from tests.mutations.runner import Result, run_bug
from tests.mutations.table import BUGS
from tests.mutations.tree import ROOT

PAGE = ROOT / "docs" / "planted-bugs.md"
KEPT = Path(__file__).with_name("results.json")
SAMPLE_SIZE = 5
LIMITS = Limits(seeds=100, timeout_s=120)


def sample() -> list[Bug]:
    """Return as many bugs as a build has time for, or those that are asked for by the environment."""
    asked = os.environ.get("CRDTSYNC_PLANTED_BUGS", "").split()
    if asked:
        return [bug for bug in BUGS if bug.name in asked]
    # One of every few, so that each of the files of the table has its turn.
    return list(BUGS[:: len(BUGS) // SAMPLE_SIZE])[:SAMPLE_SIZE]


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_every_bug_can_be_planted(bug):
    check_applies(bug, ROOT)


def test_names_are_told_apart_and_every_bug_breaks_something():
    assert len({bug.name for bug in BUGS}) == len(BUGS) >= 30
    assert all(bug.breaks and bug.what and bug.edits for bug in BUGS)


@pytest.mark.parametrize("bug", BUGS, ids=lambda bug: bug.name)
def test_every_check_that_may_notice_a_bug_is_there(bug):
    for target in (*bug.kit, *bug.unit):
        file, _, test = target.partition("::")
        path = ROOT / file
        assert path.exists(), target
        if test:
            assert f"def {test.partition('[')[0]}(" in path.read_text(encoding="utf-8"), target
    assert bug.is_simulated or bug.kit, "only unit tests would notice it"


def test_the_page_lists_every_bug_and_who_caught_it():
    rows = dict(re.findall(r"^\| `([a-z-]+)` \| (.*)$", PAGE.read_text(encoding="utf-8"), re.MULTILINE))
    assert set(rows) == {bug.name for bug in BUGS}
    assert [name for name, row in rows.items() if "**" not in row] == [], "survivors"


def test_a_bug_that_does_not_fit_any_more_is_told(tmp_path):
    (tmp_path / "code.py").write_text("a = 1\nb = 1\n", encoding="utf-8")
    twice = Bug(name="twice", what="", breaks="", edits=(Edit("code.py", "= 1", "= 2"),))
    absent = Bug(name="absent", what="", breaks="", edits=(Edit("code.py", "c = 1", "c = 2"),))
    no_code = Bug(name="no-code", what="", breaks="", edits=(Edit("code.py", "b = 1", "b = = 1"),))
    for bug in (twice, absent):
        with pytest.raises(DoesNotApplyError):
            plant(bug, tmp_path)
    with pytest.raises(SyntaxError):
        plant(no_code, tmp_path)
    assert (tmp_path / "code.py").read_text(encoding="utf-8") == "a = 1\nb = 1\n"

    plant(Bug(name="b", what="", breaks="", edits=(Edit("code.py", "b = 1", "b = 2"),)), tmp_path)
    assert (tmp_path / "code.py").read_text(encoding="utf-8") == "a = 1\nb = 2\n"


def test_results_are_kept_and_shown():
    bug = BUGS[-1]
    caught = Result(bug, {Column.KIT: Finding(Verdict.CAUGHT, "tests/x.py::test_y: a | b", 2.0)}, 3.0)
    survived = Result(bug, {Column.SIMULATOR: Finding(Verdict.MISSED, "120 of any", 9.0)}, 9.0)
    assert from_json(BUGS, json.dumps(to_json([caught]))) == [caught]
    assert (caught.caught_by, survived.caught_by) == (Column.KIT, None)
    assert SURVIVED in line_of(survived)
    assert "| **tests/x.py::test_y: a / b** (2 s) |" in markdown([caught])
    assert "| no (120 of any) |" in markdown([survived])


@pytest.mark.slow
@pytest.mark.parametrize("bug", sample(), ids=lambda bug: bug.name)
def test_a_planted_bug_is_caught(bug):
    known = {known.bug.name: known.cheapest for known in from_json(BUGS, KEPT.read_text(encoding="utf-8"))}
    result = run_bug(bug, limits=LIMITS, columns=(Column.SIMULATOR, Column.KIT), first=known.get(bug.name))
    assert not result.is_broken, line_of(result)
    assert result.caught_by is not None, line_of(result)


def test_the_tree_that_is_copied_is_this_one():
    assert (ROOT / "crdtsync" / "__init__.py").is_file()
    assert Path(__file__).is_relative_to(ROOT)
