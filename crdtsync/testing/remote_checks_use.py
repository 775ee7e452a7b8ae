"""The promises about use: names, traits, entering and leaving, cancelling, wake-ups, and what strangers left."""

import asyncio
import contextlib
import math
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

from crdtsync.errors import (
    RemoteFileExistsError,
    RemoteFileMissingError,
    RemoteFileNotLocalError,
    RemoteUnavailableError,
    UsageError,
)
from crdtsync.remote import Remote
from crdtsync.testing.remote_checks_common import (
    BYTES_MAX,
    LARGE_BYTES,
    SMALL_BYTES,
    BrokenError,
    expect_content,
    expect_error,
)

POLLS_MAX = 10
CANCEL_AFTER_TURNS = (0, 1, 2, 4, 8)
SHORT_S = 0.05

GOOD_NAMES = ("0", "x.crdts", "a-1/b-2/c-3.x", "a.b.c/d.e", "-x", "d/" + "x" * 118)

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


async def good_names(ada: Remote, bob: Remote) -> None:
    """Every name of the contract is taken as it is, up to the longest."""
    for name in GOOD_NAMES:
        await ada.put(name, name.encode())
        await expect_content(bob, name, name.encode())
    listed = {file.name for file in await bob.list()}
    if listed != set(GOOD_NAMES):
        raise BrokenError(f"listed {sorted(listed ^ set(GOOD_NAMES))} other than they were put")


async def bad_names(ada: Remote, bob: Remote) -> None:
    """A name that some machine could not hold, or that leads out of the place, is refused."""
    for name in BAD_NAMES:
        await expect_error(ada.put(name, SMALL_BYTES), UsageError, f"put of {name!r}")
    for name in ("../x", "a/../../x", "/etc/passwd"):
        await expect_error(
            bob.get(name, bytes_max=100), (UsageError, RemoteFileMissingError), f"get of {name!r}"
        )
    if await bob.list():
        raise BrokenError("a put that was refused left a file")


async def stays_inside(ada: Remote, bob: Remote) -> None:
    """No name and no link leads out of a local root."""
    root = ada.traits.local_root
    if root is None:
        return
    await ada.put("a/x", SMALL_BYTES)
    with _secret_beside(Path(root)) as (secret, reaching):
        for name in reaching:
            await expect_error(
                bob.get(name, bytes_max=BYTES_MAX),
                (UsageError, RemoteFileMissingError),
                f"get of {name!r}, outside of the place,",
            )
            with contextlib.suppress(UsageError):
                await bob.delete(name)
        listed = {file.name for file in await bob.list()}
        if listed != {"a/x"}:
            raise BrokenError(f"{sorted(listed - {'a/x'})} was listed through a link")
        if not secret.exists():
            raise BrokenError("a delete reached a file outside of the place")


async def foreign_names(ada: Remote, bob: Remote) -> None:
    """What a stranger left under any name is listed and opens by that name."""
    root = ada.traits.local_root
    if root is None:
        return
    await ada.put("a/x", SMALL_BYTES)
    written = await asyncio.to_thread(_write_foreign, Path(root))
    listed = {file.name for file in await bob.list()}
    if "a/x" not in listed:
        raise BrokenError("foreign files hid ours")
    for name in written & listed:
        await expect_content(bob, name, SMALL_BYTES)
    for name in written - listed:
        # A file system may compose or decompose names; then the listed form is the one that opens.
        if name.isascii():
            raise BrokenError(f"{name!r} was not listed as it is")


async def traits_are_true(ada: Remote, bob: Remote) -> None:
    """Address and traits are values of the right kind, do not change, and say where the files are."""
    before = [(remote.address, remote.traits) for remote in (ada, bob)]
    await ada.put("a/x", SMALL_BYTES)
    after = [(remote.address, remote.traits) for remote in (ada, bob)]
    if before != after:
        raise BrokenError(f"address or traits changed: {before}, then {after}")
    for address, traits in before:
        if not traits.kind or not address.startswith(f"{traits.kind}:"):
            raise BrokenError(
                f"the address {address!r} does not begin with the kind {traits.kind!r} and a colon"
            )
        if not (0 < traits.poll_interval_s < math.inf):
            raise BrokenError(f"poll_interval_s is {traits.poll_interval_s}")
        if traits.local_root is None:
            continue
        file = Path(traits.local_root) / "a" / "x"
        if not Path(traits.local_root).is_absolute() or not file.is_file():
            raise BrokenError(f"what was put is not below local_root {traits.local_root!r}")


async def entered_again(ada: Remote, bob: Remote) -> None:
    """Each round of a sync enters and leaves the same remote."""
    await ada.put("a/x", SMALL_BYTES)
    for _ in range(3):
        await ada.__aexit__(None, None, None)
        if await ada.__aenter__() is not ada:
            raise BrokenError("entering gave another object")
        await expect_content(ada, "a/x", SMALL_BYTES)
    await ada.put("a/y", SMALL_BYTES)
    await expect_content(bob, "a/y", SMALL_BYTES)


async def cancelled_calls(ada: Remote, bob: Remote) -> None:
    """A task that is cancelled in a call takes nothing with it, wherever it is cut."""
    await ada.put("a/kept", SMALL_BYTES)
    for turns in CANCEL_AFTER_TURNS:
        name = f"a/cut-{turns}"
        calls: list[Awaitable[object]] = [
            ada.put(name, LARGE_BYTES),
            ada.get("a/kept", bytes_max=BYTES_MAX),
            ada.list(),
            ada.delete("a/none"),
        ]
        for call in calls:
            task = asyncio.ensure_future(call)
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await expect_content(ada, "a/kept", SMALL_BYTES)
        with contextlib.suppress(RemoteFileExistsError):
            await ada.put(name, LARGE_BYTES)
        await expect_content(bob, name, LARGE_BYTES)
        await ada.delete(name)


async def wake_up(ada: Remote, bob: Remote) -> None:
    """Within some polls of a put, whoever iterates over `changes` is woken and can see the file."""
    changes = bob.changes()
    woken = 0

    async def wait_for(name: str) -> None:
        nonlocal woken
        async for _ in changes:
            woken += 1
            if any(file.name == name for file in await bob.list()):
                return
        raise BrokenError("changes ended by itself")

    try:
        for name in ("a/x", "a/y", "b/x"):
            waiting = asyncio.ensure_future(wait_for(name))
            try:
                await asyncio.sleep(0)
                await ada.put(name, SMALL_BYTES)
                async with asyncio.timeout(max(1.0, POLLS_MAX * bob.traits.poll_interval_s)):
                    await waiting
            except TimeoutError as error:
                raise BrokenError(
                    f"no wake-up for {name} within {POLLS_MAX} polls, {woken} before"
                ) from error
            finally:
                waiting.cancel()
                await asyncio.gather(waiting, return_exceptions=True)
    finally:
        await _close(changes)


async def changes_close(ada: Remote, bob: Remote) -> None:
    """`changes` ends only when its caller closes it, at any time, and the other calls go on beside it."""
    unused = bob.changes()
    await _close(unused)
    first, second = bob.changes(), bob.changes()
    waiting = [asyncio.ensure_future(_count(changes)) for changes in (first, second)]
    await asyncio.sleep(SHORT_S)
    await ada.put("a/x", SMALL_BYTES)
    await expect_content(bob, "a/x", SMALL_BYTES)
    await asyncio.sleep(SHORT_S)
    for task in waiting:
        if task.done():
            raise BrokenError("changes ended by itself")
        task.cancel()
    for outcome in await asyncio.gather(*waiting, return_exceptions=True):
        if not isinstance(outcome, asyncio.CancelledError):
            raise BrokenError(f"changes that was cancelled gave {outcome!r}")
    for changes in (first, second):
        await _close(changes)
    await expect_content(bob, "a/x", SMALL_BYTES)


async def unreachable(remote: Remote) -> None:
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
        waiting = asyncio.ensure_future(_count(changes))
        await asyncio.sleep(SHORT_S)
        is_over = waiting.done()
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        await _close(changes)
        if is_over:
            raise BrokenError("changes ended though nobody closed it")


async def placeholder(ada: Remote, bob: Remote, dehydrate: Callable[[Remote, str], Awaitable[None]]) -> None:
    """Of a file whose content is elsewhere nothing is made up, and nobody takes it for missing."""
    await ada.put("a/x", SMALL_BYTES)
    await ada.put("a/y", SMALL_BYTES)
    await dehydrate(bob, "a/x")
    found = [file for file in await bob.list() if file.name == "a/x"]
    if [file.is_local for file in found] != [False]:
        raise BrokenError(f"the placeholder was listed as {found}")
    await expect_error(bob.get("a/x", bytes_max=BYTES_MAX), RemoteFileNotLocalError, "get of a placeholder")
    await expect_error(bob.put("a/x", b"other"), RemoteFileExistsError, "put over a placeholder")
    await expect_content(bob, "a/y", SMALL_BYTES)


async def _count(changes: AsyncIterator[None]) -> int:
    woken = 0
    async for _ in changes:
        woken += 1
        await asyncio.sleep(0)
    return woken


async def _close(changes: Any) -> None:
    close = getattr(changes, "aclose", None)
    if close is not None:
        await close()


@contextlib.contextmanager
def _secret_beside(root: Path) -> Iterator[tuple[Path, list[str]]]:
    """Make a file outside of the place and links to it inside; yield it and the names that might reach it."""
    outside = Path(tempfile.mkdtemp(prefix="crdtsync-check-"))
    secret = outside / "secret"
    secret.write_bytes(b"not of the place")
    reaching = [str(secret)]
    with contextlib.suppress(ValueError):  # On Windows no relative path leads to another drive.
        way = Path(os.path.relpath(secret, root)).as_posix()
        reaching += [way, f"a/../{way}"]
    links = [(root / "link-to-file", secret), (root / "link-to-directory", outside)]
    try:
        for (link, target), name in zip(links, ("link-to-file", "link-to-directory/secret"), strict=True):
            # Windows lets only some users make links; then nobody left one.
            with contextlib.suppress(OSError, NotImplementedError):
                link.symlink_to(target, target_is_directory=target.is_dir())
                reaching.append(name)
        yield secret, reaching
    finally:
        for link, _ in links:
            link.unlink(missing_ok=True)
        secret.unlink(missing_ok=True)
        outside.rmdir()


def _write_foreign(root: Path) -> set[str]:
    written = set()
    for name in FOREIGN_NAMES:
        # The system under test may not allow such a name, and then nobody left it there.
        with contextlib.suppress(OSError):
            (root / name).write_bytes(SMALL_BYTES)
            written.add(name)
    return written
