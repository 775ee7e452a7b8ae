"""Goal: what a replica holds does not depend on the order in which changes reach it, nor on what comes twice.

Method: histories of six changes by three replicas (see `shapes`) are delivered to a receiver in every order,
with each single change delivered twice, and with each single change left out; through the waiting room of the
store, and as files through whole rounds. The receiver of every order must hold what the receiver of the
causal order holds, and with one change left out exactly what builds on it must wait.
"""

from itertools import permutations
from pathlib import Path

import pytest

from crdtsync.environment import Verdict
from crdtsync.protocol.files import NO_HASH, FileHeader, FileType, decode_file, encode_file
from crdtsync.protocol.ids import FeedId, FolderId, id_text
from crdtsync.protocol.marker import Marker, encode_marker_file
from crdtsync.protocol.names import marker_name, segment_name
from crdtsync.protocol.segment import Segment, encode_segment
from crdtsync.store import feeds
from crdtsync.store.arrivals import look
from crdtsync.testing import MemoryPlace, MemoryRemote

from .machines import EVERYTHING, START_MS, Machine
from .shapes import AUTHORS, DOCUMENT, SHAPES, History, play

FEW = 4
"""How many changes are ordered where each order costs much."""

FOLDER = FolderId(id_text(b"folder" + bytes(10)))


class _UndoneError(Exception):
    """Takes back what a delivery wrote, so that the next one starts from nothing."""


@pytest.fixture(params=SHAPES)
async def history(request, fast_path):
    return await play(fast_path, SHAPES[request.param])


@pytest.fixture
async def receiver(fast_path):
    machine = Machine(fast_path, "dan")
    await machine.start()
    yield machine
    await machine.stop()


OUTCOME = (
    "SELECT digest, version, frontier, conflicts, changed_ms FROM _documents WHERE rev > 0",
    "SELECT json, stale FROM _of_quote",
    "SELECT ordinal, path, reason, policy, cells, shown FROM _conflicts ORDER BY ordinal",
    "SELECT text FROM _aliases ORDER BY text",
    "SELECT client, sequence, at_ms, label, causes, delta FROM _changes ORDER BY client, sequence",
    "SELECT words FROM _search WHERE words MATCH 'quote OR ada OR bob OR cyd OR eve OR gus OR noir'",
    "SELECT what, name, reason FROM _quarantine",
)
WAITING = "SELECT client, sequence FROM _waiting ORDER BY client, sequence"


def outcome(connection):
    return [connection.execute(sql).fetchall() for sql in OUTCOME]


async def delivered(machine: Machine, history: History, order, *, keeps_open: bool):
    """Deliver changes one by one; return what came of it and what waits, and forget it all."""
    found = None

    def job(connection):
        nonlocal found
        documents = machine.workspace.documents
        feeds.remember_incarnations(connection, history.incarnations)
        for index in order:
            documents.apply(connection, look(connection, history.group(index), None), Verdict())
            if keeps_open and connection.execute("SELECT 1 FROM _documents").fetchone():
                documents.open(connection, DOCUMENT)
        found = outcome(connection), connection.execute(WAITING).fetchall()
        raise _UndoneError

    with pytest.raises(_UndoneError):
        await machine.workspace.write(job)
    assert found is not None
    return found


def waits_without(history: History, count: int, missing: int) -> list[tuple[int, int]]:
    """Return what must wait when a change never arrives: what builds on it, and nothing else."""
    late = [index for index in range(count) if missing in history.needs(index)]
    return sorted((history.changes[index].client, history.changes[index].sequence) for index in late)


@pytest.mark.parametrize("count", [5, pytest.param(6, marks=pytest.mark.slow)])
async def test_every_order(history, receiver, count):
    """I2, I5, I6: 120 orders of five changes, 720 of six, through the waiting room; the document open, and not."""
    assert len(history.changes) == 6
    expected = await delivered(receiver, history, range(count), keeps_open=False)
    assert expected[1] == []
    assert len(expected[0][4]) == count
    for number, order in enumerate(permutations(range(count))):
        found = await delivered(receiver, history, order, keeps_open=bool(number % 2))
        assert found == expected, order


async def test_every_change_twice(history, receiver):
    """I5: in every order of the first four changes, each of them again at every place."""
    expected = await delivered(receiver, history, range(FEW), keeps_open=False)
    for number, order in enumerate(permutations(range(FEW))):
        for again in range(FEW):
            for place in range(order.index(again) + 1, FEW + 1):
                twice = (*order[:place], again, *order[place:])
                assert await delivered(receiver, history, twice, keeps_open=bool(number % 2)) == expected, (
                    twice
                )


@pytest.mark.parametrize("count", [5, pytest.param(6, marks=pytest.mark.slow)])
async def test_every_order_without_one(history, receiver, count):
    """I6: with one change left out, in every order of the others, exactly what builds on it waits."""
    for missing in range(count):
        rest = [index for index in range(count) if index != missing]
        needed = [index for index in rest if missing not in history.needs(index)]
        expected, _ = await delivered(receiver, history, needed, keeps_open=False)
        waits = waits_without(history, count, missing)
        for number, order in enumerate(permutations(rest)):
            found = await delivered(receiver, history, order, keeps_open=bool(number % 2))
            assert found == (expected, waits), (missing, order)


# The same as files.


def segments(history: History) -> list[tuple[str, bytes]]:
    """Return every change as a file of its own, in three feeds."""
    heads = dict.fromkeys(AUTHORS, (0, NO_HASH))
    files = []
    for index, author in enumerate(history.authors):
        sequence, previous = heads[author]
        client = history.changes[index].client
        made = [entry for entry in history.incarnations if entry.client == client]
        header = FileHeader(
            type=FileType.SEGMENT,
            folder=FOLDER,
            writer=made[0].replica,
            feed=feed_of(author),
            sequence=sequence + 1,
            previous=previous,
        )
        data = encode_file(header, encode_segment(Segment(made, [history.group(index)], [])))
        heads[author] = (sequence + 1, data[-32:])
        files.append((segment_name(made[0].replica, feed_of(author), sequence + 1, data[-32:]), data))
    return files


def place_of(data: bytes) -> tuple[str, int]:
    header = decode_file(data).header
    return header.writer, header.sequence


def feed_of(author: str) -> FeedId:
    return FeedId(id_text(author.encode().ljust(8, b"\0")))


def needed_files(history: History, index: int) -> set[int]:
    """Return the files that must be there before the change in this one is applied."""
    needed: set[int] = set()
    waiting = [index]
    while waiting:
        at = waiting.pop()
        before = [i for i in range(at) if history.authors[i] == history.authors[at]]
        direct = history.needs(at) | set(before)
        waiting.extend(direct - needed)
        needed |= direct
    return needed


FIELD, *OTHERS = SHAPES


@pytest.mark.parametrize(
    ("shape", "count"),
    [
        (FIELD, FEW),
        *(pytest.param(shape, FEW, marks=pytest.mark.slow) for shape in OTHERS),
        pytest.param(FIELD, 6 if EVERYTHING else 5, marks=pytest.mark.slow),
    ],
)
async def test_files_in_every_order(shape, count, fast_path):
    """H1, H2, I5: four files (five, six) of three feeds, a round after each of them."""
    history = await play(fast_path, SHAPES[shape])
    files = segments(history)[:count]
    attached = await _attached(fast_path)
    expected = await _received(attached, files, range(count))
    assert len(expected[0][4]) == count
    assert expected[1:] == ([], [])
    for order in permutations(range(count)):
        assert await _received(attached, files, order) == expected, order
    for missing in range(count):
        rest = [index for index in range(count) if index != missing]
        found = await _received(attached, files, reversed(rest))
        late = {index for index in rest if missing in needed_files(history, index)}
        behind = {i for i in late if i > missing and history.authors[i] == history.authors[missing]}
        assert len(found[0][4]) == count - 1 - len(late), missing
        # A segment waits for its feed, whatever it holds; a change of another feed waits for its causes.
        assert found[2] == sorted(place_of(files[index][1]) for index in behind), missing
        assert len(found[1]) == len(late - behind), missing


async def _attached(path: Path) -> tuple[Machine, Path, MemoryPlace]:
    """Return a stopped machine that knows the folder, a copy of its disk, and the place."""
    machine = Machine(path, "eve")
    place = MemoryPlace()
    await machine.start()
    marker = Marker(FOLDER, machine.replica.id, START_MS, "office")  # type: ignore[arg-type]
    place.files[marker_name(FOLDER)] = encode_marker_file(marker)
    await machine.replica.attach(MemoryRemote(place))
    await machine.stop()
    machine.save(path / "copy")
    return machine, path / "copy", place


async def _received(attached: tuple[Machine, Path, MemoryPlace], files, order):
    machine, copy, place = attached
    machine.load(copy)
    place.files = {name: data for name, data in place.files.items() if "/" not in name}
    replica = await machine.start()
    remote = MemoryRemote(place)
    for index in order:
        name, data = files[index]
        place.files[name] = data
        report = await replica.sync(remote)
        assert report.problems == []
    found = await machine.workspace.database.read(outcome)
    waits = await machine.rows(WAITING)
    inbox = await machine.rows("SELECT owner, sequence FROM _segments WHERE applied_ms IS NULL ORDER BY 1, 2")
    await machine.stop()
    return found, waits, inbox
