"""Conflicts: values written by people who had not seen each other's, side by side, and the decision."""

# Parameters become arguments and options by their defaults, all by name: typer reads them.
# ruff: noqa: FBT002

from typing import Annotated, Any

import msgspec
import typer

from crdtsync.cli.output import Json, iso, print_json, print_line, print_table, short, shown, title, when
from crdtsync.cli.settings import known_class, one_document, with_replica
from crdtsync.errors import DocumentNotFoundError, UsageError
from crdtsync.replica import Replica
from crdtsync.store.conflicts import Conflict, ConflictValue


def conflicts(
    context: typer.Context,
    document: Annotated[
        str | None, typer.Argument(metavar="ID|NUMBER", help="Those of this document alone.")
    ] = None,
    resolve: Annotated[
        int | None, typer.Option("--resolve", metavar="N", min=1, help="Decide the N-th of the list.")
    ] = None,
    keep: Annotated[
        int | None, typer.Option("--keep", metavar="M", min=1, help="For its M-th value.")
    ] = None,
    label: Annotated[str, typer.Option("--label", help="What the change is about, for the history.")] = "",
    as_json: Json = False,
) -> None:
    """List conflicts, or decide one: `--resolve N --keep M` with the numbers of the list.

    All values of a conflict are kept until a person decides, which is an ordinary change. Deciding for the
    removal of a line removes it for good, deciding for the edit keeps it.
    """
    if (resolve is None) != (keep is None):
        raise UsageError("--resolve and --keep belong together")

    async def work(replica: Replica) -> tuple[list[tuple[int, str, Conflict]], str]:
        identity = None if document is None else (await one_document(replica, document))[0]
        found = await replica.conflicts(identity)
        done = ""
        if resolve is not None and keep is not None:
            conflict = _nth(found, resolve)
            if keep > len(conflict.values):
                raise DocumentNotFoundError(
                    f"conflict {resolve} has no value {keep}", hint=f"It has 1 to {len(conflict.values)}"
                )
            await replica.resolve(conflict, keep - 1, label=label)
            done = f"{conflict.path}: kept {_value_text(conflict, conflict.values[keep - 1])}"
            found = await replica.conflicts(identity)
        return [(n, await _title(replica, conflict), conflict) for n, conflict in enumerate(found, 1)], done

    found, done = with_replica(context, work)
    if as_json:
        print_json([_conflict_json(n, called, conflict) for n, called, conflict in found])
        return
    if done:
        print_line(done)
        return
    for n, called, conflict in found:
        decide = "  (waits for a decision)" if conflict.needs_decision else ""
        print_line(f"{n}. {conflict.kind} {called}  {conflict.path}{decide}")
        print_table(
            ["", "value", "author", "replica", "at", ""],
            [
                [
                    f"{place})",
                    short(_value_text(conflict, value)),
                    value.author or "-",
                    value.replica or "-",
                    when(value.at_ms),
                    "shown" if place - 1 == conflict.shown else "",
                ]
                for place, value in enumerate(conflict.values, 1)
            ],
            indent=3,
        )


def _nth(found: list[Conflict], n: int) -> Conflict:
    if n > len(found):
        raise DocumentNotFoundError(
            f"there is no conflict {n}", hint=f"There are {len(found)}; `crdtsync conflicts` lists them"
        )
    return found[n - 1]


async def _title(replica: Replica, conflict: Conflict) -> str:
    return title(await replica.get(known_class(replica, conflict.kind), conflict.document))


def _conflict_json(n: int, called: str, conflict: Conflict) -> dict[str, Any]:
    return {
        "n": n,
        "document": conflict.document,
        "kind": conflict.kind,
        "title": called,
        "path": conflict.path,
        "reason": conflict.reason,
        "policy": conflict.policy,
        "needs_decision": conflict.needs_decision,
        "values": [
            {
                "n": place + 1,
                "value": msgspec.Raw(value.raw.encode()) if conflict.reason == "values" else None,
                "is_removal": value.is_removal,
                "author": value.author,
                "replica": value.replica,
                "at": iso(value.at_ms),
                "shown": place == conflict.shown,
            }
            for place, value in enumerate(conflict.values)
        ],
    }


def _value_text(conflict: Conflict, value: ConflictValue) -> str:
    if conflict.reason == "values":
        return shown(value.raw)
    return "removed" if value.is_removal else "edited"
