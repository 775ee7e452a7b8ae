"""Wake-ups by events, by polls, and what remains when somebody stops listening. Time is handed in."""

import asyncio
import threading
from contextlib import aclosing

import pytest
from crdtsync_folder import FolderRemote
from crdtsync_folder.watching import WATCH_AGAIN_POLLS


class Clock:
    """Polls happen when the test says so."""

    def __init__(self):
        self.ticks = asyncio.Queue()
        self.asked = []

    async def sleep(self, seconds):
        self.asked.append(seconds)
        await self.ticks.get()

    def tick(self):
        self.ticks.put_nowait(None)


def our_threads():
    threads = [thread for thread in threading.enumerate() if thread.name == "crdtsync-folder-watch"]
    for thread in threads:
        thread.join(5)
    return [thread for thread in threads if thread.is_alive()]


async def soon(awaitable):
    async with asyncio.timeout(60):
        return await awaitable


async def test_polling_alone_wakes_up_for_new_gone_and_grown_files(tmp_path):
    clock = Clock()
    remote = FolderRemote(tmp_path, events=None, sleep=clock.sleep, poll_interval_s=7)
    async with aclosing(remote.changes()) as changes:
        await soon(anext(changes))
        for change in (
            lambda: (tmp_path / "x").write_bytes(b"1"),
            lambda: (tmp_path / "x").write_bytes(b"12"),
            (tmp_path / "x").unlink,
        ):
            waiting = asyncio.ensure_future(anext(changes))
            change()
            clock.tick()
            await soon(waiting)
    assert set(clock.asked) == {7}


async def test_a_poll_that_sees_nothing_new_wakes_nobody(tmp_path):
    clock = Clock()
    (tmp_path / "x").write_bytes(b"1")
    looks = 0
    remote = FolderRemote(tmp_path, events=None, sleep=clock.sleep)
    look = remote._look

    async def counted():
        nonlocal looks
        looks += 1
        return await look()

    remote._look = counted
    async with aclosing(remote.changes()) as changes:
        await soon(anext(changes))
        waiting = asyncio.ensure_future(anext(changes))
        for number in range(2, 5):
            clock.tick()
            while looks < number:
                await asyncio.sleep(0)
        assert not waiting.done()
        (tmp_path / "x").unlink()
        clock.tick()
        await soon(waiting)


async def test_an_event_wakes_up_without_a_poll(tmp_path):
    async def never(seconds):
        await asyncio.Event().wait()

    occurred = threading.Event()

    def events(root, stop):
        occurred.wait()
        yield {"something"}

    async with aclosing(FolderRemote(tmp_path, events=events, sleep=never).changes()) as changes:
        await soon(anext(changes))
        waiting = asyncio.ensure_future(anext(changes))
        occurred.set()
        await soon(waiting)


async def test_the_events_of_this_system_wake_up(tmp_path):
    """The watch is set up beside us, so files are added until one is noticed; no poll ever happens."""

    async def never(seconds):
        await asyncio.Event().wait()

    async with aclosing(FolderRemote(tmp_path, sleep=never).changes()) as changes:
        await soon(anext(changes))
        waiting = asyncio.ensure_future(anext(changes))
        for number in range(500):
            (tmp_path / str(number)).write_bytes(b"")
            done, _ = await asyncio.wait([waiting], timeout=0.02)
            if done:
                break
        await soon(waiting)
    assert our_threads() == []


async def test_a_watch_that_fails_leaves_polling_and_is_tried_again(tmp_path):
    clock = Clock()
    starts = 0

    def events(root, stop):
        nonlocal starts
        starts += 1
        raise OSError(28, "inotify watch limit reached")
        yield

    async with aclosing(FolderRemote(tmp_path, events=events, sleep=clock.sleep).changes()) as changes:
        await soon(anext(changes))
        for number in range(WATCH_AGAIN_POLLS + 2):
            (tmp_path / str(number)).write_bytes(b"")
            clock.tick()
            await soon(anext(changes))
        assert starts == 2


async def test_a_root_that_goes_and_comes_back_is_noticed_and_watched_again(tmp_path):
    clock = Clock()
    root, away = tmp_path / "root", tmp_path / "away"
    root.mkdir()
    watched = []

    def events(path, stop):
        watched.append(path)
        stop.wait()
        yield from ()

    async with aclosing(FolderRemote(root, events=events, sleep=clock.sleep).changes()) as changes:
        await soon(anext(changes))
        root.rename(away)
        clock.tick()
        await soon(anext(changes))
        root.mkdir()
        clock.tick()
        await soon(anext(changes))
    assert [str(root)] * 2 == watched
    assert our_threads() == []


@pytest.mark.parametrize("how", ["close", "cancel", "close at once"])
async def test_nothing_is_left_when_nobody_listens_any_more(tmp_path, how):
    tasks_before = asyncio.all_tasks()
    changes = FolderRemote(tmp_path).changes()
    if how != "close at once":
        await soon(anext(changes))
    if how == "cancel":
        waiting = asyncio.ensure_future(anext(changes))
        await asyncio.sleep(0)
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError):
            await waiting
    await changes.aclose()
    assert tasks_before == asyncio.all_tasks()
    assert our_threads() == []


def test_a_loop_that_ends_with_a_listener_leaves_nothing(tmp_path):
    async def listen_and_leave():
        async for _ in FolderRemote(tmp_path).changes():
            return

    asyncio.run(listen_and_leave())
    assert our_threads() == []
