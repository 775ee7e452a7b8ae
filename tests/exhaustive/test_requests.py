"""Goal: whoever asks for a number, and takes that back, is heard by his last word, in whatever order his words come.

Method: every choice and every order of what two replicas say about one document, each word also twice, goes to a
coordinator, which then gives out what is asked for (F5, F16, F18, I22, I30).
"""

from itertools import combinations, permutations

import pytest

from crdtsync.protocol.ids import ReplicaId, id_text
from crdtsync.protocol.segment import NumberRequest
from crdtsync.store import marks, numbers

from .machines import START_MS, Machine, Quote

ADA, BOB = (ReplicaId(id_text(name * 4)) for name in (b"ada!", b"bob!"))
WORDS = [(ADA, 1, False), (ADA, 2, True), (ADA, 3, False), (ADA, 4, True), (BOB, 1, False), (BOB, 2, True)]


@pytest.fixture
async def office(fast_path):
    machine = Machine(fast_path, "office", "office")
    await machine.start()
    async with machine.replica.edit(Quote) as quote:
        quote.customer = "Cyd"
    machine.document = quote.id
    yield machine
    await machine.stop()


def is_asked(words):
    """Whether somebody's last word asks for it."""
    last = {}
    for replica, serial, withdrawn in words:
        last[replica] = max(last.get(replica, (0, True)), (serial, withdrawn))
    return any(not withdrawn for _, withdrawn in last.values())


def say(connection, document, word):
    replica, serial, withdrawn = word
    request = NumberRequest(
        document=document,
        kind="quote",
        series="quotes",
        serial=serial,
        withdrawn=withdrawn,
        digest=bytes(16),
        reference="",
        at_ms=START_MS,
    )
    marks.receive_requests(connection, replica, [request])


@pytest.mark.parametrize("count", range(1, 5))
async def test_the_last_word_counts_in_every_order(office, count):
    replica = office.replica.id

    def job(connection):
        for chosen in combinations(WORDS, count):
            for order in permutations(chosen):
                for again in (None, *order):
                    words = [*order, *([] if again is None else [again])]
                    connection.execute("SAVEPOINT trial")
                    for word in words:
                        say(connection, office.document, word)
                    given = [numbers.allocate(connection, replica, START_MS).count for _ in range(2)]
                    expected = [int(is_asked(words)), 0]
                    connection.execute("ROLLBACK TO trial")
                    connection.execute("RELEASE trial")
                    assert given == expected, words

    await office.workspace.database.write(job)


async def test_a_number_is_given_once_however_often_it_is_asked_for(office):
    """F5: also when what was granted is asked for again, by the same replica and by another one."""

    def job(connection):
        for word in ((ADA, 1, False), (BOB, 1, False), (ADA, 2, True), (ADA, 3, False)):
            say(connection, office.document, word)
            numbers.allocate(connection, office.replica.id, START_MS)
            connection.execute("UPDATE _own_files SET put_ms = 1 WHERE type = 'ledger'")
        return [entry.number for entry in numbers.entries(connection)]

    assert await office.workspace.database.write(job) == [1]
