"""The folder as a remote: names and addresses in, blocking calls beside the event loop, results out."""

# Paths stay strings, as the user wrote them: links in the way to the root are not resolved.
# ruff: noqa: PTH100, PTH111

import asyncio
import logging
import os
from collections.abc import AsyncGenerator, Awaitable, Callable
from pathlib import Path
from typing import Self, final

from crdtsync.errors import RemoteAddressError, RemoteError, UsageError
from crdtsync.remote import RemoteFile, RemoteTraits
from crdtsync_folder.disk import Disk
from crdtsync_folder.failures import read_failure
from crdtsync_folder.files import Files
from crdtsync_folder.listing import ENTRIES_MAX, Listing, Walker
from crdtsync_folder.names import split_listed_name
from crdtsync_folder.threads import Threads
from crdtsync_folder.watching import EventSource, Sighting, folder_changes, os_events

POLL_INTERVAL_S = 1.0
TIMEOUT_S = 60.0

_logger = logging.getLogger("crdtsync.folder")


def open_remote(location: str) -> "FolderRemote":
    """Return the remote in the directory `location`: what follows ``folder:`` in an address.

    ``~`` is expanded; a relative path is taken from the working directory of this moment. The directory
    need not be there now, and is never made.

    Raises:
        RemoteAddressError: `location` is empty, or no path.
    """
    path = os.path.expanduser(location.strip())
    if not path or "\0" in path or path.startswith("~"):
        raise RemoteAddressError(
            f"folder:{location} names no folder",
            hint="Write folder: and the path of a folder, e.g. folder:~/Dropbox/sales",
        )
    return FolderRemote(path)


@final
class FolderRemote:
    """A `Remote` in a directory that something else may keep in step with other machines.

    Beyond the contract a caller may rely on this:

    * The root is never created: a shared folder that was made anew by its user looks like success and is
      sent to nobody. While it is missing, everything raises `RemoteUnavailableError`.
    * No link is followed below the root, nothing but regular files is opened, and no placeholder: the
      service is not made to fetch anything.
    * A call that gets no answer within `timeout_s` raises `RemoteUnavailableError` and goes on unheard.
      After a `put` that raised for this or any other reason than the name, the file may be there; it is
      whole then, and the same `put` raises `RemoteFileExistsError`.
    * `changes` yields once at its beginning.
    """

    def __init__(
        self,
        root: str | Path,
        *,
        poll_interval_s: float = POLL_INTERVAL_S,
        timeout_s: float = TIMEOUT_S,
        entries_max: int = ENTRIES_MAX,
        events: EventSource | None = os_events,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
        disk: Disk | None = None,
        machine: str = "",
    ) -> None:
        """Name the place; nothing is touched yet.

        Args:
            root: the directory.
            poll_interval_s: how often `changes` looks by itself.
            timeout_s: how long a call may take.
            entries_max: how many entries a listing may meet.
            events: where events come from; None where none ever come.
            sleep: waits between polls.
            disk: the operating system's calls.
            machine: names this machine in its temporary files; by default its network name.
        """
        path = os.path.abspath(root)
        disk = disk or Disk()
        self._address = f"folder:{path}"
        self._root = _long_path(path)
        self._traits = RemoteTraits(kind="folder", poll_interval_s=poll_interval_s, local_root=path)
        self._sleep = sleep
        self._events = events
        self._files = Files(self._root, disk=disk, machine=machine)
        self._walker = Walker(disk=disk, entries_max=entries_max)
        self._threads = Threads(timeout_s=timeout_s)

    @property
    def address(self) -> str:
        """``folder:`` and the absolute path."""
        return self._address

    @property
    def traits(self) -> RemoteTraits:
        """Two machines may both succeed in putting one name; each has a directory of its own to poll."""
        return self._traits

    async def put(self, name: str, data: bytes) -> None:
        """Create the file, durably; also its parent directories below the root.

        Cancelling the task does not stop a write that has begun.

        Raises:
            RemoteFileExistsError: the name is taken; the file there was not touched.
            RemoteFullError: no space; nothing is left under the name.
            RemoteReadOnlyError: this machine may not write there.
            RemoteUnavailableError: the folder is not there, busy, failed, or gave no answer.
            UsageError: the contract allows no such name, or a system among the peers' does not.
        """
        await self._threads.run(lambda: self._files.put(name, data), doing=f"writing {name}")

    async def get(self, name: str, *, bytes_max: int) -> bytes:
        """Return what the file holds on this machine now, which may be the beginning of what was written.

        Raises:
            RemoteFileMissingError: no such regular file.
            RemoteFileNotLocalError: a placeholder; it was not opened.
            RemoteFileTooLargeError: more than `bytes_max`.
            RemoteUnavailableError: the folder is not there, busy, failed, or gave no answer.
            UsageError: no listing gives such a name.
        """
        return await self._threads.run(
            lambda: self._files.get(name, bytes_max=bytes_max), doing=f"reading {name}"
        )

    async def list(self, prefix: str = "") -> list[RemoteFile]:
        """Return the regular files below `prefix`, in no order; see `Walker` for what is left out.

        Raises:
            RemoteUnavailableError: the folder is not there, holds far too much, or gave no answer.
            UsageError: `prefix` is no directory's name.
        """
        listing = await self._threads.run(lambda: self._walk(prefix), doing="listing")
        return listing.files

    async def delete(self, name: str) -> None:
        """Remove the file if it is there; what is no regular file is left alone.

        Raises:
            RemoteReadOnlyError: this machine may not delete there.
            RemoteUnavailableError: the folder is not there, busy, failed, or gave no answer.
            UsageError: no listing gives such a name.
        """
        await self._threads.run(lambda: self._files.delete(name), doing=f"deleting {name}")

    def changes(self) -> AsyncGenerator[None, None]:
        """Yield once at the beginning and whenever something may have changed.

        Close it with `aclose` (`contextlib.aclosing`), or cancel the task that iterates.
        """
        return folder_changes(
            root=self._root,
            look=self._look,
            poll_interval_s=self._traits.poll_interval_s,
            sleep=self._sleep,
            events=self._events,
        )

    async def __aenter__(self) -> Self:
        """Remove what interrupted writes of this machine left, if the folder can be reached."""
        try:
            await self._threads.run(self._remove_leftovers, doing="opening")
        except RemoteError as error:
            _logger.debug("folder.not_reached_at_open root=%r error=%s", self._root, error)
        return self

    async def __aexit__(self, *_: object) -> None:
        """Nothing is held between calls."""

    def _walk(self, prefix: str) -> Listing:
        if prefix and not prefix.endswith("/"):
            raise UsageError(f"{prefix!r} is no directory's name: it must end with /")
        components = split_listed_name(prefix[:-1]) if prefix else []
        self._files.require_root()
        try:
            directory = self._files.directory(components)
            return Listing() if directory is None else self._walker.walk(directory, prefix)
        except OSError as error:
            if isinstance(error, FileNotFoundError) and prefix:
                return Listing()
            raise read_failure(error, "listing") from error

    def _remove_leftovers(self) -> None:
        self._files.remove_leftovers(self._walk("").temp_paths)

    async def _look(self) -> Sighting:
        def look() -> Sighting:
            root = self._files.require_root()
            return Sighting((root.st_dev, root.st_ino), self._walk("").files)

        return await self._threads.run(look, doing="polling")


def _long_path(path: str) -> str:
    """Lift the limit of 260 characters on Windows, where this prefix also makes every name literal."""
    if os.name != "nt" or path.startswith("\\\\?\\"):
        return path
    if path.startswith("\\\\"):
        return "\\\\?\\UNC\\" + path[2:]
    return "\\\\?\\" + path
