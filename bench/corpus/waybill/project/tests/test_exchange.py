import json

import pytest

from waybill import ImportError_, Window
from waybill.exchange import contact_list, read_stops, to_geojson

HEAD = "name,lat,lon,postcode,window,phone,parcel,kg\n"


def test_read():
    stops = read_stops(HEAD + "A,52.5,13.4,D-10115,9-12,,P1,2.5\nB,1,2,,,,P2,1\nA,52.5,13.4,D-10115,9-12,,P3,0.2\n")
    assert [stop.name for stop in stops] == ["A", "B"]
    assert stops[0].grams == 2700
    assert stops[0].postcode == "10115"
    assert stops[0].window == Window.parse("9-12")
    assert stops[1].window is None


@pytest.mark.parametrize(
    "row, message",
    [
        ("A,x,13.4,,,,P1,1", "row 2: not readable"),
        ("A,1,2,,12-9,,P1,1", "row 2: 720 to 540 is not a window"),
        ("A,1,2,,,,P1,heavy", "row 2: not readable"),
        ("A,1", "row 2: not readable"),
    ],
)
def test_read_refuses(row, message):
    with pytest.raises(ImportError_, match=message):
        read_stops(HEAD + row + "\n")


def test_missing_column():
    with pytest.raises(ImportError_, match="no column kg"):
        read_stops("name,lat,lon,parcel\nA,1,2,P\n")


def test_geojson(depot, make_stop):
    data = json.loads(to_geojson(depot, [make_stop("a", 1, 2, window="9-10")]))
    point, line = data["features"]
    assert point["geometry"]["coordinates"] == [2, 1]
    assert point["properties"] == {"name": "a", "position": 1, "grams": 1000, "window": "09:00-10:00"}
    assert line["geometry"]["coordinates"] == [[0, 0], [2, 1], [0, 0]]


def test_contacts(make_stop):
    assert contact_list([make_stop("a", phone="+49 (30) 12-34")]) == ["a: +49301234"]
