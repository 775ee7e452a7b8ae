"""The promises about files: what was put is there, whole, under its name, once; and what was deleted is not."""

import asyncio
import contextlib

from crdtsync.errors import (
    RemoteFileExistsError,
    RemoteFileMissingError,
    RemoteFileNotLocalError,
    RemoteFileTooLargeError,
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

MANY_FILES = 200

CONTENTS = (
    ("empty", b""),
    ("a/small.x", SMALL_BYTES),
    ("a/lines.x", b"one\r\ntwo\nthree\rfour\x1a\xff\xfe"),
    ("a/zeros.x", SMALL_BYTES + bytes(5_000)),
    ("a/page.html", b"<html><body>Services add things to what they know</body></html>"),
    ("a/b/large.x", LARGE_BYTES),
)


async def round_trip(ada: Remote, bob: Remote) -> None:
    """Whatever the bytes are, they come back, on both machines."""
    for name, data in CONTENTS:
        await ada.put(name, data)
        await expect_content(bob, name, data)
        await expect_content(ada, name, data)


async def create_only(ada: Remote, bob: Remote) -> None:
    """A name that is taken stays with what it names."""
    await ada.put("a/x", SMALL_BYTES)
    for remote in (ada, bob):
        for data in (b"other", SMALL_BYTES):
            await expect_error(remote.put("a/x", data), RemoteFileExistsError, "put of a taken name")
    await expect_content(bob, "a/x", SMALL_BYTES)


async def one_winner(ada: Remote, _: Remote) -> None:
    """Tasks of one machine race for a name."""
    await _race((ada, ada))


async def one_winner_of_two_machines(ada: Remote, bob: Remote) -> None:
    """Two machines race for a name, where the traits say that the remote decides."""
    if ada.traits.create_only_is_enforced:
        await _race((ada, bob))


async def _race(remotes: tuple[Remote, Remote]) -> None:
    contents = [bytes([number]) * 10_000 for number in range(8)]
    outcomes = await asyncio.gather(
        *(remotes[number % 2].put("a/x", data) for number, data in enumerate(contents)),
        return_exceptions=True,
    )
    winners = [data for data, outcome in zip(contents, outcomes, strict=True) if outcome is None]
    for outcome in outcomes:
        if outcome is not None and not isinstance(outcome, RemoteFileExistsError):
            raise BrokenError(f"a put that lost raised {outcome!r}")
    if len(winners) != 1:
        raise BrokenError(f"{len(winners)} of {len(contents)} concurrent puts of one name succeeded")
    await expect_content(remotes[1], "a/x", winners[0])


async def whole_or_nothing(ada: Remote, bob: Remote) -> None:
    """A reader looks all the time while a large file is put, and a put is cut short."""

    async def look() -> None:
        with contextlib.suppress(RemoteFileMissingError, RemoteFileNotLocalError):
            data = await bob.get("a/x", bytes_max=BYTES_MAX)
            if data != LARGE_BYTES:
                raise BrokenError(f"a reader got {len(data)} bytes of a file of {len(LARGE_BYTES)}")

    put = asyncio.ensure_future(ada.put("a/x", LARGE_BYTES))
    try:
        while not put.done():
            await look()
            await asyncio.sleep(0)
    finally:
        await put
    cut = asyncio.ensure_future(ada.put("a/y", LARGE_BYTES))
    await asyncio.sleep(0)
    cut.cancel()
    await asyncio.gather(cut, return_exceptions=True)
    with contextlib.suppress(RemoteFileMissingError):
        await expect_content(bob, "a/y", LARGE_BYTES)


async def bounded_get(ada: Remote, bob: Remote) -> None:
    """A bound of exactly the size is enough, one byte less is not."""
    await ada.put("a/x", SMALL_BYTES)
    data = await bob.get("a/x", bytes_max=len(SMALL_BYTES))
    if data != SMALL_BYTES:
        raise BrokenError("a bound of exactly the size did not give the file")
    for bytes_max in (len(SMALL_BYTES) - 1, 0):
        await expect_error(
            bob.get("a/x", bytes_max=bytes_max), RemoteFileTooLargeError, f"a bound of {bytes_max}"
        )


async def missing(ada: Remote, bob: Remote) -> None:
    """Beside a file, a directory's name, and below a file there is nothing to get."""
    await ada.put("a/x", SMALL_BYTES)
    for name in ("a/y", "b/x", "a", "a/x/y"):
        await expect_error(bob.get(name, bytes_max=BYTES_MAX), RemoteFileMissingError, f"get of {name}")


async def exact_names(ada: Remote, bob: Remote) -> None:
    """Another spelling of a name is another name, also where the disk under it thinks otherwise."""
    await ada.put("a/x", SMALL_BYTES)
    for name in ("A/x", "a/X", "a/x ", "a/x.", "./a/x", "a//x", "a/./x", "a/x/", "b/../a/x"):
        await expect_error(
            bob.get(name, bytes_max=BYTES_MAX),
            (RemoteFileMissingError, UsageError),
            f"get of {name!r} instead of 'a/x'",
        )


async def listing(ada: Remote, bob: Remote) -> None:
    """A prefix is a directory: what only begins with the same letters is not below it."""
    if await bob.list():
        raise BrokenError("an empty place listed something")
    names = ["x", "a/x", "a/b/x", "ab/x"]
    for name in names:
        await ada.put(name, name.encode())
    for prefix in ("", "a/", "a/b/", "nothing/"):
        expected = {(name, len(name)) for name in names if name.startswith(prefix)}
        listed = {(file.name, file.size_bytes) for file in await bob.list(prefix)}
        if listed != expected:
            raise BrokenError(f"listing {prefix!r} gave {sorted(listed)}, not {sorted(expected)}")


async def local_files_open(ada: Remote, bob: Remote) -> None:
    """What is listed as being here can be read, and no call is needed to have it fetched."""
    for name in ("a/x", "b/y"):
        await ada.put(name, SMALL_BYTES)
    for remote in (ada, bob):
        for file in await remote.list():
            if file.is_local:
                await expect_content(remote, file.name, SMALL_BYTES)
            else:
                await expect_error(
                    remote.get(file.name, bytes_max=BYTES_MAX),
                    RemoteFileNotLocalError,
                    f"get of {file.name}, listed as not local,",
                )


async def many_files(ada: Remote, bob: Remote) -> None:
    """Two hundred calls at once, of which some fail, disturb each other in nothing."""
    names = {f"d{number % 10}/{number:05}.x" for number in range(MANY_FILES)}
    await asyncio.gather(*(ada.put(name, name.encode()) for name in names))
    listed = {file.name for file in await bob.list()}
    if listed != names:
        raise BrokenError(f"{len(names)} files were put, {len(listed & names)} of them listed")
    calls = [bob.get(name, bytes_max=100) for name in [*names, "d0/none.x", "none.x"]]
    contents = await asyncio.gather(*calls, return_exceptions=True)
    if contents[: len(names)] != [name.encode() for name in names]:
        raise BrokenError("concurrent gets mixed files up")


async def delete(ada: Remote, bob: Remote) -> None:
    """One file goes, whoever put it; deleting what is not there, or a directory, does nothing."""
    await ada.put("a/x", SMALL_BYTES)
    await ada.put("a/y", SMALL_BYTES)
    for remote in (bob, bob, ada):
        await remote.delete("a/x")
    await bob.delete("nothing/x")
    with contextlib.suppress(UsageError):
        await bob.delete("a")
    with contextlib.suppress(UsageError):
        await bob.delete("b/../a/y")
    await expect_error(ada.get("a/x", bytes_max=BYTES_MAX), RemoteFileMissingError, "get of a deleted file")
    await expect_content(ada, "a/y", SMALL_BYTES)
    await bob.put("a/x", b"again")
    await expect_content(ada, "a/x", b"again")
