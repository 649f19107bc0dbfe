import pytest

from waybill import BoundingBox, Point


@pytest.mark.parametrize(
    "lon, inside", [(160, True), (179, True), (180, True), (-179, True), (-150, True), (-149, False), (159, False), (0, False)]
)
def test_fiji(lon, inside):
    assert BoundingBox(-30, 160, 0, -150).contains(Point(-10, lon)) is inside


def test_latitude_counts_there_too():
    assert not BoundingBox(-30, 160, 0, -150).contains(Point(1, 175))


def test_usual_box():
    box = BoundingBox(0, 10, 5, 20)
    assert box.contains(Point(5, 20))
    assert not box.contains(Point(5, 21))
    assert not box.contains(Point(5, 9))
