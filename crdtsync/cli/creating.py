"""`init`: a new replica, with the kinds, series and remote it is to work with."""

# Parameters become arguments and options by their defaults, all by name: typer reads them.
# ruff: noqa: FBT002

import asyncio
import enum
from pathlib import Path
from typing import Annotated, Any

import typer

from crdtsync.cli.failures import say
from crdtsync.cli.output import Json, print_json, print_line
from crdtsync.cli.settings import Settings, default_directory, load_classes
from crdtsync.document.model import Document, schema_of
from crdtsync.errors import FormatError, RemoteError, SchemaError
from crdtsync.protocol.numbering import Series, check_series
from crdtsync.replica import open_remote, open_replica
from crdtsync.store.workspace import refuse_inside


class RoleName(enum.Enum):
    """What a replica is for."""

    OFFICE = "office"
    ROAMING = "roaming"


def init(
    context: typer.Context,
    name: Annotated[
        str,
        typer.Option("--name", help="What people call it, as in R2; its reference numbers begin with it."),
    ],
    role: Annotated[
        RoleName, typer.Option("--role", help="The main system, or a workstation that comes and goes.")
    ],
    directory: Annotated[
        Path | None,
        typer.Argument(
            metavar="DIR",
            help="Where it is to be, outside of every synced folder. "
            "By default as for --replica, else the user's data directory.",
        ),
    ] = None,
    coordinator: Annotated[
        bool | None,
        typer.Option(
            "--coordinator/--no-coordinator",
            help="Whether it gives out final numbers; by default the office does.",
        ),
    ] = None,
    remote: Annotated[
        str | None,
        typer.Option(
            "--remote",
            metavar="ADDRESS",
            help="Where to sync from now on, as in folder:~/Dropbox/sales. It need not be reachable now.",
        ),
    ] = None,
    create_folder: Annotated[
        bool | None,
        typer.Option(
            "--create-folder/--no-create-folder", help="Set up an empty remote; by default the office does."
        ),
    ] = None,
    series: Annotated[
        list[str] | None,
        typer.Option(
            "--series",
            metavar="NAME=PATTERN[@START]",
            help="How the numbers of a series look and begin, as in 'quotes=Q-{number:05d}@100'.",
        ),
    ] = None,
    schema: Annotated[
        list[str] | None,
        typer.Option(
            "--schema",
            metavar="MODULE[:OBJECT]",
            help="Document classes the replica is to know: a class, "
            "a list of them, or all in a module. The current directory is importable.",
        ),
    ] = None,
    as_json: Json = False,
) -> None:
    """Make a new replica."""
    settings: Settings = context.obj
    place = (directory or settings.replica or default_directory()).expanduser()
    # All that can be wrong without a replica is found before there is one.
    classes = load_classes((*settings.schemas, *(schema or ())))
    runs = [parse_series(text) for text in series or ()]
    _check_series(classes, runs)
    if remote is not None:
        refuse_inside(place, open_remote(remote).traits.local_root)

    async def work() -> dict[str, Any]:
        async with open_replica(
            place,
            name=name,
            role=role.value,
            coordinator=coordinator,
            author=settings.person(),
            kinds=classes,
            create=True,
        ) as replica:
            for run in runs:
                await replica.define_series(run)
            problem = ""
            if remote is not None:
                await replica.set_default_remote(remote)
                try:
                    await replica.attach(remote, create_folder=create_folder)
                except (RemoteError, FormatError) as error:
                    problem = str(error)
            return {
                "id": replica.id,
                "name": replica.name,
                "role": replica.role,
                "coordinator": replica.is_coordinator,
                "directory": str(replica.directory.absolute()),
                "kinds": replica.kinds(),
                "remote": await replica.default_remote() or None,
                "attached": remote is not None and not problem,
                "problem": problem or None,
            }

    made = asyncio.run(work())
    if as_json:
        print_json(made)
    else:
        kinds = ", ".join(made["kinds"]) or "none yet (give --schema)"
        print_line(f"Made {made['role']} replica {made['name']} in {made['directory']}")
        print_line(f"It knows these kinds: {kinds}")
        if made["attached"]:
            print_line(f"It syncs with {made['remote']}")
    if made["problem"]:
        say(f"note: not attached to {made['remote']} yet, the first sync will do that: {made['problem']}")


def parse_series(text: str) -> Series:
    """Return the series that NAME=PATTERN[@START] describes.

    Raises:
        SchemaError: it describes none.
    """
    name, equals, rest = text.partition("=")
    pattern, at, start = rest.rpartition("@")
    if not at:
        pattern, start = rest, "1"
    if not equals or not start.isascii() or not start.isdigit():
        raise SchemaError(
            f"{text!r:.100} describes no series",
            hint="Write NAME=PATTERN[@START], as in 'quotes=Q-{number:05d}@100'",
        )
    return Series(name, pattern, int(start))


def _check_series(classes: list[type[Document]], runs: list[Series]) -> None:
    declared = [schema_of(document_class).series for document_class in classes]
    named = {item.name: item for item in declared if item is not None}
    if len({run.name for run in runs}) != len(runs):
        raise SchemaError("--series names one series twice")
    check_series((named | {run.name: run for run in runs}).values())
