"""Every remote of ours keeps the contract, and the checks notice one that does not."""

import dataclasses
import weakref
from contextlib import asynccontextmanager

import pytest
from crdtsync_folder import FolderRemote

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
    placeholder_check,
    unreachable_check,
)
from tests.contract.wrong_remotes import WRONG, Dehydrating, NaiveFolder, away, dehydrate


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
            FAULT_PLACES[bob] = place
            yield ada, bob

    return open_pair


FAULT_PLACES = weakref.WeakKeyDictionary()


async def dehydrate_by_fault(remote, name):
    place = FAULT_PLACES[remote]
    assert any(name in place.inject(FaultKind.DEHYDRATED, remote.machine, draw) for draw in range(100))


def away_by_fault():
    place = FaultPlace()
    place.inject(FaultKind.UNAVAILABLE, "ada", 1 << 20)
    return place.remote("ada")


def promises(checks):
    return pytest.mark.parametrize("check", [pytest.param(check, id=check.promise) for check in checks])


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


@promises([unreachable_check(away_by_fault), placeholder_check(dehydrate_by_fault)])
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
    extra = [unreachable_check(lambda: away(MemoryRemote)), placeholder_check(dehydrate)]
    assert [check.promise for check in (*REMOTE_CHECKS, *extra)] == list(WRONG)
    assert all(WRONG.values())


@pytest.mark.parametrize(
    ("promise", "wrong"), [(promise, wrong) for promise, wrongs in WRONG.items() for wrong in wrongs]
)
async def test_a_wrong_remote_is_told_which_promise_it_broke(promise, wrong, tmp_path):
    checks = [*REMOTE_CHECKS, unreachable_check(lambda: away(wrong)), placeholder_check(dehydrate)]
    checks = [check for check in checks if check.promise == promise]
    (tmp_path / "place").mkdir()
    pair = naive_pair(wrong, tmp_path / "place") if issubclass(wrong, NaiveFolder) else memory_pair(wrong)

    with pytest.raises(RemoteCheckError) as caught:
        await check_remote(pair, checks=checks, timeout_s=0.5)

    assert promise == caught.value.promise
    assert caught.value.happened
    assert str(caught.value) == f"{promise}: {caught.value.happened}"


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
