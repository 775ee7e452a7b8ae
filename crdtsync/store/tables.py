"""The database's tables, and the steps from one version of them to the next.

Internal names begin with an underscore, which a kind's name cannot: the readable views take the kinds' names.
"""

import sqlite3
from collections.abc import Callable

APPLICATION_ID = 0x43525354
"""`CRST`, in the header of the SQLite file: tells a replica from any other database."""

_VERSION_1 = """
CREATE TABLE _meta (key TEXT PRIMARY KEY, value) WITHOUT ROWID;

-- What each kind declares (document/stored.py), so that any process can read and edit its documents.
CREATE TABLE _kinds (
    kind TEXT PRIMARY KEY,
    schema TEXT NOT NULL
) WITHOUT ROWID;

-- One process start of one replica: whose changes carry this Yrs client id.
CREATE TABLE _incarnations (
    client INTEGER PRIMARY KEY,
    replica TEXT NOT NULL,
    name TEXT NOT NULL,
    author TEXT NOT NULL
);

CREATE TABLE _documents (
    n INTEGER PRIMARY KEY,
    id TEXT NOT NULL UNIQUE,
    kind TEXT NOT NULL,
    rev INTEGER NOT NULL DEFAULT 0,     -- counts up with every change of this row
    shared INTEGER NOT NULL DEFAULT 0,  -- whether changes made here are published
    created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    digest BLOB NOT NULL,
    version BLOB NOT NULL,              -- client -> sequence of what is applied
    frontier BLOB NOT NULL,             -- the changes nothing applied comes after
    conflicts INTEGER NOT NULL DEFAULT 0,
    deltas INTEGER NOT NULL DEFAULT 0   -- changes that are not in _states yet
);
CREATE INDEX _documents_changed ON _documents (kind, changed_ms, n);
CREATE INDEX _documents_created ON _documents (kind, created_ms, n);

-- A document's Yrs state up to and including a change; the changes after it come on top.
CREATE TABLE _states (
    document INTEGER PRIMARY KEY,
    change INTEGER NOT NULL,
    state BLOB NOT NULL
);

CREATE TABLE _changes (
    n INTEGER PRIMARY KEY,              -- the order of arrival here, which is a causal order
    document INTEGER NOT NULL,
    client INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,
    label TEXT NOT NULL,
    causes BLOB NOT NULL,
    delta BLOB NOT NULL,
    segment INTEGER                     -- the first segment that carried it (_segments.n); NULL: none yet
);
CREATE INDEX _changes_document ON _changes (document, n);

-- Changes whose causes have not arrived.
CREATE TABLE _waiting (
    document TEXT NOT NULL,
    client INTEGER NOT NULL,
    sequence INTEGER NOT NULL,
    kind TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    label TEXT NOT NULL,
    causes BLOB NOT NULL,
    delta BLOB NOT NULL,
    segment INTEGER,
    PRIMARY KEY (document, client, sequence)
) WITHOUT ROWID;

CREATE TABLE _quarantine (
    n INTEGER PRIMARY KEY,
    at_ms INTEGER NOT NULL,
    what TEXT NOT NULL,                 -- file | change | fork
    name TEXT NOT NULL,
    reason TEXT NOT NULL,
    waiting_helps INTEGER NOT NULL,
    data BLOB,
    UNIQUE (what, name)
);

CREATE TABLE _conflicts (
    document INTEGER NOT NULL,
    ordinal INTEGER NOT NULL,
    path TEXT NOT NULL,
    reason TEXT NOT NULL,
    policy TEXT NOT NULL,
    cells TEXT NOT NULL,                -- JSON: [[stamp, writer, raw], ...]
    shown INTEGER NOT NULL,
    PRIMARY KEY (document, ordinal)
) WITHOUT ROWID;

CREATE TABLE _aliases (
    text TEXT NOT NULL COLLATE NOCASE,
    document INTEGER NOT NULL,
    PRIMARY KEY (text, document)
) WITHOUT ROWID;
CREATE INDEX _aliases_document ON _aliases (document);

CREATE VIRTUAL TABLE _search USING fts5 (words, tokenize = 'unicode61 remove_diacritics 2');

-- Where this replica publishes and reads.
CREATE TABLE _remotes (
    n INTEGER PRIMARY KEY,
    address TEXT NOT NULL UNIQUE,
    folder TEXT NOT NULL,
    feed TEXT NOT NULL,
    head_sequence INTEGER NOT NULL DEFAULT 0,
    head_hash BLOB NOT NULL,
    beacon_counter INTEGER NOT NULL DEFAULT 0,
    beacon_content BLOB NOT NULL DEFAULT x'',  -- what the newest own beacon says, without its time
    beacon_ms INTEGER NOT NULL DEFAULT 0,
    problem TEXT NOT NULL DEFAULT '',
    problem_since_ms INTEGER
);

-- Changes that are still to be put into a segment.
CREATE TABLE _outbox (
    remote INTEGER NOT NULL,
    change INTEGER NOT NULL,
    PRIMARY KEY (remote, change)
) WITHOUT ROWID;

-- The exact bytes of everything this replica published: whatever vanishes is published again from here.
CREATE TABLE _own_files (
    n INTEGER PRIMARY KEY,
    remote INTEGER NOT NULL,
    type TEXT NOT NULL,                 -- marker | segment | ledger | beacon
    number INTEGER NOT NULL,
    hash BLOB NOT NULL,
    name TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    data BLOB NOT NULL,
    copies INTEGER NOT NULL DEFAULT 0,
    made_ms INTEGER NOT NULL,
    put_ms INTEGER                      -- NULL: not in the folder yet
);
CREATE INDEX _own_files_unput ON _own_files (remote, n) WHERE put_ms IS NULL;
CREATE INDEX _own_files_number ON _own_files (remote, type, number);

-- Segments of all feeds that are safely here. `body` is dropped once the segment is applied.
CREATE TABLE _segments (
    n INTEGER PRIMARY KEY,
    remote INTEGER NOT NULL,
    owner TEXT NOT NULL,
    feed TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    hash BLOB NOT NULL UNIQUE,
    previous BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    body BLOB,
    applied_ms INTEGER
);
CREATE INDEX _segments_feed ON _segments (remote, owner, feed, sequence);
CREATE INDEX _segments_inbox ON _segments (remote, owner, feed, sequence) WHERE applied_ms IS NULL;

-- What was made of each file seen in a remote, so that it is not read again.
CREATE TABLE _files (
    remote INTEGER NOT NULL,
    name TEXT NOT NULL,
    size_bytes INTEGER NOT NULL,
    verdict TEXT NOT NULL,              -- read | foreign | bad
    PRIMARY KEY (remote, name, size_bytes)
) WITHOUT ROWID;

-- The newest beacon of every replica.
CREATE TABLE _peers (
    remote INTEGER NOT NULL,
    replica TEXT NOT NULL,
    name TEXT NOT NULL,
    role TEXT NOT NULL,
    coordinator INTEGER NOT NULL,
    counter INTEGER NOT NULL,
    at_ms INTEGER NOT NULL,             -- by its own clock
    heard_ms INTEGER NOT NULL,          -- by ours
    ledger_index INTEGER NOT NULL,
    ledger_hash BLOB NOT NULL,
    software TEXT NOT NULL,
    PRIMARY KEY (remote, replica)
) WITHOUT ROWID;

CREATE TABLE _receipts (
    remote INTEGER NOT NULL,
    replica TEXT NOT NULL,
    owner TEXT NOT NULL,
    feed TEXT NOT NULL,
    sequence INTEGER NOT NULL,
    received_ms INTEGER NOT NULL,       -- when we learned of it, by our clock
    PRIMARY KEY (remote, replica, owner, feed)
) WITHOUT ROWID;

-- Items to Sync: what a person marked on this replica.
CREATE TABLE _marks (
    document INTEGER PRIMARY KEY,
    serial INTEGER NOT NULL,
    marked_ms INTEGER,                  -- NULL: withdrawn
    segment INTEGER                     -- the segment that carries it (_segments.n); NULL: none yet
);

-- The newest request of each replica for each document, in order of arrival.
CREATE TABLE _requests (
    n INTEGER PRIMARY KEY,
    replica TEXT NOT NULL,
    document TEXT NOT NULL,
    series TEXT NOT NULL,
    kind TEXT NOT NULL,
    serial INTEGER NOT NULL,
    withdrawn INTEGER NOT NULL,
    digest BLOB NOT NULL,
    reference TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    sent INTEGER NOT NULL DEFAULT 0,    -- own requests: whether a segment carries it
    UNIQUE (replica, series, document)
);
CREATE INDEX _requests_document ON _requests (document);

CREATE TABLE _series (
    name TEXT PRIMARY KEY,
    pattern TEXT NOT NULL,
    start INTEGER NOT NULL
) WITHOUT ROWID;

CREATE TABLE _ledger (
    idx INTEGER PRIMARY KEY,
    hash BLOB NOT NULL,
    encoded BLOB NOT NULL,
    outcome TEXT NOT NULL,
    series TEXT NOT NULL,
    number INTEGER NOT NULL,
    text TEXT NOT NULL COLLATE NOCASE,
    document TEXT NOT NULL,
    reason TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    issue_date TEXT NOT NULL,
    known_ms INTEGER NOT NULL           -- when it was known here, by our clock
);
CREATE INDEX _ledger_text ON _ledger (text);
CREATE INDEX _ledger_document ON _ledger (document) WHERE document <> '';
-- What the ledger promises, stated once more: one number for a document, one document for a number.
CREATE UNIQUE INDEX _ledger_number ON _ledger (series, number, outcome);
CREATE UNIQUE INDEX _ledger_granted ON _ledger (series, document) WHERE outcome = 'granted';
CREATE UNIQUE INDEX _ledger_printed ON _ledger (text) WHERE outcome = 'granted';

-- Numbers that a person declared unusable, until the next round writes that into the ledger.
CREATE TABLE _voids (
    n INTEGER PRIMARY KEY,
    series TEXT NOT NULL,
    number INTEGER,                     -- NULL: the next one
    granted INTEGER NOT NULL,           -- whether it was known to be granted then
    reason TEXT NOT NULL,
    at_ms INTEGER NOT NULL
);

-- Ledger entries that came before the ones between them and ours.
CREATE TABLE _ledger_waiting (
    idx INTEGER NOT NULL,
    hash BLOB NOT NULL,
    encoded BLOB NOT NULL,
    PRIMARY KEY (idx, hash)
) WITHOUT ROWID;
"""


def _create(connection: sqlite3.Connection) -> None:
    # Not `executescript`, which would commit what it finds open.
    for statement in _VERSION_1.split(";\n"):
        if statement.strip():
            connection.execute(statement)


def _add_poison(connection: sqlite3.Connection) -> None:
    """Add the table of deltas that must never meet the CRDT again, by a hash of their bytes."""
    connection.execute(
        "CREATE TABLE _poison (document TEXT NOT NULL, hash BLOB NOT NULL, PRIMARY KEY (document, hash)) WITHOUT ROWID"
    )


_RECEIVED = (
    "SELECT 'received', NEW.remote, m.document, NEW.replica FROM _segments s JOIN _marks m ON m.segment = s.n "
    "WHERE s.remote = NEW.remote AND s.owner = NEW.owner AND s.feed = NEW.feed AND s.sequence <= NEW.sequence"
)

_NOTED = {
    "AFTER INSERT ON _marks": "VALUES ('mark', NULL, NEW.document, '')",
    "AFTER UPDATE OF marked_ms ON _marks WHEN NEW.marked_ms IS NOT OLD.marked_ms": (
        "VALUES ('mark', NULL, NEW.document, '')"
    ),
    "AFTER DELETE ON _marks": "VALUES ('mark', NULL, OLD.document, '')",
    "AFTER UPDATE OF put_ms ON _own_files WHEN NEW.put_ms IS NOT NULL AND OLD.put_ms IS NULL": (
        "SELECT 'sent', NEW.remote, m.document, '' FROM _segments s JOIN _marks m ON m.segment = s.n "
        "WHERE s.hash = NEW.hash AND s.remote = NEW.remote "
        "UNION ALL SELECT 'remote', NEW.remote, NULL, address FROM _remotes WHERE n = NEW.remote"
    ),
    "AFTER INSERT ON _remotes": "VALUES ('remote', NEW.n, NULL, NEW.address)",
    "AFTER UPDATE OF problem ON _remotes WHEN NEW.problem IS NOT OLD.problem": (
        "VALUES ('remote', NEW.n, NULL, NEW.address)"
    ),
    "AFTER INSERT ON _receipts": _RECEIVED,
    "AFTER UPDATE OF sequence ON _receipts": f"{_RECEIVED} AND s.sequence > OLD.sequence",
    "AFTER INSERT ON _peers": "VALUES ('peer', NEW.remote, NULL, NEW.replica)",
    "AFTER INSERT ON _ledger": "VALUES ('ledger', NULL, NULL, NEW.idx)",
    "AFTER INSERT ON _quarantine": "VALUES ('quarantine', NULL, NULL, NEW.name)",
    "AFTER DELETE ON _quarantine": "VALUES ('quarantine', NULL, NULL, OLD.name)",
}
"""When something happens that people are told of -> what is noted of it: (what, remote, document, detail)."""


def _add_happenings(connection: sqlite3.Connection) -> None:
    """Note what happens beside changes, in the very transaction; the newest 20,000 notes are kept."""
    connection.execute(
        "CREATE TABLE _happenings (n INTEGER PRIMARY KEY, what TEXT NOT NULL, remote INTEGER, document INTEGER, "
        "detail TEXT NOT NULL)"
    )
    connection.execute(
        "CREATE TRIGGER _happenings_kept AFTER INSERT ON _happenings WHEN NEW.n % 1000 = 0 BEGIN "
        "DELETE FROM _happenings WHERE n <= NEW.n - 20000; END"
    )
    # Which marks a segment carries.
    connection.execute("CREATE INDEX _marks_segment ON _marks (segment)")
    for number, (when, note) in enumerate(_NOTED.items()):
        connection.execute(
            f"CREATE TRIGGER _noted_{number} {when} BEGIN "
            f"INSERT INTO _happenings (what, remote, document, detail) {note}; END"
        )


def _add_attempts(connection: sqlite3.Connection) -> None:
    """Keep why a remote could not be attached: it has no row among the remotes yet, and people ask."""
    connection.execute(
        "CREATE TABLE _attempts (address TEXT PRIMARY KEY, problem TEXT NOT NULL, problem_since_ms INTEGER NOT NULL) "
        "WITHOUT ROWID"
    )
    for event, row in (("INSERT", "NEW"), ("UPDATE OF problem", "NEW"), ("DELETE", "OLD")):
        connection.execute(
            f"CREATE TRIGGER _noted_attempt_{event.split()[0].lower()} AFTER {event} ON _attempts BEGIN "
            "INSERT INTO _happenings (what, remote, document, detail) "
            f"VALUES ('remote', NULL, NULL, {row}.address); END"
        )


MIGRATIONS: tuple[Callable[[sqlite3.Connection], None], ...] = (
    _create,
    _add_poison,
    _add_happenings,
    _add_attempts,
)
"""Step i brings a database from version i to version i + 1. Released steps are never changed."""

SCHEMA_VERSION = len(MIGRATIONS)
