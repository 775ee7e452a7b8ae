"""Waiting for services that nobody can ask to tell."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

DEADLINE_S = 180.0
POLL_S = 0.02


async def until(condition: Callable[[], Awaitable[bool]], why: Callable[[], Awaitable[str]]) -> None:
    """Wait until something is true; fail with what `why` says if it takes too long."""
    try:
        async with asyncio.timeout(DEADLINE_S):
            while not await condition():
                await asyncio.sleep(POLL_S)
    except TimeoutError:
        pytest.fail(await why())
