"""What everything below the replica is given by hand: clock, randomness, the way to its database, the examiner."""

import secrets
import sqlite3
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Concatenate, ParamSpec, Protocol, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


class Connection(Protocol):
    """One connection to a database, and whatever runs functions on it, one at a time, in the order asked for."""

    async def run(
        self, function: Callable[Concatenate[sqlite3.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        """Run a function on the connection and return its result, or raise what it raises."""
        ...

    async def close(self) -> None:
        """Close the connection, after all that was asked for before."""
        ...


Connect = Callable[[Path, float], Awaitable[Connection]]
"""Opens a connection in autocommit mode; the second argument is how many seconds it waits for a lock."""


@dataclass(frozen=True, slots=True)
class Case:
    """Changes of one document that came from elsewhere, and what they are to be applied to."""

    updates: Sequence[bytes]
    """What is stored of the document, in the order in which it is opened from it."""
    deltas: Sequence[bytes]
    """What came, in the order in which it is to be applied."""
    needs: Callable[[], Sequence[Sequence[int]]]
    """Gives for each delta the earlier ones (by index) it builds on; asked only when one of them is bad."""


class Outcome(Protocol):
    """What the deltas of a case make of what is stored, as the CRDT itself said it on the scratch document."""

    @property
    def entries(self) -> str:
        """The map as it is then, as one JSON object of strings."""
        ...

    @property
    def changed(self) -> Mapping[str, tuple[str | None, str | None]]:
        """What the deltas changed in the map: key -> (value before, value after); None where there is none."""
        ...

    @property
    def near(self) -> Mapping[str, str]:
        """The part of the map that says all of what was changed.

        Of each field and list that was changed these are the entries of one and two names, and all entries of an
        entity that was changed, that bears a marker, or that has no entry of two names.
        """
        ...

    @property
    def texts_before(self) -> Mapping[str, str]:
        """Every text as it was without the deltas."""
        ...

    @property
    def texts(self) -> Mapping[str, str]:
        """Every text as it is then."""
        ...

    @property
    def state(self) -> bytes:
        """The whole document as one update."""
        ...


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of examining a case. What is not named in it may be applied, all at once, in its order."""

    refused: Mapping[int, str] = field(default_factory=dict)
    """Deltas (by index) that must never meet the CRDT in this process, with the reason. What builds on
    them was not examined."""
    unreadable: str = ""
    """Why what is stored cannot be opened, so that nothing can be said of the deltas; empty when it can."""
    deaths: int = 0
    """How often examining it has ended the process that did so."""
    is_settled: bool = True
    """False: too many deltas were bad to look at all of them; examine the case again without those named here."""
    outcome: Outcome | None = field(default=None, compare=False, repr=False)
    """What the whole case came to, so that nobody needs to open the document to apply it; None where that is not
    known, as where some of it was bad."""


class Examiner(Protocol):
    """Finds out, before it matters, whether the CRDT can take bytes that came from elsewhere.

    The CRDT may raise on them, panic, kill its process or never return while it keeps every other thread of
    the process from running: an examiner that is to bear that works in another process.
    """

    async def examine(self, cases: Sequence[Case]) -> Sequence[Verdict]:
        """Return a verdict for each case, in their order. May be cancelled; calls take turns.

        Raises:
            ExaminerError: it cannot work now; nothing is known of any case.
        """
        ...

    async def close(self) -> None:
        """End whatever it runs; it is not used afterwards."""
        ...


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Environment:
    """What a replica takes from its machine; the simulator passes its own."""

    now_ms: Callable[[], int] = _now_ms
    """Wall time in milliseconds since 1970 (UTC). It may be wrong by years: it only orders what is shown."""

    random_bytes: Callable[[int], bytes] = secrets.token_bytes
    """That many bytes nobody else draws."""

    connect: Connect | None = None
    """How the database is opened; None: with aiosqlite, which gives each connection a thread."""

    examiner: Callable[[], Examiner] | None = None
    """Makes what examines the changes of others for one open replica (`crdtsync.examining`). None: a process of its
    own; but where `connect` is given, as a simulator does, the same checks in this process."""
