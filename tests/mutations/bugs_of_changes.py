"""Planted bugs of changes: feeds, causality, the transactions of the store."""

from tests.mutations.bug import Bug, Edit

CAUSALITY = "crdtsync/protocol/causality.py"
FEEDS = "crdtsync/store/feeds.py"
PEERS = "crdtsync/store/peers.py"
PULL = "crdtsync/sync/pull.py"
DOCUMENTS = "crdtsync/store/documents.py"
DATABASE = "crdtsync/store/database.py"
WORKSPACE = "crdtsync/store/workspace.py"
ARRIVALS = "crdtsync/store/arrivals.py"
CRDT = "crdtsync/document/crdt.py"

BUGS = (
    Bug(
        name="chain-not-checked",
        what="a segment follows any segment of the number before it, whatever hash it names",
        breaks="H2, H6, H63, I3",
        edits=(
            Edit(
                FEEDS,
                '"WHERE p.hash = s.previous AND p.applied_ms IS NOT NULL',
                '"WHERE p.remote = s.remote AND p.applied_ms IS NOT NULL',
            ),
        ),
        kit=("tests/exhaustive/test_alone.py",),
        unit=("tests/unit/sync/test_chain.py",),
    ),
    Bug(
        name="segments-out-of-order",
        what="a segment is applied before the one it follows",
        breaks="H2, I6",
        edits=(
            Edit(
                FEEDS,
                "((s.sequence = 1 AND s.previous = ?) OR EXISTS",
                "((s.sequence = 1 AND s.previous = ?) OR s.sequence > 1 OR EXISTS",
            ),
        ),
        kit=("tests/exhaustive/test_orders.py",),
        unit=("tests/unit/sync/test_files.py",),
    ),
    Bug(
        name="applied-before-causes",
        what="a change is applied before the changes of others that its author had seen",
        breaks="H48, I6, I2",
        edits=(
            Edit(
                CAUSALITY,
                "[(change_id, causes, chain((before,), causes))]",
                "[(change_id, causes, chain((before,), ()))]",
            ),
        ),
        kit=("tests/exhaustive/test_causal_order.py", "tests/exhaustive/test_orders.py"),
        unit=("tests/unit/protocol/test_causality.py",),
    ),
    Bug(
        name="applied-before-predecessor",
        what="a change is applied before its author's previous one",
        breaks="H48, I6",
        edits=(
            Edit(
                CAUSALITY,
                "[(change_id, causes, chain((before,), causes))]",
                "[(change_id, causes, chain((), causes))]",
            ),
        ),
        kit=("tests/exhaustive/test_causal_order.py", "tests/exhaustive/test_orders.py"),
        unit=("tests/unit/protocol/test_causality.py",),
    ),
    Bug(
        name="causes-not-named",
        what="a change does not name what its author had seen of others",
        breaks="H48, I6",
        edits=(
            Edit(
                CAUSALITY,
                "    return tuple(entry for entry in frontier if entry[0] != client)\n",
                "    return ()\n",
            ),
        ),
        kit=("tests/exhaustive/test_orders.py",),
        unit=("tests/unit/protocol/test_causality.py",),
    ),
    Bug(
        name="waiting-change-dropped",
        what="a change that waits for its causes is not kept",
        breaks="H1, H2, I10",
        edits=(Edit(DOCUMENTS, "        keep_waiting(connection, arrival)\n", ""),),
        kit=("tests/exhaustive/test_orders.py",),
        unit=("tests/unit/sync/test_changes.py",),
    ),
    Bug(
        name="change-inserted-twice",
        what="a change that comes a second time is recorded a second time",
        breaks="H3, I5",
        edits=(
            Edit(
                ARRIVALS,
                "    ready = [changes.pop(key) for key in found]\n    for key in [key for key in changes if has(version, key)]:\n"
                "        del changes[key]\n",
                "    again = [key for key in changes if key not in set(found) and has(version, key)]\n"
                "    ready = [changes.pop(key) for key in [*found, *again]]\n",
            ),
        ),
        kit=("tests/exhaustive/test_orders.py",),
        unit=("tests/unit/sync/test_changes.py",),
    ),
    Bug(
        name="received-published-again",
        what="what was received from others is published once more",
        breaks="I32, H31",
        edits=(
            Edit(
                DOCUMENTS,
                "        document.deltas += len(ready)\n",
                "        document.deltas += len(ready)\n"
                '        connection.execute("INSERT OR IGNORE INTO _outbox (remote, change) SELECT n, ? FROM _remotes", (last,))\n',
            ),
        ),
        kit=("tests/exhaustive/test_orders.py",),
        unit=("tests/unit/sync/test_files.py",),
    ),
    Bug(
        name="client-id-kept",
        what="a process goes on with the client id of the one before it",
        breaks="H36, H37, H39, H47, I7",
        edits=(
            Edit(
                WORKSPACE,
                "    client = new_client_id(environment.random_bytes)\n",
                '    kept = connection.execute("SELECT client FROM _incarnations WHERE replica = ?", (known["replica"],)).fetchone()\n'
                "    client = kept[0] if kept else new_client_id(environment.random_bytes)\n",
            ),
            Edit(
                WORKSPACE,
                '        "INSERT INTO _incarnations',
                '        "INSERT OR IGNORE INTO _incarnations',
            ),
        ),
        kit=("tests/crash/test_crash.py",),
        unit=("tests/unit/store/test_two_processes.py", "tests/unit/store/test_reopening.py"),
    ),
    Bug(
        name="feed-kept-after-restore",
        what="a restored replica goes on in a feed of which others have more than it has",
        breaks="H36, H38, I7",
        edits=(
            Edit(
                PULL,
                "            if is_new and decoded.header.writer == session.replica:\n",
                "            if False:\n",
            ),
            Edit(
                PULL,
                "    if peers.knows_more_of_us(connection, session.n, session.replica, beacon):\n",
                "    if False:\n",
            ),
        ),
        unit=("tests/unit/sync/test_numbers.py",),
    ),
    Bug(
        name="ack-before-apply",
        what="a beacon says of what was received that it was applied",
        breaks="I9, I11",
        edits=(
            Edit(
                FEEDS,
                'max(sequence), hash FROM _segments WHERE remote = ? AND applied_ms IS NOT NULL "\n',
                'max(sequence), hash FROM _segments WHERE remote = ? "\n',
            ),
        ),
        unit=("tests/unit/sync/test_beacons.py", "tests/unit/sync/test_files.py"),
    ),
    Bug(
        name="receipt-goes-down",
        what="an old beacon that comes late takes back what a newer one said",
        breaks="H2, H8, I12",
        edits=(
            Edit(
                PEERS,
                '"received_ms = excluded.received_ms WHERE excluded.sequence > sequence",',
                '"received_ms = excluded.received_ms",',
            ),
        ),
        kit=("tests/exhaustive/test_again.py",),
        unit=("tests/unit/sync/test_beacons.py",),
    ),
    Bug(
        name="sealed-in-two-transactions",
        what="the outbox is emptied before the segment is kept",
        breaks="H32, I4, I11",
        edits=(
            Edit(
                FEEDS,
                "    segment = _segment_of(connection, changes, requests)\n",
                "    segment = _segment_of(connection, changes, requests)\n"
                '    connection.execute("DELETE FROM _outbox WHERE remote = ?", (row.n,))\n'
                '    connection.execute("COMMIT")\n'
                '    connection.execute("BEGIN IMMEDIATE")\n',
            ),
        ),
        kit=("tests/exhaustive/test_kills.py", "tests/exhaustive/test_failures.py"),
        unit=("tests/unit/sync/test_faults.py",),
    ),
    Bug(
        name="projected-in-two-transactions",
        what="a change is durable before what is shown of it",
        breaks="H32, I4",
        edits=(
            Edit(
                DOCUMENTS,
                "        conflicts = projections.save(connection, document.n, document.id, document.live, document.stored)\n"
                "        document.rev += 1\n",
                '        connection.execute("COMMIT")\n'
                '        connection.execute("BEGIN IMMEDIATE")\n'
                "        conflicts = projections.save(connection, document.n, document.id, document.live, document.stored)\n"
                "        document.rev += 1\n",
            ),
        ),
        kit=("tests/exhaustive/test_kills.py", "tests/exhaustive/test_failures.py"),
        unit=("tests/unit/store/test_group_commit.py", "tests/unit/store/test_failing_statements.py"),
    ),
    Bug(
        name="commits-not-synced",
        what="a commit is acknowledged before its log is on the medium (synchronous=NORMAL)",
        breaks="H33, I1",
        edits=(Edit(DATABASE, "PRAGMA synchronous = FULL", "PRAGMA synchronous = NORMAL"),),
        kit=(
            "tests/contract/test_stores.py",
            "tests/services/test_failing_calls.py::test_nothing_is_acknowledged_before_it_is_synced",
            "tests/services/test_power_cut.py::test_a_power_cut_loses_nothing_that_was_acknowledged[database]",
        ),
        unit=("tests/unit/store",),
        is_simulated=False,
    ),
    Bug(
        name="failed-commit-acknowledged",
        what="an edit whose commit failed is acknowledged",
        breaks="H34, I1",
        edits=(
            Edit(
                DATABASE, "                pending.error = pending.error or error\n", "                pass\n"
            ),
        ),
        kit=("tests/exhaustive/test_failures.py", "tests/exhaustive/test_kills.py"),
        unit=("tests/unit/store/test_failing_statements.py",),
    ),
    Bug(
        name="memory-not-rolled-back",
        what="an open document keeps what a transaction that was rolled back wrote to it",
        breaks="H34, H46, I4",
        edits=(
            Edit(DOCUMENTS, "        self._forget(self._touched_by_job)\n", ""),
            Edit(DOCUMENTS, "        self._forget(self._touched_by_job | self._touched_by_batch)\n", ""),
        ),
        kit=("tests/exhaustive/test_again.py",),
        unit=("tests/unit/store/test_failing_statements.py", "tests/unit/store/test_group_commit.py"),
    ),
    Bug(
        name="other-process-not-seen",
        what="an open document is edited as if no other process of the machine had changed it",
        breaks="H39, I4",
        edits=(
            Edit(
                DOCUMENTS,
                "            if row is not None and row[0] == document.rev:\n",
                "            if row is not None:\n",
            ),
        ),
        kit=("tests/crash/test_crash.py::test_two_processes_and_an_agent_share_a_document",),
        unit=("tests/unit/store/test_two_processes.py",),
    ),
    Bug(
        name="examined-on-another-state",
        what="changes that were examined on an older state of a document are applied to a newer one",
        breaks="H45, H46, I4",
        edits=(Edit(DOCUMENTS, "        if not is_as_seen(connection, arrival):\n", "        if False:\n"),),
        kit=("tests/unit/sync/test_hostile.py",),
        unit=("tests/unit/sync/test_changes.py",),
    ),
    Bug(
        name="reminder-of-poison-lost",
        what="a change that was found to be bad is offered to the CRDT again and again",
        breaks="H45, I16",
        edits=(Edit(ARRIVALS, "    if poison:\n", "    if False:\n"),),
        kit=(
            "tests/fuzz/test_hostile_writer.py",
            "tests/unit/sync/test_changes.py::test_hostile_updates_stop_nothing",
            "tests/unit/sync/test_hostile.py",
        ),
        unit=("tests/unit/sync",),
    ),
    Bug(
        name="panic-not-caught",
        what="a panic of the CRDT library passes through as it is",
        breaks="H45, H46",
        edits=(
            Edit(
                CRDT,
                "        if not isinstance(error, _NOT_OF_THE_CRDT):\n",
                "        if isinstance(error, Exception) and not isinstance(error, _NOT_OF_THE_CRDT):\n",
            ),
        ),
        kit=(
            "tests/fuzz/test_hostile_writer.py",
            "tests/unit/sync/test_changes.py::test_hostile_updates_stop_nothing",
            "tests/unit/sync/test_hostile.py",
        ),
        unit=("tests/unit/document", "tests/unit/sync/test_changes.py"),
    ),
    Bug(
        name="state-drops-conflict",
        what="of a document that is stored whole only the values that are shown are kept",
        breaks="I2, H49",
        edits=(
            Edit(
                "crdtsync/document/live.py",
                "        return self._crdt.state()\n",
                "        copy = CrdtDocument(self.client, [self._crdt.state()])\n"
                "        losers = [entry_key(p, c.writer) for p, cells in self.registers for c in cells[1:]]\n"
                "        copy.write({}, losers, {})\n"
                "        return copy.state()\n",
            ),
        ),
        kit=("tests/property/document/test_replicas_converge.py", "tests/exhaustive/test_orders.py"),
        unit=("tests/unit/document", "tests/unit/store"),
    ),
)
