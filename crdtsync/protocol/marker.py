"""The marker of a shared folder: the file that says which folder this is.

Without it nothing is concluded and nothing is written: the folder may be unmounted, emptied or another one.
"""

from typing import Final

import msgspec

from crdtsync.errors import DamagedFileError
from crdtsync.protocol import wire
from crdtsync.protocol.files import FileHeader, FileType, decode_file, encode_file
from crdtsync.protocol.ids import FolderId, ReplicaId, id_bytes, id_text


class Marker(msgspec.Struct, frozen=True):
    """Which folder this is, and who set it up. The title is for people."""

    folder: FolderId
    created_by: ReplicaId
    created_ms: int
    title: str = ""


class _Marker(msgspec.Struct, array_like=True, frozen=True):
    folder: wire.IdBytes
    created_by: wire.IdBytes
    created_ms: wire.Count
    title: wire.Name


_DECODER = msgspec.msgpack.Decoder(_Marker)
_WHAT: Final = "marker"


def encode_marker(marker: Marker) -> bytes:
    """The body of the file.

    Raises:
        ValidationError: No reader would accept it.
    """
    return wire.encode_checked(
        _DECODER,
        _Marker(id_bytes(marker.folder), id_bytes(marker.created_by), marker.created_ms, marker.title),
        _WHAT,
    )


def decode_marker(body: bytes) -> Marker:
    """The marker that a body holds.

    Raises:
        DamagedFileError: It holds none.
    """
    read = wire.decode(_DECODER, body, _WHAT)
    return Marker(
        FolderId(id_text(read.folder)), ReplicaId(id_text(read.created_by)), read.created_ms, read.title
    )


def encode_marker_file(marker: Marker) -> bytes:
    """The whole file.

    Raises:
        ValidationError: No reader would accept it.
    """
    header = FileHeader(type=FileType.MARKER, folder=marker.folder, writer=marker.created_by)
    return encode_file(header, encode_marker(marker))


def decode_marker_file(data: bytes) -> Marker:
    """The marker that a whole file holds.

    Raises:
        FormatError: As `decode_file` does; `DamagedFileError` also for a file that is no marker.
    """
    decoded = decode_file(data)
    if decoded.header.type is not FileType.MARKER:
        raise DamagedFileError("The file is not a marker")
    marker = decode_marker(decoded.body)
    if (marker.folder, marker.created_by) != (decoded.header.folder, decoded.header.writer):
        raise DamagedFileError("The marker and its header name different folders")
    return marker
