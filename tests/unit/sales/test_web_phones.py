"""The telephones of a customer: one that was taken out can be put back, at once and later."""

import pytest

from examples.sales.model import Customer, Phone
from tests.unit.sales.web_desks import open_seat


@pytest.fixture
async def ada(tmp_path):
    async with open_seat(tmp_path) as seat:
        yield seat


async def customer_with(seat, *numbers):
    async with seat.replica.edit(Customer) as customer:
        customer.name = "Rita"
        ids = [customer.phones.add(Phone(digits=digits)).id for digits in numbers]
    return customer.id, ids


async def digits_of(seat, customer):
    return [phone.digits for phone in (await seat.replica.get(Customer, customer)).phones]


async def test_a_telephone_that_was_taken_out_is_put_back_by_undo(ada):
    customer, [first, _] = await customer_with(ada, "555 0100", "555 0199")
    at = f"/customers/{customer}/phones/{first}"
    answer = await ada.post(f"{at}/remove")
    assert "555 0100 was taken out." in answer.text
    assert f'<button id="undo" type="button" hx-post="{at}/restore"' in answer.text
    assert answer.headers["X-Focus-On"] == "undo"
    assert await digits_of(ada, customer) == ["555 0199"]
    answer = await ada.post(f"{at}/restore")
    assert "555 0100 was put back." in answer.text
    assert answer.headers["X-Focus-On"] == f"phone-{first}-digits-value"
    assert await digits_of(ada, customer) == ["555 0100", "555 0199"]


async def test_what_was_taken_out_stays_listed_on_the_page_and_says_so_when_it_is_done_twice(ada):
    customer, [phone] = await customer_with(ada, "555 0100")
    at = f"/customers/{customer}/phones/{phone}"
    assert "Taken out" not in (await ada.page(f"/customers/{customer}")).text
    for told in ("555 0100 was taken out.", "It was taken out already."):
        assert told in (await ada.post(f"{at}/remove")).text
    page = (await ada.page(f"/customers/{customer}")).text
    assert "Taken out: 1" in page
    assert f'hx-post="{at}/restore"' in page
    assert 'id="done"' in page
    await ada.post(f"{at}/restore")
    assert "Taken out" not in (await ada.page(f"/customers/{customer}")).text
    assert (await ada.post(f"/customers/{customer}/phones/zzz/restore")).status_code == 404
