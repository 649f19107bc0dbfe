import pytest

from waybill import Plan, Vehicle, plan_routes
from waybill.plan import nearest_neighbour, tour_km, two_opt


def names(stops):
    return [stop.name for stop in stops]


@pytest.fixture
def line(make_stop):
    return [make_stop("c", 0, 3), make_stop("a", 0, 1), make_stop("b", 0, 2)]


def test_nearest_neighbour(depot, line):
    assert names(nearest_neighbour(depot, line)) == ["a", "b", "c"]
    assert len(line) == 3


def test_two_opt_uncrosses(depot, make_stop):
    square = [make_stop("a", 0, 2), make_stop("c", 2, 0), make_stop("b", 2, 2)]
    assert names(two_opt(depot, square)) in (["a", "b", "c"], ["c", "b", "a"])


def test_two_opt_turns_the_end(depot, make_stop):
    stops = [make_stop("a", 0, 1), make_stop("d", 1, 0), make_stop("c", 1, 1)]
    better = two_opt(depot, stops)
    assert tour_km(depot, better) < tour_km(depot, stops)
    assert names(better) == ["a", "c", "d"]


def test_tour_of_nothing(depot):
    assert tour_km(depot, []) == 0


def test_fills_one_vehicle_first(depot, make_stop):
    vehicles = [Vehicle("one", 10_000, 100.0), Vehicle("two", 10_000, 100.0)]
    stops = [make_stop("a", 0, 1, kg=6), make_stop("b", 0, 2, kg=3), make_stop("c", 0, 3, kg=5)]
    plan = plan_routes(depot, stops, vehicles)
    assert names(plan.routes["one"]) == ["a", "b"]
    assert names(plan.routes["two"]) == ["c"]
    assert plan.busiest() == ("one", 2)


def test_too_heavy_is_left(depot, make_stop):
    plan = plan_routes(depot, [make_stop("a", kg=11), make_stop("b", 1, kg=1)], [Vehicle("one", 10_000, 100.0)])
    assert names(plan.unassigned) == ["a"]
    assert names(plan.routes["one"]) == ["b"]


def test_busiest_by_name(make_stop):
    stop = make_stop("a")
    assert Plan(routes={"b": [stop], "a": [stop], "c": []}).busiest() == ("a", 1)


def test_length(depot, make_stop):
    plan = Plan(routes={"one": [make_stop("a", 0, 1)], "two": [make_stop("b", 1, 0)], "three": []})
    assert plan.length_km(depot) == pytest.approx(4 * 111.195, abs=0.1)
