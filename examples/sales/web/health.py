"""The state of the sync in a few words, for the header of every page."""

from dataclasses import dataclass

from examples.sales.web.desk import Desk
from examples.sales.web.switch import UnderWay


@dataclass(frozen=True, slots=True)
class Heard:
    """When another replica was last heard from."""

    name: str
    heard_ms: int


@dataclass(frozen=True, slots=True)
class Health:
    """What the header says."""

    is_offline: bool
    delay_s: float
    """How slow the folder is."""
    under_way: UnderWay
    """What the slow folder has still to carry."""
    problem: str
    """Why the folder cannot be used now; empty if it can."""
    waiting_out: int
    """How many changes and files made here are not in the folder yet."""
    waiting_in: int
    """How many pieces of others wait for an earlier one, or are known of and have not come."""
    waits_for: tuple[str, ...]
    """Whose changes are known of and have not come."""
    quarantined: int
    heard: tuple[Heard, ...]
    """Newest first."""
    conflicts: int

    @property
    def mark(self) -> str:
        """The one word that says it: offline, problem, waiting or well."""
        if self.is_offline:
            return "offline"
        if self.problem or self.quarantined:
            return "problem"
        return "waiting" if self.waiting_out or self.waiting_in else "well"


async def health_of(desk: Desk) -> Health:
    """Return how the sync fares now."""
    remotes = await desk.replica.remotes()
    peers = await desk.replica.peers()
    newest_first = sorted(peers, key=lambda peer: -peer.heard_ms)
    return Health(
        is_offline=desk.switch.is_offline,
        delay_s=desk.delay.delay_s,
        under_way=desk.delay.under_way,
        problem=desk.sync.problem,
        waiting_out=sum(remote.waiting_changes + remote.waiting_files for remote in remotes),
        waiting_in=sum(remote.inbox + sum(m.segments for m in remote.missing) for remote in remotes)
        + max([r.waiting_causes for r in remotes], default=0),
        waits_for=tuple(missing.name for remote in remotes for missing in remote.missing),
        quarantined=len(await desk.replica.quarantine()),
        heard=tuple(Heard(peer.name, peer.heard_ms) for peer in newest_first),
        conflicts=await desk.replica.count_conflicts(waiting=True),
    )
