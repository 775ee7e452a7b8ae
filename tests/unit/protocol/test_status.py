"""Items to Sync: each status, its time and its reason."""

import pytest

from crdtsync.protocol.status import ItemFacts, ItemStatus, age_text, item_state

DAY = 86_400_000
NOW = 100 * DAY


def test_an_item_never_marked_is_a_draft_that_waits_for_nothing():
    state = item_state(ItemFacts(created_ms=5), NOW)
    assert (state.status, state.since_ms, state.why_waiting) == (ItemStatus.DRAFT, 5, "")


def test_a_marked_item_waits_for_the_shared_folder():
    state = item_state(ItemFacts(created_ms=5, marked_ms=6, remote_problem="it is not mounted"), NOW)
    assert state.status is ItemStatus.MARKED
    assert state.why_waiting == "waits for the shared folder: it is not mounted"


def test_a_marked_item_waits_for_the_next_sync_when_all_is_well():
    assert item_state(ItemFacts(created_ms=5, marked_ms=6), NOW).why_waiting == "waits for the next sync"


def test_a_sent_item_says_when_the_office_was_last_heard_from():
    facts = ItemFacts(created_ms=5, marked_ms=6, sent_ms=7, coordinator_heard_ms=NOW - 3 * DAY)
    state = item_state(facts, NOW)
    assert (state.status, state.since_ms) == (ItemStatus.SENT, 7)
    assert state.why_waiting == (
        "waits for the office to receive it; the office was last heard from 3 days ago"
    )


def test_a_sent_item_says_that_the_coordinator_was_never_heard_from():
    facts = ItemFacts(created_ms=5, marked_ms=6, sent_ms=7, coordinator_name="HQ")
    assert item_state(facts, NOW).why_waiting == "waits for HQ to receive it; HQ was never heard from"


def test_a_received_item_waits_for_its_number():
    facts = ItemFacts(created_ms=5, marked_ms=6, sent_ms=7, received_ms=8, coordinator_heard_ms=NOW)
    state = item_state(facts, NOW)
    assert (state.status, state.since_ms) == (ItemStatus.RECEIVED, 8)
    assert state.why_waiting == "waits for the office to number it; the office was last heard from just now"


def test_an_item_in_the_folder_before_it_was_marked_waits_since_the_mark():
    assert item_state(ItemFacts(created_ms=1, marked_ms=9, sent_ms=2), NOW).since_ms == 9


def test_a_reset_makes_a_draft_of_what_has_no_number():
    facts = ItemFacts(created_ms=1, sent_ms=2, received_ms=3)
    assert item_state(facts, NOW).status is ItemStatus.DRAFT


def test_a_numbered_item_stays_numbered_whatever_happens():
    facts = ItemFacts(created_ms=1, numbered_ms=4, remote_problem="gone")
    state = item_state(facts, NOW)
    assert (state.status, state.since_ms, state.why_waiting) == (ItemStatus.NUMBERED, 4, "")


@pytest.mark.parametrize(
    ("age_ms", "text"),
    [
        (-DAY, "just now"),
        (59_999, "just now"),
        (60_000, "1 minute ago"),
        (7_200_000, "2 hours ago"),
        (DAY, "1 day ago"),
        (400 * DAY, "400 days ago"),
    ],
)
def test_ages_are_given_in_words(age_ms, text):
    assert age_text(age_ms) == text
