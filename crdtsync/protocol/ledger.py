"""The ledger of final numbers: one chain of entries, written by the coordinator alone and kept by everybody.

An entry is what its encoded bytes say. They are hashed, stored and passed on as they are, never encoded anew.
"""

import enum
import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from crdtsync.errors import DamagedFileError, ValidationError
from crdtsync.protocol import wire
from crdtsync.protocol.ids import DocumentId, ReplicaId, id_text

ENTRIES_MAX: Final = 100_000
"""Entries of one file."""

ENTRY_BYTES_MAX: Final = 16 * 1024


NO_DOCUMENT: Final = DocumentId("")
NO_REPLICA: Final = ReplicaId("")
NO_DIGEST: Final = bytes(wire.DIGEST_BYTES)


class Outcome(enum.Enum):
    """What became of a number."""

    GRANTED = "granted"
    VOID = "void"


GRANTED: Final = Outcome.GRANTED
VOID: Final = Outcome.VOID


class LedgerEntry(msgspec.Struct, frozen=True, kw_only=True):
    """One number is granted to a document, or void.

    A void entry names no document; it may void a number that an earlier entry granted, for good.
    """

    index: int
    """From 1, without holes."""
    previous: bytes
    """The hash of the entry before it; zeros for the first."""
    outcome: Outcome
    series: str
    number: int
    text: str
    """The number as it is printed."""
    document: DocumentId = NO_DOCUMENT
    reason: str = ""
    """Of a void entry."""
    requester: ReplicaId = NO_REPLICA
    digest: bytes = NO_DIGEST
    """Of the document's content for which the number was asked."""
    at_ms: int
    issue_date: str
    """ISO date; never goes back within a series."""


@dataclass(frozen=True, slots=True)
class LedgerHead:
    """The last entry of a ledger."""

    index: int
    hash: bytes


GENESIS: Final = LedgerHead(0, bytes(wire.HASH_BYTES))
"""The head of a ledger without entries."""


@dataclass(frozen=True, slots=True)
class Extension:
    """What some entries add to a ledger."""

    accepted: list[tuple[LedgerEntry, bytes]]
    """New entries that chain onto the head, in order."""
    head: LedgerHead
    """The head once they are accepted."""
    gap: bool
    """Whether entries between the head and the given ones have not arrived."""
    fork: int | None
    """The index at which the given entries and the ledger differ: two ledgers exist. Nothing is accepted."""


_OptionalIdBytes = Annotated[bytes, Meta(max_length=16)]


class _Entry(msgspec.Struct, array_like=True, frozen=True):
    index: wire.Positive
    previous: wire.HashBytes
    outcome: Literal["granted", "void"]
    series: Annotated[str, Meta(min_length=1, max_length=wire.NAME_CHARS_MAX)]
    number: wire.Count
    text: Annotated[str, Meta(min_length=1, max_length=wire.NAME_CHARS_MAX)]
    document: _OptionalIdBytes
    reason: wire.Label
    requester: _OptionalIdBytes
    digest: wire.DigestBytes
    at_ms: wire.Count
    issue_date: date


_ENTRY_DECODER = msgspec.msgpack.Decoder(_Entry)
_LEDGER_DECODER = msgspec.msgpack.Decoder(
    Annotated[
        list[Annotated[bytes, Meta(max_length=ENTRY_BYTES_MAX)]],
        Meta(min_length=1, max_length=ENTRIES_MAX),
    ]
)


def encode_entry(entry: LedgerEntry) -> bytes:
    """The bytes of the entry: what is hashed, kept and published.

    Raises:
        ValidationError: No reader would accept it.
    """
    try:
        issued = date.fromisoformat(entry.issue_date)
    except ValueError as error:
        raise ValidationError(f"Not an ISO date: {entry.issue_date!r}") from error
    encoded = wire.encode(
        _Entry(
            entry.index,
            entry.previous,
            entry.outcome.value,
            entry.series,
            entry.number,
            entry.text,
            wire.optional_id_bytes(entry.document),
            entry.reason,
            wire.optional_id_bytes(entry.requester),
            entry.digest,
            entry.at_ms,
            issued,
        )
    )
    try:
        decode_entry(encoded)
    except DamagedFileError as error:
        raise ValidationError(error.message) from error
    return encoded


def decode_entry(encoded: bytes) -> LedgerEntry:
    """The entry that the bytes hold.

    Raises:
        DamagedFileError: They hold none, or one that contradicts itself.
    """
    read = wire.decode(_ENTRY_DECODER, encoded, "ledger entry")
    granted = read.outcome == "granted"
    # A number nobody can attribute, or void without a reason, would be a hole in the books.
    _require(len(read.document) == (16 if granted else 0), "a number has a document, a void one none")
    _require(len(read.requester) == 16 or (len(read.requester) == 0 and not granted), "who asked is unknown")
    _require(bool(read.reason) != granted, "a void number has a reason, a granted one none")
    _require((read.index == 1) == (read.previous == GENESIS.hash), "only the first follows nothing")
    return LedgerEntry(
        index=read.index,
        previous=read.previous,
        outcome=Outcome(read.outcome),
        series=read.series,
        number=read.number,
        text=read.text,
        document=DocumentId(_optional_id(read.document)),
        reason=read.reason,
        requester=ReplicaId(_optional_id(read.requester)),
        digest=read.digest,
        at_ms=read.at_ms,
        issue_date=read.issue_date.isoformat(),
    )


def entry_hash(encoded: bytes) -> bytes:
    """The hash of an encoded entry, by which the next one and beacons name it."""
    return hashlib.blake2b(encoded, digest_size=wire.HASH_BYTES).digest()


def encode_ledger(entries: Iterable[bytes]) -> bytes:
    """The body of a ledger file, of contiguous encoded entries.

    Raises:
        ValidationError: There are none, too many, or they are no chain.
    """
    body = wire.encode(list(entries))
    try:
        decode_ledger(body)
    except DamagedFileError as error:
        raise ValidationError(error.message) from error
    return body


def decode_ledger(body: bytes) -> list[tuple[LedgerEntry, bytes]]:
    """The entries of a ledger file, each with its exact bytes: a contiguous piece of one chain.

    Raises:
        DamagedFileError: The body holds anything else.
    """
    entries: list[tuple[LedgerEntry, bytes]] = []
    head: LedgerHead | None = None
    for encoded in wire.decode(_LEDGER_DECODER, body, "ledger"):
        entry = decode_entry(encoded)
        if head is not None:
            _require(entry.index == head.index + 1 and entry.previous == head.hash, "the chain is broken")
        head = LedgerHead(entry.index, entry_hash(encoded))
        entries.append((entry, encoded))
    return entries


def extend(
    head: LedgerHead,
    known: Callable[[int], bytes | None],
    entries: Iterable[tuple[LedgerEntry, bytes]],
) -> Extension:
    """What the entries of one ledger file, as `decode_ledger` gives them, add to the ledger with that head.

    `known` gives the hash of the ledger's entry of an index, or None if it no longer has it.
    """
    accepted: list[tuple[LedgerEntry, bytes]] = []
    end = head
    for entry, encoded in entries:
        digest = entry_hash(encoded)
        if entry.index <= head.index:
            expected = head.hash if entry.index == head.index else known(entry.index)
            if expected is not None and expected != digest:
                return Extension([], head, gap=False, fork=entry.index)
        elif entry.index > end.index + 1:
            return Extension(accepted, end, gap=True, fork=None)
        elif entry.previous != end.hash:
            return Extension([], head, gap=False, fork=end.index)
        else:
            end = LedgerHead(entry.index, digest)
            accepted.append((entry, encoded))
    return Extension(accepted, end, gap=False, fork=None)


def _require(fact: bool, message: str) -> None:  # noqa: FBT001 - reads like an assertion
    if not fact:
        raise DamagedFileError(f"Not a valid ledger entry: {message}")


def _optional_id(raw: bytes) -> str:
    return id_text(raw) if raw else ""
