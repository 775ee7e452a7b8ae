"""A short history of two replicas in one thread, so that the n-th call is the same call every time."""

import asyncio
import sqlite3
import tempfile
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from crdtsync_folder import FolderRemote

from crdtsync import Environment, Replica, open_replica
from crdtsync.errors import RemoteError, StoreError
from crdtsync.testing.disk import InlineConnection
from tests.crash.actors import Line, Quote

CHAPTERS = ("r2", "office", "r2")
TRIES = 3
"""How often anything is tried: one call fails, once."""


class _Here:
    """Runs the adapter's calls where they are asked for."""

    async def run(self, call: Callable[[], Any], *, doing: str) -> Any:
        """Run it."""
        return call()


async def _connect(path: Path, busy_timeout_s: float) -> InlineConnection:
    return InlineConnection(
        sqlite3.connect(path, isolation_level=None, timeout=busy_timeout_s, check_same_thread=False)
    )


def tell(directory: Path, folder: Path, go: Connection, output: Connection) -> None:
    """Open, edit, mark, sync and number, over and over; say what is acknowledged, and every error there was."""

    def say(*message: Any) -> None:
        # The call that fails may be the one that says it.
        for _ in range(TRIES):
            try:
                output.send(message)
            except OSError:
                continue
            return

    # What is imported at its first use is imported now: an import that fails is another story.
    with tempfile.TemporaryDirectory() as elsewhere:
        asyncio.run(_warm_up(Path(elsewhere)))
    output.send(("ready",))
    go.recv()
    for chapter, name in enumerate(CHAPTERS):
        asyncio.run(_chapter(directory, folder, chapter, name, say))
    say("done")


async def _warm_up(directory: Path) -> None:
    folder = directory / "shared"
    folder.mkdir()
    async with open_replica(
        directory / "r", name="R", role="office", kinds=[Quote], environment=Environment(connect=_connect)
    ) as replica:
        for _ in range(2):
            await _page("warm", "R", replica, folder, lambda *_: None)


async def _chapter(directory: Path, folder: Path, chapter: int, name: str, say: Callable[..., None]) -> None:
    for _ in range(TRIES):
        try:
            async with open_replica(
                directory / name, kinds=[Quote], create=False, environment=Environment(connect=_connect)
            ) as replica:
                await _page(f"{name}-{chapter}", name, replica, folder, say)
        except StoreError as error:
            say("error", name, type(error).__name__, str(error))
            continue
        break


async def _page(title: str, name: str, replica: Replica, folder: Path, say: Callable[..., None]) -> None:
    remote = FolderRemote(folder, machine=name)
    remote._threads = _Here()  # type: ignore[assignment]
    known = await replica.find(Quote, order_by="created")
    made = ""
    # A new document, one that is there, and the new one once more: what failed must not linger in memory.
    for number, document in enumerate(["", *(quote.id for quote in known[:1]), "", ""]):
        chosen = document or made or None
        token = f"{title}-{replica._workspace.identity.client}-{number}"
        try:
            async with replica.edit(Quote, chosen, label=token) as quote:
                quote.events.append(token)
                quote.customer = token
                quote.lines.add(Line(product=token))
            say("edited", name, quote.id, token)
            made = made or quote.id
            if not number:
                await replica.mark_for_sync(quote.id)
                say("marked", name, quote.id)
        except StoreError as error:
            say("error", name, type(error).__name__, str(error))
    try:
        await replica.sync(remote)
    except (StoreError, RemoteError) as error:
        say("error", name, type(error).__name__, str(error))
    for entry in await replica.ledger():
        say("numbered", name, entry.number, entry.document)
