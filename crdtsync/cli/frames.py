"""What `top` shows at one moment: facts for a program, and the same as headed tables for a person."""

from dataclasses import dataclass
from typing import Any

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from crdtsync.cli.output import clean, print_line, print_table


@dataclass(frozen=True, slots=True)
class Section:
    """A headed table."""

    title: str
    headers: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    empty: str
    """What is said when there are no rows."""


@dataclass(frozen=True, slots=True)
class Frame:
    """What there is at one moment."""

    facts: dict[str, Any]
    lines: tuple[str, ...]
    sections: tuple[Section, ...]
    at_ms: int
    counters: dict[str, int]
    """What only ever grows: two of them and the time between give the throughput."""


def print_frame(frame: Frame) -> None:
    """Print a frame: as tables on a terminal, as aligned columns elsewhere."""
    for line in frame.lines:
        print_line(line)
    for section in frame.sections:
        print_line()
        print_line(section.title if section.rows else f"{section.title}: {section.empty}")
        print_table(section.headers, section.rows, indent=2)


def rendered(frame: Frame) -> RenderableType:
    """Return a frame for a terminal that is drawn on again and again."""
    parts: list[RenderableType] = [
        Text(clean(line), style="bold" if not place else "") for place, line in enumerate(frame.lines)
    ]
    for section in frame.sections:
        parts.append(Text(""))
        if not section.rows:
            parts.append(Text(f"{section.title}: {section.empty}", style="dim"))
            continue
        parts.append(Text(section.title, style="bold"))
        table = Table(box=None, pad_edge=False, header_style="dim")
        for header in section.headers:
            table.add_column(header, overflow="ellipsis", no_wrap=True)
        for row in section.rows:
            # Text, not markup: documents come from other people.
            table.add_row(*(Text(clean(cell)) for cell in row))
        parts.append(table)
    return Group(*parts)


def rates_of(counters: dict[str, int], previous: Frame | None, now_ms: int) -> dict[str, float] | None:
    """Return how much each counter grows a second, or None without an earlier frame."""
    if previous is None or now_ms <= previous.at_ms:
        return None
    seconds = (now_ms - previous.at_ms) / 1000
    return {name: max(0, count - previous.counters[name]) / seconds for name, count in counters.items()}
