"""Ids: one spelling for each, and no other text taken for one."""

import base64
import random

import pytest

from crdtsync.errors import ValidationError
from crdtsync.protocol import ids


def test_an_id_of_16_bytes_is_26_lower_case_characters():
    assert ids.id_text(bytes(16)) == "a" * 26
    assert ids.id_text(b"\xff" * 16) == "7" * 25 + "4"


def test_a_feed_id_of_8_bytes_is_13_characters():
    assert ids.id_text(b"\xff" * 8) == "7" * 12 + "6"


def test_the_bytes_are_those_of_standard_base32():
    raw = bytes(range(16))
    padded = ids.id_text(raw).upper() + "=" * 6
    assert base64.b32decode(padded) == raw


@pytest.mark.parametrize(
    "text",
    ["", "a" * 25, "a" * 27, "A" * 26, "a" * 25 + "b", "a" * 12 + "b", "1" * 26, "a" * 25 + "\n", "ä" * 26],
)
def test_other_texts_are_refused(text):
    with pytest.raises(ValidationError):
        ids.id_bytes(text)
    assert not ids.is_id(text)
    assert not ids.is_feed_id(text)


@pytest.mark.parametrize("raw", [b"", bytes(15), bytes(17), bytes(9)])
def test_other_lengths_are_refused(raw):
    with pytest.raises(ValidationError):
        ids.id_text(raw)


def test_an_id_is_not_taken_for_a_feed_id():
    assert ids.is_id("a" * 26)
    assert not ids.is_feed_id("a" * 26)
    assert ids.is_feed_id("a" * 13)
    assert not ids.is_id("a" * 13)


def test_derived_ids_are_the_same_everywhere_and_for_ever():
    assert ids.derive_id("sale", "quote-1") == "ir2zrgpx2xbaontr3o5rq62cau"


def test_parts_do_not_run_into_one_another():
    derived = [
        ids.derive_id(*parts) for parts in (("ab", "c"), ("a", "bc"), ("abc",), ("abc", ""), ("", "abc"))
    ]
    assert len(set(derived)) == len(derived)


@pytest.mark.parametrize("parts", [(), ("\ud800",)])
def test_an_id_is_not_derived_from_nothing_or_from_half_a_character(parts):
    with pytest.raises(ValidationError):
        ids.derive_id(*parts)


def test_new_ids_use_the_given_randomness():
    source = random.Random(1).randbytes
    made = [make(source) for make in (ids.new_replica_id, ids.new_document_id, ids.new_folder_id)]
    assert len({*made, ids.new_id(source), ids.new_entity_id(source)}) == 5
    assert ids.is_feed_id(ids.new_feed_id(source))


def test_a_client_id_has_53_bits_and_is_never_zero():
    answers = iter([bytes(7), b"\0" * 6 + b"\xe0", b"\xff" * 7])
    assert ids.new_client_id(lambda _: next(answers)) == 2**53 - 1
