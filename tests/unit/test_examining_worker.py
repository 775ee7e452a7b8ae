"""Goal: the process that examines ends by itself when nobody is there any more, also in the middle of an update."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

import crdtsync
from crdtsync.environment import Case, Verdict
from crdtsync.errors import ExaminerError
from crdtsync.examining import ProcessExaminer
from crdtsync.examining.messages import TryOut, write_frame
from tests.unit.sync import hostile

PACKAGE = Path(crdtsync.__file__).parent
LONG_S = 60


def start(limit_s):
    options = {"path": sys.path, "package": str(PACKAGE), "memory_bytes": 2**31, "limit_s": limit_s}
    return subprocess.Popen(
        [sys.executable, "-S", "-P", PACKAGE / "examining" / "worker.py", json.dumps(options)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )


def test_it_ends_quietly_with_its_input():
    with start(LONG_S) as process:
        said, complained = process.communicate(timeout=LONG_S)
        assert (process.returncode, complained) == (0, b"")
        assert said.endswith(b"\x91\xa0"), "it was ready"


@pytest.mark.slow
def test_it_ends_while_it_hangs_though_its_parent_is_gone():
    with start(0.1) as process:
        write_frame(process.stdin, TryOut([([], [hostile.slow(200_000)])]))
        process.stdin.close()
        process.stdin = None
        assert process.wait(LONG_S) == 1


def test_it_imports_little():
    """Starting it must not take the time that importing the whole package does."""
    code = (
        "import runpy, sys, json\n"
        "worker = runpy.run_path(sys.argv.pop())\n"
        "worker['main']()\n"
        "print(sorted(name for name in sys.modules if name.startswith('crdtsync')), file=sys.stderr)\n"
    )
    options = {"path": sys.path, "package": str(PACKAGE), "memory_bytes": 2**31, "limit_s": LONG_S}
    done = subprocess.run(
        [sys.executable, "-S", "-P", "-c", code, json.dumps(options), PACKAGE / "examining" / "worker.py"],
        input=b"",
        capture_output=True,
        timeout=LONG_S,
        check=True,
    )
    assert eval(done.stderr) == [
        "crdtsync",
        "crdtsync.document",
        "crdtsync.document.crdt",
        "crdtsync.document.examination",
        "crdtsync.errors",
        "crdtsync.examining",
        "crdtsync.examining.messages",
    ]


async def test_a_packed_application_is_told_how_to_examine(monkeypatch):
    """`sys.executable` is then the application: it must not be started again as if it were Python."""
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    examiner = ProcessExaminer()
    with pytest.raises(ExaminerError, match="packed application") as refused:
        await examiner.examine([Case([], [], list)])
    assert "crdtsync.examining.run_worker()" in refused.value.hint
    assert examiner.starts == 0
    await examiner.close()


async def test_a_packed_application_examines_with_its_command(monkeypatch):
    monkeypatch.setattr(sys, "frozen", True, raising=False)
    program = "from crdtsync.examining import run_worker; run_worker()"
    examiner = ProcessExaminer(command=[sys.executable, "-c", program, "--examine"])
    assert await examiner.examine([Case([], [], list)]) == [Verdict()]
    await examiner.close()
