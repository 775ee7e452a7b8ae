"""Goal: whatever folders, disks, clocks and crashes do, nothing is lost and all replicas end equal and quiet.

Method: schedules of the simulator (`crdtsync.testing.simulation`): a fixed set here, a fresh one in every run of
`.ci/run`. A failure prints the line that replays it.
"""

import asyncio
import json
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from typer.testing import CliRunner

from crdtsync.testing.__main__ import app
from crdtsync.testing.faults import PROFILES
from crdtsync.testing.simulation.plan import TROUBLE, WORK, draw_plan, plan_from_json, plan_to_json
from crdtsync.testing.simulation.run import Outcome, simulate
from crdtsync.testing.simulation.runner import Orders, replay_line, run_many
from crdtsync.testing.simulation.shrinking import shrink

REGRESSIONS = sorted(Path(__file__).parent.glob("regressions/*.json"))
SERVICES = [name for name in PROFILES if name not in ("any", "hostile")]


def assert_no_violation(tally):
    told = [f"{failure.violations}\n{failure.replay}" for failure in tally.failures]
    assert told == []


@pytest.mark.parametrize("first", range(0, 120, 30))
def test_nothing_is_lost_whatever_any_service_does(first):
    assert_no_violation(run_many(range(first, first + 30), Orders("any")))


@pytest.mark.parametrize("first", range(0, 60, 30))
def test_nothing_is_lost_whatever_an_outsider_does(first):
    assert_no_violation(run_many(range(first, first + 30), Orders("hostile")))


@pytest.mark.parametrize("profile", SERVICES)
def test_nothing_is_lost_with_any_one_service(profile):
    assert_no_violation(run_many(range(8), Orders(profile)))


@pytest.mark.parametrize("path", REGRESSIONS, ids=lambda path: path.stem)
def test_what_once_failed_does_not_fail_again(path):
    outcome = asyncio.run(simulate(plan_from_json(path.read_text(encoding="utf-8"))))
    assert outcome.violations == ()


def test_one_seed_gives_one_trace():
    assert_no_violation(run_many(range(500, 512), Orders("any", twice=True)))


def test_one_seed_gives_one_trace_in_another_process():
    """The order of sets differs between processes: nothing may depend on it."""
    script = (
        "import asyncio; from crdtsync.testing.simulation.plan import draw_plan\n"
        "from crdtsync.testing.simulation.run import simulate\n"
        "print([asyncio.run(simulate(draw_plan(seed, 'any'))).trace for seed in range(520, 526)])"
    )
    traces = {
        subprocess.run(
            [sys.executable, "-c", script],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=300,
        ).stdout
        for seed in ("1", "2")
    }
    assert len(traces) == 1


def test_every_kind_of_work_trouble_and_fault_is_drawn():
    drawn = {step.what for seed in range(400) for step in draw_plan(seed, "any").steps}
    assert set(WORK) | set(TROUBLE) | set(PROFILES["any"].weights) <= drawn


def test_seeds_draw_different_faults():
    kinds = [draw_plan(seed, "any").faults for seed in range(50)]
    assert len(set(kinds)) > 25
    assert any(not faults for faults in kinds)


def test_a_failing_schedule_is_cut_down_to_what_matters():
    plan = next(plan for plan in (draw_plan(seed, "any") for seed in range(7, 100)) if len(plan.steps) > 20)
    needed = {3, 17, len(plan.steps) - 1}

    async def fails_with_those(tried):
        has_all = needed <= {step.place for step in tried.steps}
        violations = ("lost",) if has_all else ()
        return Outcome(tried, 0, {}, "", violations, ())

    smallest = asyncio.run(shrink(plan, fails_with_those)).plan
    assert {step.place for step in smallest.steps} == needed
    steps = ",".join(str(place) for place in sorted(needed))
    assert replay_line(smallest, plan).endswith(
        f"--seeds {plan.seed}:{plan.seed + 1} --profile any --steps {steps}"
    )


def test_a_plan_survives_being_kept_as_text():
    plan = draw_plan(3, "hostile")
    assert plan_from_json(plan_to_json(plan)) == plan


def test_the_command_prints_what_it_ran_as_json():
    result = CliRunner().invoke(app, ["simulate", "--seeds", "0:4", "--jobs", "1", "--json"])
    assert result.exit_code == 0, result.output
    found = json.loads(result.stdout)
    assert found["schedules"] == 4
    assert found["violations"] == []
    assert found["steps"] > 10 * found["schedules"]
    assert found["schedules_per_minute"] > 0
    assert sum(found["faults"].values()) > 0


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--seeds", "a:b"], "A:B"),
        (["--seeds", "5:5"], "no seed"),
        (["--profile", "dropbx"], "no profile"),
        (["--seeds", "3", "--steps", "one"], "numbers"),
        (["--plan", "nowhere.json"], "no schedule"),
    ],
)
def test_a_mistake_on_the_command_line_is_told(arguments, said):
    result = CliRunner().invoke(app, ["simulate", *arguments], env={"COLUMNS": "200"})
    assert result.exit_code == 2
    assert said in result.output


def test_the_replayed_schedule_is_the_one_that_failed(tmp_path):
    plan = draw_plan(11, "any")
    path = tmp_path / "plan.json"
    path.write_text(plan_to_json(plan))
    from_file = CliRunner().invoke(app, ["simulate", "--plan", str(path), "--json"])
    from_seed = CliRunner().invoke(app, ["simulate", "--seeds", "11", "--json"])
    assert from_file.stderr == from_seed.stderr


def test_a_lost_edit_is_a_violation(monkeypatch):
    """The checks can see: an edit that is taken away behind their back is found."""
    from crdtsync.testing.simulation import run

    heal = run.Simulation._heal

    async def lose_one(self):
        await heal(self)
        computer = self.computers[0]
        sql = "DELETE FROM _changes WHERE n = (SELECT max(n) FROM _changes)"
        with computer.disk.looking():
            await computer.workspace.database.write(lambda c: c.execute(sql).rowcount)

    monkeypatch.setattr(run.Simulation, "_heal", lose_one)
    plan = replace(draw_plan(1, "calm"), steps=())
    assert any(asyncio.run(simulate(replace(plan, seed=seed))).violations for seed in range(4))
