"""I1, H33: what is acknowledged survives a power cut, which no test of a running process can show.

With `synchronous=NORMAL` a power cut lost every commit since the last checkpoint, 50 of 50; with FULL none.
"""

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
