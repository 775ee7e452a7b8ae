"""Runs command lines in this process."""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from crdtsync.cli.app import app

SCHEMA = "tests.unit.cli.shop"


@dataclass(frozen=True)
class Ran:
    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


class Terminal:
    """One person at one replica."""

    def __init__(self, directory: Path, author: str) -> None:
        self.directory = directory
        self.author = author

    def run(self, *words: str, stdin: str | None = None) -> Ran:
        arguments = ["-C", str(self.directory), "--author", self.author, *words]
        result = CliRunner().invoke(app, arguments, input=stdin)
        if result.exception is not None and not isinstance(result.exception, SystemExit):
            raise result.exception
        return Ran(result.exit_code, result.stdout, result.stderr)

    def __call__(self, *words: str, stdin: str | None = None) -> Ran:
        """Run what must succeed."""
        ran = self.run(*words, stdin=stdin)
        assert ran.code == 0, (words, ran)
        return ran

    def json(self, *words: str, stdin: str | None = None) -> Any:
        return self(*words, "--json", stdin=stdin).json

    def fails(self, code: int, *words: str, stdin: str | None = None) -> str:
        """Run what must fail, without a result, and return what is said about it."""
        ran = self.run(*words, stdin=stdin)
        assert ran.code == code, (words, ran)
        assert ran.out == ""
        assert ran.err.startswith("error: ")
        assert "Traceback" not in ran.err
        return ran.err


@pytest.fixture(autouse=True)
def _own_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CRDTSYNC_REPLICA", "CRDTSYNC_AUTHOR", "CRDTSYNC_SCHEMA"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def terminal(tmp_path: Path) -> Callable[[str, str], Terminal]:
    return lambda name, author: Terminal(tmp_path / name, author)


@pytest.fixture
def shop(terminal: Callable[[str, str], Terminal]) -> Terminal:
    """Ada at a roaming replica that knows the shop's kinds."""
    ada = terminal("r2", "ada")
    ada("init", "--name", "R2", "--role", "roaming", "--schema", SCHEMA)
    return ada
