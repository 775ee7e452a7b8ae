"""Doing many things at once, but not all of them."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from itertools import islice
from typing import TypeVar

T = TypeVar("T")

BATCH_SIZE = 64
"""Enough that a replica writes many edits to its disk at once, few enough that what they edit stays open."""


async def in_batches(
    items: Iterable[T], work: Callable[[T], Awaitable[None]], *, done: Callable[[int], None] = lambda _: None
) -> None:
    """Do the work for each item, a batch at a time, and tell after each batch how many it had.

    Raises:
        ExceptionGroup: what the work raised; later batches were not begun.
    """
    waiting = iter(items)
    while batch := list(islice(waiting, BATCH_SIZE)):
        async with asyncio.TaskGroup() as group:
            for item in batch:
                group.create_task(_call(work, item))
        done(len(batch))


async def _call(work: Callable[[T], Awaitable[None]], item: T) -> None:
    await work(item)
