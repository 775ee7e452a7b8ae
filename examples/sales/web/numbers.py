"""Numbers as the people of one locale write them, read strictly: what could mean two things is refused.

A sign between digits groups thousands in one country and begins the decimals in another. So thousands may be
grouped as the locale does it, or by spaces, or not at all; and what is grouped otherwise is no number here.
"""

import re
import unicodedata
from collections.abc import Collection
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.numbers import get_decimal_symbol, get_group_symbol

NUMBER_CHARS_MAX = 60
_MINUS_SIGNS = "-\u2212"
_SIGNS = f"{_MINUS_SIGNS}+"
_APOSTROPHES = "'\u2019"
_DIRECTION_MARKS = re.compile("[\u061c\u200e\u200f]")


def plain_text(typed: str) -> str:
    """Return what was typed with plain blanks and plain digits, and without marks that nobody sees."""
    blanks_joined = " ".join(_DIRECTION_MARKS.sub("", typed).split())
    return "".join(
        str(unicodedata.decimal(character)) if character.isdecimal() else character
        for character in blanks_joined
    )


def read_number(typed: str, locale: Locale, *, is_grouped: bool = True) -> Decimal:
    """Return a number of a locale; it has as many decimals as were written, and zero has no sign.

    Raises:
        ValueError: it is none, or could be meant for another one.
    """
    text = plain_text(typed)
    found = _number_pattern(locale, is_grouped=is_grouped).fullmatch(text)
    if found is None or len(text) > NUMBER_CHARS_MAX:
        raise ValueError("no number of this locale")
    whole = re.sub("[^0-9]", "", found["whole"] or "0")
    number = Decimal(f"{whole}.{found['decimals'] or found['only'] or ''}")
    is_negative = found["sign"] != "" and found["sign"] in _MINUS_SIGNS
    return number.copy_negate() if is_negative and number else number


def decimals_of(number: Decimal) -> int:
    """Return how many digits a number that was read has after the decimal sign."""
    exponent = number.as_tuple().exponent
    return max(0, -exponent) if isinstance(exponent, int) else 0


def without_unit(typed: str, units: Collection[str]) -> str:
    """Return what was typed without the unit before or after it: a currency, or a sign of percent."""
    text, sign = plain_text(typed), ""
    if text[:1] in _SIGNS:
        sign, text = text[:1], text[1:].lstrip()
    for unit in sorted(filter(None, units), key=len, reverse=True):
        if text.startswith(unit):
            return sign + text.removeprefix(unit).lstrip()
        if text.endswith(unit):
            return sign + text.removesuffix(unit).rstrip()
    return sign + text


@lru_cache(maxsize=64)
def _number_pattern(locale: Locale, *, is_grouped: bool) -> re.Pattern[str]:
    decimal_sign, group_sign = get_decimal_symbol(locale), get_group_symbol(locale)
    signs = _APOSTROPHES if group_sign in _APOSTROPHES else group_sign.strip()
    last, others = locale.decimal_formats[None].grouping
    grouped = (
        # The first group begins with no zero: who writes 0,500 means a half, and not five hundred.
        rf"|[1-9][0-9]{{0,{others - 1}}}(?P<group>[ {re.escape(signs)}])"
        rf"(?:[0-9]{{{others}}}(?P=group))*[0-9]{{{last}}}"
        if is_grouped
        else ""
    )
    whole = rf"(?P<whole>[0-9]+{grouped})"
    decimals = rf"{re.escape(decimal_sign)}(?P<decimals>[0-9]*)"
    return re.compile(
        rf"(?P<sign>[{re.escape(_SIGNS)}]?) ?(?:{whole}(?:{decimals})?|{re.escape(decimal_sign)}(?P<only>[0-9]+))"
    )
