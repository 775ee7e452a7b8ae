"""What a person is told when the library refuses or fails: in the page that asked, in words, with what helps."""

import datetime as dt

import pytest

from crdtsync import errors
from examples.sales.model import Quote
from examples.sales.web.failures import status_code_of, told_of
from tests.unit.sales.web_desks import open_seat

TODAY = dt.date(2024, 5, 31)
KINDS = sorted(
    (
        found
        for found in vars(errors).values()
        if isinstance(found, type) and issubclass(found, errors.CrdtSyncError)
    ),
    key=lambda kind: kind.__name__,
)
WAITS = "It may work again by itself"


@pytest.fixture
async def seat(tmp_path):
    async with open_seat(tmp_path) as seat:
        yield seat


@pytest.mark.parametrize(
    ("error", "status_code", "words"),
    [
        (errors.ValidationError("terms: too long"), 422, ["This cannot be written: terms: too long."]),
        (errors.UnknownVersionError("no"), 409, ["Load the page again"]),
        (
            errors.DocumentLockedError("q is locked until it has its number: waits for R1"),
            423,
            ["being synced", "waits for R1."],
        ),
        (errors.DocumentNotFoundError("no"), 404, ["it has not arrived yet"]),
        (
            errors.StoreFullError("the disk is full"),
            507,
            ["This machine", "the disk is full", "Free some space"],
        ),
        (errors.StoreBusyError("locked for 30 s"), 503, ["This machine", "look for a process", WAITS]),
        (errors.StoreReadOnlyError("read-only"), 503, ["This machine", "Check the permissions"]),
        (errors.StoreCorruptError("damaged"), 500, ["This machine", "Keep the damaged directory"]),
        (errors.RemoteUnavailableError("not mounted"), 503, ["The shared folder", "not mounted.", WAITS]),
        (errors.RemoteFullError("no room"), 507, ["The shared folder", "Free some space", WAITS]),
        (errors.MarkerConflictError("others' folder"), 409, ["The shared folder", "others' folder."]),
        (
            errors.DamagedFileError("cut off"),
            500,
            ["Something in the shared folder", "Waiting does not help"],
        ),
        (errors.SyncBusyError("R1 syncs"), 503, ["Another process", WAITS]),
        (errors.ExaminerError("no process"), 503, ["look into what others sent", WAITS]),
        (errors.NestedEditError("twice"), 500, ["This program made a mistake", "nothing was changed"]),
        (errors.CrdtError("panicked"), 500, ["Something failed within crdtsync: panicked."]),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else None,
)
async def test_what_the_library_says_is_told_in_the_page_and_on_a_page(
    seat, monkeypatch, error, status_code, words
):
    quote_id = await seat.quote(TODAY)

    async def fail(*_, **__):
        raise error

    monkeypatch.setattr(seat.replica, "get", fail)
    asked = await seat.post(f"/quotes/{quote_id}/lines/x/recalculate")
    page = await seat.page(f"/quotes/{quote_id}")
    assert (asked.status_code, page.status_code) == (status_code, status_code)
    assert asked.headers["Content-Type"].startswith("text/plain")
    for word in words:
        assert word in asked.text
        assert word.replace("'", "&#39;") in page.text
    assert "<main" in page.text
    is_retried = status_code == 503 and error.waiting_helps
    assert ("Retry-After" in asked.headers) == is_retried


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_exception_of_the_library_has_a_status_and_says_what_to_do(kind):
    error = kind("it failed: for a reason")
    assert 400 <= status_code_of(error) <= 507
    told = told_of(error)
    assert told.endswith(".")
    assert not told.endswith("..")
    assert ".. " not in told
    assert told.count(". ") >= 1 or told.count(":") >= 1
    assert error.hint == "" or isinstance(error, errors.UnknownVersionError) or error.hint in told


async def test_what_nobody_foresaw_is_told_in_words(seat, monkeypatch):
    quote_id = await seat.quote(TODAY)

    async def fail(*_, **__):
        raise ZeroDivisionError

    monkeypatch.setattr(seat.replica, "get", fail)
    seat.browser._transport.raise_app_exceptions = False
    answer = await seat.post(f"/quotes/{quote_id}/lines/x/recalculate")
    assert answer.status_code == 500
    assert "nobody foresaw" in answer.text
    assert "Internal Server Error" not in answer.text
    assert answer.headers["content-security-policy"]
    assert "<main" in (await seat.page(f"/quotes/{quote_id}")).text


async def test_a_refused_request_changed_nothing(seat, monkeypatch):
    quote_id = await seat.quote(TODAY)

    async def fail(*_):
        raise errors.StoreFullError("the disk is full")

    before = await seat.replica.digests()
    with monkeypatch.context() as patched:
        patched.setattr(type(seat.replica._workspace), "write", fail)
        answer = await seat.post(f"/quotes/{quote_id}/fields/terms", value="30 days", seen="")
    assert answer.status_code == 507
    assert await seat.replica.digests() == before
    assert (await seat.replica.get(Quote, quote_id)).terms == ""
