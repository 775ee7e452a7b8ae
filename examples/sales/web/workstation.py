"""One workstation: an open replica, the syncing that runs beside it, and a server on the loopback address.

It is told what to do by lines on its standard input, and tells what it does by lines of JSON on its standard
output. When the input ends, so does it: a workstation never outlives the launcher that started it.
"""

import argparse
import asyncio
import json
import secrets
import sys
import threading
from collections.abc import Callable, Sequence
from contextlib import suppress
from pathlib import Path

import uvicorn
from babel import Locale

from crdtsync import Replica, open_remote, open_replica
from crdtsync.errors import CrdtSyncError
from crdtsync.remote import Remote
from examples.sales.model import KINDS
from examples.sales.web.app import make_app
from examples.sales.web.desk import Desk
from examples.sales.web.events import Events
from examples.sales.web.forms import Forms
from examples.sales.web.pages.centers import CENTERS
from examples.sales.web.security import Protection
from examples.sales.web.switch import SlowRemote, SwitchableRemote

LOOPBACK = "127.0.0.1"
SWITCH_COMMAND = "switch"
STOP_GRACE_S = 1
"""How long open event streams may keep a workstation from stopping."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one workstation until its input ends; return 0, or 2 if it could not run."""
    given = _parser().parse_args(arguments)
    try:
        asyncio.run(run(given))
    except (OSError, CrdtSyncError) as error:
        _tell(failure=str(error))
        return 2
    except KeyboardInterrupt:
        pass
    return 0


async def run(given: argparse.Namespace) -> None:
    """Open the replica, sync and serve until the standard input ends."""
    given.data.mkdir(parents=True, exist_ok=True)
    async with open_replica(
        given.data / given.name, name=given.name, role=given.role, author=given.author, kinds=KINDS
    ) as replica:
        desk = _desk_of(given, replica)
        events = Events(desk, tuple(center.kind for center in CENTERS.values()))
        desk.folder.remote = f"folder:{given.folder}"
        desk.folder.is_cut_off = lambda: desk.switch.is_offline
        remote = SwitchableRemote(SlowRemote(open_remote(f"folder:{given.folder}"), desk.delay), desk.switch)

        def told() -> None:
            _tell(is_offline=desk.switch.is_offline)

        app = make_app(desk, events, on_switch=told)
        server = uvicorn.Server(
            uvicorn.Config(
                app,
                host=LOOPBACK,
                port=given.port,
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
            elif not command:
                server.should_exit = True

        _listen(obey)
        async with asyncio.TaskGroup() as group:
            beside = [
                group.create_task(keep_syncing(desk, events, remote)),
                group.create_task(events.run()),
            ]
            told()
            await server.serve()
            for task in beside:
                task.cancel()


async def keep_syncing(desk: Desk, events: Events, remote: Remote) -> None:
    """Sync for as long as the workstation runs.

    A remote that failed is left alone for up to half a minute; somebody who has just switched the workstation
    online does not want to wait for that, and so the syncing begins anew.
    """
    while True:
        async with desk.replica.syncing(remote, on_round=events.on_round) as desk.sync:
            await desk.switch.wait_until_turned_on()


def token_of(path: Path) -> str:
    """Return the token of a workstation's pages: kept, so that a page outlives a restart of its workstation."""
    with suppress(FileNotFoundError):
        return path.read_text(encoding="ascii")
    token = secrets.token_urlsafe(24)
    path.touch(mode=0o600)
    path.write_text(token, encoding="ascii")
    return token


def _desk_of(given: argparse.Namespace, replica: Replica) -> Desk:
    protection = Protection(
        token_of(given.data / f"{given.name}.token"), hosts=(LOOPBACK, "localhost"), framed_by=given.framed_by
    )
    return Desk(replica, protection, Forms(Locale.parse(given.locale), given.currency), given.author)


def _listen(obey: Callable[[str], None]) -> None:
    """Call a function in the event loop with every line of the standard input, at its end with an empty one."""
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(obey, line.strip())
        with suppress(RuntimeError):  # It has stopped already.
            loop.call_soon_threadsafe(obey, "")

    # Windows has no other way to wait for a pipe that asyncio did not make.
    threading.Thread(target=read, daemon=True).start()


def _tell(**facts: object) -> None:
    with suppress(OSError):  # Nobody may be there to read it.
        sys.stdout.write(json.dumps(facts) + "\n")
        sys.stdout.flush()


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m examples.sales.web.workstation")
    parser.add_argument("--name", required=True)
    parser.add_argument("--role", choices=("office", "roaming"), required=True)
    parser.add_argument("--author", default="")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--folder", type=Path, required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--locale", default="en_US")
    parser.add_argument("--currency", default="USD")
    parser.add_argument("--framed-by", default="")
    return parser


if __name__ == "__main__":
    sys.exit(main())
