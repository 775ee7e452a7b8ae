"""What a planted bug is, and how it gets into a tree."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path


class DoesNotApplyError(Exception):
    """The text that a bug replaces is not there exactly once."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One place where a bug changes the source."""

    file: str
    """Relative to the root of the tree."""
    old: str
    """Must be in the file exactly once."""
    new: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bug:
    """A small wrong change of our own code."""

    name: str
    what: str
    """What the code does with it, as a short sentence."""
    breaks: str
    """The invariants and hazards of the design that it gets wrong."""
    edits: tuple[Edit, ...]
    kit: tuple[str, ...] = ()
    """The checks of the kit beside the simulator (exhaustive cases, contracts, fuzzing, faults) that may notice it."""
    unit: tuple[str, ...] = ()
    """The unit tests that may notice it."""
    is_simulated: bool = True
    """Whether the simulator runs the code at all: it has no kernel, and no adapter of a real folder."""


def plant(bug: Bug, root: Path) -> None:
    """Change the tree below `root`.

    Raises:
        DoesNotApplyError: a text is not there exactly once; nothing was changed.
    """
    for path, text in list(_changed(bug, root)):
        path.write_text(text, encoding="utf-8", newline="\n")


def check_applies(bug: Bug, root: Path) -> None:
    """Find out whether a bug can be planted, without planting it.

    Raises:
        DoesNotApplyError: it cannot.
    """
    list(_changed(bug, root))


def _changed(bug: Bug, root: Path) -> Iterator[tuple[Path, str]]:
    texts: dict[str, str] = {}
    for edit in bug.edits:
        text = texts.get(edit.file)
        if text is None:
            text = (root / edit.file).read_text(encoding="utf-8")
        count = text.count(edit.old)
        if count != 1 or edit.old == edit.new:
            raise DoesNotApplyError(f"{bug.name}: {count} times in {edit.file}: {edit.old!r}")
        texts[edit.file] = text.replace(edit.old, edit.new)
    for name, text in texts.items():
        compile(text, name, "exec")
        yield root / name, text
