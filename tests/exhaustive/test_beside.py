"""Goal: what two people do to a document that both have open is merged as the model says, whatever the two things are.

Method: every pair of edits, one of which is made and committed while the other is under way, on a plain document, on
one with a line that is in dispute, and on one with a line that was removed.
"""

import copy
import json
import random
from decimal import Decimal
from itertools import product

import pytest

from crdtsync import open_replica
from crdtsync.environment import Environment
from crdtsync.testing import SimulatedDisk
from crdtsync.testing.simulation.kinds import Line, Price, Quote
from crdtsync.testing.simulation.model import Model

from .machines import Clock

FIRST, SECOND = "line-a", "line-b"


def word(quote, letter):
    quote.notes.append(f"\u00fc<{letter * 12}>")


def insert(quote, letter):
    quote.notes.replace(0, 0, f"<{letter * 12}>")


EDITS = {
    "a field": lambda q, who: setattr(q, "customer", who),
    "the highest": lambda q, who: setattr(q, "sold", len(who)),
    "one to be asked for": lambda q, who: setattr(q, "terms", who),
    "a text at its end": lambda q, who: word(q, who[0]),
    "a text at its beginning": lambda q, who: insert(q, who[0]),
    "a line's product": lambda q, who: setattr(q.lines[FIRST], "product", who),
    "a line's price": lambda q, who: setattr(q.lines[FIRST], "price", Price(Decimal(len(who)))),
    "a line moved": lambda q, who: q.lines.move(FIRST, 1),
    "a line removed": lambda q, who: q.lines.remove(FIRST),
    "a line edited and removed": lambda q, who: (EDITS["a line's product"](q, who), q.lines.remove(FIRST)),
    "a line put back": lambda q, who: q.lines.restore(FIRST),
    "a line added": lambda q, who: q.lines.add(Line(product=who), id=f"line-{who}"),
    "a log": lambda q, who: q.milestones.append(who, id="printed"),
    "a set": lambda q, who: q.tags.add(who),
}


class Desk:
    """One computer with two processes, and the model of what they write."""

    def __init__(self, path):
        self.path = path
        self.model = Model()
        self.opened = []

    async def __aenter__(self):
        disk, chance = SimulatedDisk(), random.Random(5)
        environment = Environment(Clock(), chance.randbytes, connect=disk.connect)
        for _ in range(2):
            self.opened.append(
                open_replica(self.path, name="R1", role="roaming", kinds=[Quote], environment=environment)
            )
        self.processes = [await one.__aenter__() for one in self.opened]
        return self

    async def __aexit__(self, *_):
        for one in self.opened:
            await one.__aexit__(None, None, None)

    async def version(self, document):
        def job(connection):
            return dict(
                connection.execute(
                    "SELECT client, max(sequence) FROM _changes c JOIN _documents d ON d.n = c.document "
                    "WHERE d.id = ? GROUP BY client",
                    (document,),
                )
            )

        return await self.processes[0]._workspace.database.read(job)

    async def edit(self, process, document, change, meanwhile=None):
        """Make an edit; `meanwhile` happens when the draft is complete and not yet committed."""
        replica = self.processes[process]
        client = replica._workspace.identity.client
        async with replica.edit(Quote, document, create=True) as quote:
            seen = await self.version(document)
            change(quote)
            writes = copy.copy(quote._source.writes)
            if meanwhile is not None:
                await meanwhile()
        applied = await self.version(document)
        if applied.get(client, 0) == seen.get(client, 0):
            return
        sequence = applied[client]
        applied[client] = sequence - 1
        modelled = self.model.document(document, Quote)
        modelled.record(client, sequence, writes, seen, applied, await self.shown(document))
        for name, text in writes.texts.items():
            modelled.remember_words(name, text, client, sequence)

    async def both(self, document, mine, theirs):
        await self.edit(
            0,
            document,
            lambda quote: EDITS[mine](quote, "ada"),
            lambda: self.edit(1, document, lambda quote: EDITS[theirs](quote, "bertie")),
        )

    async def shown(self, document):
        (text,) = await self.processes[0]._workspace.database.read(
            lambda c: c.execute(
                "SELECT p.json FROM _of_quote p JOIN _documents d ON d.n = p.document WHERE d.id = ?",
                (document,),
            ).fetchone()
        )
        return json.loads(text)

    async def differences(self, document):
        replica = self.processes[0]
        listed = {
            conflict.path: (conflict.reason, sorted({value.raw for value in conflict.values}))
            for conflict in await replica.conflicts(document)
        }
        return self.model.documents[document].differences(await self.shown(document), listed)


async def plain(desk, document):
    def make(quote):
        quote.customer, quote.terms = "nobody", "none"
        quote.notes.append("<000000000000>")
        quote.lines.add(Line(product="shade"), id=FIRST)
        quote.lines.add(Line(product="blind"), id=SECOND)

    await desk.edit(0, document, make)


async def disputed(desk, document):
    await plain(desk, document)
    await desk.edit(
        0,
        document,
        lambda quote: quote.lines.remove(FIRST),
        lambda: desk.edit(1, document, lambda quote: EDITS["a line's product"](quote, "cyd")),
    )


async def removed(desk, document):
    await plain(desk, document)
    await desk.edit(1, document, lambda quote: quote.lines.remove(FIRST))


@pytest.mark.parametrize("begin", [plain, disputed, removed])
async def test_every_edit_beside_every_other(fast_path, begin):
    async with Desk(fast_path / "replica") as desk:
        tried = 0
        for number, (mine, theirs) in enumerate(product(EDITS, EDITS)):
            document = f"{chr(97 + number // 26 % 26)}{chr(97 + number % 26)}".ljust(26, "a")
            await begin(desk, document)
            if begin is removed and any(
                "line's" in what or "line moved" in what or "removed" in what for what in (mine, theirs)
            ):
                continue  # There is no such line to be edited.

            await desk.both(document, mine, theirs)
            assert await desk.differences(document) == [], f"{mine!r}, and meanwhile {theirs!r}"
            tried += 1
        assert tried > 50
