"""Mutations: of bytes, and of trees as msgpack and JSON hold them, so that what comes out is read far.

Everything is drawn from the `random.Random` that is given: the same state gives the same mutation.
"""

import random
from collections.abc import Sequence
from typing import Any, Final

Tree = Any
"""None, bool, int, float, str, bytes, list and dict, as deep as it goes."""

INTEGERS: Final = (
    0,
    1,
    2,
    -1,
    7,
    127,
    128,
    255,
    256,
    65_535,
    99_999,
    100_001,
    1_000_000,
    1_000_001,
    2**31 - 1,
    2**31,
    2**32,
    2**53 - 1,
    2**53,
    2**63 - 1,
    2**63,
    2**64 - 1,
    -(2**31),
    -(2**53),
    -(2**63),
)
TEXTS: Final = (
    "",
    "\0",
    "a" * 100,
    "a" * 101,
    "z" * 1001,
    "quote",
    "Quote",
    "_quote",
    "\u202e\u0000\u001b[31m",
    "\U0001d11e\u0301",
    "../../etc",
    "con",
    "{number}",
    "{number:05d}{number}",
    "9999-12-31",
    "0000-00-00",
    "1e999999999",
    "NaN",
    "-Infinity",
    "9" * 5000,
    "0x1f",
    "granted",
    "void",
    "a{99999999999}",
    "(?:a+)+$",
    "(",
    "mro",
    "__init__",
    "_x_",
    "name",
    "value",
    "id",
    "self",
    "cls",
    "None",
    "validate",
)
BYTES: Final = (b"", b"\0" * 8, b"\0" * 16, b"\0" * 32, b"\xff" * 16, b"\xff" * 32, b"a" * 15, b"a" * 17)
_NODES_MAX: Final = 20_000


def mutate_bytes(rng: random.Random, data: bytes, others: Sequence[bytes] = ()) -> bytes:
    """Return bytes that differ from `data` by a few small accidents or tricks."""
    out = bytearray(data)
    for _ in range(1 << rng.choice((0, 0, 0, 1, 2))):
        at = rng.randrange(len(out) + 1)
        match rng.randrange(9):
            case 0 if out:
                out[at % len(out)] ^= 1 << rng.randrange(8)
            case 1 if out:
                out[at % len(out)] = rng.choice((0, 1, 0x7F, 0x80, 0xFF, rng.randrange(256)))
            case 2:
                del out[at : at + rng.choice((1, 2, 4, 8, 32))]
            case 3:
                out[at:at] = rng.randbytes(rng.choice((1, 2, 4, 8, 32)))
            case 4:
                end = at + rng.choice((1, 2, 4, 8, 32))
                out[at:at] = out[at:end] * rng.choice((1, 1, 2, 50))
            case 5:
                del out[at:]
            case 6:
                out += bytes(rng.choice((1, 8, 64)))
            case 7 if others:
                other = rng.choice(others)
                out[at:] = other[rng.randrange(len(other) + 1) :]
            case _:
                value = rng.choice(INTEGERS) % 2**32
                out[at : at + 4] = value.to_bytes(4, rng.choice(("little", "big")))
    return bytes(out[: 1 << 20])


def mutate_tree(rng: random.Random, tree: Tree, others: Sequence[Tree] = ()) -> Tree:
    """Return a tree in which a few nodes are others."""
    for _ in range(1 << rng.choice((0, 0, 0, 1, 2))):
        target = rng.randrange(count(tree))
        tree, _ = _replaced(rng, tree, target, others)
        if count(tree) > _NODES_MAX:
            break
    return tree


def count(tree: Tree) -> int:
    """Return how many nodes a tree has."""
    total = 0
    waiting = [tree]
    while waiting:
        node = waiting.pop()
        total += 1
        if isinstance(node, list):
            waiting.extend(node)
        elif isinstance(node, dict):
            waiting.extend(node.values())
    return total


def _replaced(rng: random.Random, node: Tree, left: int, others: Sequence[Tree]) -> tuple[Tree, int]:
    """Return the tree with its `left`-th node mutated, and what is left to count."""
    if left == 0:
        return _mutated(rng, node, others), -1
    left -= 1
    if isinstance(node, list):
        out: list[Tree] = []
        for item in node:
            if left >= 0:
                changed, left = _replaced(rng, item, left, others)
                out.append(changed)
            else:
                out.append(item)
        return out, left
    if isinstance(node, dict):
        made: dict[Any, Tree] = {}
        for key, item in node.items():
            if left >= 0:
                made[key], left = _replaced(rng, item, left, others)
            else:
                made[key] = item
        return made, left
    return node, left


def _mutated(rng: random.Random, node: Tree, others: Sequence[Tree]) -> Tree:
    if rng.randrange(12) == 0:
        return _anything(rng, others)
    match node:
        case bool():
            return not node
        case int():
            return rng.choice(
                (
                    rng.choice(INTEGERS),
                    node + rng.choice((-1, 1, 2, 256)),
                    -node,
                    node * 2,
                    rng.getrandbits(rng.randrange(1, 64)),
                )
            )
        case str():
            return _mutated_text(rng, node)
        case bytes():
            return rng.choice(
                (rng.choice(BYTES), mutate_bytes(rng, node), node * 2, node[:-1], node + node[:16])
            )
        case list():
            return _mutated_list(rng, node, others)
        case dict():
            return _mutated_dict(rng, node, others)
        case _:
            return _anything(rng, others)


def _mutated_text(rng: random.Random, text: str) -> str:
    at = rng.randrange(len(text) + 1)
    return rng.choice(
        (
            rng.choice(TEXTS),
            text[:at] + rng.choice(TEXTS) + text[at:],
            text[:at] + text[at + 1 :],
            text * rng.choice((2, 30)),
            text[:at] + chr(rng.randrange(0xD800)) + text[at:],
            text.upper(),
        )
    )[:5000]


def _mutated_list(rng: random.Random, node: list[Tree], others: Sequence[Tree]) -> list[Tree]:
    out = list(node)
    at = rng.randrange(len(out) + 1)
    match rng.randrange(8):
        case 0:
            out[at:at] = [_anything(rng, others)]
        case 1 if out:
            del out[at % len(out)]
        case 2 if out:
            out[at:at] = [out[at % len(out)]] * rng.choice((1, 1, 2, 1000))
        case 3 if len(out) > 1:
            first, second = rng.randrange(len(out)), rng.randrange(len(out))
            out[first], out[second] = out[second], out[first]
        case 4:
            out = out[:at]
        case 5 if out:
            out = [out[at % len(out)]] * len(out)
        case 6:
            out.reverse()
        case _:
            out = out * 2
    return out


def _mutated_dict(rng: random.Random, node: dict[Any, Tree], others: Sequence[Tree]) -> dict[Any, Tree]:
    out = dict(node)
    keys = list(out)
    match rng.randrange(4):
        case 0 if keys:
            del out[rng.choice(keys)]
        case 1 if keys:
            out[rng.choice(keys)] = _anything(rng, others)
        case 2 if len(keys) > 1:
            first, second = rng.choice(keys), rng.choice(keys)
            out[first], out[second] = out[second], out[first]
        case _:
            out[rng.choice(TEXTS)] = _anything(rng, others)
    return out


def _anything(rng: random.Random, others: Sequence[Tree]) -> Tree:
    match rng.randrange(9):
        case 0:
            return rng.choice(INTEGERS)
        case 1:
            return rng.choice(TEXTS)
        case 2:
            return rng.choice(BYTES)
        case 3:
            return rng.choice((None, True, False, 0.5, float("inf"), -0.0))
        case 4:
            return []
        case 5:
            return [rng.choice(INTEGERS) for _ in range(rng.choice((1, 3, 1000)))]
        case 6:
            deep: Tree = []
            for _ in range(rng.choice((2, 20, 300))):
                deep = [deep]
            return deep
        case 7 if others:
            return _node(rng, rng.choice(others))
        case _:
            return {}


def _node(rng: random.Random, tree: Tree) -> Tree:
    """Return some node of a tree."""
    while isinstance(tree, (list, dict)) and tree and rng.randrange(3):
        tree = rng.choice(list(tree.values()) if isinstance(tree, dict) else tree)
    return tree
