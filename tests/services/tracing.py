"""The n-th call of a kind fails, for the kernel's whole truth: strace answers in the kernel's place."""

import contextlib
import functools
import shutil
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.crash.processes import Victim, context

CALLS = "fsync,fdatasync,pwrite64,pread64,write,ftruncate,link,rename,unlink,mkdir,openat"
DEADLINE_S = 60.0


@dataclass
class Run:
    """What one process said and did."""

    said: list[tuple[Any, ...]]
    exit_code: int | None
    is_injected: bool
    """Whether a call was made to fail."""
    calls: Counter[str] = field(default_factory=Counter)
    lines: list[str] = field(default_factory=list)
    """The calls, in order, as strace writes them."""


@functools.cache
def why_no_tracing() -> str:
    """Return why no call can be made to fail here; empty when it can."""
    if not sys.platform.startswith("linux") or shutil.which("strace") is None:
        return "needs strace (Debian: apt-get install strace)"
    try:
        found = run_traced(_probe, inject="fsync:error=EIO:when=2", tell_calls=True)
    except AssertionError as error:
        return f"strace cannot trace here: {error}"
    return (
        ""
        if found.said[-1] == ("failed", [2]) and found.is_injected
        else f"strace injects nothing here: {found}"
    )


def run_traced(target: Callable[..., None], *args: Any, inject: str = "", tell_calls: bool = False) -> Run:
    """Run a function in a process whose calls are watched, and one of them fails.

    The function is given, after its own arguments, where to wait for a word before it begins, once it has said that
    it is ready, and where to say what it acknowledges. It must do everything in one thread: calls are counted thread
    by thread.
    """
    starter = context()
    go, sender = starter.Pipe(duplex=False)
    victim = Victim(starter, target, *args, go)
    victim.hear(DEADLINE_S)
    with tempfile.TemporaryDirectory(prefix="crdtsync-strace-") as directory:
        log = Path(directory, "calls")
        options = ["-e", f"trace={CALLS}" if tell_calls else f"trace={inject.partition(':')[0]}"]
        if inject:
            options += ["-e", f"inject={inject}"]
        tracer = subprocess.Popen(
            ["strace", "-f", "-yy", "-s", "0", *options, "-o", str(log), "-p", str(victim._process.pid)],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
        )
        try:
            assert tracer.stderr is not None
            attached = tracer.stderr.readline()
            assert "attached" in attached, attached.strip()
            sender.send("go")
            deadline = time.monotonic() + DEADLINE_S
            while victim.is_alive:
                victim.hear(0.01)
                assert time.monotonic() < deadline, f"it hangs: {victim.said[-5:]}"
            tracer.wait(10)
            lines = [line.split(maxsplit=1)[1] for line in log.read_text(errors="replace").splitlines()]
        finally:
            sender.close()
            go.close()
            exit_code = victim.exit_code
            said = victim.kill()
            with contextlib.suppress(ProcessLookupError):
                tracer.kill()
            tracer.wait()
            if tracer.stderr is not None:
                tracer.stderr.close()
    calls = Counter(line.partition("(")[0] for line in lines if "(" in line)
    return Run(said, exit_code, any("(INJECTED)" in line for line in lines), calls, lines)


def _probe(go: Any, output: Any) -> None:
    import os

    output.send(("ready",))
    go.recv()
    failed = []
    with tempfile.TemporaryFile() as file:
        for number in (1, 2, 3):
            try:
                os.fsync(file.fileno())
            except OSError:
                failed.append(number)
    output.send(("failed", failed))
