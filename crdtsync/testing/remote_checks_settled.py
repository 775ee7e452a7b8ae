"""A view of a place that needs time: what is put or deleted has settled before the call returns."""

from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Self

from crdtsync.remote import Remote, RemoteFile, RemoteTraits

Settle = Callable[[], Awaitable[None]]


class SettledRemote:
    """Another remote, which after each `put` and `delete` waits until all views can see it."""

    def __init__(self, own: Remote, settle: Settle) -> None:
        self.own = own
        """The remote that is checked."""
        self._settle = settle

    @property
    def address(self) -> str:
        """As of the remote."""
        return self.own.address

    @property
    def traits(self) -> RemoteTraits:
        """As of the remote."""
        return self.own.traits

    async def put(self, name: str, data: bytes) -> None:
        """Put, and wait; also when it failed, since what is there already may not have arrived everywhere."""
        try:
            await self.own.put(name, data)
        finally:
            await self._settle()

    async def get(self, name: str, *, bytes_max: int) -> bytes:
        """Get."""
        return await self.own.get(name, bytes_max=bytes_max)

    async def list(self, prefix: str = "") -> list[RemoteFile]:
        """List."""
        return await self.own.list(prefix)

    async def delete(self, name: str) -> None:
        """Delete, and wait."""
        try:
            await self.own.delete(name)
        finally:
            await self._settle()

    def changes(self) -> AsyncIterator[None]:
        """As of the remote."""
        return self.own.changes()

    async def __aenter__(self) -> Self:
        """Enter the remote."""
        entered = await self.own.__aenter__()
        # Whoever gets another object than was entered is to notice it.
        return self if entered is self.own else entered  # type: ignore[return-value]

    async def __aexit__(self, *error: object) -> None:
        """Leave the remote."""
        await self.own.__aexit__(*error)


def own_remote(remote: Remote) -> Remote:
    """Return the remote itself, which is what the functions of who checks it know."""
    return remote.own if isinstance(remote, SettledRemote) else remote
