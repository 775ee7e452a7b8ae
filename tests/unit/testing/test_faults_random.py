"""Random schedules: the same draws give the same trace, nothing comes from nowhere, and faults end.

A schedule is calls, silent steps and faults in any order. What fails prints the text that seeds it.
"""

from random import Random

import pytest

from crdtsync.errors import RemoteError
from crdtsync.testing import FAULTS, PROFILES, FaultKind, FaultPlace, Profile
from tests.unit.testing.fault_helpers import A, B, C, done, get, listed, put

SCHEDULES = 60
STEPS = 150
MACHINES = (A, B, C)
FAULTY = sorted(PROFILES.keys() - {"calm"})


class Schedule:
    """A place with three machines that put, delete, list and get files while faults happen."""

    def __init__(self, profile, seed):
        self.seed = f"{profile.name} {seed}"
        self.random = Random(self.seed)
        self.place = FaultPlace(profile)
        self.written = set()
        self.read = set()
        self.trace = []
        for machine in MACHINES:
            self.place.remote(machine)

    def run(self, steps=STEPS):
        for _ in range(steps):
            self.step()
        return self

    def step(self):
        random, place = self.random, self.place
        machine = random.choice(MACHINES)
        match random.randrange(8):
            case 0 | 1:
                name = f"{machine}/f/s-{random.randrange(40):08}-0123456789.crdts"
                data = random.randbytes(random.randrange(1, 60))
                self.written.add(data)
                self.note(self.call(place.remote(machine).put(name, data)))
            case 2 | 3:
                for file in self.call(place.remote(machine).list()) or ():
                    data = self.call(place.remote(machine).get(file.name, bytes_max=10_000))
                    self.read.add(data)
                    self.note(file.name, data)
            case 4 if own := [name for name in place.files(machine) if name.startswith(machine)]:
                self.note(self.call(place.remote(machine).delete(random.choice(own))))
            case 5 | 6:
                self.note(place.move(machine, random.getrandbits(30)))
            case _:
                draw = random.getrandbits(30)
                if place.profile.weights:
                    kind = place.profile.kind_of(random.getrandbits(30))
                    self.note(kind, place.inject(kind, machine, draw))

    def note(self, *what):
        self.trace.append(what)

    def call(self, coroutine):
        try:
            return done(coroutine)
        except RemoteError as error:
            self.note(type(error).__name__, str(error))
            return None


@pytest.mark.parametrize("name", FAULTY)
def test_the_same_draws_give_the_same_trace_and_others_another(name):
    for seed in range(10):
        first, second, other = (Schedule(PROFILES[name], number).run() for number in (seed, seed, seed + 10))
        assert first.trace == second.trace, first.seed
        assert first.place.server == second.place.server, first.seed
        assert list(first.place.files(A).items()) == list(second.place.files(A).items()), first.seed
        assert first.trace != other.trace


@pytest.mark.parametrize("name", FAULTY)
def test_no_content_comes_from_nowhere(name):
    for seed in range(SCHEDULES):
        schedule = Schedule(PROFILES[name], seed).run()
        place = schedule.place
        known = schedule.written | set(place.damaged) | set(place.junk)
        other = FaultPlace()
        other.inject(FaultKind.FOLDER_REPLACED, A, 4)
        known |= {get(other, A, file) for file in listed(other, A)}
        seen = set(place.server.values()) | schedule.read - {None}
        for machine in MACHINES:
            seen |= set(place.files(machine).values())
        assert seen <= known, schedule.seed


@pytest.mark.parametrize("name", FAULTY)
def test_when_faults_have_stopped_the_contract_holds_again(name):
    for seed in range(SCHEDULES):
        schedule = Schedule(PROFILES[name], seed).run()
        place = schedule.place
        place.heal()
        place.settle()
        assert place.moves() == place.settle() == 0, schedule.seed
        injected = place.injected.copy()
        put(place, A, "a/last", b"last")
        place.settle()
        for machine in MACHINES:
            files = place.files(machine)
            names = listed(place, machine)
            assert "a/last" in names, schedule.seed
            assert names == sorted(files), schedule.seed
            assert [get(place, machine, file) for file in names] == [files[file] for file in names]
            assert all(file.is_local for file in done(place.remote(machine).list()))
        done(place.remote(A).delete("a/last"))
        place.settle()
        assert "a/last" not in place.files(C), schedule.seed
        assert injected == place.injected, schedule.seed


TEMPORARY = Profile(
    "temporary",
    {kind: 1 for kind, fault in FAULTS.items() if not fault.leaves_apart},
    conflict_namings=PROFILES["any"].conflict_namings,
    shows_partial=True,
)


def test_views_are_equal_after_faults_that_leave_nothing_apart():
    for seed in range(SCHEDULES):
        schedule = Schedule(TEMPORARY, seed).run()
        schedule.place.heal()
        schedule.place.settle()
        for machine in MACHINES:
            assert schedule.place.files(machine) == schedule.place.server, schedule.seed


@pytest.mark.parametrize("kind", [kind for kind, fault in FAULTS.items() if fault.leaves_apart])
def test_views_may_differ_for_good_after_a_fault_that_leaves_them_apart(kind):
    profile = Profile("one", {kind: 1}, uploads_conflict_copies=False)
    for seed in range(SCHEDULES):
        schedule = Schedule(profile, seed).run()
        schedule.place.heal()
        schedule.place.settle()
        place = schedule.place
        if any(place.files(m) != place.server or len(listed(place, m)) > len(place.server) for m in MACHINES):
            return
    pytest.fail(f"{kind} never leaves views apart")


def test_every_fault_takes_effect_in_some_schedule():
    struck = {kind for seed in range(SCHEDULES) for kind in Schedule(ALL, seed).run().place.injected}
    assert struck == set(FaultKind)


ALL = Profile("all", dict.fromkeys(FaultKind, 1), conflict_namings=PROFILES["any"].conflict_namings)


def test_draws_may_be_any_number():
    for kind in FaultKind:
        for draw in (0, -1, 2**200 + 1):
            schedule = Schedule(PROFILES["calm"], kind).run(40)
            schedule.place.inject(kind, B, draw)
            schedule.place.move(B, draw)
            schedule.place.heal()
            schedule.place.settle()
