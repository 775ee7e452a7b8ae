"""Many documents and many replicas: opening, listing, finding, an idle round, memory; and the way to a number."""

import asyncio
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from decimal import Decimal
from pathlib import Path

from crdtsync import Replica, open_replica
from tests.benchmarks.measure import Figure, median, plain_figure, timed
from tests.benchmarks.model import Quote, Small, fill

DOCUMENTS = int(os.environ.get("CRDTSYNC_BENCH_DOCUMENTS", "100000"))
REPLICAS = 100


async def mark_to_number() -> list[Figure]:
    """From the mark to the final number, both agents running over a local folder."""
    chance = random.Random(2)
    times: list[float] = []
    with tempfile.TemporaryDirectory() as directory:
        folder = Path(directory) / "folder"
        folder.mkdir()
        address = f"folder:{folder}"
        async with (
            open_replica(Path(directory) / "o", name="office", role="office", kinds=[Quote]) as office,
            open_replica(Path(directory) / "r", name="R2", role="roaming", kinds=[Quote]) as roaming,
        ):
            await office.sync(address)
            async with office.syncing(address), roaming.syncing(address):
                for _ in range(21):
                    async with roaming.edit(Quote) as quote:
                        fill(quote, chance)
                    start = time.perf_counter()
                    await roaming.mark_for_sync(quote.id)
                    while (await roaming.get(Quote, quote.id)).number is None:
                        await asyncio.sleep(0.002)
                    times.append(time.perf_counter() - start)
                    await asyncio.sleep(chance.random() * 0.3)
    return [plain_figure("mark to number", "s", median(times), 0.3, slowest=max(times))]


async def hundred_thousand() -> list[Figure]:
    """Open, list, find, idle round and memory at 100,000 documents and 100 replicas."""
    figures: list[Figure] = []
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory)
        folder = root / "folder"
        folder.mkdir()
        await _build(root, folder)
        opens = []
        for _ in range(5):
            start = time.perf_counter()
            async with open_replica(root / "office", kinds=[Small]) as replica:
                opens.append(time.perf_counter() - start)
        figures.append(plain_figure("open", "s", median(opens), 0.2, documents=DOCUMENTS))
        async with open_replica(root / "office", kinds=[Small]) as replica:
            figures += await _reading(replica)
            figures.append(await _idle(replica, folder))
        figures.append(_memory(root, folder))
    return figures


async def _build(root: Path, folder: Path) -> None:
    chance = random.Random(3)
    async with open_replica(root / "office", name="office", role="office", kinds=[Small]) as office:
        await office.sync(f"folder:{folder}")
        for start in range(0, DOCUMENTS, 250):
            ids = await asyncio.gather(*(_create(office, chance) for _ in range(250)))
            if start < 1_000:
                await office.mark_for_sync(*ids)
        while (await office.sync(f"folder:{folder}")).granted:
            pass
    for number in range(REPLICAS - 1):
        async with open_replica(
            root / f"r{number}", name=f"R{number}", role="roaming", kinds=[Small]
        ) as replica:
            # A replica that has taken nothing in yet, but speaks: its own segment and its beacon are there.
            async with replica.edit(Small) as small:
                small.customer = f"of R{number}"
            await replica.mark_for_sync(small.id)
            await _publish_only(replica, folder)
    async with open_replica(root / "office", kinds=[Small]) as office:
        for _ in range(3):
            await office.sync(f"folder:{folder}")


async def _publish_only(replica: Replica, folder: Path) -> None:
    from crdtsync.replica import open_remote
    from crdtsync.sync.report import SyncReport
    from crdtsync.sync.session import open_session
    from crdtsync.sync.steps import acknowledge, publish

    async with open_remote(f"folder:{folder}") as remote:
        session = await open_session(replica._workspace, remote)
        report = SyncReport()
        await publish(session, None, report)
        await acknowledge(session, report)


async def _create(replica: Replica, chance: random.Random) -> str:
    async with replica.edit(Small) as small:
        small.customer = f"Customer {chance.randrange(5_000)}"
        small.amount = Decimal(chance.randrange(10_000_000)) / 100
    return small.id


async def _reading(replica: Replica) -> list[Figure]:
    pages, newest, searches, numbers = [], [], [], []
    for offset in range(20):
        newest.append(await timed(lambda offset=offset: replica.find(Small, offset=offset * 50)))
        pages.append(
            await timed(lambda offset=offset: replica.find(Small, order_by="-amount", offset=offset * 50))
        )
        searches.append(
            await timed(lambda offset=offset: replica.find(Small, search=f"customer {offset * 37}"))
        )
        numbers.append(await timed(lambda offset=offset: replica.find_number(f"S-{offset + 1:06d}")))
    return [
        plain_figure("list a page of 50", "ms", median(pages) * 1e3, 10),
        plain_figure("list the newest 50", "ms", median(newest) * 1e3, 10),
        plain_figure("search a page of 50", "ms", median(searches) * 1e3, 100),
        plain_figure("find by number", "ms", median(numbers) * 1e3, 2),
    ]


async def _idle(replica: Replica, folder: Path) -> Figure:
    from crdtsync.replica import open_remote
    from crdtsync.sync.session import open_session
    from crdtsync.sync.steps import sync_round

    async with open_remote(f"folder:{folder}") as remote:
        session = await open_session(replica._workspace, remote)
        await sync_round(session)
        before = await replica._workspace.database.run(lambda c: c.total_changes)
        times = [await timed(lambda: sync_round(session)) for _ in range(11)]
        after = await replica._workspace.database.run(lambda c: c.total_changes)
    files = sum(1 for item in folder.rglob("*") if item.is_file())
    assert before == after, "an idle round wrote to the database"
    return plain_figure(
        "idle round", "ms", median(times) * 1e3, 100, files=files, rows_written=after - before
    )


def _memory(root: Path, folder: Path) -> Figure:
    code = (
        "import asyncio, resource, sys\n"
        "from crdtsync import open_replica\n"
        "from tests.benchmarks.model import Small\n"
        "async def main():\n"
        f"    async with open_replica({str(root / 'fresh')!r}, name='fresh', role='roaming', kinds=[Small]) as r:\n"
        f"        await r.sync('folder:{folder}')\n"
        f"        print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, await r.count(Small))\n"
        "asyncio.run(main())\n"
    )
    start = time.perf_counter()
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    seconds = time.perf_counter() - start
    mebibytes, documents = done.stdout.split()
    assert resource.RUSAGE_SELF is not None
    return plain_figure(
        "memory of a first sync", "MiB", float(mebibytes), 300, seconds=seconds, documents=float(documents)
    )
