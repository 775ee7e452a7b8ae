"""Goal: an edit of what its author saw takes the place of just that, whatever was written since and by whom.

Method: two people write the fields of one document at one replica, each time as of any state that it ever had,
with and without what they have written themselves since. A reference model keeps the values of each field.
"""

import asyncio
import tempfile
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from crdtsync import Document, Environment, Replica, open_replica
from crdtsync.testing import SimulatedDisk

FIELDS = ("name", "city")


class Card(Document, kind="card"):
    name: str = ""
    city: str = ""


@dataclass(frozen=True)
class Step:
    person: int
    fields: tuple[str, ...]
    back: int | None
    """How many states before the present one he saw; None: he says nothing of it."""
    including_own: bool


STEPS = st.lists(
    st.builds(
        Step,
        st.integers(0, 1),
        st.sampled_from([("name",), ("city",), FIELDS]),
        st.none() | st.integers(0, 4),
        st.booleans(),
    ),
    min_size=1,
    max_size=8,
)

Values = dict[str, dict[str, int]]
"""The values of each field, and who wrote them."""


def expected_after(states: list[Values], step: Step, written: str) -> Values:
    """What the fields hold when somebody has written one value into some of them."""
    now = states[-1]
    seen = states[max(0, len(states) - 1 - (step.back or 0))]
    return {
        name: (
            {
                value: person
                for value, person in now[name].items()
                if value not in seen[name] and not (step.including_own and person == step.person)
            }
            | {written: step.person}
            if name in step.fields
            else now[name]
        )
        for name in FIELDS
    }


async def values_of(replica: Replica, card: Card) -> dict[str, set[str]]:
    found = {name: {getattr(card, name)} for name in FIELDS}
    for conflict in await replica.conflicts(card.id):
        found[conflict.field] |= {value.value for value in conflict.values}
    return found


async def follow(directory: Path, steps: list[Step]) -> None:
    environment = Environment(connect=SimulatedDisk().connect)

    def opened(person: str) -> AbstractAsyncContextManager[Replica]:
        return open_replica(directory, name="R1", role="roaming", author=person, environment=environment)

    async with opened("Ada") as ada, opened("Bob") as bob:
        async with ada.edit(Card) as card:
            card.name = card.city = "v0"
        states: list[Values] = [{name: {"v0": 0} for name in FIELDS}]
        views = [await ada.get(Card, card.id)]
        for number, step in enumerate(steps, 1):
            replica = (ada, bob)[step.person]
            seen = None if step.back is None else views[max(0, len(views) - 1 - step.back)].info.version
            async with replica.edit(Card, card.id, seen=seen, including_own=step.including_own) as draft:
                for name in step.fields:
                    setattr(draft, name, f"v{number}")
            states.append(expected_after(states, step, f"v{number}"))
            views.append(await replica.get(Card, card.id))
            assert {name: set(values) for name, values in states[-1].items()} == await values_of(
                replica, views[-1]
            )
        assert await ada.digests() == await bob.digests()


@pytest.mark.slow
@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=STEPS)
def test_an_edit_takes_the_place_of_what_its_author_saw_and_of_nothing_else(steps):
    with tempfile.TemporaryDirectory() as directory:
        asyncio.run(follow(Path(directory), steps))
