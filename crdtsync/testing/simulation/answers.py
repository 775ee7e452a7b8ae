"""What people are told when a schedule has ended: the public verbs of every replica, held against what is true.

The other checks read tables. These ask as an application asks, so that what is stored rightly and told wrongly is
seen as well.
"""

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from crdtsync.document.model import Document
from crdtsync.protocol.ledger import LedgerEntry, Outcome
from crdtsync.store.conflicts import Conflict
from crdtsync.testing.simulation.computer import Computer
from crdtsync.testing.simulation.kinds import BY_NAME, Quote
from crdtsync.testing.simulation.model import Model
from crdtsync.testing.simulation.violation import Violation

ASKED_DOCUMENTS = 2
"""About how many documents every computer is asked in detail, if nothing else is wanted."""

Changes = Mapping[str, frozenset[tuple[int, int]]]
"""Document -> (client, sequence) of every change that is held."""


class Answers:
    """Asks one computer after the other about the same documents."""

    def __init__(
        self,
        everybody: Sequence[Computer],
        asked: Sequence[Computer],
        model: Model,
        done: Counter[str],
        random: Random,
    ) -> None:
        """Make it.

        Args:
            everybody: the computers there ever were.
            asked: those that are asked.
            model: what is true of documents.
            done: counts what there was to ask about.
            random: draws which documents are asked about.
        """
        self._asked = asked
        self._model = model
        self._done = done
        self._random = random
        self._makers = {client: computer for computer in everybody for client in computer.clients}
        self._names = {str(computer.workspace.identity.replica): computer.name for computer in everybody}
        self._held: dict[str, Changes] = {}
        """By the id of a replica: what it has."""
        self._documents: frozenset[str] = frozenset()

    async def check(self, *, documents_max: int = ASKED_DOCUMENTS) -> None:
        """Ask all.

        Args:
            documents_max: about how many documents each is asked in detail.

        Raises:
            Violation: somebody is told something that is not true.
        """
        for computer in self._asked:
            self._held[computer.workspace.identity.replica] = by_document(await computer.changes())
        documents = sorted(set().union(*self._held.values()))
        chosen = self._random.sample(documents, min(documents_max, len(documents)))
        self._documents = frozenset(chosen)
        for computer in self._asked:
            await self._of(computer)

    async def _of(self, computer: Computer) -> None:
        entries = await computer.replica.ledger()
        here = self._held[computer.workspace.identity.replica]
        shown = await computer.projections()
        kinds = dict(await computer.rows("SELECT id, kind FROM _documents WHERE rev > 0"))
        conflicts = await computer.replica.conflicts()
        await self._peers_of(computer)
        await self._conflicts_of(computer, conflicts, shown)
        await self._found_by_value(computer, shown, kinds)
        for identity in sorted(self._documents & kinds.keys()):
            listed = sum(conflict.document == identity for conflict in conflicts)
            await self._document_of(computer, identity, BY_NAME[kinds[identity]], entries, listed)
            await self._history_of(computer, identity)
            await self._receipts_of(computer, identity, here)
            await self._last_writers_of(computer, identity, json.loads(shown[identity]))
            await self._found_by_word(computer, identity)

    async def _document_of(
        self,
        computer: Computer,
        identity: str,
        kind: type[Document],
        entries: Sequence[LedgerEntry],
        conflict_count: int,
    ) -> None:
        """Ask for a document, and for what its numbers find."""
        view = await computer.replica.get(kind, identity)
        numbers = [
            entry.text for entry in entries if entry.document == identity and entry.outcome is Outcome.GRANTED
        ]
        if view.number != next(iter(numbers), None):
            raise Violation(
                f"{computer.name} shows {identity} as {view.number}, and its number is {numbers} (I24)"
            )
        if view.info.conflicts != conflict_count:
            raise Violation(
                f"{computer.name} shows {identity} with {view.info.conflicts} conflicts, and lists {conflict_count}"
            )
        for text in filter(None, (view.number, *view.info.references)):
            self._done["asked by number"] += 1
            if identity not in [found.id for found in await computer.replica.find_number(text)]:
                raise Violation(f"{text} does not find {identity} on {computer.name}")

    async def _history_of(self, computer: Computer, identity: str) -> None:
        """Ask who changed a document, and who has each change."""
        history = await computer.replica.history(identity)
        here = self._held[computer.workspace.identity.replica][identity]
        told = [(entry.id.client, entry.id.sequence) for entry in history]
        if len(told) != len(here) or set(told) != here:
            raise Violation(
                f"{computer.name} tells of {len(told)} changes of {identity}, and has {len(here)}"
            )
        for entry in history:
            self._done["asked of a change"] += 1
            maker = self._makers[entry.id.client]
            if (entry.author, entry.replica) != (maker.plan.name.lower(), maker.name):
                raise Violation(
                    f"{computer.name} says that {entry.author!r} on {entry.replica!r} made a change of {maker.name}"
                )

    async def _receipts_of(self, computer: Computer, identity: str, here: Changes) -> None:
        """Ask who has how much of a document: what is said to be there must be (I9)."""
        for receipt in await computer.replica.receipts(identity):
            there = self._held.get(receipt.replica)
            self._done["asked of a receipt"] += there is not None and receipt.have > 0
            if receipt.total != len(here[identity]):
                raise Violation(f"{computer.name} counts {receipt.total} changes of {identity}")
            if there is not None and receipt.have > len(here[identity] & there.get(identity, frozenset())):
                raise Violation(
                    f"{computer.name} says that {receipt.name} has {receipt.have} changes of {identity} (I9)"
                )

    async def _last_writers_of(self, computer: Computer, identity: str, shown: Mapping[str, Any]) -> None:
        """Ask who wrote what is shown."""
        here = self._held[computer.workspace.identity.replica][identity]
        expected = self._model.documents[identity].only(here)
        for text, writer in (await computer.replica.last_writers(identity)).items():
            self._done["asked of a writer"] += 1
            path = tuple(text.split("/"))
            value = shown_value(shown, path)
            makers = {
                self._makers[write.client].name
                for write in expected.standing(path)
                if value is MISSING or json.loads(write.raw) == value
            }
            if writer.replica not in makers or writer.author != writer.replica.lower():
                raise Violation(
                    f"{computer.name} says that {writer.author!r} on {writer.replica!r} wrote {text} of {identity}, "
                    f"and that was one of {sorted(makers)}"
                )
            if writer.change is None or writer.change not in here:
                raise Violation(
                    f"{computer.name} says that {text} of {identity} was written by {writer.change}"
                )
            if writer.is_local != (writer.replica == computer.name):
                raise Violation(f"{computer.name} mistakes where {text} of {identity} was written")

    async def _peers_of(self, computer: Computer) -> None:
        """Ask who else there is: those that are quiet have been heard from, each under its name."""
        own = computer.workspace.identity.replica
        peers = {peer.replica: peer for peer in await computer.replica.peers()}
        for replica, peer in peers.items():
            if self._names.get(replica) != peer.name or replica == own:
                raise Violation(f"{computer.name} has heard from {peer.name!r}, whom there is not")
        for other in self._asked:
            identity = other.workspace.identity
            peer = peers.get(identity.replica)  # type: ignore[assignment]
            if other is computer:
                continue
            if peer is None:
                raise Violation(f"{computer.name} has never heard from {other.name} (I29)")
            if (peer.role, peer.is_coordinator) != (identity.role, identity.is_coordinator):
                raise Violation(f"{computer.name} mistakes {other.name} for {peer}")
            self._done["asked of a peer"] += 1

    async def _conflicts_of(
        self, computer: Computer, conflicts: Sequence[Conflict], shown: Mapping[str, str]
    ) -> None:
        """Ask what is in conflict: who wrote each value, and which of them is shown."""
        if await computer.replica.count_conflicts() != len(conflicts):
            raise Violation(f"{computer.name} does not count the {len(conflicts)} conflicts that it lists")
        for conflict in conflicts:
            where = f"{conflict.path} of {conflict.document} on {computer.name}"
            path = tuple(conflict.path.split("/"))
            self._done["asked of a conflict"] += 1
            if conflict.reason == "values":
                value = shown_value(json.loads(shown[conflict.document]), path)
                said = json.loads(conflict.values[conflict.shown].raw)
                if value is not MISSING and value != said:
                    raise Violation(f"{where} shows {value!r}, and the conflict says {said!r}")
                self._written_by(conflict, path, where)
            elif (found := shown_entity(json.loads(shown[conflict.document]), path)) == conflict.values[
                conflict.shown
            ].is_removal:
                raise Violation(f"{where} is {'' if found else 'not '}shown, and the conflict says otherwise")

    def _written_by(self, conflict: Conflict, path: tuple[str, ...], where: str) -> None:
        for value in conflict.values:
            writes = self._model.documents[conflict.document].writes.get(path, ())
            makers = {self._makers[write.client].name for write in writes if write.raw == value.raw}
            if value.replica not in makers or value.author != value.replica.lower():
                raise Violation(
                    f"{where}: {value.raw} is told to be written by {value.author!r}, not {makers}"
                )

    async def _found_by_value(
        self, computer: Computer, shown: Mapping[str, str], kinds: Mapping[str, str]
    ) -> None:
        """Look for quotes by a customer that one of them shows."""
        customers = {
            identity: json.loads(shown[identity]).get("customer", "")
            for identity, kind in kinds.items()
            if kind == "quote"
        }
        if not customers:
            return
        self._done["asked by value"] += 1
        wanted = customers[self._random.choice(sorted(customers))]
        expected = {identity for identity, customer in customers.items() if customer == wanted}
        where = {"customer": wanted}
        found = [quote.id for quote in await computer.replica.find(Quote, where=where, limit=1000)]
        if sorted(found) != sorted(expected):
            raise Violation(
                f"{computer.name} finds {found} by the customer {wanted!r}, not {sorted(expected)}"
            )
        if await computer.replica.count(Quote, where=where) != len(expected):
            raise Violation(f"{computer.name} does not count what it finds by the customer {wanted!r}")

    async def _found_by_word(self, computer: Computer, identity: str) -> None:
        """Look for a document by the last words that were written into a text of it."""
        here = self._held[computer.workspace.identity.replica][identity]
        for word in list(self._model.documents[identity].only(here).words)[-1:]:
            self._done["asked by word"] += 1
            found = [document.id for document in await computer.replica.search(word.strip("<>"))]
            if found != [identity]:
                raise Violation(f"{computer.name} finds {found} by {word}, which is in {identity}")


MISSING: Any = object()
"""What a path shows of which nothing is in the projection."""


def by_document(changes: set[tuple[str, int, int]]) -> Changes:
    """Return changes by the document they are of."""
    found: dict[str, set[tuple[int, int]]] = {}
    for document, client, sequence in changes:
        found.setdefault(document, set()).add((client, sequence))
    return {document: frozenset(held) for document, held in found.items()}


def shown_value(shown: Mapping[str, Any], path: tuple[str, ...]) -> Any:
    """Return the value that a projection shows at a path, or `MISSING` where it shows none of its own."""
    if len(path) == 1:
        return shown.get(path[0], MISSING)
    if len(path) == 3:
        rows = shown.get(path[0], ())
        return next((row.get(path[2], MISSING) for row in rows if row["id"] == path[1]), MISSING)
    return MISSING


def shown_entity(shown: Mapping[str, Any], path: tuple[str, ...]) -> bool:
    """Whether a projection shows an entity."""
    return any(row["id"] == path[1] for row in shown.get(path[0], ()))
