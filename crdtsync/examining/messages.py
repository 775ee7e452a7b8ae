"""What goes through the pipes between a process and the one that examines for it.

Each message is a frame: its length in 4 bytes, then msgpack.
"""

import struct
from typing import BinaryIO

import msgspec

_LENGTH = struct.Struct("<I")
_ENCODER = msgspec.msgpack.Encoder()


class TryOut(msgspec.Struct, array_like=True, tag="t"):
    """Asks of each case whether all of it is good; the answers are as many booleans."""

    cases: list[tuple[list[bytes], list[bytes]]]


class Sift(msgspec.Struct, array_like=True, tag="s"):
    """Asks which deltas of one case are bad; the answers are indices as they are begun, and `Sifted`."""

    updates: list[bytes]
    deltas: list[bytes]
    needs: list[list[int]]
    doomed: dict[int, str]


class Sifted(msgspec.Struct, array_like=True):
    """The last answer to `Sift`."""

    unreadable: str
    refused: dict[int, str]


class Started(msgspec.Struct, array_like=True):
    """The first message of the process."""

    problem: str


Request = TryOut | Sift
REQUESTS = msgspec.msgpack.Decoder(Request)
ANSWERS = msgspec.msgpack.Decoder(bool | int | Sifted)
STARTED = msgspec.msgpack.Decoder(Started)


def write_frame(pipe: BinaryIO, message: object) -> None:
    """Send a message."""
    body = _ENCODER.encode(message)
    pipe.write(_LENGTH.pack(len(body)))
    pipe.write(body)
    pipe.flush()


def read_frame(pipe: BinaryIO) -> bytes | None:
    """Return the body of the next message; None when the other side is gone."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = pipe.read(length)
    return body if len(body) == length else None
