"""How files are named, and what a name lets one guess.

Names are hints. They spare a reader the opening of what it has, and are never believed: services rename,
fold, number, nest and copy. Only a file's content says what it is.
"""

import enum
import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from crdtsync.errors import ValidationError
from crdtsync.protocol.ids import FeedId, FolderId, ReplicaId, is_feed_id, is_id

EXTENSION: Final = ".crdts"
TEMP_PREFIX: Final = "~cs-"
"""Begins the name of a file that is being written; it is renamed when complete."""

NAME_CHARS_MAX: Final = 120
FILES_PER_DIRECTORY: Final = 1000
HASH_CHARS: Final = 10
LEDGER_DIRECTORY: Final = "ledger"
BEACON_DIRECTORY: Final = "beacons"

_NUMBER_MAX: Final = 2**53 - 1
_COPIES_MAX: Final = 9999


class NameKind(enum.Enum):
    """What a name suggests."""

    MARKER = "marker"
    SEGMENT = "segment"
    LEDGER = "ledger"
    BEACON = "beacon"
    UNKNOWN = "unknown"
    """It has our extension, and else says nothing."""
    TEMP = "temp"
    """A file in the making: ours, a service's or an editor's."""
    FOREIGN = "foreign"


@dataclass(frozen=True, slots=True)
class NameHint:
    """What a name suggests about a file. Nothing may depend on it but the order and the sparing of reads."""

    kind: NameKind
    owner: ReplicaId | None = None
    feed: FeedId | None = None
    folder: FolderId | None = None
    number: int | None = None
    """The sequence of a segment, the last index of a ledger file, the counter of a beacon."""
    hash_start: str = ""
    """The first hexadecimal digits of the file's hash."""

    @property
    def worth_opening(self) -> bool:
        """Whether the file may be one of ours."""
        return self.kind not in (NameKind.TEMP, NameKind.FOREIGN)


def marker_name(folder: FolderId) -> str:
    """The name of a folder's marker.

    Raises:
        ValidationError: Not a folder's id.
    """
    _check(is_id(folder), f"Not a folder id: {folder!r}")
    return f"folder-{folder}{EXTENSION}"


def segment_name(owner: ReplicaId, feed: FeedId, sequence: int, file_hash: bytes, *, copy: int = 0) -> str:
    """The name of a segment. A file that vanished is published again as `copy` 1, 2, ...

    Raises:
        ValidationError: An id, a number or the hash is out of range.
    """
    _check(is_feed_id(feed), f"Not a feed id: {feed!r}")
    return _numbered(f"{_owner(owner)}/{feed}/{_block(sequence)}/s", sequence, file_hash, copy)


def ledger_name(owner: ReplicaId, last_index: int, file_hash: bytes, *, copy: int = 0) -> str:
    """The name of a ledger file whose last entry has that index.

    Raises:
        ValidationError: The id, a number or the hash is out of range.
    """
    return _numbered(
        f"{_owner(owner)}/{LEDGER_DIRECTORY}/{_block(last_index)}/l", last_index, file_hash, copy
    )


def beacon_name(owner: ReplicaId, counter: int, file_hash: bytes, *, copy: int = 0) -> str:
    """The name of a beacon.

    Raises:
        ValidationError: The id, a number or the hash is out of range.
    """
    return _numbered(f"{_owner(owner)}/{BEACON_DIRECTORY}/b", counter, file_hash, copy)


_FOLDED_ID = r"[a-z2-7]{26}(?![a-z2-7])"
_MARKER = re.compile(rf"folder-({_FOLDED_ID})", re.ASCII)
_NUMBERED = re.compile(r"(?<![a-z0-9])([slb])-([0-9]{8,16})-([0-9a-f]{10})(?![0-9a-z])", re.ASCII)
_DIRECTORY_ID = re.compile(rf"({_FOLDED_ID})", re.ASCII)
_DIRECTORY_FEED = re.compile(r"([a-z2-7]{13})(?![a-z2-7])", re.ASCII)

# Leading dots: hidden files, resource forks (`._`), transfers (`.~`, `.syncthing.`), stubs (`.name.icloud`).
_TEMP = re.compile(
    r"""^[.~$] | ~$ | ^\#.*\#$
      | \.(?: tmp | temp | part | partial | crdownload | download | swp | swx | lock | filepart | icloud
            | nextcloud | owncloud )$""",
    re.VERBOSE,
)
_FOREIGN_DIRECTORY = re.compile(r"^(?: [.~$@\#] | system\ volume\ information$ | __macosx$ )", re.VERBOSE)
_KINDS: Final = {"s": NameKind.SEGMENT, "l": NameKind.LEDGER, "b": NameKind.BEACON}


@lru_cache(maxsize=32_768)  # Every round looks at every name again, of which there are 5,000 or so.
def classify(name: str) -> NameHint:
    """What a relative name suggests, whatever a service has done to it. Takes any string and never raises."""
    *directories, last = name.lower().split("/")
    if any(_FOREIGN_DIRECTORY.search(directory) for directory in directories):
        return NameHint(NameKind.FOREIGN)
    if EXTENSION not in last:
        return NameHint(NameKind.TEMP if last.startswith(TEMP_PREFIX) else NameKind.FOREIGN)
    if _TEMP.search(last):
        return NameHint(NameKind.TEMP)
    owner, feed = _places(directories)
    if (found := _NUMBERED.search(last)) and int(found[2]) <= _NUMBER_MAX:
        letter, number, hash_start = found.groups()
        kind = _KINDS[letter]
        return NameHint(
            kind,
            owner=owner,
            feed=feed if kind is NameKind.SEGMENT else None,
            number=int(number),
            hash_start=hash_start,
        )
    if (found := _MARKER.search(last)) and is_id(found[1]):
        return NameHint(NameKind.MARKER, folder=FolderId(found[1]))
    return NameHint(NameKind.UNKNOWN, owner=owner, feed=feed)


def _places(directories: list[str]) -> tuple[ReplicaId | None, FeedId | None]:
    """The owner and feed of the innermost directories that look like theirs, with or without a suffix."""
    feed = None
    for directory in reversed(directories):
        if (found := _DIRECTORY_ID.match(directory)) and is_id(found[1]):
            return ReplicaId(found[1]), feed
        if feed is None and (found := _DIRECTORY_FEED.match(directory)) and is_feed_id(found[1]):
            feed = FeedId(found[1])
    return None, feed


def _owner(owner: ReplicaId) -> str:
    _check(is_id(owner), f"Not a replica id: {owner!r}")
    return owner


def _block(number: int) -> str:
    return f"{number // FILES_PER_DIRECTORY:04d}"


def _numbered(start: str, number: int, file_hash: bytes, copy: int) -> str:
    _check(0 <= number <= _NUMBER_MAX, f"Not a number for a file: {number}")
    _check(0 <= copy <= _COPIES_MAX, f"Not the number of a copy: {copy}")
    _check(len(file_hash) * 2 >= HASH_CHARS, "Not a file's hash")
    suffix = f"-r{copy}" if copy else ""
    name = f"{start}-{number:08d}-{file_hash.hex()[:HASH_CHARS]}{suffix}{EXTENSION}"
    assert len(name) <= NAME_CHARS_MAX
    return name


def _check(fact: bool, message: str) -> None:  # noqa: FBT001 - reads like an assertion
    if not fact:
        raise ValidationError(message)
