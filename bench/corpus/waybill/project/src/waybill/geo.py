"""Points on the globe and what lies between them."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Iterable, List, Sequence

EARTH_RADIUS_KM = 6371.0088
_WINDS = ("N", "NE", "E", "SE", "S", "SW", "W", "NW")


@dataclass(frozen=True, order=True)
class Point:
    """Latitude and longitude in degrees."""

    lat: float
    lon: float

    def __post_init__(self) -> None:
        if not -90 <= self.lat <= 90:
            raise ValueError(f"latitude {self.lat} is out of range")
        # 190 degrees east is 170 degrees west.
        object.__setattr__(self, "lon", normalise_lon(self.lon))

    @classmethod
    def parse(cls, text: str) -> "Point":
        """Read ``52.52, 13.40`` or ``52.52 N 13.40 W``."""
        words = text.upper().replace(",", " ").split()
        numbers: List[float] = []
        for word in words:
            if word in ("S", "W"):
                numbers[-1] = -numbers[-1]
            elif word not in ("N", "E"):
                numbers.append(float(word))
        if len(numbers) != 2:
            raise ValueError(f"{text!r} is not a point")
        return cls(numbers[0], numbers[1])


def normalise_lon(lon: float) -> float:
    """Bring a longitude into -180 (excluded) to 180 (included)."""
    turned = math.fmod(lon, 360.0)
    if turned <= -180:
        turned += 360
    elif turned > 180:
        turned -= 360
    return turned


def distance_km(a: Point, b: Point) -> float:
    """Return the great-circle distance."""
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    d_lat = lat_b - lat_a
    d_lon = math.radians(b.lon - a.lon)
    h = math.sin(d_lat / 2) ** 2 + math.cos(lat_a) * math.cos(lat_b) * math.sin(d_lon / 2) ** 2
    return 2 * EARTH_RADIUS_KM * math.asin(min(1.0, math.sqrt(h)))


def bearing(a: Point, b: Point) -> float:
    """Return the initial course from ``a`` to ``b`` in degrees, 0 is north."""
    lat_a, lat_b = math.radians(a.lat), math.radians(b.lat)
    d_lon = math.radians(b.lon - a.lon)
    y = math.sin(d_lon) * math.cos(lat_b)
    x = math.cos(lat_a) * math.sin(lat_b) - math.sin(lat_a) * math.cos(lat_b) * math.cos(d_lon)
    return (math.degrees(math.atan2(y, x)) + 360) % 360


def compass(degrees: float) -> str:
    """Return the wind's name of a course."""
    return _WINDS[int((degrees + 22.5) // 45) % 8]


def path_km(points: Sequence[Point]) -> float:
    """Return the length of a path."""
    return sum(distance_km(a, b) for a, b in zip(points, points[1:]))


@dataclass(frozen=True)
class BoundingBox:
    """A box of latitudes and longitudes; it may cross the date line."""

    south: float
    west: float
    north: float
    east: float

    @classmethod
    def around(cls, points: Iterable[Point]) -> "BoundingBox":
        """Return the smallest box that does not cross the date line."""
        collected = list(points)
        if not collected:
            raise ValueError("no points")
        lats = [point.lat for point in collected]
        lons = [point.lon for point in collected]
        return cls(min(lats), min(lons), max(lats), max(lons))

    def contains(self, point: Point) -> bool:
        """Tell whether a point is inside or on the edge."""
        if not self.south <= point.lat <= self.north:
            return False
        if self.west <= self.east:
            return self.west <= point.lon <= self.east
        return point.lon >= self.west or point.lon <= self.east


def in_polygon(point: Point, corners: Sequence[Point]) -> bool:
    """Tell whether a point is inside a polygon, by counting how often a ray crosses its edges."""
    inside = False
    for at, a in enumerate(corners):
        b = corners[at - 1]
        if (a.lat > point.lat) != (b.lat > point.lat):
            crossing = a.lon + (point.lat - a.lat) * (b.lon - a.lon) / (b.lat - a.lat)
            if point.lon < crossing:
                inside = not inside
    return inside
