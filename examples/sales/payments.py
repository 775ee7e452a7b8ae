"""What is paid and what is owed: functions over sales and payments, the same on every replica.

People allocate one payment while apart, so its allocations may come to more than it is. None of them is
dropped: in the order in which they were written each gets what is left (provisionally), and the rest is shown
as a problem.
"""

from collections.abc import Iterable
from decimal import Decimal

from crdtsync import LogEntry, Ref, Replica
from examples.sales.model import Allocation, Payment, Release, Sale, Void
from examples.sales.pricing import ZERO

PAYMENTS_PER_PAGE = 500
SALES_PER_PAGE = 500


def is_void(payment: Payment) -> bool:
    """Whether the payment was declared void."""
    return len(payment.voids) > 0


def live_allocations(payment: Payment) -> list[LogEntry[Allocation]]:
    """Return the allocations that hold, oldest first."""
    if is_void(payment):
        return []
    released = {release.allocation for release in payment.releases}
    return [entry for entry in payment.allocations.entries if entry.id not in released]


def honoured(payment: Payment) -> dict[str, Decimal]:
    """Return what each live allocation gets, by the id of its entry."""
    left = payment.amount
    granted: dict[str, Decimal] = {}
    for entry in live_allocations(payment):
        granted[entry.id] = min(entry.value.amount, left)
        left -= granted[entry.id]
    return granted


def over_allocated(payment: Payment) -> Decimal:
    """Return by how much the live allocations exceed the payment; nothing if they do not."""
    allocated = sum((entry.value.amount for entry in live_allocations(payment)), ZERO)
    return max(ZERO, allocated - payment.amount)


def unallocated(payment: Payment) -> Decimal:
    """Return what of the payment is the customer's credit."""
    return ZERO if is_void(payment) else payment.amount - sum(honoured(payment).values(), ZERO)


def credit_balance(payments: Iterable[Payment]) -> Decimal:
    """Return the credit that a customer's payments leave."""
    return sum((unallocated(payment) for payment in payments), ZERO)


def paid(sale: Sale, payments: Iterable[Payment]) -> Decimal:
    """Return what payments hold for a sale, whoever paid."""
    amount = ZERO
    for payment in payments:
        granted = honoured(payment)
        amount += sum(
            (granted[entry.id] for entry in live_allocations(payment) if entry.value.sale == sale.id), ZERO
        )
    return amount


def balance_due(sale: Sale, payments: Iterable[Payment]) -> Decimal:
    """Return what is still owed for a sale; below zero when too much was paid."""
    return sale.total - paid(sale, payments)


async def payments_of(replica: Replica, *customers: str) -> list[Payment]:
    """Return every payment of a customer, or of several."""
    payments: list[Payment] = []
    while page := await replica.find(
        Payment,
        where={"customer__in": sorted(set(customers))},
        order_by="received",
        limit=PAYMENTS_PER_PAGE,
        offset=len(payments),
    ):
        payments.extend(page)
    return payments


async def sales_of(replica: Replica, customer: str) -> list[Sale]:
    """Return every sale of a customer that is here, oldest first."""
    sales: list[Sale] = []
    while page := await replica.find(
        Sale, where={"customer": customer}, order_by="dated", limit=SALES_PER_PAGE, offset=len(sales)
    ):
        sales.extend(page)
    return sales


async def payments_for(replica: Replica, *sales: Sale) -> list[Payment]:
    """Return every payment that may hold something for sales, also of whom they were for before."""
    return await payments_of(replica, *(customer for sale in sales for customer in payers_of(sale)))


def payers_of(sale: Sale) -> set[str]:
    """Return the customers whose payments may hold something for a sale."""
    return {sale.customer, *sale.payers}


async def allocate_credit(
    replica: Replica,
    payment_id: str,
    sale_id: str,
    amount: Decimal,
    *,
    by: str,
    allocation_id: str | None = None,
) -> None:
    """Mean a part of what is left of a payment for a sale. With an id of the caller's, twice is once.

    Raises:
        ValueError: it is more than is left, or not more than nothing.
        DocumentNotFoundError: there is no such payment here.
    """
    async with replica.edit(Payment, payment_id, label="allocated") as payment:
        if allocation_id in {entry.id for entry in payment.allocations.entries}:
            return
        if not ZERO < amount <= unallocated(payment):
            raise ValueError("that is not more than nothing, and at most what is left of the payment")
        payment.allocations.append(Allocation(Ref(sale_id), amount, by), id=allocation_id)


async def release(replica: Replica, payment_id: str, allocation_id: str, *, by: str) -> None:
    """Take back what was allocated: it is the customer's credit again."""
    async with replica.edit(Payment, payment_id, label="released") as payment:
        if allocation_id in {entry.id for entry in live_allocations(payment)}:
            payment.releases.append(Release(allocation_id, by))


async def declare_void(replica: Replica, payment_id: str, *, by: str, reason: str) -> None:
    """Declare that a payment never was. Nothing is deleted; what is right is recorded as another payment."""
    async with replica.edit(Payment, payment_id, label="void") as payment:
        if not is_void(payment):
            payment.voids.append(Void(reason, by))
