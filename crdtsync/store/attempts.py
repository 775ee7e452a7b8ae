"""Remotes that this replica has tried to sync with and could not be attached to, each with the reason."""

import sqlite3


def refused(connection: sqlite3.Connection, address: str, problem: str, now_ms: int) -> None:
    """Remember why a replica could not be attached to a remote.

    Only the last address is kept: which others were tried is of no use to whoever asks what is wrong.
    """
    connection.execute("DELETE FROM _attempts WHERE address <> ?", (address,))
    connection.execute(
        "INSERT INTO _attempts (address, problem, problem_since_ms) VALUES (?, ?, ?) "
        "ON CONFLICT (address) DO UPDATE SET problem = excluded.problem WHERE problem <> excluded.problem",
        (address, problem, now_ms),
    )


def settled(connection: sqlite3.Connection) -> None:
    """Forget what could not be attached: the replica syncs."""
    connection.execute("DELETE FROM _attempts")


def last(connection: sqlite3.Connection) -> tuple[str, str, int] | None:
    """Return (address, problem, since when) of the remote that could not be attached; None if all is well."""
    found: tuple[str, str, int] | None = connection.execute(
        "SELECT address, problem, problem_since_ms FROM _attempts"
    ).fetchone()
    return found
