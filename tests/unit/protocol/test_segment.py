"""Segments: what they carry, what they cost, and what is refused."""

import random
import time

import msgspec
import pytest
import zstandard

from crdtsync.errors import DamagedFileError, ValidationError
from crdtsync.protocol import columns, ids
from crdtsync.protocol.causality import ChangeId
from crdtsync.protocol.files import FileHeader, FileType, decode_file, encode_file
from crdtsync.protocol.segment import (
    Change,
    DocumentChanges,
    Incarnation,
    NumberRequest,
    Segment,
    decode_segment,
    encode_segment,
)

ADA, BOB = 7, 2**53 - 1
REPLICA = "b" * 25 + "a"
QUOTE = "c" * 25 + "a"
SALE = "d" * 25 + "a"
NOW = 1_760_000_000_000
STAMP = b"%x" % NOW
REQUEST = NumberRequest(
    document=QUOTE,
    kind="quote",
    series="Q",
    serial=1,
    withdrawn=False,
    digest=bytes(16),
    reference="R2-1",
    at_ms=5,
)


def change(client=ADA, sequence=1, at_ms=NOW, causes=(), label="", delta=b"delta"):
    return Change(client, sequence, at_ms, tuple(ChangeId(*cause) for cause in causes), label, delta)


def of_quote(*changes):
    return Segment([], [DocumentChanges(QUOTE, "quote", list(changes))], [])


def test_all_values_come_back_in_order():
    segment = Segment(
        [Incarnation(ADA, REPLICA, "Ada", "R2"), Incarnation(BOB, REPLICA, "Bob", "office")],
        [
            DocumentChanges(
                QUOTE,
                "quote",
                [
                    change(sequence=3),
                    change(sequence=4, at_ms=NOW - 5000, label="agreed by phone"),
                    change(client=BOB, sequence=1, causes=[(ADA, 4)], label="agreed by phone"),
                    change(sequence=5, at_ms=0, causes=[(1, 9), (BOB, 1)]),
                ],
            ),
            DocumentChanges(SALE, "sale", [change(delta=b"")]),
        ],
        [REQUEST],
    )
    assert decode_segment(encode_segment(segment)) == segment


def test_a_segment_may_be_empty():
    assert decode_segment(encode_segment(Segment([], [], []))) == Segment([], [], [])


@pytest.mark.parametrize(
    "delta",
    [STAMP, STAMP * 3, b"a" + STAMP, STAMP + b"b", b"a" + STAMP + b"b" + STAMP, STAMP[:-1], STAMP * 2000],
)
def test_a_delta_that_repeats_its_time_comes_back_whole(delta):
    segment = of_quote(change(delta=delta), change(sequence=2, delta=b"next"))
    assert decode_segment(encode_segment(segment)) == segment


@pytest.mark.parametrize(
    "changes",
    [
        [],
        [change(sequence=0)],
        [change(sequence=2**53)],
        [change(client=0)],
        [change(client=2**53)],
        [change(sequence=2), change(sequence=2)],
        [change(sequence=2), change(client=BOB), change(sequence=1)],
        [change(at_ms=-1)],
        [change(at_ms=2**53)],
        [change(label="x" * 1001)],
        [change(label="\ud800")],
        [change(causes=[(ADA, 1)])],
        [change(causes=[(BOB, 0)])],
        [change(causes=[(BOB, 1), (1, 1)])],
        [change(causes=[(BOB, 1), (BOB, 2)])],
    ],
)
def test_changes_that_no_reader_accepts_are_not_written(changes):
    with pytest.raises(ValidationError):
        encode_segment(of_quote(*changes))


@pytest.mark.parametrize("kind", ["", "Quote", "1quote", "quote\n", "q" * 41, "quote-line"])
def test_a_kind_is_a_short_lower_case_name(kind):
    with pytest.raises(ValidationError):
        encode_segment(Segment([], [DocumentChanges(QUOTE, kind, [change()])], []))


def test_a_document_stands_once_in_a_segment():
    twice = [
        DocumentChanges(QUOTE, "quote", [change()]),
        DocumentChanges(QUOTE, "quote", [change(sequence=2)]),
    ]
    with pytest.raises(ValidationError):
        encode_segment(Segment([], twice, []))


@pytest.mark.parametrize("document", ["", "quote", "a" * 13])
def test_a_document_has_an_id(document):
    with pytest.raises(ValidationError):
        encode_segment(Segment([], [DocumentChanges(document, "quote", [change()])], []))


@pytest.mark.parametrize(
    "changes", [{"serial": 0}, {"digest": b""}, {"series": ""}, {"reference": "x" * 101}, {"document": "x"}]
)
def test_requests_that_no_reader_accepts_are_not_written(changes):
    with pytest.raises(ValidationError):
        encode_segment(Segment([], [], [msgspec.structs.replace(REQUEST, **changes)]))


def test_an_author_has_a_name_of_reasonable_length():
    with pytest.raises(ValidationError):
        encode_segment(Segment([Incarnation(ADA, REPLICA, "x" * 101, "R2")], [], []))


GOOD = msgspec.msgpack.decode(
    encode_segment(of_quote(change(causes=[(BOB, 1)], delta=STAMP), change(sequence=2))), type=columns.Columns
)


@pytest.mark.parametrize(
    "changes",
    [
        {"clients": []},
        {"clients": [ADA, ADA]},
        {"kinds": []},
        {"labels": []},
        {"document_ids": bytes(15)},
        {"document_ids": bytes(32)},
        {"document_kinds": []},
        {"document_runs": [2]},
        {"document_runs": [0]},
        {"run_clients": [2]},
        {"run_clients": [0, 0]},
        {"run_starts": [2**53 - 1]},
        {"run_lengths": [3]},
        {"run_lengths": [1]},
        {"cause_steps": [2]},
        {"cause_steps": []},
        {"cause_clients": [2]},
        {"cause_clients": [0]},
        {"cause_sequences": [1, 2]},
        {"change_labels": [0]},
        {"change_labels": [0, 1]},
        {"change_steps_high": [0]},
        {"change_steps_high": [0, -1]},
        {"change_steps_high": [2**46, 0]},
        {"change_steps_low": b""},
        {"change_pieces": [3, 0]},
        {"change_pieces": [2, 2]},
        {"piece_lengths": [0, 0]},
        {"piece_lengths": [0, 0, 4]},
        {"piece_lengths": [0, 0, 6]},
        {"pieces": b""},
    ],
)
def test_columns_that_contradict_one_another_are_damage(changes):
    assert decode_segment(msgspec.msgpack.encode(GOOD)).documents
    with pytest.raises(DamagedFileError):
        decode_segment(msgspec.msgpack.encode(msgspec.structs.replace(GOOD, **changes)))


def test_columns_that_a_later_version_adds_are_skipped():
    packed = msgspec.msgpack.encode([*msgspec.structs.astuple(GOOD), "more"])
    assert decode_segment(packed) == decode_segment(msgspec.msgpack.encode(GOOD))


def varint(number):
    out = b""
    while number > 127:
        out += bytes([number & 127 | 128])
        number >>= 7
    return out + bytes([number])


def a_days_work(source, documents=1000, changes=10):
    """Changes as the document layer makes them: a header, the key of a field, its stamp and value."""
    client = ids.new_client_id(source.randbytes)
    now = NOW
    made = []
    for _ in range(documents):
        lines = [f"{source.getrandbits(40):010x}" for _ in range(3)]
        edits = []
        for sequence in range(1, changes + 1):
            now += source.randrange(5, 4000)
            field = source.choice(["quantity", "product", "price", "room", "width"])
            key = f"lines/{source.choice(lines)}/{field}|{client:x}".encode()
            value = f'{now:x} "{source.randrange(200)}"'.encode()
            header = b"\x01\x01" + varint(client) + varint(sequence) + b"\x28\x01\x01f"
            delta = header + varint(len(key)) + key + b"\x01\x77" + varint(len(value)) + value + b"\0"
            edits.append(change(client, sequence, now, delta=delta))
        made.append(DocumentChanges(ids.new_document_id(source.randbytes), "quote", edits))
    return Segment([Incarnation(client, ids.new_replica_id(source.randbytes), "Ada", "R2")], made, [])


def test_a_file_of_changes_is_hardly_larger_than_their_compressed_deltas():
    segment = a_days_work(random.Random(1))
    deltas = b"".join(edit.delta for document in segment.documents for edit in document.changes)
    header = FileHeader(type=FileType.SEGMENT, folder=SALE, writer=REPLICA, feed="a" * 13, sequence=1)
    start = time.process_time()
    data = encode_file(header, encode_segment(segment))
    middle = time.process_time()
    decoded = decode_segment(decode_file(data).body)
    end = time.process_time()
    assert decoded == segment
    assert len(data) <= 1.1 * len(zstandard.ZstdCompressor(level=6).compress(deltas))
    # Some twenty milliseconds each of the processor, however busy it is with others; the bound only catches a change of the order of growth.
    assert middle - start < 1
    assert end - middle < 1
