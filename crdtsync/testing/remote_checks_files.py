"""The promises about files: what was put is there, whole, under its name, once; and what was deleted is not."""

import asyncio
import contextlib
from random import Random

from crdtsync.errors import (
    RemoteFileExistsError,
    RemoteFileMissingError,
    RemoteFileNotLocalError,
    RemoteFileTooLargeError,
    RemoteUnavailableError,
    UsageError,
)
from crdtsync.protocol.files import FILE_BYTES_MAX
from crdtsync.remote import Remote
from crdtsync.testing.remote_checks_common import (
    BYTES_MAX,
    LARGE_BYTES,
    SMALL_BYTES,
    BrokenError,
    expect_bytes,
    expect_content,
    expect_error,
)

MANY_FILES = 1_100
"""More than a page of a listing has where services give it in pages: 200 with Microsoft Graph, 1000 with S3."""

ELSEWHERE = 50
"""How many of the many are in other directories."""

TRIES_MAX = 10
"""How often a call is made that the service has no time for."""

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


async def largest(ada: Remote, bob: Remote) -> None:
    """Of what the library may write nothing is too large, and nothing of it is cut off or changes places."""
    data = Random(1).randbytes(FILE_BYTES_MAX)
    await ada.put("a/x", data)
    await expect_content(bob, "a/x", data, bytes_max=FILE_BYTES_MAX)
    sizes = [file.size_bytes for file in await bob.list("a/")]
    if sizes != [len(data)]:
        raise BrokenError(f"a file of {len(data)} bytes was listed with {sizes} bytes")


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
    await ada.put("a/large", LARGE_BYTES)
    for name, content in (("a/x", SMALL_BYTES), ("a/large", LARGE_BYTES)):
        await expect_content(bob, name, content, bytes_max=len(content))
        for bytes_max in (len(content) - 1, 0):
            await expect_error(
                bob.get(name, bytes_max=bytes_max),
                RemoteFileTooLargeError,
                f"a bound of {bytes_max} for {len(content)} bytes",
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
    contents = {name: name.encode() for name in ("x", "a/x", "a/b/x", "ab/x")} | {"a/large": LARGE_BYTES}
    for name, data in contents.items():
        await ada.put(name, data)
    await _expect_listing(bob, contents)
    await ada.put("a/later", SMALL_BYTES)
    await _expect_listing(bob, contents | {"a/later": SMALL_BYTES})


async def _expect_listing(remote: Remote, contents: dict[str, bytes]) -> None:
    for prefix in ("", "a/", "a/b/", "nothing/"):
        expected = {(name, len(data)) for name, data in contents.items() if name.startswith(prefix)}
        listed = {(file.name, file.size_bytes) for file in await remote.list(prefix)}
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
    """More files than a page of a listing has are all listed; as many calls at once disturb each other in nothing."""
    many = [f"d/{number:05}.x" for number in range(MANY_FILES - ELSEWHERE)]
    names = {*many, *(f"d{number % 10}/{number:05}.x" for number in range(ELSEWHERE))}
    await asyncio.gather(*(_put_patiently(ada, name) for name in names))
    for prefix in ("", "d/"):
        expected = {name for name in names if name.startswith(prefix)}
        listed = {file.name for file in await bob.list(prefix)}
        if listed != expected:
            raise BrokenError(
                f"{len(expected)} files were put, {len(listed & expected)} of them were listed by {prefix!r}, "
                f"and {len(listed - expected)} others"
            )
    missing = ("d/none.x", "none.x")
    wanted = [*sorted(names), *missing]
    contents = await asyncio.gather(*(_get_patiently(bob, name) for name in wanted), return_exceptions=True)
    for name, data in zip(wanted, contents, strict=True):
        if isinstance(data, BaseException):
            if name in names or not isinstance(data, RemoteFileMissingError):
                raise BrokenError(f"one of {len(wanted)} gets at once, of {name}, raised {data!r}") from data
            continue
        expect_bytes(data)
        if name in missing or data != name.encode():
            raise BrokenError(f"concurrent gets mixed files up: {name} has {data[:20]!r}")


async def _put_patiently(remote: Remote, name: str) -> None:
    for _ in range(TRIES_MAX):
        try:
            await remote.put(name, name.encode())
        except RemoteUnavailableError:
            await asyncio.sleep(remote.traits.poll_interval_s)
        else:
            return
        # It may be there although nobody said so.
        with contextlib.suppress(RemoteFileMissingError, RemoteUnavailableError):
            await expect_content(remote, name, name.encode())
            return
    await remote.put(name, name.encode())


async def _get_patiently(remote: Remote, name: str) -> bytes:
    for _ in range(TRIES_MAX):
        with contextlib.suppress(RemoteUnavailableError):
            return await remote.get(name, bytes_max=100)
        await asyncio.sleep(remote.traits.poll_interval_s)
    return await remote.get(name, bytes_max=100)


async def delete(ada: Remote, bob: Remote) -> None:
    """One file goes, whoever put it; deleting what is not there, or a directory, does nothing."""
    await ada.put("a/x", SMALL_BYTES)
    neighbours = ("a/x2", "a/x.2", "a/y", "ab/x")
    for name in neighbours:
        await ada.put(name, SMALL_BYTES)
    for remote in (bob, bob, ada):
        await remote.delete("a/x")
    await bob.delete("nothing/x")
    with contextlib.suppress(UsageError):
        await bob.delete("a")
    with contextlib.suppress(UsageError):
        await bob.delete("b/../a/y")
    for remote in (ada, bob):
        await expect_error(
            remote.get("a/x", bytes_max=BYTES_MAX), RemoteFileMissingError, "get of a deleted file"
        )
        listed = {file.name for file in await remote.list()}
        if "a/x" in listed:
            raise BrokenError("a deleted file is still listed")
        if not listed >= set(neighbours):
            raise BrokenError(f"a delete of 'a/x' also removed {sorted(set(neighbours) - listed)}")
        if listed != set(neighbours):
            raise BrokenError(f"a delete of 'a/x' left {sorted(listed - set(neighbours))}")
        for name in neighbours:
            await expect_content(remote, name, SMALL_BYTES)
    await bob.put("a/x", b"again")
    await expect_content(ada, "a/x", b"again")


async def read_anew(ada: Remote, bob: Remote) -> None:
    """What was read, or not found, under a name before says nothing of what is there now."""
    for number in range(3):
        for remote in (ada, bob):
            await expect_error(
                remote.get("a/x", bytes_max=BYTES_MAX),
                RemoteFileMissingError,
                f"get of a file that was deleted {number} times",
            )
        data = bytes([number]) * len(SMALL_BYTES)
        await (ada, bob)[number % 2].put("a/x", data)
        for remote in (ada, bob):
            await expect_content(remote, "a/x", data)
        await ada.delete("a/x")
