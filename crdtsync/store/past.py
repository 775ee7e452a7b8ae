"""Earlier states of a document: what it was made of when somebody saw it."""

import sqlite3
from collections.abc import Collection

from crdtsync.errors import UnknownVersionError
from crdtsync.protocol.causality import ChangeId, Frontier, Version, has
from crdtsync.store.arrivals import unpack_causes


def updates_as_of(
    connection: sqlite3.Connection, n: int, seen: Frontier, own: Collection[int] = ()
) -> list[bytes] | None:
    """Return what a document is made of when just what was seen, and all that includes, is in it.

    Args:
        connection: the writer's.
        n: the document.
        seen: the frontier of what was seen.
        own: clients whose changes were seen as well, as far as these build on nothing else that was not.

    Returns:
        Its updates; None where that is all there is.

    Raises:
        UnknownVersionError: something of what was seen is not here.
    """
    rows = connection.execute(
        "SELECT n, client, sequence, causes FROM _changes WHERE document = ? ORDER BY n DESC", (n,)
    ).fetchall()
    known = {ChangeId(client, sequence) for _, client, sequence, _ in rows}
    if not seen or not known.issuperset(seen):
        raise UnknownVersionError("what was seen of the document is not known here")
    version: Version = dict(seen)
    included: list[int] = []
    left: list[tuple[ChangeId, int, bytes]] = []
    # What a change includes has arrived before it: one look at each, the newest first, finds all of it.
    for row, client, sequence, causes in rows:
        if has(version, ChangeId(client, sequence)):
            included.append(row)
            for cause in unpack_causes(causes):
                version[cause.client] = max(cause.sequence, version.get(cause.client, 0))
        else:
            left.append((ChangeId(client, sequence), row, causes))
    for change, row, causes in reversed(left):
        if change.client not in own or version.get(change.client, 0) != change.sequence - 1:
            continue
        if all(has(version, cause) for cause in unpack_causes(causes)):
            version[change.client] = change.sequence
            included.append(row)
    if len(included) == len(rows):
        return None
    included.sort()
    return _updates(connection, n, included, [row[0] for row in reversed(rows)])


def _updates(connection: sqlite3.Connection, n: int, included: list[int], every: list[int]) -> list[bytes]:
    """Return the deltas of some changes, on top of the stored state if that holds nothing else."""
    state = connection.execute("SELECT change, state FROM _states WHERE document = ?", (n,)).fetchone()
    updates: list[bytes] = []
    start = 0
    if state is not None:
        stored = [row for row in every if row <= state[0]]
        if included[: len(stored)] == stored:
            updates.append(state[1])
            start = len(stored)
    if start < len(included):
        deltas = dict(
            connection.execute(
                "SELECT n, delta FROM _changes WHERE document = ? AND n BETWEEN ? AND ?",
                (n, included[start], included[-1]),
            ).fetchall()
        )
        updates.extend(deltas[row] for row in included[start:])
    return updates
