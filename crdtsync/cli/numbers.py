"""The ledger of final numbers."""

# Parameters become arguments and options by their defaults, all by name: typer reads them.
# ruff: noqa: FBT002

from typing import Annotated, Any

import typer

from crdtsync.cli.output import SHORT_ID_CHARS, Json, iso, print_json, print_line, print_table
from crdtsync.cli.settings import with_replica
from crdtsync.document.declared import near_hint
from crdtsync.errors import DocumentNotFoundError
from crdtsync.protocol.ledger import VOID, LedgerEntry
from crdtsync.replica import Replica


def numbers(
    context: typer.Context,
    series: Annotated[
        str | None, typer.Option("--series", metavar="NAME", help="Those of this series alone.")
    ] = None,
    as_json: Json = False,
) -> None:
    """List the final numbers that were given out, and those that are void, in order."""
    if context.invoked_subcommand is not None:
        return

    async def work(replica: Replica) -> tuple[list[LedgerEntry], dict[str, str]]:
        entries = await replica.ledger()
        known = {item.name for item in await replica.series()} | {entry.series for entry in entries}
        if series is not None and series not in known:
            raise _no_series(series, known)
        names = {peer.replica: peer.name for peer in await replica.peers()} | {replica.id: replica.name}
        return [entry for entry in entries if series in (None, entry.series)], names

    entries, names = with_replica(context, work)
    if as_json:
        print_json([_entry_json(entry, names) for entry in entries])
        return
    print_table(
        ["number", "series", "is", "document", "asked by", "date", "reason"],
        [
            [
                entry.text,
                entry.series,
                entry.outcome.value,
                entry.document[:SHORT_ID_CHARS] or "-",
                names.get(entry.requester, entry.requester[:SHORT_ID_CHARS]) or "-",
                entry.issue_date,
                entry.reason,
            ]
            for entry in entries
        ],
    )


def void(
    context: typer.Context,
    series: Annotated[str, typer.Argument(metavar="SERIES", help="As `crdtsync numbers` names it.")],
    reason: Annotated[str, typer.Option("--reason", help="Why, for the books.")],
    number: Annotated[
        int | None,
        typer.Option(
            "--number", metavar="N", min=0, help="A number that was given out; by default the next one."
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Declare a number unusable, for good; the next sync says so in the ledger. The coordinator alone can do that."""

    async def work(replica: Replica) -> None:
        known = {item.name for item in await replica.series()}
        if replica.is_coordinator and series not in known:
            raise _no_series(series, known)
        await replica.void_number(series, reason, number=number)

    with_replica(context, work)
    if as_json:
        print_json({"series": series, "number": number, "reason": reason})
    else:
        what = "the next number" if number is None else f"number {number}"
        print_line(f"{what} of {series} is {VOID.value} with the next sync: {reason}")


def _no_series(series: str, known: set[str]) -> DocumentNotFoundError:
    hint = near_hint(series, known) or f"There are: {', '.join(sorted(known)) or 'none'}"
    return DocumentNotFoundError(f"there is no series {series!r}", hint=hint)


def _entry_json(entry: LedgerEntry, names: dict[str, str]) -> dict[str, Any]:
    return {
        "index": entry.index,
        "series": entry.series,
        "number": entry.number,
        "text": entry.text,
        "outcome": entry.outcome.value,
        "document": entry.document or None,
        "reason": entry.reason or None,
        "requester": entry.requester or None,
        "requester_name": names.get(entry.requester),
        "at": iso(entry.at_ms),
        "issue_date": entry.issue_date,
    }
