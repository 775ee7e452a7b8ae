"""The lines and charges of the editor: picked, put into order, copied, taken out, put back, calculated again."""

import datetime as dt
import re
from decimal import Decimal

import pytest

from crdtsync.testing import MemoryPlace, MemoryRemote
from examples.sales.catalogue import stock
from examples.sales.intake import product_id_of
from examples.sales.model import Line, Product, Quote
from examples.sales.pricing import Adjustment, ChargeMethod, Price, unit_price
from examples.sales.web.security import TOKEN_HEADER
from tests.unit.sales.web_desks import TOKEN, open_seat

TODAY = dt.date(2024, 5, 31)
ROLLER = product_id_of("NL-R100")


@pytest.fixture
async def seat(tmp_path):
    async with open_seat(tmp_path) as seat:
        yield seat


async def quote_of(seat, *rooms):
    quote_id = await seat.quote(TODAY)
    async with seat.replica.edit(Quote, quote_id) as quote:
        for room in rooms:
            quote.lines.add(Line(room=room, description=f"Shade of the {room}", price=Price(Decimal(10))))
    return quote_id


async def lines_of(seat, quote_id):
    return list((await seat.replica.get(Quote, quote_id)).lines)


async def rooms_of(seat, quote_id):
    return [line.room for line in await lines_of(seat, quote_id)]


async def labels_of(seat, quote_id):
    return [entry.label for entry in await seat.replica.history(quote_id)]


@pytest.mark.parametrize(
    ("moved", "values", "expected"),
    [
        ("hall", {"step": "1"}, ["attic", "hall", "porch"]),
        ("porch", {"step": "-1"}, ["hall", "porch", "attic"]),
        ("hall", {"step": "-1"}, ["hall", "attic", "porch"]),
        ("porch", {"step": "1"}, ["hall", "attic", "porch"]),
        ("hall", {"step": "5"}, ["attic", "porch", "hall"]),
        ("porch", {"before": "hall"}, ["porch", "hall", "attic"]),
        ("hall", {"before": "porch"}, ["attic", "hall", "porch"]),
        ("hall", {"before": ""}, ["attic", "porch", "hall"]),
        ("hall", {"before": "gone"}, ["hall", "attic", "porch"]),
        ("attic", {"before": "attic"}, ["hall", "attic", "porch"]),
    ],
)
async def test_a_line_is_moved_by_a_step_or_before_another(seat, moved, values, expected):
    quote_id = await quote_of(seat, "hall", "attic", "porch")
    ids = {line.room: line.id for line in await lines_of(seat, quote_id)}
    values = {name: ids.get(value, value) for name, value in values.items()}
    answer = await seat.post(f"/quotes/{quote_id}/lines/{ids[moved]}/move", **values)
    assert await rooms_of(seat, quote_id) == expected
    assert f"Shade of the {moved} is now line {expected.index(moved) + 1} of 3." in answer.text
    places = [answer.text.index(f'id="line-{ids[room]}"') for room in expected]
    assert places == sorted(places)


def digests_in(page):
    return re.findall(r'data-have="([^"]+)"', page)


def sent_in(page):
    """The lines that are sent in full, and those of which the page is told that they are as they were."""
    return re.findall(r'id="line-(\w+)" class="line', page), re.findall(r'id="line-(\w+)" data-same', page)


async def test_what_the_page_shows_already_is_not_sent_again(seat):
    quote_id = await quote_of(seat, "hall", "attic", "porch")
    hall, attic, porch = [line.id for line in await lines_of(seat, quote_id)]
    have = digests_in((await seat.page(f"/quotes/{quote_id}")).text)
    assert len({*have}) == 3

    moved = await seat.post(f"/quotes/{quote_id}/lines/{hall}/move", step="1", have="".join(have))
    assert sent_in(moved.text) == ([], [attic, hall, porch])

    async with seat.replica.edit(Quote, quote_id) as quote:
        quote.lines[attic].quantity = 2
    part = await seat.page(f"/quotes/{quote_id}?have={''.join(have)}", **{"HX-Request": "true"})
    assert sent_in(part.text) == ([attic], [hall, porch])
    # Who has nothing is sent all of it, and so is a browser that opens the page.
    assert sent_in((await seat.page(f"/quotes/{quote_id}")).text) == ([attic, hall, porch], [])


async def test_a_line_that_shows_its_details_is_always_sent(seat):
    quote_id = await quote_of(seat, "hall", "attic")
    hall, attic = [line.id for line in await lines_of(seat, quote_id)]
    have = "".join(digests_in((await seat.page(f"/quotes/{quote_id}")).text))
    part = await seat.page(f"/quotes/{quote_id}?toggle={hall}&have={have}", **{"HX-Request": "true"})
    assert sent_in(part.text) == ([hall], [attic])
    assert f'id="line-{hall}-details"' in part.text


async def test_hundreds_of_lines_are_a_page_of_less_than_half_a_megabyte_and_a_move_is_little_of_it(seat):
    quote_id = await quote_of(seat, *(f"room {number}" for number in range(300)))
    page = (await seat.page(f"/quotes/{quote_id}")).text
    assert len(page) < 520_000
    first, *_ = await lines_of(seat, quote_id)
    moved = await seat.post(
        f"/quotes/{quote_id}/lines/{first.id}/move", before="", have="".join(digests_in(page))
    )
    assert len(moved.text) < 40_000


async def test_lines_that_two_people_reorder_while_apart_come_out_in_one_order(tmp_path):
    place = MemoryPlace()
    async with (
        open_seat(tmp_path, "office", role="office", author="bob") as bob,
        open_seat(tmp_path, "R1") as ada,
    ):
        quote_id = await quote_of(bob, "hall", "attic", "porch", "study")

        async def meet():
            for _ in range(2):
                for seat in (bob, ada):
                    await seat.replica.sync(MemoryRemote(place))

        await meet()
        ids = {line.room: line.id for line in await lines_of(bob, quote_id)}
        await bob.post(f"/quotes/{quote_id}/lines/{ids['study']}/move", before=ids["hall"])
        await ada.post(f"/quotes/{quote_id}/lines/{ids['hall']}/move", before="")
        await ada.post(f"/quotes/{quote_id}/lines/{ids['attic']}/move", step="1")
        await ada.post(f"/quotes/{quote_id}/lines/{ids['porch']}/fields/room", value="veranda", seen="porch")
        await meet()
        assert await rooms_of(ada, quote_id) == await rooms_of(bob, quote_id)
        assert sorted(await rooms_of(ada, quote_id)) == ["attic", "hall", "study", "veranda"]
        # What only one of them moved is where he put it.
        assert (await rooms_of(ada, quote_id))[0] == "study"
        assert (await rooms_of(ada, quote_id))[-1] == "hall"
        assert await ada.replica.digests() == await bob.replica.digests()


async def test_a_copy_of_a_line_stands_below_it_with_all_it_says(seat):
    quote_id = await quote_of(seat, "hall", "attic")
    first = (await lines_of(seat, quote_id))[0].id
    for name, value in (("width", "34 1/2"), ("mount", "Inside"), ("adjustments", "Rush 15.00")):
        await seat.post(f"/quotes/{quote_id}/lines/{first}/fields/{name}", value=value, seen="")
    answer = await seat.post(f"/quotes/{quote_id}/lines/{first}/duplicate")
    one, copy, _ = await lines_of(seat, quote_id)
    assert one == copy
    assert one.id == first != copy.id
    assert copy.price.adjustments == (Adjustment("Rush", Decimal(15)),)
    assert "Shade of the hall was copied." in answer.text


async def test_a_line_that_was_taken_out_is_put_back_where_it_was(seat):
    quote_id = await quote_of(seat, "hall", "attic", "porch")
    line = (await lines_of(seat, quote_id))[1].id
    answer = await seat.post(f"/quotes/{quote_id}/lines/{line}/remove")
    assert await rooms_of(seat, quote_id) == ["hall", "porch"]
    assert "Shade of the attic was taken out." in answer.text
    assert f'hx-post="/quotes/{quote_id}/lines/{line}/restore"' in answer.text
    assert answer.headers["X-Focus-On"] == "undo"
    # It can be put back later as well.
    assert "Put back Shade of the attic" in (await seat.page(f"/quotes/{quote_id}")).text
    await seat.post(f"/quotes/{quote_id}/lines/{line}/restore")
    assert await rooms_of(seat, quote_id) == ["hall", "attic", "porch"]
    assert "Taken out" not in (await seat.page(f"/quotes/{quote_id}")).text


async def test_a_product_is_picked_and_becomes_a_line_with_its_price(seat):
    await stock(seat.replica)
    quote_id = await quote_of(seat)
    options = (await seat.page("/catalogue/pick?value=roller%20essen")).text
    assert f'data-value="{ROLLER}"' in options
    assert options.count('role="option"') == 1
    answer = await seat.post(f"/quotes/{quote_id}/lines", product=ROLLER)
    (line,) = await lines_of(seat, quote_id)
    assert (line.item.code, line.item.vendor, line.item.style) == ("NL-R100", "Northlight Shades", "Cordless")
    assert line.price.msrp == Decimal("205.00")
    assert line.price.price_list_version == "2024-03"
    assert "line added: Roller Shade Essential" in await labels_of(seat, quote_id)
    # It is shown with its options, and the catalogue's choices for them.
    assert f'name="open" value="{line.id}"' in answer.text
    assert '<option value="Motorized">' in answer.text
    assert '<option value="Graphite 318">' in answer.text


async def test_only_what_is_offered_is_picked(seat):
    await stock(seat.replica)
    await seat.post(f"/catalogue/{ROLLER}/fields/is_active", value="no", seen="yes")
    assert ROLLER not in (await seat.page("/catalogue/pick?value=NL-R100")).text


async def test_the_price_a_customer_saw_stays_until_the_line_is_calculated_again(seat):
    await stock(seat.replica)
    quote_id = await quote_of(seat)
    await seat.post(f"/quotes/{quote_id}/lines", product=ROLLER)
    (line,) = await lines_of(seat, quote_id)
    at = f"/quotes/{quote_id}/lines/{line.id}"
    for name, value in (
        ("width", "36"),
        ("height", "72"),
        ("style", "Motorized"),
        ("adjustments", "Rush 15"),
    ):
        await seat.post(f"{at}/fields/{name}", value=value, seen="")
    await seat.post(f"/catalogue/{ROLLER}/fields/msrp", value="200", seen="148.00")
    assert (await lines_of(seat, quote_id))[0].price.msrp == Decimal("205.00")
    answer = await seat.post(f"{at}/recalculate")
    (line,) = await lines_of(seat, quote_id)
    # 200, 265 for the motor, and 9.50 for each of 18 square feet.
    assert line.price.msrp == Decimal("636.00")
    assert line.price.adjustments == (Adjustment("Rush", Decimal(15)),)
    assert "before," in answer.text
    assert (await labels_of(seat, quote_id))[-1] == "line: price calculated again"


async def test_a_line_that_is_not_of_the_catalogue_keeps_its_price(seat):
    quote_id = await quote_of(seat, "hall")
    (line,) = await lines_of(seat, quote_id)
    answer = await seat.post(f"/quotes/{quote_id}/lines/{line.id}/recalculate")
    assert "not in the catalogue" in answer.text
    assert (await lines_of(seat, quote_id))[0].price == line.price


async def test_locked_prices_are_not_calculated_again(seat):
    await stock(seat.replica)
    quote_id = await quote_of(seat)
    await seat.post(f"/quotes/{quote_id}/lines", product=ROLLER)
    async with seat.replica.edit(Quote, quote_id) as quote:
        quote.price_locked = True
    async with seat.replica.edit(Product, ROLLER) as product:
        product.msrp = Decimal(999)
    (line,) = await lines_of(seat, quote_id)
    assert "locked" in (await seat.post(f"/quotes/{quote_id}/lines/{line.id}/recalculate")).text
    assert (await lines_of(seat, quote_id))[0].price == line.price


async def test_the_parts_of_a_price_are_written_as_one_value(seat):
    quote_id = await quote_of(seat, "hall")
    (line,) = await lines_of(seat, quote_id)
    at = f"/quotes/{quote_id}/lines/{line.id}/fields"
    for name, value in (
        ("msrp", "1,678.00"),
        ("vendor_discount_pct", "58.75"),
        ("margin_pct", "50"),
        ("adjustments", "Rush 15.00; Wide 5%"),
        ("customer_discount_pct", "10"),
        ("taxable", "no"),
    ):
        answer = await seat.post(f"{at}/{name}", value=value, seen="")
        assert 'role="alert"' not in answer.text
    price = (await lines_of(seat, quote_id))[0].price
    assert price == Price(
        Decimal(1678),
        vendor_discount_pct=Decimal("58.75"),
        margin_pct=Decimal(50),
        adjustments=(Adjustment("Rush", Decimal(15)), Adjustment("Wide", msrp_pct=Decimal(5))),
        customer_discount_pct=Decimal(10),
        taxable=False,
    )
    assert unit_price(price) == Decimal("1334.93")
    writers = await seat.replica.last_writers(quote_id)
    assert f"lines/{line.id}/price" in writers


@pytest.mark.parametrize(
    ("name", "typed", "told"),
    [
        ("margin_pct", "100", "A margin is from 0 to 99.99 %."),
        ("margin_pct", "many", "Write a percentage as in 8.25."),
        ("adjustments", "Rush much", "Write each with its name, as in Rush 15.00; Wide 5%."),
        ("adjustments", "; ".join(["a 1"] * 21), "At most 20; these are 21."),
        ("adjustments", "a 101%", "An adjustment is at most 100 % of the list price."),
    ],
)
async def test_a_price_that_cannot_be_is_told_at_its_field(seat, name, typed, told):
    quote_id = await quote_of(seat, "hall")
    (line,) = await lines_of(seat, quote_id)
    before = await labels_of(seat, quote_id)
    answer = await seat.post(f"/quotes/{quote_id}/lines/{line.id}/fields/{name}", value=typed, seen="")
    assert told in answer.text
    assert f'value="{typed}"' in answer.text
    assert await labels_of(seat, quote_id) == before


async def test_a_line_shows_its_details_when_it_is_opened_and_stays_open(seat):
    quote_id = await quote_of(seat, "hall", "attic")
    one, other = [line.id for line in await lines_of(seat, quote_id)]
    part = {"HX-Request": "true", "HX-Target": "deal"}
    assert "Margin %" not in (await seat.page(f"/quotes/{quote_id}", **part)).text
    opened = (await seat.page(f"/quotes/{quote_id}?toggle={one}", **part)).text
    assert f'id="line-{one}-details"' in opened
    assert f'id="line-{other}-details"' not in opened
    both = (await seat.page(f"/quotes/{quote_id}?open={one}&toggle={other}", **part)).text
    assert both.count("Price of one") == 2
    assert "Price of one" not in (await seat.page(f"/quotes/{quote_id}?open={one}&toggle={one}", **part)).text
    assert "Price of one" in (await seat.post(f"/quotes/{quote_id}/lines", open=one)).text


async def test_charges_are_added_edited_removed_and_put_back_and_the_total_follows(seat):
    quote_id = await quote_of(seat, "hall", "attic")
    answer = await seat.post(f"/quotes/{quote_id}/charges", charge="Installation")
    quote = await seat.replica.get(Quote, quote_id)
    charge = quote.charges[0]
    assert (charge.name, charge.rate.method, charge.rate.value) == (
        "Installation",
        ChargeMethod.PER_PIECE,
        Decimal(25),
    )
    assert "$50.00" in answer.text
    at = f"/quotes/{quote_id}/charges/{charge.id}"
    for name, value in (("name", "Fitting"), ("method", "flat"), ("value", "80"), ("charge_taxable", "yes")):
        await seat.post(f"{at}/fields/{name}", value=value, seen="")
    charge = (await seat.replica.get(Quote, quote_id)).charges[0]
    assert (charge.name, charge.rate.method, charge.rate.value, charge.rate.taxable) == (
        "Fitting",
        ChargeMethod.FLAT,
        Decimal(80),
        True,
    )
    assert "is not a valid" in (await seat.post(f"{at}/fields/method", value="by magic", seen="flat")).text
    assert "Fitting was taken out." in (await seat.post(f"{at}/remove")).text
    assert "It was taken out." in (await seat.post(f"{at}/remove")).text
    assert list((await seat.replica.get(Quote, quote_id)).charges) == []
    await seat.post(f"{at}/restore")
    assert (await seat.replica.get(Quote, quote_id)).totals.charges == Decimal(80)


async def test_the_tax_and_the_discount_are_written_part_by_part(seat):
    quote_id = await quote_of(seat, "hall")
    for name, value in (
        ("discount_pct", "10"),
        ("discount_amount", "1.50"),
        ("tax_code", "TX"),
        ("tax_pct", "8.25"),
    ):
        await seat.post(f"/quotes/{quote_id}/fields/{name}", value=value, seen="")
    quote = await seat.replica.get(Quote, quote_id)
    assert (quote.discount.percent, quote.discount.amount) == (Decimal(10), Decimal("1.50"))
    assert (quote.tax.code, quote.tax.rate_pct) == ("TX", Decimal("8.25"))


ACTIONS = ("remove", "restore", "duplicate", "move", "recalculate", "fields/quantity")


@pytest.mark.parametrize("action", ACTIONS)
async def test_a_line_that_never_was_is_not_found(seat, action):
    quote_id = await quote_of(seat, "hall")
    answer = await seat.post(f"/quotes/{quote_id}/lines/nothing/{action}", value="2", seen="1")
    assert answer.status_code == (200 if action == "remove" else 404)
    assert await rooms_of(seat, quote_id) == ["hall"]


@pytest.mark.parametrize(
    "path", [f"lines/L/{action}" for action in ACTIONS] + ["lines", "charges", "customer"]
)
async def test_no_line_changes_without_the_token(seat, path):
    quote_id = await quote_of(seat, "hall")
    (line,) = await lines_of(seat, quote_id)
    before = await labels_of(seat, quote_id)
    path = path.replace("L", line.id)
    answer = await seat.browser.post(
        f"/quotes/{quote_id}/{path}", data={"value": "2"}, headers={TOKEN_HEADER: TOKEN + "x"}
    )
    assert answer.status_code == 403
    assert await labels_of(seat, quote_id) == before


async def test_markup_in_a_line_and_a_product_is_text(seat):
    evil = "<script>alert(1)</script>"
    await stock(seat.replica)
    async with seat.replica.edit(Product, ROLLER) as product:
        product.name, product.vendor = evil, '"><img src=x>'
        product.styles[0].name = evil
    quote_id = await quote_of(seat)
    await seat.post(f"/quotes/{quote_id}/lines", product=ROLLER)
    (line,) = await lines_of(seat, quote_id)
    for name in ("room", "style", "remarks"):
        await seat.post(f"/quotes/{quote_id}/lines/{line.id}/fields/{name}", value=evil, seen="")
    await seat.post(f"/quotes/{quote_id}/charges", charge="Other")
    charge = (await seat.replica.get(Quote, quote_id)).charges[0].id
    await seat.post(f"/quotes/{quote_id}/charges/{charge}/fields/name", value=evil, seen="")
    texts = [
        (await seat.page(path)).text
        for path in (
            f"/quotes/{quote_id}?open={line.id}",
            "/catalogue",
            f"/catalogue/{ROLLER}",
            "/catalogue/pick",
        )
    ]
    texts.append((await seat.post(f"/quotes/{quote_id}/lines/{line.id}/remove")).text)
    texts.append((await seat.post(f"/quotes/{quote_id}/charges/{charge}/remove")).text)
    for text in texts:
        assert "<script>alert" not in text
        assert "<img" not in text
        assert "&lt;script&gt;" in text
