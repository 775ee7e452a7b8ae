"""Which names may be written, which may be opened, and what services and we ourselves put beside them."""

import os
import re

from crdtsync.errors import UsageError

NAME_LENGTH_MAX = 120
DEPTH_MAX = 8
"""How many components a name may have; listings go no deeper."""

TEMP_PREFIX = "~cs-"
TEMP_SUFFIX = ".tmp"
"""Sync clients skip ``~*`` or ``*.tmp`` by default; a client that does not only carries an ignored file."""

_ICLOUD_SUFFIX = ".icloud"
_STUB_SUFFIXES = (".nextcloud", ".owncloud")

_COMPONENT = re.compile(r"[a-z0-9-](?:[a-z0-9.-]*[a-z0-9-])?")

# Windows opens a device under these names, whatever follows the first dot.
_DEVICES = frozenset(
    {"con", "prn", "aux", "nul"} | {f"{port}{n}" for port in ("com", "lpt") for n in range(10)}
)


def split_new_name(name: str) -> list[str]:
    """Return the components of a name that may be written on every system a peer may have.

    Stricter than the contract in three ways: a component neither begins nor ends with a dot (services hide
    the first, Windows strips the second), is no device of Windows, and does not look like a placeholder.

    Raises:
        UsageError: the name breaks these rules.
    """
    components = name.split("/")
    if len(name) > NAME_LENGTH_MAX or len(components) > DEPTH_MAX or ".." in name:
        raise UsageError(f"{name!r} is no name for a file on a remote")
    for component in components:
        if (
            not _COMPONENT.fullmatch(component)
            or component.partition(".")[0] in _DEVICES
            or component.endswith((_ICLOUD_SUFFIX, *_STUB_SUFFIXES))
        ):
            raise UsageError(f"{name!r} is no name for a file on a remote")
    return components


def split_listed_name(name: str) -> list[str]:
    """Return the components of a name that a listing can give; others' names may be anything inside the root.

    Raises:
        UsageError: no listing gives such a name; opening it could leave the root.
    """
    components = name.split("/")
    # A backslash separates and a colon names a drive or a stream on Windows; elsewhere both are letters.
    is_hostile = "\0" in name or (os.name == "nt" and ("\\" in name or ":" in name))
    if is_hostile or any(component in ("", ".", "..") for component in components):
        raise UsageError(f"{name!r} is no name inside the folder")
    return components


def is_temp_name(leaf: str) -> bool:
    """Whether this is a temporary file of ours, on whatever machine it was written."""
    return leaf.startswith(TEMP_PREFIX) and leaf.endswith(TEMP_SUFFIX)


def stub_names(leaf: str) -> tuple[str, ...]:
    """Return the names under which services leave a stand-in for a file whose content is elsewhere."""
    return (f".{leaf}{_ICLOUD_SUFFIX}", *(f"{leaf}{suffix}" for suffix in _STUB_SUFFIXES))


def real_name_of_stub(leaf: str) -> str | None:
    """Return the name a stand-in stands for, or None if it is an ordinary file."""
    if leaf.startswith(".") and leaf.endswith(_ICLOUD_SUFFIX):
        return leaf[1 : -len(_ICLOUD_SUFFIX)] or None
    for suffix in _STUB_SUFFIXES:
        if leaf.endswith(suffix):
            return leaf[: -len(suffix)] or None
    return None
