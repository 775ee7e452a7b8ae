"""Goal: whatever replicas write while apart, they end equal, and show and list exactly what the rules say.

Method: up to five replicas edit one document at random, with clocks that are decades wrong, restarts under a
fresh client id, and states that were compacted. Changes travel in any order, twice, and wait for their
causes. Beside them runs a model that knows nothing of registers: it keeps every write ever made and what its
writer had seen. At the end the values listed under a path are those that nobody has seen and overwritten, and
a line is gone only if its removers had seen all that is written in it. Some edits are of what their author saw
a while ago: they have seen that, and nothing else.
"""

import random
from dataclasses import dataclass, field

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from crdtsync.document.examination import try_out
from crdtsync.document.live import LiveDocument
from crdtsync.document.registers import MARKER, RESTORED, Presence, presence
from crdtsync.document.schema import Shape
from crdtsync.document.texts import splices
from crdtsync.errors import DocumentNotFoundError
from crdtsync.protocol.causality import ChangeId, advance, causes_of_next, missing

from .order import INFO, SCHEMA, STEADY, Line, Order, Price, Stage, viewed

NOW_MS = 1_700_000_000_000
DECADE_MS = 315_360_000_000


@dataclass(frozen=True)
class Change:
    id: ChangeId
    causes: tuple[ChangeId, ...]
    delta: bytes


@dataclass(frozen=True)
class Write:
    change: ChangeId
    raw: str
    seen: frozenset[ChangeId]


@dataclass
class Model:
    """All writes ever made, by path, and what their writers had seen."""

    writes: dict[tuple[str, ...], list[Write]] = field(default_factory=dict)

    def left(self, path, applied=None):
        """Return the writes of a path that no other one had seen, of those that are applied."""
        writes = [write for write in self.writes.get(path, ()) if applied is None or write.change in applied]
        return [w for w in writes if not any(w.change in other.seen and other is not w for other in writes)]

    def record(self, change_id, draft, seen, applied):
        for path, raw in draft.writes.values.items():
            before, now = self.left(path, seen), self.left(path, applied)
            if any(writes and all(write.raw == raw for write in writes) for writes in (before, now)):
                continue
            spec = SCHEMA.fields[path[0]]
            if len(path) == 2 and spec.shape is not Shape.ENTITIES and now:
                continue
            # What a client repeats, and where it moves an entity, takes the place of what it wrote, seen or not.
            own = {
                write.change
                for write in self.writes.get(path, ())
                if write.change.client == change_id.client and (len(path) == 2 or write.raw == raw)
            }
            self.writes.setdefault(path, []).append(Write(change_id, raw, seen | own))
        for name, entity_id in draft.writes.removals:
            path = (name, entity_id, MARKER)
            self.writes.setdefault(path, []).append(Write(change_id, "removed", seen | {change_id}))

    def presence(self, entity):
        markers = self.left((*entity, MARKER))
        removals = [marker for marker in markers if marker.raw != RESTORED]
        if not removals:
            return Presence.PRESENT
        seen = frozenset().union(*(removal.seen for removal in removals))
        cells = [
            w for path in self.writes if path[:2] == entity and path[-1] != MARKER for w in self.left(path)
        ]
        if len(removals) < len(markers) or any(cell.change not in seen for cell in cells):
            return Presence.CONTESTED
        return Presence.REMOVED


class Replica:
    def __init__(self, world, offset_ms):
        self.world = world
        self.offset_ms = offset_ms
        self.version = {}
        self.frontier = ()
        self.inbox = []
        self.views = []
        self.live = LiveDocument(world.new_client(), SCHEMA)

    @property
    def applied(self):
        return frozenset(
            ChangeId(client, n) for client, last in self.version.items() for n in range(1, last + 1)
        )

    def restart(self, updates=None):
        updates = updates or [self.live.state()]
        self.live.close()
        self.live = LiveDocument(self.world.new_client(), SCHEMA, updates)

    def look(self):
        self.views.append((self.live.state(), self.applied))

    def edit(self, act, meanwhile=lambda: None, view=None):
        state, seen = view or (self.live.state(), self.applied)
        past = LiveDocument(self.live.client, SCHEMA, [state])
        draft = past.draft(SCHEMA, self.world.random.randbytes)
        past.close()
        act(Order._bound(draft, INFO))
        meanwhile()
        if view is not None and self.live.hides(draft, self.live.client):
            self.restart()
        now_ms = max(0, NOW_MS + self.offset_ms + self.world.random.randrange(5))
        written = self.live.write(draft, now_ms)
        if written is None:
            return None
        client = self.live.client
        change_id = ChangeId(client, self.version.get(client, 0) + 1)
        causes = causes_of_next(self.frontier, client)
        self.world.model.record(change_id, draft, seen, self.applied)
        self.frontier = advance(self.version, self.frontier, change_id, causes)
        change = Change(change_id, causes, written.delta)
        for other in self.world.replicas:
            if other is not self:
                other.inbox.append(change)
        return change

    def receive(self, changes):
        """Apply what can be applied, in whatever order the rest comes; what must wait stays in the inbox."""
        self.inbox = [change for change in self.inbox if change not in changes]
        waiting = list(changes)
        batch = []
        while ready := [c for c in waiting if not missing(self.version, c.id, c.causes)]:
            for change in ready:
                waiting.remove(change)
                batch.append(change.delta)  # also what is here already: it changes nothing
                self.frontier = advance(self.version, self.frontier, change.id, change.causes)
        if batch:
            self.apply(batch)
        self.inbox += waiting

    def apply(self, batch):
        """Apply changes, and find that an examiner's outcome, without the CRDT, comes to the same."""
        digest, state = self.live.digest, self.live.state()
        shown, listed = self.live.project({}), self.live.conflicts()
        self.live.apply(batch)
        outcome = try_out([state], batch)
        for stored in (None, shown):
            merged = LiveDocument(1, SCHEMA, digest=digest, outcome=outcome)
            merged.apply(batch)
            if stored is not None:
                # Only what was changed is read, and the rest taken from what was shown before.
                merged.resume(stored, listed)
            fresh = LiveDocument(1, SCHEMA, [self.live.state()])
            assert merged.project({}) == fresh.project({})
            assert merged.conflicts() == self.live.conflicts() == fresh.conflicts()
            assert merged.search_text() == self.live.search_text() == fresh.search_text()
            assert merged.fields() == fresh.fields()
            assert merged.digest == self.live.digest
            assert merged.references() == self.live.references()
            assert LiveDocument(1, SCHEMA, [merged.state()]).digest == self.live.digest

    def absorb(self, other):
        """Take in the whole state of another replica, as from a checkpoint."""
        mine = {
            e for e in self.frontier if other.version.get(e.client, 0) < e.sequence or e in other.frontier
        }
        theirs = {
            e for e in other.frontier if self.version.get(e.client, 0) < e.sequence or e in self.frontier
        }
        self.live.apply([other.live.state()])
        self.frontier = tuple(sorted(mine | theirs))
        for client, last in other.version.items():
            self.version[client] = max(last, self.version.get(client, 0))


class World:
    def __init__(self, seed, replicas):
        self.random = random.Random(seed)
        self.model = Model()
        self.clients = set()
        self.replicas = []
        for _ in range(replicas):
            self.replicas.append(Replica(self, self.random.randrange(-6, 7) * DECADE_MS))

    def new_client(self):
        client = self.random.choice([self.random.randrange(1, 2**53), self.random.randrange(1, 1000)])
        if client in self.clients:
            return self.new_client()
        self.clients.add(client)
        return client

    def settle(self):
        for replica in self.replicas:
            while replica.inbox:
                before = len(replica.inbox)
                batch = list(replica.inbox)
                self.random.shuffle(batch)
                replica.receive(batch + batch[:3])
                assert len(replica.inbox) < before, "changes wait for ever"


def edit_something(rng, order):
    """Make one edit of a random shape."""
    lines = rng.choice([order.lines, order.lines, order.fields])
    ids = [line.id for line in lines]
    match rng.randrange(18):
        case 0:
            order.customer = rng.choice(["Ada", "Bob", 'Odd "\\\u2028\x00 name', "😀"])
        case 1:
            order.deposit = rng.choice(["1", "1.0", "1.00", "2E+3", "-7.5"])
        case 2:
            order.due_days = rng.choice([None, 1, 7, 30, 2**60])
        case 3:
            order.terms = rng.choice(["net", "gross"])
        case 4:
            order.stage = rng.choice(list(Stage))
        case 5:
            # A form that saves every field as it is shown.
            order.customer, order.terms, order.due_days = order.customer, order.terms, order.due_days
        case 6 | 7:
            index = rng.choice([None, 0, 1, -1])
            fixed = rng.choice([None, None, "line-a", "line-b"])
            if not any(fixed == line.id for line in [*lines, *lines.removed]):
                lines.add(
                    Line(product=rng.choice("xyz"), price=Price(rng.choice(["1.50", 2]))),
                    index=index,
                    id=fixed,
                )
        case 8 | 9 if ids:
            lines[rng.choice(ids)].quantity = rng.randrange(5)
        case 10 if ids:
            lines[rng.choice(ids)].product = rng.choice(["shade", "blind"])
        case 11 | 12 if ids:
            lines.move(rng.choice(ids), rng.randrange(-2, 5))
        case 13 if ids:
            lines.remove(rng.choice(ids))
            if ids[0] in lines and rng.random() < 0.3:
                lines[ids[0]].quantity = 9
                lines.remove(ids[0])
        case 14:
            for line in [*lines, *lines.removed]:
                if rng.random() < 0.7:
                    lines.restore(line)
        case 15:
            order.done.append(rng.choice(["printed", "paid"]), id=rng.choice([None, "first", "second"]))
        case 16:
            order.tags.add(rng.choice(["red", "green", "blue"]))
        case _:
            text = str(order.notes)
            start = rng.randrange(len(text) + 1)
            order.notes.replace(start, start + rng.randrange(4), rng.choice(["", "é", "😀!", "two words"]))


def take_step(world, step, who):
    rng = world.random
    replica = world.replicas[who % len(world.replicas)]
    other = rng.choice(world.replicas)
    some = [change for change in replica.inbox if rng.random() < 0.6]
    rng.shuffle(some)

    def act(order):
        for _ in range(rng.choice([1, 1, 3])):
            edit_something(rng, order)

    match step:
        case "edit":
            replica.edit(act)
        case "edit while changes come in":
            replica.edit(act, meanwhile=lambda: replica.receive(some))
        case "edit what was seen" if replica.views:
            replica.edit(act, view=rng.choice(replica.views))
        case "receive":
            replica.receive(some + some[:2])
        case "restart":
            replica.restart()
        case "look":
            replica.look()
            assert replica.live.digest == replica.live.recompute_digest()
            view = viewed(replica.live)
            draft = Order._bound(replica.live.draft(SCHEMA, rng.randbytes), INFO)
            assert repr(draft) == repr(view)
            assert repr(draft.lines.removed) == repr(view.lines.removed)
        case "checkpoint" if other is not replica:
            replica.absorb(other)


STEPS = [
    "edit",
    "edit",
    "edit",
    "edit while changes come in",
    "edit what was seen",
    "edit what was seen",
    "receive",
    "receive",
    "restart",
    "look",
    "checkpoint",
]


@settings(STEADY, max_examples=500)
@given(
    seed=st.integers(0, 2**32),
    replicas=st.integers(2, 5),
    steps=st.lists(st.tuples(st.sampled_from(STEPS), st.integers(0, 4)), min_size=10, max_size=60),
)
def test_replicas_end_equal_and_list_exactly_what_nobody_overwrote(seed, replicas, steps):
    world = World(seed, replicas)
    for step, who in steps:
        take_step(world, step, who)
    world.settle()

    ada = world.replicas[0].live
    for replica in world.replicas:
        live = replica.live
        assert live.digest == live.recompute_digest() == ada.digest
        assert live.project({}) == ada.project({})
        assert live.conflicts() == ada.conflicts()
        assert live.search_text() == ada.search_text()
        assert_same_after_compaction(live)
    assert_as_modelled(world.model, ada)


def assert_same_after_compaction(live):
    fresh = LiveDocument(2**53 - 1, SCHEMA, [live.state()])
    assert fresh.digest == live.digest
    assert fresh.project({}) == live.project({})
    assert fresh.conflicts() == live.conflicts()
    assert fresh.search_text() == live.search_text()
    assert dict(fresh.registers) == dict(live.registers)
    fresh.close()


def assert_as_modelled(model, live):
    registers = live.registers
    listed = {
        path: sorted((cell.writer, cell.raw) for cell in cells)
        for path, cells in registers
        if path[-1] != MARKER
    }
    expected = {
        path: sorted((write.change.client, write.raw) for write in model.left(path))
        for path in model.writes
        if path[-1] != MARKER
    }
    assert listed == expected
    conflicts = {conflict.path: conflict.reason for conflict in live.conflicts()}
    for name in ("lines", "fields"):
        for entity_id, entity in registers.members.get(name, {}).items():
            state = model.presence((name, entity_id))
            assert presence(entity) is state
            assert (entity_id in registers.order(name)) == (state is not Presence.REMOVED)
            assert (conflicts.get((name, entity_id)) == "removal") == (state is Presence.CONTESTED)
    for path, writes in expected.items():
        shape = SCHEMA.fields[path[0]].shape
        if shape is Shape.VALUE or (
            shape is Shape.ENTITIES and len(path) == 3 and model.presence(path[:2]) is not Presence.REMOVED
        ):
            assert (path in conflicts) == (len({raw for _, raw in writes}) > 1)


def three_edits_in_a_row():
    ada = LiveDocument(7, SCHEMA)
    deltas = []
    for name in ("Ada", "Bob", "Bob and Ada"):
        draft = ada.draft(SCHEMA, random.Random(1).randbytes)
        order = Order._bound(draft, INFO)
        if name == "Bob and Ada":
            order.terms = "net"
        else:
            order.customer = name
        deltas.append(ada.write(draft, NOW_MS).delta)
    return ada, deltas


def test_changes_that_come_before_their_causes_are_lost_when_they_are_not_held_back():
    """The rule is needed: the CRDT itself loses what is delivered out of order, though all of it came."""
    ada, deltas = three_edits_in_a_row()
    lost = LiveDocument(8, SCHEMA)
    for index in (1, 2, 0):
        lost.apply([deltas[index]])
    assert lost.digest != ada.digest


def test_changes_in_causal_order_arrive():
    ada, deltas = three_edits_in_a_row()
    bob = LiveDocument(8, SCHEMA)
    for delta in [deltas[0], deltas[0], *deltas, deltas[1]]:
        bob.apply([delta])
    assert bob.digest == ada.digest
    assert viewed(bob).customer == "Bob"


def test_an_edit_made_meanwhile_survives_a_removal_and_both_survive_compaction():
    world = World(1, 2)
    ada, bob = world.replicas
    ada.edit(lambda order: order.lines.add(Line(product="shade"), id="one"))
    world.settle()
    ada.edit(lambda order: order.lines.remove("one"))
    bob.edit(lambda order: setattr(order.lines["one"], "quantity", 3))
    bob.restart()
    world.settle()
    for replica in world.replicas:
        replica.restart()
        assert [line.quantity for line in viewed(replica.live).lines] == [3]
        assert [found.reason for found in replica.live.conflicts()] == ["removal"]
    bob.edit(lambda order: order.lines.remove("one"))
    world.settle()
    assert list(viewed(ada.live).lines) == []
    assert ada.live.conflicts() == []
    with pytest.raises(DocumentNotFoundError):
        ada.edit(lambda order: setattr(order.lines.removed[0], "quantity", 4))


def test_splices_say_what_differs():
    assert splices("one two three", "one 2 three") == [(4, 7, "2")]
