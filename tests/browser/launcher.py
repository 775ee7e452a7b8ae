"""The launcher as a process of its own, with the workstations it starts, and what they wrote."""

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.parse
from collections.abc import Sequence
from pathlib import Path

START_DEADLINE_S = 60.0
STOP_DEADLINE_S = 20.0
POLL_S = 0.02
NAMES = ("office", "R1", "R2")

_ADDRESS = re.compile(r"^(office|R1|R2|together) +(http://\S+)$")


class Launcher:
    """`python -m examples.sales.web` on free ports of the loopback address."""

    def __init__(
        self,
        directory: Path,
        *arguments: str,
        names: Sequence[str] = NAMES,
        folder: Path | None = None,
    ) -> None:
        self.directory = directory
        self.folder = folder or directory / "folder"
        self._log_path = directory / "launcher.log"
        self._names = names
        self._arguments = arguments
        self._process: subprocess.Popen[str] | None = None
        self._log_read_bytes = 0
        self.addresses: dict[str, str] = {}

    def __enter__(self):
        only = () if self._names == NAMES else tuple(f"--only={name}" for name in self._names)
        directory = self.directory
        directory.mkdir(parents=True, exist_ok=True)
        self.folder.mkdir(exist_ok=True)
        with self._log_path.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "examples.sales.web", "--no-browser", "--port=0"]
                + [f"--data={directory / 'data'}", f"--folder={self.folder}", *only, *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=Path(__file__).parents[2],
            )
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if found := _ADDRESS.match(line.strip()):
                self.addresses[found[1]] = found[2]
            if "Ctrl-C" in line:
                break
        else:
            self.__exit__()
            raise AssertionError(f"the launcher ended by itself:\n{self.written()}")
        try:
            for address in self.addresses.values():
                self._wait_for(address)
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_):
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.send_signal(signal.SIGINT)
            try:
                self._process.wait(STOP_DEADLINE_S)
            except subprocess.TimeoutExpired:
                # The workstations end by themselves when their input does.
                self._process.kill()
                self._process.wait()
        assert self._process.stdout is not None
        self._process.stdout.close()

    def process_id(self, name: str) -> int:
        """Return the id of a workstation's process."""
        assert self._process is not None
        for directory in Path("/proc").iterdir():
            if not directory.name.isdecimal():
                continue
            try:
                words = (directory / "cmdline").read_bytes().split(b"\0")
                parent = (directory / "stat").read_text().rpartition(")")[2].split()[1]
            except OSError:
                continue
            if f"--name={name}".encode() in words and int(parent) == self._process.pid:
                return int(directory.name)
        raise LookupError(f"{name} does not run")

    def kill(self, name: str) -> None:
        """End a workstation in the middle of whatever it does."""
        os.kill(self.process_id(name), signal.SIGKILL)

    def written(self) -> str:
        """Return what the processes wrote since the last time this was asked."""
        with self._log_path.open("rb") as log:
            log.seek(self._log_read_bytes)
            written = log.read()
        self._log_read_bytes += len(written)
        return written.decode("utf-8", errors="replace")

    def _wait_for(self, address: str) -> None:
        parts = urllib.parse.urlsplit(address)
        deadline_s = time.monotonic() + START_DEADLINE_S
        while True:
            try:
                socket.create_connection((parts.hostname or "", parts.port or 0), timeout=1).close()
            except OSError:
                assert self._process is not None
                assert self._process.poll() is None, f"the launcher ended:\n{self.written()}"
                assert time.monotonic() < deadline_s, f"{address} does not answer:\n{self.written()}"
                time.sleep(POLL_S)
            else:
                return
