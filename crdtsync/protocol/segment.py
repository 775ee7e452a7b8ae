"""The body of a segment: changes of documents, who made them, and requests for numbers.

The values are what the code works with. On the wire they are columns (see docs/FORMAT.md): like stands beside
like, which compresses well, and whole columns are read and checked at the speed of C.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import accumulate, chain, islice, repeat
from operator import sub
from typing import Annotated, Final, Self

import msgspec
from msgspec import Meta

from crdtsync.errors import DamagedFileError, ValidationError
from crdtsync.protocol import wire
from crdtsync.protocol.causality import ChangeId
from crdtsync.protocol.ids import ID_BYTES, DocumentId, ReplicaId, id_bytes, id_text

CHANGES_MAX: Final = 1_000_000
DOCUMENTS_MAX: Final = 200_000
CLIENTS_MAX: Final = 100_000
KINDS_MAX: Final = 1_000
REQUESTS_MAX: Final = 100_000


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


_Index = Annotated[int, Meta(ge=0, le=CHANGES_MAX)]
_Step = Annotated[int, Meta(ge=-wire.NUMBER_MAX, le=wire.NUMBER_MAX)]
_PerDocument = Meta(max_length=DOCUMENTS_MAX)
_PerChange = Meta(max_length=CHANGES_MAX)


class _Incarnation(msgspec.Struct, array_like=True, frozen=True):
    client: wire.Client
    replica: wire.IdBytes
    author: wire.Name
    replica_name: wire.Name


class _Request(msgspec.Struct, array_like=True, frozen=True):
    document: wire.IdBytes
    kind: wire.Kind
    series: Annotated[str, Meta(min_length=1, max_length=wire.NAME_CHARS_MAX)]
    serial: wire.Positive
    withdrawn: bool
    digest: wire.DigestBytes
    reference: wire.Name
    at_ms: wire.Count


class _Columns(msgspec.Struct, array_like=True, frozen=True):
    """The wire form. A run is a stretch of changes of one client with consecutive sequences."""

    incarnations: Annotated[list[_Incarnation], Meta(max_length=CLIENTS_MAX)]
    requests: Annotated[list[_Request], Meta(max_length=REQUESTS_MAX)]
    clients: Annotated[list[wire.Client], Meta(max_length=CLIENTS_MAX)]
    kinds: Annotated[list[wire.Kind], Meta(max_length=KINDS_MAX)]
    labels: Annotated[list[wire.Label], _PerChange]
    document_ids: bytes
    document_kinds: Annotated[list[_Index], _PerDocument]
    document_runs: Annotated[list[_Index], _PerDocument]
    run_clients: Annotated[list[_Index], _PerChange]
    run_starts: Annotated[list[wire.Positive], _PerChange]
    run_lengths: Annotated[list[Annotated[int, Meta(ge=1, le=CHANGES_MAX)]], _PerChange]
    cause_steps: Annotated[list[_Index], _PerChange]
    cause_clients: Annotated[list[_Index], _PerChange]
    cause_sequences: Annotated[list[wire.Positive], _PerChange]
    change_labels: Annotated[list[_Index], _PerChange]
    change_steps_ms: Annotated[list[_Step], _PerChange]
    delta_lengths: Annotated[list[wire.Count], _PerChange]
    deltas: bytes


_DECODER = msgspec.msgpack.Decoder(_Columns)
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
    causes = [(at, cause) for at, change in enumerate(changes) if change.causes for cause in change.causes]
    columns = _Columns(
        incarnations=[
            _Incarnation(entry.client, id_bytes(entry.replica), entry.author, entry.replica_name)
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
        change_steps_ms=_differences([change.at_ms for change in changes]),
        delta_lengths=[len(change.delta) for change in changes],
        deltas=b"".join([change.delta for change in changes]),
        clients=list(clients),
        kinds=list(kinds),
        labels=list(labels),
    )
    body = wire.encode_checked(_DECODER, columns, _WHAT)
    try:
        _check(columns)
    except DamagedFileError as error:
        raise ValidationError(error.message) from error
    return body


def decode_segment(body: bytes) -> Segment:
    """The segment that a body holds.

    Raises:
        DamagedFileError: It holds none, or one that contradicts itself.
    """
    columns = wire.decode(_DECODER, body, _WHAT)
    _check(columns)
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
            client = sequence = 0
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


def _check(columns: _Columns) -> None:
    """Whether the columns agree with one another, so that reading them cannot fail.

    Raises:
        DamagedFileError: They do not.
    """
    documents, changes = len(columns.document_kinds), len(columns.change_labels)
    _require(len(columns.document_ids) == ID_BYTES * documents == ID_BYTES * len(columns.document_runs))
    _require(sum(columns.document_runs) == len(columns.run_clients))
    _require(len(columns.run_clients) == len(columns.run_starts) == len(columns.run_lengths))
    _require(sum(columns.run_lengths) == changes)
    _require(changes == len(columns.change_steps_ms) == len(columns.delta_lengths))
    _require(sum(columns.delta_lengths) == len(columns.deltas))
    _require(len(columns.cause_steps) == len(columns.cause_clients) == len(columns.cause_sequences))
    _require(max(columns.document_kinds, default=-1) < len(columns.kinds))
    _require(max(columns.run_clients, default=-1) < len(columns.clients))
    _require(max(columns.cause_clients, default=-1) < len(columns.clients))
    _require(max(columns.change_labels, default=-1) < len(columns.labels))
    _require(len(set(columns.clients)) == len(columns.clients))
    _require(all(columns.document_runs))
    ids = columns.document_ids
    _require(len({ids[at : at + ID_BYTES] for at in range(0, len(ids), ID_BYTES)}) == documents)
    times = list(accumulate(columns.change_steps_ms))
    _require(min(times, default=0) >= 0 and max(times, default=0) <= wire.NUMBER_MAX)
    _check_runs(columns)
    _check_causes(columns)


def _check_runs(columns: _Columns) -> None:
    runs = zip(columns.run_clients, columns.run_starts, columns.run_lengths, strict=True)
    for count in columns.document_runs:
        if count == 1:
            _, start, length = next(runs)
            _require(start + length - 1 <= wire.NUMBER_MAX)
            continue
        newest: dict[int, int] = {}
        for client, start, length in islice(runs, count):
            _require(start > newest.get(client, 0) and start + length - 1 <= wire.NUMBER_MAX)
            newest[client] = start + length - 1


def _check_causes(columns: _Columns) -> None:
    if not columns.cause_steps:
        return
    authors = _spread(columns.run_clients, columns.run_lengths)
    last_at, last_client = -1, 0
    positions = accumulate(columns.cause_steps)
    for at, index in zip(positions, columns.cause_clients, strict=True):
        client = columns.clients[index]
        _require(at < len(authors) and authors[at] != index)
        # Sorted, and one of a client: a set of causes has one spelling.
        _require(at != last_at or client > last_client)
        last_at, last_client = at, client


def _require(fact: bool) -> None:  # noqa: FBT001 - reads like an assertion
    if not fact:
        raise DamagedFileError("Not a valid segment: it contradicts itself")


def _spread(values: list[int], lengths: list[int]) -> list[int]:
    return list(chain.from_iterable(map(repeat, values, lengths)))


def _documents(columns: _Columns) -> list[DocumentChanges]:
    """The documents of columns that agree. `map` over columns keeps the loop over changes in C."""
    clients = [columns.clients[index] for index in columns.run_clients]
    runs = zip(columns.run_starts, columns.run_lengths, strict=True)
    ends = list(accumulate(columns.delta_lengths))
    blob = columns.deltas
    changes = list(
        map(
            Change,
            _spread(clients, columns.run_lengths),
            chain.from_iterable([range(start, start + length) for start, length in runs]),
            accumulate(columns.change_steps_ms),
            _causes(columns),
            [columns.labels[index] for index in columns.change_labels],
            [blob[start:end] for start, end in zip([0, *ends], ends, strict=False)],
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


def _causes(columns: _Columns) -> Iterable[tuple[ChangeId, ...]]:
    if not columns.cause_steps:
        return repeat(())
    clients = [columns.clients[index] for index in columns.cause_clients]
    rows: list[tuple[ChangeId, ...]] = [()] * len(columns.change_labels)
    ids = map(ChangeId, clients, columns.cause_sequences)
    for at, cause in zip(accumulate(columns.cause_steps), ids, strict=True):
        rows[at] += (cause,)
    return rows


def _pack_request(request: NumberRequest) -> _Request:
    return _Request(
        id_bytes(request.document),
        request.kind,
        request.series,
        request.serial,
        request.withdrawn,
        request.digest,
        request.reference,
        request.at_ms,
    )


def _unpack_request(request: _Request) -> NumberRequest:
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
