"""What a person is told when the library refuses or fails: what happened, whose fault, what to do, whether to wait.

Every exception of the library says all of that of itself. A page that is asked for shows it; to what asks from
within a page it is plain words, which the page tells.
"""

from collections.abc import Mapping

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from crdtsync.errors import (
    CrdtSyncError,
    DocumentLockedError,
    DocumentNotFoundError,
    ExaminerError,
    FormatError,
    MarkerConflictError,
    RemoteError,
    RemoteFullError,
    StoreBusyError,
    StoreError,
    StoreFullError,
    StoreReadOnlyError,
    SyncBusyError,
    UnknownVersionError,
    UsageError,
    ValidationError,
)
from examples.sales.web.desk import Desk

RETRY_AFTER_S = 5
"""When a request is tried again that only has to wait."""

STATUS_CODES: Mapping[type[CrdtSyncError], int] = {
    DocumentNotFoundError: 404,
    DocumentLockedError: 423,
    UnknownVersionError: 409,
    ValidationError: 422,
    MarkerConflictError: 409,
    RemoteFullError: 507,
    RemoteError: 503,
    StoreFullError: 507,
    StoreReadOnlyError: 503,
    StoreBusyError: 503,
    SyncBusyError: 503,
    ExaminerError: 503,
}
"""The nearest class of an exception counts; what is in none is a fault of this program or of its disk: 500."""

WHOSE: Mapping[type[CrdtSyncError], str] = {
    ValidationError: "This cannot be written",
    UsageError: "This program made a mistake, and nothing was changed",
    StoreError: "This machine cannot use its own data",
    RemoteError: "The shared folder cannot be used",
    FormatError: "Something in the shared folder cannot be read",
    SyncBusyError: "Another process of this machine is syncing",
    ExaminerError: "This machine cannot look into what others sent",
}


def status_code_of(error: CrdtSyncError) -> int:
    """Return the status code of an answer that tells an exception of the library."""
    return next((STATUS_CODES[cls] for cls in type(error).__mro__ if cls in STATUS_CODES), 500)


def told_of(error: CrdtSyncError) -> str:
    """Return what a person is told of an exception of the library."""
    match error:
        case DocumentNotFoundError():
            return "There is no such document here. If somebody has just made it elsewhere, it has not arrived yet."
        case DocumentLockedError():
            why = str(error).partition(": ")[2]
            return (
                f"This is being synced and cannot be changed meanwhile: {why}. Printing and payments go on."
            )
        case UnknownVersionError():
            return "What this page shows is not known here any more. Load the page again, and do it there."
    whose = next(
        (WHOSE[cls] for cls in type(error).__mro__ if cls in WHOSE), "Something failed within crdtsync"
    )
    parts = [f"{whose}: {error.message}", error.hint]
    if error.waiting_helps:
        parts.append("It may work again by itself: try it again in a while")
    elif not error.hint:
        parts.append("Waiting does not help: tell whoever looks after this program")
    return " ".join(f"{part.removesuffix('.')}." for part in parts if part)


UNFORESEEN = (
    "This program made a mistake that nobody foresaw. What was saved before is safe. Try it again; if it fails again, "
    "tell whoever looks after this program: what happened is on the console it was started from."
)


class Failures:
    """Answers what failed."""

    def __init__(self, desk: Desk) -> None:
        self._desk = desk

    async def refused(self, request: Request, error: Exception) -> Response:
        """Answer an exception of the library."""
        assert isinstance(error, CrdtSyncError)
        status_code = status_code_of(error)
        answer = self._answer(request, status_code, told_of(error))
        if error.waiting_helps and status_code == 503:
            answer.headers["Retry-After"] = str(RETRY_AFTER_S)
        return answer

    async def not_found(self, request: Request, _: Exception) -> Response:
        """Answer an address that nothing is at."""
        return self._answer(request, 404, "There is no such page.")

    async def rejected(self, request: Request, error: Exception) -> Response:
        """Answer a request that makes no sense."""
        assert isinstance(error, HTTPException)
        return self._answer(request, error.status_code, error.detail)

    async def failed(self, request: Request, _: Exception) -> Response:
        """Answer what nobody foresaw."""
        answer = self._answer(request, 500, UNFORESEEN)
        # Answered from outside of the guard, who puts these on all other answers.
        answer.headers["Content-Security-Policy"] = self._desk.protection.content_policy
        answer.headers["Cache-Control"] = "no-store"
        return answer

    def _answer(self, request: Request, status_code: int, told: str) -> Response:
        if "HX-Request" in request.headers:
            return PlainTextResponse(told, status_code=status_code)
        return self._desk.page(request, "failed.html", status_code=status_code, told=told)
