"""A folder that is found at another address, for one machine after the other."""

from crdtsync.sync.session import open_session
from tests.unit.sync.place import SlowPlace, SlowRemote
from tests.unit.sync.world import Machine, World


class OtherAddress(SlowRemote):
    """A place that is not where the folder was."""

    def __init__(self, place: SlowPlace, machine: str, address: str) -> None:
        super().__init__(place, machine)
        self._address = address

    @property
    def address(self) -> str:
        return self._address


def point(machine: Machine, place: SlowPlace, address: str = "slow:second") -> None:
    """Have a machine sync with a place from now on."""
    machine.remote = OtherAddress(place, machine.name, address)
    machine.session = None


async def attach(machine: Machine, **options) -> None:
    """Attach a machine to where it was pointed."""
    machine.session = await open_session(machine.workspace, machine.remote, **options)


async def move_all(world: World, place: SlowPlace, address: str = "slow:second") -> None:
    """Begin the folder anew in an empty place, first for one machine, then for the others."""
    world.place = place
    for machine in world.machines:
        point(machine, place, address)
        place.arrive_all()
        await attach(machine, create_folder=machine is world.machines[0])
