"""For each promise of a store an engine that breaks it."""

import asyncio
import shutil
import sqlite3

from crdtsync import Environment
from crdtsync.store import workspace


class Engine:
    """A way to the database that keeps all promises, without threads; what is wrong is added to it."""

    statements = sqlite3.Connection

    def __init__(self):
        self.opened = 0

    @property
    def environment(self):
        return Environment(connect=self.connect)

    async def connect(self, path, busy_timeout_s):
        self.opened += 1
        return self.make(
            sqlite3.connect(
                path,
                isolation_level=None,
                timeout=busy_timeout_s,
                factory=self.statements,
                check_same_thread=False,
            )
        )

    def make(self, connection):
        return Inline(connection)


class Inline:
    def __init__(self, connection):
        self.connection = connection

    async def run(self, function, *args, **kwargs):
        await asyncio.sleep(0)
        return function(self.connection, *args, **kwargs)

    async def close(self):
        self.connection.close()


class Shuffling(Engine):
    """Every other function comes later."""

    class Turns(Inline):
        turn = 0

        async def run(self, function, *args, **kwargs):
            self.turn += 1
            for _ in range(self.turn % 2 * 3):
                await asyncio.sleep(0)
            return await super().run(function, *args, **kwargs)

    def make(self, connection):
        return self.Turns(connection)


class Volatile(Engine):
    """A disk in memory, which is empty after the process."""

    async def connect(self, path, busy_timeout_s):
        connection = await super().connect(path, busy_timeout_s)
        close = connection.close

        async def forget():
            await close()
            path.unlink(missing_ok=True)

        connection.close = forget
        return connection


def replacing(statement, other):
    """Return a kind of connection that runs another statement instead of one."""

    class Replacing(sqlite3.Connection):
        def execute(self, sql, *args):
            return super().execute(other if sql == statement else sql, *args)

    return Replacing


class NeverRollingBack(Engine):
    statements = replacing("ROLLBACK", "COMMIT")


class WithoutSavepoints(Engine):
    statements = replacing("ROLLBACK TO job", "SELECT 1")


class WithoutSnapshots(Engine):
    statements = replacing("BEGIN", "SELECT 1")


class Careless(Engine):
    statements = replacing("PRAGMA synchronous = FULL", "PRAGMA synchronous = OFF")


class WithoutLog(Engine):
    """A network drive, on which there is no write-ahead log."""

    statements = replacing("PRAGMA journal_mode = WAL", "PRAGMA journal_mode = DELETE")


class ACopyEach(Engine):
    """Every process has a database of its own, as on a folder that is redirected per session."""

    async def connect(self, path, busy_timeout_s):
        return await super().connect(path.with_suffix(f".{self.opened // 2}"), busy_timeout_s)


class Vague(sqlite3.Connection):
    def execute(self, sql, *args):
        try:
            return super().execute(sql, *args)
        except sqlite3.OperationalError:
            raise sqlite3.OperationalError("something went wrong") from None


class Mumbling(Engine):
    """Does not say what the disk said."""

    statements = Vague


class WritingBack(Engine):
    """Works on a copy, which it puts in place when it is closed."""

    async def connect(self, path, busy_timeout_s):
        work = path.with_name(f"work-{path.name}")
        if path.exists() and not work.exists():
            shutil.copyfile(path, work)
        connection = await super().connect(work, busy_timeout_s)
        close = connection.close

        async def put_in_place():
            await close()
            shutil.copyfile(work, path)

        connection.close = put_in_place
        return connection


class Repairing(Engine):
    """Makes anything a database of its own."""

    async def connect(self, path, busy_timeout_s):
        if path.exists() and not path.read_bytes().startswith(b"SQLite format 3"):
            path.unlink()
        return await super().connect(path, busy_timeout_s)


class Anywhere(Engine):
    """Does not look where it is."""

    @property
    def environment(self):
        self.kept = workspace.refuse_shared_folder
        workspace.refuse_shared_folder = lambda _: None
        return super().environment

    def undo(self):
        workspace.refuse_shared_folder = self.kept


WRONG = {
    "functions run one at a time, in the order asked for": [Shuffling],
    "what was acknowledged is there after reopening": [Volatile],
    "an edit is written whole or not at all": [NeverRollingBack],
    "a job that fails harms no other of its group": [WithoutSavepoints],
    "a reader sees one state beside a writer": [WithoutSnapshots],
    "two handles see each other's changes and lose none": [ACopyEach],
    "a lock of another process is waited for, then StoreBusyError": [Mumbling],
    "a full disk is StoreFullError, and nothing is lost": [Mumbling],
    "a killed process loses nothing that was acknowledged": [WritingBack],
    "what is newer, foreign or damaged is refused untouched": [Repairing],
    "a directory in a synced folder is refused": [Anywhere],
    "a commit waits for the disk": [Careless, WithoutLog],
}
