"""What the fuzzer found, each as an input of its own: none of it may come back."""

import json
import sqlite3
import time
from contextlib import closing

import pytest

from crdtsync import derive_id
from crdtsync.cli.values import parse_json
from crdtsync.document.model import schema_of
from crdtsync.document.stored import schema_from_json, schema_to_json
from crdtsync.errors import SchemaError, ValidationError
from crdtsync.protocol.beacon import Beacon, encode_beacon
from crdtsync.protocol.causality import ChangeId
from crdtsync.protocol.files import FileHeader, FileType, decode_file, encode_file
from crdtsync.protocol.ids import FeedId
from crdtsync.protocol.names import beacon_name, segment_name
from crdtsync.protocol.segment import (
    Change,
    DocumentChanges,
    NumberRequest,
    Segment,
    decode_segment,
    encode_segment,
)
from crdtsync.store.arrivals import look
from crdtsync.store.tables import MIGRATIONS
from tests.exhaustive.machines import Quote
from tests.exhaustive.scenario import FIRST, Fleet, tell
from tests.opcodes import opcodes_of

from .targets import DOCUMENTS, FEED, Offer

NUMBER_MAX = 2**53 - 1


def test_a_number_with_an_endless_exponent_is_no_json_value():
    """It left the command line as a traceback."""
    with pytest.raises(ValidationError, match="beyond all bounds"):
        parse_json('{"msrp": 1e99999999999999999999999}', "price")


def test_a_stored_pattern_that_repeats_beyond_all_bounds_is_no_schema():
    """It was an `OverflowError`, which nobody expects of a replica that is opened."""
    described = json.loads(schema_to_json(schema_of(Offer)))
    (code,) = [item for item in described["fields"] if item["name"] == "code"]
    code["of"]["limits"]["pattern"] = "a{99999999999}"
    with pytest.raises(SchemaError):
        schema_from_json(json.dumps(described))


def test_a_change_with_very_many_causes_is_read_in_linear_time():
    """It took the square: 30 s for a segment of 900 kB, on the application's event loop."""

    def best_s(causes: int) -> float:
        change = Change(1, 1, 0, tuple(ChangeId(client, 1) for client in range(2, causes + 2)), "", b"d")
        segment = Segment([], [DocumentChanges(DOCUMENTS[0], "quote", [change])], [])
        body = encode_segment(segment)
        times = []
        for _ in range(3):
            started = time.process_time()
            found = decode_segment(body)
            times.append(time.process_time() - started)
            assert found == segment
        return min(times)

    # Sixteen times as many: linear is 16, square 256. What grew was inside of C, where no instruction is counted.
    assert best_s(96_000) < 80 * best_s(6_000)


def test_changes_against_their_order_are_looked_at_in_linear_time():
    """Each waits for the next: a search that went through all that is left took 20 s for 4,000 of them."""

    def work(count):
        changes = [Change(at, 1, 0, (ChangeId(at + 1, 1),), "", b"d") for at in range(1, count)]
        group = DocumentChanges(DOCUMENTS[0], "quote", [*changes, Change(count, 1, 0, (), "", b"d")])
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
            for step in MIGRATIONS:
                step(connection)
            found = []
            counted = opcodes_of(lambda: found.append(look(connection, group, None)))
            assert len(found[0].ready) == count
        return counted

    assert work(1_600) < 5 * work(400)


@pytest.fixture
async def fleet(fast_path):
    fleet = Fleet(fast_path)
    await tell(fleet)
    yield fleet
    await fleet.stop()


def forged(fleet: Fleet, file_type: FileType, body: bytes, sequence: int) -> None:
    """Put a file into the folder that says it is the workstation's."""
    writer = fleet["r1"].machine.replica.id
    folder = decode_file(next(iter(fleet.place.files.values()))).header.folder
    feed = FEED if file_type is FileType.SEGMENT else FeedId("")
    header = FileHeader(type=file_type, folder=folder, writer=writer, feed=feed, sequence=sequence)
    data = encode_file(header, body)
    name = beacon_name(writer, sequence, data[-32:])
    if file_type is FileType.SEGMENT:
        name = segment_name(writer, feed, sequence, data[-32:])
    fleet.place.files[name] = data


async def test_a_beacon_in_our_name_cannot_use_up_our_counter(fleet):
    """One forged file and no round of the replica came to its end any more: its next beacon had no counter (H64)."""
    beacon = Beacon(name="r1", role="roaming", coordinator=False, counter=NUMBER_MAX, at_ms=0, positions=[])
    forged(fleet, FileType.BEACON, encode_beacon(beacon), NUMBER_MAX)
    machine = fleet["r1"].machine
    await fleet.edit("r1", FIRST, lambda quote: setattr(quote, "customer", "Eve"))
    for _ in range(2):
        await fleet.sync("r1")
    assert [entry.what for entry in await machine.replica.quarantine()] == ["fork"]
    await fleet.sync("office")
    assert (await fleet["office"].machine.replica.get(Quote, FIRST)).customer == "Eve"


async def test_a_request_in_our_name_cannot_use_up_what_we_can_say(fleet):
    """One forged file and the replica published nothing any more: its next request had no serial (H64)."""
    document = derive_id("a third quote")
    await fleet.edit("r1", document, lambda quote: setattr(quote, "customer", "Kim"))
    request = NumberRequest(
        document=document,
        kind="quote",
        series="quotes",
        serial=NUMBER_MAX,
        withdrawn=True,
        digest=bytes(16),
        reference="",
        at_ms=0,
    )
    forged(fleet, FileType.SEGMENT, encode_segment(Segment([], [], [request])), 1)
    await fleet.sync("r1")
    await fleet["r1"].machine.replica.mark_for_sync(document)
    for name in ("r1", "office"):
        await fleet.sync(name)
    assert (await fleet["office"].machine.replica.get(Quote, document)).customer == "Kim"
