"""The promises of `crdtsync.remote`, each as a check that any adapter can be put to.

::

    @asynccontextmanager
    async def open_pair():
        with TemporaryDirectory() as root:
            async with FolderRemote(root) as ada, FolderRemote(root) as bob:
                yield ada, bob

    asyncio.run(check_remote(open_pair))
"""

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

from crdtsync.errors import (
    RemoteError,
    RemoteFileExistsError,
    RemoteFileMissingError,
    RemoteFileNotLocalError,
    RemoteFileTooLargeError,
    UsageError,
)
from crdtsync.remote import Remote

OpenPair = Callable[[], AbstractAsyncContextManager[tuple[Remote, Remote]]]
"""Opens two views of one place that is empty, as two machines would have them, and clears it all up."""

SMALL_BYTES = b"crdtsync"
LARGE_BYTES = bytes(range(256)) * 20_480  # 5 MB
MANY_FILES = 200
BYTES_MAX = 2 * len(LARGE_BYTES)

BAD_NAMES = (
    "",
    "/",
    "/etc/passwd",
    "a/../../b",
    "..",
    "a//b",
    "a/",
    "a/./b",
    "Upper",
    "a b",
    "a:b",
    "a\\b",
    "nul\0",
    "snow\u2603",
    "x" * 121,
)

FOREIGN_NAMES = (
    "desktop.ini",
    "Icon\r",
    "ada (Bob's conflicted copy 2024-05-01).segment",
    "cafe\u0301 caf\u00e9.txt",
    "a.sync-conflict-20240501-101010-ABCDEFG.segment",
)


class RemoteCheckError(Exception):
    """A remote broke a promise of the contract."""

    def __init__(self, promise: str, happened: str) -> None:
        super().__init__(f"{promise}: {happened}")
        self.promise = promise
        self.happened = happened


@dataclass(frozen=True, slots=True)
class RemoteCheck:
    """One promise, and what finds out whether two views `ada` and `bob` of an empty place keep it."""

    promise: str
    run: Callable[[Remote, Remote], Awaitable[None]]


async def check_remote(
    open_pair: OpenPair, *, checks: Iterable[RemoteCheck] | None = None, timeout_s: float = 60.0
) -> None:
    """Put a remote to each check, on an empty place of its own.

    The two views must see each other's files at once: put something that settles between them in front of a
    place that needs time.

    Raises:
        RemoteCheckError: the first promise that was broken, and what happened instead.
    """
    for check in REMOTE_CHECKS if checks is None else checks:
        async with open_pair() as (ada, bob):
            try:
                async with asyncio.timeout(timeout_s):
                    await check.run(ada, bob)
            except _BrokenError as broken:
                raise RemoteCheckError(check.promise, str(broken)) from broken.__cause__
            except TimeoutError as error:
                raise RemoteCheckError(check.promise, f"nothing within {timeout_s:g} s") from error
            except Exception as error:
                raise RemoteCheckError(check.promise, f"raised {error!r}") from error


class _BrokenError(Exception):
    """What happened; the promise is added by who runs the check."""


async def _round_trip(ada: Remote, bob: Remote) -> None:
    for name, data in (("empty", b""), ("a/small.x", SMALL_BYTES), ("a/b/large.x", LARGE_BYTES)):
        await ada.put(name, data)
        await _expect_content(bob, name, data)
        await _expect_content(ada, name, data)


async def _create_only(ada: Remote, bob: Remote) -> None:
    await ada.put("a/x", SMALL_BYTES)
    for remote in (ada, bob):
        for data in (b"other", SMALL_BYTES):
            await _expect_error(remote.put("a/x", data), RemoteFileExistsError, "put of a taken name")
    await _expect_content(bob, "a/x", SMALL_BYTES)


async def _one_winner(ada: Remote, bob: Remote) -> None:
    remotes = (ada, bob) if ada.traits.create_only_is_enforced else (ada, ada)
    contents = [bytes([number]) * 10_000 for number in range(8)]
    outcomes = await asyncio.gather(
        *(remotes[number % 2].put("a/x", data) for number, data in enumerate(contents)),
        return_exceptions=True,
    )
    winners = [data for data, outcome in zip(contents, outcomes, strict=True) if outcome is None]
    for outcome in outcomes:
        if outcome is not None and not isinstance(outcome, RemoteFileExistsError):
            raise _BrokenError(f"a put that lost raised {outcome!r}")
    if len(winners) != 1:
        raise _BrokenError(f"{len(winners)} of {len(contents)} concurrent puts of one name succeeded")
    await _expect_content(bob, "a/x", winners[0])


async def _whole_or_nothing(ada: Remote, bob: Remote) -> None:
    async def watch() -> None:
        with contextlib.suppress(RemoteFileMissingError, RemoteFileNotLocalError):
            data = await bob.get("a/x", bytes_max=BYTES_MAX)
            if data != LARGE_BYTES:
                raise _BrokenError(f"a reader got {len(data)} bytes of a file of {len(LARGE_BYTES)}")

    put = asyncio.ensure_future(ada.put("a/x", LARGE_BYTES))
    try:
        while not put.done():
            await watch()
            await asyncio.sleep(0)
    finally:
        await put
    cut = asyncio.ensure_future(ada.put("a/y", LARGE_BYTES))
    await asyncio.sleep(0)
    cut.cancel()
    await asyncio.gather(cut, return_exceptions=True)
    with contextlib.suppress(RemoteFileMissingError):
        await _expect_content(bob, "a/y", LARGE_BYTES)


async def _bounded_get(ada: Remote, bob: Remote) -> None:
    await ada.put("a/x", SMALL_BYTES)
    data = await bob.get("a/x", bytes_max=len(SMALL_BYTES))
    if data != SMALL_BYTES:
        raise _BrokenError("a bound of exactly the size did not give the file")
    for bytes_max in (len(SMALL_BYTES) - 1, 0):
        await _expect_error(
            bob.get("a/x", bytes_max=bytes_max), RemoteFileTooLargeError, f"a bound of {bytes_max}"
        )


async def _missing(ada: Remote, bob: Remote) -> None:
    await ada.put("a/x", SMALL_BYTES)
    for name in ("a/y", "b/x", "a", "a/x/y"):
        await _expect_error(bob.get(name, bytes_max=BYTES_MAX), RemoteFileMissingError, f"get of {name}")


async def _listing(ada: Remote, bob: Remote) -> None:
    if await bob.list():
        raise _BrokenError("an empty place listed something")
    names = ["x", "a/x", "a/b/x", "ab/x"]
    for name in names:
        await ada.put(name, name.encode())
    for prefix in ("", "a/", "a/b/", "nothing/"):
        expected = {(name, len(name)) for name in names if name.startswith(prefix)}
        listed = {(file.name, file.size_bytes) for file in await bob.list(prefix)}
        if listed != expected:
            raise _BrokenError(f"listing {prefix!r} gave {sorted(listed)}, not {sorted(expected)}")


async def _many_files(ada: Remote, bob: Remote) -> None:
    names = {f"d{number % 10}/{number:05}.x" for number in range(MANY_FILES)}
    await asyncio.gather(*(ada.put(name, name.encode()) for name in names))
    listed = {file.name for file in await bob.list()}
    if listed != names:
        raise _BrokenError(f"{len(names)} files were put, {len(listed & names)} of them listed")
    contents = await asyncio.gather(*(bob.get(name, bytes_max=100) for name in names))
    if contents != [name.encode() for name in names]:
        raise _BrokenError("concurrent gets mixed files up")


async def _delete(ada: Remote, bob: Remote) -> None:
    await ada.put("a/x", SMALL_BYTES)
    await ada.put("a/y", SMALL_BYTES)
    for remote in (bob, bob, ada):
        await remote.delete("a/x")
    await bob.delete("nothing/x")
    await _expect_error(ada.get("a/x", bytes_max=BYTES_MAX), RemoteFileMissingError, "get of a deleted file")
    await _expect_content(ada, "a/y", SMALL_BYTES)
    await bob.put("a/x", b"again")
    await _expect_content(ada, "a/x", b"again")


async def _bad_names(ada: Remote, bob: Remote) -> None:
    for name in BAD_NAMES:
        await _expect_error(ada.put(name, SMALL_BYTES), UsageError, f"put of {name!r}")
    for name in ("../x", "a/../../x", "/etc/passwd"):
        await _expect_error(
            bob.get(name, bytes_max=100), (UsageError, RemoteFileMissingError), f"get of {name!r}"
        )
    if await bob.list():
        raise _BrokenError("a put that was refused left a file")


async def _foreign_names(ada: Remote, bob: Remote) -> None:
    root = ada.traits.local_root
    if root is None:
        return
    await ada.put("a/x", SMALL_BYTES)
    written = await asyncio.to_thread(_write_foreign, Path(root))
    listed = {file.name for file in await bob.list()}
    if "a/x" not in listed:
        raise _BrokenError("foreign files hid ours")
    for name in written & listed:
        await _expect_content(bob, name, SMALL_BYTES)
    for name in written - listed:
        # A file system may compose or decompose names; then the listed form is the one that opens.
        if name.isascii():
            raise _BrokenError(f"{name!r} was not listed as it is")


async def _wake_up(ada: Remote, bob: Remote) -> None:
    changes = bob.changes()
    woken = 0

    async def wait_for(name: str) -> None:
        nonlocal woken
        async for _ in changes:
            woken += 1
            if any(file.name == name for file in await bob.list()):
                return
        raise _BrokenError("changes ended by itself")

    try:
        for name in ("a/x", "a/y", "b/x"):
            waiting = asyncio.ensure_future(wait_for(name))
            try:
                await asyncio.sleep(0)
                await ada.put(name, SMALL_BYTES)
                async with asyncio.timeout(max(1.0, POLLS_MAX * bob.traits.poll_interval_s)):
                    await waiting
            except TimeoutError as error:
                raise _BrokenError(
                    f"no wake-up for {name} within {POLLS_MAX} polls, {woken} before"
                ) from error
            finally:
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
    finally:
        close = getattr(changes, "aclose", None)
        if close is not None:
            await close()


POLLS_MAX = 10

WAKE_UP = RemoteCheck("changes wakes the caller up when a file arrives", _wake_up)
"""Leave it out for a place that can tell nothing: the contract lets it sleep, since callers poll as well."""

REMOTE_CHECKS: tuple[RemoteCheck, ...] = (
    RemoteCheck("get returns what put was given", _round_trip),
    RemoteCheck("put creates and never replaces", _create_only),
    RemoteCheck("of concurrent puts of one name exactly one succeeds", _one_winner),
    RemoteCheck("a file is seen whole or not at all", _whole_or_nothing),
    RemoteCheck("get never returns more than asked", _bounded_get),
    RemoteCheck("a missing file is RemoteFileMissingError", _missing),
    RemoteCheck("list returns the files below the prefix", _listing),
    RemoteCheck("many files and concurrent calls are no trouble", _many_files),
    RemoteCheck("delete removes one file, and a missing one is no error", _delete),
    RemoteCheck("names outside the contract are refused", _bad_names),
    RemoteCheck("names that others left are listed as they are", _foreign_names),
    WAKE_UP,
)
"""All promises that can be checked from outside. Durability cannot: cut the power."""


async def _expect_content(remote: Remote, name: str, expected: bytes) -> None:
    data = await remote.get(name, bytes_max=BYTES_MAX)
    if data != expected:
        raise _BrokenError(
            f"{name!r} has {len(data)} bytes {data[:20]!r}, not {len(expected)} bytes {expected[:20]!r}"
        )


async def _expect_error(
    call: Awaitable[object], expected: type[Exception] | tuple[type[Exception], ...], what: str
) -> None:
    try:
        result = await call
    except expected:
        return
    except (RemoteError, UsageError) as error:
        raise _BrokenError(f"{what} raised {error!r}") from error
    raise _BrokenError(f"{what} raised nothing and gave {result!r:.40}")


def _write_foreign(root: Path) -> set[str]:
    written = set()
    for name in FOREIGN_NAMES:
        # The system under test may not allow such a name, and then nobody left it there.
        with contextlib.suppress(OSError):
            (root / name).write_bytes(SMALL_BYTES)
            written.add(name)
    return written
