"""What the pages of one workstation share: its replica, its switches, its locale and the way they are rendered."""

import datetime as dt
import time
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from babel.dates import format_datetime, format_timedelta
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from starlette.requests import Request
from starlette.responses import HTMLResponse

from crdtsync import Item, ItemStatus, Replica, SyncState
from examples.sales.web.forms import Forms
from examples.sales.web.isolating import isolated
from examples.sales.web.security import TOKEN_HEADER, Protection
from examples.sales.web.switch import Delay, OfflineSwitch
from examples.sales.web.watch import FolderWatch
from examples.sales.web.windows import WINDOW_HEADER, Windows

HERE = Path(__file__).parent
COMPANY = "Sample Blinds"


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


@dataclass(slots=True)
class Desk:
    """One workstation, as its pages see it."""

    replica: Replica
    protection: Protection
    forms: Forms
    author: str
    switch: OfflineSwitch = field(default_factory=OfflineSwitch)
    delay: Delay = field(default_factory=Delay)
    sync: SyncState = field(default_factory=SyncState)
    """Of the syncing that runs now."""
    folder: FolderWatch = field(default_factory=FolderWatch)
    """The picture of the folder."""
    windows: Windows = field(default_factory=Windows)
    """The pages that are open in browsers."""
    company: str = COMPANY
    """Who is at the head of what is printed: the name, and after semicolons the lines below it."""
    is_locking: bool = False
    """Whether an item cannot be edited from its mark until its number is here."""
    now_ms: Callable[[], int] = _now_ms
    _templates: Environment = field(init=False)

    def __post_init__(self) -> None:
        self.forms = replace(self.forms, today=self.today)
        templates = templates_of()
        templates.filters |= {
            "money": self.forms.money_shown,
            "date": self.forms.date_shown,
            "number": self.forms.number_shown,
            "ago": self.ago,
            "at": self.at,
            "isolated": isolated,
        }
        templates.globals |= {"desk": self, "csrf_header": TOKEN_HEADER, "window_header": WINDOW_HEADER}
        self._templates = templates

    @property
    def letterhead(self) -> list[str]:
        """The company's name, and below it the lines of its address; empty ones are left out."""
        return [line.strip() for line in self.company.split(";") if line.strip()] or [COMPANY]

    def today(self) -> dt.date:
        """Return the date on the wall."""
        return _local(self.now_ms()).date()

    def ago(self, at_ms: int) -> str:
        """Return how long ago something was; what comes from the future, by a wrong clock, is just now."""
        seconds = max(0, self.now_ms() - at_ms) // 1000
        if seconds < 5:
            return "just now"
        return format_timedelta(-seconds, add_direction=True, locale=self.forms.locale)

    def at(self, at_ms: int) -> str:
        """Return a moment, in this machine's time."""
        return format_datetime(_local(at_ms), format="short", locale=self.forms.locale)

    def lock_of(self, item: Item) -> str:
        """Return why an item cannot be edited now; nothing if it can."""
        waiting = (ItemStatus.MARKED, ItemStatus.SENT, ItemStatus.RECEIVED)
        return item.state.why_waiting if self.is_locking and item.state.status in waiting else ""

    def page(
        self, request: Request, template: str, /, *, status_code: int = 200, **values: Any
    ) -> HTMLResponse:
        """Render a template. For htmx that is the part it asked for, for a browser the whole page around it."""
        headers = request.headers
        is_part = "HX-Request" in headers and "HX-History-Restore-Request" not in headers
        text = self._templates.get_template(template).render(
            layout="part.html" if is_part else "base.html", path=request.url.path, **values
        )
        return HTMLResponse(text, status_code=status_code)


def templates_of() -> Environment:
    """Return the templates: everything escaped, and a name that is missing is an error."""
    return Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )


def _local(at_ms: int) -> dt.datetime:
    return dt.datetime.fromtimestamp(at_ms / 1000, dt.UTC).astimezone()
