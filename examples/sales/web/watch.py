"""Looks into the shared folder again and again, for as long as somebody looks at its picture."""

from collections.abc import Callable
from dataclasses import dataclass, field

from crdtsync import FolderPicture, inspect_folder
from crdtsync.errors import RemoteError
from crdtsync.remote import Remote

LOOK_INTERVAL_S = 0.3
"""A listing of a thousand files takes less than a millisecond, and only new files are read."""


@dataclass(slots=True)
class FolderWatch:
    """The newest picture of a folder, and which file came last."""

    remote: Remote | str | None = None
    is_cut_off: Callable[[], bool] = lambda: False
    """Whether this machine cannot see the folder now: then the last picture stays."""
    picture: FolderPicture | None = None
    problem: str = ""
    newest: frozenset[str] = field(default_factory=frozenset)
    """The names of the segments that came last since the first look."""

    async def look(self) -> bool:
        """Take a new picture; return whether anything is other than before."""
        if self.remote is None or (self.picture is not None and self.is_cut_off()):
            return False
        before, problem = self.picture, self.problem
        try:
            self.picture = await inspect_folder(self.remote, previous=before)
            self.problem = ""
        except RemoteError as error:
            self.problem = error.message
        if self.picture is before:
            return self.problem != problem
        if before is not None and self.picture is not None:
            self.newest = (_segments(self.picture) - _segments(before)) or self.newest
        return True


def _segments(picture: FolderPicture) -> frozenset[str]:
    return frozenset(segment.name for feed in picture.feeds for segment in feed.segments)
