"""Figures and how they are printed."""

import statistics
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field


@dataclass
class Figure:
    """One budget and what came out."""

    name: str
    unit: str
    measured: float
    floor: float | None
    limit: str
    met: bool
    detail: dict[str, float] = field(default_factory=dict)

    @property
    def ratio(self) -> float | None:
        """Measured over floor."""
        return None if not self.floor else self.measured / self.floor


def ratio_figure(
    name: str, unit: str, measured: float, floor: float, limit: float, **detail: float
) -> Figure:
    """Return a figure whose limit is a ratio to its floor."""
    return Figure(name, unit, measured, floor, f"{limit:g} x", measured <= limit * floor, detail)


def plain_figure(name: str, unit: str, measured: float, limit: float, **detail: float) -> Figure:
    """Return a figure whose limit is absolute."""
    return Figure(name, unit, measured, None, f"{limit:g} {unit}", measured <= limit, detail)


async def timed(function: Callable[[], Awaitable[object]]) -> float:
    """Return the seconds one call takes."""
    start = time.perf_counter()
    await function()
    return time.perf_counter() - start


def median(values: list[float]) -> float:
    """Return the middle one."""
    return statistics.median(values)
