"""What keeps others out: a token on every request that changes something, known hosts only, and a strict policy.

The token is secret to the pages of one workstation: a page from elsewhere can send a form to a loopback
address, but cannot read the token and cannot set the header. The host is checked since a name of somebody
else's may be made to mean the loopback address.
"""

import hmac
from collections.abc import Collection
from dataclasses import dataclass

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TOKEN_HEADER = "X-CSRF-Token"  # noqa: S105 - the name of the header
FILES = "/static/"
"""Where the styles and scripts are: the same for everybody, and without a secret."""
_SAFE_METHODS = frozenset({"GET", "HEAD"})


@dataclass(frozen=True, slots=True)
class Protection:
    """What a workstation lets in."""

    token: str
    hosts: Collection[str]
    """Names and addresses it may be called by, without ports."""
    framed_by: str = ""
    """The one other origin that may show its pages in a frame."""
    frames: tuple[str, ...] = ()
    """The origins that its own pages show in frames."""

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
        name = host.rsplit(":", 1)[0] if not host.endswith("]") else host
        if name not in self._protection.hosts:
            names = " or ".join(self._protection.hosts)
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
