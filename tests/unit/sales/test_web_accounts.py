"""The account of a customer: what is owed for all his sales, however many they are, and as it is now."""

import datetime as dt
import re
from decimal import Decimal

import pytest

from examples.sales import payments
from examples.sales.deals import cancel, record_payment
from examples.sales.model import Customer, Line, Payment, Sale
from examples.sales.payments import sales_of
from examples.sales.pricing import Price
from examples.sales.web.pages import payments as pages
from tests.unit.sales.web_desks import open_seat

TODAY = dt.date(2024, 5, 31)


@pytest.fixture
async def ada(tmp_path):
    async with open_seat(tmp_path) as seat:
        yield seat


async def customer_with(seat, *prices):
    """Make a customer with a sale at each price, a day apart, the oldest first."""
    async with seat.replica.edit(Customer) as customer:
        customer.name = "Regular Rita"
    sales = []
    for day, price in enumerate(prices):
        async with seat.replica.edit(Sale) as sale:
            sale.customer = customer.ref
            sale.customer_name = "Regular Rita"
            sale.dated = TODAY + dt.timedelta(days=day)
            sale.lines.add(Line(description="Roller shade", price=Price(Decimal(price))))
        sales.append(sale.id)
    return customer.id, sales


async def test_what_is_owed_for_the_newest_of_many_sales_is_on_the_account_and_can_be_paid(ada):
    customer, sales = await customer_with(ada, *[0] * 100, 500)
    account = (await ada.page(f"/payments?customer={customer}")).text
    assert "Nothing is owed" not in account
    assert f'href="/sales/{sales[-1]}"' in account
    assert "$500.00" in account
    payment = await record_payment(ada.replica, customer, Decimal(50), received=TODAY, by="ada")
    assert f'<option value="{sales[-1]}"' in (await ada.page(f"/payments/{payment}")).text
    await ada.post(f"/payments/{payment}/allocate", sale=sales[-1], amount="50", token="t1")
    assert "$450.00" in (await ada.page(f"/payments?customer={customer}")).text


async def test_the_account_and_the_page_of_a_customer_say_the_same_of_more_sales_than_are_read_at_once(
    ada, monkeypatch
):
    monkeypatch.setattr(payments, "SALES_PER_PAGE", 2)
    customer, sales = await customer_with(ada, 1, 20, 300, 4_000, 50_000)
    await cancel(ada.replica, Sale, sales[1], by="ada", why="Bought elsewhere")
    assert [sale.id for sale in await sales_of(ada.replica, customer)] == sales
    account = (await ada.page(f"/payments?customer={customer}")).text
    head = (await ada.page(f"/customers/{customer}")).text
    assert "$54,301.00" in account
    assert head.count("$54,301.00") == 2  # Bought, and due.


async def test_a_form_offers_the_oldest_of_very_many_sales_says_so_and_takes_what_is_typed_beside_them(
    ada, monkeypatch
):
    monkeypatch.setattr(pages, "OWED_OFFERED_MAX", 2)
    customer, sales = await customer_with(ada, 10, 20, 30)
    form = (await ada.page(f"/payments/new?customer={customer}")).text
    assert [f'name="part-{sale}"' in form for sale in sales] == [True, True, False]
    assert "1 newer sale is owed for as well" in form
    answer = await ada.post(
        "/payments/new", customer=customer, token="t1", amount="15", **{f"part-{sales[1]}": "15"}
    )
    assert answer.headers["HX-Redirect"] == f"/payments?customer={customer}"
    [payment] = await ada.replica.find(Payment)
    assert [(part.sale, part.amount) for part in payment.allocations] == [(sales[1], Decimal(15))]


async def test_what_was_paid_too_much_for_one_sale_lessens_nothing_that_is_owed_for_another(ada):
    customer, [small, _] = await customer_with(ada, 100, 500)
    await record_payment(
        ada.replica, customer, Decimal(400), received=TODAY, by="ada", allocate=[(small, Decimal(400))]
    )
    for path in (f"/payments?customer={customer}", f"/customers/{customer}"):
        text = (await ada.page(path)).text
        assert "<dt>Balance due</dt><dd>$500.00</dd>" in text


async def test_the_account_and_the_list_of_payments_ask_again_when_something_is_paid_or_changed(ada):
    customer, [sale] = await customer_with(ada, 100)
    for path, part in ((f"/payments?customer={customer}", "account"), ("/payments", "payments")):
        page = (await ada.page(path)).text
        assert re.search(
            rf'hx-get="{re.escape(path)}" hx-trigger="[^"]*sse:center-payment[^"]*" hx-swap="merge" hx-target="#{part}"',
            page,
        )
    await record_payment(
        ada.replica, customer, Decimal(60), received=TODAY, by="ada", allocate=[(sale, Decimal(40))]
    )
    account = (await ada.page(f"/payments?customer={customer}", **asked("account"))).text
    assert "<html" not in account
    assert "<dt>Balance due</dt><dd>$60.00</dd>" in account
    assert "<dt>Credit</dt><dd>$20.00</dd>" in account
    rows = (await ada.page("/payments", **asked("payments"))).text
    assert "<html" not in rows
    assert "$60.00" in rows


def asked(part):
    return {"HX-Request": "true", "HX-Target": part}
