"""What `import crdtsync` offers is listed, sorted and explained."""

import ast
import dataclasses
import enum
import importlib
import inspect
import itertools
import typing
from pathlib import Path

import pytest

import crdtsync
from crdtsync import errors

MODULES = [
    "crdtsync",
    "crdtsync.errors",
    "crdtsync.examining",
    "crdtsync.remote",
    "crdtsync.replica",
    "crdtsync.testing",
]
PUBLIC = [(name, getattr(crdtsync, name)) for name in crdtsync.__all__]


def test_the_list_is_sorted_and_has_no_name_twice():
    assert list(crdtsync.__all__) == sorted(set(crdtsync.__all__))


def test_the_list_is_complete():
    tree = ast.parse(Path(crdtsync.__file__).read_text())
    imported = [
        alias.asname or alias.name
        for node in tree.body
        if isinstance(node, ast.ImportFrom)
        for alias in node.names
    ]
    assert sorted(imported) == sorted(crdtsync.__all__)
    assert all(name.isidentifier() and not name.startswith("_") for name in imported)


def test_a_star_import_gives_the_list():
    names = {}
    exec("from crdtsync import *", names)
    assert names.keys() - {"__builtins__"} == set(crdtsync.__all__)


@pytest.mark.parametrize("module", MODULES)
def test_every_module_is_explained(module):
    assert importlib.import_module(module).__doc__


@pytest.mark.parametrize(("name", "item"), PUBLIC, ids=[name for name, _ in PUBLIC])
def test_every_public_name_is_explained(name, item):
    if not (inspect.isclass(item) or inspect.isfunction(item)):
        return
    assert own_doc(item), name
    assert getattr(item, "__module__", "").startswith("crdtsync")
    if not inspect.isclass(item):
        return
    own = [base for base in item.__mro__ if base.__module__.startswith("crdtsync")]
    for member, value in itertools.chain.from_iterable(vars(base).items() for base in own):
        if member.startswith("_"):
            continue
        function = value.fget if isinstance(value, property) else getattr(value, "__func__", value)
        if inspect.isfunction(function):
            assert function.__doc__, f"{name}.{member}"


def own_doc(item):
    doc = item.__doc__ or ""
    if dataclasses.is_dataclass(item) and doc.startswith(f"{item.__name__}("):
        return ""  # Made by `dataclass`, and explains nothing.
    return "" if inspect.isclass(item) and issubclass(item, enum.Enum) and doc == enum.Enum.__doc__ else doc


def test_every_error_is_in_the_tree_and_explained():
    tree = errors.__doc__
    for name, item in vars(errors).items():
        if inspect.isclass(item) and issubclass(item, Exception):
            assert own_doc(item), name
            assert f" {name} " in tree or tree.strip().startswith(name) or f"\n    {name}" in tree, name


def test_signatures_can_be_resolved():
    for name, item in PUBLIC:
        if inspect.isfunction(item):
            assert "return" in typing.get_type_hints(item), name
