"""The customers: picked while typed, made in place, and each on a page with his documents and his balance."""

import datetime as dt
from decimal import Decimal

import pytest

from crdtsync.testing import MemoryPlace, MemoryRemote
from examples.sales.deals import convert, record_payment
from examples.sales.model import Address, Customer, Line, Quote
from examples.sales.pricing import Price
from examples.sales.web.security import TOKEN_HEADER
from tests.unit.sales.web_desks import TOKEN, open_seat

TODAY = dt.date(2024, 5, 31)
EVIL = "<script>alert(1)</script>"


@pytest.fixture
async def seat(tmp_path):
    async with open_seat(tmp_path) as seat:
        yield seat


async def customer_named(seat, name, **values):
    async with seat.replica.edit(Customer) as customer:
        customer.name = name
        for field, value in values.items():
            setattr(customer, field, value)
    return customer.id


async def test_an_empty_center_says_how_to_begin_and_a_new_customer_has_a_page(seat):
    assert "No customers yet" in (await seat.page("/customers")).text
    answer = await seat.post("/customers", name="  Ada   Lovelace ")
    address = answer.headers["HX-Redirect"]
    assert "<h1" in (await seat.page(address)).text
    assert "Ada Lovelace" in (await seat.page("/customers")).text
    assert "This cannot be empty." in (await seat.post("/customers", name=" ")).text
    assert await seat.replica.count(Customer) == 1


async def test_the_center_finds_by_the_beginning_of_a_word_and_has_pages(seat):
    for n in range(51):
        await customer_named(seat, f"Customer {n:02}", email=f"c{n}@example.org")
    first = (await seat.page("/customers")).text
    assert first.count('<tr id="row-') == 50
    assert "page 1 of 2" in first
    assert (await seat.page("/customers?page=2")).text.count('<tr id="row-') == 1
    part = await seat.page("/customers?q=c17", **{"HX-Request": "true", "HX-Target": "rows"})
    assert part.text.count('<tr id="row-') == 1
    assert "<html" not in part.text
    assert "Nobody found" in (await seat.page("/customers?q=nobody")).text
    for query in ("page=0", "page=x", 'q="', "page=99999999"):
        assert (await seat.page(f"/customers?{query}")).status_code == 200


async def test_a_picker_offers_who_may_be_meant_and_a_new_one_unless_the_name_is_known(seat):
    ada = await customer_named(seat, "Ada Lovelace")
    await customer_named(seat, "Grace Hopper")
    options = (await seat.page("/customers/pick?value=ada")).text
    assert f'data-name="customer" data-value="{ada}"' in options
    assert "Hopper" not in options
    assert 'data-name="new" data-value="ada"' in options
    assert 'data-name="new"' not in (await seat.page("/customers/pick?value=ada+LOVELACE")).text
    assert (await seat.page("/customers/pick?value=")).text.count('role="option"') == 2
    assert (await seat.page('/customers/pick?value="')).status_code == 200


async def test_a_picked_customer_gives_name_address_and_terms(seat):
    home = Address("12 Elm St", "Springfield", "OR", "97477")
    ada = await customer_named(seat, "Ada Lovelace", billing=home, terms="30 days")
    quote_id = await seat.quote(TODAY)
    answer = await seat.post(f"/quotes/{quote_id}/customer", customer=ada, value="Ada", seen="Ada's aunt")
    quote = await seat.replica.get(Quote, quote_id)
    assert (quote.customer, quote.customer_name, quote.bill_to, quote.terms) == (
        ada,
        "Ada Lovelace",
        home,
        "30 days",
    )
    assert 'value="Ada Lovelace"' in answer.text
    assert "12 Elm St, Springfield, OR, 97477" in answer.text
    assert (await seat.replica.history(quote_id))[-1].label == "customer"


async def test_nothing_of_the_former_customer_stays_on_the_paper_of_another(seat):
    home = Address(street="1 Old Street", city="Oldtown")
    old = await customer_named(seat, "Ada Old", billing=home, terms="30 days")
    new = await customer_named(seat, "Bea New")
    moved = await customer_named(seat, "Cleo Moved", billing=Address(), terms="cash")
    quote_id = await seat.quote(TODAY)
    await seat.post(f"/quotes/{quote_id}/customer", customer=old, value="Ada Old", seen="Ada's aunt")
    assert "1 Old Street" in (await seat.page(f"/quotes/{quote_id}/print")).text
    for customer, name, terms in (
        (new, "Bea New", ""),
        (old, "Ada Old", "30 days"),
        (moved, "Cleo Moved", "cash"),
    ):
        await seat.post(f"/quotes/{quote_id}/customer", customer=customer, value=name, seen="")
        quote = await seat.replica.get(Quote, quote_id)
        assert (quote.customer_name, quote.terms) == (name, terms)
        assert quote.bill_to == (home if customer == old else None)
        assert ("1 Old Street" in (await seat.page(f"/quotes/{quote_id}/print")).text) == (customer == old)


async def test_terms_that_were_agreed_for_a_document_stay_with_it(seat):
    quote_id = await seat.quote(TODAY)
    old = await customer_named(seat, "Ada Old", terms="30 days")
    await seat.post(f"/quotes/{quote_id}/customer", customer=old, value="Ada Old", seen="")
    await seat.post(f"/quotes/{quote_id}/fields/terms", value="half now", seen="30 days")
    new = await customer_named(seat, "Bea New", terms="cash")
    await seat.post(f"/quotes/{quote_id}/customer", customer=new, value="Bea New", seen="")
    assert (await seat.replica.get(Quote, quote_id)).terms == "half now"


async def test_of_two_who_choose_a_customer_apart_one_choice_is_shown_whole(tmp_path):
    place = MemoryPlace()
    async with (
        open_seat(tmp_path, "office", role="office", author="bob") as bob,
        open_seat(tmp_path, "R1") as ada,
    ):

        async def meet():
            for _ in range(3):
                for each in (bob, ada):
                    await each.replica.sync(MemoryRemote(place))

        rich = await customer_named(bob, "Ada Rich", billing=Address(street="1 Mill Lane"))
        plain = await customer_named(bob, "Bea Plain")
        quote_id = await bob.quote(TODAY)
        await meet()
        await bob.post(f"/quotes/{quote_id}/customer", customer=rich, value="Ada Rich", seen="Ada's aunt")
        await ada.post(f"/quotes/{quote_id}/customer", customer=plain, value="Bea Plain", seen="Ada's aunt")
        await meet()
        for each in (bob, ada):
            quote = await each.replica.get(Quote, quote_id)
            assert (quote.customer, quote.customer_name, quote.bill_to) == (plain, "Bea Plain", None)


async def test_a_name_that_stands_on_one_document_alone_says_whose_document_it_is(seat):
    quote_id = await seat.quote(TODAY)
    said = "The name on this document alone. It is for"
    assert said not in (await seat.page(f"/quotes/{quote_id}")).text
    answer = await seat.post(f"/quotes/{quote_id}/customer", value="The lady next door", seen="Ada's aunt")
    assert said in answer.text


async def test_a_customer_is_made_in_place(seat):
    quote_id = await seat.quote(TODAY)
    answer = await seat.post(f"/quotes/{quote_id}/customer", new=" Grace  Hopper ", value="x", seen="")
    quote = await seat.replica.get(Quote, quote_id)
    assert (await seat.replica.get(Customer, quote.customer)).name == quote.customer_name == "Grace Hopper"
    assert f"/customers/{quote.customer}" in answer.text


async def test_a_name_that_is_left_in_the_field_is_that_customer_if_there_is_just_one(seat):
    grace = await customer_named(seat, "Grace Hopper")
    quote_id = await seat.quote(TODAY)
    before = (await seat.replica.get(Quote, quote_id)).customer
    # Nobody's name: it stands on this document alone.
    await seat.post(f"/quotes/{quote_id}/customer", value="The lady next door", seen="Ada's aunt")
    quote = await seat.replica.get(Quote, quote_id)
    assert (quote.customer, quote.customer_name) == (before, "The lady next door")
    await seat.post(f"/quotes/{quote_id}/customer", value="Grace Hopper", seen="The lady next door")
    assert (await seat.replica.get(Quote, quote_id)).customer == grace
    await customer_named(seat, "Grace Hopper")
    await seat.post(f"/quotes/{quote_id}/customer", value="Ada's aunt", seen="Grace Hopper")
    await seat.post(f"/quotes/{quote_id}/customer", value="Grace Hopper", seen="Ada's aunt")
    assert (await seat.replica.get(Quote, quote_id)).customer == before


async def test_a_customer_field_that_was_not_changed_is_no_change(seat):
    quote_id = await seat.quote(TODAY)
    before = len(await seat.replica.history(quote_id))
    await seat.post(f"/quotes/{quote_id}/customer", value="Ada's aunt", seen="Ada's aunt")
    assert len(await seat.replica.history(quote_id)) == before
    answer = await seat.post(f"/quotes/{quote_id}/customer", value=" ", seen="Ada's aunt")
    assert "This cannot be empty." in answer.text
    assert len(await seat.replica.history(quote_id)) == before


async def test_the_customer_of_somebody_who_is_not_here_is_refused(seat):
    quote_id = await seat.quote(TODAY)
    assert (await seat.post(f"/quotes/{quote_id}/customer", customer="nobody")).status_code == 404
    for path in ("/customers/nobody", "/catalogue/nothing"):
        assert (await seat.page(path)).status_code == 404
        assert (await seat.post(f"{path}/fields/name", value="x", seen="")).status_code == 404


async def test_fields_address_telephones_and_comments_are_saved(seat):
    ada = await customer_named(seat, "Ada")
    at = f"/customers/{ada}"
    for name, value in (("email", "ada@example.org"), ("street", "12 Elm St"), ("city", "Springfield")):
        answer = await seat.post(f"{at}/fields/{name}", value=value, seen="")
        assert f'value="{value}"' in answer.text
    await seat.post(f"{at}/phones", digits="541-555-0100")
    customer = await seat.replica.get(Customer, ada)
    phone = customer.phones[0]
    await seat.post(f"{at}/phones/{phone.id}/fields/label", value="Cell", seen="")
    await seat.post(f"{at}/comments", value="Gate code 12", seen="")
    customer = await seat.replica.get(Customer, ada)
    assert customer.billing == Address("12 Elm St", "Springfield")
    assert [(phone.label, phone.digits) for phone in customer.phones] == [("Cell", "541-555-0100")]
    assert str(customer.comments) == "Gate code 12"
    assert "This cannot be empty." in (await seat.post(f"{at}/phones", digits="")).text
    for _ in range(2):
        assert (await seat.post(f"{at}/phones/{phone.id}/remove")).status_code == 200
    assert not (await seat.replica.get(Customer, ada)).phones
    assert (await seat.post(f"{at}/fields/nonsense", value="x", seen="")).status_code == 404


async def test_a_customers_page_has_his_documents_and_his_balance(seat):
    quote_id = await seat.quote(TODAY, prices=[Decimal("100.00")])
    sale = await convert(seat.replica, quote_id, by="ada")
    await record_payment(
        seat.replica, sale.customer, Decimal(50), received=TODAY, by="ada", allocate=[(sale.id, Decimal(30))]
    )
    text = (await seat.page(f"/customers/{sale.customer}")).text
    assert text.count('<tr id="row-') == 2
    assert f"/sales/{sale.id}" in text
    assert f"/quotes/{quote_id}" in text
    standing = text[text.index('id="standing"') :]
    assert [standing.index(amount) for amount in ("$100.00", "$70.00", "$20.00")] == sorted(
        standing.index(amount) for amount in ("$100.00", "$70.00", "$20.00")
    )


async def test_a_quote_is_begun_from_a_customers_page(seat):
    ada = await customer_named(seat, "Ada", terms="cash")
    answer = await seat.post(f"/customers/{ada}/quote")
    (quote,) = await seat.replica.find(Quote)
    assert answer.headers["HX-Redirect"] == f"/quotes/{quote.id}"
    assert (quote.customer, quote.customer_name, quote.terms, quote.sales_rep) == (ada, "Ada", "cash", "ada")


async def test_a_customer_named_by_markup_is_text_everywhere(seat):
    quote_id = await seat.quote(TODAY, customer_name=EVIL)
    async with seat.replica.edit(Quote, quote_id) as quote:
        quote.lines.add(Line(description=EVIL, price=Price(Decimal(5))))
    identity = (await seat.replica.get(Quote, quote_id)).customer
    for name in ("company", "account", "email", "terms", "city"):
        await seat.post(
            f"/customers/{identity}/fields/{name}", value='"><img src=x onerror=alert(1)>', seen=""
        )
    await seat.post(f"/customers/{identity}/phones", digits=EVIL)
    await seat.post(f"/customers/{identity}/comments", value=f"</textarea>{EVIL}", seen="")
    answers = [
        await seat.page(path)
        for path in (
            f"/customers/{identity}",
            "/customers",
            "/customers/pick?value=script",
            f"/customers/pick?value={EVIL}x",
            f"/quotes/{quote_id}",
            "/quotes",
        )
    ]
    answers.append(await seat.post(f"/quotes/{quote_id}/customer", customer=identity, value="", seen=""))
    answers.append(await seat.post(f"/quotes/{quote_id}/customer", new=f"{EVIL}!", value="", seen=""))
    answers.append(await seat.post(f"/customers/{identity}/fields/name", value=f"{EVIL}?", seen=""))
    for answer in answers:
        assert "<script>alert" not in answer.text
        assert "<img" not in answer.text
        assert "&lt;script&gt;" in answer.text


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/ID/fields/name",
        "/ID/comments",
        "/ID/phones",
        "/ID/phones/p/remove",
        "/ID/phones/p/fields/digits",
        "/ID/quote",
    ],
)
async def test_no_customer_changes_without_the_token(seat, path):
    ada = await customer_named(seat, "Ada")
    for headers in ({}, {TOKEN_HEADER: TOKEN[:-1]}):
        answer = await seat.browser.post(
            f"/customers{path.replace('ID', ada)}", data={"value": "x", "name": "x"}, headers=headers
        )
        assert answer.status_code == 403
    assert await seat.replica.count(Customer) == 1
    assert len(await seat.replica.history(ada)) == 1
