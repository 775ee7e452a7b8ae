"""Goal: a process may die right before or after anything it makes durable, on disk or in the folder.

Method: the story of `scenario` is told with one machine dying at its n-th durable step (a commit, a put or a
delete; one step before it and one after), for every n until a telling has no n-th. The machine starts again,
the story goes on, and in the end all must be as if nothing had happened.
"""

import shutil

import pytest

from crdtsync.testing import SimulatedCrash

from .scenario import Fleet, check, tell

STRIDE = 13
"""The ordinary suite tries every so many steps, the slow one all of them."""


async def told_with_a_death(directory, name, step) -> bool:
    """Tell the story with a machine that dies at a step; return whether it came to that."""
    fleet = Fleet(directory, seed=step)
    disk = fleet[name].machine.disk
    disk.crash_at(step)
    deaths = 0

    async def on_fault(error):
        nonlocal deaths
        if not isinstance(error, SimulatedCrash):
            raise error
        deaths += 1
        assert disk.is_dead
        await fleet[name].machine.stop()
        disk.restart()
        await fleet.start(name)

    try:
        await tell(fleet, on_fault)
        disk.restart()
        await check(fleet)
    finally:
        await fleet.stop()
        shutil.rmtree(directory)
    return bool(deaths)


async def every_death(directory, name, first, stride) -> int:
    """Let a machine die at every so many steps; return how many there are."""
    step = first
    while True:
        directory.mkdir()
        try:
            if not await told_with_a_death(directory, name, step):
                return step - 1
        except BaseException as error:
            error.add_note(f"{name} died at durable step {step}")
            raise
        step += stride


async def test_a_calm_telling(fast_path):
    """The story itself, without a fault, ends as it must, and has as many durable steps as we think."""
    fleet = Fleet(fast_path)
    await tell(fleet)
    await check(fleet)
    steps = {name: computer.machine.disk.durable_steps for name, computer in fleet.computers.items()}
    await fleet.stop()
    print(
        steps,
        {n: c.machine.disk.statements for n, c in fleet.computers.items()},
        {n: c.remote.calls for n, c in fleet.computers.items()},
    )
    assert min(steps.values()) > 80, steps


@pytest.mark.parametrize("name", ["office", "r1"])
async def test_death_at_some_durable_steps(fast_path, name):
    """H32, I1, I2, I21 to I24, I32: every thirteenth durable step."""
    assert await every_death(fast_path / "story", name, 1 + len(name) % STRIDE, STRIDE) > 80


@pytest.mark.slow
@pytest.mark.parametrize("name", ["office", "r1"])
async def test_death_at_every_durable_step(fast_path, name):
    """H32, I1, I2, I21 to I24, I32: every durable step."""
    assert await every_death(fast_path / "story", name, 1, 1) > 80
