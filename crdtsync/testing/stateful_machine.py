"""The machine that `fleet_machine` fills in: its rules, and what must be true in the end."""

import asyncio
import datetime as dt
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from random import Random
from typing import Any, ClassVar

from hypothesis import note
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, rule

from crdtsync.document.model import Document
from crdtsync.errors import DocumentLockedError, DocumentNotFoundError, ValidationError
from crdtsync.protocol.ledger import Outcome
from crdtsync.protocol.status import ItemStatus
from crdtsync.replica import Replica
from crdtsync.testing.converged import expect_converged
from crdtsync.testing.disk import SimulatedCrash
from crdtsync.testing.fleet import Fleet
from crdtsync.testing.fleet_member import Member
from crdtsync.testing.workload import fill_required, random_edit

Invariant = Callable[[Replica], Awaitable[None]]

_REFUSALS = (DocumentNotFoundError, DocumentLockedError, ValidationError)
"""What an edit may meet at any time, and nothing of it is written."""

numbers = st.integers(0, 7)
"""Which member, document or conflict: taken modulo how many there are."""

seeds = st.integers(0, 2**16 - 1)
"""Of a random edit; small ones are as random as large ones."""

draws = st.integers(0, 2**16 - 1)
pairs = st.tuples(numbers, numbers)
hours = st.sampled_from((0, 1, 24, 24 * 30))
interruptions = st.sampled_from(("time", "clock", "restart", "die", "leave", "come back"))


class FleetMachine(RuleBasedStateMachine):
    """An office and workstations, to which hypothesis does anything. Made by `fleet_machine`.

    A subclass may add rules; they reach the fleet as `self.fleet`, and run coroutines by `self.do`.
    """

    fleet_options: ClassVar[Mapping[str, Any]]
    fleet_invariants: ClassVar[tuple[Invariant, ...]] = ()

    def __init__(self) -> None:
        super().__init__()
        self.fleet = Fleet(seed=0, **self.fleet_options)
        """The fleet; everything that is random is drawn by hypothesis."""
        self.documents: list[tuple[type[Document], str]] = []
        """Every document that was made, and is of any use to somebody."""
        self._loop = asyncio.Runner()
        self._acknowledged: dict[str, set[tuple[int, int]]] = {}
        self._has_failed = False

    def do(self, coroutine: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine to its end; whatever it raises is what the machine has found."""
        try:
            self._loop.run(coroutine)
        except BaseException:
            self._has_failed = True
            raise

    # What people do.

    @rule(member=numbers, kind=numbers, seed=seeds)
    def make(self, member: int, kind: int, seed: int) -> None:
        """Somebody makes a document."""
        self.do(self._make(self._member(member), kind, Random(seed)))

    @rule(member=numbers, document=numbers, seed=seeds, edits=st.integers(1, 4))
    def edit(self, member: int, document: int, seed: int, edits: int) -> None:
        """Somebody edits a document, in one change."""
        self.do(self._edit(self._member(member), document, Random(seed), edits))

    @rule(members=pairs, document=numbers, seed=seeds)
    def edit_apart(self, members: tuple[int, int], document: int, seed: int) -> None:
        """Two edit one document before either has seen what the other did."""
        random = Random(seed)
        for member in members:
            self.do(self._edit(self._member(member), document, random, 2))

    @rule(member=numbers, document=numbers, takes_back=st.sampled_from((False, False, False, True)))
    def mark(self, member: int, document: int, takes_back: bool) -> None:  # noqa: FBT001 - hypothesis names it
        """Somebody marks a document, and so asks for its number, or takes a mark back."""
        self.do(self._mark(self._member(member), document, takes_back=takes_back))

    @rule(member=numbers, conflict=numbers, keep=numbers)
    def resolve(self, member: int, conflict: int, keep: int) -> None:
        """Somebody decides a conflict."""
        self.do(self._resolve(self._member(member), conflict, keep))

    # What machines do.

    @rule(member=numbers)
    def sync(self, member: int) -> None:
        """One round with the folder as it is there now."""
        self.do(self._sync(self._member(member)))

    @rule(member=numbers, steps=st.integers(1, 8), draw=draws)
    def travel(self, member: int, steps: int, draw: int) -> None:
        """Files come and go, in any order; a machine that is offline stands still."""
        chosen = self._member(member)
        if chosen.is_online:
            random = Random(draw)
            for _ in range(steps):
                self.fleet.place.move(chosen.name, random.getrandbits(30))

    @rule(member=numbers, kind=draws, draw=draws)
    def fault(self, member: int, kind: int, draw: int) -> None:
        """The service, or a stranger, does something wrong."""
        profile = self.fleet.place.profile
        if profile.weights:
            chosen = profile.kind_of(kind)
            note(
                f"{chosen}: {self.fleet.inject(chosen, self._member(member), draw) or 'nothing to do it to'}"
            )

    @rule(member=numbers, what=interruptions, step=st.integers(1, 30), hours=hours)
    def interrupt(self, member: int, what: str, step: int, hours: int) -> None:
        """A process ends, or dies in a round; a machine goes offline or comes online; time passes."""
        chosen = self._member(member)
        match what:
            case "restart":
                self.do(chosen.restart())
            case "die":
                self.do(self._die(chosen, step))
            case "leave":
                chosen.go_offline()
            case "come back":
                chosen.go_online()
            case "clock":
                chosen.clock.wrong_by = dt.timedelta(hours=-hours)
            case _:
                self.fleet.advance(dt.timedelta(hours=hours))

    # The end.

    def teardown(self) -> None:
        """Let everything arrive, and check what must be true then."""
        try:
            if not self._has_failed:
                self.do(self._at_the_end())
        finally:
            self.fleet.close()
            self._loop.close()

    async def _at_the_end(self) -> None:
        await self.fleet.settle()
        replicas = [member.replica for member in self.fleet.members]
        await expect_converged(*replicas)  # A schedule in which nothing was shared is one like any other.
        for replica in replicas:
            for invariant in self.fleet_invariants:
                await invariant(replica)
        await self._nothing_is_lost(replicas)
        await self._numbers_are_right(replicas[0])
        for replica in replicas:
            await self._all_is_through(replica)

    async def _nothing_is_lost(self, replicas: list[Replica]) -> None:
        held: dict[str, set[tuple[int, int]]] = {document: set() for document in self._acknowledged}
        for replica in replicas:
            for document in held.keys() & (await replica.digests()).keys():
                held[document] |= {tuple(entry.id) for entry in await replica.history(document)}  # type: ignore[misc]
        for document, acknowledged in self._acknowledged.items():
            lost = acknowledged - held[document]
            assert not lost, f"edits of {document} were acknowledged and are nowhere: {sorted(lost)}"

    async def _numbers_are_right(self, office: Replica) -> None:
        granted: dict[str, list[int]] = {}
        documents: dict[tuple[str, str], int] = {}
        for entry in await office.ledger():
            assert entry.outcome is Outcome.GRANTED, f"nobody declared {entry.text} void"
            granted.setdefault(entry.series, []).append(entry.number)
            twice = documents.setdefault((entry.series, entry.document), entry.number)
            assert twice == entry.number, f"{entry.document} has two numbers: {twice} and {entry.number}"
        starts = {series.name: series.start for series in await office.series()}
        for series, found in granted.items():
            expected = list(range(starts[series], starts[series] + len(found)))
            assert found == expected, f"the numbers of {series} are {found}"

    async def _all_is_through(self, replica: Replica) -> None:
        for item in await replica.items():
            status = item.state.status
            is_numbered = replica.schema(item.kind).series is not None
            assert status is ItemStatus.DRAFT or (status is ItemStatus.RECEIVED and not is_numbered), (
                f"{item.kind} {item.document} was marked at {replica.name}, and is still {status.value}"
            )

    # How it is done.

    def _member(self, number: int) -> Member:
        return self.fleet.members[number % len(self.fleet.members)]

    async def _chosen(self, member: Member, number: int) -> tuple[type[Document], str] | None:
        here = (await member.replica.digests()).keys()
        found = [item for item in self.documents if item[1] in here]
        return found[number % len(found)] if found else None

    async def _happened(self, member: Member, document: str) -> None:
        """Take note of what is acknowledged at a member, and let the invariants look."""
        known = self._acknowledged.setdefault(document, set())
        known |= {tuple(entry.id) for entry in await member.replica.history(document)}  # type: ignore[misc]
        await self._look(member)

    async def _look(self, member: Member) -> None:
        for invariant in self.fleet_invariants:
            await invariant(member.replica)

    async def _make(self, member: Member, kind: int, random: Random) -> None:
        kinds = self.fleet_options["kinds"]
        cls = kinds[kind % len(kinds)]
        try:
            async with member.replica.edit(cls) as document:
                fill_required(document, random)
                random_edit(document, random)
        except _REFUSALS as error:
            note(f"refused: {error}")
            return
        self.documents.append((cls, document.id))
        await self._happened(member, document.id)

    async def _edit(self, member: Member, number: int, random: Random, edits: int) -> None:
        chosen = await self._chosen(member, number)
        if chosen is None:
            return
        did: list[str] = []
        try:
            async with member.replica.edit(*chosen) as document:
                did += [random_edit(document, random) for _ in range(edits)]
        except _REFUSALS as error:
            did.append(f"refused: {error}")
        note(f"{member.name}, {chosen[0].__name__}: {', '.join(did)}")
        await self._happened(member, chosen[1])

    async def _mark(self, member: Member, number: int, *, takes_back: bool) -> None:
        chosen = await self._chosen(member, number)
        if chosen is not None:
            act = member.replica.reset_sync if takes_back else member.replica.mark_for_sync
            await act(chosen[1])

    async def _resolve(self, member: Member, number: int, keep: int) -> None:
        conflicts = await member.replica.conflicts()
        if not conflicts:
            return
        conflict = conflicts[number % len(conflicts)]
        try:
            await member.replica.resolve(conflict, keep % len(conflict.values))
        except _REFUSALS as error:
            note(f"refused: {error}")
        await self._happened(member, conflict.document)

    async def _sync(self, member: Member) -> None:
        await member.try_round()
        await self._look(member)

    async def _die(self, member: Member, step: int) -> None:
        member.disk.crash_at(step)
        try:
            await member.try_round()
        except SimulatedCrash:
            note(f"{member.name} died")
        member.disk.crash_at(0)
        await member.restart()
        await self._look(member)
