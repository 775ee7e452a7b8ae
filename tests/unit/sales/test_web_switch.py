"""The offline switch and the slow folder, around a remote in memory and under a running sync."""

import asyncio
import datetime as dt
from contextlib import asynccontextmanager

import pytest

from crdtsync.errors import RemoteUnavailableError
from crdtsync.testing import MemoryPlace, MemoryRemote
from crdtsync.testing.remote_checks import check_remote
from examples.sales.web.switch import Delay, OfflineSwitch, SlowRemote, SwitchableRemote
from examples.sales.web.workstation import keep_syncing
from tests.unit.sales.web_desks import open_seat

WAIT_S = 10


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


async def test_a_slow_remote_waits_for_every_file_and_not_for_names():
    waited = []

    async def sleep(delay_s):
        waited.append(delay_s)

    delay = Delay()
    remote = SlowRemote(MemoryRemote(MemoryPlace()), delay, sleep=sleep)
    async with remote:
        await remote.put("a", b"1")
        delay.delay_s = 60.0
        await remote.list()
        assert await remote.get("a", bytes_max=9) == b"1"
        await remote.put("b", b"1")
    assert waited == [60.0, 60.0]


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


async def test_what_is_written_offline_stays_here_and_goes_out_at_once_when_switched_on(tmp_path):
    place = MemoryPlace()
    async with open_seat(tmp_path, "office", role="office") as seat:
        remote = SwitchableRemote(MemoryRemote(place), seat.desk.switch)
        syncing = asyncio.create_task(keep_syncing(seat.desk, seat.events, remote))

        async def is_quiet():
            waiting = await seat.replica.remotes()
            return bool(waiting) and waiting[0].waiting_changes + waiting[0].waiting_files == 0

        async def is_told():
            return "switched offline" in seat.desk.sync.problem

        async with asyncio.timeout(WAIT_S):
            await eventually(is_quiet)
            assert 'aria-checked="true"' in (await seat.post("/offline")).text
            before = dict(place.files)
            await seat.quote(dt.date(2024, 5, 31))
            await eventually(is_told)
            assert dict(place.files) == before
            page = (await seat.page("/health")).text
            assert "Offline" in page
            assert "to send" in page
            failing = seat.desk.sync
            await seat.post("/offline")

            async def is_begun_anew():
                return seat.desk.sync is not failing

            # The one that failed would leave the folder alone for a while.
            await eventually(is_begun_anew)
            await eventually(is_quiet)
        assert dict(place.files) != before
        syncing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await syncing
