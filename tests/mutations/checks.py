"""The checks that a planted bug has to get past, in columns: the simulator, the rest of the kit, the unit tests."""

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from tests.mutations.bug import Bug
from tests.mutations.tree import run


class Column(Enum):
    """Who may notice a bug."""

    SIMULATOR = "simulator"
    KIT = "other checks of the kit"
    UNIT = "unit tests"


class Verdict(Enum):
    """What a column says of a bug."""

    CAUGHT = "caught"
    MISSED = "missed"
    SKIPPED = "skipped"
    """It cannot be run here (no root, no tracer, another system)."""
    NOT_RUN = "not run"
    BROKEN = "broken"
    """The check itself could not be run, which says nothing of the bug."""


@dataclass(frozen=True, slots=True)
class Finding:
    """What came of one column, or of one check of it."""

    verdict: Verdict
    what: str = ""
    """Which check, and what it said."""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """How much is run."""

    seeds: int = 120
    """Schedules of the profile `any`; of `hostile` there are half as many."""
    timeout_s: float = 240.0
    """For one check; one that takes longer is taken for one that never ends."""


NOT_RUN = Finding(Verdict.NOT_RUN)
PROFILES = ("any", "hostile")

_FAILED = re.compile(r"^(?:FAILED|ERROR) (tests/.+?)(?: - (.*))?$", re.MULTILINE)
_PASSED = re.compile(r"\b(\d+) passed")


def has_checks(bug: Bug, column: Column) -> bool:
    """Whether a column has anything to ask about a bug."""
    return {Column.SIMULATOR: bug.is_simulated, Column.KIT: bool(bug.kit), Column.UNIT: bool(bug.unit)}[
        column
    ]


def look(bug: Bug, column: Column, tree: Path, limits: Limits) -> Finding:
    """Run the checks of a column until one notices the bug."""
    began_s = time.monotonic()
    verdicts: list[Finding] = []
    for check in _checks(bug, column, tree, limits):
        try:
            finding = check()
        except subprocess.TimeoutExpired as error:
            finding = Finding(Verdict.CAUGHT, f"{_told(error)} does not end in {limits.timeout_s:.0f} s")
        verdicts.append(finding)
        if finding.verdict in (Verdict.CAUGHT, Verdict.BROKEN):
            break
    if not verdicts:
        return NOT_RUN
    # One that ran and saw nothing says more than one that could not run.
    last = verdicts[-1]
    if last.verdict is Verdict.SKIPPED:
        last = next((item for item in verdicts if item.verdict is Verdict.MISSED), last)
    what = last.what
    if last.verdict is Verdict.MISSED:
        what = ", ".join(item.what for item in verdicts if item.verdict is Verdict.MISSED)
    return Finding(last.verdict, what, time.monotonic() - began_s)


def _checks(bug: Bug, column: Column, tree: Path, limits: Limits) -> Iterator[Callable[[], Finding]]:
    if column is Column.SIMULATOR:
        if bug.is_simulated:
            for profile in PROFILES:
                count = limits.seeds if profile == "any" else max(1, limits.seeds // 2)
                yield lambda profile=profile, count=count: _simulate(tree, profile, count, limits)
        return
    for target in bug.kit if column is Column.KIT else bug.unit:
        yield lambda target=target: _pytest(tree, target, limits)


def _simulate(tree: Path, profile: str, count: int, limits: Limits) -> Finding:
    command = [sys.executable, "-m", "crdtsync.testing", "simulate", "--seeds", f"0:{count}"]
    command += ["--profile", profile, "--no-shrink", "--fail-fast", "--jobs", "1", "--json"]
    done = run(command, tree, timeout_s=limits.timeout_s)
    try:
        told = json.loads(done.stdout)
    except ValueError:
        return Finding(Verdict.BROKEN, f"the simulator ended with {done.returncode}: {done.stderr[-500:]}")
    if not told["violations"]:
        return Finding(Verdict.MISSED, f"{told['schedules']} of {profile}")
    first = told["violations"][0]
    return Finding(Verdict.CAUGHT, f"{profile}, seed {first['seed']}: {first['violations'][0]}")


def _pytest(tree: Path, target: str, limits: Limits) -> Finding:
    command = [sys.executable, "-m", "pytest", "-q", "-x", "-rfE", "--no-header", "--tb=no", target]
    if "::" not in target:
        command += ["-m", "not slow"]
    done = run(command, tree, timeout_s=limits.timeout_s)
    failed = _FAILED.search(done.stdout)
    if done.returncode == 1 and failed is not None:
        return Finding(Verdict.CAUGHT, f"{failed[1]}: {failed[2] or ''}".rstrip(": "))
    if done.returncode not in (0, 5):
        return Finding(Verdict.BROKEN, f"pytest {target} ended with {done.returncode}: {done.stdout[-500:]}")
    passed = _PASSED.search(done.stdout)
    if passed is None:
        return Finding(Verdict.SKIPPED, target)
    return Finding(Verdict.MISSED, f"{target}: {passed[1]} passed")


def _told(error: subprocess.TimeoutExpired) -> str:
    command = error.cmd if isinstance(error.cmd, list) else [str(error.cmd)]
    return (
        "the simulator"
        if "simulate" in command
        else next((part for part in command if part.startswith("tests/")), "it")
    )
