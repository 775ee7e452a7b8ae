"""The digest of a document's content: equal content gives equal digests, in whatever order it came.

It is a sum modulo 2**128 of one blake2b hash per map entry and per text (a multiset hash, as in D. Clarke et
al., "Incremental Multiset Hash Functions", 2003), so that an edit updates it in the time of what it touches.
It finds divergence; it is no protection against somebody who wants two contents to look equal.
"""

from collections.abc import Iterable
from hashlib import blake2b

DIGEST_BYTES = 16
_MODULUS = 1 << (8 * DIGEST_BYTES)


def of_entry(key: str, value: str) -> int:
    """Return what one map entry adds."""
    hashed = blake2b(f"{key}\0{value}".encode(), digest_size=DIGEST_BYTES).digest()
    return int.from_bytes(hashed, "little")


def of_text(name: str, content: str) -> int:
    """Return what one text adds; an empty text adds nothing."""
    return of_entry(f"t:{name}", content) if content else 0


def of_entries(entries: Iterable[tuple[str, str]]) -> int:
    """Return what many map entries add."""
    return sum(of_entry(key, value) for key, value in entries) % _MODULUS


def pack(digest: int) -> bytes:
    """Return the digest as its 16 bytes."""
    return (digest % _MODULUS).to_bytes(DIGEST_BYTES, "little")


def unpack(digest: bytes) -> int:
    """Return the sum behind the 16 bytes."""
    return int.from_bytes(digest, "little")
