"""The clock and the randomness that everything below the replica is given by hand."""

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(frozen=True, slots=True)
class Environment:
    """What a replica takes from its machine; the simulator passes its own."""

    now_ms: Callable[[], int] = _now_ms
    """Wall time in milliseconds since 1970 (UTC). It may be wrong by years: it only orders what is shown."""

    random_bytes: Callable[[int], bytes] = secrets.token_bytes
    """That many bytes nobody else draws."""
