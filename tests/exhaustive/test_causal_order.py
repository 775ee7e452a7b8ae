"""Goal: what can be applied is found in linear time, and is what a plain search finds.

Method: random histories of few changes, many of them with holes, are given in every order; a plain search
goes through what is left again and again. Then a history made to be slow, in two sizes.
"""

import random
from itertools import permutations

import pytest

from crdtsync.protocol.causality import ChangeId, advance, missing, take_ready
from tests.opcodes import opcodes_of


def plain(version, frontier, changes):
    """Take what can be taken until nothing can."""
    version, left, ready = dict(version), dict(changes), []
    progress = True
    while progress:
        progress = False
        for key, causes in tuple(left.items()):
            if version.get(key.client, 0) >= key.sequence:
                del left[key]
            elif not missing(version, key, causes):
                frontier = advance(version, frontier, key, causes)
                ready.append(key)
                del left[key]
                progress = True
    return ready, version, frontier


def history(rng, size):
    """Return changes by three clients in a causal order, each with what its author had seen."""
    views = {client: ({}, ()) for client in (1, 2, 3)}
    changes = []
    for _ in range(size):
        client = rng.choice((1, 2, 3))
        version, frontier = views[client]
        for key, causes in rng.sample(changes, rng.randrange(len(changes) + 1)):
            if not missing(version, key, causes):
                frontier = advance(version, frontier, key, causes)
        key = ChangeId(client, version.get(client, 0) + 1)
        causes = tuple(entry for entry in frontier if entry.client != client)
        frontier = advance(version, frontier, key, causes)
        views[client] = version, frontier
        changes.append((key, causes))
    return changes


@pytest.mark.parametrize("seed", range(10))
def test_every_order_of_small_histories(seed):
    """I6: also with changes that are missing, and with some that are applied already."""
    rng = random.Random(seed)
    changes = history(rng, 6)
    gone = set(rng.sample(range(6), rng.choice((0, 0, 1, 2))))
    rest = [change for index, change in enumerate(changes) if index not in gone]
    _, version, frontier = plain({}, (), dict(changes[: rng.choice((0, 0, 2))]))
    for order in permutations(rest):
        ready, after, end = take_ready(version, frontier, order)
        expected = plain(version, frontier, dict(order))
        assert (sorted(ready), after, end) == (sorted(expected[0]), expected[1], expected[2]), (seed, order)
        replayed, known = version | {}, frontier
        causes_of = dict(changes)
        for key in ready:
            assert not missing(replayed, key, causes_of[key]), (seed, order)
            known = advance(replayed, known, key, causes_of[key])
        assert known == end


def test_what_is_given_stays_as_it_is():
    version, frontier = {1: 1}, (ChangeId(1, 1),)
    take_ready(version, frontier, [(ChangeId(1, 2), ()), (ChangeId(2, 1), (ChangeId(1, 2),))])
    assert (version, frontier) == ({1: 1}, (ChangeId(1, 1),))


def backwards(count):
    """Return changes of as many clients, each caused by the next: a plain search finds one in each pass."""
    chain = [(ChangeId(client, 1), (ChangeId(client + 1, 1),)) for client in range(1, count)]
    return [*chain, (ChangeId(count, 1), ())]


def apart(count):
    """Return changes of as many clients that know of nothing: the frontier names them all."""
    return [(ChangeId(client, 1), ()) for client in range(1, count + 1)]


def one_of_all(count):
    """Return a change that is caused by as many others, and comes before them."""
    return [(ChangeId(count, 1), tuple(key for key, _ in apart(count - 1))), *apart(count - 1)]


@pytest.mark.parametrize("shape", [backwards, apart, one_of_all])
def test_no_order_and_no_shape_takes_long(shape):
    """I12, I16: whoever writes the file chooses the order; four times as many take about four times as long."""

    def work(count):
        changes = shape(count)

        def take():
            ready, _, _ = take_ready({}, (), changes)
            assert len(ready) == count

        return opcodes_of(take)

    assert work(1_600) < 5 * work(400)
