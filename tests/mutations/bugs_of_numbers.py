"""Planted bugs of numbers: requests, grants, the ledger, references."""

from tests.mutations.bug import Bug, Edit

LEDGER = "crdtsync/protocol/ledger.py"
NUMBERING = "crdtsync/protocol/numbering.py"
NUMBERS = "crdtsync/store/numbers.py"
MARKS = "crdtsync/store/marks.py"
WORKSPACE = "crdtsync/store/workspace.py"
PULL = "crdtsync/sync/pull.py"

UNIT = ("tests/unit/sync/test_numbers.py",)
PURE = ("tests/unit/protocol/test_ledger.py", *UNIT)

BUGS = (
    Bug(
        name="backlog-not-published-first",
        what="numbers are granted while those before them are not in the folder (R3)",
        breaks="F3, F8, I23",
        edits=(
            Edit(
                NUMBERS,
                '    if own_files.has_unput(connection, "ledger"):\n        return Granted()\n',
                "",
            ),
        ),
        kit=("tests/exhaustive/test_kills.py", "tests/exhaustive/test_failures.py"),
        unit=UNIT,
    ),
    Bug(
        name="tail-not-carried",
        what="a ledger file holds its own grants only, and not those that others may lack (R4)",
        breaks="F4, F6, F20",
        edits=(Edit(NUMBERS, "(min(first, entries[0].index),)", "(entries[0].index,)"),),
        kit=("tests/exhaustive/test_alone.py",),
        unit=UNIT,
    ),
    Bug(
        name="doubt-ignored",
        what="a restored coordinator grants although others have more of the ledger (R5)",
        breaks="F7, F8, I21",
        edits=(Edit(NUMBERS, "    if seen > here:\n", "    if False:\n"),),
        kit=("tests/exhaustive/test_restored_coordinator.py",),
        unit=UNIT,
    ),
    Bug(
        name="own-ledger-in-folder-ignored",
        what="a restored coordinator grants although its own ledger in the folder cannot be read yet (R5)",
        breaks="F8, H14, I21",
        edits=(
            Edit(
                "crdtsync/sync/steps.py",
                "    if session.ledger_named > numbers.head(connection).index:\n",
                "    if False:\n",
            ),
        ),
        kit=("tests/exhaustive/test_restored_coordinator.py",),
        unit=UNIT,
    ),
    Bug(
        name="second-coordinator-not-frozen",
        what="a coordinator goes on granting beside another one",
        breaks="F10, F14, I21, I28",
        edits=(Edit(PULL, "        numbers.freeze(connection, reason)\n", "        pass\n"),),
        kit=("tests/exhaustive/test_restored_coordinator.py",),
        unit=UNIT,
    ),
    Bug(
        name="renumbered-on-retry",
        what="a request that is seen again gets another number (R1)",
        breaks="F5, I22",
        edits=(
            Edit(
                NUMBERS,
                '    "AND NOT EXISTS (SELECT 1 FROM _ledger l WHERE l.document = r.document AND l.series = r.series "\n'
                "    \"AND l.outcome = 'granted') AND EXISTS",
                '    "AND EXISTS',
            ),
        ),
        kit=("tests/exhaustive/test_kills.py",),
        unit=UNIT,
    ),
    Bug(
        name="numbered-by-requester",
        what="two who ask for one document get two numbers (R1)",
        breaks="F18, I22",
        edits=(Edit(NUMBERING, " or wanted in granted or wanted in done:\n", " or wanted in granted:\n"),),
        kit=("tests/exhaustive/test_requests.py",),
        unit=("tests/unit/protocol/test_numbering.py", *UNIT),
    ),
    Bug(
        name="withdrawn-granted",
        what="a mark that was taken back gets a number all the same",
        breaks="F16, I30",
        edits=(
            Edit(NUMBERS, "WHERE NOT r.withdrawn AND d.rev > 0 ", "WHERE d.rev > 0 "),
            Edit(NUMBERING, "        if request.withdrawn or superseded or", "        if superseded or"),
        ),
        kit=("tests/exhaustive/test_requests.py",),
        unit=("tests/unit/protocol/test_numbering.py", *UNIT),
    ),
    Bug(
        name="older-request-wins",
        what="a request that comes again replaces the withdrawal that came after it",
        breaks="F5, H2, H8",
        edits=(Edit(MARKS, '        "WHERE excluded.serial > serial",\n', '        "",\n'),),
        kit=("tests/exhaustive/test_requests.py",),
        unit=UNIT,
    ),
    Bug(
        name="counter-in-memory",
        what="numbers are counted in the process that gives them, and not in the database",
        breaks="F1, F19, I21, I23",
        edits=(
            Edit(
                NUMBERS,
                '    return dict(connection.execute("SELECT series, max(number) FROM _ledger GROUP BY series"))\n',
                "    return _COUNTED.setdefault(id(connection), {})\n\n\n_COUNTED: dict[int, dict[str, int]] = {}\n",
            ),
            Edit(
                NUMBERS,
                "        _insert(connection, entry, encode_entry(entry), now_ms)\n    _keep",
                "        _COUNTED.setdefault(id(connection), {})[entry.series] = entry.number\n"
                "        _insert(connection, entry, encode_entry(entry), now_ms)\n    _keep",
            ),
        ),
        kit=("tests/exhaustive/test_kills.py", "tests/exhaustive/test_failures.py"),
        unit=UNIT,
    ),
    Bug(
        name="number-skipped-by-crash",
        what="the counter is durable before the grant",
        breaks="F1, I23",
        edits=(
            Edit(
                NUMBERS,
                '    return dict(connection.execute("SELECT series, max(number) FROM _ledger GROUP BY series"))\n',
                '    found = dict(connection.execute("SELECT series, max(number) FROM _ledger GROUP BY series"))\n'
                "    kept = connection.execute(\"SELECT key, value FROM _meta WHERE key LIKE 'counter/%'\").fetchall()\n"
                "    return found | {key[8:]: max(value, found.get(key[8:], 0)) for key, value in kept}\n",
            ),
            Edit(
                NUMBERS,
                "    for entry in entries:\n        _insert(connection, entry, encode_entry(entry), now_ms)\n    _keep",
                "    for entry in entries:\n"
                '        connection.execute("INSERT OR REPLACE INTO _meta VALUES (?, ?)", (f"counter/{entry.series}", entry.number))\n'
                '    connection.execute("COMMIT")\n'
                '    connection.execute("BEGIN IMMEDIATE")\n'
                "    for entry in entries:\n        _insert(connection, entry, encode_entry(entry), now_ms)\n    _keep",
            ),
        ),
        kit=("tests/exhaustive/test_kills.py", "tests/exhaustive/test_failures.py"),
        unit=UNIT,
    ),
    Bug(
        name="issue-date-goes-back",
        what="the date of a number is that of the clock, also when the clock went back",
        breaks="F15, H41, H68, I27",
        edits=(
            Edit(
                NUMBERING, 'issue_date=max(today, last_issue_dates.get(rules.name, "")),', "issue_date=today,"
            ),
        ),
        kit=("tests/exhaustive/test_again.py",),
        unit=("tests/unit/protocol/test_numbering.py", *UNIT),
    ),
    Bug(
        name="ledger-chain-not-checked",
        what="a ledger entry that follows another one than the last is accepted",
        breaks="H62, H63, I28",
        edits=(
            Edit(LEDGER, "        elif entry.previous != end.hash:\n", "        elif False:\n"),
            Edit(
                LEDGER,
                "_require(entry.index == head.index + 1 and entry.previous == head.hash, ",
                "_require(entry.index == head.index + 1, ",
            ),
        ),
        kit=("tests/exhaustive/test_ledgers.py",),
        unit=PURE,
    ),
    Bug(
        name="ledger-gap-accepted",
        what="a ledger entry is accepted before the one that it follows",
        breaks="F20, F6, I28",
        edits=(
            Edit(LEDGER, "        elif entry.index > end.index + 1:\n", "        elif False:\n"),
            Edit(LEDGER, "        elif entry.previous != end.hash:\n", "        elif False:\n"),
        ),
        kit=("tests/exhaustive/test_ledgers.py",),
        unit=PURE,
    ),
    Bug(
        name="ledger-fork-not-noticed",
        what="an entry that differs from the one of its number here is passed over",
        breaks="F10, F14, H63, I28",
        edits=(
            Edit(
                LEDGER,
                "            if expected is not None and expected != digest:\n",
                "            if False:\n",
            ),
        ),
        kit=("tests/exhaustive/test_ledgers.py",),
        unit=PURE,
    ),
    Bug(
        name="reference-given-twice",
        what="every new document gets the same reference number",
        breaks="I21, design 9",
        edits=(
            Edit(WORKSPACE, '    set_meta(connection, "references", counter)\n', ""),
            Edit(
                WORKSPACE,
                '        if connection.execute("SELECT 1 FROM _aliases WHERE text = ?", (text,)).fetchone() is None:\n',
                "        if True:\n",
            ),
        ),
        unit=UNIT,
    ),
    Bug(
        name="reference-given-twice-after-restore",
        what="a restored replica gives reference numbers again that have come back from the others",
        breaks="H36, design 9",
        edits=(
            Edit(
                WORKSPACE,
                '        if connection.execute("SELECT 1 FROM _aliases WHERE text = ?", (text,)).fetchone() is None:\n',
                "        if True:\n",
            ),
        ),
        kit=("tests/exhaustive/test_again.py",),
        unit=UNIT,
    ),
)
