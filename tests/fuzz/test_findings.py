"""What the fuzzer found, each as an input of its own: none of it may come back."""

import json
import time

import pytest

from crdtsync.cli.values import parse_json
from crdtsync.document.model import schema_of
from crdtsync.document.stored import schema_from_json, schema_to_json
from crdtsync.errors import SchemaError, ValidationError
from crdtsync.protocol.causality import ChangeId
from crdtsync.protocol.segment import Change, DocumentChanges, Segment, decode_segment, encode_segment

from .targets import DOCUMENTS, Offer


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
        for _ in range(5):
            started = time.process_time()
            found = decode_segment(body)
            times.append(time.process_time() - started)
            assert found == segment
        return min(times)

    # Four times as many: linear is 4, square 16.
    assert best_s(32_000) < 9 * best_s(8_000)
