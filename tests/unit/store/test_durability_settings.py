"""I1, H33: what is acknowledged survives a power cut, which no test of a running process can show.

With `synchronous=NORMAL` a power cut lost every commit since the last checkpoint, 50 of 50; with FULL none.
"""

import os

import pytest

from crdtsync import open_replica

FULL = 2


async def test_every_commit_reaches_the_disk_before_it_is_acknowledged(tmp_path):
    for _ in ("made", "opened again"):
        async with open_replica(tmp_path / "r", name="R", role="roaming") as replica:

            def settings(connection):
                return [
                    connection.execute(f"PRAGMA {name}").fetchone()[0]
                    for name in ("journal_mode", "synchronous")
                ]

            assert await replica._workspace.database.run(settings) == ["wal", FULL]


@pytest.mark.skipif(os.name == "nt", reason="Windows syncs no directories; NTFS keeps names in its journal")
async def test_the_directories_made_for_a_replica_reach_the_disk(tmp_path, monkeypatch):
    """SQLite sees to the names in the replica's directory; the name of that directory is ours to see to."""
    synced = []
    fsync = os.fsync

    def noting(descriptor):
        synced.append(os.fstat(descriptor).st_ino)
        fsync(descriptor)

    monkeypatch.setattr(os, "fsync", noting)
    async with open_replica(tmp_path / "a" / "b" / "r", name="R", role="roaming"):
        pass
    expected = [path.stat().st_ino for path in (tmp_path, tmp_path / "a", tmp_path / "a" / "b")]
    assert expected == synced
