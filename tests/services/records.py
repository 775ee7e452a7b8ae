"""What an office and a workstation have acknowledged, and whether it is still true."""

import asyncio
import sqlite3
from pathlib import Path
from typing import Any

from crdtsync import Replica, open_replica
from crdtsync.errors import DocumentNotFoundError, FormatError
from crdtsync.protocol.files import decode_file
from crdtsync.protocol.names import classify
from tests.crash import driver
from tests.crash.driver import expect

NAMES = ("office", "r2")
ROLES = {"office": "office", "r2": "roaming"}


class Record:
    """What was acknowledged by two replicas, whose directories are side by side, and their folder."""

    def __init__(self, directory: Path, folder: Path) -> None:
        self.directory = directory
        self.folder = folder
        self.edited_by: dict[str, set[tuple[str, str]]] = {name: set() for name in NAMES}
        """Acknowledged edits: document and label."""
        self.shown_by: dict[str, dict[int, str]] = {name: {} for name in NAMES}
        """Final numbers that an application could show, and of which documents."""
        self.marked: set[str] = set()

    @property
    def edited(self) -> set[tuple[str, str]]:
        """All acknowledged edits of all."""
        return set().union(*self.edited_by.values())

    def build(self) -> None:
        """Make the replicas and the folder."""
        self.folder.mkdir(exist_ok=True)

        async def build() -> None:
            for name in NAMES:
                place = self.directory / name
                async with open_replica(place, name=name.upper(), role=ROLES[name]) as replica:
                    await replica.sync(f"folder:{self.folder}")

        asyncio.run(build())

    def hear(self, name: str, message: tuple[Any, ...]) -> None:
        """Take in what a process of a replica has said."""
        match message:
            case ("edited", document, token):
                self.edited_by[name].add((document, token))
            case ("marked", document):
                self.marked.add(document)
            case ("numbered", number, document):
                before = self.shown_by[name].setdefault(number, document)
                expect(before == document, f"{name} shows {number} of {document}, and showed it of {before}")

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
        """Let both sync until nothing moves, check everything, and return how many numbers there are.

        Raises:
            BrokenError: something that was acknowledged is lost, doubled or damaged, or they differ.
        """
        numbers = asyncio.run(driver._check(self))  # type: ignore[arg-type]  # a stage as far as it is asked for
        asyncio.run(self._check())
        return numbers

    async def _check(self) -> None:
        for name in NAMES:
            async with open_replica(self.directory / name, create=False) as replica:
                labels: dict[str, set[str]] = {}
                for document, token in self.edited_by[name]:
                    if document not in labels:
                        labels[document] = await _labels(replica, document)
                    expect(token in labels[document], f"{name} lost the edit {token} of {document}")
                ledger = {entry.number: entry.document for entry in await replica.ledger()}
                for number, document in self.shown_by[name].items():
                    expect(
                        ledger.get(number) == document,
                        f"{name} has shown {number} of {document}, and now it is of {ledger.get(number)}",
                    )


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
