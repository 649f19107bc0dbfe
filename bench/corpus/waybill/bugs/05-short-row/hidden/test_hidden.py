import pytest

from waybill import ImportError_
from waybill.exchange import read_stops

HEAD = "name,lat,lon,parcel,kg\n"


def test_last_column_is_missing():
    with pytest.raises(ImportError_) as caught:
        read_stops(HEAD + "A,1,2,P,1\nB,1,2,Q\n")
    assert caught.value.row == 3


def test_point_is_missing():
    with pytest.raises(ImportError_, match="row 2"):
        read_stops("name,parcel,kg,lat,lon\nA,P,1,5\n")
