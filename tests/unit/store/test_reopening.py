"""Whatever is edited, and whenever the replica is opened again: it reads the same, and the digest is right."""

import asyncio
import tempfile
from decimal import Decimal
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crdtsync.store.documents import DELTAS_PER_STATE
from tests.unit.store.shop import Line, Quote, check_sound, content, shop, workspace_of

words = st.text(max_size=8).filter(lambda text: text.isprintable() and text != "nobody")
index = st.integers(0, 5)
step = st.one_of(
    st.tuples(st.just("customer"), words),
    st.tuples(st.just("visits"), st.integers(-5, 5)),
    st.tuples(st.just("add"), words, index),
    st.tuples(st.just("remove"), index),
    st.tuples(st.just("restore"), index),
    st.tuples(st.just("move"), index, index),
    st.tuples(st.just("quantity"), index, st.integers(1, 9)),
    st.tuples(st.just("notes"), words),
    st.tuples(st.just("event"), words),
    st.tuples(st.just("tag"), words),
    st.tuples(st.just("fail")),
    st.tuples(st.just("reopen")),
)


class Undone(Exception):  # noqa: N818
    """An edit that changed its mind."""


def take(quote, what, *args):
    lines = list(quote.lines)
    match what, args:
        case "customer", (text,):
            quote.customer = text
        case "visits", (number,):
            quote.visits = number
        case "add", (text, at):
            quote.lines.add(Line(product=text, price=Decimal("1.5")), index=at)
        case "remove", (at,) if at < len(lines):
            quote.lines.remove(lines[at])
        case "restore", (at,) if at < len(quote.lines.removed):
            quote.lines.restore(quote.lines.removed[at])
        case "move", (at, to) if at < len(lines):
            quote.lines.move(lines[at], to)
        case "quantity", (at, number) if at < len(lines):
            lines[at].quantity = number
        case "notes", (text,):
            quote.notes.append(text)
        case "event", (text,):
            quote.events.append(text)
        case "tag", (text,):
            quote.tags.add(text)
        case "fail", ():
            quote.customer = "never"
            raise Undone


def state(quote):
    return (
        quote.customer,
        quote.visits,
        [(line.id, line.product, line.quantity) for line in quote.lines],
        [line.id for line in quote.lines.removed],
        str(quote.notes),
        list(quote.events),
        list(quote.tags),
        quote.total,
    )


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(st.lists(step, min_size=1, max_size=4), max_size=12))
def test_any_edits_and_reopening_at_any_time(edits):
    async def play(directory):
        identity, expected = "a" * 26, None
        remaining = list(edits)
        while True:
            async with shop(directory) as replica:
                if expected is None:
                    async with replica.edit(Quote, identity, create=True) as quote:
                        quote.customer = "first"
                    expected = state(await replica.get(Quote, identity))
                assert state(await replica.get(Quote, identity)) == expected
                await check_sound(replica)
                while remaining:
                    steps = remaining.pop(0)
                    try:
                        async with replica.edit(Quote, identity) as quote:
                            assert state(quote) == expected
                            for each in steps:
                                take(quote, *each)
                    except Undone:
                        assert state(await replica.get(Quote, identity)) == expected
                    else:
                        expected = state(quote)
                        assert state(await replica.get(Quote, identity)) == expected
                    if ("reopen",) in steps:
                        break
                else:
                    await check_sound(replica)
                    return

    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(play(Path(directory)))


async def test_the_state_is_stored_now_and_then(tmp_path):
    async with shop(tmp_path) as replica, replica.edit(Quote) as quote:
        quote.customer = "Ada"
    for number in range(2 * DELTAS_PER_STATE + 3):
        async with shop(tmp_path) as replica:
            async with replica.edit(Quote, quote.id) as draft:
                assert draft.visits == number
                draft.visits = number + 1
            if number % 10 == 0:
                await check_sound(replica)
    held = content(tmp_path)
    ((_, change, _),) = held["_states"]
    later = [row for row in held["_changes"] if row[0] > change]
    assert len(later) < DELTAS_PER_STATE
    async with shop(tmp_path) as replica:
        assert (await replica.get(Quote, quote.id)).visits == 2 * DELTAS_PER_STATE + 3
        await check_sound(replica)


async def test_more_documents_than_are_kept_open(tmp_path, monkeypatch):
    monkeypatch.setattr("crdtsync.store.documents.OPEN_DOCUMENTS_MAX", 3)
    async with shop(tmp_path) as replica:
        ids = []
        for number in range(8):
            async with replica.edit(Quote) as quote:
                quote.customer = f"c{number}"
            ids.append(quote.id)

        async def visit(identity):
            async with replica.edit(Quote, identity) as draft:
                draft.visits += 1

        await asyncio.gather(*(visit(identity) for identity in ids * 5))
        assert {(await replica.get(Quote, identity)).visits for identity in ids} == {5}
        assert len(workspace_of(replica).documents._open) <= 3
        await check_sound(replica)
