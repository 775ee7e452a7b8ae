"""What is in the folder, told from names and metadata alone."""

import logging
import stat
from dataclasses import dataclass, field

from crdtsync.errors import RemoteUnavailableError
from crdtsync.remote import RemoteFile
from crdtsync_folder.disk import Disk
from crdtsync_folder.names import DEPTH_MAX, is_temp_name, real_name_of_stub
from crdtsync_folder.placeholders import is_real_directory

ENTRIES_MAX = 200_000

_logger = logging.getLogger("crdtsync.folder")


@dataclass(slots=True)
class Listing:
    """What one walk through the folder met."""

    files: list[RemoteFile] = field(default_factory=list)
    temp_paths: list[str] = field(default_factory=list)
    """Temporary files of ours, of whatever machine."""


@dataclass(slots=True)
class _Walk:
    waiting: list[tuple[str, str]]
    listing: Listing = field(default_factory=Listing)
    lines: dict[str, dict[str, RemoteFile]] = field(default_factory=dict)
    entries_seen: int = 0


class Walker:
    """Walks through directories below the root, and never through a link.

    Skipped: links, junctions, pipes, sockets, devices, directories whose names begin with a dot (services
    keep old versions and caches there), our own temporary files, and names that are not Unicode (they could
    not be stored or shown, and nothing of ours or derived from ours has one).
    """

    def __init__(self, *, disk: Disk, entries_max: int = ENTRIES_MAX, depth_max: int = DEPTH_MAX) -> None:
        self._disk = disk
        self._entries_max = entries_max
        self._depth_max = depth_max
        self._was_too_deep = False
        # Most files are the same as in the last walk: their lines are used again, which halves the cost of an
        # idle poll, and two equal listings are then compared by identity.
        self._lines: dict[str, dict[str, RemoteFile]] = {}

    def walk(self, directory: str, prefix: str) -> Listing:
        """Return what is below `directory`, whose names begin with `prefix`.

        A directory further down that cannot be read, or vanishes meanwhile, does not hide the others.

        Raises:
            OSError: `directory` itself cannot be read.
            RemoteUnavailableError: there is more than any folder of ours holds.
        """
        walk = _Walk(waiting=[(directory, prefix)])
        while walk.waiting:
            path, prefix_here = walk.waiting.pop()
            try:
                self._read(path, prefix_here, walk)
            except OSError as error:
                if path == directory:
                    raise
                _logger.debug("folder.directory_unreadable path=%r error=%s", path, error)
        # A walk through a part of the folder must not forget the rest; a full one forgets what is gone.
        self._lines = self._lines | walk.lines if prefix else walk.lines
        return walk.listing

    def _read(self, path: str, prefix: str, walk: "_Walk") -> None:
        before = self._lines.get(path, {})
        here = walk.lines[path] = {}
        files = walk.listing.files
        is_placeholder = self._disk.is_placeholder
        with self._disk.scandir(path) as entries:
            for entry in entries:
                walk.entries_seen += 1
                if walk.entries_seen > self._entries_max:
                    raise RemoteUnavailableError(
                        f"The folder holds more than {self._entries_max} entries",
                        hint="Remove what does not belong to it; nothing was concluded from what was seen",
                    )
                leaf: str = entry.name
                try:
                    status = entry.stat(follow_symlinks=False)
                except OSError:  # gone since the directory was read, or locked: a listing is a hint
                    continue
                if not leaf.isascii() and not _is_unicode(leaf):
                    continue
                if not stat.S_ISREG(status.st_mode):
                    if (
                        is_real_directory(status)
                        and not leaf.startswith(".")
                        and self._may_enter(path, prefix)
                    ):
                        walk.waiting.append((entry.path, f"{prefix}{leaf}/"))
                    continue
                is_local = is_placeholder is None or not is_placeholder(status)
                line = before.get(leaf)
                if line is None or line.size_bytes != status.st_size or line.is_local is not is_local:
                    if is_temp_name(leaf):
                        walk.listing.temp_paths.append(entry.path)
                        continue
                    line = _line(prefix, leaf, status.st_size, is_local=is_local)
                here[leaf] = line
                files.append(line)

    def _may_enter(self, path: str, prefix: str) -> bool:
        if prefix.count("/") + 1 < self._depth_max:
            return True
        # Nothing of ours lies deeper, so a stranger's deep tree is no reason to stop.
        if not self._was_too_deep:
            self._was_too_deep = True
            _logger.warning("folder.too_deep path=%r depth_max=%d", path, self._depth_max)
        return False


def _line(prefix: str, leaf: str, size_bytes: int, *, is_local: bool) -> RemoteFile:
    real_leaf = real_name_of_stub(leaf)
    if real_leaf is not None:
        # The stub's own size says nothing about the file.
        return RemoteFile(f"{prefix}{real_leaf}", 0, is_local=False)
    return RemoteFile(f"{prefix}{leaf}", size_bytes, is_local)


def _is_unicode(name: str) -> bool:
    try:
        name.encode()
    except UnicodeEncodeError:
        return False
    return True
