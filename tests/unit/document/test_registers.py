"""Registers: what map entries say, whatever wrote them, and copies that do not see each other."""

import threading

import pytest

from crdtsync.document.registers import (
    RESTORED,
    Cell,
    Presence,
    Registers,
    decode_seen,
    encode_seen,
    entry_key,
    entry_value,
    parse_entry,
    presence,
)

ENTRIES = {
    entry_key(("fields",), 1): entry_value(5, '"plain"'),
    entry_key(("name",), 1): entry_value(6, '"Ada"'),
    entry_key(("name",), 2): entry_value(6, '"Bob"'),
    entry_key(("fields", "one"), 1): entry_value(7, '"a0"'),
    entry_key(("fields", "one", "price"), 1): entry_value(7, "1"),
}


def test_the_newest_value_comes_first_and_the_higher_client_of_equals():
    registers = Registers.from_entries(ENTRIES)
    assert [cell.raw for cell in registers.cells(("name",))] == ['"Bob"', '"Ada"']
    assert registers.highest_stamp() == 7


@pytest.mark.parametrize(
    "key",
    [
        "",
        "|",
        "name",
        "name|",
        "name|0",
        "name|01",
        "name|F",
        "name|-1",
        "name|1 ",
        "Name|1",
        "|1",
        "/|1",
        "name/|1",
        "name/one/|1",
        "name/one/x/y|1",
        "name/O|1",
        'name/"|1',
        "name/one/?|1",
        "n\n|1",
        "name|1\n",
        "name|" + "f" * 15,
    ],
)
def test_a_key_of_another_spelling_is_not_read(key):
    assert parse_entry(key, '5 "x"') is None
    registers = Registers.from_entries({key: '5 "x"'})
    assert list(registers) == []
    registers.update([(key, '5 "x"'), (key, None)])
    assert list(registers) == []


@pytest.mark.parametrize(
    "value",
    [
        "",
        "5",
        '"x"',
        '5  "x"',
        "5 nul",
        '5 "x',
        "5 1 2",
        '05 "x"',
        '-5 "x"',
        '5_0 "x"',
        '0x5 "x"',
        'F "x"',
        "8000000000000000 1",
        "5 {'a':1}",
        "5 NaN",
        "5 " + "[" * 100000,
    ],
)
def test_a_value_that_is_no_json_with_a_stamp_is_not_read(value):
    key = entry_key(("lines", "one", "price"), 1)
    assert parse_entry(key, value) is None
    registers = Registers.from_entries({key: "5 1"})
    registers.update([(key, value)])
    assert list(registers) == []
    # No line is left of it that nobody has written.
    assert registers.order("lines") == Registers.from_entries({key: value}).order("lines") == []


def test_dropping_what_is_not_there_leaves_no_trace():
    registers = Registers()
    registers.update([(entry_key(("lines", "one", "price"), 1), None)])
    registers.drop(("lines", "one"), 5)
    assert registers.order("lines") == []
    assert registers.members == {}


def everything(registers):
    return dict(registers)


@pytest.mark.parametrize("side", ["fork", "original"])
def test_a_fork_and_its_original_do_not_see_each_other(side):
    original = Registers.from_entries(ENTRIES)
    # Own something before the fork, so that there is something to leak.
    original.put(("fields", "one", "price"), Cell(8, 1, "2"))
    original.put(("name",), Cell(8, 1, '"Ada"'))
    fork = original.fork()
    written, kept = (fork, original) if side == "fork" else (original, fork)
    before = everything(kept)
    for writing in (written, written.fork()):
        # A plain field and a list of one name, which is also a word of this module.
        writing.put(("fields",), Cell(9, 3, '"changed"'))
        writing.put(("fields", "two"), Cell(9, 3, '"a1"'))
        writing.put(("fields", "one", "price"), Cell(9, 3, "3"))
        writing.drop(("name",), 1)
        writing.forget("fields", "one")
        assert everything(kept) == before
    assert everything(written) != before


def test_a_fork_can_be_used_in_another_thread_while_the_original_goes_on():
    live = Registers.from_entries(ENTRIES)
    broken = []

    def use(fork, number):
        for turn in range(200):
            fork.put(("fields", f"mine{number}", "price"), Cell(turn, 9, str(turn)))
            seen = {name for name in fork.members["fields"] if name.startswith("theirs")}
            if seen != {f"theirs{n}" for n in range(number)}:
                broken.append((number, seen))

    threads = []
    for number in range(5):
        thread = threading.Thread(target=use, args=(live.fork(), number))
        threads.append(thread)
        thread.start()
        live.put(("fields", f"theirs{number}", "price"), Cell(1, 1, "1"))
    for thread in threads:
        thread.join()
    assert broken == []
    assert not any(name.startswith("mine") for name in live.members["fields"])


def test_markers_say_what_was_seen():
    seen = {1: 5, 2**53 - 1: 2**62}
    assert decode_seen(encode_seen(seen)) == seen
    assert decode_seen("{}") == {}
    for odd in (RESTORED, "5", '"x"', "[]", '{"x":1}', '{"1":"2"}', '{"1":2,}', "{1}"):
        assert decode_seen(odd) in ({}, {1: 2}), odd


@pytest.mark.parametrize(
    ("markers", "expected"),
    [
        ([], Presence.PRESENT),
        (['{"1":7}'], Presence.REMOVED),
        (['{"1":6}'], Presence.CONTESTED),
        (["{}"], Presence.CONTESTED),
        (["5"], Presence.CONTESTED),
        ([RESTORED], Presence.PRESENT),
        (['{"1":7}', RESTORED], Presence.CONTESTED),
        (['{"1":6}', '{"1":7}'], Presence.REMOVED),
    ],
)
def test_a_line_is_gone_only_if_its_removers_had_seen_all_of_it(markers, expected):
    entity = {"price": (Cell(7, 1, "1"),)}
    if markers:
        entity["!"] = tuple(Cell(8, writer, raw) for writer, raw in enumerate(markers, 1))
    assert presence(entity) is expected
