"""`remote`: what lies in a shared folder, checked without a replica; and which one a replica uses."""

# Parameters become arguments and options by their defaults, all by name: typer reads them.
# ruff: noqa: FBT002

import asyncio
from collections.abc import Iterable
from typing import Annotated, Any

import typer

from crdtsync.cli.output import Json, counted, iso, print_json, print_line, print_table, size, when
from crdtsync.cli.settings import Settings, with_replica
from crdtsync.errors import UsageError
from crdtsync.replica import Replica, inspect_folder
from crdtsync.sync.picture import FolderFeed, FolderPicture, FolderPosition


def inspect(
    context: typer.Context,
    address: Annotated[
        str | None,
        typer.Argument(metavar="ADDRESS", help="As in folder:~/Dropbox/sales; by default the replica's own."),
    ] = None,
    as_json: Json = False,
) -> None:
    """Show what lies in a shared folder, and what is wrong there. Reads only, and needs no replica."""
    if address is None:
        address = with_replica(context, Replica.default_remote)
        if not address:
            raise UsageError(
                "this replica has no remote", hint="Give an address, as in folder:~/Dropbox/sales"
            )
    picture = asyncio.run(_read(address))
    if as_json:
        print_json(_picture_json(picture))
    else:
        _print_picture(picture)


def use(
    context: typer.Context,
    address: Annotated[str, typer.Argument(metavar="ADDRESS", help="As in folder:~/Dropbox/sales.")],
    create_folder: Annotated[
        bool,
        typer.Option(
            "--create-folder", help="Begin this replica's folder anew there, in an empty place, at once."
        ),
    ] = False,
    other_folder: Annotated[
        bool,
        typer.Option(
            "--other-folder",
            help="Leave this replica's folder for another one, at once, and bring along all that is here.",
        ),
    ] = False,
    as_json: Json = False,
) -> None:
    """Choose the remote that `sync` and `agent` use when they are given none."""
    assert isinstance(context.obj, Settings)

    async def work(replica: Replica) -> str:
        if create_folder or other_folder:
            await replica.attach(address, create_folder=create_folder or None, other_folder=other_folder)
        await replica.set_default_remote(address)
        return await replica.default_remote()

    chosen = with_replica(context, work)
    if as_json:
        print_json({"remote": chosen})
    else:
        print_line(f"syncs with {chosen}")


async def _read(address: str) -> FolderPicture:
    # Not entered: entering a remote may clean up after this machine, and nothing is to be touched here.
    picture = await inspect_folder(address)
    while picture.unread:
        following = await inspect_folder(address, previous=picture)
        if following.unread >= picture.unread:
            break
        picture = following
    return picture


def _first(feed: FolderFeed) -> int:
    return feed.segments[0].sequence


def _changes(feed: FolderFeed) -> int:
    return sum(segment.changes for segment in feed.segments)


def _picture_json(picture: FolderPicture) -> dict[str, Any]:
    ledger = picture.ledger
    return {
        "address": picture.address,
        "files": picture.files,
        "bytes": picture.size_bytes,
        "markers": [
            {
                "name": marker.name,
                "folder": marker.folder,
                "created_by": marker.created_by,
                "created": iso(marker.created_ms),
                "title": marker.title,
            }
            for marker in picture.markers
        ],
        "feeds": [
            {
                "replica": feed.owner,
                "replica_name": feed.owner_name or None,
                "feed": feed.feed,
                "first": _first(feed),
                "last": feed.last,
                "gaps": feed.gaps,
                "breaks": feed.breaks,
                "files": len(feed.segments),
                "bytes": feed.size_bytes,
                "changes": _changes(feed),
                "requests": sum(segment.requests for segment in feed.segments),
            }
            for feed in picture.feeds
        ],
        "ledger": {
            "files": len(ledger.files),
            "entries": ledger.entries,
            "head": ledger.head,
            "gaps": list(ledger.gaps),
            "last_number": ledger.last_number,
            "last_issue_date": ledger.last_issue_date,
            "writers": list(ledger.writers),
        },
        "beacons": [
            {
                "replica": replica.replica,
                "name": replica.name,
                "role": replica.role,
                "coordinator": replica.is_coordinator,
                "counter": beacon.counter,
                "at": iso(beacon.at_ms),
                "ledger_index": beacon.ledger_index,
                "has": [_position_json(item) for item in beacon.has],
                "wants": [_position_json(item) for item in beacon.wants],
                "software": beacon.software,
            }
            for replica in picture.replicas
            if (beacon := replica.beacon) is not None
        ],
        "problems": [
            {"verdict": problem.verdict, "file": problem.name, "reason": problem.reason}
            for problem in picture.problems
        ],
    }


def _position_json(item: FolderPosition) -> dict[str, Any]:
    return {"replica": item.owner, "feed": item.feed, "sequence": item.sequence}


def _print_picture(picture: FolderPicture) -> None:
    names = {replica.replica: replica.name or "unknown" for replica in picture.replicas}
    ledger = picture.ledger
    print_line(f"{picture.address}: {counted(picture.files, 'file')}, {size(picture.size_bytes)}")
    for marker in picture.markers:
        by = names.get(marker.created_by, "unknown")
        print_line(f"folder {marker.folder}, set up {when(marker.created_ms)} by {by}")
    if not picture.markers:
        print_line("no marker: not set up, or not fully synced")
    print_line(f"ledger: {counted(ledger.entries, 'number')} in {counted(len(ledger.files), 'file')}")
    print_table(
        ["feed of", "feed", "segments", "missing", "changes", "size"],
        [
            [
                feed.owner_name or "unknown",
                feed.feed,
                f"{_first(feed)}..{feed.last}",
                ", ".join([*map(str, feed.gaps), *(f"chain broken at {n}" for n in feed.breaks)]) or "-",
                str(_changes(feed)),
                size(feed.size_bytes),
            ]
            for feed in picture.feeds
        ],
    )
    print_table(
        ["beacon of", "role", "at", "ledger", "has", "wants"],
        [
            [
                replica.name,
                f"{replica.role}, coordinator" if replica.is_coordinator else str(replica.role),
                when(beacon.at_ms),
                str(beacon.ledger_index),
                _positions(beacon.has),
                _positions(beacon.wants),
            ]
            for replica in picture.replicas
            if (beacon := replica.beacon) is not None
        ],
    )
    for problem in picture.problems:
        print_line(f"{problem.verdict}: {problem.name}: {problem.reason}")


def _positions(items: Iterable[FolderPosition]) -> str:
    return ", ".join(f"{item.owner_name or 'unknown'} {item.sequence}" for item in items) or "-"
