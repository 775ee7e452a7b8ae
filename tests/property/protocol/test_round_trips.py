"""Goal: whatever is written comes back, and whatever is read from outside is a value or a documented error.

Method: hypothesis draws values of every kind and encodes and decodes them; every truncation and every flipped
bit of a small file of each type is tried; arbitrary bytes, bare and in a valid frame, go to every decoder.
"""

import contextlib
import datetime as dt

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crdtsync.errors import FormatError, PartialFileError
from crdtsync.protocol import ids, names
from crdtsync.protocol.beacon import Beacon, FeedPosition, FeedWant, decode_beacon, encode_beacon
from crdtsync.protocol.causality import (
    ChangeId,
    pack_frontier,
    pack_version,
    unpack_frontier,
    unpack_version,
)
from crdtsync.protocol.files import FileHeader, FileType, decode_file, encode_file
from crdtsync.protocol.ledger import (
    GENESIS,
    LedgerEntry,
    LedgerHead,
    Outcome,
    decode_entry,
    decode_ledger,
    encode_entry,
    encode_ledger,
    entry_hash,
    extend,
)
from crdtsync.protocol.marker import (
    Marker,
    decode_marker,
    decode_marker_file,
    encode_marker,
    encode_marker_file,
)
from crdtsync.protocol.segment import (
    Change,
    DocumentChanges,
    Incarnation,
    NumberRequest,
    Segment,
    decode_segment,
    encode_segment,
)

numbers = st.integers(0, 2**53 - 1)
positives = st.integers(1, 2**53 - 1)
clients = st.one_of(st.integers(1, 5), positives)
hashes = st.binary(min_size=32, max_size=32)
digests = st.binary(min_size=16, max_size=16)
all_ids = st.binary(min_size=16, max_size=16).map(ids.id_text)
feeds = st.binary(min_size=8, max_size=8).map(ids.id_text)
texts = st.text(max_size=100)
some_texts = st.text(min_size=1, max_size=100)
kinds = st.from_regex(r"[a-z][a-z0-9_]{0,39}", fullmatch=True)


@st.composite
def headers(draw):
    file_type = draw(st.sampled_from(FileType))
    feed = draw(feeds) if file_type is FileType.SEGMENT else ""
    return FileHeader(
        type=file_type,
        folder=draw(all_ids),
        writer=draw(all_ids),
        feed=feed,
        sequence=draw(positives if file_type is FileType.SEGMENT else numbers),
        previous=draw(hashes),
    )


@st.composite
def changes_of_one_document(draw):
    newest = {}
    made = []
    for _ in range(draw(st.integers(1, 6))):
        client = draw(clients)
        newest[client] = newest.get(client, 0) + draw(st.sampled_from([1, 1, 1, 2, 1000]))
        others = sorted(draw(st.sets(clients, max_size=3)) - {client})
        at_ms = draw(st.one_of(numbers, st.integers(1_760_000_000_000, 1_760_000_000_003)))
        delta = draw(st.one_of(st.binary(max_size=40), st.just(b"%x" % at_ms)))
        causes = tuple(ChangeId(other, draw(positives)) for other in others)
        made.append(
            Change(client, newest[client], at_ms, causes, draw(texts), delta * draw(st.integers(1, 3)))
        )
    return made


requests = st.builds(
    NumberRequest,
    document=all_ids,
    kind=kinds,
    series=some_texts,
    serial=positives,
    withdrawn=st.booleans(),
    digest=digests,
    reference=texts,
    at_ms=numbers,
)
segments = st.builds(
    Segment,
    st.lists(st.builds(Incarnation, clients, all_ids, texts, texts), max_size=3),
    st.lists(
        st.builds(DocumentChanges, all_ids, kinds, changes_of_one_document()),
        max_size=4,
        unique_by=lambda document: document.document,
    ),
    st.lists(requests, max_size=3),
)
positions = st.builds(FeedPosition, all_ids, feeds, numbers, hashes)
beacons = st.builds(
    Beacon,
    name=texts,
    role=st.sampled_from(["office", "roaming"]),
    coordinator=st.booleans(),
    counter=positives,
    at_ms=numbers,
    positions=st.lists(positions, max_size=4, unique_by=lambda position: (position.owner, position.feed)),
    own=st.none() | positions,
    ledger_index=numbers,
    ledger_hash=hashes,
    wants=st.lists(st.builds(FeedWant, all_ids, feeds, positives), max_size=3),
    software=texts,
)
markers = st.builds(Marker, all_ids, all_ids, numbers, texts)


@st.composite
def ledgers(draw):
    """Encoded entries of one chain from its beginning."""
    made = []
    head = GENESIS
    for index in range(1, draw(st.integers(1, 5)) + 1):
        granted = draw(st.booleans())
        entry = LedgerEntry(
            index=index,
            previous=head.hash,
            outcome=Outcome.GRANTED if granted else Outcome.VOID,
            series=draw(some_texts),
            number=draw(numbers),
            text=draw(some_texts),
            document=draw(all_ids) if granted else "",
            reason="" if granted else draw(some_texts),
            requester=draw(all_ids if granted else all_ids | st.just("")),
            digest=draw(digests),
            at_ms=draw(numbers),
            issue_date=draw(st.dates(min_value=dt.date(1000, 1, 1))).isoformat(),
        )
        encoded = encode_entry(entry)
        assert decode_entry(encoded) == entry
        made.append((entry, encoded))
        head = LedgerHead(index, entry_hash(encoded))
    return made


@given(st.binary(min_size=16, max_size=16) | st.binary(min_size=8, max_size=8))
def test_an_id_is_written_and_read(raw):
    assert ids.id_bytes(ids.id_text(raw)) == raw


@given(st.text(max_size=30) | st.from_regex(r"[a-z2-7]{26}|[a-z2-7]{13}", fullmatch=True))
def test_a_text_is_one_id_in_one_spelling_or_none(text):
    if ids.is_id(text) or ids.is_feed_id(text):
        assert ids.id_text(ids.id_bytes(text)) == text


@given(headers(), st.binary(max_size=300))
def test_a_file_is_written_and_read(header, body):
    decoded = decode_file(encode_file(header, body))
    assert (decoded.header, decoded.body) == (header, body)


@given(segments)
def test_a_segment_is_written_and_read(segment):
    assert decode_segment(encode_segment(segment)) == segment


@given(beacons)
def test_a_beacon_is_written_and_read(beacon):
    assert decode_beacon(encode_beacon(beacon)) == beacon


@given(markers)
def test_a_marker_is_written_and_read(marker):
    assert decode_marker(encode_marker(marker)) == marker
    assert decode_marker_file(encode_marker_file(marker)) == marker


@given(ledgers(), st.data())
def test_a_ledger_is_written_read_and_extended_piece_by_piece(entries, data):
    encoded = [one for _, one in entries]
    assert decode_ledger(encode_ledger(encoded)) == entries
    head, hashes_of, kept = GENESIS, {}, []
    for _ in range(6):
        start = data.draw(st.integers(0, len(entries) - 1))
        extension = extend(head, hashes_of.get, entries[start : start + 2])
        assert extension.fork is None
        assert extension.gap == (start > head.index)
        kept += extension.accepted
        head = extension.head
        hashes_of = {entry.index: entry_hash(one) for entry, one in kept}
        assert kept == entries[: head.index]


@given(st.dictionaries(clients, positives, max_size=6))
def test_versions_and_frontiers_are_packed_and_unpacked(version):
    assert unpack_version(pack_version(version)) == version
    frontier = tuple(sorted(ChangeId(*entry) for entry in version.items()))
    assert unpack_frontier(pack_frontier(frontier)) == frontier


@given(all_ids, feeds, positives, hashes, st.integers(0, 9999))
def test_a_name_is_allowed_and_guessed(owner, feed, number, file_hash, copy):
    for name, kind in (
        (names.segment_name(owner, feed, number, file_hash, copy=copy), names.NameKind.SEGMENT),
        (names.ledger_name(owner, number, file_hash, copy=copy), names.NameKind.LEDGER),
        (names.beacon_name(owner, number, file_hash, copy=copy), names.NameKind.BEACON),
    ):
        assert set(name) <= set("abcdefghijklmnopqrstuvwxyz0123456789-./")
        assert len(name) <= names.NAME_CHARS_MAX
        hint = names.classify(name)
        assert (hint.kind, hint.owner, hint.number) == (kind, owner, number)
        assert file_hash.hex().startswith(hint.hash_start)


@given(st.text(max_size=150))
def test_any_name_gives_a_hint(name):
    assert names.classify(name).worth_opening in (True, False)
    assert names.classify(name + ".crdts").kind is not names.NameKind.FOREIGN or "/" in name


ADA, FOLDER, FEED = ids.id_text(b"ada" + bytes(13)), ids.id_text(bytes(16)), ids.id_text(bytes(8))
ENTRY = LedgerEntry(
    index=1,
    previous=GENESIS.hash,
    outcome=Outcome.GRANTED,
    series="Q",
    number=1,
    text="Q-1",
    document=FOLDER,
    requester=ADA,
    at_ms=5,
    issue_date="2025-04-10",
)
BODIES = {
    FileType.MARKER: encode_marker(Marker(FOLDER, ADA, 5, "Sales")),
    FileType.SEGMENT: encode_segment(
        Segment([], [DocumentChanges(FOLDER, "quote", [Change(7, 1, 2**40, (), "", b"delta")])], [])
    ),
    FileType.LEDGER: encode_ledger([encode_entry(ENTRY)]),
    FileType.BEACON: encode_beacon(
        Beacon(name="R2", role="office", coordinator=True, counter=1, at_ms=5, positions=[])
    ),
}
FILES = {
    file_type: encode_file(
        FileHeader(
            type=file_type,
            folder=FOLDER,
            writer=ADA,
            feed=FEED if file_type is FileType.SEGMENT else "",
            sequence=1,
        ),
        body,
    )
    for file_type, body in BODIES.items()
}
DECODERS = [decode_segment, decode_beacon, decode_marker, decode_ledger, decode_entry]


@pytest.mark.parametrize("file_type", FileType)
def test_no_truncated_file_is_accepted(file_type):
    data = FILES[file_type]
    for size in range(len(data)):
        with pytest.raises(PartialFileError):
            decode_file(data[:size])


@pytest.mark.parametrize("file_type", FileType)
def test_no_file_with_a_changed_bit_is_accepted(file_type):
    data = FILES[file_type]
    for at in range(len(data)):
        for bit in range(8):
            changed = bytearray(data)
            changed[at] ^= 1 << bit
            with pytest.raises(FormatError):
                decode_file(bytes(changed))


@pytest.mark.parametrize("decode", DECODERS)
@pytest.mark.parametrize("file_type", FileType)
def test_a_changed_body_gives_a_value_or_a_format_error(decode, file_type):
    body = BODIES[file_type]
    for at in range(len(body)):
        for value in (0, 1, 0x7F, 0x80, 0x90, 0xA0, 0xC0, 0xC1, 0xCF, 0xD9, 0xDD, 0xFF, body[at] ^ 1):
            _value_or_format_error(decode, body[:at] + bytes([value]) + body[at + 1 :])


@settings(max_examples=300)
@given(st.binary(max_size=200), st.sampled_from([*DECODERS, unpack_version, unpack_frontier, decode_file]))
def test_any_bytes_give_a_value_or_a_format_error(data, decode):
    _value_or_format_error(decode, data)


@given(headers(), st.binary(max_size=200), st.sampled_from(DECODERS))
def test_any_body_in_a_valid_frame_gives_a_value_or_a_format_error(header, body, decode):
    _value_or_format_error(decode, decode_file(encode_file(header, body)).body)


@given(st.sampled_from(FileType), st.data())
def test_a_file_spliced_with_another_is_never_accepted_as_something_new(file_type, data):
    first, second = FILES[file_type], FILES[data.draw(st.sampled_from(FileType))]
    spliced = (
        first[: data.draw(st.integers(0, len(first)))] + second[data.draw(st.integers(0, len(second))) :]
    )
    try:
        decode_file(spliced)
    except FormatError:
        return
    assert spliced in (first, second)


def test_bytes_that_nest_without_end_are_refused():
    for decode in (*DECODERS, unpack_version, unpack_frontier):
        with pytest.raises(FormatError):
            decode(b"\xdc\x00\x20" + b"\x91" * 200_000)


def _value_or_format_error(decode, data):
    with contextlib.suppress(FormatError):
        decode(data)
