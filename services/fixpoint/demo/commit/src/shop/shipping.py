"""What it costs to send a parcel.

Rates depend on the zone and grow with every started kilogram. Countries that are not listed
belong to the zone "world".
"""

from __future__ import annotations

from decimal import Decimal
from typing import Dict

from shop.errors import ShopError
from shop.money import ZERO, money

ZONES: Dict[str, str] = {
    "DE": "home",
    "AT": "eu",
    "BE": "eu",
    "DK": "eu",
    "ES": "eu",
    "FR": "eu",
    "IT": "eu",
    "NL": "eu",
    "PL": "eu",
    "GB": "world",
    "JP": "world",
    "US": "world",
}

# Zone: first kilogram, every further started kilogram.
RATES: Dict[str, tuple] = {
    "home": (Decimal("4.50"), Decimal("1.00")),
    "eu": (Decimal("9.00"), Decimal("2.50")),
    "world": (Decimal("18.00"), Decimal("7.00")),
}

# Zone: from which amount the parcel is on us. Zones that are not listed always pay.
FREE_SHIPPING_FROM: Dict[str, Decimal] = {
    "home": Decimal("50.00"),
    "eu": Decimal("120.00"),
}
MAX_GRAMS = 30_000


def zone_of(country: str) -> str:
    """The zone of an ISO country code, in any case."""
    return ZONES[country.strip().upper()]


def parcel_rate(zone: str, grams: int) -> Decimal:
    if grams > MAX_GRAMS:
        raise ShopError("too heavy for a parcel, please split the order")
    first, further = RATES[zone]
    started = max(1, -(-grams // 1000))
    return money(first + further * (started - 1))


def ships_free(zone: str, due: Decimal) -> bool:
    """Whether an order of this amount is sent at our expense."""
    threshold = FREE_SHIPPING_FROM.get(zone)
    return threshold is not None and due > threshold


def shipping_cost(due: Decimal, grams: int, country: str) -> Decimal:
    """Free from the zone's `FREE_SHIPPING_FROM` on, else the parcel rate of the zone."""
    zone = zone_of(country)
    if ships_free(zone, due):
        return ZERO
    return parcel_rate(zone, grams)
