"""Each fault of calls, listings and watchers strikes as it says, counts when it does, and ends."""

import asyncio

import pytest

from crdtsync.errors import (
    RemoteFileMissingError,
    RemoteFullError,
    RemoteReadOnlyError,
    RemoteUnavailableError,
)
from crdtsync.testing import FaultKind
from tests.unit.testing.fault_helpers import A, B, content, done, get, listed, outcome, put, shared

X, Y, Z = "ada/f/x-1", "ada/f/x-2", "ada/f/x-3"
FOR_EVER = 4
"""The draw of a state without end; further choices are above it, by fives."""


def lasting(number=0):
    return FOR_EVER + 5 * number


def calls(place, machine=A, name=X):
    remote = place.remote(machine)
    return [
        outcome(remote.put("ada/f/new", b"new")),
        outcome(remote.get(name, bytes_max=100)),
        outcome(remote.list()) is RemoteUnavailableError,
        outcome(remote.delete("ada/f/new")),
    ]


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (
            FaultKind.UNAVAILABLE,
            [RemoteUnavailableError, RemoteUnavailableError, True, RemoteUnavailableError],
        ),
        (FaultKind.READ_ONLY, [RemoteReadOnlyError, content(X), False, RemoteReadOnlyError]),
        (FaultKind.FULL, [RemoteFullError, content(X), False, None]),
        (FaultKind.LISTING_FAILS, [None, content(X), True, None]),
        (FaultKind.SHARING_VIOLATION, [None, RemoteUnavailableError, False, None]),
        (FaultKind.NOT_FOUND, [None, RemoteFileMissingError, False, None]),
    ],
)
def test_calls_fail_until_faults_stop_and_leave_nothing(kind, expected):
    place = shared(X)
    assert place.inject(kind, A, lasting()).startswith("for ever")
    assert not place.injected
    for _ in range(3):
        assert calls(place) == expected
    assert place.injected == {kind: 1}
    assert calls(place, B) == [None, content(X), False, None]
    place.heal()
    assert calls(place) == [None, content(X), False, None]


@pytest.mark.parametrize(("draw", "turns"), [(0, 4), (1, 16), (2, 64), (3, 256)])
def test_calls_fail_for_some_turns(draw, turns):
    place = shared(X)
    assert place.inject(FaultKind.UNAVAILABLE, A, draw) == f"{turns} turns 0"
    failed = [get(place, A, X) is RemoteUnavailableError for _ in range(turns + 1)]
    assert failed == [True] * turns + [False]


def test_steps_of_the_client_are_turns_too():
    place = shared(X)
    place.inject(FaultKind.UNAVAILABLE, A, 0)
    for _ in range(4):
        place.move(A, 0)
    assert get(place, A, X) == content(X)


@pytest.mark.parametrize("number", range(4))
def test_only_every_nth_call_works_when_throttled(number):
    place = shared(X)
    place.inject(FaultKind.THROTTLED, A, lasting(number))
    every = number + 2
    works = [get(place, A, X) == content(X) for _ in range(3 * every)]
    assert works == ([False] * (every - 1) + [True]) * 3


@pytest.mark.parametrize("number", range(4))
def test_space_ends_after_some_more_puts(number):
    place = shared()
    place.inject(FaultKind.FULL, A, lasting(number))
    outcomes = [outcome(place.remote(A).put(f"a/{index}", b"1")) for index in range(6)]
    assert outcomes == [None] * number + [RemoteFullError] * (6 - number)
    assert len(place.files(A)) == number


@pytest.mark.parametrize("number", range(4))
def test_a_full_place_may_have_written_the_file_nevertheless(number):
    place = shared()
    place.inject(FaultKind.FULL_YET_WRITTEN, A, lasting(number))
    outcomes = [outcome(place.remote(A).put(f"a/{index}", b"1")) for index in range(6)]
    assert outcomes == [None] * number + [RemoteFullError] + [None] * (5 - number)
    place.settle()
    assert len(place.files(B)) == 6
    assert place.injected == {FaultKind.FULL_YET_WRITTEN: 1}


def test_a_full_place_may_leave_a_part_under_the_final_name_at_the_others():
    parts = set()
    for share in range(8):
        place = shared()
        place.inject(FaultKind.FULL_LEAVES_PART, A, lasting(4 * share))
        assert outcome(place.remote(A).put(X, content(X))) is RemoteFullError
        assert listed(place, A) == []
        place.settle()
        part = place.files(B)[X]
        assert content(X).startswith(part)
        assert part != content(X)
        assert part in place.damaged
        parts.add(part)
        put(place, A, X, content(X))
        place.settle()
        assert place.files(B)[X] == place.server[X] == content(X)
        assert len(place.server) == 1
    assert len(parts) == 8


def test_a_put_or_delete_may_be_done_while_its_caller_is_told_that_it_failed():
    place = shared(X)
    place.inject(FaultKind.PUT_UNANSWERED, A, lasting())
    assert outcome(place.remote(A).put(Y, b"1")) is RemoteUnavailableError
    assert get(place, A, Y) == b"1"
    place.inject(FaultKind.PUT_UNANSWERED, A, lasting())
    assert outcome(place.remote(A).delete(X)) is RemoteUnavailableError
    assert listed(place, A) == [Y]
    assert place.injected == {FaultKind.PUT_UNANSWERED: 2}


def test_a_put_of_a_taken_name_is_no_put_that_could_go_unanswered():
    place = shared(X)
    place.inject(FaultKind.PUT_UNANSWERED, A, lasting())
    outcome(place.remote(A).put(X, b"1"))
    assert not place.injected


@pytest.mark.parametrize(("share", "is_done"), [(0, False), (1, True)])
def test_a_stalled_call_is_given_up_done_or_not(share, is_done):
    place = shared()
    place.inject(FaultKind.STALLED, A, lasting(4 * share))
    assert outcome(place.remote(A).put(X, b"1")) is RemoteUnavailableError
    assert listed(place, A) == ([X] if is_done else [])
    assert place.injected == {FaultKind.STALLED: 1}


def test_a_stall_strikes_reading_calls_as_well():
    place = shared(X)
    place.inject(FaultKind.STALLED, A, lasting(1))
    assert [get(place, A, X) for _ in range(3)] == [content(X), RemoteUnavailableError, content(X)]


def test_what_lies_in_wait_goes_when_faults_stop():
    place = shared()
    for kind in FaultKind:
        if kind.facts.lasting == "one-call":
            place.inject(kind, A, lasting())
    place.heal()
    put(place, A, X, b"1")
    assert not place.injected


def test_listings_are_as_they_were():
    place = shared(X)
    place.inject(FaultKind.LISTING_STALE, B, lasting())
    assert listed(place, B) == [X]
    assert not place.injected
    put(place, A, Y, b"1")
    done(place.remote(A).delete(X))
    place.settle()
    assert listed(place, B) == [X]
    assert get(place, B, Y) == b"1"
    assert place.injected == {FaultKind.LISTING_STALE: 1}
    place.heal()
    assert listed(place, B) == [Y]


def test_listings_leave_files_out_but_never_all_for_ever():
    left_out = set()
    for number in range(16):
        place = shared(X, Y, Z)
        place.inject(FaultKind.LISTING_INCOMPLETE, B, lasting(number))
        names = listed(place, B)
        assert set(names) <= {X, Y, Z}
        left_out |= {X, Y, Z} - set(names)
        assert get(place, B, X) == content(X)
    assert left_out == {X, Y, Z}


def test_listings_repeat_entries():
    for number in range(16):
        place = shared(X, Y, Z)
        place.inject(FaultKind.LISTING_REPEATS, B, lasting(number))
        names = listed(place, B)
        assert names == sorted(names)
        assert set(names) == {X, Y, Z}
        assert len(names) > 3
        assert len(listed(place, B, "ada/")) == len(names)


async def watched(place, kind, *steps):
    """Whether bob is woken up by steps of which each runs after a fresh look."""
    changes = place.remote(B).changes()
    await anext(changes)
    if kind:
        assert place.inject(kind, B, lasting())
    step = asyncio.ensure_future(anext(changes))
    await asyncio.sleep(0)
    results = []
    for act in steps:
        act()
        for _ in range(3):
            await asyncio.sleep(0)
        results.append(step.done())
        if step.done():
            step = asyncio.ensure_future(anext(changes))
            await asyncio.sleep(0)
    step.cancel()
    await asyncio.gather(step, return_exceptions=True)
    await changes.aclose()
    return results


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        (None, [False, False, True, False, False]),
        (FaultKind.WATCHER_SILENT, [False] * 5),
        (FaultKind.WATCHER_NOISY, [False, False, True, True, False]),
        (FaultKind.WATCHER_LATE, [False, False, False, False, True]),
    ],
)
async def test_a_watcher_wakes_up_as_it_says(kind, expected):
    place = shared(X)
    steps = [
        lambda: put(place, A, Y, b"1"),
        lambda: place.move(A, 0),
        lambda: place.move(B, 0),
        lambda: listed(place, B),
        place.heal,
    ]
    assert await watched(place, kind, *steps) == expected


async def test_own_puts_and_deletes_wake_up_as_well():
    place = shared(X)
    steps = [lambda: put(place, B, Y, b"1"), lambda: done(place.remote(B).delete(X))]
    assert await watched(place, None, *steps) == [True, True]
