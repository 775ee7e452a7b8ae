"""Offline-first CRDT documents for business applications.

Each quote, sale or order is a CRDT document in a SQLite database on each machine, edited offline at any time;
changes travel as files through an ordinary synced folder and merge by themselves; one replica, the coordinator,
gives out final numbers. Start with `open_replica` and `Document`.
"""

from crdtsync.document.model import Document as Document
from crdtsync.document.model import DocumentInfo as DocumentInfo
from crdtsync.document.model import Entities as Entities
from crdtsync.document.model import Entity as Entity
from crdtsync.document.model import GrowSet as GrowSet
from crdtsync.document.model import Log as Log
from crdtsync.document.model import LogEntry as LogEntry
from crdtsync.document.model import Text as Text
from crdtsync.document.model import computed as computed
from crdtsync.document.model import field as field
from crdtsync.document.values import Ref as Ref
from crdtsync.environment import Environment as Environment
from crdtsync.events import DocumentChange as DocumentChange
from crdtsync.events import Event as Event
from crdtsync.events import EventsMissed as EventsMissed
from crdtsync.events import ItemChange as ItemChange
from crdtsync.events import NumberChange as NumberChange
from crdtsync.events import PeerHeard as PeerHeard
from crdtsync.events import QuarantineChange as QuarantineChange
from crdtsync.events import RemoteChange as RemoteChange
from crdtsync.protocol.causality import ChangeId as ChangeId
from crdtsync.protocol.ids import derive_id as derive_id
from crdtsync.protocol.ledger import LedgerEntry as LedgerEntry
from crdtsync.protocol.numbering import Series as Series
from crdtsync.protocol.status import ItemState as ItemState
from crdtsync.protocol.status import ItemStatus as ItemStatus
from crdtsync.replica import Replica as Replica
from crdtsync.replica import inspect_folder as inspect_folder
from crdtsync.replica import open_remote as open_remote
from crdtsync.replica import open_replica as open_replica
from crdtsync.store.conflicts import Conflict as Conflict
from crdtsync.store.conflicts import ConflictValue as ConflictValue
from crdtsync.store.health import FeedHealth as FeedHealth
from crdtsync.store.health import FeedReader as FeedReader
from crdtsync.store.health import Quarantined as Quarantined
from crdtsync.store.health import RemoteHealth as RemoteHealth
from crdtsync.store.history import HistoryEntry as HistoryEntry
from crdtsync.store.history import LastWriter as LastWriter
from crdtsync.store.history import LatestChange as LatestChange
from crdtsync.store.items import Item as Item
from crdtsync.store.items import Peer as Peer
from crdtsync.store.items import Receipt as Receipt
from crdtsync.store.missing import MissingChanges as MissingChanges
from crdtsync.sync.agent import SyncState as SyncState
from crdtsync.sync.picture import FolderBeacon as FolderBeacon
from crdtsync.sync.picture import FolderFeed as FolderFeed
from crdtsync.sync.picture import FolderLedger as FolderLedger
from crdtsync.sync.picture import FolderMarker as FolderMarker
from crdtsync.sync.picture import FolderPicture as FolderPicture
from crdtsync.sync.picture import FolderPosition as FolderPosition
from crdtsync.sync.picture import FolderProblem as FolderProblem
from crdtsync.sync.picture import FolderReplica as FolderReplica
from crdtsync.sync.picture import FolderSegment as FolderSegment
from crdtsync.sync.report import Phase as Phase
from crdtsync.sync.report import Progress as Progress
from crdtsync.sync.report import SyncReport as SyncReport

__all__ = [
    "ChangeId",
    "Conflict",
    "ConflictValue",
    "Document",
    "DocumentChange",
    "DocumentInfo",
    "Entities",
    "Entity",
    "Environment",
    "Event",
    "EventsMissed",
    "FeedHealth",
    "FeedReader",
    "FolderBeacon",
    "FolderFeed",
    "FolderLedger",
    "FolderMarker",
    "FolderPicture",
    "FolderPosition",
    "FolderProblem",
    "FolderReplica",
    "FolderSegment",
    "GrowSet",
    "HistoryEntry",
    "Item",
    "ItemChange",
    "ItemState",
    "ItemStatus",
    "LastWriter",
    "LatestChange",
    "LedgerEntry",
    "Log",
    "LogEntry",
    "MissingChanges",
    "NumberChange",
    "Peer",
    "PeerHeard",
    "Phase",
    "Progress",
    "QuarantineChange",
    "Quarantined",
    "Receipt",
    "Ref",
    "RemoteChange",
    "RemoteHealth",
    "Replica",
    "Series",
    "SyncReport",
    "SyncState",
    "Text",
    "computed",
    "derive_id",
    "field",
    "inspect_folder",
    "open_remote",
    "open_replica",
]
