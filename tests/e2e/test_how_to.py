"""What docs/how-to-two-machines.md lets an office's helper do works, and the errors it explains are ours."""

import asyncio
import errno
import itertools
import re
import shutil
import threading

import pytest
from crdtsync_folder import FolderRemote, failures
from crdtsync_folder.remote import TIMEOUT_S
from crdtsync_folder.threads import Threads

import crdtsync
from crdtsync import Document, Series
from crdtsync.errors import CrdtSyncError, RemoteFileNotLocalError, RemoteUnavailableError, SyncBusyError
from tests.e2e.printed import ROOT, blocks_of, run, without_chance

PAGE = "docs/how-to-two-machines.md"
TEXT = (ROOT / PAGE).read_text(encoding="utf-8")
WORKSTATION = "4. On each workstation"


@pytest.fixture
def homes(tmp_path):
    """The home of each of two machines; a service that is always in time joins their folders."""
    shared = tmp_path / "service"
    (shared / "sales").mkdir(parents=True)
    found = {name: tmp_path / name for name in ("office", "workstation")}
    for home in found.values():
        home.mkdir()
        (home / "Dropbox").symlink_to(shared, target_is_directory=True)
    return found


@pytest.mark.slow
def test_two_machines_do_as_the_page_says(homes):
    said = ""
    for block in blocks_of(PAGE):
        home = homes["workstation" if block.heading == WORKSTATION else "office"]
        if block.language == "sh":
            said = "".join(run(line, home, PYTHONPATH=str(ROOT)) for line in block.text.splitlines())
            said = said.replace(str(home), "~")
        else:
            assert same(said) == same(block.text), (block.heading, said)


def same(text):
    return re.sub(r"\d+ bytes", "N bytes", without_chance(text))


@pytest.mark.slow
async def test_every_error_it_explains_is_what_the_library_says(tmp_path):
    said = "\n".join([text async for text in provoked(tmp_path)])
    explained = [re.findall("`(.*?)`", cell) for cell in re.findall(r"^\| (`.*?) \|", TEXT, re.MULTILINE)]
    assert len(explained) > 12
    for message in itertools.chain(*explained):
        pattern = re.escape(message).replace("3\\ days\\ ago", "just now")
        pattern = re.sub(r"\b(folder:PATH|PATH|NAME|ID|HQ)\b", r"\\S+", pattern)
        assert re.search(pattern, said), (message, said)


class Quote(Document, kind="quote", series=Series("quotes", "Q-{number:05d}")):
    customer: str


async def provoked(tmp_path):
    """Do what goes wrong in offices; yield what is said."""
    folder, other = tmp_path / "sales", tmp_path / "other"
    folder.mkdir()
    other.mkdir()
    address = f"folder:{folder}"

    def opened(directory, name=None, role="roaming"):
        return crdtsync.open_replica(tmp_path / directory, name=name, role=name and role, kinds=[Quote])

    async def refusal(directory, *to, name=None):
        with pytest.raises(CrdtSyncError) as refused:
            async with opened(directory, name) as replica:
                await replica.sync(*to)
        return str(refused.value)

    async def sell_and_sync(replica):
        async with replica.edit(Quote) as quote:
            quote.customer = "Ada"
        await replica.mark_for_sync(quote.id)
        await replica.sync(address)

    yield await refusal("R1", address, name="R1")  # not set up
    async with opened("HQ", "HQ", "office") as office, opened("R1") as workstation:
        await office.sync(address)
        yield await refusal("sales/R9", name="R9")  # in a synced folder
        yield await refusal("other/R9", f"folder:{other}", name="R9")  # in what shall be one
        await sell_and_sync(workstation)
        await office.sync(address)
        await sell_and_sync(workstation)
        yield "\n".join(item.state.why_waiting for item in await workstation.items())

        async with office.syncing(address) as state:
            while not state.rounds:
                await asyncio.sleep(0)
            with pytest.raises(SyncBusyError) as refused:
                await office.sync(address)
            yield str(refused.value)

    shutil.copytree(tmp_path / "R1", tmp_path / "copy")
    for directory, name, role in (
        ("R1", None, None),
        ("copy", None, None),
        ("R1", None, None),
        ("twin", "R1", "roaming"),
        ("second", "HQ2", "office"),
        ("HQ", None, None),
        ("second", None, None),
        ("HQ", None, None),
        ("R1", None, None),
    ):
        async with opened(directory, name, role) as replica:
            await sell_and_sync(replica)
            yield "\n".join(item.reason for item in await replica.quarantine())

    [marker] = folder.glob("folder-*")
    marker.rename(tmp_path / "kept")
    yield await refusal("R1", address)  # no marker
    yield await refusal("late", address, name="R7")  # still being filled
    (tmp_path / "kept").rename(marker)
    async with opened("others", "HQ", "office") as replica:
        await replica.sync(f"folder:{other}")
    yield await refusal("R1", f"folder:{other}")  # a wrong path
    (tmp_path / "empty").mkdir()
    yield await refusal("HQ", f"folder:{tmp_path / 'empty'}")
    [foreign] = other.glob("folder-*")
    shutil.copy(foreign, folder)
    yield await refusal("R1", address)  # of another group
    yield await refusal("late", address)  # two markers
    folder.rename(tmp_path / "gone")
    yield await refusal("R1", address)

    # What no test can make happen everywhere.
    yield str(failures.write_failure(OSError(errno.ENOSPC, "full"), "writing a"))
    yield str(failures.write_failure(OSError(errno.EACCES, "denied"), "writing a"))
    yield str(failures.read_failure(OSError(errno.EDEADLK, "dataless"), "reading a"))
    yield await what_a_placeholder_says(other)
    yield await what_a_stalled_drive_says()


async def what_a_placeholder_says(folder):
    stub = folder / ".a.crdts.icloud"
    stub.write_bytes(b"")
    async with FolderRemote(folder) as remote:
        with pytest.raises(RemoteFileNotLocalError) as refused:
            await remote.get("a.crdts", bytes_max=10)
    return str(refused.value)


async def what_a_stalled_drive_says():
    stalled = threading.Event()
    threads = Threads(timeout_s=0.01)
    with pytest.raises(RemoteUnavailableError) as refused:
        await threads.run(stalled.wait, doing="listing it")
    stalled.set()
    return str(refused.value).replace("0.01", f"{TIMEOUT_S:g}")
