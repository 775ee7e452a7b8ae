"""Goal: what a put of the folder adapter has returned for is there after a power cut (H33).

Method: a disk that takes note of which bytes and which names were synced. When the power is cut, the worst that a
file system may do happens: every name that was not synced is gone, and every file whose bytes were not is empty.
Before that, a process dies at its n-th call, for every n, and the next one goes on where it left.
"""

import contextlib
import dataclasses
import os
import shutil
from pathlib import Path

import pytest
from crdtsync_folder import FolderRemote
from crdtsync_folder.disk import Disk

from crdtsync.testing import SimulatedCrash

FIRST, SECOND, ELSEWHERE = "r1/feed/0000/s-1.crdts", "r1/feed/0000/s-2.crdts", "r1/feed/0001/s-3.crdts"
NAMES = (FIRST, SECOND, ELSEWHERE)
CONTENT = b"acknowledged" * 100


class Medium:
    """What of a folder would be lost now."""

    def __init__(self) -> None:
        self.names: set[str] = set()
        """Paths whose entry in their directory is not synced."""
        self.bytes: set[int] = set()
        """Files, by number, whose content is not synced."""

    def cut(self, root: Path) -> None:
        for path in (path for path in root.rglob("*") if path.is_file()):
            if path.stat().st_ino in self.bytes:
                path.write_bytes(b"")
        for path in sorted(self.names, key=len):
            if os.path.isdir(path):
                shutil.rmtree(path)
            elif os.path.exists(path):
                os.unlink(path)
        self.names.clear()
        self.bytes.clear()


class Process:
    """The calls of one process, which dies at its n-th one."""

    def __init__(self, medium: Medium, *, dies_at: int = 0, links: bool = True) -> None:
        self.medium, self.dies_at = medium, dies_at
        self.calls = 0
        self.is_dead = False
        real = Disk()
        self.real = real
        self.disk = dataclasses.replace(
            real,
            open=self._counted(self._open),
            write=self._counted(self._write),
            sync_file=self._counted(self._sync_file),
            sync_directory=self._counted(self._sync_directory),
            mkdir=self._counted(self._mkdir),
            link=self._counted(self._link) if links and real.link else None,
            rename=self._counted(self._rename),
            unlink=self._counted(self._unlink),
        )

    def _counted(self, call):
        def counted(*arguments):
            self.calls += 1
            self.is_dead = self.is_dead or self.calls == self.dies_at
            if self.is_dead:
                raise SimulatedCrash
            return call(*arguments)

        return counted

    def _open(self, path: str, flags: int, mode: int) -> int:
        descriptor = self.real.open(path, flags, mode)
        if flags & os.O_CREAT:
            self.medium.names.add(path)
        return descriptor

    def _write(self, descriptor: int, data: memoryview) -> int:
        self.medium.bytes.add(os.fstat(descriptor).st_ino)
        return self.real.write(descriptor, data)

    def _sync_file(self, descriptor: int) -> None:
        self.medium.bytes.discard(os.fstat(descriptor).st_ino)

    def _sync_directory(self, path: str) -> None:
        self.medium.names -= {name for name in self.medium.names if os.path.dirname(name) == path}

    def _mkdir(self, path: str) -> None:
        self.real.mkdir(path)
        self.medium.names.add(path)

    def _link(self, source: str, target: str) -> None:
        self.real.link(source, target)
        self.medium.names.add(target)

    def _rename(self, source: str, target: str) -> None:
        self.real.rename(source, target)
        self.medium.names.discard(source)
        self.medium.names.add(target)

    def _unlink(self, path: str) -> None:
        self.real.unlink(path)
        self.medium.names.discard(path)


async def put(root: Path, process: Process, *names: str) -> list[str]:
    """Put files until the process dies; return those whose put has returned."""
    done = []
    with contextlib.suppress(SimulatedCrash):
        async with FolderRemote(root, disk=process.disk) as remote:
            for name in names:
                await remote.put(name, CONTENT)
                done.append(name)
    return done


def require(root: Path, names: list[str], told: str) -> None:
    for name in names:
        path = root / name
        assert path.is_file(), f"{told}: {name} is lost"
        assert path.read_bytes() == CONTENT, f"{told}: the content of {name} is lost"


@pytest.mark.parametrize("links", [True, False])
@pytest.mark.parametrize("count", [1, 2, 3])
async def test_what_was_put_is_there_after_a_power_cut(fast_path, count, links):
    medium = Medium()
    done = await put(fast_path, Process(medium, links=links), *NAMES[:count])
    assert len(done) == count
    medium.cut(fast_path)
    require(fast_path, done, f"{count} puts")


@pytest.mark.parametrize("links", [True, False])
async def test_what_the_next_process_puts_is_there_after_a_power_cut(fast_path, links):
    """Whatever the one before left half done: a directory, say, whose name was not synced."""
    n = 0
    while True:
        n += 1
        root = fast_path / str(n)
        root.mkdir()
        medium = Medium()
        first = Process(medium, dies_at=n, links=links)
        done = await put(root, first, FIRST)
        done += await put(root, Process(medium, links=links), SECOND, ELSEWHERE)
        medium.cut(root)
        require(root, done, f"died at call {n}")
        assert len(done) == 2 + (not first.is_dead)
        if not first.is_dead:
            break
    assert n > 8
