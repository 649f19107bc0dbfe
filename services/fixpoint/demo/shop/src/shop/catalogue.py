"""Products: look up, search, page."""

from __future__ import annotations

from dataclasses import dataclass, field
from decimal import Decimal
from typing import Dict, Iterable, List, Sequence, Tuple

from shop.errors import NotFound, ShopError


@dataclass(frozen=True)
class Product:
    sku: str
    name: str
    price: Decimal
    weight_grams: int
    tags: Tuple[str, ...] = ()


@dataclass
class Catalogue:
    _products: Dict[str, Product] = field(default_factory=dict)

    @classmethod
    def of(cls, products: Iterable[Product]) -> Catalogue:
        catalogue = cls()
        for product in products:
            catalogue.add(product)
        return catalogue

    def add(self, product: Product) -> None:
        if product.sku in self._products:
            raise ShopError(f"there is already a product {product.sku}")
        self._products[product.sku] = product

    def get(self, sku: str) -> Product:
        try:
            return self._products[sku]
        except KeyError:
            raise NotFound(f"no product {sku}") from None

    def search(self, text: str = "", tag: str = "") -> List[Product]:
        """Products whose name contains `text` and which carry `tag`, by name."""
        wanted = text.strip().lower()
        found = [
            product
            for product in self._products.values()
            if wanted in product.name.lower() and (not tag or tag in product.tags)
        ]
        return sorted(found, key=lambda product: product.name)

    def __len__(self) -> int:
        return len(self._products)


def page(products: Sequence[Product], number: int, size: int = 20) -> List[Product]:
    """The page `number`, counted from 1."""
    if number < 1:
        raise ShopError("pages are counted from 1")
    start = (number - 1) * size
    return list(products[start : start + size])
