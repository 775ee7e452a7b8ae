"""What runs in processes of its own beside the actors of `tests.crash`: agents that tell the numbers they show."""

import asyncio
from multiprocessing.connection import Connection
from pathlib import Path

from crdtsync import open_replica
from tests.crash import actors


def agent(directory: Path, folder: Path, carelessness: str, output: Connection) -> None:
    """Sync for ever, and tell every final number as soon as an application could show it."""
    _be_careless(carelessness)
    asyncio.run(_sync_for_ever(directory, folder, output))


def application(directory: Path, seed: int, carelessness: str, output: Connection) -> None:
    """Edit and mark for ever."""
    _be_careless(carelessness)
    actors.application(directory, seed, 0, output)


async def _sync_for_ever(directory: Path, folder: Path, output: Connection) -> None:
    async with open_replica(directory, create=False) as replica:
        output.send(("open",))
        woken = asyncio.Event()
        told = 0
        async with replica.syncing(f"folder:{folder}", on_round=lambda _: woken.set()):
            while True:
                await woken.wait()
                woken.clear()
                ledger = await replica.ledger()
                for entry in ledger[told:]:
                    output.send(("numbered", entry.number, entry.document))
                told = len(ledger)


def _be_careless(carelessness: str) -> None:
    """Break a promise on purpose, so that the suites can show that they would see it."""
    if carelessness == "commits are not synced":
        from crdtsync.store import database

        migrate = database._migrate

        def unsafe(connection):
            migrate(connection)
            connection.execute("PRAGMA synchronous = NORMAL")

        database._migrate = unsafe
    elif carelessness == "files are not synced":
        from crdtsync_folder import disk

        disk.Disk.__init__.__kwdefaults__.update(sync_file=lambda _: None, sync_directory=lambda _: None)
    elif carelessness == "names are not synced":
        from crdtsync_folder import disk

        disk.Disk.__init__.__kwdefaults__.update(sync_directory=lambda _: None)
    else:
        assert not carelessness
