"""Exact amounts in minor units."""

from __future__ import annotations

import re
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from functools import total_ordering
from typing import Iterable, List, Sequence, Union

from .errors import CurrencyMismatch, MoneyError

# Minor units per unit, as a power of ten; anything else has two digits.
_DIGITS = {"JPY": 0, "KRW": 0, "TND": 3, "KWD": 3}
_PATTERN = re.compile(r"^(?P<sign>-?)(?P<whole>\d{1,3}(?:,\d{3})+|\d+)(?:\.(?P<part>\d+))?\s*(?P<currency>[A-Za-z]{3})$")

Number = Union[int, Decimal]


def digits_of(currency: str) -> int:
    """Return how many decimal places a currency has."""
    return _DIGITS.get(currency, 2)


def round_half_up(value: Decimal) -> int:
    """Round to a whole number, halves away from zero."""
    return int(value.quantize(Decimal(1), rounding=ROUND_HALF_UP))


@total_ordering
@dataclass(frozen=True)
class Money:
    """An amount of minor units (cents) in a currency."""

    minor: int
    currency: str

    @classmethod
    def parse(cls, text: str) -> "Money":
        """Read ``1,234.50 EUR``."""
        match = _PATTERN.match(text.strip())
        if match is None:
            raise MoneyError(f"not an amount: {text!r}")
        currency = match["currency"].upper()
        digits = digits_of(currency)
        part = match["part"] or ""
        if len(part) > digits:
            raise MoneyError(f"{currency} has {digits} decimal places: {text!r}")
        minor = int(match["whole"].replace(",", "") + part.ljust(digits, "0"))
        return cls(-minor if match["sign"] else minor, currency)

    @classmethod
    def zero(cls, currency: str) -> "Money":
        """Nothing, in a currency."""
        return cls(0, currency)

    @classmethod
    def sum(cls, amounts: Iterable["Money"], currency: str) -> "Money":
        """Add amounts up; the currency is needed for an empty sum."""
        total = cls.zero(currency)
        for amount in amounts:
            total += amount
        return total

    def _same(self, other: "Money") -> None:
        if self.currency != other.currency:
            raise CurrencyMismatch(self.currency, other.currency)

    def __add__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor + other.minor, self.currency)

    def __sub__(self, other: "Money") -> "Money":
        self._same(other)
        return Money(self.minor - other.minor, self.currency)

    def __neg__(self) -> "Money":
        return Money(-self.minor, self.currency)

    def __lt__(self, other: "Money") -> bool:
        self._same(other)
        return self.minor < other.minor

    def __bool__(self) -> bool:
        return self.minor != 0

    def times(self, factor: Number) -> "Money":
        """Multiply and round to the minor unit."""
        return Money(round_half_up(Decimal(self.minor) * factor), self.currency)

    def percent(self, rate: Number) -> "Money":
        """Return so many percent of the amount."""
        return self.times(Decimal(rate) / 100)

    def allocate(self, weights: Sequence[int]) -> List["Money"]:
        """Split by weights without losing a cent; what is left over goes to the first parts."""
        total = sum(weights)
        if total <= 0 or min(weights) < 0:
            raise MoneyError("weights must not be negative and not all zero")
        shares = [abs(self.minor) * weight // total for weight in weights]
        left = abs(self.minor) - sum(shares)
        for at, weight in enumerate(weights):
            if left == 0:
                break
            if weight:
                shares[at] += 1
                left -= 1
        sign = -1 if self.minor < 0 else 1
        return [Money(sign * share, self.currency) for share in shares]

    def __str__(self) -> str:
        digits = digits_of(self.currency)
        sign = "-" if self.minor < 0 else ""
        whole, part = divmod(self.minor, 10 ** digits)
        fraction = f".{part:0{digits}d}" if digits else ""
        return f"{sign}{whole:,}{fraction} {self.currency}"
