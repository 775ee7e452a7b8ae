"""Planted bugs of what people are told: a stranger's, which passed when the simulator read tables only."""

from tests.mutations.bug import Bug, Edit

ARRIVALS = "crdtsync/store/arrivals.py"
DOCUMENTS = "crdtsync/store/documents.py"
DRAFT = "crdtsync/document/draft.py"
FEEDS = "crdtsync/store/feeds.py"
ITEMS = "crdtsync/store/items.py"
MARKS = "crdtsync/store/marks.py"
NUMBERING = "crdtsync/protocol/numbering.py"
PROJECTIONS = "crdtsync/store/projections.py"
STEPS = "crdtsync/sync/steps.py"

BOOKKEEPING = "tests/unit/sync/test_bookkeeping.py"

BUGS = (
    Bug(
        name="move-of-line-lost",
        what="a line that is moved stays where it was",
        breaks="I1",
        edits=(Edit(DRAFT, "if order.index(entity_id) == max(0, min(index, len(order) - 1)):", "if order:"),),
    ),
    Bug(
        name="lines-in-order-of-ids",
        what="lines are shown in the order of their random ids",
        breaks="I1",
        edits=(
            Edit(
                "crdtsync/document/projection.py",
                'position = entity[SELF][0].raw if SELF in entity else ""',
                'position = ""',
            ),
        ),
    ),
    Bug(
        name="log-shows-last-writer",
        what="of several who wrote one entry of a log while apart, the last is shown",
        breaks="I1",
        edits=(Edit(DRAFT, "first = cells[-1]", "first = cells[0]"),),
        unit=("tests/unit/document",),
    ),
    Bug(
        name="index-stale-after-first",
        what="documents are found by the first value of a field for ever",
        breaks="I4",
        edits=(
            Edit(
                PROJECTIONS,
                "if stored.indexed is not None and stored.indexed == indexed:",
                "if stored.indexed is not None:",
            ),
        ),
    ),
    Bug(
        name="search-words-stale",
        what="documents are found by the first words of their texts for ever",
        breaks="I4",
        edits=(
            Edit(
                PROJECTIONS,
                "if any(_is_searched(schema, name) for name in names):",
                "if not stored.words and any(_is_searched(schema, name) for name in names):",
            ),
        ),
    ),
    Bug(
        name="reference-of-received-not-found",
        what="a reference number is found only where it was given",
        breaks="I29",
        edits=(
            Edit(
                DOCUMENTS,
                "if any(REFERENCES.encode() in change.delta for change in ready):",
                "if not ready:",
            ),
        ),
    ),
    Bug(
        name="author-is-machine",
        what="the name of the machine is told to others for that of the author",
        breaks="I13",
        edits=(
            Edit(
                FEEDS,
                "(item.client, item.replica, item.replica_name, item.author) for item",
                "(item.client, item.replica, item.replica_name, item.replica_name) for item",
            ),
        ),
    ),
    Bug(
        name="decision-keeps-newest",
        what="whatever a person decides, the newest value is kept",
        breaks="I1",
        edits=(
            Edit(
                "crdtsync/deciding.py",
                "    chosen = conflict.values[keep]\n    path = tuple(",
                "    chosen = conflict.values[0]\n    path = tuple(",
            ),
        ),
    ),
    Bug(
        name="received-one-segment-early",
        what="an item is received once the office has the segment before it",
        breaks="I9",
        edits=(Edit(ITEMS, '"AND sequence >= ?",', '"AND sequence >= ? - 1",'),),
        unit=(BOOKKEEPING,),
    ),
    Bug(
        name="receipt-of-what-was-never-sent",
        what="everybody is said to have what is in no segment yet",
        breaks="I9",
        edits=(Edit(ITEMS, ">= (sequence or 1 << 62)", ">= (sequence or 0)"),),
    ),
    Bug(
        name="waiting-change-in-wrong-segment",
        what="a change that waited is counted to the segment that ended its wait",
        breaks="I9",
        edits=(
            Edit(
                ARRIVALS,
                "changes[key], arrival.carried[key] = item, item_segment",
                "changes[key], arrival.carried[key] = item, segment",
            ),
        ),
    ),
    Bug(
        name="poison-for-every-document",
        what="bytes that are bad in one document are refused in all",
        breaks="H45",
        edits=(
            Edit(
                ARRIVALS,
                '"SELECT hash FROM _poison WHERE document = ?"',
                '"SELECT hash FROM _poison WHERE ? IS NOT NULL"',
            ),
        ),
        unit=("tests/unit/sync/test_hostile.py",),
    ),
    Bug(
        name="needs-forget-causes",
        what="what names a bad change, and is by another writer, is taken for good",
        breaks="I6, H45",
        edits=(
            Edit(
                ARRIVALS,
                "for key in (ChangeId(item.client, item.sequence - 1), *item.causes) if key in index]",
                "for key in (ChangeId(item.client, item.sequence - 1),) if key in index]",
            ),
        ),
        unit=(BOOKKEEPING,),
    ),
    Bug(
        name="verdicts-of-others",
        what="what is found out about one document counts for another one",
        breaks="H45",
        edits=(
            Edit(
                "crdtsync/sync/examining.py",
                "verdicts = iter(await self._workspace.examiner.examine(cases) if cases else ())",
                "verdicts = iter(list(await self._workspace.examiner.examine(cases))[::-1] if cases else ())",
            ),
        ),
        unit=("tests/unit/sync/test_changes.py",),
    ),
    Bug(
        name="grant-without-digest",
        what="a number is granted for no content",
        breaks="I24, H69",
        edits=(Edit(NUMBERING, "digest=request.digest,", "digest=bytes(16),"),),
    ),
    Bug(
        name="first-number-skipped",
        what="a series begins with its second number",
        breaks="I23",
        edits=(
            Edit(
                NUMBERING,
                "return self.start if counter is None else counter + 1",
                "return self.start + 1 if counter is None else counter + 1",
            ),
        ),
    ),
    Bug(
        name="number-of-the-first-entry-for-all",
        what="every document shows the first number that was granted",
        breaks="I24",
        edits=(
            Edit(
                "crdtsync/store/query.py",
                "WHERE l.document = d.id AND l.outcome = 'granted' ORDER BY l.idx LIMIT 1)\"",
                "WHERE l.outcome = 'granted' ORDER BY l.idx LIMIT 1)\"",
            ),
        ),
    ),
    Bug(
        name="ledger-entry-replaced",
        what="an entry that gives a number again takes the place of the accepted one",
        breaks="I21, I25, I28",
        edits=(
            Edit(
                "crdtsync/store/numbers.py",
                '"INSERT INTO _ledger (idx',
                '"INSERT OR REPLACE INTO _ledger (idx',
            ),
        ),
        unit=(BOOKKEEPING,),
    ),
    Bug(
        name="lock-not-enforced",
        what="a document that waits for its number can be edited although it was to be locked",
        breaks="H69",
        edits=(
            Edit(
                "crdtsync/replica.py",
                "locked=self._why_locked if self._lock_while_numbering else None,",
                "locked=None,",
            ),
        ),
        unit=("tests/unit/sync/test_numbers.py",),
    ),
    Bug(
        name="conflict-names-wrong-winner",
        what="a conflict says that its newest value is shown, whatever the policy of the field",
        breaks="I2",
        edits=(
            Edit(
                "crdtsync/document/winners.py",
                "cells, cells.index(shown_cell(cells, spec)))",
                "cells, 0)",
            ),
        ),
    ),
    Bug(
        name="own-requests-not-recalled",
        what="a restored replica does not take up again what it asks for in the folder",
        breaks="H36, I30",
        edits=(
            Edit(
                STEPS,
                "if owner == session.replica:\n                    marks",
                "if owner != owner:\n                    marks",
            ),
        ),
        unit=("tests/unit/sync/test_numbers.py",),
    ),
    Bug(
        name="restored-feed-by-beacon-ignored",
        what="a restored replica does not notice by the beacons of others that they have more of its feed",
        breaks="H36, I7",
        edits=(
            Edit(
                "crdtsync/sync/pull.py",
                "if peers.knows_more_of_us(connection, session.n, session.replica, beacon):",
                "if False:",
            ),
        ),
        unit=(
            "tests/unit/sync/test_numbers.py::test_restored_workstation_begins_a_new_feed_when_a_peer_has_more",
        ),
    ),
    Bug(
        name="reset-leaves-outbox",
        what="a document whose mark is taken back before it was sent is sent all the same",
        breaks="I11",
        edits=(
            Edit(
                MARKS,
                '"DELETE FROM _outbox WHERE change IN (SELECT n FROM _changes WHERE document = ?)", (n,)',
                '"SELECT 1 WHERE ? IS NULL", (n,)',
            ),
        ),
        unit=("tests/unit/sync/test_numbers.py", "tests/unit/sync/test_telling.py"),
    ),
    Bug(
        name="release-releases-everything",
        what="one file that can be read strikes all damaged ones off the list",
        breaks="H6, I29",
        edits=(
            Edit(
                FEEDS,
                "\"DELETE FROM _quarantine WHERE what = 'file' AND instr(lower(name), ?)\", (hint,)",
                "\"DELETE FROM _quarantine WHERE what = 'file' AND ? <> ''\", (hint,)",
            ),
        ),
        unit=(BOOKKEEPING,),
    ),
    Bug(
        name="wants-never-cleared",
        what="what a peer missed once is thought to be missed until it was put again",
        breaks="I32",
        edits=(
            Edit(
                "crdtsync/store/peers.py",
                '    connection.execute("DELETE FROM _meta WHERE key > ? AND key < ?", _below(f"want/{n}/{peer}"))\n    if',
                "    if",
            ),
        ),
        unit=(BOOKKEEPING,),
    ),
    Bug(
        name="no-edit-after-the-first",
        what="no document can ever be edited again: nothing happens, and nothing is wrong",
        breaks="I1",
        edits=(
            Edit(
                DOCUMENTS,
                "        document = self.open(connection, document_id)\n        if not document.rev:",
                "        document = self.open(connection, document_id)\n        if document.rev:",
            ),
        ),
    ),
    Bug(
        name="no-number-is-ever-void",
        what="a number that a person declares void never is",
        breaks="I23",
        edits=(
            Edit(
                "crdtsync/store/numbers.py",
                "    for n, *row in rows:\n        wish = _Void(*row)",
                "    for n, *row in rows[:0]:\n        wish = _Void(*row)",
            ),
        ),
    ),
    Bug(
        name="received-by-what-the-office-wrote",
        what="an item is received once the office has what was written last, also if it wrote that itself",
        breaks="I30",
        edits=(
            Edit(
                "crdtsync/store/marks.py",
                "CASE WHEN g.owner = (SELECT value",
                "CASE WHEN g.owner <> (SELECT value",
            ),
        ),
        unit=("tests/unit/sync/test_numbers.py",),
    ),
    Bug(
        name="marked-again-is-sent-at-once",
        what="a document that is marked again is said to be sent although its new request is not",
        breaks="I30",
        edits=(
            Edit(
                "crdtsync/store/marks.py",
                'carried = "NULL" if schema is not None and schema.series is not None else',
                'carried = "NULL" if schema is not None and schema.series is None else',
            ),
        ),
        unit=("tests/unit/sync/test_numbers.py",),
    ),
    Bug(
        name="void-again-after-a-restore",
        what="what was to be void when a backup was made is void once more when it is put back",
        breaks="I23",
        edits=(
            Edit(
                "crdtsync/store/numbers.py",
                "        if _is_written(connection, wish):\n            continue",
                "        if not rows and _is_written(connection, wish):\n            continue",
            ),
        ),
        unit=("tests/unit/sync/test_numbers.py",),
    ),
)
