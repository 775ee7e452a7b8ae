"""The body of a segment: changes of documents, who made them, and requests for numbers.

The values are what the code works with. On the wire they are columns (see docs/FORMAT.md): like stands beside
like, which compresses well, and whole columns are read and checked at the speed of C.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, chain, groupby, islice, repeat
from operator import itemgetter, sub
from typing import Final, Self

import msgspec

from crdtsync.errors import DamagedFileError, ValidationError
from crdtsync.protocol import wire
from crdtsync.protocol.causality import ChangeId
from crdtsync.protocol.columns import (
    Columns,
    IncarnationRow,
    RequestRow,
    change_times,
    check,
    cut_delta,
    joined_deltas,
    spread,
)
from crdtsync.protocol.ids import ID_BYTES, DocumentId, ReplicaId, id_bytes, id_text


class Incarnation(msgspec.Struct, frozen=True):
    """One process start of a replica, and who worked there."""

    client: int
    replica: ReplicaId
    author: str
    replica_name: str


class Change(msgspec.Struct, frozen=True, gc=False):
    """One committed edit of one document. Its own predecessor is implied and is not among the causes."""

    client: int
    sequence: int
    at_ms: int
    causes: tuple[ChangeId, ...]
    label: str
    delta: bytes


class DocumentChanges(msgspec.Struct, frozen=True):
    """Some changes of one document, each client's in sequence."""

    document: DocumentId
    kind: str
    changes: list[Change]


class NumberRequest(msgspec.Struct, frozen=True, kw_only=True):
    """A replica asks for a document's final number, or withdraws that."""

    document: DocumentId
    kind: str
    series: str
    serial: int
    """Counts the statements of one replica about one document; the highest holds."""
    withdrawn: bool
    digest: bytes
    """Of the document's content when it was marked."""
    reference: str
    at_ms: int


class Segment(msgspec.Struct, frozen=True):
    """What one segment says."""

    incarnations: list[Incarnation]
    documents: list[DocumentChanges]
    requests: list[NumberRequest]


_DECODER = msgspec.msgpack.Decoder(Columns)
_WHAT: Final = "segment"


def encode_segment(segment: Segment) -> bytes:
    """The body of the file.

    Raises:
        ValidationError: No reader would accept it.
    """
    changes = [change for document in segment.documents for change in document.changes]
    clients: dict[int, int] = {}
    kinds: dict[str, int] = {}
    labels: dict[str, int] = {}
    runs = _Runs.of(segment.documents, clients)
    steps_ms = _differences([change.at_ms for change in changes])
    cut = [cut_delta(change.delta, change.at_ms) for change in changes]
    pieces = [piece for delta in cut for piece in delta]
    causes = [(at, cause) for at, change in enumerate(changes) if change.causes for cause in change.causes]
    columns = Columns(
        incarnations=[
            IncarnationRow(entry.client, id_bytes(entry.replica), entry.author, entry.replica_name)
            for entry in segment.incarnations
        ],
        requests=[_pack_request(request) for request in segment.requests],
        document_ids=b"".join([id_bytes(document.document) for document in segment.documents]),
        document_kinds=[kinds.setdefault(document.kind, len(kinds)) for document in segment.documents],
        document_runs=runs.counts,
        run_clients=runs.clients,
        run_starts=runs.starts,
        run_lengths=runs.lengths,
        cause_steps=_differences([at for at, _ in causes]),
        cause_clients=[clients.setdefault(cause[0], len(clients)) for _, cause in causes],
        cause_sequences=[cause[1] for _, cause in causes],
        change_labels=[labels.setdefault(change.label, len(labels)) for change in changes],
        change_steps_high=[step >> 8 for step in steps_ms],
        change_steps_low=bytes([step & 255 for step in steps_ms]),
        change_pieces=[len(delta) for delta in cut],
        piece_lengths=[len(piece) for piece in pieces],
        pieces=b"".join(pieces),
        clients=list(clients),
        kinds=list(kinds),
        labels=list(labels),
    )
    body = wire.encode_checked(_DECODER, columns, _WHAT)
    try:
        check(columns)
    except DamagedFileError as error:
        raise ValidationError(error.message) from error
    return body


def decode_segment(body: bytes) -> Segment:
    """The segment that a body holds.

    Raises:
        DamagedFileError: It holds none, or one that contradicts itself.
    """
    columns = wire.decode(_DECODER, body, _WHAT)
    check(columns)
    return Segment(
        [
            Incarnation(entry.client, ReplicaId(id_text(entry.replica)), entry.author, entry.replica_name)
            for entry in columns.incarnations
        ],
        _documents(columns),
        [_unpack_request(request) for request in columns.requests],
    )


@dataclass(slots=True)
class _Runs:
    counts: list[int]
    clients: list[int]
    starts: list[int]
    lengths: list[int]

    @classmethod
    def of(cls, documents: list[DocumentChanges], clients: dict[int, int]) -> Self:
        runs = cls([], [], [], [])
        for document in documents:
            before = len(runs.starts)
            client: int | None = None
            sequence = 0
            for change in document.changes:
                if change.client == client and change.sequence == sequence + 1:
                    runs.lengths[-1] += 1
                else:
                    client = change.client
                    runs.clients.append(clients.setdefault(client, len(clients)))
                    runs.starts.append(change.sequence)
                    runs.lengths.append(1)
                sequence = change.sequence
            runs.counts.append(len(runs.starts) - before)
        return runs


def _differences(numbers: list[int]) -> list[int]:
    return [*numbers[:1], *map(sub, numbers[1:], numbers)]


def _documents(columns: Columns) -> list[DocumentChanges]:
    """The documents of columns that agree. `map` over columns keeps the loop over changes in C."""
    clients = [columns.clients[index] for index in columns.run_clients]
    runs = zip(columns.run_starts, columns.run_lengths, strict=True)
    times = list(change_times(columns))
    changes = list(
        map(
            Change,
            spread(clients, columns.run_lengths),
            chain.from_iterable([range(start, start + length) for start, length in runs]),
            times,
            _causes(columns),
            [columns.labels[index] for index in columns.change_labels],
            joined_deltas(columns, times),
        )
    )
    lengths = iter(columns.run_lengths)
    documents = []
    end = 0
    for at, kind in enumerate(columns.document_kinds):
        start = end
        end += sum(islice(lengths, columns.document_runs[at]))
        document = DocumentId(id_text(columns.document_ids[at * ID_BYTES : (at + 1) * ID_BYTES]))
        documents.append(DocumentChanges(document, columns.kinds[kind], changes[start:end]))
    return documents


def _causes(columns: Columns) -> Iterable[tuple[ChangeId, ...]]:
    if not columns.cause_steps:
        return repeat(())
    clients = [columns.clients[index] for index in columns.cause_clients]
    rows: list[tuple[ChangeId, ...]] = [()] * len(columns.change_labels)
    ids = map(ChangeId, clients, columns.cause_sequences)
    # Put together at once: a change with very many causes must not cost their square.
    for at, group in groupby(zip(accumulate(columns.cause_steps), ids, strict=True), itemgetter(0)):
        rows[at] = tuple(map(itemgetter(1), group))
    return rows


def _pack_request(request: NumberRequest) -> RequestRow:
    return RequestRow(
        id_bytes(request.document),
        request.kind,
        request.series,
        request.serial,
        request.withdrawn,
        request.digest,
        request.reference,
        request.at_ms,
    )


def _unpack_request(request: RequestRow) -> NumberRequest:
    return NumberRequest(
        document=DocumentId(id_text(request.document)),
        kind=request.kind,
        series=request.series,
        serial=request.serial,
        withdrawn=request.withdrawn,
        digest=request.digest,
        reference=request.reference,
        at_ms=request.at_ms,
    )
