"""A replica: its lifetime and its public verbs. It composes the layers below and decides nothing."""

import sqlite3
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, aclosing
from importlib.metadata import entry_points
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar, overload

from crdtsync import events
from crdtsync.deciding import decide, preview, typed
from crdtsync.document.authorship import shown_cells
from crdtsync.document.model import Document, schema_of
from crdtsync.document.schema import DocumentSchema
from crdtsync.document.sources import ProjectionSource
from crdtsync.editing import Editing, EditLocks
from crdtsync.environment import Environment
from crdtsync.errors import DocumentNotFoundError, RemoteAddressError, UnknownKindError, UsageError
from crdtsync.events import DocumentChange, Event
from crdtsync.protocol.beacon import Role
from crdtsync.protocol.ids import derive_id
from crdtsync.protocol.ledger import LedgerEntry
from crdtsync.protocol.numbering import Series
from crdtsync.protocol.status import ItemStatus
from crdtsync.remote import Remote
from crdtsync.store import conflicts, health, history, identifying, items, marks, numbers, query
from crdtsync.store.conflicts import Conflict
from crdtsync.store.history import HistoryEntry, LastWriter, LatestChange
from crdtsync.store.items import Item, Peer, Receipt
from crdtsync.store.kinds import typed_value
from crdtsync.store.workspace import Workspace, meta, refuse_inside, set_meta
from crdtsync.sync import agent, inspection
from crdtsync.sync.picture import FolderPicture
from crdtsync.sync.report import OnProgress, SyncReport

D = TypeVar("D", bound=Document)

DEFAULT_REMOTE = "default_remote"
"""Setting: the address tools sync with when they are given none."""


class open_replica:  # noqa: N801 - reads as a verb; it is one, used with `async with`
    """Open a replica, or make one, for the length of an `async with` block.

    ::

        async with crdtsync.open_replica("~/sales-data", name="R2", role="roaming", kinds=[Quote]) as replica:
            ...

    Args:
        path: the replica's own directory, outside of every synced folder.
        name: what people call it (``R2``); needed for a new one. Reference numbers begin with it.
        role: ``office`` or ``roaming``; needed for a new one.
        coordinator: whether it gives out final numbers; by default the office does.
        author: the person at the keyboard, shown in history and conflicts.
        kinds: the document classes of the application. A class may also be used without being listed; the
            documents of its kind are then made readable at its first use.
        create: True makes a new one and fails if there is one; False never makes one.
        lock_while_numbering: refuse edits of a document from its mark until its number is here, but for
            entries added to logs and sets.
        environment: the clock and the randomness; for tests.

    Raises (on entering the block):
        StoreError: it cannot be opened; see `crdtsync.errors`.
        UsageError: name or role do not agree with what is there.
    """

    def __init__(
        self,
        path: str | Path,
        *,
        name: str | None = None,
        role: Role | None = None,
        coordinator: bool | None = None,
        author: str = "",
        kinds: Sequence[type[Document]] = (),
        create: bool | None = None,
        lock_while_numbering: bool = False,
        environment: Environment | None = None,
    ) -> None:
        self._directory = Path(path).expanduser()
        self._options = {
            "name": name,
            "role": role,
            "coordinator": coordinator,
            "author": author,
            "create": create,
            "environment": environment or Environment(),
        }
        self._kinds = kinds
        self._lock_while_numbering = lock_while_numbering
        self._workspace: Workspace | None = None

    async def __aenter__(self) -> "Replica":
        workspace = await Workspace.open(self._directory, **self._options)  # type: ignore[arg-type]
        self._workspace = workspace
        try:
            for document_class in self._kinds:
                await workspace.declare(document_class)
        except BaseException:
            await workspace.close()
            raise
        return Replica(workspace, lock_while_numbering=self._lock_while_numbering)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        assert self._workspace is not None
        await self._workspace.close()


class Replica:
    """An open replica. Every verb may be used by many tasks at a time."""

    def __init__(self, workspace: Workspace, *, lock_while_numbering: bool) -> None:
        self._workspace = workspace
        self._locks = EditLocks()
        self._lock_while_numbering = lock_while_numbering

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

    # Editing and reading.

    def edit(
        self,
        cls: type[D],
        id: str | None = None,  # noqa: A002
        *,
        create: bool = False,
        label: str = "",
        seen: Document | str | None = None,
        including_own: bool = True,
    ) -> AbstractAsyncContextManager[D]:
        """Edit a document: one change, durable when the block ends, or not at all if it raises.

        Two tasks that edit one document take turns. Two processes do not wait for each other: what one
        writes without having seen the other's is a conflict, as between machines.

        Args:
            cls: the document's class.
            id: which document; None makes a new one with a random id.
            create: make the document if it is not here (for derived ids, see `derive_id`).
            label: what the change is about, for the history; at most 1,000 characters.
            seen: what its author had before his eyes: a view, or its `DocumentInfo.version`, which a form may
                carry. The block then begins with the document as it was, and nothing that was written since,
                here or elsewhere, is overwritten: what both wrote is a conflict, a line removed since and
                edited now stays as one, and texts merge by character.
            including_own: with `seen`, that he has also seen what he himself (this author, on this replica) wrote
                since: a page that is saved twice, or field by field, is not in conflict with itself. False where
                several people write under one author, as a server does that knows no names: then what one of
                them has not seen of another is a conflict too.

        Raises:
            DocumentNotFoundError: it is not here, or of another kind.
            UnknownVersionError: `seen` is no state of this document that is known here; a version of another
                document is none.
            ValidationError: at the assignment that is wrong, or at the end; nothing was written.
            DocumentLockedError: `lock_while_numbering` was asked for, and it waits for its number.
            NestedEditError: this task edits this document already.
            StoreError: the disk; nothing was written.
        """
        return Editing(
            self._workspace,
            self._locks,
            cls,
            id,
            create=create,
            label=label,
            seen=seen,
            including_own=including_own,
            locked=self._why_locked if self._lock_while_numbering else None,
        )

    async def get(self, cls: type[D], id: str) -> D:  # noqa: A002
        """Return a document as it is now, immutable. A `Ref` is an id.

        Raises:
            DocumentNotFoundError: it is not here, or of another kind.
        """
        await self._workspace.declare(cls)
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
        an entry of a log or an element of a set. What nobody wrote is not in it, nor is a text, which many write
        together. The document is opened for it, so that it is for one document at a time and not for lists.

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

    async def resolve(self, conflict: Conflict, keep: int | str, *, label: str = "") -> None:
        """Decide a conflict for one of its values, by index or by id; it is an ordinary edit.

        For a removal, keeping a removal's value removes the entity for good, any other keeps it.

        Raises:
            IndexError: the conflict has no such value.
            DocumentNotFoundError: the document is not here.
        """
        index = conflict.index_of(keep) if isinstance(keep, str) else keep
        async with self.edit(self.document_class(conflict.kind), conflict.document, label=label) as document:
            decide(document._source, conflict, index)  # noqa: SLF001

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

    # Items to Sync and numbers.

    async def mark_for_sync(self, *ids: str) -> int:
        """Mark documents to be synced, and ask for their final numbers; return how many were not marked yet.

        Raises:
            DocumentNotFoundError: one is not here; none was marked.
        """
        now_ms = self._workspace.environment.now_ms()
        return await self._workspace.write(
            lambda c: sum(
                marks.mark(c, self._workspace.documents, self._workspace.identity.replica, i, now_ms)
                for i in ids
            )
        )

    async def reset_sync(self, *ids: str) -> int:
        """Take back marks whose numbers have not been granted; return how many. Always safe.

        Raises:
            DocumentNotFoundError: one is not here; none was reset.
        """
        now_ms = self._workspace.environment.now_ms()
        return await self._workspace.write(
            lambda c: sum(
                marks.withdraw(c, self._workspace.documents, self._workspace.identity.replica, i, now_ms)
                for i in ids
            )
        )

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

    async def define_series(self, series: Series) -> None:
        """Set pattern and start of a series, for the numbers still to be given; what the coordinator has counts.

        Raises:
            SchemaError: it could print a number of another series.
        """
        await self._workspace.write(lambda c: numbers.define_series(c, series))

    async def ledger(self) -> list[LedgerEntry]:
        """Return every entry of the ledger of final numbers that is known here, in order."""
        return await self._workspace.database.read(numbers.entries)

    async def void_number(self, series: str, reason: str, *, number: int | None = None) -> LedgerEntry:
        """Declare the next number of a series, or one that was granted, unusable. Coordinator only.

        Raises:
            UsageError: this replica is not the coordinator, or earlier numbers are not published yet.
            DocumentNotFoundError: there is no such series.
            ValidationError: no reason, or that number cannot be made void.
        """
        if not self.is_coordinator:
            raise UsageError("only the coordinator can declare a number void")
        now_ms = self._workspace.environment.now_ms()
        return await self._workspace.write(
            lambda c: numbers.void(c, self._workspace.identity.replica, series, reason, now_ms, number=number)
        )

    # Sync.

    async def default_remote(self) -> str:
        """Return the address that tools sync with when they are given none; empty if there is none.

        It is the one that was set, else that of the only remote this replica is attached to.
        """
        chosen = await self._workspace.database.read(lambda c: meta(c, DEFAULT_REMOTE))
        if chosen:
            return str(chosen)
        attached = [remote for remote in await self.remotes() if remote.is_attached]
        return attached[0].address if len(attached) == 1 else ""

    async def set_default_remote(self, address: str) -> None:
        """Remember the address that tools sync with when they are given none.

        Raises:
            RemoteAddressError: it makes no sense, or no adapter of its name is installed.
        """
        # As the adapter names it: a relative path would mean another place from another directory.
        absolute = open_remote(address).address
        await self._workspace.write(lambda c: set_meta(c, DEFAULT_REMOTE, absolute))

    async def attach(
        self, remote: str | Remote, *, create_folder: bool | None = None, other_folder: bool = False
    ) -> None:
        """Attach to a remote without running a round; the first round does it by itself.

        A replica syncs with one folder. It is recognised at whatever address, and `create_folder` makes an
        empty place its new home: whatever is not there, each replica puts there again.

        Args:
            remote: as for `sync`.
            create_folder: as for `sync`.
            other_folder: leave the folder this replica syncs with for the one that is there, or for a new one if
                the place is empty. All that is here is published there, also what others wrote; what is still to
                come in the old folder is not waited for. Two groups whose numbers have one series must never meet.

        Raises:
            SyncBusyError: another process of this machine runs the sync.
            MarkerConflictError: it is another folder than this replica's, and `other_folder` was not asked for.
            RemoteError: the remote cannot be used, or is not set up.
            StoreInSharedFolderError: this replica lies inside of it.
            StoreError: the disk.
        """
        await agent.attach(
            self._workspace,
            self._outside_of(remote),
            create_folder=create_folder,
            other_folder=other_folder,
        )

    async def sync(
        self,
        remote: str | Remote,
        *,
        create_folder: bool | None = None,
        on_progress: OnProgress | None = None,
    ) -> SyncReport:
        """Run one round with a remote (``folder:PATH``) and return what it did.

        Args:
            remote: an address, or a remote object.
            create_folder: True sets up an empty folder, or puts its lost marker back; by default the office
                sets up an empty one, if it has none yet.
            on_progress: called with every step forward.

        Raises:
            SyncBusyError: another process of this machine runs the sync.
            RemoteError: the remote cannot be used; edits are kept here and sent later.
            StoreInSharedFolderError: the replica's own directory lies in the folder.
            StoreError: the disk.
        """
        return await agent.sync_once(
            self._workspace, self._outside_of(remote), create_folder=create_folder, on_progress=on_progress
        )

    def syncing(
        self,
        remote: str | Remote,
        *,
        create_folder: bool | None = None,
        on_progress: OnProgress | None = None,
        on_round: agent.OnRound | None = None,
    ) -> AbstractAsyncContextManager[agent.SyncState]:
        """Sync for as long as the `async with` block runs, whenever there is something to do.

        If another process of this machine runs the sync already, this one stands by and takes over when that
        stops. A remote that cannot be used is waited for (see `SyncState.problem`), for up to half a minute from
        one attempt to the next: `hurry_sync` ends such a wait. Arguments as for `sync`, and `on_round` is called
        with the report of every round that came to its end.
        """
        return agent.syncing(
            self._workspace,
            self._outside_of(remote),
            create_folder=create_folder,
            on_progress=on_progress,
            on_round=on_round,
        )

    async def hurry_sync(self) -> None:
        """Have the syncing of this replica try at once: for a button "sync now", or when the network is back.

        The syncing may run in another process of this machine. Where none runs, nothing happens.

        Raises:
            StoreError: it does not run in this process, and the word to the others could not be written.
        """
        await agent.hurry(self._workspace)

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

    def _outside_of(self, remote: str | Remote) -> Remote:
        """Return the remote, which must not be around this replica's own directory."""
        opened = open_remote(remote)
        refuse_inside(self.directory, opened.traits.local_root)
        return opened

    def _last_writers(self, connection: sqlite3.Connection, id: str) -> dict[str, LastWriter]:  # noqa: A002
        schema = self.schema(query.kind_of(connection, id))
        registers = self._workspace.documents.open(connection, id).live.registers
        return history.last_writers(connection, shown_cells(registers, schema))

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

    async def _why_locked(self, id: str) -> str:  # noqa: A002
        """Return what a document waits for, or nothing if it may be edited."""
        for item in await self._items(id, include_numbered=True):
            if self.schema(item.kind).series is None:
                return ""  # It never gets a number.
            if item.state.status in (ItemStatus.MARKED, ItemStatus.SENT, ItemStatus.RECEIVED):
                return item.state.why_waiting
        return ""


def _names(where: Mapping[str, Any] | None) -> set[str]:
    return {key.partition("__")[0] for key in where or {}}


def open_remote(remote: str | Remote) -> Remote:
    """Return the remote at an address such as ``folder:~/Dropbox/sales``, by the adapter of that name.

    Raises:
        RemoteAddressError: the address makes no sense, or no adapter of that name is installed.
    """
    if not isinstance(remote, str):
        return remote
    scheme, colon, location = remote.partition(":")
    adapters = {item.name: item for item in entry_points(group="crdtsync.remotes")}
    if not colon or len(scheme) < 2:
        raise RemoteAddressError(
            f"{remote!r} is no address of a remote", hint="Write folder:PATH, for instance"
        )
    if scheme not in adapters:
        raise RemoteAddressError(
            f"no adapter for {scheme!r} is installed", hint=f"Installed are: {', '.join(sorted(adapters))}"
        )
    opened: Remote = adapters[scheme].load()(location)
    return opened


async def inspect_folder(remote: str | Remote, *, previous: FolderPicture | None = None) -> FolderPicture:
    """Return what lies in a shared folder, and what is wrong there. It needs no replica, and writes nothing.

    ::

        picture = await crdtsync.inspect_folder("folder:~/Dropbox/sales")
        picture = await crdtsync.inspect_folder("folder:~/Dropbox/sales", previous=picture)  # reads what is new

    One call reads 20,000 files and 512 MiB at most; `FolderPicture.unread` files are left for the next one.

    Args:
        remote: an address, or a remote object, which need not be entered.
        previous: the picture that was made of it before; where nothing has changed, it is returned itself.

    Raises:
        RemoteAddressError: the address makes no sense, or no adapter of that name is installed.
        RemoteUnavailableError: the remote cannot be reached.
    """
    return await inspection.inspect(open_remote(remote), previous=previous)


__all__ = ["Replica", "derive_id", "inspect_folder", "open_remote", "open_replica"]
