"""The frame of every file in a shared folder: it proves what it is, that it is whole, and where it belongs.

::

    8   magic             89 43 52 44 54 53 0d 0a
    2   format version    1
    2   header length     H
    4   stored length     S: of the body as it lies here
    4   raw length        of the body before compression
    H   header            msgpack array
    S   body              one zstd frame
    32  hash              blake2b-256 of everything before it

Integers are little-endian and unsigned. All of it but header and body stays so in every later version.
"""

import enum
import hashlib
import struct
from dataclasses import dataclass
from typing import Annotated, Final

import msgspec
import zstandard
from msgspec import Meta

from crdtsync.errors import (
    DamagedFileError,
    ForeignFileError,
    LimitExceededError,
    NewerFormatError,
    PartialFileError,
    ValidationError,
)
from crdtsync.protocol import wire
from crdtsync.protocol.ids import FeedId, FolderId, ReplicaId, id_bytes, id_text

MAGIC: Final = b"\x89CRDTS\r\n"
FORMAT_VERSION: Final = 1
HASH_BYTES: Final = wire.HASH_BYTES
NO_FEED: Final = FeedId("")
NO_HASH: Final = bytes(HASH_BYTES)
"""Stands for the file before the first of a chain."""

FILE_BYTES_MAX: Final = 64 * 1024 * 1024
HEADER_BYTES_MAX: Final = 4096
BODY_BYTES_MAX: Final = 256 * 1024 * 1024
"""Of a segment, before compression. A ledger file may have a quarter of it, a beacon or marker far less."""

ZSTD_LEVEL: Final = 6

_PRELUDE = struct.Struct("<8sHHII")
_ZERO_TAIL_BYTES: Final = 8


class FileType(enum.IntEnum):
    """What a file holds."""

    MARKER = 1
    SEGMENT = 2
    LEDGER = 3
    BEACON = 4


_BODY_BYTES_MAX: Final = {
    FileType.MARKER: 64 * 1024,
    FileType.SEGMENT: BODY_BYTES_MAX,
    FileType.LEDGER: BODY_BYTES_MAX // 4,
    FileType.BEACON: 16 * 1024 * 1024,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class FileHeader:
    """Whose file this is, and its place."""

    type: FileType
    folder: FolderId
    writer: ReplicaId
    feed: FeedId = NO_FEED
    """Of a segment; empty for other files."""
    sequence: int = 0
    """Of a segment in its feed, from 1; a ledger file's last index; a beacon's counter."""
    previous: bytes = NO_HASH
    """The hash of the segment before it in the feed; zeros for the first, and in other files."""


@dataclass(frozen=True, slots=True)
class DecodedFile:
    """A whole and undamaged file. `body` is not yet decoded."""

    header: FileHeader
    body: bytes
    hash: bytes


class _Header(msgspec.Struct, array_like=True, frozen=True):
    type: Annotated[int, Meta(ge=1, le=255)]
    folder: wire.IdBytes
    writer: wire.IdBytes
    feed: Annotated[bytes, Meta(max_length=8)]
    sequence: wire.Count
    previous: wire.HashBytes


_HEADER_DECODER = msgspec.msgpack.Decoder(_Header)


def encode_file(header: FileHeader, body: bytes) -> bytes:
    """The bytes of the file. Keep them: another version of zstd may give others for the same arguments.

    Raises:
        ValidationError: The header makes no sense, or the body is larger than a reader accepts.
    """
    limit = _BODY_BYTES_MAX[header.type]
    if len(body) > limit:
        raise ValidationError(f"A {header.type.name.lower()} holds at most {limit} bytes, not {len(body)}")
    if bool(header.feed) != (header.type is FileType.SEGMENT):
        raise ValidationError("A segment has a feed, and no other file has")
    if header.type is FileType.SEGMENT and header.sequence < 1:
        raise ValidationError("The segments of a feed are numbered from 1")
    packed = wire.encode_checked(
        _HEADER_DECODER,
        _Header(
            int(header.type),
            id_bytes(header.folder),
            id_bytes(header.writer),
            id_bytes(header.feed) if header.feed else b"",
            header.sequence,
            header.previous,
        ),
        "header",
    )
    stored = zstandard.ZstdCompressor(level=ZSTD_LEVEL, write_checksum=False).compress(body)
    prelude = _PRELUDE.pack(MAGIC, FORMAT_VERSION, len(packed), len(stored), len(body))
    whole = prelude + packed + stored
    if len(whole) + HASH_BYTES > FILE_BYTES_MAX:
        raise ValidationError(f"A file has at most {FILE_BYTES_MAX} bytes, not {len(whole) + HASH_BYTES}")
    return whole + _hash(whole)


def file_hash(data: bytes) -> bytes:
    """The hash at the end of a whole file, by which the chain and beacons name it. Checks nothing."""
    return data[-HASH_BYTES:]


def decode_file(data: bytes) -> DecodedFile:
    """The file that `data` holds, after every check that needs no other file.

    Raises:
        PartialFileError: Empty, shorter than it says, or its end is still zeros.
        ForeignFileError: It does not begin as our files do.
        LimitExceededError: It says that it is larger than this version accepts.
        DamagedFileError: It is not what its writer wrote.
        NewerFormatError: It is whole, and of a later version or of a type unknown to this one.
    """
    version, header_end, body_end, raw_bytes = _measure(data)
    if _hash(memoryview(data)[:body_end]) != data[body_end:]:
        # Services that reserve the space first show the right size and zeros where content is to come.
        if data.endswith(bytes(_ZERO_TAIL_BYTES)):
            raise PartialFileError("The end of the file has not arrived yet")
        raise DamagedFileError("The hash of the file does not match its content")
    if version > FORMAT_VERSION:
        raise NewerFormatError(f"The file has format version {version}; this is {FORMAT_VERSION}")
    header = _read_header(data[_PRELUDE.size : header_end])
    if raw_bytes > _BODY_BYTES_MAX[header.type]:
        raise LimitExceededError(f"The {header.type.name.lower()} says its body has {raw_bytes} bytes")
    return DecodedFile(header, _decompress(data[header_end:body_end], raw_bytes), data[body_end:])


def _measure(data: bytes) -> tuple[int, int, int, int]:
    """Version, end of the header, end of the body and declared raw length of a file of the declared size."""
    start = data[: _PRELUDE.size].rstrip(b"\0")
    if len(start) < len(MAGIC) and MAGIC.startswith(start):
        raise PartialFileError("The beginning of the file has not arrived yet")
    if not data.startswith(MAGIC):
        raise ForeignFileError("The file does not begin as a file of crdtsync does")
    if len(data) < _PRELUDE.size:
        raise PartialFileError(f"Only {len(data)} bytes of the file are here")
    _, version, header_bytes, stored_bytes, raw_bytes = _PRELUDE.unpack_from(data)
    if version == 0:
        raise DamagedFileError("There is no format version 0")
    header_end = _PRELUDE.size + header_bytes
    body_end = header_end + stored_bytes
    size = body_end + HASH_BYTES
    if header_bytes > HEADER_BYTES_MAX or size > FILE_BYTES_MAX or raw_bytes > BODY_BYTES_MAX:
        raise LimitExceededError(f"The file says it has {size} bytes, and {raw_bytes} unpacked")
    if len(data) < size:
        raise PartialFileError(f"Only {len(data)} of {size} bytes of the file are here")
    if len(data) > size:
        raise DamagedFileError(f"The file has {len(data)} bytes and says {size}")
    return version, header_end, body_end, raw_bytes


def _read_header(packed: bytes) -> FileHeader:
    header = wire.decode(_HEADER_DECODER, packed, "header")
    try:
        file_type = FileType(header.type)
    except ValueError:
        raise NewerFormatError(f"The file is of type {header.type}, unknown to this version") from None
    if len(header.feed) != (8 if file_type is FileType.SEGMENT else 0):
        raise DamagedFileError("A segment has a feed, and no other file has")
    if file_type is FileType.SEGMENT and header.sequence < 1:
        raise DamagedFileError("The segments of a feed are numbered from 1")
    return FileHeader(
        type=file_type,
        folder=FolderId(id_text(header.folder)),
        writer=ReplicaId(id_text(header.writer)),
        feed=FeedId(id_text(header.feed) if header.feed else ""),
        sequence=header.sequence,
        previous=header.previous,
    )


def _decompress(stored: bytes, raw_bytes: int) -> bytes:
    try:
        # What the frame itself declares decides how much memory zstd takes: compare before, not after.
        declared = zstandard.get_frame_parameters(stored).content_size
        if declared != raw_bytes:
            raise DamagedFileError("The body is not as long as the file says")
        body = zstandard.ZstdDecompressor().decompress(
            stored, max_output_size=raw_bytes, allow_extra_data=False
        )
    except zstandard.ZstdError as error:
        raise DamagedFileError(f"The body cannot be decompressed: {error}") from error
    if len(body) != raw_bytes:
        raise DamagedFileError("The body is not as long as the file says")
    return body


def _hash(data: bytes | memoryview) -> bytes:
    return hashlib.blake2b(data, digest_size=HASH_BYTES).digest()
