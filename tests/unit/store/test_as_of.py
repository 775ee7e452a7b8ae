"""A document as it was: read, and not only edited, as of a version."""

import pytest

from crdtsync import Document
from crdtsync.errors import DocumentNotFoundError, FrozenDocumentError, UnknownVersionError
from crdtsync.testing import MemoryPlace, MemoryRemote
from tests.unit.store.shop import Line, Quote, shop


@pytest.fixture
async def ada(tmp_path):
    async with shop(tmp_path, author="Ada") as opened:
        yield opened


async def quoted(replica):
    async with replica.edit(Quote) as quote:
        quote.customer = "Carl"
        quote.lines.add(Line(product="shade", quantity=1))
        quote.lines.add(Line(product="rail", quantity=5))
        quote.notes.set("Measure twice.")
    return await replica.get(Quote, quote.id)


def content_of(quote):
    lines = [(line.product, line.quantity) for line in quote.lines]
    return quote.customer, lines, str(quote.notes)


async def test_what_was_written_since_is_not_in_it(ada):
    seen = await quoted(ada)
    async with ada.edit(Quote, seen.id) as quote:
        quote.customer = "Bert"
        quote.lines.remove(quote.lines[0])
        quote.lines[0].quantity = 7
        quote.notes.append(" Cut once.")
    earlier = await ada.get(Quote, seen.id, as_of=seen.info.version)
    assert content_of(earlier) == content_of(seen)
    assert earlier.info.version == seen.info.version
    now = await ada.get(Quote, seen.id)
    assert content_of(now) == ("Bert", [("rail", 7)], "Measure twice. Cut once.")
    assert content_of(await ada.get(Quote, seen.id, as_of=now.info.version)) == content_of(now)


async def test_it_is_a_view_and_reading_it_writes_nothing(ada):
    seen = await quoted(ada)
    async with ada.edit(Quote, seen.id) as quote:
        quote.customer = "Bert"
    before = await ada.digests(), len(await ada.history(seen.id))
    earlier = await ada.get(Quote, seen.id, as_of=seen.info.version)
    with pytest.raises(FrozenDocumentError):
        earlier.customer = "Cleo"
    assert (await ada.digests(), len(await ada.history(seen.id))) == before


async def test_what_is_no_state_of_it_that_is_known_here_is_refused(ada):
    seen, other = await quoted(ada), await quoted(ada)
    for version in (other.info.version, "", "none", f"{seen.info.version}00"):
        with pytest.raises(UnknownVersionError):
            await ada.get(Quote, seen.id, as_of=version)

    class Sale(Document, kind="sale"):
        customer: str

    with pytest.raises(DocumentNotFoundError):
        await ada.get(Sale, seen.id, as_of=seen.info.version)


async def test_a_version_names_the_same_state_on_another_replica_once_all_of_it_is_there(tmp_path):
    place = MemoryPlace()
    async with (
        shop(tmp_path / "office", name="office", role="office", author="Bob") as bob,
        shop(tmp_path / "R2", author="Ada") as ada,
    ):
        seen = await quoted(ada)
        await ada.mark_for_sync(seen.id)
        for _ in range(2):
            for replica in (bob, ada):
                await replica.sync(MemoryRemote(place))
        async with ada.edit(Quote, seen.id) as quote:
            quote.customer = "Bert"
        later = await ada.get(Quote, seen.id)
        assert content_of(await bob.get(Quote, seen.id, as_of=seen.info.version)) == content_of(seen)
        with pytest.raises(UnknownVersionError):
            await bob.get(Quote, seen.id, as_of=later.info.version)
        for replica in (ada, bob):
            await replica.sync(MemoryRemote(place))
        assert (await bob.get(Quote, seen.id, as_of=later.info.version)).customer == "Bert"
