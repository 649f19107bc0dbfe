"""Who has to be reminded."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Dict, Iterable, List, Optional

from .invoice import Invoice, Status
from .money import Money
from .tax import TaxTable

# Upper ends of the buckets in days.
BUCKETS = (0, 30, 60, 90)


@dataclass(frozen=True)
class Level:
    """A stage of reminding."""

    after_days: int
    title: str
    fee: Decimal = Decimal(0)


LEVELS = (
    Level(1, "Payment reminder"),
    Level(14, "First dunning letter", Decimal(5)),
    Level(30, "Final notice", Decimal(10)),
)


def level_for(days: int) -> Optional[Level]:
    """Return the highest level that so many days of delay have reached."""
    reached = None
    for level in LEVELS:
        if days >= level.after_days:
            reached = level
    return reached


def bucket_of(days: int) -> str:
    """Return the name of the bucket: ``current``, ``1-30``, … ``over 90``."""
    if days <= 0:
        return "current"
    low = 1
    for high in BUCKETS[1:]:
        if days <= high:
            return f"{low}-{high}"
        low = high + 1
    return f"over {BUCKETS[-1]}"


def ageing(invoices: Iterable[Invoice], table: TaxTable, today: date) -> Dict[str, Money]:
    """Return the open balances by bucket."""
    totals: Dict[str, Money] = {}
    for invoice in invoices:
        if invoice.status is not Status.OPEN:
            continue
        bucket = bucket_of(invoice.days_overdue(today))
        totals[bucket] = totals.get(bucket, Money.zero(invoice.currency)) + invoice.balance(table)
    return totals


def letters(invoices: Iterable[Invoice], table: TaxTable, today: date) -> List[str]:
    """Write one line per customer who is late, with the level of the oldest invoice."""
    late: Dict[str, List[Invoice]] = defaultdict(list)
    for invoice in invoices:
        if level_for(invoice.days_overdue(today)) is not None:
            late[invoice.customer.name].append(invoice)
    lines = []
    for name in sorted(late):
        oldest = max(late[name], key=lambda invoice: invoice.days_overdue(today))
        level = level_for(oldest.days_overdue(today))
        if level is None:
            continue
        total = Money.sum((invoice.balance(table) for invoice in late[name]), oldest.currency)
        fee = Money.parse(f"{level.fee} {oldest.currency}")
        lines.append(f"{oldest.customer.salutation()}: {level.title}, {total + fee}")
    return lines


def by_domain(invoices: Iterable[Invoice]) -> Dict[str, List[str]]:
    """Group the numbers of issued invoices by the mail domain of the customer; without an address they go by post."""
    groups: Dict[str, List[str]] = {}
    for invoice in invoices:
        if invoice.number is None:
            continue
        groups.setdefault(invoice.customer.domain() or "post", []).append(invoice.number)
    return groups
