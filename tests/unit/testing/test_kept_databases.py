"""Goal: a database that is used again holds what it was given, and nothing of what it held before.

Method: images of small databases, and the statements that were prepared on earlier contents.
"""

import sqlite3
from collections.abc import Iterator

import pytest

from crdtsync.testing.disk import SimulatedDisk
from crdtsync.testing.memory_disk import KeptDatabases
from crdtsync.testing.simulation.plan import draw_plan
from crdtsync.testing.simulation.run import simulate

READ = "SELECT name FROM people ORDER BY name"


def image(*names: str, table: str = "people") -> bytes:
    """Return a database with the names of some people."""
    connection = sqlite3.connect(":memory:", isolation_level=None)
    connection.execute(f"CREATE TABLE {table} (name TEXT)")
    if table != "people":
        connection.execute("CREATE TABLE people (name TEXT)")
    connection.executemany("INSERT INTO people VALUES (?)", [(name,) for name in names])
    data = connection.serialize()
    connection.close()
    return data


@pytest.fixture
def kept() -> Iterator[KeptDatabases]:
    with KeptDatabases() as kept:
        yield kept


def names_in(connection: sqlite3.Connection) -> list[str]:
    return [name for (name,) in connection.execute(READ)]


def test_a_database_that_is_used_again_has_the_contents_it_was_given(kept: KeptDatabases) -> None:
    first = kept.take(SimulatedDisk(), image("ada"))
    first.execute("INSERT INTO people VALUES ('eve')")
    assert names_in(first) == ["ada", "eve"]
    kept.give_back(first)
    second = kept.take(SimulatedDisk(), image("bob", *(f"c{number:05d}" for number in range(3_000))))
    assert second is first
    assert names_in(second)[0] == "bob"
    assert len(names_in(second)) == 3_001
    kept.give_back(second)
    assert names_in(kept.take(SimulatedDisk(), image("dan"))) == ["dan"]


def test_what_was_not_committed_is_gone_with_its_schedule(kept: KeptDatabases) -> None:
    first = kept.take(SimulatedDisk(), image("ada"))
    first.execute("BEGIN IMMEDIATE")
    first.execute("INSERT INTO people VALUES ('eve')")
    kept.give_back(first)
    assert names_in(kept.take(SimulatedDisk(), image("bob"))) == ["bob"]


def test_a_database_with_other_tables_is_opened_anew(kept: KeptDatabases) -> None:
    first = kept.take(SimulatedDisk(), image("ada"))
    kept.give_back(first)
    other = kept.take(SimulatedDisk(), image("bob", table="others"))
    assert other is not first
    assert names_in(other) == ["bob"]


def test_a_database_that_is_still_being_read_is_not_used_again(kept: KeptDatabases) -> None:
    """Pages that a statement holds on to would be those of the contents before."""
    first = kept.take(SimulatedDisk(), image(*(f"c{number:05d}" for number in range(3_000))))
    reading = first.execute(READ.replace("ORDER BY name", ""))
    assert reading.fetchone() is not None
    kept.give_back(first)
    assert names_in(kept.take(SimulatedDisk(), image("bob"))) == ["bob"]


async def test_a_schedule_is_the_same_on_databases_of_others(kept: KeptDatabases) -> None:
    plans = [draw_plan(seed) for seed in (1, 2, 3)]
    alone = [(await simulate(plan)).trace for plan in plans]
    assert [(await simulate(plan, kept)).trace for plan in reversed(plans)] == alone[::-1]
