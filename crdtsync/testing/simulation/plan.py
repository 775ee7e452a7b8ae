"""A schedule as plain data: drawn from a seed, replayed exactly, cut down when it fails."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import NamedTuple, Self

import msgspec

from crdtsync.protocol.beacon import Role
from crdtsync.testing.faults import PROFILES, FaultKind

DECADE_MS = 315_360_000_000
STEPS_MAX = (15, 25, 40, 70)
"""How long schedules are: one of these at most, and half of it at least."""

WORK: Mapping[str, int] = {
    "make": 2,
    "edit": 12,
    "lines": 8,
    "share": 1,
    "mark": 5,
    "reset": 1,
    "resolve": 5,
    "void": 1,
    "sync": 14,
    "move": 12,
    "wait": 2,
    "restart": 1,
}
"""What people and sync clients do, and how often."""

TROUBLE: Mapping[str, int] = {
    "crash": 9,
    "disk error": 3,
    "disk full": 2,
    "clock": 2,
    "cut round": 4,
    "meanwhile": 5,
    "second process": 3,
    "absence": 2,
    "join": 1,
    "retire": 1,
    "restore": 4,
}
"""What goes wrong on the computers themselves, and how often."""

LOSSES = frozenset(
    {
        FaultKind.UPLOAD_LOST,
        FaultKind.DOWNLOAD_LOST,
        FaultKind.UPLOADS_IGNORED,
        FaultKind.FLIPPED_BIT,
        FaultKind.TRUNCATED,
        FaultKind.CONCATENATED,
        FaultKind.SWAPPED,
        FaultKind.VANISHED,
        FaultKind.ROLLED_BACK,
        FaultKind.VIEW_ROLLED_BACK,
        FaultKind.NAME_CHANGED,
        FaultKind.FULL_LEAVES_PART,
        FaultKind.JUNK_RENAMED,
        FaultKind.WIPED,
        FaultKind.ENCRYPTED,
    }
)
"""What takes files from the folder that only their owner can put back."""


class Step(NamedTuple):
    """One thing that happens."""

    what: str
    """A name of `WORK` or `TROUBLE`, or the value of a `FaultKind`."""
    computer: int
    """Which computer, modulo how many there are."""
    draw: int
    """Every further choice of the step is drawn from this."""
    place: int = 0
    """Which step of the whole schedule it is."""


@dataclass(frozen=True, slots=True)
class ComputerPlan:
    """One computer of the schedule."""

    name: str
    role: Role
    clock_offset_ms: int = 0
    lock_while_numbering: bool = False


@dataclass(frozen=True, slots=True)
class Plan:
    """One schedule: who is there, and what happens in which order."""

    seed: int
    profile: str
    computers: tuple[ComputerPlan, ...]
    steps: tuple[Step, ...]

    @property
    def faults(self) -> frozenset[str]:
        """Which faults the schedule holds."""
        return frozenset(step.what for step in self.steps if step.what not in WORK)

    def without(self, faults: Iterable[str]) -> Self:
        """Return the schedule without some kinds of faults; everything else happens as it did."""
        left_out = frozenset(faults)
        return replace(self, steps=tuple(step for step in self.steps if step.what not in left_out))

    def only(self, indexes: Iterable[int]) -> Self:
        """Return the schedule with the steps of these indexes only."""
        kept = frozenset(indexes)
        return replace(self, steps=tuple(step for step in self.steps if step.place in kept))


def plan_to_json(plan: Plan) -> str:
    """Return a schedule as text, to be kept as a test when how plans are drawn has changed."""
    return msgspec.json.format(msgspec.json.encode(plan), indent=1).decode()


def plan_from_json(text: str) -> Plan:
    """Return the schedule that a text holds.

    Raises:
        msgspec.MsgspecError: it holds none.
    """
    return msgspec.json.decode(text, type=Plan)


def draw_plan(seed: int, profile: str = "any") -> Plan:
    """Return the schedule of a seed.

    Every seed draws which faults exist in it at all: all at once would hide what two alone can do.

    Raises:
        KeyError: there is no such profile.
    """
    random = Random(f"{profile}/{seed}")
    weights = _draw_weights(random, profile)
    rate = random.choice((0.1, 0.2, 0.2, 0.4)) if weights else 0.0
    work = {name: weight * random.choice((1, 1, 3)) for name, weight in WORK.items()}
    computers = _draw_computers(random)
    steps = []
    most = random.choice(STEPS_MAX)
    for index in range(random.randrange(most // 2, most)):
        chosen = weights if random.random() < rate else work
        (what,) = random.choices(list(chosen), list(chosen.values()))
        steps.append(Step(what, random.randrange(len(computers) + 1), random.getrandbits(32), index))
    return Plan(seed, profile, computers, tuple(steps))


def _draw_weights(random: Random, profile: str) -> dict[str, int]:
    offered = {**TROUBLE, **{kind.value: weight for kind, weight in PROFILES[profile].weights.items()}}
    share = random.choice((0.0, 0.15, 0.3, 0.3, 0.6))
    weights = {name: weight for name, weight in offered.items() if random.random() < share}
    _exclude(random, weights, "restore")
    _exclude(random, weights, "retire")
    return weights


def _exclude(random: Random, weights: dict[str, int], trouble: str) -> None:
    """Leave out one of two that together lose data, as documented: nobody else publishes what an owner lost."""
    if trouble in weights and LOSSES & weights.keys():
        if random.random() < 0.5:
            del weights[trouble]
        else:
            for name in LOSSES & weights.keys():
                del weights[name]


def _draw_computers(random: Random) -> tuple[ComputerPlan, ...]:
    count = random.choice((1, 2, 2, 2, 3))
    names = [("office", "office"), *((f"R{number}", "roaming") for number in range(1, count + 1))]
    if random.random() < 0.15:
        names.append(("branch", "office"))
    return tuple(
        ComputerPlan(
            name,
            "office" if role == "office" else "roaming",
            random.choice((0, 0, random.randrange(-DECADE_MS, DECADE_MS))),
            lock_while_numbering=random.random() < 0.1,
        )
        for name, role in names
    )
