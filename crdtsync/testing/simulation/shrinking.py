"""Cut a failing schedule down: first whole kinds of faults, then single steps, as long as it still fails."""

from collections.abc import Awaitable, Callable

from crdtsync.testing.simulation.plan import Plan
from crdtsync.testing.simulation.run import Outcome

RUNS_MAX = 400

Run = Callable[[Plan], Awaitable[Outcome]]


async def shrink(plan: Plan, run: Run, *, runs_max: int = RUNS_MAX) -> Outcome:
    """Return the outcome of a smaller schedule that fails as well, or of the same one.

    A schedule that fails in another way counts too: whatever fails is worth looking at, the smaller the better.

    Args:
        plan: one that fails.
        run: runs a schedule.
        runs_max: how many schedules to try at most.
    """
    search = _Search(run, runs_max)
    best = await run(plan)
    for fault in sorted(best.plan.faults):
        best = await search.try_instead(best, best.plan.without([fault]))
    size = max(1, len(best.plan.steps) // 2)
    while size:
        at = 0
        while at < len(best.plan.steps):
            count = len(best.plan.steps)
            kept = [
                step.place for at_step, step in enumerate(best.plan.steps) if not at <= at_step < at + size
            ]
            best = await search.try_instead(best, best.plan.only(kept))
            if len(best.plan.steps) == count:
                at += size
        size //= 2
    return best


class _Search:
    def __init__(self, run: Run, runs_max: int) -> None:
        self._run = run
        self._left = runs_max

    async def try_instead(self, best: Outcome, smaller: Plan) -> Outcome:
        if not self._left or len(smaller.steps) == len(best.plan.steps):
            return best
        self._left -= 1
        outcome = await self._run(smaller)
        return outcome if outcome.violations else best
