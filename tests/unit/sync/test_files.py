"""Goal: whatever a service does to files, nothing is lost, nothing false is concluded, and the rest goes on.

Method: an office and a workstation share a place; a test then changes files, or one machine's view of them.
"""

import struct
from pathlib import Path

import pytest

from crdtsync.errors import MarkerConflictError, MarkerMissingError
from crdtsync.protocol.files import MAGIC
from crdtsync.protocol.ids import FolderId
from crdtsync.protocol.marker import Marker, encode_marker_file
from crdtsync.protocol.names import marker_name
from crdtsync.sync.report import SyncReport
from tests.unit.sync.place import COPY, PARTIAL, PLACEHOLDER, WHOLE, ZEROS

from .helpers import STRANGER, named, put_everywhere, stranger_segment

MINUTE_MS = 60_000


async def wants(machine):
    return await machine.rows("SELECT count(*) FROM _segments WHERE applied_ms IS NULL")


async def shared_quote(r1, customer="Ada"):
    document = await r1.make(customer)
    await r1.replica.mark_for_sync(document)
    return document


async def three_segments(r1):
    document = await shared_quote(r1)
    await r1.sync()
    for customer in ("Bob", "Cyd"):
        await r1.rename(document, customer)
        await r1.sync()
    return document, named(r1.remote.view.files, "s", r1.replica.id)


def let(world, machine, name, how=WHOLE):
    """Let one file arrive at a machine."""
    world.place.arrive(machine.name, list(machine.remote.view.coming).index(name), how)


async def test_gap_waits_and_is_announced(world, office, r1):
    """H2, H48, I6: what lies beyond a gap in a feed waits, and its owner is told what is missing."""
    document, (first, second, third) = await three_segments(r1)
    let(world, office, first)
    let(world, office, third)
    await office.sync()
    assert await office.customer(document) == "Ada"
    assert (await office.replica.remotes())[0].inbox == 1
    world.place.arrive_all()
    for name in (second,):
        r1.remote.view.files.pop(name, None)
    await r1.sync()
    await office.restart()
    await office.sync()
    assert await office.customer(document) == "Cyd"


async def test_owner_answers_a_want_with_a_copy(world, office, r1):
    """H7: what never arrives at one machine, and does not vanish for its owner, is put once more."""
    document, (first, second, third) = await three_segments(r1)
    for name in (first, third):
        let(world, office, name)
    await office.sync()
    office.remote.view.coming.pop(second)
    world.now_ms += 2 * MINUTE_MS
    world.place.arrive_all()
    await r1.sync()
    copies = [name for name in named(r1.remote.view.files, "s", r1.replica.id) if "-r1" in name]
    assert len(copies) == 1
    assert r1.remote.view.files[copies[0]] == r1.remote.view.files[second]
    let(world, office, copies[0])
    await office.sync()
    assert await office.customer(document) == "Cyd"


async def test_want_is_answered_by_the_owner_after_a_restart(world, office, r1):
    """H7, H32: a want that was read is not forgotten when the owner stops before it answers."""
    document, (first, second, third) = await three_segments(r1)
    for name in (first, third):
        let(world, office, name)
    await office.sync()
    office.remote.view.coming.pop(second)
    world.now_ms += 2 * MINUTE_MS
    world.place.arrive_all()
    await r1.steps(1)
    await r1.restart()
    await world.settle()
    assert await office.customer(document) == "Cyd"


async def test_last_segment_that_never_arrives_is_asked_for(world, office, r1, r2):
    """H7: nothing after it shows the gap; the beacons of those who have it do."""
    document, (first, second, third) = await three_segments(r1)
    office.remote.view.coming.pop(third)
    await world.settle()
    assert await office.customer(document) == "Cyd"


async def test_beacon_that_is_lost_is_made_up_for_in_a_day(world, office, r1):
    """H7: a want whose beacon never arrives is said again with the next heartbeat."""
    document, (first, second, third) = await three_segments(r1)
    office.remote.view.coming.pop(second)
    world.place.arrive_all()
    await office.sync()
    for name in named(r1.remote.view.coming, "b", office.replica.id):
        r1.remote.view.coming.pop(name)
    await world.settle()
    assert await office.customer(document) == "Ada"
    world.now_ms += 24 * 60 * MINUTE_MS
    await world.settle()
    assert await office.customer(document) == "Cyd"


async def test_want_for_what_is_on_its_way_is_not_answered_at_once(world, office, r1):
    """H1, I32: files that overtake each other make no copies."""
    _, (first, second, third) = await three_segments(r1)
    for name in (first, third):
        let(world, office, name)
    await office.sync()
    world.place.arrive_all()
    await r1.sync()
    await world.settle()
    assert not [name for name in world.place.files if "-r1" in name]


@pytest.mark.parametrize(
    "new_name",
    [
        "{stem} (conflicted copy 2024-05-06).crdts",
        "{stem}-LAPTOP.crdts",
        "{stem}.sync-conflict-20240506-101112-ABCDEFG.crdts",
        "{stem} 2.crdts",
        "{stem} (1).crdts",
        "{stem}.crdts (1)",
        "moved/elsewhere.crdts",
        "NEW FOLDER/X.CRDTS",
    ],
)
@pytest.mark.parametrize("keeps_old", [True, False])
async def test_copy_or_moved_file_is_read(world, office, r1, new_name, keeps_old):
    """H3, H4, H18, H21, I5: a second name changes nothing, another name is as good as the right one."""
    document = await shared_quote(r1)
    await r1.sync()
    world.place.arrive_all()
    view = office.remote.view.files
    (name,) = named(view, "s", r1.replica.id)
    view[new_name.format(stem=name.removesuffix(".crdts"))] = view[name]
    if not keeps_old:
        del view[name]
    await office.sync()
    assert await office.customer(document) == "Ada"
    assert len(await office.replica.history(document)) == 1
    assert await office.quarantine() == []


async def test_vanished_own_file_is_published_again(world, office, r1):
    """H7, I8, I11: the owner puts what vanished again, byte for byte, under its name."""
    await shared_quote(r1)
    await world.settle()
    mine = {n: d for n, d in world.place.files.items() if n.startswith(r1.replica.id)}
    for name in mine:
        del world.place.files[name], r1.remote.view.files[name]
    await r1.sync()
    assert {n: d for n, d in world.place.files.items() if n.startswith(r1.replica.id)} == mine


async def test_emptied_folder_stops_everything_and_nothing_is_lost(world, office, r1):
    """H12, I10: without its marker the folder is not ours; when it is back all goes on."""
    document = await shared_quote(r1)
    await world.settle()
    kept = dict(world.place.files)
    for view in world.place.views.values():
        view.files.clear()
    world.place.files.clear()
    for machine in (office, r1):
        with pytest.raises(MarkerMissingError):
            await machine.sync(fresh=True)
    await r1.rename(document, "Bob")
    with pytest.raises(MarkerMissingError):
        await r1.sync()
    assert world.place.files == {}
    assert await office.customer(document) == "Ada"
    for name, data in kept.items():
        put_everywhere(world, name, data)
    await world.settle()
    assert await office.customer(document) == "Bob"


async def test_marker_put_back_by_hand_brings_everything_back(world, office, r1):
    """H10, H58: a person puts the marker back; every owner then publishes what was there."""
    document = await shared_quote(r1)
    await world.settle()
    kept = dict(world.place.files)
    for view in world.place.views.values():
        view.files.clear()
    world.place.files.clear()
    office.session = None
    from crdtsync.sync.session import open_session

    office.session = await open_session(office.workspace, office.remote, create_folder=True)
    await world.settle()
    assert set(kept) <= set(world.place.files)
    r3 = await world.add("R3")
    await world.settle()
    assert await r3.customer(document) == "Ada"


def other_marker():
    folder = FolderId("bbbbbbbbbbbbbbbbbbbbbbbbbe")
    return marker_name(folder), encode_marker_file(Marker(folder, STRANGER, 0, "other"))


async def test_marker_of_another_folder_stops_the_sync(world, office, r1):
    """H12: another folder in the same place is not ours."""
    document = await shared_quote(r1)
    name, data = other_marker()
    files = r1.remote.view.files
    kept = dict(files)
    files.clear()
    files[name] = data
    with pytest.raises(MarkerConflictError):
        await r1.sync()
    assert files == {name: data}
    files.clear()
    files.update(kept)
    await world.settle()
    assert await office.customer(document) == "Ada"


async def test_two_markers_stop_the_sync(world, office, r1):
    """H12: two folders in one place are for a person to sort out; nothing is written meanwhile."""
    await shared_quote(r1)
    name, data = other_marker()
    r1.remote.view.files[name] = data
    before = dict(r1.remote.view.files)
    with pytest.raises(MarkerConflictError):
        await r1.sync()
    assert r1.remote.view.files == before
    newcomer = await world.add("R7")
    newcomer.remote.view.files.update(before)
    with pytest.raises(MarkerConflictError):
        await newcomer.sync()


async def test_renamed_marker_is_found_by_its_content(world, office, r1):
    """H18: the marker's name is a hint like any other."""
    document = await shared_quote(r1)
    files = r1.remote.view.files
    (name,) = [name for name in files if name.startswith("folder-")]
    files["Folder (1).crdts"] = files.pop(name)
    await r1.sync()
    await world.settle()
    assert await office.customer(document) == "Ada"


@pytest.mark.parametrize("content", [b"", MAGIC, b"\0" * 150, b"garbage"])
async def test_marker_that_is_not_whole_is_waited_for(world, office, r1, content):
    """H5: half a marker is no marker, and no reason to set up another folder."""
    (name,) = [name for name in world.place.files if name.startswith("folder-")]
    for machine in (await world.add("R5"), await world.add("office2", "office", coordinator=False)):
        machine.remote.view.files[name] = content
        with pytest.raises(MarkerMissingError):
            await machine.sync()
        assert machine.remote.view.files == {name: content}
        machine.remote.view.files[name] = world.place.files[name]
        await machine.sync()


async def test_files_of_another_folder_are_ignored(world, office, r1):
    """H12, H62: a valid file that belongs to another folder has no effect."""
    name, data = stranger_segment(FolderId("bbbbbbbbbbbbbbbbbbbbbbbbbe"), [])
    put_everywhere(world, name, data)
    await world.settle()
    assert await office.quarantine() == []
    assert await office.rows("SELECT 1 FROM _segments WHERE owner = ?", STRANGER) == []


async def test_foreign_and_temporary_files_are_ignored(world, office, r1):
    """H29, H30: what others leave in the folder is not ours and not touched."""
    document = await shared_quote(r1)
    strange = [
        ".DS_Store",
        "desktop.ini",
        "Icon\r",
        ".stversions/x/s-00000001-0123456789.crdts",
        "~cs-1234.crdts",
        ".syncthing.s-00000001-0123456789.crdts.tmp",
        "s-00000001-0123456789.crdts.part",
        "~$x.crdts",
        "notes.txt",
        "a note.crdts",
        "x" * 300 + ".crdts",
        "../escape.crdts",
        "con.crdts:stream",
    ]
    for name in strange:
        put_everywhere(world, name, b"not ours")
    await world.settle()
    assert await office.customer(document) == "Ada"
    assert await office.quarantine() == []
    assert all(world.place.files[name] == b"not ours" for name in strange)


@pytest.mark.parametrize("how", [PARTIAL, ZEROS, "empty", "magic"])
async def test_partial_file_is_tried_again_and_then_accepted(world, office, r1, how):
    """H5: a file that is still arriving is not damaged, only not yet here."""
    document = await shared_quote(r1)
    await r1.sync()
    (name,) = named(r1.remote.view.files, "s", r1.replica.id)
    if how in (PARTIAL, ZEROS):
        let(world, office, name, how)
    else:
        office.remote.view.files[name] = b"" if how == "empty" else MAGIC
    report = await office.sync()
    assert len(report.problems) == 1
    assert (await office.quarantine())[0].waiting_helps
    world.place.arrive_all()
    for _ in range(3):
        await office.sync()
    assert await office.customer(document) == "Ada"
    assert await office.quarantine() == []


async def test_file_that_stays_partial_is_asked_for_again(world, office, r1):
    """H5: an upload that was cut short for ever is put once more, also when each round is a process of its own."""
    document = await shared_quote(r1)
    await r1.sync()
    (name,) = named(r1.remote.view.files, "s", r1.replica.id)
    let(world, office, name, PARTIAL)
    office.remote.view.coming.pop(name)
    for _ in range(8):
        await office.sync(fresh=True)
        world.now_ms += 10 * MINUTE_MS
        world.place.arrive_all()
        await r1.sync(fresh=True)
    world.place.arrive_all()
    await office.sync(fresh=True)
    assert await office.customer(document) == "Ada"
    assert await office.quarantine() == []


async def test_damaged_file_is_quarantined_and_a_copy_accepted(world, office, r1, r2):
    """H6: what is not what its writer wrote is listed with its reason; the others go on; a good copy heals it."""
    document, other = await shared_quote(r1), await shared_quote(r2, "Rut")
    await r1.sync()
    await r2.sync()
    world.place.arrive_all()
    view = office.remote.view.files
    (name,) = named(view, "s", r1.replica.id)
    view[name] = view[name][:100] + bytes([view[name][100] ^ 1]) + view[name][101:]
    report = await office.sync()
    assert await office.customer(other) == "Rut"
    (item,) = await office.quarantine()
    assert (item.what, item.name) == ("file", name)
    assert "hash" in item.reason
    assert report.problems
    world.now_ms += 2 * MINUTE_MS
    await world.settle()
    assert await office.customer(document) == "Ada"
    assert await office.quarantine() == []


async def test_every_flipped_byte_is_refused(world, office, r1):
    """H6, I3: no byte of a damaged file has an effect."""
    document = await shared_quote(r1)
    await r1.sync()
    (name,) = named(r1.remote.view.files, "s", r1.replica.id)
    data = r1.remote.view.files[name]
    for place in range(0, len(data), 7):
        office.remote.view.files[name] = data[:place] + bytes([data[place] ^ 0x55]) + data[place + 1 :]
        await office.sync(fresh=True)
        assert await office.rows("SELECT 1 FROM _documents") == []
        assert await office.rows("SELECT 1 FROM _segments WHERE owner = ?", r1.replica.id) == []
    office.remote.view.files[name] = data
    await office.sync(fresh=True)
    assert await office.customer(document) == "Ada"


async def test_misdirected_file_is_read_as_what_it_is(world, office, r1):
    """H6: a whole file under the name of another one is itself; the one whose name it took is asked for."""
    document, (first, second, third) = await three_segments(r1)
    world.place.arrive_all()
    view = office.remote.view.files
    view[second] = view[first]
    await office.sync()
    assert await office.customer(document) == "Ada"
    world.now_ms += 2 * MINUTE_MS
    await world.settle()
    assert await office.customer(document) == "Cyd"


def newer(data):
    """Return a file as a later version might write it: whole, with a version we do not know."""
    from hashlib import blake2b

    body = data[:8] + struct.pack("<H", 2) + data[10:-32]
    return body + blake2b(body, digest_size=32).digest()


async def test_newer_file_is_parked_and_read_after_an_update(world, office, r1, monkeypatch):
    """H42: a file of a later version is neither lost nor asked for again; an updated program reads it."""
    document = await shared_quote(r1)
    await r1.sync()
    (name,) = named(r1.remote.view.files, "s", r1.replica.id)
    office.remote.view.files[name] = newer(r1.remote.view.files[name])
    office.remote.view.coming.pop(name)
    report = await office.sync()
    (item,) = await office.quarantine()
    assert "version 2" in item.reason
    assert report.problems
    for _ in range(4):
        world.now_ms += 10 * MINUTE_MS
        world.place.arrive_all()
        await r1.sync()
        await office.sync()
    assert not [n for n in world.place.files if "-r1" in n]
    assert await office.rows("SELECT 1 FROM _documents") == []
    monkeypatch.setattr("crdtsync.protocol.files.FORMAT_VERSION", 2)
    await office.restart()
    await office.sync()
    assert await office.customer(document) == "Ada"
    assert await office.quarantine() == []


async def test_placeholder_is_counted_and_read_later(world, office, r1):
    """H14: a file whose content is not on this machine is waited for, and is no gap."""
    document = await shared_quote(r1)
    await r1.sync()
    (name,) = named(r1.remote.view.files, "s", r1.replica.id)
    let(world, office, name, PLACEHOLDER)
    report = await office.sync()
    assert report.not_local == 1
    assert report.problems == []
    let(world, office, name, WHOLE)
    await office.sync()
    assert await office.customer(document) == "Ada"


@pytest.mark.parametrize("change", [lambda d: d + b"x", lambda d: d[:-1], lambda d: b""])
async def test_own_file_of_another_size_gets_a_copy(world, office, r1, change):
    """H6, H25: the owner sees that its file is not what it put, and puts it beside it."""
    document = await shared_quote(r1)
    await r1.sync()
    (name,) = named(r1.remote.view.files, "s", r1.replica.id)
    for files in (world.place.files, r1.remote.view.files, world.place.ever):
        files[name] = change(files[name])
    await r1.sync()
    await world.settle()
    assert await office.customer(document) == "Ada"
    assert len(named(world.place.files, "s", r1.replica.id)) == 2
    assert await r1.quarantine() == []


async def test_own_names_that_are_taken_are_gone_around(world, office, r1):
    """H6, H17: garbage under the name of a file and of its first copies stops nothing."""
    document = await shared_quote(r1)
    await r1.try_steps(5, fail_at=2)
    row = await r1.rows("SELECT name FROM _own_files WHERE type = 'segment'")
    stem = row[0][0].removesuffix(".crdts")
    for name in (f"{stem}.crdts", f"{stem}-r1.crdts", f"{stem}-r2.crdts"):
        put_everywhere(world, name, b"garbage")
    await r1.sync()
    await world.settle()
    assert await office.customer(document) == "Ada"


async def test_own_file_that_became_a_placeholder_before_it_was_noted(world, office, r1):
    """H15, H32: put, not noted, then no longer on this machine: it is put beside it and all goes on."""
    document = await shared_quote(r1)
    await r1.try_steps(5, fail_at=2, late=True)
    (name,) = named(r1.remote.view.files, "s", r1.replica.id)
    r1.remote.view.placeholders.add(name)
    await r1.sync()
    await world.settle()
    assert await office.customer(document) == "Ada"


async def test_deleted_beacon_that_comes_back_is_known(world, office, r1):
    """H8, H9: an old file that returns changes nothing, and its owner deletes it again."""
    old = {name: data for name, data in world.place.files.items() if "/b-" in name}
    document = await shared_quote(r1)
    await world.settle()
    await r1.rename(document, "Bob")
    await world.settle()
    gone = set(old) - set(world.place.files)
    assert gone
    for name in gone:
        put_everywhere(world, name, old[name])
    before = {name: data for name, data in world.place.files.items() if name not in gone}
    for machine in (office, r1):
        await machine.sync(fresh=True)
    assert world.place.files == before
    assert await r1.quarantine() == await office.quarantine() == []


async def test_report_says_what_a_round_did(world, office, r1):
    """I29: a round with nothing to do is idle."""
    await shared_quote(r1)
    report = await r1.sync()
    assert report.published_files == 2
    await world.settle()
    report = await r1.sync()
    assert report.is_idle
    assert report == SyncReport()
    assert Path(r1.directory).is_dir()
    assert COPY
