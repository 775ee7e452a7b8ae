"""Remotes around remotes: one that can be switched off, one that is slow. They own no files."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Self

from crdtsync.errors import RemoteUnavailableError
from crdtsync.remote import Remote, RemoteFile, RemoteTraits

Sleep = Callable[[float], Awaitable[None]]


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
        """Return the next time somebody goes from offline to online."""
        self._turned_on.clear()
        await self._turned_on.wait()

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


@dataclass(slots=True)
class Delay:
    """How long a slow folder takes to show a file of somebody else."""

    delay_s: float = 0.0


class SlowRemote:
    """A remote that takes its time over every file, as a sync service on a bad line does."""

    def __init__(self, inner: Remote, delay: Delay, *, sleep: Sleep = asyncio.sleep) -> None:
        self._inner = inner
        self._delay = delay
        self._sleep = sleep

    @property
    def address(self) -> str:
        """As the remote inside."""
        return self._inner.address

    @property
    def traits(self) -> RemoteTraits:
        """As the remote inside."""
        return self._inner.traits

    async def put(self, name: str, data: bytes) -> None:
        """Put a file, late."""
        await self._wait()
        await self._inner.put(name, data)

    async def get(self, name: str, *, bytes_max: int) -> bytes:
        """Get a file, late."""
        await self._wait()
        return await self._inner.get(name, bytes_max=bytes_max)

    async def list(self, prefix: str = "") -> list[RemoteFile]:
        """List files; names travel at once."""
        return await self._inner.list(prefix)

    async def delete(self, name: str) -> None:
        """Delete a file."""
        await self._inner.delete(name)

    async def changes(self) -> AsyncIterator[None]:
        """Yield what the remote inside yields."""
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

    async def _wait(self) -> None:
        if self._delay.delay_s > 0:
            await self._sleep(self._delay.delay_s)
