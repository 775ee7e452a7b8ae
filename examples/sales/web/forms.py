"""What people type: money, measures, counts, percentages and dates in their locale, to values and back.

Each parser returns a value or raises `InputError`, whose text says what would be understood.
"""

import datetime as dt
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from fractions import Fraction
from functools import lru_cache

from babel import Locale
from babel.dates import format_date, get_date_format, parse_date
from babel.numbers import NumberFormatError, format_currency, format_decimal, parse_decimal

from examples.sales.pricing import Adjustment

TEXT_CHARS_MAX = 500
ADJUSTMENTS_MAX = 20
COUNT_MAX = 1_000_000
AMOUNT_MAX = Decimal(10) ** 9
MEASURE_MAX = Decimal(10_000)
_HUNDRED = Decimal(100)
_THOUSANDTH = Decimal("0.001")
_CURRENCY_SIGNS = "$€£\u00a0\u202f "


class InputError(ValueError):
    """What was typed cannot be understood; the text says what could be."""


@dataclass(frozen=True, slots=True)
class Forms:
    """Reads and writes values as people of one locale do."""

    locale: Locale
    currency: str = "USD"

    def text(self, typed: str) -> str:
        """Return one line of text without blanks around it."""
        found = " ".join(typed.split())
        if len(found) > TEXT_CHARS_MAX:
            raise InputError(f"At most {TEXT_CHARS_MAX} characters; these are {len(found)}.")
        return found

    def required_text(self, typed: str) -> str:
        """Return one line of text that is not empty."""
        found = self.text(typed)
        if not found:
            raise InputError("This cannot be empty.")
        return found

    def money(self, typed: str) -> Decimal:
        """Return an amount, in cents."""
        example = self.number_shown(Decimal("1234.50"))
        amount = self._number(typed.strip(_CURRENCY_SIGNS), f"Write an amount as in {example}.")
        if not 0 <= amount <= AMOUNT_MAX:
            raise InputError(f"An amount is from 0 to {self.money_shown(AMOUNT_MAX)}.")
        return amount.quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)

    def signed_money(self, typed: str) -> Decimal:
        """Return an amount or a percentage as a charge has it; below zero for what is taken off."""
        example = self.number_shown(Decimal("1234.50"))
        cleaned = typed.replace("%", "").strip(_CURRENCY_SIGNS)
        amount = self._number(cleaned, f"Write an amount as in {example}.")
        if abs(amount) > AMOUNT_MAX:
            raise InputError(f"At most {self.money_shown(AMOUNT_MAX)}.")
        return amount

    def adjustments(self, typed: str) -> tuple[Adjustment, ...]:
        """Return what is added to a price: amounts and parts of the list price, each with a name."""
        amount, percent = self.amount_shown(Decimal(15)), self.number_shown(Decimal(5))
        help_text = f"Write each with its name, as in Rush {amount}; Wide {percent}%."
        parts = [part.strip() for part in typed.split(";") if part.strip()]
        if len(parts) > ADJUSTMENTS_MAX:
            raise InputError(f"At most {ADJUSTMENTS_MAX}; these are {len(parts)}.")
        found = []
        for part in parts:
            name, _, size = part.rpartition(" ")
            number = self._number(size.rstrip("%").strip(_CURRENCY_SIGNS), help_text)
            amounts = {"msrp_pct": number} if size.endswith("%") else {"amount": number}
            found.append(Adjustment(self.text(name), **amounts))
        return tuple(found)

    def adjustments_shown(self, adjustments: tuple[Adjustment, ...]) -> str:
        """Return what is added to a price, as it is typed."""
        parts = []
        for adjustment in adjustments:
            sizes = []
            if adjustment.amount or not adjustment.msrp_pct:
                sizes.append(self.amount_shown(adjustment.amount))
            if adjustment.msrp_pct:
                sizes.append(f"{self.number_shown(adjustment.msrp_pct)}%")
            parts += [f"{adjustment.name} {size}".strip() for size in sizes]
        return "; ".join(parts)

    def percent(self, typed: str) -> Decimal:
        """Return a percentage from 0 to 100."""
        example = self.number_shown(Decimal("8.25"))
        found = self._number(typed.replace("%", "").strip(), f"Write a percentage as in {example}.")
        if not 0 <= found <= _HUNDRED:
            raise InputError("A percentage is from 0 to 100.")
        return found

    def count(self, typed: str) -> int:
        """Return a whole number; below zero for goods that come back."""
        help_text = "Write a whole number, such as 2."
        found = self._number(typed, help_text)
        if found != found.to_integral_value():
            raise InputError(help_text)
        if abs(found) > COUNT_MAX:
            raise InputError(f"At most {self.number_shown(Decimal(COUNT_MAX))}.")
        return int(found)

    def measure(self, typed: str) -> Decimal | None:
        """Return inches, written as 34.5 or 34 1/2; None for nothing."""
        cleaned = typed.strip().rstrip('"\u2033').strip()
        if not cleaned:
            return None
        help_text = f"Write inches as in {self.number_shown(Decimal('34.5'))} or 34 1/2."
        whole, _, rest = cleaned.rpartition(" ")
        if "/" in rest:
            try:
                parts = Fraction(rest) + int(whole or 0)
            except (ValueError, ZeroDivisionError):
                raise InputError(help_text) from None
            found = (Decimal(parts.numerator) / parts.denominator).quantize(_THOUSANDTH).normalize()
        else:
            found = self._number(cleaned, help_text)
        if not 0 < found <= MEASURE_MAX:
            raise InputError(help_text)
        return found

    def date(self, typed: str) -> dt.date:
        """Return a date, written as the locale does or as 2024-05-31."""
        cleaned = typed.strip()
        try:
            return dt.date.fromisoformat(cleaned)
        except ValueError:
            pass
        try:
            found = parse_date(cleaned, locale=self.locale)
        except (ValueError, IndexError, OverflowError):
            shown = self.date_shown(dt.date(2024, 5, 31))
            raise InputError(f"Write a date as in {shown} ({self._date_pattern()}) or 2024-05-31.") from None
        return found

    def money_shown(self, amount: Decimal) -> str:
        """Return an amount with its currency."""
        return _currency_shown(str(amount), self.currency, self.locale)

    def number_shown(self, number: Decimal | int) -> str:
        """Return a number."""
        return _decimal_shown(str(number), None, self.locale)

    def amount_shown(self, amount: Decimal) -> str:
        """Return an amount as it is typed: with cents and without a currency."""
        return _decimal_shown(str(amount), "#,##0.00", self.locale)

    def date_shown(self, date: dt.date) -> str:
        """Return a date, short."""
        return format_date(date, format="short", locale=self.locale)

    def _date_pattern(self) -> str:
        return str(get_date_format("short", locale=self.locale).pattern)

    def _number(self, typed: str, help_text: str) -> Decimal:
        try:
            found = parse_decimal(typed.strip(), locale=self.locale)
        except NumberFormatError:
            raise InputError(help_text) from None
        if not found.is_finite():
            raise InputError(help_text)
        return found


# The same few numbers stand on every line, and to format one takes longer than all else that is done to it. By
# their text, since 1.0 and 1.00 are equal and not shown alike.
@lru_cache(maxsize=4096)
def _currency_shown(amount: str, currency: str, locale: Locale) -> str:
    return format_currency(Decimal(amount), currency, locale=locale)


@lru_cache(maxsize=4096)
def _decimal_shown(number: str, pattern: str | None, locale: Locale) -> str:
    return format_decimal(Decimal(number), pattern, locale=locale, decimal_quantization=pattern is not None)
