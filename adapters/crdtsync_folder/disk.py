"""The operating system's calls, handed in so that each of them can be made to fail."""

import contextlib
import errno
import os
import secrets
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar

from crdtsync_folder.failures import is_busy
from crdtsync_folder.placeholders import METADATA_TELLS, is_placeholder

RETRY_DELAY_S = 0.05
RETRY_TOTAL_S = 2.0

_Result = TypeVar("_Result")

# What file systems without the notion answer to the fsync of a directory (FUSE, CIFS and others).
_CANNOT_SYNC = frozenset({errno.EINVAL, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS, errno.EBADF})


def sync_file(descriptor: int) -> None:
    """Bring a file's bytes to the medium."""
    if sys.platform == "darwin":
        import fcntl  # noqa: PLC0415 - not there on Windows

        # fsync of macOS stops at the drive's cache; network volumes know only fsync.
        with contextlib.suppress(OSError):
            fcntl.fcntl(descriptor, fcntl.F_FULLFSYNC)
            return
    os.fsync(descriptor)


def sync_directory(path: str) -> None:
    """Bring a directory's names to the medium, where the system can.

    Windows opens no directory for writing, so there is nothing to call; NTFS keeps names in its journal.
    """
    if os.name == "nt":
        return
    descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_CLOEXEC", 0))
    try:
        os.fsync(descriptor)
    except OSError as error:
        if error.errno not in _CANNOT_SYNC:
            raise
    finally:
        os.close(descriptor)


def _random_hex() -> str:
    return secrets.token_hex(8)


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """The calls that the adapter makes; by default those of this machine."""

    stat: Callable[[str], os.stat_result] = os.stat
    lstat: Callable[[str], os.stat_result] = os.lstat
    fstat: Callable[[int], os.stat_result] = os.fstat
    scandir: Callable[[str], Any] = os.scandir
    open: Callable[[str, int, int], int] = os.open
    read: Callable[[int, int], bytes] = os.read
    write: Callable[[int, memoryview], int] = os.write
    sync_file: Callable[[int], None] = sync_file
    sync_directory: Callable[[str], None] = sync_directory
    mkdir: Callable[[str], None] = os.mkdir
    link: Callable[[str, str], None] | None = None if os.name == "nt" else os.link
    """Create a second name and never replace one. None on Windows, whose `rename` never replaces either."""

    rename: Callable[[str, str], None] = os.rename
    unlink: Callable[[str], None] = os.unlink
    is_placeholder: Callable[[Any], bool] | None = is_placeholder if METADATA_TELLS else None
    sleep: Callable[[float], None] = time.sleep
    random_hex: Callable[[], str] = _random_hex


class Patience:
    """The time one operation may spend, over all its calls, on waiting for files that others hold."""

    def __init__(self, sleep: Callable[[float], None]) -> None:
        self._sleep = sleep
        self._left_s = RETRY_TOTAL_S

    def retry(self, call: Callable[[], _Result]) -> _Result:
        """Return what `call` returns, repeating it with growing pauses while another program holds the file.

        Raises:
            OSError: it failed for another reason, or the time is spent.
        """
        delay_s = RETRY_DELAY_S
        while True:
            try:
                return call()
            except OSError as error:
                if not is_busy(error) or self._left_s <= 0:
                    raise
            pause_s = min(delay_s, self._left_s)
            self._left_s -= pause_s
            delay_s *= 2
            self._sleep(pause_s)
