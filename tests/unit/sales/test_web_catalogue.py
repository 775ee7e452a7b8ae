"""The catalogue's pages."""

import pytest

from examples.sales.catalogue import CATALOGUE, stock
from examples.sales.intake import product_id_of
from examples.sales.model import Product
from tests.unit.sales.web_desks import open_seat

ROLLER = product_id_of("NL-R100")


@pytest.fixture
async def seat(tmp_path):
    async with open_seat(tmp_path) as seat:
        yield seat


async def test_an_empty_catalogue_offers_the_sample(seat):
    assert "The catalogue is empty" in (await seat.page("/catalogue")).text
    answer = await seat.post("/catalogue/stock")
    assert answer.headers["HX-Redirect"] == "/catalogue"
    assert await seat.replica.count(Product) == len(CATALOGUE)
    text = (await seat.page("/catalogue")).text
    assert f"{len(CATALOGUE)} in all" in text
    assert "Roller Shade Essential" in text
    assert (await seat.browser.post("/catalogue/stock")).status_code == 403


async def test_the_catalogue_is_searched_by_name_vendor_code_and_style(seat):
    await stock(seat.replica)
    part = {"HX-Request": "true", "HX-Target": "rows"}
    for words, count in (("voltway", 7), ("NL-R100", 1), ("roller designer", 1), ("hobbled", 5), ("zzz", 0)):
        text = (await seat.page(f"/catalogue?q={words}", **part)).text
        assert text.count('<tr id="row-') == count, words
        assert "<html" not in text
    for query in ("page=0", "page=x", 'q="'):
        assert (await seat.page(f"/catalogue?{query}")).status_code == 200
    assert (await seat.page('/catalogue/pick?value="')).status_code == 200


async def test_a_product_has_its_styles_with_prices_and_is_edited(seat):
    await stock(seat.replica)
    text = (await seat.page(f"/catalogue/{ROLLER}")).text
    assert "Motorized" in text
    assert "$265.00" in text
    assert "Graphite 318" in text
    answer = await seat.post(f"/catalogue/{ROLLER}/fields/msrp", value="1,000", seen="148.00")
    assert 'value="1,000.00"' in answer.text
    assert (await seat.replica.get(Product, ROLLER)).msrp == 1000
    answer = await seat.post(f"/catalogue/{ROLLER}/fields/is_active", value="no", seen="yes")
    assert '<option value="no" selected>' in answer.text
    assert "Not offered" in (await seat.page(f"/catalogue/{ROLLER}")).text
    assert (
        await seat.browser.post(f"/catalogue/{ROLLER}/fields/msrp", data={"value": "1"})
    ).status_code == 403
