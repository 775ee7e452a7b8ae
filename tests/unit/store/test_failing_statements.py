"""The n-th statement fails, for every n: the error surfaces, nothing is half written, and life goes on."""

import asyncio
import sqlite3
from decimal import Decimal

import pytest

from crdtsync import open_replica
from crdtsync.errors import StoreError
from crdtsync.store import connections
from tests.unit.store.shop import Line, Quote, check_sound, content, shop

STATEMENTS_MAX = 200


class Failing(sqlite3.Connection):
    """A connection whose n-th statement fails, as on a disk that fails, and maybe all that follow."""

    left = 0
    error = "disk I/O error"

    def execute(self, sql, *args):
        self._count()
        return super().execute(sql, *args)

    def executemany(self, sql, *args):
        self._count()
        return super().executemany(sql, *args)

    def _count(self):
        if Failing.left > 0:
            Failing.left -= 1
            if Failing.left == 0:
                raise sqlite3.OperationalError(Failing.error)


@pytest.fixture(autouse=True)
def failing(monkeypatch):
    connect = connections.aiosqlite.connect
    monkeypatch.setattr(
        connections.aiosqlite, "connect", lambda *args, **kw: connect(*args, factory=Failing, **kw)
    )
    yield
    Failing.left = 0


async def edit(replica, identity):
    async with replica.edit(Quote, identity) as quote:
        quote.customer = "Bob"
        quote.lines.add(Line(product="rail", price=Decimal(2)))
        quote.notes.set("words")
        quote.tags.add("tag")


async def every_failure(act, check):
    """Fail each statement of `act` in turn, until it has fewer; return how many it has."""
    for n in range(1, STATEMENTS_MAX):
        Failing.left = n
        try:
            result = await act()
        except StoreError:
            assert Failing.left == 0
            await check(n)
            continue
        if Failing.left == 0:
            raise AssertionError(f"statement {n} failed, and nobody said so: {result}")
        Failing.left = 0
        return n - 1
    raise AssertionError("it never ended")


@pytest.mark.parametrize("changes_before", [0, 30])
async def test_every_statement_of_an_edit(tmp_path, changes_before):
    async with shop(tmp_path) as replica:
        async with replica.edit(Quote) as quote:
            quote.customer = "Ada"
        for number in range(changes_before):
            async with replica.edit(Quote, quote.id) as draft:
                draft.visits = number
        before = content(tmp_path)

        async def check(n):
            assert content(tmp_path) == before, n
            assert (await replica.get(Quote, quote.id)).customer == "Ada"

        assert await every_failure(lambda: edit(replica, quote.id), check) > 5
        view = await replica.get(Quote, quote.id)
        assert (view.customer, view.total, str(view.notes)) == ("Bob", 2, "words")
        assert len(await replica.history(quote.id)) == changes_before + 2
        await check_sound(replica)


async def test_every_statement_of_making_a_document(tmp_path):
    async with shop(tmp_path) as replica:
        before = content(tmp_path)

        async def check(n):
            assert content(tmp_path) == before, n

        assert await every_failure(lambda: edit(replica, None), check) > 5
        (view,) = await replica.find(Quote)
        assert (view.customer, view.reference) == ("Bob", "R2-0001")
        await check_sound(replica)


async def test_an_edit_goes_on_after_each_failure(tmp_path):
    async with shop(tmp_path) as replica:
        async with replica.edit(Quote) as quote:
            quote.customer = "Ada"
        done = 0

        async def check(n):
            nonlocal done
            async with replica.edit(Quote, quote.id) as draft:
                assert draft.visits == done
                draft.visits += 1
            done += 1
            await check_sound(replica)

        await every_failure(lambda: edit(replica, quote.id), check)
        view = await replica.get(Quote, quote.id)
        assert (view.visits, view.customer) == (done, "Bob")
        assert len(await replica.history(quote.id)) == done + 2


async def test_edits_that_share_a_transaction_fail_by_themselves_or_together(tmp_path):
    async with shop(tmp_path) as replica:
        count = 0
        for n in range(1, 60):
            Failing.left = n
            results = await asyncio.gather(*(edit(replica, None) for _ in range(4)), return_exceptions=True)
            Failing.left = 0
            assert all(result is None or isinstance(result, StoreError) for result in results)
            count += results.count(None)
            assert await replica.count(Quote) == count
        await check_sound(replica)


@pytest.mark.slow
async def test_every_statement_of_opening_and_making_a_replica(tmp_path):
    async def make(directory):
        async with shop(directory) as replica:
            return replica.id

    n, made = 0, None
    while made is None:
        n += 1
        directory = tmp_path / str(n)
        Failing.left = n
        try:
            made = await make(directory)
        except StoreError:
            if n % 4:
                continue
            # What is left of it is finished at the next attempt, or opened.
            assert await make(directory)
    assert n > 20
    Failing.left = 0

    async def check(n):
        assert await make(directory) == made, n

    assert await every_failure(lambda: make(directory), check) > 5


@pytest.mark.slow
async def test_every_statement_of_a_round(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    async with (
        open_replica(tmp_path / "o", name="O", role="office", kinds=[Quote]) as office,
        shop(tmp_path / "r2") as r2,
    ):
        await office.sync(f"folder:{folder}")
        await r2.sync(f"folder:{folder}")
        async with office.edit(Quote) as quote:
            quote.customer = "office"
        async with r2.edit(Quote) as other:
            other.customer = "R2"
        await r2.mark_for_sync(other.id)

        async def check(n):
            await check_sound(office)
            await check_sound(r2)
            for name in ("o", "r2"):
                numbers = [row[5] for row in content(tmp_path / name)["_ledger"]]
                assert numbers == list(range(1, len(numbers) + 1))

        async def rounds():
            for replica in (r2, office, r2, office, r2):
                await replica.sync(f"folder:{folder}")

        assert await every_failure_to_the_end(rounds, check) > 20
        for replica in (r2, office, r2, office):
            await replica.sync(f"folder:{folder}")
        assert await office.digests() == await r2.digests()
        assert (await r2.get(Quote, other.id)).number == "Q-00001"
        assert await office.ledger() == await r2.ledger()
        assert await office.quarantine() == await r2.quarantine() == []
        await check(0)


async def every_failure_to_the_end(act, check):
    """As `every_failure`, for what does less each time: stop when nothing failed."""
    for n in range(1, STATEMENTS_MAX):
        Failing.left = n
        try:
            await act()
        except StoreError as error:
            assert Failing.left == 0, (n, error)
            await check(n)
        if Failing.left:
            Failing.left = 0
            return n
    raise AssertionError("it never ended")
