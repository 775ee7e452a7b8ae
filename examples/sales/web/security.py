"""What keeps others out: a token on every request that changes something, known hosts only, and a strict policy.

The token is secret to the pages of one workstation: a page from elsewhere can send a form to a loopback
address, but cannot read the token and cannot set the header. The host is checked since a name of somebody
else's may be made to mean the loopback address.
"""

import hmac
import os
import re
import secrets
from collections.abc import Collection
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105 - the name of the header
FILES = "/static/"
"""Where the styles and scripts are: the same for everybody, and without a secret."""
_SAFE_METHODS = frozenset({"GET", "HEAD"})
_PORT = re.compile(r":[0-9]+\Z")
_TOKEN_BYTES = 24
_TOKEN = re.compile(rb"[A-Za-z0-9_-]{32}")


@dataclass(frozen=True, slots=True)
class Protection:
    """What a workstation lets in.

    Raises:
        ValueError: the token is empty, and would let everybody in.
    """

    token: str
    hosts: Collection[str]
    """Names and addresses it may be called by, without ports."""
    framed_by: str = ""
    """The one other origin that may show its pages in a frame."""
    frames: tuple[str, ...] = ()
    """The origins that its own pages show in frames."""

    def __post_init__(self) -> None:
        if not self.token:
            raise ValueError("a workstation without a token would obey everybody")

    @property
    def content_policy(self) -> str:
        """The Content-Security-Policy: own files only, no script and no style inside a page."""
        rules = {
            "default-src": "'none'",
            "script-src": "'self'",
            "style-src": "'self'",
            "img-src": "'self'",
            "connect-src": "'self'",
            "form-action": "'self'",
            "base-uri": "'none'",
            "frame-src": " ".join(self.frames) or "'none'",
            "frame-ancestors": f"'self' {self.framed_by}".strip(),
        }
        return "; ".join(f"{name} {value}" for name, value in rules.items())


class Guard:
    """Refuses what `Protection` does not let in, and puts the policy on every answer."""

    def __init__(self, app: ASGIApp, *, protection: Protection) -> None:
        self._app = app
        self._protection = protection

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, or answer 403 or 421."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = self._protection.content_policy
                headers["X-Content-Type-Options"] = "nosniff"
                headers["Referrer-Policy"] = "no-referrer"
                # What never changes is asked for again, but sent again only if it did.
                is_file = scope["path"].startswith(FILES)
                headers.setdefault("Cache-Control", "no-cache" if is_file else "no-store")
            await send(message)

        refusal = self._refusal(scope["method"], Headers(scope=scope))
        await (refusal or self._app)(scope, receive, guarded)

    def _refusal(self, method: str, headers: Headers) -> PlainTextResponse | None:
        host = headers.get("host", "")
        name = _PORT.sub("", host)
        if name not in self._protection.hosts:
            names = " or ".join(dict.fromkeys(self._protection.hosts))
            told = f"This page is not called {name!r:.80}. Write {names} in its place into the address."
            return PlainTextResponse(told, status_code=421)
        given = headers.get(TOKEN_HEADER, "")
        if method not in _SAFE_METHODS and not hmac.compare_digest(
            given.encode(), self._protection.token.encode()
        ):
            return PlainTextResponse(
                "This page was not made by this workstation, or is out of date. Load it again.",
                status_code=403,
            )
        return None


def token_of(path: Path) -> str:
    """Return the token of a workstation's pages: kept, so that a page outlives a restart of its workstation.

    One that was cut off or damaged is made again, and the pages that are open are to be loaded again.

    Raises:
        OSError: it cannot be kept; the text says what to do.
    """
    kept = b""
    # What cannot be read is made again as well, and that tells why it cannot.
    with suppress(OSError):
        kept = path.read_bytes()
    if _TOKEN.fullmatch(kept):
        return kept.decode()
    token = secrets.token_urlsafe(_TOKEN_BYTES)
    unfinished = path.with_name(f"{path.name}.new")
    try:
        unfinished.unlink(missing_ok=True)
        unfinished.touch(mode=0o600)
        with unfinished.open("w", encoding="ascii") as file:
            file.write(token)
            file.flush()
            os.fsync(file.fileno())
        # Whole or not at all: an empty one would be found by the next start.
        unfinished.replace(path)
    except OSError as error:
        told = f"{error.strerror or error}: {path}. Make its folder writable, or remove the file, and start again."
        raise OSError(error.errno, told) from error
    return token
