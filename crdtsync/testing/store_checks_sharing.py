"""The promises about many at a time: tasks, readers beside writers, processes."""

import asyncio
import sqlite3

from crdtsync.errors import StoreBusyError
from crdtsync.testing.store_checks_bench import Bench, Note, StoreBrokenError, write_note

JOBS = 100
EDITS_EACH = 20
SHORT_S = 0.05


async def in_order(bench: Bench) -> None:
    """One connection never runs two functions at a time, gives their results, and raises what they raise."""
    connection = await bench.connect(bench.path("order"), 1.0)
    ran: list[int] = []
    running: list[int] = []

    def function(_: sqlite3.Connection, number: int) -> int:
        running.append(number)
        if len(running) != 1:
            raise StoreBrokenError(f"functions {running} ran at a time")
        ran.append(number)
        running.remove(number)
        return number

    try:
        results = await asyncio.gather(*(connection.run(function, number) for number in range(JOBS)))
        if results != list(range(JOBS)):
            raise StoreBrokenError("results came to the wrong callers")
        if ran != list(range(JOBS)):
            raise StoreBrokenError(f"functions ran in the order {ran[:10]}...")
        try:
            await connection.run(_raise)
        except LookupError:
            pass
        else:
            raise StoreBrokenError("a function raised, and its caller was not told")
    finally:
        await connection.close()


async def failures_are_alone(bench: Bench) -> None:
    """Of jobs that are asked for together some raise: exactly what the others wrote is there."""
    database = await bench.open_database()

    def job(connection: sqlite3.Connection, number: int) -> None:
        connection.execute("INSERT INTO pairs VALUES (?, 0)", (number,))
        if number % 3 == 0:
            _raise(connection)

    try:
        outcomes = await asyncio.gather(
            *(database.write(lambda c, number=number: job(c, number)) for number in range(JOBS)),  # type: ignore[misc]
            return_exceptions=True,
        )
        written = {number for number, outcome in enumerate(outcomes) if outcome is None}
        if written != {number for number in range(JOBS) if number % 3}:
            raise StoreBrokenError(
                f"{len(written)} of {JOBS} jobs were acknowledged: not those that did not raise"
            )
        rows = await database.read(lambda c: c.execute("SELECT key FROM pairs").fetchall())
    finally:
        await database.close()
    found = {key for (key,) in rows}
    if found != written:
        raise StoreBrokenError(
            f"{len(found - written)} jobs that raised left something, {len(written - found)} others lost it"
        )


async def readers_see_one_state(bench: Bench) -> None:
    """Between two questions of one reader somebody else commits."""
    database = await bench.open_database()
    path = bench.path("bare")

    def read_twice(connection: sqlite3.Connection) -> tuple[int, int]:
        before = connection.execute("SELECT count(*) FROM pairs").fetchone()[0]
        writer = sqlite3.connect(path, isolation_level=None)
        try:
            writer.execute("INSERT INTO pairs VALUES (1, 1)")
        finally:
            writer.close()
        return before, connection.execute("SELECT count(*) FROM pairs").fetchone()[0]

    try:
        before, after = await database.read(read_twice)
        later = await database.read(lambda c: c.execute("SELECT count(*) FROM pairs").fetchone()[0])
    finally:
        await database.close()
    if before != after:
        raise StoreBrokenError(f"a reader counted {before} rows, then {after}")
    if later != before + 1:
        raise StoreBrokenError("a later reader does not see what was committed")


async def two_handles(bench: Bench) -> None:
    """Two programs have one replica open, as the application and the agent, and edit one document."""
    async with bench.open(author="ada") as ada, bench.open(author="bob") as bob:
        document = await write_note(ada, "shared")

        async def append(number: int) -> None:
            replica, who = ((ada, "ada"), (bob, "bob"))[number % 2]
            async with replica.edit(Note, document) as note:
                note.entries.append(f"{who} {number}")

        await asyncio.gather(*map(append, range(2 * EDITS_EACH)))
        for replica in (ada, bob):
            entries = list((await replica.get(Note, document)).entries)
            if len(set(entries)) != 2 * EDITS_EACH:
                raise StoreBrokenError(f"of {2 * EDITS_EACH} edits {len(set(entries))} are there")


async def is_busy(bench: Bench) -> None:
    """A writer that does not end is given up, and writing works when it has ended."""
    database = await bench.open_database(busy_timeout_s=SHORT_S)
    other = sqlite3.connect(bench.path("bare"), isolation_level=None)

    def insert(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO pairs VALUES (1, 1)")

    try:
        other.execute("BEGIN IMMEDIATE")
        try:
            await database.write(insert)
        except StoreBusyError:
            pass
        else:
            raise StoreBrokenError("two wrote at a time")
        other.execute("ROLLBACK")
        await database.write(insert)
        count = await database.read(lambda c: c.execute("SELECT count(*) FROM pairs").fetchone()[0])
    finally:
        other.close()
        await database.close()
    if count != 1:
        raise StoreBrokenError(f"of one write that succeeded and one that was given up, {count} are there")


def _raise(_: sqlite3.Connection) -> None:
    raise LookupError("on purpose")
