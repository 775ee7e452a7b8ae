"""Pages are read in the order of an index: no list sorts all documents of its kind."""

import itertools

import pytest

from crdtsync import Document, open_replica
from crdtsync.document.model import schema_of
from crdtsync.store import query
from tests.benchmarks.model import Small
from tests.unit.store.shop import Quote, shop


class Note(Document, kind="note"):
    """Has the same words as a quote."""

    text: str


async def plan_of(replica, cls, *, where=None, search="", order_by="-changed", offset=0):
    def plan(connection):
        statements = []
        connection.set_trace_callback(statements.append)
        query.select(
            connection,
            schema_of(cls),
            where=where or {},
            search=search,
            order_by=order_by,
            limit=50,
            offset=offset,
        )
        connection.set_trace_callback(None)
        (ordered,) = [
            statement for statement in statements if "ORDER BY d." in statement or "ORDER BY p." in statement
        ]
        return [row[3] for row in connection.execute(f"EXPLAIN QUERY PLAN {ordered}")]

    return await replica._workspace.database.run(plan)


@pytest.mark.parametrize("order_by", ["-changed", "changed", "created", "-amount", "customer"])
async def test_a_page_is_read_without_sorting(tmp_path, order_by):
    async with open_replica(tmp_path / "r", name="R", role="roaming", kinds=[Small]) as replica:
        async with replica.edit(Small) as small:
            small.customer = "Ada"
        steps = await plan_of(replica, Small, order_by=order_by)
        assert not [step for step in steps if "ORDER BY" in step], steps


@pytest.mark.parametrize("order_by", ["-changed", "created", "-visits", "customer", "total"])
@pytest.mark.parametrize(
    "where", [{"city": "Oslo"}, {"visits__ge": 1}, {"city__in": ["Oslo", "Rome"], "customer__ne": "Bob"}]
)
async def test_a_page_of_a_filter_that_leaves_many_is_read_without_sorting(
    tmp_path, monkeypatch, order_by, where
):
    monkeypatch.setattr(query, "SORTED_MAX", 1)
    async with shop(tmp_path) as replica:
        for _ in range(2):
            async with replica.edit(Quote) as quote:
                quote.customer, quote.city, quote.visits = "Ada", "Oslo", 3
        steps = await plan_of(replica, Quote, where=where, order_by=order_by)
        assert not [step for step in steps if "ORDER BY" in step], steps


@pytest.mark.parametrize("order_by", ["-changed", "-visits"])
async def test_a_page_of_a_filter_that_leaves_few_looks_at_no_others(tmp_path, order_by):
    async with shop(tmp_path) as replica:
        async with replica.edit(Quote) as quote:
            quote.customer, quote.city = "Ada", "Oslo"
        steps = await plan_of(replica, Quote, where={"city": "Oslo"}, order_by=order_by)
        assert "_of_quote_f_city" in steps[0], steps


async def test_a_page_is_the_same_however_it_is_found(tmp_path, monkeypatch):
    async with shop(tmp_path, kinds=[Quote, Note]) as replica:
        async with replica.edit(Note) as note:
            note.text = "blue rail"
        quotes = []
        for number in range(40):
            async with replica.edit(Quote) as quote:
                quote.customer = f"c{number % 7}"
                quote.city = ("Oslo", "Rome", None)[number % 3]
                quote.visits = number * 17 % 10
                quote.notes.set("blue rail" if number % 4 else "blind")
            quotes.append(quote.id)

        filters = {
            "": (lambda quote: True, {}),
            "city": (lambda quote: quote.city == "Oslo", {"city": "Oslo"}),
            "none": (lambda quote: quote.city is None, {"city": None}),
            "same": (lambda quote: quote.visits >= 4, {"visits__ge": 4}),
            "two": (
                lambda quote: quote.city in ("Oslo", "Rome") and quote.customer != "c1",
                {"city__in": ["Oslo", "Rome"], "customer__ne": "c1"},
            ),
            "nobody": (lambda quote: False, {"city": "Paris"}),
        }
        views = [await replica.get(Quote, quote) for quote in quotes]
        for (suits, where), search, name, sign, limit in itertools.product(
            filters.values(), ("", "rail"), ("visits", "customer", "created"), ("", "-"), (0, 9)
        ):
            expected = [
                quote for quote in views if suits(quote) and (not search or search in str(quote.notes))
            ]
            # Whatever is equal comes in the order in which it came here.
            expected.sort(
                key=lambda quote: (
                    quote.info.created_ms if name == "created" else getattr(quote, name),
                    quotes.index(quote.id),
                ),
                reverse=bool(sign),
            )
            for sorted_max, skipped_max in ((0, 0), (10, 0), (1_000, 1_000)):
                monkeypatch.setattr(query, "SORTED_MAX", sorted_max)
                monkeypatch.setattr(query, "SKIPPED_MAX", skipped_max)
                found = await replica.find(
                    Quote, where=where, search=search, order_by=sign + name, limit=limit, offset=2
                )
                assert [quote.id for quote in found] == [quote.id for quote in expected[2 : 2 + limit]]
            assert await replica.count(Quote, where=where, search=search) == len(expected)


@pytest.mark.parametrize("order_by", ["-changed", "visits"])
async def test_a_page_far_back_skips_documents_without_looking_at_them(tmp_path, monkeypatch, order_by):
    monkeypatch.setattr(query, "SKIPPED_MAX", 1)
    async with shop(tmp_path) as replica:
        for _ in range(4):
            async with replica.edit(Quote) as quote:
                quote.customer = "Ada"
        steps = await plan_of(replica, Quote, order_by=order_by, offset=2)
        assert len(steps) == 1, steps

        await replica._workspace.database.write(
            lambda c: c.execute(
                "DELETE FROM _of_quote WHERE document = (SELECT max(document) FROM _of_quote)"
            )
        )
        found = await replica.find(Quote, order_by=order_by, offset=2)
        assert len(found) == 1, "what cannot be read is on no page, however far back"


@pytest.mark.parametrize("order_by", ["-changed", "created"])
async def test_a_page_of_words_that_many_have_is_found_without_looking_at_what_documents_hold(
    tmp_path, monkeypatch, order_by
):
    monkeypatch.setattr(query, "SORTED_MAX", 1)
    async with shop(tmp_path) as replica:
        for _ in range(4):
            async with replica.edit(Quote) as quote:
                quote.customer = "Ada"
                quote.notes.set("blue rail")
        steps = await plan_of(replica, Quote, search="rail", order_by=order_by, offset=2)
        assert not [step for step in steps if "SEARCH p" in step or "ORDER BY" in step], steps


async def test_what_is_filtered_by_lies_before_the_json(tmp_path):
    """What follows a long text in a row is reached by way of all its pages: ten times as long."""
    async with shop(tmp_path) as replica:
        columns = await replica._workspace.database.read(
            lambda c: [row[1] for row in c.execute("PRAGMA table_info(_of_quote)")]
        )
    assert columns[-1] == "json"


async def test_items_to_sync_are_listed_in_linear_time(tmp_path):
    """Counted in steps of SQLite's virtual machine, which are the same on every machine."""
    async with open_replica(tmp_path, name="R1", role="roaming", kinds=[Quote]) as replica:
        work = []
        for count in (100, 300):
            for _ in range(count):
                async with replica.edit(Quote) as quote:
                    quote.customer = "Ada"
            steps = [0]

            def count_steps(steps=steps):
                steps[0] += 1

            await replica._workspace.database.read(lambda c: c.set_progress_handler(count_steps, 10))
            assert len(await replica.items()) >= count
            await replica._workspace.database.read(lambda c: c.set_progress_handler(None, 0))
            work.append(steps[0])
        assert work[1] < 5 * work[0]
