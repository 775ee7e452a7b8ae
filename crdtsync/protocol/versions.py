"""The name of one state of one document: short, fit for a field of a form, and of no use with another document."""

from hashlib import blake2b

from crdtsync.errors import FormatError, UnknownVersionError
from crdtsync.protocol.causality import Frontier, pack_frontier, unpack_frontier

TAG_BYTES = 4
"""How much of a hash of the document's id stands in front: two documents of one writer have equal frontiers often."""


def version_text(document_id: str, frontier: Frontier | bytes) -> str:
    """Return the name of the state with that frontier, as it is or packed."""
    packed = frontier if isinstance(frontier, bytes) else pack_frontier(frontier)
    return (_tag(document_id) + packed).hex()


def parse_version(document_id: str, text: str) -> Frontier:
    """Return the frontier of the state that a text names. It may come from a form, and be anything.

    Raises:
        UnknownVersionError: it names no state, or one of another document.
    """
    try:
        raw = bytes.fromhex(text)
        frontier = unpack_frontier(raw[TAG_BYTES:])
    except (FormatError, ValueError) as error:
        raise UnknownVersionError(f"{text!r:.80} is no version of a document") from error
    if raw[:TAG_BYTES] != _tag(document_id):
        raise UnknownVersionError(f"{text!r:.80} is the version of another document than {document_id}")
    return frontier


def _tag(document_id: str) -> bytes:
    return blake2b(document_id.encode(), digest_size=TAG_BYTES, person=b"crdtsync-version").digest()
