"""Databases that somebody has worked with: a catalogue, customers, quotes and sales in every state; and a great many."""

import asyncio
import datetime as dt
import random
import sqlite3
import threading
from collections.abc import Coroutine
from decimal import Decimal
from pathlib import Path

from crdtsync import Ref, Replica, derive_id, open_replica
from examples.sales.deals import convert, derive_purchase_orders, present, record_payment, send_purchase_order
from examples.sales.model import KINDS, Customer, Deal, Item, Line, Product, Quote
from examples.sales.pricing import Price, Tax

CUSTOMERS = (
    ("Harper Fields", "Fields & Daughters Interiors"),
    ("Oluwaseun Adeyemi-Kowalczyk", ""),
    ("Mira Castellanos", "Hotel Bellavista"),
    ("Jonas Lindqvist", ""),
    ("Priya Raghunathan", "Raghunathan Dental Practice"),
    ("Tom O'Brien", ""),
    ("Anneliese Zimmermann-Schwarzenberger", "Kindergarten an der alten Stadtmauer gGmbH"),
    ("Wei Chen", ""),
)
PRODUCTS = (
    ("RS-100", "Roller shade, light filtering", "Sunline", "129.00"),
    ("RS-200", "Roller shade, blackout", "Sunline", "164.00"),
    (
        "HC-310",
        "Honeycomb shade, double cell, cordless lift with top-down bottom-up rail",
        "Sunline",
        "248.00",
    ),
    ("WB-050", "Wood blind 2 inch", "Timberly", "187.50"),
    ("WB-060", "Faux wood blind 2 1/2 inch", "Timberly", "142.00"),
    ("DR-700", "Drapery panel, pinch pleat", "Maison Voile", "312.00"),
    ("SH-900", "Plantation shutter", "Timberly", "520.00"),
)
ROOMS = ("Kitchen", "Living room", "Bedroom", "Study", "Nursery")
DAY = dt.date(2026, 3, 2)
SEED = 4
DEALS = 64


def stock(data: Path, *, deals: int = DEALS) -> None:
    """Fill the office's database before anybody opens it."""
    _apart(_stock(data, deals))


def multiply(data: Path, count: int) -> None:
    """Make a database of a workstation hold so many quotes: copies of the first one, but for what lists show.

    Written past the library, which would take minutes: what is measured is how they are read.
    """
    path = next(path for path in (data.rglob("*")) if path.is_file() and _is_database(path))
    with sqlite3.connect(path) as connection:
        (template,) = connection.execute(
            "SELECT min(n) FROM _documents WHERE kind = 'quote' AND shared"
        ).fetchone()
        (last,) = connection.execute("SELECT max(n) FROM _documents").fetchone()
        table = next(
            name
            for (name,) in connection.execute("SELECT name FROM sqlite_master WHERE type = 'table'")
            if name.endswith("quote") and name.startswith("_")
        )
        connection.execute("CREATE TEMP TABLE made (k INTEGER PRIMARY KEY, customer TEXT)")
        chance = random.Random(SEED)
        connection.executemany(
            "INSERT INTO made VALUES (?, ?)",
            ((k, f"{chance.choice(CUSTOMERS)[0]} {chance.randrange(5_000)}") for k in range(1, count + 1)),
        )
        set_by = {
            "_documents": {
                "n": f"{last} + k",
                "id": "printf('%026d', k)",
                "changed_ms": "changed_ms - k * 1000",
            },
            "_states": {"document": f"{last} + k"},
            table: {
                "document": f"{last} + k",
                "customer_name": "customer",
                "total": "k % 10007",
                "json": "json_set(json, '$.customer_name', customer, '$._references[0]', printf('R9-%06d', k))",
            },
        }
        for name, changed in set_by.items():
            columns = [row[1] for row in connection.execute(f"PRAGMA table_info({name})")]
            found = {column.removeprefix("f_").removeprefix("i_"): column for column in columns}
            values = {found.get(key, key): value for key, value in changed.items()}
            chosen = ", ".join(values.get(column, column) for column in columns)
            key = "n" if name == "_documents" else "document"
            connection.execute(
                f"INSERT INTO {name} ({', '.join(columns)}) SELECT {chosen} FROM {name}, made WHERE {key} = {template}"
            )
        connection.execute(
            f"INSERT INTO _search (rowid, words) SELECT {last} + k, customer || ' R9-' || k FROM made"
        )
    connection.close()


def _is_database(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(15) == b"SQLite format 3"


def _apart(work: "Coroutine[None, None, None]") -> None:
    """Run in a thread: playwright's own loop runs in this one."""
    failures: list[BaseException] = []

    def run() -> None:
        try:
            asyncio.run(work)
        except BaseException as failure:
            failures.append(failure)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    if failures:
        raise failures[0]


async def _stock(data: Path, deals: int) -> None:
    chance = random.Random(SEED)
    data.mkdir(parents=True, exist_ok=True)
    async with open_replica(
        data / "office", name="office", role="office", author="Bob", kinds=KINDS
    ) as office:
        for code, name, vendor, price in PRODUCTS:
            async with office.edit(
                Product, derive_id("product", code), create=True, label="imported"
            ) as product:
                product.code, product.name, product.vendor = code, name, vendor
                product.msrp = Decimal(price)
                product.vendor_discount_pct = product.margin_pct = Decimal(50)
                product.price_list_version = "2026-01"
        for name, company in CUSTOMERS:
            async with office.edit(
                Customer, derive_id("customer", name), create=True, label="new"
            ) as customer:
                customer.name, customer.company = name, company
                customer.account = str(chance.randrange(10_000, 99_999))
                customer.email = f"{name.split()[0].lower()}@example.org"
        for number in range(deals):
            await _deal(office, chance, number)


async def _deal(office: Replica, chance: random.Random, number: int) -> None:
    async with office.edit(Quote, derive_id("quote", str(number)), create=True, label="quoted") as quote:
        _fill(quote, chance, number)
    if number % 4 == 0:
        return
    await present(office, Quote, quote.id, by="Bob", how="printed")
    await office.mark_for_sync(quote.id)
    if number % 4 != 3:
        return
    sale = await convert(office, quote.id, by="Bob")
    deposit = (sale.total / 2).quantize(Decimal(1))
    await record_payment(
        office, sale.customer, deposit, received=DAY, by="Bob", allocate=[(sale.id, deposit)]
    )
    for order in await derive_purchase_orders(office, sale):
        if number % 8 == 3:
            await send_purchase_order(office, order, by="Bob")
        await office.mark_for_sync(order)
    await office.mark_for_sync(sale.id)


def _fill(deal: Deal, chance: random.Random, number: int) -> None:
    name, _ = CUSTOMERS[number % len(CUSTOMERS)]
    deal.customer, deal.customer_name = Ref(derive_id("customer", name)), name
    deal.dated = DAY - dt.timedelta(days=number)
    deal.sales_rep = chance.choice(("Ada", "Bob", "Cleo"))
    deal.terms = chance.choice(("", "half in advance", "30 days"))
    deal.tax = Tax("state", Decimal("8.25"))
    deal.notes.set(
        chance.choice(("", "Call before noon.\nThe dog is friendly.", "Second floor, narrow stairs."))
    )
    for _ in range(1 + number % 5):
        code, title, vendor, price = chance.choice(PRODUCTS)
        deal.lines.add(
            Line(
                item=Item(Ref(derive_id("product", code)), code, vendor),
                description=title,
                room=chance.choice(ROOMS),
                quantity=chance.randrange(1, 6),
                width=Decimal(chance.randrange(200, 900)) / 10,
                height=Decimal(chance.randrange(300, 900)) / 10,
                price=Price(
                    Decimal(price),
                    vendor_discount_pct=Decimal(50),
                    margin_pct=Decimal(50),
                    price_list_version="2026-01",
                ),
            )
        )
