"""What must be true of final numbers: one ledger, of which nothing that was accepted ever changes."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

from crdtsync.protocol.ledger import LedgerEntry, Outcome
from crdtsync.protocol.numbering import Series
from crdtsync.testing.simulation.computer import Computer
from crdtsync.testing.simulation.violation import Violation


class LedgerChecks:
    """All entries that any computer ever accepted."""

    def __init__(self) -> None:
        self._entries: dict[int, bytes] = {}
        self._numbers: dict[tuple[str, int], str] = {}
        self._numbered: dict[tuple[str, str], int] = {}
        self._heads: dict[str, int] = {}
        """By computer: how far its ledger went."""
        self._digests: dict[str, set[bytes]] = {}
        """By document: what it was when somebody marked it."""
        self._void: dict[str, str | None] = {}
        """By reason: where a number was declared void; None: the disk may have failed."""

    def __len__(self) -> int:
        return len(self._entries)

    def remember_marked(self, document: str, digest: bytes) -> None:
        """Take note of what a document is when somebody marks it: a number is for that."""
        self._digests.setdefault(document, set()).add(digest)

    def remember_void(self, reason: str, computer: Computer | None) -> None:
        """Take note that a number is being declared void, for a reason that nobody else has, or has been."""
        self._void[reason] = None if computer is None else computer.name

    def forget_computer(self, computer: Computer) -> None:
        """An older database was put back: its ledger may end earlier, and what was to be written into it is gone."""
        self._heads.pop(computer.name, None)
        self._void = {reason: None if name == computer.name else name for reason, name in self._void.items()}

    def forget_beyond(self, published: Iterable[int]) -> None:
        """Forget what only the coordinator's lost database had: entries beyond those anybody else has seen."""
        last = max([0, *self._heads.values(), *published])
        self._entries = {key: value for key, value in self._entries.items() if key <= last}
        self._numbers.clear()
        self._numbered.clear()
        self._heads.clear()

    async def check(self, computer: Computer) -> None:
        """Check that a ledger is the beginning of the one there is, and that it does not shrink.

        All of it is looked at every time: what was accepted once stays as it is (I25, I28).

        Raises:
            Violation: it is not.
        """
        last = 0
        for index, encoded, series, number, document, outcome in await computer.rows(
            "SELECT idx, encoded, series, number, document, outcome FROM _ledger ORDER BY idx"
        ):
            if self._entries.setdefault(index, encoded) != encoded or index != last + 1:
                raise Violation(f"{computer.name} accepted another entry {index} of the ledger (I28)")
            if outcome == Outcome.GRANTED.value:
                if self._numbers.setdefault((series, number), document) != document:
                    raise Violation(f"number {number} of {series} belongs to two documents (I21)")
                if self._numbered.setdefault((series, document), number) != number:
                    raise Violation(f"{document} has two numbers (I22)")
            last = index
        head = self._heads.get(computer.name, 0)
        if last < head:
            raise Violation(f"the ledger of {computer.name} ends at {last}, and ended at {head} (I12)")
        self._heads[computer.name] = last
        ((backlog,),) = await computer.rows(
            "SELECT count(*) FROM _own_files WHERE type = 'ledger' AND put_ms IS NULL"
        )
        if backlog > 1:
            raise Violation(
                f"{computer.name} granted while {backlog} ledger files are not in the folder (R3)"
            )

    async def check_at_the_end(self, computers: Sequence[Computer]) -> int:
        """Check that numbers begin with the first and have no holes, and that all that is marked has one.

        Returns:
            How many numbers were granted.

        Raises:
            Violation: it is not so.
        """
        entries = await computers[0].replica.ledger()
        _have_no_holes(entries, {series.name: series for series in await computers[0].replica.series()})
        granted = [entry for entry in entries if entry.outcome is Outcome.GRANTED]
        for entry in granted:
            if entry.digest not in self._digests.get(entry.document, ()):
                raise Violation(f"{entry.text} is granted for what {entry.document} never was (I24)")
        reasons = Counter(entry.reason for entry in entries if entry.outcome is Outcome.VOID)
        for reason, name in self._void.items():
            if reasons[reason] > 1 or (name is not None and not reasons[reason]):
                raise Violation(
                    f"the number that is void as {reason} is {reasons[reason]} times in the ledger (I23)"
                )
        numbered = {entry.document for entry in entries}
        for computer in computers:
            marked = await computer.rows(
                "SELECT d.id FROM _marks m JOIN _documents d ON d.n = m.document "
                "WHERE m.marked_ms IS NOT NULL AND kind IN ('quote', 'order')"
            )
            left = {row[0] for row in marked} - numbered
            if left:
                raise Violation(f"{sorted(left)} are marked on {computer.name} and have no number (I30)")
        return len(granted)


def _have_no_holes(entries: Sequence[LedgerEntry], series: Mapping[str, Series]) -> None:
    found: dict[str, list[LedgerEntry]] = {}
    for entry in entries:
        found.setdefault(entry.series, []).append(entry)
    for name, of_series in found.items():
        numbers = sorted({entry.number for entry in of_series})
        first = series[name].start
        if numbers != list(range(first, first + len(numbers))):
            raise Violation(f"the numbers of {name} do not go on from {first} without holes: {numbers} (I23)")
        dates = [entry.issue_date for entry in of_series]
        if dates != sorted(dates):
            raise Violation(f"the dates of {name} go back: {dates} (I27)")
        wrong = [entry.text for entry in of_series if entry.text != series[name].text(entry.number)]
        if wrong:
            raise Violation(f"numbers of {name} are printed as {wrong}")
