"""The workstations as processes: started, watched, switched, started again, and stopped."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, Self

from examples.sales.web.children import Child, start_child
from examples.sales.web.desk import COMPANY
from examples.sales.web.loading import Loading
from examples.sales.web.workstation import DELAY_COMMAND, LOOPBACK, SWITCH_COMMAND

State = Literal["dead", "starting", "ready"]


@dataclass(frozen=True, slots=True)
class Post:
    """Who works where."""

    name: str
    role: str
    author: str
    port: int
    host: str = LOOPBACK

    @property
    def address(self) -> str:
        """Where its pages are."""
        return f"http://{self.host}:{self.port}"


@dataclass(frozen=True, slots=True)
class Place:
    """What all workstations of one launcher have in common."""

    data: Path
    folder: Path
    locale: str = "en_US"
    overview: str = ""
    """The origin that shows them side by side."""
    company: str = COMPANY
    """Whose name is at the head of what is printed."""
    is_locking: bool = False
    """Whether an item cannot be edited from its mark until its number is here."""


@dataclass(slots=True)
class Running:
    """One workstation's process."""

    post: Post
    place: Place
    on_change: Callable[[], None] = lambda: None
    """Called when anything here has changed."""
    is_offline: bool = False
    delay_s: float = 0.0
    """How slow its folder is."""
    failure: str = ""
    """Why it does not run, as far as it is known."""
    _is_ready: bool = False
    _child: Child | None = None
    _settled: asyncio.Event = field(default_factory=asyncio.Event)
    _starting: asyncio.Lock = field(default_factory=asyncio.Lock)

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._child is not None and self._child.is_alive

    @property
    def state(self) -> State:
        """Whether it runs, and answers."""
        if not self.is_alive:
            return "dead"
        return "ready" if self._is_ready else "starting"

    @property
    def process_id(self) -> int | None:
        """The id of the process, if it runs."""
        return self._child.process.pid if self._child is not None and self.is_alive else None

    async def start(self) -> None:
        """Start the process, unless it runs."""
        # Of two that were started, one would run and the other, which could not, would be watched.
        async with self._starting:
            if not self.is_alive:
                await self._start()

    async def settled(self) -> State:
        """Return "ready" when its pages can be asked for, or "dead" when it could not start."""
        await self._settled.wait()
        return self.state

    async def switch(self) -> None:
        """Turn its offline switch."""
        if self._child is not None:
            await self._child.say(SWITCH_COMMAND)

    async def slow_down(self, delay_s: str) -> None:
        """Choose how slow its folder is."""
        if self._child is not None:
            await self._child.say(f"{DELAY_COMMAND} {delay_s}")

    async def stop(self) -> None:
        """End it."""
        if self._child is not None:
            await self._child.stop()

    async def _start(self) -> None:
        self.failure, self.is_offline, self.delay_s, self._is_ready = "", False, 0.0, False
        self._settled.clear()
        options = {
            "name": self.post.name,
            "role": self.post.role,
            "author": self.post.author,
            "host": self.post.host,
            "port": str(self.post.port),
            "data": str(self.place.data),
            "folder": str(self.place.folder),
            "locale": self.place.locale,
            "framed-by": self.place.overview,
            "company": self.place.company,
            "lock-while-syncing": "yes" if self.place.is_locking else "no",
        }
        self._child = await start_child("examples.sales.web.workstation", options, self._take)
        self.on_change()

    def _take(self, facts: Mapping[str, Any]) -> None:
        self.is_offline = facts.get("is_offline", self.is_offline)
        self.delay_s = facts.get("delay_s", self.delay_s)
        self.failure = facts.get("failure", self.failure)
        self._is_ready = facts.get("is_ready", self._is_ready)
        if not self.is_alive and self._child is not None:
            self._is_ready = False
            self.failure = self.failure or self._child.how_it_ended
        if self.state != "starting":
            self._settled.set()
        self.on_change()


@dataclass(slots=True)
class Fleet:
    """All workstations of one launcher, and what loads data into them."""

    place: Place
    posts: Sequence[Post]
    loading: Loading | None = None
    desks: dict[str, Running] = field(init=False)

    def __post_init__(self) -> None:
        self.desks = {post.name: Running(post, self.place) for post in self.posts}

    async def __aenter__(self) -> Self:
        for desk in self.desks.values():
            await desk.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        stops = [desk.stop() for desk in self.desks.values()]
        if self.loading is not None:
            stops.append(self.loading.stop())
        await asyncio.gather(*stops)
