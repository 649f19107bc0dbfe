"""Which vehicle goes where, and in which order."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Sequence, Tuple

from .geo import Point, distance_km, path_km
from .stop import Stop, merge_stops
from .vehicle import Vehicle


@dataclass
class Plan:
    """Stops by vehicle, and those that fit nowhere."""

    routes: Dict[str, List[Stop]] = field(default_factory=dict)
    unassigned: List[Stop] = field(default_factory=list)

    def length_km(self, depot: Point) -> float:
        """Return the length of all routes from the depot and back."""
        return sum(tour_km(depot, stops) for stops in self.routes.values())

    def busiest(self) -> Tuple[str, int]:
        """Return the vehicle with the most stops, and how many; the first by name where there are several."""
        name = min(self.routes, key=lambda key: (-len(self.routes[key]), key))
        return name, len(self.routes[name])


def tour_km(depot: Point, stops: Sequence[Stop]) -> float:
    """Return the length of a tour from the depot and back."""
    if not stops:
        return 0.0
    return path_km([depot, *(stop.point for stop in stops), depot])


def nearest_neighbour(depot: Point, stops: Sequence[Stop]) -> List[Stop]:
    """Order stops: always on to the nearest one."""
    left = list(stops)
    route: List[Stop] = []
    place = depot
    while left:
        nearest = min(left, key=lambda stop: distance_km(place, stop.point))
        left.remove(nearest)
        route.append(nearest)
        place = nearest.point
    return route


def two_opt(depot: Point, stops: Sequence[Stop]) -> List[Stop]:
    """Improve a tour by turning parts of it round for as long as that makes it shorter."""
    route = list(stops)
    best = tour_km(depot, route)
    improved = True
    while improved:
        improved = False
        for i in range(len(route) - 1):
            for j in range(i + 2, len(route) + 1):
                candidate = route[:i] + route[i:j][::-1] + route[j:]
                length = tour_km(depot, candidate)
                if length < best - 1e-9:
                    route, best, improved = candidate, length, True
    return route


def plan_routes(depot: Point, stops: Sequence[Stop], vehicles: Sequence[Vehicle]) -> Plan:
    """Fill vehicles with the heaviest stops first, then order each route."""
    plan = Plan(routes={vehicle.name: [] for vehicle in vehicles})
    for stop in sorted(merge_stops(list(stops)), key=lambda stop: (-stop.grams, stop.name)):
        candidates = [vehicle for vehicle in vehicles if vehicle.fits(stop)]
        if not candidates:
            plan.unassigned.append(stop)
            continue
        # The fullest vehicle that still has room, so that others may stay at home.
        chosen = max(candidates, key=lambda vehicle: vehicle.fill())
        chosen.load(stop)
        plan.routes[chosen.name].append(stop)
    for name, route in plan.routes.items():
        plan.routes[name] = two_opt(depot, nearest_neighbour(depot, route))
    return plan
