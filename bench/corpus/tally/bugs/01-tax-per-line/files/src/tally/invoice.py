"""Invoices: lines, totals and their life."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from datetime import date, timedelta
from decimal import Decimal
from enum import Enum
from typing import Dict, List, Optional, Tuple

from .errors import InvoiceStateError
from .money import Money
from .numbering import Series
from .party import Customer
from .tax import TaxRate, TaxTable


class Status(Enum):
    """Where an invoice is in its life."""

    DRAFT = "draft"
    OPEN = "open"
    PAID = "paid"
    CANCELLED = "cancelled"


@dataclass(frozen=True)
class Line:
    """One position: quantity times price, less a discount in percent."""

    text: str
    quantity: Decimal
    price: Money
    discount: Decimal = Decimal(0)
    category: str = "standard"

    @property
    def net(self) -> Money:
        """The amount without tax."""
        gross = self.price.times(self.quantity)
        return gross - gross.percent(self.discount)


@dataclass
class Invoice:
    """An invoice to a customer."""

    customer: Customer
    currency: str
    day: date
    lines: List[Line] = field(default_factory=list)
    number: Optional[str] = None
    status: Status = Status.DRAFT
    payments: List[Tuple[date, Money]] = field(default_factory=list)
    references: Optional[str] = None

    def add(self, text: str, price: Money, quantity: "Decimal | int" = 1, **options: object) -> Line:
        """Add a line to a draft."""
        self._require(Status.DRAFT)
        line = Line(text, Decimal(quantity), price, **options)  # type: ignore[arg-type]
        self.lines.append(line)
        return line

    @property
    def net(self) -> Money:
        """The sum of all lines without tax."""
        return Money.sum((line.net for line in self.lines), self.currency)

    def taxes(self, table: TaxTable) -> Dict[TaxRate, Money]:
        """Return the tax by rate; it is rounded once per rate, not per line."""
        totals: Dict[TaxRate, Money] = {}
        for line in self.lines:
            rate = table.rate_for(self.customer, line.category, self.day)
            totals[rate] = totals.get(rate, Money.zero(self.currency)) + rate.on_net(line.net)
        return totals

    def total(self, table: TaxTable) -> Money:
        """Return the amount to pay."""
        return self.net + Money.sum(self.taxes(table).values(), self.currency)

    def paid(self) -> Money:
        """Return what was paid so far."""
        return Money.sum((amount for _, amount in self.payments), self.currency)

    def balance(self, table: TaxTable) -> Money:
        """Return what is still to be paid."""
        if self.status is Status.CANCELLED:
            return Money.zero(self.currency)
        return self.total(table) - self.paid()

    @property
    def due(self) -> date:
        """The last day to pay."""
        return self.day + timedelta(days=self.customer.payment_days)

    def days_overdue(self, today: date) -> int:
        """Return by how many days an open invoice is late."""
        if self.status is not Status.OPEN:
            return 0
        return max(0, (today - self.due).days)

    def issue(self, series: Series) -> str:
        """Give the draft its number and send it off."""
        self._require(Status.DRAFT)
        if not self.lines:
            raise InvoiceStateError("an invoice without lines cannot be issued")
        self.number = series.issue(self.day)
        self.status = Status.OPEN
        return self.number

    def pay(self, day: date, amount: Money, table: TaxTable) -> Money:
        """Record a payment and return what was paid too much."""
        self._require(Status.OPEN)
        self.payments.append((day, amount))
        rest = self.balance(table)
        if rest <= Money.zero(self.currency):
            self.status = Status.PAID
            return -rest
        return Money.zero(self.currency)

    def cancel(self) -> None:
        """Withdraw an open invoice on which nothing was paid."""
        self._require(Status.OPEN)
        if self.payments:
            raise InvoiceStateError(f"{self.number} has payments; write a credit note instead")
        self.status = Status.CANCELLED

    def credit_note(self, day: date) -> "Invoice":
        """Return a draft that takes this invoice back."""
        self._require(Status.OPEN, Status.PAID)
        return Invoice(
            customer=self.customer,
            currency=self.currency,
            day=day,
            lines=[replace(line, price=-line.price) for line in self.lines],
            references=self.number,
        )

    def _require(self, *allowed: Status) -> None:
        if self.status not in allowed:
            names = " or ".join(status.value for status in allowed)
            raise InvoiceStateError(f"{self.number or 'draft'} is {self.status.value}, not {names}")
