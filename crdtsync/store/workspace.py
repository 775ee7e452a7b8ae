"""One replica's directory, opened: database, documents, kinds, and who this replica is."""

import errno
import os
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self, TypeVar

from crdtsync.document.model import Document, schema_of
from crdtsync.environment import Environment, Examiner
from crdtsync.errors import (
    StoreError,
    StoreExistsError,
    StoreFullError,
    StoreInSharedFolderError,
    StoreMissingError,
    StoreReadOnlyError,
    UsageError,
)
from crdtsync.examining import InlineExaminer, ProcessExaminer
from crdtsync.protocol.beacon import Role
from crdtsync.protocol.ids import ReplicaId, new_client_id, new_replica_id
from crdtsync.protocol.names import NameKind, classify
from crdtsync.protocol.numbering import check_replica_name, reference_text
from crdtsync.store.database import Database, Job
from crdtsync.store.documents import Documents
from crdtsync.store.kinds import Kinds, has_stale

T = TypeVar("T")

DATABASE_NAME = "replica.db"
REPROJECT_PER_JOB = 200
AUTHOR_CHARS_MAX = 100

# What sync services and our own marker leave in the root of a synced folder.
_SHARED_FOLDER_SIGNS = (".dropbox", ".dropbox.cache", ".stfolder", ".sync_folder", ".owncloudsync.log")


@dataclass(frozen=True, slots=True)
class Identity:
    """Who this replica is."""

    replica: ReplicaId
    name: str
    role: Role
    is_coordinator: bool
    client: int
    """The Yrs client id of this process start; never used again."""
    author: str
    """The person at the keyboard, as the application knows them."""


class Workspace:
    """An open replica, for the layers above. Use `Workspace.open`."""

    def __init__(
        self, directory: Path, database: Database, environment: Environment, identity: Identity
    ) -> None:
        self.directory = directory
        self.database = database
        self.environment = environment
        self.identity = identity
        self.kinds = Kinds()
        self.documents = Documents(self.kinds, identity.client, environment)
        self.examiner = _examiner(environment)
        self._declared: set[type[Document]] = set()
        self._listeners: list[Callable[[], None]] = []
        self._hurried: list[Callable[[], None]] = []
        database.join(self)

    @classmethod
    async def open(
        cls,
        directory: Path,
        *,
        name: str | None,
        role: Role | None,
        coordinator: bool | None,
        author: str,
        create: bool | None,
        environment: Environment,
    ) -> Self:
        """Open a replica's directory, or make one.

        Args:
            directory: where it is.
            name: what people call it; needed for a new one, and must agree with an old one.
            role: likewise.
            coordinator: whether it gives out the final numbers; by default the office does.
            author: the person at the keyboard.
            create: True makes a new one and fails if there is one; False never makes one; None makes one if
                there is none and name and role are given.
            environment: clock and randomness.

        Raises:
            StoreMissingError, StoreExistsError, StoreInSharedFolderError: as they say.
            UsageError: name or role do not agree with what is there.
            StoreError: the database cannot be opened.
        """
        if len(author) > AUTHOR_CHARS_MAX:
            raise UsageError(f"an author's name has at most {AUTHOR_CHARS_MAX} characters")
        path = directory / DATABASE_NAME
        exists = path.is_file()
        if not exists and (create is False or name is None or role is None):
            raise StoreMissingError(f"there is no replica at {directory}")
        refuse_shared_folder(directory)
        if not exists:
            check_replica_name(name or "")
            _make_directory(directory)
        database = await Database.open(path, create=not exists, connect=environment.connect)
        try:
            identity = await database.write(
                lambda connection: _identify(
                    connection,
                    directory,
                    name=name,
                    role=role,
                    coordinator=coordinator,
                    author=author,
                    create=create,
                    environment=environment,
                )
            )
            workspace = cls(directory, database, environment, identity)
            await database.run(workspace.kinds.refresh)
        except BaseException:
            await database.close()
            raise
        return workspace

    async def close(self) -> None:
        """Close the database, and end what examines the changes of others."""
        try:
            await self.database.run(lambda _: self.documents.close())
        finally:
            try:
                await self.examiner.close()
            finally:
                await self.database.close()

    async def declare(self, document_class: type[Document]) -> None:
        """Make a document class known; cheap when it is known already.

        Raises:
            SchemaError: the class makes no sense, or its series collides with another kind's.
        """
        if document_class in self._declared:
            return
        schema = schema_of(document_class)

        def take(connection: sqlite3.Connection) -> bool:
            self.documents.forget_kind(schema.kind)
            return self.kinds.take_declared(connection, document_class)

        def declare(connection: sqlite3.Connection) -> bool:
            self.documents.forget_kind(schema.kind)
            return self.kinds.declare(connection, document_class)

        # Nearly always the database has it as it is: then nobody needs to wait for who writes there.
        if not await self.database.run(take) and await self.database.write(declare):
            await self._project(schema.kind)
        self._declared.add(document_class)

    async def freshen(self, document_class: type[Document], names: set[str]) -> None:
        """Before a query by some names: compute what processes without the code of the class have left out.

        Raises:
            StoreError: the database failed.
        """
        kind = schema_of(document_class).kind
        schema = self.kinds.projected(kind)
        if schema is None or schema.document_class is not document_class:
            return  # This process does not have the code either.
        if not names & schema.computed.keys():
            return
        if await self.database.read(lambda connection: has_stale(connection, kind)):
            await self._project(kind)

    async def _project(self, kind: str) -> None:
        after = 0

        def job(connection: sqlite3.Connection) -> int | None:
            return self.documents.reproject(connection, kind, REPROJECT_PER_JOB, after)

        while (last := await self.database.write(job)) is not None:
            after = last

    # Participant of the database's transactions.

    def batch_begins(self, connection: sqlite3.Connection) -> None:
        """See `database.Participant`."""
        for kind in self.kinds.refresh(connection):
            self.documents.forget_kind(kind)

    def job_begins(self) -> None:
        """See `database.Participant`."""
        self.documents.job_begins()

    def job_failed(self) -> None:
        """See `database.Participant`."""
        self.kinds.forget()
        self.documents.job_failed()

    def batch_failed(self) -> None:
        """See `database.Participant`."""
        self.kinds.forget()
        self.documents.batch_failed()

    def batch_committed(self) -> None:
        """See `database.Participant`."""
        self.documents.batch_committed()

    async def write(self, job: Job[T]) -> T:
        """Run a job in a transaction, then wake those who wait for changes."""
        result = await self.database.write(job)
        self.wake()
        return result

    def wake(self) -> None:
        """Wake those who wait for changes of this process."""
        for listener in tuple(self._listeners):
            listener()

    def listen(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after every write of this process; the result stops that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def hurry(self) -> bool:
        """Tell those of this process who wait for the remote not to wait any longer; False if there are none."""
        for listener in tuple(self._hurried):
            listener()
        return bool(self._hurried)

    def listen_for_hurry(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` when somebody is in a hurry; the result stops that."""
        self._hurried.append(listener)
        return lambda: self._hurried.remove(listener)


def meta(connection: sqlite3.Connection, key: str) -> Any:
    """Return a setting of the replica, or None."""
    row = connection.execute("SELECT value FROM _meta WHERE key = ?", (key,)).fetchone()
    return None if row is None else row[0]


def set_meta(connection: sqlite3.Connection, key: str, value: str | int) -> None:
    """Set a setting of the replica."""
    connection.execute("INSERT OR REPLACE INTO _meta (key, value) VALUES (?, ?)", (key, value))


def next_reference(connection: sqlite3.Connection, name: str) -> str:
    """Return the next reference number of this replica, e.g. ``R2-0017``."""
    counter = int(meta(connection, "references") or 0)
    while True:
        counter += 1
        text = reference_text(name, counter)
        # A database that was restored counts from before; what it gave after that has come back from the others.
        if connection.execute("SELECT 1 FROM _aliases WHERE text = ?", (text,)).fetchone() is None:
            break
    set_meta(connection, "references", counter)
    return text


def refuse_shared_folder(directory: Path) -> None:
    """Refuse a directory inside a synced folder.

    Raises:
        StoreInSharedFolderError: a sync service's sign, or a marker of ours, is in it or above it.
    """
    given, real = directory.absolute(), directory.resolve()
    for parent in dict.fromkeys((given, *given.parents, real, *real.parents)):
        try:
            names = os.listdir(parent)  # noqa: PTH208 - names are all that is asked for, many times
        except OSError:
            # It cannot be listed, or is not there yet: what is known by its name may still be found.
            names = [sign for sign in _SHARED_FOLDER_SIGNS if (parent / sign).exists()]
        signs = [name for name in names if name in _SHARED_FOLDER_SIGNS or _is_marker(name)]
        if signs:
            raise StoreInSharedFolderError(f"{directory} lies in a synced folder: {parent} holds {signs[0]}")


def _is_marker(name: str) -> bool:
    return name.lower().startswith("folder-") and classify(name).kind is NameKind.MARKER


def refuse_inside(directory: Path, shared: str | None) -> None:
    """Refuse a directory inside the local folder that is to be shared, which may bear no sign of that yet.

    Raises:
        StoreInSharedFolderError: it lies there.
    """
    if shared is not None and directory.resolve().is_relative_to(Path(shared).expanduser().resolve()):
        raise StoreInSharedFolderError(f"{directory} lies in a synced folder: {shared} is to be shared")


def _identify(
    connection: sqlite3.Connection,
    directory: Path,
    *,
    name: str | None,
    role: Role | None,
    coordinator: bool | None,
    author: str,
    create: bool | None,
    environment: Environment,
) -> Identity:
    known = dict(connection.execute("SELECT key, value FROM _meta"))
    if "replica" in known and create is True:
        raise StoreExistsError(f"there is a replica at {directory} already")
    if "replica" not in known:
        # Also where making one was cut short: what there is of it is empty, and is finished here.
        if name is None or role is None or create is False:
            raise StoreMissingError(f"there is no replica at {directory}")
        check_replica_name(name)
        is_coordinator = role == "office" if coordinator is None else coordinator
        if is_coordinator and role != "office":
            raise UsageError("only an office replica can be the coordinator")
        known = {
            "replica": new_replica_id(environment.random_bytes),
            "name": name,
            "role": role,
            "coordinator": int(is_coordinator),
        }
        for key, value in known.items():
            set_meta(connection, key, value)
    for what, given in (("name", name), ("role", role)):
        if given is not None and known[what] != given:
            raise UsageError(f"this replica's {what} is {known[what]!r}, not {given!r}")
    if coordinator is not None and bool(known["coordinator"]) != coordinator:
        raise UsageError(f"this replica is {'' if known['coordinator'] else 'not '}the coordinator")
    client = new_client_id(environment.random_bytes)
    identity = Identity(
        known["replica"], known["name"], known["role"], bool(known["coordinator"]), client, author
    )
    connection.execute(
        "INSERT INTO _incarnations (client, replica, name, author) VALUES (?, ?, ?, ?)",
        (client, identity.replica, identity.name, author),
    )
    return identity


def _examiner(environment: Environment) -> Examiner:
    if environment.examiner is not None:
        return environment.examiner()
    return ProcessExaminer() if environment.connect is None else InlineExaminer()


def _make_directory(directory: Path) -> None:
    made = [path for path in (directory, *directory.parents) if not path.exists()]
    try:
        directory.mkdir(parents=True, exist_ok=True)
        for path in reversed(made):
            _sync_directory(path.parent)
    except OSError as error:
        raise disk_failure(error, f"{directory} cannot be made") from error


def disk_failure(error: OSError, said: str) -> StoreError:
    """Return the error of ours for one of the operating system's about a file beside the database."""
    said = f"{said}: {error.strerror}"
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        return StoreFullError(said)
    if error.errno == errno.EIO:
        return StoreError(said)
    return StoreReadOnlyError(said)


def _sync_directory(directory: Path) -> None:
    """Bring the names in a directory to the medium, where the system can: SQLite does so in its own only."""
    if os.name == "nt":
        return  # It opens no directory for writing; NTFS keeps names in its journal.
    descriptor = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    except OSError as error:
        # What file systems without the notion answer.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.ENOSYS, errno.EBADF):
            raise
    finally:
        os.close(descriptor)
