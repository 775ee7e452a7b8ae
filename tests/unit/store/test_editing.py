"""An edit is made wholly or not at all, and one after the other."""

import asyncio
from decimal import Decimal

import pytest

from crdtsync.errors import (
    DocumentNotFoundError,
    FrozenDocumentError,
    NestedEditError,
    UsageError,
    ValidationError,
)
from crdtsync.protocol.ids import derive_id
from crdtsync.store import documents
from tests.unit.store.shop import Line, Quote, check_sound, content, shop


@pytest.fixture
async def replica(tmp_path):
    async with shop(tmp_path) as opened:
        yield opened


@pytest.fixture
async def quote(replica):
    async with replica.edit(Quote) as made:
        made.customer = "Ada"
        made.lines.add(Line(product="shade"))
    return made


async def test_an_exception_leaves_everything_as_it_was(replica, quote, tmp_path):
    before = content(tmp_path)
    with pytest.raises(ZeroDivisionError):
        async with replica.edit(Quote, quote.id) as draft:
            draft.customer = "Bob"
            draft.lines.add(Line(product="rail"))
            raise ZeroDivisionError
    with pytest.raises(ZeroDivisionError):
        async with replica.edit(Quote) as draft:
            draft.customer = "Bob"
            raise ZeroDivisionError
    assert content(tmp_path) == before
    async with replica.edit(Quote, quote.id) as draft:
        assert (draft.customer, len(draft.lines)) == ("Ada", 1)
    await check_sound(replica)


async def test_an_edit_that_changes_nothing_writes_nothing(replica, quote, tmp_path):
    before = content(tmp_path)
    async with replica.edit(Quote, quote.id):
        pass
    async with replica.edit(Quote, quote.id) as draft:
        draft.customer = "Ada"
        draft.lines[0].quantity = 1 + 0
        draft.notes.set("")
        draft.lines.remove(draft.lines.add(Line(product="gone")))
    after = content(tmp_path)
    # The quantity was a default that nobody had written; now somebody has.
    assert len(after["_changes"]) - len(before["_changes"]) == 1
    before = after
    async with replica.edit(Quote, quote.id) as draft:
        draft.lines[0].quantity = 1
    assert content(tmp_path) == before


async def test_reading_sees_what_was_just_written(replica):
    async with replica.edit(Quote) as draft:
        assert (draft.reference, draft.number) == (None, None)
        draft.customer = "Ada"
        assert draft.customer == "Ada"
    assert draft.reference == "R2-0001"
    assert (await replica.get(Quote, draft.id)).customer == "Ada"
    assert [found.id for found in await replica.find(Quote, where={"customer": "Ada"})] == [draft.id]
    assert [found.id for found in await replica.find_number(" r2-0001 ")] == [draft.id]
    assert draft.info == (await replica.get(Quote, draft.id)).info


async def test_what_is_held_after_the_block_cannot_be_changed(replica, quote):
    async with replica.edit(Quote, quote.id) as draft:
        line = draft.lines[0]
        draft.customer = "Bob"
    assert draft.customer == "Bob"
    for change in (
        lambda: setattr(draft, "customer", "Cleo"),
        lambda: setattr(line, "quantity", 2),
        lambda: draft.notes.append("x"),
        lambda: draft.events.append("x"),
        lambda: draft.lines.remove(line),
    ):
        with pytest.raises(FrozenDocumentError):
            change()
    view = await replica.get(Quote, quote.id)
    with pytest.raises(FrozenDocumentError, match="edit"):
        view.customer = "Cleo"


async def test_an_edit_within_an_edit_of_the_same_document(replica, quote):
    async with replica.edit(Quote, quote.id) as outer:
        outer.customer = "Bob"
        with pytest.raises(NestedEditError):
            async with replica.edit(Quote, quote.id):
                pass
        async with replica.edit(Quote) as other:
            other.customer = "somebody else"
    assert (await replica.get(Quote, quote.id)).customer == "Bob"
    assert not replica._locks._turns


async def test_tasks_take_turns(replica, quote):
    async def visit():
        async with replica.edit(Quote, quote.id) as draft:
            seen = draft.visits
            await asyncio.sleep(0)
            draft.visits = seen + 1

    await asyncio.gather(*(visit() for _ in range(30)))
    assert (await replica.get(Quote, quote.id)).visits == 30
    assert await replica.conflicts() == []
    assert not replica._locks._turns


async def test_a_refused_document(replica, quote, tmp_path):
    before = content(tmp_path)
    with pytest.raises(ValidationError, match="for somebody"):
        async with replica.edit(Quote, quote.id) as draft:
            draft.customer = "nobody"
    with pytest.raises(ValidationError, match="customer") as missing:
        async with replica.edit(Quote) as draft:
            draft.visits = 3
    assert missing.value.path == "customer"
    with pytest.raises(ValidationError, match="customer"):
        async with replica.edit(Quote, derive_id("a"), create=True):
            pass
    assert content(tmp_path) == before


async def test_a_document_that_is_made_if_it_is_not_there(replica):
    identity = derive_id("sale", "1")
    for name in ("Ada", "Bob"):
        async with replica.edit(Quote, identity, create=True) as draft:
            draft.customer = name
    assert [entry.label for entry in await replica.history(identity)] == ["", ""]
    assert (await replica.get(Quote, identity)).reference == "R2-0001"
    with pytest.raises(DocumentNotFoundError):
        async with replica.edit(Quote, derive_id("sale", "2")):
            pass
    with pytest.raises(DocumentNotFoundError):
        replica.edit(Quote, "../etc/passwd")
    with pytest.raises(UsageError):
        replica.edit(Quote, label="x" * 1001)


async def test_a_made_document_is_wanted_by_two_tasks(replica):
    identity = derive_id("sale", "1")

    async def make(number):
        async with replica.edit(Quote, identity, create=True) as draft:
            draft.customer = f"c{number}"
            draft.events.append(f"e{number}")

    await asyncio.gather(*(make(number) for number in range(5)))
    view = await replica.get(Quote, identity)
    assert sorted(view.events) == [f"e{number}" for number in range(5)]
    assert view.info.references == ("R2-0001",)


@pytest.mark.parametrize("is_new", [False, True])
@pytest.mark.parametrize("turns", range(14))
async def test_cancelling_leaves_the_document_changed_or_not(tmp_path, turns, is_new):
    async with shop(tmp_path) as replica:
        async with replica.edit(Quote) as made:
            made.customer = "Ada"

        async def edit():
            async with replica.edit(Quote, None if is_new else made.id, label="cancelled") as draft:
                draft.customer = "Bob"
                draft.visits = 7
                await asyncio.sleep(0)
                draft.lines.add(Line(product="rail", price=Decimal(3)))

        task = asyncio.create_task(edit())
        for _ in range(turns):
            await asyncio.sleep(0.0003 if turns % 2 else 0)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        assert not replica._locks._turns
        for view in await replica.find(Quote):
            async with replica.edit(Quote, view.id) as draft:
                state = (draft.customer, draft.visits, len(draft.lines))
                assert state in (("Ada", 0, 0), ("Bob", 7, 1))
                draft.city = "Bern"
            seen = await replica.get(Quote, view.id)
            assert (seen.customer, seen.visits, len(seen.lines), seen.city) == (*state, "Bern")
        assert not replica._locks._turns
        await check_sound(replica)


async def test_a_waiting_task_that_is_cancelled_leaves_the_queue(replica, quote):
    entered, leave = asyncio.Event(), asyncio.Event()

    async def hold():
        async with replica.edit(Quote, quote.id) as draft:
            entered.set()
            await leave.wait()
            draft.visits = 1

    async def wait():
        async with replica.edit(Quote, quote.id) as draft:
            draft.visits = draft.visits + 1

    holder = asyncio.create_task(hold())
    await entered.wait()
    waiting = [asyncio.create_task(wait()) for _ in range(3)]
    await asyncio.sleep(0)
    waiting[1].cancel()
    leave.set()
    await asyncio.gather(holder, *waiting, return_exceptions=True)
    assert (await replica.get(Quote, quote.id)).visits == 3
    assert not replica._locks._turns


async def test_a_computed_property_cannot_be_assigned(replica, quote):
    with pytest.raises(AttributeError, match="computed"):
        async with replica.edit(Quote, quote.id) as draft:
            draft.total = Decimal(1)
    with pytest.raises(AttributeError, match="Did you mean 'customer'"):
        async with replica.edit(Quote, quote.id) as draft:
            draft.custmer = "Ada"


async def test_edit_that_fits_into_no_file_is_refused(tmp_path, monkeypatch):
    """What could never be published is not accepted, and nothing of it is written."""
    monkeypatch.setattr(documents, "DELTA_BYTES_MAX", 10_000)
    async with shop(tmp_path) as replica:
        async with replica.edit(Quote) as quote:
            quote.customer = "Ada"
        before = content(tmp_path)
        with pytest.raises(ValidationError, match="one edit holds at most"):
            async with replica.edit(Quote, quote.id) as edited:
                edited.notes.set("x" * 20_000)
        assert content(tmp_path) == before
        async with replica.edit(Quote, quote.id) as edited:
            edited.notes.set("x" * 5_000)
        await check_sound(replica)
