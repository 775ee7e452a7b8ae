"""Goal: the disk under the simulator keeps the promises of the real one, and the checks notice one that does not.

Method: both ways to a database pass the same checks; for each promise an engine that breaks it.
"""

from contextlib import contextmanager

import pytest

from crdtsync import Environment
from crdtsync.testing import STORE_CHECKS, WAITS_FOR_THE_DISK, SimulatedDisk, StoreCheckError, check_store
from tests.contract.wrong_stores import WRONG, Anywhere, Engine


def promises(checks):
    return pytest.mark.parametrize("check", [pytest.param(check, id=check.promise) for check in checks])


@promises(STORE_CHECKS)
async def test_this_machine_keeps_its_promises(check, tmp_path):
    await check_store(tmp_path, checks=[check])


@promises([check for check in STORE_CHECKS if check is not WAITS_FOR_THE_DISK])
async def test_the_simulated_disk_keeps_the_same_promises(check, tmp_path):
    """But for the power cut, which it does not simulate and says so."""
    await check_store(tmp_path, Environment(connect=SimulatedDisk().connect), checks=[check])


@promises(STORE_CHECKS)
async def test_what_the_wrong_engines_are_made_of_keeps_them_too(check, tmp_path):
    await check_store(tmp_path, Engine().environment, checks=[check])


def test_there_is_a_wrong_engine_for_every_promise():
    assert [check.promise for check in STORE_CHECKS] == list(WRONG)
    assert all(WRONG.values())


@pytest.mark.parametrize(
    ("promise", "wrong"), [(promise, wrong) for promise, wrongs in WRONG.items() for wrong in wrongs]
)
async def test_a_wrong_engine_is_told_which_promise_it_broke(promise, wrong, tmp_path):
    engine = wrong()
    checks = [check for check in STORE_CHECKS if check.promise == promise]
    try:
        with pytest.raises(StoreCheckError) as caught:
            await check_store(tmp_path, engine.environment, checks=checks)
    finally:
        if isinstance(engine, Anywhere):
            engine.undo()

    assert promise == caught.value.promise
    assert str(caught.value) == f"{promise}: {caught.value.happened}"


async def test_nothing_is_left_in_the_directory(tmp_path):
    (tmp_path / "mine").touch()
    await check_store(tmp_path, Environment(connect=SimulatedDisk().connect), checks=STORE_CHECKS[:3])
    assert [path.name for path in tmp_path.iterdir()] == ["mine"]


async def test_a_disk_may_be_filled_in_another_way(tmp_path):
    """Goal: what `fill` does is what the check meets. Method: a `fill` that fills nothing is found out."""
    filled = []

    @contextmanager
    def fill(path):
        filled.append(path)
        yield

    checks = [check for check in STORE_CHECKS if check.promise.startswith("a full disk")]
    with pytest.raises(StoreCheckError, match="a large edit on a full disk raised nothing"):
        await check_store(tmp_path, checks=checks, fill=fill)
    assert [path.parent for path in filled] == [tmp_path]
