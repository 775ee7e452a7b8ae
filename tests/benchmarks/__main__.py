"""Run the benchmarks and print a table of ratios."""

import argparse
import asyncio
import json
import platform
import sqlite3
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict
from pathlib import Path

from tests.benchmarks import editing, scale
from tests.benchmarks.measure import Figure

BENCHMARKS: dict[str, Callable[[], Awaitable[list[Figure]]]] = {
    "edit": editing.edit,
    "merge": editing.merge,
    "number": scale.mark_to_number,
    "scale": scale.hundred_thousand,
}


def main() -> int:
    """Run what is asked for; exit code 1 when a budget is not met."""
    parser = argparse.ArgumentParser(prog="python -m tests.benchmarks", description=__doc__)
    parser.add_argument(
        "names", nargs="*", metavar="NAME", help=f"of {', '.join(BENCHMARKS)}; all by default"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures as JSON")
    options = parser.parse_args()
    unknown = sorted(set(options.names) - set(BENCHMARKS))
    if unknown:
        parser.error(f"no benchmark {unknown[0]!r}; there are {', '.join(BENCHMARKS)}")
    figures: list[Figure] = []
    for name in options.names or BENCHMARKS:
        print(f"{name} ...", file=sys.stderr)
        figures += asyncio.run(BENCHMARKS[name]())
    print(f"{'figure':<28}{'measured':>14}{'floor':>14}{'ratio':>8}  {'limit':<10}met")
    for figure in figures:
        floor = (
            ""
            if figure.floor is None
            else f"{figure.floor:,.1f}"
            if figure.floor >= 100
            else f"{figure.floor:.3f}"
        )
        measured = f"{figure.measured:,.1f}" if figure.measured >= 100 else f"{figure.measured:.3f}"
        ratio = "" if figure.ratio is None else f"{figure.ratio:.2f}"
        print(
            f"{figure.name:<28}{measured + ' ' + figure.unit:>14}{floor:>14}{ratio:>8}  {figure.limit:<10}"
            f"{'yes' if figure.met else 'NO'}"
        )
    if options.json:
        machine = {
            "python": platform.python_version(),
            "sqlite": sqlite3.sqlite_version,
            "machine": platform.machine(),
        }
        rows = [{**asdict(figure), "ratio": figure.ratio} for figure in figures]
        options.json.write_text(json.dumps({"machine": machine, "figures": rows}, indent=2) + "\n")
    return 0 if all(figure.met for figure in figures) else 1


if __name__ == "__main__":
    raise SystemExit(main())
