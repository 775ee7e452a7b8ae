"""The process that examines: it may hang, overflow its stack, run out of memory, and be killed.

`process` runs this file by its path, without `site` and without the package's own `__init__`, so that it starts
in the time that importing pycrdt takes. It ends when its input does, and says nothing to the terminal.
"""

import contextlib
import faulthandler
import json
import os
import signal
import sys
import threading
import time
import types
from typing import TYPE_CHECKING, BinaryIO

if TYPE_CHECKING:
    from crdtsync.examining.messages import Request

STACK_BYTES = 256 * 1024
"""Less than any thread of the application has, so that what fits here fits there."""

PATIENCE = 3
"""The process ends itself after so many times the limit: its parent, which would end it sooner, may be gone."""


def main() -> None:
    """Be the process that examines changes, until the application that started it ends it.

    A packed application calls it, as `crdtsync.examining.run_worker`, where it is started with the command that it
    gave to `ProcessExaminer`. The last argument says what is to be done: a JSON object with `path`, `package`,
    `memory_bytes` and `limit_s`.
    """
    options = json.loads(sys.argv[-1])
    # What goes to the terminal's foreground process group is meant for the application.
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    sys.path[:] = options["path"]
    for name, directory in (("crdtsync", ""), ("crdtsync.examining", "examining")):
        package = types.ModuleType(name)
        package.__path__ = [os.path.join(options["package"], directory)]  # noqa: PTH118 - pathlib is one more import
        sys.modules[name] = package
    _limit(options["memory_bytes"])
    threading.stack_size(STACK_BYTES)
    thread = threading.Thread(target=_serve, args=(options["limit_s"],))
    thread.start()
    thread.join()


def _limit(memory_bytes: int) -> None:
    if sys.platform == "win32":
        # No limit of memory here: it would take a job object. And no window that says that a process has died.
        import ctypes  # noqa: PLC0415

        ctypes.windll.kernel32.SetErrorMode(0x0001 | 0x0002)
        return
    import resource  # noqa: PLC0415

    for what, limit in ((resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_CORE, 0)):
        _, hard = resource.getrlimit(what)
        soft = limit if hard == resource.RLIM_INFINITY else min(limit, hard)
        # macOS refuses a limit of memory below what the process has mapped; the one of time stays.
        with contextlib.suppress(OSError, ValueError):
            resource.setrlimit(what, (soft, hard))


def _serve(limit_s: float) -> None:
    source, sink = sys.stdin.buffer, sys.stdout.buffer
    try:
        from crdtsync.document import examination  # noqa: PLC0415 - the package is not there before `main`
        from crdtsync.examining import messages  # noqa: PLC0415
    except BaseException as error:  # noqa: BLE001 - told to the parent, which nobody else tells
        _write_plainly(sink, f"{type(error).__name__}: {error}")
        return
    del examination
    messages.write_frame(sink, messages.Started(""))
    guard = _Guard(limit_s * PATIENCE)
    while (body := messages.read_frame(source)) is not None:
        guard.begin()
        _answer(messages.REQUESTS.decode(body), sink, guard)
        guard.end()


def _answer(request: "Request", sink: BinaryIO, guard: "_Guard") -> None:
    from crdtsync.document.examination import sift, try_out  # noqa: PLC0415
    from crdtsync.errors import CrdtError  # noqa: PLC0415
    from crdtsync.examining.messages import Sift, Sifted, write_frame  # noqa: PLC0415

    if isinstance(request, Sift):

        def begin(index: int) -> None:
            guard.begin()
            write_frame(sink, index)

        found = sift(request.updates, request.deltas, request.needs, request.doomed, begin)
        write_frame(sink, Sifted(*found))
        return
    for updates, deltas in request.cases:
        guard.begin()
        try:
            tried = try_out(updates, deltas)
        except CrdtError:
            write_frame(sink, False)
        else:
            write_frame(sink, tried)


class _Guard:
    """Ends the process when one step takes too long, from a thread that needs no interpreter lock."""

    def __init__(self, limit_s: float) -> None:
        self._limit_s = limit_s
        self._armed_s = float("-inf")
        self._nowhere = open(os.devnull, "w")  # noqa: SIM115, PTH123 - as long as the process

    def begin(self) -> None:
        now_s = time.monotonic()
        if now_s - self._armed_s > self._limit_s / 8:  # Arming takes longer than most steps.
            faulthandler.dump_traceback_later(self._limit_s, exit=True, file=self._nowhere)
            self._armed_s = now_s

    def end(self) -> None:
        faulthandler.cancel_dump_traceback_later()
        self._armed_s = float("-inf")


def _write_plainly(sink: BinaryIO, problem: str) -> None:
    """Send `Started` by hand: msgspec may be what is missing."""
    text = problem.encode()[:200].decode(errors="ignore").encode()
    body = b"\x91\xd9" + bytes([len(text)]) + text
    sink.write(len(body).to_bytes(4, "little") + body)
    sink.flush()


if __name__ == "__main__":
    main()
