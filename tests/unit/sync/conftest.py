"""An office and a workstation over a place whose files a test may change as a service would."""

import pytest

from tests.unit.sync.world import World


@pytest.fixture
async def world(tmp_path):
    world = World(tmp_path)
    yield world
    await world.close()


@pytest.fixture
async def office(world):
    return await world.add("office", "office")


@pytest.fixture
async def r1(world, office):
    machine = await world.add("R1")
    await world.settle()
    return machine


@pytest.fixture
async def r2(world, r1):
    machine = await world.add("R2")
    await world.settle()
    return machine
