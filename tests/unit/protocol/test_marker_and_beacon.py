"""Markers and beacons."""

import msgspec
import pytest

from crdtsync.errors import DamagedFileError, ValidationError
from crdtsync.protocol.beacon import Beacon, FeedPosition, FeedWant, decode_beacon, encode_beacon
from crdtsync.protocol.files import FileHeader, FileType, encode_file
from crdtsync.protocol.marker import Marker, decode_marker_file, encode_marker, encode_marker_file

ADA = "b" * 25 + "a"
BOB = "e" * 25 + "a"
FEED = "c" * 12 + "a"
FOLDER = "d" * 25 + "e"
HASH = b"\x01" * 32
MARKER = Marker(FOLDER, ADA, 1_760_000_000_000, "Sales")
POSITION = FeedPosition(BOB, FEED, 4, HASH)
BEACON = Beacon(
    name="R2",
    role="roaming",
    coordinator=False,
    counter=3,
    at_ms=1_760_000_000_000,
    positions=[POSITION],
    own=FeedPosition(ADA, FEED, 9, HASH),
    ledger_index=2,
    ledger_hash=HASH,
    wants=[FeedWant(BOB, FEED, 5)],
    software="crdtsync 0.1",
)


def test_a_marker_says_which_folder_this_is():
    assert decode_marker_file(encode_marker_file(MARKER)) == MARKER


@pytest.mark.parametrize(
    "header",
    [
        FileHeader(type=FileType.BEACON, folder=FOLDER, writer=ADA),
        FileHeader(type=FileType.MARKER, folder=BOB, writer=ADA),
        FileHeader(type=FileType.MARKER, folder=FOLDER, writer=BOB),
    ],
)
def test_a_marker_in_the_wrong_frame_is_damage(header):
    with pytest.raises(DamagedFileError):
        decode_marker_file(encode_file(header, encode_marker(MARKER)))


def test_a_marker_that_no_reader_accepts_is_not_written():
    with pytest.raises(ValidationError):
        encode_marker_file(Marker(FOLDER, ADA, -1, ""))
    with pytest.raises(ValidationError):
        encode_marker_file(Marker(FOLDER, ADA, 1, "x" * 101))
    with pytest.raises(ValidationError):
        encode_marker_file(Marker(FOLDER, ADA, 1, "\ud800"))


def test_a_beacon_says_what_its_replica_has():
    assert decode_beacon(encode_beacon(BEACON)) == BEACON


def test_a_new_replica_has_nothing_to_say_yet():
    beacon = Beacon(name="R2", role="office", coordinator=True, counter=1, at_ms=0, positions=[])
    assert decode_beacon(encode_beacon(beacon)) == beacon


@pytest.mark.parametrize(
    "changes",
    [
        {"role": "admin"},
        {"counter": 0},
        {"name": "x" * 101},
        {"ledger_hash": b""},
        {"at_ms": -1},
        {"positions": [FeedPosition(BOB, FEED, -1, HASH)]},
        {"positions": [FeedPosition(BOB, FEED, 1, HASH[:31])]},
        {"positions": [FeedPosition(BOB, BOB, 1, HASH)]},
        {"wants": [FeedWant(BOB, FEED, 0)]},
        {"wants": [FeedWant("bob", FEED, 1)]},
    ],
)
def test_a_beacon_that_no_reader_accepts_is_not_written(changes):
    with pytest.raises(ValidationError):
        encode_beacon(msgspec.structs.replace(BEACON, **changes))


def test_a_beacon_names_a_feed_once():
    with pytest.raises(ValidationError):
        encode_beacon(msgspec.structs.replace(BEACON, positions=[POSITION, POSITION]))
