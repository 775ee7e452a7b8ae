"""An office and a workstation, each an application and an agent in processes of their own, and what they said."""

import asyncio
import random
import sqlite3
import time
from pathlib import Path
from typing import Any

from crdtsync import Replica, open_replica
from crdtsync.errors import DocumentNotFoundError, FormatError
from crdtsync.protocol.files import decode_file
from crdtsync.protocol.names import classify
from tests.crash import driver
from tests.crash.driver import expect
from tests.crash.processes import Victim, context
from tests.services import actors

NAMES = ("office", "r2")
DEADLINE_S = 20.0


class Cast:
    """Four processes on two replicas and one folder. Everything they have acknowledged is remembered."""

    def __init__(self, directory: Path, folder: Path, rng: random.Random, *, carelessness: str = "") -> None:
        self.directory = directory
        self.folder = folder
        self._rng = rng
        self._carelessness = carelessness
        self._starter = context()
        self._running: dict[tuple[str, str], Victim] = {}
        self._taken: dict[tuple[str, str], int] = {}
        self.edited_by: dict[str, set[tuple[str, str]]] = {name: set() for name in NAMES}
        self.shown_by: dict[str, dict[int, str]] = {name: {} for name in NAMES}
        """The final numbers each replica has shown, and of which documents."""
        self.marked: set[str] = set()

    @property
    def edited(self) -> set[tuple[str, str]]:
        """All acknowledged edits: document and label."""
        return set().union(*self.edited_by.values())

    def build(self) -> None:
        """Make the replicas and the folder."""
        self.folder.mkdir()

        async def build() -> None:
            for name, role in zip(NAMES, ("office", "roaming"), strict=True):
                async with open_replica(self.directory / name, name=name.upper(), role=role) as replica:
                    await replica.sync(f"folder:{self.folder}")

        asyncio.run(build())

    def start(self) -> None:
        """Start all processes and wait until each has its replica open."""
        for name in NAMES:
            place = self.directory / name
            self._start((name, "app"), actors.application, place, self._rng.getrandbits(60))
            self._start((name, "agent"), actors.agent, place, self.folder)
        self.play(lambda: all(victim.said for victim in self._running.values()), "open their replicas")

    def play(self, is_over: Any, doing: str) -> None:
        """Let them work until something holds."""
        deadline = time.monotonic() + DEADLINE_S
        while not is_over():
            self._hear(0.002)
            if time.monotonic() > deadline:
                raise AssertionError(
                    f"they did not {doing}: { ({who: v.exit_code for who, v in self._running.items()}) }"
                )

    def play_edits(self, count: int) -> None:
        """Let them work until so many more edits are acknowledged."""
        goal = len(self.edited) + count
        self.play(lambda: len(self.edited) >= goal, f"make {count} edits")

    def hear(self) -> None:
        """Take in all that they have said so far."""
        self._hear(0)

    def end(self) -> None:
        """Kill all of them. What they said since the last `hear` counts for nothing."""
        for who in list(self._running):
            self._running.pop(who).kill()
        self._taken.clear()

    def check(self) -> None:
        """Check what must hold right after a failure, before anything is repaired.

        Raises:
            BrokenError: something that was acknowledged is lost, doubled or damaged.
        """
        for name in NAMES:
            driver._check_file(self.directory / name / "replica.db")
        check_files(self.folder)
        for name in NAMES:
            check_put_files(self.directory / name / "replica.db", self.folder)
        asyncio.run(self._check())

    def settle(self) -> int:
        """Let both sync until nothing moves, check everything, and return how many numbers there are."""
        return asyncio.run(driver._check(self))  # type: ignore[arg-type]  # a stage as far as it is asked for

    async def _check(self) -> None:
        for name in NAMES:
            async with open_replica(self.directory / name, create=False) as replica:
                histories: dict[str, set[str]] = {}
                for document, token in self.edited_by[name]:
                    if document not in histories:
                        histories[document] = await _labels(replica, document)
                    expect(token in histories[document], f"{name} lost the edit {token} of {document}")
                ledger = {entry.number: entry.document for entry in await replica.ledger()}
                for number, document in self.shown_by[name].items():
                    expect(
                        ledger.get(number) == document,
                        f"{name} has shown {number} of {document}, and now it is of {ledger.get(number)}",
                    )

    def _start(self, who: tuple[str, str], target: Any, *args: Any) -> None:
        self._running[who] = Victim(self._starter, target, *args, self._carelessness)

    def _hear(self, timeout_s: float) -> None:
        for who, victim in self._running.items():
            self._take(who, victim.hear(timeout_s))

    def _take(self, who: tuple[str, str], said: list[tuple[Any, ...]]) -> None:
        name = who[0]
        for message in said[self._taken.get(who, 0) :]:
            match message:
                case ("edited", document, token):
                    self.edited_by[name].add((document, token))
                case ("marked", document):
                    self.marked.add(document)
                case ("numbered", number, document):
                    self.shown_by[name][number] = document
        self._taken[who] = len(said)


async def _labels(replica: Replica, document: str) -> set[str]:
    try:
        return {entry.label for entry in await replica.history(document)}
    except DocumentNotFoundError:
        return set()


def check_files(folder: Path) -> None:
    """Check that no file that has its final name is incomplete or damaged."""
    for path in folder.rglob("*"):
        name = path.relative_to(folder).as_posix()
        if path.is_file() and classify(name).worth_opening:
            try:
                decode_file(path.read_bytes())
            except FormatError as error:
                expect(False, f"{name} is in the folder and not whole: {error}")


def check_put_files(database: Path, folder: Path) -> None:
    """Check that the files a replica takes for put are there. Beacons may have been deleted by it since."""
    connection = sqlite3.connect(database)
    try:
        put = connection.execute("SELECT name FROM _own_files WHERE put_ms IS NOT NULL AND type <> 'beacon'")
        for (name,) in put.fetchall():
            expect((folder / name).is_file(), f"{name} was put, and is not in the folder")
    finally:
        connection.close()
