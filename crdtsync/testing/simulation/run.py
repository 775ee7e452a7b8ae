"""Run one schedule: first everything that goes wrong, then nothing more, and what must be true is checked."""

import hashlib
import tempfile
from collections import Counter
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING

from crdtsync.errors import (
    CrdtSyncError,
    DocumentLockedError,
    RemoteError,
    StoreError,
)
from crdtsync.protocol.names import NameKind, classify
from crdtsync.sync.beacons import HEARTBEAT_MS
from crdtsync.testing.disk import SimulatedCrash, SimulatedDisk
from crdtsync.testing.faults import PROFILES, FaultKind, FaultPlace
from crdtsync.testing.memory_disk import FAST_DIRECTORY, KeptDatabases, MemoryDisk
from crdtsync.testing.simulation.checks import Checks
from crdtsync.testing.simulation.computer import STEP_NAMES, Computer
from crdtsync.testing.simulation.limits import lowered_limits
from crdtsync.testing.simulation.listening import Listener
from crdtsync.testing.simulation.model import Model
from crdtsync.testing.simulation.people import People
from crdtsync.testing.simulation.plan import DECADE_MS, ComputerPlan, Plan, Step
from crdtsync.testing.simulation.violation import Violation

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable

    from crdtsync.sync.report import SyncReport

NOW_MS = 1_700_000_000_000
HOUR_MS = 3_600_000
SETTLE_ROUNDS_MAX = 24
FILES_ONE_IN = 8
CHECK_SHARE = 0.07
"""How often the running checks are made, per step."""

LISTENS_ONE_IN = 3
"""In how many schedules one has an application that listens while everything arrives."""

DECIDED_SHARE = 0.6
"""How often people go on after a schedule that has left conflicts: settling once more takes its time."""

EDITED_SHARE = 0.1
"""How often they do after one that has left none."""

_FAULT_KINDS = frozenset(kind.value for kind in FaultKind)


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a schedule."""

    plan: Plan
    steps: int
    """How many things happened, those of the time after the faults among them."""
    faults: Counter[str]
    """How often each kind of fault took effect."""
    trace: str
    """Hash of everything that happened and of what was there at the end; equal for equal schedules."""
    violations: tuple[str, ...]
    log: tuple[str, ...]
    """What happened, line by line."""
    done: Counter[str] = field(default_factory=Counter)
    """What people did that had an effect, and what there was to check: a schedule in which nothing happens proves
    nothing."""


class Simulation:
    """One schedule on its way."""

    def __init__(self, plan: Plan, directory: Path, kept: KeptDatabases) -> None:
        self.plan = plan
        self.directory = directory
        self.kept = kept
        self.now_ms = NOW_MS
        self.random = Random(f"environment/{plan.seed}")
        # A marker that is lost or damaged needs a person, and a replica that never saw it can do nothing.
        self.is_marker_spared = plan.seed % 5 != 0
        spares = _is_marker if self.is_marker_spared else None
        self.place = FaultPlace(PROFILES[plan.profile], spares=spares)
        self.computers: list[Computer] = []
        self.model = Model()
        self.faults: Counter[str] = Counter()
        self.log: list[str] = []
        self.done: Counter[str] = Counter()
        self.checks = Checks(self.computers, self.model, self.place, self.done)
        self.people = People(self.model, self.checks, self.faults, self.done, self._recover)
        self.listener: Listener | None = None
        self.steps = 0

    @property
    def running(self) -> list[Computer]:
        """The computers that take part in the end."""
        return [c for c in self.computers if not c.is_retired and not c.is_left_out]

    async def run(self) -> None:
        """Run it to its end.

        Raises:
            Violation: something is not true that must be.
        """
        await self._begin()
        for step in self.plan.steps:
            self.steps += 1
            self.log.append(f"{step.what} {await self._take(step)}")
            if Random(step.draw ^ 1).random() < CHECK_SHARE:
                await self.checks.meanwhile()
        await self._heal()
        if self.plan.seed % LISTENS_ONE_IN == 0:
            self.listener = Listener(Random(f"listen/{self.plan.seed}").choice(self.running))
            await self.listener.start()
        await self._settle()
        await self.checks.at_the_end(self.running, Random(f"ask/{self.plan.seed}"))
        await self._decide()
        if self.listener is not None:
            self.done["told of a change"] += await self.listener.check()
        await self._stay_quiet()
        for identity, digest in sorted((await self.running[0].replica.digests()).items()):
            self.log.append(f"{identity} {digest.hex()}")

    async def close(self) -> None:
        """Close what is open."""
        if self.listener is not None:
            await self.listener.stop()
        for computer in self.computers:
            await computer.stop()
            computer.disk.close()

    async def _begin(self) -> None:
        """Bring the fleet to where most of its life takes place: attached, with some documents that all have."""
        random = Random(f"begin/{self.plan.seed}")
        for plan in self.plan.computers:
            await self._add(plan)
        await self.computers[0].sync()  # The office sets the folder up.
        if random.random() < 0.1:
            return  # The others find a folder that is still empty, or half there.
        for _ in range(random.choice((0, 1, 1, 2, 3))):
            computer = random.choice(self.computers)
            with suppress(DocumentLockedError):  # Two ids may be derived alike.
                made = await self.people.make(computer, random)
                await self.people.mark(computer, random)
                self.log.append(f"{computer.name} begins with {made}")
        for _ in range(2):
            self.place.settle()
            for computer in self.computers:
                await computer.sync()

    async def _add(self, plan: ComputerPlan) -> Computer:
        # Some with real files: those are what is there in the end, and take twice the time.
        disk = SimulatedDisk() if self.plan.seed % FILES_ONE_IN == 0 else MemoryDisk(self.kept)
        computer = Computer(plan, self.directory, self.place, self.random, lambda: self.now_ms, disk)
        self.computers.append(computer)
        await computer.start()
        return computer

    async def _take(self, step: Step) -> str:
        random = Random(step.draw)
        if step.what == "join":
            name = f"J{len(self.computers)}"
            self.faults["join"] += 1
            await self._add(ComputerPlan(name, "roaming", random.choice((0, DECADE_MS))))
            return name
        if step.what == "wait":
            self.now_ms += random.choice((1, 60_000, HOUR_MS, 20 * HOUR_MS, 500 * HOUR_MS))
            return ""
        computer = self.computers[step.computer % len(self.computers)]
        if step.what in _FAULT_KINDS:
            if step.what == FaultKind.FOLDER_REPLACED and not await computer.is_attached():
                # Who has never seen the right folder cannot know that this is the wrong one.
                return "nothing"
            done = self.place.inject(FaultKind(step.what), computer.name, random.getrandbits(30))
            return f"{computer.name}: {done}"
        if step.what == "move":
            moves = [
                self.place.move(computer.name, random.getrandbits(30))
                for _ in range(random.choice((1, 2, 8)))
            ]
            return f"{computer.name}: {'; '.join(filter(None, moves))}"
        if computer.is_retired:
            return "nobody"
        if computer.absent_steps:
            computer.absent_steps -= 1
            return f"{computer.name} is switched off"
        return f"{computer.name}: {await self._on_computer(step.what, computer, random)}"

    async def _on_computer(self, what: str, computer: Computer, random: Random) -> str:
        """Do something on a computer; whatever may go wrong there is an outcome of it."""
        try:
            if not computer.is_running:
                await computer.start()
            verb = what.replace(" ", "_")
            act = getattr(self.people, verb, None) or getattr(self, f"_{verb}")
            return await act(computer, random) or ""
        except SimulatedCrash:
            self.faults["crash"] += 1
            return await self._recover(computer)
        except (RemoteError, StoreError) as error:
            if isinstance(error, StoreError) and what != "disk error" and not computer.disk.is_full:
                raise Violation(f"{computer.name}: {what} says {error!r}, and its disk is well") from error
            if isinstance(error, StoreError):
                self.faults["disk error"] += 1
            return type(error).__name__
        except DocumentLockedError as error:
            if not computer.plan.lock_while_numbering:
                raise Violation(f"{computer.name}: {what} says {error!r}, and nothing is locked") from error
            return f"{type(error).__name__}: {error}"
        except CrdtSyncError as error:
            raise Violation(f"{computer.name}: {what} says {error!r}") from error

    async def _recover(self, computer: Computer) -> str:
        """Start the process again after it died."""
        await computer.stop()
        await computer.start()
        await self.checks.after_restart(computer)
        return "died"

    # What the computer does.

    async def _sync(self, computer: Computer, random: Random) -> str:
        report = await computer.sync(fresh=random.random() < 0.1)
        await self.checks.after_round(computer)
        return f"{report.applied} applied, {report.published_files} published, {report.granted} granted"

    async def _cut_round(self, computer: Computer, random: Random) -> str:
        self.faults["cut round"] += 1
        count = random.randrange(len(STEP_NAMES))
        await computer.sync(count)
        return f"after {count}"

    async def _restart(self, computer: Computer, _: Random) -> str:
        await computer.stop()
        await computer.start()
        await self.checks.after_restart(computer)
        return ""

    async def _meanwhile(self, computer: Computer, random: Random) -> str:
        """Edit in the middle of a round, between two calls on the remote."""
        self.faults["meanwhile"] += 1
        did: list[str] = []

        async def act() -> None:
            with suppress(DocumentLockedError):
                did.append(await self.people.edit(computer, random))
            did.append(self.place.move(computer.name, random.getrandbits(30)))

        computer.meanwhile = (random.randrange(12), act)
        try:
            await computer.sync()
        finally:
            computer.meanwhile = None
        return "; ".join(did)

    # What goes wrong on it.

    async def _crash(self, computer: Computer, random: Random) -> str:
        """Let the process die at some durable step of what it does next."""
        computer.disk.crash_at(random.choice((1, 2, 3, 4, random.randrange(5, 40))))
        try:
            return await self._busy(computer, random)
        finally:
            computer.disk.crash_at(0)

    async def _disk_error(self, computer: Computer, random: Random) -> str:
        computer.disk.fail_at(random.choice((random.randrange(1, 8), random.randrange(8, 120))))
        try:
            return await self._busy(computer, random)
        finally:
            computer.disk.fail_at(0)

    async def _busy(self, computer: Computer, random: Random) -> str:
        people = self.people
        act: Callable[[Computer, Random], Awaitable[str]] = random.choice(
            (people.edit, people.make, people.mark, self._sync, self._sync, self._sync, self._restart)
        )
        return await act(computer, random)

    async def _disk_full(self, computer: Computer, _: Random) -> str:
        computer.disk.is_full = not computer.disk.is_full
        self.faults["disk full"] += computer.disk.is_full
        return "full" if computer.disk.is_full else "has room"

    async def _clock(self, computer: Computer, random: Random) -> str:
        self.faults["clock"] += 1
        computer.offset_ms = random.choice((0, -HOUR_MS, random.randrange(-DECADE_MS, DECADE_MS)))
        return f"{computer.offset_ms}"

    async def _absence(self, computer: Computer, random: Random) -> str:
        self.faults["absence"] += 1
        await computer.stop()
        computer.absent_steps = random.randrange(2, 10)
        self.now_ms += random.randrange(200) * 24 * HOUR_MS
        return f"for {computer.absent_steps} steps"

    async def _retire(self, computer: Computer, _: Random) -> str:
        if computer.replica.is_coordinator or len(self.running) < 3:
            return "nothing"
        self.faults["retire"] += 1
        await computer.stop()
        computer.is_retired = True
        return "gone for good"

    async def _restore(self, computer: Computer, _: Random) -> str:
        if computer.backup is None:
            await computer.back_up()
            return "backed up"
        self.faults["restore"] += 1
        await self.checks.before_restore(computer)
        await computer.restore()
        await self.checks.after_restore(computer)
        return "restored"

    # When the faults have stopped.

    async def _decide(self) -> None:
        """Let people decide and edit, now that all has arrived and nothing is refused any more, and settle again.

        While faults go on, hardly anybody is shown a conflict: both sides of it have to arrive first.
        """
        random = Random(f"decide/{self.plan.seed}")
        has_conflicts = any([await c.replica.count_conflicts() for c in self.running])
        share = DECIDED_SHARE if has_conflicts else EDITED_SHARE
        if Random(f"rest/{self.plan.seed}").random() >= share:
            return
        deciding = random.sample(self.running, min(2, len(self.running)))
        for computer in deciding:
            done = [await self.people.resolve(computer, random) for _ in range(random.choice((1, 2)))]
            self.log.append(f"{computer.name} decides {done}")
        self.log.append(f"{deciding[0].name} edits {await self.people.edit(deciding[0], random)}")
        await self._settle()
        await self.checks.when_decided(self.running, random)

    async def _heal(self) -> None:
        self.place.heal()
        for computer in self.running:
            computer.absent_steps = 0
            computer.disk.is_full = False
            computer.disk.restart()
            if not computer.is_running:
                await computer.start()
                await self.checks.after_restart(computer)

    async def _settle(self) -> None:
        """Let everything arrive and everybody sync until nobody has anything to do any more.

        What left no trace in the folder (a segment and the beacon that names it) shows in a heartbeat only.
        """
        await self._settle_once()
        for day in range(2):
            # Who is equal and waits for nothing has nothing to learn from a heartbeat; some go on all the same,
            # to see that too.
            if (day or self.plan.seed % 8) and await self._are_at_rest():
                return
            self.now_ms += HEARTBEAT_MS + HOUR_MS
            await self._settle_once()

    async def _are_at_rest(self) -> bool:
        documents, entries = (
            "SELECT id, digest FROM _documents WHERE shared AND rev > 0 ORDER BY id",
            "SELECT max(idx) FROM _ledger",
        )
        found = [[await computer.rows(sql) for sql in (documents, entries)] for computer in self.running]
        waiting = [await self.checks.why_waiting(computer) for computer in self.running]
        return all(one == found[0] for one in found) and not any(waiting) and await self._have_heard()

    async def _have_heard(self) -> bool:
        """Whether everybody has heard from everybody: a lost beacon is made up for by the next heartbeat only."""
        replicas = {computer.workspace.identity.replica for computer in self.running}
        heard = [
            {replica for (replica,) in await computer.rows("SELECT replica FROM _peers")}
            for computer in self.running
        ]
        return all(len(replicas - known) == 1 for known in heard)

    async def _settle_once(self) -> None:
        quiet = 0
        reports: list[SyncReport | None] = []
        for done in range(SETTLE_ROUNDS_MAX):
            self.steps += 1
            moved = self.place.settle()
            reports = [await computer.sync_if_possible(fresh=not done) for computer in self.running]
            for computer, report in zip(self.running, reports, strict=True):
                if report is None and done > 1:
                    await self._look_after_marker(computer)
            is_idle = moved == 0 and all(report is not None and report.is_idle for report in reports)
            quiet = quiet + 1 if is_idle and not self.place.moves() else 0
            if quiet == 2:
                self.log.append(f"quiet after {done + 1} rounds")
                return
            self.now_ms += HOUR_MS  # What is missing is asked for only after a while.
        raise Violation(f"not quiet after {SETTLE_ROUNDS_MAX} rounds: {reports} (I29)")

    async def _look_after_marker(self, computer: Computer) -> None:
        """Do what a person does where the marker is lost; who never saw it can only be told so."""
        if self.is_marker_spared:
            raise Violation(f"{computer.name} does not find the folder, and its marker is well (I33)")
        if await computer.is_attached():
            await computer.put_marker_back()
            self.log.append(f"a person puts the marker back on {computer.name}")
        else:
            computer.is_left_out = True
            self.log.append(f"{computer.name} never sees the folder")

    async def _stay_quiet(self) -> None:
        """Check that with no edits and no faults nothing is written any more (I32)."""
        before = dict(self.place.server)
        for is_fresh in (True, False):
            for computer in self.running:
                await computer.sync(fresh=is_fresh)
            self.place.settle()
        if self.place.server != before:
            changed = sorted(before.keys() ^ self.place.server.keys())
            raise Violation(f"the folder goes on changing: {changed} (I32)")


def _is_marker(name: str) -> bool:
    return classify(name).kind is NameKind.MARKER


async def simulate(plan: Plan, kept: KeptDatabases | None = None) -> Outcome:
    """Run a schedule and return what came of it; a violation is an outcome.

    Args:
        plan: the schedule.
        kept: databases of earlier schedules, which this one uses and leaves to later ones.
    """
    if kept is None:
        with KeptDatabases() as own:
            return await simulate(plan, own)
    parent = FAST_DIRECTORY if FAST_DIRECTORY.is_dir() else None
    violations: tuple[str, ...] = ()
    with tempfile.TemporaryDirectory(prefix="crdtsync-", dir=parent) as directory:
        simulation = Simulation(plan, Path(directory), kept)
        try:
            with lowered_limits(plan.seed):
                await simulation.run()
        except Violation as violation:
            violations = (str(violation),)
        except (SimulatedCrash, Exception) as error:  # noqa: BLE001 - whatever it is, it is the schedule's outcome
            violations = (f"{type(error).__name__}: {error}",)
        finally:
            with suppress(Exception):
                await simulation.close()
    faults = simulation.faults + Counter({kind.value: n for kind, n in simulation.place.injected.items()})
    trace = hashlib.blake2b("\n".join(simulation.log).encode(), digest_size=8).hexdigest()
    return Outcome(plan, simulation.steps, faults, trace, violations, tuple(simulation.log), simulation.done)
