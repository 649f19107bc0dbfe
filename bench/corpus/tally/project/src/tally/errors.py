"""What can go wrong."""


class TallyError(Exception):
    """Base of all errors of this package."""


class MoneyError(TallyError, ValueError):
    """An amount that cannot be read or used."""


class CurrencyMismatch(TallyError):
    """Two amounts in different currencies."""

    def __init__(self, left: str, right: str) -> None:
        super().__init__(f"{left} and {right} do not mix")
        self.left = left
        self.right = right


class InvoiceStateError(TallyError):
    """An invoice cannot do this in its state."""


class UnbalancedEntry(TallyError):
    """Debits and credits differ."""


class UnknownAccount(TallyError):
    """An account that was never opened."""
