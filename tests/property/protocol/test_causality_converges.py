"""Goal: in any order of delivery, with losses and repetitions, all replicas come to one version and frontier.

Method: up to five replicas edit one document, each seeing of the others whatever hypothesis lets it see. The
model keeps, for every change, the whole set of changes in its past, and tells version and frontier from that.
"""

from hypothesis import given
from hypothesis import strategies as st

from crdtsync.protocol.causality import ChangeId, advance, causes_of_next, has, missing


class Replica:
    """What one replica has, by the code under test and by the model."""

    def __init__(self, client):
        self.client = client
        self.version = {}
        self.frontier = ()
        self.applied = set()

    def offer(self, change_id, world):
        """Apply the change if nothing is missing, and say whether it is applied."""
        causes, past = world[change_id]
        wanted = missing(self.version, change_id, causes)
        assert not any(has(self.version, one) for one in wanted)
        if wanted:
            assert not past <= self.applied
            return False
        if not has(self.version, change_id):
            assert past <= self.applied, "a change is applied after everything it has seen"
        self.frontier = advance(self.version, self.frontier, change_id, causes)
        self.applied.add(change_id)
        return True

    def edit(self, world):
        change_id = ChangeId(self.client, self.version.get(self.client, 0) + 1)
        world[change_id] = (causes_of_next(self.frontier, self.client), frozenset(self.applied))
        assert self.offer(change_id, world)

    def check(self, world):
        assert self.version == {
            client: max(one.sequence for one in self.applied if one.client == client)
            for client, _ in self.applied
        }
        included = set().union(*(world[one][1] for one in self.applied))
        assert self.frontier == tuple(sorted(self.applied - included))


@given(st.data())
def test_any_interleaving_and_any_order_of_delivery_converge(data):
    replicas = [Replica(client) for client in data.draw(st.permutations([3, 7, 11, 2**53 - 1, 1]))]
    replicas = replicas[: data.draw(st.integers(1, 5))]
    world = {}
    for _ in range(data.draw(st.integers(1, 20))):
        replica = data.draw(st.sampled_from(replicas))
        if world and data.draw(st.booleans()):
            replica.offer(data.draw(st.sampled_from(sorted(world))), world)
        else:
            replica.edit(world)
        replica.check(world)
    for replica in replicas:
        waiting = data.draw(st.permutations(sorted(world) * 2))
        while waiting:
            left = [change_id for change_id in waiting if not replica.offer(change_id, world)]
            assert len(left) < len(waiting), "something can always be applied"
            waiting = left
        replica.check(world)
    assert all(replica.version == replicas[0].version for replica in replicas)
    assert all(replica.frontier == replicas[0].frontier for replica in replicas)


@given(st.lists(st.sampled_from([3, 7, 11]), min_size=1, max_size=10))
def test_edits_one_after_another_leave_a_frontier_of_one(order):
    world = {}
    together = Replica(0)
    for client in order:
        change_id = ChangeId(client, together.version.get(client, 0) + 1)
        causes = causes_of_next(together.frontier, client)
        world[change_id] = (causes, frozenset(together.applied))
        assert len(causes) <= 1
        assert together.offer(change_id, world)
        assert together.frontier == (change_id,)
