"""What is typed into a page arrives whole and once, or is refused with words and stays in its field."""

import asyncio
import datetime as dt
import re
from decimal import Decimal

import pytest

from crdtsync import Ref, open_replica
from examples.sales.model import KINDS, Customer, Payment, Quote, Sale
from examples.sales.pricing import ChargeMethod
from examples.sales.web.pages.texts import LONG_TEXT_CHARS_MAX
from examples.sales.web.security import TOKEN_HEADER
from tests.unit.sales.web_desks import TOKEN, open_seat

TODAY = dt.date(2024, 5, 31)
HEADERS = {TOKEN_HEADER: TOKEN, "HX-Request": "true"}


@pytest.fixture
async def seat(tmp_path):
    async with open_seat(tmp_path) as seat:
        yield seat


@pytest.fixture
async def another(seat):
    """Somebody who edits the same documents at the same time, as on another machine."""
    async with open_replica(seat.replica.directory, author="bob", kinds=KINDS) as replica:
        yield replica


async def version_on_page(seat, quote_id):
    """What every field of the editor says that its person has seen."""
    (version,) = set(re.findall(r'data-version="(\w+)"', (await seat.page(f"/quotes/{quote_id}")).text))
    return version


async def new_customer(seat, name):
    async with seat.replica.edit(Customer) as customer:
        customer.name = name
    return customer.id


def value_in(text):
    """What stands in the field of an answer."""
    return re.search(r'-value" name="\w+" value="([^"]*)"', text)[1]


def told_in(text):
    """What is wrong, as an answer says it."""
    return re.findall(r'class="error" role="alert">([^<]*)<', text)


@pytest.mark.parametrize(
    ("field", "typed", "told"),
    [
        ("price", "1,5", "Write an amount as in 1,234.50."),
        ("price", "1.234,50", "Write an amount as in 1,234.50."),
        ("quantity", "1,5", "Write a whole number, such as 2."),
        ("width", "1,5", "Write inches as in 34.5 or 34 1/2."),
        ("width", "1000000000000000000000000000000/1", "Write inches as in 34.5 or 34 1/2."),
        ("room", "x" * 501, "At most 500 characters; these are 501."),
    ],
)
async def test_what_is_refused_stays_in_its_field_with_words_and_is_not_written(seat, field, typed, told):
    quote_id = await seat.quote(TODAY, prices=[Decimal(7)])
    before = await seat.replica.get(Quote, quote_id)
    answer = await seat.post(f"/quotes/{quote_id}/lines/{before.lines[0].id}/fields/{field}", value=typed)
    assert (answer.status_code, told_in(answer.text), value_in(answer.text)) == (200, [told], typed)
    assert (await seat.replica.get(Quote, quote_id)).info.version == before.info.version


async def test_a_price_of_less_than_nothing_by_a_sign_alone_is_nothing(seat):
    quote_id = await seat.quote(TODAY, prices=[Decimal(7)])
    line = (await seat.replica.get(Quote, quote_id)).lines[0].id
    answer = await seat.post(f"/quotes/{quote_id}/lines/{line}/fields/price", value="-0")
    assert value_in(answer.text) == "0.00"
    assert str((await seat.replica.get(Quote, quote_id)).lines[0].price.base_retail) == "0.00"


async def test_a_date_far_out_is_refused_from_the_date_on_the_wall(seat):
    seat.desk.now_ms = lambda: int(dt.datetime(2024, 5, 31, 12, tzinfo=dt.UTC).timestamp()) * 1_000
    quote_id = await seat.quote(TODAY)
    answer = await seat.post(f"/quotes/{quote_id}/fields/dated", value="5/31/2074")
    assert told_in(answer.text) == ["A date is from 2000-01-01 to 2034-06-01; this is 2074-05-31."]
    assert value_in(answer.text) == "5/31/2074"
    assert (await seat.replica.get(Quote, quote_id)).dated == TODAY


async def test_a_payment_is_not_received_in_the_future(seat):
    seat.desk.now_ms = lambda: int(dt.datetime(2024, 5, 31, 12, tzinfo=dt.UTC).timestamp()) * 1_000
    customer = await new_customer(seat, "Ada")
    payment = {"customer": customer, "amount": "5", "token": "a"}
    answer = await seat.post("/payments/new", **payment, received="6/1/24")
    assert told_in(answer.text) == ["It is received today at the latest; this is 2024-06-01."]
    answer = await seat.post("/payments/new", **payment, received="9999-12-31")
    assert told_in(answer.text) == ["A date is from 2000-01-01 to 2034-06-01; this is 9999-12-31."]
    assert await seat.replica.find(Payment) == []
    await seat.post("/payments/new", **payment, received="5/31/24")
    assert [known.received for known in await seat.replica.find(Payment)] == [TODAY]


async def test_a_percentage_is_no_amount_of_a_charge(seat):
    quote_id = await seat.quote(TODAY, prices=[Decimal(200)])
    await seat.post(f"/quotes/{quote_id}/charges", charge="Measuring")
    charge = (await seat.replica.get(Quote, quote_id)).charges[0]
    address = f"/quotes/{quote_id}/charges/{charge.id}/fields"
    answer = await seat.post(f"{address}/value", value="5%")
    assert told_in(answer.text) == ["This charge is an amount. Choose Percent first."]
    await seat.post(f"{address}/method", value=ChargeMethod.PERCENT.value)
    answer = await seat.post(f"{address}/value", value="5%")
    assert value_in(answer.text) == "5%"
    assert (await seat.replica.get(Quote, quote_id)).total == 210


async def text_places(seat):
    quote_id = await seat.quote(TODAY)
    quote = await seat.replica.get(Quote, quote_id)
    return (
        (Quote, quote_id, "notes", f"/quotes/{quote_id}/notes"),
        (Customer, quote.customer, "comments", f"/customers/{quote.customer}/comments"),
    )


async def test_a_text_that_is_sent_again_because_its_answer_was_lost_is_there_once(seat):
    for cls, document, name, address in await text_places(seat):
        for _ in range(2):
            await seat.post(address, value="wants the blue one", seen="")
        assert str(getattr(await seat.replica.get(cls, document), name)) == "wants the blue one"


async def test_a_long_text_is_refused_whole_and_stays_in_its_field(seat):
    for cls, document, name, address in await text_places(seat):
        await seat.post(address, value="as it was", seen="")
        long = "x" * LONG_TEXT_CHARS_MAX + "END"
        answer = await seat.post(address, value=long, seen="as it was")
        assert told_in(answer.text) == ["Not saved: at most 20,000 characters; these are 20,003."]
        assert f"\n{long}</textarea>" in answer.text
        assert 'aria-invalid="true" aria-describedby=' in answer.text
        assert re.search(r'<textarea name="seen"[^>]*>\nas it was</textarea>', answer.text)
        assert str(getattr(await seat.replica.get(cls, document), name)) == "as it was"
        answer = await seat.post(address, value=long[:-3], seen="as it was")
        assert told_in(answer.text) == []
        assert len(str(getattr(await seat.replica.get(cls, document), name))) == LONG_TEXT_CHARS_MAX


async def test_a_text_that_became_too_long_by_merging_is_not_cut_and_can_be_shortened(seat):
    for cls, document, name, address in await text_places(seat):
        merged = "a" * LONG_TEXT_CHARS_MAX + "b" * 1_000
        async with seat.replica.edit(cls, document) as draft:
            getattr(draft, name).set(merged)
        shorter = merged[:-1]
        answer = await seat.post(address, value=shorter, seen=merged)
        assert told_in(answer.text) == []
        assert str(getattr(await seat.replica.get(cls, document), name)) == shorter


BODIES = {
    "of a form without fields": (b"", "application/x-www-form-urlencoded"),
    "of a form that lacks what was typed": (b"seen=x&version=", "application/x-www-form-urlencoded"),
    "of JSON": (b'{"value": "x"}', "application/json"),
    "of no form": (b"x", "multipart/form-data"),
    "of a broken form": (b"--x\r\nbroken", "multipart/form-data; boundary=x"),
    "of a file": (
        b'--x\r\nContent-Disposition: form-data; name="value"; filename="a"\r\n\r\nhi\r\n--x--\r\n',
        "multipart/form-data; boundary=x",
    ),
}


@pytest.mark.parametrize("body", sorted(BODIES))
async def test_a_body_without_what_was_typed_is_refused_and_empties_nothing(seat, body):
    content, kind = BODIES[body]
    quote_id = await seat.quote(TODAY, prices=[Decimal(7)])
    async with seat.replica.edit(Quote, quote_id) as quote:
        quote.terms = "30 days"
        quote.notes.set("Gate code 12")
        quote.price_locked = True
    before = await seat.replica.get(Quote, quote_id)
    at, of_customer = f"/quotes/{quote_id}", f"/customers/{before.customer}"
    for address in (
        f"{at}/fields/terms",
        f"{at}/lines/{before.lines[0].id}/fields/room",
        f"{at}/notes",
        f"{at}/customer",
        f"{at}/price-lock",
        f"{at}/milestones",
        "/quotes",
        "/customers",
        f"{of_customer}/fields/company",
        f"{of_customer}/comments",
        f"{of_customer}/phones",
    ):
        answer = await seat.browser.post(address, content=content, headers={**HEADERS, "Content-Type": kind})
        assert answer.status_code == 400, address
        assert answer.headers["Content-Type"].startswith("text/plain")
    assert (await seat.replica.get(Quote, quote_id)).info.version == before.info.version
    assert len(await seat.replica.find(Quote)) == 1


async def token_on(seat, address):
    """What makes a form on a page one of a kind."""
    return re.search(r'"token"(?: value=|: )"(\w+)"', (await seat.page(address)).text)[1]


@pytest.mark.parametrize(("center", "cls"), [("/quotes", Quote), ("/sales", Sale)])
async def test_a_form_that_is_sent_twice_makes_one_document_and_one_customer(seat, center, cls):
    token = await token_on(seat, center)
    answers = await asyncio.gather(
        *(seat.post(center, customer="Ada Lovelace", picked="", token=token) for _ in range(3))
    )
    assert len({answer.headers["HX-Redirect"] for answer in answers}) == 1
    assert [deal.customer_name for deal in await seat.replica.find(cls)] == ["Ada Lovelace"]
    assert [customer.name for customer in await seat.replica.find(Customer)] == ["Ada Lovelace"]


async def test_a_form_that_is_sent_again_with_something_else_makes_another(seat):
    token = await token_on(seat, "/quotes")
    for name in ("Ada Lovelace", "Grace Hopper"):
        await seat.post("/quotes", customer=name, picked="", token=token)
    assert {quote.customer_name for quote in await seat.replica.find(Quote)} == {
        "Ada Lovelace",
        "Grace Hopper",
    }


async def test_a_name_that_several_customers_have_is_nobody_s_until_one_is_picked(seat):
    ids = [await new_customer(seat, "John Smith") for _ in range(2)]
    answer = await seat.post("/quotes", customer="John Smith", picked="")
    assert told_in(answer.text) == ["Several customers have this name. Pick one of them from the list."]
    assert 'name="customer" value="John Smith"' in answer.text
    assert await seat.replica.find(Quote) == []
    await seat.post("/quotes", customer="John Smith", picked=ids[1])
    assert [quote.customer for quote in await seat.replica.find(Quote)] == [ids[1]]


async def test_every_form_is_one_of_a_kind(seat):
    customer = await new_customer(seat, "Ada")
    for address in ("/quotes", "/sales", "/customers", f"/customers/{customer}"):
        assert await token_on(seat, address) != await token_on(seat, address)


async def test_a_customer_is_made_once_and_so_is_the_new_quote(seat):
    token = await token_on(seat, "/customers")
    answers = await asyncio.gather(*(seat.post("/customers", name="Ada", token=token) for _ in range(2)))
    (customer,) = {answer.headers["HX-Redirect"] for answer in answers}
    assert [f"/customers/{known.id}" for known in await seat.replica.find(Customer)] == [customer]
    token = await token_on(seat, customer)
    answers = await asyncio.gather(*(seat.post(f"{customer}/quote", token=token) for _ in range(2)))
    (quote,) = {answer.headers["HX-Redirect"] for answer in answers}
    assert [f"/quotes/{known.id}" for known in await seat.replica.find(Quote)] == [quote]


async def test_a_milestone_that_is_sent_twice_is_one_and_the_next_form_makes_the_same_once_more(seat):
    quote_id = await seat.quote(TODAY)
    address = f"/quotes/{quote_id}"

    async def count():
        return sum(seen.how == "Measured" for seen in (await seat.replica.get(Quote, quote_id)).milestones)

    token = await token_on(seat, address)
    await asyncio.gather(
        *(seat.post(f"{address}/milestones", what="Measured", day="5/31/24", token=token) for _ in range(2))
    )
    assert await count() == 1
    answer = await seat.post(f"{address}/milestones", what="Measured", day="6/1/24", token=token)
    assert await count() == 2
    again = re.search(r'name="token" value="(\w+)"', answer.text)[1]
    assert again != token
    await seat.post(f"{address}/milestones", what="Measured", day="5/31/24", token=again)
    assert await count() == 3


async def test_a_telephone_that_is_added_twice_is_one(seat):
    customer = await new_customer(seat, "Ada")
    await asyncio.gather(*(seat.post(f"/customers/{customer}/phones", digits="555 0100") for _ in range(2)))
    assert [phone.digits for phone in (await seat.replica.get(Customer, customer)).phones] == ["555 0100"]
    answer = await seat.post(f"/customers/{customer}/phones", digits="5" * 501)
    assert f'value="{"5" * 501}"' in answer.text


async def test_a_new_customer_who_is_picked_twice_is_one(seat):
    quote_id = await seat.quote(TODAY)
    for _ in range(2):
        await seat.post(f"/quotes/{quote_id}/customer", new="Grace", value="Grace", seen="Ada's aunt")
    (grace,) = await seat.replica.find(Customer, where={"name": "Grace"})
    async with seat.replica.edit(Customer, grace.id) as customer:
        customer.name = "Grace Hopper"
    await seat.post(f"/quotes/{quote_id}/customer", new="Grace", value="Grace", seen="Grace")
    assert len(await seat.replica.find(Customer, search="Grace")) == 2


async def test_a_name_that_is_too_long_to_look_for_is_not_offered_as_a_new_customer(seat):
    assert 'data-name="new"' in (await seat.page(f"/customers/pick?value={'x' * 200}")).text
    assert 'data-name="new"' not in (await seat.page(f"/customers/pick?value={'x' * 201}")).text


async def test_one_who_picks_a_customer_over_a_pick_he_never_saw_keeps_both_and_is_told(seat, another):
    quote_id = await seat.quote(TODAY)
    cust2, cust3 = [await new_customer(seat, name) for name in ("Bea", "Cleo")]
    seen = await version_on_page(seat, quote_id)
    async with another.edit(Quote, quote_id) as quote:
        quote.customer, quote.customer_name = Ref(cust3), "Cleo"
    answer = await seat.post(
        f"/quotes/{quote_id}/customer", customer=cust2, value="Bea", seen="Ada's aunt", version=seen
    )
    assert "Somebody else wrote &#39;Cleo&#39; here meanwhile; both are kept." in answer.text
    assert value_in(answer.text) == "Bea"
    found = {conflict.path for conflict in await seat.replica.conflicts(quote_id)}
    assert {"customer", "customer_name"} <= found
    quote = await seat.replica.get(Quote, quote_id)
    assert (quote.customer, quote.customer_name) == (cust2, "Bea")


async def test_the_page_says_which_customer_its_person_has_seen(seat):
    text = (await seat.page(f"/quotes/{await seat.quote(TODAY)}")).text
    box = text[text.index('<div id="field-customer_name"') : text.index('id="customer-options"')]
    assert 'hx-include="find [name=version]"' in box.partition(">")[0]
    assert '<input type="hidden" name="version" value="' in box


async def test_a_pick_from_a_page_of_a_document_that_was_restored_is_told(seat):
    quote_id = await seat.quote(TODAY)
    bea = await new_customer(seat, "Bea")
    answer = await seat.post(
        f"/quotes/{quote_id}/customer", customer=bea, value="Bea", seen="", version="92cd1234cd12"
    )
    assert "Show the document again" in answer.text
    assert value_in(answer.text) == "Bea"
    assert (await seat.replica.get(Quote, quote_id)).customer_name == "Ada's aunt"


async def test_more_than_a_thousand_can_be_chosen_at_once(seat):
    quote_id = await seat.quote(TODAY)
    answer = await seat.post("/items/reset", item=[quote_id] * 1_001)
    assert answer.status_code == 200
