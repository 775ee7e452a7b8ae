"""One document whose stored bytes cannot be read stops nothing else (I10, H35)."""

from crdtsync import open_replica
from crdtsync.testing import MemoryPlace, MemoryRemote
from tests.benchmarks.model import Quote, Small


async def test_an_unreadable_document_is_listed_and_the_others_go_on(tmp_path):
    place = MemoryPlace()
    async with (
        open_replica(tmp_path / "o", name="office", role="office", kinds=[Small]) as office,
        open_replica(tmp_path / "r", name="R2", role="roaming", kinds=[Small]) as roaming,
    ):
        ids = []
        for name in ("Ada", "Bob"):
            async with office.edit(Small) as small:
                small.customer = name
            ids.append(small.id)
        await office.sync(MemoryRemote(place))
        await roaming.sync(MemoryRemote(place))

        def spoil(connection):
            connection.execute(
                "UPDATE _changes SET delta = x'0101' WHERE document = (SELECT n FROM _documents WHERE id = ?)",
                (ids[0],),
            )
            roaming._workspace.documents.close()

        await roaming._workspace.database.write(spoil)
        for document_id in ids:
            async with office.edit(Small, document_id) as small:
                small.amount = 7
        await office.sync(MemoryRemote(place))
        report = await roaming.sync(MemoryRemote(place))

        assert (report.applied, report.waiting) == (1, 1)
        assert (await roaming.get(Small, ids[1])).amount == 7
        (listed,) = await roaming.quarantine()
        assert (listed.what, listed.name) == ("document", ids[0])


async def test_an_unreadable_document_does_not_keep_the_application_from_opening(tmp_path):
    async with open_replica(tmp_path / "r", name="R2", role="roaming", kinds=[Quote]) as replica:
        ids = []
        for name in ("Ada", "Bob"):
            async with replica.edit(Quote) as quote:
                quote.customer = name
            ids.append(quote.id)

        def spoil(connection):
            connection.execute(
                "UPDATE _changes SET delta = x'0101' WHERE document = (SELECT n FROM _documents WHERE id = ?)",
                (ids[0],),
            )
            connection.execute("UPDATE _of_quote SET stale = 1, json = '{}'")
            connection.execute("UPDATE _kinds SET schema = replace(schema, '\"latest\"', '\"ask\"')")

        await replica._workspace.database.write(spoil)
    async with open_replica(tmp_path / "r", kinds=[Quote]) as replica:
        assert (await replica.get(Quote, ids[1])).customer == "Bob"
        (listed,) = await replica.quarantine()
        assert listed.name == ids[0]
