"""Goal: a document gets one number, a number one document, and nobody waits without being told why.

Method: an office that coordinates and workstations over a place in memory; a test cuts rounds, loses files,
and puts older databases back.
"""

import shutil

import pytest

from crdtsync import ItemStatus, Series, derive_id
from crdtsync.errors import (
    DocumentLockedError,
    DocumentNotFoundError,
    RemoteFullError,
    SchemaError,
    UsageError,
    ValidationError,
)
from crdtsync.protocol.ids import DocumentId
from crdtsync.protocol.segment import NumberRequest
from tests.unit.sync.place import PARTIAL, PLACEHOLDER, WHOLE
from tests.unit.sync.world import NOW_MS, Customer, Quote, Task

from .helpers import STRANGER, named, put_everywhere, stranger_segment

MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS


async def status(machine, document):
    item = await machine.replica.item(document)
    return item.state.status


async def marked(machine, customer="Ada", document=None):
    document = await machine.make(customer, document)
    await machine.replica.mark_for_sync(document)
    return document


def arrive(world, machine):
    for _ in list(machine.remote.view.coming):
        world.place.arrive(machine.name, 0, WHOLE)


async def test_statuses_say_since_when_and_why(world, office, r1):
    """I30: draft, marked, sent, received, numbered: each with its time, and what is waited for."""
    document = await r1.make()
    item = await r1.replica.item(document)
    assert (item.state.status, item.state.why_waiting, item.title) == (ItemStatus.DRAFT, "", "R1-0001")
    assert item.state.since_ms == world.now_ms
    world.now_ms += 1
    await r1.replica.mark_for_sync(document)
    item = await r1.replica.item(document)
    assert (item.state.status, item.state.since_ms) == (ItemStatus.MARKED, world.now_ms)
    assert item.state.why_waiting == "waits for the next sync"
    world.now_ms += 1
    await r1.sync()
    item = await r1.replica.item(document)
    assert (item.state.status, item.state.since_ms) == (ItemStatus.SENT, world.now_ms)
    assert "waits for office to receive it" in item.state.why_waiting
    arrive(world, office)
    await office.steps(2)
    await office.try_steps(5, fail_at=2)
    await acknowledge_only(office)
    arrive(world, r1)
    world.now_ms += HOUR_MS
    await r1.sync()
    item = await r1.replica.item(document)
    assert item.state.status in (ItemStatus.RECEIVED, ItemStatus.NUMBERED)
    await world.settle()
    item = await r1.replica.item(document)
    assert (item.state.status, item.number, item.state.why_waiting) == (ItemStatus.NUMBERED, "Q-00001", "")
    assert await r1.replica.items() == []
    assert len(await r1.replica.items(include_numbered=True)) == 1
    assert (await r1.replica.find_number("q-00001"))[0].id == document
    assert (await office.replica.find_number("r1-0001"))[0].id == document


async def acknowledge_only(machine):
    from crdtsync.sync.report import SyncReport
    from crdtsync.sync.steps import acknowledge

    await acknowledge(machine.session, SyncReport())


async def test_received_before_it_is_numbered(world, office, r1):
    """I30: the office has it, and has not numbered it: that is said too."""
    document = await marked(r1)
    await r1.sync()
    arrive(world, office)
    await office.steps(2)
    await acknowledge_only(office)
    arrive(world, r1)
    await r1.sync()
    item = await r1.replica.item(document)
    assert item.state.status is ItemStatus.RECEIVED
    assert "waits for office to number it; office was last heard from just now" in item.state.why_waiting


async def test_kind_without_a_series_ends_with_its_receipt(world, office, r1):
    """I30: what gets no number is done when the office has it, and never stays `marked`."""
    async with r1.replica.edit(Task) as task:
        task.title = "call Ada"
    await r1.replica.mark_for_sync(task.id)
    assert await status(r1, task.id) is ItemStatus.MARKED
    await r1.sync()
    assert await status(r1, task.id) is ItemStatus.SENT
    await world.settle()
    item = await r1.replica.item(task.id)
    assert (item.state.status, item.state.why_waiting) == (ItemStatus.RECEIVED, "")
    assert await r1.replica.items() == []


async def test_received_is_what_was_written_here(world, office, r1, r2):
    """I30: the office's own words of a document, and another's, say nothing of mine."""
    async with office.replica.edit(Task) as task:
        task.title = "call Ada"
    await office.replica.mark_for_sync(task.id)
    await world.settle()
    for machine, title in ((r1, "call Ada at noon"), (office, "call Bob"), (r2, "call Cleo")):
        async with machine.replica.edit(Task, task.id) as changed:
            changed.title = title
        await machine.sync()
        arrive(world, r1)
    for name in [n for n in office.remote.view.coming if r2.replica.id in n]:
        world.place.arrive("office", list(office.remote.view.coming).index(name), WHOLE)
    await office.sync()
    arrive(world, r1)
    await r1.sync()
    await r1.replica.mark_for_sync(task.id)
    assert await status(r1, task.id) is ItemStatus.SENT
    arrive(world, office)
    await office.sync()
    arrive(world, r1)
    await r1.sync()
    assert await status(r1, task.id) is ItemStatus.RECEIVED


async def test_a_kind_that_goes_by_itself_is_received_with_its_last_edit(world, office, r1):
    """I30: what it was marked with once, and reset, says nothing of what was written since."""
    async with r1.replica.edit(Customer) as customer:
        customer.name = "Ada"
    await r1.replica.mark_for_sync(customer.id)
    await r1.replica.reset_sync(customer.id)
    for name in ("Ada Fields", "Ada Harper"):
        await world.settle()
        assert await status(r1, customer.id) is ItemStatus.RECEIVED
        async with r1.replica.edit(Customer, customer.id) as changed:
            changed.name = name
        assert await status(r1, customer.id) is ItemStatus.MARKED


async def test_marked_again_is_sent_with_what_asks_again(world, office, r1):
    """I30: that all of a document is in the folder says nothing of the request for its number."""
    document = await marked(r1)
    await r1.sync()
    await r1.replica.reset_sync(document)
    await r1.sync()
    await r1.replica.mark_for_sync(document)
    assert await status(r1, document) is ItemStatus.MARKED
    await r1.sync()
    assert await status(r1, document) is ItemStatus.SENT


async def test_marking_what_was_sent_before_is_marking(world, office, r1, r2):
    """I30: a document without a series that came from elsewhere, or was sent before, is not stuck when marked."""
    async with r1.replica.edit(Task) as task:
        task.title = "call Ada"
    await r1.replica.mark_for_sync(task.id)
    await world.settle()
    await r1.replica.reset_sync(task.id)
    await world.settle()
    for machine in (r1, r2, office):
        await machine.replica.mark_for_sync(task.id)
    await world.settle()
    for machine in (r1, r2, office):
        assert await status(machine, task.id) is ItemStatus.RECEIVED


@pytest.mark.parametrize("rounds", [0, 1, 2, 3, 4])
async def test_reset_at_each_status(world, office, r1, rounds):
    """F16, I24: a mark can be taken back at any time until the number is granted; it never makes a hole."""
    document, other = await marked(r1), await marked(r1, "Bob")
    if rounds >= 1:
        await r1.sync()
    if rounds >= 2:
        arrive(world, office)
        await office.steps(2)
    if rounds >= 3:
        await acknowledge_only(office)
        arrive(world, r1)
        await r1.sync()
    if rounds >= 4:
        await world.settle()
    assert await r1.replica.reset_sync(document) == (rounds < 4)
    assert await r1.replica.reset_sync(document) == 0
    assert await status(r1, document) is (ItemStatus.NUMBERED if rounds >= 4 else ItemStatus.DRAFT)
    await world.settle()
    assert await r1.customer(document) == "Ada"
    numbers = {await office.number(document), await office.number(other)}
    if 1 <= rounds < 4:
        # What the coordinator grants before it hears of the withdrawal is granted.
        assert await office.number(document) in (None, "Q-00001")
    await r1.replica.mark_for_sync(document)
    await world.settle()
    assert (
        {await office.number(document), await office.number(other)}
        == {"Q-00001", "Q-00002"}
        >= numbers - {None}
    )


async def test_reset_of_what_was_never_sent_leaves_no_trace(world, office, r1):
    """F16: a draft that was marked and reset before the next sync stays on its machine."""
    document = await marked(r1)
    await r1.replica.reset_sync(document)
    before = named(world.place.files, "s")
    await world.settle()
    assert named(world.place.files, "s") == before
    assert await office.rows("SELECT 1 FROM _requests") == []
    await r1.replica.mark_for_sync(document)
    await world.settle()
    assert await office.number(document) == "Q-00001"


async def test_marking_twice_is_marking_once(world, office, r1):
    """F5: a repeated mark asks for nothing new."""
    document = await marked(r1)
    assert await r1.replica.mark_for_sync(document) == 0
    await r1.sync()
    assert await r1.replica.mark_for_sync(document) == 0
    await world.settle()
    assert await r1.replica.mark_for_sync(document) == 0
    await world.settle()
    assert len(await office.replica.ledger()) == 1


async def test_lock_while_numbering(world, office):
    """Edits wait for the number if the application wants that; what happened is still recorded."""
    r1 = await world.add("R1", lock_while_numbering=True)
    await world.settle()
    document = await marked(r1)
    for _ in range(2):
        with pytest.raises(DocumentLockedError, match="waits for"):
            await r1.rename(document, "Bob")
        async with r1.replica.edit(Quote, document) as quote:
            quote.milestones.append("printed")
            quote.tags.add("vip")
        await r1.sync()
    await r1.replica.reset_sync(document)
    await r1.rename(document, "Cyd")
    await r1.replica.mark_for_sync(document)
    await world.settle()
    await r1.rename(document, "Dan")
    await world.settle()
    assert await office.customer(document) == "Dan"
    assert list((await office.replica.get(Quote, document)).milestones) == ["printed", "printed"]


async def test_what_never_gets_a_number_is_never_locked(world, office):
    """A customer goes to everyone by itself: while its first change was on its way, nobody could edit it."""
    r1 = await world.add("R1", lock_while_numbering=True)
    await world.settle()
    async with r1.replica.edit(Customer) as customer:
        customer.name = "Ada"
    async with r1.replica.edit(Task) as task:
        task.title = "call"
    await r1.replica.mark_for_sync(task.id)
    for name in ("Bob", "Cyd"):
        async with r1.replica.edit(Customer, customer.id) as draft:
            draft.name = name
        async with r1.replica.edit(Task, task.id) as draft:
            draft.title = name
        await r1.sync()
    await world.settle()
    assert (await office.replica.get(Customer, customer.id)).name == "Cyd"
    assert (await office.replica.get(Task, task.id)).title == "Cyd"


def request_for(document, serial=1, *, withdrawn=False):
    return NumberRequest(
        document=DocumentId(document),
        kind="quote",
        series="quotes",
        serial=serial,
        withdrawn=withdrawn,
        digest=bytes(16),
        reference="R9-0001",
        at_ms=1,
    )


async def test_request_for_a_document_that_is_not_here_waits(world, office, r1):
    """F5, F6: no number is given to what the coordinator has not seen."""
    document = derive_id("quote", "late")
    put_everywhere(world, *stranger_segment(office.session.folder, [], requests=[request_for(document)]))
    await world.settle()
    assert await office.replica.ledger() == []
    await r1.make("Ada", document)
    await r1.replica.mark_for_sync(document)
    await world.settle()
    (entry,) = await office.replica.ledger()
    assert entry.document == document


async def test_two_who_mark_one_document_get_one_number(world, office, r1, r2):
    """F18, I22: a document made apart under one derived id is one document with one number."""
    document = derive_id("sale", "of quote 7")
    for machine, customer in ((r1, "Ada"), (r2, "Bob")):
        await marked(machine, customer, document)
        await machine.sync()
    await world.settle()
    assert {await machine.number(document) for machine in (office, r1, r2)} == {"Q-00001"}
    assert len(await office.replica.ledger()) == 1
    assert len(await office.replica.conflicts(document)) == 1
    for machine in (r1, r2):
        assert await status(machine, document) is ItemStatus.NUMBERED


async def test_withdrawal_of_one_of_two_leaves_the_other(world, office, r1, r2):
    """F18: each replica's word counts for itself."""
    document = derive_id("sale", "of quote 8")
    await marked(r1, "Ada", document)
    await marked(r2, "Bob", document)
    await r1.replica.reset_sync(document)
    await world.settle()
    assert await office.number(document) == "Q-00001"


async def test_void_number_leaves_no_hole(world, office, r1):
    """I23, I25: a number is granted, or void for a reason, and never used again."""
    first = await marked(r1)
    await world.settle()
    await office.replica.void_number("quotes", "printed by mistake")
    await world.settle()
    await office.replica.void_number("quotes", "wrong customer", number=1)
    with pytest.raises(ValidationError, match="already"):
        await office.replica.void_number("quotes", "wrong customer", number=1)
    await world.settle()
    with pytest.raises(ValidationError, match="already"):
        await office.replica.void_number("quotes", "wrong customer", number=1)
    with pytest.raises(ValidationError, match="not been granted"):
        await office.replica.void_number("quotes", "some day", number=9)
    with pytest.raises(DocumentNotFoundError):
        await office.replica.void_number("cheques", "no such series")
    with pytest.raises(ValidationError):
        await office.replica.void_number("quotes", " ")
    with pytest.raises(UsageError):
        await r1.replica.void_number("quotes", "not mine to say")
    second = await marked(r1, "Bob")
    await world.settle()
    assert (await r1.number(first), await r1.number(second)) == ("Q-00001", "Q-00003")
    ledger = await r1.replica.ledger()
    assert [(item.number, item.outcome.value) for item in ledger] == [
        (1, "granted"),
        (2, "void"),
        (1, "void"),
        (3, "granted"),
    ]


async def test_two_coordinators_are_frozen(world, office, r1):
    """I21, I26, R6: two who give out numbers by mistake stop, say why, and nobody takes a duplicate."""
    second = await world.add("office2", "office")
    second.remote.view.files.update(world.place.files)
    second.remote.view.coming.clear()
    mine, theirs = await marked(office), await marked(second, "Bob")
    await office.sync()
    await second.sync()
    await world.settle()
    for machine in (office, second, r1):
        assert any(item.what == "fork" for item in await machine.quarantine()), machine.name
        texts = [entry.text for entry in await machine.replica.ledger()]
        assert texts == ["Q-00001"]
    await marked(r1, "Cyd")
    await r1.sync()
    arrive(world, office)
    report = await office.sync()
    assert any("no numbers are given out" in problem for problem in report.problems)
    await world.settle()
    assert [len(await machine.replica.ledger()) for machine in (office, second, r1)] == [1, 1, 1]
    assert {await r1.number(mine), await r1.number(theirs)} == {"Q-00001", None}


async def test_second_coordinator_is_noticed_before_it_grants(world, office, r1):
    """I26: one that takes in another's ledger stops before its first grant."""
    await marked(r1)
    await world.settle()
    second = await world.add("office2", "office")
    await world.settle()
    await marked(second, "Bob")
    await world.settle()
    ledger = await office.replica.ledger()
    assert [entry.text for entry in ledger] == ["Q-00001", "Q-00002"]
    assert await second.ledger() == await office.ledger()
    assert any("another replica" in item.reason for item in await second.quarantine())


async def copied(machine, directory):
    await machine.stop()
    shutil.copytree(machine.directory, directory)
    await machine.start()


async def put_back(machine, directory):
    await machine.stop()
    shutil.rmtree(machine.directory)
    shutil.copytree(directory, machine.directory)
    await machine.start()


async def restored_office(world, office, r1, tmp_path):
    """Put back an office's database from before two grants."""
    await marked(r1, "zero")
    await world.settle()
    await copied(office, tmp_path / "copy")
    given = [await marked(r1, "one"), await marked(r1, "two")]
    await world.settle()
    assert len(await office.replica.ledger()) == 3
    await put_back(office, tmp_path / "copy")
    assert len(await office.replica.ledger()) == 1
    return given


async def check_no_duplicates(world, machines):
    ledgers = [await machine.ledger() for machine in machines]
    assert all(ledger == ledgers[0] for ledger in ledgers)
    entries = await machines[0].replica.ledger()
    assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
    assert len({entry.document for entry in entries}) == len(entries)
    assert not [item for machine in machines for item in await machine.quarantine() if "ledger" in item.name]


async def test_restored_coordinator_takes_its_ledger_back_in(world, office, r1, tmp_path):
    """F8, H36, R5, R6: an older database first learns what it has granted."""
    first, second = await restored_office(world, office, r1, tmp_path)
    third = await marked(office, "three")
    await world.settle()
    assert [await r1.number(document) for document in (first, second, third)] == [
        "Q-00002",
        "Q-00003",
        "Q-00004",
    ]
    await check_no_duplicates(world, (office, r1))


@pytest.mark.parametrize("how", [PARTIAL, PLACEHOLDER, "damaged", "absent"])
async def test_restored_coordinator_waits_for_a_ledger_it_cannot_read(world, office, r1, tmp_path, how):
    """F7, F8, R5: while its own ledger is known to go on and cannot be read, it grants nothing, and says why."""
    await restored_office(world, office, r1, tmp_path)
    view = office.remote.view
    kept = {name: view.files[name] for name in named(view.files, "l", office.replica.id)}
    for name, data in kept.items():
        if how == PARTIAL:
            view.files[name] = data[:50]
        elif how == PLACEHOLDER:
            view.placeholders.add(name)
        elif how == "damaged":
            view.files[name] = data[:-1] + bytes([data[-1] ^ 1])
        else:
            del view.files[name]
    third = await marked(office, "three")
    report = await office.sync()
    assert report.granted == 0
    assert any("no numbers are given out" in problem for problem in report.problems)
    assert await office.number(third) is None
    view.files.update(kept)
    view.placeholders.clear()
    for _ in range(3):
        world.now_ms += HOUR_MS
        await world.settle()
    assert await r1.number(third) == "Q-00004"
    await check_no_duplicates(world, (office, r1))


async def test_restored_coordinator_learns_of_its_grants_from_peers(world, office, r1, tmp_path):
    """F7, F8, R5: its own files are gone from the folder as well; a peer's beacon shows that it has granted."""
    await restored_office(world, office, r1, tmp_path)
    for files in (office.remote.view.files, world.place.files, r1.remote.view.files):
        for name in [*named(files, "l", office.replica.id), *named(files, "b", office.replica.id)]:
            del files[name]
    third = await marked(office, "three")
    for _ in range(3):
        world.place.arrive_all()
        report = await office.sync()
        await r1.sync()
    assert await office.number(third) is None
    assert any("no numbers are given out" in problem for problem in report.problems)


async def test_restored_coordinator_publishes_what_it_took_back_in(world, office, r1, tmp_path):
    """H7, I11: what came back from the folder is kept, and put again when it vanishes."""
    await restored_office(world, office, r1, tmp_path)
    await world.settle()
    kept = {n: d for n, d in world.place.files.items() if n.startswith(office.replica.id) and "/b-" not in n}
    for name in kept:
        for files in (world.place.files, office.remote.view.files):
            del files[name]
    await world.settle()
    assert kept.items() <= world.place.files.items()


async def test_restored_workstation_takes_its_segments_back_in(world, office, r1, tmp_path):
    """H36, I7: an older database gets its own changes back, and goes on in a feed of its own."""
    document = await marked(r1)
    await world.settle()
    await copied(r1, tmp_path / "copy")
    await r1.rename(document, "lost and found")
    await world.settle()
    await put_back(r1, tmp_path / "copy")
    async with r1.replica.edit(Quote, document) as quote:
        quote.milestones.append("after the restore")
    await r1.sync()
    await world.settle()
    for machine in (office, r1):
        assert await machine.customer(document) == "lost and found"
        assert list((await machine.replica.get(Quote, document)).milestones) == ["after the restore"]
        assert await machine.recomputed() == await machine.replica.digests()
    assert await office.replica.digests() == await r1.replica.digests()
    feeds = {name.split("/")[1] for name in named(world.place.files, "s", r1.replica.id)}
    assert len(feeds) == 2
    for _ in range(3):
        await r1.rename(document, "again")
        await world.settle()
    assert await office.customer(document) == "again"
    beacons = named(world.place.files, "b", r1.replica.id)
    assert len(beacons) <= 2


async def test_restored_workstation_begins_a_new_feed_when_a_peer_has_more(world, office, r1, tmp_path):
    """H36: its segments are gone from the folder, and a peer's beacon shows that there were more."""
    document = await marked(r1)
    await world.settle()
    await copied(r1, tmp_path / "copy")
    await r1.rename(document, "lost")
    await world.settle()
    feed = (await r1.rows("SELECT feed FROM _remotes"))[0]
    await put_back(r1, tmp_path / "copy")
    for files in (r1.remote.view.files, world.place.files):
        for name in named(files, "s", r1.replica.id):
            del files[name]
    await r1.rename(document, "new")
    await world.settle()
    assert (await r1.rows("SELECT feed FROM _remotes"))[0] != feed


async def test_a_restored_office_declares_no_number_void_that_it_has_granted(world, office, r1, tmp_path):
    """H36, I21, I23: what is void is written after the folder was read, and once, however often it is put back."""
    await copied(office, tmp_path / "early")
    first = await marked(r1)
    await world.settle()
    await put_back(office, tmp_path / "early")
    await office.replica.void_number("quotes", "spoilt")
    await copied(office, tmp_path / "asked")
    await world.settle()
    expected = [(1, "granted", ""), (2, "void", "spoilt")]
    assert [(e.number, e.outcome.value, e.reason) for e in await r1.replica.ledger()] == expected
    assert await r1.number(first) == "Q-00001"
    await put_back(office, tmp_path / "asked")
    await world.settle()
    assert [(e.number, e.outcome.value, e.reason) for e in await office.replica.ledger()] == expected
    assert await office.rows("SELECT name FROM _quarantine WHERE name LIKE 'ledger%'") == []


async def test_every_number_that_is_to_be_void_is(world, office, r1):
    """I23: also those of one reason in one millisecond, or while the clock goes back."""
    await marked(r1)
    await marked(r1)
    await world.settle()
    for number in (1, 2, None, None):
        await office.replica.void_number("quotes", "burnt", number=number)
    with pytest.raises(ValidationError, match="Q-00003 is declared void with the next sync already"):
        await office.replica.void_number("quotes", "burnt", number=3)
    await world.settle()
    await office.replica.void_number("quotes", "burnt")
    await world.settle()
    world.now_ms -= 24 * HOUR_MS
    await office.replica.void_number("quotes", "burnt")
    await world.settle()
    voids = [entry.number for entry in await r1.replica.ledger() if entry.reason == "burnt"]
    assert voids == [1, 2, 3, 4, 5, 6]


async def test_a_number_that_nobody_had_is_not_taken_from_somebody(world, office, r1, tmp_path):
    """H36, I21: the next number of a restored database is somebody's, and who declares it void did not mean that."""
    await copied(office, tmp_path / "copy")
    document = await marked(r1)
    await world.settle()
    await put_back(office, tmp_path / "copy")
    await office.replica.void_number("quotes", "form 1 spoilt", number=1)
    report = await office.sync()
    assert "Q-00001 was granted before" in report.problems[-1]
    await world.settle()
    assert await r1.number(document) == "Q-00001"
    (found,) = [item for item in await office.replica.quarantine() if item.what == "void"]
    assert (found.name, "was granted" in found.reason) == ("quotes 1 form 1 spoilt", True)


async def test_a_restored_workstation_learns_of_its_mark_before_the_document(world, office, r1, r2, tmp_path):
    """H36: of the document of another only the request is there yet, and the rounds go on."""
    async with r2.replica.edit(Quote) as quote:
        quote.customer = "Ada"
    await r2.replica.mark_for_sync(quote.id)
    await copied(r1, tmp_path / "copy")
    await world.settle()
    await r1.rename(quote.id, "Ada Fields")
    await r1.replica.mark_for_sync(quote.id)
    await r1.sync()
    await put_back(r1, tmp_path / "copy")
    for name in [n for n in r1.remote.view.files if r2.replica.id in n]:
        del r1.remote.view.files[name]
        r1.remote.view.coming[name] = None
    await r1.sync()
    await world.settle()
    assert await r1.replica.digests() == await r2.replica.digests()


async def test_what_cannot_be_void_by_then_is_told(world, office, r1, tmp_path):
    """I23: a number that a restored database does not know to be void is not void twice."""
    await marked(r1)
    await world.settle()
    await copied(office, tmp_path / "copy")
    await office.replica.void_number("quotes", "spoilt", number=1)
    await world.settle()
    await put_back(office, tmp_path / "copy")
    await office.replica.void_number("quotes", "spoilt, I think", number=1)
    report = await office.sync()
    assert report.problems == ["a number is not declared void: The number Q-00001 is void already"]
    assert (await office.sync()).problems == []
    assert len(await office.replica.ledger()) == 2


async def test_marks_survive_a_restore(world, office, r1, tmp_path):
    """H36, I30: what was marked, reset and marked again around a restore ends as it was said last."""
    document = await r1.make()
    await world.settle()
    await copied(r1, tmp_path / "copy")
    await r1.replica.mark_for_sync(document)
    await r1.replica.reset_sync(document)
    await r1.replica.mark_for_sync(document)
    await r1.replica.reset_sync(document)
    world_office = office.remote.view
    await r1.sync()
    await world.settle()
    assert world_office.files
    await put_back(r1, tmp_path / "copy")
    await r1.replica.mark_for_sync(document)
    await world.settle()
    assert await r1.number(document) == "Q-00001"
    assert await status(r1, document) is ItemStatus.NUMBERED


async def test_mark_that_a_restore_forgot_comes_back(world, office, r1, tmp_path):
    """H36: a mark that was published before the restore is a mark again."""
    document = await r1.make()
    await copied(r1, tmp_path / "copy")
    await r1.replica.mark_for_sync(document)
    await r1.sync()
    await put_back(r1, tmp_path / "copy")
    await r1.sync()
    assert await status(r1, document) is ItemStatus.SENT


async def test_backlog_is_published_before_more_is_granted(world, office, r1):
    """F3, R3: while a ledger file is not in the folder no further number is given."""
    await marked(r1)
    await r1.sync()
    arrive(world, office)
    office.remote.fail(0)
    real_put = office.remote.put

    async def full(name, data):
        raise RemoteFullError("no space")

    office.remote.put = full
    for _ in range(2):
        with pytest.raises(RemoteFullError):
            await office.sync()
        await marked(office, "more")
    assert len(await office.replica.ledger()) == 1
    office.remote.put = real_put
    await world.settle()
    assert len(await r1.replica.ledger()) == 3
    await check_no_duplicates(world, (office, r1))


@pytest.mark.parametrize("lost", [0, 1, 2])
async def test_lost_ledger_file_makes_no_hole(world, office, r1, r2, lost):
    """F6, F20, R4: a ledger file that never arrives is made up for by the next one, or asked for."""
    documents = []
    for _ in range(3):
        documents.append(await marked(office))
        await office.sync()
    names = named(office.remote.view.files, "l", office.replica.id)
    r2.remote.view.coming.pop(names[lost])
    arrive(world, r2)
    for machine in (r2, office, r2):
        await machine.sync()
        world.now_ms += 2 * MINUTE_MS
        world.place.arrive_all()
    await office.sync()
    world.place.arrive_all()
    await r2.sync()
    assert await r2.ledger() == await office.ledger()


async def test_damaged_ledger_file_is_asked_for(world, office, r1):
    """F4, F6: a workstation that cannot read the ledger gets another copy of it."""
    document = await marked(r1)
    await r1.sync()
    arrive(world, office)
    await office.sync()
    arrive(world, r1)
    (name,) = named(r1.remote.view.files, "l", office.replica.id)
    r1.remote.view.files[name] = r1.remote.view.files[name][:-1] + b"x"
    await r1.sync()
    assert await r1.number(document) is None
    world.now_ms += 2 * MINUTE_MS
    await world.settle()
    assert await r1.number(document) == "Q-00001"
    assert await r1.quarantine() == []


async def test_clock_before_1970_stops_nothing(world, office):
    """H41: no clock can make a replica unable to publish."""
    r1 = await world.add("R1", offset_ms=-2 * NOW_MS)
    await world.settle()
    document = await marked(r1)
    await world.settle()
    assert await r1.number(document) == "Q-00001"
    assert await office.customer(document) == "Ada"


async def test_clock_beyond_all_dates_stops_nothing(world):
    """H41: likewise a clock of the year 300,000, at the coordinator's of all places."""
    await world.add("office", "office", offset_ms=2**53)
    r1 = await world.add("R1")
    document = await marked(r1)
    await world.settle()
    assert await r1.number(document) == "Q-00001"


async def test_receipts_say_who_has_how_much(world, office, r1, r2):
    """I29: per replica, how much of a document it is known to have."""
    document = await marked(r1)
    assert [receipt.have for receipt in await r1.replica.receipts(document)] == [0, 0]
    await world.settle()
    await r1.rename(document, "Bob")
    await r1.sync()
    arrive(world, office)
    await office.sync()
    arrive(world, r1)
    await r1.sync()
    found = {
        receipt.name: (receipt.have, receipt.total, receipt.is_complete)
        for receipt in await r1.replica.receipts(document)
    }
    assert found == {"office": (2, 2, True), "R2": (1, 2, False)}


async def test_requester_is_not_a_watcher_of_shared_kinds(world, office, r1, r2):
    """Kinds that go to everyone need no mark."""
    async with r1.replica.edit(Customer) as customer:
        customer.name = "Ada"
    await world.settle()
    assert (await r2.replica.get(Customer, customer.id)).name == "Ada"
    assert STRANGER not in {peer.replica for peer in await r2.replica.peers()}


async def test_series_that_print_alike_are_refused(world, office, r1):
    """I21: a pattern set later is looked at like one that was declared, in whatever case."""
    for pattern in ("Q-{number:05d}", "q-{number}"):
        with pytest.raises(SchemaError, match="could print the same number"):
            await office.replica.define_series(Series("others", pattern))
    await office.replica.define_series(Series("others", "X-{number}"))
    with pytest.raises(SchemaError, match="could print the same number"):
        await office.replica.define_series(Series("quotes", "x-{number}"))


async def test_number_that_was_printed_before_stops_nothing_else(world, office, r1):
    """I21, I30: a pattern that was changed back and forth holds up its own series alone, and says so."""
    await office.replica.define_series(Series("quotes", "Q-1{number}", start=1))
    first = await marked(r1)
    await world.settle()
    assert await office.number(first) == "Q-11"
    await office.replica.define_series(Series("quotes", "Q-{number}"))
    before = [await marked(r1) for _ in range(9)]
    async with r1.replica.edit(Task) as task:
        task.title = "call Ada"
    await r1.replica.mark_for_sync(task.id)
    last = await marked(r1)
    await r1.sync()
    arrive(world, office)
    report = await office.sync()
    assert report.problems == ["a number is not given out: the series quotes would print Q-11 again"]
    assert await office.number(before[-1]) == "Q-10"
    assert await office.number(last) is None
    assert (await office.replica.get(Task, task.id)).title == "call Ada"
    await office.replica.void_number("quotes", "printed before")
    await office.sync()
    assert await office.number(last) == "Q-12"


async def test_series_at_its_end_stops_nothing_else(world, office, r1):
    """I30: what is beyond the last number that can be written waits, and the rounds go on."""
    await office.replica.define_series(Series("quotes", start=2**53 - 1))
    one, two = await marked(r1), await marked(r1)
    await world.settle()
    assert [await r1.number(one), await r1.number(two)] == [str(2**53 - 1), None]


async def test_one_number_too_many_that_is_void_stops_nothing_else(world, office, r1):
    """I23, I30: of two numbers that are to be void only one is left, and the rounds go on."""
    await office.replica.define_series(Series("quotes", start=2**53 - 1))
    for reason in ("one", "two"):
        await office.replica.void_number("quotes", reason)
    report = await office.sync()
    (problem,) = report.problems
    assert problem.startswith("a number is not declared void: ")
    assert [entry.reason for entry in await office.replica.ledger()] == ["one"]
    with pytest.raises(ValidationError):
        await office.replica.void_number("quotes", "three")
    assert (await office.sync()).problems == []


async def test_reference_numbers_go_on_after_a_restore(world, office, r1):
    """H36: a restored workstation gives no reference number again that it finds on what came back."""
    await r1.back_up()
    before = [await marked(r1) for _ in range(2)]
    await world.settle()
    await r1.restore()
    await world.settle()
    new = await r1.make("Bob")
    for number, document in enumerate([*before, new], 1):
        assert [found.id for found in await r1.replica.find_number(f"R1-{number:04d}")] == [document]
