"""Goal: of two ledgers one is believed, and that there are two is seen (F6, F10, F20, H62, H63, I28).

Method: every piece of a short chain of entries is given to every shorter ledger, as it is and with each entry in turn
another one: for another document, or following something else. What is accepted must be the chain and nothing else.
"""

from dataclasses import dataclass
from itertools import combinations

import msgspec
import pytest

from crdtsync.errors import DamagedFileError
from crdtsync.protocol import wire
from crdtsync.protocol.ids import DocumentId, ReplicaId, id_text
from crdtsync.protocol.ledger import (
    GENESIS,
    GRANTED,
    LedgerEntry,
    LedgerHead,
    decode_ledger,
    encode_entry,
    entry_hash,
    extend,
)

LENGTH = 5
REQUESTER = ReplicaId(id_text(b"requesting-16byt"))


def entry(index: int, previous: bytes, document: int) -> LedgerEntry:
    return LedgerEntry(
        index=index,
        previous=previous,
        outcome=GRANTED,
        series="quotes",
        number=index,
        text=f"Q-{index}",
        document=DocumentId(id_text(bytes([document]) * 16)),
        requester=REQUESTER,
        at_ms=index,
        issue_date="2025-01-01",
    )


def chain(length: int, *, other_from: int = 0) -> list[tuple[LedgerEntry, bytes]]:
    """Return a chain; from some entry on, that of another coordinator."""
    found: list[tuple[LedgerEntry, bytes]] = []
    previous = GENESIS.hash
    for index in range(1, length + 1):
        made = entry(index, previous, index + (100 if other_from and index >= other_from else 0))
        encoded = encode_entry(made)
        found.append((made, encoded))
        previous = entry_hash(encoded)
    return found


def misled(made: LedgerEntry) -> tuple[LedgerEntry, bytes]:
    """Return the same entry, following something else."""
    wrong = msgspec.structs.replace(made, previous=b"\x07" * 32)
    return wrong, encode_entry(wrong)


@dataclass
class Ledger:
    entries: list[tuple[LedgerEntry, bytes]]

    @property
    def head(self) -> LedgerHead:
        if not self.entries:
            return GENESIS
        last, encoded = self.entries[-1]
        return LedgerHead(last.index, entry_hash(encoded))

    def known(self, index: int) -> bytes | None:
        return entry_hash(self.entries[index - 1][1]) if index <= len(self.entries) else None

    def take(self, piece):
        return extend(self.head, self.known, piece)


WHOLE = chain(LENGTH)
PIECES = list(combinations(range(LENGTH + 1), 2))


@pytest.mark.parametrize("here", range(LENGTH))
def test_a_piece_of_the_chain_adds_what_follows_and_nothing_else(here):
    for start, end in PIECES:
        result = Ledger(WHOLE[:here]).take(WHOLE[start:end])
        assert result.fork is None
        assert result.gap == (start > here)
        assert result.accepted == ([] if start > here else WHOLE[here:end])


@pytest.mark.parametrize("here", range(LENGTH))
@pytest.mark.parametrize("other_from", range(1, LENGTH + 1))
def test_a_piece_of_another_chain_is_a_fork_wherever_it_can_be_told(here, other_from):
    theirs = chain(LENGTH, other_from=other_from)
    for start, end in PIECES:
        result = Ledger(WHOLE[:here]).take(theirs[start:end])
        meets = any(other_from <= index <= here for index in range(start + 1, end + 1))
        follows_theirs = start == here and other_from <= here
        assert (result.fork is not None) == (meets or follows_theirs), (start, end)
        if result.fork is not None:
            assert not result.accepted
        elif result.accepted:
            # What is not known here may be theirs: then all that is accepted is one chain.
            assert [item.index for item, _ in result.accepted] == list(range(here + 1, end + 1))
            assert result.accepted[0][0].previous == Ledger(WHOLE[:here]).head.hash


@pytest.mark.parametrize("here", range(1, LENGTH))
def test_an_entry_that_follows_something_else_is_not_accepted(here):
    result = Ledger(WHOLE[:here]).take([misled(WHOLE[here][0])])
    assert (result.accepted, result.fork) == ([], here)


def test_a_file_that_is_no_chain_is_damaged():
    for start, end in PIECES:
        piece = WHOLE[start:end]
        assert decode_ledger(wire.encode([encoded for _, encoded in piece])) == piece
        for at in range(1, len(piece)):
            broken = [encoded for _, encoded in piece]
            broken[at] = misled(piece[at][0])[1]
            with pytest.raises(DamagedFileError):
                decode_ledger(wire.encode(broken))
            del broken[at - 1]
            if len(broken) > 1 and at > 1:
                with pytest.raises(DamagedFileError):
                    decode_ledger(wire.encode(broken))
