"""For each promise of the contract an adapter that breaks it."""

import asyncio
import dataclasses
import os
from pathlib import Path

from crdtsync.errors import (
    RemoteFileExistsError,
    RemoteFileMissingError,
    RemoteFileNotLocalError,
    RemoteFileTooLargeError,
    UsageError,
)
from crdtsync.remote import RemoteFile, RemoteTraits
from crdtsync.testing import MemoryPlace, MemoryRemote
from tests.contract.wrong_services import WRONG_SERVICES


class TextMode(MemoryRemote):
    async def get(self, name, *, bytes_max):
        return (await super().get(name, bytes_max=bytes_max)).replace(b"\r\n", b"\n")


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


class BoastingOfRaces(LosingTheLoser):
    """Decides races of its own tasks only, and says that it decides all."""

    def __init__(self, place):
        super().__init__(place)
        self.own = set()

    async def put(self, name, data):
        if name in self.own:
            raise RemoteFileExistsError(name)
        self.own.add(name)
        await super().put(name, data)


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


class CuttingOff(MemoryRemote):
    async def get(self, name, *, bytes_max):
        return (await super().get(name, bytes_max=1 << 40))[:bytes_max]


class EmptyForMissing(MemoryRemote):
    async def get(self, name, *, bytes_max):
        try:
            return await super().get(name, bytes_max=bytes_max)
        except RemoteFileMissingError:
            return b""


class CaseIsFolded(MemoryRemote):
    async def get(self, name, *, bytes_max):
        return await super().get(name.lower(), bytes_max=bytes_max)


class PathsAreCleaned(MemoryRemote):
    async def get(self, name, *, bytes_max):
        return await super().get(os.path.normpath(name), bytes_max=bytes_max)


class PrefixIsText(MemoryRemote):
    async def list(self, prefix=""):
        files = await super().list()
        return [file for file in files if file.name.startswith(prefix.rstrip("/"))]


class Forgetful(MemoryRemote):
    """Lists a placeholder as if it were here."""

    async def get(self, name, *, bytes_max):
        data = await super().get(name, bytes_max=bytes_max)
        if name.startswith("b/"):
            raise RemoteFileNotLocalError(name)
        return data


class NamesAreCut(MemoryRemote):
    async def list(self, prefix=""):
        return [RemoteFile(file.name[:9], file.size_bytes) for file in await super().list(prefix)]


class OneBuffer(MemoryRemote):
    """Concurrent gets share what they read into."""

    async def get(self, name, *, bytes_max):
        self.buffer = await super().get(name, bytes_max=bytes_max)
        await asyncio.sleep(0)
        return self.buffer


class StrictDelete(MemoryRemote):
    async def delete(self, name):
        if name not in self.place.files:
            raise RemoteFileMissingError(name)
        await super().delete(name)


class DeletingTrees(MemoryRemote):
    async def delete(self, name):
        for found in [found for found in self.place.files if found == name or found.startswith(f"{name}/")]:
            await super().delete(found)


class ShortNamesOnly(MemoryRemote):
    async def put(self, name, data):
        if len(name) > 100:
            raise UsageError(f"{name} is too long")
        await super().put(name, data)


class AnyName(MemoryRemote):
    async def put(self, name, data):
        self.place.files[name] = data
        self.place.notify()


class SayingTooMuch(MemoryRemote):
    @property
    def traits(self):
        return dataclasses.replace(super().traits, local_root="/nowhere")


class PollingAllTheTime(MemoryRemote):
    @property
    def traits(self):
        return dataclasses.replace(super().traits, poll_interval_s=0.0)


class AddressOfAnother(MemoryRemote):
    @property
    def address(self):
        return "s3:bucket"


class UsedOnce(MemoryRemote):
    is_over = False

    async def list(self, prefix=""):
        assert not self.is_over
        return await super().list(prefix)

    async def get(self, name, *, bytes_max):
        assert not self.is_over
        return await super().get(name, bytes_max=bytes_max)

    async def __aexit__(self, *_):
        self.is_over = True


class KeepingTheLock(MemoryRemote):
    """A cancelled call never gives the lock back."""

    def __init__(self, place):
        super().__init__(place)
        self.lock = asyncio.Lock()

    async def get(self, name, *, bytes_max):
        await self.lock.acquire()
        data = await super().get(name, bytes_max=bytes_max)
        self.lock.release()
        return data


class Asleep(MemoryRemote):
    async def changes(self):
        await asyncio.Event().wait()
        yield


class ShortSighted(MemoryRemote):
    async def changes(self):
        yield


class Tired(MemoryRemote):
    async def changes(self):
        yield
        await asyncio.sleep(0.001)


class Deaf(MemoryRemote):
    """Cannot be cancelled while it waits."""

    async def changes(self):
        yield
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            return


class NaiveFolder:
    """A directory as one writes it in an hour."""

    def __init__(self, root):
        self.root = Path(root)
        self.address = f"naive:{root}"
        self.traits = RemoteTraits(kind="naive", local_root=str(root))

    async def put(self, name, data):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("xb") as file:
            file.write(data)

    async def get(self, name, *, bytes_max):
        path = self.root / name
        if not path.is_file():
            raise RemoteFileMissingError(name)
        if path.stat().st_size > bytes_max:
            raise RemoteFileTooLargeError(name)
        return path.read_bytes()

    async def list(self, prefix=""):
        found = (self.root / prefix).rglob("*")
        return [
            RemoteFile(path.relative_to(self.root).as_posix(), path.stat().st_size)
            for path in found
            if path.is_file()
        ]

    async def delete(self, name):
        (self.root / name).unlink(missing_ok=True)

    async def changes(self):
        while True:
            yield
            await asyncio.sleep(0.01)

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_):
        pass


class OwnNamesOnly(NaiveFolder):
    """Hides what it would not have written itself."""

    async def list(self, prefix=""):
        return [file for file in await super().list(prefix) if file.name.islower() and " " not in file.name]


class Impatient(MemoryRemote):
    """Looks for its place when it is entered."""

    async def __aenter__(self):
        await self.list()
        return self


class EmptyWhenAway(MemoryRemote):
    """Takes what it cannot reach for empty."""

    async def list(self, prefix=""):
        return await super().list(prefix) if self.place.is_reachable else []


class Dehydrating(MemoryRemote):
    """A memory remote whose files can be taken away, and which says so."""

    def __init__(self, place):
        super().__init__(place)
        self.away = set()

    async def get(self, name, *, bytes_max):
        if name in self.away:
            raise RemoteFileNotLocalError(name)
        return await super().get(name, bytes_max=bytes_max)

    async def list(self, prefix=""):
        files = await super().list(prefix)
        return [dataclasses.replace(file, is_local=file.name not in self.away) for file in files]


class ZerosForPlaceholders(Dehydrating):
    async def get(self, name, *, bytes_max):
        if name in self.away:
            return bytes(len(self.place.files[name]))
        return await super().get(name, bytes_max=bytes_max)


async def dehydrate(remote, name):
    remote.away.add(name)


def away(remote_type):
    place = MemoryPlace()
    place.is_reachable = False
    return remote_type(place)


_WRONG = {
    "get returns what put was given": [TextMode],
    "put creates and never replaces": [Overwriting],
    "of concurrent puts of one name exactly one succeeds": [LosingTheLoser],
    "create_only_is_enforced holds between machines": [BoastingOfRaces],
    "a file is seen whole or not at all": [Dripping],
    "get never returns more than asked": [Unbounded, CuttingOff],
    "a missing file is RemoteFileMissingError": [EmptyForMissing],
    "a file opens by exactly its name": [CaseIsFolded, PathsAreCleaned],
    "list returns the files below the prefix": [PrefixIsText],
    "is_local tells what can be read": [Forgetful],
    "many files and concurrent calls are no trouble": [NamesAreCut, OneBuffer],
    "delete removes one file, and a missing one is no error": [StrictDelete, DeletingTrees],
    "every name of the contract is taken": [ShortNamesOnly],
    "names outside the contract are refused": [AnyName],
    "no name and no link leads out of the place": [NaiveFolder],
    "names that others left are listed as they are": [OwnNamesOnly],
    "address and traits are true": [SayingTooMuch, PollingAllTheTime, AddressOfAnother],
    "a remote can be left and entered again": [UsedOnce],
    "a cancelled call does no harm": [KeepingTheLock],
    "changes ends only when its caller closes it": [ShortSighted, Tired, Deaf],
    "changes wakes the caller up when a file arrives": [Asleep, ShortSighted],
    "a place that cannot be reached is waited for": [Impatient, EmptyWhenAway],
    "a placeholder is neither missing nor read": [ZerosForPlaceholders],
}

WRONG = {
    promise: [*_WRONG.get(promise, []), *WRONG_SERVICES.get(promise, [])]
    for promise in dict.fromkeys([*_WRONG, *WRONG_SERVICES])
}
