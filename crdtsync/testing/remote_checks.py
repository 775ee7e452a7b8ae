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
from collections.abc import Awaitable, Callable, Iterable
from contextlib import AbstractAsyncContextManager

from crdtsync.remote import Remote
from crdtsync.testing import remote_checks_files as files
from crdtsync.testing import remote_checks_use as use
from crdtsync.testing.remote_checks_common import BrokenError, RemoteCheck, RemoteCheckError

OpenPair = Callable[[], AbstractAsyncContextManager[tuple[Remote, Remote]]]
"""Opens two views of one place that is empty, as two machines would have them, and clears it all up."""


async def check_remote(
    open_pair: OpenPair, *, checks: Iterable[RemoteCheck] | None = None, timeout_s: float = 60.0
) -> None:
    """Put a remote to each check, on an empty place of its own.

    The two views must see each other's files at once: put something that settles between them in front of a
    place that needs time.

    Args:
        open_pair: opens two views of an empty place.
        checks: which; by default `REMOTE_CHECKS`. `unreachable_check` and `placeholder_check` make two more,
            which need to be told how to bring the situation about.
        timeout_s: how long one check may take.

    Raises:
        RemoteCheckError: the first promise that was broken, and what happened instead.
    """
    for check in REMOTE_CHECKS if checks is None else checks:
        async with open_pair() as (ada, bob):
            try:
                async with asyncio.timeout(timeout_s):
                    await check.run(ada, bob)
            except BrokenError as broken:
                raise RemoteCheckError(check.promise, str(broken)) from broken.__cause__
            except TimeoutError as error:
                raise RemoteCheckError(check.promise, f"nothing within {timeout_s:g} s") from error
            except Exception as error:
                raise RemoteCheckError(check.promise, f"raised {error!r}") from error


WAKE_UP = RemoteCheck("changes wakes the caller up when a file arrives", use.wake_up)
"""Leave it out for a place that can tell nothing: the contract lets it sleep, since callers poll as well."""

REMOTE_CHECKS: tuple[RemoteCheck, ...] = (
    RemoteCheck("get returns what put was given", files.round_trip),
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
"""All promises that can be checked from outside. Durability cannot: cut the power."""


def unreachable_check(make_unreachable: Callable[[], Remote]) -> RemoteCheck:
    """Return the check of a place that cannot be reached.

    Args:
        make_unreachable: gives a remote, not entered yet, whose place cannot be reached now: a directory that is
            not mounted, a server that does not listen.
    """

    async def run(_ada: Remote, _bob: Remote) -> None:
        await use.unreachable(make_unreachable())

    return RemoteCheck("a place that cannot be reached is waited for", run)


def placeholder_check(dehydrate: Callable[[Remote, str], Awaitable[None]]) -> RemoteCheck:
    """Return the check of a file whose content is not on this machine.

    Args:
        dehydrate: takes the content of a file away from one machine, as the service does to save space.
    """

    async def run(ada: Remote, bob: Remote) -> None:
        await use.placeholder(ada, bob, dehydrate)

    return RemoteCheck("a placeholder is neither missing nor read", run)
