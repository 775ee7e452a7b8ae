"""Free text: from two versions of a string to the splices that merge by character."""

from collections.abc import Iterable
from difflib import SequenceMatcher

from crdtsync.document.crdt import Splice

_FINE_DIFF_CHARS_MAX = 2_000
"""Beyond this a changed region is replaced as one: a character diff is quadratic."""


def splices(base: str, target: str) -> list[Splice]:
    """Return what turns `base` into `target`, in ascending order, in offsets of `base`."""
    if base == target:
        return []
    head = _common_prefix(base, target)
    tail = _common_prefix(base[head:][::-1], target[head:][::-1])
    old, new = base[head : len(base) - tail], target[head : len(target) - tail]
    if not old or not new or len(old) + len(new) > _FINE_DIFF_CHARS_MAX:
        return [(head, head + len(old), new)]
    matcher = SequenceMatcher(None, old, new, autojunk=False)
    return [
        (head + start, head + stop, new[first:last])
        for tag, start, stop, first, last in matcher.get_opcodes()
        if tag != "equal"
    ]


def rebase(parts: Iterable[Splice], base: str, live: str) -> list[Splice]:
    """Carry splices of `base` over to `live`: what was deleted stays deleted, what is new there is kept."""
    parts = list(parts)
    if base == live or not parts:
        return parts
    position = _positions(base, live)
    inserted: dict[int, str] = {}
    deleted: set[int] = set()
    for start, stop, content in parts:
        if content:
            at = _place(position, start)
            inserted[at] = inserted.get(at, "") + content
        deleted.update(place for place in position[start:stop] if place is not None)
    carried: list[Splice] = []
    for at in sorted(deleted | inserted.keys()):
        content, stop = inserted.get(at, ""), at + (at in deleted)
        if carried and carried[-1][1] == at and not content:
            carried[-1] = (carried[-1][0], stop, carried[-1][2])
        else:
            carried.append((at, stop, content))
    return carried


def _positions(base: str, live: str) -> list[int | None]:
    """Return for each character of `base` where it is in `live`, or None when it is gone."""
    found: list[int | None] = [None] * len(base)
    offset = 0
    kept = 0
    for start, stop, inserted in splices(base, live):
        for index in range(kept, start):
            found[index] = index + offset
        kept = stop
        offset += len(inserted) - (stop - start)
    for index in range(kept, len(base)):
        found[index] = index + offset
    return found


def _place(position: list[int | None], start: int) -> int:
    """Return where an insertion before `start` goes: behind the nearest character before it that is left."""
    for index in range(start - 1, -1, -1):
        place = position[index]
        if place is not None:
            return place + 1
    return 0


def _common_prefix(first: str, second: str) -> int:
    limit = min(len(first), len(second))
    if first[:limit] == second[:limit]:
        return limit
    low, high = 0, limit
    while high - low > 1:
        middle = (low + high) // 2
        if first[:middle] == second[:middle]:
            low = middle
        else:
            high = middle
    return low
