"""Adapters that are wrong as real services and their libraries lead one to be, and services that can be brought to it.

Each says what it is modelled on. `SAYS` has what the check must have seen.
"""

import asyncio
import dataclasses
import re

from crdtsync.errors import (
    RemoteError,
    RemoteFileExistsError,
    RemoteFileMissingError,
    RemoteFullError,
    RemoteReadOnlyError,
    RemoteUnavailableError,
)
from crdtsync.remote import RemoteFile
from crdtsync.testing import MemoryPlace, MemoryRemote


class Page1000(MemoryRemote):
    """S3 and its kin: a listing ends after a thousand names, and the continuation token is forgotten."""

    async def list(self, prefix=""):
        return (await super().list(prefix))[:1000]


class Page200(MemoryRemote):
    """Microsoft Graph: two hundred to a page, and only those of one directory."""

    async def list(self, prefix=""):
        pages = {}
        for file in await super().list(prefix):
            page = pages.setdefault(file.name.rpartition("/")[0], [])
            if len(page) < 200:
                page.append(file)
        return [file for page in pages.values() for file in page]


class Buffer(MemoryRemote):
    """What downloads were collected in."""

    async def get(self, name, *, bytes_max):
        return bytearray(await super().get(name, bytes_max=bytes_max))


class View(MemoryRemote):
    """`io.BytesIO.getbuffer`."""

    async def get(self, name, *, bytes_max):
        return memoryview(await super().get(name, bytes_max=bytes_max))


class SixMegabytes(MemoryRemote):
    """A gateway passes the first six megabytes on, and says nothing."""

    async def put(self, name, data):
        await super().put(name, data[:6_000_000])


class TenMegabytesRefused(MemoryRemote):
    """A simple upload has a limit; a large one would need a session of its own."""

    async def put(self, name, data):
        if len(data) > 10_000_000:
            raise RemoteFullError("413 Payload Too Large")
        await super().put(name, data)


class PartsInAnyOrder(MemoryRemote):
    """Parts of an upload are numbered as they arrive."""

    async def put(self, name, data):
        size = 8 << 20
        parts = [data[start : start + size] for start in range(0, len(data), size)]
        await super().put(name, b"".join(parts[:1] + parts[:0:-1]))


class SizeOfLarge(MemoryRemote):
    """An encrypting layer: the size of what is above a block is that of its stored form."""

    async def list(self, prefix=""):
        return [
            dataclasses.replace(file, size_bytes=file.size_bytes + 16 * (file.size_bytes // 65_536))
            for file in await super().list(prefix)
        ]


class PrefixDelete(MemoryRemote):
    """`aws s3 rm --recursive`: deletes whatever begins like this."""

    async def delete(self, name):
        for found in [found for found in self.place.files if found.startswith(name)]:
            if "/" not in found[len(name) :]:
                await super().delete(found)


class DeletedStaysListed(MemoryRemote):
    """A waste basket that listings include."""

    async def delete(self, name):
        data = self.place.files.get(name)
        if data is not None:
            self.place.__dict__.setdefault("basket", {})[name] = len(data)
        await super().delete(name)

    async def list(self, prefix=""):
        found = await super().list(prefix)
        gone = getattr(self.place, "basket", {}).items()
        return found + [RemoteFile(name, size) for name, size in gone if name.startswith(prefix)]


class Cached(MemoryRemote):
    """An HTTP cache: what was once read under a name is given for ever."""

    def __init__(self, place):
        super().__init__(place)
        self.cache = {}

    async def get(self, name, *, bytes_max):
        if name not in self.cache:
            self.cache[name] = await super().get(name, bytes_max=bytes_max)
        return self.cache[name]


class CachedBySize(Cached):
    """Asks the service whether the file is there and how long it is, and no more."""

    async def get(self, name, *, bytes_max):
        data = await MemoryRemote.get(self, name, bytes_max=bytes_max)
        known = self.cache.setdefault(name, data)
        return known if len(known) == len(data) else data


class MissingIsCached(MemoryRemote):
    """What was not there once is not there: a cache in front of the service keeps its answers of 404."""

    def __init__(self, place):
        super().__init__(place)
        self.missing = set()

    async def get(self, name, *, bytes_max):
        if name in self.missing:
            raise RemoteFileMissingError(name)
        try:
            return await super().get(name, bytes_max=bytes_max)
        except RemoteFileMissingError:
            self.missing.add(name)
            raise


class ListingCached(MemoryRemote):
    """Changes are asked for since a token that never moves on."""

    def __init__(self, place):
        super().__init__(place)
        self.kept = {}

    async def list(self, prefix=""):
        if not self.kept.get(prefix):
            self.kept[prefix] = await super().list(prefix)
        return self.kept[prefix]


class PartListed(MemoryRemote):
    """Uploads as ``name.part`` and renames; whoever is cut short leaves that in the listing for ever."""

    async def put(self, name, data):
        if name in self.place.files:
            raise RemoteFileExistsError(name)
        part = f"{name[:110]}.part"
        self.place.files[part] = data[: len(data) // 2]
        await asyncio.sleep(0)
        self.place.files.pop(part, None)
        await super().put(name, data)


class Hurried(MemoryRemote):
    """Takes a refusal for too many calls at once for a lasting one."""

    calls = 0

    async def get(self, name, *, bytes_max):
        self.calls += 1
        try:
            await asyncio.sleep(0)
            if self.calls > 300:
                raise RemoteReadOnlyError("429 Too Many Requests")
            return await super().get(name, bytes_max=bytes_max)
        finally:
            self.calls -= 1


class HidesForeign(MemoryRemote):
    """An adapter of a service that lists only what it would have written itself."""

    async def list(self, prefix=""):
        return [file for file in await super().list(prefix) if re.fullmatch(r"[a-z0-9./-]+", file.name)]


class PerProcess(MemoryRemote):
    """Keeps in this process what it should have sent: two views in one process see each other, machines never."""

    async def put(self, name, data):
        await super().put(name, data)
        self.place.__dict__.setdefault("of_process", set()).add(name)

    async def list(self, prefix=""):
        of_process = getattr(self.place, "of_process", ())
        return [file for file in await super().list(prefix) if file.name in of_process]


class OpensWhatItWouldWrite(MemoryRemote):
    """Lists what others left, and cannot be brought to open it."""

    async def get(self, name, *, bytes_max):
        if not re.fullmatch(r"[a-z0-9./-]+", name):
            raise RemoteFileMissingError(name)
        return await super().get(name, bytes_max=bytes_max)


class Limited(MemoryRemote):
    """A service with a quota, and with too little time, once `fill` and `throttle` have said so."""

    def refuse_if_full(self):
        if getattr(self.place, "is_full", False):
            raise RemoteFullError("507 Insufficient Storage")

    def refuse_if_throttled(self):
        if getattr(self.place, "is_throttled", False):
            self.place.refused = getattr(self.place, "refused", 0) + 1
            if self.place.refused % 3:
                raise RemoteUnavailableError("429 Too Many Requests")

    async def put(self, name, data):
        self.refuse_if_throttled()
        if name not in self.place.files:
            self.refuse_if_full()
        await super().put(name, data)

    async def get(self, name, *, bytes_max):
        self.refuse_if_throttled()
        return await super().get(name, bytes_max=bytes_max)

    async def list(self, prefix=""):
        self.refuse_if_throttled()
        return await super().list(prefix)

    async def delete(self, name):
        self.refuse_if_throttled()
        await super().delete(name)


class Shy(Limited):
    """A full disk below it is an error of the system, and half a file."""

    async def put(self, name, data):
        try:
            await super().put(name, data)
        except RemoteFullError:
            self.place.files[name] = data[:100]
            raise OSError(28, "No space left on device") from None


class FullAsUnavailable(Limited):
    def refuse_if_full(self):
        try:
            super().refuse_if_full()
        except RemoteFullError as error:
            raise RemoteUnavailableError("507") from error


class FullLeavesHalf(Limited):
    """Says it rightly, and leaves what had room."""

    async def put(self, name, data):
        try:
            await super().put(name, data)
        except RemoteFullError:
            self.place.files[name] = data[:100]
            raise


class FullLeavesPart(Limited):
    async def put(self, name, data):
        try:
            await super().put(name, data)
        except RemoteFullError:
            self.place.files[f"{name}.part"] = data[:100]
            raise


class ThrottledIsReadOnly(Limited):
    def refuse_if_throttled(self):
        try:
            super().refuse_if_throttled()
        except RemoteUnavailableError as error:
            raise RemoteReadOnlyError("429") from error


class ThrottledIsEmpty(Limited):
    """Takes the refusal of a listing for its end."""

    async def list(self, prefix=""):
        try:
            return await super().list(prefix)
        except RemoteUnavailableError:
            return []


class ThrottledIsAnErrorOfTheLibrary(Limited):
    def refuse_if_throttled(self):
        try:
            super().refuse_if_throttled()
        except RemoteUnavailableError as error:
            raise ConnectionError("429") from error


class FailsToClose(MemoryRemote):
    """Closes the connection twice."""

    async def __aexit__(self, *_):
        raise RuntimeError("the session is closed already")


class FailsToOpen(MemoryRemote):
    async def __aenter__(self):
        raise RemoteUnavailableError("401 Unauthorized")


class HangsWhenClosed(MemoryRemote):
    """Waits for an answer to its farewell, which the service gives to the last one only."""

    async def __aexit__(self, *_):
        if not hasattr(self.place, "was_left"):
            self.place.was_left = True
            await asyncio.Event().wait()


class GoesOnPolling(MemoryRemote):
    """Releases nothing: the task that polls goes on for ever."""

    async def __aenter__(self):
        self.polling = asyncio.ensure_future(asyncio.Event().wait())
        return self


async def leave(remote, name, data):
    """As another program would; the place allows no carriage return in a name."""
    if "\r" in name:
        raise RemoteError("400 Bad Request")
    remote.place.files[name] = data


async def fill(remote):
    remote.place.is_full = True


async def throttle(remote):
    remote.place.is_throttled = True


class SlowPlace(MemoryPlace):
    """What one view has done is seen by the other after `settle` only."""

    def __init__(self):
        super().__init__()
        self.views = []

    async def settle(self):
        await asyncio.sleep(0)
        for view in self.views:
            if view.seen.files != self.files:
                view.seen.files = dict(self.files)
                view.seen.notify()


class Eventual(MemoryRemote):
    """Sees its own changes at once, as with a service that is consistent in the end."""

    def __init__(self, place):
        super().__init__(place)
        self.seen = MemoryPlace()
        self.other = MemoryRemote(self.seen)
        place.views.append(self)

    async def put(self, name, data):
        await super().put(name, data)
        self.seen.files[name] = data

    async def get(self, name, *, bytes_max):
        return await self.other.get(name, bytes_max=bytes_max)

    async def list(self, prefix=""):
        return await self.other.list(prefix)

    async def delete(self, name):
        await super().delete(name)
        self.seen.files.pop(name, None)

    async def changes(self):
        async for _ in self.other.changes():
            yield


WRONG_SERVICES = {
    "get returns what put was given": [Buffer, View],
    "the largest file of the library is taken whole": [SixMegabytes, TenMegabytesRefused, PartsInAnyOrder],
    "list returns the files below the prefix": [SizeOfLarge, ListingCached],
    "many files and concurrent calls are no trouble": [Page1000, Page200, Hurried],
    "delete removes one file, and a missing one is no error": [PrefixDelete, DeletedStaysListed],
    "a name that is used again is read anew": [Cached, CachedBySize, MissingIsCached],
    "a cancelled call does no harm": [PartListed],
    "what another program left is listed as it is": [HidesForeign, PerProcess, OpensWhatItWouldWrite],
    "a full place says so and keeps no part": [Shy, FullAsUnavailable, FullLeavesHalf, FullLeavesPart],
    "a service that has no time is waited for": [
        ThrottledIsReadOnly,
        ThrottledIsEmpty,
        ThrottledIsAnErrorOfTheLibrary,
    ],
}

SAYS = {
    Buffer: "get gave a bytearray, not bytes",
    View: "get gave a memoryview, not bytes",
    SixMegabytes: "has 6000000 bytes",
    TenMegabytesRefused: "413",
    PartsInAnyOrder: "'a/x' has 67108864 bytes",
    SizeOfLarge: "listing '' gave",
    ListingCached: "listing '' gave",
    Page1000: "1100 files were put, 1000 of them were listed by ''",
    Page200: "1100 files were put, 250 of them were listed by ''",
    Hurried: "gets at once, of d/00",
    PrefixDelete: "a delete of 'a/x' also removed ['a/x.2', 'a/x2']",
    DeletedStaysListed: "a deleted file is still listed",
    Cached: "get of a file that was deleted 1 times raised nothing",
    CachedBySize: "has 8 bytes b'\\x00",
    MissingIsCached: "RemoteFileMissingError",
    PartListed: "calls that were cancelled left ['b/cut-1.part'] in the listing for ever",
    HidesForeign: "was not listed as it is",
    PerProcess: "was not listed as it is",
    OpensWhatItWouldWrite: "RemoteFileMissingError",
    Shy: "No space left on device",
    FullAsUnavailable: "put into a full place raised RemoteUnavailableError",
    FullLeavesHalf: "get of what had no room raised nothing",
    FullLeavesPart: "a put that had no room left ['a/x.part']",
    ThrottledIsReadOnly: "RemoteReadOnlyError",
    ThrottledIsEmpty: "a listing by a service that has no time lacked 'a/x'",
    ThrottledIsAnErrorOfTheLibrary: "ConnectionError('429')",
}

NOT_IN_GOOD_ORDER = {
    FailsToClose: "leaving it after the check that get returns what put was given raised RuntimeError",
    FailsToOpen: "opening it raised RemoteUnavailableError",
    HangsWhenClosed: "leaving it after the check that get returns what put was given raised TimeoutError",
    GoesOnPolling: "2 tasks went on after it was left",
}
