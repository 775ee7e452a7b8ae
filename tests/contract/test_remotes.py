"""Every remote of ours keeps the contract, and the checks notice one that does not."""

import asyncio
from contextlib import asynccontextmanager

import pytest
from crdtsync_folder import FolderRemote

from crdtsync.errors import RemoteFileExistsError, RemoteFileMissingError
from crdtsync.remote import Remote, RemoteFile
from crdtsync.testing import REMOTE_CHECKS, MemoryPlace, MemoryRemote, RemoteCheckError, check_remote


def memory_pair(remote_type=MemoryRemote):
    @asynccontextmanager
    async def open_pair():
        place = MemoryPlace()
        async with remote_type(place) as ada, remote_type(place) as bob:
            yield ada, bob

    return open_pair


def folder_pair(root, **options):
    @asynccontextmanager
    async def open_pair():
        async with (
            FolderRemote(root, poll_interval_s=0.05, **options) as ada,
            FolderRemote(root, poll_interval_s=0.05, **options) as bob,
        ):
            yield ada, bob

    return open_pair


def promises(checks):
    return pytest.mark.parametrize("check", [pytest.param(check, id=check.promise) for check in checks])


@promises(REMOTE_CHECKS)
async def test_the_memory_remote_keeps_its_promises(check):
    await check_remote(memory_pair(), checks=[check])


@promises(REMOTE_CHECKS)
async def test_the_folder_remote_keeps_its_promises(check, tmp_path):
    await check_remote(folder_pair(tmp_path), checks=[check])


@promises(REMOTE_CHECKS)
async def test_the_folder_remote_keeps_its_promises_without_events(check, tmp_path):
    await check_remote(folder_pair(tmp_path, events=None), checks=[check])


def test_both_are_remotes(tmp_path):
    assert isinstance(FolderRemote(tmp_path), Remote)
    assert isinstance(MemoryRemote(MemoryPlace()), Remote)


class Overwriting(MemoryRemote):
    async def put(self, name, data):
        try:
            await super().put(name, data)
        except RemoteFileExistsError:
            self.place.files[name] = data


class LosingTheLoser(MemoryRemote):
    """A put of a taken name succeeds silently, as some WebDAV and S3 servers do."""

    async def put(self, name, data):
        try:
            await super().put(name, data)
        except RemoteFileExistsError:
            if len(data) < 1_000:
                raise


class Dripping(MemoryRemote):
    async def put(self, name, data):
        half = len(data) // 2
        await super().put(name, data[:half])
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        self.place.files[name] = data


class Unbounded(MemoryRemote):
    async def get(self, name, *, bytes_max):
        return await super().get(name, bytes_max=1 << 40)


class EmptyForMissing(MemoryRemote):
    async def get(self, name, *, bytes_max):
        try:
            return await super().get(name, bytes_max=bytes_max)
        except RemoteFileMissingError:
            return b""


class PrefixIsText(MemoryRemote):
    async def list(self, prefix=""):
        files = await super().list()
        return [file for file in files if file.name.startswith(prefix.rstrip("/"))]


class NamesAreCut(MemoryRemote):
    async def list(self, prefix=""):
        return [RemoteFile(file.name[:9], file.size_bytes) for file in await super().list(prefix)]


class StrictDelete(MemoryRemote):
    async def delete(self, name):
        if name not in self.place.files:
            raise RemoteFileMissingError(name)
        await super().delete(name)


class AnyName(MemoryRemote):
    async def put(self, name, data):
        self.place.files[name] = data
        self.place.notify()


class Asleep(MemoryRemote):
    async def changes(self):
        await asyncio.Event().wait()
        yield


class ShortSighted(MemoryRemote):
    async def changes(self):
        yield


@pytest.mark.parametrize(
    ("wrong", "promise"),
    [
        (Overwriting, "put creates and never replaces"),
        (LosingTheLoser, "of concurrent puts of one name exactly one succeeds"),
        (Dripping, "a file is seen whole or not at all"),
        (Unbounded, "get never returns more than asked"),
        (EmptyForMissing, "a missing file is RemoteFileMissingError"),
        (PrefixIsText, "list returns the files below the prefix"),
        (NamesAreCut, "many files and concurrent calls are no trouble"),
        (StrictDelete, "delete removes one file, and a missing one is no error"),
        (AnyName, "names outside the contract are refused"),
        (Asleep, "changes wakes the caller up when a file arrives"),
        (ShortSighted, "changes wakes the caller up when a file arrives"),
    ],
)
async def test_a_wrong_remote_is_told_which_promise_it_broke(wrong, promise):
    checks = [check for check in REMOTE_CHECKS if check.promise == promise]
    timeout_s = 0.1 if wrong is Asleep else 10.0
    with pytest.raises(RemoteCheckError) as caught:
        await check_remote(memory_pair(wrong), checks=checks, timeout_s=timeout_s)
    assert promise == caught.value.promise
    assert caught.value.happened
