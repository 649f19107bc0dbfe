import pytest

from waybill import Parcel, Window
from waybill.stop import merge_stops, normalise_postcode


def test_billed_weight():
    assert Parcel("a", 500).billed_grams == 1200
    assert Parcel("a", 5000).billed_grams == 5000


@pytest.mark.parametrize("text, expected", [("10115", "10115"), ("d-10 115", "10115"), ("sw1a 1aa", "SW1A1AA"), ("", "")])
def test_postcode(text, expected):
    assert normalise_postcode(text) == expected


def test_stay(make_stop):
    assert make_stop("a").stay_minutes() == 3
    assert make_stop("a", parcels=3).stay_minutes() == 4
    assert make_stop("a", parcels=0 or 1, service_minutes=1).stay_minutes() == 1


def test_label(make_stop):
    stop = make_stop("Miller", postcode="D-10115")
    assert stop.label() == "Miller, 10115, 1 pcs"
    stop.parcels.append(Parcel("glass", 10, fragile=True))
    assert stop.label() == "Miller, 10115, 2 pcs, FRAGILE"


def test_merge(make_stop):
    one, two, three = make_stop("a", window="9-12"), make_stop("b", 1), make_stop("c", window="11-14")
    merged = merge_stops([one, two, three])
    assert [stop.name for stop in merged] == ["a", "b"]
    assert [parcel.code for parcel in merged[0].parcels] == ["a0", "c0"]
    assert merged[0].window == Window.parse("11-12")


def test_merge_leaves_originals_alone(make_stop):
    one, two = make_stop("a"), make_stop("b")
    merge_stops([one, two])
    assert len(one.parcels) == 1


def test_merge_takes_the_only_window(make_stop):
    assert merge_stops([make_stop("a"), make_stop("b", window="9-10")])[0].window == Window.parse("9-10")
