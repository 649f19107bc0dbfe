"""Plans the tours of a morning."""

from typing import Dict, List

from waybill import Parcel, Point, Stop, Vehicle, Window, plan_routes

DEPOT = Point(52.54, 13.35)


def orders() -> List[Stop]:
    mall = Point(52.5071, 13.3326)
    return [
        Stop("Shoe shop", mall, "10789", [Parcel("S-1", 4200), Parcel("S-2", 3900)], Window.parse("9:30-12")),
        Stop("Cinema", Point(52.5096, 13.3745), "10785", [Parcel("C-1", 800)]),
        Stop("Tea house", mall, "10789", [Parcel("T-1", 1500, fragile=True)]),
    ]


class Dispatcher:
    def __init__(self, fleet: List[Vehicle]) -> None:
        self.fleet = fleet

    def morning(self) -> Dict[str, List[str]]:
        plan = plan_routes(DEPOT, orders(), self.fleet)
        return {name: [stop.label() for stop in route] for name, route in plan.routes.items()}


if __name__ == "__main__":
    print(Dispatcher([Vehicle("van-1", 800_000, 6000.0), Vehicle("bike-2", 60_000, 300.0, 18.0)]).morning())
