"""The frame of a file: what proves it, and every way in which it can fail to."""

import hashlib
import struct

import msgspec
import pytest
import zstandard

from crdtsync.errors import (
    DamagedFileError,
    ForeignFileError,
    LimitExceededError,
    NewerFormatError,
    PartialFileError,
    ValidationError,
)
from crdtsync.protocol import files
from crdtsync.protocol.files import FileHeader, FileType, decode_file, encode_file, file_hash

ADA = "b" * 25 + "a"
FEED = "c" * 12 + "a"
FOLDER = "d" * 25 + "e"
HEADER = FileHeader(
    type=FileType.SEGMENT, folder=FOLDER, writer=ADA, feed=FEED, sequence=3, previous=b"\x01" * 32
)
BEACON = FileHeader(type=FileType.BEACON, folder=FOLDER, writer=ADA, sequence=3)


def built(header=None, stored=None, *, raw_bytes=None, version=1, body=b"content"):
    """A file with a right hash, whatever it holds."""
    if header is None:
        header = msgspec.msgpack.encode([4, bytes(16), bytes(16), b"", 1, bytes(32)])
    if stored is None:
        stored = zstandard.ZstdCompressor().compress(body)
    raw_bytes = len(body) if raw_bytes is None else raw_bytes
    whole = (
        struct.pack("<8sHHII", files.MAGIC, version, len(header), len(stored), raw_bytes) + header + stored
    )
    return whole + hashlib.blake2b(whole, digest_size=32).digest()


def test_a_file_comes_back_as_it_was():
    data = encode_file(HEADER, b"content")
    decoded = decode_file(data)
    assert decoded.header == HEADER
    assert decoded.body == b"content"
    assert decoded.hash == file_hash(data)


def test_equal_files_are_equal_byte_by_byte():
    assert encode_file(HEADER, b"content") == encode_file(HEADER, b"content")


def test_an_empty_body_is_a_body():
    assert decode_file(encode_file(BEACON, b"")).body == b""


@pytest.mark.parametrize("size", [0, 1, 7, 8, 19, 20, 60, -1])
def test_a_prefix_is_not_complete_yet(size):
    with pytest.raises(PartialFileError):
        decode_file(encode_file(HEADER, b"content")[:size])


@pytest.mark.parametrize("kept", [0, 1, 20, 60, -8])
def test_a_file_of_the_right_size_that_ends_in_zeros_is_not_complete_yet(kept):
    data = encode_file(HEADER, b"content")
    with pytest.raises(PartialFileError):
        decode_file(data[:kept] + bytes(len(data) - len(data[:kept])))


@pytest.mark.parametrize("data", [b"PK\x03\x04 a document", b"x", b"\x89PNG\r\n\x1a\n" + bytes(100)])
def test_a_file_without_the_magic_is_foreign(data):
    with pytest.raises(ForeignFileError):
        decode_file(data)


def test_text_mode_copies_are_noticed_by_the_magic():
    with pytest.raises(ForeignFileError):
        decode_file(encode_file(HEADER, b"content").replace(b"\r\n", b"\n"))


@pytest.mark.parametrize("tail", [b"\0", b"garbage", encode_file(HEADER, b"other")])
def test_a_file_with_something_after_its_end_is_damaged(tail):
    with pytest.raises(DamagedFileError):
        decode_file(encode_file(HEADER, b"content") + tail)


def test_a_whole_file_of_a_later_version_is_kept_for_an_update():
    with pytest.raises(NewerFormatError):
        decode_file(built(b"anything", version=2))


def test_a_damaged_version_is_damage_and_no_later_version():
    data = bytearray(encode_file(HEADER, b"content"))
    data[8] = 2
    with pytest.raises(DamagedFileError):
        decode_file(bytes(data))


def test_there_is_no_version_0():
    with pytest.raises(DamagedFileError):
        decode_file(built(version=0))


def test_a_type_of_a_later_version_is_kept_for_an_update():
    header = msgspec.msgpack.encode([5, bytes(16), bytes(16), b"", 1, bytes(32)])
    with pytest.raises(NewerFormatError):
        decode_file(built(header))


def test_elements_that_a_later_version_adds_to_the_header_are_skipped():
    header = msgspec.msgpack.encode([4, bytes(16), bytes(16), b"", 1, bytes(32), b"signature"])
    assert decode_file(built(header)).body == b"content"


@pytest.mark.parametrize(
    "header",
    [
        b"",
        b"\xc1",
        b"\x97\x04" + b"\x91" * 3000 + b"\xc0",
        msgspec.msgpack.encode([4, bytes(16), bytes(16), b"", 1]),
        msgspec.msgpack.encode([4, bytes(15), bytes(16), b"", 1, bytes(32)]),
        msgspec.msgpack.encode([4, bytes(16), bytes(16), b"", -1, bytes(32)]),
        msgspec.msgpack.encode([4, bytes(16), bytes(16), b"", 2**53, bytes(32)]),
        msgspec.msgpack.encode([4, bytes(16), bytes(16), bytes(8), 1, bytes(32)]),
        msgspec.msgpack.encode([2, bytes(16), bytes(16), b"", 1, bytes(32)]),
        msgspec.msgpack.encode([2, bytes(16), bytes(16), bytes(8), 0, bytes(32)]),
        msgspec.msgpack.encode([2, bytes(16), bytes(16), bytes(7), 1, bytes(32)]),
    ],
)
def test_a_header_that_makes_no_sense_is_damage(header):
    with pytest.raises(DamagedFileError):
        decode_file(built(header))


@pytest.mark.parametrize(
    ("header_bytes", "stored_bytes", "raw_bytes"),
    [(4097, 10, 10), (80, files.FILE_BYTES_MAX, 10), (80, 10, files.BODY_BYTES_MAX + 1)],
)
def test_declared_sizes_are_bounded_before_anything_is_read(header_bytes, stored_bytes, raw_bytes):
    prelude = struct.pack("<8sHHII", files.MAGIC, 1, header_bytes, stored_bytes, raw_bytes)
    with pytest.raises(LimitExceededError):
        decode_file(prelude)


def test_a_beacon_may_not_say_that_it_is_as_large_as_a_segment():
    with pytest.raises(LimitExceededError):
        decode_file(built(raw_bytes=17 * 1024 * 1024))


def test_a_bomb_is_not_unpacked():
    bomb = zstandard.ZstdCompressor().compress(bytes(10_000_000))
    with pytest.raises(DamagedFileError):
        decode_file(built(stored=bomb, raw_bytes=100))


def test_a_frame_that_hides_its_size_is_not_unpacked():
    hidden = zstandard.ZstdCompressor(write_content_size=False).compress(b"content")
    with pytest.raises(DamagedFileError):
        decode_file(built(stored=hidden))


@pytest.mark.parametrize("stored", [b"", b"\x28", b"no zstd at all"])
def test_a_body_that_is_not_compressed_is_damage(stored):
    with pytest.raises(DamagedFileError):
        decode_file(built(stored=stored))


def test_a_second_frame_after_the_body_is_damage():
    frame = zstandard.ZstdCompressor().compress(b"content")
    with pytest.raises(DamagedFileError):
        decode_file(built(stored=frame + frame))


@pytest.mark.parametrize(
    ("header", "body"),
    [
        (FileHeader(type=FileType.SEGMENT, folder=FOLDER, writer=ADA, sequence=1), b""),
        (FileHeader(type=FileType.SEGMENT, folder=FOLDER, writer=ADA, feed=FEED, sequence=0), b""),
        (FileHeader(type=FileType.MARKER, folder=FOLDER, writer=ADA, feed=FEED), b""),
        (FileHeader(type=FileType.MARKER, folder="x", writer=ADA), b""),
        (FileHeader(type=FileType.MARKER, folder=FOLDER, writer=ADA, sequence=-1), b""),
        (FileHeader(type=FileType.MARKER, folder=FOLDER, writer=ADA, previous=b"short"), b""),
        (FileHeader(type=FileType.MARKER, folder=FOLDER, writer=FEED), b""),
        (FileHeader(type=FileType.MARKER, folder=FOLDER, writer=ADA), bytes(64 * 1024 + 1)),
    ],
)
def test_nothing_is_written_that_no_reader_accepts(header, body):
    with pytest.raises(ValidationError):
        encode_file(header, body)
