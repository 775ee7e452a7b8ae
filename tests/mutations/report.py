"""What was found, as lines for a person, as JSON, and as the table of docs/planted-bugs.md."""

import json
from collections.abc import Sequence
from typing import Any

from tests.mutations.bug import Bug
from tests.mutations.checks import Column, Finding, Verdict
from tests.mutations.runner import Result

CELL_CHARS_MAX = 150

SURVIVED = "SURVIVED"


def line_of(result: Result) -> str:
    """Return what came of a bug, in one line."""
    column = result.caught_by
    if column is not None:
        said = f"{column.value}: {result.of(column).what}"
    elif result.is_broken:
        said = "BROKEN " + "; ".join(f.what for f in result.findings.values() if f.verdict is Verdict.BROKEN)
    else:
        said = SURVIVED
    return f"{result.bug.name:36} {result.seconds:6.1f} s  {said}"


def to_json(results: Sequence[Result]) -> list[dict[str, Any]]:
    """Return the results as plain data."""
    return [
        {
            "name": result.bug.name,
            "breaks": result.bug.breaks,
            "caught_by": None if result.caught_by is None else result.caught_by.value,
            "seconds": round(result.seconds, 1),
            "columns": {
                column.value: {
                    "verdict": finding.verdict.value,
                    "what": finding.what,
                    "seconds": round(finding.seconds, 1),
                }
                for column, finding in result.findings.items()
            },
        }
        for result in results
    ]


def from_json(bugs: Sequence[Bug], text: str) -> list[Result]:
    """Return the results that `to_json` gave, of those bugs that still exist."""
    told = {item["name"]: item for item in json.loads(text)}
    return [
        Result(
            bug,
            {
                Column(name): Finding(Verdict(cell["verdict"]), cell["what"], cell["seconds"])
                for name, cell in told[bug.name]["columns"].items()
            },
            told[bug.name]["seconds"],
        )
        for bug in bugs
        if bug.name in told
    ]


def markdown(results: Sequence[Result]) -> str:
    """Return the table of the documentation."""
    lines = [
        "| bug | what the code does with it | breaks | "
        + " | ".join(column.value for column in Column)
        + " |",
        "| --- | --- | --- | " + " | ".join("---" for _ in Column) + " |",
    ]
    for result in results:
        cells = [_cell(result.bug, column, result.of(column)) for column in Column]
        lines.append(
            f"| `{result.bug.name}` | {result.bug.what} | {result.bug.breaks} | {' | '.join(cells)} |"
        )
    return "\n".join(lines) + "\n"


def _cell(bug: Bug, column: Column, finding: Finding) -> str:
    match finding.verdict:
        case Verdict.CAUGHT:
            return f"**{_shortened(finding.what)}** ({finding.seconds:.0f} s)"
        case Verdict.MISSED:
            return "no" + (f" ({finding.what})" if column is Column.SIMULATOR else "")
        case Verdict.NOT_RUN if column is Column.SIMULATOR and not bug.is_simulated:
            return "out of its reach"
        case Verdict.NOT_RUN:
            return "not asked"
        case Verdict.SKIPPED:
            return "could not be run"
        case Verdict.BROKEN:
            return "broken"


def _shortened(text: str) -> str:
    text = " ".join(text.replace("|", "/").split())
    return text if len(text) <= CELL_CHARS_MAX else f"{text[: CELL_CHARS_MAX - 3]}..."
