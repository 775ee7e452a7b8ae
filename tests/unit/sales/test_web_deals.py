"""The way of a deal in the browser: converted, bought, cancelled, with its milestones; on machines that are apart, too."""

import datetime as dt
import json
import re
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from crdtsync import ItemStatus
from crdtsync.testing import MemoryPlace, MemoryRemote
from examples.sales.deals import convert, purchase_orders_of, sale_id_of
from examples.sales.model import Item, PurchaseOrder, Quote, Sale
from examples.sales.status import MilestoneKind, PurchaseStatus, Status, VendorCode
from examples.sales.web.security import TOKEN_HEADER
from tests.unit.sales.web_desks import open_seat

TODAY = dt.date(2024, 5, 31)
NOWHERE = "a" * 26


@pytest.fixture
async def ada(tmp_path):
    async with open_seat(tmp_path) as seat:
        yield seat


@pytest.fixture
async def bob(tmp_path):
    async with open_seat(tmp_path, "office", role="office", author="bob") as seat:
        yield seat


@asynccontextmanager
async def open_pair(directory):
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


async def quote_of(seat, *, vendors=("Vendor A", "Vendor B"), customer_name="Ada's aunt"):
    quote_id = await seat.quote(TODAY, customer_name=customer_name, prices=[Decimal(100)] * len(vendors))
    async with seat.replica.edit(Quote, quote_id) as quote:
        for line, vendor in zip(quote.lines, vendors, strict=True):
            line.item, line.width, line.height = Item(code="RS", vendor=vendor), Decimal(30), Decimal(40)
    return quote_id


async def part(seat, path, target):
    return await seat.page(path, **{"HX-Request": "true", "HX-Target": target})


async def test_before_a_quote_is_converted_it_is_said_what_will_happen(ada):
    quote_id = await quote_of(ada, vendors=("Vendor A", "Vendor A", ""))
    assert f'href="/quotes/{quote_id}/convert"' in (await ada.page(f"/quotes/{quote_id}/flow")).text
    text = (await ada.page(f"/quotes/{quote_id}/convert")).text
    assert "A sale for <bdi>Ada&#39;s aunt</bdi> over $300.00 is made, with 3 lines" in text
    assert "A purchase order for <bdi>Vendor A</bdi>, with 2 lines" in text
    assert "1 line has no vendor" in text
    assert await ada.replica.count(Sale) == 0


async def test_a_converted_quote_leads_to_its_sale_and_back_and_to_what_is_bought(ada):
    quote_id = await quote_of(ada)
    answer = await ada.convert(quote_id)
    sale_id = sale_id_of(quote_id)
    assert answer.headers["HX-Redirect"] == f"/sales/{sale_id}"
    orders = await purchase_orders_of(ada.replica, sale_id)
    assert [order.vendor for order in orders] == ["Vendor A", "Vendor B"]
    addresses = [f'href="/purchase-orders/{order.id}"' for order in orders]
    of_quote = (await ada.page(f"/quotes/{quote_id}/flow")).text
    of_sale = (await ada.page(f"/sales/{sale_id}/flow")).text
    for address in (f'href="/sales/{sale_id}"', *addresses):
        assert address in of_quote
    for address in (f'href="/quotes/{quote_id}"', *addresses):
        assert address in of_sale
    assert "/convert" not in of_quote
    for order in orders:
        assert f'href="/sales/{sale_id}"' in (await ada.page(f"/purchase-orders/{order.id}")).text


async def test_converting_twice_is_converting_once(ada):
    quote_id = await quote_of(ada)
    for _ in range(2):
        answer = await ada.convert(quote_id)
        assert answer.headers["HX-Redirect"] == f"/sales/{sale_id_of(quote_id)}"
        before = await ada.replica.digests()
    await ada.convert(quote_id)
    assert await ada.replica.digests() == before
    assert (await ada.page(f"/quotes/{quote_id}/convert")).headers[
        "location"
    ] == f"/sales/{sale_id_of(quote_id)}"


async def test_two_who_convert_one_quote_apart_have_made_one_sale(tmp_path):
    async with open_pair(tmp_path) as (bob, ada, meet):
        quote_id = await quote_of(bob)
        await meet()
        for seat in (bob, ada):
            await seat.convert(quote_id)
        sale_id = sale_id_of(quote_id)
        orders = await purchase_orders_of(ada.replica, sale_id)
        await ada.replica.mark_for_sync(sale_id, *(order.id for order in orders))
        await meet()
        for seat in (bob, ada):
            assert await seat.replica.count(Sale) == 1
            assert await seat.replica.count(PurchaseOrder) == 2
            assert (await seat.replica.get(Sale, sale_id)).status is Status.OPEN_SALE
            assert await seat.replica.conflicts() == []
        assert await bob.replica.digests() == await ada.replica.digests()


async def test_a_quote_that_cannot_become_a_sale_says_why(ada):
    nameless, gone = await quote_of(ada, customer_name=""), await quote_of(ada)
    await ada.post(f"/quotes/{gone}/cancel", reason="No answer")
    for quote_id, why in ((nameless, "It has no customer"), (gone, "It is cancelled")):
        assert why in (await ada.page(f"/quotes/{quote_id}/flow")).text
        assert why in (await ada.page(f"/quotes/{quote_id}/convert")).text
        answer = await ada.convert(quote_id)
        assert why in answer.text
        assert "HX-Redirect" not in answer.headers
    assert await ada.replica.count(Sale) == 0


async def test_a_quote_in_conflict_says_so_before_it_is_converted(tmp_path):
    async with open_pair(tmp_path) as (bob, ada, meet):
        quote_id = await quote_of(bob)
        await meet()
        for seat, quantity in ((bob, 3), (ada, 4)):
            async with seat.replica.edit(Quote, quote_id) as quote:
                quote.lines[0].quantity = quantity
        await meet()
        assert "1 value was" in (await ada.page(f"/quotes/{quote_id}/convert")).text


async def test_a_sale_that_was_made_elsewhere_is_awaited(tmp_path):
    async with open_pair(tmp_path) as (bob, ada, meet):
        quote_id = await quote_of(ada)
        await ada.replica.mark_for_sync(quote_id)
        await meet()
        # Without the page: what comes of it is not marked.
        await convert(ada.replica, quote_id, by="ada")
        await meet()
        text = (await bob.page(f"/quotes/{quote_id}/flow")).text
        assert "has not arrived here yet" in text
        assert "not here yet" in text
        assert "Convert to sale" not in text


async def test_what_comes_of_a_marked_quote_goes_along(ada):
    drafted, marked = await quote_of(ada), await quote_of(ada)
    await ada.replica.mark_for_sync(marked)
    for quote_id, status in ((drafted, ItemStatus.DRAFT), (marked, ItemStatus.MARKED)):
        await ada.convert(quote_id)
        sale_id = sale_id_of(quote_id)
        for document in (sale_id, *(order.id for order in await purchase_orders_of(ada.replica, sale_id))):
            assert (await ada.replica.item(document)).state.status is status


async def test_purchase_orders_follow_the_sale_when_a_person_says_so(ada):
    quote_id = await quote_of(ada, vendors=("Vendor A",))
    sale = await convert(ada.replica, quote_id, by="ada")
    assert "up to date" not in (await ada.page(f"/sales/{sale.id}/flow")).text
    async with ada.replica.edit(Sale, sale.id) as changed:
        changed.lines[0].quantity = 5
    assert "Bring purchase orders up to date" in (await ada.page(f"/sales/{sale.id}/flow")).text
    answer = await ada.post(f"/sales/{sale.id}/purchase-orders")
    assert "up to date" not in answer.text
    [order] = await purchase_orders_of(ada.replica, sale.id)
    assert order.lines[0].what.quantity == 5


async def test_a_purchase_order_is_rebuilt_from_its_own_page(ada):
    sale = await convert(ada.replica, await quote_of(ada, vendors=("Vendor A",)), by="ada")
    [order] = await purchase_orders_of(ada.replica, sale.id)
    async with ada.replica.edit(Sale, sale.id) as changed:
        changed.lines[0].quantity = 5
    assert "The sale was changed since" in (await ada.page(f"/purchase-orders/{order.id}")).text
    answer = await ada.post(f"/purchase-orders/{order.id}/rebuild")
    assert "The sale was changed since" not in answer.text
    assert (await ada.replica.get(PurchaseOrder, order.id)).lines[0].what.quantity == 5


async def test_the_office_sends_and_a_sale_becomes_an_order(bob):
    sale = await convert(bob.replica, await quote_of(bob), by="bob")
    first, second = await purchase_orders_of(bob.replica, sale.id)
    page = (await bob.page(f"/purchasing?sale={sale.id}")).text
    assert f'value="{first.id}"' in page
    answer = await bob.post("/purchasing/send", order=first.id, sale=sale.id, channel="telephone")
    assert "is marked as sent to Vendor A" in answer.text
    sent = await bob.replica.get(PurchaseOrder, first.id)
    assert (sent.status, [event.channel for event in sent.sent]) == (PurchaseStatus.SENT, ["telephone"])
    assert (await bob.replica.get(Sale, sale.id)).status is Status.ORDER
    assert "telephone" in (await bob.page(f"/purchase-orders/{first.id}")).text
    rest = (await bob.page("/purchasing")).text
    assert f'value="{first.id}"' not in rest
    assert f'value="{second.id}"' in rest
    await bob.post("/purchasing/send", order=[second.id, first.id])
    assert "Nothing to send" in (await bob.page("/purchasing")).text
    assert len((await bob.replica.get(PurchaseOrder, first.id)).sent) == 1


async def test_what_was_changed_since_is_not_sent(bob):
    sale = await convert(bob.replica, await quote_of(bob, vendors=("Vendor A",)), by="bob")
    [order] = await purchase_orders_of(bob.replica, sale.id)
    async with bob.replica.edit(Sale, sale.id) as changed:
        changed.lines[0].quantity = 5
    page = (await bob.page("/purchasing")).text
    # Ticked before it was changed, it is sent along all the same, and answered.
    assert f'<input id="choose-{order.id}"' in page
    assert "disabled" not in page
    assert f'aria-describedby="why-not-{order.id}"' in page
    assert f'<td id="why-not-{order.id}"><span class="notice">The sale was changed since.' in page
    answer = await bob.post("/purchasing/send", order=order.id)
    assert "was not sent: The sale was changed since" in answer.text
    assert (await bob.replica.get(Sale, sale.id)).status is Status.OPEN_SALE
    assert "Nothing was chosen." in (await bob.post("/purchasing/send")).text


async def test_a_sale_that_is_changed_after_it_was_sent_says_so(bob):
    sale = await convert(bob.replica, await quote_of(bob, vendors=("Vendor A",)), by="bob")
    [order] = await purchase_orders_of(bob.replica, sale.id)
    await bob.post("/purchasing/send", order=order.id)
    async with bob.replica.edit(Sale, sale.id) as changed:
        changed.lines[0].quantity = 5
    assert "before the sale was changed" in (await bob.page(f"/sales/{sale.id}/flow")).text
    assert "The sale asks for something else now" in (await bob.page(f"/purchase-orders/{order.id}")).text
    assert "Cancelling here does not tell the vendor" in (await bob.page(f"/sales/{sale.id}/cancel")).text


async def test_a_workstation_does_not_send(ada):
    sale = await convert(ada.replica, await quote_of(ada, vendors=("Vendor A",)), by="ada")
    [order] = await purchase_orders_of(ada.replica, sale.id)
    assert "checkbox" not in (await ada.page("/purchasing")).text
    assert "The office sends it" in (await ada.page(f"/purchase-orders/{order.id}")).text
    answer = await ada.post("/purchasing/send", order=order.id)
    assert "Only the office sends purchase orders." in answer.text
    assert not (await ada.replica.get(PurchaseOrder, order.id)).sent


async def test_what_is_unusual_is_approved_on_its_page(bob):
    sale = await convert(bob.replica, await quote_of(bob, vendors=("Vendor A",)), by="bob")
    async with bob.replica.edit(Sale, sale.id) as changed:
        changed.lines[0].width = None
    await bob.post(f"/sales/{sale.id}/purchase-orders")
    [order] = await purchase_orders_of(bob.replica, sale.id)
    assert "1 line has no width or no height" in (await bob.post("/purchasing/send", order=order.id)).text
    assert "Approve it as it is" in (await bob.page(f"/purchase-orders/{order.id}")).text
    [shown] = re.findall(
        """hx-vals='({"content": .*?})'""", (await bob.page(f"/purchase-orders/{order.id}")).text
    )
    async with bob.replica.edit(Sale, sale.id) as changed:
        changed.lines[0].quantity = 100
    await bob.post(f"/sales/{sale.id}/purchase-orders")
    answer = await bob.post(f"/purchase-orders/{order.id}/approve", **json.loads(shown))
    assert "It was not approved: it was changed meanwhile." in answer.text
    [shown] = re.findall("""hx-vals='({"content": .*?})'""", answer.text)
    answer = await bob.post(f"/purchase-orders/{order.id}/approve", **json.loads(shown))
    assert "Approved by bob." in answer.text
    assert "Approve it as it is" not in answer.text
    assert "is marked as sent" in (await bob.post("/purchasing/send", order=order.id)).text


async def test_a_vendors_word_is_recorded_once(bob):
    sale = await convert(bob.replica, await quote_of(bob, vendors=("Vendor A",)), by="bob")
    [order] = await purchase_orders_of(bob.replica, sale.id)
    line, address = order.lines[0].id, f"/purchase-orders/{order.id}/lines"
    await bob.post("/purchasing/send", order=order.id)
    for _ in range(2):
        await bob.post(f"{address}/{line}/report", code=str(VendorCode.ACCEPTED.value))
    order = await bob.replica.get(PurchaseOrder, order.id)
    assert (order.status, len(order.reports)) == (PurchaseStatus.ACCEPTED, 1)
    assert (await bob.post(f"{address}/{line}/report", code="7")).status_code == 404
    assert (await bob.post(f"{address}/none/report", code="420")).status_code == 404


async def test_a_deal_is_cancelled_with_a_reason_and_reopened(ada):
    quote_id = await quote_of(ada)
    assert "Why" in (await ada.page(f"/quotes/{quote_id}/cancel")).text
    assert "This cannot be empty." in (await ada.post(f"/quotes/{quote_id}/cancel", reason=" ")).text
    assert (await ada.replica.get(Quote, quote_id)).status is Status.QUOTE_PENDING
    answer = await ada.post(f"/quotes/{quote_id}/cancel", reason="Moved <away>")
    assert answer.headers["HX-Redirect"] == f"/quotes/{quote_id}"
    quote = await ada.replica.get(Quote, quote_id)
    assert (quote.status, [seen.how for seen in quote.milestones]) == (Status.CANCELLED, ["Moved <away>"])
    assert "Reopen" in (await ada.page(f"/quotes/{quote_id}/flow")).text
    assert "Cancel the quote" in (await ada.post(f"/quotes/{quote_id}/reopen")).text
    assert (await ada.replica.get(Quote, quote_id)).status is Status.QUOTE_PENDING


async def test_that_it_was_shown_is_recorded_by_hand_and_outdated_by_a_change(ada):
    quote_id = await quote_of(ada)
    assert "Shown to the customer" in (await ada.page(f"/quotes/{quote_id}/flow")).text
    version = (await ada.replica.get(Quote, quote_id)).info.version
    answer = await ada.post(f"/quotes/{quote_id}/shown", version=version)
    assert "Shown to the customer" not in answer.text
    assert "Changed since" not in answer.text
    assert (await ada.replica.get(Quote, quote_id)).status is Status.OPEN_QUOTE
    await ada.post(f"/quotes/{quote_id}/fields/terms", value="30 days", seen="")
    assert "Changed since the customer was shown it" in (await ada.page(f"/quotes/{quote_id}/flow")).text


async def test_a_milestone_is_added_by_hand_with_its_day(ada):
    quote_id = await quote_of(ada)
    address = f"/quotes/{quote_id}/milestones"
    answer = await ada.post(address, what="Measured <twice>", day="4/30/24")
    assert "4/30/24" in answer.text
    assert "Measured &lt;twice&gt;" in answer.text
    assert "This cannot be empty." in (await ada.post(address, what=" ", day="")).text
    wrong = (await ada.post(address, what="Installed", day="soon")).text
    assert "Write a date as in" in wrong
    assert 'value="Installed"' in wrong
    await ada.post(address, what="Installed", day="")
    noted = [(seen.kind, seen.how, seen.on) for seen in (await ada.replica.get(Quote, quote_id)).milestones]
    assert noted == [
        (MilestoneKind.NOTED, "Measured <twice>", dt.date(2024, 4, 30)),
        (MilestoneKind.NOTED, "Installed", ada.desk.today()),
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/quotes/{id}/flow",
        "/quotes/{id}/convert",
        "/quotes/{id}/cancel",
        "/sales/{id}/flow",
        "/sales/{id}/cancel",
        "/purchase-orders/{id}",
    ],
)
async def test_what_is_not_there_is_told(ada, path):
    assert (await ada.page(path.format(id=NOWHERE))).status_code == 404


CHANGES = (
    "/quotes/{id}/convert",
    "/quotes/{id}/shown",
    "/quotes/{id}/cancel",
    "/quotes/{id}/reopen",
    "/quotes/{id}/milestones",
    "/sales/{id}/purchase-orders",
    "/sales/{id}/cancel",
    "/sales/{id}/milestones",
    "/purchase-orders/{id}/rebuild",
    "/purchase-orders/{id}/approve",
    "/purchase-orders/{id}/lines/x/report",
)


@pytest.mark.parametrize("path", CHANGES)
async def test_a_change_of_what_is_not_there_is_told(ada, path):
    answer = await ada.post(path.format(id=NOWHERE), reason="Gone", what="Measured", code="420")
    assert answer.status_code == 404


@pytest.mark.parametrize("path", [*CHANGES, "/purchasing/send"])
async def test_a_change_with_a_wrong_token_is_refused(ada, path):
    quote_id = await quote_of(ada)
    before = await ada.replica.digests()
    answer = await ada.browser.post(
        path.format(id=quote_id), data={"reason": "Gone", "what": "x"}, headers={TOKEN_HEADER: "another"}
    )
    assert answer.status_code == 403
    assert await ada.replica.digests() == before


async def test_an_order_whose_sale_is_not_here_says_so(tmp_path):
    async with open_pair(tmp_path) as (bob, ada, meet):
        sale = await convert(ada.replica, await quote_of(ada, vendors=("Vendor A",)), by="ada")
        [order] = await purchase_orders_of(ada.replica, sale.id)
        await ada.replica.mark_for_sync(order.id)
        await meet()
        assert "Its sale has not arrived here yet." in (await bob.page(f"/purchase-orders/{order.id}")).text
        answer = await bob.post("/purchasing/send", order=order.id)
        assert "was not sent: Its sale has not arrived here yet." in answer.text
        assert (await bob.post(f"/purchase-orders/{order.id}/rebuild")).status_code == 404
