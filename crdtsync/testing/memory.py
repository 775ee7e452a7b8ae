"""A remote in memory: the contract without a disk, threads, time or chance."""

import asyncio
import re
from collections.abc import AsyncGenerator
from typing import Self

from crdtsync.errors import (
    RemoteFileExistsError,
    RemoteFileMissingError,
    RemoteFileTooLargeError,
    RemoteUnavailableError,
    UsageError,
)
from crdtsync.remote import RemoteFile, RemoteTraits

NAME_LENGTH_MAX = 120

_COMPONENT = re.compile(r"[a-z0-9-](?:[a-z0-9.-]*[a-z0-9-])?")


class MemoryPlace:
    """What several remotes share. Everything is visible to all of them at once."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        """Content by name. A test may change it as a stranger would; `notify` then wakes the remotes up."""

        self.is_reachable = True
        """While false, every call on every view raises `RemoteUnavailableError`."""

        self._waiting: set[asyncio.Event] = set()

    def notify(self) -> None:
        """Wake up whoever iterates over `changes` of any view."""
        for event in self._waiting:
            event.set()

    def subscribe(self) -> asyncio.Event:
        """Return an event that is set at each change, until `unsubscribe`."""
        event = asyncio.Event()
        self._waiting.add(event)
        return event

    def unsubscribe(self, event: asyncio.Event) -> None:
        """Forget the event."""
        self._waiting.discard(event)


class MemoryRemote:
    """One machine's view of a `MemoryPlace`.

    It fulfils the contract at its strongest: listings are complete and sorted, names are taken once, every
    change wakes every view (the maker's too). Each call lets other tasks run once before it takes effect,
    and nothing else delays it: the same calls in the same order give the same results.
    """

    def __init__(self, place: MemoryPlace, *, name: str = "memory") -> None:
        self.place = place
        self._address = f"memory:{name}"

    @property
    def address(self) -> str:
        """``memory:`` and the name that was given."""
        return self._address

    @property
    def traits(self) -> RemoteTraits:
        """One of two that put one name is sure to fail."""
        return RemoteTraits(kind="memory", create_only_is_enforced=True)

    async def put(self, name: str, data: bytes) -> None:
        """Create the file.

        Raises:
            RemoteFileExistsError: the name is taken.
            RemoteUnavailableError: the place is switched off.
            UsageError: the contract allows no such name.
        """
        check_name(name)
        await self._turn()
        if name in self.place.files:
            raise RemoteFileExistsError(f"{name} is there already")
        self.place.files[name] = bytes(data)
        self.place.notify()

    async def get(self, name: str, *, bytes_max: int) -> bytes:
        """Return the content.

        Raises:
            RemoteFileMissingError: no such file.
            RemoteFileTooLargeError: more than `bytes_max`.
            RemoteUnavailableError: the place is switched off.
        """
        await self._turn()
        data = self.place.files.get(name)
        if data is None:
            raise RemoteFileMissingError(f"{name} is not there")
        if len(data) > bytes_max:
            raise RemoteFileTooLargeError(f"{name} has {len(data)} bytes, more than {bytes_max}")
        return data

    async def list(self, prefix: str = "") -> list[RemoteFile]:
        """Return all files below `prefix`, sorted by name.

        Raises:
            RemoteUnavailableError: the place is switched off.
            UsageError: `prefix` is no directory's name.
        """
        if prefix and not prefix.endswith("/"):
            raise UsageError(f"{prefix!r} is no directory's name: it must end with /")
        await self._turn()
        files = self.place.files
        return [RemoteFile(name, len(files[name])) for name in sorted(files) if name.startswith(prefix)]

    async def delete(self, name: str) -> None:
        """Remove the file if it is there.

        Raises:
            RemoteUnavailableError: the place is switched off.
        """
        await self._turn()
        if self.place.files.pop(name, None) is not None:
            self.place.notify()

    async def changes(self) -> AsyncGenerator[None, None]:
        """Yield once at the beginning and after each change, however many changes one yield stands for."""
        event = self.place.subscribe()
        try:
            while True:
                yield
                await event.wait()
                event.clear()
        finally:
            self.place.unsubscribe(event)

    async def __aenter__(self) -> Self:
        """Nothing to take."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to release."""

    async def _turn(self) -> None:
        await asyncio.sleep(0)
        if not self.place.is_reachable:
            raise RemoteUnavailableError("The place is switched off")


def check_name(name: str) -> None:
    """Refuse a name that the contract does not allow.

    Raises:
        UsageError: it is one.
    """
    components = name.split("/")
    if len(name) > NAME_LENGTH_MAX or ".." in name or not all(map(_COMPONENT.fullmatch, components)):
        raise UsageError(f"{name!r} is no name for a file on a remote")
