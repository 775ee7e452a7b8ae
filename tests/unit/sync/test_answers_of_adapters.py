"""Goal: an adapter that answers `get` with something else than bytes ends no round, and costs no document.

Method: an office and a workstation sync over one place through adapters of others' making.
"""

import pytest

from crdtsync import Document, Series, open_replica
from crdtsync.errors import RemoteError, RemoteFileTooLargeError
from crdtsync.sync.reading import read_file
from crdtsync.testing import MemoryPlace, MemoryRemote


class Quote(Document, kind="quote", series=Series("quotes", "Q-{number}")):
    customer: str = ""


class ReusedBuffer(MemoryRemote):
    """Downloads into one buffer and hands that out, as it is to be overwritten by the next call."""

    def __init__(self, place):
        super().__init__(place)
        self.buffer = bytearray()

    async def get(self, name, *, bytes_max):
        data = await super().get(name, bytes_max=bytes_max)
        self.buffer[:] = bytes(len(self.buffer))
        self.buffer = bytearray(data)
        return self.buffer


class View(MemoryRemote):
    async def get(self, name, *, bytes_max):
        return memoryview(await super().get(name, bytes_max=bytes_max))


class OwnBytes(bytes):
    __slots__ = ()
    __hash__ = None


class Text(MemoryRemote):
    async def get(self, name, *, bytes_max):
        return (await super().get(name, bytes_max=bytes_max)).decode("latin-1")


class Unbounded(MemoryRemote):
    async def get(self, name, *, bytes_max):
        return await super().get(name, bytes_max=1 << 40)


@pytest.mark.parametrize("remote_type", [ReusedBuffer, View])
async def test_a_buffer_is_taken_for_the_bytes_it_holds(remote_type, tmp_path):
    place = MemoryPlace()
    async with (
        open_replica(tmp_path / "o", name="office", role="office", kinds=[Quote]) as office,
        open_replica(tmp_path / "r", name="R1", role="roaming", kinds=[Quote]) as bob,
        remote_type(place) as at_office,
        remote_type(place) as at_bob,
    ):
        await office.sync(at_office, create_folder=True)
        async with office.edit(Quote) as quote:
            quote.customer = "Ada"
        await office.mark_for_sync(quote.id)
        for _ in range(3):
            await office.sync(at_office)
            report = await bob.sync(at_bob)
        assert report.problems == []
        assert (await bob.get(Quote, quote.id)).customer == "Ada"


@pytest.mark.parametrize("buffer_type", [bytearray, memoryview, OwnBytes])
async def test_what_is_read_is_bytes_of_its_own(buffer_type):
    place = MemoryPlace()
    remote = MemoryRemote(place)

    async def get(name, *, bytes_max):
        return buffer_type(b"Ada")

    remote.get = get
    data = await read_file(remote, "x", bytes_max=3)
    assert (type(data), data) == (bytes, b"Ada")


async def test_what_is_no_bytes_at_all_is_an_error_that_names_the_adapter():
    place = MemoryPlace()
    place.files["a/x"] = b"Ada"
    with pytest.raises(
        RemoteError, match=r"^memory:memory: get of a/x gave str, not bytes\. Put the adapter"
    ):
        await read_file(Text(place), "a/x", bytes_max=100)


async def test_what_is_more_than_was_asked_for_is_refused():
    place = MemoryPlace()
    place.files["a/x"] = b"Ada"
    assert await read_file(Unbounded(place), "a/x", bytes_max=3) == b"Ada"
    with pytest.raises(RemoteFileTooLargeError):
        await read_file(Unbounded(place), "a/x", bytes_max=2)
