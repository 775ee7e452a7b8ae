"""From invoices to documents: the office's customers and catalogue, and the deals of the workstations."""

import random
from collections.abc import Iterable
from dataclasses import dataclass
from decimal import Decimal

from crdtsync import Ref, Replica, derive_id
from examples.sales.deals import convert, derive_purchase_orders, present, record_payment
from examples.sales.invoices import Invoice, InvoiceLine
from examples.sales.model import Customer, Deal, Item, Line, Product, Quote, Sale
from examples.sales.pricing import Price, Tax, to_cents

COUNTER = "counter"
"""The customer of those who left no name."""

HOME = "United Kingdom"
PRICE_LIST = "2010-12"
VENDOR_DISCOUNT_PCT = Decimal(50)
MARGIN_PCT = Decimal(50)
"""Together with the discount this makes the list price the selling price, which is what an invoice shows."""


PRESENTED_SHARE = 1 / 3
CONVERTED_SHARE = 1 / 4


@dataclass(frozen=True, slots=True)
class Fate:
    """What becomes of an invoice's deal, drawn from the seed."""

    is_presented: bool
    is_converted: bool
    deposit_pct: int


def fate_of(invoice: Invoice, seed: int) -> Fate:
    """Return what becomes of a deal; the same for the same seed, whatever else is in the file."""
    chance = random.Random(f"{seed}/{invoice.number}/{invoice.part}")  # noqa: S311 - nothing secret
    is_converted = chance.random() < CONVERTED_SHARE
    return Fate(
        is_presented=chance.random() < PRESENTED_SHARE,
        is_converted=is_converted,
        deposit_pct=chance.choice((0, 20, 50, 100)) if is_converted else 0,
    )


def customer_id_of(invoice: Invoice) -> str:
    """Return the id of an invoice's customer."""
    return derive_id("customer", invoice.customer or COUNTER)


def product_id_of(code: str) -> str:
    """Return the id of a product by its code."""
    return derive_id("product", code)


def vendor_of(code: str) -> str:
    """Return who makes a product: the first character of its code stands for him."""
    return f"Vendor {code[:1].upper() or '?'}"


def customers_in(invoices: Iterable[Invoice]) -> list[Invoice]:
    """Return one invoice of each customer."""
    return list({invoice.customer: invoice for invoice in invoices}.values())


def products_in(invoices: Iterable[Invoice]) -> list[InvoiceLine]:
    """Return one line of each product, with a description if any line has one."""
    products: dict[str, InvoiceLine] = {}
    for invoice in invoices:
        for line in invoice.lines:
            known = products.get(line.code)
            if known is None or (line.description and not known.description):
                products[line.code] = line
    return list(products.values())


async def enter_customer(office: Replica, invoice: Invoice) -> None:
    """Make the customer of an invoice."""
    async with office.edit(Customer, customer_id_of(invoice), create=True, label="imported") as customer:
        customer.name = f"Customer {invoice.customer}" if invoice.customer else "Counter sales"
        customer.account = invoice.customer


async def enter_product(office: Replica, line: InvoiceLine) -> None:
    """Make an entry of the catalogue."""
    async with office.edit(Product, product_id_of(line.code), create=True, label="imported") as product:
        product.code = line.code
        product.name = line.description
        product.vendor = vendor_of(line.code)
        product.msrp = line.unit_price
        product.vendor_discount_pct = VENDOR_DISCOUNT_PCT
        product.margin_pct = MARGIN_PCT
        product.price_list_version = PRICE_LIST


async def enter_deal(
    replica: Replica, invoice: Invoice, fate: Fate, *, by: str
) -> list[tuple[type[Deal], str]]:
    """Make an invoice a quote, or a sale at once if goods came back; return what was made, newest last."""
    if invoice.is_return:
        sale_id = derive_id("sale", invoice.number, str(invoice.part))
        async with replica.edit(Sale, sale_id, create=True, label="goods came back") as sale:
            _fill(sale, invoice, by)
        await derive_purchase_orders(replica, await replica.get(Sale, sale_id))
        return [(Sale, sale_id)]
    quote_id = derive_id("quote", invoice.number, str(invoice.part))
    async with replica.edit(Quote, quote_id, create=True, label="quoted") as quote:
        _fill(quote, invoice, by)
    if fate.is_presented:
        await present(replica, Quote, quote_id, by=by, how="printed")
    if not fate.is_converted:
        return [(Quote, quote_id)]
    sale = await convert(replica, quote_id, by=by)
    deposit = to_cents(sale.total * fate.deposit_pct / 100)
    if deposit > 0:
        await record_payment(
            replica, sale.customer, deposit, received=invoice.dated, by=by, allocate=[(sale.id, deposit)]
        )
    return [(Quote, quote_id), (Sale, sale.id)]


def _fill(deal: Deal, invoice: Invoice, by: str) -> None:
    deal.customer = Ref(customer_id_of(invoice))
    deal.customer_name = f"Customer {invoice.customer}" if invoice.customer else "Counter sales"
    deal.dated = invoice.dated
    deal.sales_rep = by
    deal.tax = Tax("VAT", Decimal(20)) if invoice.country == HOME else Tax("export")
    for line in invoice.lines:
        deal.lines.add(_line_of(line))


def _line_of(line: InvoiceLine) -> Line:
    price = Price(
        line.unit_price,
        vendor_discount_pct=VENDOR_DISCOUNT_PCT,
        margin_pct=MARGIN_PCT,
        price_list_version=PRICE_LIST,
    )
    return Line(
        item=Item(Ref(product_id_of(line.code)), line.code, vendor_of(line.code)),
        description=line.description,
        quantity=line.quantity,
        price=price,
    )
