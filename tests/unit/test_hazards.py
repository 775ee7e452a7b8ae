"""`docs/hazards.md` is held to the code: every hazard has a row, and what a row names exists."""

import re
from pathlib import Path

import pytest

from crdtsync.testing.faults import FaultKind
from crdtsync.testing.simulation.plan import TROUBLE, WORK

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/hazards.md").read_text(encoding="utf-8")
ROWS = {
    int(found[1]): [cell.strip() for cell in line.strip("|\n").split("|")]
    for line in PAGE.splitlines()
    if (found := re.match(r"\| H(\d+) \|", line))
}
WANTED = [*range(1, 57), *range(66, 71)]
KNOWN_WORDS = {kind.value for kind in FaultKind} | set(TROUBLE) | set(WORK)
OTHER_WORDS = {"code", "hostile", "check_remote", "check_store", "crdtsync.testing.FaultKind"}
OTHER_WORDS |= {"crdtsync.testing.simulation.plan"}


@pytest.mark.parametrize("hazard", WANTED)
def test_every_hazard_has_a_row_that_says_where_and_what_must_hold(hazard):
    _, what, where, invariants = ROWS[hazard]
    assert what
    assert where
    assert re.fullmatch(r"I\d+(-I\d+)?(, I\d+)*", invariants)


def test_what_the_page_names_exists():
    for word in re.findall(r"`([^`]+)`", PAGE):
        is_path = word.startswith("tests/")
        assert (ROOT / word).exists() if is_path else word in KNOWN_WORDS | OTHER_WORDS, word


def test_every_fault_of_the_kit_is_on_the_page():
    named = set(re.findall(r"`([^`]+)`", PAGE))
    assert {kind.value for kind in FaultKind} | set(TROUBLE) - {"cut round", "meanwhile"} <= named


def test_a_fault_is_named_in_the_rows_of_its_hazards():
    for kind in FaultKind:
        for hazard in kind.hazards:
            if hazard in ROWS:
                assert f"`{kind.value}`" in ROWS[hazard][2], (kind, hazard)
