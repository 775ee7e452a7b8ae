"""The wire form of a segment's body: columns, checked against one another, and the cutting of deltas.

Nearly every delta repeats the time of its change, as the stamp of what it writes. There it is cut out: a
delta travels as the pieces between these places, which makes the whole a quarter smaller.
"""

from collections.abc import Iterable
from itertools import accumulate, chain, islice, repeat
from typing import Annotated, Final

import msgspec
from msgspec import Meta

from crdtsync.errors import DamagedFileError
from crdtsync.protocol import wire
from crdtsync.protocol.ids import ID_BYTES

CHANGES_MAX: Final = 1_000_000
DOCUMENTS_MAX: Final = 200_000
PIECES_MAX: Final = 4 * CHANGES_MAX
CLIENTS_MAX: Final = 100_000
KINDS_MAX: Final = 1_000
REQUESTS_MAX: Final = 100_000

_CUT_FROM_MS: Final = 1 << 32
_CUTS_MAX: Final = 1000

_Index = Annotated[int, Meta(ge=0, le=CHANGES_MAX)]
_Step = Annotated[int, Meta(ge=-wire.NUMBER_MAX, le=wire.NUMBER_MAX)]
_PerDocument = Meta(max_length=DOCUMENTS_MAX)
_PerChange = Meta(max_length=CHANGES_MAX)


class IncarnationRow(msgspec.Struct, array_like=True, frozen=True):
    """An incarnation on the wire."""

    client: wire.Client
    replica: wire.IdBytes
    author: wire.Name
    replica_name: wire.Name


class RequestRow(msgspec.Struct, array_like=True, frozen=True):
    """A request for a number on the wire."""

    document: wire.IdBytes
    kind: wire.Kind
    series: Annotated[str, Meta(min_length=1, max_length=wire.NAME_CHARS_MAX)]
    serial: wire.Positive
    withdrawn: bool
    digest: wire.DigestBytes
    reference: wire.Name
    at_ms: wire.Count


class Columns(msgspec.Struct, array_like=True, frozen=True):
    """The wire form. A run is a stretch of changes of one client with consecutive sequences."""

    incarnations: Annotated[list[IncarnationRow], Meta(max_length=CLIENTS_MAX)]
    requests: Annotated[list[RequestRow], Meta(max_length=REQUESTS_MAX)]
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
    change_steps_high: Annotated[list[_Step], _PerChange]
    change_steps_low: bytes
    change_pieces: Annotated[list[_Index], _PerChange]
    piece_lengths: Annotated[list[wire.Count], Meta(max_length=PIECES_MAX)]
    pieces: bytes


def change_times(columns: Columns) -> Iterable[int]:
    """The time of every change."""
    steps = zip(columns.change_steps_high, columns.change_steps_low, strict=True)
    return accumulate([high << 8 | low for high, low in steps])


def cut_delta(delta: bytes, at_ms: int) -> list[bytes]:
    """The pieces of a delta between the places where it repeats the time of its change."""
    # A short stamp would be found by accident, and often.
    if at_ms < _CUT_FROM_MS:
        return [delta]
    return delta.split(_stamp(at_ms), _CUTS_MAX)


def joined_deltas(columns: Columns, times: list[int]) -> list[bytes]:
    """The delta of every change, put together again."""
    ends = list(accumulate(columns.piece_lengths))
    blob = columns.pieces
    pieces = [blob[start:end] for start, end in zip([0, *ends], ends, strict=False)]
    deltas = []
    end = 0
    for at_ms, count in zip(times, columns.change_pieces, strict=True):
        start, end = end, end + count
        deltas.append(pieces[start] if count == 1 else _stamp(at_ms).join(pieces[start:end]))
    return deltas


def spread(values: list[int], lengths: list[int]) -> list[int]:
    """Every value as often as its length says."""
    return list(chain.from_iterable(map(repeat, values, lengths)))


def check(columns: Columns) -> None:
    """Whether the columns agree with one another, so that reading them cannot fail.

    Raises:
        DamagedFileError: They do not.
    """
    documents, changes = len(columns.document_kinds), len(columns.change_labels)
    _require(len(columns.document_ids) == ID_BYTES * documents == ID_BYTES * len(columns.document_runs))
    _require(sum(columns.document_runs) == len(columns.run_clients))
    _require(len(columns.run_clients) == len(columns.run_starts) == len(columns.run_lengths))
    _require(sum(columns.run_lengths) == changes)
    _require(changes == len(columns.change_steps_high) == len(columns.change_steps_low))
    _require(changes == len(columns.change_pieces) and all(columns.change_pieces))
    _require(sum(columns.change_pieces) == len(columns.piece_lengths))
    _require(sum(columns.piece_lengths) == len(columns.pieces))
    _require(len(columns.cause_steps) == len(columns.cause_clients) == len(columns.cause_sequences))
    _require(max(columns.document_kinds, default=-1) < len(columns.kinds))
    _require(max(columns.run_clients, default=-1) < len(columns.clients))
    _require(max(columns.cause_clients, default=-1) < len(columns.clients))
    _require(max(columns.change_labels, default=-1) < len(columns.labels))
    _require(len(set(columns.clients)) == len(columns.clients))
    _require(all(columns.document_runs))
    ids = columns.document_ids
    _require(len({ids[at : at + ID_BYTES] for at in range(0, len(ids), ID_BYTES)}) == documents)
    times = list(change_times(columns))
    _require(min(times, default=0) >= 0 and max(times, default=0) <= wire.NUMBER_MAX)
    _check_runs(columns)
    _check_causes(columns)


def _check_runs(columns: Columns) -> None:
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


def _check_causes(columns: Columns) -> None:
    if not columns.cause_steps:
        return
    authors = spread(columns.run_clients, columns.run_lengths)
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


def _stamp(at_ms: int) -> bytes:
    return b"%x" % at_ms
