"""Goal: a fleet is an office as it is, in one process, and the same seed gives the same history.

Method: small stories on it; planted faults; two runs of one seed.
"""

import asyncio
import datetime as dt
from random import Random

import pytest

from crdtsync.errors import DocumentNotFoundError, UsageError
from crdtsync.testing import Fleet, NotSettledError, SimulatedCrash, assert_converged
from crdtsync.testing.faults import PROFILES, FaultKind
from tests.unit.testing.office import Customer, Quote, make, rename

YEAR = dt.timedelta(days=365)


@pytest.fixture
def fleet():
    with Fleet(kinds=[Quote, Customer], workstations=2, profile="calm", seed=7) as fleet:
        yield fleet


def replicas(fleet):
    return [member.replica for member in fleet.members]


async def test_an_office_and_workstations_are_there_and_have_met(fleet):
    assert [member.name for member in fleet.members] == ["office", "R1", "R2"]
    assert fleet.office.replica.is_coordinator
    assert [member.replica.role for member in fleet.workstations] == ["roaming", "roaming"]
    for member in fleet.members:
        assert len(await member.replica.remotes()) == 1
    await fleet.settle()
    assert len(await fleet.office.replica.peers()) == 2


async def test_a_quote_gets_its_number_and_comes_to_all(fleet):
    r1, r2 = fleet.workstations
    quote = await make(r1)
    await fleet.settle()
    for member in fleet.members:
        assert (await member.replica.get(Quote, quote)).number == "Q-00001"
    await assert_converged(*replicas(fleet))
    assert (await r2.replica.history(quote))[0].author == "r1"


async def test_who_is_offline_goes_on_and_gets_nothing(fleet):
    r1, r2 = fleet.workstations
    quote = await make(r1)
    r2.go_offline()
    await fleet.sync(rounds=3)
    assert (await fleet.office.replica.get(Quote, quote)).customer == "Ada"
    with pytest.raises(DocumentNotFoundError):
        await r2.replica.get(Quote, quote)
    own = await make(r2, "Bob")
    await fleet.sync(rounds=3)
    with pytest.raises(DocumentNotFoundError):
        await r1.replica.get(Quote, own)

    r2.go_online()
    await fleet.sync(rounds=3)
    assert (await r2.replica.get(Quote, quote)).customer == "Ada"
    assert (await r1.replica.get(Quote, own)).customer == "Bob"


async def test_settling_brings_everybody_online(fleet):
    r1, r2 = fleet.workstations
    r2.go_offline()
    quote = await make(r1)
    await fleet.settle()
    assert r2.is_online
    assert (await r2.replica.get(Quote, quote)).number == "Q-00001"


async def test_a_clock_may_be_wrong_by_years(fleet):
    r1, r2 = fleet.workstations
    r1.clock.wrong_by = -30 * YEAR
    quote = await make(r1)
    [entry] = await r1.replica.history(quote)
    assert entry.at_ms == fleet.now_ms - 30 * YEAR // dt.timedelta(milliseconds=1) == r1.clock.now_ms
    await fleet.settle()
    r2.clock.wrong_by = 30 * YEAR
    await rename(r2, quote, "Bob")
    await fleet.settle()
    await rename(r1, quote, "Ada again")
    await fleet.settle()
    assert (await fleet.office.replica.get(Quote, quote)).customer == "Ada again"
    await assert_converged(*replicas(fleet))


async def test_a_restart_and_a_crash_keep_what_was_acknowledged(fleet):
    r1, _ = fleet.workstations
    quote = await make(r1)
    for end in (r1.restart, r1.crash):
        before = r1.replica
        await end()
        assert r1.replica is not before
        assert r1.replica.id == before.id
        assert (await r1.replica.get(Quote, quote)).customer == "Ada"


async def test_what_is_left_of_a_crashed_process_cannot_act(fleet):
    r1, _ = fleet.workstations
    old = r1.replica
    await r1.crash()
    with pytest.raises(UsageError, match="closed"):
        async with old.edit(Quote) as quote:
            quote.customer = "nobody sees it"
    assert await r1.replica.count(Quote) == 0


@pytest.mark.parametrize("step", range(1, 12))
async def test_a_sync_may_die_at_any_durable_step(fleet, step):
    r1, _ = fleet.workstations
    quote = await make(r1)
    r1.disk.crash_at(step)
    with pytest.raises(SimulatedCrash):
        for _ in range(20):
            await r1.sync()
            await rename(r1, quote, "Bob")
    await r1.restart()
    await fleet.settle()
    await assert_converged(*replicas(fleet))
    assert (await fleet.office.replica.get(Quote, quote)).number == "Q-00001"


async def test_who_joins_later_gets_everything(fleet):
    quote = await make(fleet.workstations[0])
    async with fleet.office.replica.edit(Customer) as customer:
        customer.name = "Ada"
    await fleet.settle()
    r3 = fleet.join("R3")
    await fleet.settle()
    assert (await r3.replica.get(Quote, quote)).number == "Q-00001"
    assert (await r3.replica.get(Customer, customer.id)).name == "Ada"
    assert [member.name for member in fleet.workstations] == ["R1", "R2", "R3"]


async def test_one_fault_is_made_on_demand(fleet):
    r1 = fleet.workstations[0]
    quote = await make(r1)
    await r1.sync_round()
    happened = fleet.inject("upload-lost", r1)
    assert happened
    assert fleet.place.injected[FaultKind.UPLOAD_LOST] == 1
    assert any("upload-lost at R1" in line for line in fleet.trace)
    await fleet.settle()
    assert (await fleet.office.replica.get(Quote, quote)).number == "Q-00001"


async def story(fleet):
    random = Random(fleet.seed)
    quotes = []
    for _ in range(4):
        member = random.choice(fleet.members)
        quotes.append(await make(member))
        await fleet.churn(25)
        for other in fleet.members:
            if await other.replica.identify(quotes[0]):
                await rename(other, quotes[0], f"c{random.randrange(9)}")
    await fleet.settle()
    await assert_converged(*replicas(fleet))
    return fleet.trace, await fleet.office.replica.digests(), dict(fleet.place.server)


@pytest.mark.parametrize("profile", sorted(PROFILES))
def test_it_converges_whatever_the_service_does(profile):
    with Fleet(kinds=[Quote], workstations=2, profile=profile, seed=11) as fleet:
        asyncio.run(story(fleet))
        assert (sum(fleet.place.injected.values()) > 0) == (profile != "calm")


def test_one_seed_is_one_history_and_another_is_another():
    runs = []
    for seed in (3, 3, 4):
        with Fleet(kinds=[Quote], workstations=2, profile="hostile", seed=seed) as fleet:
            runs.append(asyncio.run(story(fleet)))
    assert runs[0] == runs[1]
    assert runs[0][0] != runs[2][0]


async def test_a_fleet_that_does_not_settle_says_who_has_what_to_do(fleet, monkeypatch):
    r1, _ = fleet.workstations
    quote = await make(r1)
    monkeypatch.setattr(fleet.place, "settle", lambda: 1)  # Something is always on its way, and never comes.
    with pytest.raises(NotSettledError) as caught:
        await fleet.settle(rounds_max=3)
    assert str(caught.value).startswith(
        "not quiet after 3 rounds without faults (seed 7):\n  office: nothing to do\n"
    )
    assert "\n  R1: " in str(caught.value)
    assert await r1.replica.get(Quote, quote)


async def test_a_folder_that_lost_its_marker_gets_it_back(fleet):
    [marker] = [name for name in fleet.place.server if name.startswith("folder-")]
    fleet.place.erase(marker)
    fleet.place.settle()
    quote = await make(fleet.workstations[0])
    await fleet.settle()
    assert marker in fleet.place.server
    assert (await fleet.office.replica.get(Quote, quote)).number == "Q-00001"


async def test_what_left_no_trace_in_the_folder_is_found_all_the_same(fleet):
    """Neither the segment nor the beacon that names it ever left: only a later beacon shows that they are missing."""
    r1 = fleet.workstations[0]
    fleet.inject(FaultKind.UPLOADS_IGNORED, r1, 3)
    quote = await make(r1)
    await r1.sync()
    assert not [name for name in fleet.place.server if "/s-" in name]
    await fleet.settle()
    assert (await fleet.office.replica.get(Quote, quote)).number == "Q-00001"
    await assert_converged(*replicas(fleet))


async def test_a_file_that_is_put_counts_as_two_durable_steps(fleet):
    """Goal: a process may die right before or right after it. Method: it does, at either."""
    r1 = fleet.workstations[0]
    before = r1.disk.durable_steps
    await r1.remote.put("x/one", b"")
    assert r1.disk.durable_steps == before + 2
    for step, is_there in ((1, False), (2, True)):
        r1.disk.crash_at(step)
        with pytest.raises(SimulatedCrash):
            await r1.remote.put(f"x/step-{step}", b"")
        await r1.restart()
        assert (f"x/step-{step}" in fleet.place.files("R1")) == is_there


def test_the_seed_decides_what_happens():
    def happened(seed):
        with Fleet(kinds=[Quote], workstations=1, profile="calm", seed=seed) as fleet:
            asyncio.run(fleet.churn(40))
            return [line.split()[1] for line in fleet.trace]

    assert happened(1) == happened(1) != happened(2)


def test_a_profile_that_does_not_exist_is_refused():
    with pytest.raises(UsageError, match="syncthing"):
        Fleet(kinds=[Quote], profile="drop box")


def test_its_directory_is_gone_afterwards(tmp_path):
    with Fleet(kinds=[Quote], workstations=1) as fleet:
        directory = fleet.office.directory
        assert (directory / "replica.db").is_file()
    assert not directory.parent.exists()
    with Fleet(kinds=[Quote], workstations=1, directory=tmp_path):
        pass
    assert sorted(path.name for path in tmp_path.iterdir()) == ["R1", "office"]
