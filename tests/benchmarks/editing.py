"""One durable edit, and the merge of many documents, against the same work with bare pycrdt and SQLite."""

import asyncio
import random
import sqlite3
import tempfile
import time
from pathlib import Path
from typing import Any

import aiosqlite
import zstandard
from pycrdt import Doc, Map, TransactionEvent

from crdtsync import Replica, open_replica
from tests.benchmarks.measure import Figure, median, ratio_figure
from tests.benchmarks.model import Quote, change, fill

EDITS_PER_RUN = 100
RUNS = 9


async def edit() -> list[Figure]:
    """One edit, durable, document open."""
    chance = random.Random(1)
    with tempfile.TemporaryDirectory() as directory:
        async with open_replica(Path(directory) / "r", name="R", role="roaming", kinds=[Quote]) as replica:
            async with replica.edit(Quote) as quote:
                fill(quote, chance)
            floor = await _Floor.open(Path(directory) / "floor.db", replica, quote.id)
            ours: list[float] = []
            floors: list[float] = []
            for run in range(RUNS + 1):
                start = time.perf_counter()
                for number in range(EDITS_PER_RUN):
                    async with replica.edit(Quote, quote.id) as draft:
                        draft.lines[number % 10].quantity = run * EDITS_PER_RUN + number + 1
                middle = time.perf_counter()
                for number in range(EDITS_PER_RUN):
                    await floor.edit(number, run * EDITS_PER_RUN + number + 1)
                end = time.perf_counter()
                if run:  # The first one warms up.
                    ours.append((middle - start) / EDITS_PER_RUN)
                    floors.append((end - middle) / EDITS_PER_RUN)
            await floor.close()
    return [ratio_figure("edit", "us", median(ours) * 1e6, median(floors) * 1e6, 1.5)]


class _Floor:
    """The floor of an edit: pycrdt, and one aiosqlite call that inserts and commits the same bytes."""

    @classmethod
    async def open(cls, path: Path, replica: Replica, document_id: str) -> "_Floor":
        self = cls()
        self.doc: Doc[Any] = Doc(client_id=1)
        self.delta = b""
        state = await replica._workspace.database.run(
            lambda c: replica._workspace.documents.open(c, document_id).live.state()
        )
        self.doc.apply_update(state)
        self.map: Map[str] = self.doc.get("f", type=Map)
        self.keys = [key for key in self.map if "/quantity|" in key]
        self.subscription = self.doc.observe(self._take)
        self.db = await aiosqlite.connect(path, isolation_level=None)
        await self.db.execute("PRAGMA journal_mode = WAL")
        await self.db.execute("PRAGMA synchronous = FULL")
        await self.db.execute("CREATE TABLE changes (n INTEGER PRIMARY KEY, delta BLOB)")
        return self

    def _take(self, event: TransactionEvent) -> None:
        self.delta = event.update

    async def edit(self, number: int, value: int) -> None:
        with self.doc.transaction():
            self.map[self.keys[number % 10]] = f"19aaf3c21f0 {value}"
        await self.db.execute_insert("INSERT INTO changes (delta) VALUES (?)", (self.delta,))

    async def close(self) -> None:
        self.subscription.drop()
        await self.db.close()


async def merge(documents: int = 1_000, edits: int = 10) -> list[Figure]:
    """Merge documents edited on both sides, through a folder; and the bytes that lie in it."""
    times: list[float] = []
    floors: list[float] = []
    sizes: list[float] = []
    raws: list[float] = []
    for seed in range(3):
        with tempfile.TemporaryDirectory() as directory:
            await _merge_once(Path(directory), documents, edits, seed, times, floors, sizes, raws)
    return [
        ratio_figure("merge", "s", median(times), median(floors), 1.5),
        ratio_figure("bytes", "B", median(sizes), median(raws), 1.3),
    ]


async def _merge_once(
    root: Path,
    documents: int,
    edits: int,
    seed: int,
    times: list[float],
    floors: list[float],
    sizes: list[float],
    raws: list[float],
) -> None:
    chance = random.Random(seed)
    folder = root / "folder"
    folder.mkdir()
    address = f"folder:{folder}"
    async with (
        open_replica(root / "a", name="A", role="office", kinds=[Quote]) as a,
        open_replica(root / "b", name="B", role="office", coordinator=False, kinds=[Quote]) as b,
    ):
        ids: list[str] = []
        for start in range(0, documents, 200):
            ids += await asyncio.gather(
                *(_create(a, chance) for _ in range(start, min(start + 200, documents)))
            )
        for replica in (a, b, a):
            await replica.sync(address)
        states = {name: await _states(replica, ids) for name, replica in (("a", a), ("b", b))}
        marks = {name: await _last_change(replica) for name, replica in (("a", a), ("b", b))}
        for replica in (a, b):
            for _ in range(edits):
                for start in range(0, documents, 200):
                    await asyncio.gather(
                        *(_change(replica, item, chance) for item in ids[start : start + 200])
                    )
        deltas = {name: await _deltas(replica, marks[name]) for name, replica in (("a", a), ("b", b))}
        before = {item for item in folder.rglob("*/s-*")}
        # The documents are cold for the floor, and so they are here: the sides reopen in reality.
        for replica in (a, b):
            await replica._workspace.database.run(
                lambda _, replica=replica: replica._workspace.documents.close()
            )
        start_s = time.perf_counter()
        await a.sync(address)
        await b.sync(address)
        await a.sync(address)
        times.append(time.perf_counter() - start_s)
        assert await a.digests() == await b.digests()
        sizes.append(sum(item.stat().st_size for item in folder.rglob("*/s-*") if item not in before))
    raws.append(
        sum(
            len(
                zstandard.ZstdCompressor(level=6).compress(
                    b"".join(delta for items in side.values() for delta in items)
                )
            )
            for side in deltas.values()
        )
    )
    start_s = time.perf_counter()
    for side, other in (("a", "b"), ("b", "a")):
        _floor_side(
            root / f"floor-{side}.db", root / f"batch-{side}", states[side], deltas[side], deltas[other]
        )
    floors.append(time.perf_counter() - start_s)


def _floor_side(
    path: Path,
    batch: Path,
    states: dict[str, bytes],
    mine: dict[str, list[bytes]],
    theirs: dict[str, list[bytes]],
) -> None:
    """One batch file out, one in: load, apply, encode, project and insert every document."""
    packed = zstandard.ZstdCompressor(level=6).compress(
        b"".join(delta for items in mine.values() for delta in items)
    )
    with batch.open("wb") as file:
        file.write(packed)
        file.flush()
    db = sqlite3.connect(path, isolation_level=None)
    db.execute("PRAGMA journal_mode = WAL")
    db.execute("PRAGMA synchronous = FULL")
    db.execute("CREATE TABLE documents (id TEXT PRIMARY KEY, state BLOB, json TEXT)")
    zstandard.ZstdDecompressor().decompress(batch.read_bytes())
    db.execute("BEGIN")
    for document_id, state in states.items():
        doc: Doc[Any] = Doc()
        doc.apply_update(state)
        fields: Map[str] = doc.get("f", type=Map)
        for delta in mine[document_id]:
            doc.apply_update(delta)
        for delta in theirs[document_id]:
            doc.apply_update(delta)
        db.execute("INSERT INTO documents VALUES (?, ?, ?)", (document_id, doc.get_update(), str(fields)))
    db.execute("COMMIT")
    db.close()


async def _create(replica: Replica, chance: random.Random) -> str:
    async with replica.edit(Quote) as quote:
        fill(quote, chance)
    return quote.id


async def _change(replica: Replica, document_id: str, chance: random.Random) -> None:
    async with replica.edit(Quote, document_id) as quote:
        change(quote, chance)


async def _states(replica: Replica, ids: list[str]) -> dict[str, bytes]:
    documents = replica._workspace.documents
    return await replica._workspace.database.run(
        lambda c: {item: documents.open(c, item, keep=False).live.state() for item in ids}
    )


async def _last_change(replica: Replica) -> int:
    return await replica._workspace.database.read(
        lambda c: c.execute("SELECT max(n) FROM _changes").fetchone()[0]
    )


async def _deltas(replica: Replica, after: int) -> dict[str, list[bytes]]:
    def job(connection: sqlite3.Connection) -> dict[str, list[bytes]]:
        found: dict[str, list[bytes]] = {}
        for document_id, delta in connection.execute(
            "SELECT d.id, c.delta FROM _changes c JOIN _documents d ON d.n = c.document WHERE c.n > ? ORDER BY c.n",
            (after,),
        ):
            found.setdefault(document_id, []).append(delta)
        return found

    return await replica._workspace.database.read(job)
