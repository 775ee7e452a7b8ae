"""The changes of a segment on their way: looked at, examined, and handed out in groups that are applied at a time.

While one group is applied the next one is examined, in another process and so on another core, and the one after
it is looked at, so that the process that examines need not wait for that either.
"""

import asyncio
import sqlite3
from collections import Counter, deque
from collections.abc import Sequence

from crdtsync.environment import Verdict
from crdtsync.protocol.segment import DocumentChanges
from crdtsync.store.arrivals import Arrival, look
from crdtsync.store.workspace import Workspace

CHANGES_PER_GROUP = 500
"""A bound on how long the write lock is held, so that edits go on while much is applied."""

BYTES_PER_GROUP = 8 * 1024 * 1024
"""A bound on memory: of what is stored of the documents and what has come, for which there are three groups at a
time, and of what the examiner says of it, which is about as much."""

GROUPS_AHEAD = 2
"""How many groups are looked at or examined while one is applied."""

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
        self._begun: deque[asyncio.Task[list[Examined]]] = deque()
        self._tries: Counter[str] = Counter()
        self._deaths = 0

    @property
    def is_at_end(self) -> bool:
        """Whether all documents were handed out."""
        return not self._begun and not self._left

    async def next(self) -> list[Examined]:
        """Return the next group, which may be empty, and begin with the one after it.

        Raises:
            ExaminerError: it cannot be examined now.
        """
        if not self._begun:
            self._begin()
        self._begin_ahead()
        group = await self._begun[0]
        self._begun.popleft()
        self._deaths += sum(verdict.deaths for _, verdict in group if verdict is not None)
        self._begin_ahead()
        return group

    def put_back(self, documents: Sequence[DocumentChanges]) -> bool:
        """Take back documents that must be looked at again; return False if that is enough for this round."""
        self._left += documents
        self._tries.update(document.document for document in documents)
        return self._deaths < DEATHS_MAX and max(self._tries.values(), default=0) < TRIES_MAX

    async def aclose(self) -> None:
        """Give up what has begun."""
        for task in self._begun:
            task.cancel()
        for task in self._begun:
            await asyncio.wait({task})
            if not task.cancelled():
                task.exception()  # Taken note of: nobody wants what it came to.

    def _begin_ahead(self) -> None:
        while self._left and len(self._begun) < GROUPS_AHEAD:
            self._begin()

    def _begin(self) -> None:
        documents: list[DocumentChanges] = []
        size = 0
        while self._left and size < CHANGES_PER_GROUP:
            documents.append(self._left.popleft())
            size += len(documents[-1].changes)
        self._begun.append(asyncio.create_task(self._examine(documents)))

    async def _examine(self, documents: list[DocumentChanges]) -> list[Examined]:
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
