"""Two workspaces on one directory are two processes of one machine."""

import asyncio

import pytest

from tests.unit.store.shop import Line, Quote, check_sound, content, shop


@pytest.fixture
async def both(tmp_path):
    async with shop(tmp_path) as one, shop(tmp_path) as other:
        yield one, other


async def test_what_the_other_committed_is_there_before_the_next_edit(both):
    one, other = both
    async with one.edit(Quote) as quote:
        quote.customer = "Ada"
    for turn in range(40):
        async with (one, other)[turn % 2].edit(Quote, quote.id) as draft:
            assert draft.visits == turn
            draft.visits += 1
    assert await one.conflicts() == []
    assert (await one.get(Quote, quote.id)).visits == (await other.get(Quote, quote.id)).visits == 40
    assert len(await one.history(quote.id)) == 41
    for replica in both:
        await check_sound(replica)


async def test_writes_that_did_not_see_each_other_are_a_conflict(both):
    one, other = both
    async with one.edit(Quote) as quote:
        quote.customer = "Ada"
    async with one.edit(Quote, quote.id) as mine:
        async with other.edit(Quote, quote.id) as theirs:
            theirs.customer = "Bob"
            theirs.lines.add(Line(product="theirs"))
        mine.customer = "Cleo"
        mine.lines.add(Line(product="mine"))
    (conflict,) = await other.conflicts()
    assert sorted(value.raw for value in conflict.values) == ['"Bob"', '"Cleo"']
    view = await other.get(Quote, quote.id)
    assert sorted(line.product for line in view.lines) == ["mine", "theirs"]
    await one.resolve(conflict, 0)
    assert await other.conflicts() == []
    await check_sound(one)


async def test_both_make_the_same_document(both):
    one, other = both
    identity = "a" * 26
    async with one.edit(Quote, identity, create=True) as mine:
        async with other.edit(Quote, identity, create=True) as theirs:
            theirs.customer = "Bob"
        mine.customer = "Cleo"
    view = await one.get(Quote, identity)
    assert view.info.references == ("R2-0001",)
    assert view.info.conflicts == 1
    assert len(await other.history(identity)) == 2


async def test_reference_numbers_of_two_processes_differ(both):
    async def make(replica, number):
        async with replica.edit(Quote) as quote:
            quote.customer = f"c{number}"
        return quote.reference

    made = await asyncio.gather(*(make(both[number % 2], number) for number in range(20)))
    assert sorted(made) == [f"R2-{number:04d}" for number in range(1, 21)]


async def test_changes_of_the_other_process_are_announced(both):
    one, other = both
    heard = []

    async def listen():
        async for change in one.changes(Quote):
            heard.append(change.label)
            if change.label == "last":
                return

    async with asyncio.timeout(60), asyncio.TaskGroup() as group:
        group.create_task(listen())
        while not heard:  # However long it takes until somebody listens.
            async with other.edit(Quote, label="hello") as quote:
                quote.customer = "hello"
        for label in ("first", "last"):
            async with other.edit(Quote, label=label) as quote:
                quote.customer = label
    assert [label for label in heard if label != "hello"] == ["first", "last"]


async def test_each_start_has_a_client_of_its_own(tmp_path):
    for _ in range(3):
        async with shop(tmp_path) as replica, replica.edit(Quote) as quote:
            quote.customer = "Ada"
    clients = {row[2] for row in content(tmp_path)["_changes"]}
    assert len(clients) == 3
