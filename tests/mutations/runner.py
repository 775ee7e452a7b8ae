"""Plants bugs one at a time, each into a copy of its own, and asks the columns what they see."""

import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType

from tests.mutations.bug import Bug, plant
from tests.mutations.checks import NOT_RUN, Column, Finding, Limits, Verdict, look
from tests.mutations.table import BUGS
from tests.mutations.tree import ROOT, copy_tree, require_own

NOTHING = Bug(
    name="nothing",
    what="no bug is planted: whatever is seen now is seen wrongly",
    breaks="",
    edits=(),
    kit=tuple(dict.fromkeys(target for bug in BUGS for target in bug.kit)),
    unit=tuple(dict.fromkeys(target for bug in BUGS for target in bug.unit)),
)
"""Has all the checks that any bug has."""


@dataclass(slots=True)
class Result:
    """What came of one planted bug."""

    bug: Bug
    findings: dict[Column, Finding] = field(default_factory=dict)
    seconds: float = 0.0

    @property
    def caught_by(self) -> Column | None:
        """The first column that noticed it; None: it survived what was run."""
        return next((c for c in Column if self.of(c).verdict is Verdict.CAUGHT), None)

    @property
    def is_broken(self) -> bool:
        """Whether a check could not be run at all."""
        return any(finding.verdict is Verdict.BROKEN for finding in self.findings.values())

    @property
    def cheapest(self) -> Column | None:
        """The column that noticed it in the shortest time."""
        caught = [column for column in Column if self.of(column).verdict is Verdict.CAUGHT]
        return min(caught, key=lambda column: self.of(column).seconds, default=None)

    def of(self, column: Column) -> Finding:
        """What a column said; `NOT_RUN` if it was not asked."""
        return self.findings.get(column, NOT_RUN)


def run_bug(
    bug: Bug,
    *,
    limits: Limits,
    columns: Sequence[Column],
    asks_all: bool = False,
    first: Column | None = None,
    root: Path = ROOT,
) -> Result:
    """Plant a bug and run columns until one notices it, or all of them.

    Args:
        bug: which one.
        limits: how much each column runs.
        columns: which ones, in the order of their cost.
        asks_all: whether to go on after one has noticed it.
        first: the one that is expected to notice it, and is asked before the others.
        root: the tree to copy.
    """
    began_s = time.monotonic()
    result = Result(bug)
    order = sorted(columns, key=lambda column: column is not first)
    with tempfile.TemporaryDirectory(prefix="planted-", ignore_cleanup_errors=True) as directory:
        tree = Path(directory, "tree")
        copy_tree(root, tree)
        plant(bug, tree)
        require_own(tree)
        for column in order:
            result.findings[column] = look(bug, column, tree, limits)
            if result.findings[column].verdict is Verdict.CAUGHT and not asks_all:
                break
    result.seconds = time.monotonic() - began_s
    return result


def run_bugs(
    bugs: Sequence[Bug],
    *,
    limits: Limits,
    columns: Sequence[Column] = tuple(Column),
    asks_all: bool = False,
    jobs: int = 1,
    first: Mapping[str, Column | None] = MappingProxyType({}),
    on_result: Callable[[Result], None] | None = None,
) -> list[Result]:
    """Run bugs, some at a time, and return what came of each, in their order; see `run_bug`."""
    results: dict[str, Result] = {}
    with ThreadPoolExecutor(jobs) as pool:

        def one(bug: Bug) -> None:
            expected = first.get(bug.name)
            result = run_bug(bug, limits=limits, columns=columns, asks_all=asks_all, first=expected)
            results[bug.name] = result
            if on_result is not None:
                on_result(result)

        for done in [pool.submit(one, bug) for bug in bugs]:
            done.result()
    return [results[bug.name] for bug in bugs]
