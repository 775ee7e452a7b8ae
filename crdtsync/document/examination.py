"""Trying out deltas of others on a scratch document: all that this program would do with them, and nothing kept.

Whoever calls this must bear that it may never return, or that the process dies.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from crdtsync.document.crdt import CrdtDocument, Splice, entries_of
from crdtsync.errors import CrdtError

STORED = -1
"""Stands for what is stored, where otherwise the index of a delta stands."""

_MARKER = "!"
"""As in `registers`, which the process that examines need not import."""

_CLIENT = 2**53 - 1
"""Writes on scratch documents only: nobody ever sees it."""


class Tried(msgspec.Struct, array_like=True, tag="o", frozen=True):
    """What came of trying out; see `environment.Outcome`."""

    entries: str
    changed: dict[str, tuple[str | None, str | None]]
    near: dict[str, str]
    texts_before: dict[str, str]
    texts: dict[str, str]
    state: bytes


def try_out(updates: Sequence[bytes], deltas: Sequence[bytes]) -> Tried:
    """Apply deltas as they would be applied, read the outcome, store it, open and edit that; return what it was.

    Raises:
        CrdtError: something of that failed.
    """
    document = CrdtDocument(_CLIENT, updates)
    try:
        before = _texts(document)
        changed = document.apply(deltas) if deltas else {}
        entries, texts = document.entries_text(), _texts(document)
        found = entries_of(entries)
        keys = list(found)
        state = document.state()
    finally:
        document.close()
    document = CrdtDocument(_CLIENT, (state,))
    try:
        document.entries_text()
        splices: dict[str, list[Splice]] = {
            name: [(0, min(1, len(content)), "x")] for name, content in _texts(document).items()
        }
        document.write(dict.fromkeys(keys[:1], "x"), keys[1:2], splices)
    finally:
        document.close()
    return Tried(entries, changed, near(found, changed), before, texts, state)


def near(entries: Mapping[str, str], changed: Iterable[str]) -> dict[str, str]:
    """Return the entries that must be known to show again what was changed; see `environment.Outcome.near`.

    Nothing here is checked: of what is no key of ours too much or too little may be returned.
    """
    # Every key of every document passes here, hence the plain style: no key is taken apart further than needed.
    names: set[str] = set()
    whole: set[str] = set()
    for key in changed:
        path = key.rpartition("|")[0].split("/", 2)
        names.add(path[0])
        if len(path) > 1:
            whole.add(f"{path[0]}/{path[1]}")
    found: dict[str, str] = {}
    rest: list[tuple[str, str]] = []
    placed: set[str] = set()
    for key in entries:
        before, slash, last = key.rpartition("/")
        if not slash:
            if key.rpartition("|")[0] in names:
                found[key] = entries[key]
        elif "/" not in before:
            if before in names:
                found[key] = entries[key]
                placed.add(key.rpartition("|")[0])
        else:
            rest.append((before, key))
            if last.startswith(_MARKER):
                whole.add(before)
    for entity, key in rest:
        if entity in whole or (entity not in placed and entity.partition("/")[0] in names):
            found[key] = entries[key]
    return found


def sift(
    updates: Sequence[bytes],
    deltas: Sequence[bytes],
    needs: Sequence[Sequence[int]],
    doomed: Mapping[int, str],
    begin: Callable[[int], None],
) -> tuple[str, dict[int, str]]:
    """Try out one delta after the other, and find those that are bad.

    Args:
        updates: what is stored.
        deltas: what came, in order.
        needs: for each delta the earlier ones it builds on.
        doomed: deltas that are known to be bad, with the reason; they are left alone.
        begin: is told what is tried out next: an index, or `STORED`. If that never ends, it is to blame.

    Returns:
        Why what is stored is unreadable (empty: it is not), and the bad deltas with the reason. What builds
        on one of them is left alone and is not among them.
    """
    begin(STORED)
    try:
        state = try_out(updates, ()).state
    except CrdtError as error:
        return error.message, {}
    refused: dict[int, str] = {}
    left_out: set[int] = set()
    for index, delta in enumerate(deltas):
        if index in doomed:
            refused[index] = doomed[index]
            left_out.add(index)
        elif not left_out.isdisjoint(needs[index]):
            left_out.add(index)
        else:
            begin(index)
            try:
                state = try_out((state,), (delta,)).state
            except CrdtError as error:
                refused[index] = error.message
                left_out.add(index)
    return "", refused


def without(refused: Mapping[int, str], needs: Sequence[Sequence[int]]) -> list[int]:
    """Return the indices that are neither refused nor build on what is."""
    left_out: set[int] = set()
    for index, needed in enumerate(needs):
        if index in refused or not left_out.isdisjoint(needed):
            left_out.add(index)
    return [index for index in range(len(needs)) if index not in left_out]


def _texts(document: CrdtDocument) -> dict[str, str]:
    return {name: document.text(name) for name in document.text_names()}
