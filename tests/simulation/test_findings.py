"""What the simulator found in the library, each as small as it could be made: none of it may come back."""

from random import Random

from crdtsync import Document, Environment, open_replica
from crdtsync.protocol.names import NameKind, classify
from crdtsync.sync.session import open_session
from crdtsync.sync.steps import sync_round
from crdtsync.testing import FaultKind, FaultPlace, SimulatedDisk

ROUNDS = 40


HOUR_MS = 3_600_000


class Quote(Document, kind="quote"):
    customer: str


def office_at(tmp_path):
    environment = Environment(connect=SimulatedDisk().connect)
    return open_replica(
        tmp_path / "office", name="office", role="office", kinds=[Quote], environment=environment
    )


async def make(replica, customer):
    async with replica.edit(Quote) as quote:
        quote.customer = customer


async def reads_of_rounds(session, count):
    return sum([(await sync_round(session)).pulled_files for _ in range(count)])


def twins_of_two_sizes(listing):
    return {
        one.name
        for one in listing
        for two in listing
        if one.name == two.name and one.size_bytes != two.size_bytes
    }


async def test_two_files_of_one_name_are_not_read_again_and_again(tmp_path):
    """A place that lists a name twice, with two sizes, kept every round busy."""
    place = FaultPlace()
    remote = place.remote("office")
    async with office_at(tmp_path) as office:
        session = await open_session(office._workspace, remote)
        for customer in ("Ada", "Bob", "Cleo"):
            await make(office, customer)
            await sync_round(session)
        draws = Random(1)
        for _ in range(20):
            place.inject(FaultKind.SAME_NAME_TWICE, "office", draws.getrandbits(30))
        assert twins_of_two_sizes(await remote.list())

        await reads_of_rounds(session, ROUNDS)
        assert await reads_of_rounds(session, ROUNDS) <= 2


async def test_an_own_beacon_that_others_have_damaged_is_let_go(tmp_path):
    """What it says has been said again since: it was tried to be read for ever, and listed as a problem."""
    place = FaultPlace()
    remote = place.remote("office")
    async with office_at(tmp_path) as office:
        session = await open_session(office._workspace, remote)
        first = {}
        for customer in ("Ada", "Bob", "Cleo", "Dora"):
            await make(office, customer)
            await sync_round(session)
            place.settle()
            first = first or dict(place.server)
        ((name, data),) = [item for item in first.items() if classify(item[0]).kind is NameKind.BEACON]
        assert name not in place.server
        place.write(name.replace("/beacons/", "/beacons (1)/"), data[:-1] + b"?")
        place.settle()

        problems = [(await sync_round(session)).problems for _ in range(ROUNDS)]
        assert problems[1:] == [[]] * (ROUNDS - 1)
        assert [item.name for item in await office.quarantine()] == []


async def test_many_lost_segments_are_asked_for_at_once(tmp_path):
    """Each took a way to its owner and back of its own, which is minutes in a real folder."""
    place, now_ms = FaultPlace(), [1_700_000_000_000]

    def replica(name, role):
        environment = Environment(lambda: now_ms[0], connect=SimulatedDisk().connect)
        return open_replica(tmp_path / name, name=name, role=role, kinds=[Quote], environment=environment)

    async with replica("office", "office") as office, replica("R1", "roaming") as r1:
        remotes = place.remote("office"), place.remote("R1")
        sessions = []
        for one, remote in zip((office, r1), remotes, strict=True):
            sessions.append(await open_session(one._workspace, remote))
            place.settle()
        place.inject(FaultKind.UPLOADS_IGNORED, "office", 3)
        for number in range(20):
            await make(office, f"customer {number}")
            await sync_round(sessions[0])
        place.heal()
        rounds = 0
        while await office.digests() != await r1.digests() and rounds < 20:
            rounds += 1
            now_ms[0] += 25 * HOUR_MS
            for session in sessions:
                place.settle()
                await sync_round(session)
        assert rounds <= 4
