"""`new` and `edit`: one change of one document, or none."""

# Parameters become arguments and options by their defaults, all by name: typer reads them.
# ruff: noqa: FBT002
import sys
from typing import Annotated, Any, Final

import typer

from crdtsync.cli.documents import Kind, Which
from crdtsync.cli.operations import SYNTAX, apply_json, apply_operations, parse_operation
from crdtsync.cli.output import (
    Json,
    document_json,
    print_json,
    print_line,
    title,
)
from crdtsync.cli.settings import known_class, one_document, references_in, with_replica
from crdtsync.cli.values import parse_json
from crdtsync.document.model import Document
from crdtsync.errors import UsageError
from crdtsync.replica import Replica

Operations = Annotated[list[str] | None, typer.Argument(metavar="CHANGE", help="What to write.")]
Label = Annotated[str, typer.Option("--label", help="What the change is about, for the history.")]
Stdin = Annotated[bool, typer.Option("--stdin", help="Read a JSON object of fields from standard input.")]


def new(
    context: typer.Context,
    kind: Kind,
    changes: Operations = None,
    stdin: Stdin = False,
    label: Label = "",
    as_json: Json = False,
) -> None:
    """Make a document (see `NEW_HELP`)."""
    _write(context, kind, None, changes or [], label, stdin=stdin, as_json=as_json)


def edit(
    context: typer.Context,
    document: Which,
    changes: Operations = None,
    stdin: Stdin = False,
    label: Label = "",
    as_json: Json = False,
) -> None:
    """Change a document (see `EDIT_HELP`)."""
    if not changes and not stdin:
        raise UsageError(
            "there is nothing to change", hint="Write NAME=VALUE; `crdtsync edit --help` shows all forms"
        )
    _write(context, "", document, changes or [], label, stdin=stdin, as_json=as_json)


_STDIN_HELP: Final = """\
With --stdin, fields come as a JSON object, as `show --json` prints them under "fields": what it does not name
stays. In a list, an entity with an "id" is changed, one without is added, and one with "removed": true is
removed. Entries of logs and elements of sets are added.

If anything is wrong, nothing is written.
"""

NEW_HELP: Final = f"""\
Make a document. It has its reference number at once.

{SYNTAX}
{_STDIN_HELP}
Example: crdtsync new quote customer=Ada 'lines+={{"product": "Shade", "quantity": 2}}'
"""
EDIT_HELP: Final = f"""\
Change a document: one change, on disk when this returns, or none at all.

{SYNTAX}
{_STDIN_HELP}
Example: crdtsync edit R2-0017 customer=Ada 'lines[2].quantity=3' 'lines[0]-' 'milestones+=printed'
"""


def _write(
    context: typer.Context,
    kind: str,
    text: str | None,
    changes: list[str],
    label: str,
    *,
    stdin: bool,
    as_json: bool,
) -> None:
    operations = [parse_operation(change) for change in changes]
    data = _read_stdin() if stdin else {}

    async def work(replica: Replica) -> tuple[Document, bool]:
        identity, its_kind = (None, kind) if text is None else await one_document(replica, text)
        cls = known_class(replica, its_kind)
        before = None if identity is None else (await replica.get(cls, identity)).info.digest
        references = references_in(replica)
        async with replica.edit(cls, identity, label=label) as document:
            await apply_json(document, data, references, is_new=identity is None)
            await apply_operations(document, operations, references)
        after = await replica.get(cls, document.id)
        return after, after.info.digest != before

    document, is_changed = with_replica(context, work)
    if as_json:
        print_json(document_json(document))
    elif text is None:
        called = title(document)
        print_line(f"{document.info.kind} {called}{f'  {document.id}' if called != document.id else ''}")
    else:
        print_line(
            f"{document.info.kind} {title(document)}  {'changed' if is_changed else 'nothing to change'}"
        )


def _read_stdin() -> Any:
    if sys.stdin is None:
        raise UsageError("--stdin was given, and standard input is closed")
    try:
        return parse_json(sys.stdin.read(), "the input")
    except UnicodeDecodeError as error:
        raise UsageError(f"the input is no text: {error}") from error
