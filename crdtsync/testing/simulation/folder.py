"""What must be true of the shared folder: it has what its replicas say they have put there, and nobody repeats it."""

from collections.abc import Sequence

from crdtsync.errors import FormatError
from crdtsync.protocol.files import FileType, decode_file
from crdtsync.protocol.names import NameKind, classify
from crdtsync.protocol.segment import decode_segment
from crdtsync.testing.faults import FaultPlace
from crdtsync.testing.simulation.computer import Computer
from crdtsync.testing.simulation.violation import Violation

ChangeKey = tuple[str, int, int]
"""(document, client, sequence)."""


class FolderChecks:
    """Holds the books of replicas against the folder."""

    def __init__(self, place: FaultPlace) -> None:
        self._place = place

    async def are_put(self, computer: Computer) -> None:
        """Check that what is said to be in the folder was put there (I11)."""
        for (name,) in await computer.rows(
            "SELECT name FROM _own_files WHERE put_ms IS NOT NULL AND type <> 'marker'"
        ):
            if name not in computer.put_names:
                raise Violation(f"{computer.name} says that it has put {name}, and has not (I11)")

    async def are_still_there(self, computer: Computer) -> None:
        """Check that all a replica has ever put is in its folder, under whatever name: it puts it again (H7).

        Whether the service takes it from there is not in its hands. What lies damaged under its name and with
        its size is put again only when somebody misses it.
        """
        here = self._place.files(computer.name)
        contents = {*self._place.server.values(), *here.values()}
        for name, data in await computer.rows("SELECT name, data FROM _own_files WHERE put_ms IS NOT NULL"):
            if data not in contents and name not in here:
                raise Violation(f"{name} of {computer.name} has vanished from the folder for good (I11)")

    async def segments_hold_what_they_are_said_to(self, computers: Sequence[Computer]) -> None:
        """Check that each change is in the segment that is said to carry it: receipts rest on that (I9).

        And that changes are published by the replica that made them, not by those who received them (I32).
        """
        makers = dict(await computers[0].rows("SELECT client, replica FROM _incarnations"))
        held: dict[bytes, set[ChangeKey]] = {}
        for data in set(self._place.server.values()):
            try:
                file = decode_file(data)
            except FormatError:
                continue
            if file.header.type is not FileType.SEGMENT:
                continue
            carried = held.setdefault(file.hash, set())
            for document in decode_segment(file.body).documents:
                for change in document.changes:
                    carried.add((document.document, change.client, change.sequence))
                    if makers.get(change.client) != file.header.writer:
                        raise Violation(
                            f"{file.header.writer} publishes change {change.sequence} of {change.client:x} (I32)"
                        )
        for computer in computers:
            for *key, hash_ in await computer.rows(
                "SELECT d.id, c.client, c.sequence, s.hash FROM _changes c JOIN _documents d ON d.n = c.document "
                "JOIN _segments s ON s.n = c.segment"
            ):
                if hash_ in held and (key[0], key[1], key[2]) not in held[hash_]:
                    raise Violation(
                        f"{computer.name} takes change {key} for one of a segment without it (I9)"
                    )

    async def no_want_is_left(self, computers: Sequence[Computer]) -> None:
        """Check that nobody is thought to miss what he has."""
        for computer in computers:
            wants = [
                key.split("/")
                for (key,) in await computer.rows("SELECT key FROM _meta WHERE key GLOB 'want/*'")
            ]
            present = {str(other.workspace.identity.replica) for other in computers}
            left = [want for want in wants if want[2] in present]
            if left:
                raise Violation(f"{computer.name} thinks that others miss {left} (I29)")

    async def published(self, computer: Computer) -> set[ChangeKey]:
        """Return the changes whose segments came from others, or are in some view of the folder."""
        rows = await computer.rows(
            "SELECT d.id, c.client, c.sequence, coalesce(f.name, '') FROM _changes c "
            "JOIN _documents d ON d.n = c.document JOIN _segments s ON s.n = c.segment "
            "LEFT JOIN _own_files f ON f.hash = s.hash"
        )
        names = self._names()
        return {(row[0], row[1], row[2]) for row in rows if not row[3] or row[3] in names}

    def published_entries(self) -> list[int]:
        """Return up to which entries of the ledger the files go that are in some view of the folder."""
        hints = map(classify, self._names())
        return [hint.number or 0 for hint in hints if hint.kind is NameKind.LEDGER]

    def _names(self) -> set[str]:
        files = [self._place.files(machine) for machine in self._place.machines]
        return set(self._place.server).union(*files)
