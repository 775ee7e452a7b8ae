"""What a file is, by its metadata alone: opening a placeholder could fetch it, fail or never return."""

import stat
import sys
from typing import Any

# https://learn.microsoft.com/windows/win32/fileio/file-attribute-constants
_OFFLINE = 0x1000
_RECALL_ON_OPEN = 0x4_0000
_RECALL_ON_DATA_ACCESS = 0x40_0000
_NOT_LOCAL_ATTRIBUTES = _OFFLINE | _RECALL_ON_OPEN | _RECALL_ON_DATA_ACCESS

# <sys/stat.h> of macOS: right name, right size, no data.
_SF_DATALESS = 0x4000_0000

# Set in reparse tags that stand for another path (links, junctions), clear in those of cloud files.
_NAME_SURROGATE = 0x2000_0000

METADATA_TELLS = sys.platform in ("win32", "darwin")
"""Whether this system's stat results can tell a placeholder; elsewhere listings skip the question."""


def is_placeholder(status: Any) -> bool:
    """Whether the content is not on this machine, by a stat result (of any system)."""
    return bool(
        getattr(status, "st_file_attributes", 0) & _NOT_LOCAL_ATTRIBUTES
        or getattr(status, "st_flags", 0) & _SF_DATALESS
    )


def is_real_directory(status: Any) -> bool:
    """Whether this is a directory itself, and neither a link nor a junction that leads to one."""
    return stat.S_ISDIR(status.st_mode) and not _is_junction(status)


def is_real_file(status: Any) -> bool:
    """Whether this is a regular file itself: no link, pipe, socket or device."""
    return stat.S_ISREG(status.st_mode) and not _is_junction(status)


def _is_junction(status: Any) -> bool:
    return bool(getattr(status, "st_reparse_tag", 0) & _NAME_SURROGATE)
