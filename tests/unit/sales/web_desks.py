"""Workstations for the tests of the sales application's pages: real replicas, and no server."""

import re
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from babel import Locale

from crdtsync import open_replica
from examples.sales.model import KINDS, Customer, Line, Quote
from examples.sales.pricing import Price
from examples.sales.web.app import make_app
from examples.sales.web.desk import Desk
from examples.sales.web.events import Events
from examples.sales.web.forms import Forms
from examples.sales.web.security import TOKEN_HEADER, Protection

TOKEN = "the-token"
BASE = "http://127.0.0.1:8701"


@dataclass
class Seat:
    """A workstation with somebody at it."""

    desk: Desk
    events: Events
    browser: httpx.AsyncClient

    @property
    def replica(self):
        return self.desk.replica

    async def page(self, path, **headers):
        return await self.browser.get(path, headers=headers)

    async def post(self, path, /, **values):
        return await self.browser.post(path, data=values, headers={TOKEN_HEADER: TOKEN, "HX-Request": "true"})

    async def convert(self, quote_id):
        """Press the button of the page that says what will happen."""
        page = (await self.page(f"/quotes/{quote_id}/convert")).text
        shown = dict(re.findall(r'name="(content|total)" value="([^"]*)"', page))
        return await self.post(f"/quotes/{quote_id}/convert", **shown)

    async def quote(self, dated, *, customer_name="Ada's aunt", prices=()):
        async with self.replica.edit(Customer) as customer:
            customer.name = customer_name
        async with self.replica.edit(Quote) as quote:
            quote.customer = customer.ref
            quote.customer_name = customer_name
            quote.dated = dated
            for price in prices:
                quote.lines.add(Line(description="Roller shade", price=Price(price)))
        return quote.id


@asynccontextmanager
async def open_seat(directory, name="R1", *, role="roaming", author="ada", locale="en_US", is_locking=False):
    async with open_replica(
        directory / name, name=name, role=role, author=author, kinds=KINDS, lock_while_numbering=is_locking
    ) as replica:
        desk = Desk(replica, Protection(TOKEN, hosts=("127.0.0.1",)), Forms(Locale.parse(locale)), author)
        desk.is_locking = is_locking
        events = Events(desk)
        transport = httpx.ASGITransport(make_app(desk, events))
        async with httpx.AsyncClient(transport=transport, base_url=BASE) as browser:
            yield Seat(desk, events, browser)
