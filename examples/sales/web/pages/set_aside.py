"""What came in and could not be taken in: each with why, and what a person can do."""

from dataclasses import dataclass

from starlette.requests import Request
from starlette.responses import Response

from crdtsync import Quarantined
from examples.sales.web.desk import Desk

SHOWN_MAX = 100
WHAT = {
    "file": "A file in the folder",
    "segment": "A file of changes",
    "change": "A change of a document",
    "document": "A document",
    "fork": "Two files in one place of a feed",
    "name": "A machine with this one's name",
    "coordinator": "A second office",
    "void": "A number that was to be void",
}
DO = {
    "change": "It is never applied. If something of its author is missing here, let him write it again.",
    "document": "Its changes wait. Tell whoever looks after this program.",
    "fork": "A workstation's data was copied to another machine. Use one of the two, and begin the other anew.",
    "name": "Give one of the two machines another name.",
    "void": "It was not done. Look whose number it is, and declare it void again if it still is to be.",
    "coordinator": "Only one office may give out numbers. Stop one, and tell whoever looks after this program.",
}
WAITS = "It is looked at again by itself: a sync service may not have brought all of it yet."
OWNER = "Whoever wrote it is asked to put it there again. Nothing else is held up by it."


@dataclass(frozen=True, slots=True)
class Line:
    """One thing that was set aside."""

    what: str
    name: str
    reason: str
    advice: str
    at: str


class SetAsidePages:
    """Shows what was set aside on one workstation."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def show(self, request: Request) -> Response:
        """Show all of it, newest first."""
        found = sorted(await self._desk.replica.quarantine(), key=lambda item: -item.at_ms)
        return self._desk.page(
            request,
            "set_aside.html",
            lines=[self._line(item) for item in found[:SHOWN_MAX]],
            left=max(0, len(found) - SHOWN_MAX),
        )

    def _line(self, item: Quarantined) -> Line:
        advice = WAITS if item.waiting_helps else DO.get(item.what, OWNER)
        return Line(
            WHAT.get(item.what, item.what.capitalize()),
            item.name,
            item.reason,
            advice,
            self._desk.at(item.at_ms),
        )
