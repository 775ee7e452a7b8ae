"""Goal: whichever single call to the kernel fails, it is told or survived, and nothing acknowledged is lost.

Method: two replicas live through a short history in one process, again and again; in the n-th run the n-th call of a
kind fails, until a run has no n-th. An ordinary build tries some of them.
"""

import random
import re
import shutil
import tempfile
from pathlib import Path

import pytest

from tests.services import settings, story, tracing
from tests.services.records import Record

pytestmark = [pytest.mark.slow, pytest.mark.services]

FAULTS = (
    ("fsync", "EIO"),
    ("fdatasync", "EIO"),
    ("pwrite64", "EIO"),
    ("pwrite64", "ENOSPC"),
    ("pread64", "EIO"),
    ("write", "ENOSPC"),
    ("link", "EIO"),
    ("unlink", "EACCES"),
    ("openat", "EIO"),
)
RUNS = 5
"""How many calls of each kind fail in an ordinary build."""


@pytest.fixture
def tracer():
    if why := tracing.why_no_tracing():
        pytest.skip(why)


@pytest.fixture
def template():
    """Two replicas that know their folder, to be copied to one and the same place for every run."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        prefix="crdtsync-calls-", dir=memory if memory.is_dir() else None, ignore_cleanup_errors=True
    ) as directory:
        place = Path(directory, "place")
        place.mkdir()
        record = Record(place, place / "shared")
        record.build()
        record.settle()
        place.rename(Path(directory, "template"))
        yield Path(directory)


def live(template, inject="", *, tell_calls=False):
    """Live through the story from its beginning; return the run, and the record of what was acknowledged."""
    place = template / "place"
    shutil.rmtree(place, ignore_errors=True)
    shutil.copytree(template / "template", place)
    record = Record(place, place / "shared")
    run = tracing.run_traced(story.tell, place, record.folder, inject=inject, tell_calls=tell_calls)
    for what, *rest in run.said:
        if what in ("edited", "marked", "numbered"):
            name, *message = rest
            record.hear(name, (what, *message))
    return run, record


def check(run, record, inject):
    errors = [message for message in run.said if message[0] == "error"]
    assert run.exit_code == 0, f"{inject}: ended with {run.exit_code}: {run.said[-3:]}"
    assert run.said[-1] == ("done",), f"{inject}: ended with {run.exit_code}: {run.said[-3:]}"
    assert len(errors) <= 2, f"{inject}: {errors}"
    record.check()
    record.settle()
    return errors


@pytest.mark.parametrize(("call", "error"), FAULTS, ids=[f"{call}-{error}" for call, error in FAULTS])
def test_any_call_may_fail(tracer, template, call, error):
    calm, record = live(template, tell_calls=True)
    assert not check(calm, record, "calm")
    assert any(message[0] == "numbered" for message in calm.said)
    seed = settings.seed()
    count = calm.calls[call]
    assert count, calm.calls
    chosen = sorted(random.Random(seed).sample(range(1, count + 1), min(settings.rounds(RUNS), count)))
    is_whole = len(chosen) == count
    told = survived = 0
    n = 0
    try:
        while True:
            n = n + 1 if is_whole else chosen[told + survived] if told + survived < len(chosen) else 0
            if not n:
                break
            run, record = live(template, f"{call}:error={error}:when={n}")
            if not run.is_injected:
                break
            if check(run, record, f"{call} {n}"):
                told += 1
            else:
                survived += 1
    except BaseException:
        print(f"with {error} for call {n} of {call}")
        print(settings.replay_line(f"test_failing_calls.py::test_any_call_may_fail[{call}-{error}]", seed))
        raise
    settings.record(
        suite="failing calls", call=call, error=error, seed=seed, calls=count, told=told, survived=survived
    )


def test_nothing_is_acknowledged_before_it_is_synced(tracer, template):
    """The order of the calls: log written, log synced, said; file synced, named, directory synced, recorded."""
    run, record = live(template, tell_calls=True)
    check(run, record, "order")
    unsynced_logs, unsynced_files, unsynced_names = set(), set(), set()
    said = put = 0
    for line in run.lines:
        call, _, rest = line.partition("(")
        first = re.match(r"\d+<([^>]*)>", rest)
        path = first[1] if first else ""
        match call:
            case "pwrite64" if path.endswith("-wal"):
                # A record of the database may only follow when the folder's files and names are safe.
                assert not unsynced_names, line
                unsynced_logs.add(path)
            case "fdatasync" | "fsync" if path.endswith("-wal"):
                unsynced_logs.discard(path)
            case "write" if path.startswith("pipe:"):
                assert not unsynced_logs, line
                said += 1
            case "write" if "/shared/" in path:
                unsynced_files.add(path)
            case "fsync" if path in unsynced_files:
                unsynced_files.discard(path)
            case "link":
                source, target = re.findall(r'"([^"]*)"', rest)[:2] if '"/' in rest else ("", "")
                assert source not in unsynced_files, line
                unsynced_names.add(str(Path(target).parent) if target else "?")
                put += 1
            case "fsync":
                unsynced_names.discard(path)
            case _:
                pass
    assert said > 10
    assert put > 5
