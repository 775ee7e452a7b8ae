"""Each fault of whole folders, of clients and of outsiders does what it says."""

import pytest

from crdtsync.errors import RemoteFileMissingError, RemoteFileTooLargeError, RemoteUnavailableError
from crdtsync.protocol.marker import decode_marker_file
from crdtsync.protocol.names import NameKind, classify
from crdtsync.testing import FaultKind
from tests.unit.testing.fault_helpers import (
    A,
    B,
    C,
    content,
    done,
    get,
    listed,
    outcome,
    put,
    shared,
    until,
)

X, Y, Z = (f"ada/f/s-0000000{number}-0123456789.crdts" for number in (1, 2, 3))
FOR_EVER = 4


def views(place):
    return [dict(place.files(machine)) for machine in place.machines]


@pytest.mark.parametrize(("changes", "left"), [(1, {X, Y}), (2, {X}), (3, set())])
def test_the_folder_rolls_back_to_any_earlier_state_for_all(changes, left):
    place = shared(X, Y, Z)
    happened = place.inject(FaultKind.ROLLED_BACK, B, changes - 1)
    assert happened == f"{changes} changes, {changes} files"
    place.settle()
    assert place.server.keys() == left
    assert views(place) == [place.server] * 2


def test_a_roll_back_brings_deleted_files_and_earlier_contents_back():
    place = shared(X)
    place.inject(FaultKind.TRUNCATED, A, 1)
    place.settle()
    done(place.remote(A).delete(X))
    place.settle()
    assert place.server == {}
    for changes, data in ((1, b""), (3, content(X))):
        place.inject(FaultKind.ROLLED_BACK, B, changes - 1)
        assert place.server == {X: data}


def test_a_roll_back_can_be_rolled_back():
    place = shared(X)
    place.inject(FaultKind.ROLLED_BACK, B, 0)
    assert place.server == {}
    place.inject(FaultKind.ROLLED_BACK, B, 0)
    place.settle()
    assert views(place) == [{X: content(X)}] * 2


@pytest.mark.parametrize(("comes_again", "after"), [(0, {X, Y}), (1, {X})])
def test_one_view_rolls_back_and_catches_up_or_not(comes_again, after):
    place = shared(X, Y)
    place.inject(FaultKind.VIEW_ROLLED_BACK, B, 2 * comes_again)
    assert listed(place, B) == [X]
    assert place.server.keys() == {X, Y}
    place.heal()
    place.settle()
    assert set(listed(place, B)) == after
    assert listed(place, A) == [X, Y]


@pytest.mark.parametrize(("comes_again", "left"), [(0, {X, Z}), (1, {X})])
def test_a_view_that_rolls_back_for_good_has_lost_what_it_had_to_upload(comes_again, left):
    place = shared(X, Y)
    put(place, B, Z, content(Z))
    assert place.inject(FaultKind.VIEW_ROLLED_BACK, B, 2 * comes_again)
    assert set(listed(place, B)) == left
    place.settle()
    assert (Z in place.server) == (Z in left)


@pytest.mark.parametrize("kind", [FaultKind.VIEW_FROZEN, FaultKind.UPLOADS_PAUSED])
def test_nothing_comes_or_nothing_leaves_until_faults_stop(kind):
    place = shared(X)
    assert place.inject(kind, B, FOR_EVER) == "for ever 0"
    put(place, A, Y, content(Y))
    put(place, B, Z, content(Z))
    place.settle()
    frozen = kind is FaultKind.VIEW_FROZEN
    assert set(listed(place, B)) == ({X, Z} if frozen else {X, Y, Z})
    assert set(listed(place, A)) == ({X, Y, Z} if frozen else {X, Y})
    assert place.moves(B) == 0
    assert place.injected == {kind: 1}
    place.heal()
    place.settle()
    assert views(place) == [place.server] * 2
    assert len(place.server) == 3


def test_a_freeze_is_over_after_its_turns():
    place = shared(X)
    place.inject(FaultKind.VIEW_FROZEN, B, 0)
    put(place, A, Y, content(Y))
    place.move(A, 0)
    assert [bool(place.move(B, 0)) for _ in range(6)] == [False] * 4 + [True, False]


def test_ignored_uploads_stay_where_they_were_written():
    place = shared(X)
    place.inject(FaultKind.UPLOADS_IGNORED, A, FOR_EVER)
    assert not place.injected
    put(place, A, Y, content(Y))
    assert place.injected == {FaultKind.UPLOADS_IGNORED: 1}
    place.heal()
    put(place, A, Z, content(Z))
    place.settle()
    assert listed(place, A) == [X, Y, Z]
    assert listed(place, B) == [X, Z]


def test_an_empty_folder_is_in_its_place_and_what_is_written_there_is_lost():
    place = shared(X)
    assert place.inject(FaultKind.FOLDER_EMPTIED, A, FOR_EVER)
    assert listed(place, A) == []
    assert get(place, A, X) is RemoteFileMissingError
    put(place, A, Y, content(Y))
    assert listed(place, A) == [Y]
    assert place.inject(FaultKind.FOLDER_REPLACED, A, FOR_EVER) == ""
    done(place.remote(A).delete(Y))
    put(place, A, Y, content(Y))
    assert place.settle() == 0
    place.heal()
    place.settle()
    assert views(place) == [{X: content(X)}] * 2


def test_a_folder_that_is_not_there_fails_every_call():
    place = shared(X)
    place.inject(FaultKind.FOLDER_UNMOUNTED, A, FOR_EVER)
    remote = place.remote(A)
    for call in (remote.list(), remote.get(X, bytes_max=1), remote.put(Y, b""), remote.delete(X)):
        assert outcome(call) is RemoteUnavailableError
    assert place.moves(A) == 0
    assert place.injected == {FaultKind.FOLDER_UNMOUNTED: 1}
    place.heal()
    assert listed(place, A) == [X]


def test_another_folder_has_a_valid_marker_of_its_own():
    place = shared(X)
    place.inject(FaultKind.FOLDER_REPLACED, A, FOR_EVER)
    (name,) = listed(place, A)
    marker = decode_marker_file(get(place, A, name))
    assert classify(name).kind is NameKind.MARKER
    assert classify(name).folder == marker.folder
    place.heal()
    assert listed(place, A) == [X]


def test_a_folder_may_hold_a_copy_of_itself():
    place = shared(X, Y)
    assert place.inject(FaultKind.FOLDER_NESTED, B, 0) == "2 files in sales copy 1"
    assert place.inject(FaultKind.FOLDER_NESTED, B, 0) == "2 files in sales copy 2"
    place.settle()
    assert views(place) == [place.server] * 2
    assert len(place.server) == 6
    assert place.server[f"sales copy 1/{X}"] == content(X)


def test_services_leave_files_that_are_not_worth_opening():
    names = set()
    for draw in range(400):
        place = shared(X)
        name = place.inject(FaultKind.FOREIGN_FILES, B, draw)
        assert not classify(name).worth_opening, name
        place.settle()
        assert place.server[name] in place.junk
        names.add(name)
    assert {
        ".DS_Store",
        "desktop.ini",
        "Icon\r",
        ".stversions/ada/f/s-00000001-0123456789~20240506-101010.crdts",
    } < names


JUNK = {
    FaultKind.JUNK_RANDOM: lambda data: data not in (content(X), content(Y)),
    FaultKind.JUNK_REPLAYED: lambda data: data in (content(X), content(Y)),
    FaultKind.JUNK_RENAMED: lambda data: data in (content(X), content(Y)),
    FaultKind.JUNK_TRUNCATED: lambda data: data in content(X) or data in content(Y),
    FaultKind.JUNK_OVERSIZED: lambda data: len(data) > 64 * 1024 * 1024,
    FaultKind.JUNK_FLOOD: lambda data: len(data) <= 256,
}


@pytest.mark.parametrize("kind", JUNK)
def test_junk_is_what_it_says_and_comes_to_all(kind):
    names = set()
    for draw in range(0, 4000, 37):
        place = shared(X, Y)
        assert place.inject(kind, B, draw)
        place.settle()
        assert views(place) == [place.server] * 2
        written = place.server.keys() - {X, Y}
        assert len(written) == (64 if kind is FaultKind.JUNK_FLOOD else 1)
        assert (len(place.server) - len(written) == 2) == (kind is not FaultKind.JUNK_RENAMED)
        for name in written:
            assert JUNK[kind](place.server[name])
            assert place.server[name] in place.junk
        names |= written
    assert len(names) >= 5


def test_an_oversized_file_is_refused_by_its_size():
    place = shared()
    name = place.inject(FaultKind.JUNK_OVERSIZED, B, 0).split()[0]
    assert outcome(place.remote(B).get(name, bytes_max=64 * 1024 * 1024)) is RemoteFileTooLargeError


def test_an_outsider_deletes_everything():
    place = shared(X, Y)
    assert place.inject(FaultKind.WIPED, C, 0) == "2 files"
    place.settle()
    assert views(place) == [{}] * 3
    assert FaultKind.WIPED.facts.needs_person


@pytest.mark.parametrize(("draw", "suffix"), [(0, ""), (1, ".locked")])
def test_an_outsider_encrypts_everything(draw, suffix):
    place = shared(X, Y)
    place.inject(FaultKind.ENCRYPTED, B, draw)
    place.settle()
    assert views(place) == [place.server] * 2
    assert place.server.keys() == {X + suffix, Y + suffix}
    assert not set(place.server.values()) & {content(X), content(Y)}


def test_other_machines_go_on_while_one_is_cut_off():
    place, _ = until(
        lambda: shared(X, machines=(A, B, C)), FaultKind.FOLDER_EMPTIED, C, lambda place: not listed(place, C)
    )
    put(place, A, Y, content(Y))
    place.settle()
    assert get(place, B, Y) == content(Y)
