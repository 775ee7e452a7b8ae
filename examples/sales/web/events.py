"""What the pages are told: short events that say what to load again, never the content itself.

A page that was away is told everything once when it connects, so that it cannot have missed anything.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace

from crdtsync import SyncReport
from examples.sales.web.desk import Desk
from examples.sales.web.health import health_of
from examples.sales.web.watch import LOOK_INTERVAL_S

GATHER_S = 0.05
"""How long events are gathered: a pull of a thousand documents loads a page again once."""
KEEP_ALIVE_S = 15.0
HEALTH_POLL_S = 1.0

HEALTH = "health"
ITEMS = "items"
CONFLICTS = "conflicts"
DOCUMENT = "document"
FOLDER = "folder"


def center_event(kind: str) -> str:
    """Return the event that says a center of documents of a kind is out of date."""
    return f"center-{kind}"


@dataclass(slots=True, eq=False)
class Listener:
    """One page that listens."""

    document: str
    """The id of the document it shows, or nothing."""
    waiting: set[str]
    is_at_folder: bool = False
    """Whether it shows the picture of the folder."""
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def tell(self, *names: str) -> None:
        """Say that something is out of date."""
        self.waiting.update(names)
        self.woken.set()


async def lines_for(listener: Listener) -> AsyncIterator[str]:
    """Yield the lines of an event stream: what a listener was told, a little later and together."""
    while True:
        try:
            async with asyncio.timeout(KEEP_ALIVE_S):
                await listener.woken.wait()
        except TimeoutError:
            yield ": still here\n\n"
            continue
        await asyncio.sleep(GATHER_S)
        listener.woken.clear()
        names, listener.waiting = sorted(listener.waiting), set()
        yield "".join(f"event: {name}\ndata: now\n\n" for name in names)


@dataclass(slots=True)
class Events:
    """Tells every page of a workstation what is out of date."""

    desk: Desk
    kinds: tuple[str, ...]
    _listeners: set[Listener] = field(default_factory=set)
    _round_done: asyncio.Event = field(default_factory=asyncio.Event)

    def on_round(self, report: SyncReport) -> None:
        """Take note of a round of the sync: numbers and receipts come without a change of a document."""
        if not report.is_idle:
            self._tell_all()
        self._round_done.set()

    def switched(self) -> None:
        """Take note of a switch that was turned."""
        self._tell_folder()
        self._round_done.set()

    async def run(self) -> None:
        """Watch the replica for as long as the workstation runs."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_documents())
            group.create_task(self._watch_health())
            group.create_task(self._watch_folder())

    async def stream(self, document: str, *, is_at_folder: bool = False) -> AsyncIterator[str]:
        """Yield the lines of an event stream for one page, until it is closed."""
        every = {HEALTH, ITEMS, CONFLICTS, DOCUMENT, *map(center_event, self.kinds)}
        if is_at_folder:
            every.add(FOLDER)
        listener = Listener(document, every, is_at_folder)
        listener.woken.set()
        self._listeners.add(listener)
        try:
            async for lines in lines_for(listener):
                yield lines
        finally:
            self._listeners.discard(listener)

    async def _watch_documents(self) -> None:
        async for change in self.desk.replica.changes():
            for listener in self._listeners:
                listener.tell(center_event(change.kind), ITEMS, CONFLICTS, HEALTH)
                if change.document == listener.document:
                    listener.tell(DOCUMENT)

    async def _watch_health(self) -> None:
        shown = await health_of(self.desk)
        while True:
            self._round_done.clear()
            now = await health_of(self.desk)
            if now != shown:
                # A word from somebody, and how long a slow folder takes still, is news for the header alone.
                is_greeting = replace(shown, heard=now.heard, under_way=now.under_way) == now
                shown = now
                for listener in self._listeners:
                    listener.tell(*((HEALTH,) if is_greeting else (HEALTH, ITEMS, DOCUMENT)))
            try:
                async with asyncio.timeout(HEALTH_POLL_S):
                    await self._round_done.wait()
            except TimeoutError:
                pass  # Somebody may have been heard from without a round of ours.

    async def _watch_folder(self) -> None:
        while True:
            if any(listener.is_at_folder for listener in self._listeners) and await self.desk.folder.look():
                self._tell_folder()
            await asyncio.sleep(LOOK_INTERVAL_S)

    def _tell_folder(self) -> None:
        for listener in self._listeners:
            if listener.is_at_folder:
                listener.tell(FOLDER)

    def _tell_all(self) -> None:
        self._tell_folder()
        for listener in self._listeners:
            listener.tell(HEALTH, ITEMS, CONFLICTS, DOCUMENT, *map(center_event, self.kinds))
