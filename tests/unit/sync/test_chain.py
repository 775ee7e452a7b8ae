"""H6, I6: a segment is taken in after the very segment it names, not after one of the same number."""

from crdtsync import open_replica
from crdtsync.protocol.files import DecodedFile, FileHeader, FileType
from crdtsync.store import feeds
from crdtsync.testing import MemoryPlace, MemoryRemote
from tests.benchmarks.model import Small


async def test_a_segment_that_names_another_predecessor_waits(tmp_path):
    place = MemoryPlace()
    async with (
        open_replica(tmp_path / "o", name="office", role="office", kinds=[Small]) as office,
        open_replica(tmp_path / "r", name="R2", role="roaming", kinds=[Small]) as roaming,
    ):
        async with office.edit(Small) as small:
            small.customer = "Ada"
        await office.sync(MemoryRemote(place))
        await roaming.sync(MemoryRemote(place))

        def receive(connection, previous):
            row = connection.execute(
                "SELECT remote, owner, feed, sequence, hash FROM _segments WHERE owner = ?", (office.id,)
            ).fetchone()
            n, owner, feed, sequence, known = row
            header = FileHeader(
                type=FileType.SEGMENT,
                folder=feeds.remotes(connection)[0].folder,
                writer=owner,
                feed=feed,
                sequence=sequence + 1,
                previous=previous or known,
            )
            hash_ = bytes([len(previous) % 251]) * 32
            feeds.receive_segment(connection, n, DecodedFile(header=header, body=b"", hash=hash_), 100, 0)
            return feeds.next_segment(connection, n)

        write = roaming._workspace.database.write
        assert await write(lambda connection: receive(connection, b"\x07" * 32)) is None
        assert await write(lambda connection: receive(connection, b"")) is not None
