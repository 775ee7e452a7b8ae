"""Goal: a round with nothing to do costs one short read, and nothing that is to be done is passed over for that.

Method: replicas that have come to rest; then one thing changes, in each place where something can.
"""

from crdtsync.errors import RemoteFileMissingError
from crdtsync.protocol.beacon import decode_beacon
from crdtsync.protocol.files import decode_file
from crdtsync.replica import Replica
from crdtsync.store.workspace import Workspace
from tests.unit.sync.world import HOUR_MS, KINDS, Quote

from .helpers import named


async def at_rest(world, *machines):
    """Let machines sync until they find nothing to do and know it."""
    await world.settle()
    for machine in machines:
        await machine.sync()
        assert machine.session.rest is not None


async def shared_quote(machine):
    document = await machine.make("Ada")
    await machine.replica.mark_for_sync(document)
    return document


def counted(machine, monkeypatch):
    """Count the reads of a machine's database from now on."""
    reads = []
    read = machine.workspace.database.read

    async def counting(job):
        reads.append(job)
        return await read(job)

    monkeypatch.setattr(machine.workspace.database, "read", counting)
    return reads


async def test_a_round_at_rest_reads_once_and_writes_nothing(world, office, r1, monkeypatch):
    await shared_quote(r1)
    await at_rest(world, office, r1)
    for machine in (office, r1):
        reads = counted(machine, monkeypatch)
        count = machine.workspace.database.write_count
        report = await machine.sync()
        assert (report.is_idle, len(reads)) == (True, 1)
        assert machine.workspace.database.write_count == count


async def test_an_edit_ends_the_rest(world, office, r1):
    document = await shared_quote(r1)
    await at_rest(world, office, r1)
    await r1.rename(document, "Bob")
    assert (await r1.sync()).published_files > 0


async def test_an_edit_of_another_process_ends_the_rest(world, office, r1):
    document = await shared_quote(r1)
    await at_rest(world, office, r1)
    second = await Workspace.open(
        r1.directory,
        name=None,
        role=None,
        coordinator=None,
        author="bob",
        create=False,
        environment=r1.workspace.environment,
    )
    try:
        for kind in KINDS:
            await second.declare(kind)
        async with Replica(second, lock_while_numbering=False).edit(Quote, document) as quote:
            quote.customer = "Bob"
    finally:
        await second.close()
    assert (await r1.sync()).published_files > 0


async def test_an_own_file_that_vanishes_ends_the_rest(world, office, r1):
    await shared_quote(r1)
    await at_rest(world, office, r1)
    name = named(r1.remote.view.files, "s", r1.replica.id)[0]
    del r1.remote.view.files[name]
    await r1.sync()
    assert name in r1.remote.view.files


async def test_what_others_have_is_asked_for_although_nothing_changes(world, office, r1, r2):
    """H7: the beacon came, the segments it names did not; time alone makes that a loss."""
    document = await shared_quote(r1)
    await at_rest(world, office, r1, r2)
    await r1.rename(document, "Bob")
    await r1.sync()
    (newest,) = set(named(r1.remote.view.files, "b", r1.replica.id)) - set(r2.remote.view.files)
    r2.remote.view.files[newest] = r1.remote.view.files[newest]
    for _ in range(3):
        await r2.sync()
    world.now_ms += HOUR_MS
    await r2.sync()
    name = named(r2.remote.view.files, "b", r2.replica.id)[-1]
    (want,) = decode_beacon(decode_file(r2.remote.view.files[name]).body).wants
    assert want.owner == r1.replica.id


async def test_a_listed_file_that_was_not_found_is_read_again(world, office, r1, monkeypatch):
    """H22: a listing may be ahead of the files."""
    document = await shared_quote(r1)
    await at_rest(world, office, r1)
    await office.rename(document, "Bob")
    await office.sync()
    world.place.arrive_all()
    get = r1.remote.get

    async def not_found(name, *, bytes_max):
        raise RemoteFileMissingError(f"{name} is not there")

    monkeypatch.setattr(r1.remote, "get", not_found)
    for _ in range(3):
        await r1.sync()
    monkeypatch.setattr(r1.remote, "get", get)
    await r1.sync()
    assert await r1.customer(document) == "Bob"


async def test_a_clock_set_back_ends_the_rest(world, office, r1, monkeypatch):
    """H41: what was due later by the old clock says nothing by the new one."""
    await shared_quote(r1)
    await at_rest(world, office, r1)
    r1.offset_ms -= 400 * HOUR_MS
    reads = counted(r1, monkeypatch)
    await r1.sync()
    assert len(reads) > 1
