"""Every remote of ours keeps the contract, and the checks notice one that does not."""

import asyncio
import dataclasses
import errno
import os
import weakref
from contextlib import asynccontextmanager

import pytest
from crdtsync_folder import FolderRemote
from crdtsync_folder.disk import Disk

from crdtsync.errors import RemoteFullError
from crdtsync.remote import Remote
from crdtsync.testing import (
    CALM,
    REMOTE_CHECKS,
    FaultKind,
    FaultPlace,
    FaultRemote,
    MemoryPlace,
    MemoryRemote,
    RemoteCheckError,
    check_remote,
    foreign_check,
    full_check,
    placeholder_check,
    throttled_check,
    unreachable_check,
)
from tests.contract.wrong_remotes import (
    WRONG,
    Asleep,
    Dehydrating,
    KeepingTheLock,
    NaiveFolder,
    away,
    dehydrate,
)
from tests.contract.wrong_services import (
    NOT_IN_GOOD_ORDER,
    SAYS,
    Eventual,
    GoesOnPolling,
    Limited,
    SlowPlace,
    fill,
    leave,
    throttle,
)


def memory_pair(remote_type=MemoryRemote):
    @asynccontextmanager
    async def open_pair():
        place = MemoryPlace()
        async with remote_type(place) as ada, remote_type(place) as bob:
            yield ada, bob

    return open_pair


def folder_pair(root, **options):
    @asynccontextmanager
    async def open_pair():
        async with (
            FolderRemote(root, poll_interval_s=0.05, **options) as ada,
            FolderRemote(root, poll_interval_s=0.05, **options) as bob,
        ):
            yield ada, bob

    return open_pair


def naive_pair(remote_type, root):
    @asynccontextmanager
    async def open_pair():
        async with remote_type(root) as ada, remote_type(root) as bob:
            yield ada, bob

    return open_pair


def fault_pair(profile=CALM):
    @asynccontextmanager
    async def open_pair():
        place = FaultPlace(profile, is_settled=True)
        async with place.remote("ada") as ada, place.remote("bob") as bob:
            FAULT_PLACES[ada] = FAULT_PLACES[bob] = place
            yield ada, bob

    return open_pair


SLOW = ("the largest file of the library is taken whole", "many files and concurrent calls are no trouble")
"""64 MB, and more than a thousand files: seconds on a disk."""

FAULT_PLACES = weakref.WeakKeyDictionary()


async def dehydrate_by_fault(remote, name):
    place = FAULT_PLACES[remote]
    assert any(name in place.inject(FaultKind.DEHYDRATED, remote.machine, draw) for draw in range(100))


def away_by_fault():
    place = FaultPlace()
    place.inject(FaultKind.UNAVAILABLE, "ada", 1 << 20)
    return place.remote("ada")


async def leave_by_fault(remote, name, data):
    FAULT_PLACES[remote].write(name, data)
    FAULT_PLACES[remote].settle()


async def fill_by_fault(remote):
    FAULT_PLACES[remote].inject(FaultKind.FULL, remote.machine, 1 << 20)
    with pytest.raises(RemoteFullError):
        for number in range(100):
            await remote.put(f"filler/{number}", b"")


async def throttle_by_fault(remote):
    FAULT_PLACES[remote].inject(FaultKind.THROTTLED, remote.machine, 1 << 20)


def full_write(descriptor, data):
    """Write half of what is large, and then no more, as a small disk does."""
    if len(data) < 1_000_000:
        return os.write(descriptor, data)
    if len(data) < 4_000_000:
        raise OSError(errno.ENOSPC, "No space left on device")
    return os.write(descriptor, data[: len(data) // 2])


def extra_checks(remote_type):
    return [
        unreachable_check(lambda: away(remote_type)),
        placeholder_check(dehydrate),
        foreign_check(leave),
        full_check(fill),
        throttled_check(throttle),
    ]


def promises(checks):
    return pytest.mark.parametrize(
        "check",
        [
            pytest.param(check, id=check.promise, marks=[pytest.mark.slow] * (check.promise in SLOW))
            for check in checks
        ],
    )


@promises(REMOTE_CHECKS)
async def test_the_memory_remote_keeps_its_promises(check):
    await check_remote(memory_pair(), checks=[check])


@promises(REMOTE_CHECKS)
async def test_the_fault_remote_without_faults_keeps_its_promises(check):
    await check_remote(fault_pair(), checks=[check])


@promises(REMOTE_CHECKS)
async def test_the_folder_remote_keeps_its_promises(check, tmp_path):
    await check_remote(folder_pair(tmp_path), checks=[check])


@promises(REMOTE_CHECKS)
async def test_the_folder_remote_keeps_its_promises_without_events(check, tmp_path):
    await check_remote(folder_pair(tmp_path, events=None), checks=[check])


@promises(
    [
        unreachable_check(away_by_fault),
        placeholder_check(dehydrate_by_fault),
        foreign_check(leave_by_fault),
        full_check(fill_by_fault),
        throttled_check(throttle_by_fault),
    ]
)
async def test_the_fault_remote_keeps_its_promises_about_what_is_away(check):
    await check_remote(fault_pair(), checks=[check])


async def test_both_wait_for_a_place_that_cannot_be_reached(tmp_path):
    checks = [
        unreachable_check(lambda: away(MemoryRemote)),
        unreachable_check(lambda: FolderRemote(tmp_path / "not mounted")),
    ]
    await check_remote(memory_pair(), checks=checks)
    assert not (tmp_path / "not mounted").exists()


async def test_a_remote_with_placeholders_keeps_their_promise():
    await check_remote(memory_pair(Dehydrating), checks=[*REMOTE_CHECKS, placeholder_check(dehydrate)])


def test_both_are_remotes(tmp_path):
    assert isinstance(FolderRemote(tmp_path), Remote)
    assert isinstance(MemoryRemote(MemoryPlace()), Remote)
    assert isinstance(FaultPlace().remote("ada"), FaultRemote)
    assert isinstance(FaultPlace().remote("ada"), Remote)


def test_there_is_a_wrong_remote_for_every_promise():
    promises = [check.promise for check in (*REMOTE_CHECKS, *extra_checks(MemoryRemote))]
    assert len(promises) == len(set(promises))
    assert set(promises) == set(WRONG)
    assert all(WRONG.values())


@pytest.mark.parametrize(
    ("promise", "wrong"), [(promise, wrong) for promise, wrongs in WRONG.items() for wrong in wrongs]
)
async def test_a_wrong_remote_is_told_which_promise_it_broke(promise, wrong, tmp_path, monkeypatch):
    monkeypatch.setattr("crdtsync.testing.remote_checks_use.PARTS_GONE_AFTER_LISTINGS", 2)
    checks = [check for check in (*REMOTE_CHECKS, *extra_checks(wrong)) if check.promise == promise]
    (tmp_path / "place").mkdir()
    pair = naive_pair(wrong, tmp_path / "place") if issubclass(wrong, NaiveFolder) else memory_pair(wrong)

    with pytest.raises(RemoteCheckError) as caught:
        await check_remote(pair, checks=checks, timeout_s=0.5 if wrong in (KeepingTheLock, Asleep) else 60)

    assert promise == caught.value.promise
    assert caught.value.happened
    assert SAYS.get(wrong, "") in caught.value.happened
    assert str(caught.value) == f"{promise}: {caught.value.happened}"


@pytest.mark.parametrize(("wrong", "happened"), NOT_IN_GOOD_ORDER.items())
async def test_a_remote_that_cannot_be_opened_or_left_is_told_so(wrong, happened):
    [check] = [check for check in REMOTE_CHECKS if check.promise.startswith("get returns")]
    tasks_before = asyncio.all_tasks()
    with pytest.raises(RemoteCheckError) as caught:
        await check_remote(memory_pair(wrong), checks=[check], timeout_s=1)
    assert str(caught.value).startswith(f"a remote is opened and left in good order: {happened}")
    for task in asyncio.all_tasks() - tasks_before:
        assert wrong is GoesOnPolling
        task.cancel()


async def test_what_a_check_found_is_said_before_what_leaving_found():
    async def fails(ada, bob):
        raise RuntimeError("the check")

    own = dataclasses.replace(REMOTE_CHECKS[0], promise="it works", run=fails)
    with pytest.raises(RemoteCheckError, match=r"^it works: raised RuntimeError"):
        await check_remote(memory_pair(next(iter(NOT_IN_GOOD_ORDER))), checks=[own])


@promises([foreign_check(leave), full_check(fill), throttled_check(throttle)])
async def test_a_remote_with_limits_keeps_the_promises_about_them(check):
    await check_remote(memory_pair(Limited), checks=[check])


async def test_the_folder_remote_keeps_its_promise_about_a_full_disk(tmp_path):
    async def is_full_already(_remote):
        pass

    open_pair = folder_pair(tmp_path, disk=Disk(write=full_write))
    await check_remote(open_pair, checks=[full_check(is_full_already)])


async def test_a_check_that_could_leave_no_foreign_file_says_so():
    async def refuse(remote, name, data):
        raise PermissionError(name)

    with pytest.raises(RemoteCheckError, match="no foreign name under which `leave` could leave anything"):
        await check_remote(memory_pair(), checks=[foreign_check(refuse)])


def slow_pair():
    @asynccontextmanager
    async def open_pair():
        place = SlowPlace()
        async with Eventual(place) as ada, Eventual(place) as bob:
            yield ada, bob

    return open_pair


async def settle(ada, bob):
    assert ada is not bob
    await ada.place.settle()


@promises(REMOTE_CHECKS)
async def test_a_place_that_needs_time_keeps_its_promises_once_it_has_settled(check):
    await check_remote(slow_pair(), checks=[check], settle=settle)


async def test_hooks_are_given_the_remote_itself_also_where_it_settles():
    def is_own(act):
        async def checked(remote, *args):
            assert isinstance(remote, Eventual)
            await act(remote, *args)
            await remote.place.settle()

        return checked

    await check_remote(slow_pair(), checks=[foreign_check(is_own(leave))], settle=settle)


async def test_a_place_that_needs_time_and_is_given_none_breaks_promises():
    with pytest.raises(RemoteCheckError, match=r"^get returns what put was given: raised RemoteFileMissing"):
        await check_remote(slow_pair())


async def test_nothing_of_the_attempts_to_leave_a_local_root_stays(tmp_path, monkeypatch):
    """The checks try to leave the place: nothing of that may be left, also when they succeed."""
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path / "outside"))
    (tmp_path / "place").mkdir()
    (tmp_path / "outside").mkdir()
    with pytest.raises(RemoteCheckError, match=r"get of '\.\./outside/crdtsync-check-|get of '/"):
        await check_remote(
            naive_pair(NaiveFolder, tmp_path / "place"),
            checks=[check for check in REMOTE_CHECKS if check.promise.startswith("no name and no link")],
        )
    left = {path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*")}
    assert left == {"outside", "place", "place/a", "place/a/x"}


async def test_a_check_of_ones_own_joins_the_list():
    async def nothing_is_slow(ada, bob):
        assert ada.traits.poll_interval_s <= 1

    [check] = [check for check in REMOTE_CHECKS if check.promise.startswith("get returns")]
    own = dataclasses.replace(check, promise="polling is quick", run=nothing_is_slow)
    await check_remote(memory_pair(), checks=[own])
