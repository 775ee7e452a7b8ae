"""What a replica can be asked: its documents, their history and conflicts, numbers, and how the sync fares."""

import sqlite3
from collections.abc import AsyncIterator, Mapping
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar, overload

from crdtsync import events
from crdtsync.deciding import preview, typed
from crdtsync.document.authorship import shown_cells
from crdtsync.document.draft import references
from crdtsync.document.model import Document, schema_of
from crdtsync.document.schema import DocumentSchema
from crdtsync.document.sources import ProjectionSource
from crdtsync.errors import DocumentNotFoundError, UnknownKindError
from crdtsync.events import DocumentChange, Event
from crdtsync.protocol.beacon import Role
from crdtsync.protocol.causality import Frontier
from crdtsync.protocol.ledger import LedgerEntry
from crdtsync.protocol.numbering import Series
from crdtsync.protocol.versions import parse_version, version_text
from crdtsync.store import conflicts, health, history, identifying, items, numbers, query
from crdtsync.store.conflicts import Conflict
from crdtsync.store.history import HistoryEntry, LastWriter, LatestChange
from crdtsync.store.items import Item, Peer, Receipt
from crdtsync.store.kinds import typed_value
from crdtsync.store.workspace import Workspace

D = TypeVar("D", bound=Document)


class ReadableReplica:
    """The verbs of `Replica` that write nothing into a document or a folder."""

    def __init__(self, workspace: Workspace) -> None:
        self._workspace = workspace

    @property
    def id(self) -> str:
        """The random id of this replica."""
        return self._workspace.identity.replica

    @property
    def name(self) -> str:
        """What people call it."""
        return self._workspace.identity.name

    @property
    def role(self) -> Role:
        """``office`` or ``roaming``."""
        return self._workspace.identity.role

    @property
    def is_coordinator(self) -> bool:
        """Whether it gives out the final numbers."""
        return self._workspace.identity.is_coordinator

    @property
    def directory(self) -> Path:
        """Where it is kept."""
        return self._workspace.directory

    async def get(self, cls: type[D], id: str, *, as_of: str | None = None) -> D:  # noqa: A002
        """Return a document as it is now, or as it was in an earlier state, immutable. A `Ref` is an id.

        Args:
            cls: its class.
            id: which document.
            as_of: the state somebody saw: a `DocumentInfo.version`, of this replica or of another one. What was
                written since is not in it; what else its `info` says is as it is now. It costs replaying the
                document's changes, so that it is for one document at a time.

        Raises:
            DocumentNotFoundError: it is not here, or of another kind.
            UnknownVersionError: `as_of` is no state of this document that is known here: something of it may not
                have arrived yet.
        """
        await self._workspace.declare(cls)
        if as_of is not None:
            seen = parse_version(id, as_of)
            return await self._workspace.database.run(lambda c: self._as_of(c, cls, id, seen))
        kind = schema_of(cls).kind
        info, json = await self._workspace.database.read(lambda c: query.find(c, id, kind))
        return cls._bound(ProjectionSource(json), info)

    async def get_or_none(self, cls: type[D], id: str) -> D | None:  # noqa: A002
        """Return a document as `get` does, or None where that would say it is not here, or of another kind."""
        try:
            return await self.get(cls, id)
        except DocumentNotFoundError:
            return None

    async def exists(self, cls: type[Document], id: str) -> bool:  # noqa: A002
        """Whether `get` would find a document. Its content is not read."""
        await self._workspace.declare(cls)
        kind = schema_of(cls).kind
        return await self._workspace.database.read(lambda c: query.exists_as(c, id, kind))

    async def find(
        self,
        cls: type[D],
        *,
        where: Mapping[str, Any] | None = None,
        search: str = "",
        order_by: str = "-changed",
        limit: int = 50,
        offset: int = 0,
    ) -> list[D]:
        """Return a page of documents.

        Args:
            cls: their class.
            where: filters on indexed fields and computed properties: ``{"customer": ref, "total__ge": 100}``
                (``__lt __le __gt __ge __ne __in``).
            search: words that must all be found; the beginning of a word is enough.
            order_by: an indexed name, ``changed`` or ``created``; with ``-`` in front descending.
            limit: how many at most.
            offset: how many to skip.

        Raises:
            SchemaError: a name is not indexed.
            UsageError: a filter or the search makes no sense.
        """
        await self._workspace.declare(cls)
        await self._workspace.freshen(cls, {order_by.removeprefix("-"), *_names(where)})
        schema = schema_of(cls)
        rows = await self._workspace.database.read(
            lambda c: query.select(
                c, schema, where=where or {}, search=search, order_by=order_by, limit=limit, offset=offset
            )
        )
        return [cls._bound(ProjectionSource(json), info) for info, json in rows]

    @overload
    async def count(
        self, cls: type[Document], *, where: Mapping[str, Any] | None = None, search: str = ""
    ) -> int: ...

    @overload
    async def count(
        self, cls: type[Document], *, by: str, where: Mapping[str, Any] | None = None, search: str = ""
    ) -> dict[Any, int]: ...

    async def count(
        self,
        cls: type[Document],
        *,
        by: str | None = None,
        where: Mapping[str, Any] | None = None,
        search: str = "",
    ) -> int | dict[Any, int]:
        """Return how many documents `find` would give without a limit; with `by`, how many of each value of that name.

        Values are of the type that the class declares; decimals are told apart as floating-point numbers are. What
        no document has is not in it. Raises as `find` does.
        """
        await self._workspace.declare(cls)
        await self._workspace.freshen(cls, {*_names(where), *([] if by is None else [by])})
        schema = schema_of(cls)
        if by is None:
            return await self._workspace.database.read(
                lambda c: query.count(c, schema, where=where or {}, search=search)
            )
        found = await self._workspace.database.read(
            lambda c: query.count_by(c, schema, by, where=where or {}, search=search)
        )
        return {typed_value(schema, by, stored): count for stored, count in found.items()}

    async def find_number(self, text: str) -> list[Document]:
        """Return the documents of a final or a reference number, in whatever case it is written.

        A reference number stays an alias for ever: what is printed on paper is found. Zeros, dashes and spaces
        may be left out (``r1-2`` or ``R1 2`` for ``R1-0002``) where that can be one number only.
        """
        found = await self._workspace.database.read(lambda c: identifying.find_number(c, text.strip()))
        return [await self.get(self.document_class(kind), identity) for identity, kind in found]

    async def identify(self, text: str) -> list[tuple[str, str]]:
        """Return (id, kind) of the documents a person may mean by a text.

        That is a final or reference number in whatever case, an id, or the beginning of one (at least 4 characters).
        """
        return await self._workspace.database.read(lambda c: identifying.identify(c, text.strip()))

    async def search(self, words: str, *, limit: int = 50) -> list[Document]:
        """Return documents of every kind in which all words are found, best first.

        Raises:
            UsageError: the words cannot be searched for.
        """
        found = await self._workspace.database.read(lambda c: query.search_all(c, words, limit))
        return [await self.get(self.document_class(kind), identity) for identity, kind in found]

    async def history(self, id: str) -> list[HistoryEntry]:  # noqa: A002
        """Return the changes of a document, in the order in which they arrived here, and who has each.

        Raises:
            DocumentNotFoundError: it is not here.
        """
        return await self._workspace.database.read(lambda c: history.history(c, id))

    async def latest_changes(self, *, limit: int = 20) -> list[LatestChange]:
        """Return the changes that were made here or arrived here last, of all documents, newest first.

        Each says which segment carries it and who is known to have it: how far a change has come.
        """
        return await self._workspace.database.read(lambda c: history.latest(c, limit))

    async def last_writers(self, id: str) -> dict[str, LastWriter]:  # noqa: A002
        """Return who wrote each value that a document shows: for a quiet mark beside a field, when it is edited.

        By path: ``customer``; ``lines/<id>/quantity``; ``lines/<id>`` for the place of an entity in its list, for
        an entry of a log or an element of a set. Each names the change that wrote it, one of `history`. What nobody
        wrote is not in it, nor is a text, which many write together. The document is opened for it, so that it is
        for one document at a time and not for lists.

        Raises:
            DocumentNotFoundError: it is not here.
            UnknownKindError: this replica has never seen its kind declared.
        """
        return await self._workspace.database.run(lambda c: self._last_writers(c, id))

    async def changes(self, cls: type[Document] | None = None) -> AsyncIterator[DocumentChange]:
        """Yield every change from now on, of one kind or of all, whoever made it. Ends with the loop around it."""
        if cls is not None:
            await self._workspace.declare(cls)
        kind = None if cls is None else schema_of(cls).kind
        async with aclosing(events.changes(self._workspace, kind)) as told:  # type: ignore[type-var]
            async for change in told:
                yield change

    async def events(self) -> AsyncIterator[Event]:
        """Yield everything that happens from now on, whoever does it. Ends with the loop around it.

        ::

            async for event in replica.events():
                match event:
                    case DocumentChange(document=document) | NumberChange(document=document): ...
                    case ItemChange(): ...

        Beside the changes of documents these are numbers, steps of Items to Sync, others heard from (what they
        have received is in `receipts` and `history`), and changes of remotes and of the quarantine. Nothing that
        was rolled back is told, and of what is said of a document its changes come first.
        """
        async with aclosing(events.events(self._workspace)) as told:  # type: ignore[type-var]
            async for event in told:
                yield event

    async def conflicts(self, id: str | None = None) -> list[Conflict]:  # noqa: A002
        """Return the conflicts of a document, or of all: values written by people who had not seen each other's."""
        found = await self._workspace.database.read(lambda c: conflicts.conflicts(c, id))
        return [typed(conflict, self._workspace.kinds.schema(conflict.kind)) for conflict in found]

    async def conflict(self, id: str, path: str) -> Conflict | None:  # noqa: A002
        """Return the conflict about one path of a document (see `Conflict.path`), or None if there is none any more."""
        found = await self._workspace.database.read(lambda c: conflicts.conflicts(c, id, path))
        return next((typed(item, self._workspace.kinds.schema(item.kind)) for item in found), None)

    async def count_conflicts(self, *, waiting: bool = False) -> int:
        """Return how many conflicts there are; with `waiting`, only those that wait for a person to decide."""
        return await self._workspace.database.read(
            lambda c: conflicts.count_conflicts(c, "ask" if waiting else None)
        )

    async def preview(self, conflict: Conflict, keep: int | str) -> Document:
        """Return the document as it would read if `resolve` kept that value: to show the total each would give.

        It is a view like any other, computed properties included, and nothing is written.

        Raises:
            IndexError: the conflict has no such value.
            DocumentNotFoundError: the document is not here, or the entity it is about was removed meanwhile.
        """
        cls = self.document_class(conflict.kind)
        index = conflict.index_of(keep) if isinstance(keep, str) else keep
        return await self._workspace.database.run(
            lambda c: preview(c, self._workspace.documents, cls, conflict, index)
        )

    def kinds(self) -> list[str]:
        """Return the kinds this replica knows, of this application or of an earlier one."""
        return [schema.kind for schema in self._workspace.kinds.known()]

    def document_class(self, kind: str) -> type[Document]:
        """Return the class of a kind: the application's, or one made from the schema kept in the replica.

        Raises:
            UnknownKindError: this replica has never seen the kind declared.
        """
        return self.schema(kind).document_class  # type: ignore[no-any-return]

    def schema(self, kind: str) -> DocumentSchema:
        """Return what a kind declares.

        Raises:
            UnknownKindError: this replica has never seen the kind declared.
        """
        schema = self._workspace.kinds.schema(kind)
        if schema is None:
            known = ", ".join(self.kinds())
            raise UnknownKindError(
                f"this replica knows no kind {kind!r}",
                hint=f"It knows: {known}"
                if known
                else "Open it once with the document classes (kinds=..., or --schema): it keeps what they declare",
            )
        return schema

    async def declare(self, cls: type[Document]) -> None:
        """Make a document class known to the replica and to every tool that opens it later.

        Raises:
            SchemaError: the class makes no sense, or its series collides with another kind's.
        """
        await self._workspace.declare(cls)

    async def items(self, *, include_numbered: bool = False) -> list[Item]:
        """Return Items to Sync: the documents made here that have not come all the way, and why they wait."""
        return await self._items(None, include_numbered=include_numbered)

    async def count_items(self) -> int:
        """Return how many lines `items` has, without making them where that is not needed."""
        numbered = [s.kind for s in self._workspace.kinds.known() if not s.shared and s.series is not None]
        counted = await self._workspace.database.read(lambda c: items.count(c, numbered))
        others = [s.kind for s in self._workspace.kinds.known() if not s.shared and s.series is None]
        return counted + len(await self._items(None, include_numbered=False, kinds=others))

    async def item(self, id: str) -> Item:  # noqa: A002
        """Return where one document stands on its way to the office, and to its final number if its kind has any.

        One of a kind that goes to everyone is on its way from when it is made, without a mark; it waits for
        nothing once the office has received it, and is not among `items`.

        Raises:
            DocumentNotFoundError: it is not here, or its kind was never declared here.
        """
        found = await self._items(id, include_numbered=True)
        if not found:
            kind = await self._workspace.database.read(lambda c: query.kind_of(c, id))
            raise DocumentNotFoundError(f"of kind {kind!r} nothing is known here")
        return found[0]

    async def receipts(self, id: str) -> list[Receipt]:  # noqa: A002
        """Return how much of a document every other replica is known to have."""
        return await self._workspace.database.read(lambda c: items.receipts(c, id))

    async def peers(self) -> list[Peer]:
        """Return the other replicas, and when each was last heard from."""
        return await self._workspace.database.read(items.peers)

    async def series(self) -> list[Series]:
        """Return the runs of final numbers this replica knows."""
        known = await self._workspace.database.read(numbers.series_of)
        return [known[name] for name in sorted(known)]

    async def ledger(self) -> list[LedgerEntry]:
        """Return every entry of the ledger of final numbers that is known here, in order."""
        return await self._workspace.database.read(numbers.entries)

    async def remotes(self) -> list[health.RemoteHealth]:
        """Return the remotes this replica is attached to, what waits for each, and why one cannot be used.

        The one that was tried last and could not be attached is among them (`RemoteHealth.is_attached`).
        """
        return await self._workspace.database.read(health.remotes)

    async def feeds(self) -> list[health.FeedHealth]:
        """Return what every replica has published, as far as it is here, and how far each other one has it."""
        return await self._workspace.database.read(health.feeds)

    async def quarantine(self) -> list[health.Quarantined]:
        """Return what could not be taken in, each with its reason."""
        return await self._workspace.database.read(health.quarantine)

    async def unknown_kinds(self) -> dict[str, int]:
        """Return the kinds of received documents that no class was ever declared for here, and how many there are.

        They are merged and kept like all others, and readable once the class is declared.
        """
        return await self._workspace.database.read(health.unknown_kinds)

    async def digests(self) -> dict[str, bytes]:
        """Return the digest of every document: replicas that hold the same have equal ones."""
        return await self._workspace.database.read(health.digests)

    async def documents(self) -> AsyncIterator[Document]:
        """Yield every document of every kind, as immutable views."""
        for kind in self.kinds():
            cls = self.document_class(kind)
            offset = 0
            while page := await self.find(cls, order_by="created", limit=500, offset=offset):
                for document in page:
                    yield document
                offset += len(page)

    def _as_of(self, connection: sqlite3.Connection, cls: type[D], id: str, seen: Frontier) -> D:  # noqa: A002
        draft = self._workspace.documents.draft(connection, id, schema_of(cls).kind, seen=seen)
        # It is a draft that nobody commits: closed, it can be read like any view.
        draft.close()
        info = query.info(connection, id, references(draft.base))
        return cls._bound(draft, replace(info, version=version_text(id, seen)))

    def _last_writers(self, connection: sqlite3.Connection, id: str) -> dict[str, LastWriter]:  # noqa: A002
        schema = self.schema(query.kind_of(connection, id))
        document = self._workspace.documents.open(connection, id)
        return history.last_writers(connection, document.n, shown_cells(document.live.registers, schema))

    async def _items(
        self,
        id: str | None,  # noqa: A002
        *,
        include_numbered: bool,
        kinds: list[str] | None = None,
    ) -> list[Item]:
        known = self._workspace.kinds.known()
        wanted = [schema.kind for schema in known if not schema.shared] if kinds is None else kinds
        shared = [schema.kind for schema in known if schema.shared] if id is not None else []
        now_ms = self._workspace.environment.now_ms()
        return await self._workspace.database.read(
            lambda c: items.items(
                c, wanted, now_ms, document_id=id, all_items=include_numbered, shared_kinds=shared
            )
        )


def _names(where: Mapping[str, Any] | None) -> set[str]:
    return {key.partition("__")[0] for key in where or {}}
