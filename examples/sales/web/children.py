"""How the launcher and the processes it starts talk: lines of JSON on standard output, lines on standard input.

When its input ends, a process ends: none outlives the launcher that started it.
"""

import asyncio
import json
import os
import subprocess
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

STOP_TIMEOUT_S = 10.0


def tell(**facts: object) -> None:
    """Tell the launcher something."""
    with suppress(OSError):  # Nobody may be there to read it.
        sys.stdout.write(json.dumps(facts) + "\n")
        sys.stdout.flush()


def listen(obey: Callable[[str], None]) -> None:
    """Call a function in the event loop with every line of the standard input, at its end with an empty one."""
    loop = asyncio.get_running_loop()

    def read() -> None:
        for line in sys.stdin:
            loop.call_soon_threadsafe(obey, line.strip())
        with suppress(RuntimeError):  # It has stopped already.
            loop.call_soon_threadsafe(obey, "")

    # Windows has no other way to wait for a pipe that asyncio did not make.
    threading.Thread(target=read, daemon=True).start()


def first_of(error: BaseException) -> BaseException:
    """Return the first exception of a group of groups."""
    while isinstance(error, BaseExceptionGroup):
        error = error.exceptions[0]
    return error


@dataclass(slots=True)
class Child:
    """A process that the launcher started."""

    process: asyncio.subprocess.Process
    reader: asyncio.Task[None]

    @property
    def is_alive(self) -> bool:
        """Whether it runs."""
        return self.process.returncode is None

    @property
    def how_it_ended(self) -> str:
        """Say how, for a person."""
        code = self.process.returncode or 0
        return f"it was ended by signal {-code}" if code < 0 else f"it ended with exit code {code}"

    async def say(self, command: str) -> None:
        """Say something to it."""
        if self.process.stdin is not None and self.is_alive:
            self.process.stdin.write(f"{command}\n".encode())
            with suppress(ConnectionError):
                await self.process.stdin.drain()

    async def stop(self) -> None:
        """End it: first by the end of its input, and after a while by force."""
        if self.process.stdin is not None:
            self.process.stdin.close()
        try:
            async with asyncio.timeout(STOP_TIMEOUT_S):
                await self.process.wait()
        except TimeoutError:
            self.process.kill()
            await self.process.wait()
        await self.reader


async def start_child(
    module: str, options: Mapping[str, str], on_facts: Callable[[Mapping[str, Any]], None]
) -> Child:
    """Start a module as a process. `on_facts` is called with whatever it tells, and with nothing at its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        module,
        *(f"--{name}={value}" for name, value in options.items()),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        # Ctrl-C is for the launcher, which then stops each in its own time.
        start_new_session=os.name == "posix",
        creationflags=getattr(subprocess, "CREATE_NEW_PROCESS_GROUP", 0),
    )

    async def read() -> None:
        assert process.stdout is not None
        async for line in process.stdout:
            on_facts(json.loads(line))
        await process.wait()
        on_facts({})

    return Child(process, asyncio.create_task(read()))
