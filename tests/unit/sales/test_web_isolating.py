"""A name that is written from right to left, or turns what follows round, does so to itself alone."""

import datetime as dt
import re
from decimal import Decimal

import pytest

from examples.sales.deals import convert, purchase_orders_of
from examples.sales.model import Customer, Item, Phone, Quote
from examples.sales.web.isolating import isolated
from tests.unit.sales.web_desks import open_seat

TODAY = dt.date(2024, 5, 31)
TURNED = "\u202eadA"
APART = f"\u2068{TURNED}\u2069"


@pytest.fixture
async def bob(tmp_path):
    async with open_seat(tmp_path, "office", role="office", author="bob") as seat:
        yield seat


async def named_so(seat):
    quote_id = await seat.quote(TODAY, customer_name=TURNED, prices=[Decimal(100)])
    async with seat.replica.edit(Quote, quote_id) as quote:
        quote.lines[0].description = TURNED
        quote.lines[0].item = Item(code="RS", vendor=TURNED)
    return await seat.replica.get(Quote, quote_id)


def stands_alone(text):
    """Whether a name is between what isolates it, or is the whole of an element, wherever it is on a page."""
    before_and_after = re.findall(r"(<bdi>|\u2068|<[^<>]*>|value=\")\u202eadA(</bdi>|\u2069|</|\")", text)
    return text.count(TURNED) == len(before_and_after) > 0


@pytest.mark.parametrize("name", ["\u202ename", "\u05d0\u05d1\u05d2", "\u0627\u0628", "a\u2067b"])
def test_what_may_turn_round_what_is_beside_it_is_set_apart(name):
    assert isolated(name) == f"\u2068{name}\u2069"


@pytest.mark.parametrize("name", ["", "Ada", "Ren\u00e9e 2 & Co.", "\u738b\u5c0f\u660e"])
def test_what_turns_nothing_round_is_as_it_was(name):
    assert isolated(name) == name


async def test_a_name_within_a_sentence_is_set_apart_from_it(bob):
    quote = await named_so(bob)
    sale = await convert(bob.replica, (await named_so(bob)).id, by="bob")
    [order] = await purchase_orders_of(bob.replica, sale.id)
    for path in (
        f"/quotes/{quote.id}/convert",
        f"/customers/{quote.customer}",
        f"/payments?customer={quote.customer}",
        f"/payments/new?customer={quote.customer}",
        f"/purchase-orders/{order.id}",
    ):
        text = (await bob.page(path)).text
        assert stands_alone(text), path


async def test_a_name_in_what_is_told_is_set_apart(bob):
    quote = await named_so(bob)
    removed = await bob.post(f"/quotes/{quote.id}/lines/{quote.lines[0].id}/remove")
    assert f"{APART} was taken out." in removed.text
    assert f'aria-label="Put back {APART}"' in removed.text
    sale = await convert(bob.replica, (await named_so(bob)).id, by="bob")
    [order] = await purchase_orders_of(bob.replica, sale.id)
    async with bob.replica.edit(Customer, quote.customer) as customer:
        phone = customer.phones.add(Phone(digits=TURNED)).id
    told = await bob.post(f"/customers/{quote.customer}/phones/{phone}/remove")
    assert f"{APART} was taken out." in told.text
    await bob.post(f"/purchase-orders/{order.id}/approve", content="")
    async with bob.replica.edit(type(sale), sale.id) as changed:
        changed.lines[0].width = changed.lines[0].height = Decimal(30)
    await bob.post(f"/sales/{sale.id}/purchase-orders")
    sent = await bob.post("/purchasing/send", order=order.id)
    assert f"is marked as sent to {APART}." in sent.text
