from decimal import Decimal

import pytest

from shop.errors import ShopError
from shop.shipping import MAX_GRAMS, parcel_rate, shipping_cost, zone_of


@pytest.mark.parametrize("country, zone", [("DE", "home"), ("fr", "eu"), (" it ", "eu"), ("US", "world")])
def test_zones(country, zone):
    assert zone_of(country) == zone


@pytest.mark.parametrize(
    "zone, grams, rate",
    [
        ("home", 1, "4.50"),
        ("home", 1000, "4.50"),
        ("home", 1001, "5.50"),
        ("eu", 2500, "14.00"),
        ("world", 3000, "32.00"),
    ],
)
def test_every_started_kilogram_counts(zone, grams, rate):
    assert parcel_rate(zone, grams) == Decimal(rate)


def test_parcels_have_a_limit():
    parcel_rate("home", MAX_GRAMS)
    with pytest.raises(ShopError, match="split"):
        parcel_rate("home", MAX_GRAMS + 1)


@pytest.mark.parametrize(
    "due, country, cost",
    [
        ("49.99", "DE", "4.50"),
        ("50.00", "DE", "0.00"),
        ("50.01", "DE", "0.00"),
        ("50.00", "FR", "9.00"),
        ("500.00", "JP", "18.00"),
    ],
)
def test_free_shipping_at_home(due, country, cost):
    assert shipping_cost(Decimal(due), 800, country) == Decimal(cost)
