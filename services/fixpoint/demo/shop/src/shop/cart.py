"""What a customer wants to buy."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List

from shop.catalogue import Catalogue, Product
from shop.errors import ShopError

MAX_PER_LINE = 99


@dataclass(frozen=True)
class Line:
    product: Product
    quantity: int


@dataclass
class Cart:
    _quantities: Dict[str, int] = field(default_factory=dict)

    def add(self, sku: str, quantity: int = 1) -> None:
        if quantity < 1:
            raise ShopError("add at least one")
        wanted = self._quantities.get(sku, 0) + quantity
        if wanted > MAX_PER_LINE:
            raise ShopError(f"at most {MAX_PER_LINE} of one product")
        self._quantities[sku] = wanted

    def remove(self, sku: str) -> None:
        self._quantities.pop(sku, None)

    def clear(self) -> None:
        self._quantities.clear()

    def quantities(self) -> Dict[str, int]:
        return dict(self._quantities)

    def lines(self, catalogue: Catalogue) -> List[Line]:
        return [Line(catalogue.get(sku), quantity) for sku, quantity in self._quantities.items()]

    def __len__(self) -> int:
        return sum(self._quantities.values())


def weight_of(lines: List[Line]) -> int:
    """Grams."""
    return sum(line.product.weight_grams * line.quantity for line in lines)
