"""The pages of a workstation, asked for as a browser does."""

import datetime as dt
import re
from decimal import Decimal

import pytest

from crdtsync import ItemStatus, open_replica
from crdtsync.testing import MemoryPlace, MemoryRemote
from examples.sales.model import KINDS, Customer, Quote
from examples.sales.pricing import Tax
from examples.sales.web.security import TOKEN_HEADER
from tests.unit.sales.web_desks import TOKEN, open_seat

TODAY = dt.date(2024, 5, 31)


@pytest.fixture
async def seat(tmp_path):
    async with open_seat(tmp_path) as seat:
        yield seat


async def changes_of(seat, quote_id):
    return [entry.label for entry in await seat.replica.history(quote_id)]


async def test_empty_centers_say_how_to_begin(seat):
    for path, told in (
        ("/quotes", "No quotes yet"),
        ("/sales", "No sales yet"),
        ("/items", "Nothing waits"),
        ("/conflicts", "Nothing to decide"),
    ):
        answer = await seat.page(path)
        assert answer.status_code == 200
        assert told in answer.text


async def test_the_first_page_is_the_center_of_quotes(seat):
    answer = await seat.page("/")
    assert (answer.status_code, answer.headers["location"]) == (303, "/quotes")


async def test_a_center_shows_a_quote_with_its_total_in_the_locale(seat):
    await seat.quote(TODAY, prices=[Decimal("1234.50")])
    text = (await seat.page("/quotes")).text
    assert "R1-0001" in text
    assert "$1,234.50" in text
    assert "5/31/24" in text


async def test_a_german_desk_writes_german_amounts(tmp_path):
    async with open_seat(tmp_path, locale="de_DE") as seat:
        quote_id = await seat.quote(TODAY, prices=[Decimal("1234.50")])
        text = (await seat.page(f"/quotes/{quote_id}")).text
        assert "31.05.24" in text
        assert "1.234,50" in text


async def test_a_search_finds_by_word_and_by_number_and_says_when_there_is_nothing(seat):
    await seat.quote(TODAY, customer_name="Ada Lovelace")
    await seat.quote(TODAY, customer_name="Grace Hopper")
    for words, found, other in (("lovel", "Lovelace", "Hopper"), ("r1-0002", "Hopper", "Lovelace")):
        text = (await seat.page(f"/quotes?q={words}", **{"HX-Request": "true", "HX-Target": "rows"})).text
        assert found in text
        assert other not in text
        assert "<html" not in text
    assert "Nothing found" in (await seat.page("/quotes?q=nobody")).text


async def test_a_center_has_pages_of_fifty(seat):
    for n in range(51):
        await seat.quote(TODAY, customer_name=f"Customer {n}")
    first, second = (await seat.page("/quotes?order=-dated")).text, (await seat.page("/quotes?page=2")).text
    assert first.count('<tr id="row-') == 50
    assert second.count('<tr id="row-') == 1
    assert "page 1 of 2" in first


async def test_a_chip_shows_one_status_only(seat):
    await seat.quote(TODAY)
    assert "R1-0001" in (await seat.page("/quotes?status=quote+pending")).text
    assert "R1-0001" not in (await seat.page("/quotes?status=cancelled")).text


@pytest.mark.parametrize(
    "query", ["page=0", "page=-3", "page=abc", "page=9999999", "order=nonsense", "status=x", 'q="']
)
async def test_a_center_bears_an_address_that_makes_no_sense(seat, query):
    await seat.quote(TODAY)
    assert (await seat.page(f"/quotes?{query}")).status_code == 200


async def test_a_new_quote_makes_its_customer_once(seat):
    for _ in range(2):
        answer = await seat.post("/quotes", customer="  Ada   Lovelace ")
        assert answer.headers["HX-Redirect"].startswith("/quotes/")
    quotes = await seat.replica.find(Quote)
    assert [quote.customer_name for quote in quotes] == ["Ada Lovelace"] * 2
    assert len({quote.customer for quote in quotes}) == 1


async def test_a_new_quote_without_a_customer_is_told_what_is_missing(seat):
    answer = await seat.post("/quotes", customer=" ")
    assert "This cannot be empty." in answer.text
    assert await seat.replica.find(Quote) == []


async def test_a_field_that_is_left_is_one_change(seat):
    quote_id = await seat.quote(TODAY)
    before = len(await changes_of(seat, quote_id))
    answer = await seat.post(f"/quotes/{quote_id}/fields/terms", value="30 days", seen="")
    assert answer.status_code == 200
    assert (await seat.replica.get(Quote, quote_id)).terms == "30 days"
    assert (await changes_of(seat, quote_id))[before:] == ["terms"]


async def test_a_field_that_was_not_changed_is_no_change(seat):
    quote_id = await seat.quote(TODAY, prices=[Decimal("10.00")])
    line = (await seat.replica.get(Quote, quote_id)).lines[0].id
    before = await changes_of(seat, quote_id)
    await seat.post(f"/quotes/{quote_id}/fields/customer_name", value="Ada's aunt", seen="Ada's aunt")
    await seat.post(f"/quotes/{quote_id}/lines/{line}/fields/price", value="10.00", seen="10.00")
    assert await changes_of(seat, quote_id) == before


async def test_what_cannot_be_read_is_kept_on_the_page_and_not_written(seat):
    quote_id = await seat.quote(TODAY)
    before = await changes_of(seat, quote_id)
    answer = await seat.post(f"/quotes/{quote_id}/fields/dated", value="tomorrow", seen="5/31/24")
    assert 'value="tomorrow"' in answer.text
    assert "Write a date as in 5/31/24" in answer.text
    assert await changes_of(seat, quote_id) == before


async def version_on_page(seat, quote_id):
    """What every field of the editor says that its person has seen."""
    page = (await seat.page(f"/quotes/{quote_id}")).text
    (version,) = set(re.findall(r'data-version="(\w+)"', page))
    return version


@pytest.fixture
async def another(seat):
    """Somebody who edits the same documents at the same time, as on another machine."""
    async with open_replica(seat.replica.directory, author="bob", kinds=KINDS) as replica:
        yield replica


@pytest.mark.parametrize(("name", "typed", "other"), [("terms", "30 days", "14 days"), ("tax_pct", "7", "8")])
async def test_one_who_types_over_what_he_never_saw_keeps_both_and_is_told(seat, another, name, typed, other):
    quote_id = await seat.quote(TODAY)
    seen = await version_on_page(seat, quote_id)
    async with another.edit(Quote, quote_id) as quote:
        if name == "terms":
            quote.terms = other
        else:
            quote.tax = Tax("", Decimal(other))
    answer = await seat.post(f"/quotes/{quote_id}/fields/{name}", value=typed, seen="", version=seen)
    assert f"Somebody else wrote &#39;{other}&#39; here meanwhile; both are kept." in answer.text
    assert f'value="{typed}"' in answer.text
    (conflict,) = await seat.replica.conflicts(quote_id)
    assert {value.author for value in conflict.values} == {"ada", "bob"}
    assert (">Decide</a>" in answer.text) == conflict.needs_decision
    after = re.search(r'data-version="(\w+)"', answer.text)[1]
    answer = await seat.post(f"/quotes/{quote_id}/fields/{name}", value="9", seen=typed, version=after)
    assert "Somebody else" not in answer.text
    assert await seat.replica.conflicts(quote_id) == []


async def test_one_who_edits_field_by_field_is_not_in_conflict_with_himself(seat):
    quote_id = await seat.quote(TODAY, prices=[100])
    line = (await seat.replica.get(Quote, quote_id)).lines[0].id
    seen = await version_on_page(seat, quote_id)
    for name, value in (("price", "7"), ("quantity", "3"), ("price", "8"), ("quantity", "4")):
        answer = await seat.post(
            f"/quotes/{quote_id}/lines/{line}/fields/{name}", value=value, seen="", version=seen
        )
        assert "Somebody else" not in answer.text
    assert await seat.replica.conflicts(quote_id) == []
    assert (await seat.replica.get(Quote, quote_id)).total == 32


async def test_a_line_that_is_edited_while_another_removes_it_is_kept_and_that_is_told(seat, another):
    quote_id = await seat.quote(TODAY, prices=[100])
    line = (await seat.replica.get(Quote, quote_id)).lines[0].id
    seen = await version_on_page(seat, quote_id)
    async with another.edit(Quote, quote_id) as quote:
        quote.lines.remove(line)
    address = f"/quotes/{quote_id}/lines/{line}/fields/quantity"
    answer = await seat.post(address, value="3", seen="1", version=seen)
    assert "Somebody else removed this line meanwhile; it is kept." in answer.text
    assert (await seat.replica.get(Quote, quote_id)).lines[line].quantity == 3


async def test_a_page_of_a_document_that_was_restored_keeps_what_was_typed(seat):
    quote_id = await seat.quote(TODAY)
    answer = await seat.post(
        f"/quotes/{quote_id}/fields/terms", value="30 days", seen="", version="92cd1234cd12"
    )
    assert 'value="30 days"' in answer.text
    assert "Show the document again" in answer.text
    assert (await seat.replica.get(Quote, quote_id)).terms == ""


async def test_lines_are_added_edited_and_removed_and_the_total_follows(seat):
    quote_id = await seat.quote(TODAY)
    await seat.post(f"/quotes/{quote_id}/lines")
    line = (await seat.replica.get(Quote, quote_id)).lines[0].id
    for name, value in (("quantity", "3"), ("price", "$1,000.10"), ("width", "34 1/2")):
        answer = await seat.post(f"/quotes/{quote_id}/lines/{line}/fields/{name}", value=value, seen="")
    quote = await seat.replica.get(Quote, quote_id)
    assert (quote.lines[0].quantity, quote.lines[0].width) == (3, Decimal("34.5"))
    assert quote.total == Decimal("3000.30")
    answer = await seat.post(f"/quotes/{quote_id}/lines/{line}/fields/quantity", value="2", seen="3")
    assert "$2,000.20" in answer.text
    for _ in range(2):
        answer = await seat.post(f"/quotes/{quote_id}/lines/{line}/remove")
        assert "No lines yet" in answer.text


async def test_notes_keep_what_both_wrote(seat):
    quote_id = await seat.quote(TODAY)
    await seat.post(f"/quotes/{quote_id}/notes", value="Gate code 12.", seen="")
    await seat.post(f"/quotes/{quote_id}/notes", value="Call first. Gate code 12.", seen="Gate code 12.")
    await seat.post(f"/quotes/{quote_id}/notes", value="Gate code 12. Dog!", seen="Gate code 12.")
    assert str((await seat.replica.get(Quote, quote_id)).notes) == "Call first. Gate code 12. Dog!"


@pytest.mark.parametrize("path", ["/quotes/{id}", "/quotes", "/items"])
async def test_markup_in_a_name_is_shown_and_not_run(seat, path):
    quote_id = await seat.quote(TODAY, customer_name='<script>alert("x")</script>')
    await seat.post(f"/quotes/{quote_id}/fields/terms", value='"><img src=x onerror=alert(1)>', seen="")
    text = (await seat.page(path.format(id=quote_id))).text
    assert "<script>alert" not in text
    assert "<img" not in text
    if path != "/items":
        assert "&lt;script&gt;" in text


@pytest.mark.parametrize("token", [None, "", "another", "thé"])
async def test_a_change_without_the_token_is_refused(seat, token):
    quote_id = await seat.quote(TODAY)
    headers = {} if token is None else {TOKEN_HEADER: token.encode()}
    for path in (f"/quotes/{quote_id}/fields/terms", "/offline", "/quotes", "/items/mark"):
        answer = await seat.browser.post(path, data={"value": "30 days", "seen": ""}, headers=headers)
        assert answer.status_code == 403
    assert (await seat.replica.get(Quote, quote_id)).terms == ""
    assert not seat.desk.switch.is_offline


async def test_a_request_under_another_name_is_refused(seat):
    answer = await seat.browser.get("/quotes", headers={"Host": "evil.example"})
    assert answer.status_code == 421
    assert "Write 127.0.0.1 in its place" in answer.text
    assert TOKEN not in answer.text


async def test_every_answer_forbids_scripts_that_are_not_our_own(seat):
    for path in ("/quotes", "/static/sales.css", "/nowhere", "/quotes/none"):
        policy = (await seat.page(path)).headers["content-security-policy"]
        assert "default-src 'none'" in policy
        assert "script-src 'self';" in policy
        assert "unsafe" not in policy


async def test_no_page_has_a_script_or_a_style_inside(seat):
    quote_id = await seat.quote(TODAY, prices=[Decimal(5)])
    for path in ("/quotes", f"/quotes/{quote_id}", "/items", "/conflicts"):
        text = (await seat.page(path)).text
        assert "<script>" not in text
        assert "<style" not in text
        assert " style=" not in text
        assert "//" not in text.replace("http://127.0.0.1", "")


async def test_what_is_not_there_is_told(seat):
    for path in ("/quotes/aaaaaaaaaaaaaaaaaaaaaaaaaa", "/nowhere", "/quotes/x"):
        assert (await seat.page(path)).status_code == 404
    assert (await seat.post("/quotes/aaaaaaaaaaaaaaaaaaaaaaaaaa/fields/terms", value="x")).status_code == 404
    quote_id = await seat.quote(TODAY)
    assert (await seat.post(f"/quotes/{quote_id}/fields/nonsense", value="x")).status_code == 404


async def test_an_item_goes_from_draft_to_marked_and_back(seat):
    quote_id = await seat.quote(TODAY)
    assert "Draft" in (await seat.page("/items")).text
    assert "1 marked for sync." in (await seat.post("/items/mark", item=quote_id)).text
    assert (await seat.replica.item(quote_id)).state.status is ItemStatus.MARKED
    assert "waits for the next sync" in (await seat.page("/items")).text
    assert "1 reset." in (await seat.post("/items/reset", item=quote_id)).text
    assert (await seat.replica.item(quote_id)).state.status is ItemStatus.DRAFT
    assert "Nothing was chosen." in (await seat.post("/items/mark")).text


async def test_two_values_are_shown_side_by_side_and_settled_with_one_click(tmp_path):
    place = MemoryPlace()
    async with (
        open_seat(tmp_path, "office", role="office", author="bob") as bob,
        open_seat(tmp_path, "R1") as ada,
    ):
        quote_id = await bob.quote(TODAY, prices=[Decimal(5)])

        async def meet():
            for _ in range(2):
                for seat in (bob, ada):
                    await seat.replica.sync(MemoryRemote(place))

        await meet()
        line = (await ada.replica.get(Quote, quote_id)).lines[0].id
        field = f"/quotes/{quote_id}/lines/{line}/fields/quantity"
        await bob.post(field, value="7", seen="1")
        await ada.post(field, value="9", seen="1")
        await meet()
        text = (await ada.page("/conflicts")).text
        assert "line 1: quantity" in text
        assert "bob (office)" in text
        assert "ada (R1)" in text
        path = f"lines/{line}/quantity"
        found = await ada.replica.conflict(quote_id, path)
        (seven,) = [value.id for value in found.values if value.value == 7]
        answer = await ada.post("/conflicts/settle", document=quote_id, path=path, value=seven)
        assert "Settled: 7 is kept" in answer.text
        assert "Nothing to decide" in answer.text
        await meet()
        assert (await bob.replica.get(Quote, quote_id)).lines[0].quantity == 7


async def test_the_header_says_whose_changes_have_not_come(tmp_path):
    folder = tmp_path / "folder"
    folder.mkdir()
    address = f"folder:{folder}"
    async with open_seat(tmp_path, "office", role="office") as office, open_seat(tmp_path, "R1") as r1:
        await office.replica.sync(address)
        await r1.replica.sync(address)
        async with r1.replica.edit(Customer) as customer:
            customer.name = "Ada"
        await r1.replica.sync(address)
        await office.replica.sync(address)
        for path in folder.rglob("s-*"):
            path.unlink()
        async with open_seat(tmp_path, "R2") as r2:
            await r2.replica.sync(address)
            assert "Waiting for what R1 wrote" in (await r2.page("/health")).text
            await r1.replica.sync(address)  # It puts again what has vanished.
            await r2.replica.sync(address)
            assert "In step" in (await r2.page("/health")).text
