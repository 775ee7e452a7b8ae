"""Payments in the browser: on a sale, on a quote, of a customer; allocated, released, void; recorded apart, too."""

import asyncio
import datetime as dt
import re
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest

from crdtsync.testing import MemoryPlace, MemoryRemote
from examples.sales.deals import cancel, convert, record_payment, sale_id_of
from examples.sales.model import Customer, Payment, Quote, Sale
from examples.sales.payments import allocate_credit, balance_due, live_allocations, payments_of, unallocated
from examples.sales.pricing import ZERO
from examples.sales.status import Status
from examples.sales.web.pages import payments as pages
from examples.sales.web.security import TOKEN_HEADER
from tests.unit.sales.web_desks import open_seat

TODAY = dt.date(2024, 5, 31)
NOWHERE = "a" * 26


@pytest.fixture
async def ada(tmp_path):
    async with open_seat(tmp_path) as seat:
        yield seat


async def sale_of(seat, *, price=100, customer=None):
    quote_id = await seat.quote(TODAY, prices=[Decimal(price)])
    if customer is not None:
        async with seat.replica.edit(Quote, quote_id) as quote:
            quote.customer = customer
    return await convert(seat.replica, quote_id, by="ada")


async def pay(seat, sale, amount, *, part=None):
    parts = [(sale.id, Decimal(part))] if part is not None else []
    return await record_payment(
        seat.replica, sale.customer, Decimal(amount), received=TODAY, by="ada", allocate=parts
    )


async def confirmed(seat, path, **typed):
    """Send the form of a payment, and say that what it asks about is meant."""
    question = (await seat.post(path, **typed)).text
    [meant] = re.findall('name="meant" value="([^"]+)"', question)
    return await seat.post(path, **typed, meant=meant)


async def only_payment(seat):
    [payment] = await seat.replica.find(Payment)
    return payment


async def balance(seat, sale_id):
    sale = await seat.replica.get(Sale, sale_id)
    return balance_due(sale, await payments_of(seat.replica, sale.customer))


async def test_a_payment_is_recorded_with_all_that_was_written(ada):
    sale = await sale_of(ada)
    answer = await ada.post(
        f"/sales/{sale.id}/payment",
        token="t1",
        amount="$60.00",
        method="Card",
        card_last4="4242",
        received="5/30/24",
        description="deposit",
    )
    assert answer.headers["HX-Redirect"] == f"/sales/{sale.id}"
    payment = await only_payment(ada)
    assert (payment.amount, payment.method, payment.card_last4) == (Decimal("60.00"), "Card", "4242")
    assert (payment.received, payment.description, payment.recorded_by) == (
        dt.date(2024, 5, 30),
        "deposit",
        "ada",
    )
    assert await balance(ada, sale.id) == Decimal(40)
    for path in (f"/sales/{sale.id}", f"/sales/{sale.id}/money"):
        text = (await ada.page(path)).text
        assert "$40.00" in text
        assert "Balance due" in text
        assert "&hellip;4242" in text


async def test_a_form_that_is_sent_twice_is_one_payment(ada):
    sale = await sale_of(ada)
    for _ in range(2):
        await ada.post(f"/sales/{sale.id}/payment", token="t1", amount="60")
    await ada.post(f"/sales/{sale.id}/payment", token="t2", amount="10")
    assert await ada.replica.count(Payment) == 2
    assert await balance(ada, sale.id) == Decimal(30)


async def test_every_form_has_a_token_of_its_own(ada):
    sale = await sale_of(ada)
    first, second = [(await ada.page(f"/sales/{sale.id}/payment")).text for _ in range(2)]
    assert first != second


async def test_what_is_more_than_is_owed_becomes_credit_and_can_be_used(ada):
    first = await sale_of(ada)
    second = await sale_of(ada, price=50, customer=first.customer)
    await confirmed(ada, f"/sales/{first.id}/payment", token="t1", amount="130")
    payment = await only_payment(ada)
    assert unallocated(payment) == Decimal(30)
    text = (await ada.page(f"/sales/{second.id}/money")).text
    assert "Use $30.00 of the payment" in text
    for _ in range(2):
        await ada.post(f"/sales/{second.id}/credit", payment=payment.id)
    assert await balance(ada, second.id) == Decimal(20)
    assert "Use $" not in (await ada.page(f"/sales/{second.id}/money")).text


async def test_one_payment_is_split_over_several_sales_of_the_customer(ada):
    first = await sale_of(ada)
    second = await sale_of(ada, price=50, customer=first.customer)
    other = await sale_of(ada, price=70)
    form = (await ada.page(f"/sales/{first.id}/payment")).text
    assert f'name="part-{second.id}"' in form
    assert f'name="part-{other.id}"' not in form
    await ada.post(
        f"/sales/{first.id}/payment",
        token="t1",
        amount="90",
        **{f"part-{first.id}": "50", f"part-{second.id}": "30", f"part-{other.id}": "10"},
    )
    left = [await balance(ada, sale.id) for sale in (first, second, other)]
    assert left == [Decimal(50), Decimal(20), Decimal(70)]
    assert unallocated(await only_payment(ada)) == Decimal(10)


async def test_a_sale_shows_its_own_part_of_a_payment_only(ada):
    first = await sale_of(ada)
    second = await sale_of(ada, price=50, customer=first.customer)
    await record_payment(
        ada.replica,
        first.customer,
        Decimal(60),
        received=TODAY,
        by="ada",
        allocate=[(first.id, Decimal(41)), (second.id, Decimal(19))],
    )
    for sale, part, other in ((first, "$41.00", "$19.00"), (second, "$19.00", "$41.00")):
        text = (await ada.page(f"/sales/{sale.id}/money")).text
        assert f'<td class="amount">{part}' in text
        assert f'<td class="amount">{other}' not in text


async def test_no_more_credit_is_used_than_is_owed(ada):
    sale = await sale_of(ada)
    payment_id = await pay(ada, sale, 130)
    assert "Use $100.00 of the payment" in (await ada.page(f"/sales/{sale.id}/money")).text
    for _ in range(2):
        await ada.post(f"/sales/{sale.id}/credit", payment=payment_id)
    assert await balance(ada, sale.id) == Decimal(0)
    assert unallocated(await only_payment(ada)) == Decimal(30)


@pytest.mark.parametrize("part", ["", "1000"])
async def test_more_than_is_owed_is_recorded_only_if_it_is_meant(ada, part):
    sale = await sale_of(ada)
    address, typed = f"/sales/{sale.id}/payment", {"token": "t1", "amount": "1000", f"part-{sale.id}": part}
    answer = await ada.post(address, **typed)
    assert f"$100.00 is owed for {sale.reference}: this is $900.00 more." in answer.text
    fates = ("It would be paid too much.", "The rest would be the customer&#39;s credit.")
    assert [fate in answer.text for fate in fates] == [bool(part), not part]
    assert answer.text.count('role="alert"') == 1
    assert await ada.replica.count(Payment) == 0

    # What was meant of one amount is not meant of another.
    [meant] = re.findall('name="meant" value="([^"]+)"', answer.text)
    other = typed | {"amount": "10000", f"part-{sale.id}": part and "10000"}
    answer = await ada.post(address, **other, meant=meant)
    assert "$9,900.00 more" in answer.text
    assert "checked" not in answer.text
    assert await ada.replica.count(Payment) == 0

    answer = await ada.post(address, **typed, meant=meant)
    assert answer.headers["HX-Redirect"] == f"/sales/{sale.id}"
    assert await balance(ada, sale.id) == (Decimal(-900) if part else ZERO)
    # Sent twice, it is neither another payment nor another question.
    assert (await ada.post(address, **typed, meant=meant)).headers["HX-Redirect"] == f"/sales/{sale.id}"
    assert await ada.replica.count(Payment) == 1


async def test_an_amount_that_was_put_right_is_recorded_without_a_question(ada):
    sale = await sale_of(ada)
    answer = await ada.post(f"/sales/{sale.id}/payment", token="t1", amount="1000")
    [meant] = re.findall('name="meant" value="([^"]+)"', answer.text)
    await ada.post(f"/sales/{sale.id}/payment", token="t1", amount="100", meant=meant)
    assert await balance(ada, sale.id) == 0


async def test_what_is_paid_twice_is_asked_about(ada):
    sale = await sale_of(ada)
    for token in ("t1", "t2"):
        answer = await ada.post(f"/sales/{sale.id}/payment", token=token, amount="100")
    assert "$0.00 is owed" in answer.text
    assert await ada.replica.count(Payment) == 1


async def test_a_payment_of_one_customer_is_not_recorded_as_anothers(ada):
    sale = await sale_of(ada)
    await ada.post(f"/sales/{sale.id}/customer", new="Bea New", value="x", seen="Ada's aunt")
    given = await ada.replica.get(Sale, sale.id)
    typed = {"token": "t1", "amount": "60"}
    answer = await ada.post(f"/sales/{sale.id}/payment", **typed, customer=sale.customer)
    assert "It was given to this customer meanwhile" in answer.text
    assert f'value="{given.customer}"' in answer.text
    assert await ada.replica.count(Payment) == 0
    await ada.post(f"/sales/{sale.id}/payment", **typed, customer=given.customer)
    assert (await only_payment(ada)).customer == given.customer


async def test_credit_that_is_used_twice_at_once_is_used_once(ada):
    first = await sale_of(ada)
    second = await sale_of(ada, price=50, customer=first.customer)
    payments = [await pay(ada, first, 30), await pay(ada, first, 40)]
    used = [ada.post(f"/sales/{second.id}/credit", payment=payment) for payment in payments * 3]
    assert [answer.status_code for answer in await asyncio.gather(*used)] == [200] * 6
    assert await balance(ada, second.id) == 0


async def test_credit_that_another_process_has_just_used_is_used_once(ada, monkeypatch):
    first = await sale_of(ada)
    second = await sale_of(ada, price=50, customer=first.customer)
    payment = await pay(ada, first, 30)
    allocate = pages.allocate_credit

    async def later(replica, payment_id, sale_id, amount, **options):
        await allocate(replica, payment_id, first.id, amount, by="another")
        await allocate(replica, payment_id, sale_id, amount, **options)

    monkeypatch.setattr(pages, "allocate_credit", later)
    answer = await ada.post(f"/sales/{second.id}/credit", payment=payment)
    assert answer.status_code == 200
    assert "Nothing is paid yet" in answer.text
    assert await balance(ada, first.id) == Decimal(70)


async def test_no_more_of_a_payment_is_allocated_than_is_owed_and_only_to_its_customers_sales(ada):
    sale, other = await sale_of(ada), await sale_of(ada, price=500)
    payment = await pay(ada, sale, 300)
    address = f"/payments/{payment}/allocate"
    for sale_id, amount, told in (
        (sale.id, "101", "$100.00 is owed for it."),
        (other.id, "10", "That sale is another customer&#39;s."),
    ):
        assert told in (await ada.post(address, sale=sale_id, amount=amount, token="a1")).text
        assert unallocated(await only_payment(ada)) == Decimal(300)
    await ada.post(address, sale=sale.id, amount="100", token="a1")
    assert await balance(ada, sale.id) == 0


async def test_what_a_customer_has_paid_stays_paid_when_the_sale_is_given_to_another(ada):
    sale = await sale_of(ada, price=500)
    await ada.post(f"/sales/{sale.id}/payment", token="t1", amount="300")
    await ada.post(f"/sales/{sale.id}/customer", new="Bea <New>", value="x", seen="Ada's aunt")
    given = await ada.replica.get(Sale, sale.id)
    assert given.customer != sale.customer
    pages = [
        (await ada.page(path)).text
        for path in (f"/sales/{sale.id}", f"/sales/{sale.id}/money", f"/sales/{sale.id}/print")
    ]
    for text in pages:
        assert "$200.00" in text
        assert "Nothing is paid yet" not in text
    for text in pages[:2]:
        assert "Paid by" in text
        assert "Ada&#39;s aunt</a>, whom the sale was for before" in text
    # What is owed says the same wherever it stands.
    for path in (f"/customers/{given.customer}", f"/payments?customer={given.customer}"):
        text = (await ada.page(path)).text
        assert "$200.00" in text
    assert f"{given.reference}: $200.00 owed" in (await ada.page(f"/sales/{sale.id}/payment")).text
    await ada.post(f"/sales/{sale.id}/cancel", reason="No answer")
    assert "but $300.00 is paid for it" in (await ada.page(f"/sales/{sale.id}/flow")).text


async def test_anothers_money_is_released_to_him_and_is_no_credit_of_the_new_customer(ada):
    sale = await sale_of(ada, price=500)
    await ada.post(f"/sales/{sale.id}/payment", token="t1", amount="300")
    await ada.post(f"/sales/{sale.id}/customer", new="Bea New", value="x", seen="Ada's aunt")
    payment = await only_payment(ada)
    [entry] = live_allocations(payment)
    answer = await ada.post(f"/sales/{sale.id}/release", payment=payment.id, allocation=entry.id)
    assert "Nothing is paid yet" in answer.text
    assert "Use $" not in answer.text
    assert unallocated(await only_payment(ada)) == Decimal(300)
    assert "$300.00" in (await ada.page(f"/payments?customer={payment.customer}")).text


async def test_what_was_released_from_a_sale_that_is_anothers_now_is_used_for_it_again(ada):
    sale = await sale_of(ada, price=500)
    await ada.post(f"/sales/{sale.id}/payment", token="t1", amount="300")
    await ada.post(f"/sales/{sale.id}/customer", new="Bea <New>", value="x", seen="Ada's aunt")
    payment = await only_payment(ada)
    [entry] = live_allocations(payment)
    offered = f'<option value="{sale.id}">{sale.reference}, now of Bea &lt;New&gt;: $500.00 owed</option>'
    answer = await ada.post(f"/payments/{payment.id}/release", allocation=entry.id)
    assert offered in answer.text
    answer = await ada.post(f"/payments/{payment.id}/allocate", sale=sale.id, amount="300", token="a1")
    assert unallocated(await only_payment(ada)) == 0
    assert "$200.00" in (await ada.page(f"/sales/{sale.id}/money")).text
    assert offered not in answer.text


async def test_a_sale_that_is_cancelled_or_paid_is_not_offered_for_what_was_released_from_it(ada):
    paid, cancelled = await sale_of(ada), await sale_of(ada)
    for sale in (paid, cancelled):
        payment_id = await pay(ada, sale, 60, part=60)
        entry = live_allocations(await ada.replica.get(Payment, payment_id))[0]
        await ada.post(f"/payments/{payment_id}/release", allocation=entry.id)
        await ada.post(f"/sales/{sale.id}/customer", new="Bea New", value="x", seen="Ada's aunt")
        if sale is cancelled:
            await ada.post(f"/sales/{sale.id}/cancel", reason="No answer")
        else:
            await ada.post(f"/sales/{sale.id}/payment", token="t-all", amount="100")
        assert f'<option value="{sale.id}"' not in (await ada.page(f"/payments/{payment_id}")).text


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"amount": ""}, "Write an amount"),
        ({"amount": "0"}, "A payment is more than nothing"),
        ({"amount": "-5"}, "An amount is from 0"),
        ({"card_last4": "4242 4242 4242 4242"}, "Only the last four digits"),
        ({"card_last4": "٤٢٤٢"}, "Only the last four digits"),
        ({"description": "card 4111-1111-1111-1111"}, "This looks like a card number"),
        ({"received": "soon"}, "Write a date"),
        ({"part": "200"}, "more than the payment"),
        ({"part": "much"}, "Write an amount"),
    ],
)
async def test_what_is_wrong_about_a_payment_is_told_beside_it_and_nothing_is_recorded(ada, wrong, told):
    sale = await sale_of(ada)
    typed = {"amount": "60", "description": "deposit"} | wrong
    if "part" in typed:
        typed[f"part-{sale.id}"] = typed.pop("part")
    answer = await ada.post(f"/sales/{sale.id}/payment", token="t1", **typed)
    assert told in answer.text
    assert answer.text.count('role="alert"') == 1
    assert 'value="t1"' in answer.text
    if typed["amount"]:
        assert f'value="{typed["amount"]}"' in answer.text
    assert await ada.replica.count(Payment) == 0


async def test_a_payment_on_a_quote_says_that_it_converts_and_does(ada):
    quote_id = await ada.quote(TODAY, prices=[Decimal(100)])
    text = (await ada.page(f"/quotes/{quote_id}/payment")).text
    assert "converts R1-0001 to a sale first" in text
    assert "Convert and record" in text
    answer = await ada.post(f"/quotes/{quote_id}/payment", token="t1", amount="60")
    sale_id = sale_id_of(quote_id)
    assert answer.headers["HX-Redirect"] == f"/sales/{sale_id}"
    assert (await ada.replica.get(Quote, quote_id)).status is Status.CONVERTED_QUOTE
    assert await balance(ada, sale_id) == Decimal(40)
    assert (await ada.page(f"/quotes/{quote_id}/payment")).headers["location"] == f"/sales/{sale_id}/payment"


async def test_a_payment_on_a_quote_of_nothing_converts_and_is_credit(ada):
    quote_id = await ada.quote(TODAY)
    await confirmed(ada, f"/quotes/{quote_id}/payment", token="t1", amount="60")
    assert await ada.replica.exists(Sale, sale_id_of(quote_id))
    assert unallocated(await only_payment(ada)) == Decimal(60)


async def test_a_payment_on_a_quote_that_cannot_be_a_sale_is_refused(ada):
    quote_id = await ada.quote(TODAY, prices=[Decimal(100)])
    await cancel(ada.replica, Quote, quote_id, by="ada")
    assert "It is cancelled" in (await ada.page(f"/quotes/{quote_id}/payment")).text
    assert "It is cancelled" in (await ada.post(f"/quotes/{quote_id}/payment", token="t1", amount="60")).text
    assert (await ada.replica.count(Payment), await ada.replica.count(Sale)) == (0, 0)


async def test_an_allocation_is_released_from_the_sale_and_from_the_payment(ada):
    sale = await sale_of(ada)
    payment_id = await pay(ada, sale, 60, part=60)
    [entry] = live_allocations(await only_payment(ada))
    answer = await ada.post(f"/sales/{sale.id}/release", payment=payment_id, allocation=entry.id)
    assert "Nothing is paid yet." in answer.text
    assert await balance(ada, sale.id) == Decimal(100)
    await ada.post(f"/payments/{payment_id}/allocate", sale=sale.id, amount="25", token="a1")
    assert await balance(ada, sale.id) == Decimal(75)
    [entry] = live_allocations(await only_payment(ada))
    await ada.post(f"/payments/{payment_id}/release", allocation=entry.id)
    assert await balance(ada, sale.id) == Decimal(100)


@pytest.mark.parametrize("amount", ["0", "61", "much"])
async def test_no_more_is_allocated_than_is_left(ada, amount):
    sale = await sale_of(ada)
    payment_id = await pay(ada, sale, 60)
    answer = await ada.post(f"/payments/{payment_id}/allocate", sale=sale.id, amount=amount, token="a1")
    assert 'role="alert"' in answer.text
    assert f'value="{amount}"' in answer.text
    assert unallocated(await only_payment(ada)) == Decimal(60)


async def test_an_allocation_that_is_sent_twice_is_one(ada):
    sale = await sale_of(ada)
    payment_id = await pay(ada, sale, 60)
    for token in ("a1", "a1", "Not A Name!"):
        answer = await ada.post(f"/payments/{payment_id}/allocate", sale=sale.id, amount="20", token=token)
        assert answer.status_code == 200
    assert unallocated(await only_payment(ada)) == Decimal(20)


async def test_a_mistake_is_declared_void_and_made_good_by_another_entry(ada):
    sale = await sale_of(ada)
    payment_id = await pay(ada, sale, 60, part=60)
    assert "This cannot be empty." in (await ada.post(f"/payments/{payment_id}/void", reason="")).text
    for _ in range(2):
        answer = await ada.post(f"/payments/{payment_id}/void", reason="The check bounced")
    assert "Void: The check bounced (ada" in answer.text
    assert "Record what is right" in answer.text
    assert len((await only_payment(ada)).voids) == 1
    assert await balance(ada, sale.id) == Decimal(100)
    await ada.post("/payments/new", customer=str(sale.customer), token="t2", amount="70")
    text = (await ada.page(f"/payments?customer={sale.customer}")).text
    assert "<s>$60.00</s> void" in text
    assert "$70.00" in text


async def test_an_account_shows_credit_and_what_is_owed(ada):
    sale = await sale_of(ada)
    await pay(ada, sale, 30)
    text = (await ada.page(f"/payments?customer={sale.customer}")).text
    assert "Account of Ada&#39;s aunt" in text
    assert f'href="/sales/{sale.id}"' in text
    assert text.count("$100.00") == 3  # Total, balance, and all that is due.
    assert text.count("$30.00") == 3


async def test_all_payments_are_listed_newest_first_with_their_customers(ada):
    assert "No payments yet" in (await ada.page("/payments")).text
    sale = await sale_of(ada)
    for n in range(51):
        await record_payment(
            ada.replica, sale.customer, Decimal(n + 1), received=TODAY - dt.timedelta(days=n), by="ada"
        )
    first, second = (await ada.page("/payments")).text, (await ada.page("/payments?page=2")).text
    assert (first.count('<tr id="payment-'), second.count('<tr id="payment-')) == (50, 1)
    assert "Ada&#39;s aunt" in first
    assert "$51.00" in second
    for page in ("0", "x", "99999999"):
        assert (await ada.page(f"/payments?page={page}")).status_code == 200


async def test_money_of_a_cancelled_sale_is_told_of(ada):
    sale = await sale_of(ada)
    await pay(ada, sale, 60, part=60)
    assert "It is cancelled" not in (await ada.page(f"/sales/{sale.id}/flow")).text
    await cancel(ada.replica, Sale, sale.id, by="ada")
    assert "It is cancelled, but $60.00 is paid" in (await ada.page(f"/sales/{sale.id}/flow")).text


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


async def test_a_payment_taken_apart_from_the_change_of_the_customer_stays_paid(tmp_path):
    async with a_pair(tmp_path) as (bob, ada, meet):
        sale = await sale_of(bob, price=500)
        await meet()
        # Each gives it to another customer, and takes his money, before they hear of each other.
        for seat, name, token in ((bob, "Bea", "t1"), (ada, "Cleo", "t2")):
            await seat.post(f"/sales/{sale.id}/payment", token=f"{token}-first", amount="10")
            await seat.post(f"/sales/{sale.id}/customer", new=name, value="x", seen="Ada's aunt")
            await seat.post(f"/sales/{sale.id}/payment", token=token, amount="100")
        await meet()
        for seat in (bob, ada):
            text = (await seat.page(f"/sales/{sale.id}/money")).text
            assert "$280.00" in text
            assert "Nothing is paid yet" not in text


async def test_a_payment_that_two_allocated_apart_says_so(tmp_path):
    async with a_pair(tmp_path) as (bob, ada, meet):
        sale = await sale_of(bob)
        payment_id = await pay(bob, sale, 60)
        await meet()
        for seat in (bob, ada):
            await allocate_credit(seat.replica, payment_id, sale.id, Decimal(50), by=seat.desk.author)
        await meet()
        for seat in (bob, ada):
            assert "$40.00 more than it is" in (await seat.page(f"/payments/{payment_id}")).text
            assert "$50.00 was meant" in (await seat.page(f"/sales/{sale.id}/money")).text
            assert "$40.00 too much allocated" in (await seat.page("/payments")).text
            assert await balance(seat, sale.id) == Decimal(40)


async def test_a_deposit_taken_offline_while_the_office_converts_is_for_the_one_sale(tmp_path):
    async with a_pair(tmp_path) as (bob, ada, meet):
        quote_id = await bob.quote(TODAY, prices=[Decimal(100)])
        await meet()
        await bob.convert(quote_id)
        await ada.post(f"/quotes/{quote_id}/payment", token="t1", amount="60")
        await meet()
        for seat in (bob, ada):
            assert await seat.replica.count(Sale) == 1
            assert await balance(seat, sale_id_of(quote_id)) == Decimal(40)


async def test_a_deposit_for_a_sale_that_is_still_on_its_way_is_for_that_sale(tmp_path):
    async with a_pair(tmp_path) as (bob, ada, meet):
        quote_id = await ada.quote(TODAY, prices=[Decimal(100)])
        await ada.replica.mark_for_sync(quote_id)
        await meet()
        sale = await convert(ada.replica, quote_id, by="ada")
        async with ada.replica.edit(Sale, sale.id) as changed:
            changed.lines[0].quantity = 3
        await meet()
        assert "has not arrived here yet" in (await bob.page(f"/quotes/{quote_id}/payment")).text
        answer = await bob.post(f"/quotes/{quote_id}/payment", token="t1", amount="60")
        assert answer.headers["HX-Redirect"] == f"/quotes/{quote_id}"
        assert await bob.replica.count(Sale) == 0
        await ada.replica.mark_for_sync(sale.id)
        await meet()
        for seat in (bob, ada):
            assert await balance(seat, sale.id) == Decimal(240)
            assert await seat.replica.conflicts() == []


PATHS = (
    "/quotes/{id}/money",
    "/quotes/{id}/payment",
    "/sales/{id}/money",
    "/sales/{id}/payment",
    "/payments/{id}",
    "/payments?customer={id}",
    "/payments/new?customer={id}",
    "/payments/new",
)


@pytest.mark.parametrize("path", PATHS)
async def test_what_is_not_there_is_told(ada, path):
    assert (await ada.page(path.format(id=NOWHERE))).status_code == 404


CHANGES = (
    "/quotes/{id}/payment",
    "/sales/{id}/payment",
    "/sales/{id}/credit",
    "/sales/{id}/release",
    "/payments/new",
    "/payments/{id}/allocate",
    "/payments/{id}/release",
    "/payments/{id}/void",
)


@pytest.mark.parametrize("path", CHANGES)
async def test_a_change_of_what_is_not_there_is_told(ada, path):
    answer = await ada.post(
        path.format(id=NOWHERE), token="t1", amount="5", customer=NOWHERE, reason="none", payment=NOWHERE
    )
    assert answer.status_code == 404
    assert await ada.replica.count(Payment) == 0


@pytest.mark.parametrize("path", CHANGES)
async def test_a_change_with_a_wrong_token_is_refused(ada, path):
    sale = await sale_of(ada)
    before = await ada.replica.digests()
    answer = await ada.browser.post(
        path.format(id=sale.id),
        data={"token": "t1", "amount": "5", "customer": str(sale.customer)},
        headers={TOKEN_HEADER: "another"},
    )
    assert answer.status_code == 403
    assert await ada.replica.digests() == before


async def test_markup_in_a_memo_is_shown_and_not_run(ada):
    sale = await sale_of(ada)
    await ada.post(
        f"/sales/{sale.id}/payment", token="t1", amount="5", description='<script>alert("x")</script>'
    )
    payment = await only_payment(ada)
    for path in (
        f"/sales/{sale.id}",
        f"/payments/{payment.id}",
        "/payments",
        f"/payments?customer={sale.customer}",
    ):
        text = (await ada.page(path)).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;" in text


async def test_the_customer_that_a_payment_names_need_not_be_here(ada):
    async with ada.replica.edit(Payment) as payment:
        payment.customer = NOWHERE
        payment.amount = Decimal(5)
        payment.received = TODAY
    assert (await ada.page(f"/payments/{payment.id}")).status_code == 200
    assert "not here yet" in (await ada.page("/payments")).text
    assert await ada.replica.count(Customer) == 0
