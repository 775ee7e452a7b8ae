"""Reading invoices: what is good goes through, what is not is named with its line."""

import datetime as dt
import gzip
from decimal import Decimal

import pytest

from examples.sales.generated import LONGEST_LINES, generate_invoices
from examples.sales.invoices import InvoiceLine, Rejections, parse_invoices, read_invoices

HEADER = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country\n"
GOOD = "536365,85123A,WHITE HOLDER,6,2010-12-01 08:26:00,2.55,17850.0,United Kingdom\n"


def read(text):
    rejections = Rejections()
    return list(parse_invoices(text.splitlines(keepends=True), rejections)), rejections


def test_lines_of_one_number_are_one_invoice():
    invoices, rejections = read(
        HEADER
        + GOOD
        + "536365,71053,WHITE LANTERN,8,2010-12-01 08:26:00,3.39,17850.0,United Kingdom\n"
        + "536366,22633,HAND WARMER,1,2010-12-02T09:00:00,1.85,,France\n"
    )

    assert rejections.count == 0
    assert [(item.number, item.customer, len(item.lines)) for item in invoices] == [
        ("536365", "17850", 2),
        ("536366", "", 1),
    ]
    assert invoices[0].dated == dt.date(2010, 12, 1)
    assert invoices[0].lines[0] == InvoiceLine("85123A", "WHITE HOLDER", 6, Decimal("2.55"))


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("1,A,x,many,2010-12-01,1.00,1,UK", "Quantity is 'many', no number"),
        ("1,A,x,1.5,2010-12-01,1.00,1,UK", "Quantity is '1.5', no whole number of pieces"),
        ("1,A,x,1e400,2010-12-01,1.00,1,UK", "Quantity is '1e400', no whole number of pieces"),
        ("1,A,x,1,01/12/2010,1.00,1,UK", "InvoiceDate is '01/12/2010', no date as in 2010-12-31 08:26:00"),
        ("1,A,x,1,,1.00,1,UK", "InvoiceDate is '', no date as in 2010-12-31 08:26:00"),
        ("1,A,x,1,2010-12-01,nan,1,UK", "UnitPrice is 'nan', no number"),
        ("1,A,x,1,2010-12-01,,1,UK", "UnitPrice is '', no number"),
        ("1,A,x,1,2010-12-01,-11062.06,1,UK", "UnitPrice is '-11062.06', no price"),
        (",A,x,1,2010-12-01,1.00,1,UK", "no invoice number"),
        ("1,A,x,1,2010-12-01,1.00,1", "7 columns where 8 are expected"),
        ("1,A,x,1,2010-12-01,1.00,1,UK,more", "9 columns where 8 are expected"),
        (f"1,A,{'x' * 10_001},1,2010-12-01,1.00,1,UK", "Description has more than 10000 characters"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_and_the_others_go_on(line, reason):
    invoices, rejections = read(HEADER + GOOD + line + "\n" + GOOD)

    assert [(item.line, item.reason) for item in rejections.first] == [(3, reason)]
    assert [len(item.lines) for item in invoices] == [2]


def test_odd_text_goes_through_as_it_is():
    odd = "\u98a8\u9234 \u200f\u05e9\u05dc \U0001f390 e\u0301"
    _, rejections = read(HEADER)
    invoices, rejections = read(
        HEADER + f'9,Z,"{odd}, ""quoted""\nand on a new line",1,2010-12-01,0,,\u00c5land\n' + "\n"
    )

    assert rejections.count == 0
    assert invoices[0].lines[0].description == f'{odd}, "quoted"\nand on a new line'
    assert invoices[0].country == "\u00c5land"


def test_a_nul_and_half_a_quote_stop_nothing():
    invoices, rejections = read(HEADER + "9,Z,nul\0nul,1,2010-12-01,0,,UK\n" + GOOD + '8,Z,"never closed,1\n')

    assert [item.number for item in invoices] == ["9", "536365"]
    assert rejections.count == 1


def test_cancellations_and_goods_that_came_back_are_returns():
    invoices, _ = read(
        HEADER
        + "C7,D,Discount,-1,2010-12-01,27.50,14527.0,UK\n"
        + "8,A,x,2,2010-12-01,1.00,1,UK\n8,A,x,-2,2010-12-01,1.00,1,UK\n"
        + GOOD
    )

    assert [item.is_cancellation for item in invoices] == [True, False, False]
    assert [item.is_return for item in invoices] == [True, True, False]


def test_an_invoice_whose_lines_stand_apart_comes_in_parts():
    other = GOOD.replace("536365", "536366")
    invoices, _ = read(HEADER + GOOD + other + GOOD)

    assert [(item.number, item.part) for item in invoices] == [("536365", 1), ("536366", 1), ("536365", 2)]


def test_a_file_with_other_columns_is_no_invoice_file():
    with pytest.raises(ValueError, match="no column 'InvoiceNo'"):
        read("a,b,c\n1,2,3\n")
    with pytest.raises(ValueError, match="no column"):
        read("")


def test_columns_in_another_order_and_further_ones_are_read():
    header = "\ufeffCountry,Note,CustomerID,UnitPrice,InvoiceDate,Quantity,Description,StockCode,InvoiceNo\n"
    invoices, rejections = read(header + "UK,n,12.0,1.5,2010-12-01,3,x,A,7\n")

    assert rejections.count == 0
    assert invoices[0].lines[0].unit_price == Decimal("1.5")


@pytest.mark.parametrize("name", ["invoices.csv", "invoices.csv.gz"])
def test_a_file_is_read_gzipped_or_not_whatever_its_bytes(tmp_path, name):
    data = (HEADER + GOOD).encode() + b"537,X,caf\xe9,1,2010-12-01,1.00,,UK\n"
    path = tmp_path / name
    path.write_bytes(gzip.compress(data) if name.endswith(".gz") else data)

    invoices = list(read_invoices(path, Rejections()))

    assert [item.lines[0].description for item in invoices] == ["WHITE HOLDER", "caf\ufffd"]


@pytest.mark.parametrize("harm", [lambda data: data[:-20], lambda data: data[:40] + b"\xff" * 40 + data[80:]])
def test_a_gzipped_file_that_is_cut_off_or_damaged_is_told(tmp_path, harm):
    path = tmp_path / "invoices.csv.gz"
    lines = "".join(f"{n},A,{n * n},1,2010-12-01,1.00,1,UK\n" for n in range(500))
    path.write_bytes(harm(gzip.compress((HEADER + lines).encode())))

    with pytest.raises(OSError, match=r"invoices\.csv\.gz is damaged, or was not copied to its end"):
        list(read_invoices(path, Rejections()))


def test_all_lines_that_cannot_be_used_are_counted_and_the_first_kept():
    _, rejections = read(HEADER + "1,A,x,many,2010-12-01,1.00,1,UK\n" * 100)

    assert rejections.count == 100
    assert len(rejections.first) == rejections.kept_max


def test_generated_invoices_are_the_same_for_the_same_seed_and_have_a_very_long_one():
    invoices = list(generate_invoices(60, seed=3))

    assert list(generate_invoices(60, seed=3)) == invoices
    assert list(generate_invoices(60, seed=4)) != invoices
    assert max(len(item.lines) for item in invoices) == LONGEST_LINES
    assert any(item.is_return for item in invoices)
