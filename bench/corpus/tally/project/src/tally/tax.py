"""Which tax applies, and how much it is."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from typing import Dict, List, Optional, Tuple

from .errors import TallyError
from .money import Money
from .party import Customer


@dataclass(frozen=True)
class TaxRate:
    """A rate in percent, valid from a day on."""

    percent: Decimal
    since: date = date.min
    note: str = ""

    def on_net(self, net: Money) -> Money:
        """Return the tax to be added to a net amount."""
        return net.percent(self.percent)

    def in_gross(self, gross: Money) -> Money:
        """Return the tax that a gross amount contains."""
        return gross.times(self.percent / (100 + self.percent))


ZERO = TaxRate(Decimal(0))
REVERSE_CHARGE = TaxRate(Decimal(0), note="Reverse charge")
EXPORT = TaxRate(Decimal(0), note="Export, not taxable")


@dataclass
class TaxTable:
    """The rates of the countries by category, and who we are."""

    home: str
    _rates: Dict[Tuple[str, str], List[TaxRate]] = field(default_factory=dict)

    def add(self, country: str, percent: str, category: str = "standard", since: Optional[date] = None) -> None:
        """Register a rate; later ones replace earlier ones from their day on."""
        rates = self._rates.setdefault((country.upper(), category), [])
        rates.append(TaxRate(Decimal(percent), since or date.min))
        rates.sort(key=lambda rate: rate.since)

    def lookup(self, country: str, category: str, day: date) -> TaxRate:
        """Return the rate of a country on a day; without one of its own, a category has the standard rate."""
        for wanted in (category, "standard"):
            valid = None
            for rate in self._rates.get((country.upper(), wanted), []):
                if rate.since <= day:
                    valid = rate
            if valid is not None:
                return valid
        raise TallyError(f"no tax rate for {country} on {day}")

    def rate_for(self, customer: Customer, category: str, day: date) -> TaxRate:
        """Return the rate that applies to a customer."""
        if category == "exempt":
            return ZERO
        if customer.country == self.home:
            return self.lookup(self.home, category, day)
        if not customer.in_eu:
            return EXPORT
        if customer.is_business:
            return REVERSE_CHARGE
        return self.lookup(customer.country, category, day)
