"""Stars and texts that customers leave on products."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Dict, List, Sequence

from shop.errors import ShopError


@dataclass(frozen=True)
class Review:
    sku: str
    author: str
    stars: int
    text: str = ""

    def __post_init__(self) -> None:
        if not 1 <= self.stars <= 5:
            raise ShopError("a review has one to five stars")


@dataclass
class Reviews:
    _by_sku: Dict[str, List[Review]] = field(default_factory=dict)

    def add(self, review: Review) -> None:
        mine = self._by_sku.setdefault(review.sku, [])
        if any(known.author == review.author for known in mine):
            raise ShopError("you have already reviewed this product")
        mine.append(review)

    def of(self, sku: str) -> List[Review]:
        return list(self._by_sku.get(sku, []))


def average_stars(reviews: Sequence[Review]) -> float:
    """The mean of all stars, with one decimal."""
    stars = [review.stars for review in reviews]
    return round(sum(stars) / len(stars), 1)


def histogram(reviews: Sequence[Review]) -> Dict[int, int]:
    """How many reviews gave 5, 4, 3, 2 and 1 stars."""
    counts = {stars: 0 for stars in (5, 4, 3, 2, 1)}
    for review in reviews:
        counts[review.stars] += 1
    return counts
