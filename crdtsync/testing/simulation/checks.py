"""What must be true of a simulated fleet, by the invariants' numbers; some of it always, the rest at the end."""

import json
from collections import Counter
from collections.abc import Mapping
from random import Random
from typing import Any

from crdtsync.protocol.causality import ChangeId
from crdtsync.protocol.status import ItemStatus
from crdtsync.store import health
from crdtsync.testing.faults import FaultPlace
from crdtsync.testing.simulation.answers import Answers
from crdtsync.testing.simulation.computer import Computer
from crdtsync.testing.simulation.folder import ChangeKey, FolderChecks
from crdtsync.testing.simulation.ledger import LedgerChecks
from crdtsync.testing.simulation.model import Model
from crdtsync.testing.simulation.violation import Violation

_RANKS = {status: rank for rank, status in enumerate(ItemStatus)}


class Checks:
    """Everything that was promised so far, and whether it holds."""

    def __init__(
        self, computers: list[Computer], model: Model, place: FaultPlace, done: Counter[str]
    ) -> None:
        self._computers = computers
        self._model = model
        self._folder = FolderChecks(place)
        self._done = done
        """What there was to check, and how often."""
        self._acknowledged: dict[str, set[ChangeKey]] = {}
        """By computer."""
        self._expendable: set[ChangeKey] = set()
        """Existed only on a disk that was restored from a backup."""
        self._before_restore: set[ChangeKey] = set()
        self._safe: set[ChangeKey] = set()
        self.ledger = LedgerChecks()
        self._ranks: dict[tuple[str, str], int] = {}
        self._marked: dict[tuple[str, str], set[ChangeKey]] = {}
        """By computer and document: what was there when it was marked."""
        self._marks: dict[str, dict[str, int]] = {}
        """By computer: what others have and ask for, and how far."""

    def acknowledge(self, computer: Computer, document: str, client: int, sequence: int) -> None:
        """Take note that an edit was acknowledged, or was found to be durable after a crash."""
        self._acknowledged.setdefault(computer.name, set()).add((document, client, sequence))

    async def causes_are_named(
        self, computer: Computer, document: str, client: int, sequence: int, applied: Mapping[int, int]
    ) -> None:
        """Check that a change names, itself or through what it names, all that was there when it was made (I6).

        Raises:
            Violation: it does not.
        """
        history = await computer.history(document)
        known: set[ChangeId] = set()
        left = [ChangeId(client, sequence)]
        while left:
            one = left.pop()
            if one.sequence and one not in known:
                known.add(one)
                left += [ChangeId(one.client, one.sequence - 1), *history.get(one, ())]
        unnamed = [key for key in applied.items() if key[1] and ChangeId(*key) not in known]
        if unnamed:
            raise Violation(f"change {sequence} of {client:x} of {document} does not name {unnamed} (I6)")

    def forget_status(self, computer: Computer, document: str) -> None:
        """A person takes a mark back: the item begins anew."""
        self._marked.pop((computer.name, document), None)
        self._ranks.pop((computer.name, document), None)

    async def meanwhile(self) -> None:
        """Check what must hold at any time.

        Raises:
            Violation: it does not.
        """
        for computer in self._computers:
            if computer.is_running and not computer.disk.is_dead:
                await self.ledger.check(computer)
                await self._statuses_of(computer)
                await self._marks_of(computer)
                await self._folder.are_put(computer)
        chosen = self._computers[len(self.ledger) % len(self._computers)]
        if chosen.is_running:
            await self._content_of(chosen)
        self._raise_problems()

    async def after_round(self, computer: Computer) -> None:
        """Check what is said of items that are on their way: a word too early is true a moment later.

        Raises:
            Violation: it is not true.
        """
        if not computer.replica.is_coordinator and await computer.rows(
            "SELECT 1 FROM _marks m JOIN _documents d ON d.n = m.document WHERE m.marked_ms IS NOT NULL "
            "AND NOT EXISTS (SELECT 1 FROM _ledger l WHERE l.document = d.id AND l.outcome = 'granted')"
        ):
            await self._statuses_of(computer)

    async def after_restart(self, computer: Computer) -> None:
        """Check that a process that died has lost nothing of what was acknowledged (I1)."""
        missing = self._acknowledged.get(computer.name, set()) - await computer.changes()
        if missing:
            raise Violation(f"{computer.name} has lost acknowledged edits: {sorted(missing)} (I1)")
        await self._folder.are_put(computer)

    async def _in_causal_order(self, computer: Computer) -> None:
        """Check that nothing was applied before what it builds on (I6)."""
        for (document,) in await computer.rows("SELECT id FROM _documents WHERE rev > 0"):
            applied: set[ChangeId] = set()
            for one, causes in (await computer.history(document)).items():
                for need in (ChangeId(one.client, one.sequence - 1), *causes):
                    if need.sequence and need not in applied:
                        raise Violation(f"{computer.name} applied {one} of {document} before {need} (I6)")
                applied.add(one)

    async def before_restore(self, computer: Computer) -> None:
        """Take note of what is there before an older database is put back."""
        self._before_restore = await computer.changes()
        self._safe = await self._folder.published(computer)

    async def after_restore(self, computer: Computer) -> None:
        """Forget what only the lost database had: what was never published, and only that."""
        lost = self._before_restore - await computer.changes() - self._safe
        for other in self._computers:
            if other is not computer and other.is_running:
                lost -= await other.changes()
        self._expendable |= lost
        self._acknowledged[computer.name] = self._acknowledged.get(computer.name, set()) & (
            await computer.changes()
        )
        for key in [key for key in self._ranks if key[0] == computer.name]:
            del self._ranks[key]
        self.ledger.forget_computer(computer)
        self._marks.pop(computer.name, None)
        if computer.replica.is_coordinator:
            self.ledger.forget_beyond(self._folder.published_entries())

    async def reference_is_new(self, computer: Computer, document: str, given: dict[str, set[str]]) -> None:
        """Check that a document got no reference number that was known here as another one's.

        Raises:
            Violation: it did.
        """
        for text, documents in (await computer.references()).items():
            others = given.get(text, set()) - {document}
            if others and document in documents and document not in given[text]:
                raise Violation(
                    f"{computer.name} gives {text} to {document}, and it is that of {sorted(others)}"
                )

    async def at_the_end(self, computers: list[Computer], random: Random) -> None:
        """Check what must hold once everything has arrived and everybody is quiet.

        Args:
            computers: those that take part.
            random: draws which documents are asked about.

        Raises:
            Violation: it does not.
        """
        self._raise_problems()
        for computer in computers:
            await self.ledger.check(computer)
            await self._content_of(computer)
            if reason := await self.why_waiting(computer):
                raise Violation(reason)
            await self._in_causal_order(computer)
            await self._folder.are_still_there(computer)
        await self._folder.segments_hold_what_they_are_said_to(computers)
        await self._folder.no_want_is_left(computers)
        await self._everything_is_there(computers)
        await self._all_are_equal(computers)
        await self._as_modelled(computers[0])
        self._done["granted"] += await self.ledger.check_at_the_end(computers)
        await self._nothing_is_set_aside(computers)
        for computer in computers:
            await self._statuses_of(computer)
            await self._marks_of(computer)
        await Answers(self._computers, computers, self._model, self._done, random).check()
        self._raise_problems()

    async def when_decided(self, computers: list[Computer], random: Random) -> None:
        """Check that what people decided after the end has come to everybody, and nothing else.

        Raises:
            Violation: it has not.
        """
        await self._everything_is_there(computers)
        await self._all_are_equal(computers)
        await self._as_modelled(computers[0])
        await Answers(self._computers, computers, self._model, self._done, random).check(documents_max=1)
        self._raise_problems()

    async def is_not_locked(self, computer: Computer, document: str) -> None:
        """Check that an edit that was just made was not to be refused until the document has its number.

        Raises:
            Violation: it was.
        """
        if computer.plan.lock_while_numbering and await computer.rows(
            "SELECT 1 FROM _marks m JOIN _documents d ON d.n = m.document WHERE m.marked_ms IS NOT NULL AND d.id = ? "
            "AND kind IN ('quote', 'order') AND NOT EXISTS (SELECT 1 FROM _ledger l WHERE l.document = d.id "
            "AND l.outcome = 'granted')",
            document,
        ):
            raise Violation(f"{document} waits for its number, and {computer.name} lets it be edited")

    def are_in_order(self, document: str, lines: list[str], shown: Mapping[str, Any]) -> None:
        """Check that the lines of a document are shown as its author left them.

        Raises:
            Violation: they are not.
        """
        found = [row["id"] for row in shown.get("lines", ())]
        if found != lines:
            raise Violation(f"{document} shows the lines {found}, and its author left {lines}")

    # What must hold at any time.

    async def _marks_of(self, computer: Computer) -> None:
        """Check that what others are known to have, and their last word on a number, never goes back (I12)."""
        before = self._marks.get(computer.name, {})
        now = dict(
            await computer.rows(
                "SELECT replica || owner || feed, sequence FROM _receipts UNION ALL "
                "SELECT replica || document || series, serial FROM _requests r "
                "WHERE replica <> (SELECT value FROM _meta WHERE key = 'replica')"
            )
        )
        for key, mark in before.items():
            if now.get(key, 0) < mark:
                raise Violation(f"{computer.name} knew {mark} of {key}, and knows {now.get(key, 0)} (I12)")
        self._marks[computer.name] = now

    async def remember_marked(self, computer: Computer, document: str) -> None:
        """Take note of what a person who marks a document has written of it, or has: the office has to receive that."""
        for (digest,) in await computer.rows("SELECT digest FROM _documents WHERE id = ?", document):
            self.ledger.remember_marked(document, digest)
        held = {key for key in await computer.changes() if key[0] == document}
        written = {key for key in held if key[1] in computer.clients}
        self._marked.setdefault((computer.name, document), written or held)

    async def _is_received(self, computer: Computer, document: str) -> None:
        """Check that the office has what an item says it has received."""
        office = self._computers[0]
        marked = self._marked.get((computer.name, document), set())
        if not marked or office.backup is not None or computer.backup is not None:
            return  # A restored database has to fetch again what it had received.
        self._done["received"] += computer is not office
        missing = marked - await office.changes()
        if missing:
            raise Violation(
                f"{computer.name} says that the office has received {document}, and it has not {missing}"
            )

    async def _statuses_of(self, computer: Computer) -> None:
        for item in await computer.replica.items(include_numbered=True):
            key, rank = (computer.name, item.document), _RANKS[item.state.status]
            if rank < self._ranks.get(key, 0):
                raise Violation(f"{item.document} on {computer.name} went back to {item.state.status.value}")
            self._ranks[key] = rank
            if item.state.status is ItemStatus.RECEIVED:
                await self._is_received(computer, item.document)

    async def _content_of(self, computer: Computer) -> None:
        """Check that what is stored of each document is what its state and deltas give (I4)."""
        digests = await computer.replica.digests()
        if await computer.recomputed_digests() != digests:
            raise Violation(f"{computer.name} stores digests that its documents do not have (I4)")

    def _raise_problems(self) -> None:
        for computer in self._computers:
            if computer.problems:
                raise Violation(computer.problems[0])

    # What must hold at the end.

    async def why_waiting(self, computer: Computer) -> str:
        """Return what a computer still waits for; empty if it is at rest."""
        for remote in await computer.replica.remotes():
            waiting = (remote.waiting_changes, remote.waiting_files, remote.inbox, remote.waiting_causes)
            if any(waiting):
                return f"{computer.name} still has waiting {waiting} (I29)"
        for item in await computer.replica.items():
            status = item.state.status
            if status is ItemStatus.DRAFT or (status is ItemStatus.RECEIVED and item.kind == "task"):
                continue
            return f"{item.document} on {computer.name} stays {status.value} (I30)"
        return ""

    async def _everything_is_there(self, computers: list[Computer]) -> None:
        held: set[ChangeKey] = set()
        contents: dict[ChangeKey, bytes] = {}
        for computer in computers:
            rows = await computer.rows(
                "SELECT d.id, c.client, c.sequence, c.delta FROM _changes c JOIN _documents d ON d.n = c.document"
            )
            changes = {row[:3] for row in rows}
            if len(changes) < len(rows):
                raise Violation(f"{computer.name} holds a change twice (I5)")
            for *key, delta in rows:
                if contents.setdefault((key[0], key[1], key[2]), delta) != delta:
                    raise Violation(f"change {key} has two contents (I7)")
            missing = self._acknowledged.get(computer.name, set()) - changes
            if missing:
                raise Violation(f"{computer.name} has lost acknowledged edits: {sorted(missing)} (I1)")
            held |= changes
        for computer in self._computers:
            if computer.is_retired or computer.is_left_out:
                # What it had not sent is there alone, or lost with it.
                self._expendable |= self._acknowledged.get(computer.name, set()) - held
        everything = set().union(*self._acknowledged.values()) if self._acknowledged else set()
        missing = everything - held - self._expendable
        if missing:
            raise Violation(f"acknowledged edits are nowhere: {sorted(missing)} (I11)")

    async def _all_are_equal(self, computers: list[Computer]) -> None:
        shared = {
            computer.name: {
                row[0] for row in await computer.rows("SELECT id FROM _documents WHERE shared AND rev > 0")
            }
            for computer in computers
        }
        first = computers[0]
        digests = await first.replica.digests()
        shown, conflicts = await first.projections(), await conflicts_of(first)
        for computer in computers:
            if shared[computer.name] != shared[first.name]:
                differing = sorted(shared[computer.name] ^ shared[first.name])
                raise Violation(f"{computer.name} and {first.name} do not share the same: {differing} (I29)")
            own = await computer.replica.digests()
            own_shown, own_conflicts = await computer.projections(), await conflicts_of(computer)
            for document in shared[first.name]:
                if own[document] != digests[document]:
                    raise Violation(f"{document} differs on {computer.name} and {first.name} (I2)")
                if own_shown[document] != shown[document]:
                    raise Violation(f"{document} shows differently on {computer.name} and {first.name} (I2)")
                if own_conflicts.get(document) != conflicts.get(document):
                    raise Violation(f"{document} has other conflicts on {computer.name} (I2)")
            if await computer.rows("SELECT idx, encoded FROM _ledger") != await first.rows(
                "SELECT idx, encoded FROM _ledger"
            ):
                raise Violation(f"{computer.name} has another ledger than {first.name} (I28)")
        await self._own_drafts(computers, shared[first.name])

    async def _own_drafts(self, computers: list[Computer], shared: set[str]) -> None:
        """Check the documents that never left their computer against the model as well."""
        for computer in computers[1:]:
            await self._as_modelled(computer, leave_out=shared)

    async def _as_modelled(self, computer: Computer, leave_out: set[str] | None = None) -> None:
        shown, conflicts = await computer.projections(), await conflicts_of(computer)
        changes = await computer.changes()
        for document in sorted(shown.keys() - (leave_out or set())):
            for reason, _ in conflicts.get(document, {}).values():
                self._done[f"conflict of {reason}"] += 1
            modelled = self._model.documents.get(document)
            if modelled is None:
                raise Violation(f"{document} on {computer.name} was made by nobody")
            here = {(client, sequence) for of, client, sequence in changes if of == document}
            expected = modelled.only(here)
            differences = expected.differences(json.loads(shown[document]), conflicts.get(document, {}))
            if differences:
                raise Violation(f"{document} on {computer.name}: {'; '.join(differences)}")

    async def _nothing_is_set_aside(self, computers: list[Computer]) -> None:
        for computer in computers:
            for what in await health_of(computer):
                raise Violation(f"{computer.name} has in quarantine: {what} (I29)")


async def conflicts_of(computer: Computer) -> dict[str, dict[str, tuple[str, list[str]]]]:
    """Return the conflicts of each document: path -> (reason, raw values)."""
    found: dict[str, dict[str, tuple[str, list[str]]]] = {}
    for conflict in await computer.replica.conflicts():
        raws = sorted({value.raw for value in conflict.values})
        found.setdefault(conflict.document, {})[conflict.path] = (conflict.reason, raws)
    return found


async def health_of(computer: Computer) -> list[health.Quarantined]:
    """Return what is in quarantine and has no business to be there.

    Damaged and foreign files are, and the forked feeds of a restored replica.
    """
    return [
        item
        for item in await computer.replica.quarantine()
        if item.what != "file" and not (item.what == "fork" and item.name.startswith(("feed", "beacon")))
    ]
