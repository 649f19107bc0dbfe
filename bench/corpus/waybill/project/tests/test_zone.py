import pytest

from waybill import Parcel, UnknownZone, Zone


@pytest.mark.parametrize(
    "grams, cents", [(1200, 700), (5000, 700), (5001, 1000), (10000, 1000), (10001, 1050), (12000, 1100)]
)
def test_price(tariff, grams, cents):
    assert tariff.price(Parcel("a", grams)) == cents


def test_small_parcel(tariff):
    assert tariff.price(Parcel("a", 1000, (100, 100, 100))) == 400


def test_fragile_costs_more(tariff):
    assert tariff.price(Parcel("a", 5000, fragile=True)) == 840
    assert tariff.price(Parcel("a", 12000, fragile=True)) == 1320


@pytest.mark.parametrize("postcode, name", [("10115", "city"), ("D-10 245", "city"), ("10999", "region")])
def test_longest_prefix(zones, postcode, name):
    assert zones.by_postcode(postcode).name == name


def test_polygon(zones, make_stop):
    assert zones.zone_of(make_stop("a", 15, 15)).name == "island"
    assert zones.zone_of(make_stop("a", 15, 15, postcode="10115")).name == "city"


def test_unknown(zones, make_stop):
    with pytest.raises(UnknownZone, match="far is in no zone"):
        zones.zone_of(make_stop("far", 50, 50))


def test_new_zone_counts_at_once(zones, tariff):
    assert zones.by_postcode("10999").name == "region"
    zones.add(Zone("south", tariff, prefixes=("109",)))
    assert zones.by_postcode("10999").name == "south"


def test_quote(zones, make_stop):
    assert zones.quote(make_stop("a", kg=12, parcels=2, postcode="10115")) == 2 * 310
