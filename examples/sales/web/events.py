"""What the pages are told: short events that say what to load again, never the content itself.

A page that was away is told everything once when it connects, so that it cannot have missed anything.
"""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

from crdtsync import (
    DocumentChange,
    Event,
    EventsMissed,
    ItemChange,
    NumberChange,
    PeerHeard,
    QuarantineChange,
    RemoteChange,
)
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
    _turned: asyncio.Event = field(default_factory=asyncio.Event)

    def switched(self) -> None:
        """Take note of a switch that was turned."""
        self._tell_folder()
        self._turned.set()

    async def run(self) -> None:
        """Watch the replica for as long as the workstation runs."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._watch_replica())
            group.create_task(self._watch_health())
            group.create_task(self._watch_folder())

    async def stream(self, document: str, *, is_at_folder: bool = False) -> AsyncIterator[str]:
        """Yield the lines of an event stream for one page, until it is closed."""
        every = self._everything()
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

    async def _watch_replica(self) -> None:
        async for event in self.desk.replica.events():
            names = self._out_of_date(event)
            document = getattr(event, "document", "")
            for listener in self._listeners:
                listener.tell(*names)
                if document == listener.document != "":
                    listener.tell(DOCUMENT)

    def _out_of_date(self, event: Event) -> set[str]:
        """Return what every page that shows it is to load again; the document's own page hears of that as well."""
        match event:
            case DocumentChange():
                return {center_event(event.kind), ITEMS, CONFLICTS, HEALTH}
            case NumberChange() | ItemChange():
                # A number may be here before its document.
                return {ITEMS, *([center_event(event.kind)] if event.kind else [])}
            case RemoteChange():
                return {HEALTH, ITEMS}
            case PeerHeard() | QuarantineChange():
                return {HEALTH}
            case EventsMissed():
                return self._everything()

    async def _watch_health(self) -> None:
        """Tell of what no event tells: a switch that was turned, and how long a slow folder takes still."""
        shown = await health_of(self.desk)
        while True:
            self._turned.clear()
            now = await health_of(self.desk)
            if now != shown:
                shown = now
                for listener in self._listeners:
                    listener.tell(HEALTH)
            try:
                async with asyncio.timeout(HEALTH_POLL_S):
                    await self._turned.wait()
            except TimeoutError:
                pass

    async def _watch_folder(self) -> None:
        while True:
            if any(listener.is_at_folder for listener in self._listeners) and await self.desk.folder.look():
                self._tell_folder()
            await asyncio.sleep(LOOK_INTERVAL_S)

    def _tell_folder(self) -> None:
        for listener in self._listeners:
            if listener.is_at_folder:
                listener.tell(FOLDER)

    def _everything(self) -> set[str]:
        return {HEALTH, ITEMS, CONFLICTS, DOCUMENT, *map(center_event, self.kinds)}
