"""A hypothesis machine over an application's own document classes; hypothesis is needed when one is made."""

from __future__ import annotations

from typing import TYPE_CHECKING

from crdtsync.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from crdtsync.document.model import Document
    from crdtsync.testing.faults import Profile
    from crdtsync.testing.stateful_machine import FleetMachine, Invariant


def fleet_machine(
    kinds: Sequence[type[Document]],
    *,
    workstations: int = 2,
    profile: str | Profile = "hostile",
    invariants: Sequence[Invariant] = (),
    lock_while_numbering: bool = False,
) -> type[FleetMachine]:
    """Return a machine in which an office and workstations do everything people and services do, in any order.

    ::

        QuoteMachine = fleet_machine([Quote, Customer], invariants=[totals_are_right])
        test_quotes = QuoteMachine.TestCase

    They make and edit documents (every declared field, at random), mark, reset, resolve conflicts, sync, restart,
    die, go offline; files travel, and the profile's faults happen. In the end everything arrives: all must hold the
    same, no acknowledged edit may be lost, and numbers must be unique and without gaps. What the classes refuse
    (`ValidationError`) is an outcome like any other.

    Args:
        kinds: the document classes.
        workstations: how many there are beside the office.
        profile: what the folder's service does wrong.
        invariants: async functions of a `Replica`, called after whatever happened there and for all in the end;
            they raise `AssertionError` when something is not as it must be.
        lock_while_numbering: as for `open_replica`.

    Raises:
        UsageError: hypothesis is not installed.
    """
    try:
        from crdtsync.testing.stateful_machine import FleetMachine  # noqa: PLC0415 - it needs hypothesis
    except ModuleNotFoundError as error:
        if error.name != "hypothesis":
            raise
        raise UsageError(
            "the machine needs hypothesis", hint="Install it: pip install 'crdtsync[testing]'"
        ) from error
    return type(
        "FleetMachineOf" + "".join(cls.__name__ for cls in kinds),
        (FleetMachine,),
        {
            "fleet_options": {
                "kinds": tuple(kinds),
                "workstations": workstations,
                "profile": profile,
                "lock_while_numbering": lock_while_numbering,
            },
            "fleet_invariants": tuple(invariants),
        },
    )
