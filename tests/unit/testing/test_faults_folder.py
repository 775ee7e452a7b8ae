"""The model without faults: silent steps in any order, collisions, and what stays apart until then."""

import asyncio
import itertools
from random import Random

import pytest

from crdtsync.errors import (
    RemoteFileExistsError,
    RemoteFileMissingError,
    RemoteFileTooLargeError,
    UsageError,
)
from crdtsync.testing import CALM, PROFILES, ConflictNaming, FaultKind, FaultPlace, Profile
from tests.unit.testing.fault_helpers import A, B, C, content, done, get, listed, outcome, put, shared


def test_what_is_put_is_here_at_once_and_there_after_an_upload_and_a_download():
    place = shared()
    put(place, A, "a/x", b"1")
    assert get(place, A, "a/x") == b"1"
    assert (place.moves(A), place.moves(B), place.server) == (1, 0, {})
    assert place.move(A, 0) == "up a/x"
    assert (place.moves(A), place.moves(B), place.server) == (0, 1, {"a/x": b"1"})
    assert get(place, B, "a/x") is RemoteFileMissingError
    assert place.move(B, 0) == "down a/x"
    assert get(place, B, "a/x") == b"1"
    assert place.moves() == 0


def test_a_delete_takes_the_same_way():
    place = shared("a/x")
    done(place.remote(B).delete("a/x"))
    assert listed(place, B) == []
    assert listed(place, A) == ["a/x"]
    assert place.move(B, 0) == "delete-up a/x"
    assert place.server == {}
    assert place.move(A, 0) == "delete-down a/x"
    assert listed(place, A) == []


def test_what_is_deleted_before_its_upload_never_reaches_anybody():
    place = shared()
    put(place, A, "a/x", b"1")
    done(place.remote(A).delete("a/x"))
    place.settle()
    assert place.server == {}
    assert listed(place, B) == []


def test_a_machine_that_comes_later_has_everything_still_to_come():
    place = shared("a/x", "a/y")
    assert place.moves(C) == 2
    place.settle()
    assert dict(place.files(C)) == place.server
    assert place.machines == (A, B, C)


def test_draws_reach_every_order_of_the_steps():
    orders = set()
    for draws in itertools.product(range(3), range(2)):
        place = shared()
        for name in ("a/x", "a/y", "a/z"):
            put(place, A, name, b"1")
        orders.add(tuple(place.move(A, draw) for draw in (*draws, 0)))
    assert len(orders) == 6


def test_a_name_taken_in_the_own_view_is_refused_and_a_remote_is_that_machines_again():
    place = shared("a/x")
    for machine in (A, B):
        assert outcome(place.remote(machine).put("a/x", b"other")) is RemoteFileExistsError
    assert place.server == {"a/x": content("a/x")}
    assert place.moves() == 0


def test_names_and_bounds_are_those_of_the_contract():
    remote = shared("a/x").remote(A)
    assert outcome(remote.put("A b", b"")) is UsageError
    assert outcome(remote.list("a")) is UsageError
    assert outcome(remote.get("a/x", bytes_max=3)) is RemoteFileTooLargeError
    assert done(remote.list("b/")) == []
    assert remote.address == "fault:ada"


CONFLICT_NAMES = {
    ConflictNaming.DROPBOX: "a/x-1 (bob's conflicted copy 2024-05-06).crdts",
    ConflictNaming.DROPBOX_CASE: "a/x-1 (Case Conflict).crdts",
    ConflictNaming.DROPBOX_WHITE_SPACE: "a/x-1 (White Space Conflict).crdts",
    ConflictNaming.DROPBOX_SELECTIVE_SYNC: "a/x-1 (Selective Sync Conflict).crdts",
    ConflictNaming.ONEDRIVE_COMPUTER: "a/x-1-bob.crdts",
    ConflictNaming.ONEDRIVE_NUMBER: "a/x-1 (2).crdts",
    ConflictNaming.GOOGLE: "a/x-1 (1).crdts",
    ConflictNaming.ICLOUD: "a/x-1 2.crdts",
    ConflictNaming.SYNCTHING: "a/x-1.sync-conflict-20240506-100001-BOBAAAA.crdts",
    ConflictNaming.NEXTCLOUD: "a/x-1 (conflicted copy 2024-05-06 100001).crdts",
    ConflictNaming.CRYPTOMATOR: "a/x-1_conflict.crdts",
    ConflictNaming.AFTER_EXTENSION: "a/x-1.crdts (bob's conflicted copy)",
}


def collided(naming, winner, **options):
    """Ada and bob have put one name while apart; ada's upload came first."""
    place = shared(profile=Profile("test", {}, conflict_namings=(naming,), **options))
    put(place, A, "a/x-1.crdts", b"of ada")
    put(place, B, "a/x-1.crdts", b"of bob")
    place.move(A, 0)
    return place, place.move(B, winner)


def test_every_naming_is_tried():
    assert CONFLICT_NAMES.keys() == set(ConflictNaming) - {ConflictNaming.NO_COPY}


@pytest.mark.parametrize(("naming", "copy"), CONFLICT_NAMES.items(), ids=[str(n) for n in CONFLICT_NAMES])
@pytest.mark.parametrize("index", [0, 1], ids=["at the upload", "at the download"])
def test_one_name_with_two_contents_becomes_two_files_everywhere(naming, copy, index):
    place, happened = collided(naming, index)
    assert happened == f"conflict a/x-1.crdts -> {copy}"
    place.settle()
    assert place.server == {"a/x-1.crdts": b"of ada", copy: b"of bob"}
    assert dict(place.files(A)) == dict(place.files(B)) == place.server
    assert place.injected == {FaultKind.CONFLICT_COPY: 1}


def test_the_later_one_may_win_the_name():
    place, _ = collided(ConflictNaming.GOOGLE, 2)
    place.settle()
    assert place.server == {"a/x-1.crdts": b"of bob", "a/x-1 (1).crdts": b"of ada"}
    assert dict(place.files(A)) == place.server


def test_a_conflict_copy_may_stay_on_its_machine():
    place, _ = collided(ConflictNaming.NEXTCLOUD, 0, uploads_conflict_copies=False)
    place.settle()
    assert place.server == {"a/x-1.crdts": b"of ada"}
    assert dict(place.files(A)) == place.server
    assert place.files(B)[CONFLICT_NAMES[ConflictNaming.NEXTCLOUD]] == b"of bob"


def test_the_loser_of_a_conflict_may_be_gone():
    place, happened = collided(ConflictNaming.NO_COPY, 0)
    place.settle()
    assert happened == "conflict a/x-1.crdts -> lost"
    assert dict(place.files(B)) == dict(place.files(A)) == {"a/x-1.crdts": b"of ada"}


def test_one_name_with_one_content_is_no_conflict():
    place = shared()
    for machine in (A, B):
        put(place, machine, "a/x", b"same")
    place.settle()
    assert place.server == dict(place.files(A)) == {"a/x": b"same"}
    assert not place.injected


def test_a_second_conflict_copy_gets_a_name_of_its_own():
    place = shared(
        profile=Profile("test", {}, conflict_namings=(ConflictNaming.DROPBOX,)), machines=(A, B, C)
    )
    for machine in (A, B, C, A):
        place.remote(machine)
    for machine in (A, B, C):
        put(place, machine, "x.y", machine.encode())
        place.move(machine, 0)
    place.settle()
    assert sorted(place.server.values()) == [b"ada", b"bob", b"cleo"]
    assert len(place.server) == 3


async def test_a_gate_is_told_of_each_call_before_and_after_its_effect():
    told = []
    place = FaultPlace(CALM)

    async def gate(call, name, is_done):
        told.append((call, name, is_done, listed(place, A)))
        await asyncio.sleep(0)

    remote = place.remote(A, gate=gate)
    await remote.put("a/x", b"1")
    await remote.get("a/x", bytes_max=10)
    await remote.list("a/")
    await remote.delete("a/x")
    assert told == [
        ("put", "a/x", False, []),
        ("put", "a/x", True, ["a/x"]),
        ("get", "a/x", False, ["a/x"]),
        ("get", "a/x", True, ["a/x"]),
        ("list", "a/", False, ["a/x"]),
        ("list", "a/", True, ["a/x"]),
        ("delete", "a/x", False, ["a/x"]),
        ("delete", "a/x", True, []),
    ]


@pytest.mark.parametrize("dies_after", [False, True])
async def test_a_gate_that_raises_cuts_the_call_before_or_after_its_effect(dies_after):
    async def gate(call, name, is_done):
        if is_done == dies_after:
            raise KeyboardInterrupt

    place = FaultPlace(CALM)
    with pytest.raises(KeyboardInterrupt):
        await place.remote(A, gate=gate).put("a/x", b"1")
    assert ("a/x" in place.files(A)) == dies_after


def test_a_stranger_writes_changes_and_erases_for_all():
    place = shared("a/x")
    place.write("a/y", b"strange")
    place.write("a/x", b"changed")
    place.settle()
    assert dict(place.files(A)) == {"a/x": b"changed", "a/y": b"strange"}
    place.erase("a/y")
    place.settle()
    assert listed(place, B) == ["a/x"]
    assert place.junk == (b"strange", b"changed")


@pytest.mark.parametrize("profile", ["calm", "smb"])
def test_any_order_of_calls_and_steps_ends_with_equal_views(profile):
    for seed in range(200):
        random = Random(f"{profile} {seed}")
        place = FaultPlace(PROFILES[profile])
        names = [f"{machine}/{number}" for machine in (A, B, C) for number in range(4)]
        for _ in range(60):
            machine, name = random.choice((A, B, C)), random.choice(names)
            match random.randrange(4):
                case 0 if name.startswith(machine):
                    outcome(place.remote(machine).put(name, content(name)))
                case 1 if name.startswith(machine):
                    done(place.remote(machine).delete(name))
                case _:
                    place.move(machine, random.getrandbits(30))
        place.settle()
        views = [dict(place.files(machine)) for machine in (A, B, C)]
        assert views == [place.server] * 3, f"Random('{profile} {seed}')"
        assert place.moves() == 0
        for machine in (A, B, C):
            assert listed(place, machine) == sorted(place.server)
            assert [file.size_bytes for file in done(place.remote(machine).list())] == [
                len(place.server[name]) for name in sorted(place.server)
            ]
