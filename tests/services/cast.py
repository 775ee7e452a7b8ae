"""An office and a workstation, each an application and an agent in processes of their own."""

import os
import random
import signal
import time
from collections.abc import Callable
from typing import Any

from tests.crash.processes import Victim, context
from tests.services import actors
from tests.services.records import NAMES, Record

DEADLINE_S = 30.0


class Cast:
    """Four processes on the two replicas of a record, into which goes what they acknowledge."""

    def __init__(self, record: Record, rng: random.Random, *, carelessness: str = "") -> None:
        self.record = record
        self._rng = rng
        self._carelessness = carelessness
        self._starter = context()
        self._running: dict[tuple[str, str], Victim] = {}
        self._taken: dict[tuple[str, str], int] = {}

    def start(self) -> None:
        """Start all processes and wait until each has its replica open."""
        for name in NAMES:
            place = self.record.directory / name
            self._start((name, "app"), actors.application, place, self._rng.getrandbits(60))
            self._start((name, "agent"), actors.agent, place, self.record.folder)
        self.play(lambda: all(victim.said for victim in self._running.values()), "open their replicas")

    def play(self, is_over: Callable[[], bool], doing: str) -> None:
        """Let them work until something holds."""
        deadline = time.monotonic() + DEADLINE_S
        while not is_over():
            self._hear(0.002)
            if time.monotonic() > deadline:
                codes = {who: victim.exit_code for who, victim in self._running.items()}
                raise AssertionError(f"they did not {doing}: {codes}")

    def play_edits(self, count: int) -> None:
        """Let them work until so many more edits are acknowledged."""
        goal = len(self.record.edited) + count
        self.play(lambda: len(self.record.edited) >= goal, f"make {count} edits")

    def hear(self) -> None:
        """Take in all that they have said so far."""
        self._hear(0)

    def freeze(self) -> None:
        """Stop all of them where they are; what they have asked of the kernel may still be going on."""
        for victim in self._running.values():
            if victim._process.pid is not None:
                os.kill(victim._process.pid, signal.SIGSTOP)

    def end(self) -> None:
        """Kill all of them. What they said since the last `hear` counts for nothing."""
        for who in list(self._running):
            self._running.pop(who).kill()
        self._taken.clear()

    def _start(self, who: tuple[str, str], target: Callable[..., None], *args: Any) -> None:
        self._running[who] = Victim(self._starter, target, *args, self._carelessness)

    def _hear(self, timeout_s: float) -> None:
        for who, victim in self._running.items():
            said = victim.hear(timeout_s)
            for message in said[self._taken.get(who, 0) :]:
                self.record.hear(who[0], message)
            self._taken[who] = len(said)
