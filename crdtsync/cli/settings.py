"""Which replica, which person, which classes: what every command is told before its own name."""

import asyncio
import getpass
import importlib
import inspect
import sys
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, TypeVar

import platformdirs
import typer

from crdtsync.cli.values import References
from crdtsync.document.declared import near_hint
from crdtsync.document.model import Document, schema_of
from crdtsync.errors import DocumentNotFoundError, SchemaError, UnknownKindError, UsageError
from crdtsync.protocol.ids import is_id
from crdtsync.replica import Replica, open_replica
from crdtsync.store.identifying import PREFIX_CHARS_MIN
from crdtsync.store.workspace import AUTHOR_CHARS_MAX, DATABASE_NAME

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Settings:
    """The options that stand before a command."""

    replica: Path | None
    author: str | None
    schemas: tuple[str, ...]

    def directory(self) -> Path:
        """Return the replica's directory: the given one, the nearest one upward, or the user's own."""
        if self.replica is not None:
            return self.replica.expanduser()
        try:
            here = Path.cwd()
        except OSError:
            return default_directory()  # The working directory is gone.
        for directory in (here, *here.parents):
            if (directory / DATABASE_NAME).is_file():
                return directory
        return default_directory()

    def person(self) -> str:
        """Return who is at the keyboard."""
        if self.author is not None:
            return self.author
        try:
            return getpass.getuser()[:AUTHOR_CHARS_MAX]
        except (KeyError, OSError, ImportError):
            return ""  # The system does not know; the history then names the replica alone.


def default_directory() -> Path:
    """Return where the user's replica is when nothing else is said."""
    return Path(platformdirs.user_data_dir("crdtsync", appauthor=False))


def with_replica(context: typer.Context, work: Callable[[Replica], Awaitable[T]]) -> T:
    """Open the replica, do the work with it, and return its result."""
    settings: Settings = context.obj
    classes = load_classes(settings.schemas)

    async def run() -> T:
        async with open_replica(
            settings.directory(), author=settings.person(), kinds=classes, create=False
        ) as replica:
            return await work(replica)

    return asyncio.run(run())


async def one_document(replica: Replica, text: str) -> tuple[str, str]:
    """Return (id, kind) of the document a person means.

    Raises:
        DocumentNotFoundError: there is none.
        UsageError: there are several.
    """
    return pick(await replica.identify(text), text, "document")


def references_in(replica: Replica) -> References:
    """Return what finds the documents that fields refer to, in a replica."""

    async def find(text: str, kind: str | None) -> str:
        if is_id(text):
            return text  # It may name a document that has not arrived here yet.
        found = [item for item in await replica.identify(text) if kind in (None, item[1])]
        return pick(found, text, kind or "document")[0]

    return find


def pick(found: list[tuple[str, str]], text: str, what: str) -> tuple[str, str]:
    """Return the only one of several documents.

    Raises:
        DocumentNotFoundError: there is none.
        UsageError: there are several.
    """
    if not found:
        raise DocumentNotFoundError(
            f"there is no {what} {text!r} here",
            hint=f"Give a number, an id or its first {PREFIX_CHARS_MIN} or more characters; "
            "`crdtsync find WORDS` searches",
        )
    if len(found) > 1:
        candidates = ", ".join(f"{kind} {identity}" for identity, kind in found)
        raise UsageError(f"{text!r} may be one of {len(found)} documents", hint=f"Say which: {candidates}")
    return found[0]


def known_class(replica: Replica, kind: str) -> type[Document]:
    """Return the class of a kind.

    Raises:
        UnknownKindError: the replica does not know it; the hint names the nearest one.
    """
    try:
        return replica.document_class(kind)
    except UnknownKindError as error:
        near = near_hint(kind, replica.kinds())
        raise UnknownKindError(error.message, hint=f"{near} {error.hint}".strip()) from error


def load_classes(specs: tuple[str, ...]) -> list[type[Document]]:
    """Return the document classes named by ``package.module:object`` or ``package.module``.

    Raises:
        SchemaError: one cannot be imported, or holds no document classes, or one that makes no sense.
    """
    if specs and "" not in sys.path:
        sys.path.insert(0, "")  # As `python -m` does: the application's package is usually right here.
    found: dict[type[Document], None] = {}
    for spec in specs:
        classes = _classes_in(_load(spec))
        if not classes:
            raise SchemaError(
                f"{spec!r} holds no document classes",
                hint="Name a subclass of Document with a kind, a list of them, or a module that defines some",
            )
        found.update(dict.fromkeys(classes))
    for document_class in found:
        schema_of(document_class)
    return list(found)


def _load(spec: str) -> Any:
    module_name, colon, path = spec.partition(":")
    try:
        item: Any = importlib.import_module(module_name)
    except Exception as error:
        # The application's own code runs here: whatever it raises, the person needs to know where.
        raise SchemaError(
            f"{module_name!r:.200} cannot be imported: {type(error).__name__}: {error}",
            hint="Write package.module:object; the current directory is searched too",
        ) from error
    for name in path.split(".") if colon else ():
        try:
            item = getattr(item, name)
        except AttributeError as error:
            raise SchemaError(f"{module_name} has no {name!r}", hint=near_hint(name, dir(item))) from error
    return item


def _classes_in(item: Any) -> list[type[Document]]:
    if isinstance(item, ModuleType):
        return _classes_in(
            [
                part
                for part in vars(item).values()
                if inspect.isclass(part) and part.__module__ == item.__name__
            ]
        )
    if isinstance(item, list | tuple | set | frozenset):
        return [part for part in item if _is_document(part)]
    return [item] if _is_document(item) else []


def _is_document(item: Any) -> bool:
    return inspect.isclass(item) and issubclass(item, Document) and bool(item._kind)  # noqa: SLF001
