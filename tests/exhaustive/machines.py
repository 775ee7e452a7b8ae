"""Machines for the exhaustive tests: real replicas on simulated disks, with clock and chance under control."""

import os
import random
import shutil
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from crdtsync import (
    Document,
    Entities,
    Entity,
    Environment,
    GrowSet,
    Log,
    Replica,
    Series,
    Text,
    computed,
    field,
    open_replica,
)
from crdtsync.store.workspace import Workspace
from crdtsync.testing import SimulatedDisk

START_MS = 1_760_000_000_000
FAST_DISK = Path("/dev/shm")
EVERYTHING = bool(os.environ.get("CRDTSYNC_EXHAUSTIVE"))
"""Whether the slow suite leaves out nothing, which takes some minutes more."""


@dataclass(frozen=True)
class Price:
    msrp: Decimal
    margin: Decimal = Decimal("0.5")


class Line(Entity):
    product: str
    quantity: int = field(default=1, policy="highest")
    price: Price | None = None


class Quote(Document, kind="quote", series=Series("quotes", "Q-{number:05d}")):
    customer: str = field(default="", indexed=True)
    terms: str = field(default="", policy="ask")
    discount: int = field(default=0, policy="lowest")
    lines: Entities[Line]
    notes: Text
    milestones: Log[str]
    tags: GrowSet[str]

    @computed
    def total(self) -> Decimal:
        return sum((item.price.msrp * item.quantity for item in self.lines if item.price), Decimal(0))


class Clock:
    """Wall time that goes on by a millisecond at every look."""

    def __init__(self, now_ms: int = START_MS) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        self.now_ms += 1
        return self.now_ms


class Machine:
    """One computer with one replica; `start` and `stop` are the life of a process on it."""

    def __init__(
        self, directory: Path, name: str, role: str = "roaming", *, clock: Clock | None = None, seed: int = 0
    ) -> None:
        self.directory = directory / name
        self.name = name
        self.role = role
        self.disk = SimulatedDisk()
        self.random = random.Random(f"{seed} {name}")
        self.clock = clock or Clock()
        self._opened: open_replica | None = None
        self.replica: Replica

    @property
    def workspace(self) -> Workspace:
        return self.replica._workspace

    @property
    def is_running(self) -> bool:
        return self._opened is not None

    async def start(self) -> Replica:
        """Start a process: a new incarnation."""
        environment = Environment(
            now_ms=self.clock, random_bytes=self.random.randbytes, connect=self.disk.connect
        )
        opened = open_replica(
            self.directory,
            name=self.name,
            role=self.role,
            author=self.name,
            kinds=[Quote],
            environment=environment,
        )
        self.replica = await opened.__aenter__()
        self._opened = opened
        return self.replica

    async def stop(self) -> None:
        opened, self._opened = self._opened, None
        if opened is not None:
            await opened.__aexit__(None, None, None)

    def save(self, copy: Path) -> None:
        """Copy what is on the disk; the process must be stopped."""
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(self.directory, copy)

    def load(self, copy: Path) -> None:
        """Put a copy back; the process must be stopped."""
        shutil.rmtree(self.directory, ignore_errors=True)
        shutil.copytree(copy, self.directory)

    async def rows(self, sql: str, *parameters: object) -> list[tuple]:
        return await self.workspace.database.read(lambda c: c.execute(sql, parameters).fetchall())
