"""Goal: on a full disk every error says so and what to do, nothing acknowledged is lost, and it goes on with room.

Method: a small tmpfs holds the databases, the folder, or both. It is filled up to every number of free pages in
turn; two replicas are opened on it, edit, mark and sync as far as they get; then there is room again, and all that
was acknowledged must be there and must converge.
"""

import asyncio
import random

import pytest

from crdtsync import open_replica
from crdtsync.errors import RemoteFullError, StoreFullError
from tests.crash import actors
from tests.services import disks, settings
from tests.services.records import NAMES, Record

pytestmark = [pytest.mark.slow, pytest.mark.services]

DISK_BYTES = 64 * 1024 * 1024
PAGE_BYTES = 4096
PAGES_MAX = {"database": 240, "folder": 30, "both": 240}
"""About as much as one run of `work` takes: with that many free pages nothing is full any more."""
NEW_PAGES_MAX = 120
"""About as much as a new replica and its first round take."""
SIZES = 10
"""How many sizes an ordinary build tries, of all of them."""
TURNS = 3


@pytest.fixture
def small():
    if why := disks.why_no_tmpfs():
        pytest.skip(why)
    with disks.SmallDisk(DISK_BYTES) as disk:
        yield disk


async def work(record, rng, fill):
    """Edit, mark and sync on both replicas; return the errors, of which only those of a full disk are expected.

    `fill` is called once: before anything is opened, or before one of the steps.
    """
    errors = []
    fill_at = rng.choice((0, rng.randrange(2 * 3 * TURNS)))
    done = 0
    if not fill_at:
        fill()
    for name in rng.sample(NAMES, len(NAMES)):
        try:
            async with open_replica(
                record.directory / name, kinds=[actors.Quote], create=False, author=name
            ) as replica:
                for _ in range(TURNS):
                    for step in (edit, edit, sync):
                        done += 1
                        if done == fill_at:
                            fill()
                        try:
                            await step(record, name, replica, rng)
                        except (StoreFullError, RemoteFullError) as error:
                            errors.append(error)
        except StoreFullError as error:
            errors.append(error)
    return errors


async def edit(record, name, replica, rng):
    token = f"t{rng.getrandbits(60):x}"
    known = await replica.find(actors.Quote, limit=5)
    chosen = rng.choice(known).id if known and rng.random() < 0.7 else None
    async with replica.edit(actors.Quote, chosen, label=token) as quote:
        quote.events.append(token)
        quote.customer = token
        quote.notes.append("x" * rng.choice((1, 100, 3000)))
    record.hear(name, ("edited", quote.id, token))
    if rng.random() < 0.4:
        await replica.mark_for_sync(quote.id)
        record.hear(name, ("marked", quote.id))


async def sync(record, name, replica, rng):
    try:
        await replica.sync(f"folder:{record.folder}")
    finally:
        for entry in await replica.ledger():
            record.hear(name, ("numbered", entry.number, entry.document))


def some_sizes(rng, pages_max):
    return sorted(rng.sample(range(pages_max), min(settings.rounds(SIZES), pages_max)))


@pytest.mark.parametrize("on_the_disk", ["database", "folder", "both"])
def test_a_full_disk_loses_nothing_that_was_acknowledged(small, tmp_path, on_the_disk):
    seed = settings.seed()
    rng = random.Random(seed)
    sizes = some_sizes(rng, PAGES_MAX[on_the_disk])
    record = Record(
        tmp_path if on_the_disk == "folder" else small.root,
        (tmp_path if on_the_disk == "database" else small.root) / "shared",
    )
    record.build()
    failures = {}
    pages = numbers = 0
    try:
        for pages in sizes:
            errors = asyncio.run(work(record, rng, lambda pages=pages: small.leave(pages * PAGE_BYTES)))
            for error in errors:
                assert "space" in error.hint, error
                failures[type(error).__name__] = failures.get(type(error).__name__, 0) + 1
            small.clear()
            record.check()
            numbers = record.settle()
        assert not asyncio.run(work(record, rng, small.clear))
    except BaseException:
        print(f"with {pages} free pages")
        print(
            settings.replay_line(
                f"test_disk_full.py::test_a_full_disk_loses_nothing_that_was_acknowledged[{on_the_disk}]",
                seed,
            )
        )
        raise
    expected = {"database": {"StoreFullError"}, "folder": {"RemoteFullError"}}
    assert failures.keys() >= expected.get(on_the_disk, {"StoreFullError"}), failures
    settings.record(
        suite="disk full",
        on_the_disk=on_the_disk,
        seed=seed,
        sizes=len(sizes),
        failures=failures,
        edits=len(record.edited),
        numbers=numbers,
    )


def test_a_replica_can_be_made_again_where_making_it_met_a_full_disk(small):
    seed = settings.seed()
    folder = small.root / "shared"
    failures = 0

    async def make(name, role):
        async with open_replica(small.root / name, name=name, role=role, kinds=[actors.Quote]) as replica:
            async with replica.edit(actors.Quote) as quote:
                quote.customer = name
            await replica.mark_for_sync(quote.id)
            await replica.sync(f"folder:{folder}")
            return quote.id

    folder.mkdir()
    asyncio.run(make("OFFICE", "office"))
    for pages in some_sizes(random.Random(seed), NEW_PAGES_MAX):
        small.leave(pages * PAGE_BYTES)
        try:
            asyncio.run(make(f"R{pages}", "roaming"))
        except (StoreFullError, RemoteFullError) as error:
            assert "space" in error.hint
            failures += 1
        small.clear()
        asyncio.run(make(f"R{pages}", "roaming"))
    assert failures
    settings.record(suite="disk full, new replica", seed=seed, failures=failures)
