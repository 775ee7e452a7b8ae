"""One edit: from the draft to the durable change."""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from types import TracebackType
from typing import Generic, TypeVar

from crdtsync.document.draft import Draft, references
from crdtsync.document.model import Document, DocumentInfo, schema_of
from crdtsync.errors import (
    DocumentLockedError,
    DocumentNotFoundError,
    NestedEditError,
    UsageError,
    ValidationError,
)
from crdtsync.protocol.ids import is_id, new_document_id
from crdtsync.protocol.versions import parse_version, version_text
from crdtsync.store import query
from crdtsync.store.opened import MadeChange
from crdtsync.store.workspace import Workspace, next_reference

D = TypeVar("D", bound=Document)

LABEL_CHARS_MAX = 1_000

WhyLocked = Callable[[str], Awaitable[str]]


@dataclass(slots=True)
class _Turn:
    lock: asyncio.Lock
    holder: asyncio.Task[object] | None = None
    users: int = 0


class EditLocks:
    """Lets the tasks of this process edit one document in turns, and tells a task that would wait for itself."""

    def __init__(self) -> None:
        self._turns: dict[str, _Turn] = {}

    async def acquire(self, document_id: str) -> None:
        """Wait for the turn.

        Raises:
            NestedEditError: this task has it.
        """
        turn = self._turns.setdefault(document_id, _Turn(asyncio.Lock()))
        task = asyncio.current_task()
        if turn.holder is not None and turn.holder is task:
            raise NestedEditError(
                f"this task edits document {document_id} already", hint="Use the document of the outer block"
            )
        turn.users += 1
        try:
            await turn.lock.acquire()
        except BaseException:
            self._leave(document_id, turn)
            raise
        turn.holder = task

    def release(self, document_id: str) -> None:
        """Give the turn to the next."""
        turn = self._turns[document_id]
        turn.holder = None
        turn.lock.release()
        self._leave(document_id, turn)

    def _leave(self, document_id: str, turn: _Turn) -> None:
        turn.users -= 1
        if not turn.users:
            self._turns.pop(document_id, None)


class Editing(Generic[D]):
    """The block `async with replica.edit(...)`."""

    def __init__(
        self,
        workspace: Workspace,
        locks: EditLocks,
        cls: type[D],
        document_id: str | None,
        *,
        create: bool,
        label: str,
        seen: Document | str | None,
        including_own: bool,
        locked: WhyLocked | None,
    ) -> None:
        if len(label) > LABEL_CHARS_MAX:
            raise UsageError(f"a label has at most {LABEL_CHARS_MAX} characters")
        if document_id is not None and not is_id(document_id):
            raise DocumentNotFoundError(f"{document_id!r:.80} is not the id of a document")
        if seen is not None and document_id is None:
            raise UsageError("of a new document nobody has seen anything", hint="Give its id")
        if isinstance(seen, Document) and seen.id != document_id:
            raise UsageError(f"{document_id} is edited, and {seen.id} was seen")
        self._workspace = workspace
        self._locks = locks
        self._class = cls
        self._including_own = including_own
        version = seen.info.version if isinstance(seen, Document) else seen
        self._seen = None if version is None else parse_version(document_id or "", version)
        self._is_new = document_id is None
        self._create = create or document_id is None
        self._id = document_id or new_document_id(workspace.environment.random_bytes)
        self._label = label
        self._locked = locked
        self._draft: Draft
        self._document: D

    async def __aenter__(self) -> D:
        await self._workspace.declare(self._class)
        await self._locks.acquire(self._id)
        try:
            self._draft, info = await self._workspace.database.run(self._begin)
        except BaseException:
            self._locks.release(self._id)
            raise
        self._document = self._class._bound(self._draft, info)  # noqa: SLF001
        return self._document

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            if error is None:
                await self._finish()
        finally:
            # What is still held of the document after the block shows what was written, and cannot change it.
            self._draft.close()
            self._locks.release(self._id)

    def _begin(self, connection: sqlite3.Connection) -> tuple[Draft, DocumentInfo]:
        documents = self._workspace.documents
        kind = schema_of(self._class).kind
        if not self._is_new:
            try:
                draft = documents.draft(
                    connection, self._id, kind, seen=self._seen, including_own=self._including_own
                )
            except DocumentNotFoundError:
                if not self._create or query.exists(connection, self._id):
                    raise
            else:
                info = query.info(connection, self._id, references(draft.base))
                if draft.is_past and self._seen is not None:
                    info = replace(info, version=version_text(self._id, self._seen))
                return draft, info
        self._is_new = True
        return documents.new_draft(kind), DocumentInfo(self._id, kind)

    async def _finish(self) -> None:
        schema = schema_of(self._class)
        if self._is_new:
            missing = [
                spec.name
                for spec in schema.fields.values()
                if spec.is_required and self._draft.value((spec.name,)) is None
            ]
            if missing:
                raise ValidationError(f"a new {schema.kind} needs {missing[0]!r}", path=missing[0])
        elif not self._draft.writes:
            return
        try:
            self._document.validate()
        except ValueError as error:
            raise ValidationError(f"{schema.kind} is not acceptable: {error}") from error
        if self._locked is not None and not self._is_new and not self._draft.writes.appends_only:
            reason = await self._locked(self._id)
            if reason:
                raise DocumentLockedError(f"{self._id} is locked until it has its number: {reason}")
        await self._workspace.write(self._commit)

    def _commit(self, connection: sqlite3.Connection) -> MadeChange | None:
        schema = schema_of(self._class)
        identity = self._workspace.identity
        is_numbered = self._is_new and schema.series is not None
        if is_numbered and not query.exists(connection, self._id):
            self._draft.set_reference(next_reference(connection, identity.name))
        made = self._workspace.documents.commit(
            connection,
            self._id,
            self._draft,
            label=self._label,
            is_new=self._create,
            shared=schema.shared or identity.role == "office",
        )
        if self._is_new:
            live = self._workspace.documents.open(connection, self._id).live
            self._document._info = query.info(connection, self._id, live.references())  # noqa: SLF001
        elif made is not None and version_text(self._id, made.before) == self._document.info.version:
            # Its author has seen all that is there now. Otherwise what he has seen has no name of its own.
            version = version_text(self._id, made.after)
            self._document._info = replace(self._document.info, version=version)  # noqa: SLF001
        return made
