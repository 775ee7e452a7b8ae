"""The promises about situations that a check cannot bring about itself: it has to be told how."""

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable

from crdtsync.errors import (
    RemoteFileExistsError,
    RemoteFileMissingError,
    RemoteFileNotLocalError,
    RemoteFullError,
    RemoteUnavailableError,
)
from crdtsync.remote import Remote
from crdtsync.testing import remote_checks_foreign as foreign
from crdtsync.testing.remote_checks_common import (
    BYTES_MAX,
    LARGE_BYTES,
    SMALL_BYTES,
    BrokenError,
    RemoteCheck,
    expect_content,
    expect_error,
)
from crdtsync.testing.remote_checks_settled import own_remote
from crdtsync.testing.remote_checks_use import SHORT_S, close_changes, count_changes

THROTTLED_ROUNDS = 5


def unreachable_check(make_unreachable: Callable[[], Remote]) -> RemoteCheck:
    """Return the check of a place that cannot be reached.

    Args:
        make_unreachable: gives a remote, not entered yet, whose place cannot be reached now: a directory that is
            not mounted, a server that does not listen.
    """

    async def run(_ada: Remote, _bob: Remote) -> None:
        await _unreachable(make_unreachable())

    return RemoteCheck("a place that cannot be reached is waited for", run)


def placeholder_check(dehydrate: Callable[[Remote, str], Awaitable[None]]) -> RemoteCheck:
    """Return the check of a file whose content is not on this machine.

    Args:
        dehydrate: takes the content of a file away from one machine, as the service does to save space.
    """

    async def run(ada: Remote, bob: Remote) -> None:
        await _placeholder(ada, bob, lambda name: dehydrate(own_remote(bob), name))

    return RemoteCheck("a placeholder is neither missing nor read", run)


def foreign_check(leave: foreign.Leave) -> RemoteCheck:
    """Return the check of what other programs leave, for a place that is no directory of this machine.

    Conflict copies come that way, and what they hold is nowhere else. Where `RemoteTraits.local_root` is given,
    `REMOTE_CHECKS` has the check already.

    Args:
        leave: puts a file into the place of a remote, under a name that the remote would never give, and not by
            the remote: with the service's own program or another library, and best in another process. Thereby
            it also shows that the remote keeps nothing to itself. It may raise `OSError` or a `RemoteError` for
            a name that the place does not allow.
    """

    async def run(ada: Remote, bob: Remote) -> None:
        await foreign.left_by_others(ada, bob, lambda _, name, data: leave(own_remote(ada), name, data))

    return RemoteCheck("what another program left is listed as it is", run)


def full_check(fill: Callable[[Remote], Awaitable[None]]) -> RemoteCheck:
    """Return the check of a place that has no room.

    Args:
        fill: from now on a remote's place has no room for another file of 5 MB: a quota, a small disk, a server
            of the test that answers as the service does.
    """

    async def run(ada: Remote, bob: Remote) -> None:
        await _full(ada, bob, lambda: fill(own_remote(ada)))

    return RemoteCheck("a full place says so and keeps no part", run)


def throttled_check(throttle: Callable[[Remote], Awaitable[None]]) -> RemoteCheck:
    """Return the check of a service that refuses calls because there are too many.

    Args:
        throttle: from now on the service refuses some or all calls of a remote, as with HTTP 429. An adapter may
            wait and try again itself; then the service has to give in before `timeout_s` is over.
    """

    async def run(ada: Remote, bob: Remote) -> None:
        await _throttled(ada, bob, lambda: throttle(own_remote(ada)))

    return RemoteCheck("a service that has no time is waited for", run)


async def _unreachable(remote: Remote) -> None:
    """Entering is no error; every call is, and says that waiting helps; `changes` waits."""
    async with remote:
        calls: dict[str, Callable[[], Awaitable[object]]] = {
            "put": lambda: remote.put("a/x", SMALL_BYTES),
            "get": lambda: remote.get("a/x", bytes_max=BYTES_MAX),
            "list": remote.list,
            "delete": lambda: remote.delete("a/x"),
        }
        for verb, call in calls.items():
            await expect_error(call(), RemoteUnavailableError, f"{verb} of what cannot be reached")
        changes = remote.changes()
        waiting = asyncio.ensure_future(count_changes(changes))
        await asyncio.sleep(SHORT_S)
        is_over = waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await close_changes(changes)
        if is_over:
            raise BrokenError("changes ended though nobody closed it")


async def _placeholder(ada: Remote, bob: Remote, dehydrate: Callable[[str], Awaitable[None]]) -> None:
    """Of a file whose content is elsewhere nothing is made up, and nobody takes it for missing."""
    await ada.put("a/x", SMALL_BYTES)
    await ada.put("a/y", SMALL_BYTES)
    await dehydrate("a/x")
    found = [file for file in await bob.list() if file.name == "a/x"]
    if [file.is_local for file in found] != [False]:
        raise BrokenError(f"the placeholder was listed as {found}")
    await expect_error(bob.get("a/x", bytes_max=BYTES_MAX), RemoteFileNotLocalError, "get of a placeholder")
    await expect_error(bob.put("a/x", b"other"), RemoteFileExistsError, "put over a placeholder")
    await expect_content(bob, "a/y", SMALL_BYTES)


async def _full(ada: Remote, bob: Remote, fill: Callable[[], Awaitable[None]]) -> None:
    """The library keeps what was refused and puts it again later: then nothing may be in its way."""
    await ada.put("a/kept", SMALL_BYTES)
    await fill()
    before = {file.name for file in await bob.list()}
    for _ in range(2):
        await expect_error(ada.put("a/x", LARGE_BYTES), RemoteFullError, "put into a full place")
        for remote in (ada, bob):
            await expect_error(
                remote.get("a/x", bytes_max=BYTES_MAX), RemoteFileMissingError, "get of what had no room"
            )
        left = {file.name for file in await bob.list()} - before
        if left:
            raise BrokenError(f"a put that had no room left {sorted(left)}")
    await expect_content(bob, "a/kept", SMALL_BYTES)


async def _throttled(ada: Remote, bob: Remote, throttle: Callable[[], Awaitable[None]]) -> None:
    """A call is refused with the error that says that waiting helps, or does what it is for."""
    await ada.put("a/x", SMALL_BYTES)
    await throttle()
    calls: dict[str, Callable[[], Awaitable[object]]] = {
        "get": lambda: expect_content(ada, "a/x", SMALL_BYTES),
        "list": lambda: _expect_listed(ada, "a/x"),
        "delete": lambda: ada.delete("b/none"),
    }
    for number in range(THROTTLED_ROUNDS):
        calls["put"] = functools.partial(ada.put, f"a/y{number}", SMALL_BYTES)
        for verb, call in calls.items():
            try:
                await call()
            except RemoteUnavailableError:
                continue
            except BrokenError:
                raise
            except Exception as error:
                raise BrokenError(f"{verb} of a service that has no time raised {error!r}") from error
    with contextlib.suppress(RemoteUnavailableError):
        await expect_content(bob, "a/x", SMALL_BYTES)


async def _expect_listed(remote: Remote, name: str) -> None:
    if name not in {file.name for file in await remote.list()}:
        raise BrokenError(f"a listing by a service that has no time lacked {name!r}")
