"""What people type: money, measures, counts, percentages and dates in their locale, to values and back.

Each parser returns a value or raises `InputError`, whose text says what would be understood.
"""

import datetime as dt
import re
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from functools import lru_cache

from babel import Locale
from babel.numbers import format_currency, format_decimal, get_currency_symbol, get_decimal_symbol

from examples.sales.pricing import CENT, ZERO, Adjustment
from examples.sales.web.dates import FIRST_DAY, LAST_DAY, date_pattern, read_date, show_date
from examples.sales.web.numbers import decimals_of, plain_text, read_number, without_unit

TEXT_CHARS_MAX = 500
ADJUSTMENTS_MAX = 20
COUNT_MAX = 1_000_000
AMOUNT_MAX = Decimal(10) ** 9
MEASURE_MAX = Decimal(10_000)
DAYS_AHEAD_MAX = 3_653
"""Ten years: what is further is a slip."""
_HUNDRED = Decimal(100)
_THOUSANDTH = Decimal("0.001")
_MILLIONTH = Decimal("0.000001")
_CENT_DECIMALS = 2
_PERCENT_DECIMALS_MAX = 6
_INCH_DECIMALS_MAX = 6
_INCHES = ('"', "\u2033", "in")
_FRACTION = re.compile(r"(?:(?P<whole>[0-9]{1,6}) )?(?P<part>[0-9]{1,6})/(?P<divisor>[0-9]{1,6})")
_SIZE = re.compile(r"(?:(?P<name>.*) )?(?P<size>[^ ]*[0-9][^ ]*(?: %)?)")
_ENDS_IN_THOUSANDS = re.compile(r"(?:^|[^0-9])[0-9]{1,3}$")
_BEGINS_AS_A_GROUP = re.compile(r"[0-9]{3}(?![0-9])")


class InputError(ValueError):
    """What was typed cannot be understood; the text says what could be."""


@dataclass(frozen=True, slots=True)
class Forms:
    """Reads and writes values as people of one locale do."""

    locale: Locale
    currency: str = "USD"
    today: Callable[[], dt.date] = lambda: LAST_DAY
    """The date on the wall, from which a date may be some years ahead."""

    @property
    def decimal_sign(self) -> str:
        """What stands before the decimals of a number."""
        return str(get_decimal_symbol(self.locale))

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
        amount = self._amount(typed)
        if not 0 <= amount <= AMOUNT_MAX:
            raise InputError(f"An amount is from 0 to {self.money_shown(AMOUNT_MAX)}.")
        return amount

    def charge(self, typed: str) -> Decimal:
        """Return an amount, or a percentage where it is written as one; below zero for what is taken off."""
        amount = self._percent(typed) if "%" in typed else self._amount(typed)
        if abs(amount) > AMOUNT_MAX:
            raise InputError(f"At most {self.money_shown(AMOUNT_MAX)}.")
        return amount

    def adjustments(self, typed: str) -> tuple[Adjustment, ...]:
        """Return what is added to a price: amounts and parts of the list price, each with a name."""
        amount, percent = self.amount_shown(Decimal(15)), self.percent_shown(Decimal(5))
        help_text = f"Write each with its name, as in Rush {amount}; Wide {percent}."
        parts = [part.strip() for part in typed.split(";") if part.strip()]
        if len(parts) > ADJUSTMENTS_MAX:
            raise InputError(f"At most {ADJUSTMENTS_MAX}; these are {len(parts)}.")
        found = []
        for part in parts:
            text = plain_text(part)
            for sign in self._currency_signs:
                text = text.removesuffix(sign).rstrip()
            written = _SIZE.fullmatch(text)
            if written is None:
                raise InputError(help_text)
            name, size = written["name"] or "", written["size"]
            # Some group thousands by blanks: 1 500 after a name may be more than 500.
            if _ENDS_IN_THOUSANDS.search(name) and _BEGINS_AS_A_GROUP.match(size):
                raise InputError(f"Write no blank before {size}. {help_text}")
            number = self._percent(size) if "%" in size else self._amount(size)
            amounts = {"msrp_pct": number} if "%" in size else {"amount": number}
            found.append(Adjustment(self.text(name), **amounts))
        return tuple(found)

    def adjustments_shown(self, adjustments: tuple[Adjustment, ...]) -> str:
        """Return what is added to a price, as it is typed."""
        parts = []
        for adjustment in adjustments:
            sizes = []
            if adjustment.amount or not adjustment.msrp_pct:
                sizes.append(_decimal_shown(str(adjustment.amount), "0.00", self.locale))
            if adjustment.msrp_pct:
                sizes.append(self.percent_shown(adjustment.msrp_pct))
            parts += [f"{adjustment.name} {size}".strip() for size in sizes]
        return "; ".join(parts)

    def percent(self, typed: str) -> Decimal:
        """Return a percentage from 0 to 100."""
        found = self._percent(typed)
        if not 0 <= found <= _HUNDRED:
            raise InputError("A percentage is from 0 to 100.")
        return found

    def count(self, typed: str) -> int:
        """Return a whole number; below zero for goods that come back."""
        # Without decimals, even of zeros: 2.000 are two here, and two thousand elsewhere.
        found = self._number(typed, "Write a whole number, such as 2.", decimals_max=0)
        if abs(found) > COUNT_MAX:
            raise InputError(f"At most {self.number_shown(Decimal(COUNT_MAX))}.")
        return int(found)

    def measure(self, typed: str) -> Decimal | None:
        """Return inches, written as 34.5 or 34 1/2; None for nothing."""
        cleaned = without_unit(typed, _INCHES)
        if not cleaned:
            return None
        help_text = f"Write inches as in {self.number_shown(Decimal('34.5'))} or 34 1/2."
        parts = _FRACTION.fullmatch(cleaned)
        # Thousands are not grouped: 1,125 inches are hardly ever meant, and 1.125 often are.
        found = (
            _inches(parts)
            if parts
            else self._number(cleaned, help_text, decimals_max=_INCH_DECIMALS_MAX, is_grouped=False)
        )
        if not 0 < found <= MEASURE_MAX:
            raise InputError(help_text)
        return found

    def date(self, typed: str) -> dt.date:
        """Return a day, written as the locale does or as 2024-05-31."""
        try:
            found = read_date(typed, self.locale)
        except ValueError:
            shown = self.date_shown(dt.date(2024, 5, 31))
            raise InputError(
                f"Write a date as in {shown} ({date_pattern(self.locale)}) or 2024-05-31."
            ) from None
        latest = min(LAST_DAY, self.today() + dt.timedelta(days=DAYS_AHEAD_MAX))
        if not FIRST_DAY <= found <= latest:
            raise InputError(f"A date is from {FIRST_DAY} to {latest}; this is {found}.")
        return found

    def money_shown(self, amount: Decimal) -> str:
        """Return an amount with its currency."""
        return _currency_shown(str(amount), self.currency, self.locale)

    def number_shown(self, number: Decimal | int) -> str:
        """Return a number."""
        return _decimal_shown(str(number), None, self.locale)

    def measure_shown(self, inches: Decimal) -> str:
        """Return inches as they are typed: thousands are not grouped."""
        return _decimal_shown(str(inches), "0.###", self.locale, has_all_decimals=True)

    def percent_shown(self, number: Decimal) -> str:
        """Return a percentage with its sign."""
        return f"{self.number_shown(number)}%"

    def amount_shown(self, amount: Decimal) -> str:
        """Return an amount as it is typed: with cents and without a currency."""
        return _decimal_shown(str(amount), _pattern_of_amounts(self.locale), self.locale)

    def date_shown(self, date: dt.date) -> str:
        """Return a date, short."""
        return show_date(date, self.locale)

    @property
    def _currency_signs(self) -> tuple[str, ...]:
        return self.currency, _currency_sign(self.currency, self.locale)

    def _amount(self, typed: str) -> Decimal:
        """Return an amount in cents, of any size.

        More decimals than cents have are not rounded away: 1.500 is fifteen hundred where points group thousands.
        """
        help_text = f"Write an amount as in {self.amount_shown(Decimal('1234.50'))}."
        number = self._number(
            without_unit(typed, self._currency_signs), help_text, decimals_max=_CENT_DECIMALS
        )
        return number.quantize(CENT) if abs(number) <= AMOUNT_MAX else number

    def _percent(self, typed: str) -> Decimal:
        help_text = f"Write a percentage as in {self.number_shown(Decimal('8.25'))}."
        return self._number(without_unit(typed, ("%",)), help_text, decimals_max=_PERCENT_DECIMALS_MAX)

    def _number(self, typed: str, help_text: str, *, decimals_max: int, is_grouped: bool = True) -> Decimal:
        try:
            found = read_number(typed, self.locale, is_grouped=is_grouped)
        except ValueError:
            raise InputError(help_text) from None
        if decimals_of(found) > decimals_max:
            raise InputError(help_text)
        return found


def _inches(parts: re.Match[str]) -> Decimal:
    """Return a number of inches with a fraction; sixty-fourths are exact."""
    divisor = Decimal(parts["divisor"])
    if not divisor:
        return ZERO
    found = Decimal(parts["whole"] or 0) + Decimal(parts["part"]) / divisor
    exact = found.quantize(_MILLIONTH)
    return (exact if exact == found else found.quantize(_THOUSANDTH)).normalize()


@lru_cache(maxsize=64)
def _pattern_of_amounts(locale: Locale) -> str:
    """Return how an amount is written: thousands grouped as the locale does, which is not by three everywhere."""
    return f"{str(locale.decimal_formats[None].pattern).partition('.')[0]}.00"


@lru_cache(maxsize=64)
def _currency_sign(currency: str, locale: Locale) -> str:
    return plain_text(get_currency_symbol(currency, locale))


# The same few numbers stand on every line, and to format one takes longer than all else that is done to it. By
# their text, since 1.0 and 1.00 are equal and not shown alike.
@lru_cache(maxsize=4096)
def _currency_shown(amount: str, currency: str, locale: Locale) -> str:
    return format_currency(_unsigned_zero(amount), currency, locale=locale)


@lru_cache(maxsize=4096)
def _decimal_shown(
    number: str, pattern: str | None, locale: Locale, *, has_all_decimals: bool = False
) -> str:
    return format_decimal(
        _unsigned_zero(number),
        pattern,
        locale=locale,
        decimal_quantization=pattern is not None and not has_all_decimals,
    )


def _unsigned_zero(number: str) -> Decimal:
    found = Decimal(number)
    return found or found.copy_abs()
