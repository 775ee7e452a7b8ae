"""Remotes around remotes: one that can be switched off, one that is slow. They own no files."""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass, field
from typing import Self

from crdtsync.errors import (
    RemoteFileExistsError,
    RemoteFileMissingError,
    RemoteFileTooLargeError,
    RemoteUnavailableError,
)
from crdtsync.remote import Remote, RemoteFile, RemoteTraits


@dataclass(slots=True)
class OfflineSwitch:
    """What a person presses. Everything begins online."""

    is_offline: bool = False
    _turned_on: asyncio.Event = field(default_factory=asyncio.Event)

    def turn(self, *, offline: bool) -> None:
        """Go offline or online; what is being transferred at this moment is finished."""
        if self.is_offline and not offline:
            self._turned_on.set()
        self.is_offline = offline

    async def wait_until_turned_on(self) -> None:
        """Return when somebody has gone from offline to online since this was last called."""
        await self._turned_on.wait()
        self._turned_on.clear()

    def require_online(self) -> None:
        """Refuse to go on while offline.

        Raises:
            RemoteUnavailableError: it is switched off.
        """
        if self.is_offline:
            raise RemoteUnavailableError("this workstation is switched offline")


class SwitchableRemote:
    """A remote that cannot be reached while its switch is off."""

    def __init__(self, inner: Remote, switch: OfflineSwitch) -> None:
        self._inner = inner
        self._switch = switch

    @property
    def address(self) -> str:
        """As the remote inside."""
        return self._inner.address

    @property
    def traits(self) -> RemoteTraits:
        """As the remote inside."""
        return self._inner.traits

    async def put(self, name: str, data: bytes) -> None:
        """Put a file, if online."""
        self._switch.require_online()
        await self._inner.put(name, data)

    async def get(self, name: str, *, bytes_max: int) -> bytes:
        """Get a file, if online."""
        self._switch.require_online()
        return await self._inner.get(name, bytes_max=bytes_max)

    async def list(self, prefix: str = "") -> list[RemoteFile]:
        """List files, if online."""
        self._switch.require_online()
        return await self._inner.list(prefix)

    async def delete(self, name: str) -> None:
        """Delete a file, if online."""
        self._switch.require_online()
        await self._inner.delete(name)

    async def changes(self) -> AsyncIterator[None]:
        """Yield what the remote inside yields, but nothing while offline."""
        async with aclosing(self._inner.changes()) as changes:  # type: ignore[type-var]
            async for _ in changes:
                if not self._switch.is_offline:
                    yield

    async def __aenter__(self) -> Self:
        """Enter the remote inside."""
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        """Leave the remote inside."""
        await self._inner.__aexit__(*error)


DELAYS = {"0": "no delay", "10": "10 seconds", "60": "1 minute", "300": "5 minutes", "3600": "1 hour"}
"""How slow a folder can be made, in seconds, and what that is called."""


@dataclass(frozen=True, slots=True)
class UnderWay:
    """What a slow folder has still to carry."""

    coming: int = 0
    """Files of others that are not shown here yet."""
    going: int = 0
    """Files of this machine that others cannot see yet."""
    next_s: int = 0
    """In how many seconds the next one arrives."""

    @property
    def next_text(self) -> str:
        """The same for a person."""
        return f"{self.next_s} s" if self.next_s < 120 else f"{math.ceil(self.next_s / 60)} min"


@dataclass(slots=True)
class Delay:
    """What a person chooses: how long a slow folder takes over a file, in either direction."""

    delay_s: float = 0.0
    clock: Callable[[], float] = time.monotonic
    coming: dict[str, float] = field(default_factory=dict)
    """Since when a file of somebody else is on its way here."""
    going: dict[str, tuple[float, bytes]] = field(default_factory=dict)
    """Since when a file of this machine is on its way out, and its content."""

    def is_due(self, since: float) -> bool:
        """Whether what is under way since then has arrived."""
        return self.clock() - since >= self.delay_s

    @property
    def next_s(self) -> float | None:
        """How long it takes until the next file arrives, or None if none is under way."""
        first = min([*self.coming.values(), *(since for since, _ in self.going.values())], default=None)
        return None if first is None else max(0.0, first + self.delay_s - self.clock())

    @property
    def under_way(self) -> UnderWay:
        """What is still to be carried."""
        return UnderWay(len(self.coming), len(self.going), math.ceil(self.next_s or 0.0))


class SlowRemote:
    """A remote whose files take their time, as those of a sync service on a bad line do.

    What is put here is here at once, and others see it later; what others put is seen here later. What is on
    its way out when the process ends is lost to the others, until its owner puts it again.
    """

    def __init__(self, inner: Remote, delay: Delay) -> None:
        self._inner = inner
        self._delay = delay
        self._shown: set[str] = set()

    @property
    def address(self) -> str:
        """As the remote inside."""
        return self._inner.address

    @property
    def traits(self) -> RemoteTraits:
        """As the remote inside."""
        return self._inner.traits

    async def put(self, name: str, data: bytes) -> None:
        """Put a file; while the folder is slow it is sent later."""
        if not self._delay.delay_s and not self._delay.going:
            await self._inner.put(name, data)
        elif name in self._delay.going or any(file.name == name for file in await self._inner.list()):
            raise RemoteFileExistsError(f"{name} is there already")
        else:
            self._delay.going[name] = (self._delay.clock(), data)
        self._shown.add(name)

    async def get(self, name: str, *, bytes_max: int) -> bytes:
        """Get a file, if it has arrived."""
        if name in self._delay.going:
            data = self._delay.going[name][1]
            if len(data) > bytes_max:
                raise RemoteFileTooLargeError(f"{name} has more than {bytes_max} bytes")
            return data
        if name in self._delay.coming:
            raise RemoteFileMissingError(f"{name} is not here yet")
        return await self._inner.get(name, bytes_max=bytes_max)

    async def list(self, prefix: str = "") -> list[RemoteFile]:
        """List what has arrived, and what is on its way out."""
        await self._deliver()
        found = {file.name: file for file in await self._inner.list(prefix)}
        for name in [name for name in self._delay.coming if name.startswith(prefix) and name not in found]:
            del self._delay.coming[name]
        for name in found.keys() - self._shown:
            if self._delay.is_due(self._delay.coming.setdefault(name, self._delay.clock())):
                del self._delay.coming[name]
                self._shown.add(name)
        leaving = {
            name: RemoteFile(name, len(data))
            for name, (_, data) in self._delay.going.items()
            if name.startswith(prefix)
        }
        return [file for name, file in found.items() if name in self._shown and name not in leaving] + [
            *leaving.values()
        ]

    async def delete(self, name: str) -> None:
        """Delete a file."""
        if self._delay.going.pop(name, None) is None:
            await self._inner.delete(name)

    async def changes(self) -> AsyncIterator[None]:
        """Yield what the remote inside yields. What arrives later is found by polling."""
        async with aclosing(self._inner.changes()) as changes:  # type: ignore[type-var]
            async for _ in changes:
                yield

    async def __aenter__(self) -> Self:
        """Enter the remote inside."""
        await self._inner.__aenter__()
        return self

    async def __aexit__(self, *error: object) -> None:
        """Leave the remote inside."""
        await self._inner.__aexit__(*error)

    async def _deliver(self) -> None:
        """Put what has been on its way long enough; what fails stays, and is tried at the next look."""
        for name, (since, data) in list(self._delay.going.items()):
            if not self._delay.is_due(since):
                continue
            with suppress(RemoteFileExistsError):  # Another look has just put it.
                await self._inner.put(name, data)
            self._delay.going.pop(name, None)
