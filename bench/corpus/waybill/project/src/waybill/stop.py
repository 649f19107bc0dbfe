"""Where parcels go."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import List, Optional, Tuple

from .geo import Point
from .window import Window


@dataclass(frozen=True)
class Parcel:
    """Something to deliver; weight in grams, sides in millimetres."""

    code: str
    grams: int
    sides: Tuple[int, int, int] = (300, 200, 100)
    fragile: bool = False

    @property
    def litres(self) -> float:
        """The volume."""
        a, b, c = self.sides
        return a * b * c / 1_000_000

    @property
    def billed_grams(self) -> int:
        """What is charged: the weight, or 200 grams per litre where that is more."""
        return max(self.grams, round(self.litres * 200))


def normalise_postcode(text: str) -> str:
    """Write a postcode without country prefix and spaces, in capitals."""
    cleaned = re.sub(r"\s+", "", text).upper()
    return re.sub(r"^[A-Z]{1,2}-", "", cleaned)


@dataclass
class Stop:
    """An address with its parcels."""

    name: str
    point: Point
    postcode: str = ""
    parcels: List[Parcel] = field(default_factory=list)
    window: Optional[Window] = None
    phone: Optional[str] = None
    service_minutes: float = 3.0

    def __post_init__(self) -> None:
        self.postcode = normalise_postcode(self.postcode)

    @property
    def grams(self) -> int:
        """The weight of all parcels."""
        return sum(parcel.grams for parcel in self.parcels)

    @property
    def litres(self) -> float:
        """The volume of all parcels."""
        return sum(parcel.litres for parcel in self.parcels)

    def stay_minutes(self) -> float:
        """Return how long the delivery takes: half a minute more for each further parcel."""
        return self.service_minutes + 0.5 * max(0, len(self.parcels) - 1)

    def label(self) -> str:
        """Return one line for the driver."""
        parts = [self.name]
        if self.postcode:
            parts.append(self.postcode)
        parts.append(f"{len(self.parcels)} pcs")
        if any(parcel.fragile for parcel in self.parcels):
            parts.append("FRAGILE")
        return ", ".join(parts)


def merge_stops(stops: List[Stop]) -> List[Stop]:
    """Join stops at the same point; the window is what both have in common."""
    merged: List[Stop] = []
    by_point = {}
    for stop in stops:
        known = by_point.get(stop.point)
        if known is None:
            known = Stop(
                stop.name, stop.point, stop.postcode, list(stop.parcels), stop.window, stop.phone, stop.service_minutes
            )
            by_point[stop.point] = known
            merged.append(known)
            continue
        known.parcels.extend(stop.parcels)
        if known.window is None:
            known.window = stop.window
        elif stop.window is not None:
            known.window = known.window.overlap(stop.window) or known.window
    return merged
