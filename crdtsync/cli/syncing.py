"""`sync` and `agent`: one round with the remote, or rounds until somebody stops them."""

# Parameters become arguments and options by their defaults, all by name: typer reads them.
# ruff: noqa: FBT002

import asyncio
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from functools import partial
from types import FrameType
from typing import Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn

from crdtsync.cli.failures import say
from crdtsync.cli.output import Json, counted, iso, print_json, print_json_line, print_line, size, title, when
from crdtsync.cli.settings import with_replica
from crdtsync.environment import Environment
from crdtsync.errors import CrdtSyncError, UsageError
from crdtsync.events import DocumentChange
from crdtsync.replica import Replica
from crdtsync.sync.agent import SyncState
from crdtsync.sync.report import OnProgress, Phase, SyncReport
from crdtsync.sync.report import Progress as Step

STATE_POLL_S = 0.1

_DOING = {
    Phase.PULL: "reading files",
    Phase.APPLY: "applying changes",
    Phase.ALLOCATE: "giving out numbers",
    Phase.PUBLISH: "publishing files",
    Phase.ACKNOWLEDGE: "acknowledging",
}

Address = Annotated[
    str | None,
    typer.Argument(metavar="REMOTE", help="As in folder:~/Dropbox/sales; by default the replica's own."),
]
CreateFolder = Annotated[
    bool | None,
    typer.Option(
        "--create-folder/--no-create-folder",
        help="Set up an empty remote, or put its lost marker back; "
        "by default the office sets up an empty one.",
    ),
]


def sync(
    context: typer.Context,
    remote: Address = None,
    create_folder: CreateFolder = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but problems.")] = False,
    as_json: Json = False,
) -> None:
    """Sync once: read what others sent, send what waits here, and as the coordinator give out numbers."""

    async def work(replica: Replica) -> SyncReport:
        address = await _address(replica, remote)
        with _bar(wanted=not (quiet or as_json)) as on_progress:
            return await replica.sync(address, create_folder=create_folder, on_progress=on_progress)

    report = with_replica(context, work)
    for problem in report.problems:
        say(f"warning: {problem}")
    if as_json:
        print_json(report_json(report))
    elif not quiet:
        print_line(report_text(report))


def agent(
    context: typer.Context,
    remote: Address = None,
    create_folder: CreateFolder = None,
    quiet: Annotated[bool, typer.Option("--quiet", "-q", help="Print nothing but problems.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print a JSON object per event.")] = False,
) -> None:
    """Sync whenever there is something to do, until Ctrl-C or a termination signal.

    Waits out a remote that cannot be reached, and stands by while another process syncs this replica.
    """

    async def work(replica: Replica) -> None:
        address = await _address(replica, remote)
        told = _Teller(quiet=quiet, as_json=as_json)
        async with asyncio.TaskGroup() as group:
            with stop_signals() as stopped:
                async with replica.syncing(
                    address, create_folder=create_folder, on_round=told.round
                ) as state:
                    told.event("started", f"syncing {replica.name} with {address}", remote=address)
                    watchers = [
                        group.create_task(_tell_states(state, told)),
                        group.create_task(_tell_changes(replica, told)),
                    ]
                    try:
                        await stopped.wait()
                    finally:
                        for watcher in watchers:
                            watcher.cancel()
        told.event("stopped", "stopped")

    try:
        with_replica(context, work)
    except* CrdtSyncError as errors:
        first = errors.exceptions[0]
        while isinstance(first, BaseExceptionGroup):
            first = first.exceptions[0]
        failure = first
    else:
        return
    raise failure


def report_json(report: SyncReport) -> dict[str, Any]:
    """Return a report as JSON."""
    return {
        "idle": report.is_idle,
        "pulled_files": report.pulled_files,
        "pulled_bytes": report.pulled_bytes,
        "applied": report.applied,
        "waiting": report.waiting,
        "refused": report.refused,
        "granted": report.granted,
        "published_files": report.published_files,
        "published_segments": report.published_segments,
        "published_bytes": report.published_bytes,
        "not_local": report.not_local,
        "problems": report.problems,
    }


def report_text(report: SyncReport) -> str:
    """Return a report in words."""
    parts = []
    if report.pulled_files:
        parts.append(f"read {counted(report.pulled_files, 'file')} ({size(report.pulled_bytes)})")
    if report.applied:
        parts.append(f"applied {counted(report.applied, 'change')}")
    if report.granted:
        parts.append(f"gave out {counted(report.granted, 'number')}")
    if report.published_files:
        parts.append(_published(report))
    if report.waiting:
        wait = "waits" if report.waiting == 1 else "wait"
        parts.append(f"{counted(report.waiting, 'change')} {wait} for earlier ones")
    if report.refused:
        parts.append(f"refused {counted(report.refused, 'change')}")
    if report.not_local:
        parts.append(f"{counted(report.not_local, 'file')} not on this machine yet")
    return ", ".join(parts) or "nothing to do"


def _published(report: SyncReport) -> str:
    if report.published_segments == report.published_files:
        what = "with changes"
    elif report.published_segments:
        what = f"{report.published_segments} with changes"
    else:
        what = "none with changes"  # It says what is here, or carries numbers.
    return f"published {counted(report.published_files, 'file')}, {what} ({size(report.published_bytes)})"


async def _address(replica: Replica, given: str | None) -> str:
    address = given or await replica.default_remote()
    if not address:
        raise UsageError(
            "this replica has no remote to sync with",
            hint="Name one, as in `crdtsync sync folder:~/Dropbox/sales`, or choose it with `remote use`",
        )
    return address


@contextmanager
def _bar(*, wanted: bool) -> Iterator[OnProgress | None]:
    """Show how far each step is, on standard error if that is a terminal."""
    if not wanted or sys.stderr is None or not sys.stderr.isatty():
        yield None
        return
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[size]}"),
    )
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        tasks: dict[Phase, TaskID] = {}

        def on_progress(step: Step) -> None:
            if step.phase not in tasks:
                tasks[step.phase] = bar.add_task(_DOING[step.phase], size="")
            sizes = size(step.done_bytes) if step.done_bytes else ""
            bar.update(tasks[step.phase], completed=step.done, total=step.total or None, size=sizes)

        yield on_progress


class _Teller:
    """Prints a line per event."""

    def __init__(self, *, quiet: bool, as_json: bool) -> None:
        self._quiet = quiet
        self._as_json = as_json
        self._now_ms = Environment().now_ms

    def event(self, name: str, text: str, **facts: Any) -> None:
        if self._quiet and name != "problem":
            return
        now_ms = self._now_ms()
        if self._as_json:
            print_json_line({"at": iso(now_ms), "event": name, **facts})
        elif self._quiet:
            say(text)
        else:
            print_line(f"{when(now_ms)}  {text}")
        if sys.stdout is not None:
            sys.stdout.flush()  # Whoever reads a log or a pipe wants it now.

    def round(self, report: SyncReport) -> None:
        if not report.is_idle or report.problems:
            self.event("round", report_text(report), **report_json(report))
        for problem in report.problems:
            self.event("problem", f"problem: {problem}", problem=problem)


async def _tell_states(state: SyncState, told: _Teller) -> None:
    problem, standby = "", False
    while True:
        if state.problem != problem:
            problem = state.problem
            if problem:
                told.event("problem", f"waits: {problem}", problem=problem)
            else:
                told.event("recovered", "the remote can be used again")
        if state.is_standby != standby:
            standby = state.is_standby
            text = "another process syncs this replica: standing by" if standby else "syncing again"
            told.event("standby" if standby else "active", text)
        await asyncio.sleep(STATE_POLL_S)


async def _tell_changes(replica: Replica, told: _Teller) -> None:
    async for change in replica.changes():
        called = await _called(replica, change)
        by = " ".join(
            part for part in (change.author, f"on {change.replica}" if change.replica else "") if part
        )
        label = f": {change.label}" if change.label else ""
        told.event(
            "change",
            f"{change.kind} {called} changed by {by or 'unknown'}{label}",
            document=change.document,
            kind=change.kind,
            author=change.author,
            replica=change.replica,
            label=change.label,
            changed=iso(change.at_ms),
            is_local=change.is_local,
        )


async def _called(replica: Replica, change: DocumentChange) -> str:
    try:
        return title(await replica.get(replica.document_class(change.kind), change.document))
    except CrdtSyncError:
        return change.document  # Of a kind nobody declared here; its id is all there is to say.


@contextmanager
def stop_signals() -> Iterator[asyncio.Event]:
    """Give an event that is set when somebody wants this process to stop."""
    loop = asyncio.get_running_loop()
    stopped = asyncio.Event()
    names = [name for name in ("SIGINT", "SIGTERM", "SIGHUP", "SIGBREAK") if hasattr(signal, name)]

    def stop(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stopped.set)

    undo: list[Callable[[], Any]] = []
    for name in names:
        number = signal.Signals[name]
        with suppress(ValueError):  # Not the main thread: then nobody sends it here.
            try:
                loop.add_signal_handler(number, stopped.set)
                undo.append(partial(loop.remove_signal_handler, number))
            except NotImplementedError:
                undo.append(partial(signal.signal, number, signal.signal(number, stop)))
    try:
        yield stopped
    finally:
        for action in undo:
            action()
