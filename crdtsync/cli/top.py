"""`top`: a live console of a replica or of a folder: feeds, who lags behind, what waits, what happened last."""

# Parameters become arguments and options by their defaults, all by name: typer reads them.
# ruff: noqa: FBT002

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Annotated

import typer
from rich.console import Console
from rich.live import Live

from crdtsync.cli.frames import Frame, print_frame, rendered
from crdtsync.cli.output import print_json, print_json_line
from crdtsync.cli.settings import with_replica
from crdtsync.cli.syncing import stop_signals
from crdtsync.cli.top_folder import folder_frame
from crdtsync.cli.top_replica import replica_frame, waiting_items
from crdtsync.environment import Environment
from crdtsync.errors import RemoteUnavailableError, UsageError
from crdtsync.replica import Replica, inspect_folder
from crdtsync.store.items import Item
from crdtsync.sync.picture import FolderPicture

_Take = Callable[[], Awaitable[Frame]]

INTERVAL_S_MIN = 0.2
ITEMS_PAUSE_FACTOR = 20
"""How much longer than the reading of the waiting documents is the pause after it."""


def top(
    context: typer.Context,
    address: Annotated[
        str | None,
        typer.Argument(
            metavar="ADDRESS",
            help="A shared folder, as in folder:~/Dropbox/sales; without it the replica itself is shown.",
        ),
    ] = None,
    interval_s: Annotated[
        float, typer.Option("--interval", metavar="SECONDS", min=INTERVAL_S_MIN, help="How often to look.")
    ] = 1.0,
    once: Annotated[bool, typer.Option("--once", help="Print what there is now, and leave.")] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print JSON: one object with --once, else a line each time.")
    ] = False,
) -> None:
    """Watch a replica or a shared folder: feeds, who has how much, what waits, what happened last.

    Reads only, and runs beside the application and the agent. Ctrl-C ends it.
    """
    if not (once or as_json or _is_terminal()):
        raise UsageError("there is no terminal to draw on", hint="Use --once, or --json")

    async def watch(take: _Take) -> None:
        if once:
            frame = await take()
            if as_json:
                print_json(frame.facts)
            else:
                print_frame(frame)
            return
        await _keep_showing(take, interval_s, as_json=as_json)

    now_ms = Environment().now_ms
    if address is not None:
        asyncio.run(watch(_FolderView(address, now_ms).take))
    else:
        with_replica(context, lambda replica: watch(_ReplicaView(replica, now_ms).take))


@dataclass(slots=True)
class _ReplicaView:
    """Looks at a replica again and again."""

    replica: Replica
    now_ms: Callable[[], int]
    _previous: Frame | None = None
    _waiting: list[Item] = field(default_factory=list)
    _waiting_due_ms: int = 0

    async def take(self) -> Frame:
        began_ms = self.now_ms()
        if began_ms >= self._waiting_due_ms:
            # All drafts are looked through for it: with very many of them not every time.
            self._waiting = await waiting_items(self.replica)
            ended_ms = self.now_ms()
            self._waiting_due_ms = ended_ms + ITEMS_PAUSE_FACTOR * (ended_ms - began_ms)
        self._previous = await replica_frame(
            self.replica, self._previous, self._waiting, now_ms=self.now_ms()
        )
        return self._previous


@dataclass(slots=True)
class _FolderView:
    """Looks into a folder again and again; once it has been seen, its last picture outlives its absence."""

    address: str
    now_ms: Callable[[], int]
    _picture: FolderPicture | None = None
    _previous: Frame | None = None

    async def take(self) -> Frame:
        problem = ""
        try:
            # Not entered: entering a remote may clean up after this machine, and nothing is to be touched here.
            self._picture = await inspect_folder(self.address, previous=self._picture)
        except RemoteUnavailableError as error:
            if self._picture is None:
                raise
            problem = error.message
        now_ms = self.now_ms()
        self._previous = folder_frame(self._picture, self._previous, now_ms=now_ms, problem=problem)
        return self._previous


async def _keep_showing(take: _Take, interval_s: float, *, as_json: bool) -> None:
    with stop_signals() as stopped:
        async with _shower(as_json=as_json) as show:
            while not stopped.is_set():
                show(await take())
                try:
                    async with asyncio.timeout(interval_s):
                        await stopped.wait()
                except TimeoutError:
                    pass  # Nobody wants it to stop: look again.


@asynccontextmanager
async def _shower(*, as_json: bool) -> AsyncIterator[Callable[[Frame], None]]:
    if as_json:

        def tell(frame: Frame) -> None:
            print_json_line(frame.facts)
            if sys.stdout is not None:
                sys.stdout.flush()  # Whoever reads a pipe wants it now.

        yield tell
        return
    console = Console(highlight=False)
    with Live(console=console, screen=True, auto_refresh=False, vertical_overflow="ellipsis") as live:
        yield lambda frame: live.update(rendered(frame), refresh=True)


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty()
