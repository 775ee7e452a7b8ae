"""Every exception that crdtsync raises on purpose.

::

    CrdtSyncError
    |- UsageError                      you called it wrongly; nothing was changed
    |  |- SchemaError                    a document class or a stored schema makes no sense
    |  |- UnknownKindError               no document class or schema for that kind here
    |  |- ValidationError                a value, a field or a whole document is not acceptable
    |  |- FrozenDocumentError            a view was assigned to; edit inside `replica.edit(...)`
    |  |- DocumentNotFoundError          no such document (or line, or number) here
    |  |- UnknownVersionError            what was seen of a document is no state of it that is known here
    |  |- DocumentLockedError            the application asked for a lock while a number is awaited
    |  `- NestedEditError                the same task edits one document inside its own edit
    |- StoreError                      this machine's database or disk
    |  |- StoreMissingError              no replica in that directory
    |  |- StoreExistsError               there is a replica already
    |  |- StoreFullError                 the disk is full
    |  |- StoreReadOnlyError             the database or its directory cannot be written
    |  |- StoreCorruptError              the database is damaged
    |  |- StoreNewerError                written by a newer version of crdtsync
    |  |- StoreBusyError                 another process kept the write lock for too long
    |  `- StoreInSharedFolderError       the database lies inside a synced folder
    |- RemoteError                     the shared folder (or bucket, or share)
    |  |- RemoteAddressError             the address cannot be understood, or no adapter serves it
    |  |- RemoteUnavailableError         it cannot be reached now
    |  |- RemoteFullError                it, or the disk under it, is full
    |  |- RemoteReadOnlyError            it cannot be written
    |  |- RemoteFileMissingError         no file of that name is there
    |  |- RemoteFileExistsError          a file of that name is there already
    |  |- RemoteFileNotLocalError        listed, but its content is not on this machine
    |  |- RemoteFileTooLargeError        larger than the bound that was given
    |  |- MarkerMissingError             the folder is not (or no longer) ours
    |  |  `- RemoteNotSetUpError           or not ours yet: the office has not set it up, or it has not arrived
    |  `- MarkerConflictError            the folder belongs to another set of replicas
    |- FormatError                     bytes from outside; never an accident of this process
    |  |- PartialFileError               the file is not complete yet
    |  |- DamagedFileError               the file is not what its writer wrote
    |  |- ForeignFileError               the file is none of ours
    |  |- NewerFormatError               written by a newer version of crdtsync
    |  `- LimitExceededError             a declared size is beyond what this version accepts
    |- SyncBusyError                   another process of this machine runs the sync
    |- ExaminerError                   the process that examines the changes of others cannot work
    `- CrdtError                       the CRDT refused bytes, or panicked on them

Each says whose fault it is (its branch), whether waiting helps (`waiting_helps`) and what to do (`hint`).
"""

from typing import ClassVar


class CrdtSyncError(Exception):
    """Root of the tree. `str(error)` says what happened; `hint` says what to do, and may be empty."""

    waiting_helps: ClassVar[bool] = False
    """Whether the same call may succeed later without anybody doing anything."""

    default_hint: ClassVar[str] = ""

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint or self.default_hint

    def __str__(self) -> str:
        return f"{self.message}. {self.hint}" if self.hint else self.message


class UsageError(CrdtSyncError):
    """The call was wrong; nothing was changed."""


class SchemaError(UsageError):
    """A document class, or a schema kept in a replica, makes no sense."""


class UnknownKindError(UsageError):
    """This replica has no document class and no stored schema of that kind."""


class ValidationError(UsageError):
    """A value or a document is not acceptable; `path` names the field, and is empty for the document."""

    def __init__(self, message: str, *, path: str = "", hint: str = "") -> None:
        super().__init__(message, hint=hint)
        self.path = path


class FrozenDocumentError(UsageError):
    """A view was changed. Views are immutable: changes are made inside `async with replica.edit(...)`."""

    default_hint = "Change documents inside `async with replica.edit(...)`"


class DocumentNotFoundError(UsageError):
    """No such document, line or number on this replica."""


class UnknownVersionError(UsageError):
    """An edit names what its author had seen of a document, and this replica knows no such state of it."""

    default_hint = "Show the document again, and edit what is there now"


class DocumentLockedError(UsageError):
    """The application asked for `lock_while_numbering`, and the document awaits its number."""

    waiting_helps = True


class NestedEditError(UsageError):
    """One task edits a document inside its own edit of the same document, which could never end."""


class StoreError(CrdtSyncError):
    """This machine's database or disk. Nothing that was acknowledged is lost."""


class StoreMissingError(StoreError):
    """There is no replica in that directory."""

    default_hint = "Create one with `crdtsync init`, or check the path"


class StoreExistsError(StoreError):
    """There is a replica in that directory already."""

    default_hint = "Open it, or choose another directory"


class StoreFullError(StoreError):
    """The disk is full; the change was not made."""

    default_hint = "Free some space on this disk and try again; nothing saved before is affected"


class StoreReadOnlyError(StoreError):
    """The database, its directory or its disk cannot be written."""

    default_hint = "Check the permissions of the replica's directory"


class StoreCorruptError(StoreError):
    """The database file is damaged."""

    default_hint = (
        "Keep the damaged directory, create a new replica under a new name and sync it: "
        "all that was published comes back from the shared folder"
    )


class StoreNewerError(StoreError):
    """The database was written by a newer version of crdtsync. It was not touched."""

    default_hint = "Update crdtsync on this machine"


class StoreBusyError(StoreError):
    """Another process kept the database's write lock for longer than the time-out."""

    waiting_helps = True
    default_hint = "Try again; if it lasts, look for a process on this machine that hangs while it writes"


class StoreInSharedFolderError(StoreError):
    """The database lies inside a synced folder, where a sync service would tear it apart."""

    default_hint = "Keep the replica's directory outside of every synced folder"


class RemoteError(CrdtSyncError):
    """The shared folder, or what stands for it."""


class RemoteAddressError(RemoteError):
    """The address of a remote cannot be understood, or no installed adapter serves it."""


class RemoteUnavailableError(RemoteError):
    """The remote cannot be reached now: not mounted, signed out, no network, busy."""

    waiting_helps = True


class RemoteFullError(RemoteError):
    """The remote, or the disk that holds it, is full."""

    waiting_helps = True
    default_hint = (
        "Free some space in the shared folder or on its disk; everything is kept here and sent later"
    )


class RemoteReadOnlyError(RemoteError):
    """The remote cannot be written."""

    default_hint = "Check the folder's permissions; edits are kept here and sent later"


class RemoteFileMissingError(RemoteError):
    """No file of that name. Never a deletion, and never a conclusion."""

    waiting_helps = True


class RemoteFileExistsError(RemoteError):
    """A file of that name is there already; it was not touched."""


class RemoteFileNotLocalError(RemoteError):
    """The file is listed, but its content is not on this machine (a placeholder)."""

    waiting_helps = True
    default_hint = "Start the sync service, or mark the folder as always available offline"


class RemoteFileTooLargeError(RemoteError):
    """The file is larger than the bound the caller gave."""


class MarkerMissingError(RemoteError):
    """The folder has no marker of ours: not mounted, emptied, replaced, or not set up yet."""

    waiting_helps = True


class RemoteNotSetUpError(MarkerMissingError):
    """The folder is not set up yet, or has not arrived here: a workstation was started before the office."""


class MarkerConflictError(RemoteError):
    """The folder belongs to another set of replicas than this one."""


class FormatError(CrdtSyncError):
    """Bytes from outside that could not be accepted."""


class PartialFileError(FormatError):
    """The file is shorter than it says: it is still being transferred."""

    waiting_helps = True


class DamagedFileError(FormatError):
    """The file is ours, and not what its writer wrote. Its owner is asked to publish it again."""


class ForeignFileError(FormatError):
    """The file is none of ours."""


class NewerFormatError(FormatError):
    """The file was written by a newer version of crdtsync; it is kept until this one is updated."""

    default_hint = "Update crdtsync on this machine"


class LimitExceededError(FormatError):
    """A declared size or count is beyond what this version accepts."""


class SyncBusyError(CrdtSyncError):
    """Another process of this machine runs the sync of this replica."""

    waiting_helps = True
    default_hint = "Let it work, or stop the other agent first"


class ExaminerError(CrdtSyncError):
    """The process that examines the changes of others cannot be started. They wait; nothing is lost."""

    waiting_helps = True
    default_hint = "Check that this machine can start processes; the changes are applied by a later round"


class CrdtError(CrdtSyncError):
    """The CRDT refused some bytes, or panicked on them; the document was not changed."""
