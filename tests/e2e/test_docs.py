"""What docs/testing.md tells authors to copy works as it stands there."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from crdtsync.testing import PROFILES

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "testing.md").read_text(encoding="utf-8")
PATIENCE_S = 300


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", PAGE, re.DOTALL)


def run(command, directory):
    environment = os.environ | {
        "PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "adapters")]),
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
        "COLUMNS": "200",
    }
    return subprocess.run(
        command,
        cwd=directory,
        env=environment,
        capture_output=True,
        text=True,
        check=False,
        timeout=PATIENCE_S,
    )


def run_tests(directory, *options):
    plugins = ("-p", "crdtsync_pytest", "-p", "pytest_asyncio.plugin", "-p", "no:cacheprovider")
    asyncio_options = ("-o", "asyncio_mode=auto", "-o", "asyncio_default_fixture_loop_scope=function")
    return run([sys.executable, "-m", "pytest", "-q", *plugins, *asyncio_options, *options], directory)


@pytest.mark.slow
def test_every_python_block_is_a_test_file_that_passes(tmp_path):
    for number, block in enumerate(blocks("python")):
        (tmp_path / f"test_block_{number}.py").write_text(block, encoding="utf-8")
    ran = run_tests(tmp_path, "-W", "error", "--strict-markers")
    assert (ran.returncode, ran.stderr) == (0, ""), ran.stdout
    collected = run_tests(tmp_path, "--collect-only").stdout
    for number in range(len(blocks("python"))):
        assert f"test_block_{number}.py::" in collected


@pytest.mark.slow
def test_the_message_is_the_one_that_is_shown(tmp_path):
    [block] = [block for block in blocks("python") if "this_is_what_it_says" in block]
    block = re.sub(r"def test_this.*?:\n", "def test_it():\n", block)
    block = re.sub(r"    assert .*capsys.*\n", "", block)
    (tmp_path / "test_it.py").write_text(block, encoding="utf-8")
    ran = run_tests(tmp_path, "-s").stdout
    [shown] = [block for block in blocks("text") if block.startswith("office, R1 differ")]
    assert without_ids(shown) in without_ids(ran)


def without_ids(text):
    return re.sub(r"client [0-9a-f]+", "client C", re.sub(r"\b[a-z2-7]{26}\b", "ID", text))


@pytest.mark.slow
def test_every_command_works(tmp_path):
    for block in blocks("sh"):
        for line in block.splitlines():
            words = [sys.executable if word == "python" else word for word in line.split()]
            ran = run(words, tmp_path)
            assert ran.returncode == 0, (line, ran.stdout, ran.stderr)


def test_every_profile_it_names_exists():
    [sentence] = re.findall(r"A profile says what the service does wrong: (.*?);", PAGE, re.DOTALL)
    named = re.findall(r"`([a-z-]+)`", sentence)
    assert len(named) == 7
    assert set(named) <= set(PROFILES)
