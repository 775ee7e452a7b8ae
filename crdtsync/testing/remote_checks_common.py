"""What every check of a remote is made of: the promise, what happened instead, and the two usual questions."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from random import Random

from crdtsync.errors import RemoteError, UsageError
from crdtsync.remote import Remote

SMALL_BYTES = b"crdtsync"
LARGE_BYTES = Random(0).randbytes(5_000_000)
"""Parts of it that change places are seen: no two are alike."""

BYTES_MAX = 2 * len(LARGE_BYTES)


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


class BrokenError(Exception):
    """What happened; the promise is added by who runs the check."""


async def expect_content(remote: Remote, name: str, expected: bytes, *, bytes_max: int = BYTES_MAX) -> None:
    """Read a file.

    Raises:
        BrokenError: it holds something else, or is given as something else than bytes.
    """
    data = await remote.get(name, bytes_max=bytes_max)
    expect_bytes(data)
    if data != expected:
        raise BrokenError(
            f"{name!r} has {len(data)} bytes {data[:20]!r}, not {len(expected)} bytes {expected[:20]!r}"
        )


def expect_bytes(data: object) -> None:
    """Look at the type of what `get` gave: a buffer may change later, and has no hash.

    Raises:
        BrokenError: it is not bytes.
    """
    if type(data) is not bytes:
        raise BrokenError(f"get gave a {type(data).__name__}, not bytes")


async def expect_error(
    call: Awaitable[object], expected: type[Exception] | tuple[type[Exception], ...], what: str
) -> None:
    """Await a call that must fail.

    Raises:
        BrokenError: it did not, or with another error of the tree.
    """
    try:
        result = await call
    except expected:
        return
    except (RemoteError, UsageError) as error:
        raise BrokenError(f"{what} raised {error!r}") from error
    raise BrokenError(f"{what} raised nothing and gave {result!r:.40}")
