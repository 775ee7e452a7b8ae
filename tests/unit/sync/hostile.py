"""Updates on which a process hangs, dies or eats the machine's memory; made by hand, byte by byte."""

import json
from pathlib import Path

CORPUS = Path(__file__).with_name("hostile-updates.jsonl")
"""Updates found by mutation on which the CRDT library raises late, panics or hangs; the first line holds their base."""


def varint(number: int) -> bytes:
    found = b""
    while number > 127:
        found += bytes([number & 127 | 128])
        number >>= 7
    return found + bytes([number])


def entry(value: bytes) -> bytes:
    """Return the block that writes a value of any type under `k` of the map."""
    return b"\x28\x01\x01f\x01k\x01" + value


def nested(depth: int = 27_000) -> bytes:
    """Return arrays within arrays: decoding them overflows the stack, which nothing in the process can catch."""
    return b"\x01\x01" + varint(77) + b"\x00" + entry(b"\x75\x01" * depth + b"\x7e") + b"\x00"


def slow(clients: int = 60_000) -> bytes:
    """Return concurrent writes of one key, which take time by the square of their number."""
    blocks = b"".join(
        b"\x01" + varint(client) + b"\x00" + entry(b"\x77\x01x") for client in range(clients, 0, -1)
    )
    return varint(clients) + blocks + b"\x00"


def large(items: int = 1_500_000) -> bytes:
    """Return so many small items that they take a hundred times their size."""
    return b"\x01" + varint(items) + b"\x05\x00" + b"\x08\x01\x01a\x01\x7e" * items + b"\x00"


def hanging() -> list[list[bytes]]:
    """Return the histories of the corpus after which reading the array `a` never ends."""
    first, *lines = [json.loads(line) for line in CORPUS.read_text().splitlines()]
    base = bytes.fromhex(first["base_update_hex"])
    return [
        [base, bytes.fromhex(line["update_hex"])]
        if line["onto_existing_document"]
        else [bytes.fromhex(line["update_hex"])]
        for line in lines
        if "never returns" in line["seen"]
    ]
