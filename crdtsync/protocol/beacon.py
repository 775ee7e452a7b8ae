"""The beacon of a replica: "this is what I have". Only another replica's beacon proves delivery."""

from typing import Annotated, Final, Literal

import msgspec
from msgspec import Meta

from crdtsync.errors import DamagedFileError, ValidationError
from crdtsync.protocol import wire
from crdtsync.protocol.files import NO_HASH
from crdtsync.protocol.ids import FeedId, ReplicaId, id_bytes, id_text

POSITIONS_MAX: Final = 100_000
WANTS_MAX: Final = 10_000

Role = Literal["office", "roaming"]


class FeedPosition(msgspec.Struct, frozen=True):
    """How far a feed goes, or is received: its segment of that sequence and hash, and all before it."""

    owner: ReplicaId
    feed: FeedId
    sequence: int
    hash: bytes


class FeedWant(msgspec.Struct, frozen=True):
    """A segment that is missing or damaged here, and that its owner is asked to publish again."""

    owner: ReplicaId
    feed: FeedId
    sequence: int


class Beacon(msgspec.Struct, frozen=True, kw_only=True):
    """What one replica durably has, at its `counter`-th beacon. Times and names are for people."""

    name: str
    role: Role
    coordinator: bool
    counter: int
    at_ms: int
    positions: list[FeedPosition]
    own: FeedPosition | None = None
    ledger_index: int = 0
    ledger_hash: bytes = NO_HASH
    wants: list[FeedWant] = []
    software: str = ""


class _Position(msgspec.Struct, array_like=True, frozen=True):
    owner: wire.IdBytes
    feed: wire.FeedBytes
    sequence: wire.Count
    hash: wire.HashBytes


class _Want(msgspec.Struct, array_like=True, frozen=True):
    owner: wire.IdBytes
    feed: wire.FeedBytes
    sequence: wire.Positive


class _Beacon(msgspec.Struct, array_like=True, frozen=True):
    name: wire.Name
    role: Role
    coordinator: bool
    counter: wire.Positive
    at_ms: wire.Count
    positions: Annotated[list[_Position], Meta(max_length=POSITIONS_MAX)]
    own: _Position | None
    ledger_index: wire.Count
    ledger_hash: wire.HashBytes
    wants: Annotated[list[_Want], Meta(max_length=WANTS_MAX)]
    software: wire.Name


_DECODER = msgspec.msgpack.Decoder(_Beacon)
_WHAT: Final = "beacon"


def encode_beacon(beacon: Beacon) -> bytes:
    """The body of the file.

    Raises:
        ValidationError: No reader would accept it, or it names a feed twice.
    """
    if len({(position.owner, position.feed) for position in beacon.positions}) != len(beacon.positions):
        raise ValidationError("A beacon names a feed once")
    return wire.encode_checked(
        _DECODER,
        _Beacon(
            beacon.name,
            beacon.role,
            beacon.coordinator,
            beacon.counter,
            beacon.at_ms,
            [_pack(position) for position in beacon.positions],
            None if beacon.own is None else _pack(beacon.own),
            beacon.ledger_index,
            beacon.ledger_hash,
            [_Want(id_bytes(want.owner), id_bytes(want.feed), want.sequence) for want in beacon.wants],
            beacon.software,
        ),
        _WHAT,
    )


def decode_beacon(body: bytes) -> Beacon:
    """The beacon that a body holds.

    Raises:
        DamagedFileError: It holds none, or one that names a feed twice.
    """
    read = wire.decode(_DECODER, body, _WHAT)
    if len({(position.owner, position.feed) for position in read.positions}) != len(read.positions):
        raise DamagedFileError("Not a valid beacon: it names a feed twice")
    return Beacon(
        name=read.name,
        role=read.role,
        coordinator=read.coordinator,
        counter=read.counter,
        at_ms=read.at_ms,
        positions=[_unpack(position) for position in read.positions],
        own=None if read.own is None else _unpack(read.own),
        ledger_index=read.ledger_index,
        ledger_hash=read.ledger_hash,
        wants=[
            FeedWant(ReplicaId(id_text(want.owner)), FeedId(id_text(want.feed)), want.sequence)
            for want in read.wants
        ],
        software=read.software,
    )


def _pack(position: FeedPosition) -> _Position:
    return _Position(id_bytes(position.owner), id_bytes(position.feed), position.sequence, position.hash)


def _unpack(position: _Position) -> FeedPosition:
    return FeedPosition(
        ReplicaId(id_text(position.owner)),
        FeedId(id_text(position.feed)),
        position.sequence,
        position.hash,
    )
