"""Jobs that wait together share a transaction, and nothing else."""

import asyncio
import sqlite3

import pytest

from crdtsync.errors import StoreError, UsageError, ValidationError
from crdtsync.store import connections
from crdtsync.store.database import Database
from tests.unit.store.shop import Quote, check_sound, content, shop, workspace_of


@pytest.fixture
async def database(tmp_path):
    opened = await Database.open(tmp_path / "replica.db", create=True)
    await opened.write(lambda c: c.execute("CREATE TABLE t (x INTEGER)").fetchall())
    yield opened
    await opened.close()


def insert(x):
    return lambda c: c.execute("INSERT INTO t VALUES (?)", (x,)).lastrowid


def fail(connection):
    connection.execute("INSERT INTO t VALUES (-1)")
    raise ValidationError("no")


async def rows(database):
    return sorted(x for (x,) in await database.read(lambda c: c.execute("SELECT x FROM t").fetchall()))


async def trace(database):
    said = []
    await database.run(lambda c: c.set_trace_callback(said.append))
    return said


async def test_a_hundred_edits_at_once_are_durable_in_few_transactions(tmp_path):
    async with shop(tmp_path) as replica:
        said = await trace(workspace_of(replica).database)

        async def edit(number):
            async with replica.edit(Quote) as quote:
                quote.customer = f"c{number}"
            return quote.id

        ids = await asyncio.gather(*(edit(number) for number in range(100)))
        assert said.count("COMMIT") <= 10
        # Another connection sees them at once: they are committed, not merely remembered.
        assert len(content(tmp_path)["_documents"]) == 100
        references = {(await replica.get(Quote, identity)).reference for identity in ids}
        assert references == {f"R2-{number:04d}" for number in range(1, 101)}
        await check_sound(replica)


async def test_a_failing_job_fails_alone(database):
    results = await asyncio.gather(
        *(database.write(fail if x == 3 else insert(x)) for x in range(6)), return_exceptions=True
    )
    assert isinstance(results[3], ValidationError)
    assert [type(result) for result in results].count(int) == 5
    assert await rows(database) == [0, 1, 2, 4, 5]


async def test_a_job_that_fails_alone_in_its_transaction(database):
    with pytest.raises(ValidationError):
        await database.write(fail)
    assert await rows(database) == []
    await database.write(insert(1))
    assert await rows(database) == [1]


async def test_an_error_of_sqlite_in_one_job_fails_that_job(database):
    results = await asyncio.gather(
        database.write(insert(1)),
        database.write(lambda c: c.execute("INSERT INTO nowhere VALUES (1)")),
        database.write(insert(2)),
        return_exceptions=True,
    )
    assert isinstance(results[1], StoreError)
    assert await rows(database) == [1, 2]


async def test_a_job_that_ends_the_transaction_fails_all(database):
    def vandal(connection):
        connection.execute("ROLLBACK")

    results = await asyncio.gather(
        database.write(insert(1)), database.write(vandal), database.write(insert(2)), return_exceptions=True
    )
    assert all(isinstance(result, StoreError) for result in results)
    assert await rows(database) == []


class Refusing(sqlite3.Connection):
    """A connection some of whose statements fail."""

    refused: tuple[str, ...] = ()

    def execute(self, sql, *args):
        if sql in self.refused:
            raise sqlite3.OperationalError(f"disk I/O error at {sql}")
        return super().execute(sql, *args)


@pytest.fixture
def refusing(monkeypatch):
    connect = connections.aiosqlite.connect

    def connect_refusing(*args, **kwargs):
        return connect(*args, factory=Refusing, **kwargs)

    monkeypatch.setattr(connections.aiosqlite, "connect", connect_refusing)
    yield Refusing
    Refusing.refused = ()


@pytest.mark.parametrize("refused", [("COMMIT",), ("COMMIT", "ROLLBACK"), ("BEGIN IMMEDIATE",)])
async def test_a_failing_commit_fails_all_and_leaves_the_documents_right(tmp_path, refusing, refused):
    async with shop(tmp_path) as replica:
        ids = []
        for number in range(3):
            async with replica.edit(Quote) as quote:
                quote.customer = f"c{number}"
            ids.append(quote.id)
        before = content(tmp_path)

        async def edit(identity):
            async with replica.edit(Quote, identity) as quote:
                quote.customer = "changed"

        refusing.refused = refused
        results = await asyncio.gather(*(edit(identity) for identity in ids), return_exceptions=True)
        assert all(isinstance(result, StoreError) for result in results)
        refusing.refused = ()
        assert content(tmp_path) == before
        for number, identity in enumerate(ids):
            async with replica.edit(Quote, identity) as quote:
                assert quote.customer == f"c{number}"
                quote.customer = "changed after all"
            assert (await replica.get(Quote, identity)).customer == "changed after all"
        await check_sound(replica)


async def test_a_document_of_a_failed_job_is_read_anew(tmp_path):
    async with shop(tmp_path) as replica:
        async with replica.edit(Quote) as quote:
            quote.customer = "Ada"
        workspace = workspace_of(replica)

        def half(connection):
            draft = workspace.documents.draft(connection, quote.id, "quote")
            draft.write(("customer",), '"Bob"')
            workspace.documents.commit(connection, quote.id, draft, label="", is_new=False, shared=False)
            raise ValidationError("changed my mind")

        async def other():
            async with replica.edit(Quote) as another:
                another.customer = "Cleo"

        failed, _ = await asyncio.gather(workspace.write(half), other(), return_exceptions=True)
        assert isinstance(failed, ValidationError)
        async with replica.edit(Quote, quote.id) as again:
            assert again.customer == "Ada"
        assert len(await replica.history(quote.id)) == 1
        assert await replica.count(Quote) == 2
        await check_sound(replica)


async def test_a_cancelled_job_is_done_before_those_asked_for_later(database):
    task = asyncio.create_task(database.write(insert(1)))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await database.write(insert(2))
    assert await rows(database) == [1, 2]


async def test_what_is_closed_says_so(tmp_path):
    async with shop(tmp_path) as replica:
        pass
    for use in (
        lambda: replica.count(Quote),
        lambda: replica.mark_for_sync("x"),
        lambda: replica.edit(Quote).__aenter__(),
    ):
        with pytest.raises(UsageError, match="closed"):
            await use()
