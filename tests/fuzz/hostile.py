"""Files that a hostile or broken member writes: each whole, in its place in a feed, and false in what it says.

The deltas are honest ones; what is said about them is not: whose they are, which number they have, what they
build on, of which document and kind they are. Requests, ledger files and beacons lie as well.
"""

import contextlib
import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import msgspec

from crdtsync.errors import FormatError, ValidationError
from crdtsync.protocol.beacon import Beacon, FeedPosition, FeedWant, decode_beacon, encode_beacon
from crdtsync.protocol.causality import ChangeId
from crdtsync.protocol.files import NO_HASH, DecodedFile, FileHeader, FileType, decode_file, encode_file
from crdtsync.protocol.ids import DocumentId, FeedId, FolderId, ReplicaId, id_text
from crdtsync.protocol.ledger import (
    GENESIS,
    GRANTED,
    VOID,
    LedgerEntry,
    decode_ledger,
    encode_entry,
    encode_ledger,
    entry_hash,
)
from crdtsync.protocol.names import beacon_name, ledger_name, segment_name
from crdtsync.protocol.segment import (
    Change,
    DocumentChanges,
    Incarnation,
    NumberRequest,
    Segment,
    decode_segment,
    encode_segment,
)

from .mutate import TEXTS, mutate_tree

NUMBER_MAX: Final = 2**53 - 1


@dataclass(slots=True)
class Liar:
    """Somebody with honest files at hand, who makes false ones of them."""

    rng: random.Random
    folder: FolderId
    writer: ReplicaId
    files: Sequence[DecodedFile]
    """Honest files of the folder."""
    forges: bool = False
    """Whether the liar writes in the names of others as well."""
    feed: FeedId = field(init=False)
    head: tuple[int, bytes] = (0, NO_HASH)
    counter: int = 1000
    documents: set[str] = field(default_factory=set)
    """Of which documents something false was said."""
    types: set[FileType] = field(default_factory=set)
    """What was written."""

    def __post_init__(self) -> None:
        self.feed = FeedId(id_text(self.rng.randbytes(8)))

    @property
    def segments(self) -> list[Segment]:
        return [decode_segment(file.body) for file in self.files if file.header.type is FileType.SEGMENT]

    @property
    def replicas(self) -> list[ReplicaId]:
        return sorted({file.header.writer for file in self.files})

    def file(self) -> tuple[str, bytes]:
        """Return name and bytes of one more false file."""
        while True:
            make = self.rng.choice((self._segment, self._segment, self._segment, self._ledger, self._beacon))
            try:
                name, data = make()
                self.types.add(decode_file(data).header.type)
            except (ValidationError, FormatError, OverflowError, ValueError):
                continue  # Not even we can write that.
            return name, data

    # Segments.

    def _segment(self) -> tuple[str, bytes]:
        rng = self.rng
        segment = rng.choice(self.segments)
        for _ in range(1 << rng.choice((0, 1, 2, 3))):
            segment = self._lie(segment)
        body = encode_segment(segment)
        if not rng.randrange(6):
            # A step further: columns that may contradict each other, or anything else.
            body = msgspec.msgpack.encode(mutate_tree(rng, msgspec.msgpack.decode(body)))
        said = segment
        with contextlib.suppress(FormatError):
            said = decode_segment(body)
        self.documents |= {document.document for document in said.documents}
        sequence, previous = self.head
        writer, feed = self.writer, self.feed
        if self.forges and rng.randrange(2):
            writer = rng.choice(self.replicas)
            feed = rng.choice([feed, *(file.header.feed for file in self.files if file.header.feed)])
        if not rng.randrange(5):
            sequence = rng.choice((0, 0, 1, 5, NUMBER_MAX - 1))
            previous = rng.choice((NO_HASH, rng.randbytes(32), rng.choice(self.files).hash))
        header = FileHeader(
            type=FileType.SEGMENT,
            folder=self.folder,
            writer=writer,
            feed=feed,
            sequence=min(sequence + 1, NUMBER_MAX),
            previous=previous,
        )
        data = encode_file(header, body)
        if (writer, feed, sequence, previous) == (self.writer, self.feed, *self.head):
            self.head = (header.sequence, data[-32:])
        return segment_name(writer, feed, header.sequence, data[-32:]), data

    def _lie(self, segment: Segment) -> Segment:
        lies: tuple[Callable[[Segment], Segment], ...] = (
            self._change_lie,
            self._change_lie,
            self._change_lie,
            self._document_lie,
            self._document_lie,
            self._incarnation_lie,
            self._request_lie,
            self._request_lie,
        )
        return self.rng.choice(lies)(segment)

    def _change_lie(self, segment: Segment) -> Segment:
        rng = self.rng
        if not segment.documents:
            return rng.choice(self.segments)
        at = rng.randrange(len(segment.documents))
        document = segment.documents[at]
        changes = list(document.changes)
        index = rng.randrange(len(changes))
        change = changes[index]
        match rng.randrange(9):
            case 0:
                change = msgspec.structs.replace(change, sequence=self._number(change.sequence))
            case 1:
                change = msgspec.structs.replace(change, client=self._client(change.client))
            case 2:
                causes = {cause.client: cause for cause in (*change.causes, self._cause())}
                causes.pop(change.client, None)
                change = msgspec.structs.replace(change, causes=tuple(sorted(causes.values())))
            case 3:
                change = msgspec.structs.replace(change, causes=())
            case 4:
                change = msgspec.structs.replace(
                    change, at_ms=rng.choice((0, 1, NUMBER_MAX, change.at_ms + 10**9))
                )
            case 5:
                change = msgspec.structs.replace(change, label=rng.choice(TEXTS)[:1000])
            case 6:
                other = rng.choice(
                    [item for one in self.segments for group in one.documents for item in group.changes]
                )
                change = msgspec.structs.replace(change, delta=other.delta)
            case 7:
                # Two that wait for each other.
                client = self._client(change.client)
                changes.append(
                    Change(client, 1, 0, (ChangeId(change.client, change.sequence),), "", change.delta)
                )
                change = msgspec.structs.replace(change, causes=(ChangeId(client, 1),))
            case _:
                changes.append(msgspec.structs.replace(change, sequence=self._number(change.sequence)))
        changes[index] = change
        return self._with_document(segment, at, msgspec.structs.replace(document, changes=changes))

    def _document_lie(self, segment: Segment) -> Segment:
        rng = self.rng
        if not segment.documents:
            return rng.choice(self.segments)
        at = rng.randrange(len(segment.documents))
        document = segment.documents[at]
        match rng.randrange(3):
            case 0:
                known = [group.document for one in self.segments for group in one.documents]
                identity = DocumentId(rng.choice([*known, id_text(rng.randbytes(16))]))
                return self._with_document(segment, at, msgspec.structs.replace(document, document=identity))
            case 1:
                kind = rng.choice(("quote", "customer", "zzz", "a" * 40, "search", "meta"))
                return self._with_document(segment, at, msgspec.structs.replace(document, kind=kind))
            case _:
                other = rng.choice(self.segments)
                return Segment(segment.incarnations, [*segment.documents, *other.documents], segment.requests)

    def _with_document(self, segment: Segment, at: int, document: DocumentChanges) -> Segment:
        documents = list(segment.documents)
        documents[at] = document
        return Segment(segment.incarnations, documents, segment.requests)

    def _incarnation_lie(self, segment: Segment) -> Segment:
        rng = self.rng
        name = rng.choice(("", "R1", "office", "\x1b[31m", "x" * 100))
        entry = Incarnation(self._client(1), rng.choice((self.writer, *self.replicas)), name, name)
        return Segment([*segment.incarnations, entry], segment.documents, segment.requests)

    def _request_lie(self, segment: Segment) -> Segment:
        rng = self.rng
        documents = [group.document for one in self.segments for group in one.documents]
        request = NumberRequest(
            document=DocumentId(rng.choice((*documents, id_text(rng.randbytes(16))))),
            kind=rng.choice(("quote", "customer", "zzz")),
            series=rng.choice(("quotes", "quotes", "orders", "\0", "x" * 100)),
            serial=rng.choice((1, 2, NUMBER_MAX)),
            withdrawn=bool(rng.randrange(2)),
            digest=rng.randbytes(16),
            reference=rng.choice(("R1-0001", "", "Q-00001", "\0")),
            at_ms=rng.choice((0, NUMBER_MAX)),
        )
        return Segment(segment.incarnations, segment.documents, [*segment.requests, request])

    def _number(self, near: int) -> int:
        return self.rng.choice((1, near + 1, near + 2, max(near - 1, 1), 1000, NUMBER_MAX))

    def _client(self, near: int) -> int:
        known = [
            change.client for one in self.segments for group in one.documents for change in group.changes
        ]
        return self.rng.choice((*known, near, 1, NUMBER_MAX, self.rng.getrandbits(53) or 1))

    def _cause(self) -> ChangeId:
        changes = [change for one in self.segments for group in one.documents for change in group.changes]
        change = self.rng.choice(changes)
        return ChangeId(self._client(change.client), self._number(change.sequence))

    # Ledger files and beacons.

    def _ledger(self) -> tuple[str, bytes]:
        rng = self.rng
        honest = [file for file in self.files if file.header.type is FileType.LEDGER]
        entries = decode_ledger(rng.choice(honest).body) if honest else []
        start = rng.choice((0, len(entries), rng.randrange(len(entries) + 1)))
        encoded = [one for _, one in entries[:start]]
        last = entries[start - 1][0] if start else None
        index = last.index if last else 0
        previous = entry_hash(encoded[-1]) if encoded else GENESIS.hash
        for _ in range(rng.choice((1, 1, 2, 5))):
            index = rng.choice((index + 1, index + 1, index + 1, index + 2, NUMBER_MAX))
            granted = bool(rng.randrange(4))
            entry = LedgerEntry(
                index=index,
                previous=rng.choice((previous, previous, previous, rng.randbytes(32))),
                outcome=GRANTED if granted else VOID,
                series=rng.choice(("quotes", "quotes", "orders")),
                number=rng.choice((1, 2, 3, 4, 0, NUMBER_MAX)),
                text=rng.choice(("Q-00001", "Q-00003", "Q-00004", "\0", "q-00003")),
                document=self._document() if granted else DocumentId(""),
                reason="" if granted else "none",
                requester=self.writer,
                digest=rng.randbytes(16),
                at_ms=rng.choice((0, NUMBER_MAX)),
                issue_date=rng.choice(("2025-10-09", "9999-12-31", "0001-01-01")),
            )
            encoded.append(encode_entry(entry))
            previous = entry_hash(encoded[-1])
        body = msgspec.msgpack.encode(encoded) if rng.randrange(4) == 0 else encode_ledger(encoded)
        writer = rng.choice((self.writer, *self.replicas)) if self.forges else self.writer
        header = FileHeader(type=FileType.LEDGER, folder=self.folder, writer=writer, sequence=index)
        data = encode_file(header, body)
        return ledger_name(writer, index, data[-32:]), data

    def _document(self) -> DocumentId:
        documents = [group.document for one in self.segments for group in one.documents]
        return DocumentId(self.rng.choice((*documents, id_text(self.rng.randbytes(16)))))

    def _beacon(self) -> tuple[str, bytes]:
        rng = self.rng
        honest = [file for file in self.files if file.header.type is FileType.BEACON]
        beacon = decode_beacon(rng.choice(honest).body)
        feeds = [file.header for file in self.files if file.header.type is FileType.SEGMENT]
        for _ in range(rng.choice((1, 2, 4))):
            beacon = self._beacon_lie(beacon, feeds)
        self.counter += 1
        counter = rng.choice((self.counter, self.counter, 1, NUMBER_MAX))
        writer = rng.choice((self.writer, *self.replicas)) if self.forges else self.writer
        header = FileHeader(type=FileType.BEACON, folder=self.folder, writer=writer, sequence=counter)
        data = encode_file(header, encode_beacon(msgspec.structs.replace(beacon, counter=counter)))
        return beacon_name(writer, counter, data[-32:]), data

    def _beacon_lie(self, beacon: Beacon, feeds: list[FileHeader]) -> Beacon:
        rng = self.rng
        place = rng.choice(feeds)
        sequence = rng.choice((place.sequence, place.sequence + 1, 1000, NUMBER_MAX))
        position = FeedPosition(place.writer, place.feed, sequence, rng.randbytes(32))
        lies: dict[str, Any] = {
            "positions": [position],
            "own": rng.choice((None, position)),
            "wants": [
                FeedWant(place.writer, rng.choice((place.feed, FeedId("aaaaaaaaaaaaa"))), max(1, sequence))
                for _ in range(rng.choice((1, 50)))
            ],
            "ledger_index": rng.choice((0, 1, 2, 3, NUMBER_MAX)),
            "ledger_hash": rng.randbytes(32),
            "name": rng.choice(("office", "R1", "\x1b[31m", "")),
            "role": rng.choice(("office", "roaming")),
            "coordinator": bool(rng.randrange(2)),
            "at_ms": rng.choice((0, NUMBER_MAX)),
            "software": rng.choice(TEXTS)[:100],
        }
        name = rng.choice(sorted(lies))
        return msgspec.structs.replace(beacon, **{name: lies[name]})


def opened(files: dict[str, bytes]) -> list[DecodedFile]:
    """Return the honest files of a folder, in order."""
    return [decode_file(files[name]) for name in sorted(files)]
