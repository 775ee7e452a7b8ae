"""Small disks of our own: an ext4 whose power can be cut, a tmpfs that is soon full. Linux, as root."""

import contextlib
import fcntl
import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from types import TracebackType
from typing import Self

DISK_BYTES = 64 * 1024 * 1024
JOURNAL_S = 900
UNMOUNT_DEADLINE_S = 10.0

# <linux/ext4.h>: stop at once, as when the power goes; 2 is "and do not write the journal first".
_EXT4_IOC_SHUTDOWN = 0x8004587D
_NO_LOG_FLUSH = 2
_PREFIX = "crdtsync-services-"


@cache
def why_no_power_cut() -> str:
    """Return why no power can be cut here; empty when it can."""
    if why := _why_not_root("losetup", "mkfs.ext4", "mount", "umount"):
        return why
    try:
        with PowerDisk() as disk:
            disk.cut()
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no ext4 on a loop device can be mounted and shut down here: {_said(error)}"
    return ""


@cache
def why_no_tmpfs() -> str:
    """Return why no small tmpfs can be mounted here; empty when it can."""
    if why := _why_not_root("mount", "umount"):
        return why
    try:
        with SmallDisk(1024 * 1024):
            pass
    except (OSError, subprocess.CalledProcessError) as error:
        return f"no tmpfs can be mounted here: {_said(error)}"
    return ""


def _why_not_root(*tools: str) -> str:
    if not sys.platform.startswith("linux"):
        return "needs Linux"
    if os.geteuid() != 0:
        return "needs root"
    missing = [tool for tool in tools if shutil.which(tool) is None]
    return f"needs {', '.join(missing)}" if missing else ""


def _said(error: Exception) -> str:
    return (getattr(error, "stderr", None) or str(error)).strip()


class PowerDisk:
    """An ext4 file system in a file, whose power can be cut: what was not synced is gone."""

    def __init__(self) -> None:
        self._home = _home()
        self._image = self._home / "image"
        self.root = self._home / "disk"
        """Where it is mounted."""
        self.cuts = 0

    def __enter__(self) -> Self:
        self.root.mkdir()
        try:
            with self._image.open("wb") as file:
                file.truncate(DISK_BYTES)
            _run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=1,nodiscard", str(self._image))
            self._mount()
        except BaseException:
            _remove(self._home)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _remove(self._home)

    def stop(self) -> None:
        """Cut the power: every call fails from now on, and nothing more reaches the medium."""
        descriptor = os.open(self.root, os.O_RDONLY)
        try:
            fcntl.ioctl(descriptor, _EXT4_IOC_SHUTDOWN, struct.pack("I", _NO_LOG_FLUSH))
        finally:
            os.close(descriptor)
        self.cuts += 1

    def restart(self) -> None:
        """Switch it on again. Whoever had files open there must be gone."""
        _unmount(self.root)
        self._mount()

    def cut(self) -> None:
        """Cut the power and switch it on again."""
        self.stop()
        self.restart()

    def _mount(self) -> None:
        # The loop device goes away by itself with the mount. Nothing is written of its own accord (commit=): what
        # nobody has synced is lost, however slow the machine.
        _run(
            "mount", "-t", "ext4", "-o", f"loop,noatime,commit={JOURNAL_S}", str(self._image), str(self.root)
        )


class SmallDisk:
    """A tmpfs of a fixed size, of which all but some bytes can be taken away and given back."""

    def __init__(self, size_bytes: int) -> None:
        self._size_bytes = size_bytes
        self._home = _home()
        self.root = self._home / "disk"
        """Where it is mounted."""

    def __enter__(self) -> Self:
        self.root.mkdir()
        try:
            _run("mount", "-t", "tmpfs", "-o", f"size={self._size_bytes}", "tmpfs", str(self.root))
        except BaseException:
            _remove(self._home)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        _remove(self._home)

    @property
    def free_bytes(self) -> int:
        """How much room there is."""
        status = os.statvfs(self.root)
        return status.f_bavail * status.f_frsize

    def leave(self, free_bytes: int) -> None:
        """Fill it up to so many bytes (whole pages)."""
        with (self.root / "ballast").open("wb") as file:
            os.posix_fallocate(file.fileno(), 0, max(self.free_bytes - free_bytes, 1))

    def clear(self) -> None:
        """Give the room back."""
        (self.root / "ballast").unlink(missing_ok=True)


@contextlib.contextmanager
def mounted(root: Path) -> Iterator[Path]:
    """See that whatever is mounted at `root` is gone afterwards."""
    try:
        yield root
    finally:
        _unmount(root)


def _home() -> Path:
    _sweep()
    return Path(tempfile.mkdtemp(prefix=f"{_PREFIX}{os.getpid()}-"))


@cache
def _sweep() -> None:
    """Take away what runs that were killed have left mounted."""
    for home in Path(tempfile.gettempdir()).glob(f"{_PREFIX}*"):
        owner = home.name.removeprefix(_PREFIX).split("-", 1)[0]
        if owner.isdigit() and not Path("/proc", owner).exists():
            with contextlib.suppress(OSError, subprocess.CalledProcessError):
                _remove(home)


def _remove(home: Path) -> None:
    _unmount(home / "disk")
    shutil.rmtree(home)


def _unmount(root: Path) -> None:
    deadline = time.monotonic() + UNMOUNT_DEADLINE_S
    while os.path.ismount(root):
        if time.monotonic() > deadline:
            _run("umount", "--lazy", str(root))
            raise OSError(f"{root} is still in use")
        if subprocess.run(["umount", str(root)], check=False, capture_output=True).returncode:
            time.sleep(0.02)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True, text=True)
