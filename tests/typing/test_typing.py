"""What an application's author is told by mypy and by pyright."""

import json
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
ROOT = HERE.parents[1]
MISTAKES = {
    number: line.partition("# mistake: ")[2]
    for number, line in enumerate((HERE / "mistakes.py").read_text().splitlines(), 1)
    if "# mistake: " in line
}


def mypy(file, tmp_path):
    """Return the lines mypy finds fault with."""
    pytest.importorskip("mypy", reason="mypy is not installed")
    found = subprocess.run(
        [
            sys.executable,
            "-m",
            "mypy",
            "--strict",
            "--config-file=",
            "--no-error-summary",
            "--show-absolute-path",
        ]
        + ["--cache-dir", str(ROOT / ".mypy_cache" / "typing"), "--follow-imports=silent", str(file)],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
    )
    assert found.returncode in (0, 1), found.stdout + found.stderr
    errors = re.findall(r"^(.*?):(\d+): error: (.*)$", found.stdout, re.MULTILINE)
    return {int(line): message for path, line, message in errors if Path(path) == file}


def pyright(file, tmp_path):
    """Return the lines pyright finds fault with."""
    command = Path(sys.executable).with_name("pyright")
    if not command.exists() and shutil.which("pyright") is None:
        pytest.skip("pyright is not installed")
    settings = {
        "include": [file.name],
        "extraPaths": [str(ROOT), str(ROOT / "adapters")],
        "typeCheckingMode": "strict",
        "reportPrivateUsage": False,
        "pythonVersion": "3.11",
    }
    shutil.copy(file, tmp_path)
    (tmp_path / "pyrightconfig.json").write_text(json.dumps(settings))
    found = subprocess.run(
        [str(command) if command.exists() else "pyright", "--outputjson", "--pythonpath", sys.executable]
        + ["--project", str(tmp_path)],
        capture_output=True,
        text=True,
        check=False,
    )
    if not found.stdout.startswith("{"):
        pytest.skip(f"pyright does not run here: {found.stderr[-200:]}")
    said = json.loads(found.stdout)
    assert said["summary"]["filesAnalyzed"] == 1
    return {
        item["range"]["start"]["line"] + 1: item["message"]
        for item in said["generalDiagnostics"]
        if item["severity"] == "error"
    }


@pytest.mark.slow
@pytest.mark.parametrize("checker", [mypy, pyright])
def test_good_use_is_accepted(checker, tmp_path):
    assert checker(HERE / "good_use.py", tmp_path) == {}


@pytest.mark.slow
@pytest.mark.parametrize("checker", [mypy, pyright])
def test_every_mistake_is_reported(checker, tmp_path):
    found = checker(HERE / "mistakes.py", tmp_path)
    assert {MISTAKES[line] for line in MISTAKES.keys() - found.keys()} == set(), found
    assert {line: found[line] for line in found.keys() - MISTAKES.keys()} == {}
