"""What a listing shows of a folder in which services and people leave all kinds of things."""

import errno
import os

import pytest
from crdtsync_folder import FolderRemote
from crdtsync_folder.disk import Disk

from crdtsync.errors import RemoteUnavailableError


async def names(remote, prefix=""):
    return sorted(file.name for file in await remote.list(prefix))


async def test_what_services_leave_in_directories_of_their_own_is_not_listed(tmp_path):
    for directory in (".stversions", ".dropbox.cache", ".sync", "a/.stfolder"):
        (tmp_path / directory).mkdir(parents=True)
        (tmp_path / directory / "x").write_bytes(b"")
    (tmp_path / "a" / "x").write_bytes(b"")
    (tmp_path / "a" / "~cs-00-11.tmp").write_bytes(b"")
    assert await names(FolderRemote(tmp_path)) == ["a/x"]


async def test_foreign_names_are_listed_as_they_are_and_open(tmp_path):
    foreign = [
        "Icon\r",
        "a\nb",
        "x (Bob's conflicted copy).crdts",
        "e\u0301",
        "\u00e9",
        "..x",
        "a\\b",
        "c:d",
        "~x",
    ]
    for name in foreign:
        (tmp_path / name).write_bytes(name.encode())
    remote = FolderRemote(tmp_path)
    assert sorted(foreign) == await names(remote)
    for name in foreign:
        assert await remote.get(name, bytes_max=100) == name.encode()


@pytest.mark.skipif(os.name == "nt", reason="names are Unicode there")
async def test_names_that_are_not_unicode_are_left_out(tmp_path):
    root = os.fsencode(tmp_path)
    try:
        with open(root + b"/caf\xe9", "wb"):
            os.mkdir(root + b"/d\xff")
    except OSError:
        pytest.skip("this file system refuses such names")
    (tmp_path / "x").write_bytes(b"")
    assert await names(FolderRemote(tmp_path)) == ["x"]


async def test_a_directory_that_cannot_be_read_does_not_hide_the_others(tmp_path):
    for directory in "abc":
        (tmp_path / directory).mkdir()
        (tmp_path / directory / "x").write_bytes(b"")

    def scandir(path):
        if os.path.basename(path) == "b":
            raise OSError(errno.EIO, "I/O error")
        return os.scandir(path)

    remote = FolderRemote(tmp_path, disk=Disk(scandir=scandir))
    assert await names(remote) == ["a/x", "c/x"]
    with pytest.raises(RemoteUnavailableError):
        await remote.list("b/")


async def test_a_directory_that_fails_half_way_keeps_what_was_seen(tmp_path):
    (tmp_path / "a").mkdir()
    for name in ("a/x", "a/y"):
        (tmp_path / name).write_bytes(b"")

    class HalfWay:
        def __init__(self, path):
            self.entries, self.left = os.scandir(path), 1

        def __enter__(self):
            return self

        def __exit__(self, *_):
            self.entries.close()

        def __iter__(self):
            return self

        def __next__(self):
            if not self.left:
                raise OSError(errno.ESTALE, "stale")
            self.left -= 1
            return next(self.entries)

    def scandir(path):
        return HalfWay(path) if os.path.basename(path) == "a" else os.scandir(path)

    assert len(await FolderRemote(tmp_path, disk=Disk(scandir=scandir)).list()) == 1


async def test_the_number_of_entries_is_bounded(tmp_path):
    for number in range(4):
        (tmp_path / str(number)).write_bytes(b"")
    assert len(await FolderRemote(tmp_path, entries_max=4).list()) == 4
    with pytest.raises(RemoteUnavailableError, match="more than 3"):
        await FolderRemote(tmp_path, entries_max=3).list()


async def test_what_lies_deeper_than_any_name_of_ours_is_left_out(tmp_path):
    deepest = tmp_path / "1/2/3/4/5/6/7/8"
    deepest.mkdir(parents=True)
    (deepest.parent / "x").write_bytes(b"")
    (deepest / "y").write_bytes(b"")
    remote = FolderRemote(tmp_path)
    assert await names(remote) == ["1/2/3/4/5/6/7/x"]
    assert await names(remote, "1/2/") == ["1/2/3/4/5/6/7/x"]


async def test_an_unchanged_line_is_the_same_object_and_a_changed_one_is_not(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "x").write_bytes(b"1")
    (tmp_path / "y").write_bytes(b"1")
    remote = FolderRemote(tmp_path)
    before = {file.name: file for file in await remote.list()}
    (tmp_path / "y").write_bytes(b"12")
    await remote.list("a/")
    after = {file.name: file for file in await remote.list()}
    assert after["a/x"] is before["a/x"]
    assert after["y"].size_bytes == 2
