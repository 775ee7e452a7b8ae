"""Each fault of files does what it says, is told in one line, and stays or goes as declared."""

import pytest

from crdtsync.errors import RemoteFileMissingError, RemoteFileNotLocalError, RemoteUnavailableError
from crdtsync.testing import CALM, PROFILES, FaultKind, Lasting
from tests.unit.testing.fault_helpers import A, B, C, content, done, get, injected, listed, put, shared, until

X, Y = "ada/f/s-00000001-0123456789.crdts", "ada/f/s-00000002-abcdef0123.crdts"


def place_with(*names, **options):
    return lambda: shared(*names, **options)


def coming():
    """A place in which a file of ada's is still to come to bob."""
    place = shared()
    put(place, A, X, content(X))
    place.move(A, 0)
    return place


def views(place):
    return [dict(place.files(machine)) for machine in place.machines]


def test_a_delayed_step_comes_when_faults_stop():
    place = coming()
    assert place.inject(FaultKind.DELAYED, B, 4) == X
    assert place.moves() == place.settle() == 0
    place.heal()
    place.settle()
    assert get(place, B, X) == content(X)


def test_a_delayed_step_comes_after_some_turns():
    place = coming()
    place.inject(FaultKind.DELAYED, B, 0)
    turns = 0
    while not place.move(B, 0):
        turns += 1
    assert turns == 4
    assert get(place, B, X) == content(X)


def test_a_delayed_upload_is_of_use_to_nobody_and_then_to_all():
    place = shared()
    put(place, A, X, content(X))
    assert place.inject(FaultKind.DELAYED, A, 4) == X
    place.settle()
    assert place.server == {}
    place.heal()
    place.settle()
    assert get(place, B, X) == content(X)


def test_a_lost_upload_reaches_nobody_ever():
    place = shared()
    put(place, A, X, content(X))
    assert place.inject(FaultKind.UPLOAD_LOST, A, 0) == X
    place.heal()
    place.settle()
    assert views(place) == [{X: content(X)}, {}]
    assert place.server == {}


def test_a_lost_download_misses_one_machine_only():
    place = coming()
    place.remote(C)
    assert place.inject(FaultKind.DOWNLOAD_LOST, B, 0) == X
    place.heal()
    place.settle()
    assert views(place) == [{X: content(X)}, {}, {X: content(X)}]


def test_a_lost_delete_keeps_the_file_at_the_others_or_brings_it_back():
    def deleted():
        place = shared(X)
        done(place.remote(A).delete(X))
        return place

    for is_wanted in ([{}, {X: content(X)}], [{X: content(X)}] * 2):

        def check(place, is_wanted=is_wanted):
            place.settle()
            return views(place) == is_wanted

        place, happened = until(deleted, FaultKind.DELETE_LOST, A, check)
        assert place.server == {X: content(X)}
        assert happened.startswith(X)


def test_a_delete_may_be_lost_for_one_machine():
    place = shared(X, machines=(A, B, C))
    done(place.remote(A).delete(X))
    place.move(A, 0)
    assert place.inject(FaultKind.DELETE_LOST, B, 0) == f"{X} stays here"
    place.settle()
    assert views(place) == [{}, {X: content(X)}, {}]


def test_a_duplicate_has_the_same_bytes_under_a_second_name_everywhere():
    forms = set()
    for draw in range(6):
        place = shared(X)
        assert place.inject(FaultKind.DUPLICATED, B, draw).startswith(f"{X} -> ")
        place.settle()
        (copy,) = place.server.keys() - {X}
        assert place.server[copy] == content(X)
        assert dict(place.files(A)) == place.server
        forms.add(copy)
    assert len(forms) == 6
    assert all(".crdts" in copy for copy in forms)


def test_a_second_duplicate_gets_another_name():
    place = shared(X)
    for _ in range(3):
        place.inject(FaultKind.DUPLICATED, B, 0)
    assert len(place.files(B)) == 4


def test_a_conflict_copy_may_be_made_without_a_conflict_and_leave_the_original_empty_or_cut():
    left = set()
    for draw in range(4):
        place = shared(X)
        place.inject(FaultKind.CONFLICT_COPY, B, draw)
        place.settle()
        (copy,) = place.server.keys() - {X}
        assert place.server[copy] == content(X)
        assert place.files(A)[X] == content(X)
        left.add(place.files(B)[X])
    assert left == {content(X), b"", content(X)[: len(content(X)) // 2]}


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_every_profile_names_its_conflict_copies_in_its_own_way(profile):
    place = shared(X, profile=PROFILES[profile])
    place.inject(FaultKind.CONFLICT_COPY, B, 0)
    (copy,) = place.files(B).keys() - {X}
    mark = {
        "onedrive": "-bob.crdts",
        "google-drive": " (1).crdts",
        "icloud": " 2.crdts",
        "syncthing": ".sync-conflict-20240506-100001-BOBAAAA.crdts",
        "nextcloud": " (conflicted copy 2024-05-06 100001).crdts",
    }
    assert copy.endswith(mark.get(profile, " (bob's conflicted copy 2024-05-06).crdts"))
    assert profile != "nextcloud" or place.moves(B) == 0


def test_a_name_may_be_listed_twice_and_opened_by_turns():
    for is_wanted in (b"what", content(Y), content(X)):
        place, _ = until(
            place_with(X, Y),
            FaultKind.SAME_NAME_TWICE,
            B,
            lambda place, is_wanted=is_wanted: (
                listed(place, B) == [X, X, Y]
                and {get(place, B, X) for _ in range(2)} == {content(X), is_wanted}
            ),
        )
        sizes = [file.size_bytes for file in done(place.remote(B).list())]
        assert sorted(sizes[:2]) == sorted((len(content(X)), len(is_wanted)))
        assert listed(place, A) == [X, Y]
        place.heal()
        assert listed(place, B) == [X.replace(".crdts", " (1).crdts"), X, Y]
        assert get(place, B, X) == content(X)
        assert get(place, B, X.replace(".crdts", " (1).crdts")) == is_wanted


def test_two_services_make_a_storm_of_copies():
    place, happened = until(
        place_with(X, Y), FaultKind.STACKED_SERVICES, B, lambda place: len(place.files(B)) >= 8
    )
    assert happened.count("->") >= 6
    place.settle()
    assert set(place.server.values()) <= {content(X), content(Y)}
    assert len(place.server) >= 8


@pytest.mark.parametrize(
    ("kind", "draw", "shown"),
    [
        (FaultKind.PARTIAL, 0, content(X)[: len(content(X)) // 2]),
        (FaultKind.ZERO_TAIL, 7, content(X)[:7] + bytes(len(content(X)) - 7)),
        (FaultKind.EMPTY, 0, b""),
    ],
)
def test_a_part_of_a_file_that_comes_is_seen_first(kind, draw, shown):
    place = coming()
    assert place.inject(kind, B, draw) == f"{X} {len(shown)} of {len(content(X))}" or kind == "zero-tail"
    assert get(place, B, X) == shown
    assert [file.size_bytes for file in done(place.remote(B).list())] == [len(shown)]
    assert shown in place.damaged
    place.settle()
    assert get(place, B, X) == content(X)
    assert place.inject(kind, B, draw) == ""


def test_a_profile_may_show_parts_by_itself():
    seen = set()
    for draw in range(200):
        place = shared(profile=PROFILES["smb"])
        put(place, A, X, content(X))
        place.move(A, 0)
        place.move(B, draw)
        seen.add(get(place, B, X))
        place.settle()
        assert get(place, B, X) == content(X)
    assert content(X) in seen
    assert all(content(X).startswith(part) for part in seen)
    assert len(seen) > 10


def test_a_part_is_shown_once_for_each_content_that_comes():
    draw = 4 - 1
    place = shared(profile=PROFILES["smb"])
    for data in (content(X), content(Y)):
        place.write(X, data)
        assert [place.move(B, draw), place.move(B, draw)] == [f"part {X} 0", f"down {X}"]
        assert get(place, B, X) == data


def bits(data):
    return int.from_bytes(data, "big")


DAMAGES = {
    FaultKind.FLIPPED_BIT: lambda data: (
        len(data) == len(content(X)) and (bits(data) ^ bits(content(X))).bit_count() == 1
    ),
    FaultKind.TRUNCATED: lambda data: (
        data != content(X) and content(X).startswith(data.rstrip(b"\0")) and len(data) <= len(content(X))
    ),
    FaultKind.CONCATENATED: lambda data: data.startswith(content(X)) and len(data) > len(content(X)),
    FaultKind.SWAPPED: lambda data: data == content(Y),
}


@pytest.mark.parametrize("kind", DAMAGES)
@pytest.mark.parametrize("is_for_all", [False, True], ids=["here", "for all"])
def test_damage_is_what_it_says_here_or_for_all_and_stays(kind, is_for_all):
    found = set()
    for draw in range(400):
        place = shared(X, Y)
        if not place.inject(kind, B, draw):
            continue
        place.heal()
        place.settle()
        damaged = place.files(B)[X]
        if damaged == content(X) or (place.server[X] != content(X)) != is_for_all:
            continue
        assert DAMAGES[kind](damaged), draw
        assert place.files(A)[X] == (damaged if is_for_all else content(X))
        assert damaged in place.damaged
        assert place.files(B)[Y] == content(Y)
        found.add(damaged)
    assert len(found) >= (1 if kind is FaultKind.SWAPPED else 3)


def test_every_bit_of_a_file_may_be_flipped():
    found = set()
    for draw in range(8 * len(content(X))):
        place = shared(X)
        place.inject(FaultKind.FLIPPED_BIT, B, 2 * draw)
        found.add(place.files(B)[X])
    assert len(found) == 8 * len(content(X))


def test_a_file_vanishes_here_or_for_all():
    for is_left in ([{X: content(X)}, {}], [{}, {}]):

        def check(place, is_left=is_left):
            place.settle()
            return views(place) == is_left

        until(place_with(X), FaultKind.VANISHED, B, check)


def test_what_vanishes_before_its_upload_is_not_uploaded_later():
    place = shared()
    put(place, A, X, content(X))
    place.inject(FaultKind.DELAYED, A, 0)
    assert place.inject(FaultKind.VANISHED, A, 1) == f"{X} for all"
    place.heal()
    place.settle()
    assert place.server == {}


def test_a_deleted_file_comes_back_from_a_machine_or_from_the_service():
    def deleted():
        place = shared(X)
        done(place.remote(A).delete(X))
        place.settle()
        return place

    for draw, where in ((0, "from here"), (1, "at the service")):
        place = deleted()
        assert place.inject(FaultKind.RESURRECTED, B, draw) == f"{X} {where}"
        place.settle()
        assert views(place) == [{X: content(X)}] * 2
    assert shared(X).inject(FaultKind.RESURRECTED, B, 0) == ""


def test_a_directory_splits_in_two_for_all():
    place, happened = until(
        place_with(X, Y), FaultKind.DIRECTORY_SPLIT, B, lambda place: "ada 2/f" in str(place.server)
    )
    assert happened == "ada -> ada 2"
    place.settle()
    assert place.server.keys() == {X.replace("ada", "ada 2", 1), Y.replace("ada", "ada 2", 1)}
    assert views(place) == [place.server] * 2
    half, _ = until(place_with(X, Y), FaultKind.DIRECTORY_SPLIT, B, lambda place: X in place.server)
    assert "ada/f 2/s-00000002-abcdef0123.crdts" in half.server or Y.replace("ada", "ada 2", 1) in half.server


def test_a_name_is_folded_changed_or_shortened_here_or_for_all():
    forms = set()
    for draw in range(14):
        place = shared(X)
        happened = place.inject(FaultKind.NAME_CHANGED, B, draw)
        place.settle()
        (name,) = place.files(B)
        assert place.files(B)[name] == content(X)
        assert name != X
        assert (name in place.server) == happened.endswith("for all")
        forms.add(name)
    assert X.upper() in forms
    assert "ADA/F/S-0000~1.CRD" in forms
    assert len(forms) == 7


def test_a_file_may_come_as_a_placeholder_and_hydrate_by_itself():
    place = coming()
    assert place.inject(FaultKind.PLACEHOLDER, B, 0) == X
    (file,) = done(place.remote(B).list())
    assert (file.name, file.size_bytes, file.is_local) == (X, len(content(X)), False)
    assert get(place, B, X) is RemoteFileNotLocalError
    assert place.moves(B) == 1
    assert place.move(B, 0) == f"hydrate {X}"
    assert get(place, B, X) == content(X)
    assert done(place.remote(B).list())[0].is_local


def test_an_own_file_may_become_a_placeholder():
    place = shared(X)
    assert place.inject(FaultKind.DEHYDRATED, A, 0) == X
    assert get(place, A, X) is RemoteFileNotLocalError
    assert get(place, B, X) == content(X)
    assert place.inject(FaultKind.DEHYDRATED, A, 0) == ""
    place.settle()
    assert get(place, A, X) == content(X)


def test_a_file_that_fails_to_hydrate_looks_like_any_other_until_faults_stop():
    place = shared(X)
    assert place.inject(FaultKind.HYDRATION_FAILS, B, 4) == X
    assert done(place.remote(B).list())[0].is_local
    assert get(place, B, X) is get(place, B, X) is RemoteUnavailableError
    assert place.injected == {FaultKind.HYDRATION_FAILS: 1}
    place.settle()
    assert get(place, B, X) is RemoteUnavailableError
    place.heal()
    assert get(place, B, X) == content(X)


def test_files_that_are_spared_are_left_alone():
    marker = "folder-x.crdts"
    for kind in FaultKind:
        for draw in range(40):
            place = shared(marker, spares=lambda name: name.startswith("folder-"))
            place.inject(kind, B, draw)
            place.heal()
            place.settle()
            assert place.server[marker] == content(marker), (kind, draw)
            assert get(place, B, marker) == content(marker), (kind, draw)


def test_a_fault_that_finds_nothing_to_do_says_nothing_and_counts_nothing():
    for kind in FaultKind:
        if kind.facts.lasting is not Lasting.DAMAGE:
            continue
        place = shared()
        happened = place.inject(kind, B, 0)
        assert bool(happened) == bool(place.injected), kind
        if not (kind.startswith("junk") or kind is FaultKind.FOREIGN_FILES):
            assert happened == "", kind


def test_the_first_file_that_fits_is_the_simplest_choice():
    place = shared(X, Y)
    assert injected(place, FaultKind.VANISHED, B).startswith(X)
    assert listed(place, B) == [Y]
    assert get(place, B, X) is RemoteFileMissingError
    assert place.profile is CALM
