import pytest

from waybill import Timetable

KM = 1 / 111.195


def test_breaks_of_a_long_day(depot, van, make_stop):
    stops = [make_stop(str(at), 0, at * 50 * KM, service_minutes=0) for at in range(1, 16)]
    arrivals = list(Timetable(depot, van, stops, start=0).arrivals())
    pauses = []
    before = 0.0
    for arrival in arrivals:
        if arrival.arrive - before > 60:
            pauses.append(arrival.stop.name)
        before = arrival.depart
    assert len(pauses) == 2
    assert pauses[0] == "6"


def test_no_break_on_a_short_day(depot, van, make_stop):
    stops = [make_stop("a", 0, 100 * KM), make_stop("b", 0, 200 * KM)]
    assert list(Timetable(depot, van, stops, start=0).arrivals())[1].arrive == pytest.approx(203, abs=0.1)


def test_break_length(depot, van, make_stop):
    stops = [make_stop("a", 0, 280 * KM)]
    table = Timetable(depot, van, stops, start=0, break_minutes=30)
    assert next(table.arrivals()).arrive == pytest.approx(310, abs=0.1)
