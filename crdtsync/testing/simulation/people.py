"""What the people of a simulated fleet do with documents, and what the model learns of it."""

import copy
from collections import Counter
from collections.abc import Awaitable, Callable, Container
from contextlib import suppress
from dataclasses import dataclass
from random import Random

from crdtsync.document.draft import Writes
from crdtsync.document.model import Document
from crdtsync.document.registers import MARKER, RESTORED
from crdtsync.errors import RemoteError
from crdtsync.protocol.ids import derive_id
from crdtsync.replica import Replica
from crdtsync.store.conflicts import Conflict
from crdtsync.testing.disk import SimulatedCrash
from crdtsync.testing.simulation.checks import Checks
from crdtsync.testing.simulation.computer import Computer
from crdtsync.testing.simulation.kinds import BY_NAME, Customer, Order, Quote, Task
from crdtsync.testing.simulation.lines import edit_lines_of
from crdtsync.testing.simulation.model import Model
from crdtsync.testing.workload import fill_required, random_edit


@dataclass(frozen=True, slots=True)
class Attempt:
    """An edit that was begun, and is there in the end or is not."""

    document: str
    kind: type[Document]
    writes: Writes
    client: int
    before: int
    """How many changes its client had made of the document."""
    seen: dict[int, int]
    lines: list[str] | None
    """The ids of the lines, in the order that its author saw last; None if he saw none."""


class _ComputerDiedError(Exception):
    """While somebody edited, an edit in a second process brought the whole computer down: his went with it."""


class People:
    """Every verb takes a computer and draws its choices; it returns what was done, in a few words.

    Raises (every verb): what the replica raises; `SimulatedCrash` if the process died with nothing to record.
    """

    def __init__(
        self,
        model: Model,
        checks: Checks,
        faults: Counter[str],
        done: Counter[str],
        recover: Callable[[Computer], Awaitable[str]],
    ) -> None:
        self.marked: set[str] = set()
        """The documents that somebody has marked: others, too, mark and reset them."""
        self._model = model
        self._checks = checks
        self._faults = faults
        self._done = done
        self._recover = recover

    async def make(self, computer: Computer, random: Random) -> str:
        """Make a document; half of the time under an id that others may derive as well."""
        kind = random.choice((Quote, Quote, Quote, Order, Task))
        identity = derive_id(kind._kind, str(random.randrange(4))) if random.random() < 0.4 else None  # noqa: SLF001
        return await self._edit_one(computer, computer.replica, kind, identity, random, create=True)

    async def share(self, computer: Computer, random: Random) -> str:
        """Make a document of a kind that goes to everyone."""
        return await self._edit_one(computer, computer.replica, Customer, None, random, create=True)

    async def edit(self, computer: Computer, random: Random) -> str:
        """Edit a document."""
        return await self._edit_some(computer, computer.replica, random)

    async def second_process(self, computer: Computer, random: Random) -> str:
        """Edit a document in a second process of the same replica."""
        self._faults["second process"] += 1
        return await self._edit_some(computer, await computer.second_replica(), random)

    async def lines(self, computer: Computer, random: Random) -> str:
        """Add, edit, move, remove or restore lines."""
        found = await computer.rows(
            "SELECT id, kind FROM _documents WHERE rev > 0 AND kind IN ('quote', 'order') ORDER BY shared DESC, id"
        )
        if not found:
            return "nothing"
        identity, kind = found[min(random.randrange(len(found)), random.randrange(len(found)))]
        return await self._edit_one(
            computer, computer.replica, BY_NAME[kind], identity, random, create=False, only_lines=True
        )

    async def _edit_some(self, computer: Computer, replica: Replica, random: Random) -> str:
        chosen = await self._choose(computer, random)
        if chosen is None:
            return "nothing"
        identity, kind = chosen
        return await self._edit_one(computer, replica, BY_NAME[kind], identity, random, create=False)

    async def _edit_one(
        self,
        computer: Computer,
        replica: Replica,
        kind: type[Document],
        identity: str | None,
        random: Random,
        *,
        create: bool,
        only_lines: bool = False,
    ) -> str:
        attempt: Attempt | None = None
        done: list[str] = []
        client = replica._workspace.identity.client  # noqa: SLF001
        before = 0
        given = await computer.references() if create else {}
        try:
            async with replica.edit(
                kind, identity, create=create and identity is not None, label="simulated"
            ) as draft:
                seen = await computer.version(draft.id)
                before = seen.get(client, 0)
                if not seen:
                    fill_required(draft, random)
                if random.random() < 0.1 and computer.meanwhile is None:
                    with suppress(RemoteError):
                        await computer.sync()
                    done.append("sync in the middle")
                elif seen and random.random() < 0.06 and computer.meanwhile is None:
                    other = await computer.second_replica()
                    if other._workspace is not replica._workspace:  # noqa: SLF001
                        process = computer.workspace
                        beside = await self._edit_one(computer, other, kind, draft.id, random, create=False)
                        done.append(f"beside it {beside}")
                        if computer.workspace is not process:
                            raise _ComputerDiedError
                act: Callable[[Document, Random], str] = edit_lines_of if only_lines else random_edit
                done.extend(act(draft, random) for _ in range(random.choice((1, 1, 2, 4))))
                writes: Writes = draft._source.writes  # type: ignore[attr-defined]  # noqa: SLF001
                lines = [line.id for line in draft.lines] if isinstance(draft, (Quote, Order)) else []
                attempt = Attempt(draft.id, kind, copy.copy(writes), client, before, seen, lines)
        except SimulatedCrash:
            # Whether it was durable already is seen when the process runs again.
            self._faults["crash"] += 1
            done.append(await self._recover(computer))
        except _ComputerDiedError:
            done.append("died with it")
        finally:
            if attempt is not None and computer.is_running and not computer.disk.is_dead:
                await self._record(computer, attempt)
                if create:
                    await self._checks.reference_is_new(computer, attempt.document, given)
        return f"{kind.__name__} {attempt.document if attempt else ''} {', '.join(done)}"

    async def _record(self, computer: Computer, attempt: Attempt) -> None:
        identity, client, number = attempt.document, attempt.client, attempt.before + 1
        applied = await computer.version(identity)
        if applied.get(client, 0) == attempt.before:
            return  # Nothing was written: it failed, or said what was there already.
        document = self._model.document(identity, attempt.kind)
        applied[client] = attempt.before
        shown = await computer.projection(attempt.kind, identity)
        document.record(client, number, attempt.writes, attempt.seen, applied, shown)
        for name, text in attempt.writes.texts.items():
            document.remember_words(name, text, client, number)
        self._checks.acknowledge(computer, identity, client, number)
        await self._checks.causes_are_named(computer, identity, client, number, applied)
        if not attempt.writes.appends_only:
            await self._checks.is_not_locked(computer, identity)
        is_alone = {key: last for key, last in applied.items() if last} == attempt.seen
        if is_alone and attempt.lines is not None:
            self._checks.are_in_order(identity, attempt.lines, shown)
        self._done["edited"] += 1
        self._done["removed"] += len(attempt.writes.removals)
        for path, raw in attempt.writes.values.items():
            self._done["restored"] += path[-1] == MARKER and raw == RESTORED
            self._done["moved"] += path[0] == "lines" and len(path) == 2

    async def _choose(
        self, computer: Computer, random: Random, *, among: Container[str] | None = None
    ) -> tuple[str, str] | None:
        found = await computer.rows("SELECT id, kind FROM _documents WHERE rev > 0 ORDER BY shared DESC, id")
        if among is not None:
            found = [item for item in found if item[0] in among] or found
        # Those that all have come first, and are chosen most often: what meets is what may go wrong.
        return found[min(random.randrange(len(found)), random.randrange(len(found)))] if found else None

    async def mark(self, computer: Computer, random: Random) -> str:
        """Mark a document to be synced."""
        chosen = await self._choose(computer, random, among=self.marked if random.random() < 0.4 else None)
        if chosen is None or chosen[1] == "customer":
            return "nothing"
        self.marked.add(chosen[0])
        await self._checks.remember_marked(computer, chosen[0])
        await computer.replica.mark_for_sync(chosen[0])
        return chosen[0]

    async def reset(self, computer: Computer, random: Random) -> str:
        """Take a mark back."""
        chosen = await self._choose(computer, random, among=self.marked)
        if chosen is None:
            return "nothing"
        self._checks.forget_status(computer, chosen[0])
        return f"{chosen[0]} {await computer.replica.reset_sync(chosen[0])}"

    async def resolve(self, computer: Computer, random: Random) -> str:
        """Decide a conflict, as a person does who is shown it: what that writes, the model knows from the conflict."""
        conflicts = await computer.replica.conflicts()
        if not conflicts:
            return "nothing"
        conflict = random.choice(conflicts)
        keep = random.randrange(len(conflict.values))
        client = computer.workspace.identity.client
        seen = await computer.version(conflict.document)
        try:
            await computer.replica.resolve(conflict, keep, label="decided")
        except SimulatedCrash:
            self._faults["crash"] += 1
            await self._recover(computer)
        if computer.is_running and not computer.disk.is_dead:
            kind, before = BY_NAME[conflict.kind], seen.get(client, 0)
            attempt = Attempt(conflict.document, kind, _decision(conflict, keep), client, before, seen, None)
            decided = self._done["edited"]
            await self._record(computer, attempt)
            self._done["decided"] += self._done["edited"] - decided
        return f"{conflict.document} {conflict.path} {keep}"

    async def void(self, computer: Computer, random: Random) -> str:
        """Declare the next number void."""
        if not computer.replica.is_coordinator:
            return "nothing"
        series, reason = random.choice(("quotes", "orders")), f"spoilt {random.getrandbits(30)}"
        self._checks.ledger.remember_void(reason, None)
        await computer.replica.void_number(series, reason)
        self._checks.ledger.remember_void(reason, computer)
        self._done["declared void"] += 1
        return f"{series}: {reason}"


def _decision(conflict: Conflict, keep: int) -> Writes:
    """Return what deciding a conflict for one of its values has to write."""
    path, chosen = tuple(conflict.path.split("/")), conflict.values[keep]
    if conflict.reason == "values":
        return Writes(values={path: chosen.raw}, appends_only=False)
    if chosen.is_removal:
        return Writes(removals={(path[0], path[1])}, appends_only=False)
    return Writes(values={(path[0], path[1], MARKER): RESTORED}, appends_only=False)
