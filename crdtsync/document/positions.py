"""Order of entity lists: short strings that sort between any two others (fractional positions).

A position is an integer part, whose first character says how long it is, and a fraction, both in base 62
(D. Greenspan, "Implementing Fractional Indexing", 2020). Appending to a list only counts the integer part up,
so 1,000 appended lines keep positions of a few characters.
"""

DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
POSITION_CHARS_MAX = 512

_FIRST = "a0"
_SMALLEST = "A" + DIGITS[0] * 26


def between(before: str | None, after: str | None) -> str:
    """Return a position that sorts after `before` and before `after` (None: the end of the list).

    Raises:
        ValueError: one of them is no position, or they are not in order.
    """
    if before is not None:
        _check(before)
    if after is not None:
        _check(after)
    if before is None:
        return _first_before(after)
    if after is None:
        integer = _integer_part(before)
        counted = _increment(integer)
        return counted if counted is not None else integer + _midpoint(before[len(integer) :], None)
    if before >= after:
        raise ValueError(f"{before!r} does not come before {after!r}")
    low, high = _integer_part(before), _integer_part(after)
    if low == high:
        return low + _midpoint(before[len(low) :], after[len(high) :])
    counted = _increment(low)
    if counted is not None and counted < after:
        return counted
    return low + _midpoint(before[len(low) :], None)


def is_position(text: object) -> bool:
    """Whether `text` is a position this module could have made."""
    if not isinstance(text, str):
        return False
    try:
        _check(text)
    except ValueError:
        return False
    return True


def _first_before(after: str | None) -> str:
    if after is None:
        return _FIRST
    integer = _integer_part(after)
    if integer == _SMALLEST:
        return integer + _midpoint("", after[len(integer) :])
    if integer < after:
        return integer
    counted = _decrement(integer)
    if counted is None:
        raise ValueError("no position comes before the smallest one")
    return counted


def _check(position: str) -> None:
    if not position or len(position) > POSITION_CHARS_MAX or position == _SMALLEST:
        raise ValueError(f"{position!r:.40} is no position")
    integer = _integer_part(position)
    if any(digit not in DIGITS for digit in position[1:]) or position[len(integer) :].endswith("0"):
        raise ValueError(f"{position!r:.40} is no position")


def _integer_part(position: str) -> str:
    head = position[0]
    if "a" <= head <= "z":
        length = ord(head) - ord("a") + 2
    elif "A" <= head <= "Z":
        length = ord("Z") - ord(head) + 2
    else:
        raise ValueError(f"{position!r:.40} is no position")
    if length > len(position):
        raise ValueError(f"{position!r:.40} is no position")
    return position[:length]


def _midpoint(low: str, high: str | None) -> str:
    """Return a fraction strictly between two fractions (None: 1)."""
    if high is not None:
        common = 0
        while common < len(high) and (low[common] if common < len(low) else "0") == high[common]:
            common += 1
        if common:
            return high[:common] + _midpoint(low[common:], high[common:])
    first = DIGITS.index(low[0]) if low else 0
    last = DIGITS.index(high[0]) if high is not None else len(DIGITS)
    if last - first > 1:
        return DIGITS[(first + last + 1) // 2]
    if high is not None and len(high) > 1:
        return high[0]
    return DIGITS[first] + _midpoint(low[1:], None)


def _increment(integer: str) -> str | None:
    head, digits = integer[0], list(integer[1:])
    for place in reversed(range(len(digits))):
        value = DIGITS.index(digits[place]) + 1
        if value < len(DIGITS):
            digits[place] = DIGITS[value]
            return head + "".join(digits)
        digits[place] = "0"
    if head == "Z":
        return "a0"
    if head == "z":
        return None
    raised = chr(ord(head) + 1)
    return raised + "".join(digits) + "0" if raised > "a" else raised + "".join(digits[:-1])


def _decrement(integer: str) -> str | None:
    head, digits = integer[0], list(integer[1:])
    for place in reversed(range(len(digits))):
        value = DIGITS.index(digits[place]) - 1
        if value >= 0:
            digits[place] = DIGITS[value]
            return head + "".join(digits)
        digits[place] = DIGITS[-1]
    if head == "a":
        return "Z" + DIGITS[-1]
    if head == "A":
        return None
    lowered = chr(ord(head) - 1)
    return lowered + "".join(digits) + DIGITS[-1] if lowered < "Z" else lowered + "".join(digits[:-1])
