import pytest

from waybill import BoundingBox, Point, distance_km
from waybill.geo import bearing, compass, in_polygon, normalise_lon, path_km

from .conftest import BERLIN, PARIS


def test_distance():
    assert distance_km(BERLIN, PARIS) == pytest.approx(877.5, abs=1)
    assert distance_km(BERLIN, BERLIN) == 0


def test_distance_over_the_date_line():
    assert distance_km(Point(0, 179.5), Point(0, -179.5)) == pytest.approx(111.2, abs=0.1)


@pytest.mark.parametrize(
    "lon, expected", [(0, 0), (180, 180), (-180, 180), (190, -170), (-190, 170), (540, 180), (725, 5)]
)
def test_normalise_lon(lon, expected):
    assert normalise_lon(lon) == expected


@pytest.mark.parametrize(
    "target, degrees, wind",
    [(Point(1, 0), 0, "N"), (Point(0, 1), 90, "E"), (Point(-1, 0), 180, "S"), (Point(0, -1), 270, "W")],
)
def test_bearing(target, degrees, wind):
    course = bearing(Point(0, 0), target)
    assert course == pytest.approx(degrees)
    assert compass(course) == wind


@pytest.mark.parametrize("degrees, wind", [(22, "N"), (23, "NE"), (337, "NW"), (338, "N"), (359.9, "N")])
def test_compass_edges(degrees, wind):
    assert compass(degrees) == wind


@pytest.mark.parametrize(
    "text, point",
    [
        ("52.52, 13.40", Point(52.52, 13.40)),
        ("52.52N 13.40 E", None),
        ("33.9 S 18.4 E", Point(-33.9, 18.4)),
        ("40.7 n, 74 w", Point(40.7, -74)),
        ("40.7", None),
    ],
)
def test_parse(text, point):
    if point is None:
        with pytest.raises(ValueError):
            Point.parse(text)
    else:
        assert Point.parse(text) == point


def test_latitude_is_checked():
    with pytest.raises(ValueError):
        Point(90.1, 0)


def test_path():
    assert path_km([Point(0, 0), Point(0, 1), Point(0, 0)]) == pytest.approx(2 * 111.195, abs=0.01)
    assert path_km([Point(0, 0)]) == 0


def test_box():
    box = BoundingBox.around([Point(1, 5), Point(3, 2)])
    assert box == BoundingBox(1, 2, 3, 5)
    assert box.contains(Point(1, 5))
    assert not box.contains(Point(0.9, 3))


def test_box_over_the_date_line():
    box = BoundingBox(-10, 170, 10, -170)
    assert box.contains(Point(0, 175))
    assert box.contains(Point(0, -175))
    assert not box.contains(Point(0, 0))


def test_polygon_with_a_dent():
    corners = [Point(0, 0), Point(0, 4), Point(4, 4), Point(1, 2), Point(4, 0)]
    assert in_polygon(Point(0.5, 2), corners)
    assert in_polygon(Point(2, 0.5), corners)
    assert not in_polygon(Point(3, 2), corners)
    assert not in_polygon(Point(2, 5), corners)
