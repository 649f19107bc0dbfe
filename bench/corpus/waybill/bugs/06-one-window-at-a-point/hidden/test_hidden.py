from waybill import Vehicle, Window, plan_routes
from waybill.stop import merge_stops


def test_first_window_stays(make_stop):
    merged = merge_stops([make_stop("a", window="9-12"), make_stop("b")])
    assert merged[0].window == Window.parse("9-12")
    assert len(merged[0].parcels) == 2


def test_in_any_order(make_stop):
    merged = merge_stops([make_stop("a"), make_stop("b", window="9-12"), make_stop("c"), make_stop("d", window="11-13")])
    assert [stop.window for stop in merged] == [Window.parse("11-12")]


def test_plan(depot, make_stop):
    plan = plan_routes(depot, [make_stop("a", 1, window="9-12"), make_stop("b", 1)], [Vehicle("v", 9000, 99.0)])
    assert [stop.name for stop in plan.routes["v"]] == ["a"]
