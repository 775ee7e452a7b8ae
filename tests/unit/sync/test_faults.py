"""Goal: a remote may fail at any call, before or after the call took effect; the next round completes.

Method: one history is run undisturbed, and then again for n = 1, 2, ... with the n-th call failing, until a
run has no n-th call. The outcomes must be equal in meaning.
"""

import shutil

import pytest

from crdtsync.errors import (
    RemoteFullError,
    RemoteReadOnlyError,
    RemoteUnavailableError,
    StoreFullError,
)
from crdtsync.store import feeds, own_files, peers
from tests.unit.sync.world import Quote, World

from .helpers import named


async def history(world, fail_at=0, *, machine=0, late=False, error=RemoteUnavailableError):
    """Two machines edit and number one document; the calls of one of them are counted, and one of them fails."""
    office = await world.add("office", "office")
    r1 = await world.add("R1")
    chosen = (office, r1)[machine]
    chosen.remote.fail(fail_at, late=late, error=error)
    failures = 0
    document = await r1.make("Ada")
    for number in range(3):
        for one in (office, r1):
            world.place.arrive_all()
            try:
                await one.sync(fresh=number == 2)
            except error:
                failures += 1
                # What was cut short is complete after the next round.
                world.place.arrive_all()
                await one.sync()
            except Exception:  # The folder is not set up yet for the workstation.
                if number:
                    raise
        if number == 0:
            await r1.replica.mark_for_sync(document)
        await office.make(f"office {number}")
        await r1.rename(document, f"Ada {number}")
    chosen.remote.fail(0)
    await world.settle()
    return failures, document, office, r1


async def outcome(world, document, office, r1):
    """Return what a run came to, without ids, hashes and the times of beacons."""
    return (
        [(await machine.customer(document), await machine.number(document)) for machine in (office, r1)],
        sorted([quote.customer for quote in await r1.replica.find(Quote)]),
        await office.replica.digests() == await r1.replica.digests(),
        await office.ledger() == await r1.ledger(),
        [len(await machine.changes()) for machine in (office, r1)],
        [len(await machine.quarantine()) for machine in (office, r1)],
        len(named(world.place.files, "l")),
    )


@pytest.mark.parametrize("late", [False, pytest.param(True, marks=pytest.mark.slow)])
@pytest.mark.parametrize("machine", [0, 1])
@pytest.mark.parametrize("error", [RemoteUnavailableError, RemoteFullError, RemoteReadOnlyError])
async def test_every_call_may_fail(tmp_path, machine, late, error):
    """H13, H27, H28, H34: unreachable, full or read-only at any call: nothing is lost, and the next round goes on."""
    if late and error is not RemoteUnavailableError:
        pytest.skip("a call that is refused for a reason has no effect")
    calm = World(tmp_path / "calm")
    _, document, office, r1 = await history(calm)
    expected = await outcome(calm, document, office, r1)
    await calm.close()
    fail_at = 0
    failures = 1
    while failures:
        fail_at += 1
        world = World(tmp_path / "world", seed=fail_at)
        try:
            failures, document, office, r1 = await history(
                world, fail_at, machine=machine, late=late, error=error
            )
            assert await outcome(world, document, office, r1) == expected, fail_at
        finally:
            await world.close()
            shutil.rmtree(tmp_path / "world")
    assert fail_at > (12 if error is RemoteUnavailableError else 6)


@pytest.mark.parametrize(
    ("module", "name"),
    [
        (own_files, "mark_put"),
        (feeds, "mark_applied"),
        (feeds, "remember_file"),
        (peers, "save_beacon"),
        (feeds, "receive_segment"),
    ],
    ids=["mark_put", "mark_applied", "remember_file", "save_beacon", "receive_segment"],
)
async def test_full_disk_at_any_step(world, office, r1, monkeypatch, module, name):
    """H27, H33, I4: the database fails in the middle of a step; nothing of it is written, and the next round goes on."""
    document = await r1.make("Ada")
    await r1.replica.mark_for_sync(document)
    await r1.sync()
    world.place.arrive_all()
    await office.rename(await office.make("x"), "y")

    def full(*args, **options):
        raise StoreFullError("no space")

    with monkeypatch.context() as patched:
        patched.setattr(module, name, full)
        with pytest.raises(StoreFullError):
            await office.sync()
    await world.settle()
    assert await office.customer(document) == "Ada"
    assert await r1.number(document) == "Q-00001"
    assert await office.replica.digests() == await r1.replica.digests()


async def test_read_only_folder_is_still_read(world, office, r1):
    """H28: a machine that may not write takes in what the others publish."""
    document = await r1.make("Ada")
    await r1.replica.mark_for_sync(document)
    await r1.sync()
    world.place.arrive_all()

    async def refuse(name, data):
        raise RemoteReadOnlyError("it cannot be written")

    office.remote.put, put = refuse, office.remote.put
    with pytest.raises(RemoteReadOnlyError):
        await office.sync()
    assert await office.customer(document) == "Ada"
    office.remote.put = put
    await world.settle()
    assert await r1.number(document) == "Q-00001"


async def test_one_unreadable_file_stops_nothing(world, office, r1, r2):
    """H14, H16: a file whose reading fails for a reason of its own is one problem in a list."""
    from crdtsync.errors import RemoteFileTooLargeError

    document, other = await r1.make("Ada"), await r2.make("Rut")
    for machine, made in ((r1, document), (r2, other)):
        await machine.replica.mark_for_sync(made)
        await machine.sync()
    world.place.arrive_all()
    get = office.remote.get

    async def get_some(name, *, bytes_max):
        if name in named(world.place.files, "s", r1.replica.id):
            raise RemoteFileTooLargeError("too large")
        return await get(name, bytes_max=bytes_max)

    office.remote.get = get_some
    report = await office.sync()
    assert len(report.problems) == 1
    assert await office.customer(other) == "Rut"
    office.remote.get = get
    await world.settle()
    assert await office.customer(document) == "Ada"
    assert await office.quarantine() == []


async def test_local_edits_go_on_without_a_folder(world, office, r1):
    """H13, I1: whatever the folder does, work on this machine goes on, and is sent later."""
    document = await r1.make("Ada")
    await r1.replica.mark_for_sync(document)
    for number in range(3):
        await r1.try_steps(5, fail_at=1)
        await r1.rename(document, f"Ada {number}")
    assert (await r1.replica.remotes())[0].waiting_changes == 4
    await world.settle()
    assert await office.customer(document) == "Ada 2"
