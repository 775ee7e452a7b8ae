"""Goal: what was examined is applied by what the examiner says, and comes to what the CRDT would have made of it.

Method: two workstations edit quotes while apart, at random. Two offices receive what they wrote: one has an examiner
that says nothing but its verdict, so that it opens every document itself. The databases of both must say the same.
"""

import random
from decimal import Decimal

import pytest

from crdtsync import Document, Entities, GrowSet, Log, Text, field
from crdtsync.document import live
from crdtsync.environment import Verdict
from crdtsync.examining import InlineExaminer, ProcessExaminer
from crdtsync.store import documents
from tests.unit.sync.world import Line, Price, Quote, World

SEED = 7
QUOTES = 6
ROUNDS = 5


class Offer(Document, kind="offer", series=None):
    """A quote that computes nothing: of its projection only what changed is rendered."""

    customer: str = field(default="", indexed=True)
    sold: int = field(default=0, policy="highest")
    stock: int = field(default=0, policy="lowest")
    terms: str = field(default="", policy="ask")
    lines: Entities[Line]
    extras: Entities[Line]
    notes: Text
    milestones: Log[str]
    tags: GrowSet[str]


class Silent(InlineExaminer):
    """Says what is bad, and not what the rest comes to."""

    async def examine(self, cases):
        return [
            Verdict(verdict.refused, verdict.unreadable, verdict.deaths, verdict.is_settled)
            for verdict in await super().examine(cases)
        ]


@pytest.fixture
async def world(tmp_path):
    world = World(tmp_path)
    yield world
    await world.close()


def edit(quote, chance):
    lines = quote.extras if isinstance(quote, Offer) and chance.random() < 0.3 else quote.lines
    match chance.randrange(10):
        case 0:
            quote.customer = f"customer {chance.randrange(3)}"
        case 1:
            quote.terms = f"{chance.randrange(3)} days"
        case 2:
            quote.sold, quote.stock = chance.randrange(9), chance.randrange(9)
        case 3:
            quote.notes.append(chance.choice((" caf\u00e9", " note", "\U0001f600")))
        case 4:
            quote.milestones.append(f"stage {chance.randrange(3)}")
        case 5:
            quote.tags.add(f"tag {chance.randrange(3)}")
        case 6 if lines:
            lines.remove(chance.choice(list(lines)))
        case 7 if lines:
            line = chance.choice(list(lines))
            line.quantity, line.price = chance.randrange(9), Price(Decimal(chance.randrange(99)))
        case 8 if lines:
            lines.move(chance.choice(list(lines)), chance.randrange(3))
        case _:
            lines.add(Line(product=f"blind {chance.randrange(9)}"), index=chance.randrange(3))


async def change(machine, chance, kind, quotes):
    for quote in quotes:
        for _ in range(chance.randrange(7)):
            async with machine.replica.edit(kind, quote) as draft:
                edit(draft, chance)


async def said(machine, kind):
    """Return all that a database says of its documents and that does not depend on the order of arrival."""
    sql = (
        "SELECT d.id, d.digest, d.version, d.frontier, d.conflicts, p.json, p.stale, s.words, "
        "(SELECT json_group_array(json_array(ordinal, path, reason, policy, cells, shown)) FROM _conflicts c "
        f"WHERE c.document = d.n) FROM _documents d JOIN _of_{kind._kind} p ON p.document = d.n "
        "LEFT JOIN _search s ON s.rowid = d.n ORDER BY d.id"
    )
    return await machine.rows(sql)


@pytest.mark.parametrize("kind", [Quote, Offer])
@pytest.mark.parametrize("seed", range(SEED, SEED + 3))
async def test_what_the_examiner_says_is_what_the_crdt_says(world, seed, kind):
    chance = random.Random(seed)
    world.random.seed(seed)
    ada, bob = await world.add("ada", "office"), await world.add("bob", "roaming")
    told = await world.add("told", "roaming")
    world.examiner = Silent
    opening = await world.add("opening", "roaming")
    await world.settle()
    for machine in world.machines:
        await machine.workspace.declare(kind)
    quotes = []
    for number in range(QUOTES):
        async with ada.replica.edit(kind) as quote:
            quote.customer = f"Ada {number}"
        quotes.append(quote.id)
    await ada.replica.mark_for_sync(*quotes)
    await world.settle()
    for _ in range(ROUNDS):
        for machine in (ada, bob):
            await change(machine, chance, kind, quotes)
        await world.settle()
        for machine in (told, opening):
            await machine.workspace.database.run(
                lambda _, machine=machine: machine.workspace.documents.close()
            )
    # Reopened, so that a stored state is loaded too.
    assert await said(told, kind) == await said(opening, kind) == await said(ada, kind), (
        f"pytest {__file__} -k {seed}"
    )
    assert await told.recomputed() == await told.replica.digests()
    (rows,) = await told.rows("SELECT count(*) FROM _conflicts")
    assert rows[0], "there is something to disagree about"


@pytest.mark.parametrize("make", [InlineExaminer, ProcessExaminer], ids=["inline", "process"])
async def test_a_document_that_nobody_has_open_is_merged_without_opening_it(world, monkeypatch, make):
    """H45: not even bytes that were found to be good need to meet the CRDT in the application's process."""
    ada = await world.add("ada", "office")
    world.examiner = make
    bob = await world.add("bob", "roaming")
    await world.settle()
    quote = await ada.make("Ada")
    await ada.replica.mark_for_sync(quote)
    await world.settle()
    await ada.rename(quote, "Eve")
    await ada.sync()
    world.place.arrive_all()
    with monkeypatch.context() as patched:

        def refuse(*_):
            raise AssertionError("a CRDT was opened")

        patched.setattr(live, "CrdtDocument", refuse)
        report = await bob.sync()
    assert (report.applied, report.problems) == (1, [])
    assert await bob.customer(quote) == "Eve"
    assert await bob.recomputed() == await bob.replica.digests() == await ada.replica.digests()


async def test_a_state_that_the_examiner_encoded_is_stored(world, monkeypatch):
    """Every so many changes the state is stored anew, also where the document is not open."""
    monkeypatch.setattr(documents, "DELTAS_PER_STATE", 2)
    ada, bob = await world.add("ada", "office"), await world.add("bob", "roaming")
    await world.settle()
    quote = await ada.make("Ada")
    await ada.replica.mark_for_sync(quote)
    for name in ("Eve", "Rut", "Zoe"):
        await ada.rename(quote, name)
        await world.settle()
    ((change, last),) = await bob.rows("SELECT change, (SELECT max(n) FROM _changes) FROM _states")
    assert change > last - 2
    assert await bob.recomputed() == await bob.replica.digests() == await ada.replica.digests()
    await bob.rename(quote, "of Bob")
    await world.settle()
    assert await ada.customer(quote) == "of Bob"
