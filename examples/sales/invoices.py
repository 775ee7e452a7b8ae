"""Invoices from a CSV file, gzipped or not: read line by line, never stopped by one that makes no sense."""

import csv
import datetime as dt
import gzip
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)
DATE_EXAMPLE = "2010-12-31 08:26:00"
CANCELLATION = "C"
QUANTITY_MAX = 10**9
PRICE_MAX = Decimal(10) ** 9
TEXT_CHARS_MAX = 10_000
CELL_CHARS_MAX = 1_000_000


@dataclass(frozen=True, slots=True)
class InvoiceLine:
    """One line of an invoice. A quantity below zero came back."""

    code: str
    description: str
    quantity: int
    unit_price: Decimal


@dataclass(slots=True)
class Invoice:
    """Lines of one number that stand together in the file."""

    number: str
    dated: dt.date
    customer: str
    """Empty for a sale over the counter."""
    country: str
    lines: list[InvoiceLine] = field(default_factory=list)
    part: int = 1
    """Which run of lines of this number it is; nearly all invoices have one."""

    @property
    def is_cancellation(self) -> bool:
        """Whether it takes goods back."""
        return self.number.startswith(CANCELLATION)

    @property
    def is_return(self) -> bool:
        """Whether anything in it came back: such a one was never a quote."""
        return self.is_cancellation or any(line.quantity < 0 for line in self.lines)


@dataclass(frozen=True, slots=True)
class RejectedLine:
    """A line that could not be used."""

    line: int
    """Of the file, from 1; the header is line 1."""
    reason: str


@dataclass(slots=True)
class Rejections:
    """The lines that could not be used: all are counted, the first are kept."""

    count: int = 0
    first: list[RejectedLine] = field(default_factory=list)
    kept_max: int = 20

    def add(self, line: int, reason: str) -> None:
        """Note a line."""
        self.count += 1
        if len(self.first) < self.kept_max:
            self.first.append(RejectedLine(line, reason))


def read_invoices(path: Path, rejections: Rejections) -> Iterator[Invoice]:
    """Yield the invoices of a file, in its order; what cannot be used goes into `rejections`.

    Raises:
        OSError: the file cannot be read.
        ValueError: it has no header with the columns of an invoice file.
    """
    with _open_text(path) as text:
        yield from parse_invoices(text, rejections)


def parse_invoices(text: Iterable[str], rejections: Rejections) -> Iterator[Invoice]:
    """Yield the invoices in lines of CSV. Raises as `read_invoices` does."""
    csv.field_size_limit(CELL_CHARS_MAX)
    # A NUL is no text anywhere further on, and older readers stop at it.
    rows = csv.reader(line.replace("\0", "\ufffd") for line in text)
    places = _places_of(next(_rows(rows, rejections), (1, []))[1])
    invoice: Invoice | None = None
    parts: dict[str, int] = {}
    for at, row in _rows(rows, rejections):
        if not row:
            continue
        if len(row) != len(places):
            rejections.add(at, f"{len(row)} columns where {len(places)} are expected")
            continue
        cells = {name: row[place].strip() for name, place in places.items()}
        try:
            number, dated, line = _line_of(cells)
        except ValueError as error:
            rejections.add(at, str(error))
            continue
        if invoice is None or number != invoice.number:
            if invoice is not None:
                yield invoice
            parts[number] = parts.get(number, 0) + 1
            invoice = Invoice(
                number, dated, _customer_of(cells["CustomerID"]), cells["Country"], part=parts[number]
            )
        invoice.lines.append(line)
    if invoice is not None:
        yield invoice


def _places_of(header: list[str]) -> dict[str, int]:
    names = [name.strip().lstrip("\ufeff") for name in header]
    missing = [name for name in COLUMNS if name not in names]
    if missing:
        raise ValueError(f"no invoice file: its first line has no column {', '.join(map(repr, missing))}")
    return {name: place for place, name in enumerate(names)}


def _rows(rows: Any, rejections: Rejections) -> Iterator[tuple[int, list[str]]]:
    """Yield the rows with their line numbers; one that is no CSV is reported."""
    while True:
        try:
            row = next(rows)
        except StopIteration:
            return
        except csv.Error as error:
            rejections.add(rows.line_num, f"not CSV: {error}")
            continue
        yield rows.line_num, row


def _line_of(cells: dict[str, str]) -> tuple[str, dt.date, InvoiceLine]:
    number = cells["InvoiceNo"]
    if not number:
        raise ValueError("no invoice number")
    for name in ("InvoiceNo", "StockCode", "Description", "CustomerID", "Country"):
        if len(cells[name]) > TEXT_CHARS_MAX:
            raise ValueError(f"{name} has more than {TEXT_CHARS_MAX} characters")
    quantity = _number_of(cells["Quantity"], "Quantity")
    if quantity != quantity.to_integral_value() or abs(quantity) > QUANTITY_MAX:
        raise ValueError(f"Quantity is {cells['Quantity'][:40]!r}, no whole number of pieces")
    price = _number_of(cells["UnitPrice"], "UnitPrice")
    if not 0 <= price <= PRICE_MAX:
        raise ValueError(f"UnitPrice is {cells['UnitPrice'][:40]!r}, no price")
    try:
        dated = dt.datetime.fromisoformat(cells["InvoiceDate"]).date()
    except ValueError:
        raise ValueError(
            f"InvoiceDate is {cells['InvoiceDate'][:40]!r}, no date as in {DATE_EXAMPLE}"
        ) from None
    return number, dated, InvoiceLine(cells["StockCode"], cells["Description"], int(quantity), price)


def _number_of(cell: str, name: str) -> Decimal:
    try:
        number = Decimal(cell)
    except InvalidOperation:
        number = Decimal("nan")
    if not number.is_finite():
        raise ValueError(f"{name} is {cell[:40]!r}, no number")
    return number


def _customer_of(cell: str) -> str:
    """Return a customer's number as it is; spreadsheets make 17850.0 of 17850."""
    return cell.removesuffix(".0")


@contextmanager
def _open_text(path: Path) -> Iterator[Iterable[str]]:
    # Bytes that are no UTF-8 are shown as such and cost nobody his line.
    if path.suffix == ".gz":
        try:
            with gzip.open(path, "rt", encoding="utf-8", errors="replace", newline="") as text:
                yield text
        except (EOFError, zlib.error) as error:
            raise OSError(f"{path} is damaged, or was not copied to its end: {error}") from error
    else:
        with path.open(encoding="utf-8", errors="replace", newline="") as text:
            yield text
