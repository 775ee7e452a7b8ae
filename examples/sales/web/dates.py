"""Dates as the people of one locale write them, read strictly: what could mean two days is refused."""

import datetime as dt
import re
from functools import lru_cache

from babel import Locale
from babel.dates import format_date, get_date_format

from examples.sales.web.numbers import plain_text

CENTURY = 2000
FIRST_DAY = dt.date(CENTURY, 1, 1)
LAST_DAY = dt.date(CENTURY + 99, 12, 31)
"""A year of two digits is one between them: outside, it would be shown as one thing and read as another."""
_SIGN = r" ?[./-] ?| "
_SHAPE = re.compile(rf"([0-9]{{1,4}})({_SIGN})([0-9]{{1,2}})({_SIGN})([0-9]{{1,4}})")
_WORDS = re.compile("'[^']*'")
_YEAR_DIGITS = 4


def read_date(typed: str, locale: Locale) -> dt.date:
    """Return a day, written as the locale does or with the year first, as 2024-05-31.

    Raises:
        ValueError: it is none, or could be meant for another one.
    """
    pattern, text = date_pattern(locale), plain_text(typed)
    for words in _WORDS.findall(pattern):
        text = text.replace(words.strip("'"), "")
    pattern = _WORDS.sub("", pattern)
    found = _SHAPE.fullmatch(text.rstrip(" ."))
    if found is None:
        raise ValueError("no date of this locale")
    first, sign, second, other_sign, third = found.groups()
    if len(first) == _YEAR_DIGITS:
        return dt.date(int(first), int(second), int(third))
    order = [part for part in "".join(dict.fromkeys(pattern)) if part in "yMd"]
    parts = dict(zip(order, (first, second, third), strict=True))
    year, month, day = _year(parts["y"], pattern, order), int(parts["M"]), int(parts["d"])
    date = dt.date(year, month, day)
    # Signs of another country come with its order: 05.06.24 is in June, wherever it is typed.
    is_foreign = not {sign.strip() or " ", other_sign.strip() or " "} <= {*pattern}
    if is_foreign and month != day and day <= 12:
        raise ValueError("the day and the month could be meant the other way round")
    return date


def show_date(date: dt.date, locale: Locale) -> str:
    """Return a day, short; with its whole year where two digits of it would be read as another one."""
    if not FIRST_DAY <= date <= LAST_DAY:
        return date.isoformat()
    return format_date(date, format="short", locale=locale)


@lru_cache(maxsize=64)
def date_pattern(locale: Locale) -> str:
    """Return how the locale writes a day, as in M/d/yy."""
    return str(get_date_format("short", locale=locale).pattern)


def _year(written: str, pattern: str, order: list[str]) -> int:
    if len(written) == _YEAR_DIGITS:
        return int(written)
    is_short = len(written) == 2 and ("yy" in pattern or order[0] != "y")
    if not is_short:
        raise ValueError("a year has two digits or four")
    return CENTURY + int(written)
