import pytest

from waybill import Parcel, Point, Stop, Tariff, Vehicle, Window, Zone, ZoneMap

BERLIN = Point(52.52, 13.405)
PARIS = Point(48.8566, 2.3522)


@pytest.fixture
def depot():
    return Point(0, 0)


@pytest.fixture
def make_stop():
    def make(name, lat=0.0, lon=0.0, kg=1.0, window=None, parcels=1, **options):
        items = [Parcel(f"{name}{at}", round(kg * 1000 / parcels)) for at in range(parcels)]
        return Stop(name, Point(lat, lon), parcels=items, window=Window.parse(window) if window else None, **options)

    return make


@pytest.fixture
def van():
    return Vehicle("van", 100_000, 500.0, speed_kmh=60)


@pytest.fixture
def tariff():
    return Tariff(steps=((1000, 400), (5000, 700), (10000, 1000)), extra_per_kg=50)


@pytest.fixture
def zones(tariff):
    cheap = Tariff(steps=((5000, 300),), extra_per_kg=10)
    square = (Point(10, 10), Point(10, 20), Point(20, 20), Point(20, 10))
    return ZoneMap(
        [
            Zone("city", cheap, prefixes=("101", "102")),
            Zone("region", tariff, prefixes=("1",)),
            Zone("island", tariff, corners=square),
        ]
    )
