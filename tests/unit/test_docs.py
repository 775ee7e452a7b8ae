"""The pages lead to one another, and docstrings say what a caller may rely on."""

import inspect
import itertools
import re
from pathlib import Path

import pytest

import crdtsync
from crdtsync import Document
from crdtsync.errors import DocumentNotFoundError

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EXPLAINED_ELSEWHERE = re.compile(r"rguments as for|aises as `\w+` does")
LINK = re.compile(r"\]\(([^()\s]+)\)")
CLASSES = {name: item for name in crdtsync.__all__ if inspect.isclass(item := getattr(crdtsync, name))}


def text_of(page):
    """The text of a page without its code."""
    return re.sub(r"```.*?```", "", page.read_text(encoding="utf-8"), flags=re.DOTALL)


def anchors_of(page):
    headings = re.findall(r"^#+ (.*)$", text_of(page), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_every_link_leads_somewhere(page):
    for link in LINK.findall(text_of(page)):
        if link.startswith(("http://", "https://")):
            continue
        path, _, anchor = link.partition("#")
        target = (page.parent / path).resolve() if path else page
        assert target.exists(), link
        assert not anchor or anchor in anchors_of(target), link


def test_every_page_can_be_reached_from_the_readme():
    reached, waiting = set(), [ROOT / "README.md"]
    while waiting:
        page = waiting.pop()
        reached.add(page)
        for link in LINK.findall(text_of(page)):
            target = (page.parent / link.partition("#")[0]).resolve()
            following = target.glob("*.md") if target.is_dir() else [target]
            waiting += [found for found in following if found in PAGES and found not in reached]
    assert sorted(reached) == sorted(PAGES)


def functions_of(item):
    own = [base for base in item.__mro__ if base.__module__.startswith("crdtsync")]
    for name, member in itertools.chain.from_iterable(vars(base).items() for base in own):
        function = getattr(member, "__func__", member)
        if not name.startswith("_") and inspect.isfunction(function):
            yield name, function


def many_arguments():
    """Everything an application calls with four arguments or more: verbs, and the one class that it makes."""
    verbs = [item for name in CLASSES for item in functions_of(CLASSES[name])]
    for name, function in (*verbs, ("open_replica", crdtsync.open_replica)):
        arguments = [argument for argument in inspect.signature(function).parameters if argument != "self"]
        if len(arguments) >= 4:
            yield pytest.param(inspect.getdoc(function) or "", arguments, id=name)


@pytest.mark.parametrize(("doc", "arguments"), list(many_arguments()))
def test_what_takes_many_arguments_explains_each(doc, arguments):
    if not EXPLAINED_ELSEWHERE.search(doc):
        assert [argument for argument in arguments if f"\n    {argument}: " not in doc] == []


class Quote(Document, kind="quote"):
    customer: str = ""


@pytest.mark.parametrize(
    "verb", ["get", "edit", "history", "last_writers", "mark_for_sync", "reset_sync", "item"]
)
async def test_a_verb_that_refuses_an_unknown_document_says_so(verb, tmp_path):
    assert "DocumentNotFoundError: " in getattr(crdtsync.Replica, verb).__doc__
    async with crdtsync.open_replica(tmp_path / "R1", name="R1", role="roaming", kinds=[Quote]) as replica:
        with pytest.raises(DocumentNotFoundError):
            await called(replica, verb)


@pytest.mark.parametrize("verb", ["get_or_none", "exists", "conflicts", "receipts"])
async def test_a_verb_that_says_nothing_of_unknown_documents_finds_none(verb, tmp_path):
    assert "DocumentNotFoundError: " not in getattr(crdtsync.Replica, verb).__doc__
    async with crdtsync.open_replica(tmp_path / "R1", name="R1", role="roaming", kinds=[Quote]) as replica:
        assert not await called(replica, verb)


async def called(replica, verb):
    """Call a verb with an id that no document has."""
    unknown = "a" * 26
    match verb:
        case "edit":
            async with replica.edit(Quote, unknown) as document:
                return document
        case "get" | "get_or_none" | "exists":
            return await getattr(replica, verb)(Quote, unknown)
        case _:
            return await getattr(replica, verb)(unknown)
