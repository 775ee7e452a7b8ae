"""Examining in a process of its own, which may be killed: whatever the CRDT does on the bytes, it does there."""

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO, Final

import msgspec

from crdtsync.document.examination import STORED, Tried, without
from crdtsync.environment import Case, Verdict
from crdtsync.errors import ExaminerError
from crdtsync.examining.inline import TOGETHER
from crdtsync.examining.messages import (
    ANSWERS,
    STARTED,
    Answer,
    Request,
    Sift,
    Sifted,
    TryOut,
    read_frame,
    read_frames,
    widen,
    write_frame,
)

LIMIT_S: Final = 5.0
"""How long one document may take when many are tried out, and one change when it is looked at alone. An ordinary one
takes a thousandth of a second."""

START_LIMIT_S: Final = 60.0
END_LIMIT_S: Final = 5.0

MEMORY_BYTES_MAX: Final = 2 * 1024**3
"""Of addresses, which are more than what is used."""

DEATHS_PER_DELTA: Final = 2
"""How often the process must have ended on one delta, looked at alone, before that is to blame: once may be chance."""

DOOMED_PER_CASE: Final = 8
"""A bound on the time that one call takes."""

_STRANGE: Final = "the process that examines changes gave a strange answer"
_WORKER: Final = Path(__file__).resolve().with_name("worker.py")
_PACKAGE: Final = _WORKER.parents[1]
_SEARCH_PATH: Final = [str(Path(entry).absolute()) for entry in sys.path]
"""As at the import of this module: what the process needs was found by it."""


class ProcessExaminer:
    """Examines in one other process, which is started when it is first needed and after each time it ended.

    The limits are of wall time and, where the system has it, of memory. No event loop of a particular kind is
    needed, and no `fork`: a thread waits for the process.
    """

    def __init__(
        self,
        *,
        limit_s: float = LIMIT_S,
        memory_bytes: int = MEMORY_BYTES_MAX,
        command: Sequence[str] | None = None,
    ) -> None:
        """Make an examiner; nothing is started yet.

        Args:
            limit_s: how long one step may take.
            memory_bytes: how much memory the process may have.
            command: what starts the process, where `sys.executable` is no Python (a packed application): it
                is given one more argument, and calls `crdtsync.examining.run_worker`.
        """
        self.starts = 0
        """How often the process was started."""
        self.examined = 0
        """How many cases were examined."""
        self._limit_s = limit_s
        self._memory_bytes = memory_bytes
        self._command = command
        self._process: subprocess.Popen[bytes] | None = None
        self._thread: ThreadPoolExecutor | None = None
        self._turn = asyncio.Lock()

    async def examine(self, cases: Sequence[Case]) -> Sequence[Verdict]:
        """Return a verdict for each case, in their order.

        Raises:
            ExaminerError: the process cannot be started, or not be spoken with.
        """
        async with self._turn:
            self.examined += len(cases)
            verdicts: list[Verdict | None] = []
            while len(verdicts) < len(cases):
                rest = cases[len(verdicts) :]
                good, ending = await self._try_out(rest)
                verdicts += [None if tried is None else Verdict(outcome=tried) for tried in good]
                if ending and len(verdicts) < len(cases):
                    verdicts.append(None)
            return [
                await self._look_closely(cases[index]) if verdict is None else verdict
                for index, verdict in enumerate(verdicts)
            ]

    async def close(self) -> None:
        """End the process."""
        async with self._turn:
            thread, self._thread = self._thread, None
            if thread is None:
                return
            process, self._process = self._process, None
            if process is not None:
                await asyncio.get_running_loop().run_in_executor(thread, _end, process)
            thread.shutdown(wait=False)

    async def _try_out(self, cases: Sequence[Case]) -> tuple[list[Tried | None], str]:
        """Return what the cases came to, and how the process ended if it did so before the last of them.

        None stands for a case in which something is bad.
        """
        request = TryOut([(list(case.updates), list(case.deltas)) for case in cases])
        answers, ending = await self._ask(request, lambda answers: len(answers) == len(cases))
        if not all(isinstance(answer, Tried) or answer is False for answer in answers):
            raise ExaminerError(_STRANGE)
        return [answer if isinstance(answer, Tried) else None for answer in answers], ending

    async def _look_closely(self, case: Case) -> Verdict:
        """Find out which deltas of a case are bad."""
        needs = [list(needed) for needed in case.needs()]
        doomed: dict[int, str] = {}
        deaths = dict.fromkeys(range(STORED, len(needs)), 0)
        while True:
            request = Sift(list(case.updates), list(case.deltas), needs, doomed)
            answers, ending = await self._ask(request, lambda answers: isinstance(answers[-1], Sifted))
            last = answers[-1] if answers else STORED
            if isinstance(last, Sifted):
                break
            if isinstance(last, Tried):
                raise ExaminerError(_STRANGE)
            deaths[last] += 1
            if deaths[last] < DEATHS_PER_DELTA:
                continue
            if last == STORED:
                return Verdict(unreadable=ending, deaths=sum(deaths.values()))
            doomed[last] = ending
            if len(doomed) == DOOMED_PER_CASE:
                return Verdict(doomed, deaths=sum(deaths.values()), is_settled=False)
        if last.unreadable:
            return Verdict(unreadable=last.unreadable)
        refused = dict(last.refused)
        accepted = without(refused, needs)
        whole = Case(case.updates, [case.deltas[index] for index in accepted], list)
        for _ in range(DEATHS_PER_DELTA):
            good, _ = await self._try_out([whole])
            if good and good[0] is not None:
                return Verdict(refused, deaths=sum(deaths.values()))
        return Verdict(refused | dict.fromkeys(accepted, TOGETHER), deaths=sum(deaths.values()))

    async def _ask(
        self, request: Request, is_complete: Callable[[list[Answer]], bool]
    ) -> tuple[list[Answer], str]:
        """Send a request; return the answers, and how the process ended if they are not complete."""
        process = await self._running()
        answers: list[Answer] = []
        exchange = asyncio.get_running_loop().run_in_executor(
            self._executor(), _exchange, process, request, answers, is_complete
        )
        try:
            before = -1
            while not exchange.done() and len(answers) > before:
                before = len(answers)
                await asyncio.wait({exchange}, timeout=self._limit_s)
            is_late = not exchange.done()
        except BaseException:
            self._drop(process)  # Nobody waits for the answers any more, and there may never be any.
            raise
        if is_late:
            self._drop(process)
        if await exchange:
            return answers, ""
        self._drop(process)
        if is_late:
            return answers, f"reading it did not end within {self._limit_s:g} s"
        return answers, f"reading it ended the process that did so ({_how(process.returncode)})"

    def _drop(self, process: subprocess.Popen[bytes]) -> None:
        process.kill()
        self._process = None

    async def _running(self) -> subprocess.Popen[bytes]:
        if self._process is not None:
            if self._process.poll() is None:
                return self._process
            _reap(self._process)  # Somebody else has ended it, so that this takes no time.
        if self._command is None and getattr(sys, "frozen", False):
            # `sys.executable` is the application itself, which would be started again instead.
            raise ExaminerError(
                "a packed application cannot examine changes as it is: nothing starts the process that does",
                hint="Open the replica with Environment(examiner=lambda: ProcessExaminer(command=[sys.executable, "
                '"--examine"])), and call crdtsync.examining.run_worker() when the program is started so',
            )
        self.starts += 1
        loop = asyncio.get_running_loop()
        options = {
            "path": _SEARCH_PATH,
            "package": str(_PACKAGE),
            "memory_bytes": min(self._memory_bytes, sys.maxsize),
            "limit_s": self._limit_s,
        }
        command = [*(self._command or (sys.executable, "-S", "-P", str(_WORKER))), json.dumps(options)]
        starting = loop.run_in_executor(self._executor(), _start, command)
        try:
            process = await asyncio.shield(starting)
        except asyncio.CancelledError:
            with suppress(OSError, ValueError):
                process = await starting  # It takes no time, and nobody else would end it.
                self._drop(process)
                loop.run_in_executor(self._executor(), _reap, process)
            raise
        except (OSError, ValueError) as error:
            raise _cannot_start(str(error)) from error
        self._process = process
        greeting = loop.run_in_executor(self._executor(), _greeting, process)
        try:
            done, _ = await asyncio.wait({greeting}, timeout=START_LIMIT_S)
        except BaseException:
            self._drop(process)
            raise
        if done:
            problem = await greeting
            if not problem:
                return process
            self._process = None
            raise _cannot_start(problem)
        self._drop(process)
        raise _cannot_start("it does not answer")

    def _executor(self) -> ThreadPoolExecutor:
        if self._thread is None:
            self._thread = ThreadPoolExecutor(1, thread_name_prefix="crdtsync-examiner")
        return self._thread


def _cannot_start(problem: str) -> ExaminerError:
    return ExaminerError(f"the process that examines changes cannot be started: {problem}")


def _start(command: list[str]) -> subprocess.Popen[bytes]:
    flags = 0
    if sys.platform == "win32":
        flags = subprocess.CREATE_NO_WINDOW
    process = subprocess.Popen(  # noqa: S603 - our own program
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        creationflags=flags,
    )
    for pipe in _pipes(process):
        widen(pipe)
    return process


def _pipes(process: subprocess.Popen[bytes]) -> tuple[BinaryIO, BufferedReader]:
    assert process.stdin is not None
    assert isinstance(process.stdout, BufferedReader)
    return process.stdin, process.stdout  # type: ignore[return-value]


def _greeting(process: subprocess.Popen[bytes]) -> str:
    """Return why the process is not ready; empty if it is."""
    body = read_frame(_pipes(process)[1])
    if body is None:
        _reap(process)
        return f"it ended at once ({_how(process.returncode)})"
    try:
        problem = STARTED.decode(body).problem
    except msgspec.MsgspecError:
        process.kill()
        problem = "it is another program"
    if problem:
        _reap(process)
    return problem


def _exchange(
    process: subprocess.Popen[bytes],
    request: Request,
    answers: list[Answer],
    is_complete: Callable[[list[Answer]], bool],
) -> bool:
    """Send a request and collect the answers; return whether all came. Runs in the examiner's thread."""
    sink, source = _pipes(process)
    try:
        write_frame(sink, request)
        for body in read_frames(source):
            answers.append(ANSWERS.decode(body))
            if is_complete(answers):
                return True
    except (OSError, msgspec.MsgspecError):
        process.kill()  # It is gone already, or says what no examiner says.
    _reap(process)
    return False


def _end(process: subprocess.Popen[bytes]) -> None:
    with suppress(OSError):
        _pipes(process)[0].close()
    _reap(process)


def _reap(process: subprocess.Popen[bytes]) -> None:
    """Wait for a process that is about to end, and free what it has here."""
    try:
        process.wait(END_LIMIT_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    for pipe in _pipes(process):
        with suppress(OSError):
            pipe.close()


def _how(returncode: int | None) -> str:
    return f"signal {-returncode}" if returncode is not None and returncode < 0 else f"exit code {returncode}"
