"""Identities: of replicas, documents, folders, entities, feeds and incarnations, and how they are written."""

import base64
import hashlib
import re
from collections.abc import Callable
from functools import lru_cache
from typing import Final, NewType

from crdtsync.errors import ValidationError

ReplicaId = NewType("ReplicaId", str)
DocumentId = NewType("DocumentId", str)
FolderId = NewType("FolderId", str)
EntityId = NewType("EntityId", str)
FeedId = NewType("FeedId", str)
ClientId = NewType("ClientId", int)

RandomBytes = Callable[[int], bytes]
"""A source of randomness: gives as many bytes as it is asked for."""

ID_BYTES: Final = 16
ID_CHARS: Final = 26
FEED_ID_BYTES: Final = 8
FEED_ID_CHARS: Final = 13
CLIENT_ID_MAX: Final = 2**53 - 1

# The last character carries padding bits, which must be zero: one id has exactly one spelling.
_ID = re.compile(r"[a-z2-7]{25}[aeimquy4]|[a-z2-7]{12}[acegikmoqsuwy246]", re.ASCII)

# `int(text, 32)` runs in C; its digits are 0-9a-v where ours are a-z2-7.
_TO_INT_DIGITS = str.maketrans("abcdefghijklmnopqrstuvwxyz234567", "0123456789abcdefghijklmnopqrstuv")


@lru_cache(maxsize=4096)  # `b32encode` is slow, and the same few replicas and feeds are named all the time.
def id_text(raw: bytes) -> str:
    """The text of an id of 16 bytes (26 characters) or 8 bytes (13 characters).

    Raises:
        ValidationError: `raw` has another length.
    """
    match len(raw):
        case 16:
            return base64.b32encode(raw)[:26].decode("ascii").lower()
        case 8:
            return base64.b32encode(raw)[:13].decode("ascii").lower()
        case length:
            raise ValidationError(f"An id has 16 or 8 bytes, not {length}")


def id_bytes(text: str) -> bytes:
    """The bytes of an id: the inverse of `id_text`.

    Raises:
        ValidationError: `text` is not an id as `id_text` writes it.
    """
    if _ID.fullmatch(text) is None:
        raise ValidationError(f"Not an id: {text[:40]!r}")
    number = int(text.translate(_TO_INT_DIGITS), 32)
    if len(text) == ID_CHARS:
        return (number >> 2).to_bytes(16, "big")
    return (number >> 1).to_bytes(8, "big")


def is_id(text: str) -> bool:
    """Whether `text` is the id of a replica, document, folder or entity."""
    return len(text) == ID_CHARS and _ID.fullmatch(text) is not None


def is_feed_id(text: str) -> bool:
    """Whether `text` is the id of a feed."""
    return len(text) == FEED_ID_CHARS and _ID.fullmatch(text) is not None


def derive_id(*parts: str) -> DocumentId:
    """The id that every replica derives from the same parts: two that make one document apart have made one.

    Raises:
        ValidationError: No parts, or a part is not valid Unicode.
    """
    if not parts:
        raise ValidationError("An id is derived from at least one part")
    digest = hashlib.blake2b(digest_size=ID_BYTES, person=b"crdtsync-id")
    for part in parts:
        try:
            raw = part.encode()
        except UnicodeEncodeError as error:
            raise ValidationError(f"Not valid Unicode: {part!r}") from error
        # The length keeps ("ab", "c") and ("a", "bc") apart.
        digest.update(len(raw).to_bytes(8, "little"))
        digest.update(raw)
    return DocumentId(id_text(digest.digest()))


def new_id(random_bytes: RandomBytes) -> str:
    """A fresh random id of 16 bytes."""
    return id_text(random_bytes(ID_BYTES))


def new_replica_id(random_bytes: RandomBytes) -> ReplicaId:
    """A fresh id for a replica."""
    return ReplicaId(new_id(random_bytes))


def new_document_id(random_bytes: RandomBytes) -> DocumentId:
    """A fresh id for a document."""
    return DocumentId(new_id(random_bytes))


def new_folder_id(random_bytes: RandomBytes) -> FolderId:
    """A fresh id for a shared folder."""
    return FolderId(new_id(random_bytes))


def new_entity_id(random_bytes: RandomBytes) -> EntityId:
    """A fresh id for an entity, a log entry or an element of a set."""
    return EntityId(new_id(random_bytes))


def new_feed_id(random_bytes: RandomBytes) -> FeedId:
    """A fresh id for a feed."""
    return FeedId(id_text(random_bytes(FEED_ID_BYTES)))


def new_client_id(random_bytes: RandomBytes) -> ClientId:
    """A fresh client id for an incarnation: 1 to 2**53 - 1, which every JSON reader keeps exactly."""
    while True:
        number = int.from_bytes(random_bytes(7), "little") & CLIENT_ID_MAX
        if number:
            return ClientId(number)
