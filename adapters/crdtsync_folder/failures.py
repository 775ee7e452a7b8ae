"""What the operating system's errors mean to a caller of a remote, and which of them pass by themselves."""

import errno

from crdtsync.errors import (
    RemoteError,
    RemoteFileNotLocalError,
    RemoteFullError,
    RemoteReadOnlyError,
    RemoteUnavailableError,
)

# Access denied, sharing violation, lock violation. Windows says "access denied" too while a virus scanner, an
# indexer or a sync client holds the file, so it is worth some patience there; EACCES elsewhere is an answer.
_BUSY_WINDOWS = frozenset({5, 32, 33})
_BUSY = frozenset({errno.EBUSY, errno.ETXTBSY})

_SHARING_WINDOWS = frozenset({32, 33})
_FULL_WINDOWS = frozenset({39, 112})

# The provider of a cloud file is not running, has no network, failed, or did not answer.
_NOT_LOCAL_WINDOWS = frozenset({362, 388, 389, 426})

_FULL = frozenset({errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)})
_READ_ONLY = frozenset({errno.EROFS, errno.EACCES, errno.EPERM})


def _windows_code(error: OSError) -> int:
    # Exists on Windows only.
    return getattr(error, "winerror", None) or 0


def is_busy(error: OSError) -> bool:
    """Whether another program holds the file for a moment, so that the same call may soon succeed."""
    return _windows_code(error) in _BUSY_WINDOWS or error.errno in _BUSY


def write_failure(error: OSError, doing: str) -> RemoteError:
    """Return what to raise when writing or deleting failed."""
    code = _windows_code(error)
    if error.errno in _FULL or code in _FULL_WINDOWS:
        return RemoteFullError(f"No space while {doing}")
    if error.errno in _READ_ONLY and code not in _SHARING_WINDOWS:
        return RemoteReadOnlyError(f"Not allowed while {doing}")
    return RemoteUnavailableError(f"The folder failed while {doing}: {error}")


def read_failure(error: OSError, doing: str) -> RemoteError:
    """Return what to raise when reading failed for another reason than a missing file."""
    # EDEADLK is how macOS refuses to fetch a dataless file.
    if _windows_code(error) in _NOT_LOCAL_WINDOWS or error.errno == errno.EDEADLK:
        return RemoteFileNotLocalError(f"The sync service did not bring the content while {doing}")
    return RemoteUnavailableError(f"The folder failed while {doing}: {error}")
