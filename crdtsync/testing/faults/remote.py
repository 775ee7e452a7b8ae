"""A remote on a fault folder: the contract, as far as the faults of its machine's view allow."""

from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Self

from crdtsync.errors import (
    RemoteFileExistsError,
    RemoteFileMissingError,
    RemoteFileNotLocalError,
    RemoteFileTooLargeError,
    RemoteFullError,
    RemoteReadOnlyError,
    RemoteUnavailableError,
    UsageError,
)
from crdtsync.remote import RemoteFile, RemoteTraits
from crdtsync.testing.faults.folder import Folder
from crdtsync.testing.faults.kinds import FaultKind
from crdtsync.testing.faults.views import View
from crdtsync.testing.memory import check_name

Gate = Callable[[str, str, bool], Awaitable[None]]
"""Is told of a call (`put`, `get`, `list`, `delete`), its name, and whether it has taken effect.

It may wait, and it may raise: the call then ends there.
"""

Listing = list[RemoteFile]


class FaultRemote:
    """One machine's remote on a `FaultPlace`.

    Calls never wait by themselves: without a gate, each is done when it returns to the event loop first.
    What this machine puts is in its own view at once; others see it when silent steps have carried it.
    """

    def __init__(self, folder: Folder, view: View, *, gate: Gate | None, is_settled: bool) -> None:
        self._folder = folder
        self._view = view
        self._gate = gate
        self._is_settled = is_settled

    @property
    def address(self) -> str:
        """The place's name (``fault``, if it was given none) and the machine's."""
        return f"{self._folder.name}:{self._view.machine}"

    @property
    def machine(self) -> str:
        """Whose view it is."""
        return self._view.machine

    @property
    def is_elsewhere(self) -> bool:
        """Whether an empty folder, or another one, is in the place of this one, and listings show it."""
        return self._view.shown is not None and FaultKind.LISTING_STALE not in self._view.states

    @property
    def traits(self) -> RemoteTraits:
        """Two machines may put one name: neither is sure to be told."""
        return RemoteTraits(kind="fault")

    async def put(self, name: str, data: bytes) -> None:
        """Create the file in this machine's view; its upload is still to come.

        Raises:
            RemoteFileExistsError: the name is taken in this view.
            RemoteFullError, RemoteReadOnlyError, RemoteUnavailableError: a fault.
            UsageError: the contract allows no such name.
        """
        check_name(name)
        if self._gate is not None:
            await self._gate("put", name, False)
        self._put(name, bytes(data))
        if self._is_settled:
            self._folder.settle()
        if self._gate is not None:
            await self._gate("put", name, True)

    async def get(self, name: str, *, bytes_max: int) -> bytes:
        """Return the content as this view has it.

        Raises:
            RemoteFileMissingError: no such file in this view.
            RemoteFileNotLocalError: a placeholder.
            RemoteFileTooLargeError: more than `bytes_max`.
            RemoteUnavailableError: a fault.
        """
        if self._gate is not None:
            await self._gate("get", name, False)
        data = self._get(name)
        if len(data) > bytes_max:
            raise RemoteFileTooLargeError(f"{name} has {len(data)} bytes, more than {bytes_max}")
        if self._gate is not None:
            await self._gate("get", name, True)
        return data

    async def list(self, prefix: str = "") -> Listing:
        """Return the files of this view below `prefix`, sorted by name.

        Raises:
            RemoteUnavailableError: a fault.
            UsageError: `prefix` is no directory's name.
        """
        if prefix and not prefix.endswith("/"):
            raise UsageError(f"{prefix!r} is no directory's name: it must end with /")
        if self._gate is not None:
            await self._gate("list", prefix, False)
        listing = self._list()
        if prefix:
            listing = [file for file in listing if file.name.startswith(prefix)]
        if self._gate is not None:
            await self._gate("list", prefix, True)
        return listing

    async def delete(self, name: str) -> None:
        """Remove the file from this view, if it is there; that is still to reach the service.

        Raises:
            RemoteReadOnlyError, RemoteUnavailableError: a fault.
        """
        if self._gate is not None:
            await self._gate("delete", name, False)
        self._delete(name)
        if self._is_settled:
            self._folder.settle()
        if self._gate is not None:
            await self._gate("delete", name, True)

    async def changes(self) -> AsyncGenerator[None, None]:
        """Yield once at the beginning and when this view has changed, as far as the watcher works."""
        event = self._view.watch()
        try:
            while True:
                yield
                await event.wait()
                event.clear()
        finally:
            del self._view.events[event]

    async def __aenter__(self) -> Self:
        """Nothing to take."""
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing to release."""

    def _put(self, name: str, data: bytes) -> None:
        view = self._view
        is_stalled = self._writes("put", name)
        if view.shown is not None:
            if name in view.shown:
                raise RemoteFileExistsError(f"{name} is there already")
            view.shown[name] = data
        elif name in view.files:
            raise RemoteFileExistsError(f"{name} is there already")
        else:
            if view.states:
                self._may_be_full(name, data)
            if FaultKind.UPLOADS_IGNORED in view.states:
                self._struck(FaultKind.UPLOADS_IGNORED)
                view.set(name, data)
            else:
                self._folder.put(view, name, data)
        if is_stalled or self._takes(FaultKind.PUT_UNANSWERED):
            raise RemoteUnavailableError(f"no answer to the put of {name}")

    def _may_be_full(self, name: str, data: bytes) -> None:
        folder, view = self._folder, self._view
        full = view.states.get(FaultKind.FULL)
        if full is not None:
            full.number -= 1
            if full.number < 0:
                self._struck(FaultKind.FULL)
                raise RemoteFullError(f"no space for {name}")
        if self._takes(FaultKind.FULL_YET_WRITTEN):
            folder.put(view, name, data)
            raise RemoteFullError(f"no space for {name}")
        part = view.states.get(FaultKind.FULL_LEAVES_PART)
        if part is not None and name not in folder.server and self._takes(FaultKind.FULL_LEAVES_PART):
            prefix = data[: len(data) * part.share // 8]
            folder.damaged.append(prefix)
            folder.store(name, prefix, by=view)
            folder.torn.add(name)
            raise RemoteFullError(f"no space for {name}")

    def _get(self, name: str) -> bytes:
        view = self._view
        self._begins("get", name)
        if view.shown is not None:
            data = view.shown.get(name)
        else:
            data = view.files.get(name)
            if name in view.hydrating:
                raise RemoteFileNotLocalError(f"{name} is a placeholder")
            if name in view.unreadable:
                self._struck(FaultKind.HYDRATION_FAILS)
                raise RemoteUnavailableError(f"the service that has {name} does not run")
            if name in view.twins:
                # Which of two files of one name is opened is anybody's guess: by turns.
                view.has_swapped_twin ^= {name}
                if name not in view.has_swapped_twin:
                    data = view.twins[name]
        hidden = view.states.get(FaultKind.NOT_FOUND)
        if hidden is not None and hidden.name == name:
            self._struck(FaultKind.NOT_FOUND)
            data = None
        if data is None:
            raise RemoteFileMissingError(f"{name} is not there")
        return data

    def _list(self) -> Listing:
        view = self._view
        self._begins("list", "")
        listing = view.listing()
        if not view.states or view.shown is not None:
            return listing
        if FaultKind.LISTING_FAILS in view.states:
            self._struck(FaultKind.LISTING_FAILS)
            raise RemoteUnavailableError("the listing broke off")
        stale = view.states.get(FaultKind.LISTING_STALE)
        if stale is not None and stale.listing is not None and stale.listing != listing:
            self._struck(FaultKind.LISTING_STALE)
            listing = stale.listing.copy()
        incomplete = view.states.get(FaultKind.LISTING_INCOMPLETE)
        if incomplete is not None and listing:
            self._struck(FaultKind.LISTING_INCOMPLETE)
            every = 2 + incomplete.number % 4
            del listing[incomplete.number // 4 % every :: every]
        repeats = view.states.get(FaultKind.LISTING_REPEATS)
        if repeats is not None and listing:
            self._struck(FaultKind.LISTING_REPEATS)
            every = 1 + repeats.number % 4
            listing = sorted(listing + listing[::every], key=lambda file: file.name)
        return listing

    def _delete(self, name: str) -> None:
        view = self._view
        is_stalled = self._writes("delete", name)
        if view.shown is not None:
            view.shown.pop(name, None)
        else:
            self._folder.delete(view, name)
        if is_stalled or self._takes(FaultKind.PUT_UNANSWERED):
            raise RemoteUnavailableError(f"no answer to the delete of {name}")

    def _writes(self, call: str, name: str) -> bool:
        """Let the faults of writing calls strike; whether it is a stalled one that is done."""
        is_stalled = self._begins(call, name)
        if FaultKind.READ_ONLY in self._view.states:
            self._struck(FaultKind.READ_ONLY)
            raise RemoteReadOnlyError(f"this machine may not {call} {name}")
        return is_stalled

    def _begins(self, call: str, name: str) -> bool:
        """Count the call, and let the faults of every call strike; whether it is a stalled one that is done."""
        view = self._view
        view.turn()
        if not view.states:
            return False
        for kind in (FaultKind.FOLDER_UNMOUNTED, FaultKind.UNAVAILABLE):
            if kind in view.states:
                self._struck(kind)
                raise RemoteUnavailableError(f"{kind}: no {call} of {name}")
        throttled = view.states.get(FaultKind.THROTTLED)
        if throttled is not None:
            throttled.share += 1
            if throttled.share % throttled.number:
                self._struck(FaultKind.THROTTLED)
                raise RemoteUnavailableError(f"too many calls: no {call} of {name}")
        violation = view.states.get(FaultKind.SHARING_VIOLATION)
        if violation is not None and violation.name == name:
            self._struck(FaultKind.SHARING_VIOLATION)
            raise RemoteUnavailableError(f"{name} is in use")
        if (stalled := view.states.get(FaultKind.STALLED)) and self._takes(FaultKind.STALLED):
            if stalled.share and call in ("put", "delete"):
                return True
            raise RemoteUnavailableError(f"no answer to the {call} of {name}")
        return False

    def _takes(self, kind: FaultKind) -> bool:
        """Whether a fault that lies in wait for one call has found it."""
        state = self._view.states.get(kind)
        if state is None:
            return False
        state.number -= 1
        if state.number >= 0:
            return False
        self._struck(kind)
        self._view.end(kind)
        return True

    def _struck(self, kind: FaultKind) -> None:
        state = self._view.states[kind]
        if not state.has_struck:
            state.has_struck = True
            self._folder.injected[kind] += 1
