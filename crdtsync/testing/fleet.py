"""A fleet: an office and workstations over a folder with faults, in one process, on virtual time.

No thread, no clock and no chance but the seed's: the same calls with the same seed give the same history.
"""

import datetime as dt
import shutil
import tempfile
from collections.abc import Sequence
from pathlib import Path
from random import Random
from types import TracebackType
from typing import Self

from crdtsync.document.model import Document
from crdtsync.errors import MarkerMissingError, UsageError
from crdtsync.protocol.beacon import Role
from crdtsync.sync.beacons import HEARTBEAT_MS
from crdtsync.sync.report import SyncReport
from crdtsync.testing.converged_computed import expect_computed
from crdtsync.testing.faults import PROFILES, FaultKind, FaultPlace, Profile
from crdtsync.testing.fleet_member import Member

NOW_MS = 1_700_000_000_000
ROUNDS_MAX = 32
ROUND_TIME = dt.timedelta(hours=1)
HEARTBEAT = dt.timedelta(milliseconds=HEARTBEAT_MS) + ROUND_TIME
"""How much time passes between the rounds of `settle`: what is missing is asked for only after a while."""

MOVES_MAX = 8
TRACE_LINES_MAX = 10_000
_FAST_DISK = Path("/dev/shm")  # noqa: S108 - a disk in memory, where there is one
_MS = dt.timedelta(milliseconds=1)
_TIMES = (
    dt.timedelta(milliseconds=1),
    dt.timedelta(minutes=1),
    dt.timedelta(hours=1),
    dt.timedelta(days=1),
    dt.timedelta(days=30),
)
_CHURN = {"move": 8, "fault": 3, "round": 6, "time": 2, "restart": 1, "crash": 1}


class NotSettledError(AssertionError):
    """A fleet did not become quiet although the faults had stopped."""


class Fleet:
    """An office, which is the coordinator, and workstations; the folder is set up, and nobody has synced yet.

    ::

        with Fleet(kinds=[Quote], workstations=2, profile="dropbox", seed=1) as fleet:
            bob = fleet.workstations[0]
            async with bob.replica.edit(Quote) as quote:
                quote.customer = "Ada"
            await fleet.churn(50)
            await fleet.settle()

    Making and closing it needs no event loop; its async methods run on whatever loop the test has.
    """

    def __init__(
        self,
        *,
        kinds: Sequence[type[Document]],
        workstations: int = 2,
        profile: str | Profile = "dropbox",
        seed: int = 0,
        directory: Path | None = None,
        lock_while_numbering: bool = False,
    ) -> None:
        """Make a fleet.

        Args:
            kinds: the document classes of the application.
            workstations: how many there are beside the office; they are named R1, R2...
            profile: what the folder's service does wrong in `churn`; one of `PROFILES` or an own one.
            seed: decides everything that is random.
            directory: where the databases are; by default a temporary directory, in memory where there is one.
            lock_while_numbering: as for `open_replica`.

        Raises:
            UsageError: there is no such profile.
        """
        if isinstance(profile, str) and profile not in PROFILES:
            raise UsageError(f"there is no profile {profile!r}", hint=f"There are: {', '.join(PROFILES)}")
        self.seed = seed
        self.place = FaultPlace(PROFILES[profile] if isinstance(profile, str) else profile)
        """The folder; see `crdtsync.testing.faults`."""
        self.now_ms = NOW_MS
        """The fleet's time; each member's clock may be wrong by something."""
        self.trace: list[str] = []
        """What `churn` did, in order."""
        self.members: list[Member] = []
        self._random = Random(f"fleet/{seed}")
        self._kinds = kinds
        self._lock_while_numbering = lock_while_numbering
        self._temporary = None if directory else _make_directory()
        self._directory = directory or self._temporary or Path()
        try:
            self.join("office", role="office")
            for number in range(1, workstations + 1):
                self.join(f"R{number}")
        except BaseException:
            self.close()
            raise

    @property
    def office(self) -> Member:
        """The office: the coordinator."""
        return self.members[0]

    @property
    def workstations(self) -> list[Member]:
        """Everybody else, in the order in which they joined."""
        return self.members[1:]

    def join(self, name: str, *, role: Role = "roaming") -> Member:
        """Set up another machine, and attach it to the folder."""
        member = Member(
            name=name,
            role=role,
            directory=self._directory / name,
            place=self.place,
            kinds=self._kinds,
            random=Random(f"{name}/{self.seed}"),
            fleet_now_ms=lambda: self.now_ms,
            lock_while_numbering=self._lock_while_numbering,
        )
        member.start()
        self.members.append(member)
        member.attach()
        return member

    def advance(self, time: dt.timedelta) -> None:
        """Let time pass."""
        self.now_ms += time // _MS

    def inject(self, kind: FaultKind | str, member: Member, draw: int | None = None) -> str:
        """Make one fault happen at a member's folder; what it did, or empty if there was nothing to do it to.

        Args:
            kind: which, e.g. ``"vanished"``; see `FaultKind`.
            member: at whose folder.
            draw: to which of the files and how, as a number; by default the seed decides.
        """
        number = self._random.getrandbits(30) if draw is None else draw
        happened = self.place.inject(FaultKind(kind), member.name, number)
        if happened:
            self._note(f"{FaultKind(kind)} at {member.name}: {happened}")
        return happened

    async def sync(self, *, rounds: int = 1) -> None:
        """Let everybody sync, one after the other; those who are offline reach nobody.

        Raises:
            RemoteError: a fault of the folder.
        """
        for _ in range(rounds):
            for member in self.members:
                await member.sync()

    async def churn(self, steps: int) -> None:
        """Let that many random things happen: files travel, the profile's faults, rounds, restarts, crashes, time."""
        weights = dict(_CHURN)
        if not self.place.profile.weights:
            del weights["fault"]
        for _ in range(steps):
            member = self._random.choice(self.members)
            [what] = self._random.choices(list(weights), list(weights.values()))
            match what:
                case "move":
                    moved = self._move(member)
                    if moved:
                        self._note(f"at {member.name}: {moved}")
                case "fault":
                    kind = self.place.profile.kind_of(self._random.getrandbits(30))
                    self.inject(kind, member)
                case "round":
                    self._note(f"{member.name} syncs: {_did(await member.try_round())}")
                case "time":
                    time = self._random.choice(_TIMES)
                    self.advance(time)
                    self._note(f"{time} pass")
                case "restart":
                    await member.restart()
                    self._note(f"{member.name} restarts")
                case _:
                    await member.crash()
                    self._note(f"{member.name} crashes")

    async def settle(self, *, rounds_max: int = ROUNDS_MAX) -> int:
        """Stop all faults, bring everybody online, and sync until nobody has anything to do, twice in a row.

        What is damaged or lost stays so; whoever misses the folder's marker puts it back, as a person would see to.
        Returns how many rounds it took.

        Raises:
            NotSettledError: it was not quiet within `rounds_max`; the message says who still has what to do.
            AssertionError: a computed property raises, on whatever the edits were merged to.
        """
        self.place.heal()
        for member in self.members:
            member.go_online()
            member.disk.is_full = False
            if member.disk.is_dead:
                await member.restart()
        done = await self._settle_once(rounds_max)
        if any(kind.facts.leaves_apart for kind in self.place.injected):
            # What left no trace in the folder is known to be missing only when a heartbeat names it; who then
            # asks for it is heard in the next.
            for _ in range(2):
                self.advance(HEARTBEAT)
                done += await self._settle_once(rounds_max)
        await expect_computed(*(member.replica for member in self.members))
        return done

    def close(self) -> None:
        """Close every replica, and remove the temporary directory."""
        try:
            for member in self.members:
                member.stop()
        finally:
            if self._temporary is not None:
                shutil.rmtree(self._temporary, ignore_errors=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    async def _settle_once(self, rounds_max: int) -> int:
        quiet = 0
        reports: dict[str, SyncReport | None] = {}
        for done in range(1, rounds_max + 1):
            moved = self.place.settle()
            reports = {member.name: await self._round_at_the_end(member) for member in self.members}
            is_idle = not moved and not any(map(_did_something, reports.values()))
            quiet = quiet + 1 if is_idle and not self.place.moves() else 0
            if quiet == 2:
                return done
            self.advance(ROUND_TIME)
        raise NotSettledError(await self._unfinished(rounds_max, reports))

    async def _round_at_the_end(self, member: Member) -> SyncReport | None:
        try:
            return await member.sync_round()
        except MarkerMissingError:
            await member.sync_round(create_folder=True)
            return None

    def _move(self, member: Member) -> str:
        if not member.is_online:
            return ""
        count = self._random.randrange(1, MOVES_MAX + 1)
        moves = (self.place.move(member.name, self._random.getrandbits(30)) for _ in range(count))
        return "; ".join(filter(None, moves))

    def _note(self, line: str) -> None:
        if len(self.trace) < TRACE_LINES_MAX:
            self.trace.append(line)

    async def _unfinished(self, rounds: int, reports: dict[str, SyncReport | None]) -> str:
        lines = [f"not quiet after {rounds} rounds without faults (seed {self.seed}):"]
        for member in self.members:
            report = reports.get(member.name)
            lines.append(f"  {member.name}: {_did(report)}")
            lines.extend(
                f"    to publish: {remote.waiting_changes} changes, {remote.waiting_files} files; waiting: "
                f"{remote.inbox} segments for an earlier one, {remote.waiting_causes} changes for others"
                for remote in await member.replica.remotes()
            )
            lines += [f"    {problem}" for problem in (report.problems if report else [])]
        return "\n".join(lines)


def _did_something(report: SyncReport | None) -> bool:
    # Not what was read: a service that shows one name twice is read again and again, and nobody answers it.
    return report is None or bool(report.applied or report.granted or report.published_files)


def _did(report: SyncReport | None) -> str:
    if report is None:
        return "the folder cannot be used"
    parts = {
        "pulled": report.pulled_files,
        "applied": report.applied,
        "waiting": report.waiting,
        "refused": report.refused,
        "granted": report.granted,
        "published": report.published_files,
    }
    return ", ".join(f"{what} {number}" for what, number in parts.items() if number) or "nothing to do"


def _make_directory() -> Path:
    return Path(tempfile.mkdtemp(prefix="crdtsync-fleet-", dir=_FAST_DISK if _FAST_DISK.is_dir() else None))
