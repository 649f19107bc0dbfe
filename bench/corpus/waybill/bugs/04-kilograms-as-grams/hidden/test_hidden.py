import pytest

from waybill.exchange import read_stops

HEAD = "name,lat,lon,parcel,kg\n"


@pytest.mark.parametrize("kg, grams", [("1", 1000), ("0.25", 250), ("12.3456", 12346), ("0", 0), (" 2.5 ", 2500)])
def test_weight(kg, grams):
    (stop,) = read_stops(HEAD + f"A,1,2,P,{kg}\n")
    assert stop.parcels[0].grams == grams
