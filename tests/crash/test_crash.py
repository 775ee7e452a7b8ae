"""Processes die and lose nothing; processes that share a document hide nothing from each other."""

import time

import pytest

from crdtsync import open_replica
from tests.crash import actors
from tests.crash.driver import DEADLINE_S, check_replica, run
from tests.crash.processes import Victim, context

DUEL_EDITS = 25


@pytest.mark.parametrize("seed", [1])
def test_killing_loses_nothing(seed):
    outcome = run(10, seed)
    assert outcome.edits
    assert sum(outcome.kills.values()) == 20


@pytest.mark.slow
@pytest.mark.parametrize("seed", [20, 21, 22, 23])
def test_killing_for_longer_loses_nothing(seed):
    outcome = run(60, seed)
    assert outcome.edits > 60
    assert outcome.numbers


async def test_two_processes_and_an_agent_share_a_document(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    for name, role in (("office", "office"), ("r2", "roaming")):
        async with open_replica(
            tmp_path / name, name=name.upper(), role=role, kinds=[actors.Quote]
        ) as replica:
            await replica.sync(f"folder:{folder}")
    async with open_replica(tmp_path / "r2", kinds=[actors.Quote]) as r2:
        async with r2.edit(actors.Quote) as quote:
            quote.customer = "first"
        await r2.mark_for_sync(quote.id)

    starter = context()
    agent = Victim(starter, actors.agent, tmp_path / "r2", folder, 0)
    duellists = [Victim(starter, actors.duellist, tmp_path / "r2", quote.id, DUEL_EDITS) for _ in range(2)]
    try:
        deadline = time.monotonic() + DEADLINE_S
        while not all(("done",) in duellist.hear(0.02) for duellist in duellists):
            assert time.monotonic() < deadline, [duellist.said for duellist in duellists]
            assert all(duellist.is_alive or ("done",) in duellist.hear() for duellist in duellists)
        assert agent.is_alive
    finally:
        agent.kill()
        said = [message for duellist in duellists for message in duellist.kill()]

    edits = [(token, seen, line) for what, *rest in said if what == "edited" for token, seen, line in [rest]]
    assert len(edits) == 2 * DUEL_EDITS
    print(sum(len(seen) > 1 for _, seen, _ in edits), "edits began on a conflict")
    async with (
        open_replica(tmp_path / "r2", kinds=[actors.Quote]) as r2,
        open_replica(tmp_path / "office", kinds=[actors.Quote]) as office,
    ):
        for replica in (r2, office, r2):
            await replica.sync(f"folder:{folder}")
        for replica in (r2, office):
            await check_replica(replica, {(quote.id, token) for token, _, _ in edits})
            shown = await replica.get(actors.Quote, quote.id)
            # Nobody lost an update of his own: each counted his line up in every edit.
            assert {line.id: line.quantity for line in shown.lines} == {
                line: DUEL_EDITS for _, _, line in edits
            }
            # A value is gone only if whoever wrote over it had seen it: the others are in conflict.
            unseen = {token for token, _, _ in edits} - {item for _, seen, _ in edits for item in seen}
            assert await _customers(replica, quote.id) == unseen
        assert await r2.digests() == await office.digests()


async def _customers(replica, identity):
    for conflict in await replica.conflicts(identity):
        if conflict.path == "customer":
            return {value.raw.strip('"') for value in conflict.values}
    return {(await replica.get(actors.Quote, identity)).customer}
