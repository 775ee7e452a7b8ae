"""Goal: any single call may fail, of the disk or of the folder: the caller is told, and nothing else comes of it.

Method: the story of `scenario` is told with the n-th statement of one machine's database failing, or its n-th
call on the folder, for every n until a telling has no n-th. The step that failed must say so with the error
that is documented, what was acknowledged must be there, and the same process, told the step again, must come
to the same end as if nothing had happened.
"""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from crdtsync.errors import (
    CrdtSyncError,
    RemoteFullError,
    RemoteReadOnlyError,
    RemoteUnavailableError,
    StoreError,
    StoreFullError,
)

from .machines import EVERYTHING
from .scenario import STORY, Fleet, changes_of, check, tell

STRIDE = 61
SLOW_STRIDE = 1 if EVERYTHING else 11
"""A telling takes some 70 ms, and there are 1,300 statements."""

Arm = Callable[[Fleet, int], Callable[[], bool]]
"""Arms the n-th fault; what it returns says whether it has come."""


async def told_with_a_failure(
    directory: Path, name: str, n: int, arm: Arm, expected: type[CrdtSyncError]
) -> bool:
    """Tell the story with one fault; return whether it came to that."""
    fleet = Fleet(directory, seed=n)
    has_come = arm(fleet, n)
    errors: list[CrdtSyncError] = []

    async def on_fault(error: BaseException) -> None:
        assert type(error) is expected, error
        assert has_come()
        errors.append(error)
        if fleet[name].machine.is_running:
            assert fleet.acknowledged[name] <= changes_of(fleet[name].machine)

    try:
        await tell(fleet, on_fault)
        if not has_come():
            return False
        assert len(errors) == 1, "nobody was told of the failure"
        await check(fleet)
    finally:
        await fleet.stop()
        shutil.rmtree(directory)
    return True


async def every_failure(
    directory: Path, name: str, arm: Arm, expected: type[CrdtSyncError], *, first: int = 1, stride: int = 1
) -> int:
    """Let every so many calls fail; return how many calls there are."""
    n = first
    while True:
        directory.mkdir()
        try:
            if not await told_with_a_failure(directory, name, n, arm, expected):
                return n - 1
        except BaseException as error:
            error.add_note(f"{name}: call {n} failed with {expected.__name__}")
            raise
        n += stride


def statements_of(name: str) -> Arm:
    def arm(fleet: Fleet, n: int) -> Callable[[], bool]:
        disk = fleet[name].machine.disk
        disk.fail_at(n)
        return lambda: disk.statements >= n

    return arm


def calls_of(name: str, error: type[CrdtSyncError], *, late: bool) -> Arm:
    def arm(fleet: Fleet, n: int) -> Callable[[], bool]:
        remote = fleet[name].remote
        remote.fail_at(n, error, late=late)
        return lambda: remote.has_failed

    return arm


@pytest.mark.parametrize("name", ["office", "r1"])
async def test_some_statements_fail(fast_path, name):
    """H34, I1, I4: every 61st statement."""
    arm = statements_of(name)
    first = 1 + len(name)
    assert await every_failure(fast_path / "story", name, arm, StoreError, first=first, stride=STRIDE) > 500


@pytest.mark.slow
@pytest.mark.parametrize("name", ["office", "r1"])
async def test_every_statement_fails(fast_path, name):
    """H34, I1, I4: every eleventh statement, or every one if that is asked for."""
    arm = statements_of(name)
    assert await every_failure(fast_path / "story", name, arm, StoreError, stride=SLOW_STRIDE) > 500


FAILURES = [
    (RemoteUnavailableError, False),
    (RemoteUnavailableError, True),
    (RemoteFullError, False),
    (RemoteReadOnlyError, False),
]


@pytest.mark.parametrize("name", ["office", "r1"])
async def test_some_calls_on_the_folder_fail(fast_path, name):
    """H13, H27, H28: every 17th call, with each of the errors, before or after it took effect."""
    for number, (error, late) in enumerate(FAILURES):
        arm = calls_of(name, error, late=late)
        await every_failure(fast_path / "story", name, arm, error, first=1 + number, stride=17)


@pytest.mark.slow
@pytest.mark.parametrize("name", ["office", "r1"])
@pytest.mark.parametrize(("error", "late"), FAILURES)
async def test_every_call_on_the_folder_fails(fast_path, name, error, late):
    """H13, H27, H28: every call, with each of the errors, before or after it took effect."""
    arm = calls_of(name, error, late=late)
    assert await every_failure(fast_path / "story", name, arm, error) > 8


@pytest.mark.parametrize("name", ["office", pytest.param("r1", marks=pytest.mark.slow)])
async def test_a_disk_that_is_full_during_one_step(fast_path, name):
    """H27, I1, I4: each step of the story meets a full disk first, says so if it needs room, and is done later."""
    told = 0
    for step in STORY:
        directory = fast_path / "story"
        directory.mkdir()
        fleet = Fleet(directory)
        disk = fleet[name].machine.disk
        try:
            for other in STORY:
                if other is step:
                    disk.is_full = True
                    try:
                        await other(fleet)
                    except StoreFullError:
                        told += 1
                    finally:
                        disk.is_full = False
                await other(fleet)
            await check(fleet)
        finally:
            await fleet.stop()
            shutil.rmtree(directory)
    assert told
