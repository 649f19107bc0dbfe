import pytest

from waybill import Parcel


@pytest.mark.parametrize(
    "grams, cents", [(10000, 1000), (10001, 1050), (10999, 1050), (11000, 1050), (11001, 1100), (20000, 1500)]
)
def test_price(tariff, grams, cents):
    assert tariff.price(Parcel("a", grams)) == cents


def test_fragile(tariff):
    assert tariff.price(Parcel("a", 10500, fragile=True)) == 1260
