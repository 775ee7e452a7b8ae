"""What is fuzzed: every decoder, with valid inputs to begin with, and the outcomes it is allowed.

A target mutates its input in its own terms: bytes, or a tree that is packed again with every length and hash
around it right, so that the mutation is met by the layer that should refuse it.
"""

import datetime as dt
import enum
import json
import random
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec
import zstandard

from crdtsync import Document, Entities, Entity, GrowSet, Log, Ref, Series, Text, computed
from crdtsync import field as declared
from crdtsync.cli.values import from_json, from_text, parse_json
from crdtsync.document import registers
from crdtsync.document.model import schema_of
from crdtsync.document.stored import schema_from_json, schema_to_json
from crdtsync.document.values import codec_for
from crdtsync.errors import FormatError, SchemaError, UsageError
from crdtsync.protocol import ids, names
from crdtsync.protocol.beacon import Beacon, FeedPosition, FeedWant, decode_beacon, encode_beacon
from crdtsync.protocol.causality import (
    ChangeId,
    pack_frontier,
    pack_version,
    unpack_frontier,
    unpack_version,
)
from crdtsync.protocol.files import (
    HASH_BYTES,
    MAGIC,
    FileHeader,
    FileType,
    _hash,
    decode_file,
    encode_file,
)
from crdtsync.protocol.ledger import (
    GENESIS,
    GRANTED,
    VOID,
    LedgerEntry,
    LedgerHead,
    decode_entry,
    decode_ledger,
    encode_entry,
    encode_ledger,
    entry_hash,
    extend,
)
from crdtsync.protocol.marker import Marker, decode_marker, decode_marker_file, encode_marker
from crdtsync.protocol.segment import (
    Change,
    DocumentChanges,
    Incarnation,
    NumberRequest,
    Segment,
    decode_segment,
    encode_segment,
)

from .mutate import TEXTS, Tree, mutate_bytes, mutate_tree

AT_MS: Final = 1_760_000_000_000


class Finding(AssertionError):  # noqa: N818 - it is the news, not a mistake of the caller
    """A decoder did what it must not."""


@dataclass(frozen=True)
class Target:
    """One decoder. `run` raises one of `refusals`, or returns; anything else is a finding."""

    name: str
    seeds: Sequence[Any]
    pack: Callable[[Any], bytes]
    """From the form that is mutated to the bytes that are read; raises `ValueError` where there are none."""
    mutate: Callable[[random.Random, Any, Sequence[Any]], Any]
    run: Callable[[bytes], None]
    refusals: tuple[type[Exception], ...] = (FormatError,)
    bytes_per_byte: int = 400
    """How much memory a byte of input may take while it is read."""
    spare_bytes: int = 2 * 1024 * 1024
    spare_ms: float = 1000.0
    ms_per_kilobyte: float = 5.0


def _bytes_target(name: str, seeds: Sequence[bytes], run: Callable[[bytes], None], **options: Any) -> Target:
    return Target(name, seeds, bytes, mutate_bytes, run, **options)


_ENCODER = msgspec.msgpack.Encoder()


def _msgpack(tree: Tree) -> bytes:
    try:
        return _ENCODER.encode(tree)
    except (OverflowError, UnicodeEncodeError, TypeError, RecursionError) as error:
        raise ValueError(str(error)) from error


def _body_target(name: str, bodies: Sequence[bytes], run: Callable[[bytes], None]) -> Target:
    return Target(name, [msgspec.msgpack.decode(body) for body in bodies], _msgpack, mutate_tree, run)


# Values to begin with: small, and with one of everything.

FOLDER, ADA, BOB = (ids.id_text(name.ljust(16, b"\1")) for name in (b"folder", b"ada", b"bob"))
FEED = ids.id_text(b"feed\0\0\0\1")
DOCUMENTS = [ids.id_text(bytes([number]) * 16) for number in range(1, 4)]

SEGMENT = Segment(
    [Incarnation(7, ADA, "Ada", "R1"), Incarnation(9, BOB, "Bob", "R2")],
    [
        DocumentChanges(
            DOCUMENTS[0],
            "quote",
            [
                Change(7, 1, AT_MS, (), "made", b"\1\2" + b"%x" % AT_MS + b"\3"),
                Change(7, 2, AT_MS + 5, (), "", b"%x" % (AT_MS + 5) * 2),
                Change(9, 1, AT_MS + 4, (ChangeId(7, 1),), "", b"x"),
                Change(7, 3, AT_MS + 300, (ChangeId(9, 1),), "agreed", b"yy"),
                Change(11, 1, AT_MS, (ChangeId(7, 3), ChangeId(9, 1)), "", b"z"),
            ],
        ),
        DocumentChanges(DOCUMENTS[1], "customer", [Change(9, 4, 5, (), "", b"early")]),
    ],
    [
        NumberRequest(
            document=DOCUMENTS[0],
            kind="quote",
            series="quotes",
            serial=1,
            withdrawn=False,
            digest=bytes(range(16)),
            reference="R1-0001",
            at_ms=AT_MS,
        )
    ],
)
SMALL_SEGMENT = Segment([], [DocumentChanges(DOCUMENTS[0], "q", [Change(1, 1, 0, (), "", b"d")])], [])
BEACON = Beacon(
    name="R1",
    role="roaming",
    coordinator=False,
    counter=3,
    at_ms=AT_MS,
    positions=[FeedPosition(ADA, FEED, 3, bytes(range(32))), FeedPosition(BOB, FEED, 1, bytes(32))],
    own=FeedPosition(ADA, FEED, 2, bytes(32)),
    ledger_index=2,
    ledger_hash=bytes(range(32)),
    wants=[FeedWant(BOB, FEED, 2)],
    software="crdtsync 1",
)
MARKER = Marker(FOLDER, ADA, AT_MS, "Sales")


def _ledger() -> list[bytes]:
    made: list[bytes] = []
    head = GENESIS
    for index, outcome in enumerate((GRANTED, VOID, GRANTED), 1):
        granted = outcome is GRANTED
        made.append(
            encode_entry(
                LedgerEntry(
                    index=index,
                    previous=head.hash,
                    outcome=outcome,
                    series="quotes",
                    number=index,
                    text=f"Q-{index:05d}",
                    document=DOCUMENTS[index - 1] if granted else ids.DocumentId(""),
                    reason="" if granted else "misprint",
                    requester=BOB,
                    digest=bytes(range(16)),
                    at_ms=AT_MS,
                    issue_date="2025-10-09",
                )
            )
        )
        head = LedgerHead(index, entry_hash(made[-1]))
    return made


LEDGER = _ledger()
BODIES: Final = {
    FileType.MARKER: encode_marker(MARKER),
    FileType.SEGMENT: encode_segment(SEGMENT),
    FileType.LEDGER: encode_ledger(LEDGER),
    FileType.BEACON: encode_beacon(BEACON),
}
FILES: Final = {
    file_type: encode_file(
        FileHeader(
            type=file_type,
            folder=FOLDER,
            writer=ADA,
            feed=FEED if file_type is FileType.SEGMENT else ids.FeedId(""),
            sequence=3,
            previous=bytes(range(32)) if file_type is FileType.SEGMENT else bytes(32),
        ),
        body,
    )
    for file_type, body in BODIES.items()
}


# Files: bare bytes, bytes under a right hash, and a right frame around a mutated header and body.


def read_file(data: bytes) -> None:
    """Read a file as a replica does, down to its values."""
    decoded = decode_file(data)
    match decoded.header.type:
        case FileType.SEGMENT:
            read_segment(decoded.body)
        case FileType.BEACON:
            read_beacon(decoded.body)
        case FileType.LEDGER:
            read_ledger(decoded.body)
        case FileType.MARKER:
            decode_marker_file(data)


def sealed(data: bytes) -> bytes:
    """The same with a right hash, and lengths that fit as far as they can."""
    whole = bytearray(data[:-HASH_BYTES] if len(data) > HASH_BYTES else data)
    if len(whole) >= 20 and len(whole) % 3:
        header_bytes = int.from_bytes(whole[10:12], "little")
        whole[12:16] = (max(0, len(whole) - 20 - header_bytes) % 2**32).to_bytes(4, "little")
    return bytes(whole) + _hash(bytes(whole))


def framed(parts: list[Any]) -> bytes:
    """A file of version, raw length (None: the right one), header tree, body tree or bytes, stretch, tail."""
    try:
        version, raw_bytes, header, body, tail = parts
        packed = _msgpack(header)
        content = body if isinstance(body, bytes) else _msgpack(body)
        compressor = zstandard.ZstdCompressor(level=1, write_checksum=False)
        stored = compressor.compress(content) + (tail if isinstance(tail, bytes) else b"")
        length = len(content) if not isinstance(raw_bytes, int) else raw_bytes
        whole = MAGIC + (
            int(version).to_bytes(2, "little")
            + len(packed).to_bytes(2, "little")
            + len(stored).to_bytes(4, "little")
            + int(length).to_bytes(4, "little")
        )
    except (OverflowError, TypeError, ValueError) as error:
        raise ValueError(str(error)) from error
    whole += packed + stored
    return whole + _hash(whole)


def _frame_seeds() -> list[list[Any]]:
    seeds = []
    for file_type, body in BODIES.items():
        feed = ids.id_bytes(FEED) if file_type is FileType.SEGMENT else b""
        header = [int(file_type), ids.id_bytes(FOLDER), ids.id_bytes(ADA), feed, 3, bytes(32)]
        seeds.append([1, None, header, msgspec.msgpack.decode(body), b""])
    return seeds


# Bodies. What is accepted must be writable, and read the same again: a peer may have to pass it on.


def read_segment(body: bytes) -> None:
    segment = decode_segment(body)
    for document in segment.documents:
        _require(ids.is_id(document.document) and bool(document.changes), "a document that is none")
        newest: dict[int, int] = {}
        for change in document.changes:
            _require(newest.get(change.client, 0) < change.sequence < 2**53, "sequences that do not rise")
            _require(0 < change.client < 2**53 and 0 <= change.at_ms < 2**53, "a number out of range")
            newest[change.client] = change.sequence
            clients = [cause.client for cause in change.causes]
            _require(clients == sorted({*clients} - {change.client}), "causes of two spellings")
            _require(all(0 < cause.sequence < 2**53 for cause in change.causes), "a cause out of range")
    _require(
        len({document.document for document in segment.documents}) == len(segment.documents),
        "a document is there twice",
    )
    _require(decode_segment(encode_segment(segment)) == segment, "a segment changes when it is written again")


def read_beacon(body: bytes) -> None:
    beacon = decode_beacon(body)
    _require(decode_beacon(encode_beacon(beacon)) == beacon, "a beacon changes when it is written again")


def read_marker(body: bytes) -> None:
    marker = decode_marker(body)
    _require(decode_marker(encode_marker(marker)) == marker, "a marker changes when it is written again")


def read_entry(encoded: bytes) -> None:
    entry = decode_entry(encoded)
    _require(decode_entry(encode_entry(entry)) == entry, "an entry changes when it is written again")


def read_ledger(body: bytes) -> None:
    entries = decode_ledger(body)
    known = {1: entry_hash(LEDGER[0])}
    for head in (GENESIS, LedgerHead(1, known[1]), LedgerHead(1, bytes(32))):
        for start in (0, 1):
            _extend(head, known, entries[start:])


def _extend(head: LedgerHead, known: dict[int, bytes], entries: list[tuple[LedgerEntry, bytes]]) -> None:
    extension = extend(head, known.get, entries)
    _require(extension.head.index == head.index + len(extension.accepted), "the head is not the last entry")
    _require(extension.fork is None or not extension.accepted, "a fork is accepted")
    previous = head.hash
    for entry, encoded in extension.accepted:
        _require(entry.previous == previous, "what is accepted is no chain")
        previous = entry_hash(encoded)
    _require(extension.head.hash == previous, "the head is not that of the last entry")


def chained(trees: Any) -> bytes:
    """The body of a ledger whose entries follow each other, as long as they are entries at all."""
    if not isinstance(trees, list):
        return _msgpack(trees)
    encoded: list[Any] = []
    previous = GENESIS.hash
    for tree in trees:
        if isinstance(tree, list) and len(tree) > 1 and isinstance(tree[1], bytes) and len(tree[1]) == 32:
            tree = [tree[0], previous, *tree[2:]]  # noqa: PLW2901
        encoded.append(_msgpack(tree))
        previous = entry_hash(encoded[-1])
    return _msgpack(encoded)


def read_version(packed: bytes) -> None:
    version = unpack_version(packed)
    _require(unpack_version(pack_version(version)) == version, "a version changes when it is packed again")
    frontier = unpack_frontier(packed)
    _require(
        unpack_frontier(pack_frontier(frontier)) == frontier, "a frontier changes when it is packed again"
    )


# Names and texts.

NAMES: Final = [
    names.segment_name(ADA, FEED, 12, bytes(range(32))),
    names.segment_name(ADA, FEED, 12, bytes(range(32)), copy=2),
    names.ledger_name(ADA, 7, bytes(32)),
    names.beacon_name(BOB, 9, bytes(32)),
    names.marker_name(FOLDER),
    "a/.sync/s-00000001-0123456789 (conflicted copy).crdts",
    "~cs-1234.tmp",
    "S-00000001-0123456789.CRDTS",
    "Icon\r",
]


def read_name(data: bytes) -> None:
    hint = names.classify(data.decode("utf-8", "surrogateescape"))
    _require(hint.number is None or 0 <= hint.number < 2**53, "a number out of range")
    _require(hint.owner is None or ids.is_id(hint.owner), "an owner that is no id")
    _require(hint.feed is None or ids.is_feed_id(hint.feed), "a feed that is no id")
    _require(hint.folder is None or ids.is_id(hint.folder), "a folder that is no id")
    _require(len(bytes.fromhex(hint.hash_start)) in (0, 5), "a hash of odd length")


def _mutate_text(rng: random.Random, data: bytes, others: Sequence[bytes]) -> bytes:
    if rng.randrange(2):
        at = rng.randrange(len(data) + 1)
        data = data[:at] + rng.choice(TEXTS).encode()[:500] + data[at:]
    return mutate_bytes(rng, data, others)[:5000]


class Colour(enum.Enum):
    RED = "red"
    BLUE = "blue"


@dataclass(frozen=True)
class Price:
    msrp: Decimal
    margin: Decimal = Decimal("0.5")
    note: str | None = None


class Line(Entity):
    product: str
    quantity: Annotated[int, msgspec.Meta(ge=0, le=1000)] = declared(default=1, policy="highest")
    price: Price | None = None


class Offer(Document, kind="offer", series=Series("offers", "O-{number:05d}")):
    customer: str = declared(default="", indexed=True, searchable=True)
    code: Annotated[str, msgspec.Meta(pattern="^[a-z]*$", max_length=5)] = ""
    due: dt.date | None = None
    at: dt.datetime | None = None
    colour: Colour = Colour.RED
    parent: Ref["offer"] | None = None  # noqa: F821 - a kind
    sizes: tuple[int, ...] = ()
    lines: Entities[Line]
    events: Log[str]
    tags: GrowSet[str]
    notes: Text

    @computed
    def total(self) -> Decimal:
        return Decimal(0)


class Memo(Document, kind="memo", shared=True):
    title: str


def read_schema(data: bytes) -> None:
    schema = schema_from_json(data.decode("utf-8", "replace"))
    text = schema_to_json(schema)
    _require(schema_to_json(schema_from_json(text)) == text, "a schema changes when it is stored again")


def _json(tree: Tree) -> bytes:
    try:
        return json.dumps(tree, default=lambda value: value.hex()).encode()
    except (TypeError, ValueError, RecursionError, UnicodeEncodeError) as error:
        raise ValueError(str(error)) from error


ANNOTATIONS: Final = (
    str,
    int,
    bool,
    Decimal,
    dt.date,
    dt.datetime,
    Colour,
    Price,
    Ref["offer"],
    tuple[int, ...],
    tuple[Price, ...],
    int | None,
    Price | None,
    int | str,
    Annotated[int, msgspec.Meta(ge=0, le=9)],
)


async def _reference(text: str, kind: str | None) -> str:
    return text.strip() or (kind or "")


def _result(coroutine: Coroutine[Any, Any, Any]) -> Any:
    try:
        coroutine.send(None)
    except StopIteration as done:
        return done.value
    raise Finding("a value waits for something")


def read_value(data: bytes) -> None:
    """The first byte chooses the type, the rest is what a person types or gives as JSON."""
    annotation = ANNOTATIONS[data[0] % len(ANNOTATIONS)] if data else str
    text = data[1:].decode("utf-8", "surrogateescape")
    if data[:1] > b"\x7f":
        value = _result(from_json(annotation, parse_json(text, "it"), "it", _reference))
    else:
        value = _result(from_text(annotation, text, "it", _reference))
    codec = codec_for(annotation)
    raw = codec.encode(value)
    _require(codec.encode(codec.decode(raw)) == raw, "a value changes when it is written again")


def read_entries(data: bytes) -> None:
    """Map entries, one a line, as a document of another replica holds them."""
    entries = {}
    for line in data.decode("utf-8", "replace").split("\n"):
        key, _, value = line.partition("=")
        entries[key] = value
        parsed_key, parsed = registers.parse_key(key), registers.parse_value(value)
        if parsed_key is not None:
            _require(registers.entry_key(*parsed_key) == key, "a key of two spellings")
        if parsed is not None:
            _require(registers.entry_value(*parsed) == value, "a value of two spellings")
            registers.decode_seen(parsed[1])


VALUES: Final = [
    b"\0text",
    b"\x01 12",
    b"\x02yes",
    b"\x031678.00",
    b"\x042030-12-31",
    b"\x052030-12-31T17:30:00+00:00",
    b"\x06red",
    b'\x07{"msrp": "1.50", "margin": 0.25}',
    b"\x08aaaa",
    b"\x091, 2,3",
    b'\x0a[{"msrp": 1}]',
    b"\x0b",
    b'\x8e{"msrp": "1", "note": null}',
    b"\x90[1, 2, 3]",
    b"\x885",
]
ENTRIES: Final = (
    b'customer|7f=19a "Ada"\nlines/a1|7f=19a "V"\nlines/a1/quantity|9=1 2\nlines/a1/!|9=2 {"7f":410}\n'
    b'_reference/R1-0001|7f=19a true\ntags/x-1|1f=0 "hot"\nodd|zz=1 1\nlines/a1/!|a=3 null'
)


def _require(fact: bool, message: str) -> None:
    if not fact:
        raise Finding(message)


_UNPACKED: Final = 400 * 1024 * 1024
"""A whole file may unpack to what the format allows its type; the frame says how much before it is done."""

TARGETS: Final = {
    target.name: target
    for target in (
        _bytes_target("file", list(FILES.values()), read_file),
        Target(
            "sealed",
            list(FILES.values()),
            sealed,
            mutate_bytes,
            read_file,
        ),
        Target("framed", _frame_seeds(), framed, mutate_tree, read_file),
        _body_target("segment", [BODIES[FileType.SEGMENT], encode_segment(SMALL_SEGMENT)], read_segment),
        _bytes_target("segment-bytes", [BODIES[FileType.SEGMENT]], read_segment),
        _body_target("beacon", [BODIES[FileType.BEACON]], read_beacon),
        _body_target("marker", [BODIES[FileType.MARKER]], read_marker),
        _body_target("entry", LEDGER, read_entry),
        Target(
            "ledger", [[msgspec.msgpack.decode(one) for one in LEDGER]], chained, mutate_tree, read_ledger
        ),
        _bytes_target("ledger-bytes", [BODIES[FileType.LEDGER]], read_ledger),
        _body_target("version", [pack_version({1: 5, 7: 2, 2**53 - 1: 1}), pack_version({})], read_version),
        _bytes_target("version-bytes", [pack_version({1: 5, 300: 70_000})], read_version),
        Target("name", [name.encode() for name in NAMES], bytes, _mutate_text, read_name, ()),
        Target(
            "schema",
            [json.loads(schema_to_json(schema_of(cls))) for cls in (Offer, Memo)],
            _json,
            mutate_tree,
            read_schema,
            (SchemaError,),
        ),
        Target("value", VALUES, bytes, _mutate_text, read_value, (UsageError,)),
        Target("entries", [ENTRIES], bytes, _mutate_text, read_entries, ()),
    )
}

__all__ = ["TARGETS", "Finding", "Target"]
