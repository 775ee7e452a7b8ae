"""What all bodies share: bounded types for msgpack, and decoding that fails in one documented way."""

from typing import Annotated, Any, Final, TypeVar

import msgspec
from msgspec import Meta

from crdtsync.errors import DamagedFileError, ValidationError
from crdtsync.protocol.ids import CLIENT_ID_MAX, FEED_ID_BYTES, ID_BYTES, id_bytes

T = TypeVar("T")

NUMBER_MAX: Final = 2**53 - 1
"""The largest integer that every reader keeps exactly."""

HASH_BYTES: Final = 32
DIGEST_BYTES: Final = 16
NAME_CHARS_MAX: Final = 100
LABEL_CHARS_MAX: Final = 1000
KIND_PATTERN: Final = r"^[a-z][a-z0-9_]{0,39}\Z"

IdBytes = Annotated[bytes, Meta(min_length=ID_BYTES, max_length=ID_BYTES)]
FeedBytes = Annotated[bytes, Meta(min_length=FEED_ID_BYTES, max_length=FEED_ID_BYTES)]
HashBytes = Annotated[bytes, Meta(min_length=HASH_BYTES, max_length=HASH_BYTES)]
DigestBytes = Annotated[bytes, Meta(min_length=DIGEST_BYTES, max_length=DIGEST_BYTES)]
Client = Annotated[int, Meta(ge=1, le=CLIENT_ID_MAX)]
Count = Annotated[int, Meta(ge=0, le=NUMBER_MAX)]
Positive = Annotated[int, Meta(ge=1, le=NUMBER_MAX)]
Name = Annotated[str, Meta(max_length=NAME_CHARS_MAX)]
Label = Annotated[str, Meta(max_length=LABEL_CHARS_MAX)]
Kind = Annotated[str, Meta(pattern=KIND_PATTERN)]

_ENCODER = msgspec.msgpack.Encoder()


def encode(value: Any) -> bytes:
    """The msgpack of `value`.

    Raises:
        ValidationError: It holds text that is not Unicode, or an integer beyond 64 bits.
    """
    try:
        return _ENCODER.encode(value)
    except (UnicodeEncodeError, OverflowError, TypeError) as error:
        raise ValidationError(f"Cannot be written: {error}") from error


def encode_checked(decoder: msgspec.msgpack.Decoder[Any], value: Any, what: str) -> bytes:
    """The msgpack of `value`, proved to be readable: nothing is published that no reader accepts.

    Raises:
        ValidationError: A reader would refuse it.
    """
    body = encode(value)
    try:
        decode(decoder, body, what)
    except DamagedFileError as error:
        raise ValidationError(error.message) from error
    return body


def decode(decoder: msgspec.msgpack.Decoder[T], body: bytes, what: str) -> T:
    """The typed value that `body` holds.

    Raises:
        DamagedFileError: It holds anything else.
    """
    try:
        return decoder.decode(body)
    # RecursionError: elements that this version does not know are skipped, however deep they nest.
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise DamagedFileError(f"Not a valid {what}: {error}") from error


def optional_id_bytes(text: str) -> bytes:
    """The bytes of an id of 16 bytes, or no bytes for no id.

    Raises:
        ValidationError: `text` is neither an id nor empty.
    """
    return id_bytes(text) if text else b""
