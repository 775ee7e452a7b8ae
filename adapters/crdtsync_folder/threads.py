"""Calls that may block, each in a thread which nobody has to wait for."""

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TypeVar

from crdtsync.errors import RemoteUnavailableError

THREADS_MAX = 8

_Result = TypeVar("_Result")


class Threads:
    """Runs blocking calls beside the event loop, a few at a time, and gives up on those that stall.

    Not `asyncio.to_thread`: its executor is joined when the loop and the interpreter end, so a single read
    that a file service never answers would keep the program from ending; and it is shared with everybody
    else, whom a few such reads would starve. A thread of its own costs 25 us more.
    """

    def __init__(self, *, timeout_s: float) -> None:
        self._timeout_s = timeout_s
        self._free = asyncio.Semaphore(THREADS_MAX)

    async def run(self, call: Callable[[], _Result], *, doing: str) -> _Result:
        """Return what `call` returns, or raise what it raises.

        A call that is given up on (or whose awaiting task is cancelled) goes on in its thread, and may
        still take effect.

        Raises:
            RemoteUnavailableError: no answer in time.
        """
        timer = asyncio.timeout(self._timeout_s)
        try:
            async with timer:
                await self._free.acquire()
                return await self._start(call)
        except TimeoutError as error:
            if not timer.expired():
                raise
            raise RemoteUnavailableError(
                f"The folder gave no answer for {self._timeout_s:g} s while {doing}"
            ) from error

    def _start(self, call: Callable[[], _Result]) -> "asyncio.Future[_Result]":
        loop = asyncio.get_running_loop()
        future: asyncio.Future[_Result] = loop.create_future()

        def finish(result: _Result | None, error: BaseException | None) -> None:
            # Only now: a stalled call keeps its place, or stalled threads would pile up with every poll.
            self._free.release()
            if future.done():
                return
            if error is not None:
                future.set_exception(error)
            else:
                future.set_result(result)  # type: ignore[arg-type]  # None only beside an error

        def work() -> None:
            result: _Result | None = None
            failure: BaseException | None = None
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001 - handed to the awaiting task, whatever it is
                failure = error
            # The loop is closed when the program ended while the call was stalled.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(finish, result, failure)

        threading.Thread(target=work, name="crdtsync-folder", daemon=True).start()
        return future
