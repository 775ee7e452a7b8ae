"""A quote that is edited after its conversion: nobody's edit is lost for the sale without a word."""

import datetime as dt
import re
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from crdtsync.testing import MemoryPlace, MemoryRemote
from examples.sales.deals import convert, sale_id_of
from examples.sales.model import Address, Charge, Customer, Line, Quote, Sale
from examples.sales.payments import balance_due, payments_for
from examples.sales.pricing import ChargeMethod, ChargeRate, Price, Tax
from examples.sales.since_conversion import quote_changes, take_over
from examples.sales.web.security import TOKEN_HEADER
from tests.unit.sales.web_desks import open_seat

TODAY = dt.date(2024, 5, 31)
NEW_LINE = "b" * 26
TELLS = "Compare and take over"


@pytest.fixture
async def ada(tmp_path):
    async with open_seat(tmp_path) as seat:
        yield seat


@asynccontextmanager
async def a_pair(directory):
    place = MemoryPlace()
    async with (
        open_seat(directory, "office", role="office", author="bob") as bob,
        open_seat(directory, "R1") as ada,
    ):

        async def meet():
            for _ in range(3):
                for seat in (bob, ada):
                    await seat.replica.sync(MemoryRemote(place))

        yield bob, ada, meet


async def quote_of(seat):
    quote_id = await seat.quote(TODAY, prices=[Decimal(100), Decimal(50)])
    async with seat.replica.edit(Quote, quote_id) as quote:
        quote.notes.set("Gate code at desk.")
        quote.lines[1].description = "Rail"
        quote.charges.add(Charge(name="Installation", rate=ChargeRate(ChargeMethod.FLAT, Decimal(25))))
    return quote_id


async def converted(seat):
    quote_id = await quote_of(seat)
    sale = await convert(seat.replica, quote_id, by="ada")
    return quote_id, sale.id


async def changes_of(seat, sale_id):
    changes = await quote_changes(seat.replica, await seat.replica.get(Sale, sale_id))
    return {found.key: (found.fate.value, found.quoted, found.sold) for found in changes.differences}


async def settle(seat, sale_id, do, take=None):
    """Open the page that compares, and answer it: all that is ticked, unless it is said what."""
    path = f"/sales/{sale_id}/quote-changes"
    text = (await seat.page(path)).text
    form = dict(re.findall('name="(quote_version|sale_version)" value="([^"]+)"', text))
    ticked = re.findall('name="take" value="([^"]+)" [^>]*checked', text)
    return await seat.post(path, **form, take=ticked if take is None else take, do=do)


async def test_a_sale_has_the_notes_and_the_price_lock_of_its_quote(ada):
    quote_id = await quote_of(ada)
    async with ada.replica.edit(Quote, quote_id) as quote:
        quote.price_locked = True
    sale = await convert(ada.replica, quote_id, by="ada")
    assert (sale.quote_notes, sale.price_locked) == ("Gate code at desk.", True)
    for path in (f"/sales/{sale.id}", f"/sales/{sale.id}/print"):
        assert (await ada.page(path)).text.count("Gate code at desk.") == 1
    assert TELLS not in (await ada.page(f"/sales/{sale.id}")).text


async def test_the_notes_of_a_quote_that_two_convert_apart_are_there_once(tmp_path):
    async with a_pair(tmp_path) as (bob, ada, meet):
        quote_id = await quote_of(bob)
        await meet()
        for seat in (bob, ada):
            await convert(seat.replica, quote_id, by=seat.desk.author)
        await ada.replica.mark_for_sync(sale_id_of(quote_id))
        await meet()
        for seat in (bob, ada):
            assert (await seat.page(f"/sales/{sale_id_of(quote_id)}")).text.count("Gate code at desk.") == 1
            assert await seat.replica.conflicts() == []


async def test_the_notes_of_a_quote_are_moved_to_where_they_can_be_edited(ada):
    _, sale_id = await converted(ada)
    async with ada.replica.edit(Sale, sale_id) as sale:
        sale.notes.set("Ring twice.")
    for _ in range(2):
        answer = await ada.post(f"/sales/{sale_id}/quote-notes")
        assert answer.headers["HX-Redirect"] == f"/sales/{sale_id}"
    sale = await ada.replica.get(Sale, sale_id)
    assert (sale.quote_notes, str(sale.notes)) == ("", "Gate code at desk.\n\nRing twice.")
    assert await changes_of(ada, sale_id) == {}
    assert "Notes of the quote" not in (await ada.page(f"/sales/{sale_id}")).text


async def test_a_converted_quote_says_that_the_sale_does_not_follow_it(ada):
    quote_id = await quote_of(ada)
    said = "which does not follow it"
    assert said not in (await ada.page(f"/quotes/{quote_id}")).text
    await convert(ada.replica, quote_id, by=ada.desk.author)
    for path in (f"/quotes/{quote_id}", f"/quotes/{quote_id}/flow"):
        text = (await ada.page(path)).text
        assert said in text
        assert TELLS not in text


async def test_an_edit_that_did_not_know_of_the_conversion_is_told_on_both_pages_and_taken_over(tmp_path):
    async with a_pair(tmp_path) as (bob, ada, meet):
        quote_id = await quote_of(ada)
        sale_id = sale_id_of(quote_id)
        await ada.replica.mark_for_sync(quote_id)
        await meet()
        await convert(bob.replica, quote_id, by=bob.desk.author)
        line_id = (await ada.replica.get(Quote, quote_id)).lines[0].id
        await ada.post(f"/quotes/{quote_id}/lines/{line_id}/fields/quantity", value="7", seen="1")
        async with ada.replica.edit(Quote, quote_id) as quote:
            quote.notes.append(" Wants it by <Friday>.")
        await meet()

        for seat in (bob, ada):
            text = (await seat.page(f"/quotes/{quote_id}")).text
            assert "2 things changed here since are not in the sale." in text
            text = (await seat.page(f"/sales/{sale_id}")).text
            assert TELLS in text
            assert 'Roller shade: quantity: 7 <span class="faint">(here: 1)</span>' in text
            assert "Wants it by &lt;Friday&gt;." in text
            assert (await seat.replica.get(Sale, sale_id)).total == Decimal(175)

        answer = await settle(ada, sale_id, "take")
        assert answer.headers["HX-Redirect"] == f"/sales/{sale_id}"
        await meet()
        for seat in (bob, ada):
            sale = await seat.replica.get(Sale, sale_id)
            assert sale.total == Decimal(775) == (await seat.replica.get(Quote, quote_id)).total
            assert sale.quote_notes == "Gate code at desk. Wants it by <Friday>."
            for path in (f"/quotes/{quote_id}", f"/sales/{sale_id}"):
                assert TELLS not in (await seat.page(path)).text
            assert await seat.replica.conflicts() == []


async def test_a_sale_that_was_changed_itself_does_not_differ_by_that(ada):
    quote_id, sale_id = await converted(ada)
    async with ada.replica.edit(Sale, sale_id) as sale:
        sale.lines[0].quantity = 9
        sale.lines.remove(sale.lines[1])
        sale.terms = "cash"
        sale.lines.add(Line(description="Rod", price=Price(Decimal(5))), id=NEW_LINE)
    assert await changes_of(ada, sale_id) == {}
    async with ada.replica.edit(Quote, quote_id) as quote:
        quote.sales_rep = "bob"
    assert await changes_of(ada, sale_id) == {"sales_rep": ("changed", "bob", "")}


async def test_what_both_say_is_no_difference(ada):
    quote_id, sale_id = await converted(ada)
    for cls, deal_id in ((Quote, quote_id), (Sale, sale_id)):
        async with ada.replica.edit(cls, deal_id) as deal:
            deal.terms = "30 days"
            deal.lines[0].quantity = 3
            deal.lines.remove(deal.lines[1])
            deal.lines.add(Line(description="Rod", price=Price(Decimal(5))), id=NEW_LINE)
    assert await changes_of(ada, sale_id) == {}
    assert (await ada.page(f"/sales/{sale_id}/quote-changes")).text.count("nothing to take over") == 1


async def test_every_kind_of_change_is_found_shown_and_taken_over(ada):
    quote_id, sale_id = await converted(ada)
    async with ada.replica.edit(Customer) as customer:
        customer.name, customer.billing = "Bea", Address("1 Mill Lane")
    async with ada.replica.edit(Sale, sale_id) as sale:
        gone, kept = [line.id for line in sale.lines]
        sale.lines.remove(gone)
    async with ada.replica.edit(Quote, quote_id) as quote:
        quote.customer, quote.customer_name, quote.bill_to = customer.ref, "Bea", Address("1 Mill Lane")
        quote.dated = dt.date(2024, 6, 1)
        quote.tax = Tax("VAT", Decimal(10))
        quote.lines[0].width = Decimal("34.5")
        quote.lines[1].price = Price(Decimal(60))
        quote.lines.add(Line(description="Rod", quantity=2, price=Price(Decimal(5))), id=NEW_LINE)
        quote.charges[0].rate = ChargeRate(ChargeMethod.FLAT, Decimal(30))
        charge = quote.charges[0].id
    assert set(await changes_of(ada, sale_id)) == {
        *("customer", "dated", "tax"),
        *(f"lines/{gone}", f"lines/{kept}/price", f"lines/{NEW_LINE}", f"charges/{charge}/rate"),
    }
    text = (await ada.page(f"/sales/{sale_id}/quote-changes")).text
    for shown in ("Bea", "6/1/24", "VAT 10 %", "$60.00", "2 at $5.00", "$30.00 flat", "missing", "removed"):
        assert f"<td>{shown}</td>" in text
    assert "and 2 more" in (await ada.page(f"/sales/{sale_id}")).text

    await settle(ada, sale_id, "take")
    sale, quote = await ada.replica.get(Sale, sale_id), await ada.replica.get(Quote, quote_id)
    assert await changes_of(ada, sale_id) == {}
    assert (sale.customer, sale.customer_name, sale.bill_to) == (customer.id, "Bea", Address("1 Mill Lane"))
    assert (sale.total, len(sale.lines), sale.lines[gone].width) == (quote.total, 3, Decimal("34.5"))

    async with ada.replica.edit(Quote, quote_id) as changed:
        changed.lines.remove(kept)
    assert await changes_of(ada, sale_id) == {f"lines/{kept}": ("removed", None, sale.lines[kept])}
    await settle(ada, sale_id, "take")
    assert kept not in (await ada.replica.get(Sale, sale_id)).lines


async def test_what_is_left_as_it_is_is_not_offered_again_and_what_comes_later_is(ada):
    quote_id, sale_id = await converted(ada)
    async with ada.replica.edit(Quote, quote_id) as quote:
        quote.lines[0].quantity, quote.terms = 7, "30 days"
    await settle(ada, sale_id, "take", take=["terms"])
    sale = await ada.replica.get(Sale, sale_id)
    assert (sale.terms, sale.lines[0].quantity) == ("30 days", 1)
    assert TELLS not in (await ada.page(f"/sales/{sale_id}")).text
    async with ada.replica.edit(Quote, quote_id) as quote:
        quote.terms = "cash"
    assert set(await changes_of(ada, sale_id)) == {"terms"}
    await settle(ada, sale_id, "leave")
    assert (await ada.replica.get(Sale, sale_id)).terms == "30 days"
    assert await changes_of(ada, sale_id) == {}


async def test_what_came_since_the_page_was_opened_is_neither_taken_nor_overwritten(tmp_path):
    async with a_pair(tmp_path) as (bob, ada, meet):
        quote_id, sale_id = await converted(bob)
        await meet()
        async with bob.replica.edit(Quote, quote_id) as quote:
            quote.lines[0].quantity = 7
        quote, sale = await bob.replica.get(Quote, quote_id), await bob.replica.get(Sale, sale_id)
        versions = {"quote_version": quote.info.version, "sale_version": sale.info.version}
        line_id = sale.lines[0].id
        async with ada.replica.edit(Sale, sale_id) as changed:
            changed.lines[0].quantity = 4
        async with ada.replica.edit(Quote, quote_id) as changed:
            changed.terms = "cash"
        await meet()
        await take_over(bob.replica, sale_id, {f"lines/{line_id}/quantity", "terms"}, **versions)
        [conflict] = await bob.replica.conflicts(sale_id)
        assert sorted(value.value for value in conflict.values) == [4, 7]
        assert (await bob.replica.get(Sale, sale_id)).terms == ""
        assert await changes_of(bob, sale_id) == {"terms": ("changed", "cash", "")}


async def test_what_was_paid_stays_paid_when_the_customer_is_taken_over(ada):
    quote_id, sale_id = await converted(ada)
    before = await ada.replica.get(Sale, sale_id)
    await ada.post(f"/sales/{sale_id}/payment", token="t1", amount="75")
    await ada.post(f"/quotes/{quote_id}/customer", new="Bea New", value="x", seen="Ada's aunt")
    await settle(ada, sale_id, "take")
    sale = await ada.replica.get(Sale, sale_id)
    assert sale.customer_name == "Bea New"
    # Also what is paid as hers, by somebody who gives it to a third one apart.
    assert set(sale.payers) == {before.customer, sale.customer}
    assert balance_due(sale, await payments_for(ada.replica, sale)) == Decimal(100)


async def test_a_locked_price_is_not_taken_over(ada):
    quote_id, sale_id = await converted(ada)
    async with ada.replica.edit(Sale, sale_id) as sale:
        sale.price_locked = True
        line_id = sale.lines[0].id
    async with ada.replica.edit(Quote, quote_id) as quote:
        quote.lines[0].price, quote.lines[0].quantity = Price(Decimal(999)), 2
    assert "The prices of the sale are locked" in (await ada.page(f"/sales/{sale_id}/quote-changes")).text
    await settle(ada, sale_id, "take", take=[f"lines/{line_id}/price", f"lines/{line_id}/quantity"])
    sale = await ada.replica.get(Sale, sale_id)
    assert (sale.lines[0].quantity, sale.lines[0].price) == (2, Price(Decimal(100)))


async def test_a_locked_price_is_asked_for_again_when_something_else_was_taken_over(ada):
    quote_id, sale_id = await converted(ada)
    async with ada.replica.edit(Quote, quote_id) as quote:
        quote.terms = "cash"
        quote.lines[0].price = Price(Decimal(90))
    async with ada.replica.edit(Sale, sale_id) as sale:
        sale.price_locked = True
    assert len(await changes_of(ada, sale_id)) == 2
    await settle(ada, sale_id, "take")
    ((key, _),) = (await changes_of(ada, sale_id)).items()
    assert key.endswith("price")
    async with ada.replica.edit(Sale, sale_id) as sale:
        sale.price_locked = False
    await settle(ada, sale_id, "take")
    sale = await ada.replica.get(Sale, sale_id)
    assert (sale.terms, await changes_of(ada, sale_id)) == ("cash", {})
    assert sale.lines[0].price == Price(Decimal(90))


async def test_a_sale_that_came_before_its_quote_says_nothing_yet(tmp_path):
    async with a_pair(tmp_path) as (bob, ada, meet):
        quote_id, sale_id = await converted(ada)
        await ada.replica.mark_for_sync(sale_id)
        await meet()
        sale = await bob.replica.get(Sale, sale_id)
        assert await quote_changes(bob.replica, sale) is None
        assert TELLS not in (await bob.page(f"/sales/{sale_id}")).text
        assert "is not here" in (await bob.page(f"/sales/{sale_id}/quote-changes")).text


async def test_a_sale_that_came_before_a_change_of_its_quote_says_nothing_yet(tmp_path):
    async with a_pair(tmp_path) as (bob, ada, meet):
        quote_id, sale_id = await converted(bob)
        await meet()
        async with ada.replica.edit(Quote, quote_id) as quote:
            quote.terms = "cash"
        later = (await ada.replica.get(Quote, quote_id)).info.version
        async with bob.replica.edit(Quote, quote_id) as quote:
            quote.sales_rep = "bob"
        # As if somebody who has Ada's change had settled with it, and been heard of sooner than Ada.
        async with bob.replica.edit(Sale, sale_id) as sale:
            sale.quote_version = later
        assert (await bob.page(f"/sales/{sale_id}")).status_code == 200
        assert TELLS not in (await bob.page(f"/sales/{sale_id}")).text
        await meet()
        assert set(await changes_of(bob, sale_id)) == {"sales_rep"}


async def test_an_answer_that_says_nothing_changes_nothing(ada):
    quote_id, sale_id = await converted(ada)
    async with ada.replica.edit(Quote, quote_id) as quote:
        quote.terms = "cash"
    sale = await ada.replica.get(Sale, sale_id)
    before = await ada.replica.digests()
    path = f"/sales/{sale_id}/quote-changes"
    for form in (
        {},
        {"do": "take"},
        {"do": "leave", "quote_version": "00", "sale_version": sale.info.version},
    ):
        assert "Take over what is ticked" in (await ada.post(path, **form)).text
    for address in (path, f"/sales/{sale_id}/quote-notes"):
        answer = await ada.browser.post(address, headers={TOKEN_HEADER: "another"})
        assert answer.status_code == 403
        assert (await ada.post(address.replace(sale_id, "a" * 26))).status_code == 404
    assert (await ada.page(f"/sales/{'a' * 26}/quote-changes")).status_code == 404
    assert await ada.replica.digests() == before
