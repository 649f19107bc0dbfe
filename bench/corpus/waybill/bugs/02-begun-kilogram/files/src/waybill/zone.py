"""Zones and what a delivery costs in them."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Optional, Sequence, Tuple

from .errors import UnknownZone
from .geo import BoundingBox, Point, in_polygon
from .stop import Parcel, Stop, normalise_postcode


@dataclass(frozen=True)
class Tariff:
    """Prices in cents by billed weight: the first step whose limit is not exceeded."""

    steps: Tuple[Tuple[int, int], ...]
    extra_per_kg: int
    fragile_percent: int = 20

    def price(self, parcel: Parcel) -> int:
        """Return the price of a parcel; above the last step each begun kilogram costs extra."""
        grams = parcel.billed_grams
        cents = None
        for limit, price in self.steps:
            if grams <= limit:
                cents = price
                break
        if cents is None:
            limit, price = self.steps[-1]
            begun = (grams - limit) // 1000
            cents = price + begun * self.extra_per_kg
        if parcel.fragile:
            cents += cents * self.fragile_percent // 100
        return cents


@dataclass
class Zone:
    """An area, by postcode prefixes or by a polygon."""

    name: str
    tariff: Tariff
    prefixes: Tuple[str, ...] = ()
    corners: Sequence[Point] = ()
    _box: Optional[BoundingBox] = field(default=None, repr=False)

    def __post_init__(self) -> None:
        if self.corners:
            self._box = BoundingBox.around(self.corners)

    def covers(self, point: Point) -> bool:
        """Tell whether a point is in the polygon of the zone."""
        if self._box is None or not self._box.contains(point):
            return False
        return in_polygon(point, self.corners)


class ZoneMap:
    """All zones; a longer postcode prefix wins, polygons come after."""

    def __init__(self, zones: Sequence[Zone] = ()) -> None:
        self.zones: List[Zone] = list(zones)
        self._cache: Dict[str, Zone] = {}

    def add(self, zone: Zone) -> None:
        """Add a zone."""
        self.zones.append(zone)
        self._cache.clear()

    def by_postcode(self, postcode: str) -> Optional[Zone]:
        """Return the zone with the longest prefix of a postcode."""
        code = normalise_postcode(postcode)
        if not code:
            return None
        if code in self._cache:
            return self._cache[code]
        best: Optional[Zone] = None
        length = 0
        for zone in self.zones:
            for prefix in zone.prefixes:
                if code.startswith(prefix) and len(prefix) > length:
                    best, length = zone, len(prefix)
        if best is not None:
            self._cache[code] = best
        return best

    def zone_of(self, stop: Stop) -> Zone:
        """Return the zone of a stop."""
        zone = self.by_postcode(stop.postcode)
        if zone is not None:
            return zone
        for candidate in self.zones:
            if candidate.covers(stop.point):
                return candidate
        raise UnknownZone(f"{stop.name} is in no zone")

    def quote(self, stop: Stop) -> int:
        """Return what all parcels of a stop cost, in cents."""
        tariff = self.zone_of(stop).tariff
        return sum(tariff.price(parcel) for parcel in stop.parcels)
