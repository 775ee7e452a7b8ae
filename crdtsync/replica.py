"""A replica: its lifetime and its public verbs. It composes the layers below and decides nothing."""

from collections.abc import Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path
from types import TracebackType
from typing import TypeVar

from crdtsync.addresses import inspect_folder, open_remote
from crdtsync.deciding import decide
from crdtsync.document.model import Document
from crdtsync.editing import Editing, EditLocks
from crdtsync.environment import Environment
from crdtsync.errors import UsageError
from crdtsync.protocol.beacon import Role
from crdtsync.protocol.ids import derive_id
from crdtsync.protocol.numbering import Series
from crdtsync.protocol.status import ItemStatus
from crdtsync.reading import ReadableReplica
from crdtsync.remote import Remote
from crdtsync.store import marks, numbers
from crdtsync.store.conflicts import Conflict
from crdtsync.store.workspace import Workspace, meta, refuse_inside, set_meta
from crdtsync.sync import agent
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


class Replica(ReadableReplica):
    """An open replica. Every verb may be used by many tasks at a time."""

    def __init__(self, workspace: Workspace, *, lock_while_numbering: bool) -> None:
        super().__init__(workspace)
        self._locks = EditLocks()
        self._lock_while_numbering = lock_while_numbering

    # Editing.

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

    async def define_series(self, series: Series) -> None:
        """Set pattern and start of a series, for the numbers still to be given; what the coordinator has counts.

        Raises:
            SchemaError: it could print a number of another series.
        """
        await self._workspace.write(lambda c: numbers.define_series(c, series))

    async def void_number(self, series: str, reason: str, *, number: int | None = None) -> None:
        """Declare the next number of a series, or one that was granted, unusable. Coordinator only.

        It is in the ledger once the next sync has given out numbers: that reads the folder first, since a database
        that was restored from a backup does not know what it has granted. What turns out to be impossible by then
        is among the problems of that sync's report.

        Raises:
            UsageError: this replica is not the coordinator.
            DocumentNotFoundError: there is no such series.
            ValidationError: no reason, or that number cannot be made void.
        """
        if not self.is_coordinator:
            raise UsageError("only the coordinator can declare a number void")
        now_ms = self._workspace.environment.now_ms()
        await self._workspace.write(
            lambda c: numbers.declare_void(
                c, self._workspace.identity.replica, series, reason, now_ms, number=number
            )
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

    def _outside_of(self, remote: str | Remote) -> Remote:
        """Return the remote, which must not be around this replica's own directory."""
        opened = open_remote(remote)
        refuse_inside(self.directory, opened.traits.local_root)
        return opened

    async def _why_locked(self, id: str) -> str:  # noqa: A002
        """Return what a document waits for, or nothing if it may be edited."""
        for item in await self._items(id, include_numbered=True):
            if self.schema(item.kind).series is None:
                return ""  # It never gets a number.
            if item.state.status in (ItemStatus.MARKED, ItemStatus.SENT, ItemStatus.RECEIVED):
                return item.state.why_waiting
        return ""


__all__ = ["Replica", "derive_id", "inspect_folder", "open_remote", "open_replica"]
