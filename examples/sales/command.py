"""The command line of the sales example: what ``python -m examples.sales`` does."""

import argparse
import asyncio
import json
import os
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from crdtsync.errors import CrdtSyncError
from examples.sales.display import Display
from examples.sales.invoices import COLUMNS, DATE_EXAMPLE, Rejections
from examples.sales.job import NeverQuietError, Plan, run
from examples.sales.outcome import Outcome, as_json

EXIT_FAULTY = 1
EXIT_IMPOSSIBLE = 2
EXIT_NO_READER = 141


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, 1 if the replicas do not agree, or 2 if it could not run."""
    given = _parser().parse_args(arguments)
    plan = Plan(given.documents, given.workstations, given.seed, given.invoices, given.keep)
    rejections = Rejections()
    try:
        with Display(is_silent=given.json) as display:
            outcome = asyncio.run(run(plan, rejections, display))
    except (OSError, ValueError, CrdtSyncError, NeverQuietError) as error:
        sys.stderr.write(f"error: {_told(error)}\n{_lines_of(rejections)}")
        return EXIT_IMPOSSIBLE
    if given.json:
        facts = as_json(outcome, rejections, display.seconds, seed=plan.seed, replay=replay_of(plan))
        if not _print(json.dumps(facts) + "\n"):
            return EXIT_NO_READER
    else:
        _show(outcome, rejections, replay_of(plan))
    return 0 if outcome.is_good else EXIT_FAULTY


def replay_of(plan: Plan) -> str:
    """Return the command that does the same again."""
    words = ["python", "-m", "examples.sales", "run"]
    if plan.invoices is not None:
        words += ["--invoices", str(plan.invoices)]
    words += [
        "--documents",
        str(plan.documents),
        "--workstations",
        str(plan.workstations),
        "--seed",
        str(plan.seed),
    ]
    return shlex.join(words)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m examples.sales", description="A sales application on crdtsync."
    )
    commands = parser.add_subparsers(required=True)
    job = commands.add_parser(
        "run", help="sell while apart, sync, edit on both sides, sync again, and compare"
    )
    job.add_argument(
        "--invoices",
        type=Path,
        metavar="FILE",
        help=f"CSV or .csv.gz with the columns {', '.join(COLUMNS)}, and dates as in {DATE_EXAMPLE}; "
        "generated without it",
    )
    job.add_argument(
        "--documents", type=_at_least_one, default=60, metavar="N", help="how many invoices (60)"
    )
    job.add_argument(
        "--workstations", type=_at_least_one, default=2, metavar="N", help="beside the office (2)"
    )
    job.add_argument("--seed", type=int, default=1, metavar="S", help="of all that is left to chance (1)")
    job.add_argument("--keep", type=Path, metavar="DIR", help="a new directory for databases and folder")
    job.add_argument("--json", action="store_true", help="print one JSON object and nothing else")
    return parser


def _at_least_one(text: str) -> int:
    try:
        number = int(text)
    except ValueError:
        number = 0
    if number < 1:
        raise argparse.ArgumentTypeError("a whole number, at least 1")
    return number


def _told(error: Exception) -> str:
    if isinstance(error, OSError) and error.strerror and error.filename:
        return f"{error.filename}: {error.strerror}"
    return str(error)


def _lines_of(rejections: Rejections) -> str:
    lines = [f"line {rejected.line}: {rejected.reason}\n" for rejected in rejections.first]
    more = rejections.count - len(lines)
    return "".join(lines) + (f"and {more} more\n" if more else "")


def _print(text: str) -> bool:
    """Print on standard output; return whether anybody reads it."""
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except BrokenPipeError:
        # Else the interpreter fails once more when it ends.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True


def _show(outcome: Outcome, rejections: Rejections, replay: str) -> None:
    table = Table(show_header=False)
    for name in outcome.__slots__:
        value = getattr(outcome, name)
        if isinstance(value, dict):
            value = ", ".join(f"{key} {count}" for key, count in value.items())
        table.add_row(name.replace("_", " "), str(value))
    table.add_row("rejected lines", str(rejections.count))
    console = Console(stderr=True)
    console.print(table)
    console.print(_lines_of(rejections), end="", markup=False, highlight=False, soft_wrap=True)
    console.print(
        "Nothing lost, doubled or left over." if outcome.is_good else f"Faults: {', '.join(outcome.faults)}"
    )
    console.print(f"Again: {replay}", markup=False, highlight=False, soft_wrap=True)
