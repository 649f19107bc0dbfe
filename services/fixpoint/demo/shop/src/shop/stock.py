"""How many we have, what is reserved, what to reorder."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Mapping

from shop.errors import OutOfStock, ShopError


@dataclass
class Stock:
    _on_hand: Dict[str, int] = field(default_factory=dict)
    _reserved: Dict[str, int] = field(default_factory=dict)

    def receive(self, sku: str, quantity: int) -> None:
        if quantity <= 0:
            raise ShopError("a delivery has at least one piece")
        self._on_hand[sku] = self._on_hand.get(sku, 0) + quantity

    def available(self, sku: str) -> int:
        return self._on_hand.get(sku, 0) - self._reserved.get(sku, 0)

    def reserve(self, wanted: Mapping[str, int]) -> None:
        """Reserve all of `wanted` or nothing."""
        for sku, quantity in wanted.items():
            if quantity > self.available(sku):
                raise OutOfStock(f"only {self.available(sku)} of {sku} left")
        for sku, quantity in wanted.items():
            self._reserved[sku] = self._reserved.get(sku, 0) + quantity

    def ship(self, packed: Mapping[str, int]) -> None:
        """Take reserved pieces out of the warehouse."""
        for sku, quantity in packed.items():
            if quantity > self._reserved.get(sku, 0):
                raise ShopError(f"{sku} was not reserved")
            self._reserved[sku] -= quantity
            self._on_hand[sku] -= quantity

    def levels(self) -> Dict[str, int]:
        return {sku: self.available(sku) for sku in sorted(self._on_hand)}


def to_reorder(levels: Mapping[str, int], reorder_at: int = 5) -> List[str]:
    """The products that are at their reorder level or below it."""
    return [sku for sku, level in levels.items() if level < reorder_at]
