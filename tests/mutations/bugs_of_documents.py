"""Planted bugs of documents: registers, winners, texts, digests."""

from tests.mutations.bug import Bug, Edit

LIVE = "crdtsync/document/live.py"
REGISTERS = "crdtsync/document/registers.py"
WINNERS = "crdtsync/document/winners.py"
CRDT = "crdtsync/document/crdt.py"

CONVERGE = "tests/property/document/test_replicas_converge.py"
UNIT = ("tests/unit/document", "tests/unit/store")

BUGS = (
    Bug(
        name="stamp-by-clock-alone",
        what="a write carries the time of the clock, also when what it replaces is stamped later",
        breaks="H41",
        edits=(
            Edit(
                LIVE,
                "        stamp = min(max(now_ms, registers.highest_stamp() + 1, 1), STAMP_MAX)\n",
                "        stamp = min(max(now_ms, 1), STAMP_MAX)\n",
            ),
        ),
        kit=(CONVERGE,),
        unit=UNIT,
    ),
    Bug(
        name="unseen-value-deleted",
        what="a write replaces also the values that its writer had not seen",
        breaks="I1, I2",
        edits=(
            Edit(LIVE, "cell.writer != self.client and cell in before\n", "cell.writer != self.client\n"),
        ),
        kit=("tests/exhaustive/test_beside.py",),
        unit=UNIT,
    ),
    Bug(
        name="removal-hides-edit",
        what="a removed line is gone although somebody edited it meanwhile",
        breaks="I1",
        edits=(
            Edit(
                REGISTERS,
                "    return Presence.CONTESTED if unseen_by_removal(entity) else Presence.REMOVED\n",
                "    return Presence.REMOVED\n",
            ),
        ),
        kit=(CONVERGE, "tests/exhaustive/test_orders.py"),
        unit=UNIT,
    ),
    Bug(
        name="removal-claims-too-much",
        what="a removal marker holds what was there when it was written, and not what its writer had seen",
        breaks="I1",
        edits=(
            Edit(
                LIVE,
                "            seen = seen_of(draft.base.entity(name, entity_id))\n",
                "            seen = seen_of(self.registers.entity(name, entity_id))\n",
            ),
        ),
        kit=("tests/exhaustive/test_beside.py",),
        unit=UNIT,
    ),
    Bug(
        name="restoring-ignored",
        what="who put a removed line back is not heard where another removal stands beside",
        breaks="I1",
        edits=(
            Edit(
                REGISTERS,
                "    if len(removals) != len(markers):\n        return Presence.CONTESTED\n",
                "",
            ),
        ),
        kit=("tests/exhaustive/test_beside.py",),
        unit=UNIT,
    ),
    Bug(
        name="conflict-of-line-not-listed",
        what="concurrent values of a field of a line are kept, and not listed",
        breaks="I2",
        edits=(
            Edit(
                WINNERS,
                "            if MARKER not in entity and max(map(len, entity.values())) == 1:\n",
                "            if MARKER not in entity:\n",
            ),
        ),
        kit=(CONVERGE, "tests/exhaustive/test_orders.py"),
        unit=UNIT,
    ),
    Bug(
        name="highest-shows-latest",
        what="of a field that shows the highest of concurrent values the latest is shown",
        breaks="I2",
        edits=(
            Edit(
                WINNERS,
                'spec.policy not in ("highest", "lowest"):',
                'spec.policy not in ("lowest",):',
            ),
        ),
        kit=(CONVERGE,),
        unit=UNIT,
    ),
    Bug(
        name="winner-by-arrival",
        what="of concurrent values the one that arrived last is shown",
        breaks="I2, H2",
        edits=(
            Edit(
                REGISTERS,
                "    return tuple(sorted((*(known for known in cells if known.writer != cell.writer), cell), reverse=True))\n",
                "    return (cell, *(known for known in cells if known.writer != cell.writer))\n",
            ),
        ),
        kit=(CONVERGE, "tests/exhaustive/test_orders.py"),
        unit=UNIT,
    ),
    Bug(
        name="text-spliced-by-code-point",
        what="a text is edited at offsets of characters, where the CRDT counts bytes",
        breaks="I1",
        edits=(
            Edit(
                CRDT,
                "            first = len(content[:start].encode())\n",
                "            first = len(content[:start])\n",
            ),
            Edit(
                CRDT,
                "            length = len(content[start:stop].encode())\n",
                "            length = stop - start\n",
            ),
        ),
        kit=(CONVERGE,),
        unit=UNIT,
    ),
    Bug(
        name="text-not-rebased",
        what="an edit of a text undoes what another process wrote to it meanwhile",
        breaks="H39, I1",
        edits=(
            Edit(
                LIVE,
                'free_text.rebase(free_text.splices(base, content), base, self._read_texts().get(name, ""))\n',
                'free_text.splices(self._read_texts().get(name, ""), content)\n',
            ),
        ),
        kit=("tests/exhaustive/test_beside.py",),
        unit=UNIT,
    ),
    Bug(
        name="digest-forgets-texts",
        what="the digest of a document is not kept up when a text changes",
        breaks="I2, I4",
        edits=(
            Edit(
                LIVE,
                "                    self._digest += digests.of_text(name, content) - digests.of_text(name, old)\n",
                "                    pass\n",
            ),
        ),
        kit=(CONVERGE,),
        unit=UNIT,
    ),
    Bug(
        name="digest-forgets-deletions",
        what="the digest of a document still counts what was replaced",
        breaks="I2, I4",
        edits=(
            Edit(
                LIVE,
                "                    self._digest -= digests.of_entry(key, before)\n",
                "                    pass\n",
            ),
        ),
        kit=(CONVERGE,),
        unit=UNIT,
    ),
)
