"""H27, H33: a file is on the medium before its name is, and the name before `put` returns."""

import os
import stat

import pytest
from crdtsync_folder import open_remote


@pytest.mark.skipif(os.name == "nt", reason="directories cannot be synced there")
async def test_put_syncs_the_file_before_its_name_and_then_every_new_directory(tmp_path, monkeypatch):
    name = "a/b/s-00000001-0123456789.crdts"
    final = tmp_path / name
    steps = []
    real = os.fsync

    def fsync(descriptor):
        found = os.fstat(descriptor)
        kind = "directory" if stat.S_ISDIR(found.st_mode) else "file"
        steps.append((kind, found.st_ino, final.exists()))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    async with open_remote(str(tmp_path)) as remote:
        await remote.put(name, b"content")

    inode = final.stat().st_ino
    assert ("file", inode, False) in steps
    assert steps[-1] == ("directory", final.parent.stat().st_ino, True)
    synced = {number for kind, number, _ in steps if kind == "directory"}
    assert {path.stat().st_ino for path in (tmp_path, tmp_path / "a", tmp_path / "a/b")} <= synced
