"""Free text that two people type into: what one of them changed, carried over to what there is now."""


def carried_over(seen: str, typed: str, current: str) -> str:
    """Return `current` with the change that made `typed` of `seen`.

    It is taken as one replaced stretch. Where that is in `current` is told by what is before or after it; if
    neither is there any more, what was typed is put at the end, since nothing that was typed may be lost.
    """
    if current == seen:
        return typed
    start = _common(seen, typed)
    tail = _common(seen[start:][::-1], typed[start:][::-1])
    stop = len(seen) - tail
    inserted = typed[start : len(typed) - tail]
    removed = seen[start:stop]
    if current.startswith(seen[: start + len(removed)]):
        return current[:start] + inserted + current[start + len(removed) :]
    if current.endswith(seen[start:]):
        place = len(current) - len(seen) + start
        return current[:place] + inserted + current[place + len(removed) :]
    return f"{current}\n{inserted}" if inserted else current


def _common(first: str, second: str) -> int:
    length = 0
    for one, other in zip(first, second, strict=False):
        if one != other:
            break
        length += 1
    return length
