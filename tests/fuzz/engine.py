"""The loop: take an input, mutate it, read it, keep it if it was read further than any before."""

import base64
import random
import time
import tracemalloc
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Final

from .coverage import Coverage
from .targets import Target

CORPUS_MAX: Final = 2_000
OTHERS_MAX: Final = 50
MEMORY_EVERY: Final = 100
"""Memory is measured for every so many inputs, and for all that are kept: it makes reading some times slower."""

TRACED_EVERY: Final = 3
"""How often an input is read under coverage, which is slow; all are read."""


class FuzzError(AssertionError):
    """An input was neither read nor refused as documented; says how to read it again."""


@dataclass(slots=True)
class Tally:
    """What fuzzing one target came to."""

    target: str
    executions: int = 0
    accepted: int = 0
    refused: int = 0
    unpackable: int = 0
    """Mutations that no bytes spell."""
    corpus: int = 0
    edges: int = 0
    slowest_ms: float = 0.0
    peak_bytes: int = 0
    findings: list[str] = field(default_factory=list)


class Fuzzer:
    """Fuzzes one target from one seed. The same seed gives the same inputs in the same order, in a new process."""

    def __init__(self, target: Target, seed: int) -> None:
        self.target = target
        self.rng = random.Random(f"{target.name} {seed}")
        self.coverage = Coverage()
        self.corpus: list[Any] = list(target.seeds)
        self.tally = Tally(target.name)
        for form in target.seeds:
            # Also shows that there is something right to begin with.
            refused = execute(target, target.pack(form), self.coverage.watch)
            assert not refused, f"{target.name}: a seed is refused"

    def step(self) -> None:
        """Read one more input.

        Raises:
            FuzzError: it found something.
        """
        tally = self.tally
        others = self.corpus[-OTHERS_MAX:]
        recent = self.rng.randrange(2) and len(self.corpus) > len(self.target.seeds)
        parent = self.rng.choice(others if recent else self.corpus)
        form = self.target.mutate(self.rng, parent, others)
        try:
            data = self.target.pack(form)
        except ValueError:
            tally.unpackable += 1
            return
        tally.executions += 1
        edges = len(self.coverage.edges)
        if tally.executions % TRACED_EVERY:
            started = time.process_time()
            refused = execute(self.target, data)
            spent_ms = (time.process_time() - started) * 1000
            tally.slowest_ms = max(tally.slowest_ms, spent_ms)
            _check_time(self.target, data, spent_ms)
        else:
            refused = execute(self.target, data, self.coverage.watch)
        is_new = len(self.coverage.edges) > edges
        if is_new or tally.executions % MEMORY_EVERY == 0:
            tally.peak_bytes = max(tally.peak_bytes, check_memory(self.target, data))
        if is_new and len(self.corpus) < CORPUS_MAX:
            self.corpus.append(form)
        if refused:
            tally.refused += 1
        else:
            tally.accepted += 1
        tally.corpus = len(self.corpus)
        tally.edges = len(self.coverage.edges)


def execute(target: Target, data: bytes, watch: Callable[[Callable[[], None]], object] | None = None) -> bool:
    """Read an input; return whether it was refused.

    Raises:
        FuzzError: neither that nor read.
    """
    try:
        if watch is None:
            target.run(data)
        else:
            watch(lambda: target.run(data))
    except target.refusals:
        return True
    except Exception as error:
        raise FuzzError(f"{type(error).__name__}: {error}\n{replay(target, data)}") from error
    return False


def check_memory(target: Target, data: bytes) -> int:
    """Read an input and return the most memory that took.

    Raises:
        FuzzError: more than its bound.
    """
    tracemalloc.start()
    try:
        execute(target, data)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    bound = target.spare_bytes + target.bytes_per_byte * len(data)
    if peak > bound:
        raise FuzzError(
            f"{peak} bytes of memory for {len(data)} bytes; the bound is {bound}\n{replay(target, data)}"
        )
    return peak


def _check_time(target: Target, data: bytes, spent_ms: float) -> None:
    bound_ms = target.spare_ms + target.ms_per_kilobyte * len(data) / 1000
    if spent_ms > bound_ms:
        # The time of the processor is counted, and the best of three: the machine may be busy.
        for _ in range(2):
            started = time.process_time()
            execute(target, data)
            spent_ms = min(spent_ms, (time.process_time() - started) * 1000)
        if spent_ms > bound_ms:
            raise FuzzError(f"{spent_ms:.0f} ms for {len(data)} bytes\n{replay(target, data)}")


def replay(target: Target, data: bytes) -> str:
    """Return the line that reads an input again."""
    return f"python -m tests.fuzz --target {target.name} --input {base64.urlsafe_b64encode(data).decode()}"


def fuzz(targets: Iterable[Target], *, seed: int, seconds: float = 0, executions: int = 0) -> list[Tally]:
    """Fuzz targets in turns, for a while or for so many inputs each; a finding ends its target's turn for good."""
    fuzzers = [Fuzzer(target, seed) for target in targets]
    going = list(fuzzers)
    deadline = time.monotonic() + seconds if seconds else float("inf")
    while going and time.monotonic() < deadline:
        for fuzzer in tuple(going):
            try:
                for _ in range(100):
                    fuzzer.step()
                    if fuzzer.tally.executions + fuzzer.tally.unpackable >= executions > 0:
                        going.remove(fuzzer)
                        break
            except FuzzError as error:
                fuzzer.tally.findings.append(str(error))
                if fuzzer in going:
                    going.remove(fuzzer)
            if time.monotonic() >= deadline:
                break
    return [fuzzer.tally for fuzzer in fuzzers]
