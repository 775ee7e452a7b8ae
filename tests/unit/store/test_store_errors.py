"""Each thing that can be wrong with the disk has an error of its own, says what to do, and costs nothing."""

import asyncio
import os
import shutil
import sqlite3
import subprocess
import sys
import threading

import pytest

from crdtsync import open_replica
from crdtsync.errors import (
    StoreBusyError,
    StoreCorruptError,
    StoreError,
    StoreExistsError,
    StoreFullError,
    StoreInSharedFolderError,
    StoreMissingError,
    StoreNewerError,
    StoreReadOnlyError,
    UsageError,
    ValidationError,
)
from crdtsync.protocol.names import marker_name
from crdtsync.store import database as databases
from tests.unit.store.shop import Line, Quote, check_sound, content, shop, workspace_of

PAGE = 4096


async def made(directory, customers=("Ada",)):
    ids = []
    async with shop(directory) as replica:
        for customer in customers:
            async with replica.edit(Quote) as quote:
                quote.customer = customer
            ids.append(quote.id)
    return ids


async def refused(error, directory, **options):
    with pytest.raises(error) as raised:
        async with shop(directory, **options):
            pass
    assert type(raised.value) is error
    assert raised.value.hint
    assert str(raised.value).endswith(raised.value.hint)
    return raised.value


def files(directory):
    return {path.name: path.read_bytes() for path in directory.iterdir() if path.is_file()}


async def test_a_missing_replica(tmp_path):
    for options in ({"create": False}, {"name": None, "role": None}, {"name": None}, {"role": None}):
        await refused(StoreMissingError, tmp_path / "none", **options)
    assert not (tmp_path / "none").exists()


async def test_a_replica_that_exists(tmp_path):
    await made(tmp_path)
    await refused(StoreExistsError, tmp_path, create=True)
    for options in ({"name": "R3"}, {"role": "office"}, {"coordinator": True}):
        with pytest.raises(UsageError):
            async with shop(tmp_path, **options):
                pass
    async with shop(tmp_path, name=None, role=None) as replica:
        assert (replica.name, replica.role, await replica.count(Quote)) == ("R2", "roaming", 1)


@pytest.mark.parametrize("left", ["nothing", "empty file", "tables only"])
async def test_making_a_replica_that_was_cut_short(tmp_path, left):
    if left == "empty file":
        (tmp_path / "replica.db").touch()
    if left == "tables only":
        await (await databases.Database.open(tmp_path / "replica.db", create=True)).close()
    await refused(StoreMissingError, tmp_path, name=None, role=None)
    with pytest.raises(ValidationError):
        async with shop(tmp_path, name="no good name!"):
            pass
    async with shop(tmp_path, create=True) as replica:
        assert replica.name == "R2"


@pytest.mark.parametrize("sign", [".dropbox", ".stfolder", "folder-{folder}.crdts"])
async def test_a_database_in_a_shared_folder(tmp_path, sign):
    (tmp_path / (marker_name("a" * 26) if "{" in sign else sign)).touch()
    await refused(StoreInSharedFolderError, tmp_path / "deep" / "replica")
    assert not (tmp_path / "deep").exists()
    (tmp_path / "inside").mkdir()
    elsewhere = tmp_path.parent / f"{tmp_path.name}-link"
    elsewhere.symlink_to(tmp_path / "inside", target_is_directory=True)
    await refused(StoreInSharedFolderError, elsewhere)


async def test_syncing_with_a_folder_around_the_database(tmp_path):
    async with open_replica(tmp_path / "office", name="O", role="office", kinds=[Quote]) as office:
        with pytest.raises(StoreInSharedFolderError):
            await office.sync(f"folder:{tmp_path}")
        with pytest.raises(StoreInSharedFolderError):
            async with office.syncing(f"folder:{tmp_path}"):
                pass
    assert [path.name for path in tmp_path.iterdir()] == ["office"]
    async with open_replica(tmp_path / "office"):
        pass


@pytest.mark.parametrize("size", [1, 50, 99, 100, 5000])
async def test_a_file_that_is_no_database(tmp_path, size):
    (tmp_path / "replica.db").write_bytes(b"The quick brown fox. " * 300)
    os.truncate(tmp_path / "replica.db", size)
    before = files(tmp_path)
    await refused(StoreCorruptError, tmp_path)
    assert files(tmp_path) == before


@pytest.mark.parametrize("journal", ["delete", "wal"])
@pytest.mark.parametrize("pragma", ["", "PRAGMA user_version = 1", "PRAGMA application_id = 252006674"])
async def test_the_database_of_another_program(tmp_path, journal, pragma):
    connection = sqlite3.connect(tmp_path / "replica.db")
    connection.execute(f"PRAGMA journal_mode = {journal}")
    connection.execute("CREATE TABLE recipes (name)")
    connection.execute("INSERT INTO recipes VALUES ('soup')")
    connection.execute(pragma)
    connection.commit()
    connection.close()
    before = files(tmp_path)
    error = await refused(StoreCorruptError, tmp_path)
    assert "not made by crdtsync" in str(error)
    assert files(tmp_path) == before


async def test_a_newer_version(tmp_path):
    await made(tmp_path)
    connection = sqlite3.connect(tmp_path / "replica.db")
    connection.execute("PRAGMA user_version = 99")
    connection.close()
    before = files(tmp_path)
    assert "99" in str(await refused(StoreNewerError, tmp_path))
    assert files(tmp_path) == before


async def test_a_newer_version_that_runs_now(tmp_path):
    await made(tmp_path)
    connection = sqlite3.connect(tmp_path / "replica.db")
    try:
        connection.execute("PRAGMA user_version = 99")
        before = files(tmp_path)["replica.db"]
        await refused(StoreNewerError, tmp_path)
        assert files(tmp_path)["replica.db"] == before
    finally:
        connection.close()


async def test_damaged_pages(tmp_path):
    ids = await made(tmp_path, [f"customer {number}" for number in range(60)])
    path = tmp_path / "replica.db"
    pages = path.stat().st_size // PAGE
    path.write_bytes(path.read_bytes()[:PAGE] + b"\xa5" * (pages - 1) * PAGE)
    damaged = files(tmp_path)["replica.db"]
    error = await refused(StoreCorruptError, tmp_path)
    assert "new replica" in error.hint
    assert files(tmp_path)["replica.db"] == damaged
    assert ids


async def test_a_page_that_is_damaged_while_it_runs(tmp_path):
    ids = await made(tmp_path, [f"customer {number}" for number in range(200)])
    path = tmp_path / "replica.db"
    connection = sqlite3.connect(path)
    (root,) = connection.execute("SELECT rootpage FROM sqlite_master WHERE name = '_changes'").fetchone()
    connection.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: (root - 1) * PAGE] + b"\xa5" * PAGE + whole[root * PAGE :])
    async with shop(tmp_path) as replica:
        with pytest.raises(StoreCorruptError):
            async with replica.edit(Quote, ids[0]) as quote:
                quote.customer = "Bob"
        assert (await replica.get(Quote, ids[0])).customer == "customer 0"


def test_a_directory_without_permission(tmp_path):
    directory = tmp_path / "held"
    asyncio.run(made(directory))
    before = files(directory)
    script = (
        "import asyncio, os, sys\n"
        "from crdtsync.errors import StoreReadOnlyError\n"
        "from tests.unit.store.test_store_errors import refused\n"
        "from pathlib import Path\n"
        "os.getuid() or os.setuid(65534)\n"
        "asyncio.run(refused(StoreReadOnlyError, Path(sys.argv[1])))\n"
        "asyncio.run(refused(StoreReadOnlyError, Path(sys.argv[1]) / 'sub' / 'replica'))\n"
    )
    parents = [parent for parent in directory.parents if os.stat(parent).st_uid == os.getuid()]
    modes = {parent: parent.stat().st_mode for parent in parents if parent != parent.parent}
    for parent, mode in modes.items():
        parent.chmod(mode | 0o055)
    (directory / "replica.db").chmod(0o444)
    directory.chmod(0o555)
    try:
        found = subprocess.run(
            [sys.executable, "-c", script, str(directory)], capture_output=True, text=True, check=False
        )
    finally:
        directory.chmod(0o755)
        (directory / "replica.db").chmod(0o644)
        for parent, mode in modes.items():
            parent.chmod(mode)
    assert found.returncode == 0, found.stderr
    assert files(directory) == before


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("SQLITE_READONLY_DBMOVED", StoreReadOnlyError),
        ("SQLITE_CANTOPEN_ISDIR", StoreReadOnlyError),
        ("SQLITE_PERM", StoreReadOnlyError),
        ("SQLITE_FULL", StoreFullError),
        ("SQLITE_BUSY_SNAPSHOT", StoreBusyError),
        ("SQLITE_LOCKED", StoreBusyError),
        ("SQLITE_CORRUPT_VTAB", StoreCorruptError),
        ("SQLITE_NOTADB", StoreCorruptError),
        ("SQLITE_IOERR_WRITE", StoreError),
        ("", StoreError),
    ],
)
def test_what_sqlite_says(tmp_path, code, error):
    said = sqlite3.OperationalError("told")
    if code:
        said.sqlite_errorname = code
    found = databases.as_store_error(said, tmp_path)
    assert type(found) is error
    assert "told" in str(found)


async def test_a_full_disk_for_sqlite(tmp_path):
    (identity,) = await made(tmp_path)
    async with shop(tmp_path) as replica:
        database = workspace_of(replica).database
        (pages,) = await database.run(lambda c: c.execute("PRAGMA page_count").fetchone())
        await database.run(lambda c: c.execute(f"PRAGMA max_page_count = {pages + 4}").fetchone())
        done = 0
        with pytest.raises(StoreFullError) as full:
            while True:
                async with replica.edit(Quote, identity) as quote:
                    quote.lines.add(Line(product="x" * 3000))
                done += 1
        assert "Free some space" in full.value.hint
        assert len((await replica.get(Quote, identity)).lines) == done
        await check_sound(replica)
        await database.run(lambda c: c.execute(f"PRAGMA max_page_count = {pages + 10_000}").fetchone())
        async with replica.edit(Quote, identity) as quote:
            assert len(quote.lines) == done
            quote.lines.add(Line(product="there is space again"))
        await check_sound(replica)
    async with shop(tmp_path) as replica:
        assert len((await replica.get(Quote, identity)).lines) == done + 1


@pytest.fixture
def small_disk(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    if os.name != "posix" or os.getuid() or shutil.which("mount") is None:
        pytest.skip("a small disk can only be mounted by root")
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("mounting is not allowed here")
    yield disk
    subprocess.run(["umount", str(disk)], check=True)


async def test_a_disk_that_is_really_full(small_disk):
    (identity,) = await made(small_disk)
    ballast = small_disk / "ballast"
    async with shop(small_disk) as replica:
        room = os.statvfs(small_disk)
        ballast.write_bytes(b"x" * (room.f_bavail * room.f_frsize - 100_000))
        done = 0
        with pytest.raises(StoreFullError):
            for _ in range(200):
                async with replica.edit(Quote, identity) as quote:
                    quote.lines.add(Line(product="x" * 3000))
                done += 1
        assert done
        assert len((await replica.get(Quote, identity)).lines) == done
        ballast.unlink()
        async with replica.edit(Quote, identity) as quote:
            assert len(quote.lines) == done
            quote.lines.add(Line(product="there is space again"))
        await check_sound(replica)
    async with shop(small_disk) as replica:
        assert len((await replica.get(Quote, identity)).lines) == done + 1


async def test_no_room_to_make_one(small_disk):
    room = os.statvfs(small_disk)
    (small_disk / "ballast").write_bytes(b"x" * (room.f_bavail * room.f_frsize - 20_000))
    await refused(StoreFullError, small_disk / "replica")
    (small_disk / "ballast").unlink()
    assert await made(small_disk / "replica")


async def test_another_process_that_holds_the_write_lock(tmp_path, monkeypatch):
    (identity,) = await made(tmp_path)
    monkeypatch.setattr(databases, "BUSY_TIMEOUT_S", 0.05)
    async with shop(tmp_path) as replica:
        before = content(tmp_path)
        other = sqlite3.connect(tmp_path / "replica.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StoreBusyError) as busy:
            async with replica.edit(Quote, identity) as quote:
                quote.customer = "Bob"
        assert busy.value.waiting_helps
        assert busy.value.hint
        assert (await replica.get(Quote, identity)).customer == "Ada"
        await refused(StoreBusyError, tmp_path)
        other.execute("ROLLBACK")
        other.close()
        assert content(tmp_path) == before
        async with replica.edit(Quote, identity) as quote:
            quote.customer = "Bob"
        await check_sound(replica)


async def test_waiting_for_another_process(tmp_path):
    (identity,) = await made(tmp_path)
    async with shop(tmp_path) as replica:
        other = sqlite3.connect(tmp_path / "replica.db", isolation_level=None)
        other.execute("BEGIN IMMEDIATE")

        async def edit():
            async with replica.edit(Quote, identity) as quote:
                quote.customer = "Bob"

        task = asyncio.create_task(edit())
        await asyncio.sleep(0.05)
        assert not task.done()
        assert (await replica.get(Quote, identity)).customer == "Ada"
        other.execute("COMMIT")
        other.close()
        await task
        assert (await replica.get(Quote, identity)).customer == "Bob"


async def test_many_make_one_replica_at_once(tmp_path):
    async def make():
        async with shop(tmp_path) as replica:
            return replica.id

    assert len(set(await asyncio.gather(*(make() for _ in range(6))))) == 1


async def test_a_replica_opens_while_another_process_makes_it(tmp_path):
    """SQLite refuses at once to change the journal's mode under another's write, whatever its timeout says."""
    path = tmp_path / "replica.db"
    other = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    other.execute("BEGIN IMMEDIATE")

    class Opened(sqlite3.Connection):
        def execute(self, statement, *args):
            if statement == "BEGIN IMMEDIATE" and other.in_transaction:
                other.rollback()
            return super().execute(statement, *args)

    async def connect(path, busy_timeout_s):
        return Inline(sqlite3.connect(path, isolation_level=None, timeout=busy_timeout_s, factory=Opened))

    database = await databases.Database.open(path, create=True, connect=connect)
    assert not other.in_transaction
    assert await database.read(lambda c: c.execute("PRAGMA journal_mode").fetchone()) == ("wal",)
    await database.close()
    other.close()


class Inline:
    def __init__(self, connection):
        self._connection = connection

    async def run(self, function, *args, **kwargs):
        return function(self._connection, *args, **kwargs)

    async def close(self):
        self._connection.close()


async def test_a_replica_that_another_process_never_lets_go_is_busy(tmp_path):
    path = tmp_path / "replica.db"
    other = sqlite3.connect(path, isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(StoreBusyError):
        await databases.Database.open(path, create=True, busy_timeout_s=0.02)
    other.close()


async def test_a_failure_to_open_leaves_no_thread_behind(tmp_path):
    before = set(threading.enumerate())
    (tmp_path / "replica.db").write_bytes(b"nothing" * 100)
    await refused(StoreCorruptError, tmp_path)
    for thread in set(threading.enumerate()) - before:
        thread.join(10)
        assert not thread.is_alive()
