"""Names: what we build, and what can be made of what services leave."""

import pytest

from crdtsync.errors import ValidationError
from crdtsync.protocol.names import (
    NAME_CHARS_MAX,
    NameKind,
    beacon_name,
    classify,
    ledger_name,
    marker_name,
    segment_name,
)

ADA = "b" * 25 + "a"
FEED = "c" * 12 + "a"
FOLDER = "d" * 25 + "e"
HASH = bytes.fromhex("0123456789abcdef" * 4)


def test_names_are_as_specified():
    assert marker_name(FOLDER) == f"folder-{FOLDER}.crdts"
    assert segment_name(ADA, FEED, 1234, HASH) == f"{ADA}/{FEED}/0001/s-00001234-0123456789.crdts"
    assert ledger_name(ADA, 999, HASH) == f"{ADA}/ledger/0000/l-00000999-0123456789.crdts"
    assert beacon_name(ADA, 7, HASH) == f"{ADA}/beacons/b-00000007-0123456789.crdts"
    assert segment_name(ADA, FEED, 1, HASH, copy=2).endswith("s-00000001-0123456789-r2.crdts")


def test_the_longest_name_is_short_enough():
    assert len(segment_name(ADA, FEED, 2**53 - 1, HASH, copy=9999)) <= NAME_CHARS_MAX


@pytest.mark.parametrize(
    "make",
    [
        lambda: segment_name("ada", FEED, 1, HASH),
        lambda: segment_name(ADA, "feed", 1, HASH),
        lambda: segment_name(ADA, FEED, -1, HASH),
        lambda: segment_name(ADA, FEED, 2**53, HASH),
        lambda: segment_name(ADA, FEED, 1, b"x"),
        lambda: ledger_name(ADA, 1, HASH, copy=10000),
        lambda: beacon_name("..", 1, HASH),
        lambda: marker_name("../../etc"),
    ],
)
def test_a_name_is_not_built_from_nonsense(make):
    with pytest.raises(ValidationError):
        make()


MANGLED = [
    "{stem}.crdts",
    "{stem} (Ada's conflicted copy 2025-04-10).crdts",
    "{stem}.crdts (Ada's conflicted copy 2025-04-10)",
    "{stem} (conflicted copy 2025-04-10 093612).crdts",
    "{stem} (Case Conflict 1).crdts",
    "{stem}-DESKTOP-1AB2C3.crdts",
    "{stem} (2).crdts",
    "{stem}.crdts (1)",
    "{stem} 2.crdts",
    "{stem}_conf(1).crdts",
    "{stem}.sync-conflict-20250410-093612-ABCDEFG.crdts",
    "Copy of {stem}.crdts",
]


@pytest.mark.parametrize("pattern", MANGLED)
@pytest.mark.parametrize("fold", [str, str.upper])
@pytest.mark.parametrize("where", ["{}", "sales/{}", "Dropbox (Old)/sales 2/{}"])
def test_a_renamed_file_is_still_guessed_right(pattern, fold, where):
    for name in (
        segment_name(ADA, FEED, 12, HASH, copy=1),
        ledger_name(ADA, 12, HASH),
        beacon_name(ADA, 12, HASH),
    ):
        directory, _, last = name.rpartition("/")
        renamed = where.format(f"{directory}/{pattern.format(stem=last.removesuffix('.crdts'))}")
        assert classify(fold(renamed)) == classify(name)
        assert classify(name).worth_opening


@pytest.mark.parametrize("pattern", MANGLED)
def test_a_renamed_marker_is_still_guessed_right(pattern):
    hint = classify(pattern.format(stem=f"folder-{FOLDER}"))
    assert (hint.kind, hint.folder) == (NameKind.MARKER, FOLDER)


def test_a_hint_says_owner_feed_number_and_hash():
    hint = classify(segment_name(ADA, FEED, 1234, HASH))
    assert (hint.kind, hint.owner, hint.feed) == (NameKind.SEGMENT, ADA, FEED)
    assert (hint.number, hint.hash_start) == (1234, "0123456789")


def test_split_directories_keep_their_owner():
    hint = classify(f"{ADA} 2/{FEED} (1)/0000 2/s-00000001-0123456789.crdts")
    assert (hint.owner, hint.feed) == (ADA, FEED)


def test_a_moved_file_is_guessed_without_an_owner():
    hint = classify("s-00000001-0123456789.crdts")
    assert (hint.kind, hint.owner, hint.feed) == (NameKind.SEGMENT, None, None)


def test_anything_of_our_extension_is_worth_opening():
    assert classify("holiday.crdts").kind is NameKind.UNKNOWN
    assert classify("holiday.crdts").worth_opening


@pytest.mark.parametrize(
    "name",
    [
        "~cs-0123.crdts",
        "~cs-0123",
        f"{ADA}/beacons/~cs-9.crdts.tmp",
        ".syncthing.s-00000001-0123456789.crdts.tmp",
        "~syncthing~s-00000001-0123456789.crdts.tmp",
        "s-00000001-0123456789.crdts.part",
        "s-00000001-0123456789.crdts.partial",
        ".s-00000001-0123456789.crdts.icloud",
        "._s-00000001-0123456789.crdts",
        "s-00000001-0123456789.crdts~",
        "~$s-00000001-0123456789.crdts",
    ],
)
def test_files_in_the_making_are_left_alone(name):
    assert classify(name).kind is NameKind.TEMP


@pytest.mark.parametrize(
    "name",
    [
        "",
        "/",
        ".DS_Store",
        "desktop.ini",
        "Icon\r",
        "prices.xlsx",
        ".stversions/s-00000001-0123456789.crdts",
        f".stversions/{ADA}/{FEED}/0000/s-00000001-0123456789~20250410-093612.crdts",
        ".sync_0123456789ab.db",
        "$RECYCLE.BIN/x.crdts",
        "System Volume Information/x.crdts",
    ],
)
def test_files_of_others_are_left_alone(name):
    assert classify(name).kind is NameKind.FOREIGN
    assert not classify(name).worth_opening
