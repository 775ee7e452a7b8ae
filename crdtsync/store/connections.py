"""The only door to aiosqlite: a connection in a thread of its own, which runs whole functions."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Concatenate, ParamSpec, TypeVar

import aiosqlite

from crdtsync.environment import Connection

P = ParamSpec("P")
R = TypeVar("R")

CACHED_STATEMENTS = 512


class _ThreadConnection:
    def __init__(self, connection: aiosqlite.Connection) -> None:
        self._connection = connection

    async def run(
        self, function: Callable[Concatenate[sqlite3.Connection, P], R], *args: P.args, **kwargs: P.kwargs
    ) -> R:
        # aiosqlite has no public verb that runs a function in its thread; one hop for many statements is what
        # makes an edit cheap (docs/decisions/0001). Its raw connection is not for other threads.
        result: R = await self._connection._execute(function, self._connection._conn, *args, **kwargs)  # type: ignore[no-untyped-call]  # noqa: SLF001
        return result

    async def close(self) -> None:
        await self._connection.close()


async def connect_in_thread(path: Path, busy_timeout_s: float) -> Connection:
    """Open a connection in a thread of its own; see `environment.Connect`."""
    return _ThreadConnection(
        await aiosqlite.connect(
            path, isolation_level=None, timeout=busy_timeout_s, cached_statements=CACHED_STATEMENTS
        )
    )
