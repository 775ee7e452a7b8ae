"""How far the loading is, in the terminal."""

import asyncio

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from examples.sales.web.loading import Loading

REFRESH_S = 0.2


async def show_progress(loading: Loading) -> None:
    """Show a bar on standard error until the loading is over; without a terminal, a line at its end."""
    console = Console(stderr=True, highlight=False, markup=False)
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as bar:
        task = bar.add_task("Loading", total=None)
        while not (loading.is_over or loading.failure):
            bar.update(
                task,
                description=f"Loading {loading.phase}",
                completed=loading.done,
                total=loading.total or None,
            )
            await asyncio.sleep(REFRESH_S)
    console.print(f"Loading stopped: {loading.failure}" if loading.failure else loading.phase)
