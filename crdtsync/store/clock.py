"""Wall time as the format can carry it."""

from typing import Final

from crdtsync.environment import Environment

TIME_MAX_MS: Final = 1 << 52
"""The year 144,683: half of what the format can carry, so that a stamp forced above it can be carried too."""


def time_of(environment: Environment) -> int:
    """Return wall time in milliseconds; a clock that is wrong beyond all bounds stops nothing."""
    return bounded(environment.now_ms())


def bounded(time_ms: int) -> int:
    """Return a time within the bounds of the format."""
    return min(max(time_ms, 0), TIME_MAX_MS)
