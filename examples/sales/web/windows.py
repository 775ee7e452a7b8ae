"""Which window of a browser wrote what: the windows of one workstation all write under one author.

To the library they are one person, who has seen all that he wrote himself. But two windows may be two people, and even
one person does not see in this window what he has just written in that one. Only the application knows its windows:
each page that is opened has a name of its own, and sends it with everything it asks for.
"""

import secrets
from collections import OrderedDict
from dataclasses import dataclass, field

from starlette.requests import Request

WINDOW_HEADER = "X-Window"
WINDOW_CHARS_MAX = 64
REMEMBERED_MAX = 10_000
_NAME_BYTES = 9

Key = tuple[str, str, str]
"""The window, the document, and the field within it."""


@dataclass(slots=True)
class Windows:
    """What each window wrote last in each field, as far as it is remembered."""

    _wrote: OrderedDict[Key, str] = field(default_factory=OrderedDict)

    def new(self) -> str:
        """Return the name of a page that is opened."""
        return secrets.token_urlsafe(_NAME_BYTES)

    def note(self, window: str, document: str, field_key: str, shown: str) -> None:
        """Remember that a window wrote a field, and how it reads since."""
        key = window, document, field_key
        self._wrote[key] = shown
        self._wrote.move_to_end(key)
        if len(self._wrote) > REMEMBERED_MAX:
            self._wrote.popitem(last=False)

    def has_written(self, window: str, document: str, field_key: str, shown: str) -> bool:
        """Whether what a field shows was written by this window."""
        return self._wrote.get((window, document, field_key)) == shown


def window_of(request: Request) -> str:
    """Return which window asks; all that do not say it are one."""
    return request.headers.get(WINDOW_HEADER, "")[:WINDOW_CHARS_MAX]
