"""The offline switch and the slow folder, around a remote in memory and under a running sync."""

import asyncio
import datetime as dt
from contextlib import asynccontextmanager

import pytest

from crdtsync.errors import (
    RemoteFileExistsError,
    RemoteFileMissingError,
    RemoteFileTooLargeError,
    RemoteUnavailableError,
)
from crdtsync.sync import agent
from crdtsync.testing import MemoryPlace, MemoryRemote
from crdtsync.testing.remote_checks import check_remote
from examples.sales.web.switch import Delay, OfflineSwitch, SlowRemote, SwitchableRemote, UnderWay
from examples.sales.web.workstation import keep_syncing
from tests.unit.sales.web_desks import open_seat

WAIT_S = 60


def remotes(place):
    switch = OfflineSwitch()
    return switch, SwitchableRemote(MemoryRemote(place), switch)


async def test_a_remote_that_is_switched_off_does_nothing_at_all():
    place = MemoryPlace()
    switch, remote = remotes(place)
    async with remote:
        await remote.put("a", b"1")
        switch.turn(offline=True)
        for attempt in (
            remote.put("b", b"2"),
            remote.get("a", bytes_max=9),
            remote.list(),
            remote.delete("a"),
        ):
            with pytest.raises(RemoteUnavailableError, match="switched offline"):
                await attempt
        switch.turn(offline=False)
        assert [file.name for file in await remote.list()] == ["a"]


class Clock:
    """Time that stands still until it is told."""

    now_s = 0.0

    def __call__(self):
        return self.now_s


def slow_pair():
    """Ada behind a slow folder, and bob who is not; and the time."""
    place, clock = MemoryPlace(), Clock()
    delay = Delay(clock=clock)
    return delay, clock, SlowRemote(MemoryRemote(place), delay), MemoryRemote(place)


async def names(remote):
    return sorted(file.name for file in await remote.list())


async def test_what_others_put_arrives_late_and_what_was_here_before_stays():
    delay, clock, ada, bob = slow_pair()
    async with ada, bob:
        await bob.put("old", b"1")
        assert await names(ada) == ["old"]
        delay.delay_s = 60.0
        await bob.put("new", b"2")
        assert await names(ada) == ["old"]
        assert delay.under_way == UnderWay(coming=1, next_s=60)
        with pytest.raises(RemoteFileMissingError):
            await ada.get("new", bytes_max=9)
        clock.now_s = 59.5
        assert await names(ada) == ["old"]
        assert delay.under_way == UnderWay(coming=1, next_s=1)
        clock.now_s = 60.0
        assert await names(ada) == ["new", "old"]
        assert await ada.get("new", bytes_max=9) == b"2"
        assert delay.under_way == UnderWay()


async def test_what_is_put_is_here_at_once_and_others_see_it_late():
    delay, clock, ada, bob = slow_pair()
    async with ada, bob:
        delay.delay_s = 60.0
        await ada.put("a", b"123")
        assert await names(ada) == ["a"]
        assert await ada.get("a", bytes_max=9) == b"123"
        with pytest.raises(RemoteFileTooLargeError):
            await ada.get("a", bytes_max=2)
        with pytest.raises(RemoteFileExistsError):
            await ada.put("a", b"4")
        assert await names(bob) == []
        assert delay.under_way == UnderWay(going=1, next_s=60)
        clock.now_s = 60.0
        assert await names(ada) == ["a"]
        assert await names(bob) == ["a"]
        with pytest.raises(RemoteFileExistsError):
            await ada.put("a", b"4")
        assert await bob.get("a", bytes_max=9) == b"123"


async def test_what_is_under_way_arrives_when_the_folder_is_fast_again():
    delay, _, ada, bob = slow_pair()
    async with ada, bob:
        delay.delay_s = 3600.0
        await ada.put("a", b"1")
        await bob.put("b", b"2")
        assert await names(ada) == ["a"]
        delay.delay_s = 0.0
        assert await names(ada) == ["a", "b"]
        assert await names(bob) == ["a", "b"]


async def test_what_is_deleted_on_its_way_out_never_leaves():
    delay, clock, ada, bob = slow_pair()
    async with ada, bob:
        delay.delay_s = 60.0
        await ada.put("a", b"1")
        await ada.delete("a")
        clock.now_s = 60.0
        assert await names(ada) == await names(bob) == []


async def test_a_file_that_cannot_leave_now_leaves_at_the_next_look():
    place, clock = MemoryPlace(), Clock()
    delay, switch = Delay(clock=clock), OfflineSwitch()
    ada = SlowRemote(SwitchableRemote(MemoryRemote(place), switch), delay)
    async with ada:
        delay.delay_s = 60.0
        await ada.put("a", b"1")
        clock.now_s = 60.0
        switch.turn(offline=True)
        with pytest.raises(RemoteUnavailableError):
            await ada.list()
        assert dict(place.files) == {}
        switch.turn(offline=False)
        await ada.list()
        assert dict(place.files) == {"a": b"1"}


async def test_both_keep_the_contract_of_remotes():
    @asynccontextmanager
    async def open_pair():
        place = MemoryPlace()
        ada, bob = (
            SlowRemote(SwitchableRemote(MemoryRemote(place), OfflineSwitch()), Delay()) for _ in range(2)
        )
        async with ada, bob:
            yield ada, bob

    await check_remote(open_pair)


async def eventually(condition):
    async with asyncio.timeout(WAIT_S):
        while not await condition():
            await asyncio.sleep(0)


async def test_what_is_written_offline_stays_here_and_goes_out_at_once_when_switched_on(
    tmp_path, monkeypatch
):
    # A remote that failed is left alone for longer than this test runs.
    monkeypatch.setattr(agent, "BACK_OFF_S", (1000,))
    place = MemoryPlace()
    async with open_seat(tmp_path, "office", role="office") as seat:
        remote = SwitchableRemote(MemoryRemote(place), seat.desk.switch)
        syncing = asyncio.create_task(keep_syncing(seat.desk, remote))

        async def is_quiet():
            waiting = await seat.replica.remotes()
            return bool(waiting) and waiting[0].waiting_changes + waiting[0].waiting_files == 0

        async def is_told():
            return "switched offline" in seat.desk.sync.problem

        async with asyncio.timeout(WAIT_S):
            await eventually(is_quiet)
            assert 'aria-checked="false"' in (await seat.post("/offline")).text
            before = dict(place.files)
            await seat.quote(dt.date(2024, 5, 31))
            await eventually(is_told)
            assert dict(place.files) == before
            page = (await seat.page("/health")).text
            assert "Offline" in page
            assert "to send" in page
            await seat.post("/offline")
            await eventually(is_quiet)
        assert dict(place.files) != before
        syncing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await syncing


async def test_the_header_says_how_slow_the_folder_is_and_what_is_on_its_way(tmp_path):
    async with open_seat(tmp_path, "office", role="office") as seat:
        assert "selected>no delay" in (await seat.page("/health")).text
        clock = seat.desk.delay.clock = Clock()
        text = (await seat.post("/slow", delay_s="300")).text
        assert "selected>5 minutes" in text
        assert "on the way" not in text
        remote = SlowRemote(MemoryRemote(MemoryPlace()), seat.desk.delay)
        await seat.replica.sync(remote)
        clock.now_s = 240.5
        assert "on the way out, next in 60 s" in (await seat.page("/health")).text
        assert (await seat.post("/slow", delay_s="7")).status_code == 422
        assert seat.desk.delay.delay_s == 300.0


def test_a_long_wait_is_told_in_minutes():
    assert UnderWay(next_s=119).next_text == "119 s"
    assert UnderWay(next_s=130).next_text == "3 min"
