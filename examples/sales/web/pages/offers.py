"""What the catalogue says of a line by now: that its price is another one, or that it is not offered any more.

The price on a line is the one that its customer saw, until a person recalculates it: this only tells.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace

from crdtsync import Replica
from examples.sales.catalogue import recalculated
from examples.sales.model import Deal, Line, Product
from examples.sales.pricing import unit_price
from examples.sales.status import Status
from examples.sales.web.forms import Forms
from examples.sales.web.isolating import isolated

_AGREED = (Status.CONVERTED_QUOTE, Status.ORDER, Status.CANCELLED)
"""Where what the catalogue asks now changes nothing any more."""


@dataclass(frozen=True, slots=True)
class Warnings:
    """What is told at a line."""

    texts: tuple[str, ...] = ()
    can_recalculate: bool = False
    """Whether its price can be brought up to date."""


async def products_of(replica: Replica, deal: Deal) -> dict[str, Product]:
    """Return the products of all lines, each read once; one that is not here is left out."""
    wanted = dict.fromkeys(line.item.product for line in deal.lines if line.item.product is not None)
    found = [await replica.get_or_none(Product, product) for product in wanted]
    return {product.id: product for product in found if product is not None}


def is_open(deal: Deal) -> bool:
    """Whether what is offered and what it costs still matters."""
    return getattr(deal, "status", "") not in _AGREED


def warnings_of(forms: Forms, deal: Deal, line: Line, product: Product | None) -> Warnings:
    """Return what the catalogue says of a line."""
    if product is None:
        return Warnings()
    texts = list(_not_offered(line, product))
    if deal.price_locked or not (line.price.price_list_version or line.price.computed_at):
        return Warnings(tuple(texts))
    # Set by hand, it is still told when what it was set in place of is another one.
    was, now = unit_price(replace(line.price, base_retail=None)), unit_price(recalculated(line, product))
    if was == now:
        return Warnings(tuple(texts))
    texts.append(f"The catalogue's price was {forms.money_shown(was)}, is now {forms.money_shown(now)}.")
    return Warnings(tuple(texts), can_recalculate=True)


def _not_offered(line: Line, product: Product) -> Iterable[str]:
    if not product.is_active:
        yield f"{isolated(product.name)} is no longer offered."
    elif line.item.style and line.item.style not in [style.name for style in product.styles]:
        yield f"The style {isolated(line.item.style)} is no longer offered."
