"""The promises about use: names, traits, entering and leaving, cancelling, wake-ups, and what strangers left."""

import asyncio
import contextlib
import math
import os
import tempfile
from collections.abc import AsyncIterator, Awaitable, Iterator
from pathlib import Path
from typing import Any

from crdtsync.errors import (
    RemoteFileExistsError,
    RemoteFileMissingError,
    UsageError,
)
from crdtsync.remote import Remote
from crdtsync.testing import remote_checks_foreign as foreign
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

PARTS_GONE_AFTER_LISTINGS = 100
"""So often is looked, with pauses, for what a cancelled call leaves: an adapter may clear up behind it."""

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
        return  # `foreign_check` is told how to leave something there.

    async def leave(_remote: Remote, name: str, data: bytes) -> None:
        await asyncio.to_thread(_write, Path(root, name), data)

    await foreign.left_by_others(ada, bob, leave)


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
        cut = asyncio.ensure_future(ada.put(f"b/cut-{turns}", LARGE_BYTES))
        for _ in range(turns):
            await asyncio.sleep(0)
        cut.cancel()
        await asyncio.gather(cut, return_exceptions=True)
    # A put that was cancelled may still come about, also after the file of its name was put again and deleted.
    perhaps = {f"{directory}/cut-{turns}" for directory in ("a", "b") for turns in CANCEL_AFTER_TURNS}
    await _expect_listed(bob, {"a/kept"}, perhaps)


async def _expect_listed(remote: Remote, there: set[str], perhaps: set[str]) -> None:
    """Look for parts that calls have left; what still goes on in the background may need a moment."""
    left: set[str] = set()
    for _ in range(PARTS_GONE_AFTER_LISTINGS):
        listed = {file.name for file in await remote.list()}
        left = listed - there - perhaps
        if not left and there <= listed:
            return
        await asyncio.sleep(SHORT_S)
    raise BrokenError(f"calls that were cancelled left {sorted(left)} in the listing for ever")


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
        await close_changes(changes)


async def changes_close(ada: Remote, bob: Remote) -> None:
    """`changes` ends only when its caller closes it, at any time, and the other calls go on beside it."""
    unused = bob.changes()
    await close_changes(unused)
    first, second = bob.changes(), bob.changes()
    waiting = [asyncio.ensure_future(count_changes(changes)) for changes in (first, second)]
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
        await close_changes(changes)
    await expect_content(bob, "a/x", SMALL_BYTES)


async def count_changes(changes: AsyncIterator[None]) -> int:
    """Return how often it woke its caller up, if it ever ends."""
    woken = 0
    async for _ in changes:
        woken += 1
        await asyncio.sleep(0)
    return woken


async def close_changes(changes: Any) -> None:
    """Close what `Remote.changes` gave, where it can be closed."""
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


def _write(path: Path, data: bytes) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
