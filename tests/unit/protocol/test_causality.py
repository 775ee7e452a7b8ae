"""Causality: what waits for what."""

import pytest

from crdtsync.errors import DamagedFileError
from crdtsync.protocol.causality import (
    ChangeId,
    advance,
    causes_of_next,
    has,
    missing,
    pack_frontier,
    pack_version,
    unpack_frontier,
    unpack_version,
)

ADA, BOB = 7, 9


def test_the_first_change_of_anybody_waits_for_nothing():
    assert missing({}, ChangeId(ADA, 1), ()) == []


def test_a_change_waits_for_its_predecessor_and_its_causes():
    assert missing({}, ChangeId(ADA, 3), (ChangeId(BOB, 2),)) == [ChangeId(ADA, 2), ChangeId(BOB, 2)]
    assert missing({ADA: 2, BOB: 1}, ChangeId(ADA, 3), (ChangeId(BOB, 2),)) == [ChangeId(BOB, 2)]


def test_an_applied_change_waits_for_nothing_and_advances_nothing():
    version, frontier = {ADA: 3}, (ChangeId(ADA, 3),)
    assert missing(version, ChangeId(ADA, 2), (ChangeId(BOB, 5),)) == []
    assert advance(version, frontier, ChangeId(ADA, 2), ()) == frontier
    assert version == {ADA: 3}


def test_a_change_past_a_gap_is_a_mistake_of_this_process():
    with pytest.raises(AssertionError):
        advance({}, (), ChangeId(ADA, 2), ())


def test_concurrent_changes_stand_side_by_side_until_one_has_seen_the_other():
    version = {}
    frontier = advance(version, (), ChangeId(BOB, 1), ())
    frontier = advance(version, frontier, ChangeId(ADA, 1), ())
    assert frontier == (ChangeId(ADA, 1), ChangeId(BOB, 1))
    assert causes_of_next(frontier, ADA) == (ChangeId(BOB, 1),)
    frontier = advance(version, frontier, ChangeId(ADA, 2), (ChangeId(BOB, 1),))
    assert frontier == (ChangeId(ADA, 2),)
    assert causes_of_next(frontier, ADA) == ()
    assert has(version, ChangeId(BOB, 1))
    assert not has(version, ChangeId(BOB, 2))


def test_a_cause_that_others_have_gone_beyond_leaves_the_frontier_as_it_is():
    version, frontier = {BOB: 2}, (ChangeId(BOB, 2),)
    frontier = advance(version, frontier, ChangeId(ADA, 1), (ChangeId(BOB, 1),))
    assert frontier == (ChangeId(ADA, 1), ChangeId(BOB, 2))


def test_equal_versions_are_packed_to_equal_bytes():
    assert pack_version({1: 2, 3: 4}) == pack_version({3: 4, 1: 2})
    assert unpack_version(pack_version({})) == {}
    assert unpack_frontier(pack_frontier(())) == ()


@pytest.mark.parametrize(
    "packed", [b"", b"\x91\x01", b"\x92\x00\x01", b"\x94\x02\x01\x01\x01", b"\xc0", b"\x90\x90"]
)
def test_what_was_not_packed_is_refused(packed):
    with pytest.raises(DamagedFileError):
        unpack_version(packed)
    with pytest.raises(DamagedFileError):
        unpack_frontier(packed)
