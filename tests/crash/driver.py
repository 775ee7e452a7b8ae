"""An office and a workstation, four processes, and somebody who kills them."""

import asyncio
import random
import sqlite3
import tempfile
import time
from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crdtsync import ItemStatus, Replica, open_replica
from crdtsync.store.documents import Documents
from tests.crash import actors
from tests.crash.processes import Victim, context

ACTORS = ("office app", "office agent", "r2 app", "r2 agent")
LIFE_MS_MAX = 40
STEPS_MAX = 150
DEADLINE_S = 60.0
SETTLE_ROUNDS_MAX = 12


class BrokenError(AssertionError):
    """An invariant does not hold."""


@dataclass
class Outcome:
    """What a run came to."""

    rounds: int
    seconds: float
    edits: int
    marks: int
    numbers: int
    kills: Counter[str] = field(default_factory=Counter)


class Stage:
    """One office, one workstation, one folder, in one directory."""

    def __init__(self, directory: Path, rng: random.Random) -> None:
        self.directory = directory
        self.folder = directory / "folder"
        self._rng = rng
        self._starter = context()
        self._running: dict[str, Victim] = {}
        self.edited: set[tuple[str, str]] = set()
        self.marked: set[str] = set()
        self.kills: Counter[str] = Counter()

    async def build(self) -> None:
        """Make the replicas and the folder."""
        self.folder.mkdir()
        for name, role in (("office", "office"), ("r2", "roaming")):
            async with open_replica(self.directory / name, name=name.upper(), role=role) as replica:
                await replica.sync(f"folder:{self.folder}")

    def start(self, actor: str, *, die_at: int = 0) -> None:
        """Start a process."""
        name, what = actor.split()
        if what == "app":
            args: tuple[Any, ...] = (
                actors.application,
                self.directory / name,
                self._rng.getrandbits(60),
                die_at,
            )
        else:
            args = (actors.agent, self.directory / name, self.folder, die_at)
        self._running[actor] = Victim(self._starter, *args)

    def kill(self, actor: str) -> None:
        """End a process at once and remember what it had acknowledged."""
        victim = self._running.pop(actor)
        if not victim.is_alive and victim.exit_code != -9:
            victim.hear()
            raise BrokenError(f"the {actor} ended by itself with {victim.exit_code}")
        for said in victim.kill():
            match said:
                case ("edited", document, token):
                    self.edited.add((document, token))
                case ("marked", document):
                    self.marked.add(document)

    def round(self) -> None:
        """Kill somebody, now, after a moment, or at a step of its own, and start it again."""
        actor = self._rng.choice(ACTORS)
        if self._rng.random() < 0.5:
            self._await_open(actor)
            time.sleep(self._rng.uniform(0, LIFE_MS_MAX) / 1000)
            self.kills["moment"] += 1
        else:
            self.kill(actor)
            self.start(actor, die_at=self._rng.randint(1, STEPS_MAX))
            died = self._running[actor].wait(1.0)
            self.kills["step" if died else "moment"] += 1
        self.kill(actor)
        self.kills[actor] += 1
        self.start(actor)

    def end(self) -> None:
        """Kill everybody."""
        for actor in list(self._running):
            self.kill(actor)

    def _await_open(self, actor: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        victim = self._running[actor]
        while not victim.hear(0.05):
            if time.monotonic() > deadline or not victim.is_alive:
                raise BrokenError(f"the {actor} did not come up")


def run(rounds: int, seed: int) -> Outcome:
    """Run so many rounds and check what is left.

    Raises:
        BrokenError: something was lost, doubled or damaged.
    """
    began = time.monotonic()
    rng = random.Random(seed)
    with tempfile.TemporaryDirectory(prefix="crdtsync-crash-", ignore_cleanup_errors=True) as directory:
        stage = Stage(Path(directory), rng)
        asyncio.run(stage.build())
        try:
            for actor in ACTORS:
                stage.start(actor)
            for _ in range(rounds):
                stage.round()
        finally:
            stage.end()
        numbers = asyncio.run(_check(stage))
        return Outcome(
            rounds, time.monotonic() - began, len(stage.edited), len(stage.marked), numbers, stage.kills
        )


async def _check(stage: Stage) -> int:
    for name in ("office", "r2"):
        _check_file(stage.directory / name / "replica.db")
    async with (
        open_replica(stage.directory / "office", kinds=[actors.Quote]) as office,
        open_replica(stage.directory / "r2", kinds=[actors.Quote]) as r2,
    ):
        # What nobody marked stays on the workstation: mark it now, so that all must arrive.
        drafts = [item.document for item in await r2.items() if item.state.status is ItemStatus.DRAFT]
        await r2.mark_for_sync(*drafts)
        stage.marked.update(drafts)
        for _ in range(SETTLE_ROUNDS_MAX):
            reports = [await replica.sync(f"folder:{stage.folder}") for replica in (r2, office)]
            if not any(report.applied or report.published_files or report.granted for report in reports):
                break
        else:
            raise BrokenError(f"still busy after {SETTLE_ROUNDS_MAX} rounds: {reports}")
        for replica in (office, r2):
            await check_replica(replica, stage.edited)
        expect(await office.digests() == await r2.digests(), "the digests differ")
        expect(await office.ledger() == await r2.ledger(), "the ledgers differ")
        return await _check_numbers(office, stage.marked)


async def check_replica(replica: Replica, edited: set[tuple[str, str]]) -> None:
    """Check what must hold of one replica."""
    expect(not await replica.quarantine(), f"{replica.name} has a quarantine: {await replica.quarantine()}")
    for health in await replica.remotes():
        waiting = (health.waiting_changes, health.waiting_files, health.inbox, health.waiting_causes)
        expect(waiting == (0, 0, 0, 0), f"{replica.name} is not done: {health}")
    for document, token in edited:
        quote = await replica.get(actors.Quote, document)
        expect(token in list(quote.events), f"{replica.name} lost {token} of {document}")
        expect(
            token in {entry.label for entry in await replica.history(document)},
            f"the history of {document} in {replica.name} lacks {token}",
        )
    await replica._workspace.database.run(lambda c: check_documents(c, replica._workspace.documents))


def check_documents(connection: sqlite3.Connection, documents: Documents) -> None:
    """Check that what is stored beside each document is what the document says."""
    for (identity,) in connection.execute("SELECT id FROM _documents").fetchall():
        document = documents.open(connection, identity, keep=False)
        live = document.live
        (stored,) = connection.execute("SELECT digest FROM _documents WHERE id = ?", (identity,)).fetchone()
        expect(stored == live.recompute_digest(), f"the digest of {identity} is not that of its content")
        (count,) = connection.execute(
            "SELECT count(*) FROM _changes WHERE document = ?", (document.n,)
        ).fetchone()
        expect(count == sum(document.version.values()), f"{identity} does not have the changes it says")
        if identity not in documents._open:
            live.close()


async def _check_numbers(office: Replica, marked: set[str]) -> int:
    ledger = await office.ledger()
    granted = [entry for entry in ledger if entry.outcome.value == "granted"]
    numbers = [entry.number for entry in granted]
    expect(numbers == list(range(1, len(numbers) + 1)), f"the numbers are not gap-free: {numbers}")
    expect(len({entry.document for entry in granted}) == len(granted), "a document has two numbers")
    for document in marked:
        number = (await office.get(actors.Quote, document)).number
        expect(number is not None, f"{document} was marked and has no number")
    return len(granted)


def _check_file(path: Path) -> None:
    connection = sqlite3.connect(path)
    try:
        found = connection.execute("PRAGMA integrity_check").fetchall()
        expect(found == [("ok",)], f"{path} is damaged: {found}")
        connection.execute("INSERT INTO _search (_search) VALUES ('integrity-check')")
    finally:
        connection.close()


def expect(holds: object, otherwise: str) -> None:
    """Raise `BrokenError` unless it holds."""
    if not holds:
        raise BrokenError(otherwise)
