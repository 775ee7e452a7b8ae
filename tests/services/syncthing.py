"""Real Syncthing on loopback: one daemon for each machine, with nothing that reaches beyond it."""

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import time
import urllib.request
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape, quoteattr

API_KEY = "loopback-only"
START_DEADLINE_S = 30.0
FOLDER = "shared"

# No monitor process (so that a kill meets the daemon itself), no benchmark of hashes, no upgrade.
_ENVIRONMENT = {"STMONITORED": "1", "STHASHING": "standard", "STNOUPGRADE": "1", "STNODEFAULTFOLDER": "1"}

_PATTERN = re.compile(r'<device id="([A-Z0-9-]+)"')

_OPTIONS = {
    "globalAnnounceEnabled": "false",
    "localAnnounceEnabled": "false",
    "relaysEnabled": "false",
    "natEnabled": "false",
    "urAccepted": "-1",
    "crashReportingEnabled": "false",
    "autoUpgradeIntervalH": "0",
    "startBrowser": "false",
    "setLowPriority": "false",
    "reconnectionIntervalS": "1",
    "limitBandwidthInLan": "true",
    "progressUpdateIntervalS": "-1",
}


def why_no_syncthing() -> str:
    """Return why there is no Syncthing here; empty when there is."""
    return "" if shutil.which("syncthing") else "needs syncthing (Debian: apt-get install syncthing)"


class Daemon:
    """One Syncthing, its own home and its own copy of the folder."""

    def __init__(self, home: Path, name: str, ports: tuple[int, int]) -> None:
        self.name = name
        self.root = home / "synced"
        self._home = home / "syncthing"
        self._port, self._gui_port = ports
        self._process: subprocess.Popen[bytes] | None = None
        self.root.mkdir(parents=True)
        (self.root / ".stfolder").mkdir()
        self._call("generate", f"--home={self._home}")
        found = _PATTERN.search((self._home / "config.xml").read_text(encoding="utf-8"))
        assert found is not None
        self.device = found[1]

    @property
    def address(self) -> str:
        """Where others reach it."""
        return f"tcp://127.0.0.1:{self._port}"

    def configure(self, others: "list[Daemon]", *, dials: "list[Daemon]") -> None:
        """Write its configuration: whom it shares the folder with, and whom of them it calls."""
        devices = "".join(
            f"<device id={quoteattr(one.device)} name={quoteattr(one.name)} compression='never'>"
            f"<address>{one.address if one in dials else 'dynamic'}</address></device>"
            for one in (self, *others)
        )
        members = "".join(f"<device id={quoteattr(one.device)}></device>" for one in (self, *others))
        options = "".join(f"<{key}>{value}</{key}>" for key, value in _OPTIONS.items())
        text = (
            f"<configuration version='36'>"
            f"<folder id='{FOLDER}' path={quoteattr(str(self.root))} type='sendreceive' rescanIntervalS='3600'"
            f" fsWatcherEnabled='true' fsWatcherDelayS='1' ignorePerms='true' autoNormalize='true'>{members}"
            # Missing or 0, the losing side of a conflict would vanish.
            f"<maxConflicts>-1</maxConflicts><minDiskFree unit='%'>0</minDiskFree></folder>{devices}"
            f"<gui enabled='true' tls='false'><address>127.0.0.1:{self._gui_port}</address>"
            f"<apikey>{API_KEY}</apikey></gui>"
            f"<options><listenAddress>{escape(self.address)}</listenAddress>{options}</options></configuration>"
        )
        (self._home / "config.xml").write_text(text, encoding="utf-8")

    def start(self) -> None:
        """Start it, unless it runs, and wait until it answers."""
        if self.is_running:
            return
        with (self._home / "log").open("ab") as log:
            self._process = subprocess.Popen(
                ["syncthing", "serve", f"--home={self._home}", "--no-browser", "--no-restart"],
                env={**os.environ, **_ENVIRONMENT},
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        deadline = time.monotonic() + START_DEADLINE_S
        while not self._answers():
            assert self.is_running, f"syncthing ended by itself:\n{self.log()}"
            assert time.monotonic() < deadline, f"syncthing does not answer:\n{self.log()}"
            time.sleep(0.05)

    @property
    def is_running(self) -> bool:
        """Whether its process is there."""
        return self._process is not None and self._process.poll() is None

    def kill(self) -> None:
        """End it at once, in the middle of whatever it does."""
        self._end(lambda process: process.kill())

    def stop(self) -> None:
        """Let it end properly."""
        self._end(lambda process: process.terminate())

    def pause(self, *others: "Daemon") -> None:
        """Break the connections to others, and make none."""
        for other in others:
            self.ask("POST", f"system/pause?device={other.device}")

    def resume(self, *others: "Daemon") -> None:
        """Connect again."""
        for other in others:
            self.ask("POST", f"system/resume?device={other.device}")

    def limit(self, kilobytes_per_s: int) -> None:
        """Receive no faster than that; 0 for no limit."""
        self.ask("PATCH", "config/options", {"maxRecvKbps": kilobytes_per_s})

    def connected(self) -> set[str]:
        """Return the devices it is connected to."""
        found = self.ask("GET", "system/connections")["connections"]
        return {device for device, state in found.items() if state["connected"]}

    def ask(self, method: str, path: str, body: Any = None) -> Any:
        """Ask its REST interface something, and return the answer."""
        request = urllib.request.Request(
            f"http://127.0.0.1:{self._gui_port}/rest/{path}",
            method=method,
            headers={"X-API-Key": API_KEY, "Content-Type": "application/json"},
            data=None if body is None else json.dumps(body).encode(),
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            said = answer.read()
        return json.loads(said) if said.strip() else None

    def log(self) -> str:
        """Return the end of what it wrote."""
        with contextlib.suppress(OSError):
            return (self._home / "log").read_text(encoding="utf-8", errors="replace")[-3000:]
        return ""

    def _answers(self) -> bool:
        try:
            self.ask("GET", "system/ping")
        except OSError:
            return False
        return True

    def _end(self, how: Any) -> None:
        if self._process is not None:
            how(self._process)
            try:
                self._process.wait(10)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _call(self, *arguments: str) -> None:
        subprocess.run(
            ["syncthing", *arguments], check=True, capture_output=True, env={**os.environ, **_ENVIRONMENT}
        )


class Network:
    """Several daemons that share one folder, each with each; the later one calls the earlier one.

    Who calls does so at once when it starts, and who is called too early is left alone for up to a minute: the
    last one is the one to stop and start.
    """

    def __init__(self, home: Path, names: tuple[str, ...]) -> None:
        ports = _free_ports(2 * len(names))
        self.daemons = [Daemon(home / name, name, (ports.pop(), ports.pop())) for name in names]
        for number, daemon in enumerate(self.daemons):
            daemon.configure([one for one in self.daemons if one is not daemon], dials=self.daemons[:number])

    def start(self) -> None:
        """Start those that do not run, and wait until all are connected."""
        for daemon in self.daemons:
            daemon.start()
            daemon.limit(0)
            daemon.resume(*self._others(daemon))
        deadline = time.monotonic() + START_DEADLINE_S
        while any(len(daemon.connected()) < len(self.daemons) - 1 for daemon in self.daemons):
            assert time.monotonic() < deadline, "the daemons do not connect"
            time.sleep(0.05)

    def part(self) -> None:
        """Separate all from each other."""
        for daemon in self.daemons:
            daemon.pause(*self._others(daemon))

    def end(self) -> None:
        """Kill all."""
        for daemon in self.daemons:
            daemon.kill()

    def _others(self, daemon: Daemon) -> list[Daemon]:
        return [one for one in self.daemons if one is not daemon]


def _free_ports(count: int) -> list[int]:
    with contextlib.ExitStack() as stack:
        sockets = [stack.enter_context(socket.socket()) for _ in range(count)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        return [one.getsockname()[1] for one in sockets]
