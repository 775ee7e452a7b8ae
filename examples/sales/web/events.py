"""What the pages are told: short events that say what to load again, never the content itself.

A stream tells everything once when it is opened, so that whoever was away cannot have missed anything. A browser has
one stream for all its pages, so each is told of every document, and knows by itself which one it shows.
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

EVERYTHING = "everything"
"""Whatever a page shows may be out of date."""
HERE_STILL = "here-still"
"""Nothing is out of date: a stream that says nothing for long is known by it to be broken."""
HEALTH = "health"
ITEMS = "items"
CONFLICTS = "conflicts"
DOCUMENT = "document"
FOLDER = "folder"
DOCUMENTS_MAX = 100
"""After a pull of more than this, every page that shows a document asks for it again."""


def center_event(kind: str) -> str:
    """Return the event that says a center of documents of a kind is out of date."""
    return f"center-{kind}"


def document_event(document: str) -> str:
    """Return the event that says one document is out of date."""
    return f"{DOCUMENT}:{document}"


@dataclass(slots=True, eq=False)
class Listener:
    """One stream: the pages of a browser."""

    is_at_folder: bool = False
    """Whether they show the picture of the folder."""
    waiting: set[str] = field(default_factory=lambda: {EVERYTHING})
    woken: asyncio.Event = field(default_factory=asyncio.Event)

    def __post_init__(self) -> None:
        self.woken.set()

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
            yield f"data: {HERE_STILL}\n\n"
            continue
        await asyncio.sleep(GATHER_S)
        listener.woken.clear()
        names, listener.waiting = listener.waiting, set()
        if EVERYTHING in names:
            names = {EVERYTHING}
        of_documents = {name for name in names if name.startswith(f"{DOCUMENT}:")}
        if len(of_documents) > DOCUMENTS_MAX:
            names = names - of_documents | {DOCUMENT}
        yield f"data: {' '.join(sorted(names))}\n\n"


@dataclass(slots=True)
class Events:
    """Tells every page of a workstation what is out of date."""

    desk: Desk
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

    async def stream(self, *, is_at_folder: bool = False) -> AsyncIterator[str]:
        """Yield the lines of an event stream for the pages of a browser, until it is closed."""
        listener = Listener(is_at_folder)
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
            if document:
                names.add(document_event(document))
            for listener in self._listeners:
                listener.tell(*names)

    def _out_of_date(self, event: Event) -> set[str]:
        """Return what every page that shows it is to load again; the document's own page hears of that as well."""
        match event:
            case DocumentChange():
                return {center_event(event.kind), ITEMS, CONFLICTS, HEALTH}
            case NumberChange() | ItemChange():
                # A number may be here before its document.
                return {ITEMS, HEALTH, *([center_event(event.kind)] if event.kind else [])}
            case RemoteChange():
                return {HEALTH, ITEMS}
            case PeerHeard() | QuarantineChange():
                return {HEALTH}
            case EventsMissed():
                return {EVERYTHING}

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
