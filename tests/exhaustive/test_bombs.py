"""Goal: no file takes more memory than its frame says, and none says more than its type may have (H50, I16).

Method: small files that unpack to very much, of every type: honest about it, and lying about it in each way that a
frame and its compressor allow. Memory is measured.
"""

import struct
import tracemalloc
from hashlib import blake2b

import pytest
import zstandard

from crdtsync.errors import DamagedFileError, FormatError, LimitExceededError
from crdtsync.protocol.files import MAGIC, FileType, decode_file
from tests.fuzz.targets import FILES

BOMB_BYTES = 64 * 1024 * 1024
PEAK_BYTES_MAX = 2 * 1024 * 1024


def header_of(data: bytes) -> bytes:
    (length,) = struct.unpack_from("<H", data, 10)
    return data[20 : 20 + length]


def framed(file_type: FileType, stored: bytes, raw_bytes: int) -> bytes:
    header = header_of(FILES[file_type])
    whole = MAGIC + struct.pack("<HHII", 1, len(header), len(stored), raw_bytes) + header + stored
    return whole + blake2b(whole, digest_size=32).digest()


def compressed(size: int, *, tells_size: bool = True) -> bytes:
    return zstandard.ZstdCompressor(write_content_size=tells_size).compress(bytes(size))


@pytest.fixture(scope="module")
def bomb():
    return compressed(BOMB_BYTES)


def refused(data: bytes, error: type[FormatError]) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(error):
            decode_file(data)
        _, peak_bytes = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert peak_bytes < PEAK_BYTES_MAX


@pytest.mark.parametrize("file_type", FileType)
def test_a_frame_that_says_less_than_its_compressor_is_not_unpacked(file_type, bomb):
    refused(framed(file_type, bomb, 100), DamagedFileError)


@pytest.mark.parametrize("file_type", FileType)
def test_a_compressor_that_does_not_say_how_much_is_not_asked(file_type):
    refused(framed(file_type, compressed(BOMB_BYTES, tells_size=False), 100), DamagedFileError)


@pytest.mark.parametrize("file_type", [FileType.MARKER, FileType.BEACON])
def test_a_file_that_says_more_than_its_type_may_have_is_not_unpacked(file_type, bomb):
    refused(framed(file_type, bomb, BOMB_BYTES), LimitExceededError)


@pytest.mark.parametrize("file_type", FileType)
def test_no_file_says_more_than_any_may_have(file_type, bomb):
    refused(framed(file_type, bomb, 0xFFFF_FFFF), LimitExceededError)
