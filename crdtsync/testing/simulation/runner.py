"""Run many schedules, in as many processes as there are cores, and add up what came of them."""

import asyncio
import gc
import multiprocessing
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from functools import partial
from itertools import islice

from crdtsync.testing.memory_disk import KeptDatabases
from crdtsync.testing.simulation.plan import Plan, draw_plan, plan_to_json
from crdtsync.testing.simulation.run import Outcome, simulate
from crdtsync.testing.simulation.shrinking import shrink

CHUNK = 50
"""How many schedules a process is given at a time: they share databases, of which the first ones take longer."""

COLLECTED_EVERY = 50_000
"""After how many new objects garbage is collected: at Python's own 700 it takes an eighth of the time."""


@dataclass(slots=True)
class Failure:
    """A schedule in which something was not true."""

    seed: int
    profile: str
    violations: tuple[str, ...]
    replay: str
    """The line that runs it again."""
    faults: list[str]
    plan: str
    """The schedule as JSON; `simulate --plan FILE` runs it."""
    log: tuple[str, ...] = ()


@dataclass(slots=True)
class Tally:
    """What came of some schedules."""

    schedules: int = 0
    steps: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    done: Counter[str] = field(default_factory=Counter)
    """What people did, and what there was to check; see `Outcome.done`."""
    failures: list[Failure] = field(default_factory=list)
    duration_s: float = 0.0

    @property
    def schedules_per_minute(self) -> float:
        """By wall time, over all processes."""
        return 60 * self.schedules / self.duration_s if self.duration_s else 0.0


@dataclass(frozen=True, slots=True)
class Orders:
    """How the schedules are to be run."""

    profile: str = "any"
    twice: bool = False
    """Run each a second time, and compare the traces."""
    shrinks: bool = True
    """Cut a failing schedule down before it is reported."""
    fails_fast: bool = False
    """Run no more schedules after one that failed; of several processes, each ends what it has begun."""


def run_many(
    seeds: range,
    orders: Orders,
    *,
    jobs: int = 1,
    seconds_max: float | None = None,
    on_progress: Callable[[Tally], None] | None = None,
) -> Tally:
    """Run the schedules of some seeds.

    Args:
        seeds: which ones.
        orders: how.
        jobs: how many processes; with 1 they run in this one.
        seconds_max: after how long no further schedules are begun.
        on_progress: is told what there is so far, after every chunk.
    """
    tally = Tally()
    began_s = time.monotonic()
    for part in _parts(_chunks(seeds, seconds_max), orders, jobs):
        tally.schedules += part.schedules
        tally.steps += part.steps
        tally.faults += part.faults
        tally.done += part.done
        tally.failures += part.failures
        tally.duration_s = time.monotonic() - began_s
        if on_progress is not None:
            on_progress(tally)
        if tally.failures and orders.fails_fast:
            break
    tally.failures.sort(key=lambda failure: failure.seed)
    return tally


def run_plan(plan: Plan, *, twice: bool = False) -> Outcome:
    """Run one schedule; a second run that differs is a violation as well."""
    with KeptDatabases() as kept:
        return asyncio.run(_run(plan, kept, twice=twice))


def replay_line(plan: Plan, whole: Plan | None = None) -> str:
    """Return the command line that runs a schedule again."""
    line = f"python -m crdtsync.testing simulate --seeds {plan.seed}:{plan.seed + 1} --profile {plan.profile}"
    if whole is not None and len(plan.steps) < len(whole.steps):
        line += f" --steps {','.join(str(step.place) for step in plan.steps)}"
    return line


def _parts(chunks: Iterator[range], orders: Orders, jobs: int) -> Iterator[Tally]:
    if jobs <= 1:
        for chunk in chunks:
            yield _run_chunk(chunk, orders)
        return
    # Spawned, not forked: the same on every system, and nothing of this process leaks into the runs.
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(jobs, context, initializer=_collect_less) as pool:
        running = {pool.submit(_run_chunk, chunk, orders) for chunk in islice(chunks, 2 * jobs)}
        while running:
            done, running = wait(running, return_when=FIRST_COMPLETED)
            running |= {pool.submit(_run_chunk, chunk, orders) for chunk in islice(chunks, len(done))}
            for future in done:
                yield future.result()


def _chunks(seeds: range, seconds_max: float | None) -> Iterator[range]:
    began_s = time.monotonic()
    for start in range(seeds.start, seeds.stop, CHUNK):
        if seconds_max is not None and time.monotonic() - began_s >= seconds_max:
            return
        yield range(start, min(start + CHUNK, seeds.stop))


def _collect_less() -> None:
    """Let the garbage collector leave alone what a process of ours has loaded, and look at the rest seldom."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(COLLECTED_EVERY, *gc.get_threshold()[1:])


def _run_chunk(seeds: range, orders: Orders) -> Tally:
    with KeptDatabases() as kept:
        return asyncio.run(_run_seeds(seeds, orders, kept))


async def _run_seeds(seeds: range, orders: Orders, kept: KeptDatabases) -> Tally:
    tally = Tally()
    for seed in seeds:
        whole = draw_plan(seed, orders.profile)
        outcome = await _run(whole, kept, twice=orders.twice)
        tally.schedules += 1
        tally.steps += outcome.steps
        tally.faults += outcome.faults
        tally.done += outcome.done
        if outcome.violations:
            small = await shrink(whole, partial(simulate, kept=kept)) if orders.shrinks else outcome
            if (
                not small.violations
            ):  # It did not fail again: the second run differed, and that is the finding.
                small = outcome
            tally.failures.append(
                Failure(
                    seed,
                    orders.profile,
                    small.violations,
                    replay_line(small.plan, whole),
                    sorted(small.plan.faults),
                    plan_to_json(small.plan),
                    small.log,
                )
            )
            if orders.fails_fast:
                break
    return tally


async def _run(plan: Plan, kept: KeptDatabases, *, twice: bool) -> Outcome:
    outcome = await simulate(plan, kept)
    if twice:
        again = await simulate(plan, kept)
        if again.trace != outcome.trace:
            differing = next(
                (f"{a!r} and {b!r}" for a, b in zip(outcome.log, again.log, strict=False) if a != b),
                f"{len(outcome.log)} and {len(again.log)} lines",
            )
            return Outcome(
                plan,
                outcome.steps,
                outcome.faults,
                outcome.trace,
                (*outcome.violations, f"a second run differs: {differing}"),
                outcome.log,
                outcome.done,
            )
    return outcome
