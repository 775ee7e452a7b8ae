"""Earlier states of a document: what it was made of when somebody saw it."""

import sqlite3

from crdtsync.errors import FormatError, UnknownVersionError
from crdtsync.protocol.causality import ChangeId, Frontier, Version, has, unpack_frontier
from crdtsync.store.arrivals import unpack_causes


def parse_version(text: str) -> Frontier:
    """Return the state that `DocumentInfo.version` names. It may come from a form, and be anything.

    Raises:
        UnknownVersionError: it names none.
    """
    try:
        return unpack_frontier(bytes.fromhex(text))
    except (FormatError, ValueError) as error:
        raise UnknownVersionError(f"{text!r:.80} is no version of a document") from error


def updates_as_of(connection: sqlite3.Connection, n: int, seen: Frontier) -> list[bytes]:
    """Return what a document is made of when just what was seen, and all that includes, is in it.

    Raises:
        UnknownVersionError: something of that is not here.
    """
    rows = connection.execute(
        "SELECT n, client, sequence, causes FROM _changes WHERE document = ? ORDER BY n DESC", (n,)
    ).fetchall()
    known = {ChangeId(client, sequence) for _, client, sequence, _ in rows}
    if not seen or not known.issuperset(seen):
        raise UnknownVersionError("what was seen of the document is not known here")
    version: Version = dict(seen)
    included: list[int] = []
    # What a change includes has arrived before it: one look at each, the newest first, finds all of it.
    for row, client, sequence, causes in rows:
        if has(version, ChangeId(client, sequence)):
            included.append(row)
            for cause in unpack_causes(causes):
                version[cause.client] = max(cause.sequence, version.get(cause.client, 0))
    included.reverse()
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
