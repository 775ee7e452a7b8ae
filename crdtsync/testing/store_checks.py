"""What a replica needs of the disk and the database engine under it, each as a check that any can be put to.

::

    asyncio.run(check_store(Path("/mnt/encrypted")))

checks the disk that holds a directory: a network drive, an encrypted volume, a memory card. With an `Environment`
it checks another way to the database. No test framework is needed.
"""

import asyncio
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

from crdtsync.environment import Environment
from crdtsync.testing import store_checks_disk as disk
from crdtsync.testing import store_checks_sharing as sharing
from crdtsync.testing.store_checks_bench import Bench, StoreBrokenError

Fill = Callable[[Path], AbstractContextManager[None]]


class StoreCheckError(Exception):
    """The disk, or the engine, broke a promise."""

    def __init__(self, promise: str, happened: str) -> None:
        super().__init__(f"{promise}: {happened}")
        self.promise = promise
        self.happened = happened


@dataclass(frozen=True, slots=True)
class StoreCheck:
    """One promise, and what finds out whether it is kept in an empty directory."""

    promise: str
    run: Callable[[Bench], Awaitable[None]]


async def check_store(
    directory: Path,
    environment: Environment | None = None,
    *,
    checks: Iterable[StoreCheck] | None = None,
    fill: Fill | None = None,
    timeout_s: float = 60.0,
) -> None:
    """Put a disk to each check, in a directory of its own below `directory`, which is removed afterwards.

    Args:
        directory: a directory on the disk, outside of every synced folder.
        environment: another way to the database than the default.
        checks: which; by default `STORE_CHECKS`.
        fill: makes the disk of a path full for a block, e.g. by a large file on a small volume; by default the
            database is kept from growing.
        timeout_s: how long one check may take.

    Raises:
        StoreCheckError: the first promise that was broken, and what happened instead.
    """
    for check in STORE_CHECKS if checks is None else checks:
        place = Path(await asyncio.to_thread(tempfile.mkdtemp, prefix="crdtsync-check-", dir=directory))
        try:
            async with asyncio.timeout(timeout_s):
                await check.run(Bench(place, environment, fill))
        except StoreBrokenError as broken:
            raise StoreCheckError(check.promise, str(broken)) from broken.__cause__
        except TimeoutError as error:
            raise StoreCheckError(check.promise, f"nothing within {timeout_s:g} s") from error
        except Exception as error:
            raise StoreCheckError(check.promise, f"raised {error!r}") from error
        finally:
            await asyncio.to_thread(shutil.rmtree, place, ignore_errors=True)


WAITS_FOR_THE_DISK = StoreCheck("a commit waits for the disk", disk.commits_wait)
"""What a power cut asks for. A simulated disk, which no power cut meets, leaves it out."""

STORE_CHECKS: tuple[StoreCheck, ...] = (
    StoreCheck("functions run one at a time, in the order asked for", sharing.in_order),
    StoreCheck("what was acknowledged is there after reopening", disk.is_durable),
    StoreCheck("an edit is written whole or not at all", disk.is_atomic),
    StoreCheck("a job that fails harms no other of its group", sharing.failures_are_alone),
    StoreCheck("a reader sees one state beside a writer", sharing.readers_see_one_state),
    StoreCheck("two handles see each other's changes and lose none", sharing.two_handles),
    StoreCheck("a lock of another process is waited for, then StoreBusyError", sharing.is_busy),
    StoreCheck("a full disk is StoreFullError, and nothing is lost", disk.is_full),
    StoreCheck("a killed process loses nothing that was acknowledged", disk.is_killed),
    StoreCheck("what is newer, foreign or damaged is refused untouched", disk.refuses_others),
    StoreCheck("a directory in a synced folder is refused", disk.refuses_synced_folders),
    WAITS_FOR_THE_DISK,
)
"""All promises that can be checked without cutting the power."""
