"""docs/reference.md: its session goes as printed, and every verb of a replica has its place."""

import ast
import inspect
import re

import pytest

from crdtsync import Replica
from tests.e2e.printed import ROOT, blocks_of

PAGE = "docs/reference.md"
BLOCKS = blocks_of(PAGE)
VERBS = sorted(name for name in dir(Replica) if not name.startswith("_"))


@pytest.mark.slow
async def test_the_session_goes_as_printed(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    names = {"__name__": "__main__"}
    compared = 0
    for block in BLOCKS:
        assert block.language == "python"
        if block.file_name:
            (tmp_path / block.file_name).write_text(block.text, encoding="utf-8")
            continue
        lines = block.text.splitlines()
        for statement in ast.parse(block.text).body:
            _, arrow, wanted = lines[statement.end_lineno - 1].partition("  # -> ")
            value = await entered(statement, names)
            if arrow:
                assert (ast.unparse(statement), repr(value)) == (ast.unparse(statement), wanted)
                compared += 1
    assert compared == (ROOT / PAGE).read_text(encoding="utf-8").count("# -> ")


async def entered(statement, names):
    """Do what an asynchronous session does with one statement; return the value of an expression."""
    is_expression = isinstance(statement, ast.Expr)
    tree = ast.Expression(statement.value) if is_expression else ast.Module([statement], [])
    code = compile(tree, PAGE, "eval" if is_expression else "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    value = eval(code, names)
    return await value if code.co_flags & inspect.CO_COROUTINE else value


@pytest.mark.parametrize("verb", VERBS)
def test_every_verb_has_its_place(verb):
    tables = "\n".join(re.findall(r"^\|.*\|$", (ROOT / PAGE).read_text(encoding="utf-8"), re.MULTILINE))
    assert re.search(rf"`[^`]*\b{verb}\b[^`]*`", tables), f"{PAGE} does not say what Replica.{verb} is for"
