"""Goal: whatever bytes come from outside, each decoder gives a value or refuses them as it says it does.

Method: the targets of `targets` are fuzzed from a fixed seed, coverage-guided, with time and memory measured;
and hypothesis drives the same mutations, so that what it finds is shrunk. `python -m tests.fuzz` does it for
as long as one wants.
"""

import json
import random
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from .engine import Fuzzer, FuzzError, check_memory, execute
from .mutate import mutate_bytes
from .targets import TARGETS, Target

ROOT = Path(__file__).parents[2]
ORDINARY, LONG = 400, 3_000


@pytest.mark.parametrize("executions", [ORDINARY, pytest.param(LONG, marks=pytest.mark.slow)])
@pytest.mark.parametrize("name", TARGETS)
def test_a_fixed_seed(name, executions):
    """I16, I19, H50: two outcomes, bounded memory and time; what is accepted can be written again."""
    fuzzer = Fuzzer(TARGETS[name], seed=20_260_000 + executions)
    while fuzzer.tally.executions < executions:
        fuzzer.step()
    tally = fuzzer.tally
    assert tally.accepted, "the mutations are too wild: nothing is ever read to its end"
    assert tally.refused or not TARGETS[name].refusals


@pytest.mark.parametrize("name", TARGETS)
@settings(
    max_examples=25,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(chance=st.randoms(use_true_random=False), data=st.data())
def test_mutations_that_are_shrunk(name, chance, data):
    """I16: as above, by hypothesis."""
    target = TARGETS[name]
    form = target.mutate(chance, data.draw(st.sampled_from(target.seeds)), target.seeds)
    try:
        packed = target.pack(form)
    except ValueError:
        return
    execute(target, packed)


def broken(run, **options) -> Target:
    """Return a target that is wrong in one way."""
    return Target("broken", [b"seed"], bytes, mutate_bytes, run, (ValueError,), **options)


def found(target: Target) -> str:
    fuzzer = Fuzzer(target, seed=1)
    with pytest.raises(FuzzError) as caught:
        for _ in range(2_000):
            fuzzer.step()
    assert "--target broken --input" in str(caught.value)
    return str(caught.value)


def test_the_fuzzer_finds_an_undocumented_error():
    def run(data):
        if len(data) > 4:
            raise KeyError(data[4])

    assert "KeyError" in found(broken(run))


def test_the_fuzzer_finds_what_takes_too_much_memory():
    def run(data):
        if data != b"seed":
            assert bytes(10_000_000)

    assert "bytes of memory" in found(broken(run))


def test_the_fuzzer_finds_what_takes_too_long():
    def run(data):
        if b"\0" in data:
            for _ in range(3_000_000):
                pass

    assert " ms for " in found(broken(run, spare_ms=20.0, ms_per_kilobyte=0.0))


def test_a_seed_gives_the_same_inputs_again():
    """In new processes: what is cached in one, by a decoder or the interpreter, changes which lines are run."""

    def tallies():
        command = [sys.executable, "-m", "tests.fuzz", "--executions", "300", "--seed", "5", "--json"]
        chosen = [word for name in ("segment", "name", "value") for word in ("--target", name)]
        made = subprocess.run([*command, *chosen], cwd=ROOT, capture_output=True, check=True, text=True)
        return [
            {key: value for key, value in tally.items() if key not in ("slowest_ms", "peak_bytes")}
            for tally in json.loads(made.stdout)
        ]

    assert tallies() == tallies()


def test_a_form_is_mutated_the_same_way_by_the_same_chance():
    for target in TARGETS.values():
        form = target.seeds[0]
        assert target.mutate(random.Random(3), form, []) == target.mutate(random.Random(3), form, [])


def test_memory_is_measured():
    target = broken(lambda data: None)
    assert check_memory(target, b"x") < 10_000
