"""How long the suites run, and where they leave what they measured.

`CRDTSYNC_SERVICES_EFFORT` multiplies the rounds: 1 is for every build, 10 and more for a night.
`CRDTSYNC_SERVICES_SEED` replays the random rounds of a failure.
`CRDTSYNC_SERVICES_JSON` names a file to which measured figures are added, one JSON object a line.
"""

import json
import os
import random
from pathlib import Path
from typing import Any

EFFORT = float(os.environ.get("CRDTSYNC_SERVICES_EFFORT", "1"))
IS_LONG = EFFORT > 1


def rounds(count: int) -> int:
    """Return how many rounds to run of what an ordinary build runs `count` of."""
    return max(1, round(count * EFFORT))


def seed() -> int:
    """Return the seed to use: the one that was asked for, or a fresh one."""
    given = os.environ.get("CRDTSYNC_SERVICES_SEED")
    return int(given) if given else random.SystemRandom().getrandbits(32)


def replay_line(test: str, seed_used: int) -> str:
    """Return the command that runs a test again with the same random choices."""
    return (
        f"replay: CRDTSYNC_SERVICES_SEED={seed_used} CRDTSYNC_SERVICES_EFFORT={EFFORT:g} "
        f"python -m pytest -s 'tests/services/{test}'"
    )


def record(**figures: Any) -> None:
    """Print measured figures, and add them to the file that was asked for."""
    line = json.dumps(figures, default=str)
    print(line)
    path = os.environ.get("CRDTSYNC_SERVICES_JSON")
    if path:
        with Path(path).open("a", encoding="utf-8") as file:
            file.write(line + "\n")
