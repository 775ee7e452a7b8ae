"""Which documents a person means: by a number, as it is printed or about so, or by an id or its beginning."""

import re
import sqlite3

from crdtsync.store.query import storable

PREFIX_CHARS_MIN = 4
"""How much of an id must be given at least, where its beginning is enough."""

IDENTIFIED_MAX = 20

NUMBER_DIGITS_MAX = 12
"""Of the counter in a number whose zeros a person may leave out."""

_COUNTED = re.compile(r"(.*?)(\d{1,12})", re.DOTALL | re.ASCII)


def find_number(connection: sqlite3.Connection, text: str) -> list[tuple[str, str]]:
    """Return (id, kind) of the documents of a final or reference number, the final one's first.

    If it is none as it is written, a person may have left out zeros, a dash or a space; what could then be more
    than one number is none.
    """
    exact = _numbered(connection, [storable(text)])
    found = exact or _numbered(connection, _spellings(storable(text)))
    if len({number.lower() for number, _, _ in found}) > 1:
        return []
    return list(dict.fromkeys((identity, kind) for _, identity, kind in found))


def _numbered(connection: sqlite3.Connection, texts: list[str]) -> list[tuple[str, str, str]]:
    places = ", ".join("?" * len(texts))
    return connection.execute(
        f"SELECT l.text, d.id, d.kind FROM _ledger l JOIN _documents d ON d.id = l.document WHERE l.text IN ({places}) "
        "UNION ALL SELECT a.text, d.id, d.kind FROM _aliases a JOIN _documents d ON d.n = a.document "
        f"WHERE a.text IN ({places})",
        (*texts, *texts),
    ).fetchall()


def _spellings(text: str) -> list[str]:
    """Return how a number may be written that a person gave as ``r1-2``, ``r1 2`` or ``R1 - 0002``."""
    match = _COUNTED.fullmatch(text)
    if match is None:
        return []
    before, digits = match.group(1), match.group(2).lstrip("0") or "0"
    # What stands before the counter, as it is and without the spaces and the dash at its end.
    bare = re.sub(r"\s+", "", before).rstrip("-")
    starts = dict.fromkeys((before, re.sub(r"\s+", "", before), bare, f"{bare}-"))
    widths = range(len(digits), NUMBER_DIGITS_MAX + 1)
    return [f"{start}{digits:0>{width}}" for start in starts for width in widths]


def identify(connection: sqlite3.Connection, text: str) -> list[tuple[str, str]]:
    """Return (id, kind) of the documents a person may mean: by number, by id, or by the beginning of an id.

    A number comes before the beginning of an id, which has at least `PREFIX_CHARS_MIN` characters.
    """
    found = find_number(connection, text)
    if found or len(text) < PREFIX_CHARS_MIN:
        return found
    start = text.lower()
    rows = connection.execute(
        "SELECT id, kind FROM _documents WHERE id >= ? AND id < ? AND rev > 0 ORDER BY id LIMIT ?",
        (start, start + "\x7f", IDENTIFIED_MAX),
    )
    return [(row[0], row[1]) for row in rows]
