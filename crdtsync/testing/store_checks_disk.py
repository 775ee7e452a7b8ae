"""The promises about what is on the disk: it stays there, whole, and nobody else's is touched."""

import asyncio
import os
import sqlite3
import subprocess
import sys
from pathlib import Path

from crdtsync.errors import (
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreInSharedFolderError,
    StoreNewerError,
)
from crdtsync.replica import open_replica
from crdtsync.testing.store_checks_bench import Bench, Note, StoreBrokenError, expect_titles, write_note

DOCUMENTS = 20
BEFORE_KILL = 30
LARGE_CHARS = 200_000
ENDS_S = 10.0


async def is_durable(bench: Bench) -> None:
    """Documents, their history and the database are sound after closing and opening, twice."""
    expected: dict[str, str] = {}
    for turn in range(2):
        async with bench.open() as replica:
            await expect_titles(replica, expected, "after reopening")
            for number in range(DOCUMENTS):
                title = f"{turn}/{number}"
                expected[await write_note(replica, title)] = title
    async with bench.open() as replica:
        await expect_titles(replica, expected, "after reopening")
        for document in expected:
            if len(await replica.history(document)) != 1:
                raise StoreBrokenError("the history of a document is not what was written")
    said = await asyncio.to_thread(_integrity, bench.path())
    if said != "ok":
        raise StoreBrokenError(f"the database is damaged: {said}")


async def is_atomic(bench: Bench) -> None:
    """Neither a block that raises nor a job that raises half-way leaves anything."""
    async with bench.open() as replica:
        document = await write_note(replica, "before")
        try:
            async with replica.edit(Note, document) as note:
                note.title = "never"
                raise _OnPurposeError
        except _OnPurposeError:
            pass
        await expect_titles(replica, {document: "before"}, "after a block that raised")
    database = await bench.open_database()
    try:

        def half(connection: sqlite3.Connection) -> None:
            connection.execute("INSERT INTO pairs VALUES (1, 1)")
            raise _OnPurposeError

        try:
            await database.write(half)
        except _OnPurposeError:
            pass
        else:
            raise StoreBrokenError("a job raised, and its caller was not told")
        left = await database.read(lambda c: c.execute("SELECT count(*) FROM pairs").fetchone()[0])
        if left:
            raise StoreBrokenError("a job that raised left what it had written")
    finally:
        await database.close()


async def is_full(bench: Bench) -> None:
    """What does not fit is refused with the right error; what was there stays, and later all goes on."""
    async with bench.open() as replica:
        expected = {await write_note(replica, "before"): "before"}
        await bench.limit_pages(limited=True)
        with bench.full():
            try:
                async with replica.edit(Note) as note:
                    note.body.set("".join(chr(97 + number * 7 % 26) for number in range(LARGE_CHARS)))
            except StoreFullError:
                pass
            else:
                raise StoreBrokenError("a large edit on a full disk raised nothing")
            await expect_titles(replica, expected, "on the full disk")
        await bench.limit_pages(limited=False)
        expected[await write_note(replica, "after")] = "after"
    async with bench.open() as replica:
        await expect_titles(replica, expected, "after the full disk")
        if await replica.count(Note) != len(expected):
            raise StoreBrokenError("an edit that was refused is there")


async def is_killed(bench: Bench) -> None:
    """A process dies without closing anything: by a signal, or its files are taken as they are."""
    if bench.is_default:
        expected = await asyncio.to_thread(_run_and_kill, bench.path())
        name = "replica"
    else:
        expected = {}
        async with bench.open() as replica:
            for number in range(BEFORE_KILL):
                expected[await write_note(replica, str(number))] = str(number)
            await bench.copy_files("replica", "killed")
        name = "killed"
    async with bench.open(name) as replica:
        await expect_titles(replica, expected, "after the kill")
        expected[await write_note(replica, "goes on")] = "goes on"


async def refuses_others(bench: Bench) -> None:
    """A database of a newer version, of another program, and what is none at all."""
    async with bench.open("newer") as replica:
        await write_note(replica, "of the future")
    await asyncio.to_thread(_execute, bench.path("newer"), "PRAGMA user_version = 9999")
    await asyncio.to_thread(_execute, bench.path("foreign"), "CREATE TABLE accounts (name TEXT)")
    await asyncio.to_thread(bench.path("damaged").write_bytes, b"The quick brown fox. " * 300)
    for name, error in (
        ("newer", StoreNewerError),
        ("foreign", StoreCorruptError),
        ("damaged", StoreCorruptError),
    ):
        before = await asyncio.to_thread(bench.path(name).read_bytes)
        await _expect_refusal(bench, name, error, f"the {name} database")
        if await asyncio.to_thread(bench.path(name).read_bytes) != before:
            raise StoreBrokenError(f"the {name} database was changed")


async def refuses_synced_folders(bench: Bench) -> None:
    """A sign of a service, in the directory or above it."""
    for sign in (".dropbox", ".stfolder"):
        synced = bench.directory / sign.strip(".")
        synced.mkdir()
        await asyncio.to_thread((synced / sign).touch)
        name = f"{synced.name}/replica"
        await _expect_refusal(bench, name, StoreInSharedFolderError, f"a directory beside {sign}")


async def commits_wait(bench: Bench) -> None:
    """The database is asked how it commits: with a write-ahead log that is flushed each time."""
    database = await bench.open_database()
    try:
        said = await database.run(
            lambda c: (
                c.execute("PRAGMA journal_mode").fetchone()[0],
                c.execute("PRAGMA synchronous").fetchone()[0],
            )
        )
    finally:
        await database.close()
    if said[0] != "wal":
        raise StoreBrokenError(f"there is no write-ahead log here: journal_mode is {said[0]}")
    if said[1] < _SYNCHRONOUS_FULL:
        raise StoreBrokenError(f"a commit does not wait for the disk: synchronous is {said[1]}")


_SYNCHRONOUS_FULL = 2


class _OnPurposeError(Exception):
    pass


async def _expect_refusal(bench: Bench, name: str, error: type[StoreError], what: str) -> None:
    try:
        async with bench.open(name):
            pass
    except error:
        return
    except StoreError as other:
        raise StoreBrokenError(f"{what} was refused with {other!r}") from other
    raise StoreBrokenError(f"{what} was opened")


def _execute(path: Path, sql: str) -> None:
    connection = sqlite3.connect(path, isolation_level=None)
    try:
        connection.execute(sql)
    finally:
        connection.close()


def _integrity(path: Path) -> str:
    connection = sqlite3.connect(path)
    try:
        return str(connection.execute("PRAGMA integrity_check").fetchone()[0])
    finally:
        connection.close()


def _run_and_kill(path: Path) -> dict[str, str]:
    """Let another process write until it has acknowledged some documents, and kill it."""
    command = [sys.executable, "-c", f"from {__name__} import victim; victim({os.fspath(path.parent)!r})"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603 - it is ours
        assert process.stdout is not None
        acknowledged = [process.stdout.readline().split() for _ in range(BEFORE_KILL)]
        process.kill()
        acknowledged += [
            line.split() for line in process.stdout.read().splitlines(keepends=True) if line[-1:] == "\n"
        ]
    if [] in acknowledged:
        raise StoreBrokenError("the process that was to be killed ended by itself")
    return {document: title for document, title in acknowledged}  # noqa: C416 - lists are no pairs for `dict`


def victim(directory: str) -> None:
    """Write documents until killed, saying of each that it is acknowledged."""

    async def write() -> None:
        async with open_replica(directory, name="R1", role="roaming", kinds=[Note]) as replica:
            number = 0
            while True:
                number += 1
                document = await write_note(replica, str(number))
                sys.stdout.write(f"{document} {number}\n")
                sys.stdout.flush()

    asyncio.run(write())
