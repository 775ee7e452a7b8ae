"""Goal: whichever call of the operating system fails, no reader of a shared folder ever meets part of a file.

Method: every operation of the folder adapter runs with its n-th call failing, for every n until it has no
n-th: each error in turn, once or for good, before the call took effect or after, and with the process dying
there. What is then in the folder is looked at with other eyes, and the operation is repeated without faults.
"""

import contextlib
import dataclasses
import errno
import os
from pathlib import Path

import pytest
from crdtsync_folder import FolderRemote
from crdtsync_folder.disk import Disk
from crdtsync_folder.names import is_temp_name

from crdtsync.errors import (
    RemoteError,
    RemoteFileExistsError,
    RemoteFileNotLocalError,
    RemoteFullError,
    RemoteReadOnlyError,
    RemoteUnavailableError,
)
from crdtsync.testing import SimulatedCrash

OLD, NEW = b"there before" * 9, b"just written" * 700
NAME, OTHER = "r1/feed/0000/s-1.crdts", "r1/feed/0000/s-0.crdts"
CALLS = (
    "stat",
    "lstat",
    "fstat",
    "scandir",
    "open",
    "read",
    "write",
    "sync_file",
    "sync_directory",
    "mkdir",
    "link",
    "rename",
    "unlink",
)


def windows_error(code: int) -> OSError:
    error = PermissionError(errno.EACCES, "The process cannot access the file")
    error.winerror = code  # type: ignore[attr-defined]
    return error


ERRORS = {
    "EIO": lambda: OSError(errno.EIO, "I/O error"),
    "ENOSPC": lambda: OSError(errno.ENOSPC, "no space"),
    "EACCES": lambda: PermissionError(errno.EACCES, "denied"),
    "ENOENT": lambda: FileNotFoundError(errno.ENOENT, "gone"),
    "WinError 5": lambda: windows_error(5),
    "WinError 32": lambda: windows_error(32),
    "death": SimulatedCrash,
}


class Faulty:
    """A disk whose n-th call fails; after a death no call does anything."""

    def __init__(self, n: int, error, *, late: bool, lasts: bool, links: bool) -> None:
        self.n, self.error, self.late, self.lasts = n, error, late, lasts
        self.calls = 0
        self.names: list[str] = []
        self.pauses: list[float] = []
        real = Disk()
        calls = {name: self._wrapped(name, getattr(real, name)) for name in CALLS if getattr(real, name)}
        if not links:
            calls["link"] = None
        self.disk = dataclasses.replace(real, **calls, sleep=self.pauses.append)

    @property
    def has_failed(self) -> bool:
        return self.calls >= self.n

    def _wrapped(self, name: str, call):
        def counted(*arguments):
            self.calls += 1
            self.names.append(name)
            fails = self.calls == self.n or (
                self.calls > self.n and (self.lasts or self.error is SimulatedCrash)
            )
            if fails and not (self.late and self.calls == self.n):
                raise self.error()
            result = call(*arguments)
            if fails:
                if name == "open":
                    os.close(result)
                if name == "scandir":
                    result.close()
                raise self.error()
            return result

        return counted


def prepared(root: Path, *, with_directory: bool) -> None:
    root.mkdir()
    if with_directory:
        (root / OTHER).parent.mkdir(parents=True)
        (root / OTHER).write_bytes(OLD)


def visible(root: Path) -> dict[str, bytes]:
    """Return what other machines see, but for temporary files."""
    files = (path for path in root.rglob("*") if path.is_file())
    return {
        path.relative_to(root).as_posix(): path.read_bytes() for path in files if not is_temp_name(path.name)
    }


def temps(root: Path) -> list[Path]:
    return [path for path in root.rglob("*") if path.is_file() and is_temp_name(path.name)]


def open_files() -> int:
    return len(os.listdir("/proc/self/fd")) if Path("/proc/self/fd").is_dir() else 0


OPERATIONS = {
    "put": lambda remote: remote.put(NAME, NEW),
    "get": lambda remote: remote.get(OTHER, bytes_max=10_000),
    "list": lambda remote: remote.list(),
    "delete": lambda remote: remote.delete(OTHER),
}


ORDINARY = (("EIO", True), ("ENOSPC", False), ("WinError 32", False), ("death", True))
"""The errors, with hard links or without, of the ordinary suite; the slow one tries all."""

CASES = [
    pytest.param(
        error,
        links,
        marks=() if (error, links) in ORDINARY else pytest.mark.slow,
        id=f"{error}-{'links' if links else 'no links'}",
    )
    for error in ERRORS
    for links in (True, False)
]


@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize(("error", "links"), CASES)
async def test_every_call_of_every_operation_fails(fast_path, operation, links, error):
    """H5, H16, H17, H27, H34: see above."""
    tried = 0
    for with_directory in (True, False):
        if operation in ("get", "delete") and not with_directory:
            continue
        for late in (False, True):
            for lasts in (False, True):
                n = 0
                has_failed = True
                while has_failed:
                    n += 1
                    faulty = Faulty(n, ERRORS[error], late=late, lasts=lasts, links=links)
                    root = fast_path / f"{with_directory} {late} {lasts} {n}"
                    prepared(root, with_directory=with_directory)
                    before = visible(root)
                    await one_failure(root, faulty, operation, before, error)
                    has_failed = faulty.has_failed
                    tried += has_failed
    assert tried > 12


async def one_failure(
    root: Path, faulty: Faulty, operation: str, before: dict[str, bytes], error: str
) -> None:
    descriptors = open_files()
    remote = FolderRemote(root, disk=faulty.disk, machine="this one")
    raised: BaseException | None = None
    result = None
    try:
        result = await OPERATIONS[operation](remote)
    except (RemoteError, SimulatedCrash) as caught:
        raised = caught
    place = (operation, faulty.n, faulty.late, faulty.lasts, raised)
    if not faulty.has_failed:
        assert raised is None, place
    if open_files() > descriptors:
        raise AssertionError(f"{place} left a file open")
    after = visible(root)
    match operation:
        case "put":
            # Nothing, or all of it; and it is there if it was said to be.
            assert after in (before, before | {NAME: NEW}), place
            assert raised is not None or NAME in after, place
        case "delete":
            assert after in (before, {}), place
            # Where the system says that it is not there, there is nothing to do.
            assert raised is not None or after == {} or error == "ENOENT", place
        case "get":
            assert after == before
            # Shorter only if the system says so: here it never does.
            assert raised is not None or result == OLD, place
        case _:
            assert after == before
            assert {file.name for file in result or ()} <= set(before), place
    if isinstance(raised, RemoteError):
        # What failed once the file had its name is tried again, and finds the name taken: by this very file.
        is_made = isinstance(raised, RemoteFileExistsError) and NAME in after
        assert is_made or isinstance(raised, expected_errors(operation, error)), (place, faulty.names)
    assert sum(faulty.pauses) <= 4.0, place
    await repeat(root, operation, before)


def expected_errors(operation: str, error: str) -> tuple[type[RemoteError], ...]:
    """What a caller may be told; a root that does not answer is always unavailable."""
    if operation in ("put", "delete"):
        match error:
            case "ENOSPC":
                return (RemoteFullError, RemoteUnavailableError)
            case "EACCES" | "WinError 5":
                return (RemoteReadOnlyError, RemoteUnavailableError)
        return (RemoteUnavailableError,)
    if operation == "get" and error == "ENOENT":
        return (RemoteError,)
    return (RemoteUnavailableError, RemoteFileNotLocalError)


async def repeat(root: Path, operation: str, before: dict[str, bytes]) -> None:
    """The fault has gone, and the machine is started again: the same call does it, and no litter is left."""
    async with FolderRemote(root, machine="this one") as remote:
        assert temps(root) == []
        with contextlib.suppress(RemoteFileExistsError):
            result = await OPERATIONS[operation](remote)
    match operation:
        case "put":
            assert visible(root) == before | {NAME: NEW}
        case "delete":
            assert visible(root) == {}
        case "get":
            assert result == OLD
        case _:
            assert {file.name for file in result} == set(before)
