"""Invoices that look like real ones, from a seed: for those who have no file at hand."""

import datetime as dt
import random
from collections.abc import Iterator
from decimal import Decimal

from examples.sales.invoices import Invoice, InvoiceLine

LONGEST_LINES = 1_114
"""As many lines as the longest invoice of a real dealer."""

LONGEST_FROM = 20
"""How many invoices there are at least for one of them to be the longest."""

_WORDS = (
    "WHITE",
    "HEART",
    "LANTERN",
    "KNITTED",
    "UNION",
    "FLAG",
    "RETRO",
    "SPOT",
    "TEA",
    "SET",
    "BOX",
    "JUMBO",
)
_ODD = (
    "",
    "?",
    "wet/rusty",
    '12" RULER, "OAK"',
    "CAF\u00c9 NOIR\u00a0SIGN",
    "\u200f\u05e9\u05dc\u05d8",
    "風鈴 \U0001f390",
    "tab\there\nand a new line",
    "' OR 1=1 --",
    "=SUM(A1:A9)",
    "<b>BOLD</b> & {braces} %s",
    "e\u0301 is not \u00e9",
)
_COUNTRIES = ("United Kingdom", "United Kingdom", "United Kingdom", "France", "EIRE", "Channel Islands")


def generate_invoices(count: int, seed: int) -> Iterator[Invoice]:
    """Yield invoices: mostly short ones, some returns, one of 1,114 lines, customers that come again.

    The same for the same seed and count.
    """
    chance = random.Random(seed)  # noqa: S311 - nothing secret
    codes = [f"{chance.randrange(10_000, 90_000)}{chance.choice(('', '', 'A', 'B'))}" for _ in range(300)]
    named = {code: _description(chance) for code in codes}
    customers = ["", *(str(chance.randrange(12_000, 19_000)) for _ in range(max(3, count // 3)))]
    for index in range(count):
        is_longest = count >= LONGEST_FROM and index == count // 2
        is_return = not is_longest and chance.random() < 0.08
        size = LONGEST_LINES if is_longest else min(60, 1 + int(chance.expovariate(1 / 12)))
        lines = []
        for _ in range(size):
            code = chance.choice(codes)
            quantity = -chance.randrange(1, 12) if is_return else chance.choice((1, 2, 6, 8, 12, 24, 48, 200))
            price = Decimal(chance.randrange(0, 2_000)) / 100
            lines.append(InvoiceLine(code, named[code], quantity, price))
        yield Invoice(
            f"{'C' if is_return else ''}{536_365 + index}",
            dt.date(2024, 1, 2) + dt.timedelta(days=index // 40),
            chance.choice(customers),
            chance.choice(_COUNTRIES),
            lines,
        )


def _description(chance: random.Random) -> str:
    if chance.random() < 0.1:
        return chance.choice(_ODD)
    return " ".join(chance.sample(_WORDS, chance.randrange(2, 5)))
