"""What the checks of a store work with: a directory, the way to the database, a document, a full disk."""

import asyncio
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import replace
from pathlib import Path

from crdtsync.document.model import Document, Log, Text
from crdtsync.environment import Connect, Connection, Environment
from crdtsync.replica import Replica, open_replica
from crdtsync.store.connections import connect_in_thread
from crdtsync.store.database import Database
from crdtsync.store.workspace import DATABASE_NAME
from crdtsync.testing.disk import SimulatedDisk

NO_LIMIT_PAGES = 0xFFFF_FFFE


class StoreBrokenError(Exception):
    """What happened; the promise is added by who runs the check."""


class Note(Document, kind="crdtsync_check"):
    """What the checks write."""

    title: str = ""
    body: Text
    entries: Log[str]


class Bench:
    """One check's directory and way to the database."""

    def __init__(
        self,
        directory: Path,
        environment: Environment | None,
        fill: Callable[[Path], AbstractContextManager[None]] | None,
    ) -> None:
        self.directory = directory
        self.is_default = environment is None
        """Whether it is the way of every other process of this machine, too."""
        given = environment or Environment()
        self.connect: Connect = given.connect or connect_in_thread
        self._opened: list[Connection] = []
        # An examiner is chosen by whether `connect` was given, which it always is from here on.
        self._environment = replace(given, connect=self._connect)
        self._fill = fill

    def open(self, name: str = "replica", *, author: str = "ada") -> open_replica:
        """Open a replica, made if it is not there."""
        return open_replica(
            self.directory / name,
            name="R1",
            role="roaming",
            author=author,
            kinds=[Note],
            environment=self._environment,
        )

    async def open_database(self, *, busy_timeout_s: float | None = None) -> Database:
        """Open a bare database with a table of (key, value)."""
        database = await Database.open(
            self.path("bare"), create=True, connect=self._connect, busy_timeout_s=busy_timeout_s
        )
        await database.write(
            lambda c: c.execute("CREATE TABLE IF NOT EXISTS pairs (key INTEGER, value INTEGER)")
        )
        return database

    def path(self, name: str = "replica") -> Path:
        """Return the path of a database, whose directory is made."""
        (self.directory / name).mkdir(exist_ok=True)
        return self.directory / name / DATABASE_NAME

    @contextmanager
    def full(self) -> Iterator[None]:
        """Let the disk be full for a block, for one that `fill` or a simulated disk provides."""
        disk = getattr(self.connect, "__self__", None)
        if self._fill is not None:
            with self._fill(self.directory):
                yield
        elif isinstance(disk, SimulatedDisk):
            disk.is_full = True
            try:
                yield
            finally:
                disk.is_full = False
        else:
            yield

    async def limit_pages(self, *, limited: bool) -> None:
        """Keep the databases that are open from growing, or let them grow again."""
        if self._fill is None:
            for connection in self._opened:
                await connection.run(
                    lambda c: c.execute(
                        f"PRAGMA max_page_count = {c.execute('PRAGMA page_count').fetchone()[0]}"
                        if limited
                        else f"PRAGMA max_page_count = {NO_LIMIT_PAGES}"
                    ).fetchone()
                )

    async def copy_files(self, name: str, target: str) -> None:
        """Copy the files of a replica as they are now, without what only a running process knows."""
        source, destination = self.path(name), self.path(target)

        def copy() -> None:
            for suffix in ("", "-wal"):
                file = source.with_name(source.name + suffix)
                if file.is_file():
                    shutil.copyfile(file, destination.with_name(destination.name + suffix))

        await asyncio.to_thread(copy)

    async def _connect(self, path: Path, busy_timeout_s: float) -> Connection:
        connection = await self.connect(path, busy_timeout_s)
        self._opened.append(connection)
        return connection


async def write_note(replica: Replica, title: str) -> str:
    """Write a new note; its id when it is acknowledged."""
    async with replica.edit(Note) as note:
        note.title = title
    return note.id


async def expect_titles(replica: Replica, expected: dict[str, str], when: str) -> None:
    """Read notes.

    Raises:
        StoreBrokenError: one is missing, or is another than it was.
    """
    found = {note.id: note.title for note in await replica.find(Note, limit=10_000)}
    lost = expected.keys() - found.keys()
    if lost:
        raise StoreBrokenError(f"{when}, {len(lost)} of {len(expected)} acknowledged documents are gone")
    for document, title in expected.items():
        if found[document] != title:
            raise StoreBrokenError(f"{when}, a document says {found[document]!r}, not {title!r}")
