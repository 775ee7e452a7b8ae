"""What a request brings along: a field that a page always sends is never taken for an empty one if it is missing."""

import secrets

from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request

from crdtsync import derive_id

FIELDS_MAX = 100_000
"""More than the thousand that a form has otherwise: of a long list all may be ticked."""
TOKEN_CHARS_MAX = 64


async def form_of(request: Request) -> FormData:
    """Return the form of a request: text only, since no page sends files.

    Raises:
        HTTPException: 400, it is broken, or brings a file.
    """
    return await request.form(max_files=0, max_fields=FIELDS_MAX)


def given(form: FormData, name: str) -> str:
    """Return a field of a form.

    Raises:
        HTTPException: 400, since it is not there: the request was cut off, or is no form of a page.
    """
    found = form.get(name)
    if not isinstance(found, str):
        raise HTTPException(400, "What was typed did not arrive, so nothing was changed. Try it again.")
    return found


def once_token() -> str:
    """Return what makes a form one of a kind: a form that is sent twice does what it does once."""
    return secrets.token_hex(16)


def once_id(form: FormData, *parts: str) -> str | None:
    """Return the id of what a form makes, the same for the same form with the same content; None without a token."""
    token = str(form.get("token", ""))[:TOKEN_CHARS_MAX]
    return derive_id(*parts, token) if token else None
