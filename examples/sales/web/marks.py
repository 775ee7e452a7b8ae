"""Quiet marks: who wrote what a page shows, where somebody else changed it since the page was opened.

A page remembers how many changes its document had when it was opened. They are counted in the order in which
they arrived here, so that a wrong clock on another machine hides nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.requests import Request

from crdtsync import HistoryEntry
from examples.sales.web.desk import Desk

OPENED = "opened"
"""The name under which a page tells how many changes there were."""


@dataclass(frozen=True, slots=True)
class Mark:
    """Who changed a field, and when."""

    by: str
    where: str
    """The name of the replica."""
    at_ms: int
    """By the clock there."""


@dataclass(frozen=True, slots=True)
class Marks:
    """The marks of one page."""

    opened: int = 0
    """How many changes the document had when the page was opened."""
    by_path: Mapping[str, Mark] = field(default_factory=dict)
    """As `Replica.last_writers` names paths."""
    by_label: Mapping[str, Mark] = field(default_factory=dict)
    """The newest change of each label: for texts, which have no last writer."""


async def marks_of(desk: Desk, request: Request, document: str, history: list[HistoryEntry]) -> Marks:
    """Return the marks of the page that asks; none for one that is opened now.

    Raises:
        DocumentNotFoundError: the document is not here.
    """
    given = str((await request.form()).get(OPENED, request.query_params.get(OPENED, "")))
    if not given.isdecimal() or len(given) > 9 or int(given) > len(history):
        return Marks(len(history))
    opened = int(given)
    elsewhere = [entry for entry in history[opened:] if entry.replica != desk.replica.name]
    if not elsewhere:
        return Marks(opened)
    arrived = {entry.id for entry in elsewhere}
    writers = await desk.replica.last_writers(document)
    return Marks(
        opened,
        {
            path: Mark(writer.author or "somebody", writer.replica, writer.at_ms)
            for path, writer in writers.items()
            if writer.change in arrived
        },
        {entry.label: Mark(entry.author or "somebody", entry.replica, entry.at_ms) for entry in elsewhere},
    )
