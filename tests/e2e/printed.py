"""Do what a page of the documentation prints: save its files, run its commands, compare what they say."""

import os
import re
import signal
import socket
import subprocess
import sys
import threading
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
PATIENCE_S = 120

FILE_NAME = re.compile(r"# ([\w-]+\.[a-z]+)\n")


@dataclass(frozen=True)
class Block:
    """One fenced block, and the heading it stands below."""

    language: str
    text: str
    heading: str

    @property
    def file_name(self):
        """The name in its first line, if it is a file to save."""
        found = FILE_NAME.match(self.text)
        return found and found[1]


def blocks_of(page):
    """Return the blocks of a page of ``docs``, in order."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found, heading = [], ""
    for match in re.finditer(
        r"^## (?P<heading>[^\n]*)$|^```(?P<language>\w*)\n(?P<text>.*?)^```$", text, re.MULTILINE | re.DOTALL
    ):
        if match["heading"]:
            heading = match["heading"]
        else:
            found.append(Block(match["language"], match["text"], heading))
    return found


def environment(home):
    """A home of its own, the commands of this interpreter, and no plug-ins but those a newcomer has."""
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("CRDTSYNC_", "PYTEST_"))
    }
    return kept | {
        "HOME": str(home),
        "USERPROFILE": str(home),
        "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
        "PYTHONUNBUFFERED": "1",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "PYTEST_PLUGINS": "crdtsync_pytest,pytest_asyncio.plugin",
        "COLUMNS": "80",
    }


def run(line, directory, *, fails=False, **variables):
    """Run one line of a shell block to its end, which must be the expected one; return all it printed."""
    ran = subprocess.run(
        line,
        shell=True,
        cwd=directory,
        env=environment(directory) | variables,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        encoding="utf-8",
        check=False,
        timeout=PATIENCE_S,
    )
    assert (ran.returncode != 0) == fails, f"{line}\n{ran.stdout}"
    return ran.stdout


class Running:
    """A command that does not end by itself."""

    def __init__(self, line, directory):
        program, *arguments = line.split()
        if not Path(program).is_absolute():
            program = str(Path(sys.executable).parent / program)
        self._process = subprocess.Popen(
            [program, *arguments],
            cwd=directory,
            env=environment(directory),
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
        )
        self._limit = threading.Timer(PATIENCE_S, self._process.kill)
        self._limit.start()

    def wait_for(self, wanted):
        """Read its lines up to the first that holds what is wanted."""
        seen = []
        for line in self._process.stdout:
            seen.append(line)
            if wanted in line:
                return
        raise AssertionError(f"it ended without {wanted!r}:\n{''.join(seen)}")

    def stop(self):
        """Stop it as Ctrl-C does."""
        self._limit.cancel()
        self._process.send_signal(signal.SIGTERM if os.name == "nt" else signal.SIGINT)
        self._process.communicate(timeout=PATIENCE_S)


def free_port():
    """Return a port that nobody listens on."""
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return found.getsockname()[1]


def without_chance(text):
    """Return a text without what differs from run to run: ids, times and how long something took."""
    text = re.sub(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d", "TIME", text)
    text = re.sub(r"\b[a-z2-7]{26}\b", "ID", text)
    text = re.sub(r"\b(?=[a-z]*[2-7])[a-z2-7]{8}\b|\b[a-z]{8}\b", "ID", text)
    return re.sub(r"\b\d+\.\d\ds\b", "N s", text)
