"""What is known of faults, profiles and names is complete, and the names are those that a reader meets."""

import pickle

import pytest

from crdtsync.protocol.names import NameKind, classify
from crdtsync.testing import FAULTS, HAZARDS_ELSEWHERE, PROFILES, ConflictNaming, FaultKind, FaultPlace
from crdtsync.testing.faults.draws import Draw
from crdtsync.testing.faults.names import changed_name, conflict_name, duplicate_name, split_directory_name

OWNER, FEED = "a" * 26, "b" * 12 + "a"
SEGMENT = f"{OWNER}/{FEED}/0000/s-00000007-0123456789.crdts"


def test_every_fault_is_known_and_stands_for_a_hazard():
    assert FAULTS.keys() == set(FaultKind)
    for kind in FaultKind:
        assert kind.hazards
        assert kind.facts.what


def test_every_hazard_of_a_shared_folder_has_a_fault_or_a_reason():
    covered = {hazard for fault in FAULTS.values() for hazard in fault.hazards}
    assert covered | HAZARDS_ELSEWHERE.keys() >= {*range(1, 32), 57, 58}
    assert not covered & HAZARDS_ELSEWHERE.keys()


def test_the_services_of_the_design_have_profiles():
    services = {"dropbox", "onedrive", "google-drive", "icloud", "syncthing", "nextcloud", "smb"}
    assert PROFILES.keys() == services | {"calm", "hostile", "any"}
    for name, profile in PROFILES.items():
        assert name == profile.name
        assert profile.conflict_namings
        assert all(weight > 0 for weight in profile.weights.values())
        for source in profile.sources:
            assert source.statement
            assert source.where
            assert source.kinds
            assert set(source.kinds) <= profile.weights.keys(), (name, source)
    assert all(PROFILES[name].sources for name in services)


def test_any_has_every_fault_of_every_service_and_hostile_those_of_outsiders():
    services = {kind for name, profile in PROFILES.items() if name != "hostile" for kind in profile.weights}
    assert PROFILES["any"].weights.keys() == services
    outsiders = {kind for kind in FaultKind if 57 in kind.hazards or 58 in kind.hazards}
    assert outsiders <= PROFILES["hostile"].weights.keys()
    assert services | PROFILES["hostile"].weights.keys() == set(FaultKind)


@pytest.mark.parametrize("name", sorted(PROFILES.keys() - {"calm"}))
def test_a_profile_draws_each_fault_as_often_as_its_weight(name):
    profile = PROFILES[name]
    drawn = [profile.kind_of(draw) for draw in range(sum(profile.weights.values()))]
    assert {kind: drawn.count(kind) for kind in drawn} == dict(profile.weights)
    assert profile.kind_of(-1) in profile.kinds


def test_a_profile_can_go_to_another_process():
    for profile in PROFILES.values():
        assert profile == pickle.loads(pickle.dumps(profile))


def test_a_profile_without_faults_draws_none():
    with pytest.raises(ValueError, match="calm"):
        PROFILES["calm"].kind_of(0)


@pytest.mark.parametrize("naming", list(ConflictNaming))
@pytest.mark.parametrize("number", [1, 2, 17])
def test_conflict_copies_are_read_like_any_other_file(naming, number):
    copy = conflict_name(naming, SEGMENT, "ada", number)
    if naming is ConflictNaming.NO_COPY:
        assert copy == ""
        return
    hint = classify(copy)
    assert (hint.kind, hint.owner, hint.feed, hint.number) == (NameKind.SEGMENT, OWNER, FEED, 7)
    assert len({conflict_name(naming, SEGMENT, "ada", other) for other in range(1, 20)}) == 19


@pytest.mark.parametrize("form", range(6))
def test_duplicates_are_worth_opening(form):
    assert classify(duplicate_name(SEGMENT, 1, Draw(form))).worth_opening
    assert len({duplicate_name(SEGMENT, number, Draw(form)) for number in range(1, 20)}) == 19


def test_a_changed_name_is_worth_opening_unless_it_lost_its_extension():
    changed = [changed_name(SEGMENT, Draw(form)) for form in range(7)]
    assert [name for name in changed if not classify(name).worth_opening] == [
        f"{OWNER}/{FEED}/0000/s-0000~1.crd".upper()
    ]
    assert len({*changed, SEGMENT}) == 8


def test_a_file_of_a_split_directory_is_still_its_owners():
    hint = classify(SEGMENT.replace(FEED, split_directory_name(FEED, 1)))
    assert (hint.kind, hint.owner, hint.feed) == (NameKind.SEGMENT, OWNER, FEED)


def test_a_name_without_an_extension_can_be_copied_and_changed():
    for name in ("a", ".hidden", "a/.hidden", "a.b/c"):
        assert conflict_name(ConflictNaming.GOOGLE, name, "ada", 1) == f"{name} (1)"
        for form in range(7):
            assert changed_name(name, Draw(form)) != ""


@pytest.mark.parametrize("profile", PROFILES.values(), ids=list(PROFILES))
def test_a_place_has_the_profile_it_was_given(profile):
    assert FaultPlace(profile).profile is profile
