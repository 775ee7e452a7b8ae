"""Single files in the folder: written whole and durably, read within a bound, removed."""

# Paths stay strings: `Path` objects cost several times as much in these loops.
# ruff: noqa: PTH118, PTH119

import contextlib
import errno
import functools
import hashlib
import logging
import os
import platform
import stat
import threading

from crdtsync.errors import (
    RemoteFileExistsError,
    RemoteFileMissingError,
    RemoteFileNotLocalError,
    RemoteFileTooLargeError,
    RemoteUnavailableError,
)
from crdtsync_folder.disk import Disk, Patience
from crdtsync_folder.failures import read_failure, write_failure
from crdtsync_folder.names import TEMP_PREFIX, TEMP_SUFFIX, split_listed_name, split_new_name, stub_names
from crdtsync_folder.placeholders import is_placeholder, is_real_directory, is_real_file

_READ_BYTES = 1 << 20

# Nothing is followed, no pipe is waited for, no terminal taken, no line ending changed, no child inherits.
_FLAGS = (
    getattr(os, "O_NOFOLLOW", 0)
    | getattr(os, "O_NONBLOCK", 0)
    | getattr(os, "O_NOCTTY", 0)
    | getattr(os, "O_BINARY", 0)
    | getattr(os, "O_CLOEXEC", 0)
)
_READ_FLAGS = os.O_RDONLY | _FLAGS
_WRITE_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_EXCL | _FLAGS

# How file systems without hard links say so (FAT, many FUSE mounts, SMB shares, some containers). EIO is what a
# drive mounted by rclone says; where it is a medium that fails, the rename that follows will say so too.
_CANNOT_LINK = frozenset(
    {
        errno.EPERM,
        errno.EACCES,
        errno.ENOTSUP,
        errno.EOPNOTSUPP,
        errno.ENOSYS,
        errno.EINVAL,
        errno.EMLINK,
        errno.EXDEV,
        errno.EIO,
    }
)

_logger = logging.getLogger("crdtsync.folder")


class Files:
    """The blocking half of `put`, `get` and `delete`, for one root. Calls may run in several threads."""

    def __init__(self, root: str, *, disk: Disk, machine: str = "") -> None:
        self._root = root
        self._disk = disk
        machine_hash = hashlib.blake2s((machine or platform.node()).encode(), digest_size=4).hexdigest()
        self._temp_prefix = f"{TEMP_PREFIX}{machine_hash}-"
        self._durable_directories: set[str] = set()
        self._check_and_rename = threading.Lock()

    def require_root(self) -> os.stat_result:
        """Return the root's status.

        Raises:
            RemoteUnavailableError: it is not there, or no directory.
        """
        try:
            status = self._disk.stat(self._root)
        except OSError as error:
            raise RemoteUnavailableError(
                f"The folder {self._root} is not there",
                hint="Mount it, start the service that provides it, or make it if it is new",
            ) from error
        if not stat.S_ISDIR(status.st_mode):
            raise RemoteUnavailableError(f"{self._root} is not a folder")
        return status

    def directory(self, components: list[str]) -> str | None:
        """Return the path of a directory that is reached without following any link, or None."""
        path = self._root
        for component in components:
            path = os.path.join(path, component)
            try:
                if not is_real_directory(self._disk.lstat(path)):
                    return None
            except (FileNotFoundError, NotADirectoryError):
                return None
        return path

    def put(self, name: str, data: bytes) -> None:
        """Create the file. See `Remote.put`; a root that is missing is never made."""
        *parents, leaf = split_new_name(name)
        doing = f"writing {name}"
        patience = Patience(self._disk.sleep)
        self.require_root()
        try:
            try:
                self._put(parents, leaf, name, data, patience)
            except FileNotFoundError:
                # The temporary file or its directory was cleared away under us (by a service, or by another
                # process of this machine that took it for a leftover): once more, then it is a failure.
                self.require_root()
                self._put(parents, leaf, name, data, patience)
        except FileExistsError as error:
            raise RemoteFileExistsError(f"{name} is there already") from error
        except OSError as error:
            raise write_failure(error, doing) from error

    def get(self, name: str, *, bytes_max: int) -> bytes:
        """Return the content. See `Remote.get`; if there are fewer bytes than listed, those."""
        *parents, leaf = split_listed_name(name)
        doing = f"reading {name}"
        try:
            directory = self.directory(parents)
            if directory is None:
                raise FileNotFoundError(name)
            path = os.path.join(directory, leaf)
            status = self._disk.lstat(path)
            if not is_real_file(status):
                raise RemoteFileMissingError(f"{name} is not a regular file")
            if (
                is_placeholder(status)
                if self._disk.is_placeholder is None
                else self._disk.is_placeholder(status)
            ):
                raise RemoteFileNotLocalError(f"The content of {name} is not on this machine")
            if status.st_size > bytes_max:
                raise RemoteFileTooLargeError(f"{name} has {status.st_size} bytes, more than {bytes_max}")
            return self._read(path, status, name, bytes_max)
        except (FileNotFoundError, NotADirectoryError) as error:
            self.require_root()
            if self._has_stub(parents, leaf):
                raise RemoteFileNotLocalError(f"The content of {name} is not on this machine") from error
            raise RemoteFileMissingError(f"{name} is not there") from error
        except OSError as error:
            raise read_failure(error, doing) from error

    def delete(self, name: str) -> None:
        """Remove the file, or what stands in for it. What is no regular file is left alone."""
        *parents, leaf = split_listed_name(name)
        patience = Patience(self._disk.sleep)
        self.require_root()
        try:
            directory = self.directory(parents)
            if directory is None:
                return
            for candidate in (leaf, *stub_names(leaf)):
                path = os.path.join(directory, candidate)
                with contextlib.suppress(FileNotFoundError):
                    if is_real_file(self._disk.lstat(path)):
                        patience.retry(functools.partial(self._disk.unlink, path))
        except OSError as error:
            raise write_failure(error, f"deleting {name}") from error

    def remove_leftovers(self, temp_paths: list[str]) -> None:
        """Remove temporary files of this machine, which an interrupted `put` left.

        Told by the machine's name in theirs and by nothing else: no clock and no process list is trusted.
        Should one be in use after all (a second process here, a machine of the same name), its `put` writes
        it again, or fails and is repeated by its caller; nothing published is ever touched.
        """
        for path in temp_paths:
            if os.path.basename(path).startswith(self._temp_prefix):
                with contextlib.suppress(OSError):
                    self._disk.unlink(path)
                    _logger.info("folder.leftover_removed path=%r", path)

    def _put(self, parents: list[str], leaf: str, name: str, data: bytes, patience: Patience) -> None:
        directory = self._make_directory(parents)
        if self._is_taken(directory, leaf):
            raise RemoteFileExistsError(f"{name} is there already")
        self._write_and_publish(directory, os.path.join(directory, leaf), data, patience)
        self._disk.sync_directory(directory)

    def _make_directory(self, parents: list[str]) -> str:
        path = self._root
        for component in parents:
            parent, path = path, os.path.join(path, component)
            try:
                status = self._disk.lstat(path)
            except FileNotFoundError:
                self._durable_directories.discard(path)
                with contextlib.suppress(FileExistsError):
                    self._disk.mkdir(path)
                status = self._disk.lstat(path)
            if not is_real_directory(status):
                raise RemoteUnavailableError(
                    f"{path} is in the way: a directory is needed there, and no link"
                )
            # Also for a directory found there: whoever made it may have been cut before this.
            if path not in self._durable_directories:
                self._disk.sync_directory(parent)
                self._durable_directories.add(path)
        return path

    def _is_taken(self, directory: str, leaf: str) -> bool:
        return any(self._exists(os.path.join(directory, name)) for name in (leaf, *stub_names(leaf)))

    def _has_stub(self, parents: list[str], leaf: str) -> bool:
        directory = os.path.join(self._root, *parents)
        return any(self._exists(os.path.join(directory, name)) for name in stub_names(leaf))

    def _exists(self, path: str) -> bool:
        try:
            self._disk.lstat(path)
        except (FileNotFoundError, NotADirectoryError):
            return False
        return True

    def _write_and_publish(self, directory: str, target: str, data: bytes, patience: Patience) -> None:
        temp, descriptor = patience.retry(lambda: self._open_temp(directory))
        is_temp_left = True
        try:
            try:
                rest = memoryview(data)
                while rest:
                    rest = rest[self._disk.write(descriptor, rest) :]
                self._disk.sync_file(descriptor)
            finally:
                # Windows renames no open file.
                os.close(descriptor)
            is_temp_left = patience.retry(lambda: self._publish(temp, target))
        finally:
            if is_temp_left:
                # One that another program holds stays behind and is removed when the folder is next opened.
                with contextlib.suppress(OSError):
                    self._disk.unlink(temp)

    def _open_temp(self, directory: str) -> tuple[str, int]:
        # A new name at every try: what failed may have made the file, which then says nothing of the target.
        temp = os.path.join(directory, f"{self._temp_prefix}{self._disk.random_hex()}{TEMP_SUFFIX}")
        return temp, self._disk.open(temp, _WRITE_FLAGS, 0o666)

    def _publish(self, temp: str, target: str) -> bool:
        """Give the file its name, without replacing another. Return whether the temporary name remains."""
        if self._disk.link is not None:
            try:
                self._disk.link(temp, target)
            except OSError as error:
                if error.errno not in _CANNOT_LINK:
                    raise
            else:
                return True
            # Without links, two processes that write one name could both pass this, and the later would
            # replace the earlier. Names are unique to their writer, so it does not come to that.
            with self._check_and_rename:
                if self._exists(target):
                    raise FileExistsError(target)
                self._disk.rename(temp, target)
            return False
        self._disk.rename(temp, target)
        return False

    def _read(self, path: str, status: os.stat_result, name: str, bytes_max: int) -> bytes:
        descriptor = Patience(self._disk.sleep).retry(lambda: self._disk.open(path, _READ_FLAGS, 0))
        try:
            opened = self._disk.fstat(descriptor)
            # Windows before 3.12 numbers files differently for the two calls on some file systems.
            is_same = os.name == "nt" or (opened.st_dev, opened.st_ino) == (status.st_dev, status.st_ino)
            if not is_real_file(opened) or not is_same:
                raise RemoteFileMissingError(f"{name} was exchanged while it was opened")
            parts: list[bytes] = []
            left = bytes_max + 1
            while left > 0:
                part = self._disk.read(descriptor, min(left, max(_READ_BYTES, opened.st_size + 1)))
                if not part:
                    return b"".join(parts)
                parts.append(part)
                left -= len(part)
        finally:
            os.close(descriptor)
        raise RemoteFileTooLargeError(f"{name} has more than {bytes_max} bytes")
