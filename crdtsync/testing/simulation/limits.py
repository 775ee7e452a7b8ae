"""Limits that a small fleet never reaches, made small: what happens beyond them happens in a schedule, too."""

from collections.abc import Iterator
from contextlib import contextmanager
from random import Random
from types import ModuleType

from crdtsync.store import documents, feeds
from crdtsync.sync import examining, pull, steps

LOWERED: tuple[tuple[ModuleType, str, tuple[int, ...]], ...] = (
    (documents, "DELTAS_PER_STATE", (1, 2, 5)),
    (documents, "OPEN_DOCUMENTS_MAX", (1, 2)),
    (feeds, "SEGMENT_CHANGES_MAX", (1, 2, 5)),
    (examining, "CHANGES_PER_GROUP", (1, 3)),
    (pull, "BATCH_FILES_MAX", (1, 2)),
    (steps, "PUT_FILES_PER_QUERY", (1, 2)),
)
"""(module, constant, the values that it may have instead)."""


@contextmanager
def lowered_limits(seed: int) -> Iterator[None]:
    """Lower some limits of the library for the length of one schedule; half of the schedules run with none."""
    random = Random(f"limits/{seed}")
    kept = [(module, name, getattr(module, name)) for module, name, _ in LOWERED]
    try:
        if random.random() < 0.5:
            for module, name, values in LOWERED:
                if random.random() < 0.5:
                    setattr(module, name, random.choice(values))
        yield
    finally:
        for module, name, value in kept:
            setattr(module, name, value)
