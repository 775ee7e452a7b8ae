"""Goal: what failed can be done again, and what comes again, late or from before, takes nothing back.

Method: every statement of one edit fails in turn, and the edit is repeated; the beacons of a replica come in every
order; a workstation is put back to before its last documents; the coordinator's clock is set in every order.
"""

from itertools import permutations

import pytest

from crdtsync.errors import StoreError
from crdtsync.protocol.beacon import Beacon, FeedPosition
from crdtsync.protocol.ids import FeedId, ReplicaId, id_text
from crdtsync.store import numbers, peers

from .machines import START_MS, Quote
from .scenario import MINUTES_MS, Fleet, settle
from .test_requests import ADA, office, say  # noqa: F401 - `office` is a fixture

DAY_MS = 24 * 3600 * 1000
FEED = FeedId(id_text(b"feedfeed"))
BOB = ReplicaId(id_text(b"bob!" * 4))


async def test_an_edit_that_failed_is_made_by_making_it_again(fast_path):
    """H34, I4: nothing of the first try is left in memory, where it would pass for done."""
    fleet = Fleet(fast_path)
    for name in ("office", "r1"):
        await fleet.start(name)
    await settle(fleet)
    machine = fleet["r1"].machine
    async with machine.replica.edit(Quote) as quote:
        quote.customer = "nobody"
    await machine.replica.mark_for_sync(quote.id)
    failed = n = 0
    while failed == n:
        n += 1
        for fails in (True, False):
            machine.disk.fail_at(n if fails else 0)
            try:
                async with machine.replica.edit(Quote, quote.id) as draft:
                    draft.customer = f"customer {n}"
                    draft.notes.append(f"note {n}")
            except StoreError:
                failed += 1
                assert fails
        machine.disk.fail_at(0)
    assert failed > 5
    await settle(fleet)
    shown = await fleet["office"].machine.replica.get(Quote, quote.id)
    assert shown.customer == f"customer {n}"
    assert all(str(shown.notes).count(f"note {number}") >= 1 for number in range(1, n + 1))
    assert await fleet["office"].machine.replica.digests() == await machine.replica.digests()
    await fleet.stop()


async def test_beacons_in_every_order_leave_the_last_word(office):  # noqa: F811
    """H2, H8, I12: an old one that comes late, or comes back, takes nothing back."""
    said = [
        Beacon(
            name="R1",
            role="roaming",
            coordinator=False,
            counter=counter,
            at_ms=counter,
            positions=[FeedPosition(BOB, FEED, 10 * counter, bytes(32))],
            own=None,
            ledger_index=counter,
            ledger_hash=bytes(32),
            wants=[],
            software="",
        )
        for counter in range(1, 5)
    ]

    def job(connection):
        for order in permutations([*said, said[0]]):
            connection.execute("SAVEPOINT trial")
            for beacon in order:
                peers.receive_beacon(connection, 1, ADA, beacon, START_MS)
            receipts = connection.execute(
                "SELECT sequence FROM _receipts WHERE replica = ?", (ADA,)
            ).fetchall()
            known = connection.execute(
                "SELECT counter, ledger_index FROM _peers WHERE replica = ?", (ADA,)
            ).fetchall()
            connection.execute("ROLLBACK TO trial")
            connection.execute("RELEASE trial")
            assert (receipts, known) == ([(40,)], [(4, 4)]), [beacon.counter for beacon in order]

    await office.workspace.database.write(job)


@pytest.mark.parametrize("days", list(permutations((0, 1, 2))))
async def test_dates_of_numbers_never_go_back(office, days):  # noqa: F811
    """F15, H41, I27: whatever the coordinator's clock does."""
    documents = [office.document]
    for customer in ("one", "two"):
        async with office.replica.edit(Quote) as quote:
            quote.customer = customer
        documents.append(quote.id)

    def job(connection):
        for document, day in zip(documents, days, strict=True):
            say(connection, document, (ADA, 1, False))
            numbers.allocate(connection, office.replica.id, START_MS + day * DAY_MS)
            connection.execute("UPDATE _own_files SET put_ms = 1 WHERE type = 'ledger'")
        return [entry.issue_date for entry in numbers.entries(connection)]

    dates = await office.workspace.database.write(job)
    assert len(dates) == len(days)
    assert dates == sorted(dates)


@pytest.mark.parametrize("before", range(3))
async def test_a_workstation_put_back_gives_no_reference_number_twice(fast_path, before):
    """H36: what it gave after the backup was made has come back to it from the others."""
    fleet = Fleet(fast_path)
    for name in ("office", "r1"):
        await fleet.start(name)
    await settle(fleet)
    machine = fleet["r1"].machine
    given = []

    async def make():
        async with machine.replica.edit(Quote) as quote:
            quote.customer = "Ada"
        await machine.replica.mark_for_sync(quote.id)
        given.extend((await machine.replica.get(Quote, quote.id))._info.references)

    for number in range(3):
        if number == before:
            await machine.stop()
            machine.save(fast_path / "backup")
            await machine.start()
        await make()
        await settle(fleet)
    await machine.stop()
    machine.load(fast_path / "backup")
    await machine.start()
    for _ in range(2):
        fleet.clock.now_ms += MINUTES_MS
        await settle(fleet)
    for _ in range(2):
        await make()
    assert len(given) == 5
    assert len(set(given)) == len(given)
    await fleet.stop()
