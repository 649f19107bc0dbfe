"""Invoices, taxes and a double-entry ledger."""

from .errors import CurrencyMismatch, InvoiceStateError, MoneyError, TallyError, UnbalancedEntry, UnknownAccount
from .invoice import Invoice, Line, Status
from .ledger import Account, Ledger, Posting
from .money import Money
from .numbering import Series
from .party import Customer
from .tax import TaxTable

__all__ = [
    "Account",
    "CurrencyMismatch",
    "Customer",
    "Invoice",
    "InvoiceStateError",
    "Ledger",
    "Line",
    "Money",
    "MoneyError",
    "Posting",
    "Series",
    "Status",
    "TallyError",
    "TaxTable",
    "UnbalancedEntry",
    "UnknownAccount",
]
