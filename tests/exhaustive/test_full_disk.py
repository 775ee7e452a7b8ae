"""Goal: what a full disk keeps from being published, received or numbered is told to whoever asked for the round (H27).

Method: a round of a replica whose database cannot grow, with something to be done in it, either does it or says so.
"""

from random import Random

import pytest

from crdtsync.errors import StoreFullError

from .machines import Quote
from .scenario import Fleet, settle

MUCH = Random(1).randbytes(60_000).hex()
"""More than the free pages of a small database hold, also when it is compressed."""


async def edit(fleet, name):
    async with fleet[name].machine.replica.edit(Quote) as quote:
        quote.customer = MUCH
    await fleet[name].machine.replica.mark_for_sync(quote.id)


async def something_to_publish(fleet):
    await edit(fleet, "r1")


async def something_to_receive(fleet):
    await edit(fleet, "office")
    await fleet.sync("office")


@pytest.mark.parametrize("something", [something_to_publish, something_to_receive])
async def test_a_round_on_a_full_disk_says_so(fast_path, something):
    fleet = Fleet(fast_path)
    for name in ("office", "r1"):
        await fleet.start(name)
    await settle(fleet)
    await something(fleet)
    fleet["r1"].machine.disk.is_full = True
    for _ in range(2):
        with pytest.raises(StoreFullError):
            await fleet.sync("r1")
    fleet["r1"].machine.disk.is_full = False
    await settle(fleet)
    digests = await fleet["office"].machine.replica.digests()
    assert len(digests) == 1
    assert await fleet["r1"].machine.replica.digests() == digests
    await fleet.stop()
