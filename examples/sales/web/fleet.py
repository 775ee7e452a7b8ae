"""The workstations as processes: started, watched, switched, started again, and stopped."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

from examples.sales.web.workstation import LOOPBACK, SWITCH_COMMAND

STOP_TIMEOUT_S = 10.0


@dataclass(frozen=True, slots=True)
class Post:
    """Who works where."""

    name: str
    role: str
    author: str
    port: int

    @property
    def address(self) -> str:
        """Where its pages are."""
        return f"http://{LOOPBACK}:{self.port}"


@dataclass(frozen=True, slots=True)
class Place:
    """What all workstations of one launcher have in common."""

    data: Path
    folder: Path
    locale: str = "en_US"
    overview: str = ""
    """The origin that shows them side by side."""


@dataclass(slots=True)
class Running:
    """One workstation's process."""

    post: Post
    place: Place
    is_offline: bool = False
    failure: str = ""
    _process: asyncio.subprocess.Process | None = None
    _reader: asyncio.Task[None] | None = None

    @property
    def is_alive(self) -> bool:
        """Whether the process runs."""
        return self._process is not None and self._process.returncode is None

    @property
    def process_id(self) -> int | None:
        """The id of the process, if it runs."""
        return self._process.pid if self._process is not None and self.is_alive else None

    async def start(self) -> None:
        """Start the process, unless it runs."""
        if self.is_alive:
            return
        self.failure, self.is_offline = "", False
        words = {
            "name": self.post.name,
            "role": self.post.role,
            "author": self.post.author,
            "port": str(self.post.port),
            "data": str(self.place.data),
            "folder": str(self.place.folder),
            "locale": self.place.locale,
            "framed-by": self.place.overview,
        }
        self._process = await asyncio.create_subprocess_exec(
            sys.executable,
            "-m",
            "examples.sales.web.workstation",
            *(f"--{name}={value}" for name, value in words.items()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            # Ctrl-C is for the launcher, which then stops each in its own time.
            start_new_session=os.name == "posix",
            creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
        )
        self._reader = asyncio.create_task(self._read(self._process))

    async def switch(self) -> None:
        """Turn its offline switch."""
        if self._process is not None and self._process.stdin is not None and self.is_alive:
            self._process.stdin.write(f"{SWITCH_COMMAND}\n".encode())
            with suppress(ConnectionError):
                await self._process.stdin.drain()

    async def stop(self) -> None:
        """End it: first by the end of its input, and after a while by force."""
        if self._process is None:
            return
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        if self._reader is not None:
            await self._reader

    async def _read(self, process: asyncio.subprocess.Process) -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            facts = json.loads(line)
            self.is_offline = facts.get("is_offline", self.is_offline)
            self.failure = facts.get("failure", self.failure)
        await process.wait()


@dataclass(slots=True)
class Fleet:
    """All workstations of one launcher."""

    place: Place
    posts: Sequence[Post]
    desks: dict[str, Running] = field(init=False)

    def __post_init__(self) -> None:
        self.desks = {post.name: Running(post, self.place) for post in self.posts}

    async def __aenter__(self) -> Self:
        for desk in self.desks.values():
            await desk.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.gather(*(desk.stop() for desk in self.desks.values()))
