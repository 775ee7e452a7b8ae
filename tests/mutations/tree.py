"""A copy of the tree that may be broken, and processes that import that copy and nothing else."""

import contextlib
import os
import shutil
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PARTS = ("crdtsync", "adapters", "examples", "tests", "pyproject.toml", "README.md")

_WHERE = "import crdtsync, crdtsync_folder; print(crdtsync.__file__); print(crdtsync_folder.__file__)"


class WrongTreeError(Exception):
    """A process would import another tree than the copy."""


def copy_tree(root: Path, target: Path) -> None:
    """Copy what the checks need. Compiled files come along: their sources keep their times."""
    target.mkdir(parents=True, exist_ok=True)
    for part in PARTS:
        source = root / part
        if source.is_dir():
            shutil.copytree(source, target / part, ignore=shutil.ignore_patterns(".hypothesis", "*.db"))
        elif source.is_file():
            shutil.copy2(source, target / part)


def require_own(tree: Path) -> None:
    """Make sure that processes in the copy import the copy, although the package is installed elsewhere.

    Raises:
        WrongTreeError: they do not.
    """
    done = run([sys.executable, "-c", _WHERE], tree, timeout_s=120)
    found = [Path(line).resolve() for line in done.stdout.split("\n") if line]
    if done.returncode or not found or not all(path.is_relative_to(tree.resolve()) for path in found):
        raise WrongTreeError(f"{tree} is not what is imported: {found or done.stderr[-2000:]}")


def run(command: Sequence[str], tree: Path, *, timeout_s: float) -> subprocess.CompletedProcess[str]:
    """Run a command in the copy, and end it and all its children when its time is over.

    Raises:
        subprocess.TimeoutExpired: it was over.
    """
    environment = dict(os.environ)
    environment["PYTHONPATH"] = os.pathsep.join((str(tree), str(tree / "adapters")))
    environment["CRDTSYNC_SERVICES_SEED"] = environment.get("CRDTSYNC_SERVICES_SEED", "1")
    with subprocess.Popen(
        command,
        cwd=tree,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        encoding="utf-8",
        errors="replace",
        start_new_session=True,
    ) as process:
        try:
            out, err = process.communicate(timeout=timeout_s)
        except BaseException:
            _end(process)
            raise
    return subprocess.CompletedProcess(command, process.returncode, out, err)


def _end(process: subprocess.Popen[str]) -> None:
    if os.name == "posix":
        with contextlib.suppress(ProcessLookupError):
            os.killpg(process.pid, 9)
    else:
        process.kill()
