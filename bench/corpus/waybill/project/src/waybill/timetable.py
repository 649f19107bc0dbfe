"""When a vehicle is where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Iterator, List, Optional, Sequence

from .geo import Point, distance_km
from .stop import Stop
from .vehicle import Vehicle
from .window import format_clock


@dataclass(frozen=True)
class Arrival:
    """One stop of a tour, in minutes since midnight."""

    stop: Stop
    arrive: float
    begin: float
    depart: float

    @property
    def waiting(self) -> float:
        """How long the driver waits."""
        return self.begin - self.arrive

    @property
    def late(self) -> float:
        """By how many minutes the customer is served late."""
        return self.stop.window.late_at(self.begin) if self.stop.window else 0


@dataclass
class Timetable:
    """A tour of a vehicle from the depot and back."""

    depot: Point
    vehicle: Vehicle
    stops: Sequence[Stop]
    start: float = 8 * 60
    break_after: float = 4.5 * 60
    break_minutes: float = 45

    def arrivals(self) -> Iterator[Arrival]:
        """Yield the stops in order; after too long on the road there is a break before the next stop."""
        place, clock = self.depot, self.start
        since_break = 0.0
        for stop in self.stops:
            travel = self.vehicle.minutes_for(distance_km(place, stop.point))
            if since_break + travel > self.break_after:
                clock += self.break_minutes
                since_break = 0.0
            arrive = clock + travel
            begin = arrive + (stop.window.wait_from(arrive) if stop.window else 0)
            depart = begin + stop.stay_minutes()
            yield Arrival(stop, arrive, begin, depart)
            since_break += depart - clock
            place, clock = stop.point, depart

    def finish(self) -> float:
        """Return when the vehicle is back at the depot."""
        place, clock = self.depot, self.start
        for arrival in self.arrivals():
            place, clock = arrival.stop.point, arrival.depart
        return clock + self.vehicle.minutes_for(distance_km(place, self.depot))

    def lateness(self) -> float:
        """Return the minutes of delay at all stops together."""
        return sum(arrival.late for arrival in self.arrivals())

    def first_late(self) -> Optional[Arrival]:
        """Return the first stop that is served late."""
        for arrival in self.arrivals():
            if arrival.late > 0:
                return arrival
        return None

    def lines(self) -> List[str]:
        """Write the tour for the driver."""
        result = [f"{format_clock(self.start)} depart {self.vehicle.name}"]
        for arrival in self.arrivals():
            line = f"{format_clock(arrival.begin)} {arrival.stop.label()}"
            if arrival.waiting >= 1:
                line += f" (wait {arrival.waiting:.0f} min)"
            if arrival.late > 0:
                line += f" (late {arrival.late:.0f} min)"
            result.append(line)
        result.append(f"{format_clock(self.finish())} back")
        return result
