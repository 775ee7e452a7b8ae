"""How things stand: the replica, Items to Sync, who has what."""

# Parameters become arguments and options by their defaults, all by name: typer reads them.
# ruff: noqa: FBT001, FBT002

import datetime as dt
from collections import Counter
from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer

from crdtsync.cli.output import SHORT_ID_CHARS, Json, counted, iso, print_json, print_line, print_table, when
from crdtsync.cli.settings import one_document, with_replica
from crdtsync.errors import UsageError
from crdtsync.protocol.status import ItemStatus, age_text
from crdtsync.replica import Replica
from crdtsync.store.health import Quarantined, RemoteHealth
from crdtsync.store.items import Item, Peer, Receipt

WAITING = (ItemStatus.MARKED, ItemStatus.SENT, ItemStatus.RECEIVED)

_WAITS = (
    ("waiting_changes", "change to send", "changes to send"),
    ("waiting_files", "file to put", "files to put"),
    ("inbox", "segment with a gap before it", "segments with a gap before them"),
    ("waiting_causes", "change that waits for an earlier one", "changes that wait for earlier ones"),
)

Texts = Annotated[list[str] | None, typer.Argument(metavar="ID|NUMBER", help="Which documents.")]
Text = Annotated[str, typer.Argument(metavar="ID|NUMBER", help="Which document.")]


def status(context: typer.Context, as_json: Json = False) -> None:
    """Show this replica: who it is, what waits and why, whom it has heard from, what needs a person."""

    async def work(replica: Replica) -> dict[str, Any]:
        unfinished = await replica.items()
        conflicts = await replica.conflicts()
        by_status = Counter(item.state.status.value for item in unfinished)
        return {
            "id": replica.id,
            "name": replica.name,
            "role": replica.role,
            "coordinator": replica.is_coordinator,
            "directory": str(replica.directory.absolute()),
            "kinds": replica.kinds(),
            "unknown_kinds": await replica.unknown_kinds(),
            "remote": await replica.default_remote() or None,
            "remotes": [_remote_json(remote) for remote in await replica.remotes()],
            "peers": [_peer_json(peer) for peer in await replica.peers()],
            "items": {
                name.value: by_status[name.value] for name in ItemStatus if name is not ItemStatus.NUMBERED
            },
            "conflicts": len(conflicts),
            "decisions": sum(conflict.needs_decision for conflict in conflicts),
            "quarantine": [_quarantined_json(item) for item in await replica.quarantine()],
        }

    found = with_replica(context, work)
    if as_json:
        print_json(found)
    else:
        _print_status(found)


def _print_status(found: dict[str, Any]) -> None:
    what = f"{found['role']}, coordinator" if found["coordinator"] else found["role"]
    print_line(f"{found['name']} ({what}) in {found['directory']}")
    print_line(f"kinds: {', '.join(found['kinds']) or 'none'}")
    for kind, count in found["unknown_kinds"].items():
        print_line(f"  {count} of kind {kind} received, not readable here: declare it once with --schema")
    if not found["remotes"]:
        print_line(f"remote: {found['remote']} (not attached yet)" if found["remote"] else "remote: none")
    for remote in found["remotes"]:
        waits = [
            f"{remote[key]} {one if remote[key] == 1 else many}" for key, one, many in _WAITS if remote[key]
        ]
        if remote["folder"] is None:
            print_line(f"remote: {remote['address']} (not attached yet)")
        else:
            print_line(f"remote: {remote['address']}: {', '.join(waits) or 'nothing waits'}")
        if remote["problem"]:
            print_line(f"  problem since {_local(remote['problem_since'])}: {remote['problem']}")
        for missing in remote["missing"]:
            print_line(f"  {missing['text']}")
    for peer in found["peers"]:
        role = f"{peer['role']}, coordinator" if peer["coordinator"] else peer["role"]
        print_line(f"peer: {peer['name']} ({role}), last heard from {_age(peer['heard'])}")
    counts = ", ".join(f"{count} {name}" for name, count in found["items"].items() if count)
    print_line(f"items to sync: {counts or 'none'}")
    decide = f", {found['decisions']} to be decided" if found["decisions"] else ""
    print_line(f"conflicts: {found['conflicts'] or 'none'}{decide}")
    for item in found["quarantine"]:
        print_line(f"quarantine: {item['what']} {item['name']}: {item['reason']}")


def _local(at: str | None) -> str:
    return when(None if at is None else round(dt.datetime.fromisoformat(at).timestamp() * 1000))


def _age(text: str) -> str:
    heard = dt.datetime.fromisoformat(text)
    return age_text(int((dt.datetime.now(dt.UTC) - heard).total_seconds() * 1000))


def items(
    context: typer.Context,
    show_all: Annotated[bool, typer.Option("--all", help="Also those that have their numbers.")] = False,
    as_json: Json = False,
) -> None:
    """List Items to Sync: where each document stands on its way to its final number, and why it waits."""
    found = with_replica(context, lambda replica: replica.items(include_numbered=show_all))
    if as_json:
        print_json([item_json(item) for item in found])
        return
    print_table(
        ["document", "kind", "id", "status", "since", "why"],
        [
            [
                item.title if item.title != item.document else "-",
                item.kind,
                item.document[:SHORT_ID_CHARS],
                item.state.status.value,
                when(item.state.since_ms),
                item.state.why_waiting,
            ]
            for item in found
        ],
    )


def mark(
    context: typer.Context,
    documents: Texts = None,
    everything: Annotated[bool, typer.Option("--all", help="Every draft.")] = False,
    as_json: Json = False,
) -> None:
    """Mark documents to be synced, and ask for their final numbers."""
    _for_items(context, documents, everything, (ItemStatus.DRAFT,), Replica.mark_for_sync, "marked", as_json)


def reset(
    context: typer.Context,
    documents: Texts = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Every marked document without a number.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Take back the marks of documents whose numbers have not been granted. Always safe."""
    _for_items(context, documents, everything, WAITING, Replica.reset_sync, "reset", as_json)


def receipts(context: typer.Context, document: Text, as_json: Json = False) -> None:
    """Show how much of a document every other replica is known to have."""

    async def work(replica: Replica) -> list[Receipt]:
        return await replica.receipts((await one_document(replica, document))[0])

    found = with_replica(context, work)
    if as_json:
        print_json([_receipt_json(receipt) for receipt in found])
        return
    print_table(
        ["replica", "has", "up to", "last heard from"],
        [
            [
                receipt.name,
                "everything" if receipt.is_complete else f"{receipt.have} of {receipt.total} changes",
                when(receipt.up_to_ms),
                when(receipt.heard_ms),
            ]
            for receipt in found
        ],
    )


def _for_items(
    context: typer.Context,
    texts: list[str] | None,
    everything: bool,
    statuses: tuple[ItemStatus, ...],
    verb: Callable[..., Awaitable[int]],
    done: str,
    as_json: bool,
) -> None:
    if bool(texts) == everything:
        raise UsageError("say which documents, or --all", hint="`crdtsync items` lists them")

    async def work(replica: Replica) -> tuple[int, list[Item]]:
        if everything:
            ids = [item.document for item in await replica.items() if item.state.status in statuses]
        else:
            ids = [(await one_document(replica, text))[0] for text in texts or ()]
        ids = list(dict.fromkeys(ids))
        count = await verb(replica, *ids)
        return count, [await replica.item(identity) for identity in ids]

    count, found = with_replica(context, work)
    if as_json:
        print_json({done: count, "items": [item_json(item) for item in found]})
        return
    for item in found:
        why = f": {item.state.why_waiting}" if item.state.why_waiting else ""
        print_line(f"{item.title}  {item.state.status.value}{why}")
    print_line(f"{done} {counted(count, 'document')}")


def item_json(item: Item) -> dict[str, Any]:
    """Return an item as JSON."""
    return {
        "document": item.document,
        "kind": item.kind,
        "number": item.number,
        "reference": item.reference,
        "status": item.state.status.value,
        "since": iso(item.state.since_ms),
        "why_waiting": item.state.why_waiting,
    }


def _remote_json(remote: RemoteHealth) -> dict[str, Any]:
    return {
        "address": remote.address,
        "folder": remote.folder or None,
        "waiting_changes": remote.waiting_changes,
        "waiting_files": remote.waiting_files,
        "inbox": remote.inbox,
        "waiting_causes": remote.waiting_causes,
        "problem": remote.problem or None,
        "problem_since": iso(remote.problem_since_ms),
        "missing": [
            {
                "replica": missing.replica,
                "name": missing.name,
                "changes": missing.changes,
                "segments": missing.segments,
                "text": missing.text,
            }
            for missing in remote.missing
        ],
    }


def _peer_json(peer: Peer) -> dict[str, Any]:
    return {
        "id": peer.replica,
        "name": peer.name,
        "role": peer.role,
        "coordinator": peer.is_coordinator,
        "heard": iso(peer.heard_ms),
        "ledger_index": peer.ledger_index,
        "software": peer.software,
    }


def _quarantined_json(item: Quarantined) -> dict[str, Any]:
    return {
        "at": iso(item.at_ms),
        "what": item.what,
        "name": item.name,
        "reason": item.reason,
        "waiting_helps": item.waiting_helps,
    }


def _receipt_json(receipt: Receipt) -> dict[str, Any]:
    return {
        "replica": receipt.replica,
        "name": receipt.name,
        "have": receipt.have,
        "total": receipt.total,
        "complete": receipt.is_complete,
        "up_to": iso(receipt.up_to_ms),
        "heard": iso(receipt.heard_ms),
    }
