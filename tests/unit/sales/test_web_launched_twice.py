"""What is started twice: one workstation by several pages, and one directory of data by two launchers."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import pytest

from examples.sales.web import fleet
from examples.sales.web.fleet import Place, Post, Running
from examples.sales.web.start import StartError, alone

ROOT = Path(__file__).parents[3]
HOLDS_IT = """
import sys, time
from pathlib import Path
from examples.sales.web.start import alone
with alone(Path(sys.argv[1]), ["R1"]):
    print("held", flush=True)
    time.sleep(600)
"""


async def test_a_workstation_that_is_started_several_times_at_once_is_started_once(tmp_path, monkeypatch):
    started = []

    async def start_slowly(*_):
        await asyncio.sleep(0)
        started.append(SimpleNamespace(is_alive=True))
        return started[-1]

    monkeypatch.setattr(fleet, "start_child", start_slowly)
    desk = Running(Post("R1", "roaming", "ada", 8701), Place(tmp_path / "data", tmp_path / "folder"))
    await asyncio.gather(*(desk.start() for _ in range(3)))
    assert len(started) == 1


def test_a_second_launcher_of_the_same_workstation_is_refused_and_one_of_another_is_not(tmp_path):
    with alone(tmp_path, ["office", "R1"]):
        with pytest.raises(StartError, match="R1 runs already") as told, alone(tmp_path, ["R1"]):
            pass
        assert "Ctrl-C" in told.value.hint
        with alone(tmp_path, ["R2"]):
            pass
        # Of one that was refused nothing stays behind.
        with pytest.raises(StartError), alone(tmp_path, ["R2", "R1"]):
            pass
        with alone(tmp_path, ["R2"]):
            pass
    with alone(tmp_path, ["R1"]):
        pass


@pytest.mark.slow
def test_a_launcher_that_was_killed_leaves_nothing_locked(tmp_path):
    held = subprocess.Popen(
        [sys.executable, "-c", HOLDS_IT, str(tmp_path)],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert held.stdout.readline() == "held\n"
        with pytest.raises(StartError), alone(tmp_path, ["R1"]):
            pass
    finally:
        held.kill()
        held.communicate()
    with alone(tmp_path, ["R1"]):
        pass
