"""Goal: a simulation in which nothing happens, or in which nobody looks, must not pass for a proof.

Method: over fixed seeds, people's work that had an effect, faults and what the checks had to look at are counted,
and each has a floor of about half of what it is now.
"""

import pytest

from crdtsync.testing.simulation.runner import Orders, run_many

SEEDS = range(120)

WORK_FLOORS = {
    "edited": 500,
    "moved": 120,
    "removed": 20,
    "restored": 4,
    "decided": 40,
    "granted": 50,
    "declared void": 10,
    "conflict of values": 40,
    "conflict of removal": 4,
    "received": 30,
}
"""What people did that had an effect, and what came of it."""

ASKED_FLOORS = {
    "asked by number": 400,
    "asked by value": 150,
    "asked by word": 100,
    "asked of a change": 1500,
    "asked of a conflict": 150,
    "asked of a peer": 600,
    "asked of a receipt": 800,
    "asked of a writer": 2000,
    "told of a change": 80,
}
"""What the checks had to look at."""

FAULT_FLOORS = {"crash": 5, "disk error": 8, "meanwhile": 20, "second process": 10, "join": 4, "restore": 2}
"""What went wrong; of single faults of folders there are too many to name."""

FAULTS_FLOOR = 200


@pytest.fixture(scope="module")
def tally():
    return run_many(SEEDS, Orders("any"))


@pytest.mark.slow
@pytest.mark.parametrize(("what", "floor"), [*WORK_FLOORS.items(), *ASKED_FLOORS.items()])
def test_people_work_and_the_checks_look(tally, what, floor):
    assert tally.done[what] >= floor


@pytest.mark.slow
@pytest.mark.parametrize(("fault", "floor"), FAULT_FLOORS.items())
def test_things_go_wrong(tally, fault, floor):
    assert tally.faults[fault] >= floor
    assert tally.faults.total() >= FAULTS_FLOOR
