"""What goes through the pipes between a process and the one that examines for it.

Each message is a frame: its length in 4 bytes, then msgpack.
"""

import struct
from collections.abc import Iterator
from contextlib import suppress
from io import BufferedReader
from typing import BinaryIO, Final

import msgspec

from crdtsync.document.examination import Tried

_LENGTH = struct.Struct("<I")
_ENCODER = msgspec.msgpack.Encoder()

CHUNK_BYTES: Final = 1024 * 1024
"""How much is read from a pipe at a time, and how much it is to hold: whoever answers must not wait for every answer
to be read, and whoever reads must not be woken for each."""


class TryOut(msgspec.Struct, array_like=True, tag="t"):
    """Asks of each case whether all of it is good; of each the answer is what it came to, or False."""

    cases: list[tuple[list[bytes], list[bytes]]]


class Sift(msgspec.Struct, array_like=True, tag="s"):
    """Asks which deltas of one case are bad; the answers are indices as they are begun, and `Sifted`."""

    updates: list[bytes]
    deltas: list[bytes]
    needs: list[list[int]]
    doomed: dict[int, str]


class Sifted(msgspec.Struct, array_like=True, tag="s"):
    """The last answer to `Sift`."""

    unreadable: str
    refused: dict[int, str]


class Started(msgspec.Struct, array_like=True):
    """The first message of the process."""

    problem: str


Request = TryOut | Sift
REQUESTS = msgspec.msgpack.Decoder(Request)
Answer = bool | int | Tried | Sifted
ANSWERS = msgspec.msgpack.Decoder(Answer)
STARTED = msgspec.msgpack.Decoder(Started)


def write_frame(pipe: BinaryIO, message: object) -> None:
    """Send a message."""
    body = _ENCODER.encode(message)
    pipe.write(_LENGTH.pack(len(body)))
    pipe.write(body)
    pipe.flush()


def widen(pipe: BinaryIO) -> None:
    """Let a pipe hold `CHUNK_BYTES`, where the system can be asked for that."""
    with suppress(ImportError, AttributeError, OSError):
        import fcntl  # noqa: PLC0415 - not on every system

        fcntl.fcntl(pipe, fcntl.F_SETPIPE_SZ, CHUNK_BYTES)  # type: ignore[attr-defined,unused-ignore]


def read_frames(pipe: BufferedReader) -> Iterator[bytes]:
    """Yield the bodies of messages as they come, until the other side is gone: all that is there at a time.

    Nothing else may read from the pipe. Who stops after a message has left nothing unread if no more was sent.
    """
    waiting = bytearray()
    while chunk := pipe.read1(CHUNK_BYTES):
        waiting += chunk
        at = 0
        while len(waiting) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(waiting, at)
            end = at + _LENGTH.size + length
            if len(waiting) < end:
                break
            yield bytes(waiting[at + _LENGTH.size : end])
            at = end
        del waiting[:at]


def read_frame(pipe: BinaryIO) -> bytes | None:
    """Return the body of the next message; None when the other side is gone."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        return None
    (length,) = _LENGTH.unpack(head)
    body = pipe.read(length)
    return body if len(body) == length else None
