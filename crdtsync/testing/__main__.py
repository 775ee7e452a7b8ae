"""`python -m crdtsync.testing simulate`: run schedules of the simulator."""

import json
import os
import secrets
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from crdtsync.testing.faults import PROFILES
from crdtsync.testing.simulation.plan import Plan, draw_plan, plan_from_json, plan_to_json
from crdtsync.testing.simulation.runner import Failure, Orders, Tally, replay_line, run_many, run_plan

LOG_LINES_MAX = 60
FRESH_MAX = 2**48
FRESH_SECONDS = 60.0
"""How long fresh seeds are run when nothing else is said: there is no end to them."""

app = typer.Typer(add_completion=False, no_args_is_help=True, pretty_exceptions_enable=False)


@app.callback()
def main() -> None:
    """Try to break crdtsync."""


@app.command()
def simulate(
    *,
    seeds: Annotated[
        str, typer.Option(help="Which schedules: A:B (B is not one of them), or one number.")
    ] = "0:500",
    profile: Annotated[str, typer.Option(help=f"What the folder is like: {', '.join(PROFILES)}.")] = "any",
    jobs: Annotated[int, typer.Option(help="How many processes; 0: one for each core.", min=0)] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print the result as JSON.")] = False,
    twice: Annotated[bool, typer.Option(help="Run each twice, and compare the traces.")] = False,
    shrink: Annotated[bool, typer.Option(help="Cut a failing schedule down before it is reported.")] = True,
    fail_fast: Annotated[
        bool, typer.Option("--fail-fast", help="End at the first failing schedule.")
    ] = False,
    seconds: Annotated[
        float, typer.Option(help="Begin no more schedules after so long; 0: no limit.", min=0)
    ] = 0,
    plan: Annotated[Path | None, typer.Option(help="Run the schedule that a file holds instead.")] = None,
    save: Annotated[
        Path | None, typer.Option(help="Where to write the schedules that fail, one file each.")
    ] = None,
    steps: Annotated[str, typer.Option(help="Of one schedule: only the steps of these indexes.")] = "",
) -> None:
    """Run whole replicas over a folder that does everything folders do, and check that nothing is lost.

    Exit status 1 if anything was not as it must be; every failure comes with the line that replays it.
    """
    if profile not in PROFILES:
        raise typer.BadParameter(
            f"{profile!r} is no profile: there are {', '.join(PROFILES)}", param_hint="--profile"
        )
    chosen = _seeds(seeds)
    if plan is not None:
        tally = _run_one(_read_plan(plan), "", twice=twice)
    elif steps or len(chosen) == 1:
        tally = _run_one(draw_plan(chosen.start, profile), steps, twice=twice)
    else:
        tally = run_many(
            chosen,
            Orders(profile, twice=twice, shrinks=shrink, fails_fast=fail_fast),
            jobs=jobs or os.cpu_count() or 1,
            seconds_max=seconds or (FRESH_SECONDS if seeds == "fresh" else None),
            on_progress=_show if sys.stderr.isatty() else None,
        )
    if save is not None:
        save.mkdir(parents=True, exist_ok=True)
        for failure in tally.failures:
            (save / f"{failure.profile}-{failure.seed}.json").write_text(failure.plan, encoding="utf-8")
    shown = f"{chosen.start}:{chosen.stop}" if chosen.stop < FRESH_MAX else f"{chosen.start}:"
    if as_json:
        _print_json(tally, profile, shown)
    else:
        _print_text(tally, profile, shown)
    if tally.failures:
        raise typer.Exit(1)


def _run_one(whole: Plan, steps: str, *, twice: bool) -> Tally:
    plan = whole
    if steps:
        try:
            plan = whole.only(map(int, steps.split(",")))
        except ValueError as error:
            raise typer.BadParameter(
                "write numbers with commas between them", param_hint="--steps"
            ) from error
    outcome = run_plan(plan, twice=twice)
    for line in outcome.log:
        typer.echo(line, err=True)
    tally = Tally(1, outcome.steps, outcome.faults)
    if outcome.violations:
        failure = Failure(
            plan.seed,
            plan.profile,
            outcome.violations,
            replay_line(plan, whole),
            sorted(plan.faults),
            plan_to_json(plan),
            outcome.log,
        )
        tally.failures.append(failure)
    return tally


def _read_plan(path: Path) -> Plan:
    try:
        return plan_from_json(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise typer.BadParameter(f"{path} holds no schedule: {error}", param_hint="--plan") from error


def _seeds(text: str) -> range:
    if text == "fresh":
        first = secrets.randbelow(FRESH_MAX // 2)
        return range(first, FRESH_MAX)
    first_text, colon, last = text.partition(":")
    try:
        found = range(int(first_text), int(last) if colon else int(first_text) + 1)
    except ValueError as error:
        raise typer.BadParameter(f"{text!r} is not of the form A:B", param_hint="--seeds") from error
    if not found:
        raise typer.BadParameter(f"there is no seed in {text!r}", param_hint="--seeds")
    return found


def _show(tally: Tally) -> None:
    typer.echo(f"\r{tally.schedules} schedules, {len(tally.failures)} violations", nl=False, err=True)


def _print_json(tally: Tally, profile: str, seeds: str) -> None:
    found: dict[str, object] = {
        "profile": profile,
        "seeds": seeds,
        "schedules": tally.schedules,
        "steps": tally.steps,
        "faults": dict(sorted(tally.faults.items())),
        "schedules_per_minute": round(tally.schedules_per_minute),
        "duration_s": round(tally.duration_s, 1),
        "violations": [asdict(failure) for failure in tally.failures],
    }
    typer.echo(json.dumps(found, indent=2))


def _print_text(tally: Tally, profile: str, seeds: str) -> None:
    for failure in tally.failures:
        for line in failure.log[-LOG_LINES_MAX:]:
            typer.echo(f"    {line}")
        typer.echo(f"seed {failure.seed}, faults {', '.join(failure.faults) or 'none'}:")
        for violation in failure.violations:
            typer.echo(f"  {violation}")
        typer.echo(f"  {failure.replay}")
    typer.echo(f"profile {profile}, seeds {seeds}")
    typer.echo(f"{tally.schedules} schedules, {tally.steps} steps, {tally.faults.total()} faults injected:")
    for name, count in sorted(tally.faults.items(), key=lambda item: (-item[1], item[0])):
        typer.echo(f"  {count:8} {name}")
    if tally.duration_s:
        typer.echo(f"{tally.schedules_per_minute:.0f} schedules a minute, {tally.duration_s:.1f} s")
    typer.echo(f"{len(tally.failures)} violations")


if __name__ == "__main__":
    app()
