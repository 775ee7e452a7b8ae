"""What an adapter implements: a dumb, shared place for immutable files.

An adapter never interprets names or content. It promises:

* `put` creates and never replaces. When it returns, the whole file is visible under its name and survives a
  power cut of this machine; when it raises, no reader ever takes a partial file for a whole one.
* `get` returns the file's bytes as they are on this machine now, or raises; it never returns more than asked.
* `list` is a hint: it may be late, incomplete or repeat itself, and never proves that something is absent.
* `delete` of a file that is not there is no error.
* `changes` wakes the caller up when something may have changed, also when it did not; it may also never wake
  anybody, so callers poll as well.

Names are relative, `/`-separated, of the characters ``a-z 0-9 - . /``, at most 120 long, without ``..``. Names
that others left in the place may be anything; an adapter lists them as they are and opens them only by
exactly the name it listed.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Protocol, Self, runtime_checkable


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """One line of a listing."""

    name: str
    size_bytes: int
    is_local: bool = True
    """False for a placeholder: the file exists, its content is not on this machine."""


@dataclass(frozen=True, slots=True)
class RemoteTraits:
    """What a caller may count on beyond the contract, as values."""

    kind: str
    """The adapter's name, e.g. ``folder``."""

    create_only_is_enforced: bool = False
    """Whether two machines that put one name are sure to see one of them fail."""

    poll_interval_s: float = 1.0
    """How often polling is worth its cost when no event comes."""

    local_root: str | None = None
    """The directory on this machine that holds the files, if there is one."""


@runtime_checkable
class Remote(Protocol):
    """A shared place for files. All methods may be called concurrently, from one event loop.

    Every method may raise `RemoteUnavailableError` (waiting helps).
    """

    @property
    def address(self) -> str:
        """How a person names this place, e.g. ``folder:/home/ada/Dropbox/sales``."""
        ...

    @property
    def traits(self) -> RemoteTraits:
        """What this remote can do."""
        ...

    async def put(self, name: str, data: bytes) -> None:
        """Create the file, durably.

        Raises:
            RemoteFileExistsError: the name is taken; the file there was not touched.
            RemoteFullError: no space; nothing is left under the name.
            RemoteReadOnlyError: this machine may not write there.
        """
        ...

    async def get(self, name: str, *, bytes_max: int) -> bytes:
        """Return the content.

        Raises:
            RemoteFileMissingError: no such file.
            RemoteFileNotLocalError: a placeholder whose content is not here.
            RemoteFileTooLargeError: more than `bytes_max`.
        """
        ...

    async def list(self, prefix: str = "") -> list[RemoteFile]:
        """Return the regular files whose names begin with `prefix` (a directory: it ends with ``/``, or empty)."""
        ...

    async def delete(self, name: str) -> None:
        """Remove the file if it is there.

        Raises:
            RemoteReadOnlyError: this machine may not delete there.
        """
        ...

    def changes(self) -> AsyncIterator[None]:
        """Yield whenever something may have changed. Ends only when closed by the caller."""
        ...

    async def __aenter__(self) -> Self:
        """Make the remote usable; also once more after it was left.

        A place that cannot be reached now is not an error here.
        """
        ...

    async def __aexit__(self, *_: object) -> None:
        """Release what was taken."""
        ...
