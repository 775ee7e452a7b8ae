"""Free text merges by character; positions keep any order a person makes."""

import itertools

from hypothesis import given, settings
from hypothesis import strategies as st

from crdtsync.document.positions import between, is_position
from crdtsync.document.texts import rebase, splices

from .order import STEADY

# Few letters, so that texts have much in common; some of them are several bytes long.
TEXTS = st.text(alphabet="ab \nßé€😀", max_size=40)


def apply(parts, text):
    for start, stop, inserted in reversed(parts):
        text = text[:start] + inserted + text[stop:]
    return text


def is_subsequence(short, long):
    rest = iter(long)
    return all(character in rest for character in short)


@settings(STEADY, max_examples=300)
@given(base=TEXTS, target=TEXTS)
def test_the_splices_of_two_texts_turn_one_into_the_other(base, target):
    parts = splices(base, target)
    assert apply(parts, base) == target
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(parts))
    assert bool(parts) == (base != target)


@settings(STEADY, max_examples=300)
@given(base=TEXTS, target=TEXTS, live=TEXTS)
def test_a_rebased_edit_keeps_what_is_new_on_both_sides(base, target, live):
    mine, theirs = splices(base, target), splices(base, live)
    carried = rebase(mine, base, live)
    assert all(first[1] <= second[0] for first, second in itertools.pairwise(carried))
    merged = apply(carried, live)
    for _, _, inserted in [*mine, *theirs]:
        assert inserted in merged or is_subsequence(inserted, merged)
    gone = {i for start, stop, _ in [*mine, *theirs] for i in range(start, stop)}
    added = sum(len(inserted) for _, _, inserted in [*mine, *theirs])
    assert len(merged) == len(base) - len(gone) + added


@settings(STEADY)
@given(base=TEXTS, target=TEXTS)
def test_an_edit_of_an_unchanged_text_is_carried_over_as_it_is(base, target):
    assert rebase(splices(base, target), base, base) == splices(base, target)


def test_a_long_rewrite_is_one_splice_and_takes_no_time():
    base, target = "ab" * 50_000, "ba" * 50_000
    assert apply(splices(base, target), base) == target
    assert len(splices("ab" * 900, "x" + "ba" * 900 + "y")) <= 3


@settings(STEADY, max_examples=200)
@given(places=st.lists(st.integers(0, 1000), max_size=80))
def test_insertions_at_any_places_keep_the_order(places):
    positions = []
    for place in places:
        index = place % (len(positions) + 1)
        before = positions[index - 1] if index else None
        after = positions[index] if index < len(positions) else None
        positions.insert(index, between(before, after))
    assert positions == sorted(set(positions))
    assert all(is_position(position) for position in positions)


def test_a_thousand_appended_lines_keep_short_positions():
    last = None
    for _ in range(1000):
        last = between(last, None)
    assert len(last) <= 4
