"""The catalogue: products made to measure, what a line of one says, and what it costs.

A line keeps the price it was given, since the customer may have seen it: nothing here changes a line unless
a person asks for that line to be calculated again.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from decimal import Decimal

from crdtsync import Replica
from examples.sales.intake import product_id_of
from examples.sales.model import Item, Line, OptionDefinition, Product, Style
from examples.sales.pricing import ZERO, ChargeMethod, ChargeRate, Price, to_cents

PRICE_LIST = "2024-03"
SQUARE_INCHES_PER_SQFT = 144
SQFT_MIN = Decimal(6)
"""A smaller one costs as much as this."""


STANDARD_CHARGES: Mapping[str, ChargeRate] = {
    "Installation": ChargeRate(ChargeMethod.PER_PIECE, Decimal(25)),
    "Measuring": ChargeRate(ChargeMethod.FLAT, Decimal(75)),
    "Shipping": ChargeRate(ChargeMethod.FLAT, Decimal(49), taxable=True),
    "Rush order": ChargeRate(ChargeMethod.PERCENT, Decimal(10), taxable=True),
    "Other": ChargeRate(ChargeMethod.FLAT, ZERO),
}


@dataclass(frozen=True, slots=True)
class Vendor:
    """A maker of products, and what he leaves us of his list prices."""

    name: str
    discount_pct: Decimal
    margin_pct: Decimal


@dataclass(frozen=True, slots=True)
class Range:
    """What the products of one group have in common."""

    group: str
    styles: tuple[tuple[str, str], ...]
    options: tuple[tuple[str, str, tuple[str, ...]], ...]
    """Name, parent and choices."""


NORTHLIGHT = Vendor("Northlight Shades", Decimal("58.75"), Decimal(50))
HARBOR = Vendor("Harbor Blind Works", Decimal(55), Decimal(48))
ALDER = Vendor("Alder & Reed", Decimal(45), Decimal(42))
VOLTWAY = Vendor("Voltway Motors", Decimal(40), Decimal(35))
IRONSIDE = Vendor("Ironside Hardware", Decimal(42), Decimal(45))

_MOUNT = ("Mount", "", ("Inside", "Outside", "Ceiling"))
_CONTROL = ("Control", "", ("Left", "Right"))
_FABRIC = (
    _MOUNT,
    ("Finish", "", ("Light filtering", "Blackout")),
    (
        "Color",
        "Finish",
        (
            "Light filtering: Linen 214",
            "Light filtering: Oat 220",
            "Light filtering: Mist 231",
            "Blackout: Chalk 310",
            "Blackout: Graphite 318",
            "Blackout: Navy 325",
        ),
    ),
    _CONTROL,
)
_SLATS = (
    _MOUNT,
    ("Finish", "", ("Matte", "Gloss", "Stained")),
    (
        "Color",
        "Finish",
        (
            "Matte: White",
            "Matte: Dove",
            "Gloss: White",
            "Gloss: Cream",
            "Stained: Walnut",
            "Stained: Golden oak",
        ),
    ),
    _CONTROL,
)
_METAL = (("Finish", "", ("Brushed nickel", "Black", "Antique brass")),)

ROLLER = Range("Roller shades", (("Cordless", "0"), ("Continuous loop", "18"), ("Motorized", "265")), _FABRIC)
CELLULAR = Range(
    "Cellular shades",
    (("Cordless", "0"), ("Top down, bottom up", "95"), ("Motorized", "290")),
    _FABRIC,
)
ROMAN = Range("Roman shades", (("Flat", "0"), ("Hobbled", "74"), ("Relaxed", "52")), _FABRIC)
WOOD = Range("Wood blinds", (("2 inch", "0"), ("2 1/2 inch", "34")), _SLATS)
VERTICAL = Range(
    "Vertical blinds", (("Wand", "0"), ("Cord and chain", "22")), (_MOUNT, ("Control", "", ("Left", "Right")))
)
SHUTTER = Range("Shutters", (("2 1/2 inch louver", "0"), ("3 1/2 inch louver", "60")), _SLATS)
DRAPERY = Range("Drapery", (("Pinch pleat", "0"), ("Ripple fold", "88"), ("Grommet", "31")), _FABRIC)
MOTOR = Range("Motors and controls", (("Battery", "0"), ("Hard wired", "45")), ())
HARDWARE = Range("Hardware", (), _METAL)


@dataclass(frozen=True, slots=True)
class Entry:
    """One product as it is entered."""

    range: Range
    vendor: Vendor
    code: str
    name: str
    msrp: str
    per_sqft: str = "0"
    split_key: str = ""


CATALOGUE = (
    Entry(ROLLER, NORTHLIGHT, "NL-R100", "Roller Shade Essential", "148", "9.50"),
    Entry(ROLLER, NORTHLIGHT, "NL-R200", "Roller Shade Classic", "212", "12.40"),
    Entry(ROLLER, NORTHLIGHT, "NL-R300", "Roller Shade Designer", "295", "16.80"),
    Entry(ROLLER, NORTHLIGHT, "NL-R350", "Solar Screen Shade 5 %", "268", "15.20"),
    Entry(ROLLER, NORTHLIGHT, "NL-R360", "Solar Screen Shade 10 %", "259", "14.60"),
    Entry(ROLLER, HARBOR, "HB-Z10", "Zebra Banded Shade", "240", "14.00"),
    Entry(CELLULAR, NORTHLIGHT, "NL-C100", "Cellular Shade Single Cell 3/8", "176", "10.90"),
    Entry(CELLULAR, NORTHLIGHT, "NL-C200", "Cellular Shade Double Cell 3/8", "221", "13.70"),
    Entry(CELLULAR, NORTHLIGHT, "NL-C300", "Cellular Shade Single Cell 3/4", "205", "12.80"),
    Entry(CELLULAR, HARBOR, "HB-C50", "Honeycomb Skylight Shade", "365", "21.00", "skylight"),
    Entry(ROMAN, ALDER, "AR-M10", "Roman Shade Cotton", "318", "19.50"),
    Entry(ROMAN, ALDER, "AR-M20", "Roman Shade Linen", "392", "24.00"),
    Entry(ROMAN, ALDER, "AR-M30", "Roman Shade Silk Blend", "486", "31.50"),
    Entry(ROMAN, ALDER, "AR-W10", "Woven Wood Shade Bamboo", "334", "18.90"),
    Entry(ROMAN, ALDER, "AR-W20", "Woven Wood Shade Jute", "352", "20.10"),
    Entry(WOOD, HARBOR, "HB-W100", "Wood Blind Basswood", "190", "11.60"),
    Entry(WOOD, HARBOR, "HB-W200", "Wood Blind Reclaimed", "264", "15.90"),
    Entry(WOOD, HARBOR, "HB-F100", "Faux Wood Blind Smooth", "124", "7.20"),
    Entry(WOOD, HARBOR, "HB-F200", "Faux Wood Blind Embossed", "136", "7.90"),
    Entry(WOOD, HARBOR, "HB-A100", "Aluminum Blind 1 inch", "88", "4.80"),
    Entry(VERTICAL, HARBOR, "HB-V100", "Vertical Blind Vinyl", "142", "5.60"),
    Entry(VERTICAL, HARBOR, "HB-V200", "Vertical Blind Fabric", "196", "8.30"),
    Entry(VERTICAL, NORTHLIGHT, "NL-P100", "Panel Track Shade", "415", "17.40"),
    Entry(SHUTTER, ALDER, "AR-S100", "Shutter Composite", "420", "29.00", "shutters"),
    Entry(SHUTTER, ALDER, "AR-S200", "Shutter Basswood", "540", "36.50", "shutters"),
    Entry(SHUTTER, ALDER, "AR-S300", "Shutter Arch Top", "980", "44.00", "shutters"),
    Entry(DRAPERY, ALDER, "AR-D100", "Drapery Panel Cotton", "286", "8.80"),
    Entry(DRAPERY, ALDER, "AR-D200", "Drapery Panel Velvet", "412", "12.60"),
    Entry(DRAPERY, ALDER, "AR-D300", "Sheer Panel Voile", "198", "5.40"),
    Entry(DRAPERY, ALDER, "AR-D400", "Valance Upholstered", "265", "6.10"),
    Entry(MOTOR, VOLTWAY, "VW-M15", "Shade Motor 15", "310"),
    Entry(MOTOR, VOLTWAY, "VW-M25", "Shade Motor 25 Quiet", "428"),
    Entry(MOTOR, VOLTWAY, "VW-D40", "Drapery Track Motor 40", "690"),
    Entry(MOTOR, VOLTWAY, "VW-R1", "Remote Control 1 Channel", "64"),
    Entry(MOTOR, VOLTWAY, "VW-R6", "Remote Control 6 Channel", "98"),
    Entry(MOTOR, VOLTWAY, "VW-H1", "Home Hub", "245"),
    Entry(MOTOR, VOLTWAY, "VW-S1", "Solar Charging Panel", "79"),
    Entry(HARDWARE, IRONSIDE, "IS-R10", "Drapery Rod 1 1/8 inch", "86"),
    Entry(HARDWARE, IRONSIDE, "IS-R20", "Traverse Rod", "164"),
    Entry(HARDWARE, IRONSIDE, "IS-B10", "Extension Bracket", "18"),
    Entry(HARDWARE, IRONSIDE, "IS-H10", "Hold Down Bracket Set", "9"),
    Entry(HARDWARE, IRONSIDE, "IS-T10", "Tie Back Holder", "34"),
)


async def stock(replica: Replica) -> int:
    """Enter the products that are missing, and return how many; two who do it while apart enter them once."""
    count = 0
    for entry in CATALOGUE:
        identity = product_id_of(entry.code)
        if await replica.exists(Product, identity):
            continue
        async with replica.edit(Product, identity, create=True, label="catalogue") as product:
            _fill(product, entry)
        count += 1
    return count


def price_of(
    product: Product,
    *,
    style: str = "",
    width: Decimal | None = None,
    height: Decimal | None = None,
    computed_at: datetime | None = None,
) -> Price:
    """Return the price of one piece by the rules of the catalogue.

    A style that is not offered any more adds nothing, and what is not measured yet is as small as can be.
    """
    surcharge = sum((known.surcharge for known in product.styles if known.name == style), ZERO)
    area = SQFT_MIN
    if width is not None and height is not None:
        area = max(SQFT_MIN, width * height / SQUARE_INCHES_PER_SQFT)
    return Price(
        to_cents(product.msrp + surcharge + product.msrp_per_sqft * area),
        vendor_discount_pct=product.vendor_discount_pct,
        margin_pct=product.margin_pct,
        price_list_version=product.price_list_version,
        computed_at=computed_at,
    )


def line_of(product: Product, *, computed_at: datetime | None = None) -> Line:
    """Return a new line of a product, in the first of its styles."""
    style = next((known.name for known in product.styles), "")
    return Line(
        item=Item(product.ref, product.code, product.vendor, product.split_key, style),
        description=product.name,
        price=price_of(product, style=style, computed_at=computed_at),
    )


def recalculated(line: Line, product: Product, *, computed_at: datetime | None = None) -> Price:
    """Return what the catalogue asks for a line now; what was agreed with the customer stays."""
    price = price_of(
        product, style=line.item.style, width=line.width, height=line.height, computed_at=computed_at
    )
    return replace(
        price,
        adjustments=line.price.adjustments,
        customer_discount_pct=line.price.customer_discount_pct,
        taxable=line.price.taxable,
    )


def choices_of(product: Product, line: Line) -> dict[str, tuple[str, ...]]:
    """Return what can be chosen for each option of a line, by the name of the line's field."""
    found = {"style": tuple(style.name for style in product.styles)}
    for option in product.options:
        chosen = str(getattr(line, option.parent.lower(), "")) if option.parent else ""
        found[option.name.lower()] = tuple(_going_with(chosen, option))
    return found


def _going_with(chosen: str, option: OptionDefinition) -> Iterator[str]:
    """Yield the choices that go with what was chosen of the parent; all while nothing was."""
    for choice in option.choices:
        parent, _, own = choice.partition(": ")
        if not option.parent:
            yield choice
        elif chosen in ("", parent):
            yield own


def _fill(product: Product, entry: Entry) -> None:
    product.code = entry.code
    product.name = entry.name
    product.vendor = entry.vendor.name
    product.group = entry.range.group
    product.split_key = entry.split_key
    product.msrp = Decimal(entry.msrp)
    product.msrp_per_sqft = Decimal(entry.per_sqft)
    product.vendor_discount_pct = entry.vendor.discount_pct
    product.margin_pct = entry.vendor.margin_pct
    product.price_list_version = PRICE_LIST
    if not product.styles:  # Somebody may have entered it meanwhile.
        for name, surcharge in entry.range.styles:
            product.styles.add(Style(name=name, surcharge=Decimal(surcharge)), id=_id_of(name))
        for name, parent, choices in entry.range.options:
            product.options.add(OptionDefinition(name=name, parent=parent, choices=choices), id=_id_of(name))


def _id_of(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")
