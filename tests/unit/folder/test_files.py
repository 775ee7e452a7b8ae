"""Put, get and delete in one folder, with each call of the operating system failing in turn."""

import asyncio
import contextlib
import errno
import os
import stat
import threading
from types import SimpleNamespace

import pytest
from crdtsync_folder import FolderRemote
from crdtsync_folder.disk import Disk
from crdtsync_folder.placeholders import is_placeholder, is_real_directory, is_real_file

from crdtsync.errors import (
    RemoteFileExistsError,
    RemoteFileMissingError,
    RemoteFileNotLocalError,
    RemoteFileTooLargeError,
    RemoteFullError,
    RemoteReadOnlyError,
    RemoteUnavailableError,
    UsageError,
)


def os_error(code, winerror=None):
    error = OSError(code, os.strerror(code))
    if winerror is not None:
        error.winerror = winerror
    return error


class Failing:
    """A call that raises `error` the first `times` times, and then does what it should."""

    def __init__(self, error, then, *, times=10**9):
        self.error, self.then, self.left = error, then, times

    def __call__(self, *arguments):
        if self.left:
            self.left -= 1
            raise self.error
        return self.then(*arguments)


def names_in(root):
    return sorted(str(path.relative_to(root)) for path in root.rglob("*") if not path.is_dir())


def exclusive_open(failing):
    """Fail where a temporary file is opened, and not where one is read."""
    return lambda path, flags, mode: (failing if flags & os.O_EXCL else os.open)(path, flags, mode)


WRITE_CALLS = {
    "open": lambda error: {"open": exclusive_open(Failing(error, os.open))},
    "write": lambda error: {"write": Failing(error, os.write)},
    "sync_file": lambda error: {"sync_file": Failing(error, os.fsync)},
    "mkdir": lambda error: {"mkdir": Failing(error, os.mkdir)},
    "link and rename": lambda error: {"link": Failing(error, os.link), "rename": Failing(error, os.rename)},
    "rename": lambda error: {"link": None, "rename": Failing(error, os.rename)},
}


@pytest.mark.parametrize("call", WRITE_CALLS)
@pytest.mark.parametrize(
    ("code", "expected"),
    [
        (errno.ENOSPC, RemoteFullError),
        (errno.EDQUOT, RemoteFullError),
        (errno.EACCES, RemoteReadOnlyError),
        (errno.EPERM, RemoteReadOnlyError),
        (errno.EROFS, RemoteReadOnlyError),
        (errno.EIO, RemoteUnavailableError),
        (errno.ENOENT, RemoteUnavailableError),
    ],
)
async def test_a_failing_write_leaves_nothing_and_says_why(tmp_path, call, code, expected):
    pauses = []
    remote = FolderRemote(tmp_path, disk=Disk(sleep=pauses.append, **WRITE_CALLS[call](os_error(code))))
    with pytest.raises(expected) as caught:
        await remote.put("a/x", b"data")
    assert isinstance(caught.value.__cause__, OSError)
    assert names_in(tmp_path) == []
    assert pauses == []


async def test_short_writes_are_continued(tmp_path):
    remote = FolderRemote(tmp_path, disk=Disk(write=lambda descriptor, rest: os.write(descriptor, rest[:3])))
    await remote.put("x", b"0123456789")
    assert (tmp_path / "x").read_bytes() == b"0123456789"


POSIX_BUSY = [os_error(errno.EBUSY), os_error(errno.ETXTBSY)]
WINDOWS_BUSY = [os_error(errno.EACCES, code) for code in (5, 32, 33)]


@pytest.mark.parametrize(
    ("call", "busy"),
    [("link", busy) for busy in POSIX_BUSY] + [("rename", busy) for busy in POSIX_BUSY + WINDOWS_BUSY],
)
async def test_a_file_that_another_program_holds_is_waited_for(tmp_path, call, busy):
    pauses = []
    calls = {"link": None, call: Failing(busy, getattr(os, call), times=3)}
    await FolderRemote(tmp_path, disk=Disk(sleep=pauses.append, **calls)).put("x", b"data")
    assert pauses == [0.05, 0.1, 0.2]
    assert names_in(tmp_path) == ["x"]


@pytest.mark.parametrize(
    ("busy", "expected"),
    [
        (os_error(errno.EBUSY), RemoteUnavailableError),
        (os_error(errno.EACCES, 32), RemoteUnavailableError),
        (os_error(errno.EACCES, 5), RemoteReadOnlyError),
    ],
)
async def test_waiting_for_another_program_is_bounded(tmp_path, busy, expected):
    pauses = []
    (tmp_path / "y").write_bytes(b"")
    disk = Disk(
        sleep=pauses.append, link=None, rename=Failing(busy, os.rename), unlink=Failing(busy, os.unlink)
    )
    remote = FolderRemote(tmp_path, disk=disk)
    with pytest.raises(expected):
        await remote.put("x", b"data")
    assert sum(pauses) == pytest.approx(2.0)
    pauses.clear()
    with pytest.raises(expected):
        await remote.delete("y")
    assert sum(pauses) == pytest.approx(2.0)


async def test_reading_waits_for_another_program_too(tmp_path):
    pauses = []
    (tmp_path / "x").write_bytes(b"data")
    remote = FolderRemote(
        tmp_path, disk=Disk(sleep=pauses.append, open=Failing(os_error(errno.EACCES, 32), os.open, times=2))
    )
    assert await remote.get("x", bytes_max=10) == b"data"
    assert pauses == [0.05, 0.1]


@pytest.mark.parametrize("code", [errno.EPERM, errno.ENOTSUP, errno.ENOSYS, errno.EACCES, errno.EIO])
async def test_without_hard_links_a_file_is_renamed_and_replaces_nothing(tmp_path, code):
    remote = FolderRemote(tmp_path, disk=Disk(link=Failing(os_error(code), os.link)))
    results = await asyncio.gather(*(remote.put("x", bytes([n])) for n in range(8)), return_exceptions=True)
    assert sum(isinstance(result, RemoteFileExistsError) for result in results) == 7
    assert names_in(tmp_path) == ["x"]


class PowerCutError(BaseException):
    pass


def cut(*_):
    raise PowerCutError


@pytest.mark.parametrize("call", ["sync_file", "link"])
async def test_a_process_that_ends_before_publishing_leaves_nothing_visible(tmp_path, call):
    # A killed process runs no clean-up, so removing the temporary file is cut as well.
    disk = Disk(unlink=Failing(os_error(errno.EIO), os.unlink), **{call: cut})
    with pytest.raises(PowerCutError):
        await FolderRemote(tmp_path, disk=disk, machine="ada").put("a/x", b"data")
    (leftover,) = names_in(tmp_path)
    async with FolderRemote(tmp_path, machine="bob") as bob:
        assert await bob.list() == []
        assert [leftover] == names_in(tmp_path)
        await bob.put("a/x", b"data")
    async with FolderRemote(tmp_path, machine="ada"):
        assert names_in(tmp_path) == ["a/x"]


async def test_a_temporary_file_that_was_made_though_its_making_failed_does_not_take_the_name(tmp_path):
    tries = []

    def made_and_failed(path, flags, mode):
        if not flags & os.O_EXCL:
            return os.open(path, flags, mode)
        tries.append(path)
        descriptor = os.open(path, flags, mode)
        if len(tries) == 1:
            os.close(descriptor)
            raise os_error(errno.EACCES, 32)
        return descriptor

    remote = FolderRemote(tmp_path, disk=Disk(sleep=lambda _: None, open=made_and_failed))
    await remote.put("x", b"data")
    assert (tmp_path / "x").read_bytes() == b"data"


async def test_a_temporary_file_that_was_cleared_away_is_written_again(tmp_path):
    def clear_then_link(temp, target):
        os.unlink(temp)
        os.link(temp, target)

    calls = iter([clear_then_link, os.link])

    def link(temp, target):
        next(calls)(temp, target)

    remote = FolderRemote(tmp_path, disk=Disk(link=link))
    await remote.put("x", b"data")
    assert names_in(tmp_path) == ["x"]


async def test_put_brings_the_bytes_then_the_names_of_all_new_directories_to_the_medium(tmp_path):
    log = []
    disk = Disk(
        sync_file=lambda _: log.append("file"),
        link=lambda temp, target: (log.append("link"), os.link(temp, target)),
        sync_directory=lambda path: log.append(os.path.relpath(path, tmp_path)),
    )
    remote = FolderRemote(tmp_path, disk=disk)
    await remote.put("a/b/x", b"")
    await remote.put("a/b/y", b"")
    assert log == [".", "a", "file", "link", "a/b", "file", "link", "a/b"]


async def test_a_missing_root_is_never_made(tmp_path):
    root = tmp_path / "gone"
    async with FolderRemote(root) as remote:
        for call in (remote.put("a/x", b""), remote.get("x", bytes_max=1), remote.list(), remote.delete("x")):
            with pytest.raises(RemoteUnavailableError):
                await call
        assert not root.exists()
        root.mkdir()
        await remote.put("a/x", b"")


async def test_a_root_that_is_a_file_is_unavailable(tmp_path):
    root = tmp_path / "root"
    root.write_bytes(b"")
    async with FolderRemote(root) as remote:
        for call in (
            remote.put("a/x", b""),
            remote.get("x", bytes_max=1),
            remote.list("a/"),
            remote.delete("x"),
        ):
            with pytest.raises(RemoteUnavailableError):
                await call


async def test_a_file_where_a_directory_is_needed_is_in_the_way(tmp_path):
    (tmp_path / "a").write_bytes(b"")
    with pytest.raises(RemoteUnavailableError):
        await FolderRemote(tmp_path).put("a/x", b"")


async def test_links_are_neither_followed_nor_listed_nor_removed(tmp_path):
    root, outside = tmp_path / "root", tmp_path / "outside"
    root.mkdir()
    outside.mkdir()
    (outside / "x").write_bytes(b"secret")
    (root / "file").symlink_to(outside / "x")
    (root / "a").symlink_to(outside)
    remote = FolderRemote(root)
    assert await remote.list() == []
    assert await remote.list("a/") == []
    for name in ("file", "a/x"):
        with pytest.raises(RemoteFileMissingError):
            await remote.get(name, bytes_max=10)
        await remote.delete(name)
    with pytest.raises(RemoteUnavailableError):
        await remote.put("a/y", b"")
    assert names_in(outside) == ["x"]
    assert (root / "file").is_symlink()


async def test_a_link_slipped_in_after_the_look_is_not_followed(tmp_path):
    (tmp_path / "x").write_bytes(b"ours")
    (tmp_path / "secret").write_bytes(b"secret")

    def exchange_then_open(path, flags, mode):
        os.unlink(path)
        os.link(tmp_path / "secret", path)
        return os.open(path, flags, mode)

    with pytest.raises(RemoteFileMissingError):
        await FolderRemote(tmp_path, disk=Disk(open=exchange_then_open)).get("x", bytes_max=10)


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no pipes in this system's directories")
async def test_a_pipe_is_not_opened(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    remote = FolderRemote(tmp_path, timeout_s=5)
    assert await remote.list() == []
    with pytest.raises(RemoteFileMissingError):
        await remote.get("pipe", bytes_max=10)


@pytest.mark.parametrize("name", ["../secret", "a/../../secret", "/etc/passwd", "..", "a//b"])
async def test_names_that_leave_the_root_are_refused(tmp_path, name):
    root = tmp_path / "root"
    root.mkdir()
    (tmp_path / "secret").write_bytes(b"secret")
    remote = FolderRemote(root)
    for call in (
        remote.put(name, b""),
        remote.get(name, bytes_max=10),
        remote.delete(name),
        remote.list(name + "/"),
    ):
        with pytest.raises(UsageError):
            await call
    assert (tmp_path / "secret").exists()


async def test_a_file_that_grows_while_it_is_read_is_still_bounded(tmp_path):
    (tmp_path / "x").write_bytes(b"1234")
    remote = FolderRemote(tmp_path, disk=Disk(read=lambda _, count: b"z" * min(count, 7)))
    with pytest.raises(RemoteFileTooLargeError):
        await remote.get("x", bytes_max=100)


async def test_a_file_that_is_shorter_than_listed_is_returned_as_it_is(tmp_path):
    (tmp_path / "x").write_bytes(b"1234")
    parts = [b"12", b""]
    remote = FolderRemote(tmp_path, disk=Disk(read=lambda _, count: parts.pop(0)))
    assert await remote.get("x", bytes_max=100) == b"12"


async def _listing_of_a_busy_machine(remote):
    """List again until it is answered within the remote's time, which is short in these tests."""
    async with asyncio.timeout(60):
        while True:
            with contextlib.suppress(RemoteUnavailableError):
                return await remote.list()


async def test_a_read_that_stalls_freezes_nobody_and_ends_in_an_error(tmp_path):
    (tmp_path / "x").write_bytes(b"1234")
    release = threading.Event()

    def stall(path, flags, mode):
        release.wait()
        return os.open(path, flags, mode)

    remote = FolderRemote(tmp_path, disk=Disk(open=stall), timeout_s=0.02)
    try:
        with pytest.raises(RemoteUnavailableError, match="no answer"):
            await remote.get("x", bytes_max=10)
        assert [file.name for file in await _listing_of_a_busy_machine(remote)] == ["x"]
    finally:
        release.set()


@pytest.mark.parametrize("code", [362, 388, 389, 426])
async def test_a_service_that_does_not_run_makes_a_file_not_local(tmp_path, code):
    (tmp_path / "x").write_bytes(b"1234")
    remote = FolderRemote(tmp_path, disk=Disk(open=Failing(os_error(errno.EINVAL, code), os.open)))
    with pytest.raises(RemoteFileNotLocalError):
        await remote.get("x", bytes_max=10)


@pytest.mark.parametrize("stub", [".x.icloud", "x.nextcloud", "x.owncloud"])
async def test_a_stand_in_is_listed_under_the_real_name_and_not_local(tmp_path, stub):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / stub).write_bytes(b"stub")
    remote = FolderRemote(tmp_path)
    assert [(file.name, file.is_local) for file in await remote.list()] == [("a/x", False)]
    with pytest.raises(RemoteFileNotLocalError):
        await remote.get("a/x", bytes_max=10)
    with pytest.raises(RemoteFileExistsError):
        await remote.put("a/x", b"")
    await remote.delete("a/x")
    assert names_in(tmp_path) == []


async def test_a_placeholder_is_listed_and_not_opened(tmp_path):
    (tmp_path / "here").write_bytes(b"12")
    (tmp_path / "away").write_bytes(b"1234")

    def never(path, flags, mode):
        raise AssertionError(path)

    disk = Disk(is_placeholder=lambda status: status.st_size == 4, open=never)
    remote = FolderRemote(tmp_path, disk=disk)
    assert {("here", 2, True), ("away", 4, False)} == {
        (file.name, file.size_bytes, file.is_local) for file in await remote.list()
    }
    with pytest.raises(RemoteFileNotLocalError):
        await remote.get("away", bytes_max=10)


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ({}, False),
        ({"st_file_attributes": 0x20}, False),
        ({"st_file_attributes": 0x1000 | 0x20}, True),
        ({"st_file_attributes": 0x40000}, True),
        ({"st_file_attributes": 0x400000}, True),
        ({"st_flags": 0}, False),
        ({"st_flags": 0x40000000}, True),
    ],
)
def test_a_placeholder_is_told_by_its_metadata(status, expected):
    assert expected is is_placeholder(SimpleNamespace(**status))


def test_a_junction_is_no_directory_and_a_cloud_folder_is_one():
    junction, cloud_folder = 0xA0000003, 0x9000001A
    assert not is_real_directory(SimpleNamespace(st_mode=stat.S_IFDIR, st_reparse_tag=junction))
    assert is_real_directory(SimpleNamespace(st_mode=stat.S_IFDIR, st_reparse_tag=cloud_folder))
    assert is_real_file(SimpleNamespace(st_mode=stat.S_IFREG, st_reparse_tag=cloud_folder))
