"""Goal: a file that is damaged again and again, under whatever name its owner puts it, arrives in the end (H6, H17).

Method: the first so many files that a replica puts of a kind are spoilt in the folder as soon as they are there; also
where the call that put them was told to have failed.
"""

import asyncio
import contextlib

import pytest

from crdtsync.errors import RemoteUnavailableError
from crdtsync.protocol.names import NameKind, classify
from crdtsync.testing import MemoryRemote

from .machines import Quote
from .scenario import MINUTES_MS, Fleet, settle

DEADLINE_S = 60


class Spoiling(MemoryRemote):
    """A remote that spoils what is put through it."""

    def __init__(self, place, *, kind, count, keeps_size, fails):
        super().__init__(place)
        self.kind, self.left, self.keeps_size, self.fails = kind, count, keeps_size, fails
        self.spoilt = []

    async def put(self, name, data):
        await super().put(name, data)
        if self.left and classify(name).kind is self.kind:
            self.left -= 1
            self.spoilt.append(name)
            self.place.files[name] = (
                bytes(len(data)) if self.keeps_size else data[:-7] + b"damaged and longer"
            )
            if self.fails:
                raise RemoteUnavailableError("whether it is there is not known")


@pytest.mark.parametrize("kind", [NameKind.SEGMENT, NameKind.LEDGER])
@pytest.mark.parametrize("keeps_size", [True, False])
@pytest.mark.parametrize("fails", [False, True])
@pytest.mark.parametrize("count", [1, 2, 3])
async def test_what_is_spoilt_so_many_times_arrives(fast_path, kind, keeps_size, fails, count):
    fleet = Fleet(fast_path)
    for name in ("office", "r1"):
        await fleet.start(name)
    await settle(fleet)
    office = fleet["office"]
    spoiling = Spoiling(fleet.place, kind=kind, count=count, keeps_size=keeps_size, fails=fails)
    async with office.machine.replica.edit(Quote) as quote:
        quote.customer = "Ada"
    await office.machine.replica.mark_for_sync(quote.id)

    async with asyncio.timeout(DEADLINE_S):
        for _ in range(4 * count + 8):
            # Nothing that is told to have failed is taken for success, and nothing is given up.
            with contextlib.suppress(RemoteUnavailableError):
                await office.machine.replica.sync(spoiling)
            await fleet.sync("r1")
            fleet.clock.now_ms += 30 * MINUTES_MS
    assert len(spoiling.spoilt) == count
    replica = fleet["r1"].machine.replica
    assert (await replica.get(Quote, quote.id)).number == "Q-00001"
    assert await replica.digests() == await office.machine.replica.digests()
    await fleet.stop()


async def test_what_sits_under_a_name_is_looked_at_before_it_is_taken_for_the_file(fast_path):
    """H17: a put that failed after it took effect, and was spoilt: the next round puts it, unasked."""
    fleet = Fleet(fast_path)
    for name in ("office", "r1"):
        await fleet.start(name)
    await settle(fleet)
    office = fleet["office"]
    spoiling = Spoiling(fleet.place, kind=NameKind.SEGMENT, count=1, keeps_size=True, fails=True)
    async with office.machine.replica.edit(Quote) as quote:
        quote.customer = "Ada"
    with pytest.raises(RemoteUnavailableError):
        await office.machine.replica.sync(spoiling)
    await office.machine.replica.sync(spoiling)
    await fleet.sync("r1")
    assert (await fleet["r1"].machine.replica.get(Quote, quote.id)).customer == "Ada"
    await fleet.stop()
