"""Where a document stands: a function of the things that happened to it, never stored.

Printing, converting or sending adds a milestone; none is taken away. So two people who do different things to
one document while apart never disagree about its status, and nothing can be stuck in one.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date, datetime
from enum import IntEnum, StrEnum


class MilestoneKind(StrEnum):
    """What can happen to a quote or a sale."""

    PRESENTED = "presented"
    CONVERTED = "converted"
    PO_SENT = "po sent"
    CANCELLED = "cancelled"
    REOPENED = "reopened"
    NOTED = "noted"
    """Something that only a person knows of, such as that the windows were measured; no status follows."""


@dataclass(frozen=True, slots=True)
class Milestone:
    """One thing that happened."""

    kind: MilestoneKind
    by: str
    how: str = ""
    """Printed, previewed or e-mailed; or why it was cancelled; or what was noted."""
    digest: str = ""
    """The content that was shown: what is on the customer's paper can be told from what was merged since."""
    on: date | None = None
    """The day it happened, if a person says so; else it happened when it was recorded."""


class Status(StrEnum):
    """The status of a quote or a sale."""

    QUOTE_PENDING = "quote pending"
    OPEN_QUOTE = "open quote"
    CONVERTED_QUOTE = "converted quote"
    SALE_PENDING = "sale pending"
    OPEN_SALE = "open sale"
    ORDER = "order"
    CANCELLED = "cancelled"


def quote_status(milestones: Iterable[Milestone]) -> Status:
    """Return the status of a quote; its milestones are given oldest first."""
    happened, was_cancelled = _read(milestones)
    if MilestoneKind.CONVERTED in happened:
        return Status.CONVERTED_QUOTE
    if was_cancelled:
        return Status.CANCELLED
    return Status.OPEN_QUOTE if MilestoneKind.PRESENTED in happened else Status.QUOTE_PENDING


def sale_status(milestones: Iterable[Milestone]) -> Status:
    """Return the status of a sale; its milestones are given oldest first."""
    happened, was_cancelled = _read(milestones)
    if was_cancelled:
        return Status.CANCELLED
    if MilestoneKind.PO_SENT in happened:
        return Status.ORDER
    # A quote that was accepted has been shown; a sale that was made directly has not.
    shown = MilestoneKind.PRESENTED in happened or MilestoneKind.CONVERTED in happened
    return Status.OPEN_SALE if shown else Status.SALE_PENDING


def is_cancelled(milestones: Iterable[Milestone]) -> bool:
    """Whether it was cancelled, and not reopened since; milestones are given oldest first."""
    return _read(milestones)[1]


def _read(milestones: Iterable[Milestone]) -> tuple[set[MilestoneKind], bool]:
    happened: set[MilestoneKind] = set()
    was_cancelled = False
    for milestone in milestones:
        happened.add(milestone.kind)
        if milestone.kind in (MilestoneKind.CANCELLED, MilestoneKind.REOPENED):
            # The later one holds: cancelling is no deletion, and can be taken back.
            was_cancelled = milestone.kind is MilestoneKind.CANCELLED
    return happened, was_cancelled


class PurchaseStatus(StrEnum):
    """The status of a purchase order."""

    OPEN = "open"
    SENT = "sent"
    ACCEPTED = "accepted"
    ON_HOLD = "on hold"
    IN_PRODUCTION = "in production"
    SHIPPED = "shipped"


class VendorCode(IntEnum):
    """What a vendor reports of one line of a purchase order."""

    NOT_SENT = 390
    ACCEPTED = 420
    ON_HOLD = 430
    IN_PRODUCTION = 440
    SHIPPED = 460


@dataclass(frozen=True, slots=True)
class VendorReport:
    """A vendor's word on one line."""

    line: str
    code: VendorCode
    at: datetime | None = None


def purchase_status(
    lines: Iterable[str], reports: Iterable[VendorReport], *, is_sent: bool
) -> PurchaseStatus:
    """Return the status of a purchase order from its vendor's reports, given oldest first."""
    newest = {report.line: report.code for report in reports}
    codes = [newest.get(line, VendorCode.NOT_SENT) for line in lines]
    if VendorCode.ON_HOLD in codes:
        return PurchaseStatus.ON_HOLD
    if codes and all(code == VendorCode.SHIPPED for code in codes):
        return PurchaseStatus.SHIPPED
    if codes and all(code >= VendorCode.IN_PRODUCTION for code in codes):
        return PurchaseStatus.IN_PRODUCTION
    if any(code >= VendorCode.ACCEPTED for code in codes):
        return PurchaseStatus.ACCEPTED
    return PurchaseStatus.SENT if is_sent else PurchaseStatus.OPEN
