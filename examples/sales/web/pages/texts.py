"""Long texts, such as notes: what is typed is merged with what others wrote meanwhile."""

from dataclasses import dataclass
from typing import Any

from starlette.requests import Request

from crdtsync import Document
from crdtsync.errors import ValidationError
from examples.sales.web.desk import Desk
from examples.sales.web.posted import form_of, given

LONG_TEXT_CHARS_MAX = 20_000


@dataclass(frozen=True, slots=True)
class RefusedText:
    """A text that was not saved: it stays in its field, as it was typed."""

    typed: str
    seen: str
    error: str


async def save_text(
    desk: Desk, request: Request, cls: type[Document], document: str, name: str
) -> RefusedText | None:
    """Write a text that was left; return it if it was refused, and nothing was written.

    Nothing is cut off. A text that became too long as two people wrote it apart may stay so, or be shortened.

    Raises:
        DocumentNotFoundError: the document is not here.
        HTTPException: 400, the request has no text.
    """
    form = await form_of(request)
    typed, seen = (given(form, part).replace("\r\n", "\n") for part in ("value", "seen"))
    if len(typed) > max(LONG_TEXT_CHARS_MAX, len(seen)):
        most, found = (desk.forms.number_shown(count) for count in (LONG_TEXT_CHARS_MAX, len(typed)))
        return RefusedText(typed, seen, f"Not saved: at most {most} characters; these are {found}.")
    try:
        draft: Any
        async with desk.replica.edit(cls, document, label=name) as draft:
            text = getattr(draft, name)
            # A browser that was not answered sends it again; what is here already is not added to itself.
            if str(text) != typed:
                text.merge(typed, seen=seen)
    except ValidationError as error:
        return RefusedText(typed, seen, f"Not saved: {error}.")
    return None
