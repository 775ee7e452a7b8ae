"""How far the main job is, for the person who watches it."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeElapsedColumn


class Display:
    """A bar for each phase, on standard error, and its seconds; a silent one takes the time only."""

    def __init__(self, *, is_silent: bool) -> None:
        self.seconds: dict[str, float] = {}
        self._progress = Progress(
            TextColumn("{task.description:<24}"),
            BarColumn(),
            MofNCompleteColumn(),
            TimeElapsedColumn(),
            TextColumn("{task.fields[note]}"),
            console=Console(stderr=True),
            disable=is_silent,
        )

    def __enter__(self) -> Self:
        self._progress.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._progress.stop()

    @contextmanager
    def phase(self, name: str, total: int | None = None) -> Iterator["Bar"]:
        """Show a phase for as long as the block runs."""
        task = self._progress.add_task(name, total=total, note="")
        began = time.perf_counter()
        try:
            yield Bar(self._progress, task)
        finally:
            self.seconds[name] = round(time.perf_counter() - began, 3)
            done = self._progress.tasks[task].completed
            self._progress.update(task, total=total if total is not None else done, note="")
            self._progress.stop_task(task)


class Bar:
    """The bar of one phase."""

    def __init__(self, progress: Progress, task: TaskID) -> None:
        self._progress = progress
        self._task = task

    def advance(self, count: int = 1) -> None:
        """Move it on."""
        self._progress.advance(self._task, count)

    def note(self, text: str) -> None:
        """Say beside it what is being done."""
        self._progress.update(self._task, note=text)
