"""What the main job came to: compared on all replicas, and judged."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from crdtsync import LedgerEntry, Replica
from examples.sales.apart import Clash, Expected
from examples.sales.batches import in_batches
from examples.sales.invoices import Rejections
from examples.sales.model import PurchaseOrder


@dataclass(frozen=True, slots=True)
class Outcome:
    """Facts about the end of a run."""

    documents: int
    """Invoices that were made quotes or sales."""
    documents_by_kind: dict[str, int]
    changes: int
    conflicts_expected: int
    conflicts_found: int
    conflicts_missing: int
    same_field_edits: int
    remove_and_edit_pairs: int
    converted_twice: int
    duplicate_purchase_orders: int
    divergent: int
    marked: int
    numbered: int
    duplicate_numbers: int
    holes: int
    quarantined: int
    folder_bytes: int
    folder_files: int

    @property
    def is_good(self) -> bool:
        """Whether nothing was lost, doubled or left over."""
        return not self.faults

    @property
    def faults(self) -> list[str]:
        """What is wrong, by the name of the count that is not zero."""
        wrong = [
            name
            for name in (
                "conflicts_missing",
                "duplicate_purchase_orders",
                "divergent",
                "duplicate_numbers",
                "holes",
                "quarantined",
            )
            if getattr(self, name)
        ]
        return [*wrong, *(["unnumbered"] if self.numbered != self.marked else [])]


async def compare(
    replicas: Sequence[Replica], expected: Expected, *, documents: int, marked: set[str], folder: Path
) -> Outcome:
    """Compare all replicas, the office first, with each other and with what must have come."""
    office = replicas[0]
    digests = [await replica.digests() for replica in replicas]
    entries = [_granted(await replica.ledger()) for replica in replicas]
    found = [await _clashes(replica) for replica in replicas]
    duplicates, holes = _numbers(await office.ledger())
    sizes = await asyncio.to_thread(_file_sizes, folder)
    return Outcome(
        documents=documents,
        documents_by_kind=await _by_kind(office),
        changes=await _changes(office, digests[0]),
        conflicts_expected=len(expected.clashes),
        conflicts_found=len(found[0]),
        conflicts_missing=len({clash for here in found for clash in expected.clashes - here}),
        same_field_edits=expected.same_field,
        remove_and_edit_pairs=expected.removals,
        converted_twice=len(expected.converted),
        duplicate_purchase_orders=await _duplicate_purchase_orders(office),
        divergent=_divergent(digests),
        marked=len(marked),
        numbered=len(marked.intersection(*entries)),
        duplicate_numbers=duplicates,
        holes=holes,
        quarantined=sum([len(await replica.quarantine()) for replica in replicas]),
        folder_bytes=sum(sizes),
        folder_files=len(sizes),
    )


def as_json(
    outcome: Outcome, rejections: Rejections, seconds: dict[str, float], *, seed: int, replay: str
) -> dict[str, Any]:
    """Return all there is to say about a run, as values of JSON."""
    facts = {name: getattr(outcome, name) for name in outcome.__slots__}
    return {
        **facts,
        "rejected_lines": {
            "count": rejections.count,
            "first": [{"line": rejected.line, "reason": rejected.reason} for rejected in rejections.first],
        },
        "seconds": {**seconds, "total": round(sum(seconds.values()), 3)},
        "seed": seed,
        "replay": replay,
        "faults": outcome.faults,
    }


def _file_sizes(folder: Path) -> list[int]:
    return [path.stat().st_size for path in folder.rglob("*") if path.is_file()]


def _granted(entries: list[LedgerEntry]) -> set[str]:
    return {entry.document for entry in entries if entry.outcome.value == "granted"}


def _divergent(digests: list[dict[str, bytes]]) -> int:
    """Return how many documents are not on every replica, or not the same on all."""
    identities = set().union(*digests)
    return sum(len({here.get(identity) for here in digests}) > 1 for identity in identities)


def _numbers(entries: list[LedgerEntry]) -> tuple[int, int]:
    """Return how many numbers were given twice, and how many of a series were skipped."""
    granted = [entry for entry in entries if entry.outcome.value == "granted"]
    texts = Counter((entry.series, entry.text) for entry in granted)
    documents = Counter((entry.series, entry.document) for entry in granted)
    duplicates = sum(count - 1 for count in (*texts.values(), *documents.values()))
    used: dict[str, set[int]] = {}
    for entry in entries:
        used.setdefault(entry.series, set()).add(entry.number)
    # Every series of ours starts at 1.
    holes = sum(max(numbers) - len(numbers) for numbers in used.values())
    return duplicates, holes


async def _clashes(replica: Replica) -> set[Clash]:
    return {Clash(found.document, found.path, found.reason) for found in await replica.conflicts()}


async def _by_kind(replica: Replica) -> dict[str, int]:
    return {kind: await replica.count(replica.document_class(kind)) for kind in replica.kinds()}


async def _changes(replica: Replica, identities: dict[str, bytes]) -> int:
    counts: list[int] = []

    async def count(identity: str) -> None:
        counts.append(len(await replica.history(identity)))

    await in_batches(identities, count)
    return sum(counts)


async def _duplicate_purchase_orders(replica: Replica) -> int:
    seen: Counter[tuple[str, str, str]] = Counter()
    offset = 0
    while page := await replica.find(PurchaseOrder, order_by="created", limit=1_000, offset=offset):
        seen.update((order.sale, order.vendor, order.split_key) for order in page)
        offset += len(page)
    return sum(count - 1 for count in seen.values())
