"""A shared place as each machine sees it: files arrive late, in any order, twice, in part, or not yet."""

import asyncio
from dataclasses import dataclass, field

from crdtsync.errors import (
    RemoteError,
    RemoteFileExistsError,
    RemoteFileMissingError,
    RemoteFileNotLocalError,
    RemoteFileTooLargeError,
    RemoteUnavailableError,
)
from crdtsync.remote import RemoteFile, RemoteTraits

WHOLE, PARTIAL, ZEROS, COPY, PLACEHOLDER = "whole", "partial", "zeros", "copy", "placeholder"
ARRIVALS = (WHOLE, PARTIAL, ZEROS, COPY, PLACEHOLDER)


@dataclass
class View:
    """One machine's copy of the place."""

    files: dict[str, bytes] = field(default_factory=dict)
    placeholders: set[str] = field(default_factory=set)
    coming: dict[str, None] = field(default_factory=dict)
    """Names of files whose state here is not the one they have in the place, oldest first."""


class SlowPlace:
    """The files as they are in the service, and a view of them for each machine."""

    def __init__(self) -> None:
        self.files: dict[str, bytes] = {}
        self.ever: dict[str, bytes] = {}
        """The content of every file that ever was: what was deleted may still arrive somewhere."""
        self.owners: dict[str, str] = {}
        self.views: dict[str, View] = {}

    def view(self, machine: str) -> View:
        if machine not in self.views:
            self.views[machine] = View(coming=dict.fromkeys(self.files))
        return self.views[machine]

    def changed(self, name: str, machine: str) -> None:
        """Note that a machine has put or deleted a file."""
        for other, view in self.views.items():
            if other != machine:
                view.coming[name] = None

    def arrive(self, machine: str, place: int, how: str) -> None:
        """Let the `place`-th of the coming files arrive at a machine, in whatever way."""
        view = self.view(machine)
        if not view.coming:
            return
        name = list(view.coming)[place % len(view.coming)]
        content = self.files.get(name)
        if how == WHOLE:
            del view.coming[name]
            view.placeholders.discard(name)
            if content is None:
                view.files.pop(name, None)
            else:
                view.files[name] = content
            return
        content = self.ever[name]
        if how == COPY:
            view.files[conflict_name(name)] = content
        elif view.files.get(name) == content:
            return
        elif how == PLACEHOLDER:
            view.files[name] = content
            view.placeholders.add(name)
        else:
            half = len(content) // 2
            view.placeholders.discard(name)
            view.files[name] = content[:half] + (bytes(len(content) - half) if how == ZEROS else b"")

    def lose(self, machine: str, place: int) -> None:
        """Let one of the coming segments or ledger files never arrive at a machine."""
        view = self.view(machine)
        found = [name for name in view.coming if "/s-" in name or "/l-" in name]
        if found:
            name = found[place % len(found)]
            del view.coming[name]
            if view.files.get(name) != self.ever[name]:
                view.files.pop(name, None)
            view.placeholders.discard(name)

    def vanish(self, machine: str, place: int, kept: set[str]) -> None:
        """Let a file vanish for one machine, or what it has put and kept for everybody."""
        view = self.view(machine)
        found = sorted(n for n in view.files if "/" in n and (n in kept or self.owners.get(n) != machine))
        if found:
            name = found[place % len(found)]
            del view.files[name]
            if self.owners.get(name) == machine and self.files.pop(name, None) is not None:
                self.changed(name, machine)

    def arrive_all(self) -> None:
        """Let everything arrive everywhere."""
        for machine, view in self.views.items():
            while view.coming:
                self.arrive(machine, 0, WHOLE)


def conflict_name(name: str) -> str:
    """Return a name that a service gives to the second of two files."""
    return name.removesuffix(".crdts") + " (conflicted copy 2024-05-06).crdts"


class SlowRemote:
    """One machine's remote on a `SlowPlace`. What it puts is in its own view at once."""

    def __init__(self, place: SlowPlace, machine: str) -> None:
        self.place = place
        self.machine = machine
        self.view = place.view(machine)
        self.calls = 0
        self.fail_at = 0
        """The number of the call that fails; 0 for none."""
        self.fails_late = False
        """Whether that call takes effect, and its caller is not told."""
        self.error: type[RemoteError] = RemoteUnavailableError
        self.puts: list[str] = []
        self.deletes: list[str] = []

    @property
    def address(self) -> str:
        return "slow:place"

    @property
    def traits(self) -> RemoteTraits:
        return RemoteTraits(kind="slow", poll_interval_s=0.01)

    def fail(self, at: int, *, late: bool = False, error: type[RemoteError] = RemoteUnavailableError) -> None:
        """Let the `at`-th call from now on fail, once; 0 for none. Only what writes can find the place full."""
        self.calls, self.fail_at, self.fails_late, self.error = 0, at, late, error

    async def put(self, name: str, data: bytes) -> None:
        fails = await self._turn(writes=True)
        if name in self.view.files:
            raise RemoteFileExistsError(name)
        self.view.files[name] = self.place.files[name] = self.place.ever[name] = data
        self.view.coming.pop(name, None)
        self.place.owners[name] = self.machine
        self.place.changed(name, self.machine)
        self.puts.append(name)
        self._fail(fails)

    async def get(self, name: str, *, bytes_max: int) -> bytes:
        self._fail(await self._turn())
        if name not in self.view.files:
            raise RemoteFileMissingError(name)
        if name in self.view.placeholders:
            raise RemoteFileNotLocalError(name)
        if len(self.view.files[name]) > bytes_max:
            raise RemoteFileTooLargeError(name)
        return self.view.files[name]

    async def list(self, prefix: str = "") -> list[RemoteFile]:
        self._fail(await self._turn())
        return [
            RemoteFile(name, len(data), name not in self.view.placeholders)
            for name, data in sorted(self.view.files.items())
            if name.startswith(prefix)
        ]

    async def delete(self, name: str) -> None:
        fails = await self._turn(writes=True)
        self.view.files.pop(name, None)
        if self.place.files.pop(name, None) is not None:
            self.place.changed(name, self.machine)
            self.deletes.append(name)
        self._fail(fails)

    async def changes(self):
        yield
        await asyncio.Event().wait()

    async def __aenter__(self):
        return self

    async def __aexit__(self, *_: object) -> None:
        pass

    async def _turn(self, *, writes: bool = False) -> bool:
        await asyncio.sleep(0)
        if not writes and self.error is not RemoteUnavailableError:
            return False
        self.calls += 1
        fails = self.calls == self.fail_at
        if fails and not self.fails_late:
            self._fail(fails)
        return fails

    def _fail(self, fails: bool) -> None:
        if fails:
            raise self.error(f"call {self.calls} fails")
