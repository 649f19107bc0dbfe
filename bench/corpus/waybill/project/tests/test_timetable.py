import pytest

from waybill import Timetable

# One degree on the equator is 111.195 km.
KM = 1 / 111.195


@pytest.fixture
def tour(depot, van):
    def build(*stops, **options):
        return Timetable(depot, van, stops, **options)

    return build


def test_arrivals(tour, make_stop):
    first, second = tour(make_stop("a", 0, 30 * KM), make_stop("b", 0, 60 * KM)).arrivals()
    assert first.arrive == pytest.approx(510, abs=0.01)
    assert first.depart == pytest.approx(513, abs=0.01)
    assert second.arrive == pytest.approx(543, abs=0.01)


def test_waits_for_window(tour, make_stop):
    (arrival,) = tour(make_stop("a", 0, 30 * KM, window="9-10")).arrivals()
    assert arrival.waiting == pytest.approx(30, abs=0.01)
    assert arrival.begin == 540
    assert arrival.late == 0


def test_late(tour, make_stop):
    table = tour(make_stop("a", 0, 30 * KM, window="7-8:15"), make_stop("b", 0, 30 * KM, window="8-9"))
    assert table.lateness() == pytest.approx(15, abs=0.01)
    assert table.first_late().stop.name == "a"


def test_break(tour, make_stop):
    table = tour(make_stop("a", 0, 200 * KM), make_stop("b", 0, 300 * KM), make_stop("c", 0, 320 * KM))
    first, second, third = table.arrivals()
    assert second.arrive - first.depart == pytest.approx(145, abs=0.1)
    assert third.arrive - second.depart == pytest.approx(20, abs=0.1)


def test_finish(tour, make_stop):
    assert tour().finish() == 480
    assert tour(make_stop("a", 0, 30 * KM)).finish() == pytest.approx(543, abs=0.01)


def test_lines(tour, make_stop):
    table = tour(make_stop("a", 0, 30 * KM, window="9-10"), make_stop("b", 0, 30 * KM, window="8-8:30"))
    assert table.lines() == [
        "08:00 depart van",
        "09:00 a, 1 pcs (wait 30 min)",
        "09:03 b, 1 pcs (late 33 min)",
        "09:36 back",
    ]


def test_not_late(tour, make_stop):
    assert tour(make_stop("a")).first_late() is None
