"""An edit as of what its author had seen overwrites nothing that came since."""

from decimal import Decimal

import pytest

from crdtsync import Document, Entities, Entity
from crdtsync.errors import DocumentNotFoundError, UnknownVersionError, UsageError
from crdtsync.store import documents
from tests.unit.store.shop import Line, Quote, check_sound, shop, workspace_of


@pytest.fixture
async def ada(tmp_path):
    async with shop(tmp_path, author="Ada") as opened:
        yield opened


@pytest.fixture
async def bob(ada, tmp_path):
    """Another process of the machine, which writes as somebody else, as another machine does."""
    async with shop(tmp_path, author="Bob") as opened:
        yield opened


@pytest.fixture
async def seen(ada):
    async with ada.edit(Quote) as made:
        made.customer = "Carl"
        made.city = "Rome"
        made.lines.add(Line(product="shade", quantity=1))
        made.lines.add(Line(product="rail", quantity=5))
        made.notes.set("Measure twice.")
    return await ada.get(Quote, made.id)


async def conflicting(replica, quote):
    """What the conflicts of a quote are: path -> its values and who wrote them."""
    found = await replica.conflicts(quote.id)
    return {item.path: {value.raw: value.author for value in item.values} for item in found}


async def test_what_came_since_is_not_overwritten_but_in_conflict(ada, bob, seen):
    async with bob.edit(Quote, seen.id) as draft:
        draft.customer = "Bert"
        draft.visits = 3
    async with ada.edit(Quote, seen.id, seen=seen) as draft:
        assert (draft.customer, draft.visits, draft.info.version) == ("Carl", 0, seen.info.version)
        draft.customer = "Anna"
    assert await conflicting(ada, seen) == {"customer": {'"Anna"': "Ada", '"Bert"': "Bob"}}
    assert (await ada.get(Quote, seen.id)).visits == 3
    await check_sound(ada)


async def test_without_it_the_last_one_has_overwritten_what_he_never_saw(ada, bob, seen):
    async with bob.edit(Quote, seen.id) as draft:
        draft.customer = "Bert"
    async with ada.edit(Quote, seen.id) as draft:
        draft.customer = "Anna"
    assert await conflicting(ada, seen) == {}


async def test_what_was_seen_is_overwritten(ada, bob, seen):
    async with bob.edit(Quote, seen.id) as draft:
        draft.customer = "Bert"
    async with ada.edit(Quote, seen.id, seen=seen) as draft:
        draft.customer = "Anna"
    both = await ada.get(Quote, seen.id)
    async with bob.edit(Quote, seen.id, seen=both.info.version) as draft:
        draft.customer = "Cleo"
    assert await conflicting(ada, seen) == {}
    assert (await ada.get(Quote, seen.id)).customer == "Cleo"


async def test_what_was_in_conflict_when_it_was_seen_is_decided_and_what_came_since_is_not(ada, bob, seen):
    async with bob.edit(Quote, seen.id) as draft:
        draft.customer = "Bert"
    async with ada.edit(Quote, seen.id, seen=seen) as draft:
        draft.customer = "Anna"
    both = await ada.get(Quote, seen.id)
    async with bob.edit(Quote, seen.id) as draft:
        draft.customer = "Dora"
    async with ada.edit(Quote, seen.id, seen=both) as draft:
        draft.customer = "Cleo"
    assert (await conflicting(ada, seen))["customer"].keys() == {'"Cleo"', '"Dora"'}


async def test_two_pages_of_one_process_do_not_overwrite_each_other_either(ada, seen):
    for name in ("Anna", "Bert", "Cleo"):
        async with ada.edit(Quote, seen.id, seen=seen.info.version, including_own=False) as draft:
            draft.customer = name
    found = await conflicting(ada, seen)
    assert found == {"customer": {'"Anna"': "Ada", '"Bert"': "Ada", '"Cleo"': "Ada"}}
    async with ada.edit(Quote, seen.id) as draft:
        draft.customer = "Dora"
    assert await conflicting(ada, seen) == {}
    await check_sound(ada)


async def test_a_process_takes_no_more_clients_than_it_needs(ada, seen):
    for number in range(20):
        view = await ada.get(Quote, seen.id)
        async with ada.edit(Quote, seen.id, seen=view) as draft:
            draft.visits = number
    for name in ("Anna", "Bert", "Cleo", "Bert"):
        async with ada.edit(Quote, seen.id, seen=seen, including_own=False) as draft:
            draft.customer = name
        async with ada.edit(Quote, seen.id, seen=seen, including_own=False) as draft:
            draft.city = name
    count = await workspace_of(ada).database.read(
        lambda c: c.execute("SELECT count(*) FROM _incarnations").fetchone()[0]
    )
    assert count == 3


async def test_a_client_whose_first_edit_failed_is_known_when_the_next_one_succeeds(ada, seen, monkeypatch):
    async with ada.edit(Quote, seen.id, seen=seen, including_own=False) as draft:
        draft.customer = "Anna"

    def fail(*_):
        raise ZeroDivisionError

    with monkeypatch.context() as patched:
        patched.setattr(documents, "insert_change", fail)
        with pytest.raises(ZeroDivisionError):
            async with ada.edit(Quote, seen.id, seen=seen, including_own=False) as draft:
                draft.customer = "Bert"
    async with ada.edit(Quote, seen.id, seen=seen, including_own=False) as draft:
        draft.customer = "Cleo"
    assert await conflicting(ada, seen) == {"customer": {'"Anna"': "Ada", '"Cleo"': "Ada"}}


async def test_edits_that_follow_what_they_themselves_wrote_are_in_conflict_with_nothing(ada, seen):
    quote = seen
    for name in ("Anna", "Bert", "Cleo"):
        async with ada.edit(Quote, seen.id, seen=quote) as quote:
            quote.customer = name
    assert await conflicting(ada, seen) == {}
    assert quote.info.version == (await ada.get(Quote, seen.id)).info.version


async def test_what_is_left_as_it_was_seen_is_no_edit(ada, bob, seen):
    async with bob.edit(Quote, seen.id) as draft:
        draft.customer = "Bert"
    async with ada.edit(Quote, seen.id, seen=seen) as draft:
        draft.customer = "Carl"
        draft.city = "Pisa"
    shown = await ada.get(Quote, seen.id)
    assert (shown.customer, shown.city, await conflicting(ada, seen)) == ("Bert", "Pisa", {})


async def test_two_who_wrote_the_same_agree(ada, bob, seen):
    async with bob.edit(Quote, seen.id) as draft:
        draft.customer = "Anna"
    async with ada.edit(Quote, seen.id, seen=seen) as draft:
        draft.customer = "Anna"
    assert await conflicting(ada, seen) == {}


async def test_a_field_of_a_line_is_in_conflict_and_its_other_fields_are_not(ada, bob, seen):
    line = seen.lines[0].id
    async with bob.edit(Quote, seen.id) as draft:
        draft.lines[line].quantity = 7
        draft.lines[line].price = Decimal(4)
    async with ada.edit(Quote, seen.id, seen=seen) as draft:
        draft.lines[line].quantity = 9
    assert (await conflicting(ada, seen)).keys() == {f"lines/{line}/quantity"}
    assert (await ada.get(Quote, seen.id)).lines[line].price == 4


async def test_a_line_that_was_removed_since_and_is_edited_stays_as_a_conflict(ada, bob, seen):
    line = seen.lines[0].id
    async with bob.edit(Quote, seen.id) as draft:
        draft.lines.remove(line)
    async with ada.edit(Quote, seen.id, seen=seen) as draft:
        draft.lines[line].quantity = 9
    assert (await conflicting(ada, seen)).keys() == {f"lines/{line}"}
    assert (await ada.get(Quote, seen.id)).lines[line].quantity == 9


async def test_a_line_that_was_edited_since_and_is_removed_stays_as_a_conflict(ada, seen):
    line = seen.lines[0].id
    async with ada.edit(Quote, seen.id) as draft:
        draft.lines[line].quantity = 9
    async with ada.edit(Quote, seen.id, seen=seen, including_own=False) as draft:
        draft.lines.remove(line)
    assert (await conflicting(ada, seen)).keys() == {f"lines/{line}"}
    assert (await ada.get(Quote, seen.id)).lines[line].quantity == 9


async def test_two_pages_that_remove_a_line_have_removed_it(ada, seen):
    line = seen.lines[0].id
    async with ada.edit(Quote, seen.id) as draft:
        draft.lines[line].quantity = 9
        draft.lines.remove(line)
    async with ada.edit(Quote, seen.id, seen=seen, including_own=False) as draft:
        draft.lines.remove(line)
    assert await conflicting(ada, seen) == {}
    assert line not in (await ada.get(Quote, seen.id)).lines


async def test_a_line_that_was_added_since_is_not_there_to_be_edited_and_stays(ada, bob, seen):
    async with bob.edit(Quote, seen.id) as draft:
        added = draft.lines.add(Line(product="motor")).id
    async with ada.edit(Quote, seen.id, seen=seen) as draft:
        with pytest.raises(DocumentNotFoundError):
            draft.lines[added]
        draft.lines.add(Line(product="chain"))
    products = [line.product for line in (await ada.get(Quote, seen.id)).lines]
    assert sorted(products) == ["chain", "motor", "rail", "shade"]


async def test_lines_that_were_moved_since_and_are_moved_are_no_conflict(ada, seen):
    async with ada.edit(Quote, seen.id) as draft:
        draft.lines.move(draft.lines[0], 1)
    async with ada.edit(Quote, seen.id, seen=seen, including_own=False) as draft:
        draft.lines.move(draft.lines[1], 0)
    assert [line.product for line in (await ada.get(Quote, seen.id)).lines] == ["rail", "shade"]
    assert await conflicting(ada, seen) == {}


async def test_a_text_that_was_written_since_merges(ada, bob, seen):
    async with bob.edit(Quote, seen.id) as draft:
        draft.notes.set("Ring first. Measure twice.")
    async with ada.edit(Quote, seen.id, seen=seen) as draft:
        draft.notes.set("Measure twice. Cut once.")
    assert (await ada.get(Quote, seen.id)).notes == "Ring first. Measure twice. Cut once."


async def test_a_text_merges_with_what_was_made_of_another_text(ada, bob, seen):
    async with bob.edit(Quote, seen.id) as draft:
        draft.notes.set("Ring first. Measure twice.")
    async with ada.edit(Quote, seen.id) as draft:
        draft.notes.merge("Measure thrice. Cut once.", seen="Measure twice.")
        assert draft.notes == "Ring first. Measure thrice. Cut once."
        draft.notes.merge("", seen="")
    assert (await ada.get(Quote, seen.id)).notes == "Ring first. Measure thrice. Cut once."


async def test_events_and_tags_of_both_are_kept(ada, bob, seen):
    async with bob.edit(Quote, seen.id) as draft:
        draft.events.append("printed", id="print")
        draft.tags.add("urgent")
    async with ada.edit(Quote, seen.id, seen=seen) as draft:
        draft.events.append("printed", id="print")
        draft.events.append("paid")
        draft.tags.add("big")
    quote = await ada.get(Quote, seen.id)
    assert (sorted(quote.events), sorted(quote.tags)) == (["paid", "printed"], ["big", "urgent"])


async def test_a_value_of_several_parts_is_one_value(tmp_path):
    async with shop(tmp_path / "r2", kinds=[Offer]) as replica:
        async with replica.edit(Offer) as made:
            made.positions.add(Position(price=(Decimal(1), Decimal(2))))
        seen = await replica.get(Offer, made.id)
        async with replica.edit(Offer, seen.id) as draft:
            draft.positions[0].price = (Decimal(5), Decimal(2))
        async with replica.edit(Offer, seen.id, seen=seen, including_own=False) as draft:
            draft.positions[0].price = (draft.positions[0].price[0], Decimal(3))
        (found,) = await replica.conflicts(seen.id)
        assert {value.raw for value in found.values} == {'["5","2"]', '["1","3"]'}


class Position(Entity):
    price: tuple[Decimal, ...]


class Offer(Document, kind="offer"):
    positions: Entities[Position]


@pytest.mark.parametrize("changes", [1, 31, 32, 33, 70])
async def test_every_state_a_document_had_can_be_what_was_seen(ada, seen, changes):
    views = [seen]
    for number in range(changes):
        async with ada.edit(Quote, seen.id) as draft:
            draft.visits = number + 1
            draft.notes.append(f" {number}")
        views.append(await ada.get(Quote, seen.id))
    for number in {0, 1, changes // 2, changes - 1, changes}:
        with pytest.raises(ZeroDivisionError):
            async with ada.edit(Quote, seen.id, seen=views[number], including_own=False) as draft:
                assert (draft.visits, str(draft.notes)) == (views[number].visits, str(views[number].notes))
                raise ZeroDivisionError


@pytest.mark.parametrize("version", ["", "zz", "90", "c1", "92cd12340a", "ff" * 200, "d\u00e9"])
async def test_what_names_no_state_of_the_document_is_refused(ada, seen, version):
    with pytest.raises(UnknownVersionError):
        async with ada.edit(Quote, seen.id, seen=version) as draft:
            draft.customer = "Anna"
    assert (await ada.get(Quote, seen.id)).customer == "Carl"


async def test_what_was_seen_is_of_the_document_that_is_edited(ada, seen):
    async with ada.edit(Quote) as other:
        other.customer = "Bert"
    with pytest.raises(UsageError):
        ada.edit(Quote, other.id, seen=seen)
    with pytest.raises(UsageError):
        ada.edit(Quote, seen=seen)


async def test_a_view_of_a_list_can_be_what_was_seen(ada, bob, seen):
    (listed,) = await ada.find(Quote)
    async with bob.edit(Quote, seen.id) as draft:
        draft.customer = "Bert"
    async with ada.edit(Quote, seen.id, seen=listed) as draft:
        draft.customer = "Anna"
    assert (await conflicting(ada, seen)).keys() == {"customer"}


async def test_what_somebody_wrote_himself_he_may_have_seen(ada, bob, seen):
    async with bob.edit(Quote, seen.id) as draft:
        draft.customer = "Bert"
    async with ada.edit(Quote, seen.id, seen=seen) as draft:
        draft.city = "Pisa"
        draft.lines[0].price = Decimal(7)
    async with ada.edit(Quote, seen.id, seen=seen) as draft:
        assert (draft.customer, draft.city, draft.lines[0].price) == ("Carl", "Pisa", 7)
        draft.city = "Oslo"
        draft.customer = "Anna"
        draft.lines[0].price += 1
    assert (await conflicting(ada, seen)).keys() == {"customer"}
    quote = await ada.get(Quote, seen.id)
    assert (quote.customer, quote.city, quote.lines[0].price) == ("Anna", "Oslo", 8)
    async with bob.edit(Quote, seen.id, seen=seen) as draft:
        draft.city = "Nice"
    assert (await conflicting(ada, seen)).keys() == {"customer", "city"}
    await check_sound(ada)


async def test_a_page_that_is_saved_twice_is_not_in_conflict_with_itself(ada, seen):
    version = seen.info.version
    for name, note in (("Anna", "Measure twice. Cut."), ("Cleo", "Measure twice. Cut. Paint.")):
        async with ada.edit(Quote, seen.id, seen=version) as draft:
            draft.customer = name
            draft.notes.set(note)
    quote = await ada.get(Quote, seen.id)
    assert (quote.customer, quote.notes) == ("Cleo", "Measure twice. Cut. Paint.")
    assert await conflicting(ada, seen) == {}


async def test_what_builds_on_what_was_not_seen_is_not_taken_for_seen(ada, bob, seen):
    async with ada.edit(Quote, seen.id, seen=seen) as draft:
        draft.notes.append(" Cut.")
    async with bob.edit(Quote, seen.id) as draft:
        draft.notes.append(" Paint.")
    async with ada.edit(Quote, seen.id) as draft:
        draft.notes.append(" Ring.")
        draft.visits = 2
    async with ada.edit(Quote, seen.id, seen=seen) as draft:
        assert (draft.visits, draft.notes) == (2, "Measure twice. Cut.")
        draft.notes.set("Measure twice. Cut well.")
    assert (await ada.get(Quote, seen.id)).notes == "Measure twice. Cut well. Paint. Ring."


async def test_a_version_is_of_one_document(ada):
    """Two documents that one process made one after the other have the same frontier."""
    made = []
    for _ in range(2):
        async with ada.edit(Quote) as quote:
            quote.customer = "Carl"
        made.append(quote)
    first, second = made
    assert first.info.version != second.info.version
    for version in (second.info.version, second.info.version[8:]):
        with pytest.raises(UnknownVersionError, match="version"):
            async with ada.edit(Quote, first.id, seen=version) as draft:
                draft.customer = "Anna"
    assert (await ada.get(Quote, first.id)).customer == "Carl"


async def test_what_somebody_wrote_before_a_restart_is_his_own(ada, seen, tmp_path):
    async with ada.edit(Quote, seen.id) as draft:
        draft.customer = "Anna"
    async with shop(tmp_path, author="Ada") as again:
        async with again.edit(Quote, seen.id, seen=seen) as draft:
            draft.customer = "Cleo"
        assert await conflicting(again, seen) == {}
