"""One simulated computer: a replica's real code and real SQL on a disk, a clock and a folder that can fail."""

import json
import sqlite3
import tempfile
from collections.abc import Awaitable, Callable, Sequence
from pathlib import Path
from random import Random
from typing import Any, TypeVar

from crdtsync.document.model import Document
from crdtsync.environment import Case, Environment, Verdict
from crdtsync.errors import MarkerMissingError
from crdtsync.examining import InlineExaminer
from crdtsync.protocol.beacon import decode_beacon
from crdtsync.protocol.causality import ChangeId
from crdtsync.protocol.names import NameKind, classify
from crdtsync.replica import Replica
from crdtsync.store.arrivals import unpack_causes
from crdtsync.store.workspace import DATABASE_NAME, Workspace
from crdtsync.sync.pull import pull
from crdtsync.sync.report import SyncReport
from crdtsync.sync.session import Session, open_session
from crdtsync.sync.steps import acknowledge, allocate, apply, publish
from crdtsync.testing.disk import SimulatedDisk
from crdtsync.testing.faults import FaultPlace, FaultRemote
from crdtsync.testing.simulation.kinds import BY_NAME, KINDS
from crdtsync.testing.simulation.plan import ComputerPlan

R = TypeVar("R")

STEP_NAMES = ("pull", "apply", "allocate", "publish", "acknowledge")


class Computer:
    """A replica's directory, and the process that has it open, if there is one."""

    def __init__(
        self,
        plan: ComputerPlan,
        directory: Path,
        place: FaultPlace,
        random: Random,
        now_ms: Callable[[], int],
        disk: SimulatedDisk,
    ) -> None:
        self.plan = plan
        self.name = plan.name
        self.directory = directory / plan.name
        self._database = self.directory / DATABASE_NAME
        self.backup: bytes | None = None
        """The database as it was when it was last backed up."""
        self.disk = disk
        self.offset_ms = plan.clock_offset_ms
        self.is_retired = False
        self.is_left_out = False
        """Whether the folder's marker never came here, so that it has no part in anything."""
        self.is_running = False
        self.absent_steps = 0
        """For how many more steps it is switched off."""
        self.meanwhile: tuple[int, Callable[[], Awaitable[None]]] | None = None
        """(calls on the remote from now, what happens in the middle of that one)."""
        self.put_names: set[str] = set()
        self.remote: FaultRemote = place.remote(plan.name, gate=self._gate)
        self.problems: list[str] = []
        self.clients: set[int] = set()
        """The client ids of all its processes so far."""
        self._session: Session | None = None
        self._checked_beacon = -1
        """The counter of the last own beacon that was found to be true."""
        self._random = random
        self._now_ms = now_ms
        self._others: list[Workspace] = []
        self.workspace: Workspace
        self.replica: Replica

    @property
    def environment(self) -> Environment:
        """This computer's clock, randomness and disk."""
        return Environment(
            lambda: self._now_ms() + self.offset_ms,
            self._random.randbytes,
            connect=self.disk.connect,
            examiner=lambda: _BusyExaminer(self),
        )

    async def start(self) -> None:
        """Start the process: a new incarnation.

        Raises:
            StoreError: the disk failed; it is not running.
            SimulatedCrash: it died at once.
        """
        self.workspace = await self._open()
        self.replica = Replica(self.workspace, lock_while_numbering=self.plan.lock_while_numbering)
        self.is_running = True
        self._session = None
        self._checked_beacon = -1

    async def stop(self) -> None:
        """End the process, or clear up what is left of one that died."""
        for workspace in [*self._others, *([self.workspace] if self.is_running else [])]:
            await workspace.close()
        self._others.clear()
        self.is_running = False
        self._session = None
        self.disk.restart()

    async def second_replica(self) -> Replica:
        """Open the directory in a second process, as the application beside the agent does."""
        if not self._others:
            self._others.append(await self._open())
        return Replica(self._others[0], lock_while_numbering=self.plan.lock_while_numbering)

    async def back_up(self) -> None:
        """Copy the database, as a backup of a computer that is switched off does."""
        await self.stop()
        self.backup = self.disk.image(self._database)
        await self.start()

    async def restore(self) -> None:
        """Put the copy back."""
        assert self.backup is not None
        await self.stop()
        self.disk.put_image(self._database, self.backup)
        await self.start()

    async def sync(self, count: int = len(STEP_NAMES), *, fresh: bool = False) -> SyncReport:
        """Run the first `count` steps of a round.

        Raises:
            RemoteError, StoreError: as the steps do.
        """
        report = SyncReport()
        if self._session is None or fresh:
            self._session = None
            # One office sets the folder up: two that do so at a time make two folders of one place.
            creates = None if self.plan.name == "office" else False
            self._session = await open_session(self.workspace, self.remote, create_folder=creates)
        session = self._session
        is_alone = self.meanwhile is None and not self._others
        listing = await session.begin()
        if listing is None:
            return report
        for step in STEP_NAMES[:count]:
            match step:
                case "pull":
                    await pull(session, listing, report)
                case "apply":
                    await apply(session, report)
                case "allocate":
                    await allocate(session, report)
                    if report.granted:
                        await self._check_grants(report.granted)
                case "publish":
                    await publish(session, listing, report)
                    if is_alone:
                        await self._check_outbox()
                case _:
                    await acknowledge(session, report)
                    await self._check_beacon()
                    session.end(report)
        return report

    async def _check_grants(self, count: int) -> None:
        """Take note if a number was granted that nobody asks for, as far as is known here."""
        with self.disk.looking():
            for (text,) in await self.rows(
                "SELECT text FROM _ledger l WHERE outcome = 'granted' AND NOT EXISTS "
                "(SELECT 1 FROM _requests r WHERE r.document = l.document AND NOT r.withdrawn) "
                "AND idx > (SELECT max(idx) FROM _ledger) - ?",
                count,
            ):
                self.problems.append(f"{self.name} grants {text}, which was asked for and withdrawn")

    async def _check_outbox(self) -> None:
        """Take note if what was to be published is not on its way, and nobody was told that."""
        with self.disk.looking():
            ((left,),) = await self.rows("SELECT count(*) FROM _outbox")
        if left:
            self.problems.append(f"{self.name} published, and {left} changes are left behind (H27)")

    async def _check_beacon(self) -> None:
        """Take note if this replica says that it has what it has not applied: others rely on its word (I9)."""
        with self.disk.looking():
            for counter, content in await self.rows(
                "SELECT beacon_counter, beacon_content FROM _remotes WHERE beacon_counter > 0"
            ):
                if counter == self._checked_beacon:
                    continue  # It said what was true, and what is applied stays so.
                self._checked_beacon = counter
                applied = dict(
                    await self.rows(
                        "SELECT owner || feed, max(sequence) FROM _segments WHERE applied_ms IS NOT NULL GROUP BY 1"
                    )
                )
                for said in decode_beacon(content).positions if content else ():
                    if applied.get(said.owner + said.feed, 0) < said.sequence:
                        self.problems.append(
                            f"{self.name} says that it has {said.sequence} of {said.feed} and has not applied it (I9)"
                        )

    async def is_attached(self) -> bool:
        """Whether it has ever seen the folder."""
        return self.is_running and bool(await self.rows("SELECT 1 FROM _remotes"))

    async def put_marker_back(self) -> None:
        """Do what a person does about a folder whose marker was lost."""
        self._session = await open_session(self.workspace, self.remote, create_folder=True)

    async def sync_if_possible(self, *, fresh: bool = False) -> SyncReport | None:
        """Run one whole round; None if the folder has not arrived here yet."""
        try:
            return await self.sync(fresh=fresh)
        except MarkerMissingError:
            return None

    async def read(self, job: Callable[[sqlite3.Connection], R]) -> R:
        """Read from the database."""
        with self.disk.looking():
            return await self.workspace.database.read(job)

    async def rows(self, sql: str, *parameters: Any) -> list[Any]:
        """Query the database."""
        return self.disk.look(self._database, sql, parameters)

    async def version(self, document: str) -> dict[int, int]:
        """Return which changes of a document are here: client -> the last; a hole in them is reported.

        Changes of one client are held without holes (I6).
        """
        found = await self.rows(
            "SELECT c.client, max(c.sequence), count(*) FROM _changes c "
            "JOIN _documents d ON d.n = c.document WHERE d.id = ? GROUP BY c.client",
            document,
        )
        await self._check_open(document)
        for client, last, count in found:
            if last != count:
                self.problems.append(f"{self.name} holds {count} changes of {client:x}, up to the {last}th")
        return {client: last for client, last, _ in found}

    async def history(self, document: str) -> dict[ChangeId, tuple[ChangeId, ...]]:
        """Return the changes of a document, in the order in which they were applied here: change -> its causes."""
        rows = await self.rows(
            "SELECT c.client, c.sequence, c.causes FROM _changes c JOIN _documents d ON d.n = c.document "
            "WHERE d.id = ? ORDER BY c.n",
            document,
        )
        return {ChangeId(client, sequence): unpack_causes(causes) for client, sequence, causes in rows}

    async def _check_open(self, document: str) -> None:
        """Take note if the document in memory is not the one in the database, although both say so (I4)."""
        held = self.workspace.documents._open.get(document)  # noqa: SLF001 - nobody else may look at it
        if held is not None:
            for rev, digest in await self.rows("SELECT rev, digest FROM _documents WHERE id = ?", document):
                if rev == held.rev and digest != held.live.digest:
                    self.problems.append(
                        f"{self.name} has something in memory of {document} that was undone (I4)"
                    )

    async def changes(self) -> set[tuple[str, int, int]]:
        """Return every change of every document that is here: (document, client, sequence)."""
        sql = "SELECT d.id, c.client, c.sequence FROM _changes c JOIN _documents d ON d.n = c.document"
        return set(await self.rows(sql))

    async def projections(self) -> dict[str, str]:
        """Return what is shown of each document: id -> JSON."""
        found: dict[str, str] = {}
        for name in BY_NAME:
            found.update(
                await self.rows(
                    f"SELECT d.id, p.json FROM _documents d JOIN _of_{name} p ON p.document = d.n WHERE d.rev > 0"
                )
            )
        return found

    async def projection(self, kind: type[Document], document: str) -> dict[str, Any]:
        """Return what is shown of one document; nothing if it is not here."""
        sql = f"SELECT p.json FROM _documents d JOIN _of_{kind._kind} p ON p.document = d.n WHERE d.id = ?"  # noqa: SLF001
        for (text,) in await self.rows(sql, document):
            found: dict[str, Any] = json.loads(text)
            return found
        return {}

    async def references(self) -> dict[str, set[str]]:
        """Return the documents of every reference number that is known here."""
        found: dict[str, set[str]] = {}
        for text, document in await self.rows(
            "SELECT a.text, d.id FROM _aliases a JOIN _documents d ON d.n = a.document"
        ):
            found.setdefault(text, set()).add(document)
        return found

    async def recomputed_digests(self) -> dict[str, bytes]:
        """Return every document's digest, computed from its stored state and deltas."""

        def job(connection: sqlite3.Connection) -> dict[str, bytes]:
            documents = self.workspace.documents
            documents.close()
            ids = connection.execute("SELECT id FROM _documents WHERE rev > 0 ORDER BY n").fetchall()
            found: dict[str, bytes] = {}
            for (identity,) in ids:
                live = documents.open(connection, identity, keep=False).live
                found[identity] = live.recompute_digest()
                live.close()  # One that is not is never freed.
            return found

        with self.disk.looking():
            return await self.workspace.database.run(job)

    async def _open(self) -> Workspace:
        if not self.directory.exists():
            self.directory.mkdir(parents=True)
            self.disk.put_image(self._database, await _empty_database())
        workspace = await Workspace.open(
            self.directory,
            name=self.plan.name,
            role=self.plan.role,
            coordinator=self.plan.name == "office",
            author=self.plan.name.lower(),
            create=None,
            environment=self.environment,
        )
        try:
            for kind in KINDS:
                await workspace.declare(kind)
        except BaseException:
            await workspace.close()
            raise
        if workspace.identity.client in self.clients:
            self.problems.append(f"{self.name} uses the client id {workspace.identity.client:x} again (H47)")
        self.clients.add(workspace.identity.client)
        return workspace

    async def turn(self) -> None:
        """Let happen what is to happen in the middle of a round, when its time has come."""
        if self.meanwhile is not None:
            left, act = self.meanwhile
            self.meanwhile = (left - 1, act) if left else None
            if not left:
                await act()

    async def _gate(self, call: str, name: str, done: bool) -> None:  # noqa: FBT001 - the gate's signature
        if call in ("put", "delete"):
            self.disk.step()
        else:
            self.disk.check()
        if not done:
            if call == "put":
                self.put_names.add(name)
            elif call == "delete" and name not in self.put_names:
                self.problems.append(f"{self.name} deletes {name}, which it has not put (I9)")
            if call in ("put", "delete") and self.remote.is_elsewhere and not _is_marker(name):
                self.problems.append(
                    f"{self.name} does a {call} in a folder that is not the one it knows (H12)"
                )
        await self.turn()


class _BusyExaminer(InlineExaminer):
    """Examines in the same process, and takes so long that something may happen meanwhile."""

    def __init__(self, computer: Computer) -> None:
        super().__init__()
        self._computer = computer

    async def examine(self, cases: Sequence[Case]) -> Sequence[Verdict]:
        found = await super().examine(cases)
        await self._computer.turn()
        return found


def _is_marker(name: str) -> bool:
    return classify(name).kind is NameKind.MARKER


_EMPTY: list[bytes] = []


async def _empty_database() -> bytes:
    """Return a replica's database in which all kinds are declared, and which is nobody's yet.

    Making the tables takes longer than a whole round. What is left to do is what a replica does whose making
    was cut short: it draws its identity.
    """
    if not _EMPTY:
        with tempfile.TemporaryDirectory() as directory:
            path = Path(directory) / "template"
            workspace = await Workspace.open(
                path,
                name="template",
                role="roaming",
                coordinator=None,
                author="",
                create=True,
                environment=Environment(lambda: 0, Random(0).randbytes, connect=SimulatedDisk().connect),
            )
            for kind in KINDS:
                await workspace.declare(kind)
            await workspace.close()
            connection = sqlite3.connect(path / DATABASE_NAME, isolation_level=None)
            connection.execute("DELETE FROM _meta WHERE key IN ('replica', 'name', 'role', 'coordinator')")
            connection.execute("DELETE FROM _incarnations")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            connection.close()
            _EMPTY.append((path / DATABASE_NAME).read_bytes())
    return _EMPTY[0]
