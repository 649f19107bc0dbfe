import pytest

from waybill import CapacityError, Vehicle


def test_load_and_unload(van, make_stop):
    stop = make_stop("a", kg=60)
    van.load(stop)
    assert van.grams == 60_000
    assert van.litres == pytest.approx(6)
    van.unload(stop)
    assert van.grams == 0


def test_exactly_full(van, make_stop):
    van.load(make_stop("a", kg=60))
    assert van.fits(make_stop("b", kg=40))
    assert not van.fits(make_stop("b", kg=40.1))


def test_volume_counts(make_stop):
    bike = Vehicle("bike", 100_000, 10.0)
    assert not bike.fits(make_stop("a", parcels=2))


def test_too_much_is_refused(van, make_stop):
    with pytest.raises(CapacityError, match="a does not fit into van"):
        van.load(make_stop("a", kg=101))


def test_not_aboard(van, make_stop):
    with pytest.raises(CapacityError):
        van.unload(make_stop("a"))


def test_fill(van, make_stop):
    van.load(make_stop("a", kg=25))
    assert van.fill() == 0.25


def test_minutes(van):
    assert van.minutes_for(30) == 30
