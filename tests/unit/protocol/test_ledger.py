"""The ledger: an entry, a chain, and what extends it."""

import dataclasses

import msgspec
import pytest

from crdtsync.errors import DamagedFileError, ValidationError
from crdtsync.protocol.ledger import (
    GENESIS,
    GRANTED,
    VOID,
    LedgerEntry,
    LedgerHead,
    decode_entry,
    decode_ledger,
    encode_entry,
    encode_ledger,
    entry_hash,
    extend,
)

ADA = "b" * 25 + "a"
QUOTE = "c" * 25 + "a"
FIRST = LedgerEntry(
    index=1,
    previous=GENESIS.hash,
    outcome=GRANTED,
    series="Q",
    number=1,
    text="Q-1",
    document=QUOTE,
    requester=ADA,
    at_ms=5,
    issue_date="2025-04-10",
)


def chain(count, text="Q"):
    """A ledger of `count` entries, each with its bytes."""
    made = []
    head = GENESIS
    for index in range(1, count + 1):
        entry = msgspec.structs.replace(
            FIRST, index=index, previous=head.hash, number=index, text=f"{text}-{index}"
        )
        encoded = encode_entry(entry)
        head = LedgerHead(index, entry_hash(encoded))
        made.append((entry, encoded))
    return made


def heads(entries):
    return [GENESIS, *(LedgerHead(entry.index, entry_hash(encoded)) for entry, encoded in entries)]


def test_an_entry_comes_back_as_it_was():
    void = msgspec.structs.replace(
        FIRST, outcome=VOID, document="", requester="", reason="printed by mistake"
    )
    for entry in (FIRST, void):
        assert decode_entry(encode_entry(entry)) == entry


@pytest.mark.parametrize(
    "changes",
    [
        {"document": ""},
        {"document": "x"},
        {"document": "a" * 13},
        {"requester": ""},
        {"reason": "granted for no reason"},
        {"outcome": VOID},
        {"outcome": VOID, "document": ""},
        {"index": 2},
        {"previous": b"\x01" * 32},
        {"previous": b""},
        {"index": 0},
        {"number": -1},
        {"series": ""},
        {"text": ""},
        {"text": "x" * 101},
        {"digest": b""},
        {"issue_date": "10.4.2025"},
        {"issue_date": "2025-02-30"},
        {"issue_date": ""},
    ],
)
def test_an_entry_that_no_reader_accepts_is_not_written(changes):
    with pytest.raises(ValidationError):
        encode_entry(msgspec.structs.replace(FIRST, **changes))


@pytest.mark.parametrize(
    "encoded", [b"", b"\xc0", b"\x90", encode_entry(FIRST)[:-1], encode_entry(FIRST) + b"\0"]
)
def test_bytes_that_are_no_entry_are_damage(encoded):
    with pytest.raises(DamagedFileError):
        decode_entry(encoded)


def test_a_ledger_file_holds_a_piece_of_the_chain():
    entries = chain(5)
    assert decode_ledger(encode_ledger([encoded for _, encoded in entries[2:]])) == entries[2:]


@pytest.mark.parametrize("pick", [[], [0, 2], [1, 0], [0, 0]])
def test_what_is_no_piece_of_a_chain_is_no_ledger_file(pick):
    encoded = [chain(3)[at][1] for at in pick]
    with pytest.raises(ValidationError):
        encode_ledger(encoded)
    with pytest.raises(DamagedFileError):
        decode_ledger(msgspec.msgpack.encode(encoded))


def test_pieces_of_two_chains_are_no_ledger_file():
    with pytest.raises(DamagedFileError):
        decode_ledger(msgspec.msgpack.encode([chain(1)[0][1], chain(2, "X")[1][1]]))


def test_new_entries_are_accepted_and_old_ones_recognised():
    entries = chain(5)
    known = heads(entries)
    extension = extend(known[2], lambda index: known[index].hash, entries)
    assert extension.accepted == entries[2:]
    assert (extension.head, extension.gap, extension.fork) == (known[5], False, None)


def test_old_entries_add_nothing():
    entries = chain(5)
    known = heads(entries)
    extension = extend(known[5], lambda index: known[index].hash, entries[:3])
    assert (extension.accepted, extension.head) == ([], known[5])
    assert (extension.gap, extension.fork) == (False, None)


def test_entries_past_a_gap_wait():
    entries = chain(5)
    extension = extend(heads(entries)[1], lambda _: None, entries[3:])
    assert (extension.accepted, extension.head, extension.gap) == ([], heads(entries)[1], True)


def test_another_entry_of_a_known_index_is_a_fork():
    ours, theirs = chain(3), chain(4, "X")
    known = heads(ours)
    for piece in (theirs, theirs[1:], theirs[2:]):
        extension = extend(known[3], lambda index: known[index].hash, piece)
        assert (extension.accepted, extension.head, extension.fork) == ([], known[3], piece[0][0].index)


def test_an_entry_that_does_not_follow_our_head_is_a_fork():
    known = heads(chain(3))
    extension = extend(known[3], lambda index: known[index].hash, chain(4, "X")[3:])
    assert (extension.accepted, extension.fork) == ([], 3)


def test_entries_no_longer_kept_are_not_compared():
    entries = chain(4)
    extension = extend(heads(entries)[3], lambda _: None, entries)
    assert extension.accepted == entries[3:]


def test_a_head_is_a_value():
    assert dataclasses.replace(GENESIS, index=0) == GENESIS
