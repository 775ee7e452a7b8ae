"""The catalogue: what a product costs, and what a line keeps of it."""

from dataclasses import replace
from decimal import Decimal

import pytest

from crdtsync import open_replica
from crdtsync.testing import MemoryPlace, MemoryRemote
from examples.sales.catalogue import CATALOGUE, choices_of, line_of, price_of, recalculated, stock
from examples.sales.intake import product_id_of
from examples.sales.model import KINDS, Product
from examples.sales.pricing import Adjustment, unit_price


@pytest.fixture
async def office(tmp_path):
    async with open_replica(tmp_path / "office", name="office", role="office", kinds=KINDS) as replica:
        await stock(replica)
        yield replica


def roller(replica):
    return replica.get(Product, product_id_of("NL-R100"))


async def test_the_catalogue_is_entered_once(office):
    assert await office.count(Product) == len(CATALOGUE) == len({entry.code for entry in CATALOGUE})
    assert await stock(office) == 0


async def test_two_who_enter_the_catalogue_while_apart_enter_the_same(tmp_path, office):
    place = MemoryPlace()
    async with open_replica(tmp_path / "R1", name="R1", role="roaming", kinds=KINDS) as roaming:
        await stock(roaming)
        for _ in range(2):
            for replica in (office, roaming):
                await replica.sync(MemoryRemote(place))
        assert await roaming.digests() == await office.digests()
        assert await office.count(Product) == len(CATALOGUE)
        assert [c.path for c in await office.conflicts() if len({v.raw for v in c.values}) > 1] == []
        product = await roller(roaming)
        assert len(product.styles) == 3


async def test_a_price_follows_style_and_size(office):
    product = await roller(office)
    # 148 + 9.50 x 6 square feet, the least there is.
    assert price_of(product).msrp == Decimal("205.00")
    assert price_of(product, style="Motorized").msrp == Decimal("470.00")
    # 36 x 72 inches are 18 square feet.
    assert price_of(product, width=Decimal(36), height=Decimal(72)).msrp == Decimal("319.00")
    assert price_of(product, style="gone").msrp == Decimal("205.00")


async def test_a_line_keeps_its_price_until_it_is_calculated_again(office):
    line = line_of(await roller(office))
    assert (line.item.style, line.description) == ("Cordless", "Roller Shade Essential")
    before = unit_price(line.price)
    async with office.edit(Product, product_id_of("NL-R100")) as product:
        product.msrp = Decimal(200)
    assert unit_price(line.price) == before
    again = recalculated(line, await roller(office))
    assert again.msrp == Decimal("257.00")
    assert unit_price(again) > before


async def test_what_was_agreed_with_the_customer_outlives_a_new_calculation(office):
    line = line_of(await roller(office))
    agreed = {"adjustments": (Adjustment("Rush", Decimal(15)),), "customer_discount_pct": Decimal(10)}
    line.price = replace(line.price, taxable=False, **agreed)
    again = recalculated(line, await roller(office))
    assert (again.adjustments, again.customer_discount_pct, again.taxable) == (*agreed.values(), False)


async def test_colours_are_those_of_the_finish(office):
    product = await roller(office)
    line = line_of(product)
    assert len(choices_of(product, line)["color"]) == 6
    line.finish = "Blackout"
    assert choices_of(product, line)["color"] == ("Chalk 310", "Graphite 318", "Navy 325")
    assert choices_of(product, line)["style"] == ("Cordless", "Continuous loop", "Motorized")
