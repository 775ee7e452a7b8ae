"""Wake-ups: the folder is polled always, and events of the operating system make it sooner."""

# Paths stay strings: `Path` objects cost several times as much in these loops.
# ruff: noqa: PTH119

import asyncio
import contextlib
import logging
import os
import threading
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator
from dataclasses import dataclass

import watchfiles

from crdtsync.errors import RemoteError
from crdtsync.remote import RemoteFile
from crdtsync_folder.names import is_temp_name

STEP_MS = 10
DEBOUNCE_MS = 50
WATCH_AGAIN_POLLS = 30
"""How many polls pass before a watch that failed is tried again in the same root."""

_CLOSE_S = 1.0

_logger = logging.getLogger("crdtsync.folder")


@dataclass(frozen=True, slots=True)
class Sighting:
    """What a poll saw; another value than the last means that something changed."""

    root_identity: tuple[int, int]
    """Device and file number: they differ when something else is mounted or moved there."""

    files: list[RemoteFile]


EventSource = Callable[[str, threading.Event], Iterator[object]]
"""Yields at each event below the root, in a thread, until the threading event is set; may raise anything."""


def os_events(root: str, stop: threading.Event) -> Iterator[object]:
    """Yield at the operating system's events below `root`, except those of our own temporary files."""
    return watchfiles.watch(
        root,
        watch_filter=lambda _, path: not is_temp_name(os.path.basename(path)),
        step=STEP_MS,
        debounce=DEBOUNCE_MS,
        stop_event=stop,
        rust_timeout=0,
        recursive=True,
        raise_interrupt=False,
        ignore_permission_denied=True,
    )


async def folder_changes(
    *,
    root: str,
    look: Callable[[], Awaitable[Sighting]],
    poll_interval_s: float,
    sleep: Callable[[float], Awaitable[None]],
    events: EventSource | None,
) -> AsyncGenerator[None, None]:
    """Yield at once, at every event, and when a poll sees other names, sizes or placeholders than the last.

    The look at the folder comes before the wake-up, so what happens after it causes another. A change that
    keeps name and size is seen by events alone. While the folder cannot be reached there is one wake-up at
    the beginning and one at the end of that time.

    Closing (`aclose`, or cancelling the task that waits) ends the poll's task and the watch's thread.
    """
    wake = asyncio.Event()
    watch: _Watch | None = None
    poller = asyncio.create_task(_tick(wake, poll_interval_s, sleep), name="crdtsync-folder-poll")
    poller.add_done_callback(lambda _: wake.set())
    is_first = True
    before: Sighting | None = None
    try:
        while True:
            wake.clear()
            was_event = watch is not None and watch.take_event()
            now = await _look_or_none(look)
            if events is not None and now is not None:
                watch = await _keep_watching(watch, root, now.root_identity, events, wake)
            if is_first or was_event or now != before:
                is_first = False
                before = now
                yield
            await wake.wait()
            if poller.done():
                poller.result()
    finally:
        # Before anything is awaited: a loop that ends cancels even this clean-up.
        if watch is not None:
            watch.stop()
        poller.cancel()
        await asyncio.gather(poller, return_exceptions=True)
        if watch is not None:
            await watch.close()


async def _tick(wake: asyncio.Event, interval_s: float, sleep: Callable[[float], Awaitable[None]]) -> None:
    while True:
        await sleep(interval_s)
        wake.set()


async def _look_or_none(look: Callable[[], Awaitable[Sighting]]) -> Sighting | None:
    try:
        return await look()
    except RemoteError as error:
        _logger.debug("folder.poll_failed error=%s", error)
        return None


async def _keep_watching(
    watch: "_Watch | None", root: str, identity: tuple[int, int], events: EventSource, wake: asyncio.Event
) -> "_Watch":
    if watch is not None and watch.root_identity == identity and not watch.is_due():
        return watch
    if watch is not None:
        await watch.close()
    return _Watch(root, identity, events, wake)


class _Watch:
    """One thread that waits for events below one root, until it is closed or fails.

    A thread of its own, since setting up a watch reads the whole folder and may stall like any other call.
    """

    def __init__(
        self, root: str, root_identity: tuple[int, int], events: EventSource, wake: asyncio.Event
    ) -> None:
        self.root_identity = root_identity
        self._wake = wake
        self._was_event = False
        self._polls_since_end = 0
        self._stop = threading.Event()
        self._ended = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        threading.Thread(
            target=self._work, args=(root, events), name="crdtsync-folder-watch", daemon=True
        ).start()

    def take_event(self) -> bool:
        """Whether there was an event since the last call."""
        was_event, self._was_event = self._was_event, False
        return was_event

    def is_due(self) -> bool:
        """Whether the watch ended long enough ago to try again; counts the polls it is asked at."""
        if self._ended.is_set():
            self._polls_since_end += 1
        return self._polls_since_end > WATCH_AGAIN_POLLS

    def stop(self) -> None:
        """Let the thread end by itself; its events are heard by nobody from now on."""
        self._stop.set()

    async def close(self) -> None:
        """Stop, and see the thread end; one that stalls is left behind."""
        self.stop()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_CLOSE_S):
                await self._ended.wait()

    def _work(self, root: str, events: EventSource) -> None:
        try:
            for _ in events(root, self._stop):
                self._tell(self._on_event)
                if self._stop.is_set():
                    break
        except Exception as error:  # noqa: BLE001 - the limit of watches, a vanished root...: polling goes on
            _logger.info("folder.watch_failed root=%r error=%s", root, error)
        finally:
            self._tell(self._ended.set)

    def _tell(self, callback: Callable[[], None]) -> None:
        # A closed loop has nobody left to hear it.
        with contextlib.suppress(RuntimeError):
            self._loop.call_soon_threadsafe(callback)

    def _on_event(self) -> None:
        if not self._stop.is_set():
            self._was_event = True
            self._wake.set()
