"""Which change may be applied when, and what a replica has of a document.

Every change of a document is numbered 1, 2, 3... by its author's incarnation (its client), and names the
changes of others that its author had seen and that no other change it names includes: its causes. A change
is applied only when its own predecessor and its causes are. That makes the counters of a `Version` exact:
client -> n means that all of 1 to n are applied.
"""

from collections.abc import Iterable, Iterator
from itertools import chain, pairwise
from typing import Annotated, Final, NamedTuple

import msgspec
from msgspec import Meta

from crdtsync.errors import DamagedFileError
from crdtsync.protocol import wire


class ChangeId(NamedTuple):
    """One change of one document. Sequences count from 1, per document and client, without holes."""

    client: int
    sequence: int


Version = dict[int, int]
"""Client -> the highest sequence that is applied."""

Frontier = tuple[ChangeId, ...]
"""The applied changes that no other applied change includes, sorted; at most one of each client."""

CLIENTS_MAX: Final = 1_000_000
"""Clients of one document. Each is one process start of one replica that edited the document."""


def has(version: Version, change_id: ChangeId) -> bool:
    """Whether the change is applied."""
    return version.get(change_id[0], 0) >= change_id[1]


def missing(version: Version, change_id: ChangeId, causes: Iterable[ChangeId]) -> list[ChangeId]:
    """What must be applied before this change can be; empty if it can be applied now, or is already."""
    client, sequence = change_id
    applied = version.get(client, 0)
    if applied >= sequence:
        return []
    wanted = [] if applied == sequence - 1 else [ChangeId(client, sequence - 1)]
    wanted += [cause for cause in causes if version.get(cause[0], 0) < cause[1]]
    return wanted


def advance(
    version: Version, frontier: Frontier, change_id: ChangeId, causes: Iterable[ChangeId]
) -> Frontier:
    """Note in `version` that the change is applied, and give the new frontier. Of an old change: nothing.

    `missing` must have been empty. Causes are applied, so whatever they include left the frontier when they
    were: it is enough to drop the causes and the change's own predecessor.
    """
    client, sequence = change_id
    applied = version.get(client, 0)
    if applied >= sequence:
        return frontier
    assert applied == sequence - 1, "a change is applied after its predecessor"
    version[client] = sequence
    dropped = dict(causes)
    dropped[client] = sequence
    kept = [entry for entry in frontier if dropped.get(entry[0], 0) < entry[1]]
    kept.append(ChangeId(client, sequence))
    kept.sort()
    return tuple(kept)


def take_ready(
    version: Version, frontier: Frontier, changes: Iterable[tuple[ChangeId, Iterable[ChangeId]]]
) -> tuple[list[ChangeId], Version, Frontier]:
    """Which of some changes, given with their causes, can be applied, in an order in which they can be.

    Also gives version and frontier when they are; those that were given stay as they are. What is applied
    already is left out, as is what waits for something that is not among the changes. Each change and each
    cause is looked at once, in whatever order they are given: nobody may order changes so that it takes long.
    """
    version = dict(version)
    ends = dict(frontier)
    ready: list[ChangeId] = []
    blocked: dict[ChangeId, list[_Waiting]] = {}
    for change_id, causes in changes:
        before = ChangeId(change_id[0], change_id[1] - 1)
        going: list[_Waiting] = [(change_id, causes, chain((before,), causes))]
        while going:
            one = going.pop()
            key, key_causes, needs = one
            if has(version, key):
                continue
            wanted = next((need for need in needs if version.get(need[0], 0) < need[1]), None)
            if wanted is not None:
                # Applied is applied: when this one is, the look goes on behind it.
                blocked.setdefault(ChangeId(*wanted), []).append(one)
                continue
            version[key[0]] = key[1]
            for cause in key_causes:
                if ends.get(cause[0], 0) <= cause[1]:
                    ends.pop(cause[0], None)
            ends[key[0]] = key[1]
            ready.append(key)
            going.extend(reversed(blocked.pop(key, ())))
    return ready, version, tuple(sorted(map(ChangeId._make, ends.items())))


_Waiting = tuple[ChangeId, Iterable[ChangeId], Iterator[ChangeId]]
"""A change, its causes, and what of its needs has not been looked at."""


def causes_of_next(frontier: Frontier, client: int) -> tuple[ChangeId, ...]:
    """The causes that the next change of `client` names. Its own predecessor goes without saying."""
    return tuple(entry for entry in frontier if entry[0] != client)


_PAIRS = msgspec.msgpack.Decoder(list[Annotated[int, Meta(ge=1, le=wire.NUMBER_MAX)]])


def pack_version(version: Version) -> bytes:
    """The version in a few bytes; equal versions give equal bytes.

    Raises:
        ValidationError: A number is beyond 64 bits.
    """
    return wire.encode([number for entry in sorted(version.items()) for number in entry])


def unpack_version(packed: bytes) -> Version:
    """The version that `pack_version` packed.

    Raises:
        DamagedFileError: It did not pack this.
    """
    return dict(_unpack(packed))


def pack_frontier(frontier: Frontier) -> bytes:
    """The frontier in a few bytes; equal frontiers give equal bytes.

    Raises:
        ValidationError: A number is beyond 64 bits.
    """
    return wire.encode([number for entry in frontier for number in entry])


def unpack_frontier(packed: bytes) -> Frontier:
    """The frontier that `pack_frontier` packed.

    Raises:
        DamagedFileError: It did not pack this.
    """
    return tuple(map(ChangeId._make, _unpack(packed)))


def _unpack(packed: bytes) -> list[tuple[int, int]]:
    numbers = wire.decode(_PAIRS, packed, "version")
    if len(numbers) % 2 or len(numbers) > 2 * CLIENTS_MAX:
        raise DamagedFileError("Not a valid version: wrong length")
    clients = numbers[::2]
    if any(first >= second for first, second in pairwise(clients)):
        raise DamagedFileError("Not a valid version: clients out of order")
    return list(zip(clients, numbers[1::2], strict=True))
