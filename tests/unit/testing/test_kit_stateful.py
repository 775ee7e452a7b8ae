"""Goal: hypothesis drives a fleet of an application's own classes, and finds what is wrong with them or with us.

Method: it finds nothing in sound classes; an invariant that does not hold and a fleet that does not converge are found.
"""

import sys
from decimal import Decimal

import msgspec
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import run_state_machine_as_test

from crdtsync import Document, Replica, Series
from crdtsync.errors import UsageError
from crdtsync.testing import Fleet, fleet_machine
from tests.unit.testing.office import Customer, Quote

QUICK = settings(
    max_examples=6,
    stateful_step_count=25,
    derandomize=True,
    deadline=None,
    database=None,
    phases=[Phase.generate],
    suppress_health_check=list(HealthCheck),
)


class Order(Document, kind="order", series=Series("orders", "A-{number}")):
    quantity: int = 0

    def validate(self) -> None:
        if self.quantity < 0:
            raise ValueError("nobody orders less than nothing")


async def totals_are_sums(replica):
    for quote in await replica.find(Quote):
        prices = [line.price.msrp * line.quantity for line in quote.lines if line.price]
        assert sum(prices, Decimal(0)) == quote.total


def test_nothing_is_found_in_sound_classes():
    machine = fleet_machine([Quote, Customer], invariants=[totals_are_sums])
    run_state_machine_as_test(machine, settings=QUICK)


def test_what_a_class_refuses_is_no_failure():
    machine = fleet_machine([Order], workstations=1, profile="calm")
    run_state_machine_as_test(machine, settings=QUICK)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("profile", "lock_while_numbering"),
    [("hostile", False), ("hostile", True), ("dropbox", False), ("calm", False)],
)
def test_nothing_is_found_in_many_runs(profile, lock_while_numbering):
    machine = fleet_machine(
        [Quote, Customer, Order], profile=profile, lock_while_numbering=lock_while_numbering
    )
    run_state_machine_as_test(machine, settings=settings(QUICK, max_examples=30, stateful_step_count=50))


def test_an_invariant_that_does_not_hold_is_found():
    async def nobody_sells_blue(replica):
        for customer in await replica.find(Customer):
            assert customer.name != "blue", f"{replica.name} sold to blue"

    machine = fleet_machine([Customer], profile="calm", invariants=[nobody_sells_blue])
    with pytest.raises(AssertionError, match="sold to blue"):
        run_state_machine_as_test(machine, settings=settings(QUICK, max_examples=50))


def test_invariants_look_after_every_step_not_only_in_the_end():
    looked = []

    async def look(replica):
        looked.append(replica.name)

    machine = fleet_machine([Order], workstations=1, profile="calm", invariants=[look])
    run_state_machine_as_test(machine, settings=settings(QUICK, max_examples=2))
    assert len(looked) > 3 * 2 * len({"office", "R1"})


def test_replicas_that_stay_apart_are_found(monkeypatch):
    async def settle_nothing(self):
        pass

    monkeypatch.setattr(Fleet, "settle", settle_nothing)
    machine = fleet_machine([Customer], profile="calm")
    with pytest.raises(AssertionError, match="differ in") as caught:
        run_state_machine_as_test(machine, settings=settings(QUICK, max_examples=50))
    assert "not here at all" in str(caught.value)


def test_an_edit_that_is_lost_is_found(monkeypatch):
    """All are equal, and one of them has forgotten what it had acknowledged."""
    settle = Fleet.settle

    async def forget(self):
        await settle(self)
        for member in self.members:
            await member.replica._workspace.write(
                lambda c: c.execute("DELETE FROM _changes WHERE sequence = 2")
            )

    monkeypatch.setattr(Fleet, "settle", forget)
    machine = fleet_machine([Quote], profile="calm")
    with pytest.raises(AssertionError, match="were acknowledged and are nowhere"):
        run_state_machine_as_test(machine, settings=settings(QUICK, max_examples=50))


def test_a_gap_in_the_numbers_is_found(monkeypatch):
    ledger = Replica.ledger

    async def skip(self):
        return [msgspec.structs.replace(entry, number=entry.number + 1) for entry in await ledger(self)]

    monkeypatch.setattr(Replica, "ledger", skip)
    machine = fleet_machine([Order], profile="calm")
    with pytest.raises(AssertionError, match="the numbers of orders are"):
        run_state_machine_as_test(machine, settings=settings(QUICK, max_examples=50))


def test_a_mark_that_leads_nowhere_is_found(monkeypatch):
    async def grant_nothing(*_):
        pass

    monkeypatch.setattr("crdtsync.sync.steps.allocate", grant_nothing)
    machine = fleet_machine([Order], profile="calm")
    with pytest.raises(AssertionError, match=r"was marked at .*, and is still (sent|received)"):
        run_state_machine_as_test(machine, settings=settings(QUICK, max_examples=50))


def test_a_machine_may_have_rules_of_its_own():
    from hypothesis.stateful import rule

    sold = []

    class Machine(fleet_machine([Order], workstations=1, profile="calm")):
        @rule()
        def sell(self):
            async def make():
                async with self.fleet.office.replica.edit(Order) as order:
                    order.quantity = 7
                sold.append(order.id)

            self.do(make())

    run_state_machine_as_test(Machine, settings=QUICK)
    assert sold


def test_without_hypothesis_it_says_what_to_install(monkeypatch):
    for name in [name for name in sys.modules if name.partition(".")[0] == "hypothesis"]:
        monkeypatch.setitem(sys.modules, name, None)
    monkeypatch.delitem(sys.modules, "crdtsync.testing.stateful_machine", raising=False)
    with pytest.raises(UsageError, match=r"pip install 'crdtsync\[testing\]'"):
        fleet_machine([Quote])
