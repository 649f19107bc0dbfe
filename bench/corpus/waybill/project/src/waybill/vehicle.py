"""What carries the parcels."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import List

from .errors import CapacityError
from .stop import Stop


@dataclass
class Vehicle:
    """A vehicle with its limits and what it has on board."""

    name: str
    max_grams: int
    max_litres: float
    speed_kmh: float = 40.0
    _aboard: List[Stop] = field(default_factory=list, repr=False)

    @property
    def grams(self) -> int:
        """The weight on board."""
        return sum(stop.grams for stop in self._aboard)

    @property
    def litres(self) -> float:
        """The volume on board."""
        return sum(stop.litres for stop in self._aboard)

    def fits(self, stop: Stop) -> bool:
        """Tell whether the parcels of a stop still fit."""
        return self.grams + stop.grams <= self.max_grams and self.litres + stop.litres <= self.max_litres

    def load(self, stop: Stop) -> None:
        """Take the parcels of a stop on board."""
        if not self.fits(stop):
            raise CapacityError(f"{stop.name} does not fit into {self.name}")
        self._aboard.append(stop)

    def unload(self, stop: Stop) -> None:
        """Hand the parcels of a stop over."""
        if stop not in self._aboard:
            raise CapacityError(f"{stop.name} is not aboard {self.name}")
        self._aboard.remove(stop)

    def fill(self) -> float:
        """Return how full it is, between 0 and 1, by the tighter limit."""
        return max(self.grams / self.max_grams, self.litres / self.max_litres)

    def minutes_for(self, km: float) -> float:
        """Return how long a distance takes."""
        return km / self.speed_kmh * 60
