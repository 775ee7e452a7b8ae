"""Goal: when the power goes, whatever was acknowledged is on the disk: edits, numbers, files in the folder.

Method: four processes are stopped in the middle of their work, and an ext4 in a file is shut down under them at the
same moment, without its journal being written; they are killed, it is mounted again, and what they had acknowledged
must be there.
"""

import random

import pytest

from tests.crash.driver import BrokenError
from tests.services import disks, settings
from tests.services.cast import Cast
from tests.services.records import Record

pytestmark = [pytest.mark.slow, pytest.mark.services]

ROUNDS = 8
EDITS_A_ROUND_MAX = 60
CARELESS_ROUNDS_MAX = 60
"""A file's name is lost with what was written last only: every later sync takes it along."""


@pytest.fixture
def power():
    if why := disks.why_no_power_cut():
        pytest.skip(why)
    with disks.PowerDisk() as disk:
        yield disk


def record_of(disk, tmp_path, on_the_disk):
    return Record(
        tmp_path if on_the_disk == "folder" else disk.root,
        (tmp_path if on_the_disk == "database" else disk.root) / "shared",
    )


def cut_again_and_again(disk, record, rng, count, *, carelessness=""):
    """Cut the power at random moments, and check each time what is left."""
    record.build()
    cast = Cast(record, rng, carelessness=carelessness)
    try:
        for _ in range(count):
            cast.start()
            cast.play_edits(rng.randint(1, EDITS_A_ROUND_MAX))
            # Power takes everything at once. Were they still running, they could hear this kernel call a sync a
            # success that overlaps its shutdown, though its journal is thrown away.
            cast.freeze()
            disk.stop()
            cast.hear()
            cast.end()
            disk.restart()
            record.check()
    finally:
        cast.end()


def test_the_power_that_is_cut_takes_with_it_what_was_not_synced(power):
    for name in ("synced", "unsynced"):
        with (power.root / name).open("wb") as file:
            file.write(b"content")
            if name == "synced":
                file.flush()
                disks.os.fsync(file.fileno())
    power.cut()
    assert (power.root / "synced").read_bytes() == b"content"
    unsynced = power.root / "unsynced"
    assert not unsynced.exists() or unsynced.read_bytes() != b"content"


@pytest.mark.parametrize("on_the_disk", ["database", "folder", "both"])
def test_a_power_cut_loses_nothing_that_was_acknowledged(power, tmp_path, on_the_disk):
    seed = settings.seed()
    rng = random.Random(seed)
    record = record_of(power, tmp_path, on_the_disk)
    try:
        cut_again_and_again(power, record, rng, settings.rounds(ROUNDS))
        numbers = record.settle()
    except BaseException:
        print(
            settings.replay_line(
                f"test_power_cut.py::test_a_power_cut_loses_nothing_that_was_acknowledged[{on_the_disk}]",
                seed,
            )
        )
        raise
    assert len(record.edited) >= power.cuts
    settings.record(
        suite="power cut",
        on_the_disk=on_the_disk,
        seed=seed,
        cuts=power.cuts,
        edits=len(record.edited),
        numbers=numbers,
    )


@pytest.mark.parametrize(
    ("carelessness", "on_the_disk"),
    [
        ("commits are not synced", "database"),
        ("files are not synced", "folder"),
        ("names are not synced", "folder"),
    ],
)
def test_the_suite_sees_what_a_careless_program_loses(power, tmp_path, carelessness, on_the_disk):
    record = record_of(power, tmp_path, on_the_disk)
    with pytest.raises(BrokenError):
        cut_again_and_again(power, record, random.Random(1), CARELESS_ROUNDS_MAX, carelessness=carelessness)
