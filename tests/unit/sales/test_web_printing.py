"""The printable page, and what may be done while an item is locked."""

import datetime as dt
import json
import re
from decimal import Decimal

import pytest

from crdtsync.testing import MemoryPlace, MemoryRemote
from examples.sales.deals import convert, paper_of, purchase_orders_of, record_payment, send_purchase_order
from examples.sales.model import Address, Charge, Customer, Item, Payment, Quote, Sale
from examples.sales.pricing import Adjustment, ChargeMethod, ChargeRate, Price, Tax
from examples.sales.status import MilestoneKind, Status
from examples.sales.web.security import TOKEN_HEADER
from tests.unit.sales.web_desks import open_seat

TODAY = dt.date(2024, 5, 31)
NOWHERE = "a" * 26


@pytest.fixture
async def ada(tmp_path):
    async with open_seat(tmp_path) as seat:
        seat.desk.company = "Lovelace Shades"
        yield seat


async def quote_of(seat):
    quote_id = await seat.quote(TODAY, prices=[Decimal(100)])
    async with seat.replica.edit(Quote, quote_id) as quote:
        quote.terms = "30 days"
        quote.tax = Tax("VAT", Decimal(10))
        quote.notes.set("Gate code at desk.")
        quote.charges.add(
            Charge(name="Installation", rate=ChargeRate(ChargeMethod.PER_PIECE, Decimal("12.50")))
        )
        [line] = quote.lines
        line.quantity, line.room, line.width, line.height = 2, "Kitchen", Decimal("34.5"), Decimal(60)
        line.mount, line.color, line.item = "inside", "linen", Item(code="RS", vendor="Vendor A")
    return quote_id


async def sheet_of(seat, path):
    """Open the page that is printed; return its text, and what it says of itself when it is."""
    text = (await seat.page(path)).text
    [version] = re.findall('data-version="([^"]+)"', text)
    return text, {"version": version}


async def printed(seat, path):
    _, sheet = await sheet_of(seat, path)
    return await seat.post(path, **sheet)


async def milestones_of(seat, cls, deal_id):
    return [(seen.kind, seen.how, seen.by) for seen in (await seat.replica.get(cls, deal_id)).milestones]


async def test_paper_has_all_that_a_customer_needs_and_nothing_of_what_it_costs_us(ada):
    quote_id = await quote_of(ada)
    async with ada.replica.edit(Quote, quote_id) as quote:
        quote.lines[0].price = Price(
            Decimal(80), margin_pct=Decimal(20), adjustments=(Adjustment("travel", Decimal(7)),)
        )
    text = (await ada.page(f"/quotes/{quote_id}/print")).text
    for wanted in (
        "Lovelace Shades",
        "Quote R1-0001",
        "This is a reference number",
        "Ada&#39;s aunt",
        "5/31/24",
        "30 days",
        "Roller shade",
        "Kitchen, 34.5 in wide, 60 in high, inside, linen",
        "$107.00",
        "$214.00",
        "Installation",
        "$25.00",
        "VAT 10 %",
        "$21.40",
        "$260.40",
        "Gate code at desk.",
        "Signature",
    ):
        assert wanted in text
    for secret in ("travel", "Vendor A", "$80.00", "$7.00", "Balance due"):
        assert secret not in text


async def test_paper_of_a_sale_has_its_payments_and_balance(ada):
    sale = await convert(ada.replica, await quote_of(ada), by="ada")
    await record_payment(
        ada.replica,
        sale.customer,
        Decimal(100),
        received=TODAY,
        by="ada",
        allocate=[(sale.id, Decimal(90))],
        card_last4="4242",
    )
    text = (await ada.page(f"/sales/{sale.id}/print")).text
    assert "Sale R1-0002" in text
    assert "$245.00" in text
    assert "&hellip;4242" in text
    assert "&minus;$90.00" in text
    assert "$155.00" in text
    [order] = await purchase_orders_of(ada.replica, sale.id)
    await send_purchase_order(ada.replica, order.id, by="bob")
    assert "Order R1-0002" in (await ada.page(f"/sales/{sale.id}/print")).text


async def test_paper_has_the_address_of_the_deal_or_of_the_customer(ada):
    quote_id = await quote_of(ada)
    quote = await ada.replica.get(Quote, quote_id)
    async with ada.replica.edit(Customer, quote.customer) as customer:
        customer.billing = Address("1 Mill Lane", "Marlow")
    assert "1 Mill Lane" in (await ada.page(f"/quotes/{quote_id}/print")).text
    async with ada.replica.edit(Quote, quote_id) as changed:
        changed.bill_to = Address("2 Bridge Street", "Henley")
    text = (await ada.page(f"/quotes/{quote_id}/print")).text
    assert "2 Bridge Street" in text
    assert "1 Mill Lane" not in text


async def test_opening_the_page_changes_nothing_and_printing_opens_the_quote(ada):
    quote_id = await quote_of(ada)
    before = await ada.replica.digests()
    text = (await ada.page(f"/quotes/{quote_id}/print")).text
    assert "makes it an open quote" in text
    assert await ada.replica.digests() == before

    answer = await printed(ada, f"/quotes/{quote_id}/print")
    assert (answer.status_code, answer.text) == (204, "")
    assert (await ada.replica.get(Quote, quote_id)).status is Status.OPEN_QUOTE
    assert await milestones_of(ada, Quote, quote_id) == [(MilestoneKind.PRESENTED, "printed", "ada")]
    assert "It was printed as it is." in (await ada.page(f"/quotes/{quote_id}/print")).text


async def test_the_same_paper_is_recorded_once_and_another_again(ada):
    quote_id = await quote_of(ada)
    for _ in range(2):
        await printed(ada, f"/quotes/{quote_id}/print")
    assert len(await milestones_of(ada, Quote, quote_id)) == 1
    async with ada.replica.edit(Quote, quote_id) as quote:
        quote.terms = "14 days"
    assert "It was printed as it is." not in (await ada.page(f"/quotes/{quote_id}/print")).text
    for _ in range(2):
        await printed(ada, f"/quotes/{quote_id}/print")
    assert len(await milestones_of(ada, Quote, quote_id)) == 2


async def test_what_is_recorded_is_what_the_paper_says(ada):
    quote_id = await quote_of(ada)
    path = f"/quotes/{quote_id}/print"
    text, sheet = await sheet_of(ada, path)
    assert "$200.00" in text
    async with ada.replica.edit(Quote, quote_id) as quote:
        quote.lines[0].price = Price(Decimal(999))
    # With the browser's own command nobody is asked: the paper is there.
    assert (await ada.post(path, **sheet, **{"is": "printed"})).status_code == 204
    assert "It was printed as it is." not in (await ada.page(path)).text
    assert "Changed since the customer was shown it" in (await ada.page(f"/quotes/{quote_id}")).text
    [milestone] = (await ada.replica.get(Quote, quote_id)).milestones
    shown = await ada.replica.get(Quote, quote_id, as_of=sheet["version"])
    assert milestone.digest == paper_of(shown)

    assert (await printed(ada, path)).status_code == 204
    assert "It was printed as it is." in (await ada.page(path)).text
    assert "Changed since the customer was shown it" not in (await ada.page(f"/quotes/{quote_id}")).text


async def test_before_a_page_that_is_out_of_date_is_printed_that_is_said(ada):
    quote_id = await quote_of(ada)
    path = f"/quotes/{quote_id}/print"
    _, sheet = await sheet_of(ada, path)
    asking = {"is": "to be printed"}
    await ada.post(f"/quotes/{quote_id}/milestones", what="Measured")  # Nothing that stands on paper.
    assert (await ada.post(path, **sheet, **asking)).status_code == 204
    async with ada.replica.edit(Quote, quote_id) as quote:
        quote.lines[0].quantity = 3
    before = await ada.replica.digests()
    answer = await ada.post(path, **sheet, **asking)
    assert (answer.status_code, "changed since this page was opened" in answer.text) == (200, True)
    assert await ada.replica.digests() == before


@pytest.mark.parametrize("version", [None, "", "none", "00" * 12])
async def test_of_a_page_of_nobody_knows_what_nothing_is_recorded(ada, version):
    quote_id = await quote_of(ada)
    sheet = {} if version is None else {"version": version}
    answer = await ada.post(f"/quotes/{quote_id}/print", **sheet)
    assert (answer.status_code, "Open it again" in answer.text) == (409, True)
    answer = await ada.post(f"/quotes/{quote_id}/shown", **sheet)
    assert (answer.status_code, "Shown to the customer" in answer.text) == (200, True)
    assert await milestones_of(ada, Quote, quote_id) == []


async def meet(place, *seats):
    for _ in range(3):
        for seat in seats:
            await seat.replica.sync(MemoryRemote(place))


@pytest.mark.parametrize("by", ["ada", "bob"])
async def test_what_the_customer_was_shown_on_a_screen_is_what_that_page_said(tmp_path, by):
    place = MemoryPlace()
    async with (
        open_seat(tmp_path, "office", role="office", author="bob") as bob,
        open_seat(tmp_path, "R1") as ada,
    ):
        quote_id = await quote_of(ada)
        await ada.replica.mark_for_sync(quote_id)
        await meet(place, bob, ada)
        text = (await ada.page(f"/quotes/{quote_id}/flow")).text
        [vals] = re.findall("/shown\" hx-vals='([^']+)'", text)
        writer = ada if by == "ada" else bob
        async with writer.replica.edit(Quote, quote_id) as quote:
            quote.terms = "14 days"
        await meet(place, bob, ada)
        answer = await ada.post(f"/quotes/{quote_id}/shown", **json.loads(vals))
        assert (await ada.replica.get(Quote, quote_id)).terms == "14 days"
        # What she wrote herself since is on her screen, or on its way to it.
        assert ("Changed since the customer was shown it" in answer.text) is (by == "bob")


async def test_paper_has_its_final_number_and_the_reference_that_is_on_older_paper(tmp_path):
    place = MemoryPlace()
    async with (
        open_seat(tmp_path, "office", role="office", author="bob") as bob,
        open_seat(tmp_path, "R1") as ada,
    ):
        quote_id = await quote_of(ada)
        await printed(ada, f"/quotes/{quote_id}/print")
        await ada.replica.mark_for_sync(quote_id)
        await meet(place, bob, ada)
        text = (await ada.page(f"/quotes/{quote_id}/print")).text
        assert "It was printed as it is." in text
        assert "Quote Q-00001" in text
        assert "Reference R1-0001" in text


async def test_a_printed_page_runs_no_script_but_its_own_file_and_escapes_what_was_typed(ada):
    quote_id = await quote_of(ada)
    async with ada.replica.edit(Quote, quote_id) as quote:
        quote.customer_name = quote.lines[0].description = '<script>alert("x")</script>'
        quote.notes.set("<img src=x>")
    answer = await ada.page(f"/quotes/{quote_id}/print")
    text = answer.text
    assert "<script>" not in text
    assert "<img" not in text
    assert "onclick" not in text
    assert " style=" not in text
    assert text.count("<script ") == 1
    assert "script-src 'self'" in answer.headers["content-security-policy"]
    assert "print()" in (await ada.page("/static/print.js")).text
    assert "@page" in (await ada.page("/static/print.css")).text


async def test_printing_what_is_not_there_or_with_a_wrong_token_is_refused(ada):
    quote_id = await quote_of(ada)
    for center in ("quotes", "sales"):
        assert (await ada.page(f"/{center}/{NOWHERE}/print")).status_code == 404
        assert (await ada.post(f"/{center}/{NOWHERE}/print")).status_code == 404
    answer = await ada.browser.post(f"/quotes/{quote_id}/print", headers={TOKEN_HEADER: "another"})
    assert answer.status_code == 403
    assert await milestones_of(ada, Quote, quote_id) == []


async def test_a_locked_item_says_so_and_prints_and_takes_payments(tmp_path):
    async with open_seat(tmp_path, is_locking=True) as ada:
        quote_id = await quote_of(ada)
        address = f"/quotes/{quote_id}"
        assert "Locked while it is synced" not in (await ada.page(address)).text
        answer = await ada.post(f"{address}/mark")
        assert "Locked while it is synced: waits for the next sync" in answer.text
        assert '<fieldset id="editable" class="bare" disabled>' in answer.text

        answer = await ada.post(f"{address}/fields/terms", value="14 days", seen="30 days")
        assert answer.status_code == 423
        assert "cannot be changed meanwhile: waits for the next sync" in answer.text
        assert (await ada.replica.get(Quote, quote_id)).terms == "30 days"

        assert (await printed(ada, f"{address}/print")).status_code == 204
        await ada.post(f"{address}/milestones", what="Measured")
        await ada.post(f"{address}/payment", token="t1", amount="60")
        assert len((await ada.replica.get(Quote, quote_id)).milestones) == 3
        assert await ada.replica.count(Payment) == 1
        assert await ada.replica.count(Sale) == 1
        await ada.replica.reset_sync(quote_id)
        assert "Locked" not in (await ada.page(address)).text
        assert (await ada.post(f"{address}/fields/terms", value="14 days", seen="30 days")).status_code == 200


async def test_nothing_is_locked_unless_it_is_asked_for(ada):
    quote_id = await quote_of(ada)
    answer = await ada.post(f"/quotes/{quote_id}/mark")
    assert "Locked" not in answer.text
    answer = await ada.post(f"/quotes/{quote_id}/fields/terms", value="14 days", seen="30 days")
    assert answer.status_code == 200
    assert (await ada.replica.get(Quote, quote_id)).terms == "14 days"
