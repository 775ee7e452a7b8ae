"""What no type checker may accept: each line that says so has one mistake."""

from decimal import Decimal

from crdtsync import (
    Document,
    Entities,
    Entity,
    GrowSet,
    Log,
    Ref,
    Replica,
    Text,
    computed,
    field,
    open_replica,
)


class Customer(Document, kind="customer", shared=True):
    name: str


class Line(Entity):
    product: str
    quantity: int = 1


class Other(Entity):
    product: str


class Quote(Document, kind="quote"):
    customer: Ref[Customer]
    title: str = field(default="", indexed=True)
    lines: Entities[Line]
    notes: Text
    tags: GrowSet[str]
    events: Log[Decimal]

    @computed
    def total(self) -> Decimal:
        return Decimal(0)


async def use(replica: Replica, other: Quote) -> None:
    async with replica.edit(Quote) as quote:
        quote.title = 3  # mistake: a number for a str
        quote.titel = "blinds"  # mistake: no such field
        quote.customer = other.ref  # mistake: a reference to a quote
        quote.customer = "abc"  # mistake: a str for a reference
        quote.total = Decimal(1)  # mistake: a computed property
        quote.notes = "hello"  # mistake: a text is not assigned
        quote.lines = []  # mistake: a list is not assigned
        quote.id = "abc"  # mistake: an id is given
        quote.lines.add(Line(produkt="shade"))  # mistake: no such field
        quote.lines.add(Line(product="shade", quantity="2"))  # mistake: a str for an int
        quote.lines.add(Line(quantity=2))  # mistake: the product is missing
        quote.lines.add(Line("shade"))  # mistake: fields are keywords
        quote.lines.add(Other(product="shade"))  # mistake: another entity
        quote.lines.add({"product": "shade"})  # mistake: a dict
        quote.lines[0].quantity = "3"  # mistake: a str for an int
        quote.lines[0].colour = "red"  # mistake: no such field
        quote.lines[1.5]  # mistake: neither index nor id
        quote.tags.add(3)  # mistake: a number for a str
        quote.events.append("paid")  # mistake: a str for a Decimal
        quote.notes.set(3)  # mistake: a number for a str
    for line in other.lines:
        line.nothing()  # mistake: no such method
    await replica.get(Line, "abc")  # mistake: an entity is no document
    await replica.get(Quote)  # mistake: which one?
    replica.edit(Quote, label=3)  # mistake: a number for a str
    print((await replica.find(Quote))[0].price)  # mistake: no such field
    total: str = other.total  # mistake: a Decimal for a str
    open_replica("x", role="boss")  # mistake: no such role
    open_replica("x", kinds=[Line])  # mistake: an entity is no document
    with replica.edit(Quote):  # mistake: not without async
        pass
    field(policy="newest")  # mistake: no such policy
    print(total)
