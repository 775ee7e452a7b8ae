"""What is started twice: one workstation by several pages, and one directory of data by two launchers."""

import asyncio
from types import SimpleNamespace

from examples.sales.web import fleet
from examples.sales.web.fleet import Place, Post, Running


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
