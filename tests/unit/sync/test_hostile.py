"""Goal: bytes that hang or kill whatever decodes them are refused alone, once and for all, and nothing else waits.

Method: a stranger's segments with updates known to be bad are synced by a replica that examines in a process
of its own, with a short limit. What does not need the process is tested with the same checks in this one.
"""

import asyncio
import sys
from pathlib import Path

import pytest

from crdtsync import derive_id
from crdtsync.environment import Case, Verdict
from crdtsync.errors import ExaminerError
from crdtsync.examining import InlineExaminer, ProcessExaminer
from crdtsync.examining.messages import Sift
from crdtsync.sync.session import open_session
from crdtsync.sync.steps import sync_round
from tests.unit.sync.world import World

from . import hostile
from .helpers import STRANGER, header_of, put_everywhere, stranger_segment
from .test_changes import CLIENT, DOCUMENT, customer, deltas

LIMIT_S = 0.5
READER_OF_ARRAYS = (sys.executable, "-S", "-P", str(Path(__file__).with_name("reader_of_arrays.py")))


def other(name):
    return derive_id("quote", name)


class Examining:
    """Lets every machine of a world examine in a process, and counts over all restarts."""

    def __init__(self, **options):
        self.options = {"limit_s": LIMIT_S, **options}
        self.made = []

    def __call__(self):
        self.made.append(ProcessExaminer(**self.options))
        return self.made[-1]

    @property
    def starts(self):
        return sum(examiner.starts for examiner in self.made)

    @property
    def examined(self):
        return sum(examiner.examined for examiner in self.made)


async def receive(world, machine, documents, **place):
    name, data = stranger_segment(machine.session.folder, documents, **place)
    put_everywhere(world, name, data)
    return await sync(machine), data


async def sync(machine):
    """Run a round as applications do."""
    return await sync_round(await open_session(machine.workspace, machine.remote))


def good():
    return [(1, deltas(customer("Eve"))[0], [])]


async def names(machine):
    return sorted(item.name for item in await machine.quarantine() if item.what == "change")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("make", "limit_s"),
    [
        *[
            pytest.param(lambda number=number: hostile.hanging()[number], LIMIT_S, id=f"hangs-{number}")
            for number in range(4)
        ],
        pytest.param(lambda: [hostile.nested()], 60, id="overflows the stack"),
        pytest.param(lambda: [hostile.slow()], LIMIT_S, id="slow"),
        pytest.param(lambda: [hostile.large()], 60, id="large"),
    ],
)
async def test_what_kills_its_reader_is_refused_alone_and_for_ever(tmp_path, make, limit_s):
    """H45, H50, I16: the others arrive, the program lives on, and nobody reads the bytes a second time."""
    world = World(tmp_path)
    world.examiner = Examining(limit_s=limit_s, command=READER_OF_ARRAYS, memory_bytes=400 * 1024**2)
    office = await world.add("office", "office")
    await world.settle()
    await office.make("Ada")
    folder = office.session.folder
    history = [(sequence, delta, []) for sequence, delta in enumerate(make(), 1)]
    bad = len(history)
    after = (bad + 1, deltas(customer("Eve"))[0], [])
    ticks = 0

    async def tick():
        nonlocal ticks
        while True:
            await asyncio.sleep(LIMIT_S / 50)
            ticks += 1

    ticking = asyncio.create_task(tick())
    try:
        report, data = await receive(
            world,
            office,
            [
                (other("before"), "quote", good()),
                (DOCUMENT, "quote", [*history, after]),
                (other("after"), "quote", good()),
            ],
        )
        assert ticks > 5 or limit_s > LIMIT_S, "other tasks go on"
        assert report.refused == 1
        assert report.problems == []
        assert await names(office) == [f"{DOCUMENT}/{CLIENT:x}/{bad}"]
        (item,) = await office.quarantine()
        assert "the bytes that replica R9" in item.reason
        assert [await office.customer(other(name)) for name in ("before", "after")] == ["Eve", "Eve"]
        assert (await office.replica.remotes())[0].waiting_causes == 1, "what builds on it"
        starts, examined = world.examiner.starts, world.examiner.examined
        await sync(office)
        await office.restart()
        await sync(office)
        assert (world.examiner.starts, world.examiner.examined) == (starts, examined), "nothing is new"
        put_everywhere(
            world,
            *stranger_segment(
                folder,
                [(DOCUMENT, "quote", [*history, after]), (other("last"), "quote", good())],
                sequence=2,
                previous=data[-32:],
            ),
        )
        assert (await sync(office)).refused == 1
        assert await office.customer(other("last")) == "Eve"
        assert world.examiner.examined == examined + 1, "the same bytes in another segment are not read"
        assert world.examiner.starts == starts + 1, (
            "of the process that was started for the document that is new"
        )
        assert len(await office.quarantine()) == 1
        assert header_of(data).sequence == 1
    finally:
        ticking.cancel()
        await world.close()


@pytest.mark.slow
async def test_process_that_is_killed_from_outside_changes_nothing(tmp_path):
    """H32: it is killed while it tries many out, and once more while it looks at one change; nobody is blamed."""
    killed = []

    class Killed(ProcessExaminer):
        async def _ask(self, request, is_complete):
            process = await self._running()
            if len(killed) == 0 or (len(killed) == 1 and isinstance(request, Sift)):
                killed.append(type(request).__name__)
                asyncio.get_running_loop().call_later(0.05, process.kill)
            return await super()._ask(request, is_complete)

    world = World(tmp_path)
    world.examiner = lambda: Killed(limit_s=60)
    office = await world.add("office", "office")
    await world.settle()
    report, _ = await receive(
        world,
        office,
        [
            (other("before"), "quote", good()),
            (DOCUMENT, "quote", [(1, hostile.slow(16_000), [])]),
            (other("after"), "quote", good()),
        ],
    )
    assert (report.applied, report.refused, report.problems) == (3, 0, [])
    assert await office.quarantine() == []
    assert killed == ["TryOut", "Sift"]
    await world.close()


@pytest.mark.parametrize(
    ("command", "said"),
    [
        (["/nowhere/python"], "cannot be started"),
        ([sys.executable, "-c", "pass"], "ended at once"),
        (
            [sys.executable, "-c", "import sys; sys.stdout.buffer.write(b'\\x01\\0\\0\\0x')"],
            "another program",
        ),
    ],
)
async def test_process_that_cannot_be_started_loses_nothing(tmp_path, command, said):
    """I16, H34: the round says why, what was written here goes out, and a later round applies what came."""
    world = World(tmp_path)
    world.examiner = lambda: ProcessExaminer(command=command)
    office = await world.add("office", "office")
    await world.settle()
    await office.make("Ada", other("own"))
    await office.replica.mark_for_sync(other("own"))
    report, _ = await receive(world, office, [(DOCUMENT, "quote", good())])
    (problem,) = report.problems
    assert "the changes of others wait" in problem
    assert said in problem
    assert report.published_files
    assert await office.quarantine() == []
    world.examiner = InlineExaminer
    await office.restart()
    assert (await sync(office)).applied == 1
    assert await office.customer(DOCUMENT) == "Eve"
    await world.close()


async def test_process_ends_with_the_replica(tmp_path):
    world = World(tmp_path)
    world.examiner = Examining(limit_s=60)
    office = await world.add("office", "office")
    await world.settle()
    assert world.examiner.starts == 0, "it is not started before there is something to examine"
    await receive(world, office, [(DOCUMENT, "quote", good())])
    (examiner,) = world.examiner.made
    process = examiner._process
    assert process.poll() is None
    await world.close()
    assert process.poll() == 0


async def test_cancelled_examination_is_not_mixed_up_with_the_next_one():
    """A round may be cut anywhere: the next one neither waits for what was asked before nor gets its answers."""
    examiner = ProcessExaminer(limit_s=60)
    try:
        await examiner.examine([Case([], [deltas(customer("Eve"))[0]], lambda: [[]])])
        asked = asyncio.create_task(examiner.examine([Case([], [hostile.slow(200_000)], lambda: [[]])]))
        while examiner._turn.locked() is False:
            await asyncio.sleep(0)
        asked.cancel()
        await asyncio.wait({asked})
        assert asked.cancelled()
        bad = Case([], [b"\xff" * 20], lambda: [[]])
        fine = Case([], [deltas(customer("Eve"))[0]], lambda: [[]])
        async with asyncio.timeout(30):
            first, second = await examiner.examine([bad, fine])
        assert first.refused.keys() == {0}
        assert second == Verdict()
    finally:
        await examiner.close()


class Scripted(InlineExaminer):
    """Does something of the test's while it examines."""

    def __init__(self):
        super().__init__()
        self.meanwhile = None
        self.cases = 0

    async def examine(self, cases):
        self.cases += len(cases)
        verdicts = await super().examine(cases)
        if self.meanwhile is not None:
            found = await self.meanwhile(cases)
            verdicts = verdicts if found is None else found
        return verdicts


@pytest.fixture
async def scripted(tmp_path):
    """A world of one office, and the examiner it uses."""
    world = World(tmp_path)
    examiner = Scripted()
    world.examiner = lambda: examiner
    await world.add("office", "office")
    await world.settle()
    yield world, world.machines[0], examiner
    await world.close()


async def test_document_that_was_edited_meanwhile_is_examined_again(scripted):
    """I3: what is applied was examined on the very state it is applied to."""
    world, office, examiner = scripted
    await receive(world, office, [(DOCUMENT, "quote", good())])
    first, second = deltas(customer("Eve"), customer("Eva", 2))
    states = []

    async def edit_once(cases):
        states.append(cases[0].updates)
        if len(states) == 1:
            await office.rename(DOCUMENT, "edited meanwhile")

    examiner.meanwhile = edit_once
    report, _ = await receive(
        world, office, [(DOCUMENT, "quote", [(2, second, [])])], sequence=2, previous=await last_hash(office)
    )
    assert (report.applied, report.problems) == (1, [])
    assert len(states) == 2
    assert len(states[1]) == len(states[0]) + 1, "the second time with the edit"
    assert await office.recomputed() == await office.replica.digests()
    assert first


async def test_document_that_is_edited_all_the_time_is_left_for_a_later_round(scripted):
    world, office, examiner = scripted
    await receive(world, office, [(DOCUMENT, "quote", good())])
    edits = 0

    async def edit(cases):
        nonlocal edits
        if len(cases) == 1:
            edits += 1
            await office.rename(DOCUMENT, f"edit {edits}")

    examiner.meanwhile = edit
    previous = await last_hash(office)
    delta = deltas(customer("Eve"), customer("Eva", 2))[1]
    report, _ = await receive(
        world, office, [(DOCUMENT, "quote", [(2, delta, [])])], sequence=2, previous=previous
    )
    assert report.applied == 0
    assert "not applied to its end yet" in report.problems[0]
    examiner.meanwhile = None
    report = await sync(office)
    assert (report.applied, report.problems) == (1, [])


async def test_feed_that_takes_much_time_does_not_hold_up_the_others(scripted):
    """I16: after so many deaths the rest of a segment is for the next round; every round refuses some."""
    world, office, examiner = scripted
    bad = {}

    async def die(cases):
        verdicts = []
        for case in cases:
            doomed = [index for index, delta in enumerate(case.deltas) if delta in bad]
            verdicts.append(
                Verdict(dict.fromkeys(doomed[:8], "it took too long"), deaths=16, is_settled=len(doomed) <= 8)
                if doomed
                else Verdict()
            )
        return verdicts

    examiner.meanwhile = die
    changes = []
    for client in range(100, 120):
        (delta,) = deltas(customer(f"from {client}"), client=client)
        bad[delta] = client
        changes.append(delta)
    from crdtsync.protocol.segment import Change, DocumentChanges, Incarnation, Segment, encode_segment

    from .helpers import stranger_file

    group = DocumentChanges(
        DOCUMENT,
        "quote",
        [
            Change(client, 1, 1000, (), "", delta)
            for client, delta in zip(range(100, 120), changes, strict=True)
        ],
    )
    who = [Incarnation(client, STRANGER, "eve", "R9") for client in range(100, 120)]
    put_everywhere(world, *stranger_file(office.session.folder, encode_segment(Segment(who, [group], []))))
    refused = [(await sync(office)).refused for _ in range(3)]
    assert refused == [8, 8, 20], "the last round counts what is remembered, and does not examine it again"
    assert len(await office.quarantine()) == 20
    assert (await sync(office)).problems == []


async def test_examiner_that_fails_in_the_middle_leaves_nothing_half_recorded(scripted):
    """I4: no verdict, no change, no poison."""
    world, office, examiner = scripted

    async def fail(cases):
        raise ExaminerError("gone")

    examiner.meanwhile = fail
    report, _ = await receive(world, office, [(DOCUMENT, "quote", [*good(), (2, b"\xff" * 9, [])])])
    assert "gone" in report.problems[0]
    for table in ("_documents", "_changes", "_poison", "_quarantine", "_waiting"):
        (count,) = await office.workspace.database.read(
            lambda c, table=table: c.execute(f"SELECT count(*) FROM {table}").fetchone()
        )
        assert count == 0, table
    examiner.meanwhile = None
    report = await sync(office)
    assert (report.applied, report.refused) == (1, 1)


async def test_bytes_that_are_bad_in_one_document_may_be_good_in_another(scripted):
    """Nobody can have another one's change refused by giving its bytes for a change of a document that spoils them."""
    world, office, examiner = scripted
    (delta,) = deltas(customer("Eve"))

    async def refuse_one(cases):
        return [Verdict({0: "bad here"}) for _ in cases]

    examiner.meanwhile = refuse_one
    _, data = await receive(world, office, [(DOCUMENT, "quote", [(1, delta, [])])])
    examiner.meanwhile = None
    await receive(world, office, [(other("one"), "quote", [(1, delta, [])])], sequence=2, previous=data[-32:])
    assert await office.customer(other("one")) == "Eve"
    assert await names(office) == [f"{DOCUMENT}/{CLIENT:x}/1"]


async def last_hash(machine):
    (found,) = await machine.workspace.database.read(
        lambda c: c.execute("SELECT hash FROM _segments ORDER BY sequence DESC LIMIT 1").fetchone()
    )
    return found
