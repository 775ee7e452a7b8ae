"""Cheap processes: started from a server that has the library loaded, killed without warning."""

import multiprocessing
import os
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

_ROOT = Path(__file__).resolve().parents[2]


def context() -> Any:
    """Return how processes are started here; where there is no fork server, each starts from nothing."""
    if "forkserver" not in multiprocessing.get_all_start_methods():
        return multiprocessing.get_context("spawn")
    found = multiprocessing.get_context("forkserver")
    found.set_forkserver_preload(["tests.crash.actors"])
    before = os.environ.get("PYTHONPATH")
    os.environ["PYTHONPATH"] = os.pathsep.join([str(_ROOT), str(_ROOT / "adapters"), *filter(None, [before])])
    try:
        multiprocessing.forkserver.ensure_running()
    finally:
        if before is None:
            del os.environ["PYTHONPATH"]
        else:
            os.environ["PYTHONPATH"] = before
    return found


class Victim:
    """A process, and what it has said so far."""

    def __init__(self, starter: Any, target: Callable[..., None], *args: Any) -> None:
        self._input, output = starter.Pipe(duplex=False)
        self.said: list[tuple[Any, ...]] = []
        self._process = starter.Process(target=target, args=(*args, output), daemon=True)
        self._process.start()
        output.close()

    @property
    def is_alive(self) -> bool:
        """Whether it still runs."""
        return bool(self._process.is_alive())

    @property
    def exit_code(self) -> int | None:
        """How it ended."""
        code: int | None = self._process.exitcode
        return code

    def hear(self, timeout_s: float = 0) -> list[tuple[Any, ...]]:
        """Take in what it has said, waiting for the first word at most so long; return all of it."""
        while _poll(self._input, timeout_s):
            timeout_s = 0
            try:
                self.said.append(self._input.recv())
            except EOFError:
                break
        return self.said

    def wait(self, timeout_s: float) -> bool:
        """Wait for its end; return whether it came."""
        self._process.join(timeout_s)
        return not self.is_alive

    def kill(self) -> list[tuple[Any, ...]]:
        """End it at once (`kill -9`) and return all that it had said."""
        self._process.kill()
        self._process.join()
        said = self.hear()
        self._input.close()
        self._process.close()
        return said


def _poll(connection: Connection, timeout_s: float) -> bool:
    try:
        return connection.poll(timeout_s)
    except (EOFError, OSError):
        return False
