"""What everything below the replica is given by hand: the clock, the randomness, the way to its database."""

import secrets
import sqlite3
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
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
