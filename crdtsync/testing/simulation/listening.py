"""An application that listens while everything arrives, and what it must have been told in the end."""

import asyncio
from contextlib import aclosing, suppress

from crdtsync.events import DocumentChange, EventsMissed, NumberChange
from crdtsync.testing.simulation.computer import Computer
from crdtsync.testing.simulation.violation import Violation

ARRIVES_WITHIN_S = 10.0
"""How long at most an event is waited for that has happened: it is there at once, and else never."""


class Listener:
    """Listens to the events of one computer, from `start` to `check`."""

    def __init__(self, computer: Computer) -> None:
        self._computer = computer
        self._changes: list[DocumentChange] = []
        self._entries: list[int] = []
        self._has_missed = False
        self._begins: tuple[int, int] = (0, 0)
        """The last change and the last entry of the ledger that are not told."""
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Listen from now on."""
        self._begins = await self._last()
        self._task = asyncio.create_task(self._listen())
        # It looks where it begins before anything else is written.
        await self._computer.replica.count_conflicts()
        await asyncio.sleep(0)

    async def stop(self) -> None:
        """Listen no longer."""
        if self._task is not None:
            self._task.cancel()
            with suppress(asyncio.CancelledError):
                await self._task
            self._task = None

    async def check(self) -> int:
        """Stop, and return how many changes were told.

        Raises:
            Violation: something was not told, or twice, or in another order, or wrongly.
        """
        name, (change, entry) = self._computer.name, self._begins
        made = await self._computer.rows(
            "SELECT d.id, c.client, c.sequence, i.author, i.name FROM _changes c JOIN _documents d "
            "ON d.n = c.document LEFT JOIN _incarnations i ON i.client = c.client WHERE c.n > ? ORDER BY c.n",
            change,
        )
        entries = [
            row[0] for row in await self._computer.rows("SELECT idx FROM _ledger WHERE idx > ?", entry)
        ]
        with suppress(TimeoutError):
            async with asyncio.timeout(ARRIVES_WITHIN_S):
                while len(self._changes) < len(made) or len(self._entries) < len(entries):
                    if self._has_missed or (self._task is not None and self._task.done()):
                        break
                    await asyncio.sleep(0)
        if self._task is not None and self._task.done():
            await self._task  # Raises what ended it.
        await self.stop()
        if self._has_missed:
            return 0
        told = [(c.document, c.id.client, c.id.sequence, c.author, c.replica) for c in self._changes]
        if told != made:
            raise Violation(f"{name} is told of {told}, and {made} have come")
        if sorted(self._entries) != sorted(entries):
            raise Violation(f"{name} is told of the entries {self._entries} of the ledger, not of {entries}")
        for one in self._changes:
            if one.is_local != (one.replica == name):
                raise Violation(f"{name} is told that it made a change of {one.replica}, or the reverse")
        return len(told)

    async def _listen(self) -> None:
        async with aclosing(self._computer.replica.events()) as events:  # type: ignore[type-var]
            async for event in events:
                match event:
                    case DocumentChange():
                        self._changes.append(event)
                    case NumberChange(entry=entry):
                        self._entries.append(entry.index)
                    case EventsMissed():
                        self._has_missed = True
                    case _:
                        pass

    async def _last(self) -> tuple[int, int]:
        ((change, entry),) = await self._computer.rows(
            "SELECT (SELECT coalesce(max(n), 0) FROM _changes), (SELECT coalesce(max(idx), 0) FROM _ledger)"
        )
        return change, entry
