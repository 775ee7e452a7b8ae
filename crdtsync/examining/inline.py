"""The checks without the process: for simulations, which feed nothing that hangs."""

from collections.abc import Mapping, Sequence

from crdtsync.document.examination import sift, try_out, without
from crdtsync.environment import Case, Verdict
from crdtsync.errors import CrdtError

TOGETHER = "applied one by one it can be read, together with others it cannot"


class InlineExaminer:
    """Examines in this process, without time and without chance: what hangs here hangs the process."""

    def __init__(self, *, doomed: Mapping[bytes, str] | None = None) -> None:
        """Make an examiner.

        Args:
            doomed: deltas that are refused unseen, with the reason: what a process would have died of.
        """
        self.examined = 0
        """How many cases were examined."""
        self._doomed = doomed or {}

    async def examine(self, cases: Sequence[Case]) -> Sequence[Verdict]:
        """Return a verdict for each case."""
        self.examined += len(cases)
        return [self._verdict(case) for case in cases]

    async def close(self) -> None:
        """Nothing runs."""

    def _verdict(self, case: Case) -> Verdict:
        doomed = {
            index: self._doomed[delta] for index, delta in enumerate(case.deltas) if delta in self._doomed
        }
        try:
            if not doomed:
                return Verdict(outcome=try_out(case.updates, case.deltas))
        except CrdtError:
            pass  # One of them is bad: it is looked for, so that the others are not lost with it.
        needs = case.needs()
        unreadable, refused = sift(case.updates, case.deltas, needs, doomed, lambda _: None)
        if unreadable:
            return Verdict(unreadable=unreadable)
        accepted = without(refused, needs)
        try:
            try_out(case.updates, [case.deltas[index] for index in accepted])
        except CrdtError:
            refused |= dict.fromkeys(accepted, TOGETHER)
        return Verdict(refused)
