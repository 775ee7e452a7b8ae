"""`python -m tests.mutations`: plant the bugs, and tell which check notices each."""

import argparse
import json
import sys
import threading
from pathlib import Path

from tests.mutations.bug import Bug, check_applies
from tests.mutations.checks import Column, Limits, Verdict, has_checks
from tests.mutations.report import from_json, line_of, markdown, to_json
from tests.mutations.runner import NOTHING, Result, run_bugs
from tests.mutations.table import BUGS, BY_NAME
from tests.mutations.tree import ROOT

_KEEPING = threading.Lock()
PAGE = ROOT / "docs" / "planted-bugs.md"
KEPT = Path(__file__).with_name("results.json")
TABLE_MARK = "<!-- The rest is written by `python -m tests.mutations --page`. -->"
COLUMNS = {column.name.lower(): column for column in Column}


def main() -> int:
    """Run what was asked for; 1 if a bug survived or a check could not be run."""
    options = _parser().parse_args()
    if options.list:
        for bug in BUGS:
            print(f"{bug.name:36} {bug.breaks:24} {bug.what}")
        return 0
    if options.page:
        _write_page(_read(Path(options.keep or KEPT)))
        return 0
    bugs = [_bug(name) for name in options.only] or list(BUGS)
    for bug in bugs:
        check_applies(bug, ROOT)
    columns = [COLUMNS[name] for name in options.column] or list(Column)
    bugs = [bug for bug in bugs if any(has_checks(bug, column) for column in columns)]
    kept = Path(options.keep) if options.keep else None
    results = run_bugs(
        bugs,
        limits=Limits(seeds=options.seeds, timeout_s=options.timeout),
        columns=columns,
        asks_all=options.all,
        jobs=options.jobs,
        first={known.bug.name: known.cheapest for known in _read(KEPT)},
        on_result=lambda result: _tell(result, kept),
    )
    if kept is not None:
        results = [known for known in _read(kept) if known.bug in bugs]
    if options.markdown:
        print(markdown(results), end="")
    elif options.json:
        print(json.dumps(to_json(results), indent=2))
    caught = [result for result in results if result.caught_by is not None]
    survived = [result.bug.name for result in results if result.caught_by is None]
    print(
        f"{len(results)} bugs, {len(caught)} caught, {len(survived)} survived: {', '.join(survived)}",
        file=sys.stderr,
    )
    if bugs == [NOTHING]:
        return int(results[0].caught_by is not None)
    return int(bool(survived) or any(result.is_broken for result in results))


def _tell(result: Result, kept: Path | None) -> None:
    print(line_of(result), file=sys.stderr, flush=True)
    if kept is None or result.bug is NOTHING:
        return
    with _KEEPING:
        known = {item.bug.name: item for item in _read(kept)}
        earlier = known.get(result.bug.name)
        findings = {**earlier.findings, **result.findings} if earlier is not None else result.findings
        known[result.bug.name] = Result(result.bug, findings, result.seconds)
        told = to_json([known[bug.name] for bug in BUGS if bug.name in known])
        kept.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")


def _write_page(results: list[Result]) -> None:
    """Put the table of the kept results into the page, behind what a person wrote there."""
    written, mark, _ = PAGE.read_text(encoding="utf-8").partition(TABLE_MARK)
    caught = sum(result.caught_by is not None for result in results)
    counts = [
        f"{sum(result.of(column).verdict is Verdict.CAUGHT for result in results)} by the {column.value}"
        for column in Column
    ]
    head = f"{len(results)} bugs, {caught} caught: {', '.join(counts)}.\n\n"
    PAGE.write_text(f"{written}{mark}\n\n{head}{markdown(results)}", encoding="utf-8", newline="\n")


def _read(kept: Path) -> list[Result]:
    return from_json(BUGS, kept.read_text(encoding="utf-8")) if kept.exists() else []


def _bug(name: str) -> Bug:
    if name == NOTHING.name:
        return NOTHING
    if name not in BY_NAME:
        raise SystemExit(f"there is no planted bug {name!r}: see --list")
    return BY_NAME[name]


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tests.mutations", description=__doc__)
    parser.add_argument("--list", action="store_true", help="list the bugs, and run nothing")
    parser.add_argument(
        "--only", nargs="+", default=[], metavar="NAME", help="these bugs; 'nothing' plants none"
    )
    parser.add_argument(
        "--column", nargs="+", default=[], choices=sorted(COLUMNS), help="ask these columns only"
    )
    parser.add_argument(
        "--all", action="store_true", help="ask every column, also when one has noticed the bug"
    )
    parser.add_argument("--jobs", type=int, default=1, help="how many bugs at a time")
    parser.add_argument(
        "--seeds", type=int, default=Limits().seeds, help="how many schedules the simulator runs"
    )
    parser.add_argument("--timeout", type=float, default=Limits().timeout_s, help="seconds for one check")
    parser.add_argument("--json", action="store_true", help="print the results as JSON")
    parser.add_argument("--markdown", action="store_true", help="print the table of docs/planted-bugs.md")
    parser.add_argument(
        "--page", action="store_true", help=f"write {PAGE.name} from kept results, and run nothing"
    )
    parser.add_argument(
        "--keep", metavar="FILE", help="a file of results, to which those of this run are added"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
