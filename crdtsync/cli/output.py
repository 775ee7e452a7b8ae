"""How results are printed: tables for a person, plain lines for a pipe, JSON for a program."""

import datetime as dt
import json
import os
import re
import sys
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from typing import Annotated, Any

import msgspec
import typer
from rich.console import Console
from rich.table import Table
from rich.text import Text

from crdtsync.document.sources import REFERENCES_KEY, REMOVED_KEY, ProjectionSource

CELL_CHARS_MAX = 60
SHORT_ID_CHARS = 8
UNWRAPPED_CHARS = 19
"""As many as a time has."""

_GAP = "  "
_EMPTY = ("", "-")

_BREAKS = re.compile(r"\r\n|[\r\n\v\f\x85\u2028\u2029]")
# Control characters, what changes the direction of writing, and halves of characters.
_OBEYED = re.compile(r"[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]")

Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON.")]


def print_json(value: Any) -> None:
    """Print one JSON value: indented on a terminal, on one line elsewhere."""
    encoded = msgspec.json.encode(value)
    if _is_terminal():
        encoded = msgspec.json.format(encoded, indent=2)
    _write(encoded.decode() + "\n")


def print_json_line(value: Any) -> None:
    """Print one JSON value on one line."""
    _write(msgspec.json.encode(value).decode() + "\n")


def print_line(text: str = "") -> None:
    """Print a line for a person."""
    _write(clean(text) + "\n")


def print_text(text: str) -> None:
    """Print text of several lines."""
    for line in text.splitlines():
        print_line(f"  {line}")


def print_table(headers: Sequence[str], rows: Iterable[Sequence[str]], *, indent: int = 0) -> None:
    """Print rows: as a table on a terminal, as aligned columns elsewhere.

    A table that a terminal is too narrow for loses its empty columns; if that is not enough, and if wrapping
    long cells is not either, each row becomes a list.
    """
    cells = [[clean(cell) for cell in row] for row in rows]
    if not cells:
        return
    if _is_terminal():
        _print_on_terminal(Console(file=sys.stdout, highlight=False), list(headers), cells)
        return
    lines = [list(headers), *cells]
    widths = [max(_width(line[column]) for line in lines) for column in range(len(headers))]
    for line in lines:
        padded = (cell + " " * (width - _width(cell)) for cell, width in zip(line, widths, strict=True))
        _write(" " * indent + _GAP.join(padded).rstrip() + "\n")


def _print_on_terminal(console: Console, headers: list[str], rows: list[list[str]]) -> None:
    columns = list(zip(headers, *rows, strict=True))
    widths = [max(map(_width, column)) for column in columns]
    if _line_width(widths) > console.width:
        columns = [column for column in columns if any(cell not in _EMPTY for cell in column[1:])]
        widths = [max(map(_width, column)) for column in columns]
    # Names, numbers and dates stay whole; only long text is wrapped.
    least = [
        max(_width(column[0]), min(width, UNWRAPPED_CHARS))
        for column, width in zip(columns, widths, strict=True)
    ]
    if _line_width(least) > console.width:
        _print_as_lists(columns)
        return
    table = Table(box=None, pad_edge=False, header_style="bold")
    for (header, *_), width in zip(columns, least, strict=True):
        table.add_column(header, overflow="fold", min_width=width)
    for row in zip(*(column[1:] for column in columns), strict=True):
        table.add_row(*(Text(cell) for cell in row))
    console.print(table)


def _print_as_lists(columns: list[tuple[str, ...]]) -> None:
    width = max(_width(header) for header, *_ in columns)
    for place, row in enumerate(zip(*(column[1:] for column in columns), strict=True)):
        if place:
            _write("\n")
        for (header, *_), cell in zip(columns, row, strict=True):
            if cell not in _EMPTY:
                _write(f"{header}{' ' * (width - _width(header))}  {cell}\n")


def _line_width(widths: Sequence[int]) -> int:
    return sum(widths) + len(_GAP) * (len(widths) - 1)


def clean(text: str) -> str:
    """Return text on one line, without what a terminal would obey: documents come from other people."""
    return _OBEYED.sub(
        "\N{REPLACEMENT CHARACTER}", _BREAKS.sub("\N{DOWNWARDS ARROW WITH CORNER LEFTWARDS}", text)
    )


def short(text: str, chars_max: int = CELL_CHARS_MAX) -> str:
    """Return the beginning of a long text."""
    return text if len(text) <= chars_max else text[: chars_max - 1] + "\N{HORIZONTAL ELLIPSIS}"


def when(ms: int | None) -> str:
    """Return a time for a person: of this machine's time zone."""
    if ms is None:
        return "never"
    try:
        return dt.datetime.fromtimestamp(ms / 1000, dt.UTC).astimezone().strftime("%Y-%m-%d %H:%M:%S")
    except (OverflowError, OSError, ValueError):
        return f"{ms} ms"  # Another machine's clock may say anything.


def iso(ms: int | None) -> str | None:
    """Return a time for a program: ISO, UTC."""
    if ms is None:
        return None
    try:
        return (
            dt.datetime.fromtimestamp(ms / 1000, dt.UTC)
            .isoformat(timespec="milliseconds")
            .replace("+00:00", "Z")
        )
    except (OverflowError, OSError, ValueError):
        return None


def size(count: int) -> str:
    """Return a number of bytes for a person."""
    for unit, factor in (("GB", 1e9), ("MB", 1e6), ("kB", 1e3)):
        if count >= factor:
            return f"{count / factor:.1f} {unit}"
    return f"{count} bytes"


def counted(count: int, noun: str) -> str:
    """Return a count with its noun, as in "3 files"."""
    return f"{count} {noun}{'' if count == 1 else 's'}"


def shown(raw: str | bytes | msgspec.Raw | None) -> str:
    """Return a stored value as a person reads it."""
    return "" if raw is None else _shown(json.loads(bytes(raw) if isinstance(raw, msgspec.Raw) else raw))


def document_json(document: Any) -> dict[str, Any]:
    """Return a view as JSON: what is known of it, and its fields exactly as they are stored."""
    info = document.info
    members = members_of(document)
    found: dict[str, Any] = {
        "id": info.id,
        "kind": info.kind,
        "number": info.number,
        "reference": document.reference,
        "references": list(info.references),
        "created": iso(info.created_ms),
        "changed": iso(info.changed_ms),
        "conflicts": info.conflicts,
        "fields": {name: raw for name, raw in members.items() if name not in (REFERENCES_KEY, REMOVED_KEY)},
    }
    if REMOVED_KEY in members:
        found["removed"] = members[REMOVED_KEY]
    return found


def members_of(document: Any) -> Mapping[str, msgspec.Raw]:
    """Return the stored members of a view."""
    source = document._source  # noqa: SLF001 - the typed classes decode, and here the stored text is wanted
    assert isinstance(source, ProjectionSource)
    return source.members


def title(document: Any) -> str:
    """Return what a person calls a document: its number, its reference number, or its id."""
    return document.number or document.reference or document.id  # type: ignore[no-any-return]


def _shown(value: Any) -> str:
    match value:
        case None:
            return "-"
        case bool():
            return "yes" if value else "no"
        case str():
            return value
        case list():
            return ", ".join(_shown(item) for item in value)
        case dict():
            return ", ".join(f"{name}={_shown(item)}" for name, item in value.items() if name != "id")
        case _:
            return str(value)


def _width(text: str) -> int:
    wide = sum(unicodedata.east_asian_width(char) in "WF" for char in text)
    return len(text) + wide - sum(unicodedata.combining(char) > 0 for char in text)


def _is_terminal() -> bool:
    return sys.stdout is not None and sys.stdout.isatty() and os.environ.get("TERM") != "dumb"


def _write(text: str) -> None:
    if sys.stdout is None:
        return  # It was closed before we began: the work is done all the same.
    try:
        sys.stdout.write(text)
    except UnicodeEncodeError:
        encoding = sys.stdout.encoding or "ascii"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding))
