"""Who is invoiced."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Optional

_EU = frozenset("AT BE BG CY CZ DE DK EE ES FI FR GR HR HU IE IT LT LU LV MT NL PL PT RO SE SI SK".split())


def normalise_vat_id(text: Optional[str]) -> Optional[str]:
    """Strip spaces, dots and dashes from a VAT id; None when nothing is left."""
    if text is None:
        return None
    cleaned = re.sub(r"[\s.\-]", "", text).upper()
    return cleaned or None


@dataclass(frozen=True)
class Customer:
    """A customer and what matters for taxes."""

    name: str
    country: str
    vat_id: Optional[str] = None
    email: Optional[str] = None
    payment_days: int = 30

    def __post_init__(self) -> None:
        object.__setattr__(self, "country", self.country.strip().upper())
        object.__setattr__(self, "vat_id", normalise_vat_id(self.vat_id))

    @property
    def in_eu(self) -> bool:
        """Whether the customer is in the European Union."""
        return self.country in _EU

    @property
    def is_business(self) -> bool:
        """Whether the customer showed a VAT id of its own country."""
        if self.vat_id is None:
            return False
        # Greece writes EL in front of its numbers.
        prefix = "EL" if self.country == "GR" else self.country
        return self.vat_id.startswith(prefix)

    def salutation(self) -> str:
        """Return how a letter to the customer begins."""
        first = self.name.split(",")[0].strip()
        return f"Dear {first}" if first else "Dear customer"

    def domain(self) -> Optional[str]:
        """Return the domain of the e-mail address."""
        if "@" not in self.email:
            return None
        return self.email.rsplit("@", 1)[1].lower()
