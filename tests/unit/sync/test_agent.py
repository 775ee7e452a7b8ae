"""Goal: the agent runs rounds when there is something to do, waits out what passes, and ends on what does not.

Method: real agents over a place in memory that can be switched off; waits are for states, with a time limit.
"""

import asyncio
import errno
import logging
from contextlib import asynccontextmanager

import pytest

from crdtsync import Environment, RemoteChange, open_replica
from crdtsync.errors import (
    MarkerMissingError,
    RemoteNotSetUpError,
    RemoteUnavailableError,
    StoreBusyError,
    StoreCorruptError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    SyncBusyError,
)
from crdtsync.store import own_files
from crdtsync.sync import agent
from crdtsync.testing import MemoryPlace, MemoryRemote
from tests.unit.sync.world import KINDS, Quote

PATIENCE_S = 60


@pytest.fixture(autouse=True)
def impatient(monkeypatch):
    """Back off and look for a lock in milliseconds."""
    monkeypatch.setattr(agent, "BACK_OFF_S", (0.01, 0.02))
    monkeypatch.setattr(agent, "LOCK_POLL_S", 0.01)


async def until(condition):
    async with asyncio.timeout(PATIENCE_S):
        while not await condition():
            await asyncio.sleep(0.005)


@asynccontextmanager
async def machine(tmp_path, name, role="roaming"):
    async with open_replica(
        tmp_path / name, name=name, role=role, kinds=list(KINDS), environment=Environment()
    ) as replica:
        yield replica


async def make(replica, customer="Ada", document=None):
    async with replica.edit(Quote, document) as quote:
        quote.customer = customer
    return quote.id


async def test_mark_to_number_with_both_agents(tmp_path):
    """I29, I30: what is marked is numbered without anybody asking again."""
    place = MemoryPlace()
    async with machine(tmp_path, "office", "office") as office, machine(tmp_path, "R1") as r1:
        async with office.syncing(MemoryRemote(place)), r1.syncing(MemoryRemote(place)):
            document = await make(r1)
            await r1.mark_for_sync(document)

            async def numbered():
                return (await r1.get(Quote, document)).number == "Q-00001"

            await until(numbered)
            await make(office, "Bob", document)

            async def renamed():
                return (await r1.get(Quote, document)).customer == "Bob"

            await until(renamed)


async def test_quiet_agents_write_nothing(tmp_path):
    """I32: two agents over a quiet folder do not wake each other for ever."""
    place = MemoryPlace()
    async with machine(tmp_path, "office", "office") as office, machine(tmp_path, "R1") as r1:
        async with office.syncing(MemoryRemote(place)) as first, r1.syncing(MemoryRemote(place)) as second:
            document = await make(r1)
            await r1.mark_for_sync(document)
            before = None
            while before != (dict(place.files), first.rounds, second.rounds):
                before = (dict(place.files), first.rounds, second.rounds)
                await asyncio.sleep(0.5)


async def test_second_process_is_refused(tmp_path):
    """H39: one process of a machine syncs a replica at a time."""
    place = MemoryPlace()
    async with machine(tmp_path, "office", "office") as office:
        async with machine(tmp_path, "office", "office") as other:
            async with office.syncing(MemoryRemote(place)) as state:

                async def runs():
                    return state.rounds > 0

                await until(runs)
                with pytest.raises(SyncBusyError):
                    await other.sync(MemoryRemote(place))
            await other.sync(MemoryRemote(place))


async def test_standby_takes_over(tmp_path):
    """H39: a second agent stands by, and goes on when the first one stops; its edits are sent all the while."""
    place = MemoryPlace()
    async with (
        machine(tmp_path, "office", "office") as office,
        machine(tmp_path, "office", "office") as other,
    ):
        async with office.syncing(MemoryRemote(place)) as first:

            async def runs():
                return first.rounds > 0

            await until(runs)
            async with other.syncing(MemoryRemote(place)) as second:

                async def stands_by():
                    return second.is_standby

                await until(stands_by)
                await make(other)

                async def sent():
                    return (await other.remotes())[0].waiting_changes == 0

                await until(sent)
        async with other.syncing(MemoryRemote(place)) as second:

            async def took_over():
                return second.rounds > 0 and not second.is_standby

            await until(took_over)


async def test_standby_takes_over_while_it_waits(tmp_path):
    """H39: likewise without being started anew."""
    place = MemoryPlace()
    async with (
        machine(tmp_path, "office", "office") as office,
        machine(tmp_path, "office", "office") as other,
    ):
        stop = asyncio.Event()

        async def run_first():
            async with office.syncing(MemoryRemote(place)) as state:
                while not state.rounds:
                    await asyncio.sleep(0.001)
                started.set()
                await stop.wait()

        started = asyncio.Event()
        task = asyncio.create_task(run_first())
        await started.wait()
        async with other.syncing(MemoryRemote(place)) as second:

            async def stands_by():
                return second.is_standby

            await until(stands_by)
            assert second.rounds == 0
            stop.set()
            await task

            async def took_over():
                return second.rounds > 0 and not second.is_standby

            await until(took_over)


async def test_unavailable_remote_is_waited_out(tmp_path):
    """H12, H13: while the folder cannot be reached the state says so, and all is sent when it can be."""
    place = MemoryPlace()
    async with machine(tmp_path, "office", "office") as office:
        async with office.syncing(MemoryRemote(place)) as state:

            async def runs():
                return state.rounds > 0

            await until(runs)
            place.is_reachable = False
            document = await make(office)

            async def troubled():
                return "switched off" in (await office.remotes())[0].problem

            await until(troubled)
            assert "switched off" in state.problem
            (remote,) = await office.remotes()
            assert remote.problem_since_ms
            await make(office, "Bob", document)
            place.is_reachable = True

            async def sent():
                (remote,) = await office.remotes()
                return not remote.problem and remote.waiting_changes == 0

            await until(sent)
            assert state.problem == ""


async def test_problem_of_an_earlier_process_is_cleared(tmp_path):
    """H32: a process that stopped while the folder was away leaves no problem behind that is none any more."""
    place = MemoryPlace()
    async with machine(tmp_path, "office", "office") as office:
        await office.sync(MemoryRemote(place))
        place.is_reachable = False
        with pytest.raises(RemoteUnavailableError):
            await office.sync(MemoryRemote(place))
        assert (await office.remotes())[0].problem
        place.is_reachable = True
        async with office.syncing(MemoryRemote(place)):

            async def cleared():
                return not (await office.remotes())[0].problem

            await until(cleared)


async def test_folder_that_is_not_set_up_is_waited_for(tmp_path):
    """H12: a workstation that is started first waits for the office."""
    place = MemoryPlace()
    async with machine(tmp_path, "R1") as r1, machine(tmp_path, "office", "office") as office:
        with pytest.raises(MarkerMissingError):
            await r1.sync(MemoryRemote(place))
        async with r1.syncing(MemoryRemote(place)) as state:

            async def troubled():
                return "not set up" in state.problem

            await until(troubled)
            await office.sync(MemoryRemote(place))

            async def runs():
                return state.rounds > 0 and not state.problem

            await until(runs)


async def test_a_folder_that_is_not_set_up_yet_is_no_reason_for_a_warning(tmp_path, caplog):
    """A workstation that is started before the office says what happens next, and begins with the marker."""
    place = MemoryPlace()
    with caplog.at_level(logging.INFO, logger="crdtsync"):
        async with machine(tmp_path, "R1") as r1, machine(tmp_path, "office", "office") as office:
            async with r1.syncing(MemoryRemote(place)) as state:

                async def told():
                    return "not set up" in state.problem

                await until(told)
                await office.sync(MemoryRemote(place))

                async def runs():
                    return state.rounds > 0

                await until(runs)
    assert [record.levelname for record in caplog.records if "set up" in record.message] == ["INFO"]


@pytest.fixture
def patient(monkeypatch):
    """Leave a failing remote alone for longer than any test runs."""
    monkeypatch.setattr(agent, "BACK_OFF_S", (1000,))


async def test_somebody_in_a_hurry_ends_the_wait_for_a_failing_remote(tmp_path, patient):
    place = MemoryPlace()
    place.is_reachable = False
    async with machine(tmp_path, "office", "office") as office:
        async with office.syncing(MemoryRemote(place)) as state:

            async def troubled():
                return bool(state.problem)

            await until(troubled)
            place.is_reachable = True
            await office.hurry_sync()

            async def runs():
                return state.rounds > 0 and not state.problem

            await until(runs)


async def test_somebody_in_a_hurry_need_not_be_in_the_process_that_syncs(tmp_path, patient):
    place = MemoryPlace()
    place.is_reachable = False
    async with machine(tmp_path, "office", "office") as office, machine(tmp_path, "office", "office") as desk:
        async with office.syncing(MemoryRemote(place)) as state, desk.syncing(MemoryRemote(place)) as other:

            async def troubled():
                return bool(state.problem) and other.is_standby

            await until(troubled)
            place.is_reachable = True
            await desk.hurry_sync()

            async def runs():
                return state.rounds > 0 and not state.problem

            await until(runs)


async def test_edits_do_not_hurry_a_failing_remote(tmp_path, patient):
    place = MemoryPlace()
    place.is_reachable = False
    async with machine(tmp_path, "office", "office") as office:
        attempts = 0

        class Counting(MemoryRemote):
            async def list(self, prefix=""):
                nonlocal attempts
                attempts += 1
                return await super().list(prefix)

        async with office.syncing(Counting(place)) as state:

            async def troubled():
                return bool(state.problem)

            await until(troubled)
            for _ in range(5):
                await make(office)
                await asyncio.sleep(0)
            assert attempts == 1


async def test_a_replica_that_does_not_sync_can_be_hurried(tmp_path):
    async with machine(tmp_path, "office", "office") as office:
        await office.hurry_sync()


async def test_a_problem_that_stays_is_logged_once(tmp_path, caplog):
    """An application that shows warnings is not to fill its log for as long as a laptop is on the road."""
    place = MemoryPlace()
    place.is_reachable = False
    with caplog.at_level(logging.DEBUG, logger="crdtsync"):
        async with machine(tmp_path, "R1") as r1, r1.syncing(MemoryRemote(place)):

            async def tried_again():
                return caplog.text.count("sync waits") >= 3

            await until(tried_again)

    waits = [record for record in caplog.records if "sync waits" in record.message]
    assert [record.levelname for record in waits].count("WARNING") == 1


async def test_failure_of_the_database_ends_the_block(tmp_path, monkeypatch):
    """H34: what waiting cannot heal surfaces where the block stands, as the error it is."""
    place = MemoryPlace()
    async with machine(tmp_path, "office", "office") as office:

        def broken(*args, **options):
            raise StoreCorruptError("not a database")

        with monkeypatch.context() as patched, pytest.raises(StoreCorruptError):
            async with office.syncing(MemoryRemote(place)) as state:

                async def runs():
                    return state.rounds > 0

                await until(runs)
                patched.setattr(own_files, "mark_put", broken)
                await make(office)
                await asyncio.sleep(PATIENCE_S)
        await office.sync(MemoryRemote(place))


def failing_lock(code):
    class Lock:
        def __init__(self, *args, **options):
            pass

        def acquire(self, **options):
            raise OSError(code, "no lock")

    return Lock


@pytest.mark.parametrize(
    ("code", "expected"),
    [(errno.ENOSPC, StoreFullError), (errno.EACCES, StoreReadOnlyError), (errno.EIO, StoreError)],
)
async def test_a_lock_that_cannot_be_written_is_told_as_the_disk_it_is(tmp_path, monkeypatch, code, expected):
    """H27, H28, H34: the lock is a file on this machine's disk, which may be full, read-only or broken."""
    place = MemoryPlace()
    async with machine(tmp_path, "office", "office") as office:
        with monkeypatch.context() as patched:
            patched.setattr(agent, "FileLock", failing_lock(code))
            with pytest.raises(expected) as caught:
                await office.sync(MemoryRemote(place))
            assert type(caught.value) is expected
        await office.sync(MemoryRemote(place))


async def test_an_agent_waits_for_room_for_its_lock(tmp_path, monkeypatch):
    """H27: what somebody can make room for does not end the block."""
    place = MemoryPlace()
    async with machine(tmp_path, "office", "office") as office:
        patched = pytest.MonkeyPatch()
        patched.setattr(agent, "FileLock", failing_lock(errno.ENOSPC))
        async with office.syncing(MemoryRemote(place)) as state:

            async def is_troubled():
                return "sync.lock" in state.problem

            async def runs():
                return state.rounds > 0 and not state.problem

            await until(is_troubled)
            patched.undo()
            await until(runs)


@pytest.mark.parametrize("error", [StoreFullError, StoreBusyError])
async def test_full_disk_and_busy_database_are_waited_out(tmp_path, monkeypatch, error):
    """H27, H34: what passes by itself, or when somebody makes room, does not end the block."""
    place = MemoryPlace()
    monkeypatch.setattr(agent, "BACK_OFF_S", (0.01,))
    async with machine(tmp_path, "office", "office") as office:

        def failing(*args, **options):
            raise error("not now")

        async with office.syncing(MemoryRemote(place)) as state:

            async def runs():
                return state.rounds > 0

            async def troubled():
                return "not now" in state.problem

            async def healed():
                return not state.problem

            await until(runs)
            with monkeypatch.context() as patched:
                patched.setattr(own_files, "mark_put", failing)
                await make(office)
                await until(troubled)
            await until(healed)
            assert not (await office.remotes())[0].waiting_files


async def test_error_of_the_block_surfaces_as_it_is(tmp_path):
    """The agent does not wrap what goes wrong inside the block, and gives the lock back."""
    place = MemoryPlace()
    async with machine(tmp_path, "office", "office") as office:
        with pytest.raises(ZeroDivisionError):
            async with office.syncing(MemoryRemote(place)):
                raise ZeroDivisionError
        await office.sync(MemoryRemote(place))


async def test_cancelled_block_gives_the_lock_back(tmp_path):
    """H32: a task that is cancelled in the middle of a round leaves nothing locked."""
    place = MemoryPlace()
    async with machine(tmp_path, "office", "office") as office:
        for steps in range(0, 60, 3):

            async def run():
                async with office.syncing(MemoryRemote(place)):
                    await make(office)
                    await asyncio.sleep(PATIENCE_S)

            task = asyncio.create_task(run())
            for _ in range(steps):
                await asyncio.sleep(0)
            task.cancel()
            with pytest.raises(asyncio.CancelledError):
                await task
        await office.sync(MemoryRemote(place))
        assert (await office.remotes())[0].waiting_changes == 0


async def test_remote_without_events_is_polled(tmp_path):
    """H23: no event ever comes, or listening for them fails; polling finds what is new."""

    class Deaf(MemoryRemote):
        traits = agent.Remote.traits

        async def changes(self):
            raise RemoteUnavailableError("no events here")
            yield

    class Polled(Deaf):
        @property
        def traits(self):
            from crdtsync.remote import RemoteTraits

            return RemoteTraits(kind="memory", poll_interval_s=0.02)

    place = MemoryPlace()
    async with machine(tmp_path, "office", "office") as office, machine(tmp_path, "R1") as r1:
        async with office.syncing(Polled(place)), r1.syncing(Polled(place)):
            document = await make(r1)
            await r1.mark_for_sync(document)

            async def numbered():
                return (await r1.get(Quote, document)).number is not None

            await until(numbered)


async def test_broken_marker_does_not_end_the_block(tmp_path):
    """H5: bytes that make no sense in the folder are waited out like the folder itself."""
    place = MemoryPlace()
    async with machine(tmp_path, "office", "office") as office, machine(tmp_path, "R1") as r1:
        await office.sync(MemoryRemote(place))
        (name,) = [name for name in place.files if name.startswith("folder-")]
        good, place.files[name] = place.files[name], b"half"
        async with r1.syncing(MemoryRemote(place)) as state:

            async def troubled():
                return bool(state.problem)

            await until(troubled)
            place.files[name] = good

            async def runs():
                return state.rounds > 0

            await until(runs)


async def test_problem_before_the_first_attach_is_told(tmp_path):
    """H28: who asks why nothing comes is told, also while the folder has never been reached."""
    place = MemoryPlace()
    async with machine(tmp_path, "ada") as ada, machine(tmp_path, "bob", "office") as bob:
        remote = MemoryRemote(place)
        with pytest.raises(RemoteNotSetUpError):
            await ada.sync(remote)
        (first,) = await ada.remotes()
        assert (first.is_attached, first.address) == (False, remote.address)
        assert "not set up" in first.problem
        assert first.problem_since_ms
        await ada.mark_for_sync(await make(ada))
        assert "not set up" in (await ada.items())[0].state.why_waiting
        place.is_reachable = False
        with pytest.raises(RemoteUnavailableError):
            await ada.attach(remote)
        (second,) = await ada.remotes()
        assert "switched off" in second.problem
        assert second.problem_since_ms == first.problem_since_ms, "it has been out of use since then"
        assert await ada.default_remote() == "", "it is attached to none"
        place.is_reachable = True
        await bob.sync(MemoryRemote(place))
        await ada.attach(remote)
        assert [(found.is_attached, found.problem) for found in await ada.remotes()] == [(True, "")]


async def test_remote_that_was_tried_in_vain_is_forgotten_when_another_one_works(tmp_path):
    """A wrong address is no problem any more once the right one was given."""
    wrong, right = MemoryPlace(), MemoryPlace()
    async with machine(tmp_path, "ada", "office") as ada:
        wrong.is_reachable = False
        wrong_remote = MemoryRemote(wrong, name="wrong")
        for _ in range(2):
            with pytest.raises(RemoteUnavailableError):
                await ada.sync(wrong_remote)
        assert len(await ada.remotes()) == 1
        await ada.sync(MemoryRemote(right))
        assert [remote.problem for remote in await ada.remotes()] == [""]
        with pytest.raises(RemoteUnavailableError):
            await ada.sync(wrong_remote)
        assert [remote.is_attached for remote in await ada.remotes()] == [True, False]
        await ada.sync(MemoryRemote(right))
        assert [remote.is_attached for remote in await ada.remotes()] == [True]


async def test_agent_tells_why_it_cannot_attach(tmp_path):
    """An agent that waits for its first round says why where every process can read it, and tells of it."""
    place = MemoryPlace()
    place.is_reachable = False
    async with machine(tmp_path, "ada", "office") as ada:
        problems = []

        async def listen():
            async for event in ada.events():
                match event:
                    case RemoteChange(problem=problem):
                        problems.append(problem)

        listening = asyncio.create_task(listen())
        async with ada.syncing(MemoryRemote(place)):

            async def troubled():
                return any("switched off" in problem for problem in problems)

            await until(troubled)
            assert [remote.is_attached for remote in await ada.remotes()] == [False]
            place.is_reachable = True

            async def attached():
                return problems[-1] == "" and [remote.problem for remote in await ada.remotes()] == [""]

            await until(attached)
        listening.cancel()
