"""The command line of the sales example: ``python -m examples.sales run``."""

import argparse
import asyncio
import json
import shlex
import sys
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.table import Table

from crdtsync.errors import CrdtSyncError
from examples.sales.display import Display
from examples.sales.invoices import Rejections
from examples.sales.job import NeverQuietError, Plan, run
from examples.sales.outcome import Outcome, as_json

EXIT_FAULTY = 1
EXIT_IMPOSSIBLE = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line; return 0, 1 if the replicas do not agree, or 2 if it could not run."""
    given = _parser().parse_args(arguments)
    plan = Plan(given.documents, given.workstations, given.seed, given.invoices, given.keep)
    rejections = Rejections()
    try:
        with Display(is_silent=given.json) as display:
            outcome = asyncio.run(run(plan, rejections, display))
    except (OSError, ValueError, CrdtSyncError, NeverQuietError) as error:
        sys.stderr.write(f"{error}\n")
        return EXIT_IMPOSSIBLE
    if given.json:
        facts = as_json(outcome, rejections, display.seconds, seed=plan.seed, replay=replay_of(plan))
        sys.stdout.write(json.dumps(facts) + "\n")
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
    job.add_argument("--invoices", type=Path, metavar="FILE", help="CSV or .csv.gz; generated without it")
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
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("at least 1")
    return number


def _show(outcome: Outcome, rejections: Rejections, replay: str) -> None:
    table = Table(show_header=False)
    for name in outcome.__slots__:
        table.add_row(name.replace("_", " "), str(getattr(outcome, name)))
    table.add_row("rejected lines", str(rejections.count))
    console = Console(stderr=True)
    console.print(table)
    for rejected in rejections.first:
        console.print(f"line {rejected.line}: {rejected.reason}", markup=False)
    console.print("Nothing lost, doubled or left over." if outcome.is_good else f"Faults: {outcome.faults}")
    console.print(f"Again: {replay}", markup=False)


if __name__ == "__main__":
    sys.exit(main())
