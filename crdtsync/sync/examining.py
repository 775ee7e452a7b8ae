"""The changes of a segment on their way: looked at, examined, and handed out in groups that are applied at a time.

While one group is applied the next one is examined, in another process and so on another core.
"""

import asyncio
import sqlite3
from collections import Counter, deque
from collections.abc import Sequence

from crdtsync.environment import Verdict
from crdtsync.protocol.segment import DocumentChanges
from crdtsync.store.arrivals import Arrival, look
from crdtsync.store.workspace import Workspace

CHANGES_PER_GROUP = 1_000
"""A bound on how long the write lock is held, so that edits go on while much is applied."""

BYTES_PER_GROUP = 16 * 1024 * 1024
"""A bound on memory: of what is stored of the documents and what has come, for which there are two groups at a time."""

TRIES_MAX = 10
"""How often a document that is edited meanwhile is looked at again in one round."""

DEATHS_MAX = 16
"""How often one segment may end the process that examines in one round: the other feeds must not wait for long."""

Examined = tuple[Arrival, Verdict | None]
"""What came of one document and what was found of it; None where nothing of it can be applied yet."""


class Arrivals:
    """The documents of one segment, in groups."""

    def __init__(self, workspace: Workspace, segment: int, documents: Sequence[DocumentChanges]) -> None:
        self._workspace = workspace
        self._segment = segment
        self._left = deque(documents)  # None is there twice: `decode_segment` sees to that.
        self._next: asyncio.Task[list[Examined]] | None = None
        self._tries: Counter[str] = Counter()
        self._deaths = 0

    @property
    def is_at_end(self) -> bool:
        """Whether all documents were handed out."""
        return self._next is None and not self._left

    async def next(self) -> list[Examined]:
        """Return the next group, which may be empty, and begin with the one after it.

        Raises:
            ExaminerError: it cannot be examined now.
        """
        self._begin()
        assert self._next is not None
        group = await self._next
        self._next = None
        self._deaths += sum(verdict.deaths for _, verdict in group if verdict is not None)
        if self._left:
            self._begin()
        return group

    def put_back(self, documents: Sequence[DocumentChanges]) -> bool:
        """Take back documents that must be looked at again; return False if that is enough for this round."""
        self._left += documents
        self._tries.update(document.document for document in documents)
        return self._deaths < DEATHS_MAX and max(self._tries.values(), default=0) < TRIES_MAX

    async def aclose(self) -> None:
        """Give up what has begun."""
        if self._next is not None:
            self._next.cancel()
            await asyncio.wait({self._next})
            if not self._next.cancelled():
                self._next.exception()  # Taken note of: nobody wants what it came to.

    def _begin(self) -> None:
        if self._next is None:
            self._next = asyncio.create_task(self._examine())

    async def _examine(self) -> list[Examined]:
        documents: list[DocumentChanges] = []
        size = 0
        while self._left and size < CHANGES_PER_GROUP:
            documents.append(self._left.popleft())
            size += len(documents[-1].changes)

        def job(connection: sqlite3.Connection) -> list[Arrival]:
            found: list[Arrival] = []
            size_bytes = 0
            for document in documents:
                found.append(look(connection, document, self._segment))
                size_bytes += found[-1].size_bytes
                if size_bytes > BYTES_PER_GROUP:
                    break
            return found

        found = await self._workspace.database.read(job) if documents else []
        self._left.extendleft(reversed(documents[len(found) :]))
        cases = [arrival.case for arrival in found if arrival.ready]
        verdicts = iter(await self._workspace.examiner.examine(cases) if cases else ())
        return [(arrival, next(verdicts) if arrival.ready else None) for arrival in found]
