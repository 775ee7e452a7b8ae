"""What the README tells a newcomer to copy works as it stands there."""

import os
import re
import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PATIENCE_S = 60


def blocks(language):
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    return re.findall(rf"```{language}\n(.*?)```", text, re.DOTALL)


@pytest.fixture
def environment(tmp_path):
    """A home of its own, and the commands of this interpreter."""
    paths = [str(Path(sys.executable).parent), os.environ["PATH"]]
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith("CRDTSYNC_")},
        "HOME": str(tmp_path),
        "PATH": os.pathsep.join(paths),
        "PYTHONUNBUFFERED": "1",
    }


@contextmanager
def running(command, environment):
    """Run a command that does not end by itself, and end it after the block, or when patience does."""
    process = subprocess.Popen(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    limit = threading.Timer(PATIENCE_S, process.kill)
    limit.start()
    try:
        yield process.stdout
    finally:
        limit.cancel()
        process.terminate()
        process.communicate(timeout=PATIENCE_S)


def lines_until(lines, wanted):
    """Return the lines up to the first that holds what is wanted, or all there are."""
    found = []
    for line in lines:
        found.append(line)
        if wanted in line:
            break
    return found


def test_the_programs_it_begins_with_are_there(environment):
    [command] = [block.strip() for block in blocks("sh") if "pip install" in block]
    *_, installation, demonstration = command.split(" && ")
    assert installation == "pip install -e '.[dev]'"
    for program in (demonstration, "python -m examples.sales run"):
        ran = subprocess.run(
            ["bash", "-c", f"{program} --help"],
            check=False,
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            timeout=PATIENCE_S,
        )
        assert (ran.returncode, ran.stderr) == (0, ""), program


@pytest.mark.parametrize(
    ("example", "missing"), [("examples.sales.web", "uvicorn"), ("examples.sales", "rich")]
)
def test_without_the_virtual_environment_it_says_so(environment, example, missing):
    program = f"import runpy, sys; sys.modules[{missing!r}] = None; runpy.run_module({example!r}, run_name='__main__')"
    ran = subprocess.run(
        [sys.executable, "-c", program],
        check=False,
        cwd=ROOT,
        env=environment,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
    )
    assert ran.returncode == 1
    assert ran.stderr.startswith(f"error: {missing}")
    assert "is not installed here" in ran.stderr
    assert "hint: Activate the virtual environment" in ran.stderr


def test_the_command_line_block_works_line_by_line(environment):
    [block] = [block for block in blocks("sh") if "crdtsync init" in block]
    *ending, agent = block.splitlines()

    for line in ending:
        ran = subprocess.run(
            ["bash", "-c", line],
            cwd=ROOT,
            env=environment,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE_S,
        )
        assert (line, ran.returncode, ran.stderr) == (line, 0, "")
        if "list customer" in line:
            assert "Ada" in ran.stdout
    with running(["bash", "-c", f"exec {agent}"], environment) as lines:
        assert "syncing office" in lines_until(lines, "syncing")[-1]


def test_the_python_block_works_and_the_office_numbers_its_quote(environment, tmp_path):
    [block] = blocks("python")
    (tmp_path / "Dropbox" / "sales").mkdir(parents=True)
    office = block.replace("sales-data", "office-data")
    office = office.replace('name="R2", role="roaming"', 'name="HQ", role="office"')
    assert office.count("office") == 2

    with (
        running([sys.executable, "-c", office], environment) as at_the_office,
        running([sys.executable, "-c", block], environment) as on_the_road,
    ):
        assert lines_until(at_the_office, "HQ-0001")[-1] == "HQ-0001\n"
        lines = lines_until(on_the_road, "Q-0000")
        assert "R2-0001\n" in lines
        assert re.fullmatch(r"Q-0000\d Ada\n", lines[-1])
