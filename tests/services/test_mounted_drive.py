"""Goal: a mounted drive works like any folder: without events, with uploads that are seen half done or cut.

Method: a workstation's agent works on a mount of rclone, an office's agent in the directory behind its server. What
one writes the other's machine gets no event of.
"""

import asyncio
import contextlib
import os
import random
import threading

import pytest
from crdtsync_folder import FolderRemote
from crdtsync_folder.watching import os_events

from crdtsync import open_replica
from crdtsync.errors import PartialFileError
from crdtsync.protocol.files import decode_file
from tests.crash.actors import Quote
from tests.services import settings
from tests.services.drive import Drive, why_no_drive
from tests.services.waiting import until

UPLOAD_KILOBYTES_PER_S = 50

pytestmark = [pytest.mark.slow, pytest.mark.services]


@pytest.fixture
def drive(tmp_path):
    if why := why_no_drive():
        pytest.skip(why)
    with Drive(tmp_path) as found:
        yield found


@contextlib.asynccontextmanager
async def at_work(drive, tmp_path):
    """Yield an office behind the server and a workstation on the mount, with running agents."""
    async with contextlib.AsyncExitStack() as stack:
        replicas = []
        for name, role, root in (("office", "office", drive.behind), ("r2", "roaming", drive.root)):
            replica = await stack.enter_async_context(
                open_replica(tmp_path / name, name=name.upper(), role=role, kinds=[Quote])
            )
            await stack.enter_async_context(replica.syncing(FolderRemote(root, machine=name)))
            replicas.append(replica)
        yield replicas


async def quote_of(replica, customer, notes=""):
    async with replica.edit(Quote, label=customer) as quote:
        quote.customer = customer
        quote.notes.append(notes)
    await replica.mark_for_sync(quote.id)
    return quote.id


async def converge(drive, replicas, *documents):
    async def is_done():
        digests = [await replica.digests() for replica in replicas]
        if digests[0] != digests[1] or any(one not in digests[0] for one in documents):
            return False
        for replica in replicas:
            for health in await replica.remotes():
                if health.waiting_changes or health.waiting_files or health.inbox or health.waiting_causes:
                    return False
            for document in documents:
                if (await replica.get(Quote, document)).number is None:
                    return False
        return not any([await replica.quarantine() for replica in replicas])

    async def why():
        said = [
            f"{replica.name}: {await replica.remotes()} {await replica.quarantine()}" for replica in replicas
        ]
        return "\n".join([*said, drive.log()])

    await until(is_done, why)
    ledgers = [await replica.ledger() for replica in replicas]
    assert ledgers[0] == ledgers[1]
    assert [entry.number for entry in ledgers[0]] == list(range(1, len(ledgers[0]) + 1))


@pytest.mark.parametrize("cache_mode", ["writes", "off"])
async def test_a_drive_without_events_is_polled(drive, tmp_path, cache_mode):
    drive.mount(cache_mode=cache_mode)
    async with at_work(drive, tmp_path) as (office, r2):
        documents = []
        for number in range(settings.rounds(5)):
            documents.append(await quote_of(r2, f"r2 {number}"))
            documents.append(await quote_of(office, f"office {number}"))
            await converge(drive, (office, r2), *documents)
            for replica in (office, r2):
                async with replica.edit(Quote, documents[0]) as quote:
                    quote.events.append(f"{replica.name} {number}")
        await converge(drive, (office, r2), *documents)
        events = set((await r2.get(Quote, documents[0])).events)
        assert len(events) == 2 * settings.rounds(5)


async def test_this_drive_has_no_events(drive):
    """That the other tests show something: the mount does not tell of what happens behind the server."""
    drive.mount()
    stop = threading.Event()
    seen = []

    def watch():
        for event in os_events(str(drive.root), stop):
            seen.append(event)  # noqa: PERF402 - one by one, as they come

    watcher = threading.Thread(target=watch, daemon=True)
    watcher.start()
    (drive.behind / "new").write_bytes(b"x")

    async def is_listed():
        return "new" in os.listdir(drive.root)

    async def why():
        return "it is not listed"

    await until(is_listed, why)
    stop.set()
    await asyncio.to_thread(watcher.join, 10)
    assert seen == []


@pytest.mark.parametrize("forget", [False, True], ids=["the cache is kept", "the cache is lost"])
async def test_a_mount_killed_in_mid_upload_loses_nothing(drive, tmp_path, forget):
    rng = random.Random(3)
    drive.mount(kilobytes_per_s=UPLOAD_KILOBYTES_PER_S)
    halves = 0
    async with at_work(drive, tmp_path) as (office, r2):
        documents = [await quote_of(office, "first")]
        await converge(drive, (office, r2), *documents)
        kills = settings.rounds(2)
        for number in range(kills):
            before = {path for path in drive.behind.rglob("*") if path.is_file()}
            documents.append(await quote_of(r2, f"large {number}", rng.randbytes(150_000).hex()))

            async def is_uploading(before=before):
                return bool(halves_in(drive, before))

            async def why():
                return f"nothing is uploaded: {drive.log()}"

            await until(is_uploading, why)
            drive.kill(forget=forget)
            halves += len(halves_in(drive, before))
            # Work goes on without the drive.
            documents.append(await quote_of(r2, f"without the drive {number}"))
            documents.append(await quote_of(office, f"meanwhile {number}"))
            drive.mount(kilobytes_per_s=UPLOAD_KILOBYTES_PER_S if number < kills - 1 else 0)
        await converge(drive, (office, r2), *documents)
        settings.record(suite="mounted drive", forget=forget, half_files=halves, documents=len(documents))


def halves_in(drive, before):
    """Return the files behind the server that are there with a part of their content."""
    return [path for path in set(drive.behind.rglob("*")) - before if path.is_file() and is_half(path)]


def is_half(path):
    try:
        decode_file(path.read_bytes())
    except PartialFileError:
        return True
    except Exception:
        return False
    return False
