"""One workstation: an open replica, the syncing that runs beside it, and a server on the loopback address.

It is told what to do by lines on its standard input, and tells what it does by lines of JSON on its standard
output. When the input ends, so does it: a workstation never outlives the launcher that started it.
"""

import argparse
import asyncio
import socket
import sys
from collections.abc import Sequence
from pathlib import Path

import uvicorn
from babel import Locale

from crdtsync import Replica, open_remote, open_replica
from crdtsync.errors import CrdtSyncError
from crdtsync.remote import Remote
from examples.sales.catalogue import stock
from examples.sales.model import KINDS, Product
from examples.sales.web.app import make_app
from examples.sales.web.children import first_of, listen, tell
from examples.sales.web.desk import COMPANY, Desk
from examples.sales.web.events import Events
from examples.sales.web.forms import Forms
from examples.sales.web.security import Protection, token_of
from examples.sales.web.switch import SlowRemote, SwitchableRemote

LOOPBACK = "127.0.0.1"
SWITCH_COMMAND = "switch"
DELAY_COMMAND = "delay"
"""Followed by seconds."""
STOP_GRACE_S = 1
"""How long open event streams may keep a workstation from stopping."""


class Server(uvicorn.Server):
    """A server that tells when it answers."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Begin to answer."""
        await super().startup(sockets)
        tell(is_ready=True)


def bound(host: str, port: int) -> socket.socket:
    """Return a socket that nobody else has.

    Raises:
        OSError: somebody has it, or the address is none of this machine.
    """
    try:
        return socket.create_server((host, port), backlog=256)
    except OSError as error:
        raise OSError(error.errno, f"{error.strerror or error}: {host}:{port}") from error


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one workstation until its input ends; return 0, or 2 if it could not run."""
    given = _parser().parse_args(arguments)
    try:
        asyncio.run(run(given))
    except (OSError, CrdtSyncError) as error:
        tell(failure=str(error))
        return 2
    except BaseExceptionGroup as errors:
        tell(failure=str(first_of(errors)))
        return 2
    except KeyboardInterrupt:
        pass
    return 0


async def run(given: argparse.Namespace) -> None:
    """Open the replica, sync and serve until the standard input ends."""
    given.data.mkdir(parents=True, exist_ok=True)
    with bound(given.host, given.port) as listening:
        async with open_replica(
            given.data / given.name,
            name=given.name,
            role=given.role,
            author=given.author,
            kinds=KINDS,
            lock_while_numbering=given.lock_while_syncing == "yes",
        ) as replica:
            await _serve(given, replica, listening)


async def _serve(given: argparse.Namespace, replica: Replica, listening: socket.socket) -> None:
    desk = _desk_of(given, replica)
    events = Events(desk)
    desk.folder.remote = f"folder:{given.folder}"
    desk.folder.is_cut_off = lambda: desk.switch.is_offline
    remote = SwitchableRemote(SlowRemote(open_remote(f"folder:{given.folder}"), desk.delay), desk.switch)

    def told() -> None:
        tell(is_offline=desk.switch.is_offline, delay_s=desk.delay.delay_s)

    app = make_app(desk, events, on_switch=told)
    server = Server(
        uvicorn.Config(
            app,
            lifespan="off",
            log_level="warning",
            timeout_graceful_shutdown=STOP_GRACE_S,
        )
    )

    def obey(command: str) -> None:
        if command == SWITCH_COMMAND:
            desk.switch.turn(offline=not desk.switch.is_offline)
            events.switched()
            told()
        elif command.startswith(f"{DELAY_COMMAND} "):
            desk.delay.delay_s = float(command.split()[1])
            events.switched()
            told()
        elif not command:
            server.should_exit = True

    listen(obey)
    async with asyncio.TaskGroup() as group:
        beside = [
            group.create_task(keep_syncing(desk, remote)),
            group.create_task(events.run()),
        ]
        if replica.role == "office":
            beside.append(group.create_task(keep_a_catalogue(replica)))
        told()
        await server.serve(sockets=[listening])
        for task in beside:
            task.cancel()


async def keep_a_catalogue(office: Replica) -> None:
    """Enter the sample catalogue into an office that has no products, so that there is something to sell."""
    if not await office.count(Product):
        await stock(office)


async def keep_syncing(desk: Desk, remote: Remote) -> None:
    """Sync for as long as the workstation runs, and at once when somebody has switched it online."""
    async with desk.replica.syncing(remote) as desk.sync:
        while True:
            await desk.switch.wait_until_turned_on()
            await desk.replica.hurry_sync()


def _desk_of(given: argparse.Namespace, replica: Replica) -> Desk:
    protection = Protection(
        token_of(given.data / f"{given.name}.token"),
        hosts=(LOOPBACK, "localhost", given.host),
        framed_by=given.framed_by,
    )
    return Desk(
        replica,
        protection,
        Forms(Locale.parse(given.locale), given.currency),
        given.author,
        company=given.company,
        is_locking=given.lock_while_syncing == "yes",
    )


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m examples.sales.web.workstation")
    parser.add_argument("--name", required=True)
    parser.add_argument("--role", choices=("office", "roaming"), required=True)
    parser.add_argument("--author", default="")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--host", default=LOOPBACK)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--locale", default="en_US")
    parser.add_argument("--currency", default="USD")
    parser.add_argument("--framed-by", default="")
    parser.add_argument("--company", default=COMPANY)
    parser.add_argument("--lock-while-syncing", choices=("yes", "no"), default="no")
    return parser


if __name__ == "__main__":
    sys.exit(main())
