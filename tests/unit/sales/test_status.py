"""Where quotes, sales and purchase orders stand, from what happened to them."""

from itertools import permutations

import pytest

from examples.sales.status import (
    Milestone,
    MilestoneKind,
    PurchaseStatus,
    Status,
    VendorCode,
    VendorReport,
    purchase_status,
    quote_status,
    sale_status,
)

PRESENTED = Milestone(MilestoneKind.PRESENTED, "ada", "printed")
CONVERTED = Milestone(MilestoneKind.CONVERTED, "ada")
PO_SENT = Milestone(MilestoneKind.PO_SENT, "bob")
CANCELLED = Milestone(MilestoneKind.CANCELLED, "bob")
REOPENED = Milestone(MilestoneKind.REOPENED, "ada")


@pytest.mark.parametrize(
    ("milestones", "status"),
    [
        ([], Status.QUOTE_PENDING),
        ([PRESENTED], Status.OPEN_QUOTE),
        ([PRESENTED, CANCELLED], Status.CANCELLED),
        ([CANCELLED, REOPENED], Status.QUOTE_PENDING),
        ([CONVERTED], Status.CONVERTED_QUOTE),
        ([CANCELLED, CONVERTED], Status.CONVERTED_QUOTE),
    ],
)
def test_a_quote_stands_where_its_milestones_say(milestones, status):
    assert quote_status(milestones) is status


@pytest.mark.parametrize(
    ("milestones", "status"),
    [
        ([], Status.SALE_PENDING),
        ([PRESENTED], Status.OPEN_SALE),
        ([CONVERTED], Status.OPEN_SALE),
        ([CONVERTED, PO_SENT], Status.ORDER),
        ([PO_SENT, CANCELLED], Status.CANCELLED),
        ([PO_SENT, CANCELLED, REOPENED], Status.ORDER),
    ],
)
def test_a_sale_stands_where_its_milestones_say(milestones, status):
    assert sale_status(milestones) is status


def test_what_two_people_do_apart_gives_one_status_in_either_order():
    happened = [PRESENTED, CONVERTED, PO_SENT, PRESENTED]

    assert {sale_status(order) for order in permutations(happened)} == {Status.ORDER}


@pytest.mark.parametrize(
    ("codes", "status"),
    [
        ([None, None], PurchaseStatus.SENT),
        ([420, None], PurchaseStatus.ACCEPTED),
        ([430, 460], PurchaseStatus.ON_HOLD),
        ([440, 420], PurchaseStatus.ACCEPTED),
        ([440, 440], PurchaseStatus.IN_PRODUCTION),
        ([440, 460], PurchaseStatus.IN_PRODUCTION),
        ([460, 460], PurchaseStatus.SHIPPED),
    ],
)
def test_a_purchase_order_stands_where_its_vendor_says(codes, status):
    reports = [VendorReport(f"l{i}", VendorCode(code)) for i, code in enumerate(codes) if code]

    assert purchase_status(["l0", "l1"], reports, is_sent=True) is status


def test_the_newest_report_of_a_line_holds():
    reports = [VendorReport("l0", VendorCode.ON_HOLD), VendorReport("l0", VendorCode.SHIPPED)]

    assert purchase_status(["l0"], reports, is_sent=True) is PurchaseStatus.SHIPPED


def test_a_purchase_order_nobody_sent_is_open():
    assert purchase_status(["l0"], [], is_sent=False) is PurchaseStatus.OPEN
    assert purchase_status([], [], is_sent=False) is PurchaseStatus.OPEN
