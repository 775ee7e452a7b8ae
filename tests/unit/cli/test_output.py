"""Tables fit the terminal they are printed on."""

import io

import pytest

from crdtsync.cli import output
from crdtsync.cli.syncing import report_text
from crdtsync.sync.report import SyncReport

HEADERS = ["document", "customer", "notes", "changed", "remarks"]
ROWS = [
    ["Q-00001", "Ada", "-", "2030-12-31 23:59:59", "a blind for the " + "very " * 8 + "long window"],
    ["Q-00002", "Bob", "", "2030-12-30 23:59:59", "none"],
]


@pytest.fixture
def print_on_columns(monkeypatch):
    def print_on(columns):
        stream = io.StringIO()
        monkeypatch.setattr(output.sys, "stdout", stream)
        monkeypatch.setattr(output, "_is_terminal", lambda: True)
        monkeypatch.setenv("COLUMNS", str(columns))
        output.print_table(HEADERS, ROWS)
        return [line.rstrip() for line in stream.getvalue().splitlines()]

    return print_on


def test_a_table_that_fits_is_printed_whole(print_on_columns):
    lines = print_on_columns(200)

    assert lines[0].split() == HEADERS
    assert len(lines) == 3


def test_a_narrower_terminal_costs_the_empty_columns_and_wraps_only_long_text(print_on_columns):
    lines = print_on_columns(70)

    assert lines[0].split() == ["document", "customer", "changed", "remarks"]
    assert lines[1].startswith("Q-00001   Ada       2030-12-31 23:59:59  a blind")
    assert max(map(len, lines)) <= 70
    assert len(lines) > 3


def test_on_one_still_narrower_each_row_is_a_list(print_on_columns):
    assert print_on_columns(40) == [
        "document  Q-00001",
        "customer  Ada",
        "changed   2030-12-31 23:59:59",
        "remarks   " + ROWS[0][-1],
        "",
        "document  Q-00002",
        "customer  Bob",
        "changed   2030-12-30 23:59:59",
        "remarks   none",
    ]


def published(files, segments):
    return SyncReport(published_files=files, published_segments=segments, published_bytes=192)


@pytest.mark.parametrize(
    ("report", "text"),
    [
        (SyncReport(), "nothing to do"),
        (SyncReport(applied=1, waiting=1), "applied 1 change, 1 change waits for earlier ones"),
        (SyncReport(applied=2, waiting=2), "applied 2 changes, 2 changes wait for earlier ones"),
        (published(1, 0), "published 1 file, none with changes (192 bytes)"),
        (published(3, 1), "published 3 files, 1 with changes (192 bytes)"),
        (published(2, 2), "published 2 files, with changes (192 bytes)"),
    ],
)
def test_one_and_many_are_worded_apart(report, text):
    assert report_text(report) == text
