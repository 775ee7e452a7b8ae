"""What people do with the lines of a document, and whether the list in their hands becomes what they meant."""

from collections.abc import Mapping
from random import Random

from crdtsync.document.model import Document, Entities
from crdtsync.testing.simulation.kinds import Line, Order, Quote
from crdtsync.testing.simulation.violation import Violation
from crdtsync.testing.workload import random_value

LINE_WORK: Mapping[str, int] = {"add": 3, "edit": 5, "move": 3, "remove": 4, "restore": 4}
"""What people do with lines, and how often."""

LINES_COMFORTABLE = 4
"""With so many lines, none is added: people who work on few lines meet on one."""


def edit_lines_of(draft: Document, random: Random) -> str:
    """Do one thing with the lines of a draft, and return in a few words what it was.

    Raises:
        Violation: the draft does not show what was done.
    """
    assert isinstance(draft, (Quote, Order))
    lines = draft.lines
    ids, removed = [line.id for line in lines], [line.id for line in lines.removed]
    (what,) = random.choices(list(LINE_WORK), list(LINE_WORK.values()))
    chosen = ids[min(random.randrange(len(ids)), random.randrange(len(ids)))] if ids else ""
    if what == "restore" and removed:
        chosen = random.choice(removed)
        lines.restore(chosen)
        _require(lines, [one for one in (line.id for line in lines) if one != chosen], ids, what)
        if chosen not in lines:
            raise Violation(f"the restored line {chosen} is not there")
        return f"restore {chosen}"
    if (what == "add" and len(ids) < LINES_COMFORTABLE) or not ids:
        return _add(lines, ids, removed, random)
    match what:
        case "move":
            index = random.randrange(len(ids))
            lines.move(chosen, index)
            left = [one for one in ids if one != chosen]
            _require(lines, [line.id for line in lines], [*left[:index], chosen, *left[index:]], what)
        case "remove":
            lines.remove(chosen)
            _require(lines, [line.id for line in lines], [one for one in ids if one != chosen], what)
        case _:
            lines[chosen].quantity = random_value(int, random)
            what = "edit"
    return f"{what} {chosen}"


def _add(lines: Entities[Line], ids: list[str], removed: list[str], random: Random) -> str:
    fixed = random.choice((None, "line-a", "line-b"))
    if fixed in (*ids, *removed):
        fixed = None
    index = random.randrange(len(ids) + 1)
    added = lines.add(Line(product=random_value(str, random)), index=index, id=fixed).id
    _require(lines, [line.id for line in lines], [*ids[:index], added, *ids[index:]], "add")
    return f"add {added}"


def _require(lines: Entities[Line], found: list[str], meant: list[str], what: str) -> None:
    if found != meant:
        raise Violation(f"after {what} the lines are {[line.id for line in lines]}, and {meant} were meant")
