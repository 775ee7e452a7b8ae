"""The promises of `crdtsync.remote`, each as a check that any adapter can be put to.

::

    @asynccontextmanager
    async def open_pair():
        with TemporaryDirectory() as root:
            async with FolderRemote(root) as ada, FolderRemote(root) as bob:
                yield ada, bob

    asyncio.run(check_remote(open_pair))

No test framework is needed; with one, a test per promise says more::

    @pytest.mark.parametrize("check", REMOTE_CHECKS, ids=lambda check: check.promise)
    async def test_it_keeps_its_promises(check):
        await check_remote(open_pair, checks=[check])
"""

import asyncio
import contextlib
import functools
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager, AsyncExitStack

from crdtsync.remote import Remote
from crdtsync.testing import remote_checks_files as files
from crdtsync.testing import remote_checks_use as use
from crdtsync.testing.remote_checks_common import BrokenError, RemoteCheck, RemoteCheckError
from crdtsync.testing.remote_checks_settled import SettledRemote

OpenPair = Callable[[], AbstractAsyncContextManager[tuple[Remote, Remote]]]
"""Opens two views of one place that is empty, as two machines would have them, and clears it all up."""

IN_GOOD_ORDER = "a remote is opened and left in good order"
"""The promise that every check puts a remote to beside its own."""

TURNS_AT_THE_END = 10
"""So many turns of the event loop a task has to end in after its remote was left."""


async def check_remote(
    open_pair: OpenPair,
    *,
    checks: Iterable[RemoteCheck] | None = None,
    settle: Callable[[Remote, Remote], Awaitable[None]] | None = None,
    timeout_s: float = 60.0,
) -> None:
    """Put a remote to each check, on an empty place of its own.

    Both views are opened in this process: what a remote keeps in the process instead of in its place is seen by
    both. `foreign_check` finds that out, if it leaves its files from another process.

    Args:
        open_pair: opens two views of an empty place.
        checks: which; by default `REMOTE_CHECKS`. `unreachable_check`, `placeholder_check`, `foreign_check`,
            `full_check` and `throttled_check` make more, which need to be told how to bring the situation about.
        settle: for a place that needs time: returns when each of the two views it is given sees what the other
            has done. It is called after every `put` and `delete`. Without it they must see it at once.
        timeout_s: how long one check may take, and opening and leaving the views. A service that is slow with
            many files needs more: one check puts 1,100 of them, another one 64 MB.

    Raises:
        RemoteCheckError: the first promise that was broken, and what happened instead.
    """
    for check in REMOTE_CHECKS if checks is None else checks:
        tasks_before = asyncio.all_tasks()
        async with AsyncExitStack() as stack:
            try:
                async with asyncio.timeout(timeout_s):
                    pair = await stack.enter_async_context(open_pair())
            except Exception as error:
                raise RemoteCheckError(IN_GOOD_ORDER, f"opening it raised {error!r}") from error
            try:
                await _run(check, *pair, settle, timeout_s)
            except RemoteCheckError:
                # What leaving finds then may only follow from it.
                with contextlib.suppress(Exception):
                    async with asyncio.timeout(timeout_s):
                        await stack.aclose()
                raise
            try:
                async with asyncio.timeout(timeout_s):
                    await stack.aclose()
            except Exception as error:
                happened = f"leaving it after the check that {check.promise} raised {error!r}"
                raise RemoteCheckError(IN_GOOD_ORDER, happened) from error
        await _expect_no_tasks(check, tasks_before)


async def _run(
    check: RemoteCheck,
    ada: Remote,
    bob: Remote,
    settle: Callable[[Remote, Remote], Awaitable[None]] | None,
    timeout_s: float,
) -> None:
    if settle is not None:
        wait = functools.partial(settle, ada, bob)
        ada, bob = SettledRemote(ada, wait), SettledRemote(bob, wait)
    try:
        async with asyncio.timeout(timeout_s):
            await check.run(ada, bob)
    except BrokenError as broken:
        raise RemoteCheckError(check.promise, str(broken)) from broken.__cause__
    except TimeoutError as error:
        raise RemoteCheckError(check.promise, f"nothing within {timeout_s:g} s") from error
    except Exception as error:
        raise RemoteCheckError(check.promise, f"raised {error!r}") from error


async def _expect_no_tasks(check: RemoteCheck, before: set[asyncio.Task[object]]) -> None:
    left: set[asyncio.Task[object]] = set()
    for _ in range(TURNS_AT_THE_END):
        left = asyncio.all_tasks() - before
        if not left:
            return
        await asyncio.sleep(0)
    names = sorted(getattr(task.get_coro(), "__qualname__", task.get_name()) for task in left)
    happened = f"{len(left)} tasks went on after it was left, after the check that {check.promise}: {names}"
    raise RemoteCheckError(IN_GOOD_ORDER, happened)


WAKE_UP = RemoteCheck("changes wakes the caller up when a file arrives", use.wake_up)
"""Leave it out for a place that can tell nothing: the contract lets it sleep, since callers poll as well."""

REMOTE_CHECKS: tuple[RemoteCheck, ...] = (
    RemoteCheck("get returns what put was given", files.round_trip),
    RemoteCheck("the largest file of the library is taken whole", files.largest),
    RemoteCheck("put creates and never replaces", files.create_only),
    RemoteCheck("of concurrent puts of one name exactly one succeeds", files.one_winner),
    RemoteCheck("create_only_is_enforced holds between machines", files.one_winner_of_two_machines),
    RemoteCheck("a file is seen whole or not at all", files.whole_or_nothing),
    RemoteCheck("get never returns more than asked", files.bounded_get),
    RemoteCheck("a missing file is RemoteFileMissingError", files.missing),
    RemoteCheck("a file opens by exactly its name", files.exact_names),
    RemoteCheck("list returns the files below the prefix", files.listing),
    RemoteCheck("is_local tells what can be read", files.local_files_open),
    RemoteCheck("many files and concurrent calls are no trouble", files.many_files),
    RemoteCheck("delete removes one file, and a missing one is no error", files.delete),
    RemoteCheck("a name that is used again is read anew", files.read_anew),
    RemoteCheck("every name of the contract is taken", use.good_names),
    RemoteCheck("names outside the contract are refused", use.bad_names),
    RemoteCheck("no name and no link leads out of the place", use.stays_inside),
    RemoteCheck("names that others left are listed as they are", use.foreign_names),
    RemoteCheck("address and traits are true", use.traits_are_true),
    RemoteCheck("a remote can be left and entered again", use.entered_again),
    RemoteCheck("a cancelled call does no harm", use.cancelled_calls),
    RemoteCheck("changes ends only when its caller closes it", use.changes_close),
    WAKE_UP,
)
"""All promises that can be checked from outside without being told how to bring about a situation.

Durability cannot: cut the power. That leaving releases connections and files cannot either, only that no task goes
on: let warnings be errors, so that Python complains of what was never closed.
"""
